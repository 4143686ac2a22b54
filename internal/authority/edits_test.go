package authority_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Nobody knows when the one who answered first did so; the ticket may have been as it was when they were asked.
func TestAnEditAfterTheApprovalVoidsIt(t *testing.T) {
	second := func(a *ticket.Approval, d ticket.Decision) {
		a.Approvers = append(a.Approvers, ticket.Approver{Person: person("oscar"), Decision: d})
	}
	for _, c := range []struct {
		name   string
		change func(*story)
		void   bool
	}{
		{"before the approval was opened", func(s *story) { s.edit("Role", opened.Add(-1)) }, false},
		{"one answer, edited before it", func(s *story) { s.edit("Role", answered.Add(-1)) }, false},
		{"one answer, edited in the same instant, and nothing tells the order", func(s *story) { s.edit("Role", answered) }, true},
		{"one answer, edited in the same instant before the status changed", func(s *story) {
			s.edit("Role", answered)
			s.moved("Waiting", "Approved", "jsm", answered)
		}, false},
		{"one answer, edited in the same instant after the status changed", func(s *story) {
			s.moved("Waiting", "Approved", "jsm", answered)
			s.edit("Role", answered)
		}, true},
		{"one answer, edited in the same second where the history keeps whole seconds", func(s *story) {
			s.answeredAt(answered.Add(400 * time.Millisecond))
			s.edit("Role", answered)
		}, true},
		{"the same, before the status changed", func(s *story) {
			s.answeredAt(answered.Add(400 * time.Millisecond))
			s.edit("Role", answered)
			s.moved("Waiting", "Approved", "jsm", answered)
		}, false},
		{"one answer, edited in the same second before it where the history keeps fractions", func(s *story) {
			s.answeredAt(answered.Add(400 * time.Millisecond))
			s.edit("Role", answered.Add(300*time.Millisecond))
		}, false},
		{"one answer, edited in the same second after it", func(s *story) {
			s.answeredAt(answered.Add(400 * time.Millisecond))
			s.edit("Role", answered.Add(500*time.Millisecond))
		}, true},
		{"edited after it and edited back", func(s *story) {
			s.ticket.History = []ticket.Edit{
				{At: answered.Add(time.Minute), Field: "Role", From: "Clerk", To: "Admin"},
				{At: answered.Add(2 * time.Minute), Field: "Role", From: "Admin", To: "Clerk"},
			}
		}, true},
		{"moved to another project", func(s *story) { s.edit("project", answered.Add(1)) }, true},
		{"given another key", func(s *story) { s.edit("Key", answered.Add(1)) }, true},
		{"made another type of issue", func(s *story) { s.edit("issuetype", answered.Add(1)) }, true},
		{"made another type of request", func(s *story) { s.edit("Request Type", answered.Add(1)) }, true},
		{"made another type of request on Data Center", func(s *story) { s.edit("Customer Request Type", answered.Add(1)) }, true},
		{"a field without an identifier that nobody knows any more", func(s *story) {
			s.ticket.History = []ticket.Edit{{At: answered.Add(1), Field: "Rolle", Unknown: true}}
		}, true},
		{"one answer, edited after it", func(s *story) { s.edit("Role", answered.Add(1)) }, true},
		{"one answer of two asked, edited before it", func(s *story) {
			second(&s.approvals[0], ticket.Pending)
			s.edit("Role", answered.Add(-1))
		}, false},
		{"two answers, edited between opening and completion", func(s *story) {
			second(&s.approvals[0], ticket.Approved)
			s.edit("Role", opened.Add(1))
		}, true},
		{"two answers, edited when it was opened", func(s *story) {
			second(&s.approvals[0], ticket.Approved)
			s.edit("Role", opened)
		}, false},
		{"two answers, one of them a no, edited in between", func(s *story) {
			second(&s.approvals[0], ticket.Declined)
			s.edit("Role", opened.Add(1))
		}, true},
		{"two answers, edited before it was opened", func(s *story) {
			second(&s.approvals[0], ticket.Approved)
			s.edit("Role", opened.Add(-1))
		}, false},
		{"beneficiary", func(s *story) { s.edit("Access for", answered.Add(1)) }, true},
		{"system", func(s *story) { s.edit("System", answered.Add(1)) }, true},
		{"justification", func(s *story) { s.edit("Why", answered.Add(1)) }, true},
		{"expiry", func(s *story) { s.edit("Access until", answered.Add(1)) }, true},
		{"effective time", func(s *story) { s.edit("Last day", answered.Add(1)) }, true},
		{"reporter", func(s *story) { s.edit("reporter", answered.Add(1)) }, true},
		{"reporter, as a page shows it", func(s *story) { s.edit("Reporter", answered.Add(1)) }, true},
		{"the field in another case", func(s *story) { s.edit("access UNTIL", answered.Add(1)) }, true},
		{"status", func(s *story) { s.edit("status", answered.Add(1)) }, false},
		{"assignee", func(s *story) { s.edit("assignee", answered.Add(1)) }, false},
		{"a field without a name", func(s *story) { s.edit("", answered.Add(1)) }, false},
		{"a field that the policy names by its identifier", func(s *story) {
			s.rules.Fields.Role = "customfield_10050"
			s.ticket.Fields["customfield_10050"] = text("Clerk")
			s.ticket.History = []ticket.Edit{{At: answered.Add(1), Field: "Rôle", FieldID: "customfield_10050"}}
		}, true},
		{"a second edit after a harmless one", func(s *story) {
			s.edit("status", answered.Add(1))
			s.edit("System", answered.Add(2))
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := payments()
			c.change(s)
			if c.void {
				expect(t, s.judge(), authority.Unproven, "was changed after the approval")
			} else {
				expect(t, s.judge(), authority.Proven, "")
			}
		})
	}
}

