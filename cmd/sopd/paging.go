package main

import (
	"context"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/reconcile"
)

// The values of SOPD_PAGING.
const (
	pagingOff      = ""
	pagingOpsgenie = "opsgenie"
	pagingJSMOps   = "jsmops"
)

// pager is whichever system pages people.
type pager interface {
	reconcile.Pager
	reconcile.Roster
	Check(ctx context.Context) []access.Problem
}

// pagerNames are what the systems are called in front of people.
func pagerName(paging string) string {
	if paging == pagingJSMOps {
		return "JSM Operations"
	}
	return "Opsgenie"
}

// newPager makes the configured pager, nil when nobody is to be paged.
func newPager(c config, shared transport.Options) (pager, error) {
	switch c.Paging {
	case pagingOff:
		return nil, nil
	case pagingJSMOps:
		p, err := jsmops.New(jsmops.Options{
			URL: c.JSMOpsURL, CloudID: c.JSMOpsCloudID, Site: c.JSMOpsSite, Key: c.JSMOpsKey, User: c.JSMOpsUser, Token: c.JSMOpsToken,
			Transport: shared,
		})
		if err != nil {
			return nil, err // not p: a nil pager in an interface would not be nil
		}
		return p, nil
	default:
		p, err := opsgenie.New(opsgenie.Options{URL: c.OpsgenieURL, Key: c.OpsgenieKey, Transport: shared})
		if err != nil {
			return nil, err
		}
		return p, nil
	}
}

// checkPaging says whether people can be paged, and for how long yet.
func (d *daemon) checkPaging(ctx context.Context, now time.Time) []checked {
	if d.pager == nil {
		return []checked{{What: "paging is off: nobody is told of drift and holds", Warning: true, Fix: "set SOPD_PAGING"}}
	}
	lines := problems(pagerName(d.config.Paging), "credential and permissions", d.pager.Check(ctx))
	if d.config.Paging == pagingOpsgenie {
		lines = append(lines, checked{
			What:    fmt.Sprintf("Opsgenie ends on %s, in %d days", crossing.OpsgenieEnd().Format(time.DateOnly), crossing.DaysLeft(now)),
			Warning: true, Fix: "move to JSM Operations, then set SOPD_PAGING=jsmops",
		})
	}
	return lines
}
