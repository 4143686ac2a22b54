package calendar_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
)

// problems returns what New finds wrong with d.
func problems(t *testing.T, d calendar.Definition) []calendar.Problem {
	t.Helper()
	_, err := calendar.New(d)
	var all *calendar.ProblemsError
	if !errors.As(err, &all) || !errors.Is(err, access.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	return all.Problems
}

func TestAllProblemsOfADefinitionAreReportedAtOnce(t *testing.T) {
	day := calendar.Date{Year: 2026, Month: 2, Day: 30}
	christmas := calendar.Date{Year: 2026, Month: 12, Day: 25}
	week := calendar.Weekdays([]calendar.Interval{{From: 600, To: 540}, {From: -1, To: 3}, {From: 0, To: 1441}}, time.Monday)
	week[time.Tuesday] = []calendar.Interval{{From: 540, To: 700}, {From: 60, To: 541}}
	d := calendar.Definition{Name: "Office Paris", Zone: "Europe/Pari", Versions: []calendar.Version{
		{From: christmas, Week: week, Regions: []string{"fr", "FR", "fr"}, Closed: []calendar.Date{day, christmas}},
		{From: christmas, Special: []calendar.Special{{Date: christmas}, {Date: christmas, Hours: week[time.Tuesday]}}},
		{},
	}}
	want := []string{"name", "zone", "versions[0].week.monday[0]", "versions[0].week.monday[1]", "versions[0].week.monday[2]",
		"versions[0].week.tuesday", "versions[0].regions[1]", "versions[0].regions[2]", "versions[0].closed[0]",
		"versions[1].from", "versions[1].week", "versions[1].special[0].hours", "versions[1].special[1]",
		"versions[1].special[1].hours", "versions[2].from", "versions[2].week"}
	var got []string
	for _, p := range problems(t, d) {
		got = append(got, p.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyCalendarIsRefused(t *testing.T) {
	want := []calendar.Problem{{Path: "versions[0].week", What: "has no working hours: no clock on this calendar would ever move"}}
	if diff := cmp.Diff(want, problems(t, calendar.Definition{Name: "x", Zone: "UTC", Versions: []calendar.Version{{}}})); diff != "" {
		t.Error(diff)
	}
	want = []calendar.Problem{{Path: "versions", What: "at least one is needed"}}
	if diff := cmp.Diff(want, problems(t, calendar.Definition{Name: "x", Zone: "UTC"})); diff != "" {
		t.Error(diff)
	}
}

func TestTheMachinesOwnZoneIsRefused(t *testing.T) {
	for _, zone := range []string{"", "Local"} {
		d := office(zone)
		if got := problems(t, d); len(got) != 1 || got[0].Path != "zone" {
			t.Errorf("%q: %v", zone, got)
		}
	}
}

func TestTheErrorNamesTheCalendarAndEachProblem(t *testing.T) {
	d := office("")
	d.Versions[0].Regions = []string{"xx"}
	_, err := calendar.New(d)
	const want = `calendar "office": zone: must name an IANA time zone such as Europe/Paris or UTC; ` +
		`versions[0].regions[0]: "xx" has no holiday table; the codes are lower case like us, gb, fr, de-by`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestUnsortedAndTouchingHoursAreOneDay(t *testing.T) {
	d := office("UTC")
	d.Versions[0].Week[time.Monday] = []calendar.Interval{{From: 720, To: 1020}, {From: 540, To: 720}}
	got := made(t, d).Day(calendar.Date{Year: 2026, Month: 6, Day: 1}).Hours
	if diff := cmp.Diff([]calendar.Interval{{From: 540, To: 1020}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDatesAndHoursAreReadAndWritten(t *testing.T) {
	for _, s := range []string{"2026-12-24", "0001-01-01", ""} {
		var d calendar.Date
		if err := d.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if text, err := d.MarshalText(); err != nil || string(text) != s {
			t.Errorf("%q became %q: %v", s, text, err)
		}
	}
	for _, s := range []string{"00:00-24:00", "09:00-12:30", "23:59-24:00"} {
		var i calendar.Interval
		if err := i.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if text, err := i.MarshalText(); err != nil || string(text) != s {
			t.Errorf("%q became %q: %v", s, text, err)
		}
	}
}

func TestWhatIsNoDateOrNoHoursIsRefused(t *testing.T) {
	for _, s := range []string{"2026-02-30", "24.12.2026", "2026-1-1", "today"} {
		var d calendar.Date
		if err := d.UnmarshalText([]byte(s)); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "9:00-17:00", "09:00-09:00", "22:00-06:00", "09:60-10:00", "09:00-24:01", "09:00–17:00"} {
		var i calendar.Interval
		if err := i.UnmarshalText([]byte(s)); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// FuzzParseInterval looks for hours that are accepted and unsound, or not written back as they were read.
func FuzzParseInterval(f *testing.F) {
	for _, s := range []string{"09:00-17:00", "00:00-24:00", "24:00-24:00", "99:99-99:99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := calendar.ParseInterval(s)
		if err == nil && (i.String() != s || i.From < 0 || i.From >= i.To || i.To > 1440) {
			t.Errorf("%q became %+v", s, i)
		}
	})
}
