package evidence

import (
	"time"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// exceptionForm is the list of memberships accepted without a ticket.
func exceptionForm() form {
	return form{
		View:     View{File: "exceptions.csv", Title: "memberships accepted without a ticket", Kinds: []ledger.Kind{ledger.BaselineAdopted, ledger.BaselineDropped}},
		columns:  []string{"login", "group_name", "decision", "by", "review_by"},
		policies: []string{"AccessProvisioning", "AccessReview"},
		cells:    (*exporter).exceptionCells,
	}
}

func (e *exporter) exceptionCells(r ledger.Record) ([]string, error) {
	var body struct {
		By       string    `json:"by"`
		ReviewBy time.Time `json:"reviewBy"`
	}
	if r.Body != nil {
		if err := DecodeBody(r, &body); err != nil {
			return nil, err
		}
	}
	login, group, err := e.names(r)
	return []string{login, group, string(r.Kind), body.By, iso(body.ReviewBy)}, err
}
