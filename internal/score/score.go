// Package score holds what sopd would have done against what people did, so that turning it loose is a decision with
// evidence.
//
// It is pure: the result depends on what is given, in whatever order.
package score

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Window is how far apart sopd and people may act and still be taken to have done the same: two business days are promised,
// and a weekend may lie between them.
const Window = 4 * 24 * time.Hour

// Proposal is a change that sopd would have made and was not allowed to.
type Proposal struct {
	Kind   change.Kind // [change.AddMember] or [change.RemoveMember]
	User   access.UserID
	Group  access.GroupID
	Reason change.Reason
	Ticket ticket.Key
	Since  time.Time // when sopd would have made it
	Until  time.Time // when it was no longer to be made; zero while it is
}

// Deed is a change of a membership that a person made.
type Deed struct {
	Kind  change.Kind
	User  access.UserID
	Group access.GroupID
	At    time.Time
	Event access.EventID // that shows it
	Actor string         // who made it, as Okta identifies them
}

// Outcome is what a proposal or a deed came to.
type Outcome string

// The outcomes.
const (
	Agreed     Outcome = "agreed"      // people did what sopd would have done
	OnlySopd   Outcome = "only-sopd"   // sopd would have done it, and nobody did within the window
	OnlyPeople Outcome = "only-people" // people did it, and sopd would not have
	Open       Outcome = "open"        // people may still do it
	Withdrawn  Outcome = "withdrawn"   // what spoke for it ended before the window did; it is held against nobody
)

// Outcomes lists the outcomes, for metrics.
func Outcomes() []Outcome { return []Outcome{Agreed, OnlySopd, OnlyPeople, Open, Withdrawn} }

// Line is one proposal or one deed, or both where they agree, and what it came to.
type Line struct {
	Outcome  Outcome
	Proposal *Proposal // nil for what only people did
	Deed     *Deed     // nil for what only sopd would have done
}

// Group returns the group that the line is about.
func (l Line) Group() access.GroupID {
	if l.Proposal != nil {
		return l.Proposal.Group
	}
	return l.Deed.Group
}

// what tells one change from another, whoever makes it.
type what struct {
	kind  change.Kind
	user  access.UserID
	group access.GroupID
}

// Compute pairs the proposals with the deeds, each with at most one of the others, the earliest first. Lines are sorted by
// time, then by what they are about.
func Compute(proposals []Proposal, deeds []Deed, now time.Time) []Line {
	wanted := make(map[what][]Proposal)
	for _, p := range proposals {
		k := what{p.Kind, p.User, p.Group}
		wanted[k] = append(wanted[k], p)
	}
	made := make(map[what][]Deed)
	for _, d := range deeds {
		k := what{d.Kind, d.User, d.Group}
		made[k] = append(made[k], d)
	}
	var lines []Line
	for k := range wanted {
		lines = append(lines, pair(wanted[k], made[k], now)...)
		delete(made, k)
	}
	for _, all := range made {
		lines = append(lines, pair(nil, all, now)...)
	}
	slices.SortFunc(lines, compare)
	return lines
}

// pair does the work for one change.
func pair(proposals []Proposal, deeds []Deed, now time.Time) []Line {
	slices.SortFunc(proposals, func(a, b Proposal) int { return cmp.Or(a.Since.Compare(b.Since), a.Until.Compare(b.Until)) })
	slices.SortFunc(deeds, func(a, b Deed) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Event, b.Event)) })
	taken := make([]bool, len(deeds))
	var lines []Line
	for _, p := range proposals {
		line := Line{Outcome: p.unanswered(now), Proposal: &p}
		for i, d := range deeds {
			if !taken[i] && p.meets(d, now) {
				taken[i], line.Outcome, line.Deed = true, Agreed, &d
				break
			}
		}
		lines = append(lines, line)
	}
	for i, d := range deeds {
		if !taken[i] {
			lines = append(lines, Line{Outcome: OnlyPeople, Deed: &d})
		}
	}
	return lines
}

// meets reports whether the deed is near enough to the proposal.
func (p Proposal) meets(d Deed, now time.Time) bool {
	end := p.Until
	if end.IsZero() {
		end = now
	}
	return !d.At.Before(p.Since.Add(-Window)) && !d.At.After(end.Add(Window))
}

// unanswered returns what becomes of a proposal to which nobody has done anything.
func (p Proposal) unanswered(now time.Time) Outcome {
	end := p.Until
	if end.IsZero() {
		end = now
	}
	switch {
	case end.Sub(p.Since) >= Window:
		return OnlySopd
	case p.Until.IsZero():
		return Open
	default:
		return Withdrawn
	}
}

func (l Line) at() time.Time {
	if l.Proposal != nil {
		return l.Proposal.Since
	}
	return l.Deed.At
}

func (l Line) key() (k what, event access.EventID) {
	if l.Deed != nil {
		event = l.Deed.Event
	}
	if l.Proposal != nil {
		return what{l.Proposal.Kind, l.Proposal.User, l.Proposal.Group}, event
	}
	return what{l.Deed.Kind, l.Deed.User, l.Deed.Group}, event
}

func compare(a, b Line) int {
	ka, ea := a.key()
	kb, eb := b.key()
	return cmp.Or(a.at().Compare(b.at()), cmp.Compare(ka.group, kb.group), cmp.Compare(ka.user, kb.user), cmp.Compare(ka.kind, kb.kind),
		cmp.Compare(ea, eb))
}

// Tally counts lines by what they came to.
type Tally map[Outcome]int

// Count adds the lines up by the system that each is about. A line about none is left out.
func Count(lines []Line, system func(access.GroupID) string) map[string]Tally {
	all := make(map[string]Tally)
	for _, l := range lines {
		name := system(l.Group())
		if name == "" {
			continue
		}
		if all[name] == nil {
			all[name] = make(Tally)
		}
		all[name][l.Outcome]++
	}
	return all
}

// Agreement returns the share of what is decided in which people and sopd agreed. ok is false while nothing is: no figure is
// better than one out of nothing.
func (t Tally) Agreement() (ratio float64, ok bool) {
	decided := t[Agreed] + t[OnlySopd] + t[OnlyPeople]
	if decided == 0 {
		return 0, false
	}
	return float64(t[Agreed]) / float64(decided), true
}

// Sum adds several tallies up.
func Sum(all map[string]Tally) Tally {
	sum := make(Tally)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for outcome, n := range all[name] {
			sum[outcome] += n
		}
	}
	return sum
}
