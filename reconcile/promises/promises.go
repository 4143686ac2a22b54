// Package promises looks at the clocks at the end of a pass: it brings the figures up to date with the facts, and raises
// what is at risk or late, for the role that has to act or is told next.
package promises

import (
	"context"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/figures"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

// The kinds of finding.
const (
	FindingAtRisk   finding.Kind = "clock-at-risk"  // a promise is about to break
	FindingBreached finding.Kind = "clock-breached" // a promise is broken and still not kept
)

// Stage takes part in every pass, as the last of all: what the others record is on its clocks.
type Stage struct{ Policies *policies.Set }

// Name tells it from the others.
func (*Stage) Name() string { return "promises" }

// Kinds lists the findings that it raises.
func (*Stage) Kinds() []finding.Kind { return []finding.Kind{FindingAtRisk, FindingBreached} }

// Demand returns nothing: lateness never decides about access.
func (*Stage) Demand(*store.Tx, time.Time) (reconcile.Demand, error) { return reconcile.Demand{}, nil }

// Observe fills the clocks from what happened before sopd, once, and notes when sopd began.
func (s *Stage) Observe(ctx context.Context, w reconcile.Round) error {
	for more := true; more; {
		err := w.Store(ctx, func(tx *store.Tx) error {
			began, err := reconcile.Began(tx, w.Now)
			if err != nil {
				return err
			}
			more, err = s.backfill(tx, began, w.Now)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Conclude raises the clocks that are at risk or late. What was late before sopd began pages nobody: it is in the figures.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	if err := figures.Project(tx, s.Policies.Clocks); err != nil {
		return nil, err
	}
	began, err := reconcile.Began(tx, w.Now)
	if err != nil {
		return nil, err
	}
	open, err := figures.OpenCycles(tx, s.Policies.Clocks, w.Now)
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, c := range open {
		page := s.Policies.Pages[policies.PromiseName{SOP: c.SOP, KPI: c.KPI}]
		switch {
		case !c.Counted():
		case c.Outcome == kpi.Breached:
			if page.Breached != 0 && !c.Overdue.Before(began) {
				found = append(found, s.finding(FindingBreached, c, page.Breached, w.Now))
			}
		case page.AtRisk != 0 && !c.AtRisk.IsZero():
			found = append(found, s.finding(FindingAtRisk, c, page.AtRisk, w.Now))
		}
	}
	return found, nil
}

// finding returns what is to be said of one cycle. A clock at risk is its owner's; a broken promise is that of the role to
// which the policy escalates.
func (s *Stage) finding(kind finding.Kind, c kpi.Cycle, p paging.Priority, now time.Time) finding.Finding {
	f := finding.Finding{
		Key: finding.Key(fmt.Sprintf("%s/%s/%s/%s/%d", kind, c.SOP, c.KPI, c.Subject, c.Number)), Kind: kind, Priority: p,
		Owner: c.Waiting, Raised: now, Detail: map[string]string{
			"sop": c.SOP, "kpi": c.KPI, "subject": c.Subject, "target": c.Target.String(), "due": c.Due.UTC().Format(time.RFC3339), "waiting_for": c.Waiting,
		},
	}
	if key, err := ticket.ParseKey(c.Subject); err == nil {
		f.Ticket = key
	}
	if kind == FindingAtRisk {
		f.Title = fmt.Sprintf("the promise %s of %s is about to break for %s", c.KPI, c.SOP, c.Subject)
		return f
	}
	f.Title = fmt.Sprintf("the promise %s of %s is broken for %s", c.KPI, c.SOP, c.Subject)
	for _, d := range s.Policies.Clocks {
		if d.SOP == c.SOP && d.Name == c.KPI && d.Escalate != "" {
			f.Owner = d.Escalate
		}
	}
	return f
}
