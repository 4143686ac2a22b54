package calendar_test

import (
	"slices"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"pgregory.net/rapid"
)

// counter is the other implementation: it asks for every minute whether the wall clock stands in working hours. It shares
// nothing with the package but the definition.
type counter struct {
	definition calendar.Definition
	zone       *time.Location
}

// newCounter returns the counter of a sound definition.
func newCounter(t rapid.TB, d calendar.Definition) counter {
	t.Helper()
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return counter{definition: d, zone: zone}
}

// working reports whether the minute that begins at t is worked. Holidays by region are not known here.
func (c counter) working(t time.Time) bool {
	local := t.In(c.zone)
	date := local.Format(time.DateOnly)
	version := c.definition.Versions[0]
	for _, v := range c.definition.Versions[1:] {
		if date >= v.From.String() {
			version = v
		}
	}
	hours := version.Week[local.Weekday()]
	for _, d := range version.Closed {
		if d.String() == date {
			hours = nil
		}
	}
	for _, s := range version.Special {
		if s.Date.String() == date {
			hours = s.Hours
		}
	}
	minute := local.Hour()*60 + local.Minute()
	return slices.ContainsFunc(hours, func(i calendar.Interval) bool { return i.From <= minute && minute < i.To })
}

// between counts the working time from a to b minute by minute, with the parts of the first and last minute.
func (c counter) between(a, b time.Time) time.Duration {
	var sum time.Duration
	for minute := a.Truncate(time.Minute); a.Before(b) && minute.Before(b); minute = minute.Add(time.Minute) {
		if !c.working(minute) {
			continue
		}
		from, to := minute, minute.Add(time.Minute)
		if from.Before(a) {
			from = a
		}
		if to.After(b) {
			to = b
		}
		sum += to.Sub(from)
	}
	return sum
}

// around names the weeks in which the zones do what is hard: clocks put forward and back, by an hour and by half of one, at
// midnight, at a minute past it, and a date that never was.
var around = []struct {
	zone string
	at   time.Time
}{
	{"Europe/Paris", utc("2026-03-29T01:00")},
	{"Europe/Paris", utc("2026-10-25T01:00")},
	{"America/New_York", utc("2026-03-08T07:00")},
	{"America/New_York", utc("2026-11-01T06:00")},
	{"Australia/Lord_Howe", utc("2026-04-04T15:00")},
	{"Australia/Lord_Howe", utc("2026-10-03T15:30")},
	{"Asia/Kolkata", utc("2026-08-15T00:00")},
	{"Pacific/Apia", utc("2011-12-30T10:00")},
	{"Pacific/Apia", utc("2020-12-31T10:00")},
	{"Pacific/Kwajalein", utc("1993-08-21T12:00")},
	{"America/Sao_Paulo", utc("2018-11-04T03:00")},
	{"America/Sao_Paulo", utc("2018-02-18T02:00")},
	{"America/Havana", utc("2026-11-01T05:00")},
	{"America/St_Johns", utc("2010-11-07T02:31")},
	{"Pacific/Kiritimati", utc("2026-01-01T00:00")},
	{"Europe/Paris", utc("2040-12-31T12:00")},
	{"Australia/Lord_Howe", utc("2044-12-31T12:00")},
	{"UTC", utc("2027-12-31T23:59")},
}

