package kpi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// corrected is a ticket whose end was first recorded at 14:00, then corrected.
func corrected(t *testing.T, corrections ...kpi.Fact) []kpi.Fact {
	t.Helper()
	facts := story(t, "1d 09:00 created; 1d 14:00 done")
	for i := range facts {
		facts[i].Recorded = facts[i].At
	}
	for _, c := range corrections {
		c.Subject, c.Source = "A-1", "console"
		facts = append(facts, c)
	}
	return facts
}

func TestACorrectionReplacesTheFactAndBothStayVisible(t *testing.T) {
	d, now := clock(t, "=4h"), at(t, "9d 00:00")
	before := kpi.Compute(d, corrected(t), now)
	fix := kpi.Fact{ID: "fix", Name: "done", At: at(t, "1d 12:00"), Recorded: at(t, "2d 08:00"), Corrects: "f01"}
	after := kpi.Compute(d, corrected(t, fix), now)
	if diff := cmp.Diff([]string{"1 stopped breached 5h0m0s/4h0m0s due 1d 13:00"}, lines(before)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 stopped met 3h0m0s/4h0m0s due 1d 13:00 [corrected]"}, lines(after)); diff != "" {
		t.Error(diff)
	}
	stop := kpi.Step{Fact: "fix", Name: "done", At: at(t, "1d 12:00"), Effect: kpi.DidStop}
	gone := kpi.Step{Fact: "f01", Name: "done", At: at(t, "1d 14:00"), Effect: kpi.Superseded, By: "fix"}
	if diff := cmp.Diff([]kpi.Step{stop, gone}, after[0].Trail[1:]); diff != "" {
		t.Error(diff)
	}
	why := []kpi.Step{stop, gone}
	want := []kpi.Difference{
		{Subject: "A-1", Number: 1, Figure: "stopped", Before: "2026-06-01T14:00:00Z", After: "2026-06-01T12:00:00Z", Why: why},
		{Subject: "A-1", Number: 1, Figure: "elapsed", Before: "5h0m0s", After: "3h0m0s", Why: why},
		{Subject: "A-1", Number: 1, Figure: "outcome", Before: "breached", After: "met", Why: why},
	}
	if diff := cmp.Diff(want, kpi.Differences(before, after)); diff != "" {
		t.Error(diff)
	}
}

func TestTheCorrectionRecordedLastCounts(t *testing.T) {
	fix := func(id, of, recorded, hour string) kpi.Fact {
		return kpi.Fact{ID: id, Name: "done", At: at(t, "1d "+hour), Recorded: at(t, recorded), Corrects: of}
	}
	for name, tt := range map[string]struct {
		fixes []kpi.Fact
		want  string
	}{
		"two of one fact":          {[]kpi.Fact{fix("x", "f01", "3d 00:00", "12:00"), fix("y", "f01", "2d 00:00", "11:00")}, "3h0m0s"},
		"one of the other":         {[]kpi.Fact{fix("x", "f01", "2d 00:00", "12:00"), fix("y", "x", "3d 00:00", "11:00")}, "2h0m0s"},
		"recorded at once":         {[]kpi.Fact{fix("y", "f01", "2d 00:00", "12:00"), fix("x", "y", "2d 00:00", "11:00")}, "2h0m0s"},
		"each other":               {[]kpi.Fact{fix("x", "y", "2d 00:00", "12:00"), fix("y", "x", "3d 00:00", "11:00")}, "2h0m0s"},
		"itself":                   {[]kpi.Fact{fix("x", "x", "2d 00:00", "12:00")}, "3h0m0s"},
		"a fact that is not there": {[]kpi.Fact{fix("x", "gone", "2d 00:00", "12:00")}, "3h0m0s"},
	} {
		c := kpi.Compute(clock(t, "=4h"), corrected(t, tt.fixes...), at(t, "9d 00:00"))
		if len(c) != 1 || c[0].Elapsed.String() != tt.want {
			t.Errorf("%s: %v", name, lines(c))
		}
	}
}

func TestACorrectionWithoutANameTakesTheFactBack(t *testing.T) {
	back := kpi.Fact{ID: "back", At: at(t, "1d 15:00"), Recorded: at(t, "1d 15:00"), Corrects: "f01"}
	got := kpi.Compute(clock(t, "=24h"), corrected(t, back), at(t, "1d 16:00"))
	if diff := cmp.Diff([]string{"1 running 7h0m0s/24h0m0s due 2d 09:00 [corrected]"}, lines(got)); diff != "" {
		t.Error(diff)
	}
	if last := got[0].Trail[2]; last.Effect != kpi.DidWithdraw || last.Fact != "back" {
		t.Errorf("got %+v", last)
	}
}

