package evidence

import (
	"github.com/maisonrmi/sopd/internal/ledger"
)

// changeForm is the list of writes to Okta, with authority and outcome.
func changeForm() form {
	return form{
		View:     View{File: "changes.csv", Title: "writes to Okta, with authority and outcome", Kinds: []ledger.Kind{ledger.ChangeIntended}},
		columns:  []string{"kind", "reason", "login", "group_name", "grant", "policy", "plan", "intended", "state", "settled", "system_log_event", "error", "undoes"},
		policies: []string{"AccessProvisioning", "Deprovisioning", "Revocation", "ChangeManagement"},
		cells:    (*exporter).changeCells,
	}
}

func (e *exporter) changeCells(r ledger.Record) ([]string, error) {
	c, found, err := e.tx.Change(r.Change)
	if err != nil {
		return nil, err
	}
	if !found || e.options.People == Concealed {
		if err := DecodeBody(r, &c); err != nil {
			return nil, err
		}
	}
	login, group, err := e.names(r)
	return []string{
		string(c.Kind), string(c.Reason), login, group, string(c.Grant), c.Policy, c.Plan, iso(c.Intended), string(c.State), iso(c.Settled),
		string(c.Event), c.Error, string(c.Undoes),
	}, err
}
