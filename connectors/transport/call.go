package transport

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/maisonrmi/sopd/internal/access"
)

type contextKey int

const (
	idempotentKey contextKey = iota
	readKey
	seenKey
	callKey
)

// WithIdempotent marks the requests made with the returned context as safe to repeat: creating an alert with an alias.
func WithIdempotent(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotentKey, true)
}

// WithRead marks the requests made with the returned context as changing nothing whatever their method: a search by POST.
func WithRead(ctx context.Context) context.Context { return context.WithValue(ctx, readKey, true) }

// Seen is what the transport saw last of the requests made under one context, for SDKs that lose it.
type Seen struct {
	mu     sync.Mutex
	made   bool // a request reached the transport
	status int
	header http.Header
	err    error
}

// Watch returns a context whose requests are recorded in the returned Seen.
func Watch(ctx context.Context) (context.Context, *Seen) {
	seen := &Seen{}
	return context.WithValue(ctx, seenKey, seen), seen
}

// Answer returns the status and header of the last answer; 0 and nil when there was none.
func (s *Seen) Answer() (status int, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, s.header
}

// Classify is [Classify] of the last request and of the error that the SDK made of it, which may be nil. An SDK that gave
// up before it made a request is [access.ErrInvalid].
func (s *Seen) Classify(method string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case !s.made && err != nil:
		return Cause(fmt.Errorf("%w: %w", access.ErrInvalid, err))
	}
	return Classify(method, s.status, s.header, err)
}

func (s *Seen) record(resp *http.Response, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made, s.status, s.header, s.err = true, 0, nil, err
	if resp != nil && err == nil {
		s.status, s.header = resp.StatusCode, resp.Header.Clone()
	}
}

// call is one request through all its attempts.
type call struct {
	mu        sync.Mutex
	read      bool // changes nothing
	again     bool // may be repeated
	attempts  int
	connected bool // an attempt got a connection: something may have reached the vendor
	uncertain bool // an earlier attempt may have been carried out
}

// begin counts an attempt and returns how many there were before. What the attempt before left open stays so.
func (c *call) begin() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uncertain = c.uncertain || c.connected
	c.connected = false
	c.attempts++
	return c.attempts - 1
}

func (c *call) connect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected = true
}

// refused notes that the vendor answered the present attempt with a plain no: it was not carried out.
func (c *call) refused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected = false
}

// sent tells whether any attempt may have reached the vendor, and been carried out.
func (c *call) sent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected || c.uncertain
}

func newCall(req *http.Request) *call {
	ctx := req.Context()
	read := readMethod(req.Method) || ctx.Value(readKey) == true
	idempotent := req.Method == http.MethodPut || req.Method == http.MethodDelete || ctx.Value(idempotentKey) == true
	return &call{read: read, again: read || idempotent}
}

// callOf returns the call that ctx belongs to. front puts it there before anything else runs.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey).(*call); ok {
		return c
	}
	return &call{}
}

func readMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || method == ""
}

// front is what SDKs call: it checks where a request goes, runs its attempts, and words its failure.
type front struct {
	options  Options
	retrying http.RoundTripper
}

// RoundTrip makes the attempts of req. Every error is a *failure.
func (f *front) RoundTrip(req *http.Request) (*http.Response, error) {
	c := newCall(req)
	resp, err := f.send(req, c)
	if err != nil {
		closeBody(resp)
		resp, err = nil, failureOf(req.Context(), f.options.Connector, c, err)
	}
	if resp != nil && doubtful(resp.StatusCode, c) {
		closeBody(resp)
		resp, err = nil, &failure{f.options.Connector, "refused after an attempt without an answer", []error{access.ErrUnconfirmed}}
	}
	if resp != nil {
		f.nameRetry(resp)
	}
	if seen, ok := req.Context().Value(seenKey).(*Seen); ok {
		seen.record(resp, err)
	}
	return resp, err
}

func (f *front) send(req *http.Request, c *call) (*http.Response, error) {
	if !f.ours(req) {
		if req.Body != nil {
			closeQuietly(req.Body)
		}
		return nil, &fault{what: "request to another host than the configured one", cause: access.ErrInvalid}
	}
	return f.retrying.RoundTrip(req.WithContext(context.WithValue(req.Context(), callKey, c)))
}

// ours tells whether req goes to the configured scheme and host, without a credential in the URL.
func (f *front) ours(req *http.Request) bool {
	base := f.options.BaseURL
	sameHost := req.Host == "" || strings.EqualFold(req.Host, req.URL.Host)
	return req.URL.User == nil && sameHost && req.URL.Scheme == base.Scheme && strings.EqualFold(req.URL.Host, base.Host)
}

// doubtful tells whether a refusal does not settle a write, because an attempt before it may have been carried out.
func doubtful(status int, c *call) bool {
	definite := status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusTooManyRequests
	return !definite && !c.read && c.sent()
}
