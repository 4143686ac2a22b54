package kpi

import (
	"time"
)

// At returns an open cycle of the clock as it stands at the later instant now, when no fact has come since it was computed:
// what [Compute] gives for its facts at now. An ended cycle is returned as it is.
func (d Definition) At(c Cycle, now time.Time) Cycle {
	if !c.Open() {
		return c
	}
	course := &course{
		started: c.Started, state: c.State, severity: c.Severity, severities: c.Severities, pauses: c.Pauses,
		waiting: c.Waiting, change: c.Change, backfilled: c.Backfilled, flags: make(map[Flag]bool), trail: c.Trail,
	}
	for _, f := range c.Flags {
		course.flags[f] = true
	}
	m := measure{definition: d, calendar: d.calendar(), roles: d.roles()}
	out := m.cycle(course, now.UTC().Round(0))
	out.Subject, out.Number = c.Subject, c.Number
	return out
}

// Bound returns the index of the histogram bound of the clock that the duration falls under, the first that is not below
// it; the number of bounds when it is above all.
func (d Definition) Bound(took time.Duration) int {
	bounds := d.Buckets()
	for i, b := range bounds {
		if took.Seconds() <= b {
			return i
		}
	}
	return len(bounds)
}

// TargetFor returns the limit for a severity: its own, or that of all others.
func (d Definition) TargetFor(severity string) Target {
	if t, named := d.Targets[severity]; named {
		return t
	}
	return d.Targets[""]
}

// Material leaves out the differences that the passing of time alone makes to an open cycle.
func Material(differences []Difference, open func(subject string, number int) bool) []Difference {
	var out []Difference
	for _, d := range differences {
		passing := d.Figure == "elapsed" || d.Figure == "outcome"
		if passing && len(d.Why) == 0 && open(d.Subject, d.Number) {
			continue
		}
		out = append(out, d)
	}
	return out
}

// Ended reports whether the cycle's time counts in figures, and as what: it ended with an outcome, on sound facts.
func (c Cycle) Ended() bool {
	return c.State == Stopped && c.Counted() && c.Outcome != ""
}
