// Package authority decides whether a ticket proves what it asks for.
//
// It is a pure function of the ticket, its approval objects, the catalog and the people at that time. A status is never
// taken for an approval, lateness never approves, and whatever cannot be read or resolved counts as no approval.
package authority

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Condition decides whether an approval rule applies to a request. policies compiles CEL into it.
type Condition func(Facts) (bool, error)

// Facts is what a [Condition] may look at.
type Facts struct {
	System      catalog.System
	Role        string
	Beneficiary access.User
	Requester   access.User
	// Duration is how long the access is asked for, from the ticket's creation; 0 for no end.
	Duration time.Duration
}

// Approval is one consent that a policy asks for.
type Approval struct {
	Role   string // such as "system-owner"
	Owners bool   // the system's owners may give it
	People catalog.People
	When   Condition // nil: always
}

// Rules is what a policy asks of a request.
type Rules struct {
	Policy    string // SOP@version
	Fields    Fields
	Approvals []Approval
	// ExpiryRequired lists the risks for which access must end some day.
	ExpiryRequired []catalog.Risk
	// LongestGrant is the longest time an access may be given for, 0 for no limit.
	LongestGrant time.Duration
}

// Outcome is what became of a request.
type Outcome string

// The outcomes. Only Proven entitles to anything.
const (
	Incomplete Outcome = "incomplete" // the ticket does not say what is needed; see Problems
	Waiting    Outcome = "waiting"    // an approval is still pending
	Declined   Outcome = "declined"   // an approver said no
	Unproven   Outcome = "unproven"   // answered, but not by those who may; see Problems
	Proven     Outcome = "proven"     // every required approval is there
)

// Verdict is the judgement on one ticket.
type Verdict struct {
	Outcome Outcome
	// Request is what the ticket asks for; only to be used unless Incomplete.
	Request Request
	// Problems says what is missing or not accepted, in words for the ticket.
	Problems []Problem
	// WaitingFor lists the approval roles that nobody has given yet.
	WaitingFor []string
	// Proofs lists who gave each required approval. Complete only when Proven.
	Proofs []change.Proof
	// Approved is when the last of the proofs was completed.
	Approved time.Time
}

// Judge decides on the ticket at the instant now.
func Judge(t ticket.Ticket, approvals []ticket.Approval, rules Rules, w World) Verdict {
	request, problems := Read(t, rules.Fields, w.Catalog, w.People)
	problems = append(problems, limits(request, rules, w.Now)...)
	if len(problems) > 0 {
		return Verdict{Outcome: Incomplete, Request: request, Problems: problems}
	}
	j := judge{request: request, approvals: approvals, rules: rules, world: w}
	return j.verdict()
}

// World is what a judgement rests on besides the ticket.
type World struct {
	Catalog catalog.Catalog
	People  *people.Directory
	Now     time.Time
}

func limits(r Request, rules Rules, now time.Time) []Problem {
	var problems []Problem
	field := rules.Fields.Expires
	for _, w := range r.Wanted {
		if r.Expires.IsZero() && slices.Contains(rules.ExpiryRequired, w.System.Risk) {
			problems = append(problems, Problem{field, fmt.Sprintf("access to %s has to end some day, write until when", w.System.Name)})
		}
	}
	if !r.Expires.IsZero() && !now.Before(r.Expires) {
		problems = append(problems, Problem{field, "lies in the past"})
	}
	if rules.LongestGrant > 0 && r.Expires.Sub(r.Ticket.Created) > rules.LongestGrant {
		problems = append(problems, Problem{field, "is more than " + length(rules.LongestGrant) + " after the request"})
	}
	return problems
}

// length writes a time in days, a short one in hours.
func length(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/day)
}

// judge looks for one distinct eligible approver for each required approval.
type judge struct {
	request   Request
	approvals []ticket.Approval
	rules     Rules
	world     World

	verdictSoFar Verdict
}

func (j *judge) verdict() Verdict {
	j.verdictSoFar = Verdict{Outcome: Proven, Request: j.request}
	round, declined := lastRound(j.approvals)
	if declined {
		j.verdictSoFar.Outcome = Declined
		return j.verdictSoFar
	}
	j.approvals = round
	for _, w := range j.wanted() {
		j.system(w)
	}
	v := j.verdictSoFar
	switch {
	case len(v.Problems) > 0:
		v.Outcome = Unproven
	case len(v.WaitingFor) > 0:
		v.Outcome = Waiting
	}
	slices.Sort(v.WaitingFor)
	v.WaitingFor = slices.Compact(v.WaitingFor)
	for _, p := range v.Proofs {
		if p.At.After(v.Approved) {
			v.Approved = p.At
		}
	}
	return v
}

