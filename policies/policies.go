// Package policies reads standard operating procedures from YAML and compiles them into the types that the engines run
// on. Reading is strict: an unknown field is an error, and all problems of a folder are reported at once.
package policies

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging/routing"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Set is a folder of policies, compiled.
type Set struct {
	Catalog catalog.Catalog // the systems and the groups that sopd manages
	People  people.Strategy // how persons in tickets are matched with Okta users
	Guards  guard.Limits    // what a plan may do without a person's word
	// DriftTickets is where drift is told as tickets, besides being a finding.
	DriftTickets DriftTickets
	// HoldApprovers are those who may decide about holds: the accounts on sopd's machine, and whose they are. With none
	// named, whoever may run sopd on it.
	HoldApprovers map[string]access.UserID
	Canaries      Canaries                      // zero: none
	Calendars     map[string]*calendar.Calendar // by name
	SOPs          []SOP                         // sorted by name
	// Birthrights is what people get by their profile; empty: nothing.
	Birthrights []birthright.Policy
	// Undo is how long an undone removal keeps the access without a ticket.
	Undo   time.Duration
	Clocks []kpi.Definition // of all procedures
	// Separations keep duties apart, in every procedure by which tickets give access.
	Separations []authority.Separation
	Procedural
	// Routing says whom alerts go to, and which may wait.
	Routing routing.Rules
	// Incident is how incidents are met; nil: sopd does not look after them.
	Incident *Incident
}

// DriftTickets says where tickets are opened for access that nothing speaks for.
type DriftTickets struct {
	Project string // empty: none are opened
	Type    string // the issue type
}

// Canaries are objects that must be there in every complete read; an answer without them is not the truth.
type Canaries struct {
	User   access.UserID  // is a member of Group
	Group  access.GroupID // empty: no canary
	Ticket ticket.Key     // has to be found by every search; empty: no canary
}

// SOP is one procedure, with the part that its kind adds.
type SOP struct {
	Kind       string // one of the constants Kind…
	Name       string // short and stable, such as "access-provisioning"
	Title      string // for people
	Version    string // three numbers
	Effective  time.Time
	NextReview time.Time
	Owner      string   // the role that answers for the text
	Reviewer   string   // the role that reviews it
	RACI       RACI     // who does what
	Controls   []string // of the frameworks that it serves, such as "SOC2:CC6.1"
	Tickets    Tickets  // which tickets it is about
	Rules      authority.Rules
	// Mode and Suspend are a de-provisioning procedure's: how far sopd may go with a leaver's sessions, and whether the
	// account is suspended.
	Mode    catalog.Mode
	Suspend bool
	// Deactivate: the account is deactivated, after everything else.
	Deactivate bool
	// ExpiryWarnings is how long before the end of a provisioned access its ticket is told, the longest first.
	ExpiryWarnings []time.Duration
	// Urgent says which tickets of a revocation procedure wait for nothing else.
	Urgent Urgency
	// Replaces and ForbidOverlap are a role change's: what it takes away, and whether the old has to go before the new comes.
	Replaces      Replaces
	ForbidOverlap bool
	// BreakGlass is an emergency procedure's; nil for all others. Its Rules.Approvals are the review.
	BreakGlass *BreakGlass
}

// RACI says who does a procedure, who answers for it, who is asked and who is told.
type RACI struct {
	Responsible string // does it
	Accountable string // answers for it
	Consulted   string // is asked
	Informed    string // is told
}

// ID returns the procedure's name and version, as records cite it.
func (s SOP) ID() string { return s.Name + "@" + s.Version }

// Tickets says which tickets a procedure is about, and what their statuses mean. Statuses route; they are never a proof.
type Tickets struct {
	Projects     []string // keys of Jira projects
	Types        []string // issue types; empty: any
	RequestTypes []string // JSM request types; empty: any
	Waiting      []string // approval is asked for
	Fulfil       []string // approved: sopd acts when the approval objects agree
	Validate     string   // fulfilled: the requester is asked to validate; empty: close at once
	Validated    []string // the requester has validated
	Close        string   // done
	Review       string   // emergency access is there: it is to be reviewed; empty for other procedures
}

