package reconcile

import (
	"maps"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// Groups are planned one at a time, and most of them not at all: a group in which everybody is where they should be stays so
// until its own revision moves on, time runs out for one of its grants, or something about it is decided. Whatever else a
// plan comes to rest on has to move the revision or to be among the concerns, or it is overlooked in quiet groups.

// quietGroups are those in which there was nothing to do, and how many memberships stand in each state in them. What the
// same program found before it was restarted is read from the store.
type quietGroups struct {
	known   map[access.GroupID]store.Quiet // nil before the first look
	unsaved map[access.GroupID]store.Quiet
}

func newQuietGroups() *quietGroups {
	return &quietGroups{unsaved: make(map[access.GroupID]store.Quiet)}
}

func (q *quietGroups) load(tx *store.Tx, program string) (err error) {
	if q.known == nil && program != "" {
		q.known, err = tx.QuietGroups(program)
	}
	if q.known == nil {
		q.known = make(map[access.GroupID]store.Quiet)
	}
	return err
}

func (q *quietGroups) put(id access.GroupID, found store.Quiet) {
	q.known[id], q.unsaved[id] = found, found
}

func (q *quietGroups) drop(id access.GroupID) {
	delete(q.known, id)
	delete(q.unsaved, id)
}

// saveQuiet keeps what was found since it was last kept.
func (r *Reconciler) saveQuiet(tx *store.Tx) error {
	if r.Program == "" {
		return nil
	}
	return tx.PutQuiet(r.Program, r.quiet.unsaved)
}

// concern is what is decided about one group beyond what is known of the group itself.
type concern struct {
	leavers []plan.Leaver
	fresh   []change.Grant
}

// plan makes the plan of every group that needs one and joins them.
func (l *loader) plan(tx *store.Tx) error {
	if err := l.r.quiet.load(tx, l.r.Program); err != nil {
		return err
	}
	concerns, err := l.concerns(tx)
	if err != nil {
		return err
	}
	revisions, err := tx.GroupRevisions()
	if err != nil {
		return err
	}
	var parts []plan.Plan
	observed := make(map[access.GroupID]bool)
	for _, id := range l.managed() {
		part, known, err := l.planGroup(tx, id, revisions[id], concerns[id])
		if err != nil {
			return err
		}
		if known {
			observed[id] = true
			parts = append(parts, part)
		}
	}
	rest, err := l.planRest(tx, observed, revisions)
	if err != nil {
		return err
	}
	l.view.built = plan.Join(append(parts, rest)...)
	if l.view.expiry, err = tx.NextExpiry(l.now); err != nil {
		return err
	}
	l.view.warning, err = l.nextWarning(tx)
	return err
}

// managed returns the groups of the catalog, sorted.
func (l *loader) managed() []access.GroupID {
	var ids []access.GroupID
	for _, g := range l.r.Policies.Catalog.Groups {
		ids = append(ids, g.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// concerns finds the groups about which something is decided, whatever their revision says.
func (l *loader) concerns(tx *store.Tx) (map[access.GroupID]*concern, error) {
	all := make(map[access.GroupID]*concern)
	at := func(id access.GroupID) *concern {
		if all[id] == nil {
			all[id] = &concern{}
		}
		return all[id]
	}
	expired, err := tx.GroupsWithExpired(l.now)
	if err != nil {
		return nil, err
	}
	for _, id := range expired {
		at(id)
	}
	for _, c := range slices.Concat(l.pending, l.recent) {
		at(c.Group)
	}
	for _, r := range l.view.observation.Revoked {
		at(r.Group)
	}
	for _, g := range slices.Concat(l.view.voided, l.view.followed, l.emergencyGrants()) {
		at(g.Group)
	}
	for _, rc := range l.view.observation.RoleChanges {
		for _, id := range slices.Concat(rc.New, rc.Old) {
			at(id)
		}
	}
	for _, g := range l.view.fresh {
		c := at(g.Group)
		c.fresh = append(c.fresh, g)
	}
	for id := range l.asked() {
		at(id.Group)
	}
	for _, g := range l.stored { // of an open ticket, also one that was edited since and proves nothing any more
		at(g.Group)
	}
	for _, leaver := range l.view.observation.Leavers {
		groups, err := l.groupsOf(tx, leaver.User)
		if err != nil {
			return nil, err
		}
		for _, id := range groups {
			c := at(id)
			c.leavers = append(c.leavers, leaver)
		}
	}
	return all, nil
}

// asked returns the memberships that proven open tickets ask for: whether they are there is what their tickets wait for.
func (l *loader) asked() map[access.Membership]bool {
	all := make(map[access.Membership]bool)
	for _, j := range l.view.cases {
		if j.verdict.Outcome != authority.Proven {
			continue
		}
		for _, g := range j.verdict.Grants(j.sop.ID()) {
			all[g.Membership()] = true
		}
	}
	return all
}

// groupsOf returns, sorted, every group that the user may be in or may be given.
func (l *loader) groupsOf(tx *store.Tx, id access.UserID) ([]access.GroupID, error) {
	memberships, err := tx.MembershipsOf(id)
	if err != nil {
		return nil, err
	}
	grants, err := tx.GrantsOf(id)
	if err != nil {
		return nil, err
	}
	groups := make(map[access.GroupID]bool)
	for _, m := range memberships {
		groups[m.Group] = true
	}
	for _, g := range slices.Concat(grants, l.view.fresh) {
		if g.User == id && g.Ended.IsZero() {
			groups[g.Group] = true
		}
	}
	for _, c := range l.recent {
		if c.User == id {
			groups[c.Group] = true
		}
	}
	return slices.Sorted(maps.Keys(groups)), nil
}

// planGroup returns the plan of one group. known is false for one that was not read.
func (l *loader) planGroup(tx *store.Tx, id access.GroupID, revision int, about *concern) (p plan.Plan, known bool, err error) {
	if !l.known(id) {
		return p, false, nil
	}
	if q, found := l.r.quiet.known[id]; found && about == nil && q.Revision == revision && q.Fed == l.fed[id] {
		return plan.Plan{Counts: plan.Counts{Granted: q.Granted, Baseline: q.Baseline, Foreign: q.Foreign}}, true, nil
	}
	o := l.view.observation
	o.Actions = nil // they are about whole users
	found, err := l.observe(tx, id, &o)
	if err != nil || !found {
		return p, false, err
	}
	if about != nil {
		o.Leavers = about.leavers
		o.Grants = append(o.Grants, about.fresh...)
	} else {
		o.Leavers = nil
	}
	if err := l.loadUsers(tx, o); err != nil {
		return p, false, err
	}
	if err := l.loadArriving(tx, &o); err != nil {
		return p, false, err
	}
	p = plan.Build(o)
	l.r.quiet.drop(id)
	if about == nil && silent(p) && len(p.Satisfied) == len(o.Grants) {
		l.r.quiet.put(id, store.Quiet{
			Revision: revision, Fed: l.fed[id], Granted: p.Counts.Granted, Baseline: p.Counts.Baseline, Foreign: p.Counts.Foreign,
		})
	}
	l.noteEnds(p, o.Grants)
	p.Satisfied = slices.DeleteFunc(p.Satisfied, func(id change.GrantID) bool { return !l.awaited(id) })
	return p, true, nil
}

// silent reports whether the plan says nothing.
func silent(p plan.Plan) bool {
	return len(p.Changes)+len(p.Proposed)+len(p.Ended)+len(p.Drift)+len(p.Skipped) == 0
}

// observe adds to the observation the group as it was read, the grants that count and the memberships that were adopted.
func (l *loader) observe(tx *store.Tx, id access.GroupID, o *plan.Observation) (found bool, err error) {
	state := plan.GroupState{RuleFed: l.fed[id]}
	if state.Group, found, err = tx.Group(id); err != nil || !found {
		return false, err
	}
	if state.Members, _, _, err = tx.Members(id); err != nil {
		return false, err
	}
	l.overlay(&state)
	grants, err := tx.GrantsIn(id)
	if err != nil {
		return false, err
	}
	if err := l.withdraw(tx, state, grants); err != nil {
		return false, err
	}
	adopted, err := tx.Baseline(id)
	if err != nil {
		return false, err
	}
	o.Baseline = make(map[access.Membership]bool, len(adopted))
	for _, b := range adopted {
		o.Baseline[b.Membership] = true
	}
	o.Groups, o.Grants = []plan.GroupState{state}, l.standing(grants)
	return true, nil
}

// standing returns the grants without those that are void, each as what it rests on leaves it.
func (l *loader) standing(grants []change.Grant) []change.Grant {
	l.follow(grants)
	return slices.DeleteFunc(grants, func(g change.Grant) bool {
		return slices.ContainsFunc(l.view.voided, func(v change.Grant) bool { return v.ID == g.ID })
	})
}

// overlay corrects a group's list by changes that were read back after the list may have been made.
func (l *loader) overlay(g *plan.GroupState) {
	for _, c := range l.recent {
		if c.Group != g.Group.ID {
			continue
		}
		at, in := slices.BinarySearch(g.Members, c.User)
		switch {
		case c.Kind == change.AddMember && !in:
			g.Members = slices.Insert(g.Members, at, c.User)
		case c.Kind == change.RemoveMember && in:
			g.Members = slices.Delete(g.Members, at, at+1)
		}
	}
}

// planRest plans what is about whole users, and the grants whose group was not observed.
func (l *loader) planRest(tx *store.Tx, observed map[access.GroupID]bool, revisions map[access.GroupID]int) (plan.Plan, error) {
	o := l.view.observation
	for _, id := range slices.Sorted(maps.Keys(revisions)) {
		if observed[id] {
			continue
		}
		grants, err := tx.GrantsIn(id)
		if err != nil {
			return plan.Plan{}, err
		}
		o.Grants = append(o.Grants, l.standing(grants)...)
	}
	for _, g := range l.view.fresh {
		if !observed[g.Group] {
			o.Grants = append(o.Grants, g)
		}
	}
	if err := l.loadUsers(tx, o); err != nil {
		return plan.Plan{}, err
	}
	p := plan.Build(o)
	l.noteEnds(p, o.Grants)
	return p, nil
}

// loadUsers reads those on whose status the plan may rest: who leaves, and who has a grant and is not in the group.
func (l *loader) loadUsers(tx *store.Tx, o plan.Observation) error {
	var named []access.UserID
	for _, leaver := range o.Leavers {
		named = append(named, leaver.User)
	}
	for _, action := range o.Actions {
		named = append(named, action.User)
	}
	for _, grant := range o.Grants {
		if len(o.Groups) == 1 {
			if _, in := slices.BinarySearch(o.Groups[0].Members, grant.User); in {
				continue
			}
		}
		named = append(named, grant.User)
	}
	for _, id := range named {
		if _, loaded := o.Users[id]; loaded {
			continue
		}
		user, found, err := tx.User(id)
		if err != nil {
			return err
		}
		if found {
			o.Users[id] = user
		}
	}
	return nil
}

// noteEnds remembers on whose deactivation the end of a grant rests.
func (l *loader) noteEnds(p plan.Plan, grants []change.Grant) {
	ends := make(map[change.GrantID]bool)
	for _, e := range p.Ended {
		ends[e.Grant] = e.Reason == change.Deprovisioned
	}
	for _, g := range grants {
		if ends[g.ID] {
			l.view.departing = append(l.view.departing, g.User)
		}
	}
}

// awaited reports whether an open ticket has led to the grant, or is about to.
func (l *loader) awaited(id change.GrantID) bool {
	if _, stored := l.stored[id]; stored {
		return true
	}
	return slices.ContainsFunc(l.view.fresh, func(g change.Grant) bool { return g.ID == id })
}

// sizes returns how many are in each group of the catalog that was read.
func (l *loader) sizes(tx *store.Tx) (map[access.GroupID]int, error) {
	counts, err := tx.MemberCounts()
	if err != nil {
		return nil, err
	}
	sizes := make(map[access.GroupID]int)
	for _, id := range l.managed() {
		_, found, err := tx.Group(id)
		if err != nil {
			return nil, err
		}
		if found && l.known(id) {
			sizes[id] = counts[id]
		}
	}
	for _, c := range l.recent {
		in, err := tx.IsMember(c.Membership())
		if err != nil {
			return nil, err
		}
		if _, known := sizes[c.Group]; known && c.Kind == change.AddMember && !in {
			sizes[c.Group]++
		} else if known && c.Kind == change.RemoveMember && in {
			sizes[c.Group]--
		}
	}
	return sizes, nil
}
