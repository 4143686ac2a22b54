// Package jsmops speaks to the operations part of Jira Service Management, which succeeds Opsgenie: alerts and their
// notes, and who is on call. It writes by integration events, which take the same bodies and the same kind of key as
// Opsgenie, and reads by the REST API of the site, which takes a user's API token. There is no vendor's SDK.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest (JSM Operations API, swagger.v3.json of 2026-09).
package jsmops

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
)

// The values of the options that are left zero.
const (
	defaultURL        = "https://" + vendorHost
	defaultStatusWait = 30 * time.Second
	defaultPollWait   = 250 * time.Millisecond
	defaultAuthor     = "sopd"
)

// vendorHost is the host of both APIs, in every region.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events.
const vendorHost = "api.atlassian.com"

// The paths of the two APIs.
const (
	eventsPath = "/jsm/ops/integration/v2/alerts"
	restPath   = "/jsm/ops/api/"
)

// Options say which site is used, and how patiently.
type Options struct {
	// URL is the API; "" = https://api.atlassian.com, and nothing else is accepted but loopback, for tests.
	URL string
	// CloudID identifies the site. One of CloudID and Site is required, not both.
	CloudID string
	// Site is the site's address, https://NAME.atlassian.net or just NAME.atlassian.net; the cloud ID is asked from it at the
	// first read, without a credential.
	Site string
	// Key is the key of an API integration of Jira Service Management; it writes. Required.
	Key secret.Value
	// User is the e-mail address of the account that reads. It must be in the teams whose alerts and schedules are read, or
	// see them as an administrator: otherwise lists are empty. Required.
	User string
	// Token is an API token of User. Required.
	Token secret.Value
	// Author is named to the vendor as the author of what is written; "" = "sopd".
	Author string
	// StatusWait is how long a write waits until the vendor says that it was carried out; 0 = 30 s.
	StatusWait time.Duration
	// PollWait is the first pause between two looks at a write's status; it doubles up to eight times itself. 0 = 250 ms.
	PollWait time.Duration
	// Transport tunes the HTTP stack. Connector, BaseURL, Authorize, Dialect, Bucket and Refuse are set here.
	Transport transport.Options
}

// Pager is the operations part of a site. It is safe for concurrent use.
type Pager struct {
	options   Options
	base      *url.URL
	transport *transport.Client
	site      *transport.Client // to ask for the cloud ID, without a credential; nil when that is configured
	siteURL   *url.URL

	mu      sync.Mutex
	cloudID string // empty until known
}

// New returns the site.
//
// Errors: [access.ErrInvalid], joined: every problem of the options at once.
func New(o Options) (*Pager, error) {
	o = o.withDefaults()
	base, baseErr := parseURL(o.URL)
	siteURL, siteErr := o.parseSite()
	if err := errors.Join(baseErr, siteErr, o.credentials()); err != nil {
		return nil, err
	}
	p := &Pager{options: o, base: base, siteURL: siteURL, cloudID: strings.ToLower(o.CloudID)}
	t := o.Transport
	// That this API has the gateway's rate headers is not documented; Retry-After is obeyed in any dialect.
	t.Connector, t.BaseURL, t.Dialect, t.Bucket = "jsmops", base, transport.DialectAtlassian, bucket
	t.Authorize, t.Refuse = o.authorize, refuseScope
	var err error
	if p.transport, err = transport.New(t); err != nil {
		return nil, err
	}
	if siteURL == nil {
		return p, nil
	}
	t.BaseURL, t.Authorize, t.Refuse, t.Bucket = siteURL, nil, nil, nil
	p.site, err = transport.New(t)
	return p, err
}

func (o Options) withDefaults() Options {
	if o.URL == "" {
		o.URL = defaultURL
	}
	if o.StatusWait == 0 {
		o.StatusWait = defaultStatusWait
	}
	if o.PollWait == 0 {
		o.PollWait = defaultPollWait
	}
	if o.Author == "" {
		o.Author = defaultAuthor
	}
	return o
}

func (o Options) credentials() error {
	var problems []error
	report := func(bad bool, problem string) {
		if bad {
			problems = append(problems, fmt.Errorf("jsmops: %s: %w", problem, access.ErrInvalid))
		}
	}
	report(o.Key.Empty(), "no integration key")
	report(o.User == "", "no user")
	report(strings.Contains(o.User, ":"), "user must be an e-mail address")
	report(o.Token.Empty(), "no API token")
	return errors.Join(problems...)
}

// authorize puts on a request the credential that its API takes, and no other.
func (o Options) authorize(req *http.Request) error {
	switch path := req.URL.Path; {
	case path == eventsPath || strings.HasPrefix(path, eventsPath+"/"):
		req.Header.Set("Authorization", "GenieKey "+o.Key.Reveal())
	case strings.HasPrefix(path, restPath):
		req.SetBasicAuth(o.User, o.Token.Reveal())
	default:
		return fmt.Errorf("jsmops: request beside both APIs: %w", access.ErrInvalid)
	}
	return nil
}

// CloseIdle closes the connections that are idle.
func (p *Pager) CloseIdle() {
	p.transport.Close()
	if p.site != nil {
		p.site.Close()
	}
}

// Budget returns the last rate budget that the vendor reported, if it reports any.
func (p *Pager) Budget() transport.Budget { return p.transport.Budget() }

// bucket names the rate budget that a request draws on. How the vendor divides them is not documented; these are
// Opsgenie's.
func bucket(req *http.Request) string {
	switch path := req.URL.Path; {
	case strings.HasPrefix(path, eventsPath):
		return "events"
	case strings.Contains(path, "/v1/schedules"):
		return "schedule"
	case strings.HasSuffix(path, "/v1/alerts"):
		return "search"
	default:
		return "alert"
	}
}
