package kpi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/kpi"
)

func TestAnOpenCycleLaterIsWhatItsFactsGiveThen(t *testing.T) {
	for name, facts := range map[string]string{
		"running": "1d 09:00 created", "resumed": "1d 09:00 created; 1d 10:00 hold; 1d 12:00 go on", "paused": "1d 09:00 created; 1d 10:00 hold",
		"ended": "1d 09:00 created; 1d 10:00 done", "reopened": "1d 09:00 created; 1d 10:00 done; 1d 11:00 reopened",
		"of a severity": "1d 09:00 created [high]", "odd": "1d 09:00 created; 1d 09:30 created",
	} {
		d := clock(t, "=24h high=4h")
		d.Calendar = office(t)
		before := kpi.Compute(d, story(t, facts), at(t, "1d 12:30"))
		for _, hours := range []int{0, 1, 5, 30, 100, 1000} {
			now := at(t, "1d 12:30").Add(time.Duration(hours) * time.Hour)
			var later []kpi.Cycle
			for _, c := range before {
				later = append(later, d.At(c, now))
			}
			if diff := cmp.Diff(kpi.Compute(d, story(t, facts), now), later, cmp.AllowUnexported(kpi.Target{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, %d hours later: %s", name, hours, diff)
			}
		}
	}
}

func TestADurationFallsUnderTheFirstBoundThatIsNotBelowIt(t *testing.T) {
	d := clock(t, "=24h")
	bounds := d.Buckets()
	for took, want := range map[time.Duration]int{0: 0, 6 * time.Hour: 0, 6*time.Hour + 1: 1, 24 * time.Hour: 3, 1000 * time.Hour: len(bounds)} {
		if got := d.Bound(took); got != want {
			t.Errorf("%v falls under %d of %v, want %d", took, got, bounds, want)
		}
	}
}

func TestThePassingOfTimeIsNoMaterialDifference(t *testing.T) {
	d := clock(t, "=24h")
	facts := story(t, "1d 09:00 created")
	early, late := kpi.Compute(d, facts, at(t, "1d 10:00")), kpi.Compute(d, facts, at(t, "9d 10:00"))
	open := func(string, int) bool { return true }
	if got := kpi.Material(kpi.Differences(early, late), open); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	ended := kpi.Compute(d, story(t, "1d 09:00 created; 1d 11:00 done"), at(t, "9d 10:00"))
	if got := kpi.Material(kpi.Differences(early, ended), open); len(got) == 0 {
		t.Error("an end is no difference")
	}
}
