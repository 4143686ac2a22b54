package oktamock

import (
	"encoding/json"
	"strings"
)

// groupFilter is what the filter parameter of GET /groups understands. Okta documents eq, gt and lt only; others are
// refused here, so that nothing comes to lean on them.
func groupFilter() grammar {
	equal := among([]string{"eq"}, "id", "type")
	dates := among([]string{"eq", "gt", "lt"}, "lastUpdated", "lastMembershipUpdated")
	return grammar{allowed: func(a, op string) bool { return equal(a, op) || dates(a, op) }}
}

// groupSearch is what the search parameter of GET /groups understands.
func groupSearch() grammar {
	text := among([]string{"eq", "sw"}, "id", "type", "created", "lastUpdated", "lastMembershipUpdated", "source.id")
	dates := among([]string{"gt", "lt", "ge", "le"}, "created", "lastUpdated", "lastMembershipUpdated")
	names := among([]string{"eq", "sw", "co"}, "profile.name", "profile.description")
	return grammar{fold: true, allowed: func(a, op string) bool { return text(a, op) || dates(a, op) || names(a, op) }}
}

func (r *groupRecord) get(attribute string) []string {
	values := map[string]string{
		"id": r.id, "type": r.kind, "created": stamp(r.created), "lastUpdated": stamp(r.updated),
		"lastMembershipUpdated": stamp(r.membersUpdated), "source.id": r.source,
		"profile.name": r.name, "profile.description": r.description,
	}
	if v := values[attribute]; v != "" {
		return []string{v}
	}
	return nil
}

func (c *call) listGroups() *answer {
	wanted, refusal := c.groupQuery()
	if refusal != nil {
		return refusal
	}
	z := sizes{10000, 10000}
	if c.query.Get("q") != "" {
		z.usual = 300
	}
	if c.query.Get("search") != "" && c.query.Get("sortBy") != "" {
		return c.sorted(z, c.groupsWanted(wanted))
	}
	return c.scan(z, int32(len(c.groups.all)), func(seq int32) any {
		g := c.groups.all[seq]
		if g.gone || g.seen == nil || !wanted(g.seen) {
			return nil
		}
		return g.seen.wire(c.URL())
	})
}

func (c *call) groupsWanted(wanted func(*groupRecord) bool) []searchable {
	var out []searchable
	for _, g := range c.groups.all {
		if r := g.seen; r != nil && !g.gone && wanted(r) {
			out = append(out, searchable{get: r.get, wire: func() any { return r.wire(c.URL()) }})
		}
	}
	return out
}

func (c *call) groupQuery() (func(*groupRecord) bool, *answer) {
	filters := make([]filter, 0, 2)
	for name, g := range map[string]grammar{"filter": groupFilter(), "search": groupSearch()} {
		if text := c.query.Get(name); text != "" {
			f, err := g.parse(text)
			if err != nil {
				return nil, c.badFilter()
			}
			filters = append(filters, f)
		}
	}
	q := strings.ToLower(c.query.Get("q"))
	return func(r *groupRecord) bool {
		for _, f := range filters {
			if !f(r.get) {
				return false
			}
		}
		return strings.HasPrefix(strings.ToLower(r.name), q)
	}, nil
}

func (c *call) group() *group { return c.groups.find(c.vars["groupId"]) }

func (c *call) noGroup() *answer { return c.notFound(c.vars["groupId"], "UserGroup") }

func (c *call) getGroup() *answer {
	g := c.group()
	if g == nil {
		return c.noGroup()
	}
	return ok(g.truth.wire(c.URL()))
}

// listMembers lists deactivated members too: they stay in their groups.
//
// Source: support.okta.com, "Deactivated Users not Removed From Okta Groups Automatically".
func (c *call) listMembers() *answer {
	g := c.group()
	if g == nil {
		return c.noGroup()
	}
	return c.scanSet(sizes{1000, 1000}, g.listed, func(seq int32) any {
		u := c.users.all[seq]
		if u.gone || u.seen == nil {
			return nil
		}
		return u.seen.listed(c.URL())
	})
}

// writable finds the group and user of a membership that the path names, and refuses what may not be written.
func (c *call) writable() (*group, *user, *answer) {
	g, u := c.group(), c.user("userId")
	switch {
	case g == nil:
		return nil, nil, c.noGroup()
	case u == nil:
		return nil, nil, c.noUser("userId")
	case g.truth.kind != "OKTA_GROUP": // field evidence: okta-sdk-java#314
		return nil, nil, c.denied()
	}
	return g, u, nil
}

// putMember is idempotent. A deactivated user is refused by the code that Okta's catalogue has for it; what the real
// service answers there is not documented.
func (c *call) putMember() *answer {
	g, u, refusal := c.writable()
	if refusal != nil {
		return refusal
	}
	if u.truth.status == "DEPROVISIONED" {
		return c.wrongStatus()
	}
	c.addMember(c.who.actor, g, u)
	return noContent()
}

func (c *call) deleteMember() *answer {
	g, u, refusal := c.writable()
	if refusal != nil {
		return refusal
	}
	if err := c.removeMember(c.who.actor, g, u); err != nil {
		return c.invalid("groupRule", "The exclusion list of the group rule is full")
	}
	return noContent()
}

// wireGroupRequest is the body that creates or changes a group.
type wireGroupRequest struct {
	Profile struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"profile"`
}

func (c *call) groupRequest() (wireGroupRequest, *answer) {
	var in wireGroupRequest
	if err := json.Unmarshal(c.body, &in); err != nil {
		return in, refuse(c, "E0000003", "The request body was not well-formed.")
	}
	if in.Profile.Name == "" {
		return in, c.invalid("name", "name: The field cannot be left blank")
	}
	return in, nil
}

func (c *call) postGroup() *answer {
	in, refusal := c.groupRequest()
	if refusal != nil {
		return refusal
	}
	g := c.newGroup(Group{Name: in.Profile.Name, Description: in.Profile.Description}, c.now())
	c.tell("group.lifecycle.create", c.who.actor, groupTarget(g))
	return ok(g.truth.wire(c.URL()))
}

func (c *call) replaceGroup() *answer {
	g := c.group()
	if g == nil {
		return c.noGroup()
	}
	in, refusal := c.groupRequest()
	if refusal != nil {
		return refusal
	}
	if g.truth.kind != "OKTA_GROUP" {
		return c.denied()
	}
	c.regroup(g, func(r *groupRecord) {
		r.name, r.description, r.updated = in.Profile.Name, in.Profile.Description, seconds(c.now())
	})
	c.tell("group.profile.update", c.who.actor, groupTarget(g))
	return ok(g.truth.wire(c.URL()))
}

func (c *call) deleteGroup() *answer {
	g := c.group()
	if g == nil {
		return c.noGroup()
	}
	if g.truth.kind != "OKTA_GROUP" {
		return c.denied()
	}
	c.Server.deleteGroup(c.who.actor, g)
	return noContent()
}
