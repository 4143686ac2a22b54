package figures_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/prometheus/client_golang/prometheus"
)

// record keeps facts as a pass does, with their ledger entries.
func record(t *testing.T, s *store.Store, facts ...kpi.Fact) {
	t.Helper()
	storetest.Write(t, s, func(tx *store.Tx) error {
		_, err := tx.RecordFacts("", facts...)
		return err
	})
}

// verified returns the differences that verification finds.
func verified(t *testing.T, s *store.Store) []string {
	t.Helper()
	v, err := figures.Verify(t.Context(), s, []kpi.Definition{clock(t)})
	if err != nil {
		t.Fatal(err)
	}
	return v.Differences
}

func TestFiguresThatAreKeptSubjectBySubjectAreThoseOfAllFacts(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 0))
		at := now
		s := storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return at })
		n := 0
		var all []kpi.Fact
		for range 4 {
			var fresh []kpi.Fact
			for range r.IntN(7) {
				n++
				f := kpi.Fact{
					ID: fmt.Sprint(n), Subject: string(rune('A' + r.IntN(3))), Name: []string{"leaver.left", "leaver.removed"}[r.IntN(2)],
					At: at.Add(-time.Duration(r.IntN(72)) * time.Hour), Recorded: at, Source: "test",
				}
				if len(all) > 0 && r.IntN(3) == 0 { // a correction, or the taking back of a fact
					old := all[r.IntN(len(all))]
					f.Corrects, f.Subject, f.Name = old.ID, old.Subject, []string{f.Name, ""}[r.IntN(2)]
				}
				fresh = append(fresh, f)
			}
			all = append(all, fresh...)
			record(t, s, fresh...)
			at = at.Add(time.Hour)
			if d := verified(t, s); len(d) > 0 {
				t.Fatalf("seed %d: %v", seed, d)
			}
		}
	}
}

func TestALateFactChangesAFigureAndARecordSaysWhatAndWhy(t *testing.T) {
	s := open(t)
	record(t, s, facts("HR-2", 30*time.Hour, "")...)
	if d := verified(t, s); len(d) > 0 {
		t.Fatal(d)
	}
	record(t, s, kpi.Fact{ID: "late", Subject: "HR-2", Name: "leaver.removed", At: now.Add(-47 * time.Hour), Recorded: now, Source: "person", Corrects: "HR-2/removed"})
	if d := verified(t, s); len(d) > 0 {
		t.Fatal(d)
	}
	var told []string
	storetest.Read(t, s, func(tx *store.Tx) error {
		return tx.EachRecordSince(ledger.FiguresChanged, time.Time{}, func(r ledger.Record) error {
			told = append(told, fmt.Sprintf("%s", r.Body))
			return nil
		})
	})
	if len(told) != 1 || !strings.Contains(told[0], `"fact":"late"`) || !strings.Contains(told[0], "outcome") || !strings.Contains(told[0], `"after":"met"`) {
		t.Errorf("%v", told)
	}
}

func TestACycleThatEndsIsNoCorrection(t *testing.T) {
	s := open(t)
	all := facts("HR-1", 3*time.Hour, "")
	record(t, s, all[0])
	verified(t, s)
	record(t, s, all[1])
	verified(t, s)
	storetest.Read(t, s, func(tx *store.Tx) error {
		return tx.EachRecordSince(ledger.FiguresChanged, time.Time{}, func(r ledger.Record) error {
			t.Errorf("%s", r.Body)
			return nil
		})
	})
}

func TestVerificationNamesEveryFigureThatSomebodyChanged(t *testing.T) {
	for name, tt := range map[string]struct{ statement, want string }{
		"a fact":         {"UPDATE facts SET doc = replace(doc, 'leaver.removed', 'leaver.left') WHERE id = 'HR-2/removed'", "fact HR-2/removed is another"},
		"a fact dropped": {"DELETE FROM facts WHERE id = 'HR-2/removed'", "fact HR-2/removed is in the ledger and not in the store"},
		"a cycle":        {"UPDATE cycles SET doc = replace(doc, 'breached', 'met') WHERE subject = 'HR-2'", "HR-2, cycle 1: outcome"},
		"a cycle gone":   {"DELETE FROM cycles WHERE subject = 'HR-2'", "HR-2, cycle 1: cycle"},
		"a count":        {"UPDATE kpi_days SET n = n + 1 WHERE outcome = 'met'", "2 met are shown and 1 by the ledger"},
		"a histogram":    {"UPDATE kpi_spread SET total = total - 1000000", "the histogram holds"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sopd.db")
			s := storetest.OpenURL(t, "sqlite:"+path, func() time.Time { return now })
			record(t, s, append(facts("HR-1", 3*time.Hour, ""), facts("HR-2", 30*time.Hour, "")...)...)
			if d := verified(t, s); len(d) > 0 {
				t.Fatal(d)
			}
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), tt.statement); err != nil {
				t.Fatal(err)
			}
			found := verified(t, s)
			if !strings.Contains(strings.Join(found, "\n"), tt.want) {
				t.Errorf("want %q in %v", tt.want, found)
			}
		})
	}
}

func TestOtherClocksGiveOtherFigures(t *testing.T) {
	s := open(t)
	record(t, s, facts("HR-2", 30*time.Hour, "")...)
	verified(t, s)
	d := clock(t)
	day := d.Targets[""]
	if err := day.UnmarshalText([]byte("48h")); err != nil {
		t.Fatal(err)
	}
	d.Targets = map[string]kpi.Target{"": day}
	v, err := figures.Verify(t.Context(), s, []kpi.Definition{d})
	if err != nil || len(v.Differences) > 0 {
		t.Fatal(v.Differences, err)
	}
	r := prometheus.NewPedanticRegistry()
	k := figures.NewKPIs(r, []kpi.Definition{d})
	if err := k.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for _, m := range find(t, r, "sopd_kpi_completed_total").GetMetric() {
		kept := m.GetLabel()[1].GetValue() == string(kpi.Met)
		if m.GetCounter().GetValue() != map[bool]float64{true: 1, false: 0}[kept] {
			t.Errorf("%v", m)
		}
	}
}

func TestAnOpenCycleAgesWithoutBeingComputedAgain(t *testing.T) {
	at := now
	s := storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return at })
	d := clock(t)
	warn, err := kpi.ParseWarning("50%")
	if err != nil {
		t.Fatal(err)
	}
	d.Warn = []kpi.Warning{warn}
	record(t, s, kpi.Fact{ID: "a", Subject: "HR-9", Name: "leaver.left", At: now, Recorded: now, Source: "test"})
	r := prometheus.NewPedanticRegistry()
	k := figures.NewKPIs(r, []kpi.Definition{d})
	for _, step := range []struct {
		after time.Duration
		state string
	}{{time.Hour, "on_track"}, {13 * time.Hour, "at_risk"}, {25 * time.Hour, "breached"}} {
		at = now.Add(step.after)
		if err := k.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		for _, m := range find(t, r, "sopd_kpi_open").GetMetric() {
			is := m.GetLabel()[3].GetValue() == step.state
			if m.GetGauge().GetValue() != map[bool]float64{true: 1, false: 0}[is] {
				t.Errorf("after %v: %v", step.after, m)
			}
		}
	}
}
