package oktamock

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// User is a user as a script describes it or as a snapshot shows it.
type User struct {
	ID        string // empty lets the org choose
	Login     string // unique in any case
	Email     string // empty is Login
	FirstName string // for people to read
	LastName  string // for people to read
	Status    string // empty is ACTIVE
	// Transitioning is the status that the user is moving to. It is only set in snapshots.
	Transitioning string
	// Profile holds further attributes by their API name.
	Profile map[string]any
	Created time.Time // zero is now
	// StatusChanged is when the status was reached; zero is Created.
	StatusChanged time.Time
	// Roles are admin roles such as "SUPER_ADMIN".
	Roles []string
}

// Group is a group as a script describes it.
type Group struct {
	ID          string // empty lets the org choose
	Name        string // for people to read
	Description string // empty is sent as null
	Type        string // empty is OKTA_GROUP
	// Source is the app that an APP_GROUP is imported from.
	Source  string
	Created time.Time // zero is now
}

// AddUser furnishes the org with a user that was there before its log begins, and returns the ID.
func (s *Server) AddUser(u User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := s.newUser(u, s.now())
	s.evaluate(made, silently)
	return made.truth.id
}

// AddGroup furnishes the org with a group that was there before its log begins, and returns the ID.
func (s *Server) AddGroup(g Group) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newGroup(g, s.now()).truth.id
}

// Place makes users members of a group without a log entry, as memberships older than the log. Lists show them at once.
// Unknown groups and users are left out; Members tells what came of it.
func (s *Server) Place(groupID string, userIDs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups.find(groupID)
	for _, id := range userIDs {
		if u := s.users.find(id); u != nil && g != nil {
			s.settleIn(g, u)
		}
	}
}

func (s *Server) newUser(d User, now time.Time) *user {
	created := seconds(cmp.Or(d.Created, now).UTC())
	changed := seconds(cmp.Or(d.StatusChanged, created).UTC())
	record := &userRecord{
		id: cmp.Or(d.ID, s.mint("00u")), status: cmp.Or(d.Status, "ACTIVE"),
		created: created, activated: created, statusChanged: changed, updated: changed, passwordChanged: created,
		login: d.Login, email: cmp.Or(d.Email, d.Login), firstName: d.FirstName, lastName: d.LastName,
		profile: maps.Clone(d.Profile),
	}
	u := &user{seq: int32(len(s.users.all)), truth: record, seen: record, roles: slices.Clone(d.Roles)}
	s.users.all = append(s.users.all, u)
	s.users.byID[record.id] = u
	s.users.byLogin[strings.ToLower(record.login)] = u
	s.settleIn(s.everyone, u)
	return u
}

func (s *Server) newGroup(d Group, now time.Time) *group {
	created := seconds(cmp.Or(d.Created, now).UTC())
	record := &groupRecord{
		id: cmp.Or(d.ID, s.mint("00g")), name: d.Name, description: d.Description, kind: cmp.Or(d.Type, "OKTA_GROUP"),
		source: d.Source, created: created, updated: created, membersUpdated: created,
	}
	g := &group{seq: int32(len(s.groups.all)), truth: record, seen: record}
	s.groups.all = append(s.groups.all, g)
	s.groups.byID[record.id] = g
	return g
}

// settleIn makes u a member of g with no event and no lag.
func (s *Server) settleIn(g *group, u *user) {
	g.members.add(u.seq)
	g.listed.add(u.seq)
	u.groups.add(g.seq)
	u.listed.add(g.seq)
}

// join makes u a member of g now, and in lists after the lag. It reports whether that changed anything.
func (s *Server) join(g *group, u *user) bool {
	if !g.members.add(u.seq) {
		return false
	}
	u.groups.add(g.seq)
	s.later(s.config.Lag, func() { g.listed.add(u.seq); u.listed.add(g.seq) })
	s.regroup(g, func(r *groupRecord) { r.membersUpdated = seconds(s.now()) })
	return true
}

// leave ends the membership of u in g now, and in lists after the lag. It reports whether that changed anything.
func (s *Server) leave(g *group, u *user) bool {
	if !g.members.remove(u.seq) {
		return false
	}
	u.groups.remove(g.seq)
	delete(s.groups.ruled, membership{g.seq, u.seq})
	s.later(s.config.Lag, func() { g.listed.remove(u.seq); u.listed.remove(g.seq) })
	s.regroup(g, func(r *groupRecord) { r.membersUpdated = seconds(s.now()) })
	return true
}

// snapshot describes u as it is.
func (u *user) snapshot() User {
	r := u.truth
	return User{
		ID: r.id, Login: r.login, Email: r.email, FirstName: r.firstName, LastName: r.lastName, Status: r.status,
		Transitioning: r.transitioning, Profile: maps.Clone(r.profile), Created: r.created, StatusChanged: r.statusChanged,
		Roles: slices.Clone(u.roles),
	}
}
