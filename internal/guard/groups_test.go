package guard_test

import (
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"pgregory.net/rapid"
)

// lately is a state in which sopd has worked in the vault before.
func lately(size int, l guard.Lately) guard.State {
	s := state(size, 50)
	s.Lately = map[access.GroupID]guard.Lately{vault: l}
	return s
}

func because(reason change.Reason, changes []change.Change) []change.Change {
	for i := range changes {
		changes[i].Reason = reason
	}
	return changes
}

func TestWhoIsRemovedOneADayCountsTogether(t *testing.T) {
	l := off()
	l.GroupRemovalPercent = 25
	for _, c := range []struct {
		name         string
		size, lately int
		removed      int
		want         []guard.Name
	}{
		{"the first of three", 3, 0, 1, nil},
		{"the second of three", 2, 1, 1, []guard.Name{guard.GroupShare}},
		{"two of eight in two plans", 7, 1, 1, nil},
		{"three of eight in three plans", 6, 2, 1, []guard.Name{guard.GroupShare}},
		{"25 % of 100 in two plans", 90, 10, 15, nil},
		{"more than 25 % of 100 in two plans", 90, 10, 16, []guard.Name{guard.GroupShare}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := lately(c.size, guard.Lately{Unapproved: c.lately})
			expect(t, guard.Check(many(change.RemoveMember, vault, c.removed), l, s), c.want...)
			expect(t, guard.Check(many(change.RemoveMember, vault, c.removed), off(), s))
		})
	}
}

// An approved leaver does not wait for the next day because somebody was removed as drift before.
func TestWhomSomebodyHasApprovedToRemoveDoesNotCountWithinTheDay(t *testing.T) {
	l := off()
	l.GroupRemovalPercent = 25
	for _, reason := range []change.Reason{
		change.Offboarding, change.Revocation, change.RoleChange, change.Review, change.Expired, change.Containment, change.Undo,
	} {
		expect(t, guard.Check(because(reason, many(change.RemoveMember, vault, 1)), l, lately(2, guard.Lately{Unapproved: 1})))
	}
	// nor does what went too far before keep them waiting
	expect(t, guard.Check(because(change.Offboarding, many(change.RemoveMember, vault, 1)), l, lately(5, guard.Lately{Unapproved: 4})))
	for _, reason := range []change.Reason{change.Drift, change.Deprovisioned, "", "unheard-of"} {
		expect(t, guard.Check(because(reason, many(change.RemoveMember, vault, 1)), l, lately(2, guard.Lately{Unapproved: 1})), guard.GroupShare)
	}
}

func TestSomebodyMayApproveOnlySoManyOfOneGroupAtOnce(t *testing.T) {
	l := off()
	l.GroupRemovalPercent = 25
	expect(t, guard.Check(because(change.Offboarding, many(change.RemoveMember, vault, 2)), l, state(8, 50)))
	expect(t, guard.Check(because(change.Offboarding, many(change.RemoveMember, vault, 3)), l, state(8, 50)), guard.GroupShare)
}

func TestASmallGroupWithoutAFloorKeepsOne(t *testing.T) {
	l := off()
	l.SmallGroupFloor = 1
	for _, c := range []struct {
		name             string
		size, shrunk, by int
		want             []guard.Name
	}{
		{"all of three", 3, 0, 3, []guard.Name{guard.GroupFloor}},
		{"two of three", 3, 0, 2, nil},
		{"the last of what were three", 1, 2, 1, []guard.Name{guard.GroupFloor}},
		{"the last of what were two", 1, 1, 1, nil},
		{"both of two", 2, 0, 2, nil},
		{"the only one", 1, 0, 1, nil},
		{"the only one of a group that changes hands", 1, -4, 1, nil},
		{"three who were added lately", 3, -3, 3, []guard.Name{guard.GroupFloor}},
		{"all of fifteen", 15, 0, 15, []guard.Name{guard.GroupFloor}},
		{"all of sixteen", 16, 0, 16, nil},
		{"the last of what were sixteen", 1, 15, 1, []guard.Name{guard.GroupFloor}},
		{"sixteen that were fifteen", 16, 1, 16, nil},
		{"sixteen who came lately", 16, -1, 16, []guard.Name{guard.GroupFloor}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := lately(c.size, guard.Lately{Shrunk: c.shrunk})
			expect(t, guard.Check(many(change.RemoveMember, vault, c.by), l, s), c.want...)
			expect(t, guard.Check(many(change.RemoveMember, vault, c.by), off(), s))
		})
	}
}

func TestAFloorOfItsOwnGoesBeforeTheOneOfSmallGroups(t *testing.T) {
	l := off()
	l.SmallGroupFloor = 3
	s := state(4, 50)
	s.Catalog.Groups[1].Floor = 1
	expect(t, guard.Check(many(change.RemoveMember, vault, 3), l, s))
	s.Catalog.Groups[1].Floor = 0
	expect(t, guard.Check(many(change.RemoveMember, vault, 2), l, s), guard.GroupFloor)
	expect(t, guard.Check(many(change.RemoveMember, vault, 1), l, s))
}

