package rules

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/policies"
)

// lagged is how old a membership has to be before sopd must know of it: lists lag behind, and a pass takes its time.
const lagged = 15 * time.Second

// together says which rule of separation the grant breaks without an exception, empty when none. The other duty has to
// have been there before the grant was recorded, and still when the change was intended.
func (c *checker) together(k consent) string {
	if k.sop.Rules.Separations == nil {
		return ""
	}
	gives := make(map[access.GroupID]bool)
	system, _ := c.set.Catalog.System(k.grant.System)
	role, _ := system.Role(k.grant.Role)
	for _, g := range role.Groups {
		gives[g] = true
	}
	has := c.hadBefore(k)
	for _, rule := range k.sop.Rules.Separations {
		if c.exempt(rule, k) || !c.apart(rule, gives, has) {
			continue
		}
		if !c.lifted(rule, k) {
			return "the rule " + rule.Name + " keeps it apart from what the person had"
		}
	}
	return ""
}

// hadBefore returns the groups that the person was in, or entitled to by other grants, all the while.
func (c *checker) hadBefore(k consent) map[access.GroupID]bool {
	has := make(map[access.GroupID]bool)
	for _, group := range c.set.Catalog.Groups {
		m := access.Membership{Group: group.ID, User: k.grant.User}
		if c.stoodAt(m, k.known.Add(-lagged)) && c.stoodAt(m, k.known) && c.stoodAt(m, k.change.Intended) {
			has[group.ID] = true
		}
	}
	then := k.change.Intended
	for _, g := range c.grants {
		at := c.recordedAt(g.ID, then)
		live := (g.Ended.IsZero() || g.Ended.After(then)) && (g.Expires.IsZero() || then.Before(g.Expires))
		if g.User == k.grant.User && g.Ticket != k.grant.Ticket && live && !at.IsZero() && at.Before(k.known) {
			has[g.Group] = true
		}
	}
	return has
}

func (c *checker) exempt(rule authority.Separation, k consent) bool {
	return slices.ContainsFunc(rule.Exemptions, func(e authority.Exemption) bool {
		return e.User == k.grant.User && k.known.Before(e.Until)
	})
}

// apart reports whether what is given touches one side of the rule and what is there another.
func (c *checker) apart(rule authority.Separation, gives, has map[access.GroupID]bool) bool {
	for i, side := range rule.Sides {
		for k, other := range rule.Sides {
			if i != k && c.makes(side, gives) && c.makes(other, has) {
				return true
			}
		}
	}
	return false
}

// makes reports whether the groups make one of the duties: all groups of its role, or one that only this role gives.
func (c *checker) makes(side []authority.Duty, groups map[access.GroupID]bool) bool {
	return slices.ContainsFunc(side, func(d authority.Duty) bool {
		system, _ := c.set.Catalog.System(d.System)
		given := make(map[access.GroupID]int) // by how many roles
		for _, r := range system.Roles {
			for _, g := range r.Groups {
				given[g]++
			}
		}
		role, _ := system.Role(d.Role)
		in, own := 0, false
		for _, g := range role.Groups {
			if groups[g] {
				in++
				own = own || given[g] == 1
			}
		}
		return own || in > 0 && in == len(role.Groups)
	})
}

// keptApart reports whether a rule keeps what a role change gives apart from what it takes: the roles that its ticket names,
// and the group.
func (c *checker) keptApart(sop policies.SOP, r authority.Request, group access.GroupID) bool {
	gives, takes := make(map[access.GroupID]bool), map[access.GroupID]bool{group: true}
	for _, w := range r.Wanted {
		for _, g := range w.Role.Groups {
			gives[g] = true
		}
	}
	for _, w := range r.Replaced {
		for _, g := range w.Role.Groups {
			takes[g] = true
		}
	}
	return slices.ContainsFunc(sop.Rules.Separations, func(rule authority.Separation) bool { return c.apart(rule, gives, takes) })
}

// lifted reports whether somebody gave the exception to the rule, and nothing else with it.
func (c *checker) lifted(rule authority.Separation, k consent) bool {
	return rule.Exception != nil && slices.ContainsFunc(k.grant.Approvals, func(p change.Proof) bool {
		alone := !slices.ContainsFunc(k.grant.Approvals, func(q change.Proof) bool { return q.User == p.User && q.Exception != p.Exception })
		return p.Exception == rule.Name && p.Role == rule.Exception.Role && alone && c.unsound(k, *rule.Exception, p) == ""
	})
}
