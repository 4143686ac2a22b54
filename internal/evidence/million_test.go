package evidence_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// recordsVariable chooses how many records the benchmark exports; the promise is for a million.
const recordsVariable = "SOPD_BENCH_RECORDS"

// BenchmarkExportAndVerify reports the time and the peak of the heap of each half. The ledger is made of requests that were
// granted: three records each, besides checkpoints.
func BenchmarkExportAndVerify(b *testing.B) {
	n := 10_000
	if text := os.Getenv(recordsVariable); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	a := newArchive(b)
	a.autumn(50)
	fill(a, n)
	a.observe()
	o := a.options("")
	o.From, o.To = october.AddDate(0, -1, 0), a.clock.now
	for b.Loop() {
		o.Out = filepath.Join(b.TempDir(), "export")
		began := time.Now()
		exportPeak := peak(func() {
			if _, err := evidence.Export(b.Context(), o); err != nil {
				b.Fatal(err)
			}
		})
		exported := time.Now()
		verifyPeak := peak(func() {
			if _, err := verify(b, o.Out, a.key.Public()); err != nil {
				b.Fatal(err)
			}
		})
		b.ReportMetric(exported.Sub(began).Seconds(), "export-s")
		b.ReportMetric(time.Since(exported).Seconds(), "verify-s")
		b.ReportMetric(float64(exportPeak)/1e6, "export-MB")
		b.ReportMetric(float64(verifyPeak)/1e6, "verify-MB")
	}
}

// fill appends at least n records about requests, in batches as a busy pass would, with a checkpoint after each batch.
func fill(a *archive, n int) {
	a.t.Helper()
	g, c := a.grant(10_000_000)
	const batch = 2500
	for done := 0; done < n; done += 4 * batch {
		a.clock.now = a.clock.now.Add(time.Minute)
		entries := make([]ledger.Entry, 0, 4*batch)
		for range batch {
			entry := ledger.Entry{At: a.clock.now, Ticket: g.Ticket, User: g.User, Group: g.Group}
			for _, kind := range []ledger.Kind{ledger.GrantApproved, ledger.ChangeIntended, ledger.ChangeConfirmed, ledger.ChangeWitnessed} {
				e := entry
				e.Kind, e.Body = kind, c
				if kind == ledger.GrantApproved {
					e.Body = g
				} else {
					e.Change = c.ID
				}
				entries = append(entries, e)
			}
		}
		a.write(func(tx *store.Tx) error { _, err := tx.Append(entries...); return err })
		a.clock.now = a.clock.now.Add(time.Minute)
		a.sign()
	}
}

// peak returns the largest heap in use while fn runs, in bytes, looked at every 20 ms.
func peak(fn func()) uint64 {
	runtime.GC() // what was before is not counted
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var high uint64
		var stats runtime.MemStats
		for {
			runtime.ReadMemStats(&stats)
			high = max(high, stats.HeapInuse)
			select {
			case <-done:
				most <- high
				return
			case <-tick.C:
			}
		}
	}()
	fn()
	close(done)
	return <-most
}
