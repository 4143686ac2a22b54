package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/rickar/cal/v2"
)

// closedDays lists the dates of the year that a region takes from a calendar open on every day.
func closedDays(t *testing.T, region string, year int) []string {
	t.Helper()
	c := made(t, calendar.Definition{Name: "region", Zone: "UTC",
		Versions: []calendar.Version{{Week: calendar.AllDay(), Regions: []string{region}}}})
	var out []string
	for d := (calendar.Date{Year: year, Month: 1, Day: 1}); d.Year == year; d = d.AddDays(1) {
		noon := time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC)
		if c.Working(noon) == (len(c.Day(d).Hours) == 0) {
			t.Errorf("%s %v: Working and Day differ", region, d)
		}
		if !c.Working(noon) {
			out = append(out, d.String()[5:])
		}
	}
	return out
}

func TestHolidaysAreTheDaysThatGovernmentsPublished(t *testing.T) {
	for _, tt := range []struct {
		source, region string
		year           int
		want           string
	}{
		{"gov.uk/bank-holidays, England and Wales", "gb", 2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 12-26 12-27"},
		{"gov.uk/bank-holidays, England and Wales", "gb", 2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"},
		{"opm.gov federal holidays", "us", 2026, "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25"},
		{"service-public.fr jours fériés", "fr", 2026, "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25"},
		{"feiertage by law of all Länder", "de", 2026, "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26"},
	} {
		got := strings.Join(closedDays(t, tt.region, tt.year), " ")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %d (%s): %s", tt.region, tt.year, tt.source, diff)
		}
	}
}

func TestAHolidayObservedInTheYearBeforeIsKeptThere(t *testing.T) {
	days := closedDays(t, "us", 2021)
	if last := days[len(days)-1]; last != "12-31" {
		t.Errorf("New Year's Day 2022, a Saturday, is kept on %s", last)
	}
}

func TestEveryRegionHasHolidays(t *testing.T) {
	codes := calendar.Regions()
	for _, code := range codes {
		if got := len(closedDays(t, code, 2026)); got < 4 || got > 40 {
			t.Errorf("%s keeps %d days in 2026", code, got)
		}
	}
	for _, code := range strings.Fields("us gb fr de nl ca au ch it es be at ie pt se no dk fi pl jp nz de-by ch-zh au-nsw") {
		if !strings.Contains(" "+strings.Join(codes, " ")+" ", " "+code+" ") {
			t.Errorf("%s is missing", code)
		}
	}
}

func TestHolidaysDoNotDependOnTheMachinesZone(t *testing.T) {
	before := cal.DefaultLoc
	defer func() { cal.DefaultLoc = before }()
	for _, code := range calendar.Regions() {
		cal.DefaultLoc = time.UTC
		want := closedDays(t, code, 2026)
		for _, zone := range []string{"America/Sao_Paulo", "Pacific/Kiritimati", "Asia/Beirut", "America/Havana"} {
			location, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			cal.DefaultLoc = location
			if diff := cmp.Diff(want, closedDays(t, code, 2026)); diff != "" {
				t.Errorf("%s on a machine in %s: %s", code, zone, diff)
			}
		}
	}
}
