// Package people matches the persons that tickets name with the users that Okta knows.
//
// The match decides who gets access and whose approval counts, so it fails closed: nobody and more than one are errors.
package people

import (
	"errors"
	"fmt"
	"strings"
	"time"

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

// Source is where a [Directory] looks users up. It is one consistent snapshot of the organisation.
type Source interface {
	// User returns the user with the ID; found is false for one who is not known.
	User(id access.UserID) (user access.User, found bool, err error)
	// UsersByAttribute lists the users whose attribute of the strategy has the value.
	UsersByAttribute(value string) ([]access.UserID, error)
	// UsersByName lists the users whose login or e-mail address is the name, which is in lower case.
	UsersByName(name string) ([]access.UserID, error)
	// IsMember reports whether the user was last seen in the group. It is false for a group that was not read.
	IsMember(m access.Membership) (bool, error)
	// Known reports whether the group was read.
	Known(group access.GroupID) (bool, error)
	// Turns lists when the user came to the group and left it, as far as the log is known.
	Turns(m access.Membership) ([]Turn, error)
	// Seen returns when the user was first seen in a group that had been read before without them; zero for somebody who was
	// there from the first read on.
	Seen(m access.Membership) (time.Time, error)
	// MembersOf lists the members of the group, sorted. It is nil for a group that was not read.
	MembersOf(group access.GroupID) ([]access.UserID, error)
}

// Directory finds users. Build it with [New] or [Over]; it does not change afterwards.
type Directory struct {
	strategy Strategy
	source   Source
	err      error
}

// New returns a directory over the users and the members of the groups that decide eligibility.
func New(strategy Strategy, users []access.User, members map[access.GroupID][]access.UserID) *Directory {
	return Over(strategy, index(strategy, users, members))
}

// Over returns a directory that looks up in the source whom it is asked for and nobody else, so that it costs as much as the
// persons that tickets name, however many there are.
func Over(strategy Strategy, source Source) *Directory {
	return &Directory{strategy: strategy, source: source}
}

// Err returns the first error of the source. Whatever was asked since then was answered as unknown, and is not to be used.
func (d *Directory) Err() error { return d.err }

func (d *Directory) failed(err error) bool {
	if d.err == nil {
		d.err = err
	}
	return err != nil
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
		user, known := d.User(id)
		if !known {
			return access.User{}, fmt.Errorf("account %s is mapped to user %s: %w", p.Account, id, ErrUnknown)
		}
		return user, nil
	}
	candidates := d.candidates(p)
	if len(candidates) > 1 {
		return access.User{}, fmt.Errorf("account %s: %w", p.Account, ErrAmbiguous)
	}
	if len(candidates) == 1 {
		if user, known := d.User(candidates[0]); known {
			return user, nil
		}
	}
	return access.User{}, fmt.Errorf("account %s: %w", p.Account, ErrUnknown)
}

// candidates returns the users whom the strategy takes for the person; nobody when the source fails.
func (d *Directory) candidates(p ticket.Person) []access.UserID {
	if d.strategy.Attribute != "" {
		found, err := d.source.UsersByAttribute(string(p.Account))
		if d.failed(err) {
			return nil
		}
		if len(found) > 0 {
			return found
		}
	}
	if !d.strategy.Email || p.Email == "" {
		return nil
	}
	found, err := d.source.UsersByName(strings.ToLower(p.Email))
	if d.failed(err) {
		return nil
	}
	return found
}

// User returns the user with the ID.
func (d *Directory) User(id access.UserID) (user access.User, ok bool) {
	user, ok, err := d.source.User(id)
	if d.failed(err) {
		return access.User{}, false
	}
	return user, ok
}

// Member reports whether the user is in the group. It is false for a group whose members are not known.
func (d *Directory) Member(m access.Membership) bool {
	in, err := d.source.IsMember(m)
	return !d.failed(err) && in
}

// MembersOf lists the members of a group, sorted; nobody for a group whose members are not known.
func (d *Directory) MembersOf(group access.GroupID) []access.UserID {
	ids, err := d.source.MembersOf(group)
	if d.failed(err) {
		return nil
	}
	return ids
}
