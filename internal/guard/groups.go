package guard

import (
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
)

const (
	// Day is the window of the share of one group.
	Day = 24 * time.Hour
	// Month is how far the floor of small groups looks back: a group that is emptied by one member a day is emptied all the
	// same.
	Month = 30 * Day
	// smallest and largest are the sizes of a small group. A smaller one is emptied by the first person who leaves it; in a
	// larger one the share stops a mistake long before its end.
	smallest, largest = 3, 15
)

// Lately is what sopd did in one group before a plan. What was refused does not count.
type Lately struct {
	// Unapproved is how many members were removed within a [Day] whom nobody had approved to remove one by one.
	Unapproved int
	// Shrunk is by how many members sopd made the group smaller within a [Month]: removals less additions, which may be
	// negative.
	Shrunk int
}

// Approved reports whether somebody has approved what is done for the reason, for this person: by a ticket, or with the date
// at which the access was to end. What is left are deactivations in Okta, which an import can make by the hundred, and drift.
func Approved(r change.Reason) bool {
	switch r {
	case change.Offboarding, change.Revocation, change.RoleChange, change.Review, change.Expired, change.Containment, change.Undo:
		return true
	default:
		return false
	}
}

// removals is what a plan takes from one group.
type removals struct{ approved, others int }

func (r removals) with(reason change.Reason) removals {
	if Approved(reason) {
		r.approved++
	} else {
		r.others++
	}
	return r
}

func (r removals) all() int { return r.approved + r.others }

func (c *checker) groups() {
	ids := slices.Sorted(maps.Keys(c.removals))
	for _, id := range ids {
		c.groupShare(id, c.removals[id])
	}
	for _, id := range ids {
		c.groupFloor(id, c.removals[id])
	}
}

// measured is how many of the removals the guards of single groups look at.
func (c *checker) measured(r removals) int {
	if c.limits.PassApproved {
		return r.others
	}
	return r.all()
}

// groupShare stops a plan that takes too many members of one group, and one that goes on with what the plans of the day
// before it began.
func (c *checker) groupShare(id access.GroupID, r removals) {
	size, lately := c.state.Sizes[id], c.state.Lately[id].Unapproved
	removed, within := c.measured(r), r.others+lately
	allowed, daily := share(size, c.limits.GroupRemovalPercent), share(size+lately, c.limits.GroupRemovalPercent)
	switch {
	case over(removed, allowed):
		c.trip(GroupShare, "%d of %d members of group %s, allowed are %d", removed, size, id, allowed)
	case r.others > 0 && over(within, daily):
		c.trip(GroupShare, "%d members of group %s within a day (%d before this plan), allowed are %d of %d",
			within, id, lately, daily, size+lately)
	}
}

// groupFloor stops a plan that leaves too few members in a group.
func (c *checker) groupFloor(id access.GroupID, r removals) {
	size, removed := c.state.Sizes[id], r.all()
	_, known := c.state.Catalog.Group(id)
	floor := c.floor(id, size)
	switch {
	case !known:
		c.trip(GroupFloor, "group %s is not in the catalog", id)
	case removed > size:
		c.trip(GroupFloor, "%d removals from group %s, which was read with %d members", removed, id, size)
	case c.measured(r) > 0 && size-removed < floor:
		c.trip(GroupFloor, "group %s would keep %d members, at least %d have to stay", id, size-removed, floor)
	}
}

// floor returns how many members have to stay in the group: what the catalog says, or what holds for small groups. A group
// that sopd has made smaller counts as what it was.
func (c *checker) floor(id access.GroupID, size int) int {
	group, _ := c.state.Catalog.Group(id)
	if was := size + c.state.Lately[id].Shrunk; group.Floor == 0 && max(was, size) >= smallest && min(was, size) <= largest {
		return max(0, c.limits.SmallGroupFloor)
	}
	return group.Floor
}

// admins stops a plan after which nobody who can sign in is left in a group that administers Okta: nobody could mend that.
func (c *checker) admins(changes []change.Change) {
	for _, id := range slices.Sorted(maps.Keys(c.state.Admins)) {
		before := c.state.Admins[id]
		left := slices.DeleteFunc(slices.Clone(before), func(user access.UserID) bool {
			return slices.ContainsFunc(changes, func(ch change.Change) bool {
				removed := ch.Kind == change.RemoveMember && ch.Group == id
				return ch.User == user && (removed || ch.Kind == change.Suspend || ch.Kind == change.Deactivate)
			})
		})
		if len(left) == 0 && len(before) > 0 {
			c.trip(LastAdmin, "group %s administers Okta and would keep nobody who can sign in, of %d", id, len(before))
		}
	}
}
