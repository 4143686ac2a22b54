package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
)

func factCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a fact is new once and never edited": func(b *bench) {
			late := kpi.Fact{ID: "f2", Subject: "ACC-1", Name: "approved", At: noon.Add(time.Hour), Recorded: noon, Source: "jira"}
			early := kpi.Fact{ID: "f1", Subject: "ACC-1", Name: "requested", At: noon, Recorded: noon, Source: "jira", Backfilled: true}
			edited := late
			edited.Name = "refused"
			b.write(func(tx *store.Tx) error {
				fresh, err := tx.PutFacts([]kpi.Fact{late, early, edited})
				b.want(fresh, []kpi.Fact{late, early})
				return err
			})
			b.read(func(tx *store.Tx) error {
				facts, err := tx.Facts("ACC-1")
				b.want(facts, []kpi.Fact{early, late})
				var all []kpi.Fact
				err2 := tx.EachFact(func(f kpi.Fact) error { all = append(all, f); return nil })
				b.want(all, facts)
				return firstError(err, err2)
			})
		},
		"a fact without an ID is refused": func(b *bench) {
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error {
				_, err := tx.PutFacts([]kpi.Fact{{Subject: "ACC-1", Name: "x", At: noon}})
				return err
			}), access.ErrInvalid)
		},
		"the cycles of a subject are replaced as a whole": func(b *bench) {
			first := kpi.Cycle{SOP: "s", KPI: "k", Subject: "ACC-1", Number: 1, State: kpi.Running, Started: noon}
			second := kpi.Cycle{SOP: "s", KPI: "k", Subject: "ACC-1", Number: 2, State: kpi.Running, Started: noon}
			other := kpi.Cycle{SOP: "s", KPI: "k", Subject: "ACC-2", Number: 1, State: kpi.Stopped, Started: noon, Stopped: noon}
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutCycles("ACC-1", []kpi.Cycle{first, second}), tx.PutCycles("ACC-2", []kpi.Cycle{other}), tx.PutCycles("ACC-1", []kpi.Cycle{first}))
			})
			b.read(func(tx *store.Tx) error {
				var all, open []kpi.Cycle
				err := tx.EachCycle(func(c kpi.Cycle) error { all = append(all, c); return nil })
				err2 := tx.EachOpenCycle(func(c kpi.Cycle) error { open = append(open, c); return nil })
				b.want(len(all), 2)
				b.want(all[0].Started, first.Started)
				b.want(all[1].Subject, other.Subject)
				b.want(len(open), 1)
				b.want(open[0].Number, first.Number)
				return firstError(err, err2)
			})
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.PutCycles("ACC-2", []kpi.Cycle{first}) }), access.ErrInvalid)
		},
	}
}
