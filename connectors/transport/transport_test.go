package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// vendor returns a client of a server that answers with h.
func vendor(t *testing.T, o transport.Options, h http.HandlerFunc) (*transport.Client, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return dial(t, o, s.URL), s.URL
}

func dial(t *testing.T, o transport.Options, address string) *transport.Client {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	o.Connector, o.BaseURL = "okta", base
	if o.MinWait == 0 {
		o.MinWait, o.MaxWait = time.Millisecond, 10*time.Millisecond
	}
	c, err := transport.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// send makes a request with client and returns its status and the error, which is the transport's own.
func send(ctx context.Context, t *testing.T, client *http.Client, method, address string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("a body failed that was read whole before: %v", err)
	}
	return resp.StatusCode, nil
}

func TestEveryProblemOfTheOptionsIsReportedAtOnce(t *testing.T) {
	_, err := transport.New(transport.Options{Timeout: -1, MaxBody: -1, MinWait: -1, Share: 101})
	for _, want := range []string{"connector name", "time-out", "body limit", "wait", "share", "base URL"} {
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, access.ErrInvalid) {
			t.Errorf("the error does not tell of the %s: %v", want, err)
		}
	}
}

func TestPlainHTTPIsAcceptedOnLoopbackOnly(t *testing.T) {
	for address, fine := range map[string]bool{"https://org.okta.com": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost:1": true,
		"http://org.okta.com": false, "http://10.0.0.1": false, "ftp://127.0.0.1": false, "http://localhost.example.com": false, "https://": false,
		"https://u:p@org.okta.com": false, "https://org.okta.com?x=1": false} {
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transport.New(transport.Options{Connector: "okta", BaseURL: base}); (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTheCredentialIsPutOnForTheConfiguredHostOnly(t *testing.T) {
	var authorized, elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	c, address := vendor(t, transport.Options{Authorize: func(*http.Request) error { authorized.Add(1); return nil }}, func(http.ResponseWriter, *http.Request) {})
	for _, to := range []string{other.URL, strings.Replace(address, "http:", "https:", 1), strings.Replace(address, "127.0.0.1", "u:p@127.0.0.1", 1)} {
		if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, to); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if authorized.Load() != 0 || elsewhere.Load() != 0 {
		t.Errorf("authorized %d times, %d requests elsewhere", authorized.Load(), elsewhere.Load())
	}
	if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address); err != nil || authorized.Load() != 1 {
		t.Errorf("%v, authorized %d times", err, authorized.Load())
	}
}

// TestEOFNeverReachesTheSDK is for the Okta SDK, which repeats a request without end or pause when it sees io.EOF.
func TestEOFNeverReachesTheSDK(t *testing.T) {
	for name, answer := range map[string]string{"nothing": "", "half a head": "HTTP/1.1 200", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		"half a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"} {
		var tries atomic.Int64
		c, address := vendor(t, transport.Options{Retries: 2}, func(w http.ResponseWriter, _ *http.Request) {
			tries.Add(1)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(conn, answer)
			conn.Close()
		})
		_, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address)
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, access.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if tries.Load() != 3 {
			t.Errorf("%s: %d attempts, want 3", name, tries.Load())
		}
	}
}

func TestAnAnswerThatTheConnectorRefusesIsAnErrorAndNotRepeated(t *testing.T) {
	var n atomic.Int64
	c, address := vendor(t, transport.Options{Refuse: func(r *http.Response) error {
		if _, err := io.ReadAll(r.Body); err != nil { // it may read the body, too
			return err
		}
		if r.Header.Get("X-Seraph-LoginReason") == "AUTHENTICATED_FAILED" {
			return fmt.Errorf("signed in as nobody, says %s: %w", "the-header", access.ErrUnauthenticated)
		}
		return nil
	}}, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		}
		fmt.Fprint(w, `{"issues":[]}`)
	})
	if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address); !errors.Is(err, access.ErrUnauthenticated) || n.Load() != 1 {
		t.Errorf("%v after %d requests", err, n.Load())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != `{"issues":[]}` {
		t.Errorf("body %q, %v", text, err)
	}
}

func TestAMarkedPostIsARead(t *testing.T) {
	var n atomic.Int64
	c, address := vendor(t, transport.Options{Retries: 3}, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	})
	if _, err := send(transport.WithRead(t.Context()), t, c.HTTP(), http.MethodPost, address); err != nil || n.Load() != 4 {
		t.Errorf("%v after %d requests, want 4", err, n.Load())
	}
}

