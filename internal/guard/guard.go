// Package guard judges whole plans before anything is written: a plan that would take away more than an organisation
// loses on a normal day is stopped and shown to people.
//
// All arithmetic is in whole numbers, so that no share of an empty set can slip through as not-a-number.
package guard

import (
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
)

// Name identifies a guard in metrics, holds and documents.
type Name string

// The guards.
const (
	Share        Name = "share"         // removals as a share of all managed memberships
	Number       Name = "number"        // removals in one plan
	RollingHour  Name = "rolling-hour"  // removals in this plan and in the hour before it
	GroupShare   Name = "group-share"   // removals as a share of one group, in one plan and within a day
	GroupFloor   Name = "group-floor"   // members left in a group
	Protected    Name = "protected"     // users and groups that are never touched
	LastAdmin    Name = "last-admin"    // active members left in a group that administers Okta
	OwnAccount   Name = "own-account"   // the account that sopd itself uses
	AddNumber    Name = "add-number"    // additions in one plan
	PeopleNumber Name = "people-number" // people whose sessions are ended or who are suspended in one plan
)

// Names lists all guards in the order in which they are checked.
func Names() []Name {
	return []Name{OwnAccount, Protected, LastAdmin, Number, Share, RollingHour, GroupShare, GroupFloor, AddNumber, PeopleNumber}
}

// Absolute reports whether no approval lets a plan through that trips the guard: what it protects is needed to mend a
// mistake.
func (n Name) Absolute() bool { return n == OwnAccount || n == Protected || n == LastAdmin }

// Off switches a numeric limit off. It is shown as sopd_guard_disabled for as long as it stands.
const Off = -1

// Limits is what a plan may do without a person's word. Every number is inclusive; [Off] switches one off; zero allows
// nothing.
type Limits struct {
	RemovalPercent      int // of all managed memberships, 0 to 100; at least one removal is always allowed
	Removals            int // in one plan
	RemovalsPerHour     int // in this plan and the 60 minutes before it
	GroupRemovalPercent int // of one group's members, 0 to 100, in one plan and within a day; one removal is always allowed
	Additions           int // in one plan
	People              int // suspended or signed out in one plan
	// SmallGroupFloor is how many members have to stay in a small group that has no floor of its own.
	SmallGroupFloor int
	// PassApproved: the guards of single groups leave out removals that somebody has approved one by one.
	PassApproved   bool
	ProtectedUsers []access.UserID
	// Self is the user whose credential sopd uses; empty for a service app.
	Self access.UserID
}

// Defaults returns the limits that hold where a policy says nothing. They are meant for an organisation of tens to a few
// thousand people, and to be too small rather than too large.
func Defaults() Limits {
	return Limits{
		RemovalPercent: 5, Removals: 25, RemovalsPerHour: 50, GroupRemovalPercent: 25, Additions: 100, People: 5,
		SmallGroupFloor: 1,
	}
}

// Disabled lists the guards that the limits switch off, in the order of [Names].
func (l Limits) Disabled() []Name {
	limits := map[Name]int{
		Share: l.RemovalPercent, Number: l.Removals, RollingHour: l.RemovalsPerHour,
		GroupShare: l.GroupRemovalPercent, GroupFloor: l.SmallGroupFloor, AddNumber: l.Additions, PeopleNumber: l.People,
	}
	return slices.DeleteFunc(Names(), func(n Name) bool { return limits[n] != Off })
}

// State is what the guards measure a plan against.
type State struct {
	Catalog catalog.Catalog
	// Sizes is the number of members of each managed group as it was completely read. A group that is missing counts as
	// empty, so that removing from it trips.
	Sizes map[access.GroupID]int
	// RemovedLastHour counts the removals intended in the 60 minutes before the plan, whatever became of them.
	RemovedLastHour int
	// Lately is what sopd itself did in each group before the plan; a group that is missing was left alone.
	Lately map[access.GroupID]Lately
	// Admins holds the active members of each managed group that administers Okta, by a role of Okta or by the policy's word.
	Admins map[access.GroupID][]access.UserID
}

