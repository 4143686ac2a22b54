package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/span"
)

// attempts makes single exchanges with the vendor.
type attempts struct {
	options Options
	limits  *limits
	base    *http.Transport
}

// RoundTrip makes one attempt and reads its answer whole. Every error is a *fault or the context's own.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	c := callOf(req.Context())
	if c.begin() > 0 {
		a.limits.count(req) // it has waited already
	} else if err := a.limits.slowDown(req); err != nil {
		closeQuietly(req.Body)
		return nil, err
	}
	start := a.options.Now()
	ctx, end := a.options.Trace.Begin(req.Context(), "vendor call", span.Attribute{Key: "connector", Value: a.options.Connector},
		span.Attribute{Key: "method", Value: req.Method}, span.Attribute{Key: "route", Value: Route(req.URL.Path)})
	resp, err := a.exchange(req.WithContext(ctx), c)
	took := a.options.Now().Sub(start)
	outcome := outcomeOf(resp, err)
	end(string(outcome))
	a.options.Metrics.observe(observation{a.options.Connector, outcome, took, a.options.Now()})
	a.options.Logger.DebugContext(req.Context(), "connector request", "connector", a.options.Connector,
		"method", req.Method, "outcome", string(outcome), "seconds", took.Seconds())
	return resp, err
}

// exchange sends req and returns the answer when it is one that a vendor's API gives.
func (a *attempts) exchange(req *http.Request, c *call) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), a.options.Timeout)
	defer cancel()
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { c.connect() }}
	own := req.Clone(httptrace.WithClientTrace(ctx, trace))
	own.Header.Set("User-Agent", "sopd/"+a.options.Version)
	if a.options.Authorize != nil {
		if err := a.options.Authorize(own); err != nil {
			closeQuietly(req.Body)
			return nil, &fault{what: "no credential for the request", cause: unsentCause(err)}
		}
	}
	resp, err := a.base.RoundTrip(own)
	if err != nil {
		return nil, a.networkFault(req.Context(), err)
	}
	return a.receive(req, resp, c)
}

// receive reads the body of resp into memory and judges the answer as a whole.
func (a *attempts) receive(req *http.Request, resp *http.Response, c *call) (*http.Response, error) {
	defer closeQuietly(resp.Body)
	a.limits.learn(req, resp)
	if refusal(resp.StatusCode) {
		c.refused()
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, a.options.MaxBody+1))
	if err != nil {
		return nil, a.networkFault(req.Context(), err)
	}
	if int64(len(body)) > a.options.MaxBody {
		return nil, &fault{what: "answer longer than the limit", cause: access.ErrMalformed}
	}
	resp.ContentLength = int64(len(body))
	resp.Body = inMemory(body)
	if a.options.Refuse != nil {
		if err := a.options.Refuse(resp); err != nil {
			return nil, &fault{what: "answer refused", cause: safeCause(err)}
		}
		resp.Body = inMemory(body)
	}
	return judge(resp, body)
}

// judge refuses answers that no vendor's API gives: redirects, which would take the credential elsewhere, and web pages
// with a good status, which proxies and sign-in walls give.
func judge(resp *http.Response, body []byte) (*http.Response, error) {
	status := resp.StatusCode
	switch {
	case status >= 300 && status < 400 && status != http.StatusNotModified:
		return nil, &fault{what: "redirect refused", cause: access.ErrMalformed}
	case status < 300 && len(body) > 0 && webPage(resp.Header, body):
		return nil, &fault{what: "web page in place of an answer", cause: access.ErrMalformed}
	}
	return resp, nil
}

func webPage(header http.Header, body []byte) bool {
	// A content type that does not parse is judged by the body alone.
	declared, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && declared == "text/html" {
		return true
	}
	return strings.HasPrefix(http.DetectContentType(body), "text/html")
}

// networkFault words the failure of an exchange. What comes out of it holds nothing of err: that may hold addresses, and
// the Okta SDK repeats without end whatever satisfies errors.Is(err, io.EOF).
//
// Source: okta-sdk-golang v2.20.0, okta/requestExecutor.go, doWithRetries.
func (a *attempts) networkFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &fault{what: phrase(err), cause: access.ErrUnavailable, again: !untrusted(err)}
}

// phrase names the kind of network failure for the engineer who reads the log.
func phrase(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	case errors.As(err, &dns):
		return "host name not resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case untrusted(err):
		return "server certificate not trusted"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "answer cut short"
	default:
		return "connection dropped"
	}
}

func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// refusal tells whether status says that the request was understood and not carried out.
func refusal(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout || status == http.StatusNotImplemented
}

// CloseIdleConnections closes the connections that are idle.
func (a *attempts) CloseIdleConnections() { a.base.CloseIdleConnections() }

func inMemory(body []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }

// closeQuietly closes a body that was read as far as anybody cares; what its closing says changes nothing.
func closeQuietly(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}

func closeBody(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		closeQuietly(resp.Body)
	}
}

// pause waits for d or until ctx ends, whose error it then returns.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
