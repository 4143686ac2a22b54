package main

import (
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/procedures"
	"github.com/maisonrmi/sopd/reconcile/promises"
	"github.com/maisonrmi/sopd/reconcile/reviews"
	"github.com/maisonrmi/sopd/reconcile/tasks"
	"github.com/maisonrmi/sopd/reconcile/watching"
)

// stages returns the procedures besides access, in the order in which they run: the clocks come last, because they look at
// what the others have recorded.
func (d *daemon) stages() []reconcile.Stage {
	return []reconcile.Stage{
		&procedures.Stage{Policies: d.policies},
		&tasks.Stage{Policies: d.policies},
		&reviews.Stage{Policies: d.policies, Desk: d.jira},
		&watching.Stage{Policies: d.policies, Self: func() access.UserID { return d.reconciler.Self }},
		&promises.Stage{Policies: d.policies},
	}
}
