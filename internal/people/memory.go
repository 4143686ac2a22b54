package people

import (
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// memory is a [Source] of users that are given at once.
type memory struct {
	users     map[access.UserID]access.User
	attribute map[string][]access.UserID
	names     map[string][]access.UserID
	members   map[access.GroupID]map[access.UserID]bool
}

func index(strategy Strategy, users []access.User, members map[access.GroupID][]access.UserID) *memory {
	m := &memory{
		users:     make(map[access.UserID]access.User, len(users)),
		attribute: make(map[string][]access.UserID),
		names:     make(map[string][]access.UserID),
		members:   make(map[access.GroupID]map[access.UserID]bool, len(members)),
	}
	for _, u := range users {
		m.users[u.ID] = u
		if account := u.Profile[strategy.Attribute]; strategy.Attribute != "" && account != "" {
			m.attribute[account] = append(m.attribute[account], u.ID)
		}
		for _, name := range u.Names() {
			m.names[name] = append(m.names[name], u.ID)
		}
	}
	for group, ids := range members {
		set := make(map[access.UserID]bool, len(ids))
		for _, id := range ids {
			set[id] = true
		}
		m.members[group] = set
	}
	return m
}

// User implements [Source].
func (m *memory) User(id access.UserID) (access.User, bool, error) {
	user, found := m.users[id]
	return user, found, nil
}

// UsersByAttribute implements [Source].
func (m *memory) UsersByAttribute(value string) ([]access.UserID, error) {
	return m.attribute[value], nil
}

// UsersByName implements [Source].
func (m *memory) UsersByName(name string) ([]access.UserID, error) { return m.names[name], nil }

// IsMember implements [Source].
func (m *memory) IsMember(of access.Membership) (bool, error) {
	return m.members[of.Group][of.User], nil
}

// Known implements [Source].
func (m *memory) Known(group access.GroupID) (bool, error) {
	_, known := m.members[group]
	return known, nil
}

// Turns implements [Source]: nobody has come or gone.
func (*memory) Turns(access.Membership) ([]Turn, error) { return nil, nil }

// Seen implements [Source]: everybody has always been there.
func (*memory) Seen(access.Membership) (time.Time, error) { return time.Time{}, nil }

// MembersOf implements [Source].
func (m *memory) MembersOf(group access.GroupID) ([]access.UserID, error) {
	return slices.Sorted(maps.Keys(m.members[group])), nil
}
