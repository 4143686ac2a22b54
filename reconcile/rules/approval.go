package rules

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
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
	k := consent{sop: sop, grant: g, change: ch, known: c.recordedAt(g.ID, ch.Intended)}
	for _, role := range c.required(sop, g) {
		if why := c.unapproved(k, role); why != "" {
			return "approval as " + role.Role + ": " + why
		}
	}
	if why := c.together(k); why != "" {
		return why
	}
	return c.distinct(g)
}

// consent is what the approvals of a grant are held against.
type consent struct {
	sop    policies.SOP
	grant  change.Grant
	change change.Change
	known  time.Time // when the grant was recorded
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
func (c *checker) unapproved(k consent, role authority.Approval) string {
	why := "nobody gave it"
	for _, p := range k.grant.Approvals {
		if p.Role != role.Role || p.Exception != "" {
			continue
		}
		if why = c.unsound(k, role, p); why == "" {
			return ""
		}
	}
	return why
}

// unsound says why the proof is none for the role, empty when it holds.
func (c *checker) unsound(k consent, role authority.Approval, p change.Proof) string {
	g := k.grant
	switch {
	case p.User == g.User:
		return "given by the beneficiary"
	case c.requested(g.Ticket, p):
		return "given by the requester"
	case p.At.After(k.change.Intended.Add(skew)):
		return "given after the change"
	case !c.mayApprove(k, role, p):
		return "given by somebody who may not"
	case p.Transition == "" && !c.answered(g.Ticket, p):
		return "the ticket holds no such approval"
	case p.Transition != "" && !c.moved(k, p):
		return "the ticket shows no such transition, or the policy does not let it count"
	case c.edited(k, p):
		return "the ticket was edited between it and the grant"
	default:
		return ""
	}
}

func (c *checker) requested(key ticket.Key, p change.Proof) bool {
	t, known := c.tickets[key]
	if !known {
		return false
	}
	user, err := c.people.Match(t.Reporter)
	return t.Reporter.Account == p.Account || err == nil && user.ID == p.User
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

// distinct says when one person stands for two roles of the grant's system, exceptions included. A ticket for several systems may name one
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
