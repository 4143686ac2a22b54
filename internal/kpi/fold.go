package kpi

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// course is a cycle as its facts tell it, before time is counted.
type course struct {
	started, stopped time.Time // zero: not known, not yet
	state            State
	severity         string
	severities       []SeverityChange
	pauses           []Span
	waiting          string // as the last fact says, empty for the owner
	change           string
	backfilled       bool
	flags            map[Flag]bool
	trail            []Step
}

// fold turns the facts of one subject into courses, one fact at a time.
type fold struct {
	roles    map[string]role
	courses  []*course
	early    []entry // facts before the first start, in order
	severity string  // of the subject by now
}

// order is the rank of facts of one instant: a start before what it makes possible, an end after it.
func order(r role) int {
	switch r {
	case starts:
		return 0
	case stops, cancels:
		return 2
	case reopens:
		return 3
	default:
		return 1
	}
}

// run returns the courses that the entries of one subject tell, as of now. Entries after now are not looked at.
func run(roles map[string]role, entries []entry, now time.Time) []*course {
	entries = concerning(roles, entries, now)
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(order(roles[a.Name]), order(roles[b.Name])),
			a.Recorded.Compare(b.Recorded), cmp.Compare(a.ID, b.ID))
	})
	f := &fold{roles: roles}
	for i := range entries {
		f.untangle(entries[i:])
		f.take(entries[i])
	}
	f.finish()
	return f.courses
}

// concerning returns the entries up to now that the clock has to do with: those with a role, a severity or word of who is
// waited for, and the corrections of such ones.
func concerning(roles map[string]role, entries []entry, now time.Time) []entry {
	matters := func(e entry) bool { return roles[e.Name] != noRole || e.Severity != "" || e.Waiting != "" }
	corrections := map[string]bool{}
	for _, e := range entries {
		if e.by != "" && matters(e) {
			corrections[e.by] = true
		}
	}
	var out []entry
	for _, e := range entries {
		if !e.At.After(now) && (matters(e) || corrections[e.ID]) {
			out = append(out, e)
		}
	}
	return out
}

// untangle puts the fact that fits first when a pause and a resumption of one instant come next: of a running clock the
// pause, of a paused one the resumption. Either way the clock is then what it was.
func (f *fold) untangle(next []entry) {
	c := f.open()
	if c == nil || len(next) < 2 || !next[0].At.Equal(next[1].At) || next[0].by+next[1].by != "" {
		return
	}
	first, second := f.roles[next[0].Name], f.roles[next[1].Name]
	if c.state == Running && first == resumes && second == pauses || c.state == Paused && first == pauses && second == resumes {
		next[0], next[1] = next[1], next[0]
	}
}

// open returns the open course, nil when there is none.
func (f *fold) open() *course {
	if last := f.last(); last != nil && (last.state == Running || last.state == Paused) {
		return last
	}
	return nil
}

// last returns the latest course, nil before the first.
func (f *fold) last() *course {
	if len(f.courses) == 0 {
		return nil
	}
	return f.courses[len(f.courses)-1]
}

// take lets one fact have its effect.
func (f *fold) take(e entry) {
	r := f.roles[e.Name]
	counts := e.by == "" && !e.At.IsZero()
	begins := counts && (r == starts || r == reopens)
	if begins && f.open() == nil {
		f.begin(e, r)
		return
	}
	c := f.last()
	if c == nil {
		f.early = append(f.early, e)
		if counts {
			f.severity = cmp.Or(e.Severity, f.severity)
		}
		return
	}
	if begins {
		c.flags[SecondStart] = true
	}
	c.take(e, r)
	if counts {
		f.severity = cmp.Or(e.Severity, f.severity)
	}
}

// begin opens a course.
func (f *fold) begin(e entry, r role) {
	f.severity = cmp.Or(e.Severity, f.severity)
	c := &course{started: e.At, state: Running, severity: f.severity, waiting: e.Waiting, change: e.Change,
		backfilled: e.Backfilled, flags: map[Flag]bool{}}
	effect := DidStart
	if r == reopens {
		effect = DidReopen
		c.flags[MissingCycle] = len(f.courses) == 0
	} else {
		c.flags[StartedAgain] = len(f.courses) > 0
	}
	if len(f.courses) == 0 {
		f.admit(c)
	}
	c.step(e, effect)
	f.courses = append(f.courses, c)
}

// admit puts the facts before the first start into the trail of its course c.
func (f *fold) admit(c *course) {
	for _, e := range f.early {
		effect := LeftOut
		if f.roles[e.Name] == noRole {
			effect = DidNote
		} else if e.by == "" && !e.At.IsZero() {
			c.flags[FactBeforeStart] = true
		}
		c.step(e, effect)
	}
}

