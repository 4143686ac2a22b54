package oktamock

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// wireToken is the answer of the token endpoint.
type wireToken struct {
	Type        string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`
}

type wireOAuthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

type assertionHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
}

type assertionClaims struct {
	Issuer   string  `json:"iss"`
	Subject  string  `json:"sub"`
	Audience string  `json:"aud"`
	Expires  float64 `json:"exp"`
	ID       string  `json:"jti"`
}

// issueToken is the token endpoint, for client_credentials with private_key_jwt only.
//
// Source: Okta, OAuth for Okta service apps.
func (c *call) issueToken() *answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return oauthError(400, "invalid_request", "The request body is not a form.")
	}
	for name, values := range c.query { // Okta's own SDK puts the form into the URL
		form[name] = append(form[name], values...)
	}
	if form.Get("grant_type") != "client_credentials" {
		return oauthError(400, "unsupported_grant_type", "The authorization grant type is not supported.")
	}
	client, fault := c.verifyAssertion(form.Get("client_assertion"))
	if fault != "" {
		return oauthError(401, "invalid_client", fault)
	}
	if client.DPoP && c.r.Header.Get("DPoP") == "" {
		return oauthError(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
	}
	scopes := strings.Fields(form.Get("scope"))
	for _, scope := range scopes {
		if !slices.Contains(client.Scopes, scope) {
			return oauthError(400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.")
		}
	}
	return c.grant(client, scopes)
}

func (c *call) grant(client *Client, scopes []string) *answer {
	token := c.mint("tok") + c.mint("eyJ")
	c.auth.tokens[token] = accessToken{client: client, scopes: scopes, expires: c.now().Add(c.config.TokenLifetime)}
	c.who.actor = clientActor(client)
	c.tell("app.oauth2.token.grant.access_token", c.who.actor)
	return ok(wireToken{
		Type: "Bearer", ExpiresIn: int(c.config.TokenLifetime / time.Second), AccessToken: token, Scope: strings.Join(scopes, " "),
	})
}

func oauthError(status int, code, description string) *answer {
	return &answer{status: status, body: wireOAuthError{code, description}}
}

// verifyAssertion checks the signature and every claim, and returns whose it is, or what is wrong with it.
func (c *call) verifyAssertion(assertion string) (client *Client, fault string) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return nil, "The client_assertion is not a JWT."
	}
	var header assertionHeader
	var claims assertionClaims
	if decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil {
		return nil, "The client_assertion cannot be decoded."
	}
	client = c.auth.clients[claims.Subject]
	if client == nil || claims.Issuer != claims.Subject {
		return nil, "The client_assertion names no registered client as issuer and subject."
	}
	if header.Algorithm != "RS256" || (client.KeyID != "" && header.KeyID != client.KeyID) {
		return nil, "The client_assertion is signed with an unknown key."
	}
	if verifySignature(client.Key, parts) != nil {
		return nil, "The client_assertion signature is invalid."
	}
	return client, c.verifyClaims(claims)
}

// verifyClaims returns what is wrong with the claims, empty for nothing.
func (c *call) verifyClaims(claims assertionClaims) string {
	now, expires := c.now(), time.Unix(int64(claims.Expires), 0)
	switch {
	case claims.Audience != c.URL()+"/oauth2/v1/token":
		return "The audience of the client_assertion must be the token endpoint."
	case !now.Before(expires):
		return "The client_assertion has expired."
	case expires.Sub(now) > time.Hour:
		return "The client_assertion lives longer than one hour."
	case claims.ID != "" && c.auth.spent[claims.ID]:
		return "The client_assertion was used before."
	}
	c.auth.spent[claims.ID] = true
	return ""
}

func decodePart(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func verifySignature(key *rsa.PublicKey, parts []string) error {
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || key == nil {
		return errors.Join(err, rsa.ErrVerification)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
}

// RevokeTokens makes every access token invalid at once, as an admin can.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.auth.tokens)
}
