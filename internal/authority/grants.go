package authority

import (
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
)

// Grants returns what a proven verdict entitles to, one grant for each group of each wanted role, in the order of the
// request. It returns nil for any other outcome.
func (v Verdict) Grants(policy string) []change.Grant {
	if v.Outcome != Proven {
		return nil
	}
	var grants []change.Grant
	for _, w := range v.Request.Wanted {
		for _, group := range w.Role.Groups {
			m := access.Membership{Group: group, User: v.Request.Beneficiary.ID}
			grants = append(grants, change.Grant{
				ID:     change.NewGrantID(v.Request.Ticket.ID, m),
				Ticket: v.Request.Ticket.Key, User: m.User, Group: group,
				System: w.System.ID, Role: w.Role.Name, Policy: policy,
				Requested: v.Request.Ticket.Created, Approved: v.Approved, Approvals: v.Proofs,
				FieldsHash: v.Request.Hash, Expires: v.Request.Expires,
			})
		}
	}
	return grants
}
