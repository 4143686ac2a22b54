package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maisonrmi/sopd/reconcile"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health is what the daemon knows of itself, for probes and the status page.
type health struct {
	last  atomic.Pointer[reconcile.Report]
	err   atomic.Pointer[string] // the last pass's failure, nil when it succeeded
	write bool
	store func(context.Context) error // an error when nothing can be written
	probe prober
}

// prober asks at most every so often, so that whoever probes the daemon cannot keep it busy.
type prober struct {
	mu   sync.Mutex
	at   time.Time
	last error
}

// probeEvery is how often the store is asked at most.
const probeEvery = 2 * time.Second

func (p *prober) ask(ctx context.Context, question func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) < probeEvery && (p.last == nil || !errors.Is(p.last, context.Canceled)) {
		return p.last
	}
	ctx, cancel := context.WithTimeout(ctx, headerTime)
	defer cancel()
	p.last = question(ctx)
	p.at = time.Now()
	return p.last
}

func (h *health) record(report reconcile.Report, err error) {
	h.last.Store(&report)
	if err == nil {
		h.err.Store(nil)
		return
	}
	text := err.Error()
	h.err.Store(&text)
}

// ready reports why the daemon cannot do its work, nil when it can.
func (h *health) ready(ctx context.Context) error {
	if err := h.probe.ask(ctx, h.store); err != nil {
		return fmt.Errorf("the store cannot be written: %w", err)
	}
	if h.last.Load() == nil {
		return errors.New("no pass has ended yet")
	}
	if text := h.err.Load(); text != nil {
		return fmt.Errorf("the last pass failed: %s", *text)
	}
	return nil
}

const statusPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>sopd</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}dt{font-weight:600;margin-top:.6rem}dd{margin:0}</style>
<h1>sopd</h1>
<dl>
<dt>State</dt><dd>{{if .Problem}}not ready: {{.Problem}}{{else}}ready{{end}}</dd>
<dt>Writes</dt><dd>{{if .Write}}enabled{{else}}off: nothing outside is changed{{end}}</dd>
{{with .Report}}<dt>Last pass</dt><dd>{{.Result}}, began {{.Started.UTC.Format "2006-01-02 15:04:05 UTC"}}</dd>
<dt>Memberships</dt><dd>{{.Plan.Counts.Granted}} granted, {{.Plan.Counts.Baseline}} baseline, {{.Plan.Counts.Drift}} drift, {{.Plan.Counts.Foreign}} foreign</dd>
<dt>Findings</dt><dd>{{.Findings}}</dd>{{end}}
<dt>Figures</dt><dd><a href="/metrics">/metrics</a></dd>
</dl></html>
`

func (h *health) page() http.HandlerFunc {
	page := template.Must(template.New("status").Parse(statusPage))
	return func(w http.ResponseWriter, r *http.Request) {
		data := struct {
			Problem string
			Write   bool
			Report  *reconcile.Report
		}{Write: h.write, Report: h.last.Load()}
		if err := h.ready(r.Context()); err != nil {
			data.Problem = err.Error()
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		if err := page.Execute(w, data); err != nil {
			return // the reader has gone
		}
	}
}

func (h *health) readyz(w http.ResponseWriter, r *http.Request) {
	if err := h.ready(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// routes returns everything that the daemon serves.
func (d *daemon) routes(l *loop) http.Handler {
	h := l.health
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("GET /{$}", h.page())
	l.hooks(mux)
	return mux
}

// Limits of the server. Okta ends a delivery after 3 seconds; nobody honest needs longer to send one.
const (
	headerTime = 5 * time.Second
	bodyTime   = 20 * time.Second
	drainTime  = 10 * time.Second
)

// serve answers on the listener until the context ends, then lets requests under way finish.
//
// Errors: also when the daemon's web configuration is not sound.
func (d *daemon) serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: bodyTime, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(d.logger.Handler(), slog.LevelWarn),
	}
	tls, err := secure(server, d.config.WebConfig)
	if err != nil {
		return errors.Join(usage(fmt.Errorf("SOPD_WEB_CONFIG_FILE: %w", err)), l.Close())
	}
	failed := make(chan error, 1)
	go func() {
		if tls {
			failed <- server.ServeTLS(l, "", "")
			return
		}
		failed <- server.Serve(l)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err = server.Shutdown(drain)
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
