package rules

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// authority is rule 3: whoever was let in had a grant, recorded before, with every approval that policy asks for.
func (c *checker) authority() error {
	for _, ch := range c.changes {
		if ch.Kind != change.AddMember {
			continue
		}
		if why := c.unproven(ch); why != "" {
			c.broken(3, "%s (%s): %s", ch.ID, ch.Reason, why)
		}
	}
	return nil
}

// unproven says what the grant behind an addition lacks, empty when nothing.
func (c *checker) unproven(ch change.Change) string {
	g, known := c.grants[ch.Grant]
	switch {
	case !known:
		return "it has no grant"
	case g.Membership() != ch.Membership():
		return "its grant is of another membership"
	case g.Ticket != ch.Ticket:
		return "its grant is of another ticket"
	case !c.recorded(g.ID, ch.Intended):
		return "its grant was not recorded before it"
	case !g.Expires.IsZero() && !ch.Intended.Before(g.Expires):
		return "its grant had run out"
	case !g.Ended.IsZero() && g.Ended.Before(ch.Intended):
		return "its grant had ended"
	}
	switch g.Why() {
	case change.Birthright:
		return c.byProfile(g, ch)
	case change.BreakGlass:
		return c.inEmergency(g, ch)
	case change.Undo:
		return c.undone(ch)
	case change.RoleChange:
		if why := c.overlapped(g, ch); why != "" {
			return why
		}
	default: // an approved request
	}
	sop, ok := c.procedure(g.Policy)
	if !ok {
		return "" // made under a version of the policy that is not at hand
	}
	for _, role := range c.required(sop, g) {
		if why := c.unapproved(g, role, ch); why != "" {
			return "approval as " + role.Role + ": " + why
		}
	}
	return c.distinct(g)
}

// procedure returns the procedure that the grant was made under, if it is still in force.
func (c *checker) procedure(id string) (policies.SOP, bool) {
	i := slices.IndexFunc(c.set.SOPs, func(s policies.SOP) bool { return s.ID() == id })
	if i < 0 {
		return policies.SOP{}, false
	}
	return c.set.SOPs[i], true
}

// required returns the approvals that policy asks for the grant. A condition that fails counts as asking.
func (c *checker) required(sop policies.SOP, g change.Grant) []authority.Approval {
	system, _ := c.set.Catalog.System(g.System)
	facts := authority.Facts{System: system, Role: g.Role, Beneficiary: c.users[g.User]}
	if t, known := c.tickets[g.Ticket]; known {
		if requester, err := c.people.Match(t.Reporter); err == nil {
			facts.Requester = requester
		}
		if !g.Expires.IsZero() {
			facts.Duration = g.Expires.Sub(t.Created)
		}
	}
	var required []authority.Approval
	for _, rule := range sop.Rules.Approvals {
		if rule.When != nil {
			if applies, err := rule.When(facts); err == nil && !applies {
				continue
			}
		}
		required = append(required, rule)
	}
	return required
}

// unapproved says what is wrong with the proofs of the role, empty when one of them holds.
func (c *checker) unapproved(g change.Grant, role authority.Approval, ch change.Change) string {
	why := "nobody gave it"
	system, _ := c.set.Catalog.System(g.System)
	for _, p := range g.Approvals {
		if p.Role != role.Role {
			continue
		}
		switch {
		case p.User == g.User:
			why = "given by the beneficiary"
		case c.requested(g.Ticket, p):
			why = "given by the requester"
		case p.At.After(ch.Intended.Add(skew)):
			why = "given after the change"
		case !c.mayApprove(p.User, role, system):
			why = "given by somebody who may not"
		case !c.answered(g.Ticket, p):
			why = "the ticket holds no such approval"
		default:
			return ""
		}
	}
	return why
}

func (c *checker) requested(key ticket.Key, p change.Proof) bool {
	t, known := c.tickets[key]
	if !known {
		return false
	}
	user, err := c.people.Match(t.Reporter)
	return t.Reporter.Account == p.Account || err == nil && user.ID == p.User
}

// mayApprove reports whether the person may give the approval, or could once: by name, or by a group that they are in or
// have been in.
func (c *checker) mayApprove(id access.UserID, role authority.Approval, system catalog.System) bool {
	named := []catalog.People{role.People}
	if role.Owners {
		named = append(named, system.Owners)
	}
	for _, p := range named {
		if slices.Contains(p.Users, id) {
			return true
		}
		if slices.ContainsFunc(p.Groups, func(g access.GroupID) bool { return c.everIn(access.Membership{Group: g, User: id}) }) {
			return true
		}
	}
	return false
}

func (c *checker) everIn(m access.Membership) bool {
	return c.members[m] || slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return (e.Type == eventAdded || e.Type == eventRemoved) && slices.Contains(e.Users, m.User) && slices.Contains(e.Groups, m.Group)
	})
}

// answered reports whether the ticket's approvals, as last read, show the proof. A ticket whose approvals are not known
// any more proves nothing against it.
func (c *checker) answered(key ticket.Key, p change.Proof) bool {
	approvals := c.approvals[key]
	if len(approvals) == 0 {
		return true
	}
	return slices.ContainsFunc(approvals, func(a ticket.Approval) bool {
		return a.ID == p.Approval && a.Decision == ticket.Approved && slices.ContainsFunc(a.Approvers, func(x ticket.Approver) bool {
			return x.Person.Account == p.Account && x.Decision == ticket.Approved
		})
	})
}

// distinct says when one person stands for two roles of the grant's system. A ticket for several systems may name one
// person once for each.
func (c *checker) distinct(g change.Grant) string {
	if t, known := c.tickets[g.Ticket]; !known || len(t.Fields) == 0 {
		return ""
	}
	roles := make(map[access.UserID]string)
	for _, p := range g.Approvals {
		if before, taken := roles[p.User]; taken && before != p.Role {
			if !c.several(g) {
				return "one person stands for two roles"
			}
		}
		roles[p.User] = p.Role
	}
	return ""
}

// several reports whether the grant's ticket gave access to more than one system.
func (c *checker) several(g change.Grant) bool {
	for _, other := range c.grants {
		if other.Ticket == g.Ticket && other.System != g.System {
			return true
		}
	}
	return false
}
