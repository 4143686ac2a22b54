package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/maisonrmi/sopd/internal/store"
)

func receiveCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"receivers at the same time lose nothing and only those that fail leave nothing": func(b *bench) {
			failure := errors.New("this one cannot be kept")
			var kept atomic.Int64
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() {
					err := b.store.Receive(b.Context(), func(tx *store.Tx) error {
						_, err := tx.PutDelivery(store.Delivery{Source: "okta", ID: fmt.Sprint(i), Received: noon})
						_, _, err2 := tx.Bump("pass")
						if i%3 == 0 {
							return failure
						}
						return firstError(err, err2)
					})
					switch {
					case i%3 == 0 && !errors.Is(err, failure), i%3 != 0 && err != nil:
						b.Errorf("receiver %d: %v", i, err)
					case err == nil:
						kept.Add(1)
					}
				})
			}
			all.Wait()
			b.read(func(tx *store.Tx) error {
				deliveries, err := tx.Deliveries(1000)
				b.want(int64(len(deliveries)), kept.Load())
				work, err2 := tx.Work("pass")
				// Those that share a commit ask once, and one that fails takes no other's asking with it.
				b.want(work.Pending() && work.Wanted <= kept.Load(), true)
				return firstError(err, err2)
			})
		},
		"a receiver that fails after asking leaves the asking of the others": func(b *bench) {
			for range 20 { // whichever comes first in the batch
				var all sync.WaitGroup
				for i := range 4 {
					all.Go(func() {
						_ = b.store.Receive(b.Context(), func(tx *store.Tx) error {
							_, _, err := tx.Bump("pass")
							if i < 3 {
								return errors.New("this one cannot be kept")
							}
							return err
						})
					})
				}
				all.Wait()
				b.write(func(tx *store.Tx) error {
					work, err := tx.Work("pass")
					b.want(work.Pending(), true)
					_, err2 := tx.DoneUpTo("pass", work.Wanted)
					return firstError(err, err2)
				})
			}
		},
		"a receiver that panics takes no other with it": func(b *bench) {
			var all sync.WaitGroup
			var panics atomic.Int64
			for i := range 40 {
				all.Go(func() {
					defer func() {
						if recover() != nil {
							panics.Add(1)
						}
					}()
					err := b.store.Receive(b.Context(), func(tx *store.Tx) error {
						_, err := tx.PutDelivery(store.Delivery{Source: "okta", ID: fmt.Sprint(i), Received: noon})
						if i%4 == 0 {
							panic("receiver dies")
						}
						return err
					})
					if err != nil {
						b.Error(err)
					}
				})
			}
			all.Wait()
			b.want(panics.Load(), int64(10))
			b.read(func(tx *store.Tx) error {
				deliveries, err := tx.Deliveries(100)
				b.want(len(deliveries), 30)
				return err
			})
		},
		"a receiver whose context has ended is not run": func(b *bench) {
			ctx, cancel := context.WithCancel(b.Context())
			cancel()
			err := b.store.Receive(ctx, func(*store.Tx) error { b.Error("was run"); return nil })
			b.refused(err, context.Canceled)
		},
		"receivers and ordered writes do not disturb each other": func(b *bench) {
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					b.write(func(tx *store.Tx) error { _, err := tx.Append(someEntries(3)...); return err })
				})
				all.Go(func() {
					err := b.store.Receive(b.Context(), func(tx *store.Tx) error {
						_, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: fmt.Sprint(i), Received: noon})
						return err
					})
					if err != nil {
						b.Error(err)
					}
				})
			}
			all.Wait()
			b.read(func(tx *store.Tx) error {
				size, root, err := tx.TreeHash()
				b.want(size, int64(60))
				again, err2 := rebuild(tx)
				b.want(again, root)
				q, err3 := tx.Queue()
				b.want(q.Deliveries, int64(20))
				return firstError(err, err2, err3)
			})
		},
	}
}
