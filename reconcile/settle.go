package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

const (
	// readBacks and readBackWait bound the wait within a pass for Okta to show a change: about 3 seconds in all. What is
	// not seen by then is looked up again by the next pass.
	readBacks    = 5
	readBackWait = 100 * time.Millisecond
	// lag is how long Okta may take to show a write whose answer was lost. Before that, not seeing it proves nothing. It is
	// counted from the intent, so it has to outlast the call itself.
	lag = callTime + 30*time.Second
	// giveUp is when a change that Okta accepted and never showed is given up, so that it is planned anew.
	giveUp = 15 * time.Minute
)

// settle looks up every change that is not settled, by reading the users' groups from Okta. With patient set it waits a
// little for changes that were just made.
func (r *Reconciler) settle(ctx context.Context, patient bool) error {
	for attempt := range readBacks {
		open, err := r.unsettled(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		if err := r.observeLogFor(ctx, open); err != nil {
			return err
		}
		left, err := r.lookUp(ctx, open)
		if err != nil || left == 0 || !patient {
			return err
		}
		if err := r.Sleep(ctx, readBackWait<<attempt); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) unsettled(ctx context.Context) ([]change.Change, error) {
	var open []change.Change
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		open, err = tx.Unsettled()
		return err
	})
	return open, err
}

// observeLogFor reads the System Log when any of the changes can only be seen there.
func (r *Reconciler) observeLogFor(ctx context.Context, open []change.Change) error {
	if !slices.ContainsFunc(open, func(c change.Change) bool { return c.Kind == change.ClearSessions }) {
		return nil
	}
	return r.observeLog(ctx)
}

// lookUp settles what can be settled and returns how many changes are left. Users whose groups cannot be read are left
// for the next pass; they hold up nobody else.
func (r *Reconciler) lookUp(ctx context.Context, open []change.Change) (left int, err error) {
	byUser := make(map[access.UserID][]change.Change)
	for _, c := range open {
		byUser[c.User] = append(byUser[c.User], c)
	}
	users := make([]access.UserID, 0, len(byUser))
	for id := range byUser {
		users = append(users, id)
	}
	slices.Sort(users)
	for _, id := range users {
		n, err := r.lookUpUser(ctx, id, byUser[id])
		if err != nil && !local(err) {
			return 0, err
		}
		left += n
	}
	return left, nil
}

func (r *Reconciler) lookUpUser(ctx context.Context, id access.UserID, open []change.Change) (left int, err error) {
	seen, err := r.see(ctx, id, open)
	if err != nil {
		return len(open), err
	}
	for _, c := range open {
		next := judge(c, seen.shows(c), r.Now())
		if !next.State.Settled() {
			left++
		}
		if next.State == c.State {
			continue
		}
		if err := r.write(ctx, func(tx *store.Tx) error { return r.step(tx, next, seen) }); err != nil {
			return left, err
		}
		r.logChange(ctx, next)
	}
	return left, nil
}

// sight is what Okta shows of one user.
type sight struct {
	user      access.User
	groups    map[access.GroupID]bool
	signedOut time.Time // the last end of all sessions in the System Log
}

// see reads only what the changes need: the user's groups, the user, or the log.
func (r *Reconciler) see(ctx context.Context, id access.UserID, open []change.Change) (sight, error) {
	s := sight{groups: make(map[access.GroupID]bool)}
	kinds := make(map[change.Kind]bool)
	for _, c := range open {
		kinds[c.Kind] = true
	}
	if kinds[change.AddMember] || kinds[change.RemoveMember] {
		groups, err := r.Directory.UserGroups(ctx, id)
		if err != nil {
			return s, err
		}
		for _, g := range groups {
			s.groups[g.ID] = true
		}
	}
	if kinds[change.Suspend] || kinds[change.Deactivate] {
		var err error
		if s.user, err = r.Directory.User(ctx, id); err != nil {
			return s, err
		}
	}
	if !kinds[change.ClearSessions] {
		return s, nil
	}
	return s, r.Store.Read(ctx, func(tx *store.Tx) error {
		events, err := tx.EventsAbout(access.Membership{User: id}, open[0].Intended.Add(-clockSkew))
		for _, e := range events {
			if e.Type == eventSessionsCleared && e.Succeeded {
				s.signedOut = e.Published
			}
		}
		return err
	})
}

