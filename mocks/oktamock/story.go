package oktamock

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrUnknown is returned by scripts that name a user, group or admin that the org does not have.
var ErrUnknown = errors.New("no such object in the org")

// act runs one deed of an admin in the console, on a user.
func (s *Server) act(adminID, userID string, deed func(by Actor, u *user) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	admin, u := s.users.find(adminID), s.users.find(userID)
	if admin == nil || u == nil {
		return fmt.Errorf("%w: admin %q or user %q", ErrUnknown, adminID, userID)
	}
	s.log.current, s.log.address = s.mint("trs"), "203.0.113.7"
	defer func() { s.log.current, s.log.address = "", "" }()
	return deed(userActor(admin), u)
}

// AddMember is an admin adding a user to a group in the console.
//
// Errors: [ErrUnknown].
func (s *Server) AddMember(adminID, groupID, userID string) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		g := s.groups.find(groupID)
		if g == nil {
			return fmt.Errorf("%w: group %q", ErrUnknown, groupID)
		}
		s.addMember(by, g, u)
		return nil
	})
}

// RemoveMember is an admin removing a user from a group in the console.
//
// Errors: [ErrUnknown]; another when a rule's exclusion list is full.
func (s *Server) RemoveMember(adminID, groupID, userID string) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		g := s.groups.find(groupID)
		if g == nil {
			return fmt.Errorf("%w: group %q", ErrUnknown, groupID)
		}
		return s.removeMember(by, g, u)
	})
}

func (s *Server) addMember(by Actor, g *group, u *user) {
	if s.join(g, u) {
		s.tell("group.user_membership.add", by, userTarget(u), groupTarget(g))
	}
}

func (s *Server) removeMember(by Actor, g *group, u *user) error {
	if !g.members.has(u.seq) {
		return nil
	}
	if err := s.exclude(g, u); err != nil {
		return err
	}
	s.leave(g, u)
	s.tell("group.user_membership.remove", by, userTarget(u), groupTarget(g))
	return nil
}

// CreateUser is an admin creating and activating a user in the console. It returns the ID.
//
// Errors: [ErrUnknown].
func (s *Server) CreateUser(adminID string, d User) (string, error) {
	id := ""
	err := s.act(adminID, adminID, func(by Actor, _ *user) error {
		id = s.createUser(by, d).truth.id
		return nil
	})
	return id, err
}

func (s *Server) createUser(by Actor, d User) *user {
	u := s.newUser(d, s.now())
	u.seen = nil
	record := u.truth
	s.later(s.config.Lag, func() {
		if u.seen == nil {
			u.seen = record
		}
	})
	s.tell("user.lifecycle.create", by, userTarget(u))
	if u.truth.status == "ACTIVE" {
		s.tell("user.lifecycle.activate", by, userTarget(u))
	}
	s.evaluate(u, loudly)
	return u
}

// Deactivate is an admin deactivating a user in the console. It is done after [Config.DeactivationTime]; groups are kept.
//
// Errors: [ErrUnknown].
func (s *Server) Deactivate(adminID, userID string) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		s.deactivate(by, u)
		return nil
	})
}

func (s *Server) deactivate(by Actor, u *user) {
	if s.config.DeactivationTime > 0 {
		s.change(u, func(r *userRecord) { r.transitioning = "DEPROVISIONED" })
	}
	s.later(s.config.DeactivationTime, func() {
		if u.gone || u.truth.status == "DEPROVISIONED" {
			return
		}
		s.move(u, "DEPROVISIONED")
		s.tell("user.lifecycle.deactivate", by, userTarget(u))
	})
}

// Suspend is an admin suspending a user in the console.
//
// Errors: [ErrUnknown].
func (s *Server) Suspend(adminID, userID string) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		s.moveAndTell(by, u, "SUSPENDED", "user.lifecycle.suspend")
		return nil
	})
}

// Unsuspend is an admin ending a suspension in the console.
//
// Errors: [ErrUnknown].
func (s *Server) Unsuspend(adminID, userID string) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		s.moveAndTell(by, u, "ACTIVE", "user.lifecycle.unsuspend")
		return nil
	})
}

// UpdateProfile is an admin changing attributes of a user in the console; group rules follow.
//
// Errors: [ErrUnknown].
func (s *Server) UpdateProfile(adminID, userID string, attributes map[string]any) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		s.updateProfile(by, u, attributes)
		return nil
	})
}

// GrantRole is an admin giving a user an admin role in the console.
//
// Errors: [ErrUnknown].
func (s *Server) GrantRole(adminID, userID, role string) error {
	return s.act(adminID, userID, func(by Actor, u *user) error {
		if !slices.Contains(u.roles, role) {
			u.roles = append(u.roles, role)
		}
		s.tell("user.account.privilege.grant", by, userTarget(u))
		return nil
	})
}

func (s *Server) moveAndTell(by Actor, u *user, status, kind string) {
	s.move(u, status)
	s.tell(kind, by, userTarget(u))
}

// move brings u to a status, without a log entry.
func (s *Server) move(u *user, status string) {
	now := seconds(s.now())
	s.change(u, func(r *userRecord) {
		r.status, r.transitioning, r.statusChanged, r.updated = status, "", now, now
		if status == "ACTIVE" && r.activated.IsZero() {
			r.activated = now
		}
	})
}

func (s *Server) updateProfile(by Actor, u *user, attributes map[string]any) {
	delete(s.users.byLogin, strings.ToLower(u.truth.login))
	s.change(u, func(r *userRecord) {
		r.updated = seconds(s.now())
		if r.profile == nil {
			r.profile = map[string]any{}
		}
		rest := maps.Clone(attributes)
		for name, field := range map[string]*string{
			"login": &r.login, "email": &r.email, "firstName": &r.firstName, "lastName": &r.lastName,
		} {
			if text, ok := rest[name].(string); ok {
				*field = text
			}
			delete(rest, name)
		}
		maps.Copy(r.profile, rest)
	})
	s.users.byLogin[strings.ToLower(u.truth.login)] = u
	s.tell("user.account.update_profile", by, userTarget(u))
	s.evaluate(u, loudly)
}

// Members lists the IDs of who is in a group, as it is and not as lists show it, sorted.
func (s *Server) Members(groupID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	g := s.groups.find(groupID)
	if g == nil {
		return nil
	}
	out := make([]string, 0, len(g.members))
	for _, seq := range g.members {
		out = append(out, s.users.all[seq].truth.id)
	}
	slices.Sort(out)
	return out
}

// User describes a user as it is; ok is false when there is none.
func (s *Server) User(idOrLogin string) (found User, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	u := s.users.find(idOrLogin)
	if u == nil {
		return User{}, false
	}
	return u.snapshot(), true
}

// DropRoles takes all admin roles from the token's owner and the service apps: from now on lists are 200 and empty, and
// the rest is refused, until RestoreRoles.
func (s *Server) DropRoles() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noRoles = true
}

// RestoreRoles undoes DropRoles.
func (s *Server) RestoreRoles() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noRoles = false
}

// SetLag changes [Config.Lag] for what happens from now on.
func (s *Server) SetLag(lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Lag = lag
}

// NextDue returns when something will next happen by itself, such as the end of a deactivation; ok is
// false when nothing will. A script with its own clock moves it there.
func (s *Server) NextDue() (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due.Len() == 0 {
		return time.Time{}, false
	}
	return s.due.tasks[0].at, true
}
