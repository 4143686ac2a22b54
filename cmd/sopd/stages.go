package main

import (
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/incidents"
	"github.com/maisonrmi/sopd/reconcile/pagers"
	"github.com/maisonrmi/sopd/reconcile/procedures"
	"github.com/maisonrmi/sopd/reconcile/promises"
	"github.com/maisonrmi/sopd/reconcile/reports"
	"github.com/maisonrmi/sopd/reconcile/reviews"
	"github.com/maisonrmi/sopd/reconcile/tasks"
	"github.com/maisonrmi/sopd/reconcile/watching"
)

// stages returns the procedures besides access, in the order in which they run: the clocks come last, because they look at
// what the others have recorded.
func (d *daemon) stages() ([]reconcile.Stage, error) {
	all := []reconcile.Stage{
		&procedures.Stage{Policies: d.policies},
		&tasks.Stage{Policies: d.policies},
		&reviews.Stage{Policies: d.policies, Desk: d.jira},
		&reports.Stage{Policies: d.policies, Read: d.store.Read, Program: readVersion().Version},
		&watching.Stage{Policies: d.policies, Self: d.self},
	}
	if d.policies.Incident != nil {
		s, err := d.incidents()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if p, two := d.pager.(*pair); two {
		all = append(all, pagers.New(p.Compare, compareEvery*d.config.Interval))
	}
	return append(all, &promises.Stage{Policies: d.policies}), nil
}

// self returns the Okta user whose credential sopd uses; empty for a service app, and before Okta was asked.
func (d *daemon) self() access.UserID { return d.reconciler.Self }

func (d *daemon) incidents() (reconcile.Stage, error) {
	o := incidents.Options{Store: d.store, Policies: d.policies, Comments: d.jira, Self: d.self}
	if d.pager != nil {
		o.Alerts = d.pager
	}
	return incidents.New(o)
}
