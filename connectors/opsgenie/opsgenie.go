// Package opsgenie speaks to Opsgenie: alerts and their notes, and who is on call. It stands on the vendor's SDK for
// requests and on package transport for everything that happens to them on the way.
package opsgenie

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opsgenie/opsgenie-go-sdk-v2/client"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
)

// The values of the options that are left zero.
const (
	defaultStatusWait = 30 * time.Second
	defaultPollWait   = 250 * time.Millisecond
	defaultUser       = "sopd"
)

// Options say which account is used, and how patiently.
type Options struct {
	// URL is the API: api.opsgenie.com, api.eu.opsgenie.com or api.sandbox.opsgenie.com, bare or as an https URL; for
	// tests also http on a loopback address. Required.
	URL string
	// Key is the API key of an integration. Required.
	Key secret.Value
	// User is named to the vendor as the author of what is written; "" = "sopd".
	User string
	// StatusWait is how long a write waits until the vendor says that it was carried out; 0 = 30 s.
	StatusWait time.Duration
	// PollWait is the first pause between two looks at a write's status; it doubles up to eight times itself. 0 = 250 ms.
	PollWait time.Duration
	// Transport tunes the HTTP stack. Connector, BaseURL, Authorize, Dialect and Bucket are set here.
	Transport transport.Options
}

// Pager is an Opsgenie account. It is safe for concurrent use.
type Pager struct {
	options   Options
	base      *url.URL
	transport *transport.Client
	sdk       *client.OpsGenieClient
}

// New returns the account.
//
// Errors: [access.ErrInvalid], joined: every problem of the options at once.
func New(o Options) (*Pager, error) {
	o = o.withDefaults()
	base, err := parseURL(o.URL)
	problems := []error{err}
	if o.Key.Empty() {
		problems = append(problems, fmt.Errorf("opsgenie: no API key: %w", access.ErrInvalid))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	t := o.Transport
	t.Connector, t.BaseURL, t.Dialect, t.Bucket = "opsgenie", base, transport.DialectOpsgenie, bucket
	t.Authorize = func(req *http.Request) error {
		req.Header.Set("Authorization", "GenieKey "+o.Key.Reveal())
		return nil
	}
	c, err := transport.New(t)
	if err != nil {
		return nil, err
	}
	sdk, err := vendorSDK()
	if err != nil {
		return nil, fmt.Errorf("opsgenie: SDK refuses its configuration: %w", access.ErrInvalid)
	}
	return &Pager{options: o, base: base, transport: c, sdk: sdk}, nil
}

func (o Options) withDefaults() Options {
	if o.StatusWait == 0 {
		o.StatusWait = defaultStatusWait
	}
	if o.PollWait == 0 {
		o.PollWait = defaultPollWait
	}
	if o.User == "" {
		o.User = defaultUser
	}
	return o
}

// CloseIdle closes the connections that are idle.
func (p *Pager) CloseIdle() { p.transport.Close() }

// Budget returns the last rate budget that the vendor reported. Opsgenie gives no figures: it is known only while the
// account is throttled.
func (p *Pager) Budget() transport.Budget { return p.transport.Budget() }

// vendorHosts are the hosts that an API key may be sent to.
//
// Source: opsgenie-go-sdk-v2 v1.2.23, client/config.go.
func vendorHosts() []string {
	return []string{string(client.API_URL), string(client.API_URL_EU), string(client.API_URL_SANDBOX)}
}

// parseURL returns the base URL of the API. Only the vendor's hosts over TLS, and loopback, are accepted: left to itself,
// the SDK sends the key in clear text to any host whose name lacks "api".
//
// Errors: [access.ErrInvalid]. The text is not shown: people paste keys into the wrong variable.
func parseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = scheme(text) + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("opsgenie: URL is not a host, or an https URL without path: %w", access.ErrInvalid)
	}
	u.Path, u.Host = "", strings.ToLower(u.Host)
	local := isLoopback(u.Hostname()) && (u.Scheme == "http" || u.Scheme == "https")
	vendor := u.Scheme == "https" && slices.Contains(vendorHosts(), u.Host)
	if !local && !vendor {
		return nil, fmt.Errorf("opsgenie: URL is neither https on one of the vendor's hosts (%s) nor on loopback: %w",
			strings.Join(vendorHosts(), ", "), access.ErrInvalid)
	}
	return u, nil
}

// scheme returns what a bare host[:port] is spoken to with.
func scheme(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort // no port
	}
	if isLoopback(host) {
		return "http"
	}
	return "https"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bucket names the rate budget that a request draws on.
//
// Source: docs.opsgenie.com/docs/api-rate-limiting: one bucket for each domain, searching apart from other alert calls.
func bucket(req *http.Request) string {
	switch path := req.URL.Path; {
	case strings.HasPrefix(path, "/v2/schedules"):
		return "schedule"
	case path == "/v2/alerts" && req.Method == http.MethodGet:
		return "search"
	default:
		return "alert"
	}
}
