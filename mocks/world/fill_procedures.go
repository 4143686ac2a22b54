package world

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// The projects of the procedures besides access.
const (
	projectChanges = "CHG"
	projectVendors = "VND"
	projectFlaws   = "SEC"
	projectData    = "DSR"
	projectOps     = "OPS"
)

// The request and issue types in them.
const (
	typeChange    = "Change"
	typeEmergency = "Emergency change"
	typeVendor    = "Vendor onboarding"
	typeFlaw      = "Vulnerability"
	typeData      = "Data return"
	typeRestore   = "Restore test"
	typeTask      = "Task"
	typeReview    = "Access review"
	typeSOP       = "SOP review"
)

// The statuses of their workflow.
const (
	StatusOpen     = "Open"
	StatusProgress = "In progress"
	StatusDone     = "Done"
)

// proceduresWorkflow lets people move a ticket wherever they like, as most teams have it; only approval is asked for where
// a ticket is moved to it.
func proceduresWorkflow() jiramock.Workflow {
	return jiramock.Workflow{
		Name: "Procedures", Approvals: approval(),
		Statuses: []jiramock.Status{
			{Name: StatusOpen, Category: jiramock.ToDo}, {Name: StatusWaiting, Category: jiramock.ToDo},
			{Name: StatusApproved, Category: jiramock.InProgress}, {Name: StatusProgress, Category: jiramock.InProgress},
			{Name: StatusDone, Category: jiramock.Done}, {Name: StatusDeclined, Category: jiramock.Done},
		},
		Transitions: []jiramock.Transition{
			{ID: "111", Name: "Ask for approval", To: StatusWaiting}, {ID: "121", Name: "Start", To: StatusProgress},
			{ID: "131", Name: "Finish", To: StatusDone}, {ID: "141", Name: "Reopen", To: StatusOpen},
		},
	}
}

// fillProcedures adds the projects of all procedures but access.
func (w *World) fillProcedures() {
	flow := proceduresWorkflow()
	desk := func(key, name string, types ...string) {
		p := jiramock.Project{Key: key, Name: name, Workflow: flow}
		for _, t := range types {
			p.RequestTypes = append(p.RequestTypes, jiramock.RequestType{Name: t, IssueType: t})
		}
		w.Jira.AddProject(p)
	}
	desk(projectChanges, "Changes", typeChange, typeEmergency)
	desk(projectVendors, "Vendors", typeVendor, "Vendor reassessment")
	desk(projectData, "Data requests", typeData)
	w.Jira.AddProject(jiramock.Project{Key: projectFlaws, Name: "Vulnerabilities", Workflow: flow, IssueTypes: []string{typeFlaw}})
	w.Jira.AddProject(jiramock.Project{
		Key: projectOps, Name: "Operations", Workflow: flow, IssueTypes: []string{typeTask, typeRestore, typeReview, typeSOP},
	})
	for _, name := range []string{
		"Questionnaire", "Data classification", "Security review", "Penetration test", "Data processing agreement", "Register entry",
		"Retrospective", "Fix", "Identity check", "Delivery", "Confirmation",
	} {
		w.Jira.AddField(name, jiramock.Text)
	}
	w.Jira.AddField("Severity", jiramock.Select, "Critical", "High", "Medium", "Low")
	w.Jira.AddField("Vendor risk", jiramock.Select, "High", "Standard")
	for _, name := range []string{"Recovery time (h)", "Data loss (h)"} {
		w.Jira.AddField(name, jiramock.Number)
	}
	for _, name := range []string{"Change start", "Change end"} {
		w.Jira.AddField(name, jiramock.DateTime)
	}
}

//go:embed sop/*.yaml
var procedureFiles embed.FS

// withPolicies returns policy files of the folder sop for a story, by name. In their text {now}, {today}, {soon-ago} and the
// like are replaced by the given values.
func withPolicies(values map[string]string, names ...string) map[string]string {
	files := make(map[string]string, len(names))
	for _, name := range names {
		text, err := procedureFiles.ReadFile("sop/" + name + ".yaml")
		if err != nil {
			panic("world: " + err.Error()) // the names are constants of the stories
		}
		var pairs []string
		for key, value := range values {
			pairs = append(pairs, "{"+key+"}", value)
		}
		files[name+".yaml"] = strings.NewReplacer(pairs...).Replace(string(text))
	}
	return files
}

