package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// disturbance is an incident as its facts tell it at the end of the period.
type disturbance struct {
	subject  string
	severity incident.Severity
	judged   time.Time                        // when the severity was given
	reached  map[incident.Milestone]time.Time // the last time of each
	over     time.Time                        // closed or withdrawn, and not opened again since
	// opened and completed are those of the review.
	opened, completed time.Time
}

// disturbances returns the incidents that were detected in the period, and those that were open when it began, oldest first.
func (c *composer) disturbances() []disturbance {
	by := make(map[string]*disturbance)
	for _, name := range incident.Facts() {
		for _, f := range c.facts(name) {
			if !f.At.Before(c.in.Period.To) {
				continue
			}
			d, known := by[f.Subject]
			if !known {
				d = &disturbance{subject: f.Subject, reached: make(map[incident.Milestone]time.Time)}
				by[f.Subject] = d
			}
			d.fact(f)
		}
	}
	var all []disturbance
	for _, d := range by {
		d.settle()
		if d.over.IsZero() || !d.over.Before(c.in.Period.From) {
			all = append(all, *d)
		}
	}
	slices.SortFunc(all, func(a, b disturbance) int {
		return cmp.Or(a.reached[incident.Detected].Compare(b.reached[incident.Detected]), cmp.Compare(a.subject, b.subject))
	})
	return all
}

// reopened stands among the milestones of a disturbance, but is none.
const reopened incident.Milestone = "reopened"

func (d *disturbance) fact(f kpi.Fact) {
	if f.Severity != "" && !f.At.Before(d.judged) {
		d.severity, d.judged = incident.Severity(f.Severity), f.At
	}
	switch name := strings.TrimPrefix(f.Name, "incident."); {
	case f.Name == incident.FactReviewOpened:
		d.opened = f.At
	case f.Name == incident.FactReviewCompleted:
		d.completed = f.At
	case f.Name == incident.FactWithdrawn:
		d.over = f.At
	default:
		d.reached[incident.Milestone(name)] = f.At
	}
}

// settle takes back what a later reopening has undone.
func (d *disturbance) settle() {
	for _, m := range []incident.Milestone{incident.Resolved, incident.Closed} {
		if d.reached[m].Before(d.reached[reopened]) {
			delete(d.reached, m)
		}
	}
	if d.over.IsZero() {
		d.over = d.reached[incident.Closed]
	}
}

// review says how far the review after the incident is.
func (d *disturbance) review() string {
	switch {
	case !d.completed.IsZero():
		return "complete"
	case !d.opened.IsZero():
		return "open"
	case d.severity.Major():
		return "not called for yet"
	default:
		return "none is due"
	}
}

// incidentsBySeverity counts the incidents of the period, and how their promises were kept.
func (c *composer) incidentsBySeverity() Section {
	by := make(map[incident.Severity][]disturbance)
	for _, d := range c.disturbances() {
		by[d.severity] = append(by[d.severity], d)
	}
	t := Table{Columns: []string{
		"severity", "incidents", "detected in the period", "acknowledged", "contained", "resolved", "over", "promises kept", "reviews complete", "reviews open",
	}}
	order := func(a, b incident.Severity) int { return cmp.Or(cmp.Compare(a.Level(), b.Level()), cmp.Compare(a, b)) }
	for _, severity := range slices.SortedFunc(maps.Keys(by), order) {
		all := by[severity]
		of := func(is func(disturbance) bool) Cell { return count(countOf(all, is)) }
		reached := func(m incident.Milestone) Cell {
			return of(func(d disturbance) bool { return !d.reached[m].IsZero() })
		}
		t.Rows = append(t.Rows, []Cell{
			text(or(string(severity), "not judged")), count(len(all)), of(func(d disturbance) bool { return c.in.Period.in(d.reached[incident.Detected]) }),
			reached(incident.Acknowledged), reached(incident.Contained), reached(incident.Resolved), of(func(d disturbance) bool { return !d.over.IsZero() }),
			share(c.keptOf(severity)), of(func(d disturbance) bool { return !d.completed.IsZero() }),
			of(func(d disturbance) bool { return !d.opened.IsZero() && d.completed.IsZero() }),
		})
	}
	return Section{
		Name: "incidents", Title: "Incidents by severity", Table: t,
		Text: "Those detected in the period, and those that were open when it began. A milestone counts when it was reached by the end of the period.",
	}
}

// countOf counts the incidents that it is true of.
func countOf(all []disturbance, is func(disturbance) bool) int {
	n := 0
	for _, d := range all {
		if is(d) {
			n++
		}
	}
	return n
}

// keptOf adds up the promises about incidents of the severity.
func (c *composer) keptOf(severity incident.Severity) kpi.Share {
	var kept kpi.Share
	for _, p := range c.all {
		about := func(name string) bool { return strings.HasPrefix(name, "incident.") || strings.HasPrefix(name, "pir.") }
		if p.severity == string(severity) && slices.ContainsFunc(p.clock.Start, about) {
			kept.Part, kept.Total = kept.Part+p.summary.Attainment.Part, kept.Total+p.summary.Attainment.Total
		}
	}
	return kept
}

// incidents lists the incidents of the period with their milestones.
func (c *composer) incidents() Section {
	t := Table{Columns: []string{"incident", "severity"}}
	for _, m := range incident.Milestones() {
		t.Columns = append(t.Columns, string(m))
	}
	t.Columns = append(t.Columns, "review")
	for _, d := range c.disturbances() {
		row := []Cell{text(d.subject), text(string(d.severity))}
		for _, m := range incident.Milestones() {
			row = append(row, instant(d.reached[m]))
		}
		t.Rows = append(t.Rows, append(row, text(d.review())))
	}
	return Section{Name: "milestones", Title: "Incidents and their milestones", Table: t}
}
