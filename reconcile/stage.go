package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// Stage is a procedure besides access, such as incidents or recurring tasks, that takes part in every pass. It never writes
// to a vendor by itself: what it wants changed it demands, and goes through the plan, the guards and the read-back as all
// access does; what it wants said or opened it queues as effects.
type Stage interface {
	// Name tells the stage from the others, in logs and findings.
	Name() string
	// Observe reads what the stage needs from the vendors, after users, groups and tickets were read. An error leaves the
	// stage without a conclusion in this pass, raises a finding, and holds up nobody else.
	Observe(ctx context.Context, w Round) error
	// Demand returns what the stage has decided about access, from what is stored. It writes nothing.
	Demand(tx *store.Tx, now time.Time) (Demand, error)
	// Conclude looks at where everything stands after the plan was carried out: it records facts, queues effects where
	// w.Write allows it, and returns the findings that stand, each of one of its kinds.
	Conclude(tx *store.Tx, w Round) ([]finding.Finding, error)
	// Kinds lists the kinds of finding that the stage raises. They are metric labels, so they come from policies or
	// constants and never change while the program runs.
	Kinds() []finding.Kind
}

// Round is the pass under way, as a stage sees it.
type Round struct {
	Now time.Time
	// Write reports whether changes outside are allowed: without it nothing is queued for anybody.
	Write bool
	// Store writes into the store while this replica is the one writer.
	//
	// Errors: [access.ErrConflict] when another replica has taken over.
	Store func(ctx context.Context, fn func(*store.Tx) error) error
}

// Demand is what a stage has decided about access. All of it is positive evidence.
type Demand struct {
	Revoked []plan.Revocation
	Leavers []plan.Leaver
	Actions []plan.Action
}

// FindingBlind says that a procedure could not read what it needs.
const FindingBlind finding.Kind = "blind"

func (r *Reconciler) round() Round {
	return Round{Now: r.Now(), Write: r.Write, Store: r.write}
}

// observeStages lets every stage read. What one cannot read is its own matter; only the end of the context or of the lease
// ends the pass.
func (r *Reconciler) observeStages(ctx context.Context) (map[string]error, error) {
	r.blind = make(map[string]error)
	for _, s := range r.Stages {
		r.Watch(Notice{Reading: s.Name()})
		err := s.Observe(ctx, r.round())
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, access.ErrConflict):
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		default:
			r.Logger.LogAttrs(ctx, slog.LevelWarn, "a procedure could not read what it needs",
				slog.String("stage", s.Name()), slog.String("error", err.Error()))
			r.blind[s.Name()] = err
		}
	}
	return r.blind, nil
}

// loadDemands asks every stage what it has decided about access.
func (l *loader) loadDemands(tx *store.Tx) error {
	o := &l.view.observation
	for _, s := range l.r.Stages {
		d, err := s.Demand(tx, l.now)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
		o.Revoked = append(o.Revoked, d.Revoked...)
		o.Leavers = append(o.Leavers, d.Leavers...)
		o.Actions = append(o.Actions, d.Actions...)
	}
	return nil
}

// stages lets every stage that could read conclude, and returns the findings that stand. The findings of one that could not
// read stay as they are.
func (c *conclusion) stages(tx *store.Tx) ([]finding.Finding, error) {
	var all []finding.Finding
	for _, s := range c.r.Stages {
		if _, blind := c.r.blind[s.Name()]; blind {
			all = append(all, finding.Finding{
				Key: finding.Key("blind/" + s.Name()), Kind: FindingBlind, Raised: c.view.observation.Now,
				Title: "a procedure could not read what it needs: " + s.Name(), Detail: map[string]string{"stage": s.Name()},
			})
			stand, err := openOf(tx, s.Kinds())
			if err != nil {
				return nil, err
			}
			all = append(all, stand...)
			continue
		}
		found, err := s.Conclude(tx, c.r.round())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// openOf returns the open findings of the kinds.
func openOf(tx *store.Tx, kinds []finding.Kind) ([]finding.Finding, error) {
	open, err := tx.OpenFindings()
	return slices.DeleteFunc(open, func(f finding.Finding) bool { return !slices.Contains(kinds, f.Kind) }), err
}

// Kinds lists every kind of finding that a pass may raise, those of the stages included.
func (r *Reconciler) Kinds() []finding.Kind {
	kinds := FindingKinds()
	for _, s := range r.Stages {
		kinds = append(kinds, s.Kinds()...)
	}
	return kinds
}
