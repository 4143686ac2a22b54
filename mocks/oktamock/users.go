package oktamock

import (
	"encoding/json"
	"maps"
	"strings"
)

// ordering are the operators of attributes that have an order.
func ordering() []string { return []string{"eq", "gt", "ge", "lt", "le"} }

// userFilter is what the filter parameter of GET /users understands.
func userFilter() grammar {
	equal := among([]string{"eq"}, "status", "id", "profile.login", "profile.email", "profile.firstName", "profile.lastName")
	dates := among(ordering(), "lastUpdated")
	return grammar{allowed: func(a, op string) bool { return equal(a, op) || dates(a, op) }}
}

// userSearch is what the search parameter of GET /users understands. There is no ne.
func userSearch() grammar {
	text := []string{"eq", "gt", "ge", "lt", "le", "sw", "co", "pr"}
	top := among(text, "id", "status", "created", "activated", "statusChanged", "lastUpdated", "type.id")
	profile := among(text, "profile")
	return grammar{fold: true, allowed: func(a, op string) bool {
		return top(a, op) || (strings.HasPrefix(a, "profile.") && profile("profile", op))
	}}
}

// get returns an attribute for filters.
func (r *userRecord) get(attribute string) []string {
	switch attribute {
	case "id":
		return []string{r.id}
	case "status":
		return []string{r.status}
	case "created":
		return []string{stamp(r.created)}
	case "activated":
		return []string{stamp(r.activated)}
	case "statusChanged":
		return []string{stamp(r.statusChanged)}
	case "lastUpdated":
		return []string{stamp(r.updated)}
	}
	if list, isList := r.profile[strings.TrimPrefix(attribute, "profile.")].([]any); isList {
		var out []string
		for _, v := range list {
			if text, isText := v.(string); isText {
				out = append(out, text)
			}
		}
		return out
	}
	if text := r.attribute(attribute); text != "" {
		return []string{text}
	}
	return nil
}

// listUsers leaves deactivated users out unless a filter or search is given.
//
// Source: Okta Management API 2026.06, GET /api/v1/users, notes and parameters.
func (c *call) listUsers() *answer {
	wanted, refusal := c.userQuery()
	if refusal != nil {
		return refusal
	}
	z := sizes{200, 200}
	if c.query.Get("q") != "" {
		z.usual = 10
	}
	if c.query.Get("search") != "" && c.query.Get("sortBy") != "" {
		return c.sorted(z, c.usersWanted(wanted))
	}
	return c.scan(z, int32(len(c.users.all)), func(seq int32) any {
		u := c.users.all[seq]
		if u.gone || u.seen == nil || !wanted(u.seen) {
			return nil
		}
		return u.seen.listed(c.URL())
	})
}

func (c *call) usersWanted(wanted func(*userRecord) bool) []searchable {
	var out []searchable
	for _, u := range c.users.all {
		if r := u.seen; r != nil && !u.gone && wanted(r) {
			out = append(out, searchable{get: r.get, wire: func() any { return r.listed(c.URL()) }})
		}
	}
	return out
}

// userQuery compiles the query parameters. A filter and a search exclude each other.
func (c *call) userQuery() (func(*userRecord) bool, *answer) {
	filterText, searchText, q := c.query.Get("filter"), c.query.Get("search"), strings.ToLower(c.query.Get("q"))
	g, text := userFilter(), filterText
	if searchText != "" {
		g, text = userSearch(), searchText
	}
	if filterText != "" && searchText != "" {
		return nil, refuse(c, "E0000033", "Bad request. Can't specify a search query and filter in the same request.")
	}
	if text == "" {
		return func(r *userRecord) bool { return r.status != "DEPROVISIONED" && r.begins(q) }, nil
	}
	f, err := g.parse(text)
	if err != nil {
		return nil, c.badFilter()
	}
	return func(r *userRecord) bool { return f(r.get) && r.begins(q) }, nil
}

