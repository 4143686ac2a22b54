package evidence

import (
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// factForm is the list of facts of every procedure: what the clocks of all promises are computed from.
func factForm() form {
	return form{
		View: View{
			File: "facts.csv", Title: "facts of every procedure, with corrections: what all promises are computed from",
			Kinds: []ledger.Kind{ledger.FactRecorded, ledger.FactCorrected},
		},
		columns: []string{"kind", "subject", "name", "happened", "recorded", "source", "severity", "fact", "corrects", "backfilled", "procedure", "standing", "lacks"},
		policies: []string{
			"AccessProvisioning", "Deprovisioning", "IncidentResponse", "Procedure", "AccessReview", "RecurringTasks", "SOPControl",
		},
		cells: (*exporter).factCells,
	}
}

func (e *exporter) factCells(r ledger.Record) ([]string, error) {
	var f kpi.Fact
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	p, err := e.proceeding(f)
	backfilled := ""
	if f.Backfilled {
		backfilled = "yes"
	}
	return []string{
		string(r.Kind), f.Subject, f.Name, iso(f.At), iso(f.Recorded), f.Source, f.Severity, f.ID, f.Corrects, backfilled, p.SOP, string(p.Standing),
		strings.Join(slices.Concat(p.Missing, p.Broken), "; "),
	}, err
}
