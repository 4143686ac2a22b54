package authority_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// plain is the story in an organisation without approval objects: Olga moves the ticket to the security review, Sven from
// there to Approved.
func plain() *story {
	s := payments()
	s.approvals = nil
	s.rules.Transitions = []authority.Transition{{From: "Waiting", To: "Review"}, {From: "Review", To: "Approved"}}
	s.ticket.People = map[ticket.AccountID]ticket.Person{"j-ben": person("ben")}
	for _, name := range []string{"olga", "sven", "sara", "rita", "guest"} {
		s.ticket.People[ticket.AccountID("j-"+name)] = person(name)
	}
	s.moved("Waiting", "Review", "olga", opened)
	s.moved("Review", "Approved", "sven", answered)
	return s
}

func TestATransitionByAnEligiblePersonCountsWherePolicySaysSo(t *testing.T) {
	v := plain().judge()
	expect(t, v, authority.Proven, "")
	same(t, "proofs", []change.Proof{
		{Role: owner, Account: "j-olga", User: "00uolga", At: opened, Eligible: "owner of payments by name", Transition: "Waiting > Review"},
		{Role: security, Account: "j-sven", User: "00usven", At: answered, Eligible: "as member of 00gsecops", Transition: "Review > Approved"},
	}, v.Proofs)
	if !v.Approved.Equal(answered) {
		t.Errorf("approved %v", v.Approved)
	}
}

func TestATransitionThatDoesNotCountGivesNothing(t *testing.T) {
	again := answered.Add(time.Hour)
	for _, c := range []struct {
		name    string
		change  func(*story)
		outcome authority.Outcome
		problem string
	}{
		{"policy does not say so", func(s *story) { s.rules.Transitions = nil }, authority.Waiting, ""},
		{"by somebody who may not", func(s *story) { s.ticket.History[0].By = "j-guest" }, authority.Unproven, "the transition by j-guest does not count as system-owner"},
		{"by the requester", func(s *story) { s.ticket.History[0].By = "j-rita"; s.own("00urita") }, authority.Unproven, "requesters cannot approve their own request"},
		{"by the beneficiary", func(s *story) { s.ticket.History[0].By = "j-ben"; s.own("00uben") }, authority.Unproven, "nobody can approve access for themselves"},
		{"both by one person", func(s *story) { s.ticket.History[1].By = "j-olga"; s.members["00gsecops"] = []access.UserID{"00uolga"} }, authority.Unproven, "two approvals need two people"},
		{"by somebody whom Okta does not know", func(s *story) { delete(s.mapping, "j-olga") }, authority.Unproven, "no matching Okta user"},
		{"by nobody", func(s *story) { s.ticket.History[0].By = "" }, authority.Unproven, "no matching Okta user"},
		{"by somebody whom Jira does not show", func(s *story) { delete(s.ticket.People, "j-olga") }, authority.Unproven, "the account is not active"},
		{"by somebody who came to the group after", func(s *story) { s.turned(turnIn(again)) }, authority.Unproven, "it cannot be shown"},
		{"edited after", func(s *story) { s.edit("Role", again) }, authority.Unproven, "was changed after the approval"},
		{"edited in the same instant, later in the history", func(s *story) { s.edit("Role", answered) }, authority.Unproven, "was changed after the approval"},
		{"edited between the two", func(s *story) {
			s.ticket.History = []ticket.Edit{s.ticket.History[0], {At: opened, Field: "Role"}, s.ticket.History[1]}
		}, authority.Unproven, "was changed after the approval"},
		{"the ticket was asked again since", func(s *story) {
			s.moved("Approved", "Waiting", "rita", again)
			s.moved("Waiting", "Review", "olga", again)
		}, authority.Unproven, "nobody has approved as security-operations"},
		{"the ticket went another way since", func(s *story) {
			s.moved("Approved", "Parked", "rita", again)
			s.moved("Parked", "Approved", "rita", again)
		}, authority.Waiting, ""},
		{"the ticket stands where its history does not lead", func(s *story) { s.ticket.Status = "Elsewhere" }, authority.Waiting, ""},
		{"an approval object is pending", func(s *story) { s.approvals = []ticket.Approval{pending("1", "olga", opened)} }, authority.Waiting, ""},
		{"an approval object was declined", func(s *story) { s.approvals = []ticket.Approval{no("1", "olga", opened)} }, authority.Declined, ""},
		{"an approval object has a decision that nobody knows", func(s *story) { s.approvals = []ticket.Approval{yes("1", "olga")}; s.approvals[0].Decision = "skipped" }, authority.Waiting, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plain()
			c.change(s)
			expect(t, s.judge(), c.outcome, c.problem)
		})
	}
}

func TestAnEditBeforeATransitionInTheSameInstantIsPartOfWhatWasAgreedTo(t *testing.T) {
	s := plain()
	s.ticket.History = append([]ticket.Edit{{At: opened, Field: "Role"}}, s.ticket.History...)
	expect(t, s.judge(), authority.Proven, "")
}

func TestAnApprovalObjectAndATransitionMayStandTogether(t *testing.T) {
	s := plain()
	s.approvals = []ticket.Approval{yes("1", "olga")}
	s.ticket.History = nil
	s.moved("Waiting", "Review", "guest", opened) // counts for nothing, and spoils nothing
	s.moved("Review", "Approved", "sven", answered)
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Proofs[0].Approval != "1" || v.Proofs[1].Transition != "Review > Approved" {
		t.Errorf("proofs %+v", v.Proofs)
	}
}
