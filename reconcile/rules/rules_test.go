package rules_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/rules"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const policy = `apiVersion: sopd/v1
kind: AccessProvisioning
name: access-provisioning
title: Access
version: 1.0.0
effective: 2026-01-01
owner: A
reviewer: B
nextReview: 2027-01-01
raci: {responsible: A, accountable: A, consulted: B, informed: C}
controls: [X]
tickets:
  projects: [ACC]
  requestTypes: [Access request]
  statuses: {waiting: [Waiting], fulfil: [Approved], validate: Check, validated: [Validated], close: Closed}
  fields: {beneficiary: Access for, system: System, justification: Why, expires: Until}
approvals:
  - {role: system-owner, owners: true}
  - {role: security-operations, groups: [gSec], when: 'system.risk == "high"'}
`

const systems = `apiVersion: sopd/v1
kind: Catalog
systems:
  - {id: pay, name: Pay, risk: high, mode: enforce, owners: {users: [uOwner]},
     groups: [{id: gPay, name: pay-users, floor: 2}], roles: [{name: User, groups: [pay-users]}]}
  - {id: arch, name: Archive, risk: low, mode: observe, owners: {users: [uOwner]},
     groups: [{id: gArch, name: arch-users}], roles: [{name: User, groups: [arch-users]}]}
