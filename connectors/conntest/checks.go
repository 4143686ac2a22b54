package conntest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

func (r *run[C]) succeeds(t *testing.T) {
	s := r.serve(t, none)
	if err := r.try(t, s); err != nil {
		t.Fatal(err)
	}
	if s.targets() == 0 {
		t.Fatal("the call made no request that Target picks")
	}
}

// trouble is an answer that may be gone next time.
type trouble struct {
	name    string
	handler func(*server) http.HandlerFunc
	repeats map[Kind]bool
	refused bool // the vendor said no: a write is not unconfirmed
}

func troubles() []trouble {
	safe := map[Kind]bool{Read: true, IdempotentWrite: true}
	fixed := func(h http.HandlerFunc) func(*server) http.HandlerFunc {
		return func(*server) http.HandlerFunc { return h }
	}
	return []trouble{
		{"429", fixed(status(429)), safe, true},
		{"500", fixed(status(500)), map[Kind]bool{Read: true}, false},
		{"502", fixed(status(502)), safe, false},
		{"503", fixed(status(503)), safe, false},
		{"504", fixed(status(504)), safe, false},
		{"connection dropped", fixed(dropped), safe, false},
		{"answer cut short", fixed(cut), safe, false},
		{"no answer in time", func(s *server) http.HandlerFunc { return s.silent }, safe, false},
	}
}

func (r *run[C]) repeats(t *testing.T) {
	for _, trouble := range troubles() {
		t.Run(trouble.name, func(t *testing.T) { r.meets(t, trouble) })
	}
}

// meets makes the call meet trouble once.
func (r *run[C]) meets(t *testing.T, trouble trouble) {
	var s *server
	s = r.serve(t, once(func(w http.ResponseWriter, req *http.Request) { trouble.handler(s)(w, req) }))
	o := tune()
	if trouble.name == "no answer in time" {
		o.Timeout = 250 * time.Millisecond
	}
	result, err := r.do(t.Context(), t, s, o)
	r.check(t, s, result, err)
	if trouble.repeats[r.call.Kind] {
		if err != nil || s.targets() < 2 {
			t.Errorf("%d requests, error %v; want another attempt and success", s.targets(), err)
		}
		return
	}
	want := access.ErrUnconfirmed
	if trouble.refused {
		want = access.ErrThrottled
	}
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if s.targets() != 1 {
		t.Errorf("sent %d times, want once", s.targets())
	}
}

func (r *run[C]) refusals(t *testing.T) {
	causes := map[int]error{400: access.ErrInvalid, 401: access.ErrUnauthenticated, 403: access.ErrDenied, 404: access.ErrNotFound,
		409: access.ErrConflict, 410: access.ErrInvalid, 422: access.ErrInvalid}
	for code, want := range causes {
		if other, ok := r.call.Causes[code]; ok {
			want = other
		}
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := r.serve(t, always(status(code)))
			if err := r.try(t, s); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
			if s.targets() != 1 {
				t.Errorf("sent %d times, want once", s.targets())
			}
		})
	}
}

func (r *run[C]) givesUp(t *testing.T) {
	lost := access.ErrUnavailable
	if r.call.Kind != Read {
		lost = access.ErrUnconfirmed
	}
	most := map[Kind]int{Read: 1 + retries, IdempotentWrite: 1 + retries, Write: 1}[r.call.Kind]
	for name, h := range map[string]http.HandlerFunc{"503": status(503), "connection dropped": dropped} {
		t.Run(name, func(t *testing.T) {
			s := r.serve(t, always(h))
			if err := r.try(t, s); !errors.Is(err, lost) {
				t.Errorf("error %v, want %v", err, lost)
			}
			// net/http sends a read once more, unseen, when the vendor closes a connection that was idle.
			if got := s.targets(); got < most || got > most+1 {
				t.Errorf("sent %d times, want %d", got, most)
			}
		})
	}
	t.Run("429", func(t *testing.T) {
		s := r.serve(t, always(status(429)))
		if err := r.try(t, s); !errors.Is(err, access.ErrThrottled) {
			t.Errorf("error %v, want %v", err, access.ErrThrottled)
		}
	})
}

func (r *run[C]) clampsRetryAfter(t *testing.T) {
	s := r.serve(t, once(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Retry-After", "86400")
		status(429)(w, req)
	}))
	start := time.Now()
	err := r.try(t, s)
	if took := time.Since(start); took > prompt {
		t.Errorf("waited %v for a Retry-After of a day", took)
	}
	if r.call.Kind != Write {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if until, ok := access.RetryAfter(err); !ok || time.Until(until) > prompt {
		t.Errorf("asks to come back at %v, want a clamped time", until)
	}
}

func (r *run[C]) cancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var s *server
	s = r.serve(t, always(func(w http.ResponseWriter, req *http.Request) {
		drain(req)
		cancel()
		s.silent(w, req)
	}))
	r.endsWith(ctx, t, s, context.Canceled)
}

