package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

func TestAWriteThatReachedNobodyIsUnavailableAndNotUnconfirmed(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, transport.Options{Retries: 1}, address)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodGet} {
		_, err := send(t.Context(), t, c.HTTP(), method, address)
		if !errors.Is(err, access.ErrUnavailable) || errors.Is(err, access.ErrUnconfirmed) || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %v", method, err)
		}
		if got := transport.Classify(method, 0, nil, err); strings.Contains(got.Error(), address) || !errors.Is(got, access.ErrUnavailable) {
			t.Errorf("%s classified: %v", method, got)
		}
	}
}

func TestACredentialThatCannotBeHadSendsNothing(t *testing.T) {
	c, address := vendor(t, transport.Options{Authorize: func(*http.Request) error {
		return fmt.Errorf("token endpoint said secret-text: %w", access.ErrUnauthenticated)
	}}, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	_, err := send(t.Context(), t, c.HTTP(), http.MethodPost, address)
	if err = transport.Cause(err); !errors.Is(err, access.ErrUnauthenticated) || strings.Contains(err.Error(), "secret-text") {
		t.Errorf("error %v", err)
	}
}

func TestARefusalAfterALostAttemptLeavesAWriteUnconfirmed(t *testing.T) {
	for status, unconfirmed := range map[int]bool{429: true, 401: true, 403: true, 404: false, 400: false, 204: false} {
		var n atomic.Int64
		c, address := vendor(t, transport.Options{Retries: 1}, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 1 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(status)
		})
		got, err := send(t.Context(), t, c.HTTP(), http.MethodPut, address)
		if unconfirmed != errors.Is(err, access.ErrUnconfirmed) || !unconfirmed && got != status {
			t.Errorf("a drop, then %d: status %d, %v", status, got, err)
		}
		if errors.Is(err, access.ErrThrottled) {
			t.Errorf("a drop, then %d, is taken for a refusal: %v", status, err)
		}
	}
}

func TestTwoRefusalsAreARefusal(t *testing.T) {
	c, address := vendor(t, transport.Options{Retries: 1}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) })
	if got, err := send(t.Context(), t, c.HTTP(), http.MethodPut, address); got != 429 || err != nil {
		t.Errorf("status %d, %v", got, err)
	}
}

func TestSeenKeepsWhatTheSDKLoses(t *testing.T) {
	c, address := vendor(t, transport.Options{Retries: -1, Dialect: transport.DialectOkta, MaxWait: time.Minute, MinWait: time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(429)
	})
	ctx, seen := transport.Watch(t.Context())
	if _, err := send(ctx, t, c.HTTP(), http.MethodGet, address); err != nil {
		t.Fatal(err)
	}
	if status, _ := seen.Answer(); status != 429 {
		t.Errorf("status %d", status)
	}
	err := seen.Classify(http.MethodGet, errors.New("too many requests"))
	until, ok := access.RetryAfter(err)
	if left := time.Until(until); !ok || left < 25*time.Second || left > 31*time.Second {
		t.Errorf("%v: come back in %v, %v", err, left, ok)
	}
	_, never := transport.Watch(t.Context())
	if err := never.Classify(http.MethodPost, errors.New("the SDK's own objection")); !errors.Is(err, access.ErrInvalid) || strings.Contains(err.Error(), "objection") {
		t.Errorf("without a request: %v", err)
	}
	if err := never.Classify(http.MethodPost, nil); err != nil {
		t.Errorf("without anything: %v", err)
	}
}

func TestStatusesAndErrorsHaveOneCauseEach(t *testing.T) {
	leak := errors.New("https://secret.example.com")
	for _, c := range []struct {
		method string
		status int
		err    error
		want   error
	}{
		{"GET", 200, nil, nil}, {"POST", 201, nil, nil}, {"GET", 401, nil, access.ErrUnauthenticated}, {"GET", 402, nil, access.ErrDenied},
		{"GET", 403, leak, access.ErrDenied}, {"GET", 404, leak, access.ErrNotFound}, {"PUT", 409, leak, access.ErrConflict}, {"PUT", 412, leak, access.ErrConflict},
		{"GET", 400, leak, access.ErrInvalid}, {"GET", 410, leak, access.ErrInvalid}, {"GET", 422, leak, access.ErrInvalid}, {"POST", 501, leak, access.ErrInvalid},
		{"GET", 429, leak, access.ErrThrottled}, {"GET", 500, leak, access.ErrUnavailable}, {"POST", 500, leak, access.ErrUnconfirmed}, {"POST", 408, leak, access.ErrUnconfirmed},
		{"GET", 0, leak, access.ErrUnavailable}, {"DELETE", 0, leak, access.ErrUnconfirmed}, {"GET", 200, leak, access.ErrMalformed}, {"POST", 200, leak, access.ErrUnconfirmed},
		{"GET", 0, &url.Error{Op: "Get", URL: "https://secret.example.com", Err: context.Canceled}, context.Canceled},
		{"POST", 0, fmt.Errorf("%w: %w", leak, context.DeadlineExceeded), context.DeadlineExceeded}, {"GET", 302, leak, access.ErrMalformed},
	} {
		err := transport.Classify(c.method, c.status, http.Header{}, c.err)
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s %d %v: %v, want %v", c.method, c.status, c.err, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %d: the error shows the URL: %v", c.method, c.status, err)
		}
	}
	if transport.Cause(nil) != nil {
		t.Error("no error has a cause")
	}
	if err := transport.Cause(&url.Error{Op: "Get", URL: "https://secret.example.com", Err: access.ErrDenied}); !errors.Is(err, access.ErrDenied) || strings.Contains(err.Error(), "secret") {
		t.Errorf("cause %v", err)
	}
}

func TestPagesEndsReadsThatGoRoundOrOn(t *testing.T) {
	var p transport.Pages
	for _, cursor := range []string{"a", "b"} {
		if err := p.Next(cursor); err != nil {
			t.Error(err)
		}
	}
	if err := p.Next("a"); !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("a repeated cursor: %v", err)
	}
	few := transport.Pages{Max: 2}
	for i := range 3 {
		if err := few.Next(fmt.Sprint(i)); (i == 2) != errors.Is(err, access.ErrIncomplete) {
			t.Errorf("page %d of 2: %v", i, err)
		}
	}
}
