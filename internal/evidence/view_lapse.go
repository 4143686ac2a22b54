package evidence

import (
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// lapseForm is the list of entitlements whose ground fell away or came back.
func lapseForm() form {
	return form{
		View:     View{File: "grant-lapses.csv", Title: "access whose ground fell away, or came back", Kinds: []ledger.Kind{ledger.GrantLapsed}},
		columns:  []string{"login", "group_name", "system", "role", "policy", "reason", "lapsed", "expires"},
		policies: []string{"AccessProvisioning"},
		cells:    (*exporter).lapseCells,
	}
}

func (e *exporter) lapseCells(r ledger.Record) ([]string, error) {
	var g change.Grant
	if err := DecodeBody(r, &g); err != nil {
		return nil, err
	}
	login, group, err := e.names(r)
	return []string{login, group, g.System, g.Role, g.Policy, string(g.Why()), iso(g.Lapsed), iso(g.Expires)}, err
}
