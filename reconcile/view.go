package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// view is what a pass decides on: the observation for the plan, and the judgement on every open ticket.
type view struct {
	observation plan.Observation
	cases       []judged
	// fresh are grants that were proven in this pass and are not stored yet.
	fresh []change.Grant
	// unreadTickets: some ticket of ours could not be read.
	unreadTickets bool
	// voided are stored grants whose ticket no longer proves them and that have not led to a change.
	voided []change.Grant
}

// plan computes the plan for the view. Drift is removed only on a complete read of the tickets too: one that could not be
// read may be what speaks for the member.
func (v view) plan() plan.Plan {
	p := plan.Build(v.observation)
	if !v.unreadTickets {
		return p
	}
	return p.Withhold(change.Drift, "a ticket could not be read, and it may be what this access rests on; nobody is removed as drift until it can")
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

// view loads the mirror and judges every open ticket. A ticket that proves something new is read again from Jira first:
// the mirror may be a moment old, and a grant is for good.
func (r *Reconciler) view(ctx context.Context, unread map[access.GroupID]error) (view, error) {
	l := loader{r: r, now: r.Now(), unread: unread}
	if err := r.Store.Read(ctx, l.load); err != nil {
		return view{}, err
	}
	v, err := l.view()
	if err != nil {
		return view{}, err
	}
	refreshed, err := r.refresh(ctx, v, l.stored)
	if err != nil || !refreshed {
		return v, err
	}
	l = loader{r: r, now: r.Now(), unread: unread}
	if err := r.Store.Read(ctx, l.load); err != nil {
		return view{}, err
	}
	return l.view()
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
	return slices.ContainsFunc(j.verdict.Grants(j.sop.ID()), func(g change.Grant) bool {
		_, known := stored[g.ID]
		return !known
	})
}

// loader reads one consistent snapshot of the store.
type loader struct {
	r      *Reconciler
	now    time.Time
	unread map[access.GroupID]error

	users    []access.User
	groups   []plan.GroupState
	eligible map[access.GroupID][]access.UserID
	stored   map[change.GrantID]change.Grant
	ended    map[change.GrantID]change.Grant // of open tickets
	grants   []change.Grant
	baseline map[access.Membership]bool
	open     []judged
	bad      map[ticket.Key]bool // tickets that could not be read
	// withdrawn are grants that gave nothing and whose ticket has gone on without them.
	withdrawn []change.Grant
	// blind: a group whose members may approve is not known, so that an approval that does not count may count all the same.
	blind   bool
	changes map[ticket.Key][]change.Change
	demands Demand // of the stages
	pending []change.Change
	removed int64
}

func (l *loader) load(tx *store.Tx) error {
	steps := []struct {
		what string
		load func(*store.Tx) error
	}{
		{"users", l.loadUsers}, {"groups", l.loadGroups}, {"grants", l.loadGrants},
		{"tickets", l.loadTickets}, {"changes", l.loadChanges}, {"promises", l.loadPromises}, {"demands", l.loadDemands},
	}
	for _, step := range steps {
		if err := step.load(tx); err != nil {
			return fmt.Errorf("loading %s: %w", step.what, err)
		}
	}
	return nil
}

func (l *loader) loadUsers(tx *store.Tx) error {
	return tx.EachUser(func(u access.User) error {
		l.users = append(l.users, u)
		return nil
	})
}

func (l *loader) loadGroups(tx *store.Tx) error {
	rules, err := tx.Rules()
	if err != nil {
		return err
	}
	fed := make(map[access.GroupID]bool)
	for _, rule := range rules {
		for _, g := range rule.Groups {
			fed[g] = fed[g] || rule.Active
		}
	}
	l.eligible = make(map[access.GroupID][]access.UserID)
	l.baseline = make(map[access.Membership]bool)
	for _, id := range l.r.relevantGroups() {
		if err := l.loadGroup(tx, id, fed[id]); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) loadGroup(tx *store.Tx, id access.GroupID, fed bool) error {
	members, _, known, err := tx.Members(id)
	if err != nil {
		return err
	}
	if _, failed := l.unread[id]; failed || !known {
		l.blind = l.blind || slices.Contains(l.r.Policies.Eligible(), id)
		return nil
	}
	l.eligible[id] = members
	if _, ours := l.r.Policies.Catalog.Group(id); !ours {
		return nil
	}
	group, found, err := tx.Group(id)
	if err != nil || !found {
		return err
	}
	l.groups = append(l.groups, plan.GroupState{Group: group, Members: members, RuleFed: fed})
	adopted, err := tx.Baseline(id)
	if err != nil {
		return err
	}
	for _, b := range adopted {
		l.baseline[b.Membership] = true
	}
	return nil
}

func (l *loader) loadGrants(tx *store.Tx) error {
	var err error
	if l.grants, err = tx.Grants(); err != nil {
		return err
	}
	l.stored = make(map[change.GrantID]change.Grant, len(l.grants))
	for _, g := range l.grants {
		l.stored[g.ID] = g
	}
	return nil
}

// loadTickets leaves out tickets that could not be read: nothing is given, taken or said on what is not known.
func (l *loader) loadTickets(tx *store.Tx) error {
	bad, err := tx.BadTickets()
	if err != nil {
		return err
	}
	l.ended = make(map[change.GrantID]change.Grant)
	l.bad = make(map[ticket.Key]bool, len(bad))
	for _, b := range bad {
		l.bad[b.Key] = true
	}
	err = tx.EachTicket(store.TicketFilter{Projects: l.r.Policies.Projects(), Open: true}, func(t ticket.Ticket) error {
		if sop, ok := l.r.Policies.SOP(t); ok && !l.bad[t.Key] && sop.Kind != policies.KindIncidentResponse {
			l.open = append(l.open, judged{sop: sop, ticket: t})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range l.open {
		if l.open[i].approvals, _, _, err = tx.Approvals(l.open[i].ticket.Key); err != nil {
			return err
		}
		if err := l.loadEnded(tx, l.open[i].ticket.Key); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) loadEnded(tx *store.Tx, key ticket.Key) error {
	grants, err := tx.GrantsByTicket(key)
	for _, g := range grants {
		if !g.Ended.IsZero() {
			l.ended[g.ID] = g
		}
	}
	return err
}

func (l *loader) loadChanges(tx *store.Tx) error {
	var err error
	if l.pending, err = tx.Unsettled(); err != nil {
		return err
	}
	if l.removed, err = tx.RemovalsSince(l.now.Add(-time.Hour)); err != nil {
		return err
	}
	l.changes = make(map[ticket.Key][]change.Change)
	for _, j := range l.open {
		if l.changes[j.ticket.Key], err = tx.ChangesByTicket(j.ticket.Key); err != nil {
			return err
		}
	}
	since := l.now.Add(-confirmWindow)
	recent, err := tx.ChangesSince(since.Add(-giveUp)) // settled within the window, begun before it
	if err != nil {
		return err
	}
	for _, c := range recent {
		if c.State == change.Confirmed && !c.Settled.Before(since) {
			l.overlay(c)
		}
	}
	return nil
}

// overlay corrects a group's list by a change that was read back after the list may have been made.
func (l *loader) overlay(c change.Change) {
	for i := range l.groups {
		g := &l.groups[i]
		if g.Group.ID != c.Group {
			continue
		}
		at, in := slices.BinarySearch(g.Members, c.User)
		switch {
		case c.Kind == change.AddMember && !in:
			g.Members = slices.Insert(slices.Clone(g.Members), at, c.User)
		case c.Kind == change.RemoveMember && in:
			g.Members = slices.Delete(slices.Clone(g.Members), at, at+1)
		}
	}
}

// view judges the open tickets and puts everything together.
func (l *loader) view() (view, error) {
	set := l.r.Policies
	v := view{unreadTickets: len(l.bad) > 0}
	v.observation = plan.Observation{
		Now: l.now, Catalog: set.Catalog, Groups: l.groups, Users: make(map[access.UserID]access.User, len(l.users)),
		Baseline: l.baseline, Pending: l.pending, Protected: l.protected(), Policies: planPolicies(set),
	}
	for _, u := range l.users {
		v.observation.Users[u.ID] = u
	}
	world := authority.World{Catalog: set.Catalog, People: people.New(set.People, l.users, l.eligible), Now: l.now}
	for _, j := range l.open {
		j.verdict = authority.Judge(j.ticket, j.approvals, j.sop.Rules, world)
		j.undecided = l.undecided(j)
		v.cases = append(v.cases, j)
		l.consequences(&v, j)
	}
	v.voided = append(v.voided, l.withdrawn...)
	slices.SortFunc(v.cases, func(a, b judged) int { return cmp.Compare(a.ticket.Key, b.ticket.Key) })
	for _, g := range l.grants {
		if !slices.ContainsFunc(v.voided, func(x change.Grant) bool { return x.ID == g.ID }) {
			v.observation.Grants = append(v.observation.Grants, g)
		}
	}
	v.observation.Grants = append(v.observation.Grants, v.fresh...)
	v.observation.Revoked = append(v.observation.Revoked, l.demands.Revoked...)
	v.observation.Leavers = append(v.observation.Leavers, l.demands.Leavers...)
	v.observation.Actions = l.demands.Actions
	l.deprovisioned(&v)
	return v, nil
}

// consequences turns a judged ticket into what the plan rests on.
func (l *loader) consequences(v *view, j judged) {
	switch j.sop.Kind {
	case policies.KindAccessProvisioning:
		l.grantsOf(v, j)
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
		for _, g := range j.verdict.Grants(j.sop.ID()) {
			if _, known := l.stored[g.ID]; !known && !l.over(g) {
				v.fresh = append(v.fresh, g)
			}
		}
		return
	}
	if !j.fulfilling() || l.undecided(j) {
		return
	}
	for _, g := range l.grants {
		if g.Ticket == j.ticket.Key && !led(l.changes[j.ticket.Key], g.ID) {
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

// undecided reports whether a ticket that is not proven may be so once every approver is known.
func (l *loader) undecided(j judged) bool { return l.blind && j.verdict.Outcome == authority.Unproven }

func revocations(j judged) []plan.Revocation {
	var all []plan.Revocation
	for _, w := range j.verdict.Request.Wanted {
		for _, g := range w.Role.Groups {
			all = append(all, plan.Revocation{
				User: j.verdict.Request.Beneficiary.ID, Group: g, Reason: change.Revocation, Ticket: j.ticket.Key, Since: j.effective(),
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
		p.Deprovisioning, p.LeaverMode, p.SuspendLeavers = sop.ID(), sop.Mode, sop.Suspend
	}
	return p
}

// deprovisioned adds the users whom Okta has deactivated and who still hold something. The status comes from the mirror,
// which took it from Okta's own list; [Reconciler.confirmLeavers] reads each of them by ID before anything is planned.
func (l *loader) deprovisioned(v *view) {
	holds := make(map[access.UserID]bool)
	for _, g := range l.groups {
		for _, id := range g.Members {
			holds[id] = true
		}
	}
	for _, g := range v.observation.Grants {
		holds[g.User] = true
	}
	for _, u := range l.users {
		if _, doubted := l.r.doubted[u.ID]; u.Status == access.Deprovisioned && holds[u.ID] && !doubted {
			v.observation.Leavers = append(v.observation.Leavers, plan.Leaver{
				User: u.ID, Reason: change.Deprovisioned, Since: u.StatusChanged,
			})
		}
	}
}
