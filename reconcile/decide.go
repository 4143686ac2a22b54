package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// confirmLeavers reads by ID every user whose deactivation the plan would act on, be it by a write or by the end of a
// grant. It reports whether any of them turned out not to be deactivated: then the mirror is corrected and the plan has to
// be made again. Somebody who cannot be read is left alone in this pass, and holds up nobody else.
func (r *Reconciler) confirmLeavers(ctx context.Context, v view, p plan.Plan) (corrected bool, err error) {
	for _, id := range deactivated(v, p) {
		user, err := r.Directory.User(ctx, id)
		if err != nil && !local(err) {
			return false, fmt.Errorf("user %s: %w", id, err)
		}
		if err != nil {
			r.doubted[id], corrected = struct{}{}, true
			continue
		}
		corrected = corrected || user.Status != access.Deprovisioned
		if err := r.write(ctx, func(tx *store.Tx) error { return tx.PutUsers([]access.User{user}) }); err != nil {
			return false, err
		}
	}
	return corrected, nil
}

// deactivated returns the users on whose deactivation the plan rests, sorted.
func deactivated(v view, p plan.Plan) []access.UserID {
	users := slices.Clone(v.departing)
	for _, c := range p.Changes {
		if c.Reason == change.Deprovisioned {
			users = append(users, c.User)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// recordDecisions makes durable what was decided on tickets: grants, ends of grants, and what has to be said. With writing
// off nothing is decided, only proposed, and only those are noted of whom nothing follows.
func (r *Reconciler) recordDecisions(ctx context.Context, v view, p plan.Plan) error {
	if !r.Write {
		return r.recordJudged(ctx, v.profiles)
	}
	return r.write(ctx, func(tx *store.Tx) error {
		for _, g := range v.fresh {
			if err := tx.PutGrant(g); err != nil {
				return err
			}
			if _, err := tx.Append(ledger.Entry{
				Kind: ledger.GrantApproved, At: v.observation.Now, Ticket: g.Ticket, User: g.User, Group: g.Group, Body: g,
			}); err != nil {
				return err
			}
		}
		if err := r.recordLife(tx, v); err != nil {
			return err
		}
		if err := r.endings(tx, v, p); err != nil {
			return err
		}
		for _, j := range v.cases {
			if err := r.objections(tx, v, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// plannedEnd is why, on whose word and when a grant ends.
type plannedEnd struct {
	reason change.Reason
	ticket ticket.Key
	at     time.Time
}

func endGrant(tx *store.Tx, g change.Grant, e plannedEnd) error {
	g.Ended, g.EndReason, g.EndTicket = e.at, e.reason, e.ticket
	if err := tx.PutGrant(g); err != nil {
		return err
	}
	_, err := tx.Append(ledger.Entry{
		Kind: ledger.GrantEnded, At: e.at, Ticket: g.Ticket, User: g.User, Group: g.Group, Body: g,
	})
	return err
}

func (r *Reconciler) endings(tx *store.Tx, v view, p plan.Plan) error {
	for _, g := range v.voided {
		if err := endGrant(tx, g, plannedEnd{reason: change.Voided, ticket: g.Ticket, at: v.observation.Now}); err != nil {
			return err
		}
	}
	for _, e := range p.Ended {
		g, found, err := tx.Grant(e.Grant)
		if err != nil {
			return err
		}
		if !found || !g.Ended.IsZero() {
			continue
		}
		if err := endGrant(tx, g, plannedEnd{reason: e.Reason, ticket: e.Ticket, at: v.observation.Now}); err != nil {
			return err
		}
	}
	return nil
}

// objections queues what has to be said on a ticket that sopd does not act on.
func (r *Reconciler) objections(tx *store.Tx, v view, j judged) error {
	waiting := slices.Contains(j.sop.Tickets.Waiting, j.ticket.Status)
	switch {
	case !j.fulfilling() && !waiting, j.undecided:
		return nil
	case j.verdict.Outcome == authority.Incomplete:
		return r.object(tx, j, incompleteText(j), v.observation.Now)
	case j.verdict.Outcome == authority.Conflicting:
		return r.object(tx, j, unprovenText(j), v.observation.Now)
	case waiting && j.verdict.Outcome == authority.Waiting && len(j.verdict.Absences) > 0:
		return r.object(tx, j, absentText(j), v.observation.Now)
	case j.fulfilling() && j.verdict.Outcome != authority.Proven:
		return r.object(tx, j, unprovenText(j), v.observation.Now)
	case j.proven() && j.sop.Kind != policies.KindAccessProvisioning && v.observation.Now.Before(j.effective()):
		text := scheduledText(j)
		if j.sop.Kind == policies.KindRoleChange {
			text = scheduledRoleText(j)
		}
		return r.say(tx, j.ticket.Key, remark{purpose: "scheduled", text: text, at: v.observation.Now})
	default:
		return nil
	}
}

// object says why nothing was done, once for each set of reasons, and records the refusal with it.
func (r *Reconciler) object(tx *store.Tx, j judged, text string, at time.Time) error {
	said := remark{purpose: string(j.verdict.Outcome) + "/" + fingerprint(text), text: text, at: at}
	fresh, err := tx.PutEffect(said.effect(j.ticket.Key))
	if err != nil || !fresh {
		return err
	}
	problems := problemLines(slices.Concat(j.verdict.Problems, j.verdict.Absences))
	_, err = tx.Append(ledger.Entry{
		Kind: ledger.RequestRefused, At: at, Ticket: j.ticket.Key, User: j.verdict.Request.Beneficiary.ID,
		Body: refusal{Outcome: j.verdict.Outcome, Problems: problems, WaitingFor: j.verdict.WaitingFor, Policy: j.sop.ID()},
	})
	return err
}

// refusal is the body of a request.refused entry.
type refusal struct {
	Outcome    authority.Outcome `json:"outcome"`
	Problems   []string          `json:"problems,omitempty"`
	WaitingFor []string          `json:"waitingFor,omitempty"`
	Policy     string            `json:"policy"`
}

// recordProposal records what the plan would do, once for each plan.
func (r *Reconciler) recordProposal(ctx context.Context, p plan.Plan) error {
	const cursor = "plan.proposed"
	if p.Empty() {
		return nil
	}
	err := r.write(ctx, func(tx *store.Tx) error {
		last, _, _, err := tx.Cursor(cursor)
		if err != nil || string(last) == p.Hash() {
			return err
		}
		if err := tx.SetCursor(cursor, access.Cursor(p.Hash()), r.Now()); err != nil {
			return err
		}
		_, err = tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: r.Now(), Body: p.Changes})
		return err
	})
	if err != nil {
		return err
	}
	r.Logger.LogAttrs(ctx, slog.LevelInfo, "writes are off, plan only recorded",
		slog.Int("changes", len(p.Changes)), slog.String("plan", p.Hash()))
	return nil
}