// wanted returns the systems to find approvals for. A request without a system, as an offboarding is, needs its approvals
// once.
func (j *judge) wanted() []Wanted {
	if len(j.request.Wanted) == 0 {
		return []Wanted{{}}
	}
	return j.request.Wanted
}

// lastRound returns the approvals that were opened after the newest no, and whether that no is the newest of all. A yes from
// before it does not count: what was declined has to be asked again as a whole, or moving a ticket back and forth would
// bring an old consent to life against the later no.
func lastRound(approvals []ticket.Approval) (round []ticket.Approval, declined bool) {
	ordered := slices.SortedFunc(slices.Values(approvals), func(a, b ticket.Approval) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	for i := len(ordered) - 1; i >= 0; i-- {
		if ordered[i].Decision == ticket.Declined {
			return ordered[i+1:], i == len(ordered)-1
		}
	}
	return ordered, false
}

// system finds the proofs for one system. The same person cannot stand for two roles of it.
func (j *judge) system(w Wanted) {
	required, err := j.required(w)
	if err != nil {
		j.problem("Approval", "the policy's condition could not be evaluated; an administrator has to mend it")
		return
	}
	if len(required) == 0 {
		j.problem("Approval", "the policy asks nobody; access without an approval is never given")
		return
	}
	candidates := make([][]change.Proof, len(required))
	var rejected []Problem
	for i, rule := range required {
		var why []Problem
		candidates[i], why = j.candidates(w, rule)
		rejected = append(rejected, why...)
	}
	proofs, missing := assign(candidates)
	j.verdictSoFar.Proofs = append(j.verdictSoFar.Proofs, proofs...)
	for _, i := range missing {
		why := rejected
		if len(candidates[i]) > 0 {
			taken := fmt.Sprintf("those who approved as %s stand for another approval already; two approvals need two people", required[i].Role)
			why = append(slices.Clone(rejected), Problem{"Approval", taken})
		}
		j.missing(required[i], why)
	}
}

// missing records that a required approval has not been given. While an approval is still pending that is only a reason
// to wait; once all are answered it is a problem, and the people who were turned down are named with the reason.
func (j *judge) missing(rule Approval, rejected []Problem) {
	j.verdictSoFar.WaitingFor = append(j.verdictSoFar.WaitingFor, rule.Role)
	answered := slices.ContainsFunc(j.approvals, func(a ticket.Approval) bool { return a.Decision == ticket.Approved })
	pending := slices.ContainsFunc(j.approvals, func(a ticket.Approval) bool { return a.Decision == ticket.Pending })
	if !answered || pending {
		return
	}
	for _, p := range rejected {
		if !slices.Contains(j.verdictSoFar.Problems, p) {
			j.verdictSoFar.Problems = append(j.verdictSoFar.Problems, p)
		}
	}
	if len(rejected) == 0 {
		j.problem("Approval", "nobody has approved as %s", rule.Role)
	}
}

func (j *judge) problem(field, format string, args ...any) {
	j.verdictSoFar.Problems = append(j.verdictSoFar.Problems, Problem{field, fmt.Sprintf(format, args...)})
}

func (j *judge) required(w Wanted) ([]Approval, error) {
	facts := Facts{
		System: w.System, Role: w.Role.Name,
		Beneficiary: j.request.Beneficiary, Requester: j.request.Requester,
	}
	if !j.request.Expires.IsZero() {
		facts.Duration = j.request.Expires.Sub(j.request.Ticket.Created)
	}
	var required []Approval
	for _, rule := range j.rules.Approvals {
		applies := true
		if rule.When != nil {
			var err error
			if applies, err = rule.When(facts); err != nil {
				return nil, fmt.Errorf("condition of %s: %w", rule.Role, err)
			}
		}
		if applies {
			required = append(required, rule)
		}
	}
	return required, nil
}

// candidates returns everybody whose yes counts for the rule, and why others' does not.
func (j *judge) candidates(w Wanted, rule Approval) (proofs []change.Proof, rejected []Problem) {
	for _, a := range j.approvals {
		if a.Decision != ticket.Approved || a.Completed.IsZero() {
			continue
		}
		for _, approver := range a.Approvers {
			if approver.Decision != ticket.Approved {
				continue
			}
			proof, why := j.proof(w, rule, a, approver)
			if why != "" {
				rejected = append(rejected, Problem{"Approval", why})
				continue
			}
			proofs = append(proofs, proof)
		}
	}
	slices.SortFunc(proofs, func(a, b change.Proof) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.User, b.User), cmp.Compare(a.Approval, b.Approval))
	})
	return proofs, rejected
}

