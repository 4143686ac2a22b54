package guard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
)

const (
	vault access.GroupID = "00gvault"
	wiki  access.GroupID = "00gwiki"
	safe  access.GroupID = "00gsafe" // protected
)

// off is every numeric limit switched off, so that a test sees only the guard that it sets.
func off() guard.Limits {
	return guard.Limits{
		RemovalPercent: guard.Off, Removals: guard.Off, RemovalsPerHour: guard.Off, GroupRemovalPercent: guard.Off,
		Additions: guard.Off, People: guard.Off, SmallGroupFloor: guard.Off,
	}
}

// state knows three groups; the numbers are the members of vault and wiki.
func state(vaultSize, wikiSize int) guard.State {
	return guard.State{
		Catalog: catalog.Catalog{
			Systems: []catalog.System{{ID: "payments", Name: "Payments", Mode: catalog.Enforce}},
			Groups: []catalog.Group{
				{ID: safe, System: "payments", Protected: true},
				{ID: vault, System: "payments"},
				{ID: wiki, System: "payments"},
			},
		},
		Sizes: map[access.GroupID]int{vault: vaultSize, wiki: wikiSize, safe: 10},
	}
}

// many returns n changes of the kind in the group, each about another user.
func many(kind change.Kind, group access.GroupID, n int) []change.Change {
	changes := make([]change.Change, n)
	for i := range changes {
		changes[i] = change.Change{Kind: kind, Group: group, User: access.UserID(fmt.Sprintf("00u%s%d", group, i))}
	}
	return changes
}

func tripped(trips []guard.Trip) []guard.Name {
	var names []guard.Name
	for _, t := range trips {
		names = append(names, t.Guard)
	}
	return names
}

func expect(t *testing.T, trips []guard.Trip, want ...guard.Name) {
	t.Helper()
	if diff := cmp.Diff(want, tripped(trips)); diff != "" {
		t.Errorf("trips (-want +got):\n%s\n%v", diff, trips)
	}
}

func TestAPlanIsStoppedOneOverALimitAndNotAtIt(t *testing.T) {
	set := func(f func(*guard.Limits)) guard.Limits {
		l := off()
		f(&l)
		return l
	}
	for _, c := range []struct {
		name   string
		limits guard.Limits
		state  guard.State
		at     []change.Change // allowed, one more is not
		over   []change.Change
		guard  guard.Name
	}{
		{
			"removals in one plan", set(func(l *guard.Limits) { l.Removals = 4 }), state(100, 100),
			many(change.RemoveMember, vault, 4), many(change.RemoveMember, vault, 5), guard.Number,
		},
		{
			"no removal where zero is allowed", set(func(l *guard.Limits) { l.Removals = 0 }), state(100, 100),
			nil, many(change.RemoveMember, vault, 1), guard.Number,
		},
		{
			"share of 210 memberships", set(func(l *guard.Limits) { l.RemovalPercent = 5 }), state(100, 100),
			many(change.RemoveMember, vault, 10), many(change.RemoveMember, vault, 11), guard.Share,
		},
		{
			"a share is rounded down: 5 % of 219 are 10", set(func(l *guard.Limits) { l.RemovalPercent = 5 }), state(109, 100),
			many(change.RemoveMember, vault, 10), many(change.RemoveMember, vault, 11), guard.Share,
		},
		{
			"a share reached exactly: 5 % of 220 are 11", set(func(l *guard.Limits) { l.RemovalPercent = 5 }), state(110, 100),
			many(change.RemoveMember, vault, 11), many(change.RemoveMember, vault, 12), guard.Share,
		},
		{
			"a small share lets one go", set(func(l *guard.Limits) { l.RemovalPercent = 1 }), state(5, 5),
			many(change.RemoveMember, vault, 1), many(change.RemoveMember, vault, 2), guard.Share,
		},
		{
			"no share where zero is allowed", set(func(l *guard.Limits) { l.RemovalPercent = 0 }), state(100, 100),
			nil, many(change.RemoveMember, vault, 1), guard.Share,
		},
		{
			"additions", set(func(l *guard.Limits) { l.Additions = 3 }), state(10, 10),
			many(change.AddMember, vault, 3), many(change.AddMember, vault, 4), guard.AddNumber,
		},
		{
			"no addition where zero is allowed", set(func(l *guard.Limits) { l.Additions = 0 }), state(10, 10),
			nil, many(change.AddMember, vault, 1), guard.AddNumber,
		},
		{
			"people suspended", set(func(l *guard.Limits) { l.People = 2 }), state(10, 10),
			many(change.Suspend, "", 2), many(change.Suspend, "", 3), guard.PeopleNumber,
		},
		{
			"people deactivated", set(func(l *guard.Limits) { l.People = 2 }), state(10, 10),
			many(change.Deactivate, "", 2), many(change.Deactivate, "", 3), guard.PeopleNumber,
		},
		{
			"people signed out", set(func(l *guard.Limits) { l.People = 2 }), state(10, 10),
			many(change.ClearSessions, "", 2), many(change.ClearSessions, "", 3), guard.PeopleNumber,
		},
		{
			"nobody suspended where zero is allowed", set(func(l *guard.Limits) { l.People = 0 }), state(10, 10),
			nil, many(change.Suspend, "", 1), guard.PeopleNumber,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, guard.Check(c.at, c.limits, c.state))
			expect(t, guard.Check(c.over, c.limits, c.state), c.guard)
			expect(t, guard.Check(c.over, off(), c.state)) // and not when it is switched off
		})
	}
}

