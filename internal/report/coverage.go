package report

import (
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// findingIncomplete says that a ticket of a procedure lacks something. Package reconcile/procedures raises it.
const findingIncomplete finding.Kind = "incomplete"

// coverage counts, for each procedure in tickets, the tickets that were begun in the period and lack nothing.
func (c *composer) coverage() Section {
	t := Table{Columns: []string{"procedure", "begun", "complete", "coverage", "lacking at the end"}}
	chart := Chart{Title: "Tickets begun in the period that lack nothing"}
	for _, p := range c.in.Covered {
		if c.in.SOP != "" && p.SOP != c.in.SOP {
			continue
		}
		done := c.begun(p)
		t.Rows = append(t.Rows, []Cell{text(p.SOP), count(done.Total), count(done.Part), share(done), count(len(c.incomplete(p.SOP)))})
		if done.Total > 0 {
			chart.Bars = append(chart.Bars, Bar{Label: p.SOP, Part: done.Part, Total: done.Total})
		}
	}
	s := Section{
		Name: "coverage", Title: "Procedures in tickets", Table: t,
		Text: "Of the tickets that were begun in the period, those to which nothing was missing by its end. Lacking are the tickets, begun whenever, that stand where everything has to be there.",
	}
	if len(chart.Bars) > 0 {
		s.Chart = &chart
	}
	return s
}

// begun counts the tickets of a procedure that were begun in the period, and those of them that are complete.
func (c *composer) begun(p Coverage) kpi.Share {
	var done kpi.Share
	complete, seen := c.times(p.Complete), make(map[string]bool)
	for _, name := range p.Begins {
		for _, f := range c.facts(name) {
			if seen[f.Subject] || !c.in.Period.in(f.At) {
				continue
			}
			seen[f.Subject] = true
			done.Total++
			if at := complete[f.Subject]; at.After(time.Time{}) && at.Before(c.in.Period.To) {
				done.Part++
			}
		}
	}
	return done
}

// incomplete returns what was lacking at the end of the period; of all procedures when none is named.
func (c *composer) incomplete(procedure string) []finding.Finding {
	var all []finding.Finding
	for _, f := range c.in.Found.Raised {
		if f.Kind == findingIncomplete && f.Cleared.IsZero() && (procedure == "" || f.Detail["sop"] == procedure) {
			all = append(all, f)
		}
	}
	return all
}

// lacking lists the tickets that lacked something at the end of the period.
func (c *composer) lacking() Section {
	t := Table{Columns: []string{"procedure", "ticket", "since", "missing", "broken limits"}}
	for _, f := range c.incomplete(c.in.SOP) {
		t.Rows = append(t.Rows, []Cell{
			text(f.Detail["sop"]), text(or(string(f.Ticket), strings.TrimPrefix(string(f.Key), string(findingIncomplete)+"/"))), instant(f.Raised),
			text(f.Detail["missing"]), text(f.Detail["broken"]),
		})
	}
	return Section{Name: "lacking", Title: "Tickets that lack what their procedure asks for", Table: t}
}
