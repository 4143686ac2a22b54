// Package catalog says which systems an organisation has, which Okta groups give access to them, who owns them, and how
// far sopd may go in each.
package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// Risk is how much harm the wrong person in a system can do.
type Risk string

// The risks, from least to most.
const (
	Low    Risk = "low"
	Medium Risk = "medium"
	High   Risk = "high"
)

// Mode is how far sopd may go in a system. Each mode includes the one before it.
type Mode string

// The modes. Expired grants, leavers and revocations are taken away from [Grant] on, because each has positive evidence;
// members without a grant only in [Enforce].
const (
	Observe Mode = "observe" // changes nothing, reports what it would do
	Grant   Mode = "grant"   // gives what tickets entitle, takes away what ended; reports drift
	Enforce Mode = "enforce" // also removes drift
)

// Writes reports whether the mode allows any change at all.
func (m Mode) Writes() bool { return m == Grant || m == Enforce }

// People names who may decide something: listed users, and whoever is in the listed groups at the time.
type People struct {
	Users  []access.UserID
	Groups []access.GroupID
}

// Empty reports whether nobody is named.
func (p People) Empty() bool { return len(p.Users) == 0 && len(p.Groups) == 0 }

// Role is a kind of access to a system, given by being in all of its groups.
type Role struct {
	Name   string // as it stands in tickets
	Groups []access.GroupID
}

// System is something that people have access to.
type System struct {
	ID     string // short, stable, such as "payments"
	Name   string // as it stands in tickets
	Risk   Risk
	Mode   Mode
	Owners People
	Roles  []Role
}

// Role returns the role called name, ignoring case. ok is false when there is none, or more than one.
func (s System) Role(name string) (role Role, ok bool) {
	return only(s.Roles, func(r Role) bool { return strings.EqualFold(r.Name, name) })
}

// Group is a group that sopd manages, with the system that it belongs to.
type Group struct {
	ID     access.GroupID
	Name   string // as expected in Okta; sopd checks it and never decides by it
	System string // the system's ID
	// Floor is the least number of members that a removal may leave; 0 for none.
	Floor int
	// Protected groups are never written.
	Protected bool
	// Administrative groups decide about Okta itself: somebody who can sign in has to stay in each. Those that carry a role of
	// Okta's are found by themselves.
	Administrative bool
}

// Catalog is all systems and groups. The zero value manages nothing.
type Catalog struct {
	Systems []System // sorted by ID
	Groups  []Group  // sorted by ID
}

// System returns the system with the ID, or with the name as tickets write it, ignoring case. ok is false when there is
// none, or when the ID of one is the name of another.
func (c Catalog) System(idOrName string) (system System, ok bool) {
	if idOrName == "" {
		return System{}, false
	}
	return only(c.Systems, func(s System) bool {
		return strings.EqualFold(s.ID, idOrName) || strings.EqualFold(s.Name, idOrName)
	})
}

// only returns the one element that fits. ok is false for none and for several: what a ticket means is not guessed.
func only[T any](all []T, fits func(T) bool) (one T, ok bool) {
	for _, x := range all {
		if !fits(x) {
			continue
		}
		if ok {
			var none T
			return none, false
		}
		one, ok = x, true
	}
	return one, ok
}

// Group returns the managed group with the ID. ok is false for a group that is not ours.
func (c Catalog) Group(id access.GroupID) (group Group, ok bool) {
	i, found := slices.BinarySearchFunc(c.Groups, id, func(g Group, id access.GroupID) int {
		return strings.Compare(string(g.ID), string(id))
	})
	if !found {
		return Group{}, false
	}
	return c.Groups[i], true
}

// Mode returns how far sopd may go in the group; [Observe] for one that is not ours.
func (c Catalog) Mode(id access.GroupID) Mode {
	group, ok := c.Group(id)
	if !ok || group.Protected {
		return Observe
	}
	i := slices.IndexFunc(c.Systems, func(s System) bool { return s.ID == group.System && s.ID != "" })
	if i < 0 {
		return Observe
	}
	return c.Systems[i].Mode
}

// RolesWith returns "system/role" for every role that the group gives, sorted.
func (c Catalog) RolesWith(id access.GroupID) []string {
	var names []string
	for _, s := range c.Systems {
		for _, r := range s.Roles {
			if slices.Contains(r.Groups, id) {
				names = append(names, fmt.Sprintf("%s/%s", s.ID, r.Name))
			}
		}
	}
	slices.Sort(names)
	return names
}
