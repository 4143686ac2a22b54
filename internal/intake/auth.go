package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/maisonrmi/sopd/internal/secret"
)

// Secrets are those that an endpoint accepts: the present one and, while it is being changed, the next. Empty ones do not
// count; with none left the endpoint refuses everything.
type Secrets []secret.Value

func (s Secrets) usable() Secrets {
	var usable Secrets
	for _, one := range s {
		if !one.Empty() {
			usable = append(usable, one)
		}
	}
	return usable
}

// presented reports whether the header holds one of the secrets, alone or as a bearer token. Okta and Opsgenie sign
// nothing: a fixed header is all that they can send.
//
// Source: Okta Management API 2026.06, EventHookChannelConfigAuthSchemeType knows HEADER only.
func (s Secrets) presented(header http.Header, name string) bool {
	value := header.Get(name)
	bare, _ := strings.CutPrefix(value, "Bearer ")
	ok := false
	for _, one := range s {
		// Every secret is compared, so that the time does not tell which one matched.
		whole, bearer := one.Equal(secret.New(value)), one.Equal(secret.New(bare))
		ok = ok || whole || bearer
	}
	return ok
}

// signatureHeader carries Jira's signature, on Cloud and on Data Center.
//
// Source: developer.atlassian.com/cloud/jira/platform/webhooks; confluence.atlassian.com/adminjiraserver, "Managing
// webhooks".
const signatureHeader = "X-Hub-Signature"

// signed reports whether the header holds the HMAC-SHA256 of the raw body under one of the secrets. No other method than
// sha256 passes.
func (s Secrets) signed(header http.Header, body []byte) bool {
	text, ok := strings.CutPrefix(header.Get(signatureHeader), "sha256=")
	if !ok {
		return false
	}
	given, err := hex.DecodeString(text)
	if err != nil {
		return false
	}
	valid := false
	for _, one := range s {
		mac := hmac.New(sha256.New, []byte(one.Reveal()))
		mac.Write(body)
		valid = hmac.Equal(mac.Sum(nil), given) || valid
	}
	return valid
}

// digest is a key for deliveries that the vendor gives none.
func digest(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part))
		hash.Write([]byte{0})
	}
	return "sha256-" + hex.EncodeToString(hash.Sum(nil))
}
