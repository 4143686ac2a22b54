package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"github.com/maisonrmi/sopd/internal/access"
)

// placeholder stands where the SDK wants a token. The transport puts the true credential on each request, in place of it.
const placeholder = "set-by-transport"

// vendorSDK returns the SDK over our own client, with every option set: one left out would be read from the home
// directory or the environment.
//
// Its cache would answer lists with what they were five minutes ago, its retries would stack on ours, and its own
// sign-in puts the assertion into the URL: none of them is used. What cannot be prevented: a variable OKTA_CLIENT_… that
// does not parse makes it print two words to standard output.
//
// Source: okta-sdk-golang v2.20.0, okta/okta.go NewClient, okta/requestExecutor.go; issues #284, #379.
func vendorSDK(base *url.URL, client *http.Client) (*sdk.Client, error) {
	_, c, err := sdk.NewClient(context.Background(),
		sdk.WithOrgUrl(base.String()),
		sdk.WithAuthorizationMode("SSWS"),
		sdk.WithToken(placeholder),
		sdk.WithHttpClientPtr(client),
		sdk.WithCache(false),
		sdk.WithCacheManager(nil),
		sdk.WithRateLimitMaxRetries(0),
		sdk.WithRateLimitMaxBackOff(0),
		sdk.WithConnectionTimeout(0),
		sdk.WithRequestTimeout(0),
		sdk.WithUserAgentExtra(""),
		sdk.WithClientId(""),
		sdk.WithPrivateKey(""),
		sdk.WithPrivateKeyId(""),
		sdk.WithClientAssertion(""),
		sdk.WithScopes(nil),
		sdk.WithTestingDisableHttpsCheck(base.Scheme == "http"), // the transport accepts http on loopback only
	)
	if err != nil {
		return nil, fmt.Errorf("okta: SDK refuses its configuration: %w", access.ErrInvalid)
	}
	return c, nil
}

// tidyLinks writes each link of an answer's Link headers on a line of its own, in one spelling. Proxies join them with commas, from which
// the SDK makes the page itself the next one and reads it for ever; a link that is no URL makes it panic.
//
// Source: okta-sdk-golang v2.20.0, okta/requestExecutor.go newResponse; RFC 8288, section 3.
func tidyLinks(resp *http.Response) error {
	lines := resp.Header.Values("Link")
	if len(lines) == 0 {
		return nil
	}
	tidy, err := parseLinks(strings.Join(lines, ", "))
	if err != nil {
		return err
	}
	resp.Header["Link"] = tidy
	return nil
}

var errLink = errors.New("link header not understood")

// parseLinks splits a list of links at the commas between them, not at those inside an address or quotes.
//
// Errors: [access.ErrMalformed].
func parseLinks(list string) ([]string, error) {
	var out []string
	for rest := strings.Trim(list, " ,"); rest != ""; rest = strings.Trim(rest, " ,") {
		closing := strings.IndexByte(rest, '>')
		if rest[0] != '<' || closing < 0 {
			return nil, fmt.Errorf("%w: %w", errLink, access.ErrMalformed)
		}
		address := rest[1:closing]
		if _, err := url.Parse(address); err != nil || address == "" || strings.Contains(address, ";") { // the SDK cuts there
			return nil, fmt.Errorf("%w: %w", errLink, access.ErrMalformed)
		}
		end := closing + unquotedComma(rest[closing:])
		out = append(out, "<"+address+`>; rel="`+relation(rest[closing+1:end])+`"`)
		rest = rest[end:]
	}
	return out, nil
}

// relation returns what a link's parameters say it is: "next" when that is among several. The SDK knows one spelling only,
// rel="next", and takes a page with another for the last.
func relation(parameters string) string {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		values := strings.Fields(strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`)))
		if slices.Contains(values, "next") {
			return "next"
		}
		return strings.Join(values, " ")
	}
	return ""
}

// unquotedComma returns the place of the first comma outside quotes, the length of s when there is none.
func unquotedComma(s string) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return i
		}
	}
	return len(s)
}

// nextLink returns the address of the next page from tidy links, nil when there is none.
func nextLink(header http.Header) *url.URL {
	for _, line := range header.Values("Link") {
		address, isNext := strings.CutSuffix(strings.TrimPrefix(line, "<"), `>; rel="next"`)
		if !isNext {
			continue
		}
		if u, err := url.Parse(address); err == nil {
			return u
		}
	}
	return nil
}

// bucket names the rate budget that a request draws on.
//
// Source: Okta developer docs, rate limits: the longest matching endpoint pattern, and the method for a single user.
func bucket(req *http.Request) string {
	words := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	if len(words) < 3 || words[0] != "api" {
		return "other"
	}
	switch kind := words[2]; {
	case kind == "logs":
		return "logs"
	case kind == "users" && len(words) == 3, kind == "groups" && len(words) == 3:
		return kind
	case kind == "users" && len(words) == 4:
		return "users/{id} " + readOrWrite(req.Method)
	case kind == "groups" && len(words) == 4 && words[3] != "rules":
		return "groups/{id}"
	}
	return "other"
}

func readOrWrite(method string) string {
	if method == http.MethodGet {
		return "read"
	}
	return "write"
}
