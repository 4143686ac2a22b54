package world

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// pastIncident is an alert of the past that people raised as an incident, and its review.
type pastIncident struct {
	alert    int           // which of [pastAlerts]
	by       string        // who led it
	cause    string        // what the review found
	reviewed time.Duration // after the close; zero: the review was begun and forgotten
}

// pastIncidents are one that was reviewed within days, and one whose review is still open.
var pastIncidents = []pastIncident{
	{1, "tariq", "", 0},
	{3, "noor", "An import of accounts gave the role to everybody of a department", 70 * time.Hour},
}

// alertID and began are of an alert of the past.
func (a pastAlert) alertID(n int) string {
	return uuid(a.message) + fmt.Sprintf("-%d", 1700000000000+n)
}

func (w *World) alertBegan(n int) time.Time {
	return w.start.AddDate(0, 0, -pastAlerts[n].daysAgo).Truncate(24 * time.Hour).Add(9*time.Hour + time.Duration(n)*17*time.Minute)
}

// jiraIncidents writes the incidents of the past, each with the review that people linked with it when they raised it.
func (w *World) jiraIncidents() error {
	for _, i := range pastIncidents {
		if err := w.pastIncident(i); err != nil {
			return fmt.Errorf("incident of the past %q: %w", pastAlerts[i.alert].message, err)
		}
	}
	return nil
}

func (w *World) pastIncident(i pastIncident) error {
	a, began := pastAlerts[i.alert], w.alertBegan(i.alert)
	key, err := w.Jira.At(began.Add(a.ack)).CreateRequest(projectSec, typeIncident, account(i.by), map[string]any{
		"Summary": a.message, fieldAlert: a.alertID(i.alert),
	})
	if err != nil {
		return err
	}
	p := pastTicket{w: w, key: key, at: began.Add(a.closed)}
	p.move(i.by, StatusResolved)
	p.move(i.by, StatusClosed)
	if p.err != nil {
		return p.err
	}
	review, err := w.Jira.At(p.at.Add(time.Hour)).CreateRequest(projectSec, typePostIncident, account(i.by), map[string]any{
		"Summary": "What is to be learnt from: " + a.message, "Linked issues": []Key{key},
	})
	if err != nil || i.reviewed == 0 {
		return err
	}
	_, err = w.Jira.At(p.at.Add(i.reviewed-2*time.Hour)).CreateRequest(projectSec, typeTask, account(i.by), map[string]any{
		"Summary": "Imports give no administrator roles", "Linked issues": []Key{review},
	})
	if err != nil {
		return err
	}
	done := pastTicket{w: w, key: review, at: p.at.Add(i.reviewed)}
	done.then(0, func(s jiramock.Story) error {
		return s.Edit(account(i.by), review, map[string]any{fieldRootCause: i.cause, fieldPolicyUpdates: "Roles are given by request only"})
	})
	done.move(i.by, StatusClosed)
	return done.err
}
