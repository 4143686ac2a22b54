package figures

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// Verification is what came of computing every stored figure again from the ledger.
type Verification struct {
	Facts       int      `json:"facts"`       // that the ledger tells
	Archived    int      `json:"archived"`    // facts whose records were archived and deleted: they are taken as stored
	Cycles      int      `json:"cycles"`      // computed from them
	Figures     int      `json:"figures"`     // sums that metrics show, compared
	Differences []string `json:"differences"` // one sentence each; empty: everything agrees
}

// Verify computes every cycle and every sum of the clocks from the fact records of the ledger alone and compares them with
// what the store keeps and metrics show.
//
// Errors: the store's, and [access.ErrMalformed] for a record that cannot be read. A difference is no error.
func Verify(ctx context.Context, s *store.Store, clocks []kpi.Definition) (Verification, error) {
	v := verifier{clocks: clocks, result: Verification{Differences: []string{}}}
	if err := Refresh(ctx, s, clocks); err != nil {
		return v.result, err
	}
	err := s.Read(ctx, func(tx *store.Tx) error {
		for _, step := range []func(*store.Tx) error{v.readLedger, v.facts, v.cycles, v.sums} {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
	return v.result, err
}

type verifier struct {
	clocks   []kpi.Definition
	told     map[string]kpi.Fact // by ID, as the ledger tells them
	since    time.Time           // of the oldest record that is left; zero when none was archived
	computed []kpi.Cycle
	result   Verification
}

func (v *verifier) differ(format string, args ...any) {
	v.result.Differences = append(v.result.Differences, fmt.Sprintf(format, args...))
}

func (v *verifier) readLedger(tx *store.Tx) error {
	v.told = make(map[string]kpi.Fact)
	first := true
	return tx.EachRecord(0, func(r ledger.Record) error {
		if first && r.Seq > 0 {
			v.since = r.At
		}
		first = false
		if r.Kind != ledger.FactRecorded && r.Kind != ledger.FactCorrected {
			return nil
		}
		raw, _ := r.Body.(json.RawMessage)
		var f kpi.Fact
		if err := json.Unmarshal(raw, &f); err != nil {
			return fmt.Errorf("record %d holds no fact: %w", r.Seq, err)
		}
		v.told[f.ID] = f
		v.result.Facts++
		return nil
	})
}

// facts compares the stored facts with those of the ledger.
func (v *verifier) facts(tx *store.Tx) error {
	seen := make(map[string]bool, len(v.told))
	err := tx.EachFact(func(f kpi.Fact) error {
		seen[f.ID] = true
		told, known := v.told[f.ID]
		switch {
		case !known && f.Recorded.Before(v.since):
			v.told[f.ID] = f
			v.result.Archived++
		case !known:
			v.differ("fact %s is in the store and not in the ledger", f.ID)
		case !same(told, f):
			v.differ("fact %s is another in the store than in the ledger", f.ID)
		}
		return nil
	})
	for _, id := range slices.Sorted(maps.Keys(v.told)) {
		if !seen[id] {
			v.differ("fact %s is in the ledger and not in the store", id)
		}
	}
	return err
}

func same(a, b kpi.Fact) bool {
	times := a.At.Equal(b.At) && a.Recorded.Equal(b.Recorded)
	a.At, a.Recorded = b.At, b.Recorded
	return times && reflect.DeepEqual(a, b)
}

// cycles compares the stored cycles with those that the ledger's facts give. What the passing of time alone changes in an
// open cycle is no difference.
func (v *verifier) cycles(tx *store.Tx) error {
	facts := slices.Collect(maps.Values(v.told))
	for _, d := range v.clocks {
		v.computed = append(v.computed, kpi.Compute(d, facts, tx.Now())...)
	}
	v.result.Cycles = len(v.computed)
	type clock struct{ sop, kpi string }
	fresh, kept := make(map[clock][]kpi.Cycle), make(map[clock][]kpi.Cycle)
	open := make(map[string]bool)
	for _, c := range v.computed {
		fresh[clock{c.SOP, c.KPI}] = append(fresh[clock{c.SOP, c.KPI}], c)
		open[fmt.Sprint(c.SOP, c.KPI, c.Subject, c.Number)] = c.Open()
	}
	err := tx.EachCycle(func(c kpi.Cycle) error {
		kept[clock{c.SOP, c.KPI}] = append(kept[clock{c.SOP, c.KPI}], c)
		return nil
	})
	for _, d := range v.clocks {
		at := clock{d.SOP, d.Name}
		differences := kpi.Material(kpi.Differences(kept[at], fresh[at]), func(subject string, n int) bool {
			return open[fmt.Sprint(d.SOP, d.Name, subject, n)]
		})
		for _, x := range differences {
			v.differ("%s/%s of %s, cycle %d: %s is %q in the store and %q by the ledger", d.SOP, d.Name, x.Subject, x.Number, x.Figure, x.Before, x.After)
		}
	}
	return err
}

// sums compares the counts and histograms that metrics show with those of the cycles.
func (v *verifier) sums(tx *store.Tx) error {
	type total struct {
		outcomes map[kpi.Outcome]int64
		n        int64
		micros   int64
	}
	want := make(map[store.Tally]*total)
	for _, c := range v.computed {
		if !c.Ended() {
			continue
		}
		t := store.Tally{SOP: c.SOP, KPI: c.KPI, Severity: c.Severity}
		if want[t] == nil {
			want[t] = &total{outcomes: make(map[kpi.Outcome]int64)}
		}
		want[t].outcomes[c.Outcome]++
		want[t].n++
		want[t].micros += c.Elapsed.Microseconds()
	}
	shown, err := tx.CompletedSince(math.MinInt64)
	if err != nil {
		return err
	}
	spreads, err := tx.Spreads()
	if err != nil {
		return err
	}
	n, micros := make(map[store.Tally]int64), make(map[store.Tally]int64)
	for _, s := range spreads {
		n[s.Tally] += s.N
		micros[s.Tally] += s.Micros
	}
	tallies := append(slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(shown))...)
	slices.SortFunc(tallies, func(a, b store.Tally) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, t := range slices.Compact(tallies) {
		w := want[t]
		if w == nil {
			w = &total{}
		}
		name := fmt.Sprintf("%s/%s %s", t.SOP, t.KPI, severityLabel(t.Severity))
		for _, outcome := range []kpi.Outcome{kpi.Met, kpi.Breached} {
			v.result.Figures++
			if shown[t][outcome] != w.outcomes[outcome] {
				v.differ("%s: %d %s are shown and %d by the ledger", name, shown[t][outcome], outcome, w.outcomes[outcome])
			}
		}
		v.result.Figures++
		if n[t] != w.n || micros[t] != w.micros {
			v.differ("%s: the histogram holds %d in %d µs and by the ledger %d in %d µs", name, n[t], micros[t], w.n, w.micros)
		}
	}
	return nil
}
