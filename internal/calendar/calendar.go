package calendar

import (
	"math"
	"slices"
	"sort"
	"sync/atomic"
	"time"
)

// The years that a calendar answers for. Instants outside are taken as the nearest end.
const (
	minYear = 1
	maxYear = 9999
)

// The years whose working time is kept once it has been counted: those in which a vendor's history can lie.
const (
	firstKept = 1990
	lastKept  = 2089
)

// Calendar answers for working time by one [Definition]. It never changes and is safe for concurrent use. The package
// comment says what working time and business days are.
type Calendar struct {
	name     string
	location *time.Location
	versions []version // oldest first
	always   bool      // every instant is working time
	// kept is a memory of years already counted. Two that count the same year at once get the same result.
	kept [lastKept - firstKept + 1]atomic.Pointer[year]
}

// version is a [Version] made ready for counting.
type version struct {
	definition Version
	from       int // day number; of the first version, the least possible
	week       Week
	closed     map[int]bool
	special    map[int][]Interval
}

// New returns the calendar that d defines.
//
// Errors: a [*ProblemsError] with all that is wrong with d; its cause is [access.ErrInvalid].
func New(d Definition) (*Calendar, error) {
	var check checker
	if !name.MatchString(d.Name) {
		check.add("name", "must be 1 to 64 lower-case letters, digits and hyphens")
	}
	location := check.zone(d.Zone)
	check.versions(d.Versions)
	if len(check.problems) > 0 {
		return nil, &ProblemsError{Calendar: d.Name, Problems: check.problems}
	}
	c := &Calendar{name: d.Name, location: location, always: true}
	for i, v := range d.Versions {
		c.versions = append(c.versions, compile(v))
		c.always = c.always && c.versions[i].always()
	}
	c.versions[0].from = math.MinInt
	return c, nil
}

// Always returns the calendar on which every instant is working time. Its business days are those of UTC.
func Always() *Calendar {
	v := compile(Version{Week: AllDay()})
	v.from = math.MinInt
	return &Calendar{name: "24x7", location: time.UTC, versions: []version{v}, always: true}
}

// compile makes a sound v ready. It copies what the caller might change later.
func compile(v Version) version {
	out := version{closed: map[int]bool{}, special: map[int][]Interval{}, from: v.From.number()}
	out.definition = Version{From: v.From, Regions: slices.Clone(v.Regions)}
	for day, hours := range v.Week {
		out.week[day] = joined(hours)
	}
	for _, d := range v.Closed {
		out.closed[d.number()] = true
	}
	for _, s := range v.Special {
		out.special[s.Date.number()] = joined(s.Hours)
	}
	return out
}

// always reports whether the version never closes.
func (v version) always() bool {
	for _, hours := range v.week {
		if len(hours) != 1 || !hours[0].fillsDate() {
			return false
		}
	}
	return len(v.definition.Regions)+len(v.closed)+len(v.special) == 0
}

// Name returns the definition's name; "24x7" for [Always].
func (c *Calendar) Name() string { return c.name }

// Zone returns the IANA name of the calendar's zone.
func (c *Calendar) Zone() string { return c.location.String() }

// AlwaysOpen reports whether every instant is working time.
func (c *Calendar) AlwaysOpen() bool { return c.always }

// VersionAt returns the From date of the version in force at t; zero for a first version without one. With the name, it
// says by which rules a figure was counted.
func (c *Calendar) VersionAt(t time.Time) Date {
	return c.version(DateOf(t.In(c.location)).number()).definition.From
}

// UsualDay returns the length of day that most open weekdays of the newest version have, the longer of two equally
// frequent ones. It turns "2bd" into a length for a chart; no promise is measured by it.
func (c *Calendar) UsualDay() time.Duration { return c.versions[len(c.versions)-1].week.usual() }

// version returns the version in force on the date with the number.
func (c *Calendar) version(day int) *version {
	i := sort.Search(len(c.versions), func(i int) bool { return c.versions[i].from > day })
	return &c.versions[max(i-1, 0)]
}

// Working reports whether t is working time.
func (c *Calendar) Working(t time.Time) bool {
	if c.always {
		return true
	}
	t = clamp(t)
	y := c.year(t.UTC().Year())
	i := y.after(t)
	return i < len(y.pieces) && !t.Before(y.pieces[i].opening())
}

// Between returns the working time in the half-open span from a to b; 0 when b is not after a. More than a
// [time.Duration] can hold, about 292 years, is given as the most that it can.
func (c *Calendar) Between(a, b time.Time) time.Duration {
	if !a.Before(b) {
		return 0
	}
	if c.always {
		return b.Sub(a)
	}
	a, b = clamp(a), clamp(b)
	first, last := a.UTC().Year(), b.UTC().Year()
	sum := -c.year(first).until(a)
	for y := first; y < last; y++ {
		whole := c.year(y).total()
		if sum > math.MaxInt64-whole {
			return math.MaxInt64
		}
		sum += whole
	}
	if rest := c.year(last).until(b); sum <= math.MaxInt64-rest {
		return sum + rest
	}
	return math.MaxInt64
}

// Add returns the earliest instant at which d of working time has passed since start: what is used up at a closing ends
// at that closing, not at the next opening. For a d of 0 or less it returns start. An end after the year 9999 is given as
// the end of that year.
func (c *Calendar) Add(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return start
	}
	if c.always {
		return clamp(start.Add(d)).In(start.Location())
	}
	at := clamp(start)
	first := at.UTC().Year()
	d += c.year(first).until(at) // from here on counted from the beginning of the year
	for y := first; y <= maxYear; y++ {
		year := c.year(y)
		if d <= year.total() {
			return year.reach(d).In(start.Location())
		}
		d -= year.total()
	}
	return latest().In(start.Location())
}

// Next returns the first working instant that is not before t: t itself in working hours, else the next opening. When
// there is none before the end of the year 9999, it returns that end.
func (c *Calendar) Next(t time.Time) time.Time {
	if c.always {
		return t
	}
	at := clamp(t)
	cursor, ok := c.seek(at)
	if !ok {
		return latest().In(t.Location())
	}
	return later(at, cursor.piece().opening()).In(t.Location())
}

// later returns the later of two instants.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// latest is the last instant that a calendar answers for.
func latest() time.Time { return time.Date(maxYear, 12, 31, 23, 59, 59, 0, time.UTC) }

// clamp returns t, or the nearest instant that a calendar answers for.
func clamp(t time.Time) time.Time {
	if t.UTC().Year() < minYear {
		return time.Date(minYear, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if t.UTC().Year() > maxYear {
		return latest()
	}
	return t
}