// Trip is one guard that stops a plan.
type Trip struct {
	Guard  Name
	Reason string // for people: what would have happened, what is allowed
}

// Check returns every guard that the changes trip, in the order of [Names]; none means that the plan may go on.
func Check(changes []change.Change, l Limits, s State) []Trip {
	c := checker{limits: l, state: s, removals: make(map[access.GroupID]removals)}
	c.count(changes)
	c.subjects(changes)
	c.admins(changes)
	c.numbers()
	c.groups()
	c.others()
	return c.trips
}

type checker struct {
	limits    Limits
	state     State
	removals  map[access.GroupID]removals
	removed   int
	additions int
	people    map[access.UserID]bool
	trips     []Trip
}

func (c *checker) trip(name Name, format string, args ...any) {
	c.trips = append(c.trips, Trip{Guard: name, Reason: fmt.Sprintf(format, args...)})
}

func (c *checker) count(changes []change.Change) {
	c.people = make(map[access.UserID]bool)
	for _, ch := range changes {
		switch ch.Kind {
		case change.RemoveMember:
			c.removed++
			c.removals[ch.Group] = c.removals[ch.Group].with(ch.Reason)
		case change.AddMember:
			c.additions++
		case change.ClearSessions, change.Suspend, change.Deactivate:
			c.people[ch.User] = true
		}
	}
}

// subjects stops anything about who and what must not be touched. The plan leaves them out already; this is the second
// lock on the same door.
func (c *checker) subjects(changes []change.Change) {
	var self, protected []string
	for _, ch := range changes {
		takes := ch.Kind != change.AddMember
		if takes && c.limits.Self != "" && ch.User == c.limits.Self {
			self = append(self, string(ch.Kind))
		}
		group, _ := c.state.Catalog.Group(ch.Group)
		if takes && slices.Contains(c.limits.ProtectedUsers, ch.User) || group.Protected {
			protected = append(protected, string(ch.User)+" "+string(ch.Group))
		}
	}
	if len(self) > 0 {
		c.trip(OwnAccount, "the plan would take access from the account that sopd itself uses (%d changes)", len(self))
	}
	if len(protected) > 0 {
		c.trip(Protected, "the plan touches protected users or groups: %d changes, the first about %s", len(protected), protected[0])
	}
}

func (c *checker) numbers() {
	if c.removed == 0 {
		return
	}
	total := 0
	for _, size := range c.state.Sizes {
		total += size
	}
	if over(c.removed, c.limits.Removals) {
		c.trip(Number, "%d removals in one plan, allowed are %d", c.removed, c.limits.Removals)
	}
	if allowed := share(total, c.limits.RemovalPercent); over(c.removed, allowed) {
		c.trip(Share, "%d removals of %d memberships, allowed are %d %% (%d)", c.removed, total, c.limits.RemovalPercent, allowed)
	}
	if within := c.removed + c.state.RemovedLastHour; over(within, c.limits.RemovalsPerHour) {
		c.trip(RollingHour, "%d removals within an hour (%d before this plan), allowed are %d",
			within, c.state.RemovedLastHour, c.limits.RemovalsPerHour)
	}
}

func (c *checker) others() {
	if over(c.additions, c.limits.Additions) {
		c.trip(AddNumber, "%d additions in one plan, allowed are %d", c.additions, c.limits.Additions)
	}
	if over(len(c.people), c.limits.People) {
		c.trip(PeopleNumber, "%d people suspended or signed out in one plan, allowed are %d", len(c.people), c.limits.People)
	}
}

// share returns how many of total a limit in percent allows: rounded down, and at least one where the limit is not zero,
// or nobody could ever leave a group of three. [Off] stays off.
func share(total, percent int) int {
	switch {
	case percent == Off:
		return Off
	case percent <= 0:
		return 0
	default:
		return max(1, total*percent/100)
	}
}

func over(n, limit int) bool { return limit != Off && n > limit }
