package draft

import (
	"regexp"
	"slices"
	"time"
)

// kind is how one kind of procedure is drafted. Another kind is another entry of [procedures].
type kind struct {
	Kind, Name, Title string
	request           *regexp.Regexp // what its request types are called
	fields            []slot
	Asks              bool           // the requester is asked whether it works
	Head              string         // what stands before tickets in this kind alone
	tail              string         // what stands behind the first approval: a template over view
	approver          string         // whose approval: "owners", "hr" or "security"
	fulfil            *regexp.Regexp // what the status is called in which sopd acts; nil: approved
	Reviewed          bool           // it waits for a review before it closes
}

// slot is a field that the procedure reads from a ticket.
type slot struct {
	Key      string
	kinds    []string // of fields that can hold it; empty: any
	words    []string // patterns of its name, the surest first
	required bool
	meaning  string
}

// The slots that procedures share.
var (
	beneficiary = slot{"beneficiary", []string{"user"}, []string{"(?i)access for|for whom|on behalf", "(?i)beneficiar|employee|person|user"}, true, "for whom"}
	leaver      = slot{"beneficiary", []string{"user"}, []string{"(?i)leaver|leaving|departing|offboard", "(?i)employee|person|user|for"}, true, "who leaves"}
	systemField = slot{"system", nil, []string{"(?i)^system", "(?i)system|application|service|tool"}, true, "which system"}
	roleField   = slot{"role", nil, []string{"(?i)^role", "(?i)role|entitlement|permission|access level|profile"}, false, "which role"}
	reason      = slot{"justification", nil, []string{"(?i)justif", "(?i)reason|purpose|why|need"}, true, "why"}
	oldSystem   = slot{"oldSystem", nil, []string{"(?i)(old|previous|former|current).*(system|application)"}, true, "which system is given up"}
	oldRole     = slot{"oldRole", nil, []string{"(?i)(old|previous|former|current).*(role|entitlement|permission)"}, false, "which role is given up"}
	until       = slot{"expires", []string{"date", "datetime"}, []string{"(?i)until|expir", "(?i)end"}, false, "until when"}
	lastDay     = slot{"effective", []string{"date", "datetime"}, []string{"(?i)last day|leaving date|termination", "(?i)effective|end|until"}, false, "from when"}
)

// procedures lists the kinds in the order in which request types are given to them: what looks like a revocation is not
// taken for a request of access.
func procedures() []kind {
	return []kind{
		{
			Kind: "Revocation", Name: "access-revocation", Title: "Access revocation", approver: "owners",
			request: regexp.MustCompile(`(?i)revo[ck]|withdraw|remov\w* .*access|access .*remov`),
			fields:  []slot{beneficiary, systemField, roleField},
		},
		{
			Kind: "Deprovisioning", Name: "de-provisioning", Title: "De-provisioning", approver: "hr",
			request: regexp.MustCompile(`(?i)off-?board|leaver|leaving|de-?provision|terminat|departure`),
			fields:  []slot{leaver, lastDay},
			Head:    "mode: observe # observe ends no sessions; enforce does\nsuspend: false\n",
			tail:    leaverClocks,
		},
		{
			Kind: "BreakGlass", Name: "break-glass", Title: "Emergency access", approver: "security", Reviewed: true,
			request: regexp.MustCompile(`(?i)emergency( \w+)* access|access.*emergency|^emergency$|break.?glass|fire.?fight`), fulfil: regexp.MustCompile(`(?i)in use|granted|emergency`),
			fields: []slot{systemField, roleField, reason, until},
			Head:   "maximum: 1h # guess: the longest that anybody should need\nreview: 24h # the default of sopd\n",
			tail:   breakGlassTail,
		},
		{
			Kind: "RoleChange", Name: "role-change", Title: "Change of role", approver: "owners",
			request: regexp.MustCompile(`(?i)role.?change|change of role|mover|transfer|new position`),
			fields:  []slot{beneficiary, systemField, roleField, oldSystem, oldRole, reason},
			Head:    "replaces: named # the ticket names what is given up; all-grants gives up everything that is not approved again\n",
		},
		{
			Kind: "AccessProvisioning", Name: "access-provisioning", Title: "Access provisioning", approver: "owners", Asks: true,
			request: regexp.MustCompile(`(?i)access|entitle|permission`),
			fields:  []slot{beneficiary, systemField, roleField, reason, until},
			tail:    accessTail,
		},
	}
}

// match is a request type with the desk that it is asked for at.
type match struct {
	Project string
	Request
}

// find returns the request types that look like the kind's and like no earlier kind's.
func (k kind) find(desks []Desk) []match {
	var found []match
	for _, desk := range desks {
		for _, r := range desk.Requests {
			if i := slices.IndexFunc(procedures(), func(p kind) bool { return p.request.MatchString(r.Name) }); i >= 0 && procedures()[i].Kind == k.Kind {
				found = append(found, match{desk.Project, r})
			}
		}
	}
	return found
}

