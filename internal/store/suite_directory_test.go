package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
)

func directoryCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"users come back whole and ordered by ID": func(b *bench) {
			users := []access.User{
				{ID: "00uB", Login: "bo@example.com", Name: "Bo \x00 Ω", Status: access.Active, Updated: noon, Profile: map[string]string{"title": "x"}},
				{ID: "00ua", Status: access.Suspended},
				{ID: "00uA", Status: access.Deprovisioned, StatusChanged: noon},
			}
			b.write(func(tx *store.Tx) error { return tx.PutUsers(append(users, users[0])) })
			b.read(func(tx *store.Tx) error {
				got, found, err := tx.User("00uB")
				b.want(found, true)
				b.want(got, users[0])
				var order []access.UserID
				err2 := tx.EachUser(func(u access.User) error { order = append(order, u.ID); return nil })
				b.want(order, []access.UserID{"00uA", "00uB", "00ua"})
				return firstError(err, err2)
			})
		},
		"a group that was never read has unknown members": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.SetMember(access.Membership{Group: "gUnread", User: "u1"}) })
			b.read(func(tx *store.Tx) error {
				users, _, known, err := tx.Members("gUnread")
				b.want(known, false)
				b.want(users, []access.UserID{})
				return err
			})
		},
		"a group read as empty is known and empty": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.PutMembers("gEmpty", nil, noon) })
			b.read(func(tx *store.Tx) error {
				users, readAt, known, err := tx.Members("gEmpty")
				b.want(known, true)
				b.want(readAt, noon)
				b.want(len(users), 0)
				return err
			})
		},
		"a group that is forgotten has unknown members until it is read again": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutMembers("gLost", []access.UserID{"ul"}, noon), tx.PutMembers("gKept", []access.UserID{"ul"}, noon))
			})
			b.write(func(tx *store.Tx) error { return firstError(tx.ForgetMembers("gLost"), tx.ForgetMembers("gNever")) })
			b.read(func(tx *store.Tx) error {
				_, _, known, err := tx.Members("gLost")
				b.want(known, false)
				of, err2 := tx.MembershipsOf("ul")
				b.want(of, []access.Membership{{Group: "gKept", User: "ul"}})
				return firstError(err, err2)
			})
			b.write(func(tx *store.Tx) error { return tx.PutMembers("gLost", []access.UserID{"um"}, noon) })
			b.read(func(tx *store.Tx) error {
				users, _, known, err := tx.Members("gLost")
				b.want(known, true)
				b.want(users, []access.UserID{"um"})
				return err
			})
		},
		"reading a group replaces its members": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.PutMembers("gRead", []access.UserID{"u3", "u1", "u2", "u1"}, noon) })
			b.write(func(tx *store.Tx) error {
				return tx.PutMembers("gRead", []access.UserID{"u4", "u2"}, noon.Add(time.Minute))
			})
			b.write(func(tx *store.Tx) error {
				return firstError(tx.SetMember(access.Membership{Group: "gRead", User: "u0"}), tx.UnsetMember(access.Membership{Group: "gRead", User: "u4"}))
			})
			b.read(func(tx *store.Tx) error {
				users, readAt, _, err := tx.Members("gRead")
				b.want(users, []access.UserID{"u0", "u2"})
				b.want(readAt, noon.Add(time.Minute))
				of, err2 := tx.MembershipsOf("u0")
				b.want(of, []access.Membership{{Group: "gRead", User: "u0"}})
				return firstError(err, err2)
			})
		},
		"rules are replaced as a whole": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.PutRules([]access.Rule{{ID: "r2"}, {ID: "r1", Active: true}}) })
			b.write(func(tx *store.Tx) error {
				return tx.PutRules([]access.Rule{{ID: "r3", Groups: []access.GroupID{"g"}}, {ID: "r1"}})
			})
			b.read(func(tx *store.Tx) error {
				rules, err := tx.Rules()
				b.want(rules, []access.Rule{{ID: "r1"}, {ID: "r3", Groups: []access.GroupID{"g"}}})
				return err
			})
		},
		"an event is new once and found by what it names": func(b *bench) {
			add := access.Event{
				ID: "e1", Published: noon, Type: "group.user_membership.add", Succeeded: true,
				Users: []access.UserID{"ue"}, Groups: []access.GroupID{"ge"},
			}
			other := access.Event{ID: "e2", Published: noon.Add(time.Second), Users: []access.UserID{"ue"}}
			b.write(func(tx *store.Tx) error {
				fresh, err := tx.PutEvents([]access.Event{add, other, add})
				b.want(fresh, []access.Event{add, other})
				again, err2 := tx.PutEvents([]access.Event{add})
				b.want(len(again), 0)
				return firstError(err, err2)
			})
			b.read(func(tx *store.Tx) error {
				about, err := tx.EventsAbout(access.Membership{Group: "ge", User: "ue"}, noon)
				b.want(about, []access.Event{add})
				later, err2 := tx.EventsAbout(access.Membership{Group: "ge", User: "ue"}, noon.Add(1))
				b.want(len(later), 1)
				user, err3 := tx.EventsAbout(access.Membership{User: "ue"}, noon)
				b.want(user, []access.Event{add, other})
				return firstError(err, err2, err3)
			})
		},
	}
}
