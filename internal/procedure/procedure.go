// Package procedure reads tickets of any standard operating procedure: which facts their history gives, what they lack, and
// what of their result breaks a promise.
//
// It is pure: a ticket, its approvals and the people go in, facts and sentences come out. What the facts are worth is for
// the clocks to say, see package kpi; nothing here grants, closes or skips anything.
package procedure

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Procedure is one SOP that lives in tickets.
type Procedure struct {
	Name     string   // short and stable, such as "vendor-onboarding"
	Policy   string   // SOP@version
	Match    Match    // its tickets
	Severity Severity // zero: its tickets have none
	Facts    []Trigger
	// Gate lists the statuses in which everything has to be there. In any other status nothing is asked for.
	Gate      []string
	Artefacts []Artefact
	Approvals []authority.Approval // that artefacts and triggers name by their role
	Limits    []Limit
	Coverage  string // the KPI that is the share of gated tickets that lack nothing; empty: none
	Reassess  *Reassess
	Owner     string // the role that has to act on what is missing
}

// Match says which tickets are a procedure's.
type Match struct {
	Projects     []string // keys
	Types        []string // issue types; empty: any
	RequestTypes []string // JSM request types; empty: any
}

// Ticket reports whether the ticket is one of them.
func (m Match) Ticket(t ticket.Ticket) bool {
	return slices.Contains(m.Projects, t.Project) &&
		(len(m.Types) == 0 || slices.Contains(m.Types, t.Type)) &&
		(len(m.RequestTypes) == 0 || slices.Contains(m.RequestTypes, t.RequestType))
}

// Severity says how severe the subject of a ticket is.
type Severity struct {
	Field string            // the field's name, or "priority"; empty: no severity
	Map   map[string]string // severity by what stands in the field; what it does not hold is taken as it is, in small letters
}

// of returns the severity for what stands in the field.
func (s Severity) of(text string) string {
	if mapped, ok := s.Map[text]; ok {
		return mapped
	}
	return strings.ToLower(text)
}

// Trigger gives one fact. Exactly one of the fields after Fact is set.
type Trigger struct {
	Fact     string   // the fact's name, such as "vendor.requested"
	Created  Toggle   // the ticket was raised
	Status   []string // it came into one of these statuses; each time anew
	Field    string   // this field was first filled
	Date     string   // the moment that stands in this field
	Approval string   // the approval of this role was completed
	Link     string   // it was linked with a ticket of this project
	Complete Toggle   // nothing is missing any more; never before the last artefact came in
}

// Toggle is whether a trigger is of a kind that needs no words.
type Toggle string

// The toggles.
const (
	Off Toggle = ""
	On  Toggle = "on"
)

// Artefact is something that a ticket has to have. One of Field, Attachment, Link and Approval is set.
type Artefact struct {
	Name       string   // for people
	Field      string   // filled
	Attachment string   // a file whose name fits this pattern, as path.Match has it, in any case
	Link       string   // a link to a ticket of this project
	Approval   string   // the role of an approval
	Severities []string // asked for these only; empty: always
}

// Limit is the most that a number or time in a field may be.
type Limit struct {
	Name  string        // for people: "recovery time"
	Field string        // hours or minutes as a number, or text such as "3h30m"
	Unit  time.Duration // of a bare number
	Most  time.Duration
}

// Reassess opens a ticket again and again after a fact.
type Reassess struct {
	After   string // the fact's name
	Months  int    // from one turn to the next
	Project string // in which the ticket is opened
	Type    string // of the ticket
	Summary string // of the ticket, in front of the key of the first one
}

// World is what reading a ticket needs besides the ticket.
type World struct {
	People *people.Directory
	Now    time.Time
}

// Reading is what a ticket says.
type Reading struct {
	Severity string     // as it is now, empty for none
	Facts    []kpi.Fact // as they should be recorded; see [Reconcile]
	Gated    bool       // everything has to be there
	Missing  []string   // names of artefacts that are not there, in the policy's order
	Broken   []string   // sentences on limits that the result exceeds
}

// Complete reports whether the ticket lacks nothing.
func (r Reading) Complete() bool { return len(r.Missing)+len(r.Broken) == 0 }

// Read reads a ticket of the procedure.
func (p Procedure) Read(t ticket.Ticket, approvals []ticket.Approval, w World) Reading {
	r := reader{procedure: p, ticket: t, approvals: approvals, world: w}
	out := Reading{Severity: r.severity(), Gated: slices.Contains(p.Gate, t.Status)}
	last, complete := time.Time{}, true
	for _, a := range p.Artefacts {
		if len(a.Severities) > 0 && !slices.Contains(a.Severities, out.Severity) {
			continue
		}
		at, there := r.artefact(a)
		if !there {
			out.Missing, complete = append(out.Missing, a.Name), false
		}
		if at.After(last) {
			last = at
		}
	}
	for _, l := range p.Limits {
		if sentence := r.limit(l); sentence != "" {
			out.Broken = append(out.Broken, sentence)
		}
	}
	for _, trigger := range p.Facts {
		if trigger.Complete == On {
			if complete {
				out.Facts = append(out.Facts, r.fact(trigger.Fact, last, 1))
			}
			continue
		}
		for i, at := range r.moments(trigger) {
			out.Facts = append(out.Facts, r.fact(trigger.Fact, at, i+1))
		}
	}
	out.Facts = append(out.Facts, r.severities()...)
	return out
}

// Names lists the facts that the procedure gives, in the policy's order.
func (p Procedure) Names() []string {
	var names []string
	for _, t := range p.Facts {
		names = append(names, t.Fact)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Fields lists the names of the ticket fields that the procedure reads.
func (p Procedure) Fields() []string {
	var names []string
	if p.Severity.Field != "" && !strings.EqualFold(p.Severity.Field, priorityField) {
		names = append(names, p.Severity.Field)
	}
	for _, t := range p.Facts {
		names = append(names, t.Field, t.Date)
	}
	for _, a := range p.Artefacts {
		names = append(names, a.Field)
	}
	for _, l := range p.Limits {
		names = append(names, l.Field)
	}
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

// fits reports whether a file name fits the pattern, in any case.
func fits(pattern, name string) bool {
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name))
	return err == nil && ok
}
