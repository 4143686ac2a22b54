package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/plan"
	"pgregory.net/rapid"
)

// world draws an organisation small enough that everything meets everything: grants overlap, expire and end, people leave
// twice, groups are foreign, unread or not in the catalog.
func world(t *rapid.T) plan.Observation {
	chance := func(percent int, label string) bool { return rapid.IntRange(1, 100).Draw(t, label) <= percent }
	o := plan.Observation{
		Now: now, Users: map[access.UserID]access.User{}, Baseline: map[access.Membership]bool{},
		Catalog: catalog.Catalog{Systems: []catalog.System{
			{ID: "a", Name: "A", Mode: catalog.Observe}, {ID: "b", Name: "B", Mode: catalog.Grant}, {ID: "c", Name: "C", Mode: catalog.Enforce},
		}},
		Policies: plan.Policies{
			Provisioning: "give@1", Deprovisioning: "take@1", SuspendLeavers: chance(50, "suspend"),
			LeaverMode: rapid.SampledFrom([]catalog.Mode{catalog.Observe, catalog.Grant, catalog.Enforce}).Draw(t, "leaver mode"),
		},
	}
	var users []access.UserID
	statuses := []access.UserStatus{access.Active, access.Active, access.Active, access.Suspended, access.Deprovisioned, access.Staged, access.LockedOut}
	for i := range rapid.IntRange(1, 6).Draw(t, "users") {
		id := access.UserID(fmt.Sprintf("00u%d", i))
		users = append(users, id)
		if !chance(95, "known") {
			continue
		}
		u := access.User{ID: id, Status: rapid.SampledFrom(statuses).Draw(t, "status")}
		if chance(5, "transition") {
			u.Transitioning = access.Deprovisioned
		}
		o.Users[id] = u
		if chance(10, "protected") {
			o.Protected = append(o.Protected, id)
		}
	}
	var groups []access.GroupID
	for i := range rapid.IntRange(1, 6).Draw(t, "groups") {
		id := access.GroupID(fmt.Sprintf("00g%d", i))
		groups = append(groups, id)
		if chance(90, "catalogued") {
			o.Catalog.Groups = append(o.Catalog.Groups, catalog.Group{
				ID: id, System: rapid.SampledFrom([]string{"a", "b", "c", "c"}).Draw(t, "system"), Protected: chance(10, "protected group"),
				Floor: rapid.IntRange(0, 2).Draw(t, "floor"),
			})
		}
		if !chance(90, "read") {
			continue
		}
		g := plan.GroupState{Group: access.Group{ID: id, Type: access.OktaGroup}, RuleFed: chance(10, "rule")}
		if chance(10, "app") {
			g.Group.Type = rapid.SampledFrom([]access.GroupType{access.AppGroup, access.BuiltIn, ""}).Draw(t, "type")
		}
		for _, u := range users {
			if chance(50, "member") {
				g.Members = append(g.Members, u)
			}
		}
		o.Groups = append(o.Groups, g)
	}
	user, in := rapid.SampledFrom(users), rapid.SampledFrom(groups)
	for i := range rapid.IntRange(0, 16).Draw(t, "grants") {
		g := grant(fmt.Sprintf("%d", 100+i), in.Draw(t, "group"), user.Draw(t, "user"))
		switch rapid.IntRange(0, 3).Draw(t, "expiry") {
		case 0:
			g.Expires = now.Add(time.Duration(rapid.IntRange(-2, 0).Draw(t, "past")) * time.Hour)
		case 1:
			g.Expires = now.Add(time.Hour)
		}
		o.Grants = append(o.Grants, g)
	}
	for range rapid.IntRange(0, 5).Draw(t, "baseline") {
		o.Baseline[access.Membership{Group: in.Draw(t, "group"), User: user.Draw(t, "user")}] = true
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "leavers") {
		l := plan.Leaver{User: user.Draw(t, "user"), Reason: change.Deprovisioned, Since: now.Add(-time.Duration(i) * time.Hour)}
		if chance(60, "by ticket") {
			l.Reason, l.Ticket, l.SignedOut = change.Offboarding, ticket.Key(fmt.Sprintf("OFF-%d", i)), chance(30, "signed out")
		}
		o.Leavers = append(o.Leavers, l)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "revocations") {
		o.Revoked = append(o.Revoked, plan.Revocation{
			User: user.Draw(t, "user"), Group: in.Draw(t, "group"), Ticket: ticket.Key(fmt.Sprintf("REV-%d", i)),
			Reason: rapid.SampledFrom([]change.Reason{change.Revocation, change.RoleChange, change.Review}).Draw(t, "reason"),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "pending") {
		c := change.Change{Kind: change.AddMember, User: user.Draw(t, "user"), Group: in.Draw(t, "group")}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			c.Kind = change.RemoveMember
		case 2:
			c.Kind, c.Group = change.ClearSessions, ""
		}
		o.Pending = append(o.Pending, c)
	}
	return o
}

func clone(o plan.Observation) plan.Observation {
	o.Groups = slices.Clone(o.Groups)
	for i := range o.Groups {
		o.Groups[i].Members = slices.Clone(o.Groups[i].Members)
	}
	o.Users, o.Baseline = maps.Clone(o.Users), maps.Clone(o.Baseline)
	o.Catalog.Systems, o.Catalog.Groups = slices.Clone(o.Catalog.Systems), slices.Clone(o.Catalog.Groups)
	o.Grants, o.Leavers, o.Revoked = slices.Clone(o.Grants), slices.Clone(o.Leavers), slices.Clone(o.Revoked)
	o.Pending, o.Protected = slices.Clone(o.Pending), slices.Clone(o.Protected)
	return o
}

// members returns who is in which group.
func members(o plan.Observation) map[access.Membership]bool {
	in := make(map[access.Membership]bool)
	for _, g := range o.Groups {
		for _, u := range g.Members {
			in[access.Membership{Group: g.Group.ID, User: u}] = true
		}
	}
	return in
}

// apply makes the changes in the world, as Okta and the store would show them afterwards.
func apply(o plan.Observation, p plan.Plan) plan.Observation {
	o = clone(o)
	in := members(o)
	ended := make(map[change.GrantID]bool)
	for _, e := range p.Ended {
		ended[e.Grant] = true
	}
	for _, c := range p.Changes {
		switch c.Kind {
		case change.AddMember:
			in[c.Membership()] = true
		case change.RemoveMember:
			delete(in, c.Membership())
			for _, g := range o.Grants {
				ended[g.ID] = ended[g.ID] || g.Membership() == c.Membership()
			}
		case change.Suspend:
			u := o.Users[c.User]
			u.Status = access.Suspended
			o.Users[c.User] = u
		case change.ClearSessions:
			for i := range o.Leavers {
				o.Leavers[i].SignedOut = o.Leavers[i].SignedOut || o.Leavers[i].Ticket == c.Ticket
			}
		case change.Deactivate:
		}
	}
	for i := range o.Groups {
		g := &o.Groups[i]
		g.Members = nil
		for m := range in {
			if m.Group == g.Group.ID {
				g.Members = append(g.Members, m.User)
			}
		}
		slices.Sort(g.Members)
	}
	o.Grants = slices.DeleteFunc(o.Grants, func(g change.Grant) bool { return ended[g.ID] })
	return o
}

func leaves(o plan.Observation, u access.UserID) bool {
	return slices.ContainsFunc(o.Leavers, func(l plan.Leaver) bool { return l.User == u })
}

func isRevoked(o plan.Observation, m access.Membership) bool {
	return slices.ContainsFunc(o.Revoked, func(r plan.Revocation) bool { return r.User == m.User && r.Group == m.Group })
}

func entitled(o plan.Observation, m access.Membership) bool {
	return slices.ContainsFunc(o.Grants, func(g change.Grant) bool { return g.Membership() == m && g.Live(o.Now) })
}

func hadGrant(o plan.Observation, m access.Membership) bool {
	return slices.ContainsFunc(o.Grants, func(g change.Grant) bool { return g.Membership() == m })
}

func pending(o plan.Observation, m access.Membership) bool {
	return slices.ContainsFunc(o.Pending, func(c change.Change) bool { return c.Membership() == m })
}

// ours reports whether sopd may change the members of the group, and how far the policy lets it go.
func ours(o plan.Observation, id access.GroupID) (mode catalog.Mode, ok bool) {
	i := slices.IndexFunc(o.Groups, func(g plan.GroupState) bool { return g.Group.ID == id })
	j := slices.IndexFunc(o.Catalog.Groups, func(g catalog.Group) bool { return g.ID == id })
	if i < 0 || j < 0 || o.Groups[i].RuleFed || o.Groups[i].Group.Type != access.OktaGroup || o.Catalog.Groups[j].Protected {
		return catalog.Observe, false
	}
	k := slices.IndexFunc(o.Catalog.Systems, func(s catalog.System) bool { return s.ID == o.Catalog.Groups[j].System })
	return o.Catalog.Systems[k].Mode, true
}

// target says, in the plainest way, who has to be in the groups that sopd writes when all is done.
func target(o plan.Observation) map[access.Membership]bool {
	want := make(map[access.Membership]bool)
	in := members(o)
	for _, g := range o.Groups {
		for i := range 6 {
			m := access.Membership{Group: g.Group.ID, User: access.UserID(fmt.Sprintf("00u%d", i))}
			if wanted(o, m, in[m]) {
				want[m] = true
			}
		}
	}
	return want
}

func wanted(o plan.Observation, m access.Membership, in bool) bool {
	mode, ok := ours(o, m.Group)
	user, known := o.Users[m.User]
	usable := known && user.Status != access.Suspended && user.Status != access.Deprovisioned && user.Transitioning != access.Deprovisioned
	switch {
	case !ok || mode == catalog.Observe || pending(o, m):
		return in
	case leaves(o, m.User) || isRevoked(o, m):
		return in && slices.Contains(o.Protected, m.User)
	case entitled(o, m):
		return in || usable
	case !in:
		return false
	case o.Baseline[m] || slices.Contains(o.Protected, m.User):
		return true
	case hadGrant(o, m):
		return false
	default:
		return mode != catalog.Enforce
	}
}

func TestPropertyApplyingThePlanReachesTheTargetAndLeavesNothingToDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		p := plan.Build(o)
		after := apply(o, p)
		if diff := cmp.Diff(target(o), members(after)); diff != "" {
			t.Fatalf("members after the plan (-target +got):\n%s", diff)
		}
		again := plan.Build(after)
		if !again.Empty() || len(again.Ended) > 0 {
			t.Fatalf("still to do: %v, to end: %v", again.Changes, again.Ended)
		}
	})
}