func (r *run[C]) deadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var s *server
	s = r.serve(t, always(func(w http.ResponseWriter, req *http.Request) { s.silent(w, req) }))
	r.endsWith(ctx, t, s, context.DeadlineExceeded)
}

// endsWith makes the call under ctx, against a server that never answers, and expects the context's own error.
func (r *run[C]) endsWith(ctx context.Context, t *testing.T, s *server, want error) {
	t.Helper()
	start := time.Now()
	result, err := r.do(ctx, t, s, tune())
	r.check(t, s, result, err)
	if took := time.Since(start); took > prompt {
		t.Errorf("came back after %v", took)
	}
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if r.call.Kind != Read && s.targets() > 0 && !errors.Is(err, access.ErrUnconfirmed) {
		t.Errorf("error %v of a write that was under way, want %v too", err, access.ErrUnconfirmed)
	}
}

func (r *run[C]) cancelledWait(t *testing.T) {
	if r.call.Kind == Write {
		t.Skip("a write is not repeated")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := r.serve(t, always(func(w http.ResponseWriter, req *http.Request) {
		status(503)(w, req)
		time.AfterFunc(50*time.Millisecond, cancel) // by then the answer has arrived and the wait has begun
	}))
	o := tune()
	o.MinWait, o.MaxWait = time.Hour, time.Hour
	start := time.Now()
	result, err := r.do(ctx, t, s, o)
	r.check(t, s, result, err)
	if !errors.Is(err, context.Canceled) || time.Since(start) > prompt {
		t.Errorf("error %v after %v, want %v at once", err, time.Since(start), context.Canceled)
	}
}

func (r *run[C]) cancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := r.serve(t, none)
	if _, err := r.do(ctx, t, s, tune()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if s.targets() != 0 {
		t.Errorf("sent %d requests", s.targets())
	}
}

func (r *run[C]) redirect(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		elsewhere.Add(1)
		r.call.Answer(w, req)
	}))
	t.Cleanup(other.Close)
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := r.serve(t, always(func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, other.URL+req.URL.Path, code)
			}))
			r.notUnderstood(t, s, r.try(t, s))
			if s.targets() != 1 || elsewhere.Load() != 0 {
				t.Errorf("sent %d times here and %d elsewhere, want 1 and 0", s.targets(), elsewhere.Load())
			}
		})
	}
}

// notUnderstood expects a malformed answer; of a write its outcome is open too.
func (r *run[C]) notUnderstood(t *testing.T, s *server, err error) {
	t.Helper()
	if !errors.Is(err, access.ErrMalformed) {
		t.Errorf("error %v, want %v", err, access.ErrMalformed)
	}
	if r.call.Kind != Read && !errors.Is(err, access.ErrUnconfirmed) {
		t.Errorf("error %v, want %v", err, access.ErrUnconfirmed)
	}
	if r.call.Kind == Write && s.targets() != 1 {
		t.Errorf("sent %d times, want once", s.targets())
	}
}

func (r *run[C]) bodyLimit(t *testing.T) {
	s := r.serve(t, always(r.long))
	r.notUnderstood(t, s, r.try(t, s))
}

func (r *run[C]) webPage(t *testing.T) {
	s := r.serve(t, always(page))
	r.notUnderstood(t, s, r.try(t, s))
}

// notWhole gives a read half of its body, and none; what parses as nothing would be an empty list.
func (r *run[C]) notWhole(t *testing.T) {
	if r.call.Kind != Read {
		t.Skip("an answer to a write may have no body")
	}
	for name, h := range map[string]http.HandlerFunc{"half": r.half, "empty": r.empty} {
		t.Run(name, func(t *testing.T) {
			s := r.serve(t, always(h))
			err := r.try(t, s)
			if !errors.Is(err, access.ErrMalformed) && !errors.Is(err, access.ErrUnavailable) {
				t.Errorf("error %v, want %v", err, access.ErrMalformed)
			}
		})
	}
}

func (r *run[C]) partialList(t *testing.T) {
	for name, second := range map[string]http.HandlerFunc{"500": status(500), "403": status(403), "404": status(404), "dropped": dropped, "web page": page, "cut": cut} {
		t.Run(name, func(t *testing.T) {
			s := r.serve(t, func(n int, w http.ResponseWriter, req *http.Request) bool {
				if n == 1 {
					r.call.MorePages(w, req)
				} else {
					second(w, req)
				}
				return true
			})
			if err := r.try(t, s); err == nil {
				t.Error("half a list without an error")
			}
			if s.targets() < 2 {
				t.Error("the second page was not asked for")
			}
		})
	}
}

func (r *run[C]) endlessPaging(t *testing.T) {
	const most = 2000 // pages; beyond any honest bound of a test's list
	s := r.serve(t, func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n > most {
			dropped(w, req)
			return true
		}
		r.call.MorePages(w, req)
		return true
	})
	err := r.try(t, s)
	if !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("error %v after %d pages, want %v", err, s.targets(), access.ErrIncomplete)
	}
}
