package policies

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// Incident is how an organisation meets incidents.
type Incident struct {
	SOP     string // the procedure's name
	ID      string // SOP@version
	Project string // of incidents and reviews
	Type    string // of the tickets that sopd opens for incidents
	// Alerts says which alerts are incidents; nil: all but sopd's own.
	Alerts incident.Condition
	// AlertField is the ticket's field that names an alert; empty: none.
	AlertField string
	// UserDetail and GroupDetail are the details of an alert that name whom it is about; empty: none.
	UserDetail, GroupDetail string
	// AlertLink is where an alert is seen, with {id} for its ID; empty: tickets get no link.
	AlertLink string
	Engine    incident.Policy
	// Teams, and whoever is on call in Schedules, are paged for Sev 1 and 2: at once, or when nobody has taken an alert that
	// pages by itself for as long as After.
	Teams, Schedules []string
	After            time.Duration
	// Remind is how long before an update is due somebody is reminded; 0: nobody is.
	Remind      time.Duration
	Containment Containment
	ReviewType  string // the issue type of reviews
	DueField    string // the field for a review's due date; empty: none
}

// Containment says who may have which playbooks run.
type Containment struct {
	Authorised catalog.People
	// Notes: a note on an alert confirms too. Whoever has a key of the pager's API can write one in anybody's name.
	Notes     bool
	Within    time.Duration // how old a confirmation may be when it is read
	Mode      catalog.Mode  // how far sopd may go with sessions and suspensions
	Playbooks []incident.Playbook
}

// fields returns the names of the Jira fields that incidents and reviews use.
func (i *Incident) fields() []string {
	var all []string
	for _, name := range []string{i.AlertField, i.Engine.Review.RootCause, i.Engine.Review.PolicyUpdates, i.DueField} {
		if name != "" {
			all = append(all, name)
		}
	}
	return all
}

// Cadence returns the clock by which those with a stake are told how an incident stands, and whether there is one.
func (s *Set) Cadence() (kpi.Definition, bool) {
	for _, d := range s.Clocks {
		for _, stop := range d.Stop {
			if s.Incident != nil && d.SOP == s.Incident.SOP && stop == incident.FactUpdated {
				return d, true
			}
		}
	}
	return kpi.Definition{}, false
}

func (c *compiler) incidentResponse(f *file) {
	var in incidentFile
	if !f.decode(&in) {
		return
	}
	p := c.procedure(f, in.SOP)
	c.set.SOPs = append(c.set.SOPs, p)
	i := &Incident{
		SOP: p.Name, ID: p.ID(), AlertField: in.Alerts.Field, UserDetail: in.Alerts.User, GroupDetail: in.Alerts.Group,
		AlertLink: in.Alerts.Link, Teams: in.OnCall.Teams, Schedules: in.OnCall.Schedules, ReviewType: in.Review.Type, DueField: in.Review.Due,
	}
	f.incidentTickets(i, in)
	i.Alerts = f.incidentCondition("$.alerts.when", in.Alerts.When)
	if in.Alerts.Link != "" && !strings.Contains(in.Alerts.Link, "{id}") {
		f.wrong("$.alerts.link", "holds no {id}; write it where the alert's ID belongs")
	}
	i.Engine.Tree = f.severities(in.Severity)
	i.Engine.Statuses = f.milestones(in.Milestones)
	if len(in.OnCall.Teams)+len(in.OnCall.Schedules) == 0 {
		f.wrong("$.onCall.teams", "name the teams that are paged for Sev 1 and 2, or schedules whose on-call people are")
	}
	for n, name := range in.OnCall.Schedules {
		f.required(fmt.Sprintf("$.onCall.schedules[%d]", n), name)
	}
	i.After, i.Remind = f.duration("$.onCall.after", in.OnCall.After, 0), f.duration("$.updates.remind", in.Updates.Remind, 0)
	i.Containment = f.containment(in.Containment)
	i.Engine.Review = c.review(f, in.Review)
	c.set.Incident = i
}

// incidentTickets says where incidents are opened: a project and a type that are the first of those that are read.
func (f *file) incidentTickets(i *Incident, in incidentFile) {
	if len(in.SOP.Tickets.Projects) > 0 {
		i.Project = in.SOP.Tickets.Projects[0]
	}
	if len(in.SOP.Tickets.Types) == 0 {
		f.wrong("$.tickets.types", "name the issue types of incidents; sopd opens the first")
		return
	}
	i.Type = in.SOP.Tickets.Types[0]
	for n, name := range in.SOP.Tickets.Types {
		if name == in.Review.Type {
			f.wrong(fmt.Sprintf("$.tickets.types[%d]", n), "%q is the type of reviews too; a review is not an incident", name)
		}
	}
}

// incidentVariables is what the severity tree and the choice of alerts may look at:
//
//	priority, source, title   of the alerts and the ticket, as text
//	tags, labels              lists of text; tags in small letters
//	details, fields           maps of text: the alerts' details, the ticket's mapped fields
//	ticket                    the ticket's priority and type, as a map of text; empty without a ticket
func incidentVariables() []cel.EnvOption {
	text, texts := cel.MapType(cel.StringType, cel.StringType), cel.ListType(cel.StringType)
	return []cel.EnvOption{
		cel.Variable("priority", cel.StringType), cel.Variable("source", cel.StringType), cel.Variable("title", cel.StringType),
		cel.Variable("tags", texts), cel.Variable("labels", texts), cel.Variable("details", text), cel.Variable("fields", text),
		cel.Variable("ticket", text),
	}
}