func TestWherePolicySaysSoAnApprovedLeaverIsNotStoppedByTheirGroups(t *testing.T) {
	l := off()
	l.GroupRemovalPercent, l.SmallGroupFloor, l.PassApproved = 25, 1, true
	leavers := because(change.Offboarding, many(change.RemoveMember, vault, 3))
	expect(t, guard.Check(leavers, l, state(3, 50)))
	drift := because(change.Drift, many(change.RemoveMember, vault, 3)[2:])
	expect(t, guard.Check(append(leavers[:2:2], drift...), l, state(3, 50)), guard.GroupFloor)
	l.PassApproved = false
	expect(t, guard.Check(leavers, l, state(3, 50)), guard.GroupShare, guard.GroupFloor)
	l.PassApproved, l.Removals = true, 2 // the limits of the whole plan hold for everybody
	expect(t, guard.Check(leavers, l, state(3, 50)), guard.Number)
}

func TestTheLastAdministratorStays(t *testing.T) {
	ada := access.UserID("00uada")
	bob := access.UserID("00ubob")
	remove := func(users ...access.UserID) (changes []change.Change) {
		for _, u := range users {
			changes = append(changes, change.Change{Kind: change.RemoveMember, Group: vault, User: u, Reason: change.Offboarding})
		}
		return changes
	}
	for _, c := range []struct {
		name    string
		active  []access.UserID // of five members
		changes []change.Change
		want    []guard.Name
	}{
		{"one of two", []access.UserID{ada, bob}, remove(ada), nil},
		{"both", []access.UserID{ada, bob}, remove(ada, bob), []guard.Name{guard.LastAdmin}},
		{"the only one who can sign in", []access.UserID{ada}, remove(ada), []guard.Name{guard.LastAdmin}},
		{"somebody who cannot sign in", []access.UserID{ada}, remove(bob), nil},
		{"nobody could sign in before", nil, remove(ada), nil},
		{"suspended", []access.UserID{ada}, []change.Change{{Kind: change.Suspend, User: ada}}, []guard.Name{guard.LastAdmin}},
		{"deactivated", []access.UserID{ada}, []change.Change{{Kind: change.Deactivate, User: ada}}, []guard.Name{guard.LastAdmin}},
		{"signed out", []access.UserID{ada}, []change.Change{{Kind: change.ClearSessions, User: ada}}, nil},
		{"added", []access.UserID{ada}, []change.Change{{Kind: change.AddMember, Group: vault, User: ada}}, nil},
		{"removed from another group", []access.UserID{ada}, []change.Change{{Kind: change.RemoveMember, Group: wiki, User: ada}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := state(5, 50)
			s.Admins = map[access.GroupID][]access.UserID{vault: c.active}
			expect(t, guard.Check(c.changes, off(), s), c.want...)
		})
	}
}

func TestOnlyWhatProtectsTheWayBackCannotBeOverridden(t *testing.T) {
	absolute := map[guard.Name]bool{guard.OwnAccount: true, guard.Protected: true, guard.LastAdmin: true}
	for _, name := range guard.Names() {
		if name.Absolute() != absolute[name] {
			t.Errorf("%s: absolute %v, want %v", name, name.Absolute(), absolute[name])
		}
	}
}

func TestTheReasonsOfTheGroupGuardsSayWhatHappenedBefore(t *testing.T) {
	l := off()
	l.GroupRemovalPercent = 25
	s := lately(6, guard.Lately{Unapproved: 2})
	s.Admins = map[access.GroupID][]access.UserID{vault: {"00u00gvault0"}}
	trips := guard.Check(many(change.RemoveMember, vault, 1), l, s)
	want := []string{
		"group 00gvault administers Okta and would keep nobody who can sign in, of 1",
		"3 members of group 00gvault within a day (2 before this plan), allowed are 2 of 8",
	}
	if len(trips) != 2 || trips[0].Reason != want[0] || trips[1].Reason != want[1] {
		t.Errorf("trips %v, want %q", trips, want)
	}
}

// However the removals of a day are spread over plans, and whatever the sizes, the defaults never let nobody's word empty a
// group of three or more.
func TestNoSeriesOfPlansEmptiesAGroupWithoutAPerson(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(3, 40).Draw(t, "size")
		var removed []int // of each day, all within the month
		left := size
		for range rapid.IntRange(1, 29).Draw(t, "days") {
			today := 0
			for range rapid.IntRange(1, 6).Draw(t, "plans") {
				n := rapid.IntRange(1, 5).Draw(t, "removals")
				s := lately(left, guard.Lately{Unapproved: today, Shrunk: size - left})
				s.Sizes[wiki] = 10000 // the organisation is large
				reason := rapid.SampledFrom([]change.Reason{change.Drift, change.Deprovisioned}).Draw(t, "reason")
				if len(guard.Check(because(reason, many(change.RemoveMember, vault, n)), guard.Defaults(), s)) == 0 {
					today, left = today+n, left-n
				}
			}
			removed = append(removed, today)
		}
		if left < 1 {
			t.Errorf("a group of %d was emptied by %v a day", size, removed)
		}
	})
}
