package evidence

import (
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// milestoneForm is the list of everything that was recorded of incidents and their reviews.
func milestoneForm() form {
	return form{
		View: View{
			File: "incident-milestones.csv", Title: "milestones of incidents and their reviews, with every correction",
			Kinds: []ledger.Kind{ledger.FactRecorded, ledger.FactCorrected}, Fact: "incident.* pir.*",
		},
		columns:  []string{"kind", "incident", "milestone", "happened", "recorded", "source", "severity", "fact", "corrects"},
		policies: []string{"IncidentResponse"},
		cells:    milestoneCells,
	}
}

func milestoneCells(_ *exporter, r ledger.Record) ([]string, error) {
	var f kpi.Fact
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	return []string{string(r.Kind), f.Subject, f.Name, iso(f.At), iso(f.Recorded), f.Source, f.Severity, f.ID, f.Corrects}, nil
}