func TestPropertyGroupsPlannedOneByOneMakeTheSamePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		rest := clone(o)
		rest.Groups, rest.Grants = nil, nil
		read := make(map[access.GroupID]bool)
		var parts []plan.Plan
		for _, g := range o.Groups {
			one := clone(o)
			one.Groups, one.Grants = []plan.GroupState{g}, slices.DeleteFunc(slices.Clone(o.Grants), func(x change.Grant) bool { return x.Group != g.Group.ID })
			parts, read[g.Group.ID] = append(parts, plan.Build(one)), true
		}
		for _, g := range o.Grants {
			if !read[g.Group] {
				rest.Grants = append(rest.Grants, g)
			}
		}
		if diff := cmp.Diff(plan.Build(o), plan.Join(append(parts, plan.Build(rest))...), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("at once and apart (-at once +apart):\n%s", diff)
		}
	})
}

func TestPropertyTheOrderOfTheInputIsImmaterial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		other := clone(o)
		other.Groups = rapid.Permutation(other.Groups).Draw(t, "groups")
		other.Grants = rapid.Permutation(other.Grants).Draw(t, "grants")
		other.Leavers = rapid.Permutation(other.Leavers).Draw(t, "leavers")
		other.Revoked = rapid.Permutation(other.Revoked).Draw(t, "revocations")
		other.Pending = rapid.Permutation(other.Pending).Draw(t, "pending")
		other.Protected = rapid.Permutation(other.Protected).Draw(t, "protected")
		p, q := plan.Build(o), plan.Build(other)
		if diff := cmp.Diff(p, q, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("another order gives another plan:\n%s", diff)
		}
		if p.Hash() != q.Hash() {
			t.Fatal("another order gives another hash")
		}
	})
}

