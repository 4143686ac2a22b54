package crashtest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// seen is one request that went through a gate.
type seen struct {
	gate         string // "okta", "jira", "opsgenie", or "webhook" for the way in
	url          string // of the gate, by which replicas are told apart
	method, path string
	header       http.Header
	body         []byte
	status       int // what it was answered with, 0 when nobody answered
}

// writes reports whether the request changes something at a vendor.
func (s seen) writes() bool {
	reads := strings.Contains(s.path, "/search") || strings.HasSuffix(s.path, "/bulkfetch") // by POST
	return s.gate != "webhook" && s.method != http.MethodGet && !reads
}

// gates stand between the program and everybody else, so that it can be struck at a chosen place: when a vendor has carried
// out a write and has not yet said so, before it sees the write, or when the program has answered a webhook.
type gates struct {
	t      *testing.T
	client http.Client

	mu      sync.Mutex        // guards what follows
	names   map[string]string // under which the program knows a gate, by its own URL, where that is another
	journal []seen
	slipped time.Duration // how far the vendors' clocks are behind
	before  func(seen)    // called before a request is passed on; nil for nothing
	after   func(seen)    // called when it was answered and whoever sent it does not know yet; nil for nothing
}

func newGates(t *testing.T) *gates {
	t.Helper()
	// Each request has a connection of its own: one that a killed program left could fail the next.
	return &gates{t: t, client: http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// to opens a gate before the target and returns its URL. The target's own URL never shows in what comes back.
func (g *gates) to(name, target string) string {
	var url string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // whoever sent it has gone
		}
		s := seen{gate: name, url: url, method: r.Method, path: r.URL.Path, header: r.Header, body: body}
		g.call(func() func(seen) { return g.before }, s)
		if r.Context().Err() != nil {
			return // whoever sent it is dead
		}
		answer, header, status := g.pass(r, target, body)
		s.status = status
		g.note(s)
		g.call(func() func(seen) { return g.after }, s)
		if status == 0 {
			panic(http.ErrAbortHandler) // nobody answered
		}
		name := g.name(url)
		for key, values := range header {
			for _, v := range values {
				w.Header().Add(key, strings.ReplaceAll(v, target, name))
			}
		}
		if behind := g.behind(); behind != 0 {
			w.Header().Set("Date", time.Now().Add(-behind).UTC().Format(http.TimeFormat))
		}
		answer = bytes.ReplaceAll(answer, []byte(target), []byte(name))
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		if status == http.StatusNoContent {
			w.Header().Del("Content-Length")
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer) // a killed program reads nothing
	}))
	url = "http://" + server.Listener.Addr().String() // before the first request reads it
	server.Start()
	g.t.Cleanup(server.Close)
	return url
}

// known tells the gate under which URL the program knows it.
func (g *gates) known(url, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.names == nil {
		g.names = make(map[string]string)
	}
	g.names[url] = name
}

func (g *gates) name(url string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if name, other := g.names[url]; other {
		return name
	}
	return url
}

// slip makes the vendors say that their clocks are so far behind ours.
func (g *gates) slip(behind time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slipped = behind
}

func (g *gates) behind() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.slipped
}

// pass sends a request on. status is 0 when nobody answered.
func (g *gates) pass(r *http.Request, target string, body []byte) (answer []byte, header http.Header, status int) {
	onward, err := http.NewRequestWithContext(g.t.Context(), r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, 0
	}
	maps.Copy(onward.Header, r.Header)
	onward.Header.Del("Accept-Encoding") // bodies are read here
	response, err := g.client.Do(onward)
	if err != nil {
		return nil, nil, 0
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return nil, nil, 0
	}
	return answer, response.Header, response.StatusCode
}

func (g *gates) note(s seen) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.journal = append(g.journal, s)
}

func (g *gates) call(which func() func(seen), s seen) {
	g.mu.Lock()
	hook := which()
	g.mu.Unlock()
	if hook != nil {
		hook(s)
	}
}

// strike sets what is done at each request from now on.
func (g *gates) strike(before, after func(seen)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before, g.after = before, after
}

// passed returns what went through so far.
func (g *gates) passed() []seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]seen(nil), g.journal...)
}

// writes counts the writes so far.
func (g *gates) writes() (n int) {
	for _, s := range g.passed() {
		if s.writes() {
			n++
		}
	}
	return n
}
