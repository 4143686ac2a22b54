package evidence

import (
	"strings"

	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// holdForm is the list of holds and overrides of guards, with who decided.
func holdForm() form {
	return form{
		View: View{File: "holds.csv", Title: "holds and overrides of guards, with who decided", Kinds: []ledger.Kind{
			ledger.HoldMade, ledger.HoldApproved, ledger.HoldCancelled, ledger.HoldUsed, ledger.HoldExpired, ledger.GuardOverridden,
		}},
		columns:  []string{"decision", "hold", "guards", "reasons", "plan", "made", "expires", "by", "why", "kind", "requested_by"},
		policies: []string{"Guards", "ChangeManagement"},
		cells:    (*exporter).holdCells,
	}
}

func (e *exporter) holdCells(r ledger.Record) ([]string, error) {
	var h hold.Hold
	if err := DecodeBody(r, &h); err != nil {
		return nil, err
	}
	by := h.ApprovedBy
	if r.Kind == ledger.HoldCancelled {
		by = h.CancelledBy
	}
	return []string{
		string(r.Kind), string(h.ID), strings.Join(h.Guards, " "), strings.Join(h.Reasons, "; "), h.PlanHash, iso(h.Made), iso(h.Expires), by, h.Reason,
		string(h.Kind), h.RequestedBy,
	}, nil
}
