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
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	again, possible := repeated(req)
	if !possible {
		return resp, nil
	}
	r.tokens.drop(tokenOf(resp.Request))
	_ = resp.Body.Close() // it was read whole by the transport
	return r.next.RoundTrip(again)
}

// repeated returns req as it was before it was sent; ok is false when its body cannot be had again.
func repeated(req *http.Request) (again *http.Request, ok bool) {
	again = req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err == nil
}

// tokenOf returns the access token that a request was sent with.
func tokenOf(req *http.Request) string {
	if req == nil {
		return ""
	}
	return strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
}
