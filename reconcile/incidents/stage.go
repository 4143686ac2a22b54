// Package incidents lets incident response take part in every pass: it reads alerts and what people write for sopd, keeps
// one record of each incident, and has containment playbooks carried out through the plan, the guards and the read-back that
// all access goes through.
package incidents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// FindingIncident says that something about an incident does not add up.
const FindingIncident finding.Kind = "incident"

// FindingReview says that a post-incident review is overdue and no clock says so.
const FindingReview finding.Kind = "pir-overdue"

// Alerts reads the pager. Lists are complete or an error.
type Alerts interface {
	// Alerts lists the alerts of a window, without their details.
	Alerts(ctx context.Context, w paging.Window) ([]paging.Alert, error)
	// Alert reads one alert whole.
	Alert(ctx context.Context, id paging.AlertID) (paging.Alert, error)
	// Notes lists the notes of an alert.
	Notes(ctx context.Context, id paging.AlertID) ([]paging.Note, error)
	// Logs lists what was done to an alert.
	Logs(ctx context.Context, id paging.AlertID) ([]paging.Entry, error)
}

// Comments reads what stands on tickets.
type Comments interface {
	// Comments lists the comments of a ticket.
	Comments(ctx context.Context, key ticket.Key) ([]ticket.Comment, error)
}

// Options are what the stage works with. All but Alerts and Self are required.
type Options struct {
	Store    *store.Store
	Policies *policies.Set // with an incident response procedure
	Alerts   Alerts        // nil: nobody is paged, and incidents come from tickets only
	Comments Comments
	// Self returns the Okta user whose credential sopd uses; nil: none.
	Self func() access.UserID
}

// Stage is incident response in a pass. Make it with [New].
type Stage struct {
	Options
	policy *policies.Incident
	// looked is when the ticket of an incident was last asked for its comments. A restart asks again.
	looked map[ticket.Key]time.Time
}

// New returns the stage.
//
// Errors: [access.ErrInvalid] without a policy for incidents.
func New(o Options) (*Stage, error) {
	if o.Policies == nil || o.Policies.Incident == nil || o.Store == nil || o.Comments == nil {
		return nil, fmt.Errorf("incidents: a store, comments and a policy of kind IncidentResponse are needed: %w", access.ErrInvalid)
	}
	if o.Self == nil {
		o.Self = func() access.UserID { return "" }
	}
	return &Stage{Options: o, policy: o.Policies.Incident, looked: map[ticket.Key]time.Time{}}, nil
}

// Name tells the stage from the others.
func (s *Stage) Name() string { return "incidents" }

// Kinds lists the kinds of finding that the stage raises.
func (s *Stage) Kinds() []finding.Kind { return []finding.Kind{FindingIncident, FindingReview} }

// Demand returns the steps of the playbooks that were confirmed, of incidents that are not closed. A membership stays
// demanded against after it has gone, so that no grant from before brings it back.
func (s *Stage) Demand(tx *store.Tx, _ time.Time) (reconcile.Demand, error) {
	var d reconcile.Demand
	live, err := tx.LiveIncidents()
	if err != nil {
		return d, err
	}
	for _, r := range live {
		if r.Reached(incident.Closed) {
			continue
		}
		for _, run := range r.Runs {
			for _, step := range run.Steps {
				s.demand(&d, r, run, step)
			}
		}
	}
	return d, nil
}

func (s *Stage) demand(d *reconcile.Demand, r incident.Record, run incident.Run, step incident.Step) {
	switch {
	case step.Left != "":
	case step.Kind == change.RemoveMember:
		d.Revoked = append(d.Revoked, plan.Revocation{
			User: step.User, Group: step.Group, Reason: change.Containment, Ticket: r.Ticket, Since: run.At,
		})
	case !step.Done:
		d.Actions = append(d.Actions, plan.Action{
			Kind: step.Kind, User: step.User, Reason: change.Containment, Ticket: r.Ticket, Policy: s.policy.ID, Mode: s.policy.Containment.Mode,
		})
	}
}

