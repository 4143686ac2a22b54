package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func ticketCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a ticket comes back with its approvals": func(b *bench) {
			tk := ticket.Ticket{
				ID: "101", Key: "TKA-1", Project: "TKA", Summary: "Access", Created: noon, Updated: noon,
				Fields:  map[string]ticket.Value{"Access for": {Accounts: []ticket.AccountID{"acc"}, Time: noon}},
				History: []ticket.Edit{{At: noon, Field: "status", To: "Approved"}},
			}
			approvals := []ticket.Approval{{ID: "9", Decision: ticket.Approved, Completed: noon}}
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutTicket(tk, noon), tx.PutApprovals("TKA-1", approvals, noon))
			})
			b.read(func(tx *store.Tx) error {
				got, gotApprovals, found, err := tx.Ticket("TKA-1")
				b.want(found, true)
				b.want(got, tk)
				b.want(gotApprovals, approvals)
				return err
			})
		},
		"a ticket that moves keeps its approvals and leaves its old key": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(
					tx.PutTicket(ticket.Ticket{ID: "102", Key: "TKB-1", Project: "TKB"}, noon),
					tx.PutApprovals("TKB-1", []ticket.Approval{{ID: "10"}}, noon),
					tx.PutTicket(ticket.Ticket{ID: "102", Key: "TKC-5", Project: "TKC"}, noon),
				)
			})
			b.read(func(tx *store.Tx) error {
				_, _, found, err := tx.Ticket("TKB-1")
				b.want(found, false)
				_, approvals, found2, err2 := tx.Ticket("TKC-5")
				b.want(found2, true)
				b.want(len(approvals), 1)
				return firstError(err, err2)
			})
		},
		"a ticket that is gone is not found and stays listed for the evidence": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutTicket(ticket.Ticket{ID: "103", Key: "TKD-1", Project: "TKD"}, noon), tx.DeleteTicket("103", noon))
			})
			b.read(func(tx *store.Tx) error {
				_, _, found, err := tx.Ticket("TKD-1")
				b.want(found, false)
				b.want(listed(b, tx, store.TicketFilter{Projects: []string{"TKD"}}), []ticket.Key{})
				b.want(listed(b, tx, store.TicketFilter{Projects: []string{"TKD"}, Gone: true}), []ticket.Key{"TKD-1"})
				return err
			})
		},
		"tickets are chosen by project, state and update": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(
					tx.PutTicket(ticket.Ticket{ID: "201", Key: "TKE-1", Project: "TKE", Done: true, Updated: noon}, noon),
					tx.PutTicket(ticket.Ticket{ID: "202", Key: "TKE-2", Project: "TKE", Updated: noon.Add(time.Hour)}, noon),
					tx.PutTicket(ticket.Ticket{ID: "203", Key: "TKF-1", Project: "TKF", Updated: noon}, noon),
				)
			})
			b.read(func(tx *store.Tx) error {
				b.want(listed(b, tx, store.TicketFilter{Projects: []string{"TKF", "TKE"}}), []ticket.Key{"TKE-1", "TKE-2", "TKF-1"})
				b.want(listed(b, tx, store.TicketFilter{Projects: []string{"TKE"}, Open: true}), []ticket.Key{"TKE-2"})
				b.want(listed(b, tx, store.TicketFilter{Projects: []string{"TKE"}, UpdatedSince: noon.Add(1)}), []ticket.Key{"TKE-1", "TKE-2"})
				b.want(listed(b, tx, store.TicketFilter{Projects: []string{"TKE"}, UpdatedSince: noon.Add(time.Second)}), []ticket.Key{"TKE-2"})
				return nil
			})
		},
		"a bad ticket is marked until it is read well": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutBadTicket("TKG-1", "no field", noon), tx.PutBadTicket("TKG-1", "no system", noon.Add(time.Hour)))
			})
			b.read(func(tx *store.Tx) error {
				bad, err := tx.BadTickets()
				b.want(bad, []store.BadTicket{{Key: "TKG-1", Since: noon, Cause: "no system"}})
				return err
			})
			b.write(func(tx *store.Tx) error {
				return tx.PutTicket(ticket.Ticket{ID: "301", Key: "TKG-1", Project: "TKG"}, noon)
			})
			b.read(func(tx *store.Tx) error {
				bad, err := tx.BadTickets()
				b.want(len(bad), 0)
				return err
			})
		},
		"a ticket without an ID is refused": func(b *bench) {
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error {
				return tx.PutTicket(ticket.Ticket{Key: "TKH-1"}, noon)
			}), access.ErrInvalid)
		},
	}
}

func listed(b *bench, tx *store.Tx, filter store.TicketFilter) []ticket.Key {
	b.Helper()
	var keys []ticket.Key
	err := tx.EachTicket(filter, func(tk ticket.Ticket) error { keys = append(keys, tk.Key); return nil })
	if err != nil {
		b.Error(err)
	}
	return keys
}