// finish settles what can only be said when all facts are known: an end before the only start, and facts without any
// start.
func (f *fold) finish() {
	switch {
	case len(f.courses) == 0:
		f.orphan()
	case len(f.courses) == 1 && f.open() != nil:
		f.pair(f.courses[0])
	}
}

// pair ends the only course with the last end before its start, if there is one. A clock that never began to run for an
// end that was written with a wrong time would else run for ever. An end that was on record before the start happened
// cannot be the start's, and leaves the clock running: the promise is still to be kept.
func (f *fold) pair(c *course) {
	for _, e := range slices.Backward(f.early) {
		r := f.roles[e.Name]
		known := !e.Recorded.IsZero() && e.Recorded.Before(c.started)
		if e.by != "" || e.At.IsZero() || known || r != stops && r != cancels {
			continue
		}
		effect := c.end(e, r)
		c.pauses = nil
		c.flags[EndBeforeStart] = true
		for i := range c.trail {
			if c.trail[i].Fact == e.ID {
				c.trail[i].Effect = effect
			}
		}
		return
	}
}

// orphan makes a course without a start of facts that should have had one.
func (f *fold) orphan() {
	c := &course{state: Running, flags: map[Flag]bool{MissingStart: true}}
	known := false
	for _, e := range f.early {
		r := f.roles[e.Name]
		known = known || e.by == "" && r != noRole && !e.At.IsZero()
		c.take(e, r)
	}
	if known {
		f.courses = append(f.courses, c)
	}
}

// take lets a fact have its effect on the course, and puts it into the trail.
func (c *course) take(e entry, r role) {
	if e.by != "" || e.At.IsZero() {
		c.step(e, LeftOut)
		return
	}
	if c.state == Stopped || c.state == Cancelled {
		c.step(e, LeftOut)
		return
	}
	c.assess(e)
	c.step(e, c.move(e, r))
}

// assess takes over the severity that the fact gives.
func (c *course) assess(e entry) {
	if e.Severity == "" || e.Severity == c.severity {
		return
	}
	c.severities = append(c.severities, SeverityChange{At: e.At, From: c.severity, To: e.Severity, Fact: e.ID})
	c.severity = e.Severity
}

// move changes the state as the role asks, and says what was done.
func (c *course) move(e entry, r role) Effect {
	switch {
	case r == noRole && e.Name == "":
		return DidWithdraw
	case r == noRole:
		c.waiting = cmp.Or(e.Waiting, c.waiting)
		return DidNote
	case r == pauses && c.state == Running:
		c.state, c.waiting = Paused, cmp.Or(e.Waiting, e.Name)
		c.pauses = append(c.pauses, Span{From: e.At})
		return DidPause
	case r == resumes && c.state == Paused:
		c.state, c.waiting = Running, e.Waiting
		c.closePause(e.At)
		return DidResume
	case r == stops || r == cancels:
		return c.end(e, r)
	}
	return LeftOut
}

// end stops or cancels the course at e.
func (c *course) end(e entry, r role) Effect {
	c.closePause(e.At)
	c.stopped, c.waiting = e.At, ""
	c.change = cmp.Or(e.Change, c.change)
	if r == cancels {
		c.state = Cancelled
		return DidCancel
	}
	c.state = Stopped
	return DidStop
}

// closePause ends the pause that lasts, if one does.
func (c *course) closePause(at time.Time) {
	if n := len(c.pauses); n > 0 && c.pauses[n-1].To.IsZero() {
		c.pauses[n-1].To = at
	}
}

// step writes e with its effect into the trail. What was corrected or has no time says so instead.
func (c *course) step(e entry, effect Effect) {
	switch {
	case e.by != "":
		effect = Superseded
		c.flags[Corrected] = true
	case e.Name == "":
		effect = DidWithdraw
	case e.At.IsZero():
		c.flags[NoTime] = true
	}
	if effect != LeftOut && effect != Superseded {
		c.change = cmp.Or(e.Change, c.change)
		c.backfilled = c.backfilled || e.Backfilled
	}
	c.trail = append(c.trail, Step{Fact: e.ID, Name: e.Name, At: e.At, Effect: effect, By: e.by})
}

// flagged returns the flags that are set, sorted.
func (c *course) flagged() []Flag {
	maps.DeleteFunc(c.flags, func(_ Flag, set bool) bool { return !set })
	return slices.Sorted(maps.Keys(c.flags))
}