// proof returns the approver's consent as a proof for the rule, or the reason why it is none.
func (j *judge) proof(w Wanted, rule Approval, a ticket.Approval, approver ticket.Approver) (change.Proof, string) {
	user, err := j.world.People.Match(approver.Person)
	switch {
	case err != nil:
		return change.Proof{}, fmt.Sprintf("the approver cannot be matched with an Okta user (%v)", err)
	case !approver.Person.Active || user.Status != access.Active:
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count: the account is not active", approver.Person.Account)
	case user.ID == j.request.Requester.ID || approver.Person.Account == j.request.Ticket.Reporter.Account:
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count: requesters cannot approve their own request", approver.Person.Account)
	case user.ID == j.request.Beneficiary.ID:
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count: nobody can approve access for themselves", approver.Person.Account)
	}
	why, ok := j.eligible(user.ID, w.System, rule)
	if !ok {
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count as %s: not one of those who may give it", approver.Person.Account, rule.Role)
	}
	if edit, ok := j.editedAfter(asOf(a)); ok {
		return change.Proof{}, fmt.Sprintf("%q was changed after the approval, at %s; it has to be approved again",
			edit.Field, edit.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return change.Proof{
		Role: rule.Role, Approval: a.ID, Account: approver.Person.Account, User: user.ID, At: a.Completed, Eligible: why,
	}, ""
}

// asOf returns the instant whose ticket the approvers are known to have agreed to. JSM does not say when each person
// answered: with one answer that was the completion; with several, an early one may have seen the ticket as it was when
// the approval was opened.
//
// Source: vendor-facts, JSM approvals have no per-approver time (Jira Service Management Cloud REST API, ApprovalDTO).
func asOf(a ticket.Approval) time.Time {
	answers := 0
	for _, approver := range a.Approvers {
		if approver.Decision != ticket.Pending {
			answers++
		}
	}
	if answers <= 1 {
		return a.Completed
	}
	return a.Created
}

// editedAfter returns the first change, after the instant, of a field that defines the access.
func (j *judge) editedAfter(since time.Time) (ticket.Edit, bool) {
	names := append(j.rules.Fields.Names(), "reporter")
	for _, e := range j.request.Ticket.History {
		if !e.At.After(since) {
			continue
		}
		if slices.ContainsFunc(names, func(name string) bool { return sameField(name, e.Field) || sameField(name, e.FieldID) }) {
			return e, true
		}
	}
	return ticket.Edit{}, false
}

// sameField reports whether two names are of one field. Histories call Jira's own fields by other names than pages do,
// "duedate" for "Due date" and "Component" for "Component/s", and old versions give no identifier; so only letters and
// digits count, in any case, without the plural. A field that is taken for another voids an approval too many, never one
// too few.
//
// Source: Jira REST API, GET /rest/api/2/issue with expand=changelog: field is the system name of a system field.
func sameField(a, b string) bool {
	return a != "" && (a == b || bare(a) != "" && bare(a) == bare(b))
}

func bare(name string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	return strings.TrimSuffix(letters, "s")
}

func (j *judge) eligible(id access.UserID, system catalog.System, rule Approval) (why string, ok bool) {
	if rule.Owners {
		if why, ok := among(id, system.Owners, j.world.People); ok {
			return "owner of " + system.ID + " " + why, true
		}
	}
	return among(id, rule.People, j.world.People)
}

func among(id access.UserID, named catalog.People, d *people.Directory) (why string, ok bool) {
	if slices.Contains(named.Users, id) {
		return "by name", true
	}
	for _, group := range named.Groups {
		if d.Member(access.Membership{Group: group, User: id}) {
			return "as member of " + string(group), true
		}
	}
	return "", false
}

// assign picks one proof for each list so that no user is picked twice, and returns the positions of lists that got none.
// It finds a complete assignment whenever there is one (Kuhn's augmenting paths; the lists are a handful).
func assign(candidates [][]change.Proof) (proofs []change.Proof, missing []int) {
	holder := make(map[access.UserID]int)
	picked := make(map[int]change.Proof)
	for i := range candidates {
		if !augment(i, candidates, holder, picked, map[access.UserID]bool{}) {
			missing = append(missing, i)
		}
	}
	for i := range candidates {
		if p, ok := picked[i]; ok {
			proofs = append(proofs, p)
		}
	}
	return proofs, missing
}

func augment(i int, candidates [][]change.Proof, holder map[access.UserID]int, picked map[int]change.Proof, tried map[access.UserID]bool) bool {
	for _, p := range candidates[i] {
		if tried[p.User] {
			continue
		}
		tried[p.User] = true
		j, taken := holder[p.User]
		if !taken || augment(j, candidates, holder, picked, tried) {
			holder[p.User], picked[i] = i, p
			return true
		}
	}
	return false
}
