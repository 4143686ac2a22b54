package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/jobs"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// patience is how long a test waits for what must come. It is long: a loaded machine is slow, a missing signal never comes.
const patience = 60 * time.Second

// house is a store and what its handlers were called for.
type house struct {
	*testing.T
	store *store.Store
	woken chan struct{}
	told  chan string
	paged chan paging.Alias
}

func newHouse(t *testing.T, url string) *house {
	return &house{
		T: t, store: storetest.OpenURL(t, url, nil),
		woken: make(chan struct{}, 100), told: make(chan string, 100), paged: make(chan paging.Alias, 100),
	}
}

func (h *house) handlers() jobs.Handlers {
	return jobs.Handlers{
		Wake:   func(context.Context) error { h.woken <- struct{}{}; return nil },
		Effect: func(ctx context.Context, key string) error { h.told <- key; return h.mark(ctx, key) },
		Page: func(ctx context.Context, alias paging.Alias) error {
			h.paged <- alias
			return h.store.Write(ctx, func(tx *store.Tx) error { return tx.PageSent(alias, tx.Now()) })
		},
	}
}

func (h *house) mark(ctx context.Context, key string) error {
	return h.store.Write(ctx, func(tx *store.Tx) error { return tx.EffectDone(key, tx.Now()) })
}

func (h *house) runner(handlers jobs.Handlers) *jobs.Runner {
	h.Helper()
	r, err := jobs.New(h.Context(), h.store, handlers, jobs.Options{
		Logger: slog.New(slog.DiscardHandler), Lease: 900 * time.Millisecond, SweepEvery: 50 * time.Millisecond,
	})
	if err != nil {
		h.Fatal(err)
	}
	return r
}

func (h *house) start(r *jobs.Runner) {
	h.Helper()
	if err := r.Start(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(h.Context()), patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			h.Error(err)
		}
	})
}

func (h *house) wake(r *jobs.Runner) {
	h.Helper()
	storetest.Write(h.T, h.store, r.Wake)
}

// settled waits until nothing of the pass is pending.
func (h *house) settled() {
	h.Helper()
	h.until("the work is done", func(tx *store.Tx) (bool, error) {
		w, err := tx.Work(jobs.Pass)
		return !w.Pending(), err
	})
}

func (h *house) pending(ctx context.Context) (pending bool, err error) {
	err = h.store.Read(ctx, func(tx *store.Tx) error {
		w, err := tx.Work(jobs.Pass)
		pending = w.Pending()
		return err
	})
	return pending, err
}

// until asks the store again and again; the store gives no signal.
func (h *house) until(what string, ask func(*store.Tx) (bool, error)) {
	h.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var ok bool
		storetest.Read(h.T, h.store, func(tx *store.Tx) (err error) { ok, err = ask(tx); return err })
		if ok {
			return
		}
		select {
		case <-deadline:
			h.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("never: %s", what)
		panic("not reached")
	}
}

func each(t *testing.T, test func(h *house)) {
	storetest.Each(t, func(t *testing.T, url string) { test(newHouse(t, url)) })
}

func TestWakingRunsThePass(t *testing.T) {
	each(t, func(h *house) {
		r := h.runner(h.handlers())
		h.start(r)
		h.wake(r)
		receive(h, h.woken, "the pass runs")
		h.settled()
	})
}

func TestAskingTenTimesBeforeItBeginsRunsOnePass(t *testing.T) {
	each(t, func(h *house) {
		r := h.runner(h.handlers())
		for range 10 {
			h.wake(r)
		}
		h.start(r)
		h.settled()
		if n := len(h.woken); n != 1 {
			h.Errorf("%d passes", n)
		}
	})
}

func TestAskingThatIsUndoneAsksNobody(t *testing.T) {
	each(t, func(h *house) {
		r := h.runner(h.handlers())
		failure := errors.New("process killed before the commit")
		err := h.store.Write(h.Context(), func(tx *store.Tx) error {
			if err := r.Wake(tx); err != nil {
				return err
			}
			return failure
		})
		if !errors.Is(err, failure) {
			h.Fatal(err)
		}
		h.wake(r) // inserts a job of its own, as nothing was pending
		h.start(r)
		h.settled()
		if n := len(h.woken); n != 1 {
			h.Errorf("%d passes", n)
		}
	})
}

func TestAskingDuringAPassRunsAnotherOne(t *testing.T) {
	each(t, func(h *house) {
		begun, goOn := make(chan struct{}, 10), make(chan struct{})
		handlers := h.handlers()
		handlers.Wake = func(context.Context) error { begun <- struct{}{}; <-goOn; return nil }
		r := h.runner(handlers)
		h.start(r)
		h.wake(r)
		receive(h, begun, "the first pass begins")
		h.wake(r)
		h.wake(r)
		goOn <- struct{}{}
		receive(h, begun, "the second pass begins")
		goOn <- struct{}{}
		h.settled()
		if len(begun) != 0 {
			h.Error("a third pass began")
		}
	})
}