func TestBoundRequestsEndWithTheContextTheyAreBoundTo(t *testing.T) {
	reached := make(chan struct{}, 1)
	c, address := vendor(t, transport.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
	})
	for name, which := range map[string]int{"the bound one": 0, "its own": 1} {
		bound, cancelBound := context.WithCancel(t.Context())
		own, cancelOwn := context.WithCancel(t.Context())
		go func() {
			<-reached
			[]context.CancelFunc{cancelBound, cancelOwn}[which]()
		}()
		if _, err := send(own, t, c.Bind(bound), http.MethodGet, address); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		cancelBound()
		cancelOwn()
	}
}

func TestAWebPageWithAGoodStatusIsNoAnswer(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"by its type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "Text/HTML; charset=utf-8")
			fmt.Fprint(w, `{}`)
		},
		"by its look": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "\n <!DOCTYPE html><html></html>")
		},
	} {
		c, address := vendor(t, transport.Options{}, h)
		if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := send(t.Context(), t, c.HTTP(), http.MethodDelete, address); !errors.Is(err, access.ErrUnconfirmed) {
			t.Errorf("%s, to a write: %v", name, err)
		}
	}
}

func TestABodyThatNeverEndsRunsIntoTheTimeOut(t *testing.T) {
	c, address := vendor(t, transport.Options{Timeout: 50 * time.Millisecond, Retries: -1}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"issues":[`)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	_, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address)
	if !errors.Is(err, access.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "time-out") {
		t.Errorf("error %v", err)
	}
}

func TestAFailureIsNotTheLastSuccess(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	c, address := vendor(t, transport.Options{Metrics: transport.NewMetrics(registry)}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address); err != nil {
		t.Fatal(err)
	}
	want := `# HELP sopd_connector_last_success_timestamp_seconds When a vendor last gave a good answer; 0 before the first.
# TYPE sopd_connector_last_success_timestamp_seconds gauge
sopd_connector_last_success_timestamp_seconds{connector="okta"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "sopd_connector_last_success_timestamp_seconds"); err != nil {
		t.Error(err)
	}
}

func TestLogsTellTheOutcomeAndNothingElseOfARequest(t *testing.T) {
	var log bytes.Buffer
	c, address := vendor(t, transport.Options{Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Authorize: func(r *http.Request) error { r.Header.Set("Authorization", "SSWS the-token"); return nil }},
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			fmt.Fprint(w, "the-body")
		})
	if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address+"/users/ada@example.com?q=the-query"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), `"outcome":"not_found"`) {
		t.Errorf("log %s", log.String())
	}
	for _, inside := range []string{"the-token", "ada", "the-query", "the-body", "127.0.0.1"} {
		if strings.Contains(log.String(), inside) {
			t.Errorf("the log shows %q: %s", inside, log.String())
		}
	}
}

func TestMetricsCountEachAttemptInAClosedSet(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := transport.NewMetrics(registry)
	var n atomic.Int64
	at := time.UnixMilli(1_700_000_000_500)
	c, address := vendor(t, transport.Options{Metrics: m, Now: func() time.Time { return at }}, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			w.WriteHeader(503)
		}
	})
	if got := testutil.CollectAndCount(registry, "sopd_connector_requests_total"); got != 10 {
		t.Errorf("%d series at the start, want one for each outcome", got)
	}
	if _, err := send(t.Context(), t, c.HTTP(), http.MethodGet, address); err != nil {
		t.Fatal(err)
	}
	want := `# HELP sopd_connector_last_success_timestamp_seconds When a vendor last gave a good answer; 0 before the first.
# TYPE sopd_connector_last_success_timestamp_seconds gauge
sopd_connector_last_success_timestamp_seconds{connector="okta"} 1.7000000005e+09
# HELP sopd_connector_requests_total Requests made to a vendor, each attempt counted, by how they ended.
# TYPE sopd_connector_requests_total counter
`
	for _, outcome := range []string{"cancelled", "conflict", "denied", "invalid", "malformed", "not_found", "ok", "throttled", "unauthenticated", "unavailable"} {
		count := map[string]int{"ok": 1, "unavailable": 1}[outcome]
		want += fmt.Sprintf("sopd_connector_requests_total{connector=\"okta\",outcome=%q} %d\n", outcome, count)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "sopd_connector_last_success_timestamp_seconds", "sopd_connector_requests_total"); err != nil {
		t.Error(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
}