func TestACorrectionMovesAFactToAnotherSubject(t *testing.T) {
	facts := story(t, "1d 09:00 created; 1d 10:00 done")
	facts = append(facts, kpi.Fact{ID: "fix", Subject: "B-2", Name: "created", At: at(t, "1d 09:00"), Corrects: "f00"})
	engine := kpi.NewEngine(clock(t, "=24h"))
	for _, f := range facts {
		engine.Add(f)
		engine.Cycles(at(t, "2d 00:00"))
	}
	for _, got := range [][]kpi.Cycle{kpi.Compute(clock(t, "=24h"), facts, at(t, "2d 00:00")), engine.Cycles(at(t, "2d 00:00"))} {
		if len(got) != 2 || got[0].Counted() || got[1].Subject != "B-2" || got[1].State != kpi.Running {
			t.Errorf("got %v", lines(got))
		}
	}
}

func TestOneFactTwiceIsOneFact(t *testing.T) {
	facts := story(t, "1d 09:00 created; 1d 10:00 done; 1d 11:00 reopened; 1d 12:00 done")
	for i := range facts {
		facts[i].ID = ""
	}
	got := kpi.Compute(clock(t, "=24h"), append(facts, facts...), at(t, "2d 00:00"))
	if len(got) != 2 || len(got[0].Trail) != 2 || len(got[1].Trail) != 2 || got[0].Trail[0].Fact != "A-1|created|2026-06-01T09:00:00Z|jira" {
		t.Errorf("got %v", lines(got))
	}
}

func TestWhatWasKnownIsWhatWasRecorded(t *testing.T) {
	facts := corrected(t, kpi.Fact{ID: "late", Recorded: at(t, "3d 00:00")})
	if got := kpi.Known(facts, at(t, "1d 14:00")); len(got) != 2 {
		t.Errorf("got %d facts", len(got))
	}
	if got := kpi.Known(facts, at(t, "1d 13:59")); len(got) != 1 {
		t.Errorf("got %d facts", len(got))
	}
}

func TestALateFactShowsWhichCyclesCameAndWent(t *testing.T) {
	d, now := clock(t, "=24h"), at(t, "9d 00:00")
	facts := story(t, "1d 09:00 created; 1d 10:00 hold; 1d 11:00 go on; 1d 12:00 done; 2d 09:00 reopened; 2d 12:00 done")
	before, after := kpi.Compute(d, facts[:4], now), kpi.Compute(d, facts, now)
	got := kpi.Differences(before, after)
	if len(got) != 1 || got[0].Number != 2 || got[0].Figure != "cycle" || got[0].Before != "" || len(got[0].Why) != 2 {
		t.Errorf("got %+v", got)
	}
	got = kpi.Differences(after, before)
	if len(got) != 1 || got[0].After != "" || len(got[0].Why) != 2 {
		t.Errorf("the other way: %+v", got)
	}
	if got := kpi.Differences(after, after); got != nil {
		t.Errorf("of the same: %+v", got)
	}
	if got := kpi.Differences(nil, after); len(got) != 2 || got[0].Before != "" {
		t.Errorf("of nothing: %+v", got)
	}
	if got := kpi.Differences(kpi.Compute(clock(t, "=1h"), facts, now), after); len(got) == 0 || got[0].Figure != "target" || got[0].Why != nil {
		t.Errorf("another target, no fact: %+v", got)
	}
}

func TestClosedSubjectsAreNotCountedAgain(t *testing.T) {
	engine := kpi.NewEngine(clock(t, "=24h"))
	for _, f := range story(t, "1d 09:00 created; 1d 10:00 done") {
		engine.Add(f)
	}
	first, second := engine.Subject("A-1", at(t, "2d 00:00")), engine.Subject("A-1", at(t, "3d 00:00"))
	if &first[0] != &second[0] {
		t.Error("it was counted again")
	}
	if earlier := engine.Subject("A-1", at(t, "1d 09:30")); earlier[0].State != kpi.Running || earlier[0].Elapsed != 30*time.Minute {
		t.Errorf("as of an earlier time: %v", lines(earlier))
	}
}

func TestAFactThatIsForSomeClocksIsNoneOfTheOthers(t *testing.T) {
	d := kpi.Definition{SOP: "s", Name: "told", Start: []string{"began"}, Stop: []string{"ended"}, Targets: map[string]kpi.Target{"": target(t, "1h")}}
	facts := []kpi.Fact{
		{Subject: "A", Name: "began", At: at(t, "1d 09:00"), Clocks: []string{"told"}}, {Subject: "A", Name: "ended", At: at(t, "1d 09:30"), Clocks: []string{"told"}},
	}
	if got := kpi.Compute(d, facts, at(t, "2d 09:00")); len(got) != 1 || got[0].Outcome != kpi.Met {
		t.Errorf("cycles %+v", got)
	}
	d.Name = "untold"
	if got := kpi.Compute(d, facts, at(t, "2d 09:00")); len(got) != 0 {
		t.Errorf("cycles %+v", got)
	}
}
