package reconcile

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// The System Log's names of what we do.
//
// Source: Okta event type catalogue 2026.08.1.
const (
	eventSessionsCleared = "user.session.clear"
	eventMemberAdded     = "group.user_membership.add"
	eventMemberRemoved   = "group.user_membership.remove"
	eventSuspended       = "user.lifecycle.suspend"
)

// eventOf returns the type of event that shows a change.
func eventOf(k change.Kind) string {
	switch k {
	case change.AddMember:
		return eventMemberAdded
	case change.RemoveMember:
		return eventMemberRemoved
	case change.Suspend:
		return eventSuspended
	case change.Deactivate:
		return eventDeactivated
	default:
		return eventSessionsCleared
	}
}

// eventShowing returns the first System Log event after the intent that shows the change, empty while none has been read.
func eventShowing(tx *store.Tx, c change.Change) (access.EventID, error) {
	events, err := tx.EventsAbout(c.Membership(), c.Intended.Add(-clockSkew))
	if err != nil {
		return "", err
	}
	for _, e := range events {
		if e.Type == eventOf(c.Kind) && e.Succeeded {
			return e.ID, nil
		}
	}
	return "", nil
}

// lastEvent returns the newest event of the type about the membership.
func lastEvent(tx *store.Tx, m access.Membership, kind string) (event access.Event, found bool, err error) {
	events, err := tx.EventsAbout(m, time.Time{})
	for _, e := range events {
		if e.Type == kind && e.Succeeded {
			event, found = e, true
		}
	}
	return event, found, err
}

// witnessWindow is how long sopd waits for the System Log to show a change that was read back.
const witnessWindow = 24 * time.Hour

// witness notes on confirmed changes the System Log event that shows them, once the log has it: it arrives after the
// membership itself.
func (r *Reconciler) witness(tx *store.Tx) error {
	changes, err := tx.ChangesSince(r.Now().Add(-witnessWindow))
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.State != change.Confirmed || c.Event != "" {
			continue
		}
		event, err := eventShowing(tx, c)
		if err != nil {
			return err
		}
		if event == "" {
			continue
		}
		c.Event = event
		if err := tx.PutChange(c); err != nil {
			return err
		}
		if _, err := tx.Append(ledger.Entry{
			Kind: ledger.ChangeWitnessed, At: r.Now(), Change: c.ID, Ticket: c.Ticket, User: c.User, Group: c.Group, Body: c,
		}); err != nil {
			return err
		}
	}
	return nil
}
