package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/incidents"
)

// The values of SOPD_PAGING.
const (
	pagingOff      = ""
	pagingOpsgenie = "opsgenie"
	pagingJSMOps   = "jsmops"
	pagingBoth     = "both" // written to one, both read
)

// pager is whichever system pages people.
type pager interface {
	reconcile.Pager
	incidents.Alerts
	reconcile.Roster
	Check(ctx context.Context) []access.Problem
}

// pagerNames are what the systems are called in front of people.
func pagerName(paging string) string {
	switch paging {
	case pagingJSMOps:
		return "JSM Operations"
	case pagingBoth:
		return "Opsgenie and JSM Operations"
	default:
		return "Opsgenie"
	}
}

// newPager makes the configured pager, nil when nobody is to be paged.
func (d *daemon) newPager(shared transport.Options) (pager, error) {
	c := d.config
	switch c.Paging {
	case pagingOff:
		return nil, nil
	case pagingBoth:
		first, err := newSide(c.PagingPrimary, c, shared)
		second, otherErr := newSide(otherPaging(c.PagingPrimary), c, shared)
		if err := errors.Join(err, otherErr); err != nil {
			return nil, err
		}
		return d.newPair(first, second)
	default:
		p, err := newSide(c.Paging, c, shared)
		if err != nil {
			return nil, err // not p: a nil pager in an interface would not be nil
		}
		return p, nil
	}
}

// newSide makes one pager.
func newSide(paging string, c config, shared transport.Options) (side, error) {
	if paging == pagingJSMOps {
		p, err := jsmops.New(jsmops.Options{
			URL: c.JSMOpsURL, CloudID: c.JSMOpsCloudID, Site: c.JSMOpsSite, Key: c.JSMOpsKey, User: c.JSMOpsUser, Token: c.JSMOpsToken,
			Transport: shared,
		})
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	p, err := opsgenie.New(opsgenie.Options{URL: c.OpsgenieURL, Key: c.OpsgenieKey, Transport: shared})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// checkPaging says whether people can be paged, and for how long yet.
func (d *daemon) checkPaging(ctx context.Context, now time.Time) []checked {
	if d.pager == nil {
		return []checked{{What: "paging is off: nobody is told of drift and holds", Warning: true, Fix: "set SOPD_PAGING"}}
	}
	lines := problems(pagerName(d.config.Paging), "credential and permissions", d.pager.Check(ctx))
	if p, two := d.pager.(*pair); two {
		lines = append(lines, d.checkCrossing(ctx, p, now)...)
	}
	if d.config.Paging == pagingOpsgenie || d.config.Paging == pagingBoth {
		lines = append(lines, checked{
			What:    fmt.Sprintf("Opsgenie ends on %s, in %d days", crossing.OpsgenieEnd().Format(time.DateOnly), crossing.DaysLeft(now)),
			Warning: true, Fix: "move to JSM Operations, by way of SOPD_PAGING=both; then set SOPD_PAGING=jsmops",
		})
	}
	return lines
}