// Jira's history calls its own fields otherwise than its pages do: "Due date" is "duedate" there.
//
// Source: Jira REST API, changelog items carry the system name of a system field.
func TestAnEditOfASystemFieldVoidsTheApproval(t *testing.T) {
	for shown, inHistory := range map[string]string{
		"Due date": "duedate", "Due Date": "duedate", "Components": "Component", "Component/s": "Component", "Description": "description",
	} {
		t.Run(shown, func(t *testing.T) {
			s := payments()
			s.rules.Fields.Effective = shown
			s.ticket.Fields[shown] = ticket.Value{Time: raised.AddDate(0, 1, 0)}
			s.edit(inHistory, answered.Add(1))
			expect(t, s.judge(), authority.Unproven, "was changed after the approval")
		})
	}
}

func TestAnEditedRequestMayBeApprovedAgain(t *testing.T) {
	s := payments()
	s.edit("Role", answered.Add(time.Minute))
	expect(t, s.judge(), authority.Unproven, `"Role" was changed after the approval, at 2026-11-02 12:01:00 UTC; it has to be approved again`)
	again := answered.Add(time.Hour)
	s.approvals = append(s.approvals, at(yes("3", "olga"), again, again), at(yes("4", "sven"), again, again))
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Proofs[0].Approval != "3" || v.Proofs[1].Approval != "4" || !v.Approved.Equal(again) {
		t.Errorf("proofs %+v", v.Proofs)
	}
}

// The owner said yes, then the request became another, then Security Operations said yes: only the second is for what stands
// on the ticket now.
func TestAnEditBetweenTwoApprovalsVoidsTheFirst(t *testing.T) {
	s := payments()
	s.approvals[1] = at(yes("2", "sven"), answered, answered.Add(2*time.Hour))
	s.edit("Role", answered.Add(time.Hour))
	v := s.judge()
	expect(t, v, authority.Unproven, `"Role" was changed after the approval`)
	if len(v.Proofs) != 1 || v.Proofs[0].Approval != "2" {
		t.Errorf("proofs %+v, want the second alone", v.Proofs)
	}
	if len(v.WaitingFor) != 1 || v.WaitingFor[0] != owner {
		t.Errorf("waiting for %v", v.WaitingFor)
	}
}
