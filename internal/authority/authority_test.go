package authority_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestAccessIsProvenByEveryRequiredApproval(t *testing.T) {
	v := payments().judge()
	expect(t, v, authority.Proven, "")
	same(t, "proofs", []change.Proof{
		{Role: owner, Approval: "1", Account: "j-olga", User: "00uolga", At: answered, Eligible: "owner of payments by name"},
		{Role: security, Approval: "2", Account: "j-sven", User: "00usven", At: answered, Eligible: "as member of 00gsecops"},
	}, v.Proofs)
	if len(v.WaitingFor) > 0 || !v.Approved.Equal(answered) {
		t.Errorf("waiting for %v, approved %v", v.WaitingFor, v.Approved)
	}
}

func TestApprovalIsTheTimeOfTheLastRequiredProof(t *testing.T) {
	s := payments()
	s.approvals[0].Completed = answered.Add(time.Hour)
	s.approvals = append(s.approvals, at(yes("3", "guest"), opened, answered.Add(9*time.Hour)))
	if v := s.judge(); !v.Approved.Equal(answered.Add(time.Hour)) {
		t.Errorf("approved %v", v.Approved)
	}
}

func TestTheEarliestOfSeveralYesCounts(t *testing.T) {
	s := payments()
	s.approvals = append(s.approvals, at(yes("0", "oscar"), opened, answered.Add(-time.Hour)))
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Proofs[0].User != "00uoscar" || v.Proofs[0].Eligible != "owner of payments as member of 00gowners" {
		t.Errorf("proof %+v", v.Proofs[0])
	}
}

// What is not the consent of somebody who may give it gives no access.
func TestAConsentThatDoesNotCountGivesNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*story)
		outcome authority.Outcome
		problem string
	}{
		{"the requester approves", func(s *story) { s.approvals[0] = yes("1", "rita"); s.own("00urita") }, authority.Unproven, "requesters cannot approve their own request"},
		{"the beneficiary approves", func(s *story) { s.approvals[0] = yes("1", "ben"); s.own("00uben") }, authority.Unproven, "nobody can approve access for themselves"},
		{
			"the requester approves under a second account of theirs",
			func(s *story) {
				s.approvals[0] = yes("1", "rita2")
				s.mapping["j-rita2"] = "00urita"
				s.own("00urita")
			},
			authority.Unproven, "requesters cannot approve their own request",
		},
		{
			"the beneficiary approves under a second account of theirs",
			func(s *story) {
				s.approvals[0] = yes("1", "ben2")
				s.mapping["j-ben2"] = "00uben"
				s.own("00uben")
			},
			authority.Unproven, "nobody can approve access for themselves",
		},
		{
			"the reporter's account approves, with the address of an owner by now",
			func(s *story) {
				delete(s.mapping, "j-rita")
				s.ticket.Reporter.Email = "rita@example.com"
				s.approvals[0] = yes("1", "rita")
				s.approvals[0].Approvers[0].Person.Email = "olga@example.com"
			},
			authority.Unproven, "requesters cannot approve their own request",
		},
		{"the approver is inactive in Jira", func(s *story) { s.approvals[0].Approvers[0].Person.Active = false }, authority.Unproven, "the account is not active"},
		{"the approver is deactivated in Okta", func(s *story) { s.user("00uolga").Status = access.Deprovisioned }, authority.Unproven, "the account is not active"},
		{"the approver is suspended in Okta", func(s *story) { s.user("00uolga").Status = access.Suspended }, authority.Unproven, "the account is not active"},
		{"the approver is staged in Okta", func(s *story) { s.user("00uolga").Status = access.Staged }, authority.Unproven, "the account is not active"},
		{"the approver's status is not known", func(s *story) { s.user("00uolga").Status = "" }, authority.Unproven, "the account is not active"},
		{"the approver is unknown in Okta", func(s *story) { delete(s.mapping, "j-olga") }, authority.Unproven, "no matching Okta user"},
		{
			"the approver fits two users",
			func(s *story) {
				delete(s.mapping, "j-olga")
				s.approvals[0].Approvers[0].Person.Email = "olga@example.com"
				s.users = append(s.users, access.User{ID: "00utwin", Email: "olga@example.com", Status: access.Active})
			},
			authority.Unproven, "more than one matching Okta user",
		},
		{"the approver has no account", func(s *story) { s.approvals[0].Approvers[0].Person.Account = "" }, authority.Unproven, "no matching Okta user"},
		{"the wrong person approves", func(s *story) { s.approvals[0] = yes("1", "guest") }, authority.Unproven, "does not count as system-owner: not one of those who may give it"},
		{"the owner of another system approves", func(s *story) { s.members["00gowners"] = nil; s.approvals[0] = yes("1", "oscar") }, authority.Unproven, "does not count as system-owner"},
		{"the owners' group was not read", func(s *story) { delete(s.members, "00gowners"); s.approvals[0] = yes("1", "oscar") }, authority.Unproven, "does not count as system-owner"},
		{"the system has no owner", func(s *story) { s.catalog.Systems[1].Owners = catalog.People{} }, authority.Unproven, "does not count as system-owner"},
		{"one of two required approvals", func(s *story) { s.approvals = s.approvals[:1] }, authority.Unproven, "nobody has approved as security-operations"},
		{"the other of two required approvals", func(s *story) { s.approvals = s.approvals[1:] }, authority.Unproven, "nobody has approved as system-owner"},
		{"no approval object at all", func(s *story) { s.approvals = nil }, authority.Waiting, ""},
		{"an approval that nobody answered", func(s *story) { s.approvals = []ticket.Approval{pending("1", "olga", opened)} }, authority.Waiting, ""},
		{"the second approval is still pending", func(s *story) { s.approvals[1] = pending("2", "sven", answered) }, authority.Waiting, ""},
		{"an approval without the time when it was completed", func(s *story) { s.approvals[0].Completed = time.Time{} }, authority.Unproven, "nobody has approved as system-owner"},
		{"an approved approval in which nobody said yes", func(s *story) { s.approvals[0].Approvers[0].Decision = ticket.Pending }, authority.Unproven, "nobody has approved as system-owner"},
		{"an approved approval without approvers", func(s *story) { s.approvals[0].Approvers = nil }, authority.Unproven, "nobody has approved as system-owner"},
		{"approved approvals without approvers, and nothing else", func(s *story) { s.approvals = []ticket.Approval{yes("1"), yes("2")} }, authority.Unproven, "nobody has approved as system-owner"},
		{
			"a yes in an approval that is still pending",
			func(s *story) { s.approvals[0].Decision, s.approvals[0].Completed = ticket.Pending, time.Time{} }, authority.Waiting, "",
		},
		{"a decision that nobody knows", func(s *story) { s.approvals[0].Decision = "skipped" }, authority.Unproven, "nobody has approved as system-owner"},
		{"only decisions that nobody knows", func(s *story) { s.approvals[0].Decision, s.approvals[1].Decision = "skipped", "" }, authority.Waiting, ""},
		{"everybody approves, nobody may", func(s *story) { s.rules.Approvals = []authority.Approval{{Role: owner}} }, authority.Unproven, "does not count as system-owner"},
		{"the policy asks nobody", func(s *story) { s.rules.Approvals = nil }, authority.Unproven, "access without an approval is never given"},
		{
			"the policy asks nobody in this case",
			func(s *story) { s.rules.Approvals = s.rules.Approvals[1:]; s.catalog.Systems[1].Risk = catalog.Low },
			authority.Unproven, "access without an approval is never given",
		},
		{"a condition that cannot be evaluated", func(s *story) { s.rules.Approvals[1].When = broken }, authority.Unproven, "condition could not be evaluated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := payments()
			c.change(s)
			expect(t, s.judge(), c.outcome, c.problem)
		})
	}
}