// Match reports whether the ticket is the procedure's.
func (t Tickets) Match(x ticket.Ticket) bool {
	return slices.Contains(t.Projects, x.Project) &&
		(len(t.Types) == 0 || slices.Contains(t.Types, x.Type)) &&
		(len(t.RequestTypes) == 0 || slices.Contains(t.RequestTypes, x.RequestType))
}

// SOP returns the first procedure that the ticket belongs to.
func (s *Set) SOP(t ticket.Ticket) (SOP, bool) {
	i := slices.IndexFunc(s.SOPs, func(p SOP) bool { return p.Tickets.Match(t) })
	if i < 0 {
		return SOP{}, false
	}
	return s.SOPs[i], true
}

// Kind returns the first procedure of the kind.
func (s *Set) Kind(kind string) (SOP, bool) {
	i := slices.IndexFunc(s.SOPs, func(p SOP) bool { return p.Kind == kind })
	if i < 0 {
		return SOP{}, false
	}
	return s.SOPs[i], true
}

// Projects returns the Jira projects that any procedure reads, sorted.
func (s *Set) Projects() []string {
	var projects []string
	for _, p := range s.SOPs {
		projects = append(projects, p.Tickets.Projects...)
	}
	projects = append(projects, s.Procedural.projects()...)
	slices.Sort(projects)
	return slices.Compact(projects)
}

// Fields returns the names of the Jira fields that any procedure reads, sorted.
func (s *Set) Fields() []string {
	var fields []string
	for _, p := range s.SOPs {
		fields = append(fields, p.Rules.Fields.Names()...)
		if p.Urgent.Field != "" {
			fields = append(fields, p.Urgent.Field)
		}
	}
	if s.Incident != nil {
		fields = append(fields, s.Incident.fields()...)
	}
	fields = append(fields, s.Procedural.fields()...)
	slices.Sort(fields)
	return slices.Compact(fields)
}

// Eligible returns the groups whose members may approve something or break the glass, sorted.
func (s *Set) Eligible() []access.GroupID {
	var groups []access.GroupID
	for _, system := range s.Catalog.Systems {
		groups = append(groups, system.Owners.Groups...)
	}
	for _, p := range s.SOPs {
		for _, a := range p.Rules.Approvals {
			groups = append(groups, a.Groups()...)
		}
		if p.BreakGlass != nil {
			groups = append(groups, p.BreakGlass.People.Groups...)
		}
	}
	for _, rule := range s.Separations {
		if rule.Exception != nil {
			groups = append(groups, rule.Exception.Groups()...)
		}
	}
	if s.Incident != nil {
		groups = append(groups, s.Incident.Containment.Authorised.Groups...)
	}
	groups = append(groups, s.Procedural.eligible()...)
	slices.Sort(groups)
	return slices.Compact(groups)
}

// Load reads every .yaml file of the folder and below.
//
// Errors: [*Error] with every problem of every file. With any error the set is nil: half a policy would be another policy.
func Load(folder fs.FS) (*Set, error) {
	c := &compiler{set: &Set{Guards: guard.Defaults(), Undo: defaultUndo, Calendars: map[string]*calendar.Calendar{}}}
	c.read(folder)
	c.compile()
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b Problem) int {
			return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
				strings.Compare(a.Text, b.Text))
		})
		return nil, &Error{Problems: c.problems}
	}
	return c.set, nil
}

// compiler reads files in two rounds: calendars and the catalog first, because procedures refer to them.
type compiler struct {
	set      *Set
	files    []*file
	problems []Problem
	single   map[string]string // kinds that may stand once, and the file they stand in
	given    map[string]string // facts that policies declare, and the procedure that gives them
	later    []func()          // checks that need every file
}

