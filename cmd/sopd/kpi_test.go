package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// TestWhatIsLateIsNamedWithItsTimeAndWhoseItIs has five promises: kept, late for ever, late later, late while nobody works on
// it, and one that is late next.
func TestWhatIsLateIsNamedWithItsTimeAndWhoseItIs(t *testing.T) {
	target, err := kpi.ParseTarget("24h")
	if err != nil {
		t.Fatal(err)
	}
	d := kpi.Definition{
		SOP: "sop", Name: "promise", Subject: "ticket", Start: []string{"asked"}, Stop: []string{"done"}, Pause: []string{"vendor"}, Resume: []string{"back"},
		Targets: map[string]kpi.Target{"": target}, Owner: "desk",
	}
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	ago := func(subject, name string, hours int) kpi.Fact {
		return kpi.Fact{Subject: subject, Name: name, At: now.Add(-time.Duration(hours) * time.Hour), Source: "test"}
	}
	facts := []kpi.Fact{
		ago("A-1", "asked", 100), ago("A-1", "done", 99), ago("A-3", "asked", 30), ago("A-2", "asked", 2000),
		ago("A-4", "asked", 40), ago("A-4", "vendor", 5), ago("A-5", "asked", 4),
	}
	p := figures.Promises([]kpi.Definition{d}, facts, now)[0]
	line := lineOf(p, kpi.Summarise(p.Cycles, kpi.Period{From: now.Add(-kpiPeriod), To: now.Add(time.Microsecond)}, now))
	at := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	want := []dueCycle{{"A-2", at(1976), "desk"}, {"A-4", at(16), "vendor"}, {"A-3", at(6), "desk"}}
	if diff := cmp.Diff(want, line.Late); diff != "" || line.Overdue != len(want) {
		t.Errorf("%d are overdue: %s", line.Overdue, diff)
	}
	line.Late = append(line.Late, line.Late...)
	var out strings.Builder
	if err := printKPIs(&out, []kpiLine{line}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"A-5 Thu 26 Nov 05:00 UTC, waits for desk", "    late, was due: A-4 Tue 24 Nov 17:00 UTC, waits for vendor\n", "    and 3 more\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestTimesAreWrittenAsPeopleReadThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234*time.Millisecond + 400*time.Microsecond: "1.234s", 52 * time.Minute: "52m00s", 22*time.Minute + 3368*time.Millisecond: "22m03s",
		time.Hour + 35*time.Minute: "1h35m", 720*time.Hour + 481*time.Millisecond: "720h00m", 59*time.Minute + 59*time.Second: "59m59s",
	} {
		if got := took(kpiLine{Met: 1}, d.Seconds()); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
	if got := took(kpiLine{OnTrack: 1}, 0); got != "-" {
		t.Errorf("of nothing: %s", got)
	}
}
