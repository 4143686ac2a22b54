package okta

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
)

const (
	// assertionLife is how long an assertion is valid; Okta allows an hour, it is used at once.
	assertionLife = 5 * time.Minute
	// tokenMargin is how long before its end a token is not used any more, so that it does not end under way.
	tokenMargin = time.Minute
	// minKeyBits is the shortest RSA key that is taken.
	minKeyBits = 2048
)

// ErrDPoP is why a service app cannot sign in that demands proof of possession, which the vendor's SDK cannot give.
//
// Source: okta-sdk-golang, CHANGELOG: DPoP came in v4.1.0.
var ErrDPoP = errors.New(`the service app requires DPoP: switch off "Require DPoP header in token requests"`)

// parseKey reads an RSA key in PEM, PKCS#1 or PKCS#8.
//
// Errors: [access.ErrInvalid].
func parseKey(text secret.Value) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return nil, fmt.Errorf("okta: private key is not PEM: %w", access.ErrInvalid)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		any8, err8 := x509.ParsePKCS8PrivateKey(block.Bytes)
		rsaKey, isRSA := any8.(*rsa.PrivateKey)
		if err8 != nil || !isRSA {
			return nil, fmt.Errorf("okta: private key is neither PKCS#1 nor PKCS#8 of an RSA key: %w", access.ErrInvalid)
		}
		key = rsaKey
	}
	if key.N.BitLen() < minKeyBits {
		return nil, fmt.Errorf("okta: private key is shorter than %d bits: %w", minKeyBits, access.ErrInvalid)
	}
	return key, nil
}

// tokenSource signs a service app in and keeps its access token.
//
// The SDK's own sign-in puts the assertion into the URL, ignores the context and keeps a token after a 401.
//
// Source: okta-sdk-golang v2.20.0, okta/requestExecutor.go getAccessTokenForPrivateKey.
type tokenSource struct {
	options   Options
	base      *url.URL
	key       *rsa.PrivateKey
	transport *transport.Client
	now       func() time.Time
	turn      chan struct{} // holds one token: who has it may look at and change what follows
	current   accessToken
}

type accessToken struct {
	text    string
	scopes  []string
	expires time.Time
}

// newTokenSource returns a source over a transport of its own, without a credential.
func newTokenSource(o Options, t transport.Options, key *rsa.PrivateKey) (*tokenSource, error) {
	t.Authorize = nil
	client, err := transport.New(t)
	if err != nil {
		return nil, err
	}
	s := &tokenSource{options: o, base: t.BaseURL, key: key, transport: client, now: t.Now, turn: make(chan struct{}, 1)}
	if s.now == nil {
		s.now = time.Now
	}
	s.turn <- struct{}{}
	return s, nil
}

// authorize puts the access token on a request.
func (s *tokenSource) authorize(req *http.Request) error {
	token, err := s.token(req.Context())
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.text)
	return nil
}

// token returns a token that is good for a while, fetching one when needed; callers at the same time wait for one fetch.
//
// Errors: [access.ErrUnauthenticated], with [ErrDPoP] when that is why; [access.ErrDenied] for a scope that the app does not have;
// [access.ErrThrottled], [access.ErrUnavailable].
func (s *tokenSource) token(ctx context.Context) (accessToken, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return accessToken{}, fmt.Errorf("%w: %w", access.ErrUnavailable, ctx.Err())
	}
	defer func() { s.turn <- struct{}{} }()
	if s.current.text != "" && s.now().Add(tokenMargin).Before(s.current.expires) {
		return s.current, nil
	}
	fetched, err := s.fetch(plain{ctx}, s.options.Scopes)
	if lost(err) { // the assertion may be used up, so another one is made
		fetched, err = s.fetch(plain{ctx}, s.options.Scopes)
	}
	if err != nil {
		return accessToken{}, err
	}
	s.current = fetched
	return fetched, nil
}

// drop forgets a token that the org refused, unless another has taken its place.
func (s *tokenSource) drop(refused string) {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	if s.current.text == refused {
		s.current = accessToken{}
	}
}