// Conclude looks how far the playbooks have come, says so, and returns what does not add up.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	live, err := tx.LiveIncidents()
	if err != nil {
		return nil, err
	}
	began, err := reconcile.Began(tx, w.Now)
	if err != nil {
		return nil, err
	}
	var all []finding.Finding
	for _, r := range live {
		if err := s.progress(tx, w, &r); err != nil {
			return nil, fmt.Errorf("incident %s: %w", r.ID, err)
		}
		if f, late := overdue(r, w.Now); late && !s.clocked(r, began) && !(r.Backfilled && lastDay(r).Before(began)) {
			all = append(all, f)
		}
		for _, f := range r.Flags {
			if f.Kind == incident.EstimatedTime { // nobody can do anything about it
				continue
			}
			all = append(all, finding.Finding{
				Key: finding.Key("incident/" + string(r.ID) + "/" + string(f.Kind) + "/" + f.Ref), Kind: FindingIncident, Ticket: r.Ticket,
				Title: f.Text, Raised: f.At, Detail: map[string]string{"incident": string(r.ID), "what": string(f.Kind)},
			})
		}
	}
	return all, nil
}

// overdue returns the finding of a review that is open after its last day.
func overdue(r incident.Record, now time.Time) (finding.Finding, bool) {
	late := r.Review.Ticket != "" && r.Review.Completed.IsZero() && !now.Before(lastDay(r))
	return finding.Finding{
		Key: finding.Key("pir-overdue/" + string(r.ID)), Kind: FindingReview, Ticket: r.Review.Ticket, Raised: now, Priority: 3,
		Title: "the review of an incident is overdue", Detail: map[string]string{"incident": string(r.ID), "due": r.Review.Due.Format(time.DateOnly)},
	}, late
}

// lastDay returns when the last day of a review is over.
func lastDay(r incident.Record) time.Time { return r.Review.Due.AddDate(0, 0, 1) }

// clocked reports whether a clock of the policy pages for the incident's review when it is late, as it does unless it was late
// before sopd began. Two pages for one review would be one too many.
func (s *Stage) clocked(r incident.Record, began time.Time) bool {
	return slices.ContainsFunc(s.clocks(), func(d kpi.Definition) bool {
		ours := slices.Contains(d.Start, incident.FactReviewOpened) && slices.Contains(d.Stop, incident.FactReviewCompleted)
		target := d.TargetFor(string(r.Severity))
		pages := s.Policies.Pages[policies.PromiseName{SOP: d.SOP, KPI: d.Name}].Breached != 0
		return ours && pages && !target.IsZero() && !target.Due(calendarOf(d), r.Review.Opened).Before(began)
	})
}

// progress marks the steps that are done, tells each on the alerts and the ticket, and ends a run that is whole.
func (s *Stage) progress(tx *store.Tx, w reconcile.Round, r *incident.Record) error {
	changed := false
	r.Runs = slices.Clone(r.Runs)
	for i := range r.Runs {
		run := &r.Runs[i]
		if !run.Finished.IsZero() {
			continue
		}
		run.Steps = slices.Clone(run.Steps)
		for j := range run.Steps {
			if step := &run.Steps[j]; !step.Done && step.Left == "" {
				if err := s.look(tx, *run, step); err != nil {
					return err
				}
				changed = changed || step.Done
			}
		}
		if run.Whole() {
			run.Finished, changed = w.Now.UTC(), true
		}
		if err := s.tellRun(tx, w, *r, *run); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	return tx.PutIncident(*r)
}

// look finds out whether a step is done: by a change that was read back, or because it is so.
func (s *Stage) look(tx *store.Tx, run incident.Run, step *incident.Step) error {
	changes, err := tx.ChangesByUser(step.User)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Kind == step.Kind && c.Group == step.Group && c.State == change.Confirmed && !c.Intended.Before(run.At) {
			step.Done, step.Change = true, c.ID
			return nil
		}
	}
	switch step.Kind {
	case change.RemoveMember:
		members, _, known, err := tx.Members(step.Group)
		step.Done = known && !slices.Contains(members, step.User) && !underWay(changes, *step)
		return err
	case change.Suspend:
		user, _, err := tx.User(step.User)
		step.Done = user.Status == access.Suspended && !underWay(changes, *step)
		return err
	default: // nothing but the change itself shows it
		return nil
	}
}

// underWay reports whether a change of the step's kind is not settled: its ID is still to be told.
func underWay(changes []change.Change, step incident.Step) bool {
	return slices.ContainsFunc(changes, func(c change.Change) bool {
		return c.Kind == step.Kind && c.Group == step.Group && !c.State.Settled()
	})
}
