package plan

import (
	"cmp"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Build computes the plan for the observation.
func Build(o Observation) Plan {
	b := builder{o: o}
	b.index()
	for _, g := range b.groups {
		b.walk(g)
	}
	b.grantsElsewhere()
	b.leavers()
	b.actions()
	b.plan.Satisfied = b.ids(b.satisfied)
	b.plan.sort()
	return b.plan
}

// builder walks the groups once, each with its grants beside it. Grants are large and there may be as many as memberships,
// so they stay where they are: what is sorted and kept are positions in the observation's list.
type builder struct {
	o      Observation
	groups []GroupState // sorted by ID
	group  map[access.GroupID]GroupState
	// grants are the positions of each group's grants: by user, those that live before those that are over, by ID.
	grants    map[access.GroupID][]int32
	satisfied []int32
	leaver    map[access.UserID]Leaver
	revoked   map[access.Membership]Revocation
	pending   map[access.Membership]bool
	kept      map[access.UserID]bool // protected
	observed  map[access.GroupID]bool
	// waiting are memberships that a role change takes when its new ones are there; forbidden are the tickets of role
	// changes whose new ones come when the old are gone; arriving are users who are to get something by their profile.
	waiting   map[access.Membership]bool
	forbidden map[ticket.Key]bool
	arriving  map[access.UserID]bool
	plan      Plan
}

// walk merges the members of a group with the users that have grants for it; both are sorted.
func (b *builder) walk(g GroupState) {
	if b.observed[g.Group.ID] {
		return // the same group twice: the first was planned
	}
	b.observed[g.Group.ID] = true
	members, grants := g.Members, b.grants[g.Group.ID]
	for i, j := 0, 0; i < len(members) || j < len(grants); {
		var user access.UserID
		switch {
		case j == len(grants):
			user = members[i]
		case i == len(members):
			user = b.o.Grants[grants[j]].User
		default:
			user = min(members[i], b.o.Grants[grants[j]].User)
		}
		before, first := i, j
		for i < len(members) && members[i] == user {
			i++
		}
		for j < len(grants) && b.o.Grants[grants[j]].User == user {
			j++
		}
		m := access.Membership{Group: g.Group.ID, User: user}
		if s := b.standing(m, grants[first:j]); i > before {
			b.member(g, m, s)
		} else {
			b.absent(g, m, s)
		}
	}
}

// standing is what speaks for and against one membership. Grants are given by their positions.
type standing struct {
	live    []int32     // entitle now
	over    []int32     // ran out
	against *Revocation // a leaver or a revocation
}

func (b *builder) standing(m access.Membership, grants []int32) standing {
	live := 0
	for live < len(grants) && b.o.Grants[grants[live]].Live(b.o.Now) {
		live++
	}
	s := standing{live: grants[:live], over: grants[live:], against: b.against(m)}
	if s.against != nil && b.approvedAgain(s) {
		s.against = nil
	}
	return s
}

// approvedAgain reports whether a grant was approved after the revocation took effect: the later word counts. A leaver's
// grants never stand.
func (b *builder) approvedAgain(s standing) bool {
	if _, leaves := b.leaver[s.against.User]; leaves || s.against.Since.IsZero() {
		return false
	}
	return slices.ContainsFunc(s.live, func(i int32) bool {
		g := &b.o.Grants[i]
		approved := g.Reason == "" || g.Reason == change.RoleChange // nobody approved the others against this evidence
		return approved && g.Approved.After(s.against.Since)
	})
}

// against returns the evidence that the membership has to go, nil for none. A leaver's goes before a revocation.
func (b *builder) against(m access.Membership) *Revocation {
	if l, ok := b.leaver[m.User]; ok {
		return &Revocation{User: m.User, Group: m.Group, Reason: l.Reason, Ticket: l.Ticket}
	}
	if r, ok := b.revoked[m]; ok {
		return &r
	}
	return nil
}

// member plans for somebody who is in the group.
func (b *builder) member(g GroupState, m access.Membership, s standing) {
	if why := unmanageable(g); why != "" {
		b.foreign(m, s, why)
		return
	}
	switch {
	case b.pending[m]: // what is under way is settled first
		b.count(s, m)
	case s.against != nil && s.against.Reason == change.RoleChange && b.waiting[m]:
		b.count(s, m)
		b.skip(b.removal(m, s.against.Reason, s), waitsForNew)
	case s.against != nil:
		b.count(s, m)
		b.remove(b.removal(m, s.against.Reason, s))
	case len(s.live) > 0:
		b.plan.Counts.Granted++
		b.satisfied = append(b.satisfied, s.live...)
		b.endOver(s.over)
	case b.o.Baseline[m]:
		b.plan.Counts.Baseline++
		b.endOver(s.over)
	case len(s.over) > 0:
		b.plan.Counts.Granted++
		b.lapse(m, s)
	default:
		b.drift(m)
	}
}

// foreign reports on a member of a group that is not ours to change. Who is entitled has what they asked for; what would
// have to be taken away is said, and why it stays.
func (b *builder) foreign(m access.Membership, s standing, why string) {
	b.plan.Counts.Foreign++
	switch {
	case s.against != nil:
		b.skip(b.removal(m, s.against.Reason, s), why)
	case len(s.live) > 0:
		b.satisfied = append(b.satisfied, s.live...)
		b.endOver(s.over)
	case len(s.over) > 0:
		b.skip(b.removal(m, b.last(s.over).EndsFor(), s), why)
	}
}

func (b *builder) count(s standing, m access.Membership) {
	switch {
	case len(s.live)+len(s.over) > 0:
		b.plan.Counts.Granted++
	case b.o.Baseline[m]:
		b.plan.Counts.Baseline++
	default:
		b.plan.Counts.Drift++
	}
}

// absent plans for somebody who has a grant and is not in the group.
func (b *builder) absent(g GroupState, m access.Membership, s standing) {
	if b.pending[m] {
		return
	}
	b.endOver(s.over)
	if s.against != nil {
		b.end(s.live, s.against.Reason, s.against)
		return
	}
	if len(s.live) == 0 {
		return
	}
	if i, ok := b.next(s.live); ok {
		b.add(g, b.o.Grants[i])
	} else {
		b.skip(b.addition(b.o.Grants[i]), waitsForOld)
	}
}

// grantsElsewhere reports grants whose group was not observed: it is not in the catalog any more, is gone, or could not
// be read.
func (b *builder) grantsElsewhere() {
	for i, g := range b.o.Grants {
		if b.observed[g.Group] || !g.Live(b.o.Now) {
			continue
		}
		c := b.addition(g)
		if against := b.against(g.Membership()); against != nil {
			c = b.removal(g.Membership(), against.Reason, standing{live: []int32{int32(i)}, against: against})
		}
		b.skip(c, "the group is not in the catalog, does not exist, or could not be read completely")
	}
}

func (b *builder) add(g GroupState, grant change.Grant) {
	c := b.addition(grant)
	user, known := b.o.Users[grant.User]
	switch why := unmanageable(g); {
	case why != "":
		b.skip(c, why)
	case !known:
		b.skip(c, "the user is not known in Okta")
	case user.Status == access.Deprovisioned || user.Transitioning == access.Deprovisioned:
		b.skip(c, "the user is deactivated in Okta")
	case user.Status == access.Suspended:
		b.skip(c, "the user is suspended in Okta")
	default:
		b.propose(c)
	}
}

// remove plans a change that takes something from a user.
func (b *builder) remove(c change.Change) {
	if b.kept[c.User] {
		b.skip(c, "the user is protected by policy")
		return
	}
	b.propose(c)
}

// drift plans for a member that nothing speaks for. It is reported always and removed only where policy enforces.
func (b *builder) drift(m access.Membership) {
	b.plan.Counts.Drift++
	b.plan.Drift = append(b.plan.Drift, m)
	if b.o.Catalog.Mode(m.Group) != catalog.Enforce {
		return
	}
	b.remove(b.removal(m, change.Drift, standing{}))
}

// leavers plans what is about the whole user: their sessions, and their suspension where policy says so. A user whom Okta
// has deactivated has no sessions left.
func (b *builder) leavers() {
	ids := make([]access.UserID, 0, len(b.leaver))
	for id := range b.leaver {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		l := b.leaver[id]
		user, known := b.o.Users[id]
		if l.Reason != change.Offboarding || user.Status == access.Deprovisioned || b.pending[access.Membership{User: id}] {
			continue
		}
		c := change.Change{Reason: l.Reason, User: id, Ticket: l.Ticket, Policy: b.o.Policies.Deprovisioning}
		if b.o.Policies.SuspendLeavers && user.Status == access.Active {
			c.Kind = change.Suspend
			b.remove(c)
		}
		c.Kind = change.ClearSessions
		switch {
		case l.SignedOut:
		case !known:
			b.skip(c, "the user is not known in Okta")
		default:
			b.remove(c)
		}
		if b.o.Policies.DeactivateLeavers && known {
			c.Kind = change.Deactivate
			b.remove(c)
		}
	}
}

// actions plans what was decided about whole users. One that the plan holds already, on a leaver's account, is not made
// twice.
func (b *builder) actions() {
	for _, a := range b.o.Actions {
		c := change.Change{Kind: a.Kind, Reason: a.Reason, User: a.User, Ticket: a.Ticket, Policy: a.Policy}
		user, known := b.o.Users[a.User]
		same := func(planned change.Change) bool { return planned.Kind == a.Kind && planned.User == a.User }
		switch {
		case b.pending[access.Membership{User: a.User}], slices.ContainsFunc(b.plan.Changes, same):
		case !known:
			b.skip(c, "the user is not known in Okta")
		case user.Status == access.Deprovisioned, a.Kind == change.Suspend && user.Status == access.Suspended: // it is so already
		case a.Kind == change.Suspend && user.Status != access.Active:
			b.skip(c, "Okta suspends only users that are active")
		case b.kept[a.User]:
			b.skip(c, "the user is protected by policy")
		case a.Mode.Writes():
			b.plan.Changes = append(b.plan.Changes, c)
		default:
			b.plan.Proposed = append(b.plan.Proposed, c)
		}
	}
}

func (b *builder) addition(g change.Grant) change.Change {
	return change.Change{
		Kind: change.AddMember, Reason: g.Why(), User: g.User, Group: g.Group,
		Ticket: g.Ticket, Grant: g.ID, Policy: g.Policy, Undoes: g.Restores, Urgent: g.Reason == change.BreakGlass,
	}
}

// removal describes the end of a membership, under the ticket that demands it or, for an expiry, the one that gave it.
func (b *builder) removal(m access.Membership, reason change.Reason, s standing) change.Change {
	c := change.Change{
		Kind: change.RemoveMember, Reason: reason, User: m.User, Group: m.Group, Policy: b.o.Policies.Deprovisioning,
	}
	if s.against != nil {
		c.Ticket, c.Undoes, c.Urgent = s.against.Ticket, s.against.Undoes, s.against.Urgent
		c.Policy = cmp.Or(s.against.Policy, c.Policy)
	}
	switch {
	case len(s.live) > 0:
		c.Grant = b.o.Grants[s.live[len(s.live)-1]].ID
	case len(s.over) > 0:
		last := b.last(s.over)
		c.Grant = last.ID
		if s.against == nil {
			c.Ticket, c.Policy = last.Ticket, last.Policy
		}
		if s.against == nil && last.Reason == "" {
			c.Policy = b.o.Policies.Provisioning
		}
	}
	return c
}

// propose puts the change where the system's mode says: to be done, or only to be shown.
func (b *builder) propose(c change.Change) {
	mode := b.o.Policies.LeaverMode
	if c.Group != "" {
		mode = b.o.Catalog.Mode(c.Group)
	}
	if mode.Writes() {
		b.plan.Changes = append(b.plan.Changes, c)
		return
	}
	b.plan.Proposed = append(b.plan.Proposed, c)
}

func (b *builder) skip(c change.Change, why string) {
	b.plan.Skipped = append(b.plan.Skipped, Skipped{Change: c, Why: why})
}

func (b *builder) end(grants []int32, reason change.Reason, against *Revocation) {
	for _, i := range grants {
		e := GrantEnd{Grant: b.o.Grants[i].ID, Reason: reason}
		if against != nil {
			e.Ticket = against.Ticket
		}
		b.plan.Ended = append(b.plan.Ended, e)
	}
}

// endOver ends grants whose time is over, where nothing has to be written for it.
func (b *builder) endOver(grants []int32) {
	for _, i := range grants {
		g := &b.o.Grants[i]
		b.plan.Ended = append(b.plan.Ended, GrantEnd{Grant: g.ID, Reason: g.EndsFor()})
	}
}

// unmanageable says why the members of the group are not ours to change, empty when they are.
func unmanageable(g GroupState) string {
	switch {
	case g.Group.Type != access.OktaGroup:
		return "the group's members are owned by an application or by Okta (" + string(g.Group.Type) + ")"
	case g.RuleFed:
		return "the group is fed by an Okta rule; removing a member would only fill the rule's exclusion list"
	default:
		return ""
	}
}
