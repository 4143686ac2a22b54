package calendar

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a minimal container has no zone files, and the figures must not depend on the machine's

	"github.com/maisonrmi/sopd/internal/access"
)

// Definition is what a policy says about a calendar. [New] makes a [Calendar] of it.
type Definition struct {
	Name string // lower-case letters, digits and hyphens, such as "office-paris"
	// Zone is the IANA name of the time zone, such as "Europe/Paris". It holds for all versions: a team that moves to
	// another zone takes a calendar with another name, so that its past stays as it was.
	Zone string
	// Versions is in the order of their dates, oldest first; at least one.
	Versions []Version
}

// Version is the hours and holidays in force from a date until the next version's.
type Version struct {
	// From is the first date of the version. The oldest version may leave it zero, and is in force before its date too.
	From Date
	// Week is the regular hours. At least one weekday is open.
	Week Week
	// Regions names the public holidays kept, by the codes that [Regions] lists. A holiday is the date on which it is
	// observed: where the law moves one from a weekend to a Monday, the Monday.
	Regions []string
	// Closed is own dates without working time.
	Closed []Date
	// Special is dates with hours of their own, whatever weekday or holiday they are.
	Special []Special
}

// Special is the hours of one date, such as the half day before a holiday.
type Special struct {
	Date  Date
	Hours []Interval // at least one; a date without hours belongs into [Version].Closed
}

// Problem is one thing that is wrong with a definition.
type Problem struct {
	Path string // where, such as "versions[1].week.monday[0]"
	What string // what, and what to do about it
}

// ProblemsError is everything that is wrong with a definition. Its cause is [access.ErrInvalid].
type ProblemsError struct {
	Calendar string    // the definition's name
	Problems []Problem // in the order of the definition, at least one
}

// Error lists all problems, parted by semicolons.
func (e *ProblemsError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Path + ": " + p.What
	}
	return fmt.Sprintf("calendar %q: %s", e.Calendar, strings.Join(texts, "; "))
}

// Unwrap returns [access.ErrInvalid].
func (e *ProblemsError) Unwrap() error { return access.ErrInvalid }

// Regions returns the codes of all holiday tables, sorted.
func Regions() []string { return slices.Sorted(maps.Keys(regions)) }

// name is what calendars may be called: policies, labels and file names hold it.
var name = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// checker gathers problems.
type checker struct{ problems []Problem }

// add notes a problem at the path.
func (c *checker) add(path, what string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, What: fmt.Sprintf(what, args...)})
}

// zone returns the zone called name. "Local" would make figures depend on the machine, and the empty name means UTC to
// the time package, so both are refused.
func (c *checker) zone(name string) *time.Location {
	if name == "" || name == "Local" {
		c.add("zone", "must name an IANA time zone such as Europe/Paris or UTC")
		return nil
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		c.add("zone", "%q is no IANA time zone; write one such as Europe/Paris or UTC", name)
		return nil
	}
	return location
}

// versions checks each version and their order.
func (c *checker) versions(versions []Version) {
	if len(versions) == 0 {
		c.add("versions", "at least one is needed")
	}
	for i, v := range versions {
		path := fmt.Sprintf("versions[%d]", i)
		c.from(path+".from", versions, i)
		c.week(path+".week", v.Week)
		c.regions(path+".regions", v.Regions)
		c.dates(path, v)
	}
}

// from checks that the version at index i begins after the one before it.
func (c *checker) from(path string, versions []Version, i int) {
	from := versions[i].From
	switch {
	case i == 0 && from.IsZero():
	case !from.exists():
		c.add(path, "must be a day of the calendar such as 2026-01-01")
	case i > 0 && from.Compare(versions[i-1].From) <= 0:
		c.add(path, "must be later than the version before it, which begins on %s", versions[i-1].From)
	}
}

// week checks the hours of every weekday, and that there are any.
func (c *checker) week(path string, week Week) {
	open := false
	for day, hours := range week {
		open = open || len(hours) > 0
		c.hours(path+"."+strings.ToLower(time.Weekday(day).String()), hours)
	}
	if !open {
		c.add(path, "has no working hours: no clock on this calendar would ever move")
	}
}

// hours checks one date's intervals: each for itself, then that none overlap.
func (c *checker) hours(path string, hours []Interval) {
	sound := true
	for i, h := range hours {
		if problem := h.problem(); problem != "" {
			c.add(fmt.Sprintf("%s[%d]", path, i), "%s %s", h, problem)
			sound = false
		}
	}
	if !sound {
		return
	}
	sorted := joined(hours)
	for i := 1; i < len(sorted); i++ {
		if sorted[i].From < sorted[i-1].To {
			c.add(path, "%s and %s overlap", sorted[i-1], sorted[i])
		}
	}
}

// regions checks that each code is known and named once.
func (c *checker) regions(path string, codes []string) {
	for i, code := range codes {
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, known := regions[code]; !known {
			c.add(at, "%q has no holiday table; the codes are lower case like us, gb, fr, de-by", code)
		}
		if slices.Contains(codes[:i], code) {
			c.add(at, "%q is named twice", code)
		}
	}
}

// dates checks the closed and special dates of v: that they exist and that each is said once.
func (c *checker) dates(path string, v Version) {
	seen := map[Date]string{}
	check := func(at string, d Date) {
		if !d.exists() {
			c.add(at, "must be a day of the calendar such as 2026-12-24")
			return
		}
		if first, twice := seen[d]; twice {
			c.add(at, "%s is already in %s", d, first)
			return
		}
		seen[d] = at
	}
	for i, d := range v.Closed {
		check(fmt.Sprintf("%s.closed[%d]", path, i), d)
	}
	for i, s := range v.Special {
		at := fmt.Sprintf("%s.special[%d]", path, i)
		check(at, s.Date)
		if len(s.Hours) == 0 {
			c.add(at+".hours", "are missing; a date without hours belongs into closed")
		}
		c.hours(at+".hours", s.Hours)
	}
}
