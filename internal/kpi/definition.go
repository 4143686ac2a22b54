package kpi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
)

// Definition is one clock as a policy defines it: what starts, pauses and ends it, and how long it may run.
type Definition struct {
	SOP     string // the SOP that makes the promise, such as "access-provisioning"
	Name    string // of the promise, unique in the SOP: "fulfilment"
	Subject string // the kind of thing that is clocked, such as "ticket" or "membership"

	// The names of the facts that move the clock. A name stands in one list only.
	Start  []string // begins a cycle; at least one
	Pause  []string
	Resume []string // needed when there are names in Pause
	Stop   []string // ends the cycle; at least one
	Cancel []string // ends the cycle without a result, such as a request withdrawn
	Reopen []string // begins another cycle after an ended one

	// Targets is the limit by severity or risk. The target under "" is for every severity not named.
	Targets map[string]Target
	// Calendar is what time is counted on; nil counts every instant, and days by UTC.
	Calendar *calendar.Calendar
	Warn     []Warning // when a running clock is at risk, in any order
	Owner    string    // the role that has to act, such as "it-operations"
	Escalate string    // the role that is paged for a breach
}

// calendar returns what d is counted on, never nil.
func (d Definition) calendar() *calendar.Calendar {
	if d.Calendar == nil {
		return calendar.Always()
	}
	return d.Calendar
}

// Problem is one thing that is wrong with a definition.
type Problem struct {
	Clock string // SOP and name, such as "access-provisioning/fulfilment"
	Path  string // where in the clock, such as "targets[high]"
	What  string // what, and what to do about it
}

// ProblemsError is everything that is wrong with some definitions. Its cause is [access.ErrInvalid].
type ProblemsError struct{ Problems []Problem }

// Error lists all problems, parted by semicolons.
func (e *ProblemsError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = fmt.Sprintf("clock %q: %s: %s", p.Clock, p.Path, p.What)
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns [access.ErrInvalid].
func (e *ProblemsError) Unwrap() error { return access.ErrInvalid }

// Validate checks all clocks of an organisation, each for itself and that no two of one SOP have one name. [Compute] works
// with any definition; only a sound one gives figures that mean something.
//
// Errors: a [*ProblemsError] with all that is wrong.
func Validate(definitions ...Definition) error {
	var problems []Problem
	seen := map[string]bool{}
	for _, d := range definitions {
		check := checker{clock: d.SOP + "/" + d.Name}
		if seen[check.clock] {
			check.add("name", "another clock of the SOP has it")
		}
		seen[check.clock] = true
		check.definition(d)
		problems = append(problems, check.problems...)
	}
	if len(problems) > 0 {
		return &ProblemsError{Problems: problems}
	}
	return nil
}

// checker gathers the problems of one clock.
type checker struct {
	clock    string
	problems []Problem
}

// add notes a problem.
func (c *checker) add(path, what string, args ...any) {
	c.problems = append(c.problems, Problem{Clock: c.clock, Path: path, What: fmt.Sprintf(what, args...)})
}

// definition checks all of d.
func (c *checker) definition(d Definition) {
	for path, text := range map[string]string{"sop": d.SOP, "name": d.Name, "subject": d.Subject} {
		if text == "" {
			c.add(path, "is missing")
		}
	}
	slices.SortFunc(c.problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	c.facts(d)
	if len(d.Targets) == 0 {
		c.add("targets", "is missing: nothing is promised")
	}
	for _, severity := range slices.Sorted(maps.Keys(d.Targets)) {
		c.target(fmt.Sprintf("targets[%s]", severity), d.Targets[severity], d.calendar())
	}
	for i, w := range d.Warn {
		c.warning(fmt.Sprintf("warn[%d]", i), w, d)
	}
}

// facts checks the lists of fact names.
func (c *checker) facts(d Definition) {
	seen := map[string]string{}
	for _, list := range d.lists() {
		for i, name := range list.names {
			at := fmt.Sprintf("%s[%d]", list.role, i)
			if first, twice := seen[name]; twice {
				c.add(at, "%q already stands in %s", name, first)
			}
			if name == "" {
				c.add(at, "is empty")
			}
			seen[name] = string(list.role)
		}
	}
	if len(d.Start) == 0 {
		c.add("start", "is missing: the clock would never run")
	}
	if len(d.Stop) == 0 {
		c.add("stop", "is missing: the clock would always be breached")
	}
	if len(d.Pause) > 0 && len(d.Resume) == 0 {
		c.add("resume", "is missing: a paused clock would never be breached")
	}
}

// target checks that the calendar can count t. A day of 24 hours on a calendar of working hours would be three business
// days, which nobody means.
func (c *checker) target(path string, t Target, on *calendar.Calendar) {
	switch {
	case t.IsZero():
		c.add(path, "is missing: write one such as 45m, 24h, 30d or 2bd")
	case t.unit == businessDays && on.AlwaysOpen():
		c.add(path, "%s needs a calendar with working hours; name one, or write %dd", t, t.count)
	case t.unit == days && !on.AlwaysOpen():
		c.add(path, "%s is %d working hours on calendar %s; write %dbd, or name no calendar", t, t.count*24, on.Name(), t.count)
	}
}

// warning checks that w lies before every limit.
func (c *checker) warning(path string, w Warning, d Definition) {
	if (w.Percent == 0) == w.Left.IsZero() || w.Percent < 0 || w.Percent > 99 {
		c.add(path, "must be either a share of 1%% to 99%% or a time left")
		return
	}
	if w.Percent > 0 {
		return
	}
	for _, severity := range slices.Sorted(maps.Keys(d.Targets)) {
		if t := d.Targets[severity]; !t.IsZero() && w.Left.Nominal(d.calendar()) >= t.Nominal(d.calendar()) {
			c.add(path, "%s left is not before the whole target of %s under %q", w, t, severity)
		}
	}
}

// role is what a fact does to a clock.
type role string

const (
	noRole  role = ""
	starts  role = "start"
	pauses  role = "pause"
	resumes role = "resume"
	stops   role = "stop"
	cancels role = "cancel"
	reopens role = "reopen"
)

// list is the names of the facts with one role.
type list struct {
	role  role
	names []string
}

// lists returns all lists of d.
func (d Definition) lists() []list {
	return []list{{starts, d.Start}, {pauses, d.Pause}, {resumes, d.Resume}, {stops, d.Stop}, {cancels, d.Cancel}, {reopens, d.Reopen}}
}

// roles returns the role of each fact name; of a name in two lists, the first.
func (d Definition) roles() map[string]role {
	out := map[string]role{}
	for _, list := range d.lists() {
		for _, name := range list.names {
			if _, taken := out[name]; !taken {
				out[name] = list.role
			}
		}
	}
	return out
}
