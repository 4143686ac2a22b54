package evidence

import (
	"time"

	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// ticketLine is a ticket as sopd last read it and as an export shows it: who asked and who consented, by account. Names and
// e-mail addresses are left out; texts and fields are shown where that was asked for.
type ticketLine struct {
	Key       ticket.Key       `json:"key"`
	Type      string           `json:"type"`
	Status    string           `json:"status"`
	Done      bool             `json:"done"`
	Reporter  ticket.AccountID `json:"reporter"`
	Created   time.Time        `json:"created"`
	Updated   time.Time        `json:"updated"`
	Resolved  time.Time        `json:"resolved,omitzero"`
	Approvals []approvalLine   `json:"approvals"`
	Moves     []moveLine       `json:"moves"` // from status to status, oldest first
	// Summary, Fields and Edits are the title, the mapped fields, and how fields were edited; only with [Shown].
	Summary string                  `json:"summary,omitempty"`
	Fields  map[string]ticket.Value `json:"fields,omitempty"`
	Edits   []ticket.Edit           `json:"edits,omitempty"`
}

type approvalLine struct {
	ID        ticket.ApprovalID `json:"id"`
	Decision  ticket.Decision   `json:"decision"`
	Created   time.Time         `json:"created"`
	Completed time.Time         `json:"completed,omitzero"`
	Approvers []approverLine    `json:"approvers"`
}

type approverLine struct {
	Account  ticket.AccountID `json:"account"`
	Decision ticket.Decision  `json:"decision"`
}

type moveLine struct {
	At   time.Time        `json:"at"`
	By   ticket.AccountID `json:"by"`
	From string           `json:"from"`
	To   string           `json:"to"`
}

// writeTicket writes the ticket of a decision as it was last read; a ticket that is gone is left out, and named by the
// comparison.
func (e *exporter) writeTicket(out jsonLines, key ticket.Key) error {
	if e.options.People == Concealed {
		return nil // it names accounts
	}
	t, approvals, found, err := e.tx.Ticket(key)
	if err != nil || !found {
		return err
	}
	line := ticketLine{
		Key: t.Key, Type: t.Type, Status: t.Status, Done: t.Done, Reporter: t.Reporter.Account, Created: t.Created,
		Updated: t.Updated, Resolved: t.Resolved, Approvals: []approvalLine{}, Moves: []moveLine{},
	}
	for _, a := range approvals {
		approval := approvalLine{ID: a.ID, Decision: a.Decision, Created: a.Created, Completed: a.Completed, Approvers: []approverLine{}}
		for _, p := range a.Approvers {
			approval.Approvers = append(approval.Approvers, approverLine{Account: p.Person.Account, Decision: p.Decision})
		}
		line.Approvals = append(line.Approvals, approval)
	}
	for _, m := range t.History {
		if m.Field == "status" {
			line.Moves = append(line.Moves, moveLine{At: m.At, By: m.By, From: m.FromText, To: m.ToText})
		}
	}
	if e.options.Texts == Shown {
		line.Summary, line.Fields, line.Edits = t.Summary, t.Fields, t.History
	}
	return out.put(line)
}

// decides reports whether a record of the kind rests on a ticket.
func decides(kind ledger.Kind) bool {
	switch kind {
	case ledger.GrantApproved, ledger.GrantEnded, ledger.GrantLapsed, ledger.RequestRefused, ledger.ChangeIntended, ledger.ReviewDecided:
		return true
	default:
		return false
	}
}
