package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// How long Okta takes to show a write: to the user's own list of groups, to lists, and in the System Log.
const (
	oktaUserLag = 150 * time.Millisecond
	oktaListLag = time.Second
	oktaLogLag  = 2 * time.Second
)

// self is the Okta user whose credential sopd uses.
const self access.UserID = "uBot"

// stay is one change of a membership.
type stay struct {
	at time.Time
	in bool
}

// okta is the directory.
type okta struct {
	v       *vendors
	users   map[access.UserID]access.User
	groups  map[access.GroupID]access.Group
	stays   map[access.Membership][]stay
	rules   []access.Rule
	ruledAt map[access.GroupID]time.Time
	log     []access.Event
	// made counts what sopd really changed, idempotent repeats left out, by "add user group".
	made map[string]int
	// unreadable groups answer with the error.
	unreadable map[access.GroupID]error
	empty      map[access.GroupID]bool // whose members read as none, with status 200
	roles      map[access.GroupID][]string
	admins     map[access.UserID][]string
	tokens     map[access.UserID][]string
}

func newOkta(v *vendors) *okta {
	return &okta{
		v: v, users: make(map[access.UserID]access.User), groups: make(map[access.GroupID]access.Group),
		stays: make(map[access.Membership][]stay), made: make(map[string]int), ruledAt: make(map[access.GroupID]time.Time),
		unreadable: make(map[access.GroupID]error),
	}
}

func (o *okta) user(id access.UserID) {
	address := strings.ToLower(string(id)) + "@example.com"
	o.users[id] = access.User{
		ID: id, Login: address, Email: address, Name: string(id), Status: access.Active, Updated: o.v.clock.now,
		StatusChanged: o.v.clock.now,
		Profile:       map[string]string{"jiraAccountId": "acc-" + string(id)},
	}
}

func (o *okta) group(id access.GroupID, members ...access.UserID) {
	o.groups[id] = access.Group{ID: id, Name: string(id), Type: access.OktaGroup, Updated: o.v.clock.now, MembershipUpdated: o.v.clock.now}
	for _, user := range members {
		o.stays[access.Membership{Group: id, User: user}] = []stay{{o.v.clock.now.Add(-time.Hour), true}}
	}
}

// put changes a membership and writes the event, if it changes anything.
func (o *okta) put(m access.Membership, in bool, actor access.UserID) {
	if o.in(m, o.v.clock.now) == in {
		return
	}
	kind := "group.user_membership.remove"
	if in {
		kind = "group.user_membership.add"
	}
	o.stays[m] = append(o.stays[m], stay{o.v.clock.now, in})
	g := o.groups[m.Group]
	g.MembershipUpdated = o.v.clock.now
	o.groups[m.Group] = g
	o.tell(kind, actor, m)
}

func (o *okta) tell(kind string, actor access.UserID, m access.Membership) {
	e := access.Event{
		ID: access.EventID(fmt.Sprintf("e%d", len(o.log))), Published: o.v.clock.now, Type: kind, Succeeded: true,
		Actor: access.Actor{ID: string(actor), Type: "User"}, Users: []access.UserID{m.User},
	}
	if m.Group != "" {
		e.Groups = []access.GroupID{m.Group}
	}
	o.log = append(o.log, e)
	if actor == self {
		o.made[strings.TrimSpace(kind+" "+string(m.User)+" "+string(m.Group))]++
	}
}

func (o *okta) status(id access.UserID, s access.UserStatus, actor access.UserID) {
	u := o.users[id]
	u.Status, u.Updated, u.StatusChanged = s, o.v.clock.now, o.v.clock.now
	o.users[id] = u
	kinds := map[access.UserStatus]string{
		access.Deprovisioned: "user.lifecycle.deactivate", access.Suspended: "user.lifecycle.suspend", access.Active: "user.lifecycle.reactivate",
	}
	o.tell(kinds[s], actor, access.Membership{User: id})
}

// profile changes an attribute of a user; an empty value removes it.
func (o *okta) profile(id access.UserID, name, value string) {
	u := o.users[id]
	u.Profile = maps.Clone(u.Profile)
	u.Profile[name] = value
	if value == "" {
		delete(u.Profile, name)
	}
	u.Updated = o.v.clock.now
	o.users[id] = u
	o.tell("user.account.update_profile", "uDan", access.Membership{User: id})
}

// in reports whether the membership stood at the instant.
func (o *okta) in(m access.Membership, at time.Time) bool {
	in := false
	for _, s := range o.stays[m] {
		if !s.at.After(at) {
			in = s.in
		}
	}
	return in
}

func (o *okta) membersAt(group access.GroupID, at time.Time) []access.UserID {
	var ids []access.UserID
	for m := range o.stays {
		if m.Group == group && o.in(m, at) {
			ids = append(ids, m.User)
		}
	}
	slices.Sort(ids)
	return ids
}

func (o *okta) AllUsers(context.Context) ([]access.User, error) {
	if err := o.v.read("AllUsers"); err != nil {
		return nil, err
	}
	return sorted(o.users, func(access.User) bool { return true }), nil
}

