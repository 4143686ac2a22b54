package authority_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestADeclinedRequestGivesNothing(t *testing.T) {
	s := payments()
	s.approvals = []ticket.Approval{no("1", "olga", opened)}
	expect(t, s.judge(), authority.Declined, "")

	s = payments() // the owner said yes, then Security Operations said no
	s.approvals[1] = no("2", "sven", answered)
	expect(t, s.judge(), authority.Declined, "")
}

func TestARequestThatWasDeclinedMayBeAskedAgain(t *testing.T) {
	s := payments()
	earlier := no("0", "olga", raised)
	s.approvals = append(s.approvals, earlier)
	expect(t, s.judge(), authority.Proven, "")
	s.approvals = []ticket.Approval{earlier, pending("1", "olga", opened)}
	expect(t, s.judge(), authority.Waiting, "")
}

// The owner said yes, the request went back, the owner said no, and somebody moved the ticket on to be asked a third time:
// the first yes must not stand in for the answer that is still out.
func TestAYesFromBeforeANoDoesNotCount(t *testing.T) {
	s := payments()
	s.rules.Approvals = s.rules.Approvals[:1]
	s.approvals = []ticket.Approval{
		at(yes("1", "olga"), raised, raised.Add(time.Minute)), no("2", "olga", opened), pending("3", "olga", answered),
	}
	expect(t, s.judge(), authority.Waiting, "")
	s.approvals[2] = at(yes("3", "olga"), answered, answered.Add(time.Hour))
	v := s.judge()
	expect(t, v, authority.Proven, "")
	if v.Proofs[0].Approval != "3" {
		t.Errorf("proof %+v", v.Proofs[0])
	}
}

func TestTheOrderInWhichJiraListsApprovalsIsImmaterial(t *testing.T) {
	s := payments()
	s.approvals = []ticket.Approval{pending("3", "olga", answered), no("2", "olga", opened), at(yes("1", "olga"), raised, raised)}
	expect(t, s.judge(), authority.Waiting, "")
	s.approvals = []ticket.Approval{no("2", "olga", answered), yes("1", "olga")}
	expect(t, s.judge(), authority.Declined, "")
}