// view is a procedure as its template sees it.
type view struct {
	kind
	Day, NextReview string
	Chosen          match
	Others          []match
	Fields          []line
	Waiting, Fulfil []string
	Validate        string
	Validated       []string
	Close           string
	Review          string
	OnCall          []Schedule // who may break the glass
	Risky           []system   // systems of high risk
	Statuses        []string   // all that were seen, for a comment
	Approver        *Group     // for kinds that no owner approves
	Security        *Group
	Expires         bool // the form has a field for it
	Escalate        string
}

// ByOwners reports whether the owners of the system approve.
func (v view) ByOwners() bool { return v.approver == "owners" }

// ApproverRole is what the approval of others is called.
func (v view) ApproverRole() string {
	return map[string]string{"hr": "human-resources", "security": "security-review"}[v.approver]
}

// line is a field of the file with its comment.
type line struct{ Key, Value, Comment string }

func (d *drafter) procedure(k kind, found []match) view {
	v := view{
		kind: k, Day: d.Day(), NextReview: d.site.Day.AddDate(1, 0, 0).Format(time.DateOnly), Chosen: found[0], Others: found[1:],
		Security: d.security, Escalate: d.escalation(),
	}
	switch k.approver {
	case "hr":
		v.Approver = d.hr
	case "security":
		v.Approver, v.OnCall = d.security, d.Schedules()
		v.Risky = slices.DeleteFunc(slices.Clone(d.systems), func(s system) bool { return s.Risk != "high" })
	}
	taken := map[string]bool{}
	for _, s := range k.fields {
		l := s.line(v.Chosen.Fields, taken)
		v.Fields = append(v.Fields, l)
		v.Expires = v.Expires || s.Key == "expires" && l.Value != ""
	}
	v.statuses()
	return v
}

// line finds the field for the slot among those of the form that no other slot has taken.
func (s slot) line(form []Field, taken map[string]bool) line {
	for _, pattern := range s.words {
		word := regexp.MustCompile(pattern)
		for _, f := range form {
			if taken[f.Name] || !word.MatchString(f.Name) || len(s.kinds) > 0 && !slices.Contains(s.kinds, f.Kind) {
				continue
			}
			taken[f.Name] = true
			return line{s.Key, f.Name, "guess: " + s.meaning + ", by its name and type"}
		}
	}
	if s.required {
		return line{s.Key, "", "open: " + s.meaning + "; no field of the form looks like it"}
	}
	return line{s.Key, "", "open: " + s.meaning + "; leave it empty when the form does not ask"}
}

var (
	waitingWords  = regexp.MustCompile(`(?i)(wait|pend|need|await).*approv|approv.*(wait|pend|need)|^in approval$`)
	approvedWords = regexp.MustCompile(`(?i)^approved$|approved|to (be )?(provision|fulfil)|ready`)
	progressWords = regexp.MustCompile(`(?i)in progress|provisioning|fulfil`)
	validateWords = regexp.MustCompile(`(?i)(wait|pend|need|await).*(valid|confirm|customer|verif)|(valid|confirm|verif).*(wait|pend)`)
	reviewWords   = regexp.MustCompile(`(?i)review`)
	validWords    = regexp.MustCompile(`(?i)^(validated|confirmed|verified)$`)
	closeWords    = regexp.MustCompile(`(?i)^(closed|done|resolved|completed)$`)
)

// statuses maps the workflow's statuses to what they mean to sopd.
func (v *view) statuses() {
	open, done := func(s Status) bool { return !s.Done }, func(s Status) bool { return s.Done }
	pick := func(in func(Status) bool, words *regexp.Regexp) (names []string) {
		for _, s := range v.Chosen.Statuses {
			if in(s) && words.MatchString(s.Name) && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
		return names
	}
	for _, s := range v.Chosen.Statuses {
		v.Statuses = append(v.Statuses, s.Name)
	}
	if v.Reviewed {
		if names := pick(open, reviewWords); len(names) > 0 {
			v.Review = names[0]
		}
	} else {
		v.Waiting = pick(open, waitingWords)
	}
	ways := []*regexp.Regexp{approvedWords, progressWords}
	if v.fulfil != nil {
		ways = []*regexp.Regexp{v.fulfil}
	}
	for _, words := range ways {
		if len(v.Fulfil) == 0 {
			v.Fulfil = pick(open, words)
		}
	}
	v.Fulfil = slices.DeleteFunc(v.Fulfil, func(s string) bool { return slices.Contains(v.Waiting, s) })
	if names := pick(done, closeWords); len(names) > 0 {
		v.Close = names[0]
	}
	ask, answered := pick(open, validateWords), pick(open, validWords)
	if v.Asks && len(ask) > 0 && len(answered) > 0 {
		v.Validate, v.Validated = ask[0], answered
	}
}
