package intake_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/intake"
	"github.com/maisonrmi/sopd/internal/jobs"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/prometheus/client_golang/prometheus"
)

// endpoint is an intake that wakes real jobs, with the passes counted.
type endpoint struct {
	store  *store.Store
	url    string
	passes atomic.Int64
}

func newEndpoint(t testing.TB, database string) *endpoint {
	t.Helper()
	e := &endpoint{store: storetest.OpenURL(t, database, nil)}
	logger := slog.New(slog.DiscardHandler)
	runner, err := jobs.New(t.Context(), e.store, jobs.Handlers{
		Wake: func(context.Context) error { e.passes.Add(1); return nil },
	}, jobs.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	in, err := intake.New(intake.Options{
		Store: e.store, Waker: runner, Logger: logger, Registerer: prometheus.NewRegistry(), Jira: intake.Secrets{secret.New(jiraSecret)},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(in.Handler(intake.Jira))
	e.url = server.URL
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := runner.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *endpoint) deliver(ctx context.Context, client *http.Client, id string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(jiraBody))
	if err != nil {
		return err
	}
	for name, value := range jiraHeader(jiraBody, jiraSecret, id) {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp.Body.Close()
}

func TestAStormOfWebhooksIsKeptWholeAndWorkedByFewPasses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, database string) {
		const storm = 300
		e := newEndpoint(t, database)
		var all sync.WaitGroup
		for sender := range 10 {
			all.Go(func() {
				for i := range storm / 10 {
					if err := e.deliver(t.Context(), http.DefaultClient, fmt.Sprintf("id-%d-%d", sender, i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		waitUntilWorked(t, e.store)
		if n := e.passes.Load(); n < 1 || n >= storm {
			t.Errorf("%d passes for %d webhooks", n, storm)
		}
		storetest.Read(t, e.store, func(tx *store.Tx) error {
			work, err := tx.Work(jobs.Pass)
			if work.Wanted < 1 || work.Wanted > storm { // those that share a commit ask once
				t.Errorf("asked for %d times by %d webhooks", work.Wanted, storm)
			}
			return err
		})
	})
}

func waitUntilWorked(t *testing.T, s *store.Store) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var q store.Queue
		storetest.Read(t, s, func(tx *store.Tx) (err error) { q, err = tx.Queue(); return err })
		if q == (store.Queue{}) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("never worked: %+v", q)
		case <-tick.C:
		}
	}
}

// BenchmarkIntake measures a webhook from 64 senders over real HTTP until its answer, durable.
func BenchmarkIntake(b *testing.B) {
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", storetest.NewSQLite}, {"postgres", storetest.NewPostgres}} {
		b.Run(engine.name, func(b *testing.B) {
			e := newEndpoint(b, engine.url(b))
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			var n atomic.Int64
			b.SetParallelism(32) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := e.deliver(b.Context(), client, fmt.Sprintf("id-%d", n.Add(1))); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "webhooks/s")
		})
	}
}
