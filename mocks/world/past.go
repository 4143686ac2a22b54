package world

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// The past: how many days before the start the tickets begin, and how many before it the last of them was raised.
const (
	pastDays  = 240
	quietDays = 6
)

// deskAgent is who did by hand what a program is to do from now on.
const deskAgent = "blaise"

// unexplained is every how-many-th membership has no ticket, as in any org that has grown.
const unexplained = 11

// ending is how a ticket of the past ended.
type ending string

const (
	endsClosed    ending = StatusClosed
	endsDeclined  ending = StatusDeclined
	endsCancelled ending = StatusCancelled
)

// pastRequest is a ticket to be written into the past.
type pastRequest struct {
	// place is where in the past it was raised, from 0 for its beginning to whole for its end.
	place  int
	kind   string // the request type
	ask    AccessRequest
	ending ending
}

// whole is how many places the past has.
const whole = 1_000_000

// jiraPast writes months of tickets, in the order in which they were raised. The order does not depend on the date of
// the start, so that every ticket has the same key in every run.
func (w *World) jiraPast() error {
	requests := slices.Concat(explanations(), oddities())
	slices.SortStableFunc(requests, func(a, b pastRequest) int { return cmp.Compare(a.place, b.place) })
	days := w.workdays()
	for _, r := range requests {
		if err := w.playPast(r, days.at(r.place)); err != nil {
			return fmt.Errorf("ticket of %s for %s: %w", r.ask.For, r.ask.System, err)
		}
	}
	if _, err := w.raise(w.Jira.At(w.start.Add(-3*time.Hour)), requestAccess, stillWaiting()); err != nil {
		return fmt.Errorf("the ticket that still waits: %w", err)
	}
	for n, m := range former {
		if err := w.pastOffboarding(w.leftAt(n), m.short); err != nil {
			return fmt.Errorf("offboarding of %s: %w", m.short, err)
		}
	}
	return nil
}

// explanations are closed requests for most of the memberships that there are.
func explanations() []pastRequest {
	var all []AccessRequest
	for _, g := range groups {
		s, r, given := roleFor(g.name)
		if !given || g.fed != byTickets {
			continue
		}
		for _, short := range g.members {
			all = append(all, AccessRequest{By: requesterFor(short), For: short, System: s.id, Role: r.name})
		}
	}
	all = slices.DeleteFunc(shuffled(all), everyNth(unexplained))
	out := make([]pastRequest, len(all))
	for n, ask := range all {
		out[n] = pastRequest{place: n * whole / len(all), kind: requestAccess, ask: ask, ending: endsClosed}
	}
	return out
}

// requesterFor is who asked: the person, or for some their manager.
func requesterFor(short string) string {
	i := slices.IndexFunc(staff, func(m member) bool { return m.short == short })
	if i%3 == 0 && staff[i].manager != "" {
		return staff[i].manager
	}
	return short
}

// shuffled orders requests as people raised them, not by group; the same in every run.
func shuffled(all []AccessRequest) []AccessRequest {
	key := func(r AccessRequest) string { return oktaID("", r.For+" "+r.System+" "+r.Role) }
	return slices.SortedFunc(slices.Values(all), func(a, b AccessRequest) int { return cmp.Compare(key(a), key(b)) })
}

func everyNth(n int) func(AccessRequest) bool {
	count := 0
	return func(AccessRequest) bool {
		count++
		return count%n == 0
	}
}

// workdays are the days of the past on which people worked.
type workdays []time.Time

func (w *World) workdays() workdays {
	var days workdays
	today := w.start.Truncate(24 * time.Hour)
	for ago := pastDays; ago >= quietDays; ago-- {
		day := today.AddDate(0, 0, -ago)
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			days = append(days, day)
		}
	}
	return days
}

// at is the instant of a place in the past, between 8 and 15 o'clock UTC.
func (d workdays) at(place int) time.Time {
	const minutes = 7 * 60 // in which tickets are raised
	slot := min(place, whole-1) * len(d) * minutes / whole
	return d[slot/minutes].Add(8*time.Hour + time.Duration(slot%minutes)*time.Minute)
}

