package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// composer computes the sections of one report.
type composer struct {
	in    Input
	all   []promise
	named map[string][]kpi.Fact // the facts that count
}

// promise is one clock at one severity, with its cycles and how they went in the period.
type promise struct {
	clock    kpi.Definition
	severity string
	level    string // the severity for people: "all", or "other" beside some that are named
	target   string
	cycles   []kpi.Cycle
	summary  kpi.Summary
}

func newComposer(in Input) *composer {
	c := &composer{in: in, named: counted(in.Found.Facts)}
	for _, d := range in.Clocks {
		if in.SOP == "" || d.SOP == in.SOP {
			c.add(d)
		}
	}
	slices.SortStableFunc(c.all, func(a, b promise) int {
		return cmp.Or(cmp.Compare(a.clock.SOP, b.clock.SOP), cmp.Compare(a.clock.Name, b.clock.Name), cmp.Compare(a.severity, b.severity))
	})
	return c
}

// add computes one clock, for every severity that has a target or a cycle in the period.
func (c *composer) add(d kpi.Definition) {
	by := make(map[string][]kpi.Cycle)
	for severity := range d.Targets {
		by[severity] = nil
	}
	for _, cycle := range kpi.Compute(d, c.in.Found.Facts, c.in.Now) {
		by[cycle.Severity] = append(by[cycle.Severity], cycle)
	}
	for severity, cycles := range by {
		target, named := d.Targets[severity]
		if !named {
			target = d.Targets[""]
		}
		level := or(severity, "all")
		if severity == "" && len(by) > 1 {
			level = "other"
		}
		summary := kpi.Summarise(cycles, c.in.Period.Period, c.in.Now)
		if target.IsZero() && unheardOf(summary) {
			continue // nothing is promised at this severity, and in the period nothing was there to say so of
		}
		c.all = append(c.all, promise{clock: d, severity: severity, level: level, target: target.String(), cycles: cycles, summary: summary})
	}
}

// unheardOf reports whether nothing ended, ran or was left out.
func unheardOf(s kpi.Summary) bool {
	return s.Met+s.Breached+s.Cancelled+s.Uncounted+s.Open.OnTrack+s.Open.AtRisk+s.Open.Breached == 0
}

// summary is the few figures that a reader takes away.
func (c *composer) summary() Section {
	var kept kpi.Share
	overdue, ended := 0, 0
	for _, p := range c.all {
		kept.Part += p.summary.Attainment.Part
		kept.Total += p.summary.Attainment.Total
		overdue += p.summary.Open.Breached
		ended += p.summary.Met + p.summary.Breached
	}
	f := c.in.Found
	open := 0
	for _, x := range f.Raised {
		if x.Cleared.IsZero() {
			open++
		}
	}
	confirmed := 0
	for _, ch := range f.Changes {
		if ch.State == change.Confirmed {
			confirmed++
		}
	}
	t := Table{Columns: []string{"figure", "value"}}
	row := func(what string, v Cell) { t.Rows = append(t.Rows, []Cell{text(what), v}) }
	row("policy compliance rate: promises kept, of those that ended or are overdue", share(kept))
	row("promises that ended", count(ended))
	row("promises overdue at the end", count(overdue))
	if c.in.SOP == "" {
		row("grants approved", count(len(f.Grants)))
		row("requests refused", count(f.Refusals))
		row("changes made in Okta and read back", count(confirmed))
		row("findings raised or open in the period", count(len(f.Raised)))
		row("findings still open", count(open))
		row("plans that a guard stopped", count(len(f.Holds)))
		row("memberships accepted without a ticket", count(f.Adopted))
		row("pages sent", count(f.Pages))
	}
	return Section{Name: "summary", Title: "In short", Table: t}
}

// promises is one row for each promise.
func (c *composer) promises() Section {
	t := Table{Columns: []string{
		"procedure", "promise", "severity", "target", "kept", "broken", "attainment", "median", "95 of 100 within",
		"open", "at risk", "overdue", "not counted",
	}}
	chart := Chart{Title: "Promises kept, of those that ended or are overdue"}
	for _, p := range c.all {
		s := p.summary
		t.Rows = append(t.Rows, []Cell{
			text(p.clock.SOP), text(p.clock.Name), text(p.level), text(p.target), count(s.Met), count(s.Breached),
			share(s.Attainment), p.took(s.Median, s.Met+s.Breached), p.took(s.P95, s.Met+s.Breached),
			count(s.Open.OnTrack), count(s.Open.AtRisk), count(s.Open.Breached), count(s.Uncounted),
		})
		if s.Attainment.Total > 0 {
			chart.Bars = append(chart.Bars, Bar{Label: p.label(), Part: s.Attainment.Part, Total: s.Attainment.Total})
		}
	}
	section := Section{
		Name: "promises", Title: "Promises", Table: t,
		Text: "A promise counts in the period in which it ended; one that is overdue counts as broken before it ends. Times count on the promise's calendar.",
	}
	if len(chart.Bars) > 0 {
		section.Chart = &chart
	}
	return section
}

func (p promise) label() string {
	label := p.clock.SOP + " / " + p.clock.Name
	if p.severity != "" {
		label += " (" + p.severity + ")"
	}
	return label
}

// breaches lists every promise that was broken in the period or is overdue, by name.
func (c *composer) breaches() Section {
	t := Table{Columns: []string{"procedure", "promise", "severity", "subject", "started", "due", "ended", "took", "waits for", "change"}}
	for _, p := range c.all {
		for _, cycle := range p.cycles {
			if !c.broken(cycle) {
				continue
			}
			t.Rows = append(t.Rows, []Cell{
				text(p.clock.SOP), text(p.clock.Name), text(p.level), text(cycle.Subject), instant(cycle.Started),
				instant(cycle.Due), instant(cycle.Stopped), p.took(cycle.Elapsed, 1), text(cycle.Waiting), text(cycle.Change),
			})
		}
	}
	return Section{Name: "breaches", Title: "Promises broken", Table: t, Text: "Each by its subject, those that are still open too."}
}

