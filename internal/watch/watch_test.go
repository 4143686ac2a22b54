package watch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // people have time zones whatever the machine has

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/watch"
)

var noon = time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC) // a Wednesday

func signal(n int, at time.Time, actor string) watch.Signal {
	return watch.Signal{ID: fmt.Sprintf("e%02d", n), At: at, Type: "user.session.start", Actor: access.Actor{ID: actor, Type: "User"}}
}

func keys(hits []watch.Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, string(h.Key))
	}
	return out
}

func TestATypeMayStandForAllThatBeginSo(t *testing.T) {
	r := watch.Rule{Types: []string{"user.session.start", "policy.*"}}
	for kind, want := range map[string]bool{"user.session.start": true, "user.session.start.x": false, "policy.rule.update": true, "policy": false, "policyx.y": false} {
		if r.Matches(kind) != want {
			t.Errorf("%s: %v", kind, !want)
		}
	}
}

func TestSoManyWithinSoLongAreOneHit(t *testing.T) {
	rule := watch.Rule{Kind: "denials", Types: []string{"user.session.start"}, Count: 3, Within: 10 * time.Minute, By: watch.ByActor}
	minutes := func(actor string, at ...int) []watch.Signal {
		var out []watch.Signal
		for i, m := range at {
			s := signal(i, noon.Add(time.Duration(m)*time.Minute), actor)
			s.ID = actor + s.ID
			out = append(out, s)
		}
		return out
	}
	for name, tt := range map[string]struct {
		signals []watch.Signal
		want    []string
	}{
		"three in time":             {minutes("a", 0, 4, 9), []string{"denials/a"}},
		"the third is too late":     {minutes("a", 0, 4, 10), nil},
		"the window slides":         {minutes("a", 0, 8, 12, 17), []string{"denials/a"}},
		"two of each are none":      {append(minutes("a", 0, 1), minutes("b", 0, 1)...), nil},
		"five are one, six are two": {minutes("a", 0, 1, 2, 3, 4, 5), []string{"denials/a", "denials/a"}},
	} {
		for range 5 { // in any order, and each twice
			shuffled := append(tt.signals, tt.signals...)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if diff := cmp.Diff(tt.want, keys(watch.Look([]watch.Rule{rule}, shuffled))); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	}
}

func TestWhatIsReadIsNoMoreThanWhatTheRulesNeed(t *testing.T) {
	rules := []watch.Rule{
		{Types: []string{"a.b", "c.*"}, Count: 2, Within: time.Hour}, {Types: []string{watch.ApprovalDeclined}, Count: 2, Within: 24 * time.Hour},
	}
	types := watch.EventTypes(rules)
	if diff := cmp.Diff([]string{"a.b", "c.*"}, types); diff != "" {
		t.Error(diff)
	}
	if events, declined := watch.Window(rules, types...), watch.Window(rules, watch.ApprovalDeclined); events != time.Hour || declined != 24*time.Hour {
		t.Errorf("events %v, declined %v", events, declined)
	}
}

func TestUnusualHoursAreThoseOfThePerson(t *testing.T) {
	week := calendar.Weekdays([]calendar.Interval{{From: 540, To: 1080}}, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	office, err := calendar.New(calendar.Definition{Name: "office", Zone: "Europe/Paris", Versions: []calendar.Version{{Week: week}}})
	if err != nil {
		t.Fatal(err)
	}
	rule := watch.Rule{Kind: "hours", Types: []string{"*"}, Outside: office, Zone: "timezone"}
	for zone, unusual := range map[string]bool{"Europe/Paris": false, "Asia/Tokyo": true, "America/Los_Angeles": true, "": false, "Nowhere/At_All": false} {
		s := signal(1, noon, "a")
		s.User.Profile = map[string]string{"timezone": zone}
		if hits := watch.Look([]watch.Rule{rule}, []watch.Signal{s}); len(hits) > 0 != unusual {
			t.Errorf("noon UTC in %q: %d hits", zone, len(hits))
		}
	}
}

func TestAConditionThatCannotBeEvaluatedIsAHit(t *testing.T) {
	for name, tt := range map[string]struct {
		when watch.Condition
		want int
	}{
		"holds":  {func(watch.Signal) (bool, error) { return true, nil }, 1},
		"not":    {func(watch.Signal) (bool, error) { return false, nil }, 0},
		"broken": {func(watch.Signal) (bool, error) { return false, errors.New("no such key") }, 1},
	} {
		hits := watch.Look([]watch.Rule{{Kind: "x", Types: []string{"*"}, When: tt.when}}, []watch.Signal{signal(1, noon, "a")})
		if len(hits) != tt.want {
			t.Errorf("%s: %d hits", name, len(hits))
		}
	}
}
