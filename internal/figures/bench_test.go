package figures_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkFigures measures what the figures cost with many ended cycles: the first computing of a thousand subjects, an
// update in which little has changed, and a scrape.
func BenchmarkFigures(b *testing.B) {
	const subjects = 20_000
	s := storetest.OpenURL(b, storetest.NewSQLite(b), func() time.Time { return now })
	target, err := kpi.ParseTarget("24h")
	if err != nil {
		b.Fatal(err)
	}
	var clocks []kpi.Definition
	for i := range 4 {
		clocks = append(clocks, kpi.Definition{
			SOP: "sop", Name: fmt.Sprint("kpi-", i), Subject: "ticket", Start: []string{"begun"}, Stop: []string{fmt.Sprint("done-", i%2)},
			Targets: map[string]kpi.Target{"": target},
		})
	}
	fill := func(from, to int) {
		storetest.Write(b, s, func(tx *store.Tx) error {
			for i := from; i < to; i++ {
				subject, at := fmt.Sprint("T-", i), now.Add(-time.Duration(i%8000+30)*time.Hour)
				var facts []kpi.Fact
				for n, name := range []string{"begun", "done-0", "done-1"} {
					facts = append(facts, kpi.Fact{ID: subject + name, Subject: subject, Name: name, At: at.Add(time.Duration(n*(i%30)) * time.Hour), Recorded: now, Source: "x"})
				}
				if _, err := tx.PutFacts(facts); err != nil {
					return err
				}
			}
			return nil
		})
	}
	r := prometheus.NewRegistry()
	k := figures.NewKPIs(r, clocks)
	fill(0, subjects)
	began := time.Now()
	if err := k.Update(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d subjects on %d clocks, all computed in %v", subjects, len(clocks), time.Since(began))
	next := subjects
	b.Run("update of ten subjects", func(b *testing.B) {
		for b.Loop() {
			fill(next, next+10)
			next += 10
			if err := k.Update(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("update of nothing", func(b *testing.B) {
		for b.Loop() {
			if err := k.Update(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scrape", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
