package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// The groups of the tests, by how far sopd may go in them.
const (
	watched  access.GroupID = "00g1watched"  // observe
	given    access.GroupID = "00g2given"    // grant
	enforced access.GroupID = "00g3enforced" // enforce
	guarded  access.GroupID = "00g4guarded"  // protected, in a system that enforces
	foreign  access.GroupID = "00g5foreign"  // read, and in no catalog
)

// empty is an observation of all groups, with nobody in them, and of active users.
func empty() plan.Observation {
	o := plan.Observation{
		Now: now,
		Catalog: catalog.Catalog{
			Systems: []catalog.System{
				{ID: "a", Name: "A", Mode: catalog.Observe}, {ID: "b", Name: "B", Mode: catalog.Grant}, {ID: "c", Name: "C", Mode: catalog.Enforce},
			},
			Groups: []catalog.Group{
				{ID: watched, System: "a"}, {ID: given, System: "b"}, {ID: enforced, System: "c"}, {ID: guarded, System: "c", Protected: true},
			},
		},
		Users:    map[access.UserID]access.User{},
		Baseline: map[access.Membership]bool{},
		Policies: plan.Policies{Provisioning: "give@1", Deprovisioning: "take@1", LeaverMode: catalog.Grant},
	}
	for _, id := range []access.GroupID{watched, given, enforced, guarded, foreign} {
		o.Groups = append(o.Groups, plan.GroupState{Group: access.Group{ID: id, Type: access.OktaGroup}})
	}
	for _, id := range []access.UserID{"00uada", "00uben", "00ucat", "00udan"} {
		o.Users[id] = access.User{ID: id, Status: access.Active}
	}
	return o
}

func group(o *plan.Observation, id access.GroupID) *plan.GroupState {
	i := slices.IndexFunc(o.Groups, func(g plan.GroupState) bool { return g.Group.ID == id })
	return &o.Groups[i]
}

// in puts the users, who must be sorted, into the group.
func in(o *plan.Observation, id access.GroupID, users ...access.UserID) { group(o, id).Members = users }

func status(o *plan.Observation, id access.UserID, s access.UserStatus) {
	o.Users[id] = access.User{ID: id, Status: s}
}

// grant is what ticket ACC-n entitles to, without an end.
func grant(n string, group access.GroupID, user access.UserID) change.Grant {
	return change.Grant{
		ID: change.NewGrantID(ticket.ID(n), access.Membership{Group: group, User: user}), Ticket: ticket.Key("ACC-" + n),
		User: user, Group: group, System: "x", Role: "member", Policy: "give@0",
	}
}

func until(g change.Grant, t time.Time) change.Grant {
	g.Expires = t
	return g
}

func over(g change.Grant) change.Grant { return until(g, now.Add(-time.Hour)) }

func leaver(user access.UserID) plan.Leaver {
	return plan.Leaver{User: user, Reason: change.Offboarding, Ticket: "OFF-1", Since: now.Add(-time.Hour)}
}

func revoked(group access.GroupID, user access.UserID) plan.Revocation {
	return plan.Revocation{User: user, Group: group, Reason: change.Revocation, Ticket: "REV-1"}
}

func added(g change.Grant) change.Change {
	return change.Change{
		Kind: change.AddMember, Reason: change.ApprovedTicket, User: g.User, Group: g.Group, Ticket: g.Ticket, Grant: g.ID, Policy: "give@0",
	}
}

func removed(reason change.Reason, key ticket.Key, group access.GroupID, user access.UserID) change.Change {
	return change.Change{Kind: change.RemoveMember, Reason: reason, User: user, Group: group, Ticket: key, Policy: "take@1"}
}

// of names the grant that a removal ends.
func of(c change.Change, g change.Grant) change.Change {
	c.Grant = g.ID
	if c.Reason == change.Expired {
		c.Policy = "give@1"
	}
	return c
}

func about(kind change.Kind, key ticket.Key, user access.UserID) change.Change {
	return change.Change{Kind: kind, Reason: change.Offboarding, User: user, Ticket: key, Policy: "take@1"}
}

const (
	byRule    = "the group is fed by an Okta rule; removing a member would only fill the rule's exclusion list"
	byApp     = "the group's members are owned by an application or by Okta (APP_GROUP)"
	unread    = "the group is not in the catalog, does not exist, or could not be read completely"
	protected = "the user is protected by policy"
)

func expect(t *testing.T, o plan.Observation, want plan.Plan) {
	t.Helper()
	if diff := cmp.Diff(want, plan.Build(o), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// story is one observation and the plan for it.
type story struct {
	name string
	set  func(*plan.Observation)
	want plan.Plan
}

func run(t *testing.T, stories []story) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			o := empty()
			s.set(&o)
			expect(t, o, s.want)
		})
	}
}
