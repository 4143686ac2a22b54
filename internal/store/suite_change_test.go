package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
)

func intended(id change.ID) change.Change {
	return change.Change{
		ID: id, Kind: change.AddMember, Reason: change.ApprovedTicket, User: "uc", Group: "gc", Ticket: "CHA-1",
		Plan: "hash", Policy: "p@1", State: change.Intended, Intended: noon,
	}
}

func settled(c change.Change, state change.State) change.Change {
	c.State, c.Settled = state, noon.Add(time.Minute)
	return c
}

func changeCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"grants are listed while they have not ended": func(b *bench) {
			live := change.Grant{ID: "g2", Ticket: "GRA-1", User: "ug", Group: "gg2", Approved: noon, Approvals: []change.Proof{{Role: "owner"}}}
			other := change.Grant{ID: "g1", Ticket: "GRA-1", User: "ug", Group: "gg1", Expires: noon}
			ended := other
			ended.Ended, ended.EndReason = noon.Add(time.Hour), change.Expired
			b.write(func(tx *store.Tx) error { return firstError(tx.PutGrant(live), tx.PutGrant(other)) })
			b.read(func(tx *store.Tx) error {
				all, err := tx.Grants()
				b.want(all, []change.Grant{other, live})
				return err
			})
			b.write(func(tx *store.Tx) error { return tx.PutGrant(ended) })
			b.read(func(tx *store.Tx) error {
				all, err1 := tx.Grants()
				b.want(all, []change.Grant{live})
				byUser, err2 := tx.GrantsOf("ug")
				b.want(byUser, []change.Grant{ended, live})
				byTicket, err3 := tx.GrantsByTicket("GRA-1")
				b.want(len(byTicket), 2)
				since, err4 := tx.GrantsEndedSince(noon.Add(time.Hour))
				b.want(since, []change.Grant{ended})
				later, err5 := tx.GrantsEndedSince(noon.Add(time.Hour + time.Second))
				b.want(len(later), 0)
				return firstError(err1, err2, err3, err4, err5)
			})
		},
		"moves are counted by group, kind and reason, refused ones left out": func(b *bench) {
			noonOf := noon.AddDate(1, 0, 0)
			for i, c := range []change.Change{
				{Kind: change.RemoveMember, Reason: change.Drift, Group: "gm1", User: "um1"},
				{Kind: change.RemoveMember, Reason: change.Drift, Group: "gm1", User: "um2"},
				{Kind: change.AddMember, Reason: change.ApprovedTicket, Group: "gm1", User: "um3"},
				{Kind: change.RemoveMember, Reason: change.Drift, Group: "gm2", User: "um1"},
				{Kind: change.Suspend, Reason: change.Offboarding, User: "um1"},
			} {
				c.ID, c.State, c.Intended = change.ID(fmt.Sprintf("CHG-M%d", i)), change.Intended, noonOf
				b.write(func(tx *store.Tx) error { return tx.PutChange(c) })
				if c.Group == "gm2" {
					c = settled(c, change.Refused)
					b.write(func(tx *store.Tx) error { return tx.PutChange(c) })
				}
			}
			b.read(func(tx *store.Tx) error {
				all, err := tx.MovesSince(noonOf)
				slices.SortFunc(all, func(x, y store.Move) int { return cmp.Compare(x.Kind, y.Kind) })
				b.want(all, []store.Move{
					{Group: "gm1", Kind: change.AddMember, Reason: change.ApprovedTicket, N: 1},
					{Group: "gm1", Kind: change.RemoveMember, Reason: change.Drift, N: 2},
				})
				return err
			})
		},
		"a change goes forward and is counted once": func(b *bench) {
			before := total(b)
			c := intended("CHG-01")
			b.write(func(tx *store.Tx) error { return tx.PutChange(c) })
			b.want(total(b)-before, int64(1))
			c.State = change.Applied
			b.write(func(tx *store.Tx) error { return tx.PutChange(c) })
			b.read(func(tx *store.Tx) error {
				open, err := tx.Unsettled()
				b.want(open, []change.Change{c})
				return err
			})
			done := settled(c, change.Confirmed)
			b.write(func(tx *store.Tx) error { return firstError(tx.PutChange(done), tx.PutChange(done)) })
			done.Event = "e-late"
			b.write(func(tx *store.Tx) error { return tx.PutChange(done) })
			b.want(total(b)-before, int64(1))
			b.read(func(tx *store.Tx) error {
				open, err := tx.Unsettled()
				b.want(len(open), 0)
				byTicket, err2 := tx.ChangesByTicket("CHA-1")
				b.want(byTicket[0], done)
				return firstError(err, err2)
			})
		},
		"a change that begins settled is refused": func(b *bench) {
			b.refused(putChange(b, settled(intended("CHG-02"), change.Confirmed)), access.ErrInvalid)
		},
		"a settled change is never opened again": func(b *bench) {
			c := intended("CHG-03")
			refused := settled(c, change.Refused)
			b.write(func(tx *store.Tx) error { return firstError(tx.PutChange(c), tx.PutChange(refused)) })
			b.refused(putChange(b, c), access.ErrInvalid)
			b.refused(putChange(b, settled(c, change.Confirmed)), access.ErrInvalid)
			moved := refused
			moved.Settled = moved.Settled.Add(time.Second)
			b.refused(putChange(b, moved), access.ErrInvalid)
		},
		"a change keeps its identity": func(b *bench) {
			c := intended("CHG-04")
			b.write(func(tx *store.Tx) error { return tx.PutChange(c) })
			c.User = "somebody-else"
			b.refused(putChange(b, c), access.ErrInvalid)
		},
		"a change that the vendor applied cannot become refused": func(b *bench) {
			c := intended("CHG-05")
			applied := c
			applied.State = change.Applied
			b.write(func(tx *store.Tx) error { return firstError(tx.PutChange(c), tx.PutChange(applied)) })
			b.refused(putChange(b, settled(c, change.Refused)), access.ErrInvalid)
		},
		"removals count from intent until they are refused": func(b *bench) {
			for i, state := range []change.State{change.Intended, change.Confirmed, change.Refused} {
				c := intended(change.ID("CHG-1" + string(rune('0'+i))))
				c.Kind, c.Intended = change.RemoveMember, noon.Add(1000*time.Hour)
				b.write(func(tx *store.Tx) error { return tx.PutChange(c) })
				if state != change.Intended {
					b.write(func(tx *store.Tx) error { return tx.PutChange(settled(c, state)) })
				}
			}
			b.read(func(tx *store.Tx) error {
				n, err := tx.RemovalsSince(noon.Add(1000 * time.Hour))
				b.want(n, int64(2))
				none, err2 := tx.RemovalsSince(noon.Add(1001 * time.Hour))
				b.want(none, int64(0))
				return firstError(err, err2)
			})
		},
	}
}

func putChange(b *bench, c change.Change) error {
	b.Helper()
	return b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.PutChange(c) })
}

// total is the number of additions of members for approved tickets, whatever their state.
func total(b *bench) (n int64) {
	b.Helper()
	b.read(func(tx *store.Tx) error {
		totals, err := tx.ChangeTotals()
		for _, one := range totals {
			if one.Kind == change.AddMember {
				n += one.N
			}
		}
		return err
	})
	return n
}
