package jobs

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/oklog/ulid/v2"
	"github.com/riverqueue/river"
)

// wakeWorker works a wake job.
type wakeWorker struct {
	river.WorkerDefaults[wakeArgs]
	runner *Runner
}

// Timeout implements [river.Worker].
func (w *wakeWorker) Timeout(*river.Job[wakeArgs]) time.Duration { return passTimeout }

// Work implements [river.Worker]: it works until nothing more is wanted.
func (w *wakeWorker) Work(ctx context.Context, job *river.Job[wakeArgs]) error {
	return w.runner.wake(ctx, job.Args.Key)
}

// heldWait is when work is looked at again that somebody else has.
const heldWait = time.Second

// wake comes back a moment later when somebody else has the work, or the handler says so: mostly they have done it by then,
// and when they are dead their lease has run out. Work that was told to stop is found by the sweep of whoever comes next.
func (r *Runner) wake(ctx context.Context, key string) error {
	err := r.leased(ctx, "work/"+key, func(ctx context.Context, lease claim) error {
		for {
			w, err := r.wanted(ctx, key)
			if err != nil || !w.Pending() {
				return err
			}
			begun := r.store.Now()
			if err := r.handlers.Wake(ctx); err != nil {
				return err
			}
			if w, err = r.finish(ctx, finished{key: key, upTo: w.Wanted, begun: begun, lease: lease}); err != nil || !w.Pending() {
				return err
			}
		}
	})
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, access.ErrConflict):
		return river.JobSnooze(heldWait)
	default:
		return err
	}
}

func (r *Runner) wanted(ctx context.Context, key string) (w store.Work, err error) {
	err = r.store.Read(ctx, func(tx *store.Tx) error {
		w, err = tx.Work(key)
		return err
	})
	return w, err
}

// finished is work that was done: up to which asking, since when, under which lease.
type finished struct {
	key   string
	upTo  int64
	begun time.Time
	lease claim
}

// finish notes the work as done, with the deliveries that hinted at it, and, when nothing more is wanted, gives the lease
// back in the same transaction: whoever asks afterwards finds nothing pending and inserts a job that can have the lease.
func (r *Runner) finish(ctx context.Context, f finished) (w store.Work, err error) {
	err = r.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldsLease(f.lease.name, f.lease.token); err != nil {
			return err
		}
		if _, err := tx.MarkDeliveriesUntil(f.begun, "read", tx.Now()); err != nil {
			return err
		}
		if w, err = tx.DoneUpTo(f.key, f.upTo); err != nil || w.Pending() {
			return err
		}
		return tx.ReleaseLease(f.lease.name, f.lease.token)
	})
	return w, err
}

// effectWorker works an effect job.
type effectWorker struct {
	river.WorkerDefaults[effectArgs]
	runner *Runner
}

// Work implements [river.Worker]. One worker at a time tells about a ticket.
func (w *effectWorker) Work(ctx context.Context, job *river.Job[effectArgs]) error {
	r, key := w.runner, job.Args.Key
	if r.handlers.Effect == nil {
		return nil
	}
	var e change.Effect
	due := func(tx *store.Tx) (found bool, err error) {
		e, found, err = tx.Effect(key)
		return found && e.Done.IsZero() && e.Attempts < store.MaxAttempts, err
	}
	if ok, err := r.ask(ctx, due); err != nil || !ok {
		return err
	}
	return r.outbox(ctx, parcel{prefix: "tell/", id: string(e.Ticket), due: due, send: func(ctx context.Context) error {
		return r.handlers.Effect(ctx, key)
	}})
}

// pageWorker works a page job.
type pageWorker struct {
	river.WorkerDefaults[pageArgs]
	runner *Runner
}

// Work implements [river.Worker].
func (w *pageWorker) Work(ctx context.Context, job *river.Job[pageArgs]) error {
	r, alias := w.runner, job.Args.Alias
	if r.handlers.Page == nil {
		return nil
	}
	due := func(tx *store.Tx) (bool, error) {
		p, found, err := tx.Page(alias)
		return found && p.Done.IsZero() && p.Attempts < store.MaxAttempts, err
	}
	return r.outbox(ctx, parcel{prefix: "page/", id: string(alias), due: due, send: func(ctx context.Context) error {
		return r.handlers.Page(ctx, alias)
	}})
}

func (r *Runner) ask(ctx context.Context, question func(*store.Tx) (bool, error)) (yes bool, err error) {
	err = r.store.Read(ctx, func(tx *store.Tx) error {
		yes, err = question(tx)
		return err
	})
	return yes, err
}

// shards keeps the number of leases small: objects that share one are worked one after the other.
const shards = 64

// parcel is something of the outbox on its way.
type parcel struct {
	prefix, id string // what is worked one at a time
	due        func(*store.Tx) (bool, error)
	send       func(ctx context.Context) error
}

// outbox sends the parcel while nobody else works one of the same shard, and comes back later when somebody does. Whether
// it is due is asked under the lease: another job may have sent it while this one waited.
func (r *Runner) outbox(ctx context.Context, p parcel) error {
	hash := fnv.New32a()
	hash.Write([]byte(p.id))
	name := fmt.Sprintf("%s%02d", p.prefix, hash.Sum32()%shards)
	err := r.leased(ctx, name, func(ctx context.Context, _ claim) error {
		if due, err := r.ask(ctx, p.due); err != nil || !due {
			return err
		}
		return p.send(ctx)
	})
	if errors.Is(err, errHeld) {
		return river.JobSnooze(time.Second)
	}
	return err
}

// errHeld: somebody else has the lease.
var errHeld = fmt.Errorf("work is held by another: %w", access.ErrConflict)

// claim is a lease that was given.
type claim struct {
	name, holder string
	token        int64
}

// leased runs fn under the lease and renews it meanwhile; when it is lost, fn's context ends.
//
// Errors: errHeld when somebody else has it; fn's.
func (r *Runner) leased(ctx context.Context, name string, fn func(ctx context.Context, c claim) error) error {
	c := claim{name: name, holder: r.holder + "/" + ulid.Make().String()}
	if err := r.lease(ctx, &c); err != nil {
		return err
	}
	working, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		r.renew(working, c, cancel)
	}()
	err := fn(working, c)
	cancel(nil)
	<-renewed
	return errors.Join(err, r.release(ctx, c))
}

func (r *Runner) lease(ctx context.Context, c *claim) error {
	err := r.store.Write(ctx, func(tx *store.Tx) (err error) {
		c.token, err = tx.Lease(c.name, c.holder, tx.Now().Add(r.options.Lease))
		return err
	})
	if errors.Is(err, access.ErrConflict) {
		return errHeld
	}
	return err
}

func (r *Runner) renew(ctx context.Context, c claim, lost context.CancelCauseFunc) {
	ticker := time.NewTicker(r.options.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			before := c.token
			if err := r.lease(ctx, &c); err != nil && ctx.Err() == nil || err == nil && c.token != before {
				lost(errHeld)
				return
			}
		}
	}
}

// release gives the lease back also when the work was cut off, so that the next one need not wait for its end.
func (r *Runner) release(ctx context.Context, c claim) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.options.Lease)
	defer cancel()
	return r.store.Write(ctx, func(tx *store.Tx) error { return tx.ReleaseLease(c.name, c.token) })
}
