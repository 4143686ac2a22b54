package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
)

func queueCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a cursor is where it was set last": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, _, found, err := tx.Cursor("okta/logs")
				b.want(found, false)
				return firstError(err, tx.SetCursor("okta/logs", "a", noon), tx.SetCursor("okta/logs", "b", noon.Add(time.Hour)))
			})
			b.read(func(tx *store.Tx) error {
				value, at, found, err := tx.Cursor("okta/logs")
				b.want(value, access.Cursor("b"))
				b.want(at, noon.Add(time.Hour))
				b.want(found, true)
				return err
			})
		},
		"a lease has one holder and fences the one before": func(b *bench) {
			lease := func(holder string) (token int64, err error) {
				err = b.store.Write(b.Context(), func(tx *store.Tx) error {
					token, err = tx.Lease("pass", holder, b.clock.now.Add(time.Minute))
					return err
				})
				return token, err
			}
			holds := func(token int64) error {
				return b.store.Write(b.Context(), func(tx *store.Tx) error { return tx.HoldsLease("pass", token) })
			}
			first, err := lease("a")
			b.want(err, error(nil))
			_, err = lease("b")
			b.refused(err, access.ErrConflict)
			renewed, _ := lease("a")
			b.want(renewed, first)
			b.clock.now = noon.Add(time.Minute)
			b.want(holds(first), error(nil)) // run out, and nobody took it
			late, _ := lease("a")
			b.want(late, first)
			b.clock.now = noon.Add(2 * time.Minute)
			second, err := lease("b")
			b.want(err, error(nil))
			b.want(second > first, true)
			b.refused(holds(first), access.ErrConflict)
			b.want(holds(second), error(nil))
			b.write(func(tx *store.Tx) error {
				return firstError(tx.ReleaseLease("pass", first), tx.HoldsLease("pass", second))
			})
			_, err = lease("a")
			b.refused(err, access.ErrConflict) // the old token released nothing
			b.write(func(tx *store.Tx) error { return tx.ReleaseLease("pass", second) })
			third, _ := lease("b")
			b.want(third > second, true)
			b.write(func(tx *store.Tx) error { return tx.ReleaseLease("pass", third) })
		},
		"a delivery is new once": func(b *bench) {
			d := store.Delivery{Source: "jira", ID: "x", Received: noon, Body: []byte{0, 1, 0xff}}
			b.write(func(tx *store.Tx) error {
				first, err := tx.PutDelivery(d)
				again, err2 := tx.PutDelivery(d)
				b.want([]bool{first, again}, []bool{true, false})
				return firstError(err, err2)
			})
			b.read(func(tx *store.Tx) error {
				open, err := tx.Deliveries(10)
				b.want(open, []store.Delivery{d})
				q, err2 := tx.Queue()
				b.want(q, store.Queue{Deliveries: 1, Oldest: noon})
				return firstError(err, err2)
			})
			b.write(func(tx *store.Tx) error { return tx.MarkDelivery("jira", "x", "read", noon.Add(time.Second)) })
			b.write(func(tx *store.Tx) error {
				again, err := tx.PutDelivery(d)
				b.want(again, false)
				n, err2 := tx.PruneDeliveries(noon.Add(time.Second))
				b.want(n, int64(0))
				n, err3 := tx.PruneDeliveries(noon.Add(2 * time.Second))
				b.want(n, int64(1))
				return firstError(err, err2, err3)
			})
		},
		"a pass marks what was received before it began": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.PutDelivery(store.Delivery{Source: "okta", ID: "before", Received: noon})
				_, err2 := tx.PutDelivery(store.Delivery{Source: "okta", ID: "after", Received: noon.Add(time.Second)})
				n, err3 := tx.MarkDeliveriesUntil(noon, "read", noon.Add(time.Minute))
				b.want(n, int64(1))
				open, err4 := tx.Deliveries(10)
				b.want(len(open), 1)
				b.want(open[0].ID, "after")
				return firstError(err, err2, err3, err4)
			})
		},
		"work asked for while it is done is done once more": func(b *bench) {
			bump := func() (wanted int64, first bool) {
				b.write(func(tx *store.Tx) (err error) { wanted, first, err = tx.Bump("pass"); return err })
				return wanted, first
			}
			_, first := bump()
			b.want(first, true)
			wanted, first := bump()
			b.want(first, false)
			b.clock.now = noon.Add(time.Minute)
			bump()
			b.write(func(tx *store.Tx) error {
				w, err := tx.DoneUpTo("pass", wanted)
				b.want(w, store.Work{Key: "pass", Wanted: 3, Done: 2, Since: noon.Add(time.Minute)})
				pending, err2 := tx.PendingWork()
				b.want(pending, []store.Work{w})
				back, err3 := tx.DoneUpTo("pass", 1)
				b.want(back.Done, int64(2))
				ahead, err4 := tx.DoneUpTo("pass", 99)
				b.want(ahead.Done, int64(2))
				done, err5 := tx.DoneUpTo("pass", 3)
				b.want(done, store.Work{Key: "pass", Wanted: 3, Done: 3})
				return firstError(err, err2, err3, err4, err5)
			})
			_, first = bump()
			b.want(first, true)
			b.write(func(tx *store.Tx) error { _, err := tx.DoneUpTo("pass", 4); return err })
		},
	}
}
