package okta

import (
	"net/http"
	"strings"
)

// renewal repeats a request once with a new token when the org refuses the one it was sent with: tokens can be revoked
// before they expire. A request refused so was not carried out.
type renewal struct {
	tokens *tokenSource // nil with an API token: nothing is repeated
	next   http.RoundTripper
}

// RoundTrip sends req, twice at most.
func (r *renewal) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.tokens == nil {
		return r.next.RoundTrip(req)
	}
	resp, err := r.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || (req.Body != nil && req.GetBody == nil) {
		return resp, err
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		body, errBody := req.GetBody()
		if errBody != nil {
			return resp, nil // then the refusal stays the answer
		}
		again.Body = body
	}
	r.tokens.drop(tokenOf(resp.Request))
	_ = resp.Body.Close() // it was read whole by the transport
	return r.next.RoundTrip(again)
}

// tokenOf returns the access token that a request was sent with.
func tokenOf(req *http.Request) string {
	if req == nil {
		return ""
	}
	return strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
}
