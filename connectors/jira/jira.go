// Package jira reads and writes tickets in Jira Cloud and Jira Data Center, with Jira Service Management's approvals.
//
// It goes through the official client go-jira for addresses, encoding and the calls whose types lose nothing, over the
// shared transport. Where go-jira v1.17.0 has no call (approvals, paged history, internal comments), or decodes into
// types that drop data or break on rich text (search, issues, comments), the wire types of this package are used.
package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	sdk "github.com/andygrunwald/go-jira"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Options say which Jira to use, as whom, and which fields matter.
type Options struct {
	// URL is the site, such as https://example.atlassian.net, https://api.atlassian.com/ex/jira/{cloudId} for scoped
	// tokens, or a Data Center address with its context path. Plain http is accepted on loopback addresses only.
	URL string
	// User is the e-mail address that the API token belongs to; empty when Token is a personal access token.
	User  string
	Token secret.Value // an API token or a personal access token
	// Fields are the mapped fields by the name that Jira shows, or by id ("customfield_10050") where names are ambiguous.
	Fields []string
	// Transport holds time-outs, limits, logger and metrics. Connector, BaseURL, Authorize, Dialect, Bucket and Refuse are
	// set by [New].
	Transport transport.Options
}

// Tickets is Jira as a source of tickets. It is safe for concurrent use.
type Tickets struct {
	sdk     *sdk.Client
	client  *transport.Client
	mapping *mapping

	mu         sync.Mutex
	deployment deployment
}

// deployment is the kind of Jira, as serverInfo names it; empty before it was asked.
type deployment string

const (
	cloud      deployment = "Cloud"
	dataCenter deployment = "Server"
)

// New returns a connector. It sends nothing.
//
// Errors: [access.ErrInvalid], joined: every problem of the options at once.
func New(o Options) (*Tickets, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil {
		return nil, fmt.Errorf("jira: address is not a URL: %w", access.ErrInvalid)
	}
	var missing error
	if o.Token.Empty() {
		missing = fmt.Errorf("jira: no token: %w", access.ErrInvalid)
	}
	options := o.Transport
	options.Connector, options.BaseURL, options.Dialect = "jira", base, transport.DialectAtlassian
	options.Authorize, options.Refuse = authorize(o.User, o.Token), refuseAnonymous
	options.Bucket = func(r *http.Request) string { return r.Method } // bursts are limited by method
	client, err := transport.New(options)
	if err := errors.Join(missing, err); err != nil {
		return nil, err
	}
	api, err := sdk.NewClient(client.HTTP(), base.String())
	if err != nil {
		return nil, fmt.Errorf("jira: address not accepted by the client: %w", access.ErrInvalid)
	}
	return &Tickets{sdk: api, client: client, mapping: newMapping(o.Fields)}, nil
}

// Close closes idle connections.
func (t *Tickets) Close() { t.client.Close() }

// authorize puts the credential on requests: e-mail and token on Cloud, a bearer token otherwise.
func authorize(user string, token secret.Value) func(*http.Request) error {
	return func(r *http.Request) error {
		if user != "" {
			r.SetBasicAuth(user, token.Reveal())
		} else {
			r.Header.Set("Authorization", "Bearer "+token.Reveal())
		}
		return nil
	}
}

// refuseAnonymous refuses answers that Jira gave to nobody because it did not accept the credential: they are empty and
// have status 200, so a poller would read "no tickets".
//
// Source: MrRefactoring/jira.js#418; raycast/extensions#27550: header X-Seraph-LoginReason.
func refuseAnonymous(r *http.Response) error {
	for _, value := range r.Header.Values("X-Seraph-LoginReason") {
		reason := strings.ToUpper(value)
		for _, bad := range []string{"AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"} {
			if strings.Contains(reason, bad) {
				return access.ErrUnauthenticated
			}
		}
	}
	return nil
}

// request is a call that go-jira has no method for.
type request struct {
	method string
	path   string // relative, so that a prefix of the address is kept; nothing unchecked may be pasted into it
	query  url.Values
	body   any
	read   bool // changes nothing although it is a POST
}

