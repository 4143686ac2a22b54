package world_test

import (
	"slices"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/maisonrmi/sopd/policies"
)

func loaded(t *testing.T) *policies.Set {
	t.Helper()
	set, err := policies.Load(world.Policies())
	if err != nil {
		t.Fatalf("policies:\n%v", err)
	}
	return set
}

func TestEveryGroupOfTheCatalogIsInOktaUnderItsName(t *testing.T) {
	set, w := loaded(t), open(t)
	if len(set.Catalog.Systems) != 14 {
		t.Errorf("%d systems, want 14", len(set.Catalog.Systems))
	}
	for _, g := range set.Catalog.Groups {
		if found := w.Group(g.Name); found.ID != string(g.ID) || found.System != g.System {
			t.Errorf("group %s: catalog has %s in %s, the world %+v", g.Name, g.ID, g.System, found)
		}
		if len(w.Okta.Members(string(g.ID))) < g.Floor {
			t.Errorf("group %s has fewer members than its floor of %d", g.Name, g.Floor)
		}
	}
}

func TestEveryOwnerAndApproverIsAnActivePersonOrAGroupWithMembers(t *testing.T) {
	set, w := loaded(t), open(t)
	check := func(what string, p catalog.People) {
		for _, id := range p.Users {
			if u, ok := w.Okta.User(string(id)); !ok || u.Status != "ACTIVE" {
				t.Errorf("%s: user %s is not active in Okta", what, id)
			}
		}
		for _, id := range p.Groups {
			if len(w.Okta.Members(string(id))) == 0 {
				t.Errorf("%s: group %s has no member", what, id)
			}
		}
	}
	for _, s := range set.Catalog.Systems {
		check("owners of "+s.ID, s.Owners)
		if s.Owners.Empty() {
			t.Errorf("system %s has no owner", s.ID)
		}
	}
	for _, p := range set.SOPs {
		for _, a := range p.Rules.Approvals {
			check(p.Name+", "+a.Role, a.People)
		}
	}
	check("protected", catalog.People{Users: set.Guards.ProtectedUsers})
	check("canaries", catalog.People{Users: []access.UserID{set.Canaries.User}, Groups: []access.GroupID{set.Canaries.Group}})
}

func TestTheSystemsOfTheWorldAreThoseOfTheCatalog(t *testing.T) {
	set := loaded(t)
	modes := map[catalog.Mode]int{}
	for _, s := range world.Systems() {
		found, ok := set.Catalog.System(s.Name)
		if !ok || found.ID != s.ID || string(found.Risk) != s.Risk || string(found.Mode) != s.Mode {
			t.Errorf("system %+v is in the catalog as %+v", s, found)
		}
		if len(found.Roles) != len(s.Roles) {
			t.Errorf("system %s has %d roles, in the catalog %d", s.ID, len(s.Roles), len(found.Roles))
		}
		modes[found.Mode]++
	}
	if modes[catalog.Enforce] != 2 || modes[catalog.Observe] != 2 {
		t.Errorf("modes %v, want two that enforce and two that observe", modes)
	}
}

func TestEveryTicketBelongsToAProcedureThatKnowsItsStatus(t *testing.T) {
	set, w := loaded(t), open(t)
	for _, key := range w.Jira.Issues() {
		project := ticket.Key(key).Project()
		if project == "SIR" { // an incident's statuses are milestones
			continue
		}
		requestType := requestTypeOf(t, w, key)
		p, ok := set.SOP(ticket.Ticket{Project: project, RequestType: requestType})
		if !ok {
			t.Errorf("%s (%s) belongs to no procedure", key, requestType)
			continue
		}
		known := slices.Concat(p.Tickets.Waiting, p.Tickets.Fulfil, p.Tickets.Validated,
			[]string{p.Tickets.Validate, p.Tickets.Close, world.StatusDeclined, world.StatusCancelled})
		if !slices.Contains(known, w.Status(key)) {
			t.Errorf("%s stands at %q, which %s does not name", key, w.Status(key), p.Name)
		}
	}
}

func TestEveryFieldThatAPolicyReadsIsInJira(t *testing.T) {
	set, w := loaded(t), open(t)
	var list []struct{ Name string }
	getJSON(t, w, "/rest/api/3/field", &list)
	for _, name := range set.Fields() {
		found := 0
		for _, f := range list {
			if f.Name == name {
				found++
			}
		}
		if found != 1 {
			t.Errorf("Jira has %d fields named %q, want one", found, name)
		}
	}
}
