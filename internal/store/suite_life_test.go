package store_test

import (
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
					users, err := tx.UsersUnjudged(mark, 1000)
					for _, u := range users {
						if u.ID == "ulife1" || u.ID == "ulife2" {
							got = append(got, u.ID)
						}
					}
					return err
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
