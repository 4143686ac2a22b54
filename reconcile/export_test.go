package reconcile

import (
	"context"

	"github.com/maisonrmi/sopd/reconcile/plan"
)

// PlanTwice plans on what is stored: with what the reconciler remembers of quiet groups, and looking at every group anew.
func (r *Reconciler) PlanTwice(ctx context.Context) (remembered, anew plan.Plan, err error) {
	with, err := r.load(ctx, nil)
	if err != nil {
		return remembered, anew, err
	}
	memory := r.quiet
	r.quiet = newQuietGroups()
	program := r.Program
	r.Program = ""
	without, err := r.load(ctx, nil)
	r.quiet, r.Program = memory, program
	if err != nil {
		return remembered, anew, err
	}
	return with.view.built, without.view.built, nil
}
