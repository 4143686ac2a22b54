package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// view is what a pass decides on: the judgement on every open ticket, and the plan that follows.
type view struct {
	// observation is what all groups' plans rest on alike. The groups themselves, their grants and adopted memberships are
	// not in it: they are loaded one group at a time and dropped again. Users holds those whom the plan had to know.
	observation plan.Observation
	cases       []judged
	// fresh are grants that were proven in this pass and are not stored yet.
	fresh []change.Grant
	// unreadTickets: some ticket of ours could not be read.
	unreadTickets bool
	// voided are stored grants whose ticket no longer proves them and that have not led to a change.
	voided []change.Grant
	// built is the plan for everything; of what is satisfied it names only what open tickets ask for.
	built plan.Plan
	// departing are the users on whose deactivation the end of a grant rests.
	departing []access.UserID
	// standoffs are changes that are due and were refused too lately to be tried again.
	standoffs []Standoff
	// expiry is when the next grant runs out, zero for never.
	expiry time.Time
	life
}

// plan returns the plan for the view. Drift is removed only on a complete read of the tickets too: one that could not be
// read may be what speaks for the member.
func (v view) plan() plan.Plan {
	if !v.unreadTickets {
		return v.built
	}
	return v.built.Withhold(change.Drift, "a ticket could not be read, and it may be what this access rests on; nobody is removed as drift until it can")
}

// judged is an open ticket of one of the procedures, and what became of it.
type judged struct {
	sop       policies.SOP
	ticket    ticket.Ticket
	approvals []ticket.Approval
	verdict   authority.Verdict
	undecided bool // nothing may be said of the verdict yet
}

// fulfilling reports whether the ticket stands where sopd is to act.
func (j judged) fulfilling() bool { return slices.Contains(j.sop.Tickets.Fulfil, j.ticket.Status) }

// proven reports whether sopd may act on the ticket: it stands where sopd is to act, and its approvals prove it.
func (j judged) proven() bool { return j.fulfilling() && j.verdict.Outcome == authority.Proven }

// effective returns when what the ticket asks for begins to hold.
func (j judged) effective() time.Time {
	if j.verdict.Request.Effective.After(j.verdict.Approved) {
		return j.verdict.Request.Effective
	}
	return j.verdict.Approved
}

// confirmWindow is how long what we ourselves have read back outweighs a list of the vendor, which lags.
const confirmWindow = 2 * time.Minute

// view judges every open ticket on the mirror and plans. A ticket that proves something new is read again from Jira first:
// the mirror may be a moment old, and a grant is for good.
func (r *Reconciler) view(ctx context.Context, unread map[access.GroupID]error) (view, error) {
	l, err := r.load(ctx, unread)
	if err != nil {
		return view{}, err
	}
	refreshed, err := r.refresh(ctx, l.view, l.stored)
	if err != nil || !refreshed {
		return l.view, err
	}
	l, err = r.load(ctx, unread)
	if err != nil {
		return view{}, err
	}
	return l.view, nil
}

// refresh reads again every ticket that would newly prove something. It reports whether there was any.
func (r *Reconciler) refresh(ctx context.Context, v view, stored map[change.GrantID]change.Grant) (bool, error) {
	refreshed := false
	for _, j := range v.cases {
		if !j.proven() || !r.acts(j, v.observation.Now) || !newlyProven(j, stored) {
			continue
		}
		if err := r.readTicket(ctx, j.ticket.Key); err != nil {
			return false, fmt.Errorf("ticket %s: %w", j.ticket.Key, err)
		}
		refreshed = true
	}
	for _, e := range v.emergencies {
		if !r.Write || !e.begins(stored) {
			continue
		}
		if err := r.readTicket(ctx, e.ticket.Key); err != nil {
			return false, fmt.Errorf("ticket %s: %w", e.ticket.Key, err)
		}
		refreshed = true
	}
	return refreshed, nil
}

// acts reports whether anything may be written on the ticket now. One that is only waited for, or only looked at, needs no
// second reading.
func (r *Reconciler) acts(j judged, now time.Time) bool {
	return r.Write && (j.sop.Kind == policies.KindAccessProvisioning || !now.Before(j.effective()))
}

func newlyProven(j judged, stored map[change.GrantID]change.Grant) bool {
	if j.sop.Kind != policies.KindAccessProvisioning {
		return true
	}
	return slices.ContainsFunc(grantsFor(j), func(g change.Grant) bool {
		_, known := stored[g.ID]
		return !known
	})
}

// judge judges the open tickets and notes what follows from them.
func (l *loader) judge(tx *store.Tx) error {
	set := l.r.Policies
	v := &l.view
	v.unreadTickets = len(l.bad) > 0
	v.observation = plan.Observation{
		Now: l.now, Catalog: set.Catalog, Users: make(map[access.UserID]access.User), Pending: l.pending,
		Protected: l.protected(), Policies: planPolicies(set),
	}
	world, finish := l.world(tx)
	cases := l.verdicts(world)
	for _, j := range cases {
		v.cases = append(v.cases, j)
		l.consequences(v, j)
	}
	for _, e := range l.raised {
		l.emergency(v, e, world)
	}
	slices.SortFunc(v.cases, func(a, b judged) int { return cmp.Compare(a.ticket.Key, b.ticket.Key) })
	return finish()
}

