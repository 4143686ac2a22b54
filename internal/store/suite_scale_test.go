package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// revision returns the group's revision.
func (b *bench) revision(id access.GroupID) (n int) {
	b.Helper()
	b.read(func(tx *store.Tx) error {
		all, err := tx.GroupRevisions()
		n = all[id]
		return err
	})
	return n
}

// moves fails the test unless the write moves the group's revision on, or leaves it.
func (b *bench) moves(want bool, what string, write func(*store.Tx) error) {
	b.Helper()
	before := b.revision("g")
	b.write(write)
	if moved := b.revision("g") != before; moved != want {
		b.Errorf("%s: the revision moved: %v, want %v", what, moved, want)
	}
}

func scaleCases() map[string]func(*bench) {
	m := access.Membership{Group: "g", User: "ada"}
	grant := change.Grant{ID: "1", Group: "g", User: "ada", Ticket: "ACC-1", Approved: noon}
	group := access.Group{ID: "g", Name: "a", Type: access.OktaGroup}
	return map[string]func(*bench){
		"everything that a group's plan rests on moves its revision on": func(b *bench) {
			b.moves(true, "a new group", func(tx *store.Tx) error { return tx.PutGroup(group) })
			b.moves(false, "the same group", func(tx *store.Tx) error { return tx.PutGroup(group) })
			b.moves(true, "its first reading, empty", func(tx *store.Tx) error { return tx.PutMembers("g", nil, noon) })
			b.moves(false, "the same reading", func(tx *store.Tx) error { return tx.PutMembers("g", nil, noon.Add(time.Hour)) })
			b.moves(true, "a member in a reading", func(tx *store.Tx) error { return tx.PutMembers("g", []access.UserID{"bob"}, noon) })
			b.moves(true, "a member seen apart", func(tx *store.Tx) error { return tx.SetMember(m) })
			b.moves(false, "the same member again", func(tx *store.Tx) error { return tx.SetMember(m) })
			b.moves(true, "a member seen to be gone", func(tx *store.Tx) error { return tx.UnsetMember(m) })
			b.moves(false, "the same again", func(tx *store.Tx) error { return tx.UnsetMember(m) })
			b.moves(true, "a grant", func(tx *store.Tx) error { return tx.PutGrant(grant) })
			b.moves(true, "an adoption", func(tx *store.Tx) error { return tx.PutBaseline(store.Baseline{Membership: m, Adopted: noon}) })
			b.moves(true, "many adoptions", func(tx *store.Tx) error {
				return tx.PutBaselines([]store.Baseline{{Membership: m, Adopted: noon}, {Membership: access.Membership{Group: "g", User: "bob"}}})
			})
			b.moves(true, "the end of an adoption", func(tx *store.Tx) error { return tx.DropBaseline(m) })
			b.moves(false, "the end of none", func(tx *store.Tx) error { return tx.DropBaseline(m) })
			b.moves(true, "a reading that failed", func(tx *store.Tx) error { return tx.ForgetMembers("g") })
			b.moves(false, "another group", func(tx *store.Tx) error { return tx.SetMember(access.Membership{Group: "h", User: "ada"}) })
		},
		"what was found of a group is void once the group has changed, and for another program": func(b *bench) {
			b.write(func(tx *store.Tx) error { return tx.SetMember(m) })
			found := store.Quiet{Revision: b.revision("g"), Granted: 3, Baseline: 2, Foreign: 1}
			b.write(func(tx *store.Tx) error { return tx.PutQuiet("p1", map[access.GroupID]store.Quiet{"g": found}) })
			look := func(program string) (all map[access.GroupID]store.Quiet) {
				b.read(func(tx *store.Tx) (err error) { all, err = tx.QuietGroups(program); return err })
				return all
			}
			b.want(look("p1"), map[access.GroupID]store.Quiet{"g": found})
			b.want(len(look("p2")), 0)
			b.write(func(tx *store.Tx) error { return tx.UnsetMember(m) })
			b.want(len(look("p1")), 0)
		},
		"users are found by their names and their attribute as they are now": func(b *bench) {
			find := func(name, account string) (byName, byAttribute []access.UserID) {
				b.read(func(tx *store.Tx) error {
					var err, err2 error
					byName, err = tx.UsersByName(name)
					byAttribute, err2 = tx.UsersByAttribute(account)
					return firstError(err, err2)
				})
				return byName, byAttribute
			}
			ada := access.User{ID: "ada", Login: "Ada@Example.com", Email: "a@example.com", Profile: map[string]string{"jira": "x", "other": "y"}}
			eve := access.User{ID: "eve", Login: "eve", Email: "A@example.com"}
			b.write(func(tx *store.Tx) error { return tx.PutUsers([]access.User{ada, eve}) })
			b.write(func(tx *store.Tx) error { return tx.IndexUsers("jira") })
			names, accounts := find("a@example.com", "x")
			b.want(names, []access.UserID{"ada", "eve"})
			b.want(accounts, []access.UserID{"ada"})
			ada.Email, ada.Profile = "new@example.com", map[string]string{"jira": "z"}
			b.write(func(tx *store.Tx) error { return tx.PutUsers([]access.User{ada}) })
			names, accounts = find("a@example.com", "x")
			b.want(names, []access.UserID{"eve"})
			b.want(len(accounts), 0)
			names, accounts = find("ada@example.com", "z")
			b.want(names, []access.UserID{"ada"})
			b.want(accounts, []access.UserID{"ada"})
			b.write(func(tx *store.Tx) error { return tx.IndexUsers("") })
			_, accounts = find("", "z")
			b.want(len(accounts), 0)
		},
		"a user who is put twice at once is the later one": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return tx.PutUsers([]access.User{{ID: "ada", Login: "old"}, {ID: "bob", Login: "bob"}, {ID: "ada", Login: "new"}})
			})
			b.read(func(tx *store.Tx) error {
				u, _, err := tx.User("ada")
				b.want(u.Login, "new")
				old, err2 := tx.UsersByName("old")
				b.want(len(old), 0)
				return firstError(err, err2)
			})
		},
		"deactivated users are named while they hold something": func(b *bench) {
			holders := func() (ids []access.UserID) {
				b.read(func(tx *store.Tx) (err error) { ids, err = tx.DeprovisionedHolders(); return err })
				return ids
			}
			gone := func(id access.UserID) access.User { return access.User{ID: id, Status: access.Deprovisioned} }
			b.write(func(tx *store.Tx) error {
				err := tx.PutUsers([]access.User{gone("ada"), gone("bob"), gone("cyd"), {ID: "dan", Status: access.Active}})
				return firstError(err, tx.SetMember(m), tx.SetMember(access.Membership{Group: "g", User: "dan"}),
					tx.PutGrant(change.Grant{ID: "2", Group: "g", User: "bob", Ticket: "ACC-2"}),
					tx.PutGrant(change.Grant{ID: "3", Group: "g", User: "cyd", Ticket: "ACC-3", Ended: noon}))
			})
			b.want(holders(), []access.UserID{"ada", "bob"})
		},
		"the ends of grants are found without the grants": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				past, soon, late := grant, grant, grant
				past.ID, past.Expires = "2", noon.Add(-time.Hour)
				soon.ID, soon.Group, soon.Expires = "3", "h", noon.Add(time.Hour)
				late.ID, late.Expires = "4", noon.Add(2*time.Hour)
				return firstError(tx.PutGrant(grant), tx.PutGrant(past), tx.PutGrant(soon), tx.PutGrant(late))
			})
			b.read(func(tx *store.Tx) error {
				groups, err := tx.GroupsWithExpired(noon)
				b.want(groups, []access.GroupID{"g"})
				next, err2 := tx.NextExpiry(noon)
				b.want(next, noon.Add(time.Hour))
				none, err3 := tx.NextExpiry(noon.Add(3 * time.Hour))
				b.want(none.IsZero(), true)
				in, err4 := tx.GrantsIn("g")
				b.want(len(in), 3)
				return firstError(err, err2, err3, err4)
			})
		},
		"the approvals that were read longest ago come first, of open tickets": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				for i, key := range []ticket.Key{"ACC-1", "ACC-2", "ACC-3", "ACC-4"} {
					t := ticket.Ticket{ID: ticket.ID(string(key[4:])), Key: key, Project: "ACC", Done: key == "ACC-1"}
					if err := firstError(tx.PutTicket(t, noon), tx.PutApprovals(key, nil, noon.Add(-time.Duration(i)*time.Hour))); err != nil {
						return err
					}
				}
				return nil
			})
			b.read(func(tx *store.Tx) error {
				keys, err := tx.OldestApprovals(noon.Add(-time.Minute), 2)
				b.want(keys, []ticket.Key{"ACC-4", "ACC-3"})
				return err
			})
		},
	}
}
