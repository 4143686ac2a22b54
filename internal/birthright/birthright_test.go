package birthright_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/change"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// policy gives everybody of Sales the CRM.
func policy() birthright.Policy {
	return birthright.Policy{ID: "birthright@1.0.0", Grace: 48 * time.Hour, Rules: []birthright.Rule{{
		Name: "sales", Attributes: []string{"department"},
		When: func(p map[string]string) (bool, error) {
			if p["department"] == "" {
				return false, errors.New("no such key")
			}
			return p["department"] == "Sales", nil
		},
		Roles: []birthright.Role{{System: "crm", Name: "agent", Groups: []access.GroupID{"g1", "g2"}}},
	}}}
}

func user(department string) access.User {
	return access.User{ID: "u1", Status: access.Active, Profile: map[string]string{"department": department}}
}

func TestWhoFitsARuleIsEntitledToItsGroupsAndNobodyElse(t *testing.T) {
	got := policy().Grants(user("Sales"), now)
	var ids []change.GrantID
	for _, g := range got {
		ids = append(ids, g.ID)
		if g.Reason != change.Birthright || g.Policy != "birthright@1.0.0" || g.System != "crm" || g.Role != "agent" || !g.Approved.Equal(now) || g.FieldsHash == "" {
			t.Errorf("grant %+v", g)
		}
	}
	if diff := cmp.Diff([]change.GrantID{"birthright/sales/g1/u1", "birthright/sales/g2/u1"}, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, spoil := range map[string]func(*access.User){
		"another department": func(u *access.User) { u.Profile["department"] = "Legal" },
		"an empty attribute": func(u *access.User) { u.Profile["department"] = "" },
		"no profile at all":  func(u *access.User) { u.Profile = nil },
		"suspended":          func(u *access.User) { u.Status = access.Suspended },
		"not activated":      func(u *access.User) { u.Status = access.Staged },
		"being deactivated":  func(u *access.User) { u.Transitioning = access.Deprovisioned },
	} {
		u := user("Sales")
		spoil(&u)
		if got := policy().Grants(u, now); len(got) > 0 {
			t.Errorf("%s: entitled to %+v", name, got)
		}
	}
}

func TestABirthrightLapsesOnlyWhenTheProfileBecameAnotherKnownOne(t *testing.T) {
	g := policy().Grants(user("Sales"), now)[0]
	later := now.Add(time.Hour)
	next, changed := policy().Follow(g, user("Legal"), later)
	if !changed || !next.Lapsed.Equal(later) || !next.Expires.Equal(later.Add(48*time.Hour)) || next.EndsFor() != change.RoleChange {
		t.Errorf("moved to Legal: %v, %+v", changed, next)
	}
	if again, changed := policy().Follow(next, user("Legal"), later.Add(time.Hour)); changed {
		t.Errorf("the grace began anew: %+v", again)
	}
	back, changed := policy().Follow(next, user("Sales"), later.Add(time.Hour))
	if !changed || !back.Live(later.Add(365*24*time.Hour)) || !back.Lapsed.IsZero() {
		t.Errorf("back in Sales: %v, %+v", changed, back)
	}
	for name, u := range map[string]access.User{
		"nothing changed": user("Sales"), "the attribute is empty": user(""), "the profile is missing": {ID: "u1", Status: access.Active},
		"somebody else": {ID: "u2", Status: access.Active, Profile: map[string]string{"department": "Legal"}},
	} {
		if next, changed := policy().Follow(g, u, later); changed {
			t.Errorf("%s: %+v", name, next)
		}
	}
}

func TestARuleThatChangedItselfEndsNothing(t *testing.T) {
	p := policy()
	g := p.Grants(user("Sales"), now)[0]
	p.Rules[0].When = func(map[string]string) (bool, error) { return false, nil }
	if next, changed := p.Follow(g, user("Sales"), now); changed {
		t.Errorf("the rule changed: %+v", next)
	}
	p.Rules = nil
	if next, changed := p.Follow(g, user("Legal"), now); changed {
		t.Errorf("the rule is gone: %+v", next)
	}
}

func TestAnAttributeThatChangedAndStillFitsIsTheNewMeasure(t *testing.T) {
	p := policy()
	p.Rules[0].Attributes = []string{"department", "title"}
	u := user("Sales")
	u.Profile["title"] = "Account Manager"
	g := p.Grants(u, now)[0]
	u.Profile["title"] = "Head of Sales"
	next, changed := p.Follow(g, u, now)
	if !changed || next.FieldsHash == g.FieldsHash || !next.Lapsed.IsZero() {
		t.Errorf("promoted: %v, %+v", changed, next)
	}
	p.Rules[0].When = func(map[string]string) (bool, error) { return false, nil }
	if lapsed, changed := p.Follow(next, u, now); changed {
		t.Errorf("the rule changed after the promotion: %+v", lapsed)
	}
}

func TestAConditionThatSaysNoWithoutKnowingProvesNothing(t *testing.T) {
	r := policy().Rules[0]
	r.When = func(map[string]string) (bool, error) { return false, nil } // as has() does for what is missing
	if got := r.Judge(user("")); got != birthright.Unknown {
		t.Errorf("an empty attribute: %s", got)
	}
	if got := r.Judge(user("Legal")); got != birthright.Differs {
		t.Errorf("another department: %s", got)
	}
}