// clockSkew is how far Okta's clock may be behind ours.
const clockSkew = 5 * time.Second

func (s sight) shows(c change.Change) bool {
	switch c.Kind {
	case change.AddMember:
		return s.groups[c.Group]
	case change.RemoveMember:
		return !s.groups[c.Group]
	case change.Suspend:
		return s.user.Status == access.Suspended || s.user.Status == access.Deprovisioned
	case change.Deactivate:
		return s.user.Status == access.Deprovisioned
	case change.ClearSessions:
		return !s.signedOut.Before(c.Intended.Add(-clockSkew))
	default:
		return false
	}
}

// notShown is the cause of a change that Okta accepted and does not show.
const notShown = "accepted and not shown"

// judge returns the change as looking leaves it. One that is not seen is given up only after the time in which Okta may
// still have to show it: soon when its answer was lost, late when Okta had said yes. It is then planned anew under its own
// ID.
func judge(c change.Change, shown bool, now time.Time) change.Change {
	age := now.Sub(c.Intended)
	switch {
	case shown:
		c.State, c.Error, c.Settled = change.Confirmed, "", now
	case c.State == change.Applied && age >= lag:
		c.State, c.Error = change.Unconfirmed, notShown
	case c.State == change.Applied, age < lag, c.Error == notShown && age < giveUp:
	default:
		c.State, c.Settled = change.Refused, now
		if c.Error == "" {
			c.Error = access.ErrUnconfirmed.Error()
		}
	}
	return c
}

// step records what looking made of a change and what follows from it, in one transaction: the mirror, the grant, the
// witness.
func (r *Reconciler) step(tx *store.Tx, c change.Change, seen sight) error {
	if c.State != change.Confirmed {
		return record(tx, c, r.Now())
	}
	var err error
	if c.Event, err = eventShowing(tx, c); err != nil {
		return err
	}
	if err := record(tx, c, c.Settled); err != nil {
		return err
	}
	switch c.Kind {
	case change.AddMember:
		return tx.SetMember(c.Membership())
	case change.Suspend, change.Deactivate:
		return tx.PutUsers([]access.User{seen.user})
	case change.RemoveMember:
		if err := tx.UnsetMember(c.Membership()); err != nil {
			return err
		}
		if err := r.dropBaseline(tx, c); err != nil {
			return err
		}
		return r.endGrants(tx, c)
	default:
		return nil
	}
}

// dropBaseline ends the acceptance of a membership that is gone: who comes back by hand is drift.
func (r *Reconciler) dropBaseline(tx *store.Tx, c change.Change) error {
	adopted, err := tx.Baseline(c.Group)
	if err != nil || !slices.ContainsFunc(adopted, func(b store.Baseline) bool { return b.User == c.User }) {
		return err
	}
	if err := tx.DropBaseline(c.Membership()); err != nil {
		return err
	}
	_, err = tx.Append(ledger.Entry{Kind: ledger.BaselineDropped, At: c.Settled, Change: c.ID, User: c.User, Group: c.Group})
	return err
}

// endGrants ends every grant that the confirmed removal took the ground from.
func (r *Reconciler) endGrants(tx *store.Tx, c change.Change) error {
	grants, err := tx.GrantsOf(c.User)
	if err != nil {
		return err
	}
	for _, g := range grants {
		// What was approved after the removal was decided is not ended by it, however late it was seen.
		if g.Group != c.Group || !g.Ended.IsZero() || g.Approved.After(c.Intended) {
			continue
		}
		if err := endGrant(tx, g, plannedEnd{reason: c.Reason, ticket: c.Ticket, at: c.Settled}); err != nil {
			return err
		}
	}
	return nil
}
