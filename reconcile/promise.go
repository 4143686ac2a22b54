package reconcile

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// A grant is a promise until it is fulfilled: a guard may hold it up for hours, or Okta may refuse it. Until then the
// ticket behind it may be withdrawn, declined or edited, and then nothing is given on it any more.

// withdraw finds, among the grants of one group, those that have given nothing and whose ticket has left the statuses in
// which sopd acts.
func (l *loader) withdraw(tx *store.Tx, g plan.GroupState, grants []change.Grant) error {
	for _, grant := range grants {
		if _, in := slices.BinarySearch(g.Members, grant.User); in || l.bad[grant.Ticket] || !grant.Live(l.now) || l.acting(grant.Ticket) || l.standsWithout(grant) {
			continue
		}
		fulfilled, err := l.fulfilled(tx, grant)
		if err != nil {
			return err
		}
		if !fulfilled {
			l.view.voided = append(l.view.voided, grant)
		}
	}
	return nil
}

// acting reports whether the ticket is open and stands where sopd is to act.
func (l *loader) acting(key ticket.Key) bool {
	return slices.ContainsFunc(l.open, func(j judged) bool { return j.ticket.Key == key && j.fulfilling() })
}

// standsWithout reports whether the grant is a promise whatever status its ticket stands at: it has none, or it is an
// emergency that waits to be given.
func (l *loader) standsWithout(g change.Grant) bool {
	return g.Ticket == "" || slices.ContainsFunc(l.raised, func(e emergency) bool {
		return e.ticket.Key == g.Ticket && e.fulfilling()
	})
}

// fulfilled reports whether the grant has led to a change, or its ticket was told that the access is there.
func (l *loader) fulfilled(tx *store.Tx, g change.Grant) (bool, error) {
	if _, told, err := tx.Effect(string(g.Ticket) + "/" + purposeProvisioned); err != nil || told {
		return told, err
	}
	changes, err := tx.ChangesByTicket(g.Ticket)
	return led(changes, g.ID), err
}

// led reports whether any of the changes gave what the grant entitles to, or may have.
func led(changes []change.Change, id change.GrantID) bool {
	return slices.ContainsFunc(changes, func(c change.Change) bool { return c.Grant == id && c.State != change.Refused })
}
