package authority

import (
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/ticket"
)

// Transition is a way between statuses that counts as a consent of whoever takes it.
type Transition struct {
	From string // the status's name as tickets show it
	To   string // likewise
}

// String returns the transition as it stands in proofs.
func (t Transition) String() string { return t.From + " > " + t.To }

// taken returns the consents by transition. Only those at the end of the ticket's way count: any other change of status
// takes back what was said before it, as asking again does. Where an approval object is still pending, it goes first, and
// nobody's transition stands in for the answer.
func (j *judge) taken() []consent {
	pending := func(a ticket.Approval) bool { return a.Decision != ticket.Approved }
	if len(j.rules.Transitions) == 0 || slices.ContainsFunc(j.approvals, pending) {
		return nil
	}
	var all []consent
	for i, e := range j.request.Ticket.History {
		if !strings.EqualFold(e.Field, statusField) {
			continue
		}
		step := Transition{From: e.FromText, To: e.ToText}
		if !slices.Contains(j.rules.Transitions, step) {
			all = nil
			continue
		}
		all = append(all, consent{person: j.author(e.By), transition: step.String(), from: e.At, at: e.At, place: i})
	}
	if len(all) > 0 && lastStatus(j.request.Ticket) != j.request.Ticket.Status {
		return nil // the history does not lead to where the ticket stands
	}
	return all
}

// author returns who made a history entry, as far as the ticket shows them.
func (j *judge) author(id ticket.AccountID) ticket.Person {
	person := j.request.Ticket.People[id]
	person.Account = id
	return person
}

func lastStatus(t ticket.Ticket) string {
	status := ""
	for _, e := range t.History {
		if strings.EqualFold(e.Field, statusField) {
			status = e.ToText
		}
	}
	return status
}
