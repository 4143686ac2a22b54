package replay

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Read reads the history since a time from the store: tickets that were updated since, everybody, the groups as they were
// last completely read, and what was written and recorded.
//
// Errors: those of the store.
func Read(tx *store.Tx, since time.Time) (History, error) {
	h := History{
		Since: since, Now: tx.Now(), Members: make(map[access.GroupID][]access.UserID),
		Granted: make(map[access.Membership]bool), Baseline: make(map[access.Membership]bool),
	}
	for _, read := range []func(*store.Tx) error{h.readTickets, h.readPeople, h.readAuthority, h.readRecords} {
		if err := read(tx); err != nil {
			return History{}, err
		}
	}
	return h, nil
}

func (h *History) readTickets(tx *store.Tx) error {
	err := tx.EachTicket(store.TicketFilter{UpdatedSince: h.Since}, func(t ticket.Ticket) error {
		h.Tickets = append(h.Tickets, Ticket{Ticket: t})
		return nil
	})
	for i := range h.Tickets {
		if err != nil {
			return err
		}
		h.Tickets[i].Approvals, _, _, err = tx.Approvals(h.Tickets[i].Key)
	}
	return err
}

func (h *History) readPeople(tx *store.Tx) error {
	if err := tx.EachUser(func(u access.User) error {
		h.Users = append(h.Users, u)
		return nil
	}); err != nil {
		return err
	}
	groups, err := tx.Groups()
	if err != nil {
		return err
	}
	for _, g := range groups {
		members, _, known, err := tx.Members(g.ID)
		if err != nil {
			return err
		}
		if known {
			h.Members[g.ID] = members
		}
	}
	return nil
}

func (h *History) readAuthority(tx *store.Tx) error {
	grants, err := tx.Grants()
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Live(h.Now) {
			h.Granted[g.Membership()] = true
		}
	}
	adopted, err := tx.Baselines()
	for _, b := range adopted {
		h.Baseline[b.Membership] = true
	}
	return err
}

func (h *History) readRecords(tx *store.Tx) error {
	var err error
	if h.Changes, err = tx.ChangesSince(h.Since); err != nil {
		return err
	}
	return tx.EachFact(func(f kpi.Fact) error {
		h.Facts = append(h.Facts, f)
		return nil
	})
}
