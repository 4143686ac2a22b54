package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/riverqueue/river"
)

// sweepAge is how old work must be for the sweep to doubt that it has a job.
const sweepAge = 2 * time.Second

// sweepLimit is how many effects and pages one sweep looks at.
const sweepLimit = 100

// keepDeliveries is how long a webhook that was worked is kept, and its repeats are known: much longer than any vendor
// repeats, and no longer than personal data is of use. It is looked at every pruneEvery.
//
// Source: developer.atlassian.com/cloud/jira/platform/webhooks: five retries, 5 to 15 minutes apart.
const (
	keepDeliveries = 7 * 24 * time.Hour
	pruneEvery     = time.Hour
)

func (r *Runner) prune(ctx context.Context, before time.Time) error {
	return r.store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.PruneDeliveries(before)
		return err
	})
}

func (r *Runner) sweepLoop(ctx context.Context) {
	ticker := time.NewTicker(r.options.SweepEvery)
	defer ticker.Stop()
	var pruned time.Time
	for age := time.Duration(0); ; age = sweepAge { // at the start everything is doubted
		err := r.sweep(ctx, age)
		if now := r.store.Now(); err == nil && now.Sub(pruned) >= pruneEvery {
			pruned, err = now, r.prune(ctx, now.Add(-keepDeliveries))
		}
		if err != nil && ctx.Err() == nil {
			r.options.Logger.ErrorContext(ctx, "sweep of jobs", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweep inserts a job for everything in the tables that has been waiting for longer than age and that nobody works on. A
// job too many does no harm: whoever works it finds nothing to do.
func (r *Runner) sweep(ctx context.Context, age time.Duration) error {
	var missing []river.JobArgs
	err := r.store.Read(ctx, func(tx *store.Tx) error {
		before := tx.Now().Add(-age)
		waking, err := r.idleWork(tx, before)
		if err != nil {
			return err
		}
		telling, err := r.idleOutbox(tx, before)
		missing = append(waking, telling...)
		return err
	})
	if err != nil {
		return err
	}
	for _, args := range missing {
		if err := r.river.insert(ctx, args, swept()); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) idleWork(tx *store.Tx, before time.Time) ([]river.JobArgs, error) {
	pending, err := tx.PendingWork()
	if err != nil {
		return nil, err
	}
	var idle []river.JobArgs
	for _, w := range pending {
		held, err := tx.Leased("work/" + w.Key)
		if err != nil {
			return nil, err
		}
		if !held && !w.Since.After(before) {
			idle = append(idle, wakeArgs{Key: w.Key, By: r.holder})
		}
	}
	return idle, nil
}

func (r *Runner) idleOutbox(tx *store.Tx, before time.Time) ([]river.JobArgs, error) {
	var idle []river.JobArgs
	if r.handlers.Effect != nil {
		effects, err := tx.EffectsDue(sweepLimit)
		if err != nil {
			return nil, err
		}
		for _, e := range effects {
			if !e.Created.After(before) {
				idle = append(idle, effectArgs{Key: e.Key, By: r.holder})
			}
		}
	}
	if r.handlers.Page == nil {
		return idle, nil
	}
	pages, err := tx.PagesDue(sweepLimit)
	for _, p := range pages {
		if !p.Created.After(before) {
			idle = append(idle, pageArgs{Alias: p.Alias, By: r.holder})
		}
	}
	return idle, err
}

// Parked is a piece of work that was tried [store.MaxAttempts] times and now waits for a person.
type Parked struct {
	Kind     string    `json:"kind"` // "effect" or "page"
	Key      string    `json:"key"`  // the effect's key or the page's alias
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"` // at least [store.MaxAttempts]
	Error    string    `json:"error"`    // the last cause, a phrase of package access
}

// Parked returns what waits for a person, effects first, the oldest first.
func (r *Runner) Parked(ctx context.Context) ([]Parked, error) {
	var all []Parked
	err := r.store.Read(ctx, func(tx *store.Tx) error {
		effects, err := tx.EffectsParked()
		if err != nil {
			return err
		}
		for _, e := range effects {
			all = append(all, Parked{Kind: effectArgs{}.Kind(), Key: e.Key, Since: e.Created, Attempts: e.Attempts, Error: e.Error})
		}
		pages, err := tx.PagesParked()
		for _, p := range pages {
			all = append(all, Parked{Kind: pageArgs{}.Kind(), Key: string(p.Alias), Since: p.Created, Attempts: p.Attempts, Error: p.Error})
		}
		return err
	})
	return all, err
}

// Retry takes a parked piece of work back and has it tried at once.
//
// Errors: [access.ErrNotFound] when there is none of this kind and key.
func (r *Runner) Retry(ctx context.Context, p Parked) error {
	return r.store.Write(ctx, func(tx *store.Tx) error {
		if p.Kind == (pageArgs{}).Kind() {
			if err := tx.RetryPage(paging.Alias(p.Key)); err != nil {
				return err
			}
			return r.Page(tx, paging.Alias(p.Key))
		}
		if err := tx.RetryEffect(p.Key); err != nil {
			return err
		}
		return r.Effect(tx, p.Key)
	})
}