// oddities are tickets that led to nothing, and a revocation.
func oddities() []pastRequest {
	return []pastRequest{
		{290_000, requestAccess, AccessRequest{By: "boris", System: "payments", Role: "operator"}, endsDeclined},
		{490_000, requestAccess, AccessRequest{By: "ugo", System: "crm", Role: "manager"}, endsDeclined},
		{610_000, requestAccess, AccessRequest{By: "farah", System: "analytics", Role: "author"}, endsCancelled},
		{740_000, requestRevocation, AccessRequest{By: "odile", For: "gwen", System: "payments", Role: "operator"}, endsClosed},
		{860_000, requestAccess, AccessRequest{By: "kenji", System: "ci", Role: "operator"}, endsCancelled},
	}
}

// stillWaiting is the request that nobody has answered yet when the world begins.
func stillWaiting() AccessRequest {
	return AccessRequest{By: "lucie", System: "analytics", Role: "reader"}
}

// playPast raises a ticket in the past and brings it to its end, an hour or two between the steps.
func (w *World) playPast(r pastRequest, at time.Time) error {
	s, ok := findSystem(r.ask.System)
	if !ok {
		return fmt.Errorf("%w system %q", ErrUnknown, r.ask.System)
	}
	if r.ask.Justification == "" {
		r.ask.Justification = "Part of the work of the team since it was last reorganised"
	}
	if s.risk == high {
		r.ask.Until = at.AddDate(0, 0, 330).Truncate(24 * time.Hour)
	}
	key, err := w.raise(w.Jira.At(at), r.kind, r.ask)
	if err != nil {
		return err
	}
	p := pastTicket{w: w, key: key, at: at}
	asked := s.approversFor(r.ask.By, r.ask.For)
	switch {
	case r.ending == endsCancelled:
		p.move(r.ask.By, StatusCancelled)
	case r.ending == endsDeclined:
		p.answer(asked[0], "decline")
	default:
		for _, approver := range asked {
			p.answer(approver, "approve")
		}
		p.fulfil(r)
	}
	return p.err
}

// pastTicket is a ticket of the past while it is played. The first error stays.
type pastTicket struct {
	w   *World
	key jiramock.Key
	at  time.Time
	err error
}

// then plays the next step, some time after the one before it.
func (p *pastTicket) then(after time.Duration, step func(jiramock.Story) error) {
	if p.err != nil {
		return
	}
	p.at = p.at.Add(after)
	p.err = step(p.w.Jira.At(p.at))
}

func (p *pastTicket) answer(by, decision string) {
	p.then(95*time.Minute, func(s jiramock.Story) error { return s.Answer(account(by), p.key, decision) })
}

func (p *pastTicket) move(by, status string) {
	p.then(70*time.Minute, func(s jiramock.Story) error { return s.Transition(account(by), p.key, status) })
}

func (p *pastTicket) say(by, text string) {
	p.then(40*time.Minute, func(s jiramock.Story) error {
		return s.Comment(account(by), p.key, jiramock.NewComment{Body: text})
	})
}

// fulfil is what the service desk did by hand.
func (p *pastTicket) fulfil(r pastRequest) {
	if r.kind == requestRevocation {
		p.say(deskAgent, "Removed by hand.")
		p.move(deskAgent, StatusClosed)
		return
	}
	p.say(deskAgent, "Added by hand.")
	p.move(deskAgent, StatusValidation)
	p.move(r.ask.By, StatusValidated)
	p.move(deskAgent, StatusClosed)
}

// pastOffboarding is the ticket of somebody who left at the time.
func (w *World) pastOffboarding(left time.Time, leaver string) error {
	key, err := w.raiseOffboarding(w.Jira.At(left.AddDate(0, 0, -10)), offboarding{by: "manon", leaver: leaver, lastDay: left})
	if err != nil {
		return err
	}
	p := pastTicket{w: w, key: key, at: left.AddDate(0, 0, -9)}
	p.answer("jeanne", "approve")
	p.at = left
	p.say(deskAgent, "Deactivated in Okta and removed from all groups by hand.")
	p.move(deskAgent, StatusClosed)
	return p.err
}
