package kpi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maisonrmi/sopd/internal/kpi"
	"pgregory.net/rapid"
)

var monday = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

// sameCycles compares cycles whole; targets by value.
var sameCycles = cmp.Options{cmp.Comparer(func(a, b kpi.Target) bool { return a == b }), cmpopts.EquateEmpty()}

// wild draws facts of all kinds: known and unknown names, severities, corrections in chains and circles, repeated IDs with
// the same or another content, facts without IDs or times.
func wild(t *rapid.T) []kpi.Fact {
	name := rapid.SampledFrom([]string{"created", "created", "hold", "go on", "done", "closed", "withdrawn", "reopened", "triaged", "", "other"})
	id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", ""})
	minute := rapid.IntRange(0, 40)
	fact := rapid.Custom(func(t *rapid.T) kpi.Fact {
		f := kpi.Fact{
			ID: id.Draw(t, "id"), Name: name.Draw(t, "name"),
			Subject:  rapid.SampledFrom([]string{"A-1", "A-2", "A-3"}).Draw(t, "subject"),
			At:       monday.Add(time.Duration(minute.Draw(t, "at")) * time.Hour),
			Recorded: monday.Add(time.Duration(minute.Draw(t, "recorded")) * time.Hour),
			Severity: rapid.SampledFrom([]string{"", "", "", "high", "low", "odd"}).Draw(t, "severity"),
			Waiting:  rapid.SampledFrom([]string{"", "", "owner"}).Draw(t, "waiting"),
			Change:   rapid.SampledFrom([]string{"", "CHG-1", "CHG-2"}).Draw(t, "change"),
		}
		if rapid.IntRange(0, 3).Draw(t, "corrects?") == 0 {
			f.Corrects = id.Draw(t, "corrects")
		}
		if rapid.IntRange(0, 20).Draw(t, "no time?") == 0 {
			f.At = time.Time{}
		}
		f.Backfilled = rapid.IntRange(0, 9).Draw(t, "backfilled?") == 0
		return f
	})
	return rapid.SliceOfN(fact, 0, 25).Draw(t, "facts")
}

// wildClock draws a clock around the clock or in working hours.
func wildClock(t *rapid.T) kpi.Definition {
	if rapid.Bool().Draw(t, "office") {
		d := clock(t, "=2bd high=4h low=30h")
		d.Calendar = office(t)
		return d
	}
	return clock(t, rapid.SampledFrom([]string{"=24h high=1h", "high=10h", "=3h"}).Draw(t, "targets"))
}

func nowOf(t *rapid.T) time.Time {
	return monday.Add(time.Duration(rapid.IntRange(-1, 60).Draw(t, "now")) * time.Hour)
}

func shuffled(t *rapid.T, facts []kpi.Fact) []kpi.Fact {
	out := slices.Clone(facts)
	seed := rapid.Uint64().Draw(t, "seed")
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func TestTheOrderOfFactsMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, facts, now := wildClock(t), wild(t), nowOf(t)
		want := kpi.Compute(d, facts, now)
		again := append(shuffled(t, facts), facts...)
		if diff := cmp.Diff(want, kpi.Compute(d, again, now), sameCycles); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTheEngineGivesWhatComputingAllAgainGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, facts := wildClock(t), wild(t)
		engine := kpi.NewEngine(d)
		for i, f := range facts {
			engine.Add(f)
			if rapid.IntRange(0, 2).Draw(t, "look?") > 0 {
				continue
			}
			now := nowOf(t)
			if diff := cmp.Diff(kpi.Compute(d, facts[:i+1], now), engine.Cycles(now), sameCycles); diff != "" {
				t.Fatalf("after %d facts: %s", i+1, diff)
			}
		}
		now := nowOf(t)
		if diff := cmp.Diff(kpi.Compute(d, facts, now), engine.Cycles(now), sameCycles); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFactsAfterNowAreNotLookedAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, now := wildClock(t), nowOf(t)
		facts := slices.DeleteFunc(wild(t), func(f kpi.Fact) bool { return f.Corrects != "" })
		for i := range facts {
			facts[i].ID = fmt.Sprint(i)
		}
		past := slices.DeleteFunc(slices.Clone(facts), func(f kpi.Fact) bool { return f.At.After(now) })
		if diff := cmp.Diff(kpi.Compute(d, past, now), kpi.Compute(d, facts, now), sameCycles); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestEveryCycleHoldsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, facts, now := wildClock(t), wild(t), nowOf(t)
		before := slices.Clone(facts)
		for _, c := range kpi.Compute(d, facts, now) {
			sound(t, d, c, now)
		}
		if diff := cmp.Diff(before, facts); diff != "" {
			t.Fatalf("the input was changed: %s", diff)
		}
	})
}

func TestACycleWrittenAndReadIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cycles := kpi.Compute(wildClock(t), wild(t), nowOf(t))
		text, err := json.Marshal(cycles)
		if err != nil {
			t.Fatal(err)
		}
		var read []kpi.Cycle
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(cycles, read, sameCycles); diff != "" {
			t.Fatal(diff)
		}
	})
}

// sound checks what must be true of every cycle.
func sound(t *rapid.T, d kpi.Definition, c kpi.Cycle, now time.Time) {
	end := now
	if !c.Stopped.IsZero() {
		end = c.Stopped
	}
	paused := time.Duration(0)
	for _, p := range c.Pauses {
		if p.To.IsZero() {
			p.To = end
		}
		if p.To.Before(p.From) {
			t.Fatalf("a pause ends before it begins: %+v", c)
		}
		paused += p.To.Sub(p.From)
	}
	if c.Elapsed < 0 {
		t.Fatalf("negative: %+v", c)
	}
	if d.Calendar == nil && !c.Started.IsZero() && c.Counted() && c.Elapsed+paused != end.Sub(c.Started) {
		t.Fatalf("%v elapsed and %v paused are not %v", c.Elapsed, paused, end.Sub(c.Started))
	}
	if !c.Counted() && c.Outcome != "" || c.State == kpi.Cancelled && c.Outcome != "" {
		t.Fatalf("an outcome of what has none: %+v", c)
	}
	if breached := c.Counted() && c.State != kpi.Cancelled && c.Elapsed > c.Limit; breached != (c.Outcome == kpi.Breached) {
		t.Fatalf("breached or not: %+v", c)
	}
	exceeded := c.Counted() && c.Elapsed > c.Limit
	if late := !c.Overdue.IsZero() && c.Overdue.Before(end); late != exceeded || late && c.Overdue.Before(c.Due) {
		t.Fatalf("overdue or not: %+v", c)
	}
	if c.Outcome == kpi.Met && (c.State != kpi.Stopped || d.Calendar == nil && !c.Due.IsZero() && c.Stopped.After(c.Due)) {
		t.Fatalf("met or not: %+v", c)
	}
}

func TestAPastPeriodIsSummedAsItStoodThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := wildClock(t)
		facts := slices.DeleteFunc(wild(t), func(f kpi.Fact) bool { return f.At.IsZero() || f.Corrects != "" })
		for i := range facts {
			facts[i].ID, facts[i].Severity = fmt.Sprint(i), "high"
			if f := facts[i].Name; f == "done" || f == "closed" || f == "withdrawn" {
				facts[i].Recorded = monday.Add(-time.Hour) // no end is taken for that of a later start
			}
		}
		period := kpi.Period{From: monday.Add(5 * time.Hour), To: monday.Add(30*time.Hour + time.Minute)}
		then := kpi.Summarise(kpi.Compute(d, facts, period.To), period, period.To)
		later := kpi.Summarise(kpi.Compute(d, facts, monday.Add(100*time.Hour)), period, monday.Add(100*time.Hour))
		if slices.ContainsFunc(facts, func(f kpi.Fact) bool { return f.Name == "" }) || then.Uncounted+later.Uncounted > 0 {
			return
		}
		then.Oldest, then.Next, later.Oldest, later.Next = nil, nil, nil, nil
		then.Flagged, later.Flagged = 0, 0 // a cycle may be flagged for what came later
		if diff := cmp.Diff(then, later); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkComputeTenThousandTickets(b *testing.B) {
	d, facts := many(b)
	for b.Loop() {
		kpi.Compute(d, facts, monday.Add(2000*time.Hour))
	}
}

func BenchmarkEngineOneFactAmongTenThousandTickets(b *testing.B) {
	d, facts := many(b)
	engine := kpi.NewEngine(d)
	for _, f := range facts {
		engine.Add(f)
	}
	now := monday.Add(2000 * time.Hour)
	engine.Cycles(now)
	for i := 0; b.Loop(); i++ {
		subject := fmt.Sprint("T-", i%10000)
		engine.Add(kpi.Fact{ID: fmt.Sprint("n", i), Subject: subject, Name: "done", At: now})
		engine.Subject(subject, now)
	}
}

// many returns the facts of ten thousand closed tickets on working hours.
func many(b *testing.B) (kpi.Definition, []kpi.Fact) {
	d := clock(b, "=2bd")
	d.Calendar = office(b)
	var facts []kpi.Fact
	for i := range 10000 {
		for j, name := range []string{"created", "hold", "go on", "done"} {
			facts = append(facts, kpi.Fact{ID: fmt.Sprint(i, "/", j), Subject: fmt.Sprint("T-", i), Name: name,
				At: monday.Add(time.Duration(i*5+j*100) * time.Minute)})
		}
	}
	return d, facts
}
