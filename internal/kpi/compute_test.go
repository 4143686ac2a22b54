package kpi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"pgregory.net/rapid"
)

// at returns 1 June 2026, a Monday, plus what is written like 1d 09:30, in UTC.
func at(t rapid.TB, s string) time.Time {
	t.Helper()
	var day, hour, minute int
	if _, err := fmt.Sscanf(s, "%dd %d:%d", &day, &hour, &minute); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return time.Date(2026, 6, day, hour, minute, 0, 0, time.UTC)
}

func target(t rapid.TB, s string) kpi.Target {
	t.Helper()
	parsed, err := kpi.ParseTarget(s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// office is a calendar of 8 hours a day, Monday to Friday, 09:00-17:00 UTC.
func office(t rapid.TB) *calendar.Calendar {
	t.Helper()
	week := calendar.Weekdays([]calendar.Interval{{From: 540, To: 1020}}, time.Monday, time.Tuesday, time.Wednesday,
		time.Thursday, time.Friday)
	c, err := calendar.New(calendar.Definition{Name: "office", Zone: "UTC",
		Versions: []calendar.Version{{From: calendar.Date{Year: 2026, Month: 1, Day: 1}, Week: week}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clock is a clock on tickets with the targets, written "=24h high=1h", around the clock.
func clock(t rapid.TB, targets string) kpi.Definition {
	t.Helper()
	d := kpi.Definition{SOP: "access", Name: "fulfilment", Subject: "ticket", Start: []string{"created"},
		Pause: []string{"hold"}, Resume: []string{"go on"}, Stop: []string{"done", "closed"}, Cancel: []string{"withdrawn"},
		Reopen: []string{"reopened"}, Targets: map[string]kpi.Target{}, Owner: "it", Escalate: "security",
		Warn: []kpi.Warning{{Percent: 75}}}
	for _, pair := range strings.Fields(targets) {
		severity, limit, _ := strings.Cut(pair, "=")
		d.Targets[severity] = target(t, limit)
	}
	return d
}

// story returns facts on ticket A-1 written "1d 09:00 created; 1d 10:00 hold". A word in brackets is the severity.
func story(t rapid.TB, s string) []kpi.Fact {
	t.Helper()
	var out []kpi.Fact
	for i, line := range strings.Split(s, "; ") {
		day, rest, _ := strings.Cut(line, " ")
		hour, name, _ := strings.Cut(rest, " ")
		name, severity, _ := strings.Cut(name, " [")
		when := at(t, day+" "+hour)
		out = append(out, kpi.Fact{ID: fmt.Sprintf("f%02d", i), Subject: "A-1", Name: name, At: when, Source: "jira",
			Severity: strings.TrimSuffix(severity, "]")})
	}
	return out
}

// lines puts what matters of the cycles into one line each.
func lines(cycles []kpi.Cycle) []string {
	var out []string
	for _, c := range cycles {
		due := ""
		if !c.Due.IsZero() {
			due = fmt.Sprintf("%dd %s", c.Due.Day(), c.Due.Format("15:04"))
		}
		line := fmt.Sprintf("%d %s %s %v/%v due %s %v", c.Number, c.State, c.Outcome, c.Elapsed, c.Limit, due, c.Flags)
		out = append(out, strings.Join(strings.Fields(strings.TrimSuffix(line, " []")), " "))
	}
	return out
}

func TestHowACycleRuns(t *testing.T) {
	for _, tt := range []struct {
		name, targets, story, now string
		want                      []string
	}{
		{"running on track", "=24h", "1d 09:00 created", "1d 12:00", []string{"1 running 3h0m0s/24h0m0s due 2d 09:00"}},
		{"met", "=24h", "1d 09:00 created; 1d 10:30 done", "9d 00:00", []string{"1 stopped met 1h30m0s/24h0m0s due 2d 09:00"}},
		{"exactly at the limit is met", "=24h", "1d 09:00 created; 2d 09:00 done", "9d 00:00",
			[]string{"1 stopped met 24h0m0s/24h0m0s due 2d 09:00"}},
		{"a minute after the limit is breached", "=24h", "1d 09:00 created; 2d 09:01 done", "9d 00:00",
			[]string{"1 stopped breached 24h1m0s/24h0m0s due 2d 09:00"}},
		{"open at the limit is not breached", "=24h", "1d 09:00 created", "2d 09:00", []string{"1 running 24h0m0s/24h0m0s due 2d 09:00"}},
		{"open past the limit is breached already", "=24h", "1d 09:00 created", "2d 09:01",
			[]string{"1 running breached 24h1m0s/24h0m0s due 2d 09:00"}},
		{"a pause moves the due time", "=24h", "1d 09:00 created; 1d 10:00 hold; 1d 12:00 go on", "1d 13:00",
			[]string{"1 running 2h0m0s/24h0m0s due 2d 11:00"}},
		{"paused: not due at any time", "=24h", "1d 09:00 created; 1d 10:00 hold", "9d 00:00", []string{"1 paused 1h0m0s/24h0m0s due"}},
		{"stopped in a pause", "=24h", "1d 09:00 created; 1d 10:00 hold; 5d 10:00 done", "9d 00:00",
			[]string{"1 stopped met 1h0m0s/24h0m0s due"}},
		{"paused after the limit: breached", "=1h", "1d 09:00 created; 1d 10:30 hold", "9d 00:00",
			[]string{"1 paused breached 1h30m0s/1h0m0s due 1d 10:00"}},
		{"cancelled has no outcome", "=1h", "1d 09:00 created; 1d 11:00 withdrawn", "9d 00:00",
			[]string{"1 cancelled 2h0m0s/1h0m0s due 1d 10:00"}},
		{"reopened is another cycle", "=24h", "1d 09:00 created; 1d 10:00 done; 3d 09:00 reopened", "3d 11:00",
			[]string{"1 stopped met 1h0m0s/24h0m0s due 2d 09:00", "2 running 2h0m0s/24h0m0s due 4d 09:00"}},
		{"reopened after a withdrawal", "=24h", "1d 09:00 created; 1d 10:00 withdrawn; 3d 09:00 reopened; 3d 09:01 done", "9d 11:00",
			[]string{"1 cancelled 1h0m0s/24h0m0s due 2d 09:00", "2 stopped met 1m0s/24h0m0s due 4d 09:00"}},
		{"a second end is not another", "=24h", "1d 09:00 created; 1d 10:00 done; 3d 09:00 closed", "9d 00:00",
			[]string{"1 stopped met 1h0m0s/24h0m0s due 2d 09:00"}},
		{"repeated pauses and resumptions are one", "=24h",
			"1d 09:00 created; 1d 09:30 go on; 1d 10:00 hold; 1d 11:00 hold; 1d 12:00 go on; 1d 13:00 go on; 1d 14:00 done", "9d 00:00",
			[]string{"1 stopped met 3h0m0s/24h0m0s due 2d 11:00"}},
		{"start and end at one instant", "=24h", "1d 09:00 done; 1d 09:00 created", "9d 00:00",
			[]string{"1 stopped met 0s/24h0m0s due 2d 09:00"}},
		{"end and reopening at one instant", "=24h", "1d 09:00 created; 1d 10:00 reopened; 1d 10:00 done", "1d 10:00",
			[]string{"1 stopped met 1h0m0s/24h0m0s due 2d 09:00", "2 running 0s/24h0m0s due 2d 10:00"}},
		{"a pause of no time leaves a running clock running", "=24h", "1d 09:00 created; 1d 10:00 go on; 1d 10:00 hold", "1d 11:00",
			[]string{"1 running 2h0m0s/24h0m0s due 2d 09:00"}},
		{"a resumption of no time leaves a paused clock paused", "=24h",
			"1d 09:00 created; 1d 09:30 hold; 1d 10:00 hold; 1d 10:00 go on", "1d 11:00", []string{"1 paused 30m0s/24h0m0s due"}},
		{"a fact after now is not looked at", "=24h", "1d 09:00 created; 1d 10:00 done", "1d 09:30",
			[]string{"1 running 30m0s/24h0m0s due 2d 09:00"}},
		{"nothing has begun", "=24h", "2d 09:00 created", "1d 09:30", nil},

		{"two starts: the first counts", "=24h", "1d 09:00 created; 1d 11:00 created; 1d 12:00 done", "9d 00:00",
			[]string{"1 stopped met 3h0m0s/24h0m0s due 2d 09:00 [second-start]"}},
		{"a start after an end begins again", "=24h", "1d 09:00 created; 1d 12:00 done; 2d 09:00 created", "2d 10:00",
			[]string{"1 stopped met 3h0m0s/24h0m0s due 2d 09:00", "2 running 1h0m0s/24h0m0s due 3d 09:00 [started-again]"}},
		{"no start", "=24h", "1d 09:00 hold; 1d 10:00 done; 1d 11:00 go on", "9d 00:00", []string{"1 stopped 0s/0s due [missing-start]"}},
		{"no start, withdrawn", "=24h", "1d 10:00 withdrawn", "9d 00:00", []string{"1 cancelled 0s/0s due [missing-start]"}},
		{"a severity alone is no cycle", "=24h", "1d 10:00 triaged [high]", "9d 00:00", nil},
		{"reopened without a start", "=24h", "1d 09:00 reopened", "1d 10:00",
			[]string{"1 running 1h0m0s/24h0m0s due 2d 09:00 [missing-cycle]"}},
		{"an end before the start", "=24h", "1d 09:00 done; 1d 10:00 created; 1d 11:00 hold", "9d 00:00",
			[]string{"1 stopped 0s/0s due [end-before-start fact-before-start]"}},
		{"an end before the start and one after it", "=24h", "1d 09:00 done; 1d 10:00 created; 1d 11:00 done", "9d 00:00",
			[]string{"1 stopped met 1h0m0s/24h0m0s due 2d 10:00 [fact-before-start]"}},
		{"a pause before the start", "=24h", "1d 09:00 hold; 1d 10:00 created; 1d 11:00 done", "9d 00:00",
			[]string{"1 stopped met 1h0m0s/24h0m0s due 2d 10:00 [fact-before-start]"}},

		{"the target of the severity", "=24h high=1h", "1d 09:00 created [high]", "1d 09:30", []string{"1 running 30m0s/1h0m0s due 1d 10:00"}},
		{"a severity known before the start", "=24h high=1h", "1d 08:00 triaged [high]; 1d 09:00 created", "1d 09:30",
			[]string{"1 running 30m0s/1h0m0s due 1d 10:00"}},
		{"the latest severity holds for all of the cycle", "=24h high=1h", "1d 09:00 created; 1d 11:00 triaged [high]", "1d 12:00",
			[]string{"1 running breached 3h0m0s/1h0m0s due 1d 10:00"}},
		{"a severity after the end is the next cycle's", "=24h high=1h",
			"1d 09:00 created; 1d 09:30 done; 1d 11:00 triaged [high]; 2d 09:00 reopened", "2d 09:30",
			[]string{"1 stopped met 30m0s/24h0m0s due 2d 09:00 [missing-severity]", "2 running 30m0s/1h0m0s due 2d 10:00"}},
		{"no severity and no target for that", "high=1h", "1d 09:00 created; 5d 09:00 done", "9d 00:00",
			[]string{"1 stopped 96h0m0s/0s due [missing-severity no-target]"}},
		{"an unknown severity takes the target of all others", "=24h high=1h", "1d 09:00 created [odd]", "1d 09:30",
			[]string{"1 running 30m0s/24h0m0s due 2d 09:00 [unknown-severity]"}},
		{"a clock without severities asks for none", "=24h", "1d 09:00 created [odd]", "1d 09:30", []string{"1 running 30m0s/24h0m0s due 2d 09:00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := lines(kpi.Compute(clock(t, tt.targets), story(t, tt.story), at(t, tt.now)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAClockOnWorkingHours(t *testing.T) {
	for _, tt := range []struct{ name, target, story, now, want string }{
		{"business days end at the same position", "2bd", "1d 10:00 created", "1d 11:00", "1 running 1h0m0s/16h0m0s due 3d 10:00"},
		{"over a weekend", "2bd", "4d 10:00 created; 8d 10:00 done", "9d 00:00", "1 stopped met 16h0m0s/16h0m0s due 8d 10:00"},
		{"a start on a Saturday counts from Monday", "1bd", "6d 10:00 created", "8d 10:00", "1 running 1h0m0s/8h0m0s due 9d 09:00"},
		{"a pause gives its working time back", "2bd", "1d 10:00 created; 1d 16:00 hold; 2d 10:00 go on", "2d 11:00",
			"1 running 7h0m0s/16h0m0s due 3d 12:00"},
		{"hours are working hours", "8h", "5d 16:00 created", "8d 10:00", "1 running 2h0m0s/8h0m0s due 8d 16:00"},
		{"used up at the closing: due then", "8h", "5d 09:00 created", "6d 12:00", "1 running 8h0m0s/8h0m0s due 5d 17:00"},
		{"ended before anything more is worked: met", "8h", "5d 09:00 created; 6d 12:00 done", "9d 12:00",
			"1 stopped met 8h0m0s/8h0m0s due 5d 17:00"},
		{"breached from the next opening on", "8h", "5d 09:00 created", "8d 09:01", "1 running breached 8h1m0s/8h0m0s due 5d 17:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := clock(t, "="+tt.target)
			d.Calendar = office(t)
			got := kpi.Compute(d, story(t, tt.story), at(t, tt.now))
			if diff := cmp.Diff([]string{tt.want}, lines(got)); diff != "" {
				t.Error(diff)
			}
			if got[0].Calendar != "office@2026-01-01" {
				t.Errorf("counted on %s", got[0].Calendar)
			}
		})
	}
}

func TestABreachBeginsAtTheOpeningAfterTheLimit(t *testing.T) {
	d := clock(t, "=8h")
	d.Calendar = office(t)
	got := kpi.Compute(d, story(t, "5d 09:00 created"), at(t, "8d 12:00"))[0]
	if want := at(t, "8d 09:00"); !got.Overdue.Equal(want) {
		t.Errorf("overdue since %v, want %v", got.Overdue, want)
	}
}

func TestWarningsTellWhenAClockIsAtRisk(t *testing.T) {
	d := clock(t, "=24h")
	d.Warn = []kpi.Warning{{Left: target(t, "2h")}, {Percent: 50}}
	for _, tt := range []struct{ story, now, risk, half, left string }{
		{"1d 09:00 created", "1d 20:59", "", "1d 21:00", "2d 07:00"},
		{"1d 09:00 created", "1d 21:00", "1d 21:00", "1d 21:00", "2d 07:00"},
		{"1d 09:00 created; 1d 10:00 hold; 1d 12:00 go on", "9d 00:00", "1d 23:00", "1d 23:00", "2d 09:00"},
		{"1d 09:00 created; 1d 10:00 hold", "9d 00:00", "", "", ""},
		{"1d 09:00 created; 1d 22:00 done", "9d 00:00", "1d 21:00", "1d 21:00", ""},
	} {
		c := kpi.Compute(d, story(t, tt.story), at(t, tt.now))[0]
		for what, pair := range map[string][2]any{"at risk": {c.AtRisk, tt.risk}, "2h left": {c.Warnings[0].At, tt.left},
			"half": {c.Warnings[1].At, tt.half}} {
			want := time.Time{}
			if pair[1] != "" {
				want = at(t, pair[1].(string))
			}
			if got := pair[0].(time.Time); !got.Equal(want) {
				t.Errorf("%s at %s: %s: got %v, want %v", tt.story, tt.now, what, got, want)
			}
		}
	}
}

func TestACycleSaysWhomItWaitsForAndWhatChangedIt(t *testing.T) {
	d := clock(t, "=24h")
	facts := story(t, "1d 09:00 created; 1d 10:00 hold; 1d 11:00 go on; 1d 12:00 asked; 1d 13:00 hold; 1d 14:00 go on; 1d 15:00 done")
	facts[3].Waiting, facts[4].Waiting = "system-owner", "requester"
	facts[2].Change, facts[6].Change = "CHG-1", "CHG-2"
	facts[5].Backfilled = true
	for now, want := range map[string][3]string{
		"1d 09:30": {"it", "", "false"}, "1d 10:30": {"hold", "", "false"}, "1d 11:30": {"it", "CHG-1", "false"},
		"1d 12:30": {"system-owner", "CHG-1", "false"}, "1d 13:30": {"requester", "CHG-1", "false"},
		"1d 14:30": {"it", "CHG-1", "true"}, "1d 15:30": {"", "CHG-2", "true"},
	} {
		c := kpi.Compute(d, facts, at(t, now))[0]
		if got := [3]string{c.Waiting, c.Change, fmt.Sprint(c.Backfilled)}; got != want {
			t.Errorf("at %s: got %v, want %v", now, got, want)
		}
	}
}

func TestAChangeOfSeverityIsRecorded(t *testing.T) {
	facts := story(t, "1d 09:00 created [low]; 1d 10:00 triaged [high]; 1d 11:00 triaged [high]; 1d 12:00 hold [low]")
	got := kpi.Compute(clock(t, "low=24h high=1h"), facts, at(t, "1d 13:00"))[0]
	want := []kpi.SeverityChange{{At: at(t, "1d 10:00"), From: "low", To: "high", Fact: "f01"},
		{At: at(t, "1d 12:00"), From: "high", To: "low", Fact: "f03"}}
	if diff := cmp.Diff(want, got.Severities); diff != "" || got.Severity != "low" {
		t.Errorf("%s: %s", got.Severity, diff)
	}
}

func TestAnEndOnRecordBeforeTheStartHappenedLeavesTheClockRunning(t *testing.T) {
	facts := story(t, "1d 09:00 done; 3d 10:00 created")
	facts[0].Recorded = at(t, "1d 09:05")
	got := lines(kpi.Compute(clock(t, "=24h"), facts, at(t, "3d 11:00")))
	if diff := cmp.Diff([]string{"1 running 1h0m0s/24h0m0s due 4d 10:00 [fact-before-start]"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFactWithoutATimeIsLeftOutAndSaid(t *testing.T) {
	facts := story(t, "1d 09:00 created; 1d 10:00 done")
	facts[1].At = time.Time{}
	got := kpi.Compute(clock(t, "=24h"), facts, at(t, "1d 11:00"))
	if diff := cmp.Diff([]string{"1 running 2h0m0s/24h0m0s due 2d 09:00 [no-time]"}, lines(got)); diff != "" {
		t.Error(diff)
	}
	if got := kpi.Compute(clock(t, "=24h"), facts[1:], at(t, "1d 11:00")); got != nil {
		t.Errorf("of it alone: %v", got)
	}
}

func TestEveryFactStandsInTheTrailWithItsEffect(t *testing.T) {
	facts := story(t, "1d 08:00 triaged [high]; 1d 09:00 created; 1d 10:00 hold; 1d 11:00 hold; 1d 12:00 go on; 1d 13:00 done; 1d 14:00 done")
	var got []string
	for _, s := range kpi.Compute(clock(t, "=24h"), facts, at(t, "9d 00:00"))[0].Trail {
		got = append(got, s.Fact+" "+string(s.Effect))
	}
	want := []string{"f00 noted", "f01 started", "f02 paused", "f03 left-out", "f04 resumed", "f05 stopped", "f06 left-out"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
