package evidence

import (
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// findingForm is the list of findings.
func findingForm() form {
	return form{
		View:     View{File: "findings.csv", Title: "findings", Kinds: []ledger.Kind{ledger.FindingRaised}},
		columns:  []string{"kind", "login", "group_name", "title", "raised", "cleared", "system_log_event"},
		policies: []string{"ChangeManagement", "Watch"},
		cells:    (*exporter).findingCells,
	}
}

func (e *exporter) findingCells(r ledger.Record) ([]string, error) {
	var f finding.Finding
	if err := DecodeBody(r, &f); err != nil {
		return nil, err
	}
	now, found, err := e.tx.Finding(f.Key)
	if err != nil {
		return nil, err
	}
	if found && now.Raised.Equal(f.Raised) {
		f.Cleared = now.Cleared
	}
	login, group, err := e.names(r)
	return []string{string(f.Kind), login, group, f.Title, iso(f.Raised), iso(f.Cleared), string(f.Event)}, err
}
