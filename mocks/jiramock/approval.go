package jiramock

import (
	"fmt"
	"slices"
)

// ask opens the approval that the issue's status asks for, if it does.
func (s *Server) ask(i *issue, a act) {
	for _, step := range i.workflow().Approvals {
		if step.Status != i.status.Name {
			continue
		}
		asked := slices.Clone(step.Approvers)
		if f := s.field(step.ApproversField); f != nil {
			switch v := i.values[f.id].(type) {
			case AccountID:
				asked = append(asked, v)
			case []AccountID:
				asked = append(asked, v...)
			}
		}
		i.approvals = append(i.approvals, &approval{
			id: s.mint(), step: step, created: a.at, decision: "pending", asked: asked, answers: map[AccountID]string{},
		})
	}
}

// pending is the approval that waits for answers, nil when none does. An approval whose status was left by another way
// than a decision waits for ever, but can no longer be answered.
func (i *issue) pending() *approval {
	for _, ap := range slices.Backward(i.approvals) {
		if ap.decision == "pending" && ap.step.Status == i.status.Name {
			return ap
		}
	}
	return nil
}

func (ap *approval) required() int {
	if ap.step.Required == 0 {
		return len(ap.asked)
	}
	return ap.step.Required
}

// answer notes one approver's decision. When it settles the approval, the issue moves on as that approver.
func (s *Server) answer(i *issue, ap *approval, decision string, a act) error {
	answers := map[string]string{"approve": "approved", "decline": "declined"}
	given, known := answers[decision]
	switch {
	case !known:
		return refused(fmt.Sprintf("decision %q", decision))
	case !slices.Contains(ap.asked, a.by):
		return refused("you are not an approver")
	case s.users[a.by].Inactive:
		return refused("the account is deactivated")
	case ap.decision != "pending" || ap.step.Status != i.status.Name:
		return refused("the approval is not open")
	}
	ap.answers[a.by] = given
	approved := 0
	for _, answer := range ap.answers {
		if answer == "approved" {
			approved++
		}
	}
	switch {
	case given == "declined":
		s.settle(i, ap, given, a)
	case approved >= ap.required():
		s.settle(i, ap, "approved", a)
	default:
		s.touch(i, a.at, a.lag)
	}
	return nil
}

func (s *Server) settle(i *issue, ap *approval, decision string, a act) {
	ap.decision, ap.completed = decision, a.at
	to := ap.step.ApprovedTo
	if decision == "declined" {
		to = ap.step.DeclinedTo
	}
	s.move(i, to, a)
}
