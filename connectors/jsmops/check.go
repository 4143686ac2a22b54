package jsmops

import (
	"context"
	"errors"
	"net/http"

	"github.com/maisonrmi/sopd/internal/access"
)

// What to do about what is missing, in the vendor's words.
const (
	siteFix     = "check the site's address, or set its cloud ID: GET https://NAME.atlassian.net/_edge/tenant_info shows it"
	accountFix  = "set the e-mail address of an account of the site and a valid API token of it; tokens expire after a year at most"
	keyFix      = "set the API key of an API integration of Jira Service Management, and turn the integration on"
	alertsFix   = "give the API token the scope read:ops-alert:jira-service-management"
	scheduleFix = "give the API token the scope read:ops-config:jira-service-management, which is granted apart from that for alerts"
	blindFix    = "add the account to the teams that are paged, or make it an administrator of operations; where there has never been an alert, make one by hand and close it"
	otherFix    = "check the URL and the vendor's status page, then try again"
)

// absent is the ID of no alert and of no request: the vendor's are UUIDs.
const absent = "sopd-check"

// Check reads once what the connector reads, with both credentials, and reports what it may not and what it does not see.
// It changes nothing, so the right to write is not looked at: see [Pager.CheckWrites].
func (p *Pager) Check(ctx context.Context) []access.Problem {
	if _, err := p.cloud(ctx); err != nil {
		return []access.Problem{{What: "find the site", Fix: siteFix, Err: err}}
	}
	problems := p.checkKey(ctx)
	err := p.seesAlerts(ctx)
	if errors.Is(err, access.ErrUnauthenticated) {
		return append(problems, access.Problem{What: "sign in to read", Fix: accountFix, Err: err})
	}
	problems = append(problems, problem("list alerts", alertsFix, err)...)
	_, err = p.Schedules(ctx)
	return append(problems, problem("list schedules", scheduleFix, err)...)
}

// checkKey asks for the status of a request that was never made: not found is what a valid key is told.
func (p *Pager) checkKey(ctx context.Context) []access.Problem {
	err := p.event(ctx, http.MethodGet, "/requests/"+absent, nil, &statusAnswer{})
	if errors.Is(err, access.ErrNotFound) {
		return nil
	}
	return problem("sign in to write", keyFix, err)
}

// CheckWrites reports when the key may not write, by acknowledging an alert that does not exist. The vendor accepts that,
// and finds nothing to change.
func (p *Pager) CheckWrites(ctx context.Context) []access.Problem {
	err := p.event(ctx, http.MethodPost, "/"+absent+"/acknowledge", actBody{Source: "sopd", User: p.options.Author}, &accepted{})
	return problem("write to alerts", keyFix, err)
}

// problem words what err means for people; none when there was no error.
func problem(what, fix string, err error) []access.Problem {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, access.ErrDenied), errors.Is(err, access.ErrUnauthenticated):
	case errors.Is(err, access.ErrIncomplete):
		fix = blindFix
	default:
		fix = otherFix
	}
	return []access.Problem{{What: what, Fix: fix, Err: err}}
}
