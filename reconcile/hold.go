package reconcile

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// holdTime is how long a hold waits for a person. After that the plan is made anew and held anew.
const holdTime = 24 * time.Hour

// clear asks the guards for the plan. ok is false when it was stopped: then a hold stands, or stood already, for exactly
// this plan. A plan that was once stopped waits for a person, or for the end of its hold, also when time alone has made room
// for it.
func (r *Reconciler) clear(ctx context.Context, p plan.Plan, unread map[access.GroupID]error) (plan.Cleared, bool, error) {
	limits := r.Policies.Guards
	limits.Self = r.Self
	state, err := r.measure(ctx, p, unread)
	if err != nil {
		return plan.Cleared{}, false, err
	}
	standing, found, err := r.standingHold(ctx, p.Hash())
	if err != nil {
		return plan.Cleared{}, false, err
	}
	if found && standing.Lets(p.Hash(), r.Now()) {
		cleared, err := plan.Override(p, standing.PlanHash, limits, state)
		if err != nil {
			r.Logger.Warn("hold not used", slog.String("hold", string(standing.ID)), slog.String("error", err.Error()))
			return plan.Cleared{}, false, nil
		}
		return cleared, true, r.useHold(ctx, standing)
	}
	if found {
		return plan.Cleared{}, false, nil
	}
	cleared, trips := plan.Clear(p, limits, state)
	if len(trips) == 0 {
		return cleared, true, nil
	}
	return plan.Cleared{}, false, r.makeHold(ctx, p, trips)
}

// standingHold returns the newest hold for the plan that is neither used nor expired. One that somebody has cancelled stands
// too, until it would have expired: the plan is not put to anybody again before.
func (r *Reconciler) standingHold(ctx context.Context, hash string) (hold.Hold, bool, error) {
	var found hold.Hold
	var ok bool
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		holds, err := tx.HoldsByPlan(hash)
		for _, h := range holds {
			decidable := h.Kind == hold.Guarded && (!h.State.Final() || h.State == hold.Cancelled)
			if decidable && r.Now().Before(h.Expires) && (!ok || h.Made.After(found.Made)) {
				found, ok = h, true
			}
		}
		return err
	})
	return found, ok, err
}

func (r *Reconciler) useHold(ctx context.Context, h hold.Hold) error {
	h.State, h.Used = hold.Used, r.Now()
	return r.write(ctx, func(tx *store.Tx) error {
		if err := tx.PutHold(h); err != nil {
			return err
		}
		_, err := tx.Append(ledger.Entry{Kind: ledger.HoldUsed, At: h.Used, Body: h})
		return err
	})
}

// makeHold keeps the plan for a person to decide.
func (r *Reconciler) makeHold(ctx context.Context, p plan.Plan, trips []guard.Trip) error {
	text, err := json.Marshal(p.Changes)
	if err != nil {
		return err
	}
	now := r.Now()
	h := hold.Hold{
		ID: hold.NewID(now), PlanHash: p.Hash(), Plan: text, State: hold.Open, Made: now, Expires: now.Add(holdTime),
	}
	for _, t := range trips {
		h.Guards = append(h.Guards, string(t.Guard))
		h.Reasons = append(h.Reasons, t.Reason)
	}
	err = r.write(ctx, func(tx *store.Tx) error {
		var err error
		if h.Causes, err = causes(tx, p, people.Over(r.Policies.People, snapshot{tx, &loader{r: r}})); err != nil {
			return err
		}
		if err := tx.PutHold(h); err != nil {
			return err
		}
		_, err = tx.Append(ledger.Entry{Kind: ledger.HoldMade, At: now, Body: h})
		return err
	})
	if err != nil {
		return err
	}
	r.Logger.LogAttrs(ctx, slog.LevelWarn, "hold made", slog.String("hold", string(h.ID)), slog.Any("guards", h.Guards))
	return nil
}

// causes returns who has caused the plan, as far as Okta's log and the tickets tell, sorted.
func causes(tx *store.Tx, p plan.Plan, who *people.Directory) ([]access.UserID, error) {
	var all []access.UserID
	for _, c := range p.Changes {
		cause, err := causeOf(tx, c, who)
		if err != nil {
			return nil, err
		}
		if cause != "" {
			all = append(all, cause)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// eventDeactivated is the System Log's name of a deactivation.
//
// Source: Okta event type catalogue 2026.08.1.
const eventDeactivated = "user.lifecycle.deactivate"

func causeOf(tx *store.Tx, c change.Change, who *people.Directory) (access.UserID, error) {
	switch c.Reason {
	case change.Deprovisioned:
		event, _, err := lastEvent(tx, access.Membership{User: c.User}, eventDeactivated)
		return access.UserID(event.Actor.ID), err
	case change.Drift:
		event, _, err := lastEvent(tx, c.Membership(), eventMemberAdded)
		return access.UserID(event.Actor.ID), err
	default: // who asked for it, where a ticket did
	}
	t, _, found, err := tx.Ticket(c.Ticket)
	if err != nil || !found {
		return "", err
	}
	reporter, err := who.Match(t.Reporter)
	if err != nil {
		return "", nil //nolint:nilerr // nobody whom Okta knows
	}
	return reporter.ID, nil
}

// expireHolds notes what nobody decided, or used, in time. A hold that is over must not look as if it waited.
func (r *Reconciler) expireHolds(ctx context.Context) error {
	return r.write(ctx, func(tx *store.Tx) error {
		holds, err := tx.Holds(hold.Open, hold.Approved)
		if err != nil {
			return err
		}
		for _, h := range holds {
			if r.Now().Before(h.Expires) {
				continue
			}
			h.State = hold.Expired
			if err := tx.PutHold(h); err != nil {
				return err
			}
			if _, err := tx.Append(ledger.Entry{Kind: ledger.HoldExpired, At: r.Now(), Body: h}); err != nil {
				return err
			}
		}
		return nil
	})
}