`

// scene is a world in which everything was done by the book: uAda was let in on an approved ticket, uBob, who left, was
// taken out. Each test spoils one thing.
type scene struct {
	*testing.T
	store  *store.Store
	set    *policies.Set
	truth  rules.Truth
	add    change.Change
	remove change.Change
	grant  change.Grant
	ticket ticket.Ticket
}

func person(id access.UserID) ticket.Person {
	return ticket.Person{Account: ticket.AccountID("acc-" + string(id)), Name: string(id), Active: true}
}

func newScene(t *testing.T) *scene { return sceneUnder(t, policy, "") }

// sceneUnder is the scene under another access procedure, with more rules when there are any.
func sceneUnder(t *testing.T, procedure, more string) *scene {
	folder := fstest.MapFS{
		"catalog.yaml": {Data: []byte(systems)}, "access.yaml": {Data: []byte(procedure)},
		"people.yaml": {Data: []byte("apiVersion: sopd/v1\nkind: People\nattribute: jira\n")},
		"guards.yaml": {Data: []byte("apiVersion: sopd/v1\nkind: Guards\nremovals: 2\nremovalsPerHour: 3\nprotectedUsers: [uGlass]\n")},
	}
	if more != "" {
		folder["more.yaml"] = &fstest.MapFile{Data: []byte(more)}
	}
	set, err := policies.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{T: t, set: set, store: storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return noon })}
	s.truth = rules.Truth{
		Actor: "uBot", Account: "acc-uBot", Fed: map[access.GroupID]time.Time{},
		Groups:  []access.Group{{ID: "gPay", Type: access.OktaGroup}, {ID: "gArch", Type: access.OktaGroup}},
		Members: map[access.GroupID][]access.UserID{"gPay": {"uAda", "uCyd"}, "gArch": {}, "gSec": {"uSec"}},
	}
	for _, id := range []access.UserID{"uAda", "uBob", "uCyd", "uDan", "uOwner", "uSec", "uGlass", "uBot"} {
		u := access.User{ID: id, Login: strings.ToLower(string(id)) + "@example.com", Status: access.Active}
		u.Profile = map[string]string{"jira": "acc-" + string(id)}
		if id == "uBob" {
			u.Status = access.Deprovisioned
		}
		s.truth.Users = append(s.truth.Users, u)
	}
	s.give()
	s.take()
	return s
}

// give lets uAda in on ACC-1.
func (s *scene) give() {
	s.ticket = ticket.Ticket{
		ID: "1", Key: "ACC-1", Project: "ACC", RequestType: "Access request", Status: "Check", Reporter: person("uDan"), Created: noon,
		Fields: map[string]ticket.Value{"Access for": {Accounts: []ticket.AccountID{"acc-uAda"}}, "System": {Texts: []string{"Pay"}}},
		People: map[ticket.AccountID]ticket.Person{"acc-uAda": person("uAda")},
	}
	m := access.Membership{Group: "gPay", User: "uAda"}
	s.grant = change.Grant{
		ID: change.NewGrantID("1", m), Ticket: "ACC-1", User: "uAda", Group: "gPay", System: "pay", Role: "User",
		Policy: "access-provisioning@1.0.0", Requested: noon, Approved: noon.Add(time.Minute), Approvals: []change.Proof{
			{Role: "system-owner", Approval: "a1", Account: "acc-uOwner", User: "uOwner", At: noon.Add(time.Minute), Eligible: "owner"},
			{Role: "security-operations", Approval: "a1", Account: "acc-uSec", User: "uSec", At: noon.Add(time.Minute), Eligible: "member"},
		},
	}
	s.add = change.Change{
		ID: change.NewID(noon.Add(2 * time.Minute)), Kind: change.AddMember, Reason: change.ApprovedTicket, User: "uAda", Group: "gPay",
		Ticket: "ACC-1", Grant: s.grant.ID, Plan: "p1", Policy: s.grant.Policy, Intended: noon.Add(2 * time.Minute),
	}
}

// take lets uBob go, whom Okta deactivated.
func (s *scene) take() {
	s.remove = change.Change{
		ID: change.NewID(noon.Add(3 * time.Minute)), Kind: change.RemoveMember, Reason: change.Deprovisioned, User: "uBob", Group: "gPay",
		Plan: "p2", Policy: "x@1", Intended: noon.Add(3 * time.Minute),
	}
}

func (s *scene) write(fn func(*store.Tx) error) {
	s.Helper()
	storetest.Write(s.T, s.store, fn)
}

// record keeps what was decided and done, and shows it in the vendors' truth.
func (s *scene) record() {
	s.Helper()
	s.write(func(tx *store.Tx) error {
		if err := tx.PutTicket(s.ticket, noon); err != nil {
			return err
		}
		a := ticket.Approval{ID: "a1", Decision: ticket.Approved, Created: noon, Completed: noon.Add(time.Minute)}
		for _, p := range s.grant.Approvals {
			a.Approvers = append(a.Approvers, ticket.Approver{Person: person(p.User), Decision: ticket.Approved})
		}
		if err := tx.PutApprovals("ACC-1", []ticket.Approval{a}, noon); err != nil {
			return err
		}
		if err := tx.PutGrant(s.grant); err != nil {
			return err
		}
		_, err := tx.Append(ledger.Entry{Kind: ledger.GrantApproved, At: noon.Add(time.Minute), Ticket: "ACC-1", Body: s.grant})
		return err
	})
	s.carryOut(s.add)
	s.carryOut(s.remove)
}

// carryOut records a change as it should be, with the event that shows it.
func (s *scene) carryOut(c change.Change) {
	s.Helper()
	for _, state := range []change.State{change.Intended, change.Applied, change.Confirmed} {
		c.State = state
		if state == change.Confirmed {
			c.Settled = c.Intended.Add(2 * time.Second)
		}
		s.write(func(tx *store.Tx) error {
			if err := tx.PutChange(c); err != nil {
				return err
			}
			_, err := tx.Append(ledger.Entry{Kind: ledger.Kind("change." + string(state)), At: c.Intended, Change: c.ID, User: c.User, Body: c})
			return err
		})
	}
	s.happened(c, "uBot", c.Intended.Add(time.Second))
}

// happened writes the event of a change into the log.
func (s *scene) happened(c change.Change, actor string, at time.Time) {
	kinds := map[change.Kind]string{
		change.AddMember: "group.user_membership.add", change.RemoveMember: "group.user_membership.remove",
		change.Suspend: "user.lifecycle.suspend", change.ClearSessions: "user.session.clear",
	}
	e := access.Event{
		ID: access.EventID("e" + string(rune('0'+len(s.truth.Events)))), Published: at, Type: kinds[c.Kind], Succeeded: true,
		Actor: access.Actor{ID: actor}, Users: []access.UserID{c.User},
	}
	if c.Group != "" {
		e.Groups = []access.GroupID{c.Group}
	}
	s.truth.Events = append(s.truth.Events, e)
}

// broken returns the numbers of the rules that are broken.
func (s *scene) broken() []int {
	s.Helper()
	var numbers []int
	storetest.Read(s.T, s.store, func(tx *store.Tx) error {
		verdicts, err := rules.Check(tx, s.truth, s.set)
		if text := rules.Broken(verdicts); text != "" {
			s.Log(text)
		}
		for _, v := range verdicts {
			if !v.Kept {
				numbers = append(numbers, v.Rule)
			}
		}
		return err
	})
	return numbers
}

func (s *scene) user(id access.UserID, spoil func(*access.User)) {
	for i := range s.truth.Users {
		if s.truth.Users[i].ID == id {
			spoil(&s.truth.Users[i])
		}
	}
}

// breach is one way to break a rule.
type breach struct {
	rule   int
	before func(*scene) // spoils what is recorded
	after  func(*scene) // spoils what the vendors or the ledger hold
}

func TestEachRuleCanBeBrokenAndItShows(t *testing.T) {
	for name, br := range breaches() {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			if br.before != nil {
				br.before(s)
			}
			s.record()
			if br.after != nil {
				br.after(s)
			}
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

func TestWhatWasDoneByTheBookBreaksNoRule(t *testing.T) {
	s := newScene(t)
	s.record()
	if found := s.broken(); len(found) != 0 {
		t.Errorf("broken: %v", found)
	}
}

func TestWhatHappenedAfterTheVendorsWereLookedAtIsLeftOut(t *testing.T) {
	s := newScene(t)
	s.record()
	s.truth.At = s.add.Intended.Add(-time.Second)
	s.truth.Events = nil
	s.truth.Members["gPay"] = []access.UserID{"uBob", "uCyd"}
	if found := s.broken(); len(found) != 0 {
		t.Errorf("broken: %v", found)
	}
}

func TestEveryRuleIsChecked(t *testing.T) {
	s := newScene(t)
	var seen []int
	storetest.Read(t, s.store, func(tx *store.Tx) error {
		verdicts, err := rules.Check(tx, s.truth, s.set)
		for _, v := range verdicts {
			seen = append(seen, v.Rule)
		}
		return err
	})
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, seen); diff != "" {
		t.Error(diff)
	}
}

func breaches() map[string]breach {
	return map[string]breach{
		"a removal from somebody who is active": {1, nil, func(s *scene) {
			s.user("uBob", func(u *access.User) { u.Status = access.Active })
		}},
		"an expiry before its time": {1, func(s *scene) {
			s.remove = change.Change{
				ID: s.remove.ID, Kind: change.RemoveMember, Reason: change.Expired, User: "uAda", Group: "gPay", Ticket: "ACC-1",
				Grant: s.grant.ID, Plan: "p2", Intended: s.remove.Intended,
			}
			s.grant.Expires = noon.Add(time.Hour)
		}, nil},
		"drift where a grant entitled":    {1, func(s *scene) { s.remove.Reason, s.remove.User = change.Drift, "uAda" }, nil},
		"an offboarding without a ticket": {1, func(s *scene) { s.remove.Reason, s.remove.Ticket = change.Offboarding, "HR-9" }, nil},
		"an addition without a grant":     {3, func(s *scene) { s.add.Grant = "nothing" }, nil},
		"one approval too few":            {3, func(s *scene) { s.grant.Approvals = s.grant.Approvals[:1] }, nil},
		"an approval by the beneficiary":  {3, func(s *scene) { s.grant.Approvals[0].User = "uAda" }, nil},
		"an approval by the requester": {3, func(s *scene) {
			s.grant.Approvals[0].User, s.grant.Approvals[0].Account = "uDan", "acc-uDan"
		}, nil},
		"an approval by somebody who may not": {3, func(s *scene) {
			s.grant.Approvals[1].User, s.grant.Approvals[1].Account = "uCyd", "acc-uCyd"
		}, nil},
		"an approval that the ticket does not hold": {3, func(s *scene) { s.grant.Approvals[0].Approval = "a9" }, nil},
		"a grant that had run out":                  {3, func(s *scene) { s.grant.Expires = noon.Add(time.Minute) }, nil},
		"more removals than a plan may have": {4, nil, func(s *scene) {
			for i, id := range []access.UserID{"uCyd", "uDan"} {
				c := s.remove
				c.ID, c.User = change.NewID(noon), id
				c.Intended = c.Intended.Add(time.Duration(i+1) * time.Second)
				s.user(id, func(u *access.User) { u.Status = access.Deprovisioned })
				s.carryOut(c)
			}
			s.truth.Members["gPay"] = []access.UserID{"uAda", "uOwner"}
		}},
		"fewer members than must stay": {4, nil, func(s *scene) { s.truth.Members["gPay"] = []access.UserID{"uAda"} }},
		"a plan that was held and not let through": {4, nil, func(s *scene) {
			s.write(func(tx *store.Tx) error {
				return tx.PutHold(hold.Hold{ID: hold.NewID(noon), PlanHash: "p2", State: hold.Open, Made: noon, Expires: noon.Add(time.Hour)})
			})
		}},
		"a hold that was used without a word": {4, nil, func(s *scene) {
			s.write(func(tx *store.Tx) error {
				h := hold.Hold{ID: hold.NewID(noon), PlanHash: "p9", Expires: noon.Add(time.Hour)}
				_, err := tx.Append(ledger.Entry{Kind: ledger.HoldUsed, At: noon, Body: h})
				return err
			})
		}},
		"a group that is not in the catalog": {5, func(s *scene) { s.remove.Group = "gOther" }, nil},
		"a group that is only observed":      {5, func(s *scene) { s.remove.Group = "gArch" }, nil},
		"a group that a rule feeds":          {5, nil, func(s *scene) { s.truth.Fed["gPay"] = time.Time{} }},
		"a group of an application":          {5, nil, func(s *scene) { s.truth.Groups[0].Type = access.AppGroup }},
		"a protected user":                   {5, func(s *scene) { s.remove.User = "uGlass" }, nil},
		"a write without an intent": {6, nil, func(s *scene) {
			s.happened(change.Change{Kind: change.RemoveMember, User: "uDan", Group: "gPay"}, "uBot", noon.Add(5*time.Minute))
		}},
		"a change made twice":       {6, nil, func(s *scene) { s.happened(s.add, "uBot", noon.Add(5*time.Minute)) }},
		"a write before its intent": {6, nil, func(s *scene) { s.truth.Events[0].Published = noon }},
		"an intent that is written twice": {6, nil, func(s *scene) {
			s.write(func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.ChangeIntended, At: noon, Change: s.add.ID})
				return err
			})
		}},
		"a comment that stands twice": {6, nil, func(s *scene) {
			said := ticket.Comment{Author: "acc-uBot", Body: "done: " + string(s.add.ID)}
			s.truth.Comments = map[ticket.Key][]ticket.Comment{"ACC-1": {said, said}}
			s.tell()
		}},
		"a comment that was never made": {6, nil, func(s *scene) {
			s.truth.Comments = map[ticket.Key][]ticket.Comment{"ACC-1": {}}
			s.tell()
		}},
		"a confirmed addition that is not there": {7, nil, func(s *scene) { s.truth.Members["gPay"] = []access.UserID{"uCyd", "uDan"} }},
		"a confirmed removal that is still there": {7, nil, func(s *scene) {
			s.truth.Members["gPay"] = append(s.truth.Members["gPay"], "uBob")
		}},
		"a suspended user taken for a leaver": {8, nil, func(s *scene) {
			s.user("uBob", func(u *access.User) { u.Status = access.Suspended })
		}},
		"two writers at once": {9, nil, func(s *scene) {
			c := s.remove
			c.ID, c.Intended = change.NewID(noon), c.Intended.Add(time.Second)
			s.carryOut(c)
		}},
		"an address in the ledger": {12, nil, func(s *scene) {
			s.write(func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.FindingRaised, At: noon, Body: map[string]string{"who": "mail to Uada@example.com."}})
				return err
			})
		}},
	}
}

// tell records that ACC-1 was told.
func (s *scene) tell() {
	s.Helper()
	s.write(func(tx *store.Tx) error {
		e := change.Effect{Key: "ACC-1/provisioned", Ticket: "ACC-1", Kind: change.Comment, Marker: string(s.add.ID), Created: noon}
		if _, err := tx.PutEffect(e); err != nil {
			return err
		}
		return tx.EffectDone(e.Key, noon)
	})
}

// record takes a grant into the ledger.
func record(tx *store.Tx, g change.Grant, at time.Time) error {
	_, err := tx.Append(ledger.Entry{Kind: ledger.GrantApproved, At: at, Ticket: g.Ticket, Body: g})
	return err
}
