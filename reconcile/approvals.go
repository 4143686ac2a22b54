package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// An answer to an approval need not move the ticket's time of update, so a search by that time may never name the ticket.
// Webhooks do, mostly at once. Where neither tells, the approvals of the tickets that wait are read again in turn: so few in
// a pass that it costs the same whatever waits.

const (
	approvalsAge   = 5 * time.Minute // how old the approvals of a waiting ticket may get before they are read again
	approvalsBatch = 2               // how many tickets' approvals a pass reads again at most
	// approvalsLook is how many candidates are looked at to find them: tickets of no procedure and those that wait for
	// nothing are among them.
	approvalsLook = 200
)

func (r *Reconciler) observeApprovals(ctx context.Context) error {
	waiting, err := r.waitingLongest(ctx)
	if err != nil {
		return err
	}
	for _, key := range waiting {
		if err := r.readApprovals(ctx, key); err != nil {
			return fmt.Errorf("approvals of %s: %w", key, err)
		}
	}
	return nil
}

// waitingLongest returns the tickets that wait for an approval whose approvals were not read for the longest time.
func (r *Reconciler) waitingLongest(ctx context.Context) ([]ticket.Key, error) {
	var keys []ticket.Key
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		keys = nil
		old, err := tx.OldestApprovals(r.Now().Add(-approvalsAge), approvalsLook)
		if err != nil {
			return err
		}
		for _, key := range old {
			t, _, found, err := tx.Ticket(key)
			if err != nil {
				return err
			}
			sop, ours := r.Policies.SOP(t)
			if found && ours && slices.Contains(sop.Tickets.Waiting, t.Status) && len(keys) < approvalsBatch {
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, err
}

// readApprovals reads the approvals again. When they are others than they were, the ticket is read too: it may stand
// elsewhere by now.
func (r *Reconciler) readApprovals(ctx context.Context, key ticket.Key) error {
	readAt := r.Now()
	approvals, err := r.Tickets.Approvals(ctx, key)
	if err != nil {
		if r.isolated(err) {
			return r.write(ctx, func(tx *store.Tx) error { return tx.PutBadTicket(key, "approvals: "+phrase(err), readAt) })
		}
		return err
	}
	var before []ticket.Approval
	if err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		before, _, _, err = tx.Approvals(key)
		return err
	}); err != nil {
		return err
	}
	if !maps.Equal(decisions(before), decisions(approvals)) {
		return r.readTicket(ctx, key)
	}
	return r.write(ctx, func(tx *store.Tx) error { return tx.PutApprovals(key, approvals, readAt) })
}

// decisions returns what was decided, by approval and approver.
func decisions(approvals []ticket.Approval) map[string]string {
	all := make(map[string]string)
	for _, a := range approvals {
		all[fmt.Sprint(a.ID)] = fmt.Sprint(a.Decision)
		for _, by := range a.Approvers {
			all[fmt.Sprint(a.ID, "/", by.Person.Account)] = fmt.Sprint(by.Decision)
		}
	}
	return all
}
