package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// benchmark runs the same on both engines.
func benchmark(b *testing.B, run func(b *testing.B, s *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { run(b, storetest.OpenURL(b, storetest.NewSQLite(b), nil)) })
	b.Run("postgres", func(b *testing.B) { run(b, storetest.OpenURL(b, storetest.NewPostgres(b), nil)) })
}

func BenchmarkAppend(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store) {
		for b.Loop() {
			storetest.Write(b, s, func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.ChangeApplied, At: noon, Ticket: "ACC-17", User: "00u1", Body: map[string]int{"n": 1}})
				return err
			})
		}
	})
}

func BenchmarkAppendHundredAtATime(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store) {
		entries := someEntries(100)
		for b.Loop() {
			storetest.Write(b, s, func(tx *store.Tx) error {
				_, err := tx.Append(entries...)
				return err
			})
		}
		b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "records/s")
	})
}

func BenchmarkPutDelivery(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store) {
		var n atomic.Int64
		body := make([]byte, 2000)
		b.SetParallelism(32) // times GOMAXPROCS: 64 senders on two cores
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				id := fmt.Sprintf("delivery-%d", n.Add(1))
				err := s.Receive(b.Context(), func(tx *store.Tx) error {
					if _, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: id, Received: noon, Body: body}); err != nil {
						return err
					}
					_, _, err := tx.Bump("pass")
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	})
}

func BenchmarkPutMembersUnchanged(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store) {
		users := make([]access.UserID, 10_000)
		for i := range users {
			users[i] = access.UserID(fmt.Sprintf("00u%06d", i))
		}
		at := time.Now()
		for b.Loop() {
			storetest.Write(b, s, func(tx *store.Tx) error { return tx.PutMembers("g", users, at) })
		}
	})
}
