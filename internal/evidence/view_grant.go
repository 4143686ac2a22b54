package evidence

import (
	"fmt"
	"strings"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// grantForm is the list of access granted, with request, approvers, provision and validation.
func grantForm() form {
	return form{
		View:     View{File: "grants.csv", Title: "access granted, with request, approvers, provision and validation", Kinds: []ledger.Kind{ledger.GrantApproved}},
		columns:  []string{"login", "group_name", "system", "role", "policy", "why", "requested", "approved", "approvers", "fields_hash", "expires", "change_id", "provisioned", "system_log_event", "exceptions", "validated", "ended", "end_reason", "end_ticket"},
		policies: []string{"AccessProvisioning", "RoleChange", "BreakGlass", "Birthright"},
		cells:    (*exporter).grantCells,
	}
}

func (e *exporter) grantCells(r ledger.Record) ([]string, error) {
	var g change.Grant
	if err := DecodeBody(r, &g); err != nil {
		return nil, err
	}
	now, found, err := e.tx.Grant(g.ID)
	if err != nil {
		return nil, err
	}
	if found {
		g.Ended, g.EndReason, g.EndTicket = now.Ended, now.EndReason, now.EndTicket
	}
	login, group, err := e.names(r)
	if err != nil {
		return nil, err
	}
	add, err := e.provision(g)
	if err != nil {
		return nil, err
	}
	validated, err := e.factAt(string(g.Ticket), factValidated)
	return []string{
		login, group, g.System, g.Role, g.Policy, string(g.Why()), iso(g.Requested), iso(g.Approved), approvers(g), g.FieldsHash, iso(g.Expires), string(add.ID),
		iso(add.Settled), string(add.Event), exceptions(g), iso(validated), iso(g.Ended), string(g.EndReason), string(g.EndTicket),
	}, err
}

// provision returns the confirmed change that gave what the grant entitles to. There is none when the member was in the
// group already.
func (e *exporter) provision(g change.Grant) (change.Change, error) {
	changes, err := e.changesOf(g)
	if err != nil {
		return change.Change{}, err
	}
	for _, c := range changes {
		if c.Kind == change.AddMember && c.State == change.Confirmed && c.Ticket == g.Ticket && c.Membership() == g.Membership() {
			return c, nil
		}
	}
	return change.Change{}, nil
}

// changesOf returns the changes among which the grant's is: those of its ticket, or of its user where it has none.
func (e *exporter) changesOf(g change.Grant) ([]change.Change, error) {
	if g.Ticket != "" {
		return e.tx.ChangesByTicket(g.Ticket)
	}
	return e.tx.ChangesByUser(g.User)
}

func approvers(g change.Grant) string {
	all := make([]string, len(g.Approvals))
	for i, p := range g.Approvals {
		all[i] = fmt.Sprintf("%s: user %s, account %s, approval %s, %s (%s)%s", p.Role, p.User, p.Account, p.Approval, iso(p.At), p.Eligible, manner(p))
	}
	return strings.Join(all, "; ")
}

// exceptions names the rules of separation of duties that approvals of the grant lift.
func exceptions(g change.Grant) string {
	var rules []string
	for _, p := range g.Approvals {
		if p.Exception != "" {
			rules = append(rules, p.Exception)
		}
	}
	return strings.Join(rules, " ")
}
