package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// The issue types of the security project.
const (
	typeIncident     = "Incident"
	typePostIncident = "Post-incident review"
)

// The statuses of incidents and reviews, beside [StatusOpen], [StatusProgress] and [StatusClosed].
const (
	StatusContained = "Contained"
	StatusResolved  = "Resolved"
)

// incidentWorkflow lets an issue go from every status to every other.
func incidentWorkflow() jiramock.Workflow {
	return jiramock.Workflow{
		Name: "Incident",
		Statuses: []jiramock.Status{
			{Name: StatusOpen, Category: jiramock.ToDo}, {Name: StatusProgress, Category: jiramock.InProgress},
			{Name: StatusContained, Category: jiramock.InProgress}, {Name: StatusResolved, Category: jiramock.InProgress},
			{Name: StatusClosed, Category: jiramock.Done},
		},
		Transitions: []jiramock.Transition{
			{ID: "11", Name: "Open", To: StatusOpen}, {ID: "21", Name: "Take on", To: StatusProgress},
			{ID: "31", Name: "Contained", To: StatusContained}, {ID: "41", Name: "Resolve", To: StatusResolved},
			{ID: "51", Name: "Close", To: StatusClosed},
		},
	}
}

// Incident is something that monitoring raises in the pager.
type Incident struct {
	Message  string        // what is shown first
	Priority string        // "P1" to "P5"
	About    string        // the short name of the person whom the alert names; empty: nobody
	Ago      time.Duration // how long ago it began
	Tags     []string      // beside "monitoring"
}

// Alarm raises an alert as monitoring does, and returns its ID.
//
// Errors: [ErrUnknown].
func (w *World) Alarm(i Incident) (string, error) {
	a := opsgeniemock.Alert{
		Message: i.Message, Priority: i.Priority, Source: "monitoring", Tags: append([]string{"monitoring"}, i.Tags...), Details: map[string]string{},
		Responders: []opsgeniemock.Responder{{Type: "schedule", ID: uuid(ScheduleSecurity), Name: ScheduleSecurity}},
	}
	if i.About != "" {
		p, err := find(i.About)
		if err != nil {
			return "", err
		}
		a.Details["user"] = p.OktaID
	}
	if i.Ago == 0 {
		return w.Opsgenie.CreateAlert(a), nil
	}
	now := w.now().UTC()
	a.ID, a.Created, a.Updated = uuid(i.Message)+fmt.Sprintf("-%d", now.UnixMilli()), now.Add(-i.Ago), now
	return w.Opsgenie.AddAlert(a), nil
}

// RaiseIncident raises an incident in Jira as somebody.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) RaiseIncident(by, summary string, labels ...string) (Key, error) {
	p, err := find(by)
	if err != nil {
		return "", err
	}
	return w.Jira.CreateRequest(projectSec, typeIncident, p.Account, map[string]any{"Summary": summary, "Labels": labels})
}

// Comment writes on a ticket as somebody.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) Comment(as string, key Key, text string) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	return w.Jira.Comment(p.Account, key, jiramock.NewComment{Body: text, Internal: true})
}

// FollowUp raises a ticket that a review calls for, and links the two.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) FollowUp(as string, review Key, summary string) error {
	p, err := find(as)
	if err != nil {
		return err
	}
	key, err := w.Jira.CreateRequest(projectSec, "Task", p.Account, map[string]any{"Summary": summary})
	if err != nil {
		return err
	}
	return w.Jira.Relate(p.Account, review, key)
}

// SecurityTickets lists the tickets of the security project whose labels or comments hold the text, oldest first.
func (w *World) SecurityTickets(text string) []Key {
	return slices.DeleteFunc(w.Jira.Issues(), func(key Key) bool {
		if !strings.HasPrefix(string(key), projectSec+"-") {
			return true
		}
		issue, _ := w.Jira.Issue(key)
		return !strings.Contains(issue.Summary, text) && !slices.Contains(issue.Labels, text)
	})
}

// Alert returns the alert with the ID; ok is false when there is none.
func (w *World) Alert(id string) (alert opsgeniemock.Alert, ok bool) {
	for _, a := range w.Opsgenie.Alerts() {
		if a.ID == id {
			return a, true
		}
	}
	return opsgeniemock.Alert{}, false
}

// OktaStatus returns the status of the person's account in Okta.
func (w *World) OktaStatus(person string) string {
	p, err := find(person)
	if err != nil {
		return ""
	}
	u, _ := w.Okta.User(p.OktaID)
	return u.Status
}
