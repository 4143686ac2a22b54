// Package watching looks at what happens, in Okta's System Log and on tickets, with the rules of the policies, and raises
// what a person should see.
package watching

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/internal/watch"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

// cursor holds up to when everything was looked at.
const cursor = "watching"

// overlap is how far back signals are looked at again: logs show some late.
const overlap = 10 * time.Minute

// Stage takes part in every pass.
type Stage struct {
	Policies *policies.Set
	// Self returns the user whose credential sopd uses, empty for none: its own deeds are in its ledger, with their reasons.
	Self func() access.UserID
}

// Name tells it from the others.
func (*Stage) Name() string { return "watching" }

// Kinds lists the findings that the policies' rules raise.
func (s *Stage) Kinds() []finding.Kind {
	var kinds []finding.Kind
	for _, r := range s.Policies.Watches {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

// Observe reads nothing: the log and the tickets are read with everything else.
func (*Stage) Observe(context.Context, reconcile.Round) error { return nil }

// Demand returns nothing: a suspicion is no evidence.
func (*Stage) Demand(*store.Tx, time.Time) (reconcile.Demand, error) { return reconcile.Demand{}, nil }

// Conclude looks at what is new and returns what stands: what was found now, and what was found before, until its time is
// over or an approved ticket excuses it.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	rules := s.Policies.Watches
	if len(rules) == 0 {
		return nil, nil
	}
	_, last, known, err := tx.Cursor(cursor)
	if err != nil {
		return nil, err
	}
	if !known { // what happened before sopd is not news
		return nil, tx.SetCursor(cursor, "", w.Now)
	}
	since := last.Add(-overlap)
	x := &excuser{stage: s, tx: tx, tickets: make(map[string][]covering)}
	g := gatherer{stage: s, tx: tx, users: make(map[access.UserID]access.User)}
	signals, err := g.signals(since)
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, h := range watch.Look(rules, signals) {
		if h.Last().At.Before(since) {
			continue
		}
		f, stands, err := x.raise(rules[h.Rule], h, w.Now)
		if err != nil {
			return nil, err
		}
		if stands {
			found = append(found, f)
		}
	}
	standing, err := x.standing(found, w.Now)
	if err != nil {
		return nil, err
	}
	return append(found, standing...), tx.SetCursor(cursor, "", w.Now)
}

// raise makes a finding of a hit that is neither known already nor excused.
func (x *excuser) raise(r watch.Rule, h watch.Hit, now time.Time) (f finding.Finding, stands bool, err error) {
	signal := h.Last()
	before, found, err := x.tx.Finding(h.Key)
	if err != nil || found && (before.Open() || !signal.At.After(before.Raised)) {
		return f, false, err // open ones stand by themselves
	}
	excused, err := x.excused(r, signal)
	if err != nil || excused {
		return f, false, err
	}
	f = finding.Finding{
		Key: h.Key, Kind: r.Kind, Title: r.Title, Event: signal.Event, Ticket: signal.Ticket, Priority: r.Priority, Owner: r.Owner, Raised: now,
		Detail: map[string]string{"type": signal.Type, "actor": signal.Actor.ID, "at": signal.At.UTC().Format(time.RFC3339), "signal": signal.ID},
	}
	if len(signal.Users) > 0 {
		f.User = signal.Users[0]
	}
	if len(signal.Groups) > 0 {
		f.Group = signal.Groups[0]
	}
	if len(h.Signals) > 1 {
		f.Detail["count"] = fmt.Sprint(len(h.Signals))
	}
	return f, true, nil
}

// standing returns the open findings of the rules, besides the new ones, that still hold.
func (x *excuser) standing(fresh []finding.Finding, now time.Time) ([]finding.Finding, error) {
	rules := x.stage.Policies.Watches
	open, err := x.tx.OpenFindings()
	if err != nil {
		return nil, err
	}
	var all []finding.Finding
	for _, f := range open {
		i := slices.IndexFunc(rules, func(r watch.Rule) bool { return r.Kind == f.Kind })
		if i < 0 || slices.ContainsFunc(fresh, func(x finding.Finding) bool { return x.Key == f.Key }) {
			continue
		}
		rule := rules[i]
		if now.Sub(f.Raised) >= rule.Keep {
			continue
		}
		at, err := time.Parse(time.RFC3339, f.Detail["at"])
		if err != nil {
			at = f.Raised
		}
		excused, err := x.excused(rule, watch.Signal{At: at, Actor: access.Actor{ID: f.Detail["actor"], Type: "User"}})
		if err != nil {
			return nil, err
		}
		if !excused {
			all = append(all, f)
		}
	}
	return all, nil
}

// gatherer turns what was stored into signals: what is new, and what may count together with it.
type gatherer struct {
	stage *Stage
	tx    *store.Tx
	users map[access.UserID]access.User
}

func (g *gatherer) signals(since time.Time) ([]watch.Signal, error) {
	var all []watch.Signal
	self := access.UserID("")
	if g.stage.Self != nil {
		self = g.stage.Self()
	}
	rules := g.stage.Policies.Watches
	types := watch.EventTypes(rules)
	err := g.tx.EachEventOf(types, since.Add(-watch.Window(rules, types...)), func(e access.Event) error {
		if self == "" || e.Actor.ID != string(self) {
			all = append(all, watch.Signal{
				ID: string(e.ID), At: e.Published, Type: e.Type, Actor: e.Actor, Event: e.ID, Failed: !e.Succeeded, Reason: e.Reason,
				Users: e.Users, Groups: e.Groups,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if g.wanted(watch.ApprovalDeclined) {
		declined, err := g.declined(since.Add(-watch.Window(rules, watch.ApprovalDeclined)))
		if err != nil {
			return nil, err
		}
		all = append(all, declined...)
	}
	if g.wanted(watch.RequestRefused) {
		refused, err := g.refused(since.Add(-watch.Window(rules, watch.RequestRefused)))
		if err != nil {
			return nil, err
		}
		all = append(all, refused...)
	}
	for i := range all {
		if all[i].User, err = g.user(access.UserID(all[i].Actor.ID)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (g *gatherer) wanted(kind string) bool {
	return slices.ContainsFunc(g.stage.Policies.Watches, func(r watch.Rule) bool { return r.Matches(kind) })
}

func (g *gatherer) user(id access.UserID) (access.User, error) {
	if u, known := g.users[id]; known {
		return u, nil
	}
	u, _, err := g.tx.User(id)
	g.users[id] = u
	return u, err
}

// declined returns each approval that was declined since, with the one who had asked.
func (g *gatherer) declined(since time.Time) ([]watch.Signal, error) {
	var keys []ticket.Ticket
	err := g.tx.EachTicket(store.TicketFilter{UpdatedSince: since}, func(t ticket.Ticket) error {
		keys = append(keys, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	known, err := reconcile.People(g.tx, g.stage.Policies)
	if err != nil {
		return nil, err
	}
	var all []watch.Signal
	for _, t := range keys {
		approvals, _, _, err := g.tx.Approvals(t.Key)
		if err != nil {
			return nil, err
		}
		for _, a := range approvals {
			if a.Decision != ticket.Declined || a.Completed.Before(since) {
				continue
			}
			s := watch.Signal{ID: string(t.Key) + "/" + string(a.ID), At: a.Completed, Type: watch.ApprovalDeclined, Ticket: t.Key}
			if user, err := known.Match(t.Reporter); err == nil {
				s.Actor = access.Actor{ID: string(user.ID), Type: "User"}
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// refused returns each request that was refused since because its approval did not count.
func (g *gatherer) refused(since time.Time) ([]watch.Signal, error) {
	var all []watch.Signal
	err := g.tx.EachRecordSince(ledger.RequestRefused, since, func(r ledger.Record) error {
		all = append(all, watch.Signal{
			ID: fmt.Sprintf("ledger/%d", r.Seq), At: r.At, Type: watch.RequestRefused, Ticket: r.Ticket, Users: []access.UserID{r.User},
		})
		return nil
	})
	return all, err
}
