package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func eligibilityCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"whoever appears in a group that was read before without them is a newcomer": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.PutMembers("gNew", []access.UserID{"u1"}, noon) })
			b.write(func(tx *store.Tx) error {
				return tx.PutMembers("gNew", []access.UserID{"u1", "u2"}, noon.Add(time.Hour))
			})
			b.write(func(tx *store.Tx) error {
				return tx.PutMembers("gNew", []access.UserID{"u1", "u2"}, noon.Add(2*time.Hour))
			})
			b.clock.now = noon.Add(3 * time.Hour)
			b.write(func(tx *store.Tx) error { return tx.SetMember(access.Membership{Group: "gNew", User: "u3"}) })
			b.read(func(tx *store.Tx) error {
				for user, want := range map[access.UserID]time.Time{"u1": {}, "u2": noon.Add(time.Hour), "u3": noon.Add(3 * time.Hour), "u4": {}} {
					got, err := tx.FirstSeen(access.Membership{Group: "gNew", User: user})
					if err != nil {
						return err
					}
					b.want(got, want)
				}
				return nil
			})
		},
		"a grant is stray while no ticket has its key": func(b *bench) {
			grant := func(id ticket.ID, key ticket.Key) change.Grant {
				m := access.Membership{Group: "gStray", User: access.UserID("u" + id)}
				return change.Grant{ID: change.NewGrantID(id, m), Ticket: key, User: m.User, Group: m.Group}
			}
			ended := grant("904", "STR-4")
			ended.Ended = noon
			b.write(func(tx *store.Tx) error {
				return firstError(
					tx.PutTicket(ticket.Ticket{ID: "901", Key: "STR-1", Project: "STR"}, noon), tx.PutTicket(ticket.Ticket{ID: "902", Key: "STR-2", Project: "STR"}, noon),
					tx.PutTicket(ticket.Ticket{ID: "903", Key: "STR-3", Project: "STR"}, noon),
					tx.PutGrant(grant("901", "STR-1")), tx.PutGrant(grant("902", "STR-2")), tx.PutGrant(grant("903", "STR-3")), tx.PutGrant(ended),
				)
			})
			b.write(func(tx *store.Tx) error {
				return firstError(tx.DeleteTicket("902", noon), tx.PutTicket(ticket.Ticket{ID: "903", Key: "ELS-1", Project: "ELS"}, noon))
			})
			b.read(func(tx *store.Tx) error {
				got, err := tx.StrayGrants()
				var keys []ticket.Key
				for _, g := range got {
					if g.Group == "gStray" {
						keys = append(keys, g.Ticket)
					}
				}
				b.want(keys, []ticket.Key{"STR-2", "STR-3"})
				return err
			})
		},
		"tickets on which something rests are read again when they went unread for long": func(b *bench) {
			old, recent := noon.Add(-200*24*time.Hour), noon
			put := func(tx *store.Tx, id ticket.ID, at time.Time, done bool) error {
				return tx.PutTicket(ticket.Ticket{ID: id, Key: ticket.Key("OLD-" + id), Project: "OLD", Done: done}, at)
			}
			b.write(func(tx *store.Tx) error {
				g := change.Grant{ID: "813/g/u", Ticket: "OLD-813", User: "u", Group: "g"}
				second := change.Grant{ID: "813/h/u", Ticket: "OLD-813", User: "u", Group: "h"}
				gone := change.Grant{ID: "814/g/u", Ticket: "OLD-814", User: "u", Group: "g", Ended: noon}
				return firstError(
					put(tx, "811", old.Add(time.Hour), false), put(tx, "812", recent, false), put(tx, "813", old, true), put(tx, "814", old, true),
					put(tx, "815", old, true), put(tx, "816", old, false), tx.DeleteTicket("816", noon), tx.PutGrant(g), tx.PutGrant(second),
					tx.PutGrant(gone),
				)
			})
			b.read(func(tx *store.Tx) error {
				got, err := tx.TicketsToRecheck(noon.Add(-100*24*time.Hour), 10)
				b.want(got, []ticket.Key{"OLD-813", "OLD-811"})
				first, err2 := tx.TicketsToRecheck(noon.Add(-100*24*time.Hour), 1)
				b.want(first, []ticket.Key{"OLD-813"})
				lost, err3 := tx.LostTickets(noon)
				var keys []ticket.Key
				for _, t := range lost {
					if t.Project == "OLD" {
						keys = append(keys, t.Key)
					}
				}
				b.want(keys, []ticket.Key{"OLD-816"})
				later, err4 := tx.LostTickets(noon.Add(time.Second))
				b.want(len(later), 0)
				return firstError(err, err2, err3, err4)
			})
		},
	}
}