func TestALimitThatIsNotANumberOfAnythingAllowsNothing(t *testing.T) {
	l := off()
	l.RemovalPercent, l.GroupRemovalPercent = -7, -7
	expect(t, guard.Check(many(change.RemoveMember, vault, 1), l, state(100, 100)), guard.Share, guard.GroupShare)
}

func TestTheSharesCountEveryGroupAndEveryRemoval(t *testing.T) {
	l := off()
	l.RemovalPercent = 10 // of 40 + 50 + 10: ten
	five := slices.Concat(many(change.RemoveMember, vault, 5), many(change.RemoveMember, wiki, 5))
	expect(t, guard.Check(five, l, state(40, 50)))
	expect(t, guard.Check(append(five, many(change.RemoveMember, wiki, 6)[5]), l, state(40, 50)), guard.Share)
}

func TestOnlyRemovalsCountAsRemovals(t *testing.T) {
	l := off()
	l.Removals, l.RemovalPercent, l.RemovalsPerHour, l.GroupRemovalPercent = 0, 0, 0, 0
	others := slices.Concat(many(change.AddMember, vault, 9), many(change.Suspend, "", 9), many(change.ClearSessions, "", 9))
	expect(t, guard.Check(others, l, state(10, 10)))
	l = off()
	l.Additions, l.People = 0, 0
	expect(t, guard.Check(many(change.RemoveMember, vault, 2), l, state(10, 10)))
}

func TestSuspendingAndSigningOutOnePersonIsOnePerson(t *testing.T) {
	l := off()
	l.People = 3
	both := slices.Concat(many(change.Suspend, "", 3), many(change.ClearSessions, "", 3))
	expect(t, guard.Check(both, l, state(10, 10)))
}

func TestTheHourBeforeThePlanCounts(t *testing.T) {
	l := off()
	l.RemovalsPerHour = 10
	for _, c := range []struct {
		name          string
		before, inNow int
		want          []guard.Name
	}{
		{"at the limit", 7, 3, nil},
		{"one over", 8, 3, []guard.Name{guard.RollingHour}},
		{"used up, nothing removed now", 50, 0, nil},
		{"used up, one more", 10, 1, []guard.Name{guard.RollingHour}},
		{"all of it now", 0, 10, nil},
		{"more than all of it now", 0, 11, []guard.Name{guard.RollingHour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := state(100, 100)
			s.RemovedLastHour = c.before
			expect(t, guard.Check(many(change.RemoveMember, vault, c.inNow), l, s), c.want...)
		})
	}
}