func TestPropertyTheInputIsNotModified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		before := clone(o)
		p := plan.Build(o)
		p.Hash()
		p.Split()
		if diff := cmp.Diff(before, o, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the observation was changed:\n%s", diff)
		}
	})
}

func TestPropertyNothingIsTakenWithoutPositiveEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		for _, c := range plan.Build(o).Changes {
			if c.Kind == change.AddMember {
				continue
			}
			m := c.Membership()
			if slices.Contains(o.Protected, c.User) {
				t.Fatalf("takes from a protected user: %+v", c)
			}
			leaver, gone := leaves(o, c.User), isRevoked(o, m)
			if c.Kind == change.RemoveMember && entitled(o, m) && !leaver && !gone {
				t.Fatalf("takes from somebody who is entitled: %+v", c)
			}
			evidence := map[change.Reason]bool{
				change.Offboarding: leaver, change.Deprovisioned: leaver, change.Revocation: gone, change.RoleChange: gone, change.Review: gone,
				change.Expired: hadGrant(o, m) && !o.Baseline[m],
			}
			mode, _ := ours(o, c.Group)
			evidence[change.Drift] = mode == catalog.Enforce && !hadGrant(o, m) && !o.Baseline[m] && members(o)[m]
			if !evidence[c.Reason] {
				t.Fatalf("no evidence for %+v", c)
			}
			if c.Kind != change.RemoveMember && c.Reason != change.Offboarding {
				t.Fatalf("a whole user is touched without a ticket: %+v", c)
			}
		}
	})
}

