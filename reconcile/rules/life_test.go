package rules_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// The scenes of this file are about access that moves, follows a profile, is taken in an emergency, or comes back. Each is by
// the book until one thing is spoiled.

const lifeHead = `apiVersion: sopd/v1
kind: %s
name: %s
title: X
version: 1.0.0
effective: 2026-01-01
owner: A
reviewer: B
nextReview: 2027-01-01
raci: {responsible: A, accountable: A, consulted: B, informed: C}
controls: [X]
`

const lifeSystems = systems + `  - {id: web, name: Web, risk: low, mode: grant, owners: {users: [uOwner]},
     groups: [{id: gWeb, name: web-users}], roles: [{name: User, groups: [web-users]}]}
  - {id: team, name: Team, risk: low, mode: grant, owners: {users: [uOwner]},
     groups: [{id: gTeam, name: team-users}], roles: [{name: User, groups: [team-users]}]}
`

// newLife is a scene whose policies know all of it.
func newLife(t *testing.T) *scene {
	s := newScene(t)
	tickets := func(kind, fields, more string) string {
		return "tickets:\n  projects: [ACC]\n  requestTypes: [" + kind + "]\n  statuses: {fulfil: [Approved], review: Review, close: Closed}\n  fields: {" + fields + "}\n" + more
	}
	files := map[string]string{
		"catalog.yaml": lifeSystems, "access.yaml": policy, "people.yaml": "apiVersion: sopd/v1\nkind: People\nattribute: jira\n",
		"guards.yaml": "apiVersion: sopd/v1\nkind: Guards\nremovals: 3\n",
		"role.yaml":   fmt.Sprintf(lifeHead, "RoleChange", "role") + tickets("Role", "beneficiary: For, system: New, oldSystem: Old, effective: From", "approvals: [{role: owner, owners: true}]\n"),
		"strict.yaml": fmt.Sprintf(lifeHead, "RoleChange", "strict") + tickets("Strict", "beneficiary: For, system: New, oldSystem: Old", "overlap: forbidden\napprovals: [{role: owner, owners: true}]\n"),
		"glass.yaml": fmt.Sprintf(lifeHead, "BreakGlass", "glass") + tickets("Emergency", "system: New, justification: Why",
			"people: {users: [uCyd]}\nonCall: [night]\nroles: [{system: web, role: User}]\nmaximum: 1h\nreview: 30m\napprovals: [{role: security, groups: [gSec]}]\n"),
		"birth.yaml": fmt.Sprintf(lifeHead, "Birthright", "birth") + "grace: 1h\nrules:\n" +
			"  - {name: sales, when: 'user.dept == \"Sales\"', roles: [{system: web, role: User}]}\n" +
			"  - {name: legal, when: 'user.dept == \"Legal\"', roles: [{system: team, role: User}]}\n",
	}
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := policies.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	s.set = set
	s.truth.Members["gWeb"], s.truth.Members["gTeam"] = []access.UserID{}, []access.UserID{}
	s.truth.Groups = append(s.truth.Groups, access.Group{ID: "gWeb", Type: access.OktaGroup}, access.Group{ID: "gTeam", Type: access.OktaGroup})
	s.record()
	return s
}

// at is a time of the scene.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// made is a change of uCyd's that was carried out.
func made(kind change.Kind, reason change.Reason, group access.GroupID, minute int) change.Change {
	return change.Change{
		ID: change.NewID(at(minute)), Kind: kind, Reason: reason, User: "uCyd", Group: group, Plan: fmt.Sprint("p", minute), Policy: "x@1", Intended: at(minute),
	}
}

// holds puts a grant of uCyd's on record.
func (s *scene) holds(g change.Grant, minute int) change.Grant {
	s.Helper()
	g.User = "uCyd"
	s.write(func(tx *store.Tx) error {
		if err := tx.PutGrant(g); err != nil {
			return err
		}
		_, err := tx.Append(ledger.Entry{Kind: ledger.GrantApproved, At: at(minute), Ticket: g.Ticket, Body: g})
		return err
	})
	return g
}

