package policies

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/ticket"
)

var slug = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func (c *compiler) catalog(f *file) {
	var in catalogFile
	if !f.decode(&in) {
		return
	}
	for i, s := range in.Systems {
		c.system(f, fmt.Sprintf("$.systems[%d]", i), s)
	}
	slices.SortFunc(c.set.Catalog.Systems, func(a, b catalog.System) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(c.set.Catalog.Groups, func(a, b catalog.Group) int { return cmp.Compare(a.ID, b.ID) })
}

func (c *compiler) system(f *file, at string, in systemYAML) {
	if !slug.MatchString(in.ID) {
		f.wrong(at+".id", "id is %q; write small letters, digits and hyphens", in.ID)
	}
	f.required(at+".name", in.Name)
	for _, known := range c.set.Catalog.Systems {
		for _, name := range []string{known.ID, known.Name} {
			if strings.EqualFold(name, in.ID) || strings.EqualFold(name, in.Name) {
				f.wrong(at+".id", "system %q has an id or name of system %q; tickets could mean either", in.ID, known.ID)
				break
			}
		}
	}
	f.oneOf(at+".risk", in.Risk, string(catalog.Low), string(catalog.Medium), string(catalog.High))
	f.oneOf(at+".mode", in.Mode, string(catalog.Observe), string(catalog.Grant), string(catalog.Enforce))
	s := catalog.System{
		ID: in.ID, Name: in.Name, Risk: catalog.Risk(in.Risk), Mode: catalog.Mode(in.Mode),
		Owners: f.named(at+".owners", in.Owners),
	}
	if s.Owners.Empty() {
		f.wrong(at+".owners", "system %q has no owner; name users or groups, or nobody can approve", in.ID)
	}
	groups := c.groups(f, at, in)
	s.Roles = f.roles(at, in, groups)
	c.set.Catalog.Systems = append(c.set.Catalog.Systems, s)
}

// groups records the system's groups and returns their IDs by name.
func (c *compiler) groups(f *file, at string, in systemYAML) map[string]access.GroupID {
	ids := make(map[string]access.GroupID, len(in.Groups))
	for i, g := range in.Groups {
		here := fmt.Sprintf("%s.groups[%d]", at, i)
		id, err := access.ParseGroupID(g.ID)
		if err != nil {
			f.wrong(here+".id", "id is %q; write the group's Okta ID, such as 00g1a2b3c4d5e6f7g8h9", g.ID)
			continue
		}
		f.required(here+".name", g.Name)
		if g.Floor < 0 {
			f.wrong(here+".floor", "floor is %d; write the least number of members, from 0", g.Floor)
		}
		if slices.ContainsFunc(c.set.Catalog.Groups, func(k catalog.Group) bool { return k.ID == id }) {
			f.wrong(here+".id", "group %s stands twice; a group belongs to one system", id)
			continue
		}
		if _, taken := ids[g.Name]; taken {
			f.wrong(here+".name", "group name %q stands twice in system %q; roles could mean either", g.Name, in.ID)
		}
		ids[g.Name] = id
		c.set.Catalog.Groups = append(c.set.Catalog.Groups, catalog.Group{
			ID: id, Name: g.Name, System: in.ID, Floor: g.Floor, Protected: g.Protected, Administrative: g.Administrative,
		})
	}
	return ids
}

func (f *file) roles(at string, in systemYAML, groups map[string]access.GroupID) []catalog.Role {
	if len(in.Roles) == 0 {
		f.wrong(at+".roles", "system %q has no role; write at least one with its groups", in.ID)
	}
	var roles []catalog.Role
	for i, r := range in.Roles {
		here := fmt.Sprintf("%s.roles[%d]", at, i)
		f.required(here+".name", r.Name)
		if slices.ContainsFunc(roles, func(k catalog.Role) bool { return strings.EqualFold(k.Name, r.Name) }) {
			f.wrong(here+".name", "role %q stands twice in system %q", r.Name, in.ID)
		}
		role := catalog.Role{Name: r.Name}
		for j, name := range r.Groups {
			id, ok := groups[name]
			if !ok {
				f.wrong(fmt.Sprintf("%s.groups[%d]", here, j), "group %q is not among the groups of system %q", name, in.ID)
				continue
			}
			role.Groups = append(role.Groups, id)
		}
		if len(r.Groups) == 0 {
			f.wrong(here+".groups", "role %q gives no group", r.Name)
		}
		roles = append(roles, role)
	}
	return roles
}

// named reads who may decide something.
func (f *file) named(at string, in peopleYAML) catalog.People {
	p := catalog.People{Users: f.users(at+".users", in.Users)}
	for i, s := range in.Groups {
		id, err := access.ParseGroupID(s)
		if err != nil {
			f.wrong(fmt.Sprintf("%s.groups[%d]", at, i), "%q is not an Okta group ID, such as 00g1a2b3c4d5e6f7g8h9", s)
			continue
		}
		p.Groups = append(p.Groups, id)
	}
	return p
}

// users reads the Okta IDs of users in a list.
func (f *file) users(list string, in []string) []access.UserID {
	var users []access.UserID
	for i, s := range in {
		id, err := access.ParseUserID(s)
		if err != nil {
			f.wrong(fmt.Sprintf("%s[%d]", list, i), "%q is not an Okta user ID, such as 00u1a2b3c4d5e6f7g8h9; a login may be given to another person one day", s)
			continue
		}
		users = append(users, id)
	}
	return users
}

func (c *compiler) people(f *file) {
	var in peopleFile
	if !f.decode(&in) {
		return
	}
	if !in.Email && in.Attribute == "" && len(in.Mapping) == 0 {
		f.wrong("$", "says no way to match Jira accounts with Okta users; set email, attribute or mapping")
	}
	c.set.People.Email, c.set.People.Attribute = in.Email, in.Attribute
	c.set.People.Mapping = make(map[ticket.AccountID]access.UserID, len(in.Mapping))
	for account, user := range in.Mapping {
		id, err := access.ParseUserID(user)
		if err != nil {
			f.wrong("$.mapping", "account %s is mapped to %q, which is not an Okta user ID", account, user)
			continue
		}
		c.set.People.Mapping[ticket.AccountID(account)] = id
	}
}

func (c *compiler) guards(f *file) {
	var in guardsFile
	if !f.decode(&in) {
		return
	}
	g := &c.set.Guards
	g.RemovalPercent = f.limit("$.removalPercent", in.RemovalPercent, g.RemovalPercent)
	g.Removals = f.limit("$.removals", in.Removals, g.Removals)
	g.RemovalsPerHour = f.limit("$.removalsPerHour", in.RemovalsPerHour, g.RemovalsPerHour)
	g.GroupRemovalPercent = f.limit("$.groupRemovalPercent", in.GroupRemovalPercent, g.GroupRemovalPercent)
	g.Additions = f.limit("$.additions", in.Additions, g.Additions)
	g.People = f.limit("$.people", in.People, g.People)
	g.SmallGroupFloor = f.limit("$.smallGroupFloor", in.SmallGroupFloor, g.SmallGroupFloor)
	g.PassApproved = in.ApprovedRemovals == "pass"
	if in.ApprovedRemovals != "" {
		f.oneOf("$.approvedRemovals", in.ApprovedRemovals, "hold", "pass")
	}
	c.holdApprovers(f, in.HoldApprovers)
	c.set.DriftTickets = DriftTickets{Project: in.DriftTickets.Project, Type: in.DriftTickets.Type}
	if (in.DriftTickets.Project == "") != (in.DriftTickets.Type == "") {
		f.wrong("$.driftTickets", "write the project's key and the issue type, both or neither")
	}
	c.set.Undo = f.span("$.undo", in.Undo, c.set.Undo)
	g.ProtectedUsers = f.users("$.protectedUsers", in.ProtectedUsers)
	for name, percent := range map[string]int{"removalPercent": g.RemovalPercent, "groupRemovalPercent": g.GroupRemovalPercent} {
		if percent > 100 {
			f.wrong("$."+name, "%s is %d; write a percentage from 0 to 100, or off", name, percent)
		}
	}
	c.canaries(f, in)
}

// holdApprovers reads who may decide about holds.
func (c *compiler) holdApprovers(f *file, all []holdApproverYAML) {
	c.set.HoldApprovers = make(map[string]access.UserID, len(all))
	for i, a := range all {
		at := fmt.Sprintf("$.holdApprovers[%d]", i)
		f.required(at+".account", a.Account)
		id, err := access.ParseUserID(a.User)
		if err != nil {
			f.wrong(at+".user", "%q is not an Okta user ID; without it nobody can tell who decides on what they have caused", a.User)
		}
		if _, twice := c.set.HoldApprovers[a.Account]; twice {
			f.wrong(at+".account", "account %q stands twice", a.Account)
		}
		c.set.HoldApprovers[a.Account] = id
	}
}

func (c *compiler) canaries(f *file, in guardsFile) {
	if in.Canaries.User != "" {
		id, err := access.ParseUserID(in.Canaries.User)
		if err != nil {
			f.wrong("$.canaries.user", "%q is not an Okta user ID", in.Canaries.User)
		}
		c.set.Canaries.User = id
	}
	if in.Canaries.Group != "" {
		id, err := access.ParseGroupID(in.Canaries.Group)
		if err != nil {
			f.wrong("$.canaries.group", "%q is not an Okta group ID", in.Canaries.Group)
		}
		c.set.Canaries.Group = id
	}
	if in.Canaries.Ticket != "" {
		key, err := ticket.ParseKey(in.Canaries.Ticket)
		if err != nil {
			f.wrong("$.canaries.ticket", "%q is not the key of a ticket, such as ACC-1", in.Canaries.Ticket)
		}
		c.set.Canaries.Ticket = key
	}
}
