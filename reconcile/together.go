package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// apply carries out the cleared plan: its kinds one after the other, in the plan's order, and of each kind as many at a time
// as is allowed. It returns the changes that were begun, with the state they came to.
//
// Errors: when the plan could not be finished for a reason that would stop every other change too. The changes that were
// not begun are not recorded; the next pass plans them again.
func (r *Reconciler) apply(ctx context.Context, c plan.Cleared) ([]change.Change, error) {
	var applied []change.Change
	for rest := c.Changes(); len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Kind == rest[0].Kind {
			n++
		}
		done, err := r.together(ctx, rest[:n], c.Hash())
		applied = append(applied, done...)
		if err != nil {
			return applied, err
		}
		rest = rest[n:]
	}
	return applied, nil
}

// attempt is what became of one change: callErr is the vendor's answer, err says that it could not be recorded.
type attempt struct {
	change       change.Change
	callErr, err error
}

// stops returns why nothing more may be begun after the attempt, nil when the others may go on.
func (a attempt) stops() error {
	switch {
	case a.err != nil:
		return a.err
	case general(a.callErr):
		return fmt.Errorf("change %s: %w", a.change.ID, a.callErr)
	default:
		return nil
	}
}

// together carries out changes of one kind, at most [Config.AtOnce] at a time. After one that stops the others nothing more
// is begun, and it returns only when what is under way has come to its end.
func (r *Reconciler) together(ctx context.Context, changes []change.Change, hash string) (begun []change.Change, stop error) {
	atOnce := max(r.AtOnce, 1)
	ended := make(chan attempt, atOnce) // so that nobody waits to tell
	begin := func(c change.Change) { go func() { ended <- r.one(ctx, c) }() }
	if atOnce == 1 {
		begin = func(c change.Change) { ended <- r.one(ctx, c) }
	}
	for next, under := 0, 0; ; under-- {
		for ; stop == nil && under < atOnce && next < len(changes); next++ {
			if ctx.Err() != nil {
				stop = fmt.Errorf("stopped between two changes: %w", context.Cause(ctx))
				break
			}
			c := changes[next]
			c.Plan = hash
			begin(c)
			under++
		}
		if under == 0 {
			return begun, stop
		}
		a := <-ended
		if stop == nil {
			stop = a.stops()
		}
		if a.err == nil {
			begun = append(begun, a.change)
			r.note(ctx, a)
		}
	}
}

// note tells of an attempt. A group in which the write found nobody is read again.
func (r *Reconciler) note(ctx context.Context, a attempt) {
	if errors.Is(a.callErr, access.ErrNotFound) && a.change.Group != "" {
		r.suspects[a.change.Group] = struct{}{}
	}
	r.logChange(ctx, a.change)
}

// one carries out a single change: the intent is durable before the call, and its outcome after it, even when the program
// was told to stop in between.
func (r *Reconciler) one(ctx context.Context, c change.Change) attempt {
	c.Intended = r.Now()
	c.ID, c.State = change.NewID(c.Intended), change.Intended
	err := r.write(ctx, func(tx *store.Tx) error { return record(tx, c, c.Intended) })
	if err != nil {
		return attempt{change: c, err: fmt.Errorf("recording the intent: %w", err)}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime+outcomeTime)
	defer cancel()
	callErr := r.bounded(ctx, c)
	c.State, c.Error = outcome(callErr)
	now := r.Now()
	if c.State.Settled() {
		c.Settled = now
	}
	if err := r.Store.Write(ctx, func(tx *store.Tx) error { return record(tx, c, now) }); err != nil {
		return attempt{change: c, callErr: callErr, err: fmt.Errorf("recording the outcome of %s: %w", c.ID, err)}
	}
	return attempt{change: c, callErr: callErr}
}
