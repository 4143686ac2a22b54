package evidence

import (
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// grantEndForm is the list of access that ended, with the reason.
func grantEndForm() form {
	return form{
		View:     View{File: "grant-ends.csv", Title: "access that ended, with the reason", Kinds: []ledger.Kind{ledger.GrantEnded}},
		columns:  []string{"login", "group_name", "system", "role", "policy", "approved", "expires", "ended", "end_reason", "end_ticket"},
		policies: []string{"AccessProvisioning", "Deprovisioning", "Revocation", "RoleChange", "BreakGlass", "Birthright", "AccessReview"},
		cells:    (*exporter).endCells,
	}
}

func (e *exporter) endCells(r ledger.Record) ([]string, error) {
	var g change.Grant
	if err := DecodeBody(r, &g); err != nil {
		return nil, err
	}
	login, group, err := e.names(r)
	return []string{
		login, group, g.System, g.Role, g.Policy, iso(g.Approved), iso(g.Expires), iso(g.Ended), string(g.EndReason), string(g.EndTicket),
	}, err
}
