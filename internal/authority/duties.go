package authority

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
)

// Duty is a role in a system, as rules of separation name it.
type Duty struct {
	System string // the catalog's ID
	Role   string // as the catalog names it
}

// String returns the duty as tickets show it.
func (d Duty) String() string { return d.System + "/" + d.Role }

// Separation keeps duties apart: nobody may have duties of two sides at the same time.
type Separation struct {
	Name   string // short and stable, such as "pay-and-book"
	Reason string // why, in words for the ticket
	Sides  [][]Duty
	// Exemptions lists whom the rule does not hold for.
	Exemptions []Exemption
	// Exception is the approval that lets a single request through; nil: none does.
	Exception *Approval
}

// Exemption is a person for whom a rule of separation does not hold for a time.
type Exemption struct {
	User     access.UserID
	Reason   string    // why, for auditors
	Approved string    // the role that approved it
	Until    time.Time // exclusive
}

// Holding is a group that somebody is in, or is entitled to.
type Holding struct {
	Group access.GroupID
	Why   string // in words for the ticket, such as "by ACC-12"
	// Ticketed: a grant of a request, which a role change may replace.
	Ticketed bool
}

// Conflict is a rule that a request, or what somebody has, would break.
type Conflict struct {
	Rule Separation
	Duty Duty   // what is asked for or, of two standing duties, the first
	With Duty   // what it may not go together with
	Why  string // where With comes from, in words for the ticket; may be empty
}

// String returns the conflict in words for a ticket.
func (c Conflict) String() string {
	text := fmt.Sprintf("the rule %s keeps %s apart from %s", c.Rule.Name, c.Duty, c.With)
	if c.Why != "" {
		text += " (" + c.Why + ")"
	}
	if c.Rule.Reason != "" {
		text += ": " + c.Rule.Reason
	}
	return text
}

// Duties is what somebody has or would have.
type Duties struct {
	User    access.UserID
	Catalog catalog.Catalog
	Held    []Holding
	Now     time.Time
}

// Conflicts returns what the request would break: each rule of which one side would be touched by the request and another
// by the request or by what the user has, in the order of the rules.
func (d Duties) Conflicts(rules []Separation, wanted []Wanted) []Conflict {
	var asked []Holding
	for _, w := range wanted {
		for _, g := range w.Role.Groups {
			asked = append(asked, Holding{Group: g, Why: "asked for here too"})
		}
	}
	fresh := duties(d.Catalog, asked)
	return d.between(rules, fresh, duties(d.Catalog, slices.Concat(d.Held, asked)))
}

// Standing returns the rules that what the user has breaks already, in the order of the rules.
func (d Duties) Standing(rules []Separation) []Conflict {
	have := duties(d.Catalog, d.Held)
	return d.between(rules, have, have)
}

// between returns for each rule the first duty of one side in some and of another side in all.
func (d Duties) between(rules []Separation, some, all map[Duty]string) []Conflict {
	var conflicts []Conflict
	for _, rule := range rules {
		if rule.exempts(d.User, d.Now) {
			continue
		}
		if c, found := rule.broken(some, all); found {
			conflicts = append(conflicts, c)
		}
	}
	return conflicts
}

func (s Separation) exempts(user access.UserID, now time.Time) bool {
	return slices.ContainsFunc(s.Exemptions, func(e Exemption) bool { return e.User == user && now.Before(e.Until) })
}

func (s Separation) broken(some, all map[Duty]string) (Conflict, bool) {
	for i, side := range s.Sides {
		for _, duty := range side {
			if _, ok := some[duty]; !ok {
				continue
			}
			if with, why, found := s.other(i, all); found {
				return Conflict{Rule: s, Duty: duty, With: with, Why: why}, true
			}
		}
	}
	return Conflict{}, false
}

// other returns a duty among those of every side but one.
func (s Separation) other(than int, all map[Duty]string) (duty Duty, why string, found bool) {
	for i, side := range s.Sides {
		for _, duty := range side {
			if why, ok := all[duty]; ok && i != than {
				return duty, why, true
			}
		}
	}
	return Duty{}, "", false
}

// Touches reports whether the rule names a duty that one of the groups gives, alone or with others.
func (s Separation) Touches(c catalog.Catalog, groups []access.GroupID) bool {
	return slices.ContainsFunc(slices.Concat(s.Sides...), func(d Duty) bool {
		return slices.ContainsFunc(d.groups(c), func(g access.GroupID) bool { return slices.Contains(groups, g) })
	})
}

// Groups returns the groups that give the duties of the rule, sorted.
func (s Separation) Groups(c catalog.Catalog) []access.GroupID {
	var groups []access.GroupID
	for _, d := range slices.Concat(s.Sides...) {
		groups = append(groups, d.groups(c)...)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func (d Duty) groups(c catalog.Catalog) []access.GroupID {
	system, _ := c.System(d.System)
	role, _ := system.Role(d.Role)
	return role.Groups
}

// duties returns the duties that the holdings make, with why. A duty is held by whoever is in all groups of its role, or in
// one that no other role of the system gives: half of a powerful role is power too.
func duties(c catalog.Catalog, held []Holding) map[Duty]string {
	why := make(map[access.GroupID]string, len(held))
	for _, h := range held {
		if _, known := why[h.Group]; !known {
			why[h.Group] = h.Why
		}
	}
	found := make(map[Duty]string)
	for _, s := range c.Systems {
		for _, r := range s.Roles {
			if group, ok := holds(s, r, why); ok {
				found[Duty{System: s.ID, Role: r.Name}] = why[group]
			}
		}
	}
	return found
}

// holds returns a group by which the role is held.
func holds(s catalog.System, r catalog.Role, held map[access.GroupID]string) (by access.GroupID, ok bool) {
	missing := len(r.Groups) == 0
	for _, g := range r.Groups {
		if _, in := held[g]; !in {
			missing = true
			continue
		}
		by = g
		shared := slices.ContainsFunc(s.Roles, func(other catalog.Role) bool {
			return !strings.EqualFold(other.Name, r.Name) && slices.Contains(other.Groups, g)
		})
		if !shared {
			return g, true
		}
	}
	return by, !missing
}
