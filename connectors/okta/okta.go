// Package okta speaks to an Okta org: users, groups, memberships, group rules, the System Log, and the few writes that
// sopd makes. It stands on the vendor's SDK for requests and types, and on package transport for everything that happens
// to them on the way.
//
// Every list is whole or an error. No identifier from outside reaches the SDK's paths unchecked.
package okta

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
)

// Options say which org is used, as whom, and how patiently. Either Token or ClientID with PrivateKey is required.
type Options struct {
	// URL is the org's address, such as https://example.okta.com; http on loopback addresses only. Not the admin console's.
	URL string
	// Token is an SSWS API token; it has all the rights of the admin who made it.
	Token secret.Value
	// ClientID is a service app that signs in with PrivateKey.
	ClientID string
	// PrivateKey is an RSA key of the service app in PEM, PKCS#1 or PKCS#8.
	PrivateKey secret.Value
	// KeyID is the kid under which the app knows PrivateKey; needed only when it knows several.
	KeyID string
	// Scopes are asked for by the service app; none are those of [Scopes].
	Scopes []string
	// CanaryUser is known to be a member of CanaryGroup. Lists in which they are missing are [access.ErrIncomplete]: Okta
	// answers 200 with nothing when an admin role is missing. Both empty: no canary.
	CanaryUser access.UserID
	// CanaryGroup is known to hold CanaryUser.
	CanaryGroup access.GroupID
	// Transport tunes the HTTP stack. Connector, BaseURL, Authorize, Dialect, Bucket and Refuse are set here.
	Transport transport.Options
}

// Scopes returns the OAuth scopes that sopd needs, sorted.
//
// Source: Okta Management API 2026.06, security blocks of the endpoints called.
func Scopes() []string {
	return []string{
		"okta.groups.manage", "okta.groups.read", "okta.logs.read", "okta.roles.read", "okta.users.manage", "okta.users.read",
	}
}

// ReadScopes returns those of [Scopes] that change nothing, sorted.
func ReadScopes() []string {
	return slices.DeleteFunc(Scopes(), func(scope string) bool { return strings.HasSuffix(scope, ".manage") })
}

// Directory is an Okta org. It is safe for concurrent use.
type Directory struct {
	options   Options
	transport *transport.Client
	sdk       *sdk.Client
	tokens    *tokenSource // nil with an API token
}

// New returns the org.
//
// Errors: [access.ErrInvalid], joined: every problem of the options at once.
func New(o Options) (*Directory, error) {
	base, errURL := parseURL(o.URL)
	key, errCredential := o.credential()
	if err := errors.Join(errURL, errCredential, o.checkCanary()); err != nil {
		return nil, err
	}
	if len(o.Scopes) == 0 {
		o.Scopes = Scopes()
	}
	d := &Directory{options: o}
	t := o.Transport
	t.Connector, t.BaseURL, t.Dialect, t.Bucket, t.Refuse = "okta", base, transport.DialectOkta, bucket, tidyLinks
	if err := d.signIn(t, key); err != nil {
		return nil, err
	}
	client, err := vendorSDK(base, &http.Client{Transport: &renewal{tokens: d.tokens, next: d.transport.HTTP().Transport}})
	if err != nil {
		return nil, err
	}
	d.sdk = client
	return d, nil
}

// signIn builds the transport with the credential on every request.
func (d *Directory) signIn(t transport.Options, key *rsa.PrivateKey) error {
	t.Authorize = func(req *http.Request) error {
		req.Header.Set("Authorization", "SSWS "+d.options.Token.Reveal())
		return nil
	}
	if key != nil {
		tokens, err := newTokenSource(d.options, t, key)
		if err != nil {
			return err
		}
		d.tokens = tokens
		t.Authorize = tokens.authorize
	}
	client, err := transport.New(t)
	d.transport = client
	return err
}

// Close closes the connections that are idle.
func (d *Directory) Close() {
	d.transport.Close()
	if d.tokens != nil {
		d.tokens.transport.Close()
	}
}

// credential checks that there is one way to sign in, and returns the key when it is the service app's.
func (o Options) credential() (*rsa.PrivateKey, error) {
	app := o.ClientID != "" || !o.PrivateKey.Empty()
	switch {
	case app && !o.Token.Empty():
		return nil, fmt.Errorf("okta: both an API token and a service app: %w", access.ErrInvalid)
	case !app && o.Token.Empty():
		return nil, fmt.Errorf("okta: neither an API token nor a service app: %w", access.ErrInvalid)
	case !app:
		return nil, nil
	case o.ClientID == "":
		return nil, fmt.Errorf("okta: private key without a client ID: %w", access.ErrInvalid)
	}
	return parseKey(o.PrivateKey)
}

func (o Options) checkCanary() error {
	if o.CanaryUser == "" && o.CanaryGroup == "" {
		return nil
	}
	_, errUser := access.ParseUserID(string(o.CanaryUser))
	_, errGroup := access.ParseGroupID(string(o.CanaryGroup))
	if err := errors.Join(errUser, errGroup); err != nil {
		return fmt.Errorf("okta: canary: %w", err)
	}
	return nil
}

// parseURL returns the org's address without a trailing slash: the SDK puts it before paths, and it is the audience of
// assertions.
//
// Source: okta-sdk-golang v2.20.0, okta/validator.go, for the hosts that it refuses, in words that repeat the URL.
func parseURL(text string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("okta: URL is not one with a host: %w", access.ErrInvalid)
	}
	host := strings.ToLower(base.Hostname())
	admin := func(domain string) bool { return strings.HasSuffix(host, "-admin."+domain) }
	switch {
	case slices.ContainsFunc([]string{"okta.com", "oktapreview.com", "okta-emea.com"}, admin):
		return nil, fmt.Errorf("okta: URL is the admin console's; leave out -admin: %w", access.ErrInvalid)
	case strings.HasSuffix(host, ".com.com"):
		return nil, fmt.Errorf("okta: URL ends in .com twice: %w", access.ErrInvalid)
	case base.Path != "":
		return nil, fmt.Errorf("okta: URL has a path: %w", access.ErrInvalid)
	}
	return base, nil
}

// Self returns who sopd is in the org, as the System Log names it: the token's owner, or the service app.
//
// Errors: as [Directory.User]; [access.ErrUnauthenticated] when the service app cannot sign in.
func (d *Directory) Self(ctx context.Context) (access.Actor, error) {
	if d.tokens != nil {
		if _, err := d.tokens.token(ctx); err != nil {
			return access.Actor{}, fmt.Errorf("sign in as service app: %w", err)
		}
		return access.Actor{ID: d.options.ClientID, Type: "PublicClientApp"}, nil
	}
	u, err := d.readUser(ctx, "read own user", "me")
	if err != nil {
		return access.Actor{}, err
	}
	return access.Actor{ID: string(u.ID), Type: "User"}, nil
}

// Budgets returns what the vendor last said of each rate budget that was drawn on.
func (d *Directory) Budgets() map[string]transport.Budget { return d.transport.Budgets() }

// Ahead returns how far our clock was ahead of the vendor's at its last answer, negative when behind; 0 before the first.
func (d *Directory) Ahead() time.Duration { return d.transport.Ahead() }
