package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/span"
	"github.com/maisonrmi/sopd/internal/store"
)

// A change that was begun is finished and recorded even when the program is told to stop: callTime bounds the call,
// outcomeTime the recording.
const (
	callTime    = 30 * time.Second
	outcomeTime = 10 * time.Second
)

// lease takes or renews the one writer's place. mine is false while another replica has it.
func (r *Reconciler) lease(ctx context.Context) (fence int64, mine bool, err error) {
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		fence, err = tx.Lease(leaseName, r.Holder, r.Now().Add(leaseTime))
		return err
	})
	if errors.Is(err, access.ErrConflict) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("taking the writer's lease: %w", err)
	}
	return fence, true, nil
}

// write is a write of the pass: it is kept only while the place is still ours, and renews it. Whoever was away for too long
// and lost it stops here, before the next thing that others could do as well.
//
// Errors: as [store.Store.Write]; [access.ErrConflict] when the place is lost.
func (r *Reconciler) write(ctx context.Context, fn func(*store.Tx) error) error {
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldsLease(leaseName, r.fence); err != nil {
			return err
		}
		if _, err := tx.Lease(leaseName, r.Holder, r.Now().Add(leaseTime)); err != nil {
			return err
		}
		return fn(tx)
	})
}

// renew makes sure that the place is still ours before something is done outside.
func (r *Reconciler) renew(ctx context.Context) error {
	return r.write(ctx, func(*store.Tx) error { return nil })
}

// keep renews the place while the pass runs, until stop is called, which waits for the end of it. When the place is lost, the
// pass learns it at its next write.
func (r *Reconciler) keep(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(leaseTime / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if errors.Is(r.renew(ctx), access.ErrConflict) {
					return
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// release gives the place back at once, so that nobody has to wait for the lease to run out.
func (r *Reconciler) release(ctx context.Context, fence int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTime)
	defer cancel()
	err := r.Store.Write(ctx, func(tx *store.Tx) error { return tx.ReleaseLease(leaseName, fence) })
	if err != nil {
		return fmt.Errorf("giving the writer's lease back: %w", err)
	}
	return nil
}

// general reports whether an error would meet every other change as well.
func general(err error) bool {
	return errors.Is(err, access.ErrUnauthenticated) || errors.Is(err, access.ErrThrottled) ||
		errors.Is(err, access.ErrUnavailable) || errors.Is(err, context.Canceled)
}

func (r *Reconciler) bounded(ctx context.Context, c change.Change) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ctx, end := r.Trace.Begin(ctx, "change", span.Attribute{Key: "change_id", Value: string(c.ID)},
		span.Attribute{Key: "kind", Value: string(c.Kind)}, span.Attribute{Key: "reason", Value: string(c.Reason)})
	err := r.call(ctx, c)
	state, _ := outcome(err)
	end(string(state))
	return err
}

func (r *Reconciler) call(ctx context.Context, c change.Change) error {
	switch c.Kind {
	case change.AddMember:
		return r.Writer.Add(ctx, c.Membership())
	case change.RemoveMember:
		return r.Writer.Remove(ctx, c.Membership())
	case change.ClearSessions:
		return r.Writer.ClearSessions(ctx, c.User)
	case change.Deactivate:
		return r.Writer.Deactivate(ctx, c.User)
	case change.Suspend:
		return r.Writer.Suspend(ctx, c.User)
	default:
		return fmt.Errorf("kind %q: %w", c.Kind, access.ErrInvalid)
	}
}

// outcome returns what the answer to a write makes of the change.
func outcome(err error) (change.State, string) {
	switch {
	case err == nil:
		return change.Applied, ""
	case errors.Is(err, access.ErrUnconfirmed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return change.Unconfirmed, access.ErrUnconfirmed.Error()
	default:
		return change.Refused, phrase(err)
	}
}

// phrase returns the cause of an error in the words of package access, never the vendor's.
func phrase(err error) string {
	for _, cause := range []error{
		access.ErrUnauthenticated, access.ErrDenied, access.ErrNotFound, access.ErrThrottled, access.ErrUnavailable,
		access.ErrUnconfirmed, access.ErrIncomplete, access.ErrMalformed, access.ErrInvalid, access.ErrConflict,
	} {
		if errors.Is(err, cause) {
			return cause.Error()
		}
	}
	return "unknown cause"
}

// record stores the change's state and its ledger entry together.
func record(tx *store.Tx, c change.Change, at time.Time) error {
	kinds := map[change.State]ledger.Kind{
		change.Intended: ledger.ChangeIntended, change.Applied: ledger.ChangeApplied, change.Unconfirmed: ledger.ChangeUnconfirmed,
		change.Confirmed: ledger.ChangeConfirmed, change.Refused: ledger.ChangeRefused,
	}
	if err := tx.PutChange(c); err != nil {
		return err
	}
	_, err := tx.Append(ledger.Entry{
		Kind: kinds[c.State], At: at, Change: c.ID, Ticket: c.Ticket, User: c.User, Group: c.Group, Body: c,
	})
	return err
}

func (r *Reconciler) logChange(ctx context.Context, c change.Change) {
	r.Logger.LogAttrs(ctx, slog.LevelInfo, "change",
		slog.String("change_id", string(c.ID)), slog.String("kind", string(c.Kind)), slog.String("reason", string(c.Reason)),
		slog.String("state", string(c.State)), slog.String("ticket", string(c.Ticket)),
		slog.String("user", string(c.User)), slog.String("group", string(c.Group)))
	r.Watch(Notice{Change: &c})
}