func TestPropertyOnlyWhatIsOursIsTouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		seen := make(map[string]bool)
		for _, c := range plan.Build(o).Changes {
			key := fmt.Sprint(c.Kind, c.Group, c.User)
			if seen[key] {
				t.Fatalf("planned twice: %+v", c)
			}
			seen[key] = true
			if pending(o, c.Membership()) {
				t.Fatalf("touches what is under way: %+v", c)
			}
			if c.Kind == change.ClearSessions || c.Kind == change.Suspend {
				if c.Group != "" || !o.Policies.LeaverMode.Writes() {
					t.Fatalf("touches a user against the policy: %+v", c)
				}
				continue
			}
			if mode, ok := ours(o, c.Group); !ok || !mode.Writes() {
				t.Fatalf("touches a group that is not ours to write: %+v", c)
			}
		}
	})
}

func TestPropertyEveryMembershipIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		n := plan.Build(o).Counts
		if got, want := n.Granted+n.Baseline+n.Drift+n.Foreign, len(members(o)); got != want {
			t.Fatalf("%d memberships counted, there are %d", got, want)
		}
	})
}

// limits draws guards that sometimes trip.
func limits(t *rapid.T, o plan.Observation) (guard.Limits, guard.State) {
	number := rapid.SampledFrom([]int{guard.Off, 0, 1, 2, 3, 50})
	l := guard.Limits{
		RemovalPercent: number.Draw(t, "percent"), Removals: number.Draw(t, "removals"), RemovalsPerHour: number.Draw(t, "hour"),
		GroupRemovalPercent: number.Draw(t, "group"), Additions: number.Draw(t, "additions"), People: number.Draw(t, "people"),
	}
	if rapid.Bool().Draw(t, "protect") {
		l.ProtectedUsers = []access.UserID{"00u0"}
	}
	if rapid.Bool().Draw(t, "self") {
		l.Self = "00u1"
	}
	s := guard.State{Catalog: o.Catalog, Sizes: make(map[access.GroupID]int), RemovedLastHour: rapid.IntRange(0, 3).Draw(t, "before")}
	for _, g := range o.Groups {
		s.Sizes[g.Group.ID] = len(g.Members)
	}
	return l, s
}