// lifeTicket is a ticket about uCyd, with an approval by uOwner unless it is an emergency.
func (s *scene) lifeTicket(key ticket.Key, kind string, spoil func(*ticket.Ticket, *ticket.Approval)) {
	s.Helper()
	t := ticket.Ticket{
		ID: ticket.ID(key[4:]), Key: key, Project: "ACC", RequestType: kind, Status: "Closed", Reporter: person("uDan"), Created: at(4),
		Fields: map[string]ticket.Value{
			"For": {Accounts: []ticket.AccountID{"acc-uCyd"}}, "New": {Texts: []string{"Web"}}, "Old": {Texts: []string{"Team"}},
			"Why": {Texts: []string{"the shop is down since midnight"}},
		},
		People: map[ticket.AccountID]ticket.Person{"acc-uCyd": person("uCyd")},
	}
	a := ticket.Approval{ID: "a7", Decision: ticket.Approved, Created: at(4), Completed: at(5), Approvers: []ticket.Approver{
		{Person: person("uOwner"), Decision: ticket.Approved},
	}}
	if kind == "Emergency" {
		t.Reporter, a = person("uCyd"), ticket.Approval{ID: "a7", Decision: ticket.Pending, Created: at(6)}
	}
	if spoil != nil {
		spoil(&t, &a)
	}
	s.write(func(tx *store.Tx) error {
		if err := tx.PutTicket(t, noon); err != nil {
			return err
		}
		return tx.PutApprovals(key, []ticket.Approval{a}, noon)
	})
}

// moved is a role change of uCyd from the team to the web.
func (s *scene) moved(kind string, add, remove int, spoil func(*ticket.Ticket, *ticket.Approval)) {
	s.Helper()
	s.lifeTicket("ACC-7", kind, spoil)
	g := s.holds(change.Grant{
		ID: "7/gWeb/uCyd", Ticket: "ACC-7", Group: "gWeb", System: "web", Role: "User", Policy: map[string]string{"Role": "role@1.0.0", "Strict": "strict@1.0.0"}[kind],
		Reason: change.RoleChange, Requested: at(4), Approved: at(5),
		Approvals: []change.Proof{{Role: "owner", Approval: "a7", Account: "acc-uOwner", User: "uOwner", At: at(5)}},
	}, 6)
	a, r := made(change.AddMember, change.RoleChange, "gWeb", add), made(change.RemoveMember, change.RoleChange, "gTeam", remove)
	a.Ticket, a.Grant, r.Ticket = "ACC-7", g.ID, "ACC-7"
	s.carryOut(a)
	s.carryOut(r)
	s.truth.Members["gWeb"] = append(s.truth.Members["gWeb"], "uCyd")
}

// profiled is a birthright of uCyd's on the web that lapsed and was taken away at the minute.
func (s *scene) profiled(minute int) {
	s.Helper()
	g := change.Grant{
		ID: "birthright/sales/gWeb/uCyd", Group: "gWeb", System: "web", Role: "User", Policy: "birth@1.0.0", Reason: change.Birthright,
		Approved: at(4), FieldsHash: "sales",
	}
	s.holds(g, 4)
	a := made(change.AddMember, change.Birthright, "gWeb", 5)
	a.Grant = g.ID
	s.carryOut(a)
	s.truth.Events = append(s.truth.Events, access.Event{ID: "profile", Published: at(6), Type: "user.account.update_profile", Succeeded: true, Users: []access.UserID{"uCyd"}})
	s.user("uCyd", func(u *access.User) { u.Profile = map[string]string{"jira": "acc-uCyd", "dept": "Other"} })
	g.User, g.Lapsed, g.Expires = "uCyd", at(6), at(66)
	s.write(func(tx *store.Tx) error { return tx.PutGrant(g) })
	r := made(change.RemoveMember, change.RoleChange, "gWeb", minute)
	r.Grant = g.ID
	s.carryOut(r)
}

// emergency is uCyd's access to the web, taken away at the minute for the reason.
func (s *scene) emergency(reason change.Reason, minute int, spoil func(*ticket.Ticket, *ticket.Approval, *change.Grant)) {
	s.Helper()
	g := change.Grant{
		ID: "8/gWeb/uCyd", Ticket: "ACC-8", Group: "gWeb", System: "web", Role: "User", Policy: "glass@1.0.0", Reason: change.BreakGlass,
		Approved: at(4), Expires: at(64), Approvals: []change.Proof{{Role: "break-glass", User: "uCyd", At: at(4), Eligible: "by name"}},
	}
	s.lifeTicket("ACC-8", "Emergency", func(t *ticket.Ticket, a *ticket.Approval) {
		if spoil != nil {
			spoil(t, a, &g)
		}
	})
	g = s.holds(g, 4)
	a := made(change.AddMember, change.BreakGlass, "gWeb", 5)
	a.Ticket, a.Grant = "ACC-8", g.ID
	s.carryOut(a)
	g.Lapsed = at(minute)
	if reason == change.Unreviewed {
		g.Expires = at(minute)
	}
	s.write(func(tx *store.Tx) error { return tx.PutGrant(g) })
	r := made(change.RemoveMember, reason, "gWeb", minute)
	r.Ticket, r.Grant = "ACC-8", g.ID
	s.carryOut(r)
}

