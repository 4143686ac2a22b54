package store_test

import (
	"encoding/json"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
)

func personCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"an accepted membership stays until it is dropped": func(b *bench) {
			accepted := store.Baseline{Membership: access.Membership{Group: "gb", User: "ub"}, Adopted: noon, ReviewBy: noon.Add(time.Hour), By: "op"}
			b.write(func(tx *store.Tx) error { return tx.PutBaseline(accepted) })
			b.read(func(tx *store.Tx) error {
				got, err := tx.Baseline("gb")
				b.want(got, []store.Baseline{accepted})
				early, err2 := tx.BaselinesDue(accepted.ReviewBy.Add(-time.Microsecond))
				due, err3 := tx.BaselinesDue(accepted.ReviewBy)
				b.want([]int{early["gb"], due["gb"]}, []int{0, 1})
				return firstError(err, err2, err3)
			})
			b.write(func(tx *store.Tx) error { return tx.DropBaseline(accepted.Membership) })
			b.read(func(tx *store.Tx) error {
				got, err := tx.Baselines()
				b.want(len(got), 0)
				return err
			})
		},
		"a finding seen again is the same until it is cleared": func(b *bench) {
			drift := finding.Finding{Key: "drift/g/u", Kind: "drift", Title: "t", User: "u", Raised: noon, Alert: "a-1"}
			later := drift
			later.Raised, later.Title, later.Alert = noon.Add(time.Hour), "still", ""
			b.write(func(tx *store.Tx) error {
				first, err := tx.PutFinding(drift)
				again, err2 := tx.PutFinding(later)
				b.want([]bool{first, again}, []bool{true, false})
				return firstError(err, err2)
			})
			b.read(func(tx *store.Tx) error {
				open, err := tx.OpenFindings()
				want := drift
				want.Title = "still"
				b.want(open, []finding.Finding{want})
				return err
			})
			b.write(func(tx *store.Tx) error {
				_, ok, err := tx.ClearFinding("drift/g/u", noon)
				_, twice, err2 := tx.ClearFinding("drift/g/u", noon)
				b.want([]bool{ok, twice}, []bool{true, false})
				anew, err3 := tx.PutFinding(later)
				b.want(anew, true)
				f, _, err4 := tx.Finding("drift/g/u")
				b.want(f, later)
				_, _, err5 := tx.ClearFinding("drift/g/u", noon)
				return firstError(err, err2, err3, err4, err5)
			})
		},
		"an alert is forgotten by the findings that are open": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				for key, alert := range map[finding.Key]paging.AlertID{"a": "a-1", "b": "a-1", "c": "a-2", "d": "a-1"} {
					if _, err := tx.PutFinding(finding.Finding{Key: key, Kind: "drift", Title: "t", Raised: noon, Alert: alert}); err != nil {
						return err
					}
				}
				_, _, err := tx.ClearFinding("d", noon)
				return firstError(err, tx.ForgetAlert("a-1"))
			})
			b.read(func(tx *store.Tx) error {
				var left []paging.AlertID
				for _, key := range []finding.Key{"a", "b", "c", "d"} {
					f, _, err := tx.Finding(key)
					if err != nil {
						return err
					}
					left = append(left, f.Alert)
				}
				b.want(left, []paging.AlertID{"", "", "a-2", "a-1"})
				return nil
			})
		},
		"a hold is used once": func(b *bench) {
			h := hold.Hold{ID: "HLD-1", PlanHash: "h1", Guards: []string{"share"}, Plan: json.RawMessage(`{"a":1}`), State: hold.Open, Made: noon, Expires: noon.Add(time.Hour)}
			step := func(state hold.State) error {
				return b.store.Write(b.Context(), func(tx *store.Tx) error { h.State = state; return tx.PutHold(h) })
			}
			b.refused(step(hold.Approved), access.ErrInvalid)
			for _, state := range []hold.State{hold.Open, hold.Approved, hold.Used} {
				if err := step(state); err != nil {
					b.Fatal(err)
				}
			}
			b.refused(step(hold.Used), access.ErrConflict)
			b.refused(step(hold.Approved), access.ErrConflict)
			h.State = hold.Used
			b.read(func(tx *store.Tx) error {
				used, err := tx.Holds(hold.Used)
				b.want(used, []hold.Hold{h})
				open, err2 := tx.Holds(hold.Open, hold.Approved)
				b.want(len(open), 0)
				byPlan, err3 := tx.HoldsByPlan("h1")
				b.want(len(byPlan), 1)
				return firstError(err, err2, err3)
			})
		},
		"a hold never becomes another plan's": func(b *bench) {
			h := hold.Hold{ID: "HLD-2", PlanHash: "h2", Plan: json.RawMessage(`1`), State: hold.Open, Made: noon}
			b.write(func(tx *store.Tx) error { return tx.PutHold(h) })
			h.PlanHash, h.State = "h3", hold.Approved
			b.refused(b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.PutHold(h) }), access.ErrInvalid)
		},
	}
}
