// Package people matches the persons that tickets name with the users that Okta knows.
//
// The match decides who gets access and whose approval counts, so it fails closed: nobody and more than one are errors.
package people

import (
	"errors"
	"fmt"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// ErrUnknown: no Okta user matches the person.
var ErrUnknown = errors.New("no matching Okta user")

// ErrAmbiguous: more than one Okta user matches the person.
var ErrAmbiguous = errors.New("more than one matching Okta user")

// Strategy says how a ticket's person is matched. Its parts are tried in the order of the fields; the first that knows
// the person decides.
type Strategy struct {
	// Mapping lists Okta users by Jira account, for those whom nothing else matches.
	Mapping map[ticket.AccountID]access.UserID
	// Attribute is the Okta profile attribute that holds the Jira account ID; empty: not used.
	Attribute string
	// Email matches the e-mail address that Jira shows with the Okta login or e-mail address, ignoring case.
	Email bool
}

// Directory finds users. Build it with [New]; it does not change afterwards.
type Directory struct {
	strategy  Strategy
	users     map[access.UserID]access.User
	attribute map[string][]access.UserID
	email     map[string][]access.UserID
	members   map[access.GroupID]map[access.UserID]bool
}

// New returns a directory over the users and the members of the groups that decide eligibility.
func New(strategy Strategy, users []access.User, members map[access.GroupID][]access.UserID) *Directory {
	d := &Directory{
		strategy:  strategy,
		users:     make(map[access.UserID]access.User, len(users)),
		attribute: make(map[string][]access.UserID),
		email:     make(map[string][]access.UserID),
		members:   make(map[access.GroupID]map[access.UserID]bool, len(members)),
	}
	for _, u := range users {
		d.index(u)
	}
	for group, ids := range members {
		set := make(map[access.UserID]bool, len(ids))
		for _, id := range ids {
			set[id] = true
		}
		d.members[group] = set
	}
	return d
}

func (d *Directory) index(u access.User) {
	d.users[u.ID] = u
	if account := u.Profile[d.strategy.Attribute]; d.strategy.Attribute != "" && account != "" {
		d.attribute[account] = append(d.attribute[account], u.ID)
	}
	login, email := strings.ToLower(u.Login), strings.ToLower(u.Email)
	if login != "" {
		d.email[login] = append(d.email[login], u.ID)
	}
	if email != "" && email != login {
		d.email[email] = append(d.email[email], u.ID)
	}
}

// Match returns the Okta user of the person.
//
// Errors: [ErrUnknown], [ErrAmbiguous]. Two users with one e-mail address are ambiguous, whatever their status: sopd
// does not guess which of them a ticket means.
func (d *Directory) Match(p ticket.Person) (access.User, error) {
	if p.Account == "" {
		return access.User{}, fmt.Errorf("person without an account: %w", ErrUnknown)
	}
	if id, ok := d.strategy.Mapping[p.Account]; ok {
		user, known := d.users[id]
		if !known {
			return access.User{}, fmt.Errorf("account %s is mapped to user %s: %w", p.Account, id, ErrUnknown)
		}
		return user, nil
	}
	candidates := d.attribute[string(p.Account)]
	if len(candidates) == 0 && d.strategy.Email && p.Email != "" {
		candidates = d.email[strings.ToLower(p.Email)]
	}
	switch len(candidates) {
	case 0:
		return access.User{}, fmt.Errorf("account %s: %w", p.Account, ErrUnknown)
	case 1:
		return d.users[candidates[0]], nil
	default:
		return access.User{}, fmt.Errorf("account %s: %w", p.Account, ErrAmbiguous)
	}
}

// Named returns the Okta user whom a pager names: by e-mail address, as Opsgenie does, or by account, as JSM Operations does.
//
// Errors: [ErrUnknown], [ErrAmbiguous].
func (d *Directory) Named(name string) (access.User, error) {
	if !strings.Contains(name, "@") {
		return d.Match(ticket.Person{Account: ticket.AccountID(name)})
	}
	switch candidates := d.email[strings.ToLower(name)]; len(candidates) {
	case 0:
		return access.User{}, fmt.Errorf("somebody whom the pager names: %w", ErrUnknown)
	case 1:
		return d.users[candidates[0]], nil
	default:
		return access.User{}, fmt.Errorf("somebody whom the pager names: %w", ErrAmbiguous)
	}
}

// User returns the user with the ID.
func (d *Directory) User(id access.UserID) (user access.User, ok bool) {
	user, ok = d.users[id]
	return user, ok
}

// Member reports whether the user is in the group. It is false for a group whose members were not given to [New].
func (d *Directory) Member(m access.Membership) bool { return d.members[m.Group][m.User] }