// do makes the request and decodes the answer into out, unless that is nil.
//
// The body is decoded here because go-jira closes it first and then reports "read on closed response body", and closed
// here because go-jira leaves it open when it does not decode.
func (t *Tickets) do(ctx context.Context, r request, out any) (err error) {
	method := r.method
	if r.read {
		ctx, method = transport.WithRead(ctx), http.MethodGet
	}
	ctx, seen := transport.Watch(ctx)
	path := r.path
	if len(r.query) > 0 {
		path += "?" + r.query.Encode()
	}
	req, err := t.sdk.NewRequestWithContext(ctx, r.method, path, r.body)
	if err != nil {
		return fmt.Errorf("jira: request not built: %w", access.ErrInvalid)
	}
	return t.send(req, seen, method, out)
}

func (t *Tickets) send(req *http.Request, seen *transport.Seen, method string, out any) error {
	response, err := t.sdk.Do(req, nil)
	if response != nil {
		defer closeQuietly(response)
	}
	if err != nil || out == nil {
		return seen.Classify(method, err)
	}
	return seen.Classify(method, decode(response.Body, out))
}

// closeQuietly closes an answer that the transport has already read whole.
func closeQuietly(response *sdk.Response) {
	if response.Response != nil && response.Body != nil {
		_ = response.Body.Close() // in memory: closing cannot fail
	}
}

// decode reads exactly one JSON value.
func decode(body io.Reader, out any) error {
	decoder := json.NewDecoder(body)
	if err := decoder.Decode(out); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// site returns the kind of Jira, asked once.
//
// Source: Jira platform REST API, GET /rest/api/2/serverInfo, deploymentType: "Cloud" or "Server".
func (t *Tickets) site(ctx context.Context) (deployment, error) {
	t.mu.Lock()
	known := t.deployment
	t.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var info struct {
		DeploymentType string `json:"deploymentType"`
	}
	err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/serverInfo"}, &info)
	if err != nil {
		return "", fmt.Errorf("ask what kind of Jira it is: %w", err)
	}
	kind := deployment(info.DeploymentType)
	if kind != cloud && kind != dataCenter {
		return "", fmt.Errorf("ask what kind of Jira it is: neither Cloud nor Server: %w", access.ErrMalformed)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deployment = kind
	return kind, nil
}

// Self returns who the credential belongs to.
//
// Errors: [access.ErrUnauthenticated], also when Jira answers as to the anonymous user.
func (t *Tickets) Self(ctx context.Context) (ticket.Person, error) {
	watched, seen := transport.Watch(ctx)
	user, _, err := t.sdk.User.GetSelfWithContext(watched)
	if err := seen.Classify(http.MethodGet, err); err != nil {
		return ticket.Person{}, fmt.Errorf("read own account: %w", err)
	}
	who := wireUser{
		AccountID: user.AccountID, Key: user.Key, Name: user.Name, DisplayName: user.DisplayName,
		EmailAddress: user.EmailAddress, Active: user.Active,
	}
	person, err := who.person()
	if err != nil {
		return ticket.Person{}, fmt.Errorf("read own account: %w", err)
	}
	return person, nil
}

// issuePath returns the path of a ticket, or of something below it.
//
// Errors: [access.ErrInvalid] for what is no key: go-jira pastes keys into paths unescaped, so "P-1/../../x?y=1" would
// reach another address.
func issuePath(key ticket.Key, below string) (string, error) {
	if _, err := ticket.ParseKey(string(key)); err != nil {
		return "", err
	}
	return "rest/api/2/issue/" + string(key) + below, nil
}

// projectKey is what Jira's project keys look like. They are pasted into JQL and paths.
var projectKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,30}$`)

func checkProjects(projects []string) error {
	if len(projects) == 0 {
		return fmt.Errorf("jira: no project named: %w", access.ErrInvalid)
	}
	for _, p := range projects {
		if !projectKey.MatchString(p) {
			return fmt.Errorf("jira: project key must look like ACC: %w", access.ErrInvalid)
		}
	}
	return nil
}

// Budgets returns what the vendor last said of each rate budget that was drawn on.
func (t *Tickets) Budgets() map[string]transport.Budget { return t.client.Budgets() }
