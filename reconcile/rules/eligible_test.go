package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// standIns lets uCyd stand in for uOwner in a term and while uOwner is absent, and uSec when nobody is there.
var standIns = strings.Replace(policy, "owners: true}", `owners: true, deputies: [{for: uOwner, users: [uCyd], from: 2026-11-01, until: 2026-11-30}, {for: uOwner, users: [uCyd]}],
     absent: {role: lead, users: [uGlass]}}`, 1)

// moving lets the transition from Waiting to Approved count.
var moving = policy + "proof: transition\ntransitions: [{from: [Waiting], to: [Approved]}]\n"

// apart keeps the archive apart from payments; uDan may lift it.
const apart = `apiVersion: sopd/v1
kind: SeparationOfDuties
rules:
  - {name: pay-or-file, reason: so it is, sides: [[{system: pay, role: User}], [{system: arch, role: User}]],
     exemptions: [{user: uGlass, reason: x, approved: y, until: 2026-12-31}], exception: {role: risk, users: [uCyd]}}
`

// turn writes into the log that somebody came to a group or left it.
func (s *scene) turn(kind string, m access.Membership, at time.Time) {
	s.truth.Events = append(s.truth.Events, access.Event{
		ID: access.EventID("t" + at.String()), Published: at, Type: "group.user_membership." + kind, Succeeded: true, Actor: access.Actor{ID: "uDan"},
		Users: []access.UserID{m.User}, Groups: []access.GroupID{m.Group},
	})
}

func (s *scene) absent(id access.UserID, since time.Time) {
	s.user(id, func(u *access.User) { u.Status, u.StatusChanged = access.Suspended, since })
}

// byDeputy lets uCyd have approved for uOwner.
func byDeputy(s *scene) {
	s.grant.Approvals[0].User, s.grant.Approvals[0].Account, s.grant.Approvals[0].Behalf = "uCyd", "acc-uCyd", []access.UserID{"uOwner"}
}

// bySubstitute lets uGlass have approved as everybody was absent.
func bySubstitute(s *scene) {
	s.grant.Approvals[0].User, s.grant.Approvals[0].Account, s.grant.Approvals[0].Behalf = "uGlass", "acc-uGlass", []access.UserID{"uCyd", "uOwner"}
	s.absent("uOwner", noon.Add(-time.Hour))
	s.absent("uCyd", noon.Add(-time.Hour))
}

// byTransition lets uOwner have moved the ticket.
func byTransition(s *scene) {
	at := noon.Add(time.Minute)
	s.grant.Approvals[0].Approval, s.grant.Approvals[0].Transition = "", "Waiting > Approved"
	s.ticket.History = []ticket.Edit{{At: at, By: "acc-uOwner", Field: "status", FromText: "Waiting", ToText: "Approved"}}
}

// filed lets uAda have been in the archive since long before.
func filed(s *scene) { s.truth.Members["gArch"] = []access.UserID{"uAda"} }

// lifted adds the exception that uCyd gave.
func lifted(s *scene) {
	filed(s)
	s.grant.Approvals = append(s.grant.Approvals, change.Proof{
		Role: "risk", Approval: "a1", Account: "acc-uCyd", User: "uCyd", At: noon.Add(time.Minute), Exception: "pay-or-file",
	})
}