// lost tells whether a sign-in got no answer.
func lost(err error) bool {
	return errors.Is(err, access.ErrUnavailable) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// plain is a context without the values of the request that needs the token: they are about that request.
type plain struct{ context.Context }

// Value returns nil.
func (plain) Value(any) any { return nil }

// tokenAnswer is what the token endpoint answers, well or not.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope"`
	Error       string `json:"error"`
}

// fetch signs in. The assertion goes in the body: URLs are logged on the way.
func (s *tokenSource) fetch(ctx context.Context, scopes []string) (accessToken, error) {
	assertion, err := s.assertion()
	if err != nil {
		return accessToken{}, err
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"scope":                 {strings.Join(scopes, " ")},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base.String()+"/oauth2/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		return accessToken{}, fmt.Errorf("request of a token: %w", access.ErrInvalid)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	sent := s.now()
	resp, err := s.transport.HTTP().Do(req)
	if err != nil {
		return accessToken{}, ofSignIn(transport.Cause(err))
	}
	defer resp.Body.Close()
	return readToken(resp, sent)
}

// ofSignIn makes a lost answer of a sign-in unavailable: it changes nothing that must be looked up.
func ofSignIn(err error) error {
	if errors.Is(err, access.ErrMalformed) {
		return fmt.Errorf("answer to sign-in: %w", access.ErrMalformed)
	}
	if errors.Is(err, access.ErrUnconfirmed) {
		return fmt.Errorf("no answer to sign-in: %w", access.ErrUnavailable)
	}
	return err
}

func readToken(resp *http.Response, sent time.Time) (accessToken, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return accessToken{}, fmt.Errorf("answer to sign-in: %w", access.ErrMalformed)
	}
	var a tokenAnswer
	errJSON := json.Unmarshal(body, &a)
	if resp.StatusCode >= 300 {
		return accessToken{}, refusedSignIn(resp, a.Error)
	}
	if errJSON != nil || a.AccessToken == "" || a.ExpiresIn <= 0 {
		return accessToken{}, fmt.Errorf("answer to sign-in: %w", access.ErrMalformed)
	}
	return accessToken{a.AccessToken, strings.Fields(a.Scope), sent.Add(time.Duration(a.ExpiresIn) * time.Second)}, nil
}

// refusedSignIn names the cause of a refusal. code is of OAuth's closed set, and is not repeated.
//
// Source: RFC 6749, section 5.2; RFC 9449, section 5.
func refusedSignIn(resp *http.Response, code string) error {
	switch code {
	case "invalid_dpop_proof", "use_dpop_nonce":
		return fmt.Errorf("%w: %w", ErrDPoP, access.ErrUnauthenticated)
	case "invalid_scope":
		return fmt.Errorf("a scope is not granted to the service app: %w", access.ErrDenied)
	case "invalid_client", "unauthorized_client", "invalid_grant":
		return fmt.Errorf("service app not accepted: %w", access.ErrUnauthenticated)
	}
	return ofSignIn(transport.Classify(http.MethodPost, resp.StatusCode, resp.Header, nil))
}

// assertion returns a signed statement of who we are, good for one use.
//
// Source: RFC 7523, section 3; Okta, OAuth for Okta service apps: RS256, at most an hour.
func (s *tokenSource) assertion() (string, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", fmt.Errorf("random number for an assertion: %w", access.ErrUnavailable)
	}
	header := map[string]any{"alg": "RS256", "typ": "JWT"}
	if s.options.KeyID != "" {
		header["kid"] = s.options.KeyID
	}
	now := s.now()
	signed := encodePart(header) + "." + encodePart(map[string]any{
		"iss": s.options.ClientID, "sub": s.options.ClientID, "aud": s.base.String() + "/oauth2/v1/token",
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(), "jti": hex.EncodeToString(id),
	})
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign an assertion: %w", access.ErrInvalid)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// encodePart encodes a part of an assertion. Maps of text and numbers always encode.
func encodePart(part map[string]any) string {
	text, _ := json.Marshal(part)
	return base64.RawURLEncoding.EncodeToString(text)
}