// The groups in which a mistake hurts most are small: whatever the share, no more than a few go at once.
func TestASmallGroupLosesFewAtOnce(t *testing.T) {
	allowed := map[int][]int{ // percent: for groups of 1 to 15
		25:  {1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3},
		10:  {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		50:  {1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7},
		100: {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		0:   {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	}
	for percent, sizes := range allowed {
		for i, most := range sizes {
			size := i + 1
			l := off()
			l.GroupRemovalPercent = percent
			for n := range size + 1 {
				var want []guard.Name
				if n > most {
					want = []guard.Name{guard.GroupShare}
				}
				got := tripped(guard.Check(many(change.RemoveMember, vault, n), l, state(size, 1000)))
				if !slices.Equal(got, want) {
					t.Errorf("%d %% of %d members, %d removed: trips %v, want %v", percent, size, n, got, want)
				}
			}
		}
	}
}

func TestAGroupKeepsItsFloor(t *testing.T) {
	s := state(5, 5)
	s.Catalog.Groups[1].Floor = 3
	expect(t, guard.Check(many(change.RemoveMember, vault, 2), off(), s))
	expect(t, guard.Check(many(change.RemoveMember, vault, 3), off(), s), guard.GroupFloor)
	expect(t, guard.Check(many(change.RemoveMember, wiki, 5), off(), s)) // has no floor, may be emptied
	expect(t, guard.Check(many(change.AddMember, vault, 1), off(), state(0, 0)))
}

func TestAGroupThatIsBelowItsFloorAlreadyLosesNobody(t *testing.T) {
	s := state(2, 5)
	s.Catalog.Groups[1].Floor = 3
	expect(t, guard.Check(many(change.RemoveMember, vault, 1), off(), s), guard.GroupFloor)
}

func TestRemovingFromAGroupThatWasNotReadIsStopped(t *testing.T) {
	s := state(5, 5)
	delete(s.Sizes, vault)
	expect(t, guard.Check(many(change.RemoveMember, vault, 1), off(), s), guard.GroupFloor)
}

func TestRemovingMoreThanThereAreIsStopped(t *testing.T) {
	expect(t, guard.Check(many(change.RemoveMember, vault, 5), off(), state(5, 5)))
	trips := guard.Check(many(change.RemoveMember, vault, 6), off(), state(5, 5))
	expect(t, trips, guard.GroupFloor)
	if want := "6 removals from group 00gvault, which was read with 5 members"; trips[0].Reason != want {
		t.Errorf("reason %q, want %q", trips[0].Reason, want)
	}
}

func TestRemovingFromAGroupOutsideTheCatalogIsStopped(t *testing.T) {
	s := state(5, 5)
	s.Sizes["00gforeign"] = 50
	trips := guard.Check(many(change.RemoveMember, "00gforeign", 1), off(), s)
	expect(t, trips, guard.GroupFloor)
	if want := "group 00gforeign is not in the catalog"; trips[0].Reason != want {
		t.Errorf("reason %q, want %q", trips[0].Reason, want)
	}
}

func TestProtectedUsersLoseNothing(t *testing.T) {
	l := off()
	l.ProtectedUsers = []access.UserID{"00uother", "00uboss"}
	for kind, want := range map[change.Kind][]guard.Name{
		change.RemoveMember:  {guard.Protected},
		change.Suspend:       {guard.Protected},
		change.ClearSessions: {guard.Protected},
		change.AddMember:     nil, // giving is not taking
	} {
		t.Run(string(kind), func(t *testing.T) {
			c := change.Change{Kind: kind, User: "00uboss", Group: vault}
			expect(t, guard.Check([]change.Change{c}, l, state(5, 5)), want...)
			c.User = "00usomebody"
			expect(t, guard.Check([]change.Change{c}, l, state(5, 5)))
		})
	}
}

func TestProtectedGroupsAreNotTouchedAtAll(t *testing.T) {
	expect(t, guard.Check(many(change.RemoveMember, safe, 1), off(), state(5, 5)), guard.Protected)
	expect(t, guard.Check(many(change.AddMember, safe, 1), off(), state(5, 5)), guard.Protected)
	expect(t, guard.Check(many(change.AddMember, vault, 1), off(), state(5, 5)))
}

func TestTheAccountThatSopdUsesLosesNothing(t *testing.T) {
	l := off()
	l.Self = "00usopd"
	for kind, want := range map[change.Kind][]guard.Name{
		change.RemoveMember:  {guard.OwnAccount},
		change.Suspend:       {guard.OwnAccount},
		change.ClearSessions: {guard.OwnAccount},
		change.AddMember:     nil,
	} {
		t.Run(string(kind), func(t *testing.T) {
			c := change.Change{Kind: kind, User: "00usopd", Group: vault}
			expect(t, guard.Check([]change.Change{c}, l, state(5, 5)), want...)
		})
	}
}

// A service app has no account; the empty name must not match a change that names nobody.
func TestWithoutAnOwnAccountNobodyIsTakenForIt(t *testing.T) {
	expect(t, guard.Check([]change.Change{{Kind: change.RemoveMember, Group: vault}}, off(), state(5, 5)))
}

func TestEveryGuardThatTripsIsReportedInTheDocumentedOrder(t *testing.T) {
	l := guard.Limits{ProtectedUsers: []access.UserID{"00uboss"}, Self: "00usopd"}
	s := state(4, 4)
	s.Catalog.Groups[1].Floor, s.Catalog.Groups[2].Floor = 4, 4
	s.Admins = map[access.GroupID][]access.UserID{wiki: {"00usopd"}}
	changes := slices.Concat(
		many(change.ClearSessions, "", 1), many(change.RemoveMember, wiki, 2), many(change.AddMember, vault, 1),
		many(change.RemoveMember, vault, 2),
		[]change.Change{{Kind: change.RemoveMember, Group: vault, User: "00uboss"}, {Kind: change.RemoveMember, Group: wiki, User: "00usopd"}},
	)
	trips := guard.Check(changes, l, s)
	if got := slices.Compact(tripped(trips)); !slices.Equal(got, guard.Names()) {
		t.Errorf("trips in the order %v, documented is %v", got, guard.Names())
	}
	groups := 0
	for _, trip := range trips {
		if trip.Guard == guard.GroupShare || trip.Guard == guard.GroupFloor {
			groups++
		}
	}
	if groups != 4 {
		t.Errorf("%d trips about groups, want share and floor of both groups", groups)
	}
}

func TestATripSaysWhatWouldHaveHappenedAndWhatIsAllowed(t *testing.T) {
	l := off()
	l.Removals, l.RemovalPercent, l.RemovalsPerHour, l.GroupRemovalPercent = 1, 2, 3, 4
	s := state(40, 50)
	s.RemovedLastHour = 9
	s.Catalog.Groups[1].Floor = 38
	var got []string
	for _, trip := range guard.Check(many(change.RemoveMember, vault, 5), l, s) {
		got = append(got, trip.Reason)
	}
	want := []string{
		"5 removals in one plan, allowed are 1",
		"5 removals of 100 memberships, allowed are 2 % (2)",
		"14 removals within an hour (9 before this plan), allowed are 3",
		"5 of 40 members of group 00gvault, allowed are 1",
		"group 00gvault would keep 35 members, at least 38 have to stay",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestEveryGuardHasAReasonForPeople(t *testing.T) {
	l := guard.Limits{ProtectedUsers: []access.UserID{"00uboss", "00usopd"}, Self: "00usopd"}
	changes := []change.Change{
		{Kind: change.Suspend, User: "00usopd"}, {Kind: change.ClearSessions, User: "00uboss"}, {Kind: change.AddMember, User: "00ux", Group: vault},
	}
	var got []string
	for _, trip := range guard.Check(changes, l, state(5, 5)) {
		got = append(got, string(trip.Guard)+": "+strings.TrimSpace(trip.Reason))
	}
	want := []string{
		"own-account: the plan would take access from the account that sopd itself uses (1 changes)",
		"protected: the plan touches protected users or groups: 2 changes, the first about 00usopd",
		"add-number: 1 additions in one plan, allowed are 0",
		"people-number: 2 people suspended or signed out in one plan, allowed are 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestAnEmptyPlanTripsNothing(t *testing.T) {
	expect(t, guard.Check(nil, guard.Limits{}, guard.State{}))
	s := state(0, 0)
	s.RemovedLastHour = 1000
	expect(t, guard.Check([]change.Change{}, guard.Limits{}, s))
}

func TestTheZeroLimitsAllowNothing(t *testing.T) {
	expect(t, guard.Check(many(change.RemoveMember, vault, 1), guard.Limits{}, state(5, 5)),
		guard.Number, guard.Share, guard.RollingHour, guard.GroupShare)
	expect(t, guard.Check(many(change.AddMember, vault, 1), guard.Limits{}, state(5, 5)), guard.AddNumber)
	expect(t, guard.Check(many(change.Suspend, "", 1), guard.Limits{}, state(5, 5)), guard.PeopleNumber)
}

func TestTheDefaultsSwitchNothingOff(t *testing.T) {
	want := guard.Limits{RemovalPercent: 5, Removals: 25, RemovalsPerHour: 50, GroupRemovalPercent: 25, Additions: 100, People: 5, SmallGroupFloor: 1}
	if diff := cmp.Diff(want, guard.Defaults()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if guard.Off != -1 {
		t.Errorf("Off is %d; no count and no careless zero may mean it", guard.Off)
	}
	if disabled := guard.Defaults().Disabled(); len(disabled) > 0 {
		t.Errorf("switched off by default: %v", disabled)
	}
}

func TestGuardsThatAreOffAreListed(t *testing.T) {
	all := []guard.Name{
		guard.Number, guard.Share, guard.RollingHour, guard.GroupShare, guard.GroupFloor, guard.AddNumber, guard.PeopleNumber,
	}
	if diff := cmp.Diff(all, off().Disabled()); diff != "" {
		t.Errorf("everything off (-want +got):\n%s", diff)
	}
	single := map[guard.Name]func(*guard.Limits){
		guard.Number:       func(l *guard.Limits) { l.Removals = guard.Off },
		guard.Share:        func(l *guard.Limits) { l.RemovalPercent = guard.Off },
		guard.RollingHour:  func(l *guard.Limits) { l.RemovalsPerHour = guard.Off },
		guard.GroupShare:   func(l *guard.Limits) { l.GroupRemovalPercent = guard.Off },
		guard.GroupFloor:   func(l *guard.Limits) { l.SmallGroupFloor = guard.Off },
		guard.AddNumber:    func(l *guard.Limits) { l.Additions = guard.Off },
		guard.PeopleNumber: func(l *guard.Limits) { l.People = guard.Off },
	}
	for name, switchOff := range single {
		var l guard.Limits
		switchOff(&l)
		if diff := cmp.Diff([]guard.Name{name}, l.Disabled()); diff != "" {
			t.Errorf("only %s off (-want +got):\n%s", name, diff)
		}
	}
}

func TestCheckLeavesThePlanAsItIs(t *testing.T) {
	changes := slices.Concat(many(change.RemoveMember, wiki, 2), many(change.RemoveMember, vault, 2))
	before := slices.Clone(changes)
	s := state(5, 5)
	guard.Check(changes, guard.Limits{}, s)
	if diff := cmp.Diff(before, changes); diff != "" {
		t.Errorf("changes were changed:\n%s", diff)
	}
	if diff := cmp.Diff(state(5, 5), s); diff != "" {
		t.Errorf("state was changed:\n%s", diff)
	}
}