// incidentCondition compiles an expression over an incident; nil for none, and for one that is wrong, which is recorded.
func (f *file) incidentCondition(at, expression string) incident.Condition {
	if strings.TrimSpace(expression) == "" {
		return nil
	}
	when, err := compileCondition(expression, incidentInput, incidentVariables()...)
	if err != nil {
		f.wrong(at, "%s", oneLine(err))
		return nil
	}
	return when
}

func incidentInput(v incident.View) map[string]any {
	return map[string]any{
		"priority": v.Priority, "source": v.Source, "title": v.Title, "tags": list(v.Tags), "labels": list(v.Ticket.Labels),
		"details": v.Details, "fields": v.Ticket.Fields,
		"ticket": map[string]string{"priority": v.Ticket.Priority, "type": v.Ticket.Type},
	}
}

func list(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func (f *file) severities(in []branchYAML) incident.Tree {
	if len(in) == 0 {
		f.wrong("$.severity", "write the questions of the severity tree, the first that holds decides")
	}
	words := make([]string, 0, len(incident.Severities()))
	for _, s := range incident.Severities() {
		words = append(words, string(s))
	}
	var tree incident.Tree
	for n, b := range in {
		at := fmt.Sprintf("$.severity[%d]", n)
		f.oneOf(at+".severity", b.Severity, words...)
		f.required(at+".reason", b.Reason)
		last := n == len(in)-1
		switch {
		case b.When == "" && !last:
			f.wrong(at+".when", "holds always, so that what follows is never asked")
		case b.When != "" && last:
			f.wrong(at+".when", "the last question has to hold always: leave when out, or add one that does")
		}
		tree = append(tree, incident.Branch{
			Severity: incident.Severity(b.Severity), Reason: b.Reason, When: f.incidentCondition(at+".when", b.When),
		})
	}
	return tree
}

func (f *file) milestones(in map[string][]string) map[string]incident.Milestone {
	out := map[string]incident.Milestone{}
	var words []string
	for _, m := range incident.Milestones()[1:] {
		words = append(words, string(m))
	}
	for name, statuses := range in {
		f.oneOf("$.milestones."+name, name, words...)
		for n, status := range statuses {
			key := strings.ToLower(status)
			if _, taken := out[key]; taken {
				f.wrong(fmt.Sprintf("$.milestones.%s[%d]", name, n), "status %q stands twice", status)
			}
			out[key] = incident.Milestone(name)
		}
	}
	if len(in[string(incident.Closed)]) == 0 {
		f.wrong("$.milestones.closed", "name the statuses in which an incident is closed")
	}
	return out
}

func (f *file) duration(at, text string, fallback time.Duration) time.Duration {
	if text == "" {
		return fallback
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		f.wrong(at, "is %q; write a time such as 10m or 1h", text)
		return fallback
	}
	return d
}

// defaultWithin is how old a confirmation may be when the policy does not say.
const defaultWithin = time.Hour

func (f *file) containment(in containmentYAML) Containment {
	out := Containment{
		Authorised: f.named("$.containment.authorised", in.Authorised), Notes: in.Notes, Mode: catalog.Mode(in.Mode),
		Within: f.duration("$.containment.within", in.Within, defaultWithin),
	}
	if len(in.Playbooks) == 0 {
		return out
	}
	f.oneOf("$.containment.mode", in.Mode, string(catalog.Observe), string(catalog.Enforce))
	if out.Authorised.Empty() {
		f.wrong("$.containment.authorised", "nobody may confirm a playbook; name users or groups")
	}
	words := make([]string, 0, len(incident.StepKinds()))
	for _, k := range incident.StepKinds() {
		words = append(words, string(k))
	}
	for n, p := range in.Playbooks {
		at := fmt.Sprintf("$.containment.playbooks[%d]", n)
		if !slug.MatchString(p.Name) {
			f.wrong(at+".name", "name is %q; write small letters, digits and hyphens", p.Name)
		}
		if len(p.Steps) == 0 {
			f.wrong(at+".steps", "name at least one step: %s", strings.Join(words, ", "))
		}
		book := incident.Playbook{Name: p.Name}
		for m, step := range p.Steps {
			f.oneOf(fmt.Sprintf("%s.steps[%d]", at, m), step, words...)
			book.Steps = append(book.Steps, incident.StepKind(step))
		}
		for _, other := range out.Playbooks {
			if other.Name == book.Name {
				f.wrong(at+".name", "playbook %q stands twice", book.Name)
			}
		}
		out.Playbooks = append(out.Playbooks, book)
	}
	return out
}

func (c *compiler) review(f *file, in reviewYAML) incident.ReviewPolicy {
	f.required("$.review.type", in.Type)
	f.required("$.review.rootCause", in.RootCause)
	f.required("$.review.policyUpdates", in.PolicyUpdates)
	out := incident.ReviewPolicy{RootCause: in.RootCause, PolicyUpdates: in.PolicyUpdates}
	within, err := kpi.ParseTarget(in.Within)
	if err != nil {
		f.wrong("$.review.within", "is %q; write a whole number and a unit, such as 5bd or 7d", in.Within)
	}
	out.Within = within
	if in.Calendar != "" {
		known, ok := c.set.Calendars[in.Calendar]
		if !ok {
			f.wrong("$.review.calendar", "there is no calendar %q; write a file of kind Calendar, or leave it out", in.Calendar)
		}
		out.Calendar = known
	}
	return out
}