// consequences turns a judged ticket into what the plan rests on.
func (l *loader) consequences(v *view, j judged) {
	switch j.sop.Kind {
	case policies.KindAccessProvisioning:
		l.grantsOf(v, j)
	case policies.KindRoleChange:
		if !j.proven() || !l.now.Before(j.effective()) {
			l.grantsOf(v, j)
		}
	case policies.KindDeprovisioning:
		if j.proven() && !l.now.Before(j.effective()) {
			v.observation.Leavers = append(v.observation.Leavers, plan.Leaver{
				User: j.verdict.Request.Beneficiary.ID, Reason: change.Offboarding, Ticket: j.ticket.Key,
				Since: j.effective(), SignedOut: l.done(j.ticket.Key, change.ClearSessions),
			})
		}
	case policies.KindRevocation:
		if j.proven() && !l.now.Before(j.effective()) {
			v.observation.Revoked = append(v.observation.Revoked, revocations(j)...)
		}
	}
}

func (l *loader) grantsOf(v *view, j judged) {
	if j.proven() {
		for _, g := range grantsFor(j) {
			if _, known := l.stored[g.ID]; !known && !l.over(g) {
				v.fresh = append(v.fresh, g)
			}
		}
		return
	}
	if !j.fulfilling() || l.undecided(j) {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(l.stored)) {
		if g := l.stored[id]; g.Ticket == j.ticket.Key && !led(l.changes[j.ticket.Key], g.ID) {
			v.voided = append(v.voided, g)
		}
	}
}

// over reports whether the grant has ended since it was approved. A ticket that still stands as approved does not bring
// back what was revoked, expired or left behind; only a new approval does. A grant that was voided gave nothing yet.
func (l *loader) over(g change.Grant) bool {
	was, ended := l.ended[g.ID]
	return ended && was.EndReason != change.Voided && !g.Approved.After(was.Ended)
}

// undecided reports whether a ticket that is not proven may be so once every group is known.
func (l *loader) undecided(j judged) bool {
	switch j.verdict.Outcome {
	case authority.Unclear:
		return true
	case authority.Unproven, authority.Conflicting:
		return l.blind
	default:
		return false
	}
}

func revocations(j judged) []plan.Revocation {
	var all []plan.Revocation
	for _, w := range j.verdict.Request.Wanted {
		for _, g := range w.Role.Groups {
			all = append(all, plan.Revocation{
				User: j.verdict.Request.Beneficiary.ID, Group: g, Reason: change.Revocation, Ticket: j.ticket.Key, Since: j.effective(),
				Urgent: j.sop.Urgent.Marks(j.ticket),
			})
		}
	}
	return all
}

func (l *loader) done(key ticket.Key, kind change.Kind) bool {
	return slices.ContainsFunc(l.changes[key], func(c change.Change) bool {
		return c.Kind == kind && c.State == change.Confirmed
	})
}

func (l *loader) protected() []access.UserID {
	protected := slices.Clone(l.r.Policies.Guards.ProtectedUsers)
	if l.r.Self != "" {
		protected = append(protected, l.r.Self)
	}
	return protected
}

func planPolicies(set *policies.Set) plan.Policies {
	var p plan.Policies
	if sop, ok := set.Kind(policies.KindAccessProvisioning); ok {
		p.Provisioning = sop.ID()
	}
	if sop, ok := set.Kind(policies.KindDeprovisioning); ok {
		p.Deprovisioning, p.LeaverMode, p.SuspendLeavers, p.DeactivateLeavers = sop.ID(), sop.Mode, sop.Suspend, sop.Deactivate
	}
	return p
}

// deprovisioned adds the users whom Okta has deactivated and who still hold something. The status comes from the mirror,
// which took it from Okta's own list; [Reconciler.confirmLeavers] reads each of them by ID before anything is planned.
func (l *loader) deprovisioned(tx *store.Tx) error {
	holders, err := tx.DeprovisionedHolders()
	if err != nil {
		return err
	}
	for _, g := range l.view.fresh {
		holders = append(holders, g.User)
	}
	slices.Sort(holders)
	for _, id := range slices.Compact(holders) {
		user, found, err := tx.User(id)
		if err != nil {
			return err
		}
		if _, doubted := l.r.doubted[id]; !found || doubted || user.Status != access.Deprovisioned {
			continue
		}
		l.view.observation.Leavers = append(l.view.observation.Leavers, plan.Leaver{
			User: id, Reason: change.Deprovisioned, Since: user.StatusChanged,
		})
	}
	return nil
}
