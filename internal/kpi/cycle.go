package kpi

import (
	"time"
)

// State is where a cycle stands.
type State string

// The states of a cycle.
const (
	Running   State = "running"
	Paused    State = "paused"
	Stopped   State = "stopped"
	Cancelled State = "cancelled"
)

// Outcome is how a promise went, "" while nothing can be said.
type Outcome string

// The outcomes. A promise is met when Elapsed is at most the limit: exactly at the limit is met. An open cycle past its
// limit is breached already.
const (
	Met      Outcome = "met"
	Breached Outcome = "breached"
)

// Flag marks a cycle whose facts are not as they should be.
type Flag string

// The flags. MissingStart, EndBeforeStart and NoTarget keep a cycle out of all counts but [Summary].Uncounted.
const (
	MissingStart    Flag = "missing-start"     // the facts tell of a course whose start was never recorded
	EndBeforeStart  Flag = "end-before-start"  // the only end lies before the start: one of the two times is wrong
	FactBeforeStart Flag = "fact-before-start" // something happened before the first start; it was left out
	SecondStart     Flag = "second-start"      // another start or reopening while the cycle was open; it was left out
	StartedAgain    Flag = "started-again"     // began with a start, not a reopening, after an ended cycle
	MissingCycle    Flag = "missing-cycle"     // began with a reopening of something that was never recorded
	MissingSeverity Flag = "missing-severity"  // no fact gave one; the target for all others was used
	UnknownSeverity Flag = "unknown-severity"  // the definition does not name it; the target for all others was used
	NoTarget        Flag = "no-target"         // neither the severity nor all others have a target
	NoTime          Flag = "no-time"           // a fact without a time was left out
	Corrected       Flag = "corrected"         // a fact was replaced or taken back by a later one
)

// Span is the half-open time from From to To; To is zero while it lasts.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// SeverityChange is a new severity of a cycle under way. The limit of the latest severity holds for the whole cycle.
type SeverityChange struct {
	At   time.Time `json:"at"`
	From string    `json:"from"` // empty when there was none
	To   string    `json:"to"`   // never empty
	Fact string    `json:"fact"` // ID of the fact that changed it
}

// Effect is what a fact did to a cycle.
type Effect string

// The effects.
const (
	DidStart    Effect = "started"
	DidPause    Effect = "paused"
	DidResume   Effect = "resumed"
	DidStop     Effect = "stopped"
	DidCancel   Effect = "cancelled"
	DidReopen   Effect = "reopened"
	DidNote     Effect = "noted"      // it gave a severity or who is waited for
	LeftOut     Effect = "left-out"   // it did not fit, see the flags and the order of the trail
	Superseded  Effect = "superseded" // a correction stands in its place
	DidWithdraw Effect = "withdrew"   // it took an earlier fact back
)

// Step is a fact with its effect, so that whoever recomputes a figure sees what it was made of.
type Step struct {
	Fact   string    `json:"fact"` // its ID
	Name   string    `json:"name"` // of the fact
	At     time.Time `json:"at"`
	Effect Effect    `json:"effect"`
	By     string    `json:"by,omitempty"` // ID of the correction that superseded it
}

// Warned is a warning point of a cycle.
type Warned struct {
	Warning Warning `json:"warning"`
	// At is when it was or, for a running cycle, will be reached; zero when the cycle is paused or ended before it.
	At time.Time `json:"at,omitzero"`
}

// Cycle is one course of a clock on one subject, from a start to its end.
type Cycle struct {
	SOP      string `json:"sop"`                // that makes the promise
	KPI      string `json:"kpi"`                // name of the clock
	Subject  string `json:"subject"`            // what is clocked
	Number   int    `json:"number"`             // from 1, in the order of the starts
	Severity string `json:"severity,omitempty"` // the latest; empty when no fact gave one
	// Severities is the changes of severity under way, in order.
	Severities []SeverityChange `json:"severities,omitempty"`
	Target     Target           `json:"target"`           // zero when there is none for the severity
	Started    time.Time        `json:"started,omitzero"` // zero when flagged [MissingStart]
	Stopped    time.Time        `json:"stopped,omitzero"` // the end, by stop or cancel; zero while open
	Pauses     []Span           `json:"pauses,omitempty"`
	// Elapsed is the time on the calendar from the start to the end, or to now, without the pauses. Never negative.
	Elapsed time.Duration `json:"elapsedNanoseconds"`
	// Limit is what Elapsed may be at most; zero without a target.
	Limit time.Duration `json:"limitNanoseconds"`
	// Due is when the limit is used up, if nothing more pauses the clock; zero when that cannot be said: no target, or
	// paused or ended in a pause before it. Time after Due until working hours begin again does not breach.
	Due      time.Time `json:"due,omitzero"`
	Warnings []Warned  `json:"warnings,omitempty"` // in the order of the definition
	// AtRisk is when the first warning point was passed; zero when none was.
	AtRisk time.Time `json:"atRisk,omitzero"`
	// Overdue is the instant after which the limit was exceeded, Due or the next opening after it; zero when it was not.
	// A cancelled cycle keeps it: it was late while it was open.
	Overdue time.Time `json:"overdue,omitzero"`
	State   State     `json:"state"`
	Outcome Outcome   `json:"outcome,omitempty"` // always empty for a cancelled cycle
	// Waiting is the role that an open cycle waits for; in a pause that names none, the pause's name.
	Waiting string `json:"waiting,omitempty"`
	Change  string `json:"change,omitempty"` // the last change ID that a fact of the cycle told of
	// Calendar is the name of the calendar and the date of its version in force at the start: "office@2026-01-01".
	Calendar   string `json:"calendar"`
	Backfilled bool   `json:"backfilled,omitempty"` // at least one fact was
	Flags      []Flag `json:"flags,omitempty"`      // sorted
	Trail      []Step `json:"trail"`                // every fact of the cycle, in the order in which they count
}

// Open reports whether the cycle has not ended.
func (c Cycle) Open() bool { return c.State == Running || c.State == Paused }

// Counted reports whether the cycle's outcome may enter figures: its start and end are sound and it has a limit.
func (c Cycle) Counted() bool {
	for _, flag := range c.Flags {
		if flag == MissingStart || flag == EndBeforeStart || flag == NoTarget {
			return false
		}
	}
	return true
}