// exceeds counts the plan again, without the guards' own code, and says which limit it breaks.
func exceeds(p plan.Plan, o plan.Observation, l guard.Limits, s guard.State) string {
	var removals, additions, total int
	inGroup, people := make(map[access.GroupID]int), make(map[access.UserID]bool)
	for _, c := range p.Changes {
		switch c.Kind {
		case change.RemoveMember:
			removals++
			inGroup[c.Group]++
		case change.AddMember:
			additions++
		default:
			people[c.User] = true
		}
		if c.Kind != change.AddMember && (c.User == l.Self || slices.Contains(l.ProtectedUsers, c.User)) {
			return "protected"
		}
	}
	for _, n := range s.Sizes {
		total += n
	}
	tooMany := func(n, limit int) bool { return limit >= 0 && n > limit }
	tooLarge := func(n, of, percent int) bool { return percent >= 0 && n*100 > of*percent && (n > 1 || percent == 0) }
	switch {
	case tooMany(removals, l.Removals), removals > 0 && tooMany(removals+s.RemovedLastHour, l.RemovalsPerHour),
		tooMany(additions, l.Additions), tooMany(len(people), l.People):
		return "number"
	case removals > 0 && tooLarge(removals, total, l.RemovalPercent):
		return "share"
	}
	for id, n := range inGroup {
		group, _ := o.Catalog.Group(id)
		if tooLarge(n, s.Sizes[id], l.GroupRemovalPercent) || s.Sizes[id]-n < group.Floor {
			return "group"
		}
	}
	return ""
}

func TestPropertyOnlyAPlanWithinEveryLimitIsCleared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := world(t)
		p := plan.Build(o)
		l, s := limits(t, o)
		cleared, trips := plan.Clear(p, l, s)
		broken := exceeds(p, o, l, s)
		if (len(trips) > 0) != (broken != "") {
			t.Fatalf("trips %v, broken limit %q", trips, broken)
		}
		if checked := guard.Check(p.Changes, l, s); !cmp.Equal(checked, trips, cmpopts.EquateEmpty()) {
			t.Fatalf("clearing reports %v, the guards %v", trips, checked)
		}
		if len(trips) > 0 && (len(cleared.Changes()) > 0 || cleared.Hash() != "") {
			t.Fatalf("cleared in spite of %v", trips)
		}
		if len(trips) == 0 && (!cmp.Equal(cleared.Changes(), p.Changes, cmpopts.EquateEmpty()) || cleared.Hash() != p.Hash()) {
			t.Fatal("something else was cleared than was checked")
		}
		names := guard.Names()
		for i := 1; i < len(trips); i++ {
			if slices.Index(names, trips[i-1].Guard) > slices.Index(names, trips[i].Guard) {
				t.Fatalf("trips out of order: %v", trips)
			}
		}
		overridden, err := plan.Override(p, p.Hash(), l, s)
		if (err != nil) != (broken == "protected") || err != nil && len(overridden.Changes()) > 0 {
			t.Fatalf("override: %v, %d changes, broken limit %q", err, len(overridden.Changes()), broken)
		}
	})
}

func TestPropertyThePartsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan.Build(world(t))
		additions, positive, drift := p.Split()
		if !slices.Equal(slices.Concat(additions.Changes, positive.Changes), slices.DeleteFunc(slices.Clone(p.Changes), isDrift)) ||
			slices.ContainsFunc(positive.Changes, isDrift) ||
			len(additions.Changes)+len(positive.Changes)+len(drift.Changes) != len(p.Changes) {
			t.Fatalf("%d, %d and %d of %d changes", len(additions.Changes), len(positive.Changes), len(drift.Changes), len(p.Changes))
		}
		for _, c := range additions.Changes {
			if c.Kind != change.AddMember {
				t.Fatalf("no addition: %+v", c)
			}
		}
		for _, c := range drift.Changes {
			if c.Kind != change.RemoveMember || !isDrift(c) {
				t.Fatalf("no drift: %+v", c)
			}
		}
	})
}

func isDrift(c change.Change) bool { return c.Reason == change.Drift }