func TestWorkWhoseJobIsLostIsFound(t *testing.T) {
	each(t, func(h *house) {
		storetest.Write(h.T, h.store, func(tx *store.Tx) error { _, _, err := tx.Bump(jobs.Pass); return err })
		h.start(h.runner(h.handlers()))
		receive(h, h.woken, "the pass runs without a job")
		h.settled()
	})
}

func TestWorkOfADeadProcessIsTakenOverWhenItsLeaseEnds(t *testing.T) {
	each(t, func(h *house) {
		var ends time.Time
		storetest.Write(h.T, h.store, func(tx *store.Tx) error {
			ends = tx.Now().Add(700 * time.Millisecond)
			_, err := tx.Lease("work/"+jobs.Pass, "killed", ends)
			if err != nil {
				return err
			}
			_, _, err = tx.Bump(jobs.Pass)
			return err
		})
		h.start(h.runner(h.handlers()))
		receive(h, h.woken, "the pass is taken over")
		if time.Now().Before(ends) {
			h.Error("taken over while the other could still be writing")
		}
		h.settled()
	})
}

func TestTwoReplicasNeverRunThePassAtTheSameTime(t *testing.T) {
	each(t, func(h *house) {
		var inside, most, passes atomic.Int32
		handlers := h.handlers()
		handlers.Wake = func(ctx context.Context) error {
			if n := inside.Add(1); n > most.Load() {
				most.Store(n)
			}
			passes.Add(1)
			_, err := h.pending(ctx) // gives the other one time to get in, if it can
			inside.Add(-1)
			return err
		}
		a, b := h.runner(handlers), h.runner(handlers)
		h.start(a)
		h.start(b)
		for range 30 {
			h.wake(a)
			h.wake(b)
		}
		h.settled()
		if most.Load() != 1 || passes.Load() == 0 {
			h.Errorf("%d at the same time in %d passes", most.Load(), passes.Load())
		}
	})
}

func TestAPassThatFailsIsTriedAgain(t *testing.T) {
	each(t, func(h *house) {
		var n atomic.Int32
		handlers := h.handlers()
		handlers.Wake = func(context.Context) error {
			if n.Add(1) == 1 {
				return access.ErrUnavailable
			}
			h.woken <- struct{}{}
			return nil
		}
		r := h.runner(handlers)
		h.start(r)
		h.wake(r)
		receive(h, h.woken, "the second attempt")
		h.settled()
	})
}

// TestAPassThatWasNotMadeLeavesItsWebhooksToBeRead: while another had the one writer's place, or when the program was told
// to stop, the pass did nothing and the webhooks that had asked for it were marked as read.
func TestAPassThatWasNotMadeLeavesItsWebhooksToBeRead(t *testing.T) {
	for _, cause := range []error{access.ErrConflict, context.Canceled} {
		t.Run(cause.Error(), func(t *testing.T) {
			each(t, func(h *house) {
				var n atomic.Int32
				var early atomic.Bool
				handlers := h.handlers()
				handlers.Wake = func(ctx context.Context) error {
					if n.Add(1) == 1 {
						return cause
					}
					err := h.store.Read(ctx, func(tx *store.Tx) error {
						d, _, err := tx.Delivery("jira", "one")
						early.Store(!d.Done.IsZero())
						return err
					})
					h.woken <- struct{}{}
					return err
				}
				r := h.runner(handlers)
				storetest.Write(h.T, h.store, func(tx *store.Tx) error {
					if _, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: "one", Received: tx.Now()}); err != nil {
						return err
					}
					return r.Wake(tx)
				})
				h.start(r)
				receive(h, h.woken, "the pass that is made")
				h.settled()
				if early.Load() {
					h.Error("marked as read before anything was read")
				}
			})
		})
	}
}

func TestAnEffectIsToldOnceAndInItsTransaction(t *testing.T) {
	each(t, func(h *house) {
		r := h.runner(h.handlers())
		h.start(r)
		storetest.Write(h.T, h.store, func(tx *store.Tx) error {
			if _, err := tx.PutEffect(change.Effect{Key: "ACC-1/told", Ticket: "ACC-1", Created: tx.Now()}); err != nil {
				return err
			}
			return errors.Join(r.Effect(tx, "ACC-1/told"), r.Effect(tx, "ACC-1/told"))
		})
		if key := receive(h, h.told, "the ticket is told"); key != "ACC-1/told" {
			h.Error(key)
		}
		h.until("nothing waits", nothingWaits)
		if len(h.told) != 0 {
			h.Error("told twice")
		}
	})
}