// utc returns the instant written like 2026-03-29T01:00.
func utc(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

// hoursOf draws sorted, disjoint intervals, often ones that touch midnight.
func hoursOf(t *rapid.T, label string) []calendar.Interval {
	edges := rapid.SliceOfNDistinct(rapid.OneOf(rapid.SampledFrom([]int{0, 60, 150, 180, 360, 540, 1020, 1320, 1440}),
		rapid.IntRange(0, 1440)), 0, 6, rapid.ID[int]).Draw(t, label)
	slices.Sort(edges)
	var hours []calendar.Interval
	for i := 0; i+1 < len(edges); i += 2 {
		hours = append(hours, calendar.Interval{From: edges[i], To: edges[i+1]})
	}
	return hours
}

// versionOf draws a version with own dates near the day.
func versionOf(t *rapid.T, near calendar.Date) calendar.Version {
	var v calendar.Version
	for day := range v.Week {
		v.Week[day] = hoursOf(t, "hours")
	}
	if v.Week[1] == nil {
		v.Week[1] = []calendar.Interval{{From: 540, To: 1020}}
	}
	days := rapid.SliceOfNDistinct(rapid.IntRange(-6, 6), 0, 3, rapid.ID[int]).Draw(t, "own dates")
	for i, d := range days {
		if hours := hoursOf(t, "special"); i > 0 && hours != nil {
			v.Special = append(v.Special, calendar.Special{Date: near.AddDays(d), Hours: hours})
			continue
		}
		v.Closed = append(v.Closed, near.AddDays(d))
	}
	return v
}

// definitionOf draws a calendar in a zone near something hard, and the instant of that.
func definitionOf(t *rapid.T) (calendar.Definition, time.Time) {
	hard := rapid.SampledFrom(around).Draw(t, "around")
	near := calendar.DateOf(hard.at)
	d := calendar.Definition{Name: "drawn", Zone: hard.zone, Versions: []calendar.Version{versionOf(t, near)}}
	if rapid.Bool().Draw(t, "two versions") {
		v := versionOf(t, near)
		v.From = near.AddDays(rapid.IntRange(-3, 3).Draw(t, "from"))
		d.Versions = append(d.Versions, v)
	}
	return d, hard.at
}

// spanOf draws two instants around the hard one.
func spanOf(t *rapid.T, hard time.Time) (a, b time.Time) {
	second := rapid.IntRange(-6*86400, 6*86400)
	a = hard.Add(time.Duration(second.Draw(t, "a")) * time.Second)
	b = hard.Add(time.Duration(second.Draw(t, "b"))*time.Second + time.Duration(rapid.IntRange(0, 999).Draw(t, "ms"))*time.Millisecond)
	return a, b
}

func made(t rapid.TB, d calendar.Definition) *calendar.Calendar {
	t.Helper()
	c, err := calendar.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func agreesWithTheMinuteCount(t *rapid.T) {
	definition, hard := definitionOf(t)
	a, b := spanOf(t, hard)
	c, count := made(t, definition), newCounter(t, definition)
	want := count.between(a, b)
	if got := c.Between(a, b); got != want {
		t.Fatalf("Between(%v, %v) = %v, counted %v", a, b, got, want)
	}
	if got := c.Working(a); got != count.working(a) {
		t.Fatalf("Working(%v) = %v, counted %v", a, got, !got)
	}
	if want <= 0 {
		return
	}
	end := c.Add(a, want)
	if got := count.between(a, end); got != want || end.After(b) {
		t.Fatalf("Add(%v, %v) = %v: %v is worked until then", a, want, end, got)
	}
	if got := count.between(a, end.Add(-time.Millisecond)); got != want-time.Millisecond {
		t.Fatalf("Add(%v, %v) = %v is not the earliest such instant", a, want, end)
	}
}

func TestEverySpanCountsAsMinuteByMinute(t *testing.T) {
	rapid.Check(t, agreesWithTheMinuteCount)
}

// FuzzBetween hunts for a definition and a span that count otherwise than minute by minute.
func FuzzBetween(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(agreesWithTheMinuteCount))
}

func TestSpansAddUpWhereverTheyAreParted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		definition, hard := definitionOf(rt)
		c := made(t, definition)
		instants := make([]time.Time, 3)
		for i := range instants {
			instants[i] = hard.Add(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(rt, "seconds")) * time.Second)
		}
		slices.SortFunc(instants, time.Time.Compare)
		first, second := c.Between(instants[0], instants[1]), c.Between(instants[1], instants[2])
		if whole := c.Between(instants[0], instants[2]); first+second != whole || first < 0 || second < 0 {
			rt.Fatalf("%v + %v is not %v", first, second, whole)
		}
	})
}

func TestAddAndBetweenUndoEachOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		definition, hard := definitionOf(rt)
		c := made(t, definition)
		d := time.Duration(rapid.Int64Range(1, int64(20000*time.Hour)).Draw(rt, "d"))
		end := c.Add(hard, d)
		if got := c.Between(hard, end); got != d {
			rt.Fatalf("%v are worked until %v, which is Add of %v", got, end, d)
		}
	})
}

func TestALaterStartNeverEndsABusinessDayPromiseEarlier(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		definition, hard := definitionOf(rt)
		c := made(t, definition)
		a, b := spanOf(rt, hard)
		if b.Before(a) {
			a, b = b, a
		}
		n := rapid.IntRange(0, 6).Draw(rt, "days")
		early, late := c.AddDays(a, n), c.AddDays(b, n)
		if late.Before(early) {
			rt.Fatalf("%d days from %v end at %v, from %v at %v", n, a, early, b, late)
		}
		if early.Before(a) || c.AddDays(a, n+1).Before(early) {
			rt.Fatalf("%d days from %v end at %v: too early", n, a, early)
		}
	})
}

// addDays finds the end of a promise in business days by listing the minutes worked from two days before start, for
// hours that no night shift joins across midnight; false when it is not found within 12 days.
func (c counter) addDays(start time.Time, days int) (time.Time, bool) {
	var today []time.Time // the minutes worked on the date looked at
	date, position, begun := "", 0, false
	for minute := start.Add(-2 * 24 * time.Hour); minute.Before(start.Add(12 * 24 * time.Hour)); minute = minute.Add(time.Minute) {
		if !c.working(minute) {
			continue
		}
		if d := max(minute.In(c.zone).Format(time.DateOnly), date); d != date {
			if begun && days == 0 {
				return today[len(today)-1].Add(time.Minute), true
			}
			if begun {
				days--
			}
			date, today = d, nil
		}
		if !begun && !minute.Before(start) {
			position, begun = len(today), true
		}
		today = append(today, minute)
		if begun && days == 0 && len(today) == position+1 {
			return minute, true
		}
	}
	return time.Time{}, false
}

// notFromMidnight moves a beginning at 00:00 by a minute, so that no night shift is joined. The hours are at least two
// minutes then.
func notFromMidnight(hours []calendar.Interval) {
	if len(hours) > 0 && hours[0].From == 0 {
		hours[0] = calendar.Interval{From: 1, To: max(hours[0].To, 2)}
	}
}

func TestBusinessDaysEndWhereTheMinutesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		definition, hard := definitionOf(t)
		for _, v := range definition.Versions {
			for _, hours := range v.Week {
				notFromMidnight(hours)
			}
			for _, special := range v.Special {
				notFromMidnight(special.Hours)
			}
		}
		start := hard.Add(time.Duration(rapid.IntRange(-5*1440, 5*1440).Draw(t, "minute")) * time.Minute).Truncate(time.Minute)
		days := rapid.IntRange(1, 3).Draw(t, "days")
		c := made(t, definition)
		want, found := newCounter(t, definition).addDays(start, days)
		if got := c.AddDays(start, days); found && !got.Equal(want) {
			t.Fatalf("%d days from %v end at %v, counted %v", days, start, got.UTC(), want.UTC())
		}
	})
}
