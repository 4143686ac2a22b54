package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// incidentForm is the list of incidents, each with how far it has come.
func incidentForm() form {
	columns := []string{"incident", "severity", "reason", "incident_ticket", "alerts", "round"}
	for _, m := range incident.Milestones() {
		columns = append(columns, string(m))
	}
	return form{
		View: View{
			File: "incidents.csv", Title: "incidents, with milestones, containment and review", Kinds: []ledger.Kind{ledger.FactRecorded},
			Fact: incident.Detected.Fact(),
		},
		columns:  append(columns, "updates", "playbooks", "withdrawn", "review", "review_due", "review_completed", "lacks", "flags"),
		policies: []string{"IncidentResponse"},
		cells:    (*exporter).incidentCells,
	}
}

func (e *exporter) incidentCells(r ledger.Record) ([]string, error) {
	var f kpi.Fact
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	i, found, err := e.tx.Incident(incident.ID(f.Subject))
	if err != nil {
		return nil, err
	}
	if !found { // the fact says what is known
		i = incident.Record{Severity: incident.Severity(f.Severity), Milestones: map[incident.Milestone]incident.Moment{incident.Detected: {At: f.At}}}
	}
	alerts := make([]string, len(i.Alerts))
	for n, id := range i.Alerts {
		alerts[n] = string(id)
	}
	cells := []string{f.Subject, string(i.Severity), i.Reason, string(i.Ticket), strings.Join(alerts, " "), strconv.Itoa(max(i.Round, 1))}
	for _, m := range incident.Milestones() {
		cells = append(cells, iso(i.Milestones[m].At))
	}
	return append(cells, strconv.Itoa(len(i.Updates)), e.playbooks(i), iso(i.Withdrawn), string(i.Review.Ticket), date(i.Review.Due), iso(i.Review.Completed),
		strings.Join(lacking(i), "; "), flagged(i)), nil
}

// date writes a day; nothing for the zero time.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// playbooks tells the runs of an incident: who confirmed each, and how many of its steps are done.
func (e *exporter) playbooks(i incident.Record) string {
	var all []string
	for _, run := range i.Runs {
		done := 0
		for _, s := range run.Steps {
			if s.Done {
				done++
			}
		}
		text := fmt.Sprintf("%s: %d of %d steps done", run.Playbook, done, len(run.Steps))
		if e.options.People != Concealed {
			text += fmt.Sprintf(", confirmed by user %s %s", run.By, iso(run.At))
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// lacking names what the incident should have and has not: milestones that it has passed by, and what its review misses.
func lacking(i incident.Record) []string {
	var lacks []string
	all := incident.Milestones()
	for n, m := range all {
		passed := slices.ContainsFunc(all[n+1:], i.Reached)
		// Only a major incident is escalated and told to management.
		owed := i.Severity.Major() || m != incident.Escalated && m != incident.Informed
		if passed && owed && !i.Reached(m) {
			lacks = append(lacks, string(m))
		}
	}
	if i.Review.Completed.IsZero() && !i.Review.Opened.IsZero() {
		lacks = append(lacks, "a complete review")
		for _, field := range i.Review.Missing {
			lacks = append(lacks, "review: "+field)
		}
	}
	return lacks
}

// flagged names in what the incident does not add up.
func flagged(i incident.Record) string {
	var kinds []string
	for _, f := range i.Flags {
		if !slices.Contains(kinds, string(f.Kind)) {
			kinds = append(kinds, string(f.Kind))
		}
	}
	return strings.Join(kinds, " ")
}