// own makes the user an owner of Payments.
func (s *story) own(id access.UserID) {
	s.catalog.Systems[1].Owners.Users = append(s.catalog.Systems[1].Owners.Users, id)
}

func TestWhoIsTurnedDownDoesNotKeepAnotherFromApproving(t *testing.T) {
	s := payments()
	s.own("00urita")
	s.approvals = append(s.approvals, yes("3", "rita"), yes("4", "guest"))
	expect(t, s.judge(), authority.Proven, "")
}

func TestAJudgementWaitsForTheRolesThatAreMissing(t *testing.T) {
	s := payments()
	s.approvals = []ticket.Approval{pending("1", "olga", opened)}
	same(t, "waiting for", []string{security, owner}, s.judge().WaitingFor)
	s.approvals = []ticket.Approval{yes("1", "olga"), pending("2", "sven", answered)}
	same(t, "waiting for", []string{security}, s.judge().WaitingFor)
}

func TestAYesForMoreThanTheTicketNeedsHarmsNothing(t *testing.T) {
	s := payments()
	s.catalog.Systems[1].Risk = catalog.Low
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if len(v.Proofs) != 1 || v.Proofs[0].Role != owner {
		t.Errorf("proofs %+v", v.Proofs)
	}
}

func TestAConditionSeesTheWholeRequest(t *testing.T) {
	s := payments()
	var got authority.Facts
	s.rules.Approvals[1].When = func(f authority.Facts) (bool, error) {
		got = f
		return true, nil
	}
	s.judge()
	if got.System.ID != "payments" || got.Role != "Clerk" || got.Beneficiary.ID != "00uben" || got.Requester.ID != "00urita" || got.Duration != 30*24*time.Hour {
		t.Errorf("the condition saw %+v", got)
	}
	delete(s.ticket.Fields, "Access until")
	if s.judge(); got.Duration != 0 {
		t.Errorf("access without an end lasts %v", got.Duration)
	}
}

