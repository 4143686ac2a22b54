package evidence

import "github.com/maisonrmi/sopd/internal/ledger"

// openedForm is the list of tickets that sopd opened by itself.
func openedForm() form {
	return form{
		View: View{
			File: "opened-tickets.csv", Title: "tickets that sopd opened: role changes, reviews, recurring tasks", Kinds: []ledger.Kind{ledger.TicketOpened, ledger.TaskOpened},
		},
		columns:  []string{"kind", "purpose"},
		policies: []string{"AccessProvisioning", "AccessReview", "RecurringTasks"},
		cells:    (*exporter).openedCells,
	}
}

func (e *exporter) openedCells(r ledger.Record) ([]string, error) {
	var body struct {
		Key string `json:"key"` // of the effect that it came of
	}
	if r.Body != nil {
		if err := DecodeBody(r, &body); err != nil {
			return nil, err
		}
	}
	return []string{string(r.Kind), body.Key}, nil
}
