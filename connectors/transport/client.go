package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Client speaks to one vendor. It is safe for concurrent use.
type Client struct {
	options  Options
	limits   *limits
	attempts *attempts
	front    *front
}

// New returns a client.
//
// Errors: [access.ErrInvalid], joined: every problem of the options at once.
func New(o Options) (*Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	o.Metrics.start(o.Connector)
	c := &Client{options: o, limits: newLimits(o)}
	c.attempts = &attempts{options: o, limits: c.limits, base: newBase(o.Timeout)}
	c.front = &front{options: o, retrying: &retryablehttp.RoundTripper{Client: c.retrying()}}
	return c, nil
}

// retrying returns the loop over attempts. Its own logger prints URLs, so it gets none.
//
// Source: go-retryablehttp v0.7.8, client.go: the default policy repeats POST, the default backoff obeys any Retry-After,
// and without an ErrorHandler the last answer is lost.
func (c *Client) retrying() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: c.attempts},
		RetryWaitMin: c.options.MinWait,
		RetryWaitMax: c.options.MaxWait,
		RetryMax:     c.options.Retries,
		CheckRetry:   checkRetry,
		Backoff:      c.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// newBase returns the connections to the vendor.
func newBase(timeout time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: min(timeout, 10*time.Second), KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    min(timeout, 10*time.Second),
		ResponseHeaderTimeout:  timeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxConnsPerHost:        16, // well under Okta's 35 to 75 simultaneous requests an org
		MaxResponseHeaderBytes: 256 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// HTTP returns the client for SDKs that honour contexts. Its answers are read whole: their bodies never fail.
func (c *Client) HTTP() *http.Client { return &http.Client{Transport: c.front} }

// Bind returns a client whose requests also end when ctx does, and carry what ctx carries ([WithIdempotent],
// [WithRead], [Watch]): for the Opsgenie SDK, which drops the contexts that it is given.
//
// Source: opsgenie-go-sdk-v2#126.
func (c *Client) Bind(ctx context.Context) *http.Client {
	return &http.Client{Transport: &bound{ctx: ctx, next: c.front}}
}

// Budget returns the last rate budget that the vendor reported, of whichever bucket.
func (c *Client) Budget() Budget { return c.limits.last() }

// Budgets returns the last rate budget of each bucket that the vendor reported.
func (c *Client) Budgets() map[string]Budget { return c.limits.all() }

// Ahead returns how far our clock was ahead of the vendor's at its last answer, negative when behind; 0 before the first.
func (c *Client) Ahead() time.Duration { return c.limits.ahead() }

// Close closes the connections that are idle.
func (c *Client) Close() { c.attempts.CloseIdleConnections() }

// bound is a transport whose requests live no longer than ctx.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

// RoundTrip sends req under the bound context; the end of req's own context ends it too.
func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel() // the answer was read whole by then
	defer context.AfterFunc(req.Context(), cancel)()
	return b.next.RoundTrip(req.WithContext(ctx))
}
