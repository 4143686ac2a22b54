package agenda_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests have zones whatever the machine has

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ticket"
	"pgregory.net/rapid"
)

// office is a calendar of 09:00 to 18:00 in Paris, with French holidays.
func office(t rapid.TB) *calendar.Calendar {
	t.Helper()
	week := calendar.Weekdays([]calendar.Interval{{From: 540, To: 1080}}, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	c, err := calendar.New(calendar.Definition{Name: "office", Zone: "Europe/Paris", Versions: []calendar.Version{{Week: week, Regions: []string{"fr"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func paris(t rapid.TB, s string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func target(t rapid.TB, s string) kpi.Target {
	t.Helper()
	out, err := kpi.ParseTarget(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lines writes occurrences as "period local time".
func lines(t rapid.TB, all []agenda.Occurrence) []string {
	zone := paris(t, "2026-01-01 00:00").Location()
	var out []string
	for _, o := range all {
		out = append(out, o.Period+" "+o.Opens.In(zone).Format("Mon 02 15:04"))
	}
	return out
}

func TestWhenTasksOpen(t *testing.T) {
	for _, tt := range []struct {
		name     string
		schedule agenda.Schedule
		from, to string
		want     []string
	}{
		{"daily on working days only, over the change to summer time", agenda.Schedule{Every: agenda.Daily, Minute: 540}, "2026-03-27 12:00", "2026-03-31 12:00",
			[]string{"2026-03-30 Mon 30 09:00", "2026-03-31 Tue 31 09:00"}},
		{"not on a holiday", agenda.Schedule{Every: agenda.Daily, Minute: 540}, "2026-07-13 12:00", "2026-07-15 12:00", []string{"2026-07-15 Wed 15 09:00"}},
		{"weekly, moved by a holiday", agenda.Schedule{Every: agenda.Weekly, Weekday: time.Monday, Minute: 540}, "2026-04-01 00:00", "2026-04-14 00:00",
			[]string{"2026-W15 Tue 07 09:00", "2026-W16 Mon 13 09:00"}},
		{"monthly on the last day of a short month, moved to a working day", agenda.Schedule{Every: agenda.Monthly, Day: 31, Minute: 540}, "2026-02-03 00:00", "2026-04-30 23:00",
			[]string{"2026-02 Mon 02 09:00", "2026-03 Tue 31 09:00", "2026-04 Thu 30 09:00"}},
		{"quarterly, in the second month", agenda.Schedule{Every: agenda.Quarterly, Month: 2, Day: 10, Minute: 540}, "2026-01-01 00:00", "2026-12-31 00:00",
			[]string{"2026-Q1 Tue 10 09:00", "2026-Q2 Mon 11 09:00", "2026-Q3 Mon 10 09:00", "2026-Q4 Tue 10 09:00"}},
		{"yearly", agenda.Schedule{Every: agenda.Yearly, Month: 9, Day: 1, Minute: 540}, "2025-01-01 00:00", "2026-12-31 00:00",
			[]string{"2025 Mon 01 09:00", "2026 Tue 01 09:00"}},
		{"once", agenda.Schedule{Every: agenda.Once, Date: calendar.Date{Year: 2026, Month: 5, Day: 4}, Minute: 540}, "2026-01-01 00:00", "2026-12-31 00:00",
			[]string{"2026-05-04 Mon 04 09:00"}},
	} {
		tt.schedule.Calendar = office(t)
		got := lines(t, tt.schedule.Between(paris(t, tt.from), paris(t, tt.to)))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestADailyTaskKeepsItsHourWhenTheClocksChange(t *testing.T) {
	zone, err := calendar.New(calendar.Definition{Name: "paris", Zone: "Europe/Paris", Versions: []calendar.Version{{Week: calendar.AllDay()}}})
	if err != nil {
		t.Fatal(err)
	}
	s := agenda.Schedule{Every: agenda.Daily, Minute: 540, Calendar: zone}
	got := lines(t, s.Between(paris(t, "2026-10-23 12:00"), paris(t, "2026-10-26 12:00")))
	if diff := cmp.Diff([]string{"2026-10-24 Sat 24 09:00", "2026-10-25 Sun 25 09:00", "2026-10-26 Mon 26 09:00"}, got); diff != "" {
		t.Error(diff)
	}
}

func daily(t rapid.TB) agenda.Task {
	return agenda.Task{Name: "check", Within: target(t, "1bd"), Done: []string{"Done"}, Schedule: agenda.Schedule{Every: agenda.Daily, Minute: 540, Calendar: office(t)}}
}

func TestWhatADaemonThatWasAwayOpensAndMisses(t *testing.T) {
	task := daily(t)
	for _, tt := range []struct {
		name, last, now string
		open, missed    []string
	}{
		{"the first pass of all opens what is still due", "", "2026-06-03 10:00", []string{"2026-06-03 Wed 03 09:00"}, nil},
		{"the first pass of all, on a Sunday: Friday's working day is not over", "", "2026-06-07 10:00", []string{"2026-06-05 Fri 05 09:00"}, nil},
		{"nothing new", "2026-06-03 10:00", "2026-06-03 11:00", nil, nil},
		{"the next day", "2026-06-03 10:00", "2026-06-04 09:00", []string{"2026-06-04 Thu 04 09:00"}, nil},
		{"away for a week: the newest is opened, the others were missed", "2026-06-02 10:00", "2026-06-05 12:00",
			[]string{"2026-06-05 Fri 05 09:00"}, []string{"2026-06-03 Wed 03 09:00", "2026-06-04 Thu 04 09:00"}},
		{"back on a Sunday: Friday's ended with Monday's beginning", "2026-06-04 10:00", "2026-06-07 12:00", []string{"2026-06-05 Fri 05 09:00"}, nil},
		{"back too late for all", "2026-06-03 10:00", "2026-06-08 08:59", []string{"2026-06-05 Fri 05 09:00"}, []string{"2026-06-04 Thu 04 09:00"}},
	} {
		var last time.Time
		if tt.last != "" {
			last = paris(t, tt.last)
		}
		open, missed := task.Plan(last, paris(t, tt.now))
		if diff := cmp.Diff([][]string{tt.open, tt.missed}, [][]string{lines(t, open), lines(t, missed)}); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestAReviewThatIsLateAlreadyIsOpenedAllTheSame(t *testing.T) {
	task := daily(t)
	task.Schedule = agenda.Schedule{Every: agenda.Once, Date: calendar.Date{Year: 2025, Month: 1, Day: 2}, Calendar: calendar.Always()}
	task.Within = target(t, "30d")
	open, missed := task.Plan(time.Time{}, paris(t, "2026-06-03 10:00"))
	if len(open) != 1 || len(missed) != 0 {
		t.Errorf("open %v, missed %v", open, missed)
	}
}

func TestNothingIsOpenedTwiceAndNothingIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := agenda.Schedule{
			Every: rapid.SampledFrom(agenda.Rhythms()).Draw(t, "every"), Weekday: time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday")),
			Day: rapid.IntRange(0, 31).Draw(t, "day"), Month: rapid.IntRange(0, 3).Draw(t, "month"), Minute: rapid.IntRange(0, 1439).Draw(t, "minute"),
			Calendar: calendar.Always(),
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "from")) * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "span")) * time.Hour)
		middle := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))).Draw(t, "middle")))
		whole := s.Between(from, to)
		parts := append(s.Between(from, middle), s.Between(middle, to)...)
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Fatal(diff)
		}
		seen := map[string]bool{}
		for i, o := range whole {
			if seen[o.Period] || i > 0 && !whole[i-1].Opens.Before(o.Opens) {
				t.Fatalf("%v is out of place", o)
			}
			seen[o.Period] = true
		}
	})
}

func TestATaskIsLateInWorkingHoursOnly(t *testing.T) {
	task := daily(t)
	task.Schedule.Minute = 0 // opened at midnight of a working day: ends with that day
	o, ok := task.Schedule.Latest(paris(t, "2026-06-05 12:00"))
	if !ok {
		t.Fatal("nothing has opened")
	}
	if late := task.Late(o); !late.After(task.Ends(o)) || late.Before(paris(t, "2026-06-08 09:00")) {
		t.Errorf("ends %v, late %v", task.Ends(o), late)
	}
}

func TestATaskIsDoneByItsStatusesOnly(t *testing.T) {
	task := daily(t)
	x := ticket.Ticket{Status: "Won't do", Created: paris(t, "2026-06-01 09:00"), History: []ticket.Edit{
		{At: paris(t, "2026-06-01 10:00"), Field: "status", FromText: "Open", ToText: "Done"},
		{At: paris(t, "2026-06-01 11:00"), Field: "status", FromText: "Done", ToText: "Won't do"},
	}}
	if _, done := task.DoneAt(x); done {
		t.Error("a ticket that was closed otherwise counts as done")
	}
	x.Status = "Done"
	x.History = x.History[:1]
	if at, done := task.DoneAt(x); !done || !at.Equal(paris(t, "2026-06-01 10:00")) {
		t.Errorf("done %v at %v", done, at)
	}
}