// restored is the undo of the removal of uBob, approved by the person.
func (s *scene) restored(by string, spoil func(*change.Change)) {
	s.Helper()
	s.user("uBob", func(u *access.User) { u.Status = access.Active })
	s.truth.Events = append([]access.Event{{ID: "left", Published: noon, Type: "user.lifecycle.deactivate", Succeeded: true, Users: []access.UserID{"uBob"}}}, s.truth.Events...)
	c := made(change.AddMember, change.Undo, "gPay", 9)
	c.User, c.Undoes = "uBob", s.remove.ID
	text, err := json.Marshal([]change.Change{c})
	if err != nil {
		s.Fatal(err)
	}
	h := hold.Hold{ID: hold.NewID(at(7)), Kind: hold.Undo, PlanHash: "u", Plan: text, RequestedBy: "first", ApprovedBy: by, Made: at(7), Expires: at(99)}
	g := change.Grant{ID: "undo/1", User: "uBob", Group: "gPay", System: "pay", Policy: "x@1", Reason: change.Undo, Restores: s.remove.ID, Approved: at(8), Expires: at(999)}
	s.write(func(tx *store.Tx) error {
		if err := tx.PutGrant(g); err != nil {
			return err
		}
		for kind, body := range map[ledger.Kind]any{ledger.HoldApproved: h, ledger.GrantApproved: g} {
			if _, err := tx.Append(ledger.Entry{Kind: kind, At: at(8), Body: body}); err != nil {
				return err
			}
		}
		return nil
	})
	c.Grant = g.ID
	if spoil != nil {
		spoil(&c)
	}
	s.carryOut(c)
	s.truth.Members["gPay"] = append(s.truth.Members["gPay"], "uBob")
}

func TestTheLifeOfAccessByTheBookBreaksNoRule(t *testing.T) {
	for name, play := range map[string]func(*scene){
		"a role change":                          func(s *scene) { s.moved("Role", 7, 8, nil) },
		"a role change where both are forbidden": func(s *scene) { s.moved("Strict", 8, 7, nil) },
		"a birthright that the profile outgrew":  func(s *scene) { s.profiled(67) },
		"an emergency that ran out": func(s *scene) {
			s.emergency(change.Expired, 65, func(_ *ticket.Ticket, _ *ticket.Approval, g *change.Grant) {})
		},
		"an emergency that nobody reviewed": func(s *scene) { s.emergency(change.Unreviewed, 35, nil) },
		"an emergency whose review was a no": func(s *scene) {
			s.emergency(change.Unreviewed, 10, func(_ *ticket.Ticket, a *ticket.Approval, _ *change.Grant) {
				a.Decision, a.Completed = ticket.Declined, at(9)
			})
		},
		"an emergency of whoever was on call": func(s *scene) {
			s.emergency(change.Unreviewed, 35, func(_ *ticket.Ticket, _ *ticket.Approval, g *change.Grant) {
				g.Approvals[0].Eligible = "on call for night"
			})
		},
		"a removal that was taken back": func(s *scene) { s.restored("second", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newLife(t)
			play(s)
			if found := s.broken(); len(found) != 0 {
				t.Errorf("broken: %v", found)
			}
		})
	}
}