// begins tells whether the first name, last name or e-mail address begins with q, in lower case.
func (r *userRecord) begins(q string) bool {
	if q == "" {
		return true
	}
	for _, text := range []string{r.firstName, r.lastName, r.email} {
		if strings.HasPrefix(strings.ToLower(text), q) {
			return true
		}
	}
	return false
}

// user finds the user that a path names by ID, login, or "me".
func (c *call) user(name string) *user {
	key := c.vars[name]
	if key == "me" && !c.who.oauth {
		return c.auth.owner
	}
	return c.users.find(key)
}

func (c *call) noUser(name string) *answer { return c.notFound(c.vars[name], "User") }

func (c *call) getUser() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	return ok(u.truth.single(c.URL()))
}

func (c *call) listUserGroups() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	return c.scanSet(sizes{200, 200}, u.listed, func(seq int32) any {
		if g := c.groups.all[seq]; !g.gone {
			return g.truth.wire(c.URL())
		}
		return nil
	})
}

func (c *call) listUserRoles() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	out := []wireRole{}
	for i, role := range u.roles {
		out = append(out, roleWire(role, i, c.URL(), u))
	}
	return ok(out)
}

func (c *call) clearSessions() *answer {
	u := c.user("userId")
	if u == nil {
		return c.noUser("userId")
	}
	c.tell("user.session.clear", c.who.actor, userTarget(u))
	return noContent()
}

// wireUserRequest is the body that creates or changes a user.
type wireUserRequest struct {
	Profile map[string]any `json:"profile"`
}

func (c *call) userRequest() (map[string]any, *answer) {
	var in wireUserRequest
	if err := json.Unmarshal(c.body, &in); err != nil {
		return nil, refuse(c, "E0000003", "The request body was not well-formed.")
	}
	if len(in.Profile) == 0 {
		return nil, c.invalid("profile", "profile: The field cannot be left blank")
	}
	return in.Profile, nil
}

func (c *call) postUser() *answer {
	profile, refusal := c.userRequest()
	if refusal != nil {
		return refusal
	}
	login, _ := profile["login"].(string)
	if login == "" {
		return c.invalid("login", "login: The field cannot be left blank")
	}
	if c.users.find(login) != nil {
		return c.invalid("login", "login: An object with this field already exists in the current organization")
	}
	status := "ACTIVE"
	if c.query.Get("activate") == "false" {
		status = "STAGED"
	}
	return ok(c.createUser(c.who.actor, userOf(login, status, profile)).truth.single(c.URL()))
}

// userOf describes the user that a request asks for.
func userOf(login, status string, profile map[string]any) User {
	rest := maps.Clone(profile)
	text := func(name string) string {
		value, _ := rest[name].(string)
		delete(rest, name)
		return value
	}
	delete(rest, "login")
	return User{
		Login: login, Status: status, Email: text("email"), FirstName: text("firstName"), LastName: text("lastName"), Profile: rest,
	}
}

func (c *call) updateUser() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	profile, refusal := c.userRequest()
	if refusal != nil {
		return refusal
	}
	if u.truth.status == "DEPROVISIONED" {
		return c.wrongStatus()
	}
	c.updateProfile(c.who.actor, u, profile)
	return ok(u.truth.single(c.URL()))
}

func (c *call) replaceUser() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	if _, refusal := c.userRequest(); refusal != nil {
		return refusal
	}
	c.change(u, func(r *userRecord) { r.profile = nil })
	return c.updateUser()
}

// deleteUser deactivates a user, and deletes one that is deactivated.
func (c *call) deleteUser() *answer {
	u := c.user("id")
	if u == nil {
		return c.noUser("id")
	}
	if u.truth.status != "DEPROVISIONED" {
		c.deactivate(c.who.actor, u)
		return noContent()
	}
	for _, seq := range append(set(nil), u.groups...) {
		c.leave(c.groups.all[seq], u)
	}
	u.gone = true
	c.tell("user.lifecycle.delete.initiated", c.who.actor, userTarget(u))
	return noContent()
}

func (c *call) wrongStatus() *answer {
	return refuse(c, "E0000038", "This operation is not allowed in the user's current status.")
}