// broken reports whether the cycle counts as broken in the period.
func (c *composer) broken(cycle kpi.Cycle) bool {
	if !cycle.Counted() || cycle.State == kpi.Cancelled || cycle.Overdue.IsZero() || !cycle.Overdue.Before(c.in.Period.To) {
		return false
	}
	return cycle.Stopped.IsZero() || !cycle.Stopped.Before(c.in.Period.From)
}

// open lists what is running at the end of the period, what is next to break first.
func (c *composer) open() Section {
	type running struct {
		promise
		kpi.Cycle
	}
	var all []running
	for _, p := range c.all {
		for _, cycle := range p.cycles {
			ended := !cycle.Stopped.IsZero() && cycle.Stopped.Before(c.in.Period.To)
			if cycle.Counted() && !ended && cycle.Started.Before(c.in.Period.To) {
				all = append(all, running{p, cycle})
			}
		}
	}
	slices.SortFunc(all, func(a, b running) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.label(), b.label()))
	})
	t := Table{Columns: []string{"procedure", "promise", "severity", "subject", "started", "due", "waits for"}}
	for _, r := range all {
		t.Rows = append(t.Rows, []Cell{
			text(r.clock.SOP), text(r.clock.Name), text(r.level), text(r.Subject), instant(r.Started), instant(r.Due), text(r.Waiting),
		})
	}
	return Section{Name: "open", Title: "Open at the end, next to break first", Table: t}
}

// procedures lists the procedures in force, and when each has to be reviewed.
func (c *composer) procedures() Section {
	t := Table{Columns: []string{"procedure", "version", "owner", "next review", "overdue", "controls"}}
	for _, s := range c.in.SOPs {
		if c.in.SOP != "" && s.Name != c.in.SOP {
			continue
		}
		overdue := "no"
		if s.NextReview.Before(c.in.Period.To) && s.NextReview.Before(c.in.Now) {
			overdue = "yes"
		}
		t.Rows = append(t.Rows, []Cell{
			text(s.Title), text(s.Version), text(s.Owner), text(s.NextReview.Format(time.DateOnly)), text(overdue), text(strings.Join(s.Controls, " ")),
		})
	}
	return Section{Name: "procedures", Title: "Procedures in force", Table: t, Text: "As the policy files say when the report is made."}
}

// trend is how the promises of each procedure were kept in the periods before, month by month.
func (c *composer) trend() Section {
	months := c.months()
	t := Table{Columns: []string{"procedure"}}
	for _, m := range months {
		t.Columns = append(t.Columns, m.Name)
	}
	chart := Chart{Title: "Promises kept by month, of those that ended or are overdue"}
	for _, m := range months {
		chart.Bars = append(chart.Bars, Bar{Label: m.Name})
	}
	by := make(map[string][]promise)
	for _, p := range c.all {
		by[p.clock.SOP] = append(by[p.clock.SOP], p)
	}
	for _, sop := range slices.Sorted(maps.Keys(by)) {
		row := []Cell{text(sop)}
		for i, m := range months {
			var kept kpi.Share
			for _, p := range by[sop] {
				s := kpi.Summarise(p.cycles, m.Period, c.in.Now)
				kept.Part, kept.Total = kept.Part+s.Attainment.Part, kept.Total+s.Attainment.Total
			}
			row = append(row, share(kept))
			chart.Bars[i].Part += kept.Part
			chart.Bars[i].Total += kept.Total
		}
		t.Rows = append(t.Rows, row)
	}
	section := Section{Name: "trend", Title: "Attainment by month", Table: t}
	if slices.ContainsFunc(chart.Bars, func(b Bar) bool { return b.Total > 0 }) {
		section.Chart = &chart
	}
	return section
}

// months returns the months of the period that have begun, and as many before them as make six.
func (c *composer) months() []Period {
	var months []Period
	last := Period{}.reach(Monthly, date(c.in.Period.To.Year(), c.in.Period.To.Month()), time.Time{}).Before()
	for last.From.After(c.in.Now) {
		last = last.Before()
	}
	for range max(6, int(c.in.Period.To.Sub(c.in.Period.From).Hours()/(24*30))) {
		months = append(months, last)
		last = last.Before()
	}
	slices.Reverse(months)
	return months
}

func share(s kpi.Share) Cell {
	ratio, ok := s.Ratio()
	if !ok {
		return text("–")
	}
	return figure(ratio, fmt.Sprintf("%d of %d (%s %%)", s.Part, s.Total, strconv.FormatFloat(100*ratio, 'f', 1, 64)))
}

// took writes a time for people; nothing was measured when n is 0.
func took(d time.Duration, n int) Cell {
	if n == 0 {
		return text("–")
	}
	return figure(d.Seconds(), length(d))
}

// took writes a time of the promise's calendar. Where that is of working hours there are no days: a day has not 24 of them.
func (p promise) took(d time.Duration, n int) Cell {
	if on := p.clock.Calendar; n > 0 && on != nil && !on.AlwaysOpen() && d >= 48*time.Hour {
		d = d.Round(time.Minute)
		return figure(d.Seconds(), fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60))
	}
	return took(d, n)
}

// length writes a time in its two largest units.
func length(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
	}
}

func instant(t time.Time) Cell {
	if t.IsZero() {
		return text("")
	}
	return text(t.UTC().Format("2006-01-02 15:04"))
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func itoa(n int) string { return strconv.Itoa(n) }
