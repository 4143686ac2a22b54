package report

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
)

func TestWorkingTimeIsNotWrittenInDaysOfTwentyFourHours(t *testing.T) {
	office, err := calendar.New(calendar.Definition{Name: "office", Zone: "UTC", Versions: []calendar.Version{
		{Week: calendar.Weekdays([]calendar.Interval{{From: 540, To: 1020}}, time.Monday)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		calendar *calendar.Calendar
		want     string
	}{"office": {office, "101 h 30 min"}, "around the clock": {calendar.Always(), "4 d 5 h"}, "none": {nil, "4 d 5 h"}} {
		p := promise{clock: kpi.Definition{Calendar: c.calendar}}
		if got := p.took(101*time.Hour+30*time.Minute, 1); got.Text != c.want {
			t.Errorf("%s: %q, want %q", name, got.Text, c.want)
		}
	}
}
