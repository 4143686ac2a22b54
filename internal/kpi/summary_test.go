package kpi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// tickets returns the facts of one ticket for each of the stories.
func tickets(t *testing.T, stories ...string) []kpi.Fact {
	t.Helper()
	var out []kpi.Fact
	for i, s := range stories {
		for _, f := range story(t, s) {
			f.Subject = fmt.Sprintf("A-%02d", i+1)
			f.ID = f.Subject + "/" + f.ID
			out = append(out, f)
		}
	}
	return out
}

func TestASummaryCountsThePeriod(t *testing.T) {
	facts := tickets(t,
		"1d 09:00 created; 1d 10:00 done",
		"1d 09:00 created; 2d 09:00 done",
		"1d 09:00 created; 3d 09:00 done",
		"1d 09:00 created; 9d 09:00 done",      // ends after the period, breached in it
		"6d 09:00 created; 6d 12:00 withdrawn", //
		"1d 09:00 done; 1d 10:00 created",      // not counted
		"6d 10:00 created",                     // on track
		"5d 22:00 created",                     // at risk
		"6d 12:00 created; 6d 13:00 hold",      // paused
		"8d 09:00 created",                     // after the period
		"7d 00:00 created",                     // begins when it ends
	)
	period := kpi.Period{From: at(t, "1d 00:00"), To: at(t, "6d 20:00")}
	cycles := kpi.Compute(clock(t, "=24h"), facts, at(t, "9d 12:00"))
	got := kpi.Summarise(cycles, period, at(t, "9d 12:00"))
	oldest, next := got.Oldest.Subject, got.Next.Subject
	got.Oldest, got.Next = nil, nil
	want := kpi.Summary{Period: period, At: period.To, Met: 2, Breached: 1, Open: kpi.OpenCount{OnTrack: 2, AtRisk: 1, Breached: 1, Paused: 1},
		Attainment: kpi.Share{Part: 2, Total: 4}, Cancelled: 1, Uncounted: 1, Flagged: 1, Median: 24 * time.Hour, P95: 48 * time.Hour}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if oldest != "A-04" || next != "A-08" {
		t.Errorf("oldest is %s, next to breach %s", oldest, next)
	}
}

func TestASummaryOfTheRunningPeriodIsAsOfNow(t *testing.T) {
	facts := tickets(t, "1d 09:00 created; 1d 10:00 done", "1d 09:00 created", "1d 09:00 hold")
	now := at(t, "1d 10:00")
	got := kpi.Summarise(kpi.Compute(clock(t, "=24h"), facts, now), kpi.Period{From: at(t, "1d 00:00"), To: at(t, "30d 00:00")}, now)
	if got.Met != 1 || got.Open.OnTrack != 1 || got.Uncounted != 1 || !got.At.Equal(now) {
		t.Errorf("got %+v", got)
	}
}

func TestOfNothingThereIsNoShare(t *testing.T) {
	got := kpi.Summarise(nil, kpi.Period{From: monday, To: monday.Add(time.Hour)}, monday)
	if _, ok := got.Attainment.Ratio(); ok || got.Median != 0 || got.Oldest != nil || got.Next != nil {
		t.Errorf("got %+v", got)
	}
	if ratio, ok := (kpi.Share{Part: 3, Total: 4}).Ratio(); !ok || ratio != 0.75 {
		t.Errorf("got %v", ratio)
	}
}

func TestPercentilesAreByNearestRank(t *testing.T) {
	for n, want := range map[int][2]int{1: {1, 1}, 2: {1, 2}, 3: {2, 3}, 10: {5, 10}, 20: {10, 19}, 21: {11, 20}, 100: {50, 95}} {
		var stories []string
		for i := range n {
			stories = append(stories, fmt.Sprintf("1d 00:00 created; 1d %02d:%02d done", (i+1)/60, (i+1)%60))
		}
		period := kpi.Period{From: at(t, "1d 00:00"), To: at(t, "9d 00:00")}
		got := kpi.Summarise(kpi.Compute(clock(t, "=24h"), tickets(t, stories...), period.To), period, period.To)
		if got.Median != time.Duration(want[0])*time.Minute || got.P95 != time.Duration(want[1])*time.Minute {
			t.Errorf("of %d: median %v, 95th %v, want %v minutes", n, got.Median, got.P95, want)
		}
	}
}

func TestHistogramBoundsHoldThePromisedLimits(t *testing.T) {
	got := kpi.Buckets(time.Hour, 4*time.Hour, 0, time.Hour)
	want := []float64{900, 1800, 2700, 3600, 5400, 7200, 10800, 14400, 21600, 28800, 57600}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d := clock(t, "=2bd high=15m")
	d.Calendar = office(t)
	bounds := map[float64]bool{}
	for _, b := range d.Buckets() {
		bounds[b] = true
	}
	if !bounds[16*3600] || !bounds[900] {
		t.Errorf("got %v", bounds)
	}
}
