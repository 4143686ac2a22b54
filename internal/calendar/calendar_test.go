package calendar_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/calendar"
)

// office is Monday to Friday with a break, 8 hours a day, in the zone.
func office(zone string) calendar.Definition {
	hours := []calendar.Interval{{From: 9 * 60, To: 12 * 60}, {From: 13 * 60, To: 18 * 60}}
	week := calendar.Weekdays(hours, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	return calendar.Definition{Name: "office", Zone: zone, Versions: []calendar.Version{{Week: week}}}
}

// nights is 22:00 to 06:00, seven days a week.
func nights(zone string) calendar.Definition {
	week := calendar.AllDay()
	for day := range week {
		week[day] = []calendar.Interval{{From: 0, To: 6 * 60}, {From: 22 * 60, To: 24 * 60}}
	}
	return calendar.Definition{Name: "nights", Zone: zone, Versions: []calendar.Version{{Week: week}}}
}

// around the clock, but with dates.
func allDay(zone string) calendar.Definition {
	return calendar.Definition{Name: "all-day", Zone: zone, Versions: []calendar.Version{{Week: calendar.AllDay(),
		Closed: []calendar.Date{{Year: 2000, Month: 1, Day: 1}}}}}
}

// local returns the wall clock of the zone written like 2026-03-29 09:00.
func local(t testing.TB, zone, s string) time.Time {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", s, location)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWorkingTimeBetweenTwoInstants(t *testing.T) {
	const paris, newYork, lordHowe, apia = "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"
	for _, tt := range []struct {
		name       string
		definition calendar.Definition
		from, to   string
		want       time.Duration
	}{
		{"a day with its break", office(paris), "2026-06-01 00:00", "2026-06-02 00:00", 8 * time.Hour},
		{"inside the break nothing passes", office(paris), "2026-06-01 12:00", "2026-06-01 13:00", 0},
		{"a weekend is not worked", office(paris), "2026-06-05 18:00", "2026-06-08 09:00", 0},
		{"the opening minute counts and the closing does not", office(paris), "2026-06-01 08:59", "2026-06-01 09:01", time.Minute},
		{"the end before the start is nothing", office(paris), "2026-06-02 09:00", "2026-06-01 09:00", 0},
		{"clocks forward shorten a seven-day night", nights(paris), "2026-03-28 22:00", "2026-03-29 06:00", 7 * time.Hour},
		{"clocks back lengthen a seven-day night", nights(paris), "2026-10-24 22:00", "2026-10-25 06:00", 9 * time.Hour},
		{"clocks forward in New York", nights(newYork), "2026-03-07 22:00", "2026-03-08 06:00", 7 * time.Hour},
		{"clocks back in New York", nights(newYork), "2026-10-31 22:00", "2026-11-01 06:00", 9 * time.Hour},
		{"a day of 23 hours", allDay(paris), "2026-03-29 00:00", "2026-03-30 00:00", 23 * time.Hour},
		{"a day of 25 hours", allDay(paris), "2026-10-25 00:00", "2026-10-26 00:00", 25 * time.Hour},
		{"half an hour forward", allDay(lordHowe), "2026-10-04 00:00", "2026-10-05 00:00", 23*time.Hour + 30*time.Minute},
		{"half an hour back", allDay(lordHowe), "2026-04-05 00:00", "2026-04-06 00:00", 24*time.Hour + 30*time.Minute},
		{"a date that never was", allDay(apia), "2011-12-29 00:00", "2012-01-01 00:00", 48 * time.Hour},
		{"its working day is not worked", office(apia), "2011-12-29 00:00", "2012-01-01 00:00", 8 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := made(t, tt.definition)
			from, to := local(t, c.Zone(), tt.from), local(t, c.Zone(), tt.to)
			if got := c.Between(from, to); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAddEndsAtTheClosingThatUsesTheTimeUp(t *testing.T) {
	c := made(t, office("Europe/Paris"))
	for _, tt := range []struct {
		start string
		d     time.Duration
		want  string
	}{
		{"2026-06-01 09:00", 8 * time.Hour, "2026-06-01 18:00"},
		{"2026-06-01 09:00", 3 * time.Hour, "2026-06-01 12:00"},
		{"2026-06-01 09:00", 3*time.Hour + time.Minute, "2026-06-01 13:01"},
		{"2026-06-05 17:30", time.Hour, "2026-06-08 09:30"},
		{"2026-06-06 11:00", time.Hour, "2026-06-08 10:00"},
		{"2026-06-06 11:00", 0, "2026-06-06 11:00"},
		{"2026-06-06 11:00", -time.Hour, "2026-06-06 11:00"},
		{"2025-12-31 17:00", 2 * time.Hour, "2026-01-01 10:00"},
	} {
		got := c.Add(local(t, c.Zone(), tt.start), tt.d)
		if want := local(t, c.Zone(), tt.want); !got.Equal(want) {
			t.Errorf("%v from %s: got %v, want %v", tt.d, tt.start, got, want)
		}
	}
}

func TestBusinessDaysEndAtTheSamePositionDaysLater(t *testing.T) {
	short := office("Europe/Paris")
	short.Versions[0].Special = []calendar.Special{{Date: calendar.Date{Year: 2026, Month: 12, Day: 24},
		Hours: []calendar.Interval{{From: 9 * 60, To: 12 * 60}}}}
	short.Versions[0].Regions = []string{"fr"}
	weekdayNights := nights("Europe/Paris")
	weekdayNights.Versions[0].Week[time.Sunday] = nil
	weekdayNights.Versions[0].Week[time.Monday] = []calendar.Interval{{From: 22 * 60, To: 24 * 60}}
	weekdayNights.Versions[0].Week[time.Saturday] = []calendar.Interval{{From: 0, To: 6 * 60}}
	for _, tt := range []struct {
		name       string
		definition calendar.Definition
		start      string
		days       int
		want       string
	}{
		{"same time of day", short, "2026-06-01 10:15", 2, "2026-06-03 10:15"},
		{"over a weekend", short, "2026-06-04 17:00", 2, "2026-06-08 17:00"},
		{"over a holiday", short, "2026-07-13 17:00", 1, "2026-07-15 17:00"},
		{"from the opening", short, "2026-06-01 09:00", 1, "2026-06-02 09:00"},
		{"from a weekend: as from the next opening", short, "2026-06-06 11:00", 2, "2026-06-10 09:00"},
		{"from the closing: as from the next opening", short, "2026-06-01 18:00", 1, "2026-06-03 09:00"},
		{"from a holiday: as from the next opening", short, "2026-07-14 10:00", 1, "2026-07-16 09:00"},
		{"from the break: as from its end", short, "2026-06-01 12:30", 1, "2026-06-02 13:00"},
		{"from the end of the break", short, "2026-06-01 13:00", 1, "2026-06-02 13:00"},
		{"onto half a day that is long enough", short, "2026-12-23 10:00", 1, "2026-12-24 10:00"},
		{"onto half a day that is too short: its close", short, "2026-12-23 17:00", 1, "2026-12-24 12:00"},
		{"across half a day", short, "2026-12-23 17:00", 2, "2026-12-28 17:00"},
		{"no days: the next opening", short, "2026-06-06 11:00", 0, "2026-06-08 09:00"},
		{"fewer than no days: the next opening", short, "2026-06-01 11:00", -3, "2026-06-01 11:00"},
		{"a night shift is one day", weekdayNights, "2026-06-01 23:00", 1, "2026-06-02 23:00"},
		{"after midnight it is still the evening's day", weekdayNights, "2026-06-02 01:00", 1, "2026-06-03 01:00"},
		{"from Friday night over the weekend", weekdayNights, "2026-06-06 05:00", 1, "2026-06-09 05:00"},
		{"a night that loses an hour ends at its close", nights("Europe/Paris"), "2026-03-28 05:30", 1, "2026-03-29 06:00"},
		{"the date of a night that gains an hour", nights("Europe/Paris"), "2026-10-24 05:30", 1, "2026-10-25 04:30"},
		{"around the clock a day is a date", allDay("Europe/Paris"), "2026-06-01 05:30", 3, "2026-06-04 05:30"},
		{"around the clock over a clock change", allDay("Europe/Paris"), "2026-03-28 05:30", 1, "2026-03-29 06:30"},
		{"a date that never was is no day", office("Pacific/Apia"), "2011-12-29 10:00", 1, "2012-01-02 10:00"},
		{"across the new year", short, "2026-12-31 10:00", 1, "2027-01-04 10:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := made(t, tt.definition)
			got := c.AddDays(local(t, c.Zone(), tt.start), tt.days)
			if want := local(t, c.Zone(), tt.want); !got.Equal(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestANewVersionDoesNotRewriteAnEarlierPeriod(t *testing.T) {
	before := office("Europe/Paris")
	after := office("Europe/Paris")
	after.Versions = append(after.Versions, calendar.Version{From: calendar.Date{Year: 2026, Month: 7, Day: 1},
		Week: calendar.AllDay(), Regions: []string{"fr"}})
	old, renewed := made(t, before), made(t, after)
	june, july, august := local(t, "Europe/Paris", "2026-05-01 00:00"), local(t, "Europe/Paris", "2026-07-01 00:00"),
		local(t, "Europe/Paris", "2026-08-01 00:00")
	if a, b := old.Between(june, july), renewed.Between(june, july); a != b {
		t.Errorf("May and June changed from %v to %v", a, b)
	}
	if got, want := renewed.Between(july, august), 30*24*time.Hour; got != want {
		t.Errorf("July around the clock without the 14th: got %v, want %v", got, want)
	}
	if got := renewed.VersionAt(july.Add(-time.Second)); !got.IsZero() {
		t.Errorf("the last second of June is of version %v", got)
	}
	if got := renewed.VersionAt(july).String(); got != "2026-07-01" {
		t.Errorf("the first instant of July is of version %q", got)
	}
}

func TestTheFirstVersionIsInForceBeforeItsDateToo(t *testing.T) {
	d := office("UTC")
	d.Versions[0].From = calendar.Date{Year: 2026, Month: 1, Day: 1}
	c := made(t, d)
	if got := c.Between(utc("2019-06-03T00:00"), utc("2019-06-04T00:00")); got != 8*time.Hour {
		t.Errorf("a Monday of 2019 has %v", got)
	}
	if got := c.VersionAt(utc("2019-06-03T00:00")); got != d.Versions[0].From {
		t.Errorf("it is of version %v", got)
	}
}

func TestALeapYearFarAheadIsCountedToItsEnd(t *testing.T) {
	c := made(t, allDay("Europe/Paris"))
	if got, want := c.Between(utc("2040-01-01T00:00"), utc("2041-01-01T00:00")), 366*24*time.Hour; got != want {
		t.Errorf("2040 has %v", got)
	}
}

func TestADefinitionChangedAfterwardsChangesNoCalendar(t *testing.T) {
	d := office("UTC")
	c := made(t, d)
	d.Versions[0].Week[time.Monday][0].To = 10 * 60
	if got := c.Between(utc("2026-06-01T00:00"), utc("2026-06-02T00:00")); got != 8*time.Hour {
		t.Errorf("Monday has %v", got)
	}
}

func TestAlwaysCountsEveryInstant(t *testing.T) {
	c, at := calendar.Always(), utc("2026-06-06T11:00")
	if !c.AlwaysOpen() || c.Name() != "24x7" || c.Zone() != "UTC" || c.UsualDay() != 24*time.Hour {
		t.Errorf("it calls itself %s in %s", c.Name(), c.Zone())
	}
	if !c.Working(at) || c.Next(at) != at || c.Add(at, time.Hour) != at.Add(time.Hour) || c.Between(at, at.Add(time.Hour)) != time.Hour {
		t.Error("an hour is not an hour")
	}
	if got := c.AddDays(at, 2); !got.Equal(at.Add(48 * time.Hour)) {
		t.Errorf("two days end at %v", got)
	}
	if made(t, office("UTC")).AlwaysOpen() || made(t, allDay("UTC")).AlwaysOpen() {
		t.Error("an office or a calendar with a closed date is not always open")
	}
}

func TestInstantsFarAwayAreAnswered(t *testing.T) {
	c := made(t, office("UTC"))
	end := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	beyond := time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.Working(beyond) || !c.Next(beyond).Equal(end) || !c.AddDays(beyond, 1).Equal(end) || !c.Add(beyond, time.Hour).Equal(end) {
		t.Error("beyond the year 9999 there is no working time")
	}
	if got := c.AddDays(time.Date(9999, 12, 31, 10, 0, 0, 0, time.UTC), 1); !got.Equal(end) {
		t.Errorf("the day after the last ends at %v", got)
	}
	if got := c.Between(time.Time{}, beyond); got != 1<<63-1 {
		t.Errorf("eight thousand years are %v", got)
	}
	before := time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := c.AddDays(before, 1); got.Year() != 1 {
		t.Errorf("before the first year: %v", got)
	}
	if got := c.Between(time.Date(9990, 1, 1, 0, 0, 0, 0, time.UTC), beyond); got <= 0 {
		t.Errorf("the last decade has %v", got)
	}
}

func TestTheDayTellsItsHoursAndWhy(t *testing.T) {
	d := office("Europe/Paris")
	half := []calendar.Interval{{From: 9 * 60, To: 12 * 60}}
	d.Versions[0].Regions = []string{"fr"}
	d.Versions[0].Closed = []calendar.Date{{Year: 2026, Month: 7, Day: 13}}
	d.Versions[0].Special = []calendar.Special{{Date: calendar.Date{Year: 2026, Month: 12, Day: 24}, Hours: half}}
	c := made(t, d)
	for date, want := range map[string]calendar.Day{
		"2026-07-12": {},
		"2026-07-13": {Reason: "closed"},
		"2026-07-14": {Reason: "Fête Nationale"},
		"2026-07-15": {Hours: d.Versions[0].Week[time.Wednesday]},
		"2026-12-24": {Hours: half, Reason: "special hours"},
		"1969-12-29": {Hours: d.Versions[0].Week[time.Monday]},
	} {
		parsed, err := calendar.ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		want.Date = parsed
		if diff := cmp.Diff(want, c.Day(parsed)); diff != "" {
			t.Errorf("%s: %s", date, diff)
		}
	}
}

func TestTheUsualDayIsWhatMostWeekdaysHave(t *testing.T) {
	d := office("UTC")
	d.Versions[0].Week[time.Friday] = []calendar.Interval{{From: 9 * 60, To: 12 * 60}}
	if got := made(t, d).UsualDay(); got != 8*time.Hour {
		t.Errorf("got %v", got)
	}
	d.Versions[0].Week = calendar.Weekdays([]calendar.Interval{{From: 0, To: 60}}, time.Monday)
	d.Versions[0].Week[time.Tuesday] = []calendar.Interval{{From: 0, To: 120}}
	if got := made(t, d).UsualDay(); got != 2*time.Hour {
		t.Errorf("of two equally frequent ones: got %v", got)
	}
}

func BenchmarkBetweenTenYears(b *testing.B) {
	d := office("Europe/Paris")
	d.Versions[0].Regions = []string{"fr"}
	c := made(b, d)
	from, to := utc("2016-03-01T10:00"), utc("2026-03-01T10:00")
	for b.Loop() {
		c.Between(from, to)
	}
}

func BenchmarkAddTenYears(b *testing.B) {
	c := made(b, office("Europe/Paris"))
	from := utc("2016-03-01T10:00")
	for b.Loop() {
		c.Add(from, 20000*time.Hour)
	}
}

func BenchmarkAddTwoBusinessDays(b *testing.B) {
	c := made(b, office("Europe/Paris"))
	from := utc("2016-03-01T10:00")
	for b.Loop() {
		c.AddDays(from, 2)
	}
}

func BenchmarkTenYearsOnANewCalendar(b *testing.B) {
	d := office("Europe/Paris")
	d.Versions[0].Regions = []string{"fr"}
	from, to := utc("2016-03-01T10:00"), utc("2026-03-01T10:00")
	for b.Loop() {
		made(b, d).Between(from, to)
	}
}