func (c *compiler) read(folder fs.FS) {
	c.single = make(map[string]string)
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if extension := path.Ext(name); entry.IsDir() || extension != ".yaml" && extension != ".yml" {
			return nil
		}
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		if f, ok := parse(name, text, &c.problems); ok {
			c.files = append(c.files, f)
		}
		return nil
	})
	if err != nil {
		c.problems = append(c.problems, Problem{File: ".", Text: fmt.Sprintf("the policy folder cannot be read (%v); set SOPD_POLICY_DIR to a readable folder", cause(err))})
	}
	if len(c.files) == 0 && len(c.problems) == 0 {
		c.problems = append(c.problems, Problem{File: ".", Text: "the policy folder holds no .yaml file; sopd needs at least a Catalog"})
	}
}

// cause leaves out the path of a file error, which says nothing that the file's name does not.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func (c *compiler) compile() {
	rounds := []map[string]func(*file){
		{KindCalendar: c.calendar, KindCatalog: c.catalog},
		{
			KindPeople: c.people, KindGuards: c.guards, KindAccessProvisioning: c.accessProvisioning,
			KindDeprovisioning: c.deprovisioning, KindRevocation: c.revocation, KindRoleChange: c.roleChange,
			KindBreakGlass: c.breakGlass, KindBirthright: c.birthright, KindSeparationOfDuties: c.separationOfDuties,
			KindProcedure: c.proceduralFile, KindRecurringTasks: c.recurringTasks, KindAccessReview: c.accessReview,
			KindWatch: c.watch, KindSOPControl: c.sopControl, KindReports: c.reports,
			KindIncidentResponse: c.incidentResponse, KindRouting: c.routing,
		},
	}
	for _, f := range c.files {
		if rounds[0][f.kind] == nil && rounds[1][f.kind] == nil {
			f.wrong("$.kind", "kind %q is not known; write one of: %s", f.kind, strings.Join([]string{KindCatalog, KindPeople,
				KindGuards, KindCalendar, KindAccessProvisioning, KindDeprovisioning, KindRevocation, KindRoleChange, KindBreakGlass,
				KindBirthright, KindProcedure, KindRecurringTasks, KindAccessReview, KindWatch, KindSOPControl, KindReports, KindSeparationOfDuties,
				KindIncidentResponse, KindRouting}, ", "))
		}
	}
	for _, round := range rounds {
		for _, f := range c.files {
			if compile := round[f.kind]; compile != nil && c.once(f) {
				compile(f)
			}
		}
	}
	for i := range c.set.SOPs {
		if kind := c.set.SOPs[i].Kind; kind == KindAccessProvisioning || kind == KindRoleChange {
			c.set.SOPs[i].Rules.Separations = c.set.Separations
		}
	}
	for _, check := range c.later {
		check()
	}
	slices.SortFunc(c.set.SOPs, func(a, b SOP) int { return strings.Compare(a.Name, b.Name) })
	if len(c.set.Catalog.Systems) == 0 && len(c.problems) == 0 {
		c.problems = append(c.problems, Problem{File: ".", Text: "no Catalog lists a system; write a file of kind Catalog"})
	}
}

// once refuses a second catalog, people or guards file: which of two would hold is not a question to leave open.
func (c *compiler) once(f *file) bool {
	several := []string{KindCalendar, KindRevocation, KindAccessProvisioning, KindRoleChange, KindBreakGlass, KindBirthright,
		KindProcedure, KindRecurringTasks, KindReports, KindWatch, KindAccessReview, KindSeparationOfDuties}
	if slices.Contains(several, f.kind) {
		return true
	}
	if first, taken := c.single[f.kind]; taken {
		f.wrong("$.kind", "is the second %s; the first stands in %s, join them", f.kind, first)
		return false
	}
	c.single[f.kind] = f.name
	return true
}