func nothingWaits(tx *store.Tx) (bool, error) {
	q, err := tx.Queue()
	return q == store.Queue{}, err
}

func TestAnEffectAndAPageWithoutJobsAreFound(t *testing.T) {
	each(t, func(h *house) {
		storetest.Write(h.T, h.store, func(tx *store.Tx) error {
			_, err := tx.PutEffect(change.Effect{Key: "ACC-2/told", Ticket: "ACC-2", Created: tx.Now()})
			_, err2 := tx.PutPage(paging.NewAlert{Alias: "sopd-1", Message: "held"}, tx.Now())
			return errors.Join(err, err2)
		})
		h.start(h.runner(h.handlers()))
		receive(h, h.told, "the ticket is told")
		receive(h, h.paged, "the page is sent")
		h.until("nothing waits", nothingWaits)
	})
}

func TestParkedWorkIsShownAndRetriedByCommand(t *testing.T) {
	each(t, func(h *house) {
		storetest.Write(h.T, h.store, func(tx *store.Tx) error {
			_, err := tx.PutEffect(change.Effect{Key: "ACC-3/told", Ticket: "ACC-3", Created: tx.Now()})
			for range store.MaxAttempts {
				err = errors.Join(err, tx.EffectFailed("ACC-3/told", access.ErrDenied.Error()))
			}
			return err
		})
		r := h.runner(h.handlers())
		h.start(r)
		parked, err := r.Parked(h.Context())
		if err != nil || len(parked) != 1 || parked[0].Kind != "effect" || parked[0].Error != access.ErrDenied.Error() {
			h.Fatalf("%v, %v", parked, err)
		}
		if err := r.Retry(h.Context(), parked[0]); err != nil {
			h.Fatal(err)
		}
		receive(h, h.told, "the parked effect is told")
		h.until("nothing waits", nothingWaits)
		if err := r.Retry(h.Context(), jobs.Parked{Kind: "page", Key: "none"}); !errors.Is(err, access.ErrNotFound) {
			h.Error(err)
		}
	})
}

func TestOldDeliveriesAreForgotten(t *testing.T) {
	each(t, func(h *house) {
		storetest.Write(h.T, h.store, func(tx *store.Tx) error {
			long := tx.Now().Add(-8 * 24 * time.Hour)
			for id, at := range map[string]time.Time{"old": long, "young": tx.Now()} {
				if _, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: id, Received: at}); err != nil {
					return err
				}
				if err := tx.MarkDelivery("jira", id, "read", at); err != nil {
					return err
				}
			}
			return nil
		})
		h.start(h.runner(h.handlers()))
		h.until("the old one is forgotten", func(tx *store.Tx) (bool, error) {
			_, found, err := tx.Delivery("jira", "old")
			return !found, err
		})
		storetest.Read(h.T, h.store, func(tx *store.Tx) error {
			_, found, err := tx.Delivery("jira", "young")
			if !found {
				h.Error("a young one is forgotten")
			}
			return err
		})
	})
}

func TestStoppingWaitsForThePassUnderWay(t *testing.T) {
	each(t, func(h *house) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		var over atomic.Bool
		handlers := h.handlers()
		handlers.Wake = func(context.Context) error { close(begun); <-goOn; over.Store(true); return nil }
		r := h.runner(handlers)
		if err := r.Start(h.Context()); err != nil {
			h.Fatal(err)
		}
		h.wake(r)
		receive(h, begun, "the pass begins")
		stopped := make(chan error, 1)
		go func() { stopped <- r.Stop(h.Context()) }()
		close(goOn)
		if err := receive(h, stopped, "the runner stops"); err != nil || !over.Load() {
			h.Errorf("stopped with %v, pass over: %v", err, over.Load())
		}
		h.settled()
	})
}

func TestStoppingCutsOffAPassThatDoesNotEnd(t *testing.T) {
	each(t, func(h *house) {
		begun := make(chan struct{})
		handlers := h.handlers()
		handlers.Wake = func(ctx context.Context) error { close(begun); <-ctx.Done(); return ctx.Err() }
		r := h.runner(handlers)
		if err := r.Start(h.Context()); err != nil {
			h.Fatal(err)
		}
		h.wake(r)
		receive(h, begun, "the pass begins")
		ctx, cancel := context.WithCancel(h.Context())
		cancel()
		if err := r.Stop(ctx); !errors.Is(err, context.Canceled) {
			h.Error(err)
		}
		storetest.Read(h.T, h.store, func(tx *store.Tx) error {
			w, err := tx.Work(jobs.Pass)
			if !w.Pending() {
				h.Error("a pass that was cut off counts as done")
			}
			return err
		})
	})
}