func TestTheLifeOfAccessCanBreakRulesAndItShows(t *testing.T) {
	for name, br := range map[string]struct {
		rule int
		play func(*scene)
	}{
		"the old role before the new": {1, func(s *scene) { s.moved("Role", 8, 7, nil) }},
		"the new role before the old, forbidden": {3, func(s *scene) {
			s.moved("Strict", 7, 8, func(*ticket.Ticket, *ticket.Approval) {
				s.truth.Events = append(s.truth.Events, access.Event{ID: "x", Published: at(1), Type: "group.user_membership.add", Succeeded: true, Actor: access.Actor{ID: "uDan"}, Users: []access.UserID{"uCyd"}, Groups: []access.GroupID{"gTeam"}})
			})
		}},
		"a role that the ticket does not take": {1, func(s *scene) {
			s.moved("Role", 7, 8, func(t *ticket.Ticket, _ *ticket.Approval) { t.Fields["Old"] = ticket.Value{Texts: []string{"Pay"}} })
		}},
		"a role change that nobody approved": {1, func(s *scene) {
			s.moved("Role", 7, 8, func(_ *ticket.Ticket, a *ticket.Approval) { a.Decision = ticket.Pending })
		}},
		"a role change before its day": {1, func(s *scene) {
			s.moved("Role", 7, 8, func(t *ticket.Ticket, _ *ticket.Approval) { t.Fields["From"] = ticket.Value{Time: at(60)} })
		}},
		"a role change of another kind of ticket": {1, func(s *scene) {
			s.moved("Role", 7, 8, func(t *ticket.Ticket, _ *ticket.Approval) { t.RequestType = "Access request" })
		}},
		"a birthright within its grace": {1, func(s *scene) { s.profiled(30) }},
		"a birthright whose profile is unknown": {1, func(s *scene) {
			s.profiled(67)
			s.user("uCyd", func(u *access.User) { delete(u.Profile, "dept") })
		}},
		"a birthright that still fits": {1, func(s *scene) {
			s.profiled(67)
			s.user("uCyd", func(u *access.User) { u.Profile["dept"] = "Sales" })
		}},
		"a birthright before what the new profile gives": {1, func(s *scene) {
			s.holds(change.Grant{ID: "birthright/legal/gTeam/uCyd", Group: "gTeam", Policy: "birth@1.0.0", Reason: change.Birthright, Approved: at(10)}, 10)
			s.profiled(67)
		}},
		"a birthright that the profile does not give": {3, func(s *scene) {
			s.profiled(67)
			s.truth.Events = s.truth.Events[:len(s.truth.Events)-2] // the profile was never another one
		}},
		"an emergency for another role": {3, func(s *scene) {
			s.emergency(change.Unreviewed, 35, func(_ *ticket.Ticket, _ *ticket.Approval, g *change.Grant) { g.System = "team" })
		}},
		"an emergency that lasts too long": {3, func(s *scene) {
			s.emergency(change.Expired, 200, func(_ *ticket.Ticket, _ *ticket.Approval, g *change.Grant) { g.Expires = at(180) })
		}},
		"an emergency for somebody else": {3, func(s *scene) {
			s.emergency(change.Unreviewed, 35, func(t *ticket.Ticket, _ *ticket.Approval, _ *change.Grant) { t.Reporter = person("uDan") })
		}},
		"an emergency of an ordinary ticket": {3, func(s *scene) {
			s.emergency(change.Unreviewed, 35, func(t *ticket.Ticket, _ *ticket.Approval, _ *change.Grant) { t.RequestType = "Access request" })
		}},
		"an emergency of somebody who may not": {3, func(s *scene) {
			s.emergency(change.Unreviewed, 35, nil)
			for i := range s.set.SOPs {
				if s.set.SOPs[i].BreakGlass != nil {
					s.set.SOPs[i].BreakGlass.People.Users = []access.UserID{"uDan"}
				}
			}
		}},
		"an end before the review was due": {1, func(s *scene) { s.emergency(change.Unreviewed, 20, nil) }},
		"an end after a good review": {1, func(s *scene) {
			s.emergency(change.Unreviewed, 35, func(_ *ticket.Ticket, a *ticket.Approval, _ *change.Grant) {
				a.Decision, a.Completed = ticket.Approved, at(9)
				a.Approvers = []ticket.Approver{{Person: person("uSec"), Decision: ticket.Approved}}
			})
		}},
		"an undo that who asked approved": {3, func(s *scene) { s.restored("first", nil) }},
		"an undo that nobody approved":    {3, func(s *scene) { s.restored("", nil) }},
		"an undo of something else":       {3, func(s *scene) { s.restored("second", func(c *change.Change) { c.Undoes = s.add.ID }) }},
		"an undo of nothing":              {3, func(s *scene) { s.restored("second", func(c *change.Change) { c.Undoes = "CHG-0" }) }},
		"a removal that takes back nothing": {1, func(s *scene) {
			c := made(change.RemoveMember, change.Undo, "gPay", 9)
			c.Undoes = "CHG-0"
			s.carryOut(c)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newLife(t)
			br.play(s)
			found := s.broken()
			for _, rule := range found {
				if rule == br.rule {
					return
				}
			}
			t.Errorf("broken are %v, want %d among them", found, br.rule)
		})
	}
}
