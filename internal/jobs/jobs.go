package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/oklog/ulid/v2"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Handlers do the work. A nil handler leaves its kind of work alone. Each may be called again for what it has done
// already, and looks first.
type Handlers struct {
	// Wake does everything that is to be done, such as one pass. It reads the truth anew: why it was woken is no matter.
	// With [access.ErrConflict] it says that somebody else is at it, with [context.Canceled] that it was told to stop: the
	// work stays to be done, and it is called again soon.
	Wake func(ctx context.Context) error
	// Effect tells the ticket and marks the effect in the store, done or failed.
	Effect func(ctx context.Context, key string) error
	// Page sends the page and marks it in the store, sent or failed.
	Page func(ctx context.Context, alias paging.Alias) error
}

// Options tune a [Runner]. The zero value of each field is its default.
type Options struct {
	Logger *slog.Logger // required
	// Workers is how many jobs this process works at a time; 8.
	Workers int
	// Lease is how long after its death a process keeps others from its work; 15 s. It is renewed at a third.
	Lease time.Duration
	// SweepEvery is how often work without a job is looked for; 1 s.
	SweepEvery time.Duration
	// Timeout ends an effect or a page; 30 s. A pass ends itself.
	Timeout time.Duration
}

// passTimeout is when a pass is given up as stuck. Below it, a dead process's work is taken over through its lease.
const passTimeout = time.Hour

// maxBackoff is the longest time to the next attempt of a job that failed.
const maxBackoff = 30 * time.Second

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = 8
	}
	if o.Lease <= 0 {
		o.Lease = 15 * time.Second
	}
	if o.SweepEvery <= 0 {
		o.SweepEvery = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	return o
}

// Runner inserts jobs and, between [Runner.Start] and [Runner.Stop], works them. Safe for concurrent use.
type Runner struct {
	store    *store.Store
	handlers Handlers
	options  Options
	river    engine
	// holder tells this process's leases from another's.
	holder string
	cancel context.CancelFunc // ends the sweep; nil before Start
	done   sync.WaitGroup
}

// New returns a runner on the store's database, with River's tables in place. It inserts jobs from now on.
//
// Errors: [access.ErrInvalid] for a missing handler or logger; [access.ErrUnavailable].
func New(ctx context.Context, s *store.Store, handlers Handlers, options Options) (*Runner, error) {
	if handlers.Wake == nil || options.Logger == nil {
		return nil, fmt.Errorf("jobs need a handler for waking and a logger: %w", access.ErrInvalid)
	}
	r := &Runner{store: s, handlers: handlers, options: options.withDefaults(), holder: ulid.Make().String()}
	workers := river.NewWorkers()
	for _, err := range []error{
		river.AddWorkerSafely(workers, &wakeWorker{runner: r}),
		river.AddWorkerSafely(workers, &effectWorker{runner: r}),
		river.AddWorkerSafely(workers, &pageWorker{runner: r}),
	} {
		if err != nil {
			return nil, fmt.Errorf("job kinds: %w", access.ErrInvalid)
		}
	}
	var err error
	if r.river, err = open(ctx, s, r.config(workers)); err != nil {
		return nil, err
	}
	return r, nil
}

// config is River's, tuned: by default it works 500 jobs a second at most and rescues a dead process's job after an hour.
//
// Source: measured with river v0.49.0.
func (r *Runner) config(workers *river.Workers) *river.Config {
	return &river.Config{
		Logger:                      slog.New(quiet{r.options.Logger.Handler()}),
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: r.options.Workers}},
		Workers:                     workers,
		FetchCooldown:               10 * time.Millisecond,
		FetchPollInterval:           100 * time.Millisecond,
		JobTimeout:                  r.options.Timeout,
		RescueStuckJobsAfter:        r.options.Timeout + 5*time.Second,
		RetryPolicy:                 retryPolicy{now: r.store.Now},
		CompletedJobRetentionPeriod: time.Hour,
		DiscardedJobRetentionPeriod: 30 * 24 * time.Hour,
	}
}

// retryPolicy doubles from a second to [maxBackoff].
type retryPolicy struct{ now func() time.Time }

// NextRetry implements [river.ClientRetryPolicy].
func (p retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	failed := min(len(job.Errors), 6)
	return p.now().Add(min(maxBackoff, time.Second<<failed))
}

// quiet lets only warnings and errors through: River's Info lines are about itself.
type quiet struct{ slog.Handler }

// Enabled implements [slog.Handler].
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// Wake asks for a pass, in the caller's transaction: when that is undone, nobody asked.
//
// Errors: [access.ErrUnavailable]; the transaction must be given up then.
func (r *Runner) Wake(tx *store.Tx) error {
	_, first, err := tx.Bump(Pass)
	if err != nil || !first {
		return err
	}
	return r.river.insertTx(tx, wakeArgs{Key: Pass})
}

// Effect asks to tell a ticket soon, in the transaction that puts the effect. Without it the sweep finds the effect some
// seconds later.
//
// Errors: [access.ErrUnavailable]; the transaction must be given up then.
func (r *Runner) Effect(tx *store.Tx, key string) error {
	return r.river.insertTx(tx, effectArgs{Key: key})
}

// Page asks to send a page soon, in the transaction that puts it. Without it the sweep finds the page some seconds later.
//
// Errors: [access.ErrUnavailable]; the transaction must be given up then.
func (r *Runner) Page(tx *store.Tx, alias paging.Alias) error {
	return r.river.insertTx(tx, pageArgs{Alias: alias})
}

// Start begins to work jobs, first of all those that a dead process left. It is called once; ctx bounds the start only.
//
// Errors: [access.ErrUnavailable].
func (r *Runner) Start(ctx context.Context) error {
	running := context.WithoutCancel(ctx)
	if err := r.river.start(running); err != nil {
		return err
	}
	sweeping, cancel := context.WithCancel(running)
	r.cancel = cancel
	r.done.Go(func() { r.sweepLoop(sweeping) })
	return nil
}

// Stop takes no new job, waits for those under way, and returns when nothing of this runner runs any more. When ctx ends
// first, the jobs' contexts are cancelled and waited for.
//
// Errors: ctx's, when it ended first.
func (r *Runner) Stop(ctx context.Context) error {
	if r.cancel == nil {
		return nil
	}
	r.cancel()
	err := r.river.stop(ctx)
	if err != nil {
		aborting, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.options.Timeout)
		defer cancel()
		if r.river.abort(aborting) != nil {
			err = fmt.Errorf("jobs did not end when told to: %w", access.ErrUnavailable)
		} else {
			err = fmt.Errorf("jobs were cut off: %w", ctx.Err())
		}
	}
	r.done.Wait()
	return err
}
