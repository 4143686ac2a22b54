package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/plan"
	"pgregory.net/rapid"
)

// lively draws a world in which people also change their roles, by ticket and by profile, take emergency access, and get back
// what was taken.
func lively(t *rapid.T) plan.Observation {
	o := world(t)
	reasons := []change.Reason{"", change.Birthright, change.BreakGlass, change.Undo}
	for i := range o.Grants {
		g := &o.Grants[i]
		g.Reason = rapid.SampledFrom(reasons).Draw(t, "reason")
		g.Approved = now.Add(-time.Duration(rapid.IntRange(1, 9).Draw(t, "approved")) * time.Hour)
		if g.Reason == change.Birthright || g.Reason == change.Undo {
			g.Ticket = ""
		}
		if g.Reason != "" && !g.Expires.IsZero() && rapid.Bool().Draw(t, "lapsed") {
			g.Lapsed = g.Expires.Add(-time.Hour)
		}
	}
	o.Revoked = slices.DeleteFunc(o.Revoked, func(r plan.Revocation) bool { return r.Reason == change.RoleChange })
	for i := range o.Revoked {
		o.Revoked[i].Urgent = rapid.Bool().Draw(t, "urgent")
	}
	group := rapid.SampledFrom([]access.GroupID{"00g0", "00g1", "00g2", "00g3", "00g4", "00g5"})
	for i := range rapid.IntRange(0, 3).Draw(t, "role changes") {
		rc := plan.RoleChange{
			User: access.UserID(fmt.Sprintf("00u%d", rapid.IntRange(0, 5).Draw(t, "mover"))), Ticket: ticket.Key(fmt.Sprintf("ROL-%d", i)),
			Policy: "role@1", Since: now.Add(-time.Duration(i+1) * time.Hour), ForbidOverlap: rapid.Bool().Draw(t, "forbid"),
			New: []access.GroupID{group.Draw(t, "new")},
		}
		if old := group.Draw(t, "old"); old != rc.New[0] {
			rc.Old = append(rc.Old, old)
		}
		g := grant(fmt.Sprintf("%d", 200+i), rc.New[0], rc.User)
		g.Ticket, g.Reason, g.Approved = rc.Ticket, change.RoleChange, rc.Since
		o.RoleChanges, o.Grants = append(o.RoleChanges, rc), append(o.Grants, g)
	}
	return o
}

// speaks reports whether something entitles to the membership: a live grant or the baseline.
func speaks(o plan.Observation, m access.Membership) bool { return entitled(o, m) || o.Baseline[m] }

func TestPropertyNobodyLosesWhatTheyAreEntitledToWhenTheirRoleChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := lively(t)
		for _, c := range plan.Build(o).Changes {
			if c.Kind != change.RemoveMember {
				continue
			}
			switch {
			case c.Reason == change.Unreviewed, c.Reason == change.Expired, c.Reason == change.Drift, c.Reason == change.RoleChange && c.Ticket == "":
				if speaks(o, c.Membership()) {
					t.Fatalf("takes what something speaks for: %+v", c)
				}
			case c.Reason == change.RoleChange:
				named := slices.ContainsFunc(o.RoleChanges, func(rc plan.RoleChange) bool {
					return rc.User == c.User && rc.Ticket == c.Ticket && slices.Contains(rc.Old, c.Group)
				})
				if !named {
					t.Fatalf("takes what no role change names: %+v", c)
				}
			}
			if c.Grant != "" {
				g := o.Grants[slices.IndexFunc(o.Grants, func(g change.Grant) bool { return g.ID == c.Grant })]
				if g.Membership() != c.Membership() {
					t.Fatalf("ends the grant of another membership: %+v", c)
				}
			}
		}
	})
}

func TestPropertyTheNewRoleComesBeforeTheOldGoesOrAfterWhereBothAreForbidden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := lively(t)
		in := members(o)
		for _, c := range plan.Build(o).Changes {
			if c.Reason != change.RoleChange || c.Ticket == "" {
				continue
			}
			rc := o.RoleChanges[slices.IndexFunc(o.RoleChanges, func(rc plan.RoleChange) bool { return rc.Ticket == c.Ticket })]
			switch {
			case c.Kind == change.AddMember && rc.ForbidOverlap:
				for _, id := range rc.Old {
					if m := (access.Membership{Group: id, User: rc.User}); in[m] || pending(o, m) {
						t.Fatalf("gives the new with the old still there: %+v", c)
					}
				}
			case c.Kind == change.RemoveMember:
				through := slices.ContainsFunc(o.RoleChanges, func(rc plan.RoleChange) bool {
					arrived := !slices.ContainsFunc(rc.New, func(id access.GroupID) bool {
						m := access.Membership{Group: id, User: rc.User}
						return !in[m] || pending(o, m)
					})
					return rc.User == c.User && slices.Contains(rc.Old, c.Group) && (arrived || rc.ForbidOverlap)
				})
				if !through {
					t.Fatalf("takes the old with the new not there: %+v", c)
				}
			}
		}
	})
}

func TestPropertyALivelyWorldComesToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := lively(t)
		const rounds = 8
		for range rounds {
			p := plan.Build(o)
			if p.Empty() && len(p.Ended) == 0 {
				return
			}
			o = apply(o, p)
		}
		t.Fatalf("still to do after %d rounds: %+v", rounds, plan.Build(o).Changes)
	})
}

func TestPropertyTheOrderOfALivelyWorldIsImmaterial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := lively(t)
		other := clone(o)
		other.Groups = rapid.Permutation(other.Groups).Draw(t, "groups")
		other.Grants = rapid.Permutation(other.Grants).Draw(t, "grants")
		other.Revoked = rapid.Permutation(other.Revoked).Draw(t, "revocations")
		other.RoleChanges = rapid.Permutation(other.RoleChanges).Draw(t, "role changes")
		p, q := plan.Build(o), plan.Build(other)
		if diff := cmp.Diff(p, q, cmpopts.EquateEmpty()); diff != "" || p.Hash() != q.Hash() {
			t.Fatalf("another order gives another plan:\n%s", diff)
		}
	})
}

func TestPropertyThePartsOfAPlanAreThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan.Build(lively(t))
		var all []change.Change
		for i, part := range p.Parts() {
			for _, c := range part.Changes {
				if c.Urgent != (i < 2) {
					t.Fatalf("part %d holds %+v", i, c)
				}
			}
			all = append(all, part.Changes...)
		}
		if got, want := (plan.Plan{Changes: all}).Hash(), p.Hash(); got != want || len(all) != len(p.Changes) {
			t.Fatal("the parts are another plan")
		}
	})
}

func TestPropertyEveryMembershipHasAnOrigin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := lively(t)
		all := plan.Provenance(o)
		in := members(o)
		if len(all) != len(in) {
			t.Fatalf("%d memberships of %d", len(all), len(in))
		}
		for _, h := range all {
			m := access.Membership{Group: h.Group, User: h.User}
			alone := len(h.Sources) == 1 && h.Sources[0].Origin == plan.ByHand
			if len(h.Sources) == 0 || !in[m] || alone && speaks(o, m) {
				t.Fatalf("%+v", h)
			}
		}
	})
}
