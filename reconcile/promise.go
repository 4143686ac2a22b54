package reconcile

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
)

// A grant is a promise until it is fulfilled: a guard may hold it up for hours, or Okta may refuse it. Until then the
// ticket behind it may be withdrawn, declined or edited, and then nothing is given on it any more.

// loadPromises finds the grants that have given nothing and whose ticket has left the statuses in which sopd acts.
func (l *loader) loadPromises(tx *store.Tx) error {
	acting := make(map[change.GrantID]bool)
	for _, j := range l.open {
		if j.fulfilling() {
			for _, g := range l.grants {
				acting[g.ID] = acting[g.ID] || g.Ticket == j.ticket.Key
			}
		}
	}
	for _, g := range l.grants {
		if acting[g.ID] || l.standsWithout(g) || l.bad[g.Ticket] || !g.Live(l.now) || !l.absent(g.Membership()) {
			continue
		}
		fulfilled, err := l.fulfilled(tx, g)
		if err != nil {
			return err
		}
		if !fulfilled {
			l.withdrawn = append(l.withdrawn, g)
		}
	}
	return nil
}

// standsWithout reports whether the grant is a promise whatever status its ticket stands at: it has none, or it is an
// emergency that waits to be given.
func (l *loader) standsWithout(g change.Grant) bool {
	return g.Ticket == "" || slices.ContainsFunc(l.lives.emergencies, func(e emergency) bool {
		return e.ticket.Key == g.Ticket && e.fulfilling()
	})
}

// absent reports whether the group is known and the user is not in it.
func (l *loader) absent(m access.Membership) bool {
	for _, g := range l.groups {
		if g.Group.ID == m.Group {
			_, in := slices.BinarySearch(g.Members, m.User)
			return !in
		}
	}
	return false
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