func sorted[K ~string, T any](all map[K]T, wanted func(T) bool) []T {
	keys := make([]K, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []T
	for _, k := range keys {
		if wanted(all[k]) {
			out = append(out, all[k])
		}
	}
	return out
}

func (o *okta) UsersChanged(_ context.Context, since time.Time) ([]access.User, error) {
	if err := o.v.read("UsersChanged"); err != nil {
		return nil, err
	}
	return sorted(o.users, func(u access.User) bool {
		return u.Updated.After(since) && !u.Updated.After(o.v.clock.now.Add(-oktaListLag))
	}), nil
}

func (o *okta) User(_ context.Context, id access.UserID) (access.User, error) {
	if err := o.v.read("User"); err != nil {
		return access.User{}, err
	}
	u, ok := o.users[id]
	if !ok {
		return access.User{}, fmt.Errorf("user: %w", access.ErrNotFound)
	}
	return u, nil
}

func (o *okta) UserGroups(_ context.Context, id access.UserID) ([]access.Group, error) {
	if err := o.v.read("UserGroups"); err != nil {
		return nil, err
	}
	if _, ok := o.users[id]; !ok {
		return nil, fmt.Errorf("user: %w", access.ErrNotFound)
	}
	return sorted(o.groups, func(g access.Group) bool {
		return o.in(access.Membership{Group: g.ID, User: id}, o.v.clock.now.Add(-oktaUserLag))
	}), nil
}

func (o *okta) Group(_ context.Context, id access.GroupID) (access.Group, error) {
	if err := o.v.read("Group"); err != nil {
		return access.Group{}, err
	}
	g, ok := o.groups[id]
	if !ok {
		return access.Group{}, fmt.Errorf("group: %w", access.ErrNotFound)
	}
	if err := o.unreadable[id]; err != nil {
		return access.Group{}, err
	}
	return g, nil
}

func (o *okta) GroupsChanged(_ context.Context, since time.Time) ([]access.Group, error) {
	if err := o.v.read("GroupsChanged"); err != nil {
		return nil, err
	}
	return sorted(o.groups, func(g access.Group) bool {
		changed := g.Updated
		if g.MembershipUpdated.After(changed) {
			changed = g.MembershipUpdated
		}
		return changed.After(since) && !changed.After(o.v.clock.now.Add(-oktaListLag))
	}), nil
}

func (o *okta) Members(_ context.Context, group access.GroupID) ([]access.User, error) {
	if err := o.v.read("Members"); err != nil {
		return nil, err
	}
	if err := o.unreadable[group]; err != nil {
		return nil, err
	}
	var users []access.User
	if o.empty[group] {
		return users, nil
	}
	for _, id := range o.membersAt(group, o.v.clock.now.Add(-oktaListLag)) {
		users = append(users, o.users[id])
	}
	return users, nil
}

func (o *okta) Rules(context.Context) ([]access.Rule, error) {
	if err := o.v.read("Rules"); err != nil {
		return nil, err
	}
	return slices.Clone(o.rules), nil
}

func (o *okta) Events(_ context.Context, cursor access.Cursor, since time.Time) ([]access.Event, access.Cursor, error) {
	if err := o.v.read("Events"); err != nil {
		return nil, "", err
	}
	from := 0
	if cursor != "" {
		var err error
		if from, err = strconv.Atoi(string(cursor)); err != nil {
			o.v.t.Errorf("cursor %q was never given out", cursor)
		}
	}
	var page []access.Event
	for from < len(o.log) && len(page) < 100 && !o.log[from].Published.After(o.v.clock.now.Add(-oktaLogLag)) {
		if !o.log[from].Published.Before(since) {
			page = append(page, o.log[from])
		}
		from++
	}
	return page, access.Cursor(strconv.Itoa(from)), nil
}

func (o *okta) GroupRoles(_ context.Context, group access.GroupID) ([]string, error) {
	if err := o.v.read("GroupRoles"); err != nil {
		return nil, err
	}
	return o.roles[group], nil
}

func (o *okta) UserRoles(_ context.Context, user access.UserID) ([]string, error) {
	if err := o.v.read("UserRoles"); err != nil {
		return nil, err
	}
	return o.admins[user], nil
}

func (o *okta) APITokens(_ context.Context, user access.UserID) ([]string, error) {
	if err := o.v.read("APITokens"); err != nil {
		return nil, err
	}
	return o.tokens[user], nil
}

func (o *okta) Add(_ context.Context, m access.Membership) error {
	return o.v.write("Add", func() error { return o.change(m, true) })
}

func (o *okta) Remove(_ context.Context, m access.Membership) error {
	return o.v.write("Remove", func() error { return o.change(m, false) })
}

func (o *okta) change(m access.Membership, in bool) error {
	g, known := o.groups[m.Group]
	_, person := o.users[m.User]
	switch {
	case !known || !person:
		return fmt.Errorf("membership: %w", access.ErrNotFound)
	case g.Type != access.OktaGroup:
		return fmt.Errorf("membership: %w", access.ErrDenied)
	}
	o.put(m, in, self)
	return nil
}

func (o *okta) ClearSessions(_ context.Context, user access.UserID) error {
	return o.v.write("ClearSessions", func() error {
		o.tell("user.session.clear", self, access.Membership{User: user})
		return nil
	})
}

func (o *okta) Deactivate(_ context.Context, user access.UserID) error {
	return o.v.write("Deactivate", func() error {
		if o.users[user].Status != access.Deprovisioned {
			o.status(user, access.Deprovisioned, self)
		}
		return nil
	})
}

func (o *okta) Suspend(_ context.Context, user access.UserID) error {
	return o.v.write("Suspend", func() error {
		if o.users[user].Status != access.Active {
			return fmt.Errorf("suspend: %w", access.ErrConflict)
		}
		o.status(user, access.Suspended, self)
		return nil
	})
}