func TestWhoMightApproveIsDerivedFromWhatTheVendorsShow(t *testing.T) {
	before, after := noon, noon.Add(90*time.Second)
	inSec := access.Membership{Group: "gSec", User: "uSec"}
	for _, c := range []struct {
		name           string
		procedure, and string
		kept           bool
		spoil          func(*scene)
	}{
		{"added to the group before", policy, "", true, func(s *scene) { s.turn("add", inSec, before) }},
		{"added to the group after", policy, "", false, func(s *scene) { s.turn("add", inSec, after) }},
		{"removed from the group after", policy, "", true, func(s *scene) { s.truth.Members["gSec"] = nil; s.turn("remove", inSec, after) }},
		{"removed from the group before", policy, "", false, func(s *scene) { s.truth.Members["gSec"] = nil; s.turn("remove", inSec, before) }},

		{"a deputy in the term", standIns, "", true, byDeputy},
		{"a deputy whom the policy does not name", policy, "", false, byDeputy},
		{"a deputy of another", standIns, "", false, func(s *scene) { byDeputy(s); s.grant.Approvals[0].Behalf[0] = "uSec" }},
		{"a deputy of the beneficiary", strings.ReplaceAll(standIns, "for: uOwner", "for: uAda"), "", false, func(s *scene) { byDeputy(s); s.grant.Approvals[0].Behalf[0] = "uAda" }},
		{"a deputy of the requester", strings.ReplaceAll(standIns, "for: uOwner", "for: uDan"), "", false, func(s *scene) { byDeputy(s); s.grant.Approvals[0].Behalf[0] = "uDan" }},
		{"a deputy after the term, the owner being there", strings.Replace(standIns, "2026-11-30", "2026-11-20", 1), "", false, byDeputy},
		{"a deputy after the term, the owner being absent", strings.Replace(standIns, "2026-11-30", "2026-11-20", 1), "", true, func(s *scene) {
			byDeputy(s)
			s.absent("uOwner", noon.Add(-time.Hour))
		}},
		{"a deputy who does not say for whom", standIns, "", false, func(s *scene) { byDeputy(s); s.grant.Approvals[0].Behalf = nil }},

		{"a substitute while everybody is absent", standIns, "", true, bySubstitute},
		{"a substitute while the owner is there", standIns, "", false, func(s *scene) { bySubstitute(s); s.user("uOwner", func(u *access.User) { u.Status = access.Active }) }},
		{"a substitute while the deputy is there", standIns, "", false, func(s *scene) { bySubstitute(s); s.user("uCyd", func(u *access.User) { u.Status = access.Active }) }},
		{"a substitute, and the owner was suspended only after", standIns, "", false, func(s *scene) { bySubstitute(s); s.absent("uOwner", after) }},
		{"a substitute, and the owner has come back since", standIns, "", true, func(s *scene) {
			bySubstitute(s)
			s.user("uOwner", func(u *access.User) { u.Status = access.Active })
			for kind, at := range map[string]time.Time{"user.lifecycle.suspend": before, "user.lifecycle.unsuspend": after} {
				s.truth.Events = append(s.truth.Events, access.Event{ID: access.EventID(kind), Published: at, Type: kind, Succeeded: true, Users: []access.UserID{"uOwner"}, Actor: access.Actor{ID: "uDan"}})
			}
		}},
		{"a substitute whom the policy does not name", policy, "", false, bySubstitute},

		{"a transition that counts", moving, "", true, byTransition},
		{"a transition where only approvals count", policy, "", false, byTransition},
		{"a transition that the ticket does not show", moving, "", false, func(s *scene) { byTransition(s); s.ticket.History = nil }},
		{"a transition by somebody else", moving, "", false, func(s *scene) { byTransition(s); s.ticket.History[0].By = "acc-uCyd" }},
		{"a transition that was taken back before the grant", moving, "", false, func(s *scene) {
			byTransition(s)
			s.ticket.History = append(s.ticket.History, ticket.Edit{At: noon.Add(time.Minute), Field: "status", FromText: "Approved", ToText: "Parked"})
		}},

		{"edited before the approval", policy, "", true, func(s *scene) { s.ticket.History = []ticket.Edit{{At: noon, Field: "System"}} }},
		{"edited between approval and grant", policy, "", false, func(s *scene) {
			s.grant.Approvals[0].At = noon.Add(10 * time.Second)
			s.ticket.History = []ticket.Edit{{At: noon.Add(30 * time.Second), Field: "System"}}
		}},
		{"edited after the grant", policy, "", true, func(s *scene) { s.ticket.History = []ticket.Edit{{At: after, Field: "System"}} }},

		{"duties that go together", policy, apart, true, func(*scene) {}},
		{"duties that are kept apart", policy, apart, false, filed},
		{"the same, and the other came only after", policy, apart, true, func(s *scene) { filed(s); s.turn("add", access.Membership{Group: "gArch", User: "uAda"}, after) }},
		{"the same, and no rule says so", policy, "", true, filed},
		{"kept apart, and lifted", policy, apart, true, lifted},
		{"kept apart, and lifted by somebody who may not", policy, apart, false, func(s *scene) {
			lifted(s)
			s.grant.Approvals[2].User, s.grant.Approvals[2].Account = "uGlass", "acc-uGlass"
		}},
		{"kept apart, and lifted by an approver of another role", strings.Replace(policy, "owners: true", "owners: true, users: [uCyd]", 1), apart, false, func(s *scene) {
			lifted(s)
			s.grant.Approvals[0].User, s.grant.Approvals[0].Account = "uCyd", "acc-uCyd"
		}},
		{"kept apart, and another rule was lifted", policy, apart, false, func(s *scene) { lifted(s); s.grant.Approvals[2].Exception = "other" }},
		{"kept apart from what another ticket gives", policy, apart, false, func(s *scene) { s.grants("uAda") }},
		{"kept apart from what another ticket gives to somebody else", policy, apart, true, func(s *scene) { s.grants("uDan") }},
		{"kept apart, and the person is exempt", policy, strings.Replace(apart, "user: uGlass", "user: uAda", 1), true, filed},
		{"kept apart, and the exemption has ended", policy, strings.NewReplacer("user: uGlass", "user: uAda", "2026-12-31", "2026-11-20").Replace(apart), false, filed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sceneUnder(t, c.procedure, c.and)
			c.spoil(s)
			s.record()
			if found := s.broken(); slices.Contains(found, 3) == c.kept {
				t.Errorf("broken are %v; rule 3 kept should be %t", found, c.kept)
			}
		})
	}
}

// grants records a grant for the archive from before.
func (s *scene) grants(user access.UserID) {
	m := access.Membership{Group: "gArch", User: user}
	g := change.Grant{ID: change.NewGrantID("9", m), Ticket: "ACC-9", User: user, Group: "gArch", System: "arch", Role: "User"}
	s.write(func(tx *store.Tx) error {
		if err := tx.PutGrant(g); err != nil {
			return err
		}
		return record(tx, g, noon)
	})
}

// An approval object that says otherwise goes before a transition.
func TestATransitionPastAPendingApprovalBreaksTheRule(t *testing.T) {
	s := sceneUnder(t, moving, "")
	byTransition(s)
	s.record()
	s.write(func(tx *store.Tx) error {
		approvals, _, _, err := tx.Approvals("ACC-1")
		if err != nil {
			return err
		}
		return tx.PutApprovals("ACC-1", append(approvals, ticket.Approval{ID: "a2", Decision: ticket.Pending, Created: noon}), noon)
	})
	if found := s.broken(); !slices.Contains(found, 3) {
		t.Errorf("broken are %v, want 3 among them", found)
	}
}
