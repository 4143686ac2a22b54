package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/report"
)

// inZone is a calendar of the zone on which people work from Monday to Friday.
func inZone(t *testing.T, zone string) *calendar.Calendar {
	t.Helper()
	var v calendar.Version
	for _, day := range []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday} {
		v.Week[day] = calendar.AllDay()[day]
	}
	c, err := calendar.New(calendar.Definition{Name: "work", Zone: zone, Versions: []calendar.Version{v}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ordered is an order of the kind.
func ordered(kind report.Kind, s agenda.Schedule) report.Order {
	s.Every = agenda.Every(kind)
	if s.Calendar == nil {
		s.Calendar = calendar.Always()
	}
	within, err := kpi.ParseTarget("12h")
	if err != nil {
		panic(err)
	}
	return report.Order{Kind: kind, Task: agenda.Task{Name: "it", Schedule: s, Within: within}}
}

// turns writes what came due as "period at time".
func turns(t *testing.T, o report.Order, last, now string) []string {
	t.Helper()
	due, err := o.Turns(at(t, last), at(t, now))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range due {
		all = append(all, d.Period.Name+" at "+d.Opens.Format("01-02 15:04"))
	}
	return all
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	when, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestAReportIsDueOnceItsPeriodIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		order     report.Order
		last, now string
		want      []string
	}{
		"a month, on its day": {
			ordered(report.Monthly, agenda.Schedule{Day: 2, Minute: 8 * 60}), "2026-10-15 00:00", "2026-11-02 08:00", []string{"2026-10 at 11-02 08:00"},
		},
		"not a minute before": {ordered(report.Monthly, agenda.Schedule{Day: 2, Minute: 8 * 60}), "2026-10-15 00:00", "2026-11-02 07:59", nil},
		"not twice":           {ordered(report.Monthly, agenda.Schedule{Day: 2}), "2026-11-02 00:00", "2026-11-30 00:00", nil},
		"a day that is no working day": {
			ordered(report.Monthly, agenda.Schedule{Day: 1, Minute: 8 * 60, Calendar: inZone(t, "UTC")}), "2026-10-15 00:00", "2026-11-03 00:00",
			[]string{"2026-10 at 11-02 08:00"}, // the first is a Sunday
		},
		"a local day that begins before the one in UTC": {
			ordered(report.Daily, agenda.Schedule{Calendar: inZone(t, "Asia/Tokyo")}), "2026-11-24 00:00", "2026-11-25 00:00", []string{"2026-11-24 at 11-25 00:00"},
		},
		"and not while that lasts": {
			ordered(report.Daily, agenda.Schedule{Calendar: inZone(t, "Asia/Tokyo")}), "2026-11-24 00:00", "2026-11-24 23:59", nil,
		},
		"a local day that begins after it": {
			ordered(report.Daily, agenda.Schedule{Calendar: inZone(t, "America/New_York")}), "2026-11-24 05:00", "2026-11-25 05:00", []string{"2026-11-24 at 11-25 05:00"},
		},
		"a week":            {ordered(report.Weekly, agenda.Schedule{Weekday: time.Monday}), "2026-11-20 00:00", "2026-11-23 00:00", []string{"2026-W47 at 11-23 00:00"}},
		"a quarter":         {ordered(report.Quarterly, agenda.Schedule{Day: 5}), "2026-09-20 00:00", "2026-10-05 00:00", []string{"2026-Q3 at 10-05 00:00"}},
		"a year":            {ordered(report.Yearly, agenda.Schedule{}), "2026-12-20 00:00", "2027-01-01 00:00", []string{"2026 at 01-01 00:00"}},
		"all of an absence": {ordered(report.Daily, agenda.Schedule{}), "2026-11-22 00:00", "2026-11-24 09:00", []string{"2026-11-22 at 11-23 00:00", "2026-11-23 at 11-24 00:00"}},
		"the first start, in time": {
			ordered(report.Daily, agenda.Schedule{}), "", "2026-11-24 11:59", []string{"2026-11-23 at 11-24 00:00"},
		},
		"the first start, too late": {ordered(report.Daily, agenda.Schedule{}), "", "2026-11-24 12:00", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, turns(t, tt.order, tt.last, tt.now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAReportIsNamedByThePeriodThatItIsAbout(t *testing.T) {
	o := ordered(report.Monthly, agenda.Schedule{})
	due, err := o.Turns(at(t, "2026-10-15 00:00"), at(t, "2026-11-01 00:00"))
	if err != nil || len(due) != 1 {
		t.Fatalf("%v, %v", due, err)
	}
	a := agenda.Agenda{Name: "reports"}
	if got := a.Subject(o.Task, o.Occurrence(due[0])); got != "reports/it@2026-10" {
		t.Error(got)
	}
}
