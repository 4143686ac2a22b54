package kpi

import (
	"cmp"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
)

// Compute returns every cycle that the facts tell for the clock, as of now, sorted by subject and number. The order of the
// facts and repeated facts make no difference; facts after now are not looked at; no input is changed.
func Compute(d Definition, facts []Fact, now time.Time) []Cycle {
	bySubject := map[string][]entry{}
	for _, e := range resolve(facts) {
		if len(e.Clocks) > 0 && !slices.Contains(e.Clocks, d.Name) {
			continue
		}
		bySubject[e.Subject] = append(bySubject[e.Subject], e)
	}
	m := measure{definition: d, calendar: d.calendar(), roles: d.roles()}
	var out []Cycle
	for subject, entries := range bySubject {
		out = append(out, m.cycles(subject, entries, now)...)
	}
	slices.SortFunc(out, compareCycles)
	return out
}

// compareCycles orders cycles by subject and number.
func compareCycles(a, b Cycle) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Number, b.Number))
}

// measure counts time for one clock.
type measure struct {
	definition Definition
	calendar   *calendar.Calendar
	roles      map[string]role
}

// cycles returns the cycles of one subject.
func (m measure) cycles(subject string, entries []entry, now time.Time) []Cycle {
	now = now.UTC().Round(0)
	var out []Cycle
	for i, c := range run(m.roles, entries, now) {
		cycle := m.cycle(c, now)
		cycle.Subject, cycle.Number = subject, i+1
		out = append(out, cycle)
	}
	return out
}

// cycle counts the time of one course.
func (m measure) cycle(c *course, now time.Time) Cycle {
	out := Cycle{SOP: m.definition.SOP, KPI: m.definition.Name, Severity: c.severity, Severities: c.severities,
		Started: c.started, Stopped: c.stopped, Pauses: c.pauses, State: c.state, Waiting: c.waiting, Change: c.change,
		Backfilled: c.backfilled, Calendar: m.version(c.started), Trail: c.trail}
	if out.Open() {
		out.Waiting = cmp.Or(c.waiting, m.definition.Owner)
	}
	out.Target = m.target(c)
	out.Flags = c.flagged()
	if c.started.IsZero() || c.flags[EndBeforeStart] {
		return out
	}
	line := m.line(c)
	out.Elapsed = line.elapsed(cmp.Or(c.stopped, now))
	if !out.Target.IsZero() {
		m.judge(&out, line, now)
	}
	return out
}

// version returns the calendar's name with its version in force at the instant.
func (m measure) version(at time.Time) string {
	if from := m.calendar.VersionAt(at); !from.IsZero() {
		return m.calendar.Name() + "@" + from.String()
	}
	return m.calendar.Name()
}

// target returns the limit for the course's severity, and flags what is odd about it.
func (m measure) target(c *course) Target {
	target, named := m.definition.Targets[c.severity]
	rest, fallback := m.definition.Targets[""]
	switch {
	case c.severity == "" && (len(m.definition.Targets) > 1 || !fallback):
		c.flags[MissingSeverity] = true
	case c.severity != "" && !named:
		c.flags[UnknownSeverity] = len(m.definition.Targets) > 1 || !fallback
		target = rest
	}
	c.flags[NoTarget] = target.IsZero()
	return target
}

// judge fills in what follows from the limit.
func (m measure) judge(c *Cycle, l line, now time.Time) {
	end := cmp.Or(c.Stopped, now)
	c.Limit = c.Target.Limit(m.calendar, c.Started)
	c.Due = l.reach(c.Limit)
	if len(c.Pauses) == 0 {
		c.Due = c.Target.Due(m.calendar, c.Started).UTC()
	}
	for _, w := range m.definition.Warn {
		warned := Warned{Warning: w, At: l.warn(w.after(c.Limit, m.calendar), c.Stopped)}
		c.Warnings = append(c.Warnings, warned)
		if passed := !warned.At.IsZero() && !warned.At.After(end); passed && (c.AtRisk.IsZero() || warned.At.Before(c.AtRisk)) {
			c.AtRisk = warned.At
		}
	}
	exceeded := c.Elapsed > c.Limit
	if exceeded {
		c.Overdue = l.reach(c.Limit + 1).Add(-1)
	}
	switch {
	case c.State == Cancelled:
	case exceeded:
		c.Outcome = Breached
	case c.State == Stopped:
		c.Outcome = Met
	}
}

// line is the time of a course during which its clock runs: from the start on, without the pauses.
type line struct {
	calendar *calendar.Calendar
	runs     []Span // in order; To of the last is zero when the clock ran at the end that is known
}

// line returns when the clock of c runs. An end does not cut the line, so that it can be said when an ended cycle would
// have been due.
func (m measure) line(c *course) line {
	from, out := c.started, line{calendar: m.calendar}
	for _, p := range c.pauses {
		out.runs = append(out.runs, Span{From: from, To: p.From})
		if p.To.IsZero() || p.To.Equal(c.stopped) {
			return out
		}
		from = p.To
	}
	out.runs = append(out.runs, Span{From: from})
	return out
}

// elapsed returns the calendar's time on the line up to end.
func (l line) elapsed(end time.Time) time.Duration {
	var sum time.Duration
	for _, r := range l.runs {
		to := end
		if !r.To.IsZero() && r.To.Before(end) {
			to = r.To
		}
		sum += l.calendar.Between(r.From, to)
	}
	return sum
}

// reach returns the earliest instant on the line at which d has elapsed; zero when it never does.
func (l line) reach(d time.Duration) time.Time {
	for _, r := range l.runs {
		if r.To.IsZero() {
			return l.calendar.Add(r.From, d)
		}
		passed := l.calendar.Between(r.From, r.To)
		if d <= passed {
			return l.calendar.Add(r.From, d)
		}
		d -= passed
	}
	return time.Time{}
}

// warn returns when d has elapsed, zero when the cycle ended before.
func (l line) warn(d time.Duration, stopped time.Time) time.Time {
	at := l.reach(d)
	if !stopped.IsZero() && at.After(stopped) {
		return time.Time{}
	}
	return at
}
