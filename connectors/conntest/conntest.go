// Package conntest is the behaviour that every connector must show over real HTTP: which answers are retried, that a
// write is sent once, that a failure names its cause and leaks nothing, that cancellation is visible, that half an
// answer is an error. Each connector's tests call [Run].
package conntest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
)

// Kind says how a call may be repeated.
type Kind int

const (
	// Read changes nothing at the vendor: repeated on 429, 500, 502, 503, 504 and lost connections.
	Read Kind = iota + 1
	// IdempotentWrite has the same effect however often it is sent: repeated as a read is, but not on 500.
	IdempotentWrite
	// Write is sent once, whatever the answer.
	Write
)

// Setup is what a connector under test must be built with.
type Setup struct {
	BaseURL string // of the suite's server: http://127.0.0.1:port
	Secret  string // every credential of the connector; the suite looks for it in errors
	// Tune holds the time-out, retries, waits and body limit that the suite counts on. The connector passes them to its
	// transport.
	Tune transport.Options
}

// Subject is a connector under test.
type Subject[C any] struct {
	// New builds the connector.
	New func(t testing.TB, s Setup) C
	// Calls to be tested, at least one of each kind that the connector has.
	Calls []Call[C]
}

// Call is one method of the connector.
type Call[C any] struct {
	Name string
	Kind Kind
	// Do makes the call and returns its result; nil when there is none. On an error the result must be the zero value.
	Do func(ctx context.Context, c C) (any, error)
	// Answer answers every request of the call as the vendor does when all is well.
	Answer http.HandlerFunc
	// Target picks the requests that meet the faults, of those that the call makes; nil: of a read all, of a write those
	// whose method is not GET.
	Target func(*http.Request) bool
	// MorePages answers with a full page that announces another one, always the same. Nil: the call reads no list.
	MorePages http.HandlerFunc
	// Causes overrides the cause expected for a status; nil for a status that the call takes as success.
	Causes map[int]error
}

// Run tests every call of the subject.
func Run[C any](t *testing.T, s Subject[C]) {
	t.Helper()
	for _, call := range s.Calls {
		r := &run[C]{subject: s, call: call}
		t.Run(call.Name, func(t *testing.T) {
			t.Parallel()
			r.all(t)
		})
	}
}

// run is the suite for one call.
type run[C any] struct {
	subject Subject[C]
	call    Call[C]
}

func (r *run[C]) all(t *testing.T) {
	t.Run("succeeds when the vendor answers", r.succeeds)
	t.Run("is repeated only when that is safe", r.repeats)
	t.Run("names the cause of a refusal and is not repeated", r.refusals)
	t.Run("gives up after its retries", r.givesUp)
	t.Run("clamps Retry-After", r.clampsRetryAfter)
	t.Run("shows cancellation", r.cancellation)
	t.Run("ends at its deadline", r.deadline)
	t.Run("ends while waiting to repeat", r.cancelledWait)
	t.Run("sends nothing when already cancelled", r.cancelledBefore)
	t.Run("refuses a redirect", r.redirect)
	t.Run("refuses an answer over the limit", r.bodyLimit)
	t.Run("refuses an answer that is not whole", r.notWhole)
	t.Run("refuses a web page", r.webPage)
	if r.call.MorePages != nil {
		t.Run("fails whole when a further page fails", r.partialList)
		t.Run("ends endless paging", r.endlessPaging)
	}
}

const (
	// secret is the credential that no error may show.
	secret = "conntest-s3cret-0a1b2c3d"
	// leak stands in every bad answer's body and header; no error may show it either.
	leak = "conntest-leak-marker"
	// retries is the number of further attempts that the suite configures.
	retries = 2
	// bodyLimit is far above every good answer of a test and quickly exceeded.
	bodyLimit = 1 << 20
	// prompt is how soon a cancelled call must be back on a machine that is busy.
	prompt = 5 * time.Second
)

// tune returns the options that make the suite quick.
func tune() transport.Options {
	return transport.Options{Timeout: 20 * time.Second, MaxBody: bodyLimit, Retries: retries,
		MinWait: time.Millisecond, MaxWait: 20 * time.Millisecond}
}

// server answers a call: target requests by the fault as long as that wants them, all others as the vendor does.
type server struct {
	url    string
	done   chan struct{} // closed when the test ends, for handlers that wait
	mu     sync.Mutex
	target int      // target requests so far
	paths  []string // of all requests so far
}

// fault answers the n-th target request, counted from 1, and tells whether it did.
type fault func(n int, w http.ResponseWriter, r *http.Request) bool

func (r *run[C]) serve(t *testing.T, f fault) *server {
	t.Helper()
	s := &server{done: make(chan struct{})}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if n := s.count(req, r.isTarget(req)); n > 0 && f(n, w, req) {
			return
		}
		r.call.Answer(w, req)
	}))
	s.url = h.URL
	t.Cleanup(func() {
		close(s.done)
		h.CloseClientConnections()
		h.Close()
	})
	return s
}

// count records a request and returns its number among the target requests; 0 when it is none.
func (s *server) count(req *http.Request, target bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, req.URL.Path)
	if !target {
		return 0
	}
	s.target++
	return s.target
}

func (s *server) targets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}

func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.paths...)
}

func (r *run[C]) isTarget(req *http.Request) bool {
	switch {
	case r.call.Target != nil:
		return r.call.Target(req)
	case r.call.Kind == Read:
		return true
	default:
		return req.Method != http.MethodGet
	}
}

// do builds a connector against s and makes the call.
func (r *run[C]) do(ctx context.Context, t *testing.T, s *server, o transport.Options) (any, error) {
	t.Helper()
	c := r.subject.New(t, Setup{BaseURL: s.url, Secret: secret, Tune: o})
	return r.call.Do(ctx, c)
}

// try is do with the suite's options, and checks what holds for every error.
func (r *run[C]) try(t *testing.T, s *server) error {
	t.Helper()
	result, err := r.do(t.Context(), t, s, tune())
	r.check(t, s, result, err)
	return err
}

// check holds an error against what no error may do: come with half a result, or show what must stay inside.
func (r *run[C]) check(t *testing.T, s *server, result any, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if !zero(result) {
		t.Errorf("an error came with a result of %T", result)
	}
	text := err.Error()
	for _, inside := range []string{secret, leak, "http://", "https://", strings.TrimPrefix(s.url, "http://")} {
		if strings.Contains(text, inside) {
			t.Errorf("the error shows %q: %s", inside, text)
		}
	}
	for _, path := range s.seen() {
		if len(path) > 1 && strings.Contains(text, path) {
			t.Errorf("the error shows a path: %s", text)
		}
	}
}