// with is [withPolicies] for files that need no values.
func with(names ...string) func(time.Time) map[string]string {
	return func(time.Time) map[string]string { return withPolicies(nil, names...) }
}

// Ticket is what somebody raises for a procedure besides access.
type Ticket struct {
	Project, Type string         // the project's key, and the request or issue type
	By            string         // who raises it
	Summary       string         // the title
	Fields        map[string]any // as people see them
	// Ago is how long ago it was raised; 0: now.
	Ago time.Duration
}

// Raise raises a ticket of a procedure.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Raise(t Ticket) (Key, error) {
	by, err := find(t.By)
	if err != nil {
		return "", err
	}
	fields := map[string]any{"Summary": t.Summary}
	for name, v := range t.Fields {
		if people, ok := v.([]string); ok && name == fieldApprovers {
			if v, err = accounts(people); err != nil {
				return "", err
			}
		}
		fields[name] = v
	}
	when := w.Jira.Story
	if t.Ago > 0 {
		when = w.Jira.At(w.now().Add(-t.Ago))
	}
	return when.CreateRequest(t.Project, t.Type, by.Account, fields)
}

// raises raises a ticket under a nickname.
func raises(nick string, t Ticket) func(*World) error {
	return func(w *World) error { return w.keep(nick)(w.Raise(t)) }
}

// drags moves the story's ticket.
func drags(as, nick, status string) func(*World) error {
	return onTicket(nick, func(w *World, key Key) error { return w.Drag(as, key, status) })
}

// Opened lists the tickets of a project that the program has opened, by a text in their titles, in the order of their
// opening.
func (w *World) Opened(project, title string) []Key {
	var keys []Key
	for _, key := range w.Jira.Issues() {
		issue, _ := w.Jira.Issue(key)
		if strings.HasPrefix(string(key), project+"-") && issue.Reporter == account(botShort) && strings.Contains(issue.Summary, title) {
			keys = append(keys, key)
		}
	}
	return keys
}

// onOpened does something with the first ticket that the program opened under the title; nothing when it opened none.
func onOpened(project, title string, do func(*World, Key) error) func(*World) error {
	return func(w *World) error {
		keys := w.Opened(project, title)
		if len(keys) == 0 {
			return nil
		}
		return do(w, keys[0])
	}
}

// openedOnce: the program has opened exactly one ticket under the title.
func openedOnce(project, title string) Expectation {
	return Expectation{
		Name: fmt.Sprintf("One ticket %q is opened in %s", title, project),
		Held: func(w *World) (bool, error) { return len(w.Opened(project, title)) == 1, nil },
	}
}

// onTheOpened makes an expectation about the first ticket under the title.
func onTheOpened(project, title, name string, held func(*World, Key) bool) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) {
		keys := w.Opened(project, title)
		return len(keys) > 0 && held(w, keys[0]), nil
	}}
}

// said reports whether one comment of the program on the ticket holds all the words.
func said(w *World, key Key, words ...string) bool {
	return slices.ContainsFunc(w.Answers(key), func(text string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
}

// paged: an open alert names all the texts.
func paged(name string, texts ...string) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) { return len(w.AlertsAbout(texts...)) > 0, nil }}
}

// unpaged: no open alert names all the texts.
func unpaged(name string, texts ...string) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) { return len(w.AlertsAbout(texts...)) == 0, nil }}
}

// pagedFor and unpagedFor are about an alert of the kind that names the story's ticket.
func pagedFor(nick, kind string) Expectation {
	return seen(nick, "An alert of the kind "+kind+" names the ticket", func(w *World, key Key) bool { return len(w.AlertsAbout(kind, string(key))) > 0 })
}

func unpagedFor(nick, kind string) Expectation {
	return seen(nick, "The alert of the kind "+kind+" about the ticket is closed", func(w *World, key Key) bool {
		return len(w.AlertsAbout(kind, string(key))) == 0
	})
}
