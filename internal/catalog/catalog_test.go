package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
)

func organisation() catalog.Catalog {
	return catalog.Catalog{
		Systems: []catalog.System{
			{ID: "crm", Name: "Customers", Mode: catalog.Observe, Roles: []catalog.Role{
				{Name: "Reader", Groups: []access.GroupID{"00g1"}}, {Name: "Writer", Groups: []access.GroupID{"00g1", "00g2"}},
			}},
			{ID: "payments", Name: "Payments", Mode: catalog.Enforce, Roles: []catalog.Role{{Name: "Clerk", Groups: []access.GroupID{"00g3"}}}},
			{ID: "wiki", Name: "Wiki", Mode: catalog.Grant},
		},
		Groups: []catalog.Group{
			{ID: "00g1", System: "crm"}, {ID: "00g2", System: "crm"}, {ID: "00g3", System: "payments", Floor: 2},
			{ID: "00g4", System: "payments", Protected: true}, {ID: "00g5", System: "wiki"}, {ID: "00g6", System: "gone"}, {ID: "00g7"},
		},
	}
}

func TestASystemIsFoundByItsIDAndByItsName(t *testing.T) {
	for text, want := range map[string]string{
		"crm": "crm", "CRM": "crm", "Customers": "crm", "customers": "crm", "payments": "payments", "Wiki": "wiki", "": "", "nothing": "", "crm ": "",
	} {
		s, ok := organisation().System(text)
		if s.ID != want || ok != (want != "") {
			t.Errorf("%q: system %q, %t; want %q", text, s.ID, ok, want)
		}
	}
}

func TestATextThatFitsTwoSystemsNamesNone(t *testing.T) {
	c := organisation()
	c.Systems[0].Name = "Payments"
	if s, ok := c.System("payments"); ok {
		t.Errorf("the ID of one and the name of another give %q", s.ID)
	}
	if s, ok := c.System("crm"); !ok || s.ID != "crm" {
		t.Errorf("what fits one gives %q, %t", s.ID, ok)
	}
}

// The first system is called as the second is identified: a group of the second must not be judged by the first.
func TestAGroupHasTheModeOfItsOwnSystem(t *testing.T) {
	c := organisation()
	c.Systems[0].Name, c.Systems[0].Mode = "payments", catalog.Enforce
	c.Systems[1].Mode = catalog.Observe
	if got := c.Mode("00g3"); got != catalog.Observe {
		t.Errorf("mode %q is that of another system", got)
	}
}

func TestAGroupThatNobodyHandedOverIsOnlyObserved(t *testing.T) {
	for id, want := range map[access.GroupID]catalog.Mode{
		"00g1": catalog.Observe, "00g3": catalog.Enforce, "00g5": catalog.Grant,
		"00g4":     catalog.Observe, // protected, in a system that enforces
		"00g6":     catalog.Observe, // of a system that is not in the catalog
		"00g7":     catalog.Observe, // of no system
		"00gother": catalog.Observe, "": catalog.Observe,
	} {
		if got := organisation().Mode(id); got != want {
			t.Errorf("group %s: mode %q, want %q", id, got, want)
		}
	}
	c := organisation()
	c.Systems[2].Name, c.Systems[2].Mode = "", catalog.Enforce
	if got := c.Mode("00g7"); got != catalog.Observe {
		t.Errorf("a group of no system has the mode %q of a system without a name", got)
	}
	if got := (catalog.Catalog{}).Mode("00g1"); got != catalog.Observe {
		t.Errorf("the empty catalog has mode %q", got)
	}
}

func TestAGroupIsFoundByItsID(t *testing.T) {
	for _, want := range organisation().Groups {
		if got, ok := organisation().Group(want.ID); !ok || got != want {
			t.Errorf("group %s: %v, %t", want.ID, got, ok)
		}
	}
	for _, id := range []access.GroupID{"", "00g", "00g11", "00g9"} {
		if got, ok := organisation().Group(id); ok || got != (catalog.Group{}) {
			t.Errorf("group %q: %v", id, got)
		}
	}
}

func TestARoleIsFoundByItsNameInAnyCase(t *testing.T) {
	s := organisation().Systems[0]
	for name, want := range map[string]string{"Reader": "Reader", "wRITER": "Writer", "": "", "Owner": ""} {
		r, ok := s.Role(name)
		if r.Name != want || ok != (want != "") {
			t.Errorf("%q: role %q, %t; want %q", name, r.Name, ok, want)
		}
	}
	s.Roles = append(s.Roles, catalog.Role{Name: "READER", Groups: []access.GroupID{"00gadmins"}})
	if r, ok := s.Role("reader"); ok {
		t.Errorf("a name that fits two roles gives %v", r)
	}
}

func TestAGroupTellsTheRolesThatItGives(t *testing.T) {
	for id, want := range map[access.GroupID][]string{
		"00g1": {"crm/Reader", "crm/Writer"}, "00g2": {"crm/Writer"}, "00g3": {"payments/Clerk"}, "00g5": nil,
	} {
		if diff := cmp.Diff(want, organisation().RolesWith(id)); diff != "" {
			t.Errorf("group %s (-want +got):\n%s", id, diff)
		}
	}
}

func TestOnlyGrantAndEnforceWrite(t *testing.T) {
	for mode, want := range map[catalog.Mode]bool{catalog.Observe: false, catalog.Grant: true, catalog.Enforce: true, "": false, "ENFORCE": false} {
		if got := mode.Writes(); got != want {
			t.Errorf("mode %q writes: %t, want %t", mode, got, want)
		}
	}
}

func TestPeopleAreEmptyWhenNobodyIsNamed(t *testing.T) {
	for _, c := range []struct {
		people catalog.People
		empty  bool
	}{
		{catalog.People{}, true},
		{catalog.People{Users: []access.UserID{"00u1"}}, false},
		{catalog.People{Groups: []access.GroupID{"00g1"}}, false},
	} {
		if got := c.people.Empty(); got != c.empty {
			t.Errorf("%v empty: %t", c.people, got)
		}
	}
}
