package routing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/paging/routing"
)

func office(t *testing.T) *calendar.Calendar {
	t.Helper()
	hours, err := calendar.ParseInterval("09:00-18:00")
	if err != nil {
		t.Fatal(err)
	}
	var v calendar.Version
	for day := time.Monday; day <= time.Friday; day++ {
		v.Week[day] = []calendar.Interval{hours}
	}
	c, err := calendar.New(calendar.Definition{Name: "office", Zone: "Europe/Paris", Versions: []calendar.Version{v}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOnlyWhatIsNotUrgentWaitsForTheMorning(t *testing.T) {
	r := routing.Rules{Hours: office(t), Urgent: 2}
	night, day, sunday := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		priority paging.Priority
		at       time.Time
		waits    bool
	}{
		{1, night, false}, {2, night, false}, {3, night, true}, {5, sunday, true}, {3, day, false}, {0, night, false},
		{3, time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), false}, // nine in Paris
		{3, time.Date(2026, 11, 24, 7, 59, 59, 0, time.UTC), true},
	} {
		if got := r.Waits(c.priority, c.at); got != c.waits {
			t.Errorf("priority %d at %v: waits %v", c.priority, c.at, got)
		}
	}
	if (routing.Rules{}).Waits(5, night) {
		t.Error("an alert waits though no hours are given")
	}
}

func TestAnAlertGoesToTheTeamsOfItsOwner(t *testing.T) {
	r := routing.Rules{Teams: map[string][]string{"it-operations": {"Platform"}, "security-operations": {"Security"}}, Default: []string{"Desk"}}
	for owner, want := range map[string]string{"it-operations": "Platform", "": "Security", "head-of-it": "Desk"} {
		if got := r.Responders(owner); !slices.Equal(got, []string{want}) {
			t.Errorf("owner %q: %v, want %s", owner, got, want)
		}
	}
	if got := (routing.Rules{}).Responders("it-operations"); len(got) != 0 {
		t.Errorf("without rules: %v", got)
	}
}

func TestPatienceHasADefault(t *testing.T) {
	if (routing.Rules{}).Patience() != routing.DefaultSilence || (routing.Rules{Silence: time.Hour}).Patience() != time.Hour {
		t.Error("the patience is not what was said")
	}
}