func TestTwoRolesNeedTwoPeople(t *testing.T) {
	s := payments()
	s.own("00usven")
	s.approvals = []ticket.Approval{yes("1", "sven"), yes("2", "sven")}
	v := s.judge()
	expect(t, v, authority.Unproven, "those who approved as security-operations stand for another approval already; two approvals need two people")
	same(t, "waiting for", []string{security}, v.WaitingFor)
}

// However the answers come in, people are given the roles so that everybody's yes is used.
func TestAnAssignmentIsFoundWheneverThereIsOne(t *testing.T) {
	s := payments()
	s.own("00usven") // Sven may stand for both roles and answered first
	s.approvals = []ticket.Approval{at(yes("1", "sven"), opened, opened), yes("2", "olga")}
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Proofs[0].User != "00uolga" || v.Proofs[1].User != "00usven" {
		t.Errorf("proofs %+v", v.Proofs)
	}

	// Three roles: Olga may be any of them, Sven the first two, Sara only the first.
	may := func(users ...access.UserID) catalog.People { return catalog.People{Users: users} }
	s.rules.Approvals = []authority.Approval{
		{Role: "a", People: may("00uolga", "00usven", "00usara")}, {Role: "b", People: may("00uolga", "00usven")}, {Role: "c", People: may("00uolga")},
	}
	for _, names := range [][]string{{"olga", "sven", "sara"}, {"sara", "sven", "olga"}, {"sven", "olga", "sara"}} {
		s.approvals = nil
		for i, name := range names {
			s.approvals = append(s.approvals, at(yes(name, name), opened, answered.Add(time.Duration(i)*time.Minute)))
		}
		v := s.judge()
		expect(t, v, authority.Proven, "")
		if v.Proofs[0].User != "00usara" || v.Proofs[1].User != "00usven" || v.Proofs[2].User != "00uolga" {
			t.Errorf("%v: proofs %+v", names, v.Proofs)
		}
	}
}

func TestEverySystemOfARequestNeedsItsOwner(t *testing.T) {
	s := payments()
	s.ticket.Fields["System"] = text("Payments", "Customers")
	s.ticket.Fields["Role"] = text("clerk")
	s.members["00gowners"] = nil
	expect(t, s.judge(), authority.Unproven, "does not count as system-owner")
	s.approvals = append(s.approvals, yes("3", "oscar"))
	v := s.judge()
	expect(t, v, authority.Proven, "")
	same(t, "groups", []access.GroupID{"00gcrm", "00gclerk", "00gvpn"}, groups(v.Grants("p@1")))
}

func TestOnePersonMayOwnTwoSystems(t *testing.T) {
	s := payments()
	s.ticket.Fields["System"] = text("Payments", "Customers")
	s.catalog.Systems[0].Owners = s.catalog.Systems[1].Owners
	expect(t, s.judge(), authority.Proven, "")
}

func groups(grants []change.Grant) []access.GroupID {
	var ids []access.GroupID
	for _, g := range grants {
		ids = append(ids, g.Group)
	}
	return ids
}

// An offboarding asks for no system; it needs its approval all the same, and not from the leaver.
func TestALeaverNeedsAnApprovalWithoutASystem(t *testing.T) {
	s := payments()
	s.rules.Fields = authority.Fields{Beneficiary: "Access for", Effective: "Last day"}
	s.rules.Approvals = []authority.Approval{{Role: "people-team", Owners: true, People: catalog.People{Users: []access.UserID{"00uolga", "00uben"}}}}
	s.ticket.Fields = map[string]ticket.Value{"Access for": {Accounts: []ticket.AccountID{"j-ben"}}}
	s.approvals = []ticket.Approval{yes("1", "olga")}
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Request.Beneficiary.ID != "00uben" || !v.Request.Effective.IsZero() {
		t.Errorf("request %+v", v.Request)
	}
	s.approvals = []ticket.Approval{yes("1", "ben")}
	expect(t, s.judge(), authority.Unproven, "nobody can approve access for themselves")
	s.approvals = []ticket.Approval{yes("1", "oscar")}
	expect(t, s.judge(), authority.Unproven, "does not count as people-team")
}

func TestAProvenRequestEntitlesToEveryGroupOfTheRole(t *testing.T) {
	s := payments()
	v := s.judge()
	want := change.Grant{
		ID: "10017/00gclerk/00uben", Ticket: "ACC-17", User: "00uben", Group: "00gclerk", System: "payments", Role: "Clerk", Policy: "p@1",
		Requested: raised, Approved: answered, Approvals: v.Proofs, FieldsHash: authority.Hash(s.ticket, fields), Expires: raised.AddDate(0, 0, 30),
	}
	second := want
	second.ID, second.Group = "10017/00gvpn/00uben", "00gvpn"
	same(t, "grants", []change.Grant{want, second}, v.Grants("p@1"))
}
