package store_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
)

func lifeCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"users are judged once under a mark, and again when they or the mark change": func(b *bench) {
			ids := func(mark string) (got []access.UserID) {
				b.read(func(tx *store.Tx) error {
					return tx.EachUnjudged(mark, 1000, func(u access.User) error {
						if u.ID == "ulife1" || u.ID == "ulife2" {
							got = append(got, u.ID)
						}
						_, _, err := tx.User(u.ID) // the transaction may be used meanwhile
						return err
					})
				})
				return got
			}
			put := func(id access.UserID, department string) {
				b.write(func(tx *store.Tx) error {
					return tx.PutUsers([]access.User{{ID: id, Status: access.Active, Profile: map[string]string{"department": department}}})
				})
			}
			put("ulife1", "Sales")
			put("ulife2", "Sales")
			b.want(ids("m1"), []access.UserID{"ulife1", "ulife2"})
			b.write(func(tx *store.Tx) error { return tx.JudgeUsers("m1", []access.UserID{"ulife1", "ulife2", "unobody"}) })
			b.want(len(ids("m1")), 0)
			b.want(ids("m2"), []access.UserID{"ulife1", "ulife2"})
			put("ulife1", "Sales") // nothing has changed
			b.want(len(ids("m1")), 0)
			put("ulife2", "Legal")
			b.want(ids("m1"), []access.UserID{"ulife2"})
			b.write(func(tx *store.Tx) error { return tx.JudgeUsers("m1", nil) })
			b.write(func(tx *store.Tx) error { return tx.JudgeUsers("m0", []access.UserID{"ulife2"}) })
			b.want(ids("m1"), []access.UserID{"ulife2"})
			b.want(ids("m0"), []access.UserID{"ulife1"})
		},
		"of many users who are not judged no more are read than asked for, and each once": func(b *bench) {
			const many = 1203 // more than are held at a time, and not a multiple of it
			var users []access.User
			for i := range many {
				users = append(users, access.User{ID: access.UserID(fmt.Sprintf("umany%04d", i)), Status: access.Active})
			}
			b.write(func(tx *store.Tx) error { return tx.PutUsers(users) })
			b.read(func(tx *store.Tx) error {
				seen := make(map[access.UserID]int)
				err := tx.EachUnjudged("m3", 1_000_000, func(u access.User) error { seen[u.ID]++; return nil })
				for _, u := range users {
					if seen[u.ID] != 1 {
						b.Errorf("%s was read %d times", u.ID, seen[u.ID])
					}
				}
				n := 0
				err2 := tx.EachUnjudged("m3", 501, func(access.User) error { n++; return nil })
				b.want(n, 501)
				stop := errors.New("stop")
				b.want(errors.Is(tx.EachUnjudged("m3", 501, func(access.User) error { return stop }), stop), true)
				return firstError(err, err2)
			})
		},
		"grants that run out within a time are found": func(b *bench) {
			until := func(id string, at, ended time.Time) change.Grant {
				return change.Grant{ID: change.GrantID(id), User: "ulife3", Group: "glife", Expires: at, Ended: ended}
			}
			b.write(func(tx *store.Tx) error {
				return firstError(
					tx.PutGrant(until("l1", noon.Add(time.Hour), time.Time{})), tx.PutGrant(until("l2", noon.Add(2*time.Hour), time.Time{})),
					tx.PutGrant(until("l3", time.Time{}, time.Time{})), tx.PutGrant(until("l4", noon.Add(time.Hour), noon)))
			})
			b.read(func(tx *store.Tx) error {
				var got []change.GrantID
				found, err := tx.GrantsExpiring(noon, noon.Add(time.Hour))
				for _, g := range found {
					if g.Group == "glife" {
						got = append(got, g.ID)
					}
				}
				b.want(got, []change.GrantID{"l1"})
				later, err2 := tx.GrantsExpiring(noon.Add(time.Hour), noon.Add(time.Hour))
				for _, g := range later {
					b.want(g.Group == "glife", false)
				}
				return firstError(err, err2)
			})
		},
	}
}
