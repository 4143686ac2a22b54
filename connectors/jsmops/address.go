package jsmops

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// cloudIDs is what a cloud ID looks like. It becomes a part of the path.
var cloudIDs = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// parseURL returns the base URL of the APIs: the vendor's host over TLS, or loopback.
//
// Errors: [access.ErrInvalid]. The text is not shown: people paste keys into the wrong variable.
func parseURL(text string) (*url.URL, error) {
	u, ok := address(text)
	if !ok || !local(u) && (u.Scheme != "https" || u.Host != vendorHost) {
		return nil, fmt.Errorf("jsmops: URL is neither https://%s nor on loopback: %w", vendorHost, access.ErrInvalid)
	}
	return u, nil
}

// parseSite returns the address that tells the cloud ID; nil when that is configured.
//
// Errors: [access.ErrInvalid].
func (o Options) parseSite() (*url.URL, error) {
	switch {
	case (o.CloudID == "") == (o.Site == ""):
		return nil, fmt.Errorf("jsmops: one of cloud ID and site is needed: %w", access.ErrInvalid)
	case o.Site == "" && !cloudIDs.MatchString(strings.ToLower(o.CloudID)):
		return nil, fmt.Errorf("jsmops: cloud ID is not a UUID: %w", access.ErrInvalid)
	case o.Site == "":
		return nil, nil
	}
	u, ok := address(o.Site)
	name, cloud := "", false
	if ok {
		name, cloud = strings.CutSuffix(u.Host, ".atlassian.net")
	}
	if !ok || !local(u) && (u.Scheme != "https" || !cloud || name == "" || strings.Contains(name, ".")) {
		return nil, fmt.Errorf("jsmops: site is not https://NAME.atlassian.net: %w", access.ErrInvalid)
	}
	return u, nil
}

// address reads a bare host[:port] or a URL without path.
func address(text string) (*url.URL, bool) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, false
	}
	u.Path, u.Host = "", strings.ToLower(u.Host)
	return u, true
}

// local tells whether u never leaves the machine.
func local(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return loopback && (u.Scheme == "http" || u.Scheme == "https")
}

// cloud returns the cloud ID of the site, asked for once. A question that failed is asked again.
//
// Source: GET https://NAME.atlassian.net/_edge/tenant_info, Atlassian support, "Retrieve my Atlassian site's cloud ID".
func (p *Pager) cloud(ctx context.Context) (string, error) {
	p.mu.Lock()
	known := p.cloudID
	p.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var answer struct {
		CloudID string `json:"cloudId"`
	}
	req := request{method: http.MethodGet, base: p.siteURL, path: "/_edge/tenant_info"}
	if err := send(ctx, p.site.HTTP(), req, &answer); err != nil {
		return "", fmt.Errorf("asking the site for its cloud ID: %w", err)
	}
	id := strings.ToLower(answer.CloudID)
	if !cloudIDs.MatchString(id) {
		return "", fmt.Errorf("jsmops: answer without a cloud ID: %w", access.ErrMalformed)
	}
	p.mu.Lock()
	p.cloudID = id
	p.mu.Unlock()
	return id, nil
}

// refuseScope tells a token that may not read this from one that is not accepted at all: the vendor answers 401 to both,
// and only the text differs. Integration events are left alone: their key has no scopes.
//
// Source: field evidence, rrvrs/jira-alerts-mcp src/services/client.ts, checked by its author on a live site, 2026-09-05.
func refuseScope(resp *http.Response) error {
	if resp.StatusCode != http.StatusUnauthorized || resp.Request == nil || !strings.HasPrefix(resp.Request.URL.Path, restPath) {
		return nil
	}
	var answer struct {
		Message string `json:"message"`
	}
	understood := decode(resp.Body, &answer) == nil
	if understood && strings.Contains(strings.ToLower(answer.Message), "scope") {
		return access.ErrDenied
	}
	return nil
}
