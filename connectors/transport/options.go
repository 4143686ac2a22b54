// Package transport is the one HTTP stack under every connector, built on go-retryablehttp.
//
// It retries reads and idempotent writes and nothing else, never waits longer than it was told, lets the context win,
// spends a share of the vendor's rate budget, reads every answer whole before anybody sees it, and reports every failure
// as one of the causes of package access, in words that hold no URL, header, body or secret.
package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/span"
)

// Dialect is how a vendor writes its rate headers. The zero Dialect is none.
type Dialect int

// The dialects that the vendors speak. See budgetOf for what each looks like.
const (
	// DialectOkta: X-Rate-Limit-Limit, -Remaining, -Reset in seconds since 1970.
	DialectOkta Dialect = iota + 1
	// DialectAtlassian: X-RateLimit-Limit, -Remaining, -Reset in ISO 8601, and Retry-After.
	DialectAtlassian
	// DialectOpsgenie: X-RateLimit-State OK or THROTTLED, X-RateLimit-Period-In-Sec, and Retry-After.
	DialectOpsgenie
)

// The values of the options that are left zero.
const (
	defaultTimeout = 30 * time.Second
	defaultMaxBody = 32 << 20
	defaultRetries = 4
	defaultMinWait = 500 * time.Millisecond
	// defaultMaxWait outlasts Okta's one-minute window, the longest that a retry can wait out usefully.
	//
	// Source: Okta developer docs, reference/rl-best-practices, 2026-08.
	defaultMaxWait = 65 * time.Second
	defaultShare   = 50
)

// Options say whom a [Client] talks to, as whom, and how patiently.
type Options struct {
	// Connector is "okta", "jira", "opsgenie": the label of metrics and logs. Required.
	Connector string
	// BaseURL is the only scheme and host that may be spoken to: https, or http on loopback addresses. Required.
	BaseURL *url.URL
	// Authorize puts the credential on a request. It is called for each attempt, after the host was checked. Nil: none.
	Authorize func(*http.Request) error
	// Dialect is how the vendor writes its rate headers.
	Dialect Dialect
	// Timeout bounds one attempt, from dialling to the last byte of the answer; 0 = 30 s.
	Timeout time.Duration
	// MaxBody is the longest answer in bytes, unpacked; 0 = 32 MiB. A longer one is [access.ErrMalformed].
	MaxBody int64
	// Retries is the number of further attempts of a read or an idempotent write; 0 = 4, negative = none.
	Retries int
	// MinWait is the first wait between attempts when the vendor names none; it doubles each time. 0 = 500 ms.
	MinWait time.Duration
	// MaxWait is the longest single wait, whatever the vendor asks for; 0 = 65 s.
	MaxWait time.Duration
	// Share is the percentage of the vendor's rate budget that may be spent at full speed, 1 to 100; 0 = 50. Below
	// what is left for others the client slows down so as not to run into the limit.
	Share int
	// Bucket names the rate budget that a request draws on, from a closed set; nil: one budget for all.
	Bucket func(*http.Request) string
	// Refuse sees each answer before anybody else. A non-nil error replaces the answer and is not retried.
	Refuse func(*http.Response) error
	// Version of this program, sent in User-Agent; "" = "dev".
	Version string
	// Logger receives one Debug line an attempt. Nil: no log.
	Logger *slog.Logger
	// Metrics counts the attempts. Nil: not counted.
	Metrics *Metrics
	// Trace begins a span an attempt. Nil: none.
	Trace span.Start
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

// check returns every problem of o, each wrapping access.ErrInvalid.
func (o Options) check() error {
	var problems []error
	report := func(bad bool, problem string) {
		if bad {
			problems = append(problems, fmt.Errorf("transport %q: %s: %w", o.Connector, problem, access.ErrInvalid))
		}
	}
	report(o.Connector == "", "no connector name")
	report(o.Timeout < 0, "negative time-out")
	report(o.MaxBody < 0, "negative body limit")
	report(o.MinWait < 0 || o.MaxWait < 0, "negative wait")
	report(o.Share < 0 || o.Share > 100, "share of the rate budget is not a percentage")
	report(o.BaseURL == nil || o.BaseURL.Host == "", "no base URL with a host")
	if o.BaseURL != nil {
		report(o.BaseURL.User != nil, "base URL holds a credential")
		report(o.BaseURL.RawQuery != "" || o.BaseURL.Fragment != "", "base URL holds a query or a fragment")
		report(!confidential(o.BaseURL), "base URL is neither https nor http on a loopback address")
	}
	return errors.Join(problems...)
}

// withDefaults returns o with every zero option set.
func (o Options) withDefaults() Options {
	orDefault(&o.Timeout, defaultTimeout)
	orDefault(&o.MaxBody, defaultMaxBody)
	orDefault(&o.Retries, defaultRetries)
	orDefault(&o.MinWait, defaultMinWait)
	orDefault(&o.MaxWait, defaultMaxWait)
	orDefault(&o.Share, defaultShare)
	orDefault(&o.Version, "dev")
	o.MinWait = min(o.MinWait, o.MaxWait)
	o.Retries = max(o.Retries, 0)
	if o.Bucket == nil {
		o.Bucket = func(*http.Request) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// orDefault sets the option when it is zero.
func orDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// confidential tells whether what is sent to u stays between us and the vendor: TLS, or never leaves the machine.
func confidential(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
