package deploy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// chain is the way of an alert: figures, Prometheus with the shipped rules, Alertmanager with the shipped routes, the pager.
type chain struct {
	pager  *opsgeniemock.Server
	held   atomic.Int64 // the figure that one rule is about
	pinged chan string  // what the heartbeat was pinged with
	config string       // folder of the programs' configuration
}

const chainKey = "chain-opsgenie-key"

// TestAnAlertGoesAllTheWayAndIsClosedAgain runs the real programs with the shipped files. Only addresses are others, and
// nothing waits: every time to wait in rules and routes is a second.
func TestAnAlertGoesAllTheWayAndIsClosedAgain(t *testing.T) {
	c := newChain(t)
	c.held.Store(1)
	alertmanagerAt := c.startAlertmanager(t)
	c.startPrometheus(t, alertmanagerAt)

	var id string
	within(t, "the page about a plan that waits", func() bool {
		for _, a := range c.pager.Alerts() {
			if strings.Contains(a.Message, "a plan waits for a person") && !a.Closed {
				id = a.ID
				if a.Priority != "P2" || a.Source != "sopd" || !strings.Contains(a.Description, "docs/runbook.md#sopdholdwaits") {
					t.Errorf("priority %s, source %s, description %q", a.Priority, a.Source, a.Description)
				}
			}
		}
		return id != ""
	})
	within(t, "the ping of the heartbeat", func() bool {
		select {
		case authorization := <-c.pinged:
			if authorization != "GenieKey "+chainKey {
				t.Errorf("the heartbeat is pinged with %q", authorization)
			}
			return true
		default:
			return false
		}
	})
	c.held.Store(0)
	within(t, "the close of that page", func() bool {
		for _, a := range c.pager.Alerts() {
			if a.ID == id {
				return a.Closed
			}
		}
		return false
	})
	for _, a := range c.pager.Alerts() {
		if strings.Contains(a.Message, "Watchdog") {
			t.Errorf("the dead-man's switch pages by itself: %s", a.Message)
		}
	}
	if unknown := c.pager.Unknown(); len(unknown) > 0 {
		t.Errorf("the pager was asked for what it does not have: %v", unknown)
	}
}

func newChain(t *testing.T) *chain {
	t.Helper()
	c := &chain{pager: opsgeniemock.New(opsgeniemock.Config{Key: chainKey}), pinged: make(chan string, 1), config: t.TempDir()}
	t.Cleanup(c.pager.Close)
	return c
}

// file writes a file of the configuration.
func (c *chain) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(c.config, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replaced changes a shipped file where the pattern fits, which it has to.
func replaced(t *testing.T, text, pattern, by string) string {
	t.Helper()
	changed := regexp.MustCompile(pattern).ReplaceAllLiteralString(text, by)
	if changed == text {
		t.Fatalf("%s is not in the shipped file", pattern)
	}
	return changed
}

func (c *chain) startAlertmanager(t *testing.T) (address string) {
	t.Helper()
	heartbeat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case c.pinged <- r.Header.Get("Authorization"):
		default:
		}
	}))
	t.Cleanup(heartbeat.Close)
	text := read(t, alertmanager)
	text = replaced(t, text, `/etc/alertmanager/opsgenie-key`, c.file(t, "opsgenie-key", chainKey))
	text = replaced(t, text, `https://api\.opsgenie\.com/v2/heartbeats/sopd/ping`, heartbeat.URL)
	text = replaced(t, text, `(?m)^global:\n`, "global:\n  opsgenie_api_url: "+c.pager.URL()+"/\n")
	text = replaced(t, text, `group_wait: \w+`, "group_wait: 0s")
	text = replaced(t, text, `group_interval: \w+`, "group_interval: 1s")
	address = free(t)
	start(t, "prometheus-alertmanager", "--config.file="+c.file(t, "alertmanager.yml", text), "--storage.path="+t.TempDir(),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=error")
	return address
}

func (c *chain) startPrometheus(t *testing.T, alertmanagerAt string) {
	t.Helper()
	figures := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now().Unix()
		_, _ = fmt.Fprintf(w, "sopd_writes_enabled 1\nsopd_store_up 1\nsopd_pass_last_success_timestamp_seconds %d\n"+
			"sopd_pass_last_attempt_timestamp_seconds %d\nsopd_holds{guard=\"share\"} %d\n", now, now, c.held.Load())
	}))
	t.Cleanup(figures.Close)
	c.file(t, "sopd.rules.yml", replaced(t, read(t, rules), `(?m)^        for: \w+$`, "        for: 1s"))
	text := read(t, "prometheus/prometheus.yml")
	text = replaced(t, text, `(scrape|evaluation)_interval: 15s\n  (scrape|evaluation)_interval: 15s`, "scrape_interval: 1s\n  evaluation_interval: 1s")
	text = replaced(t, text, `dns_sd_configs:\n +- names: \[alertmanager\]\n +type: A\n +port: 9093`, fmt.Sprintf("static_configs: [{targets: [%q]}]", alertmanagerAt))
	text = replaced(t, text, `dns_sd_configs:\n +- names: \[sopd, demo\]\n +type: A\n +port: 9464`,
		fmt.Sprintf("static_configs: [{targets: [%q]}]", strings.TrimPrefix(figures.URL, "http://")))
	// What fires before Alertmanager is found is sent again a second later, and not a minute.
	start(t, "prometheus", "--config.file="+c.file(t, "prometheus.yml", text), "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address="+free(t), "--log.level=error", "--rules.alert.resend-delay=1s")
}

// start runs a program until the test ends.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	cmd.Stdout, cmd.Stderr = io.Discard, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // killed
	})
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// within waits until something has happened.
func within(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(100*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !happened() {
		select {
		case <-deadline.C:
			t.Fatalf("%s does not come", what)
		case <-tick.C:
		}
	}
}
