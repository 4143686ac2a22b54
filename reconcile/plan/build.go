package plan

import (
	"cmp"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
)

// Build computes the plan for the observation.
func Build(o Observation) Plan {
	b := builder{o: o}
	b.index()
	for _, g := range b.groups {
		b.group(g)
	}
	b.grantsElsewhere()
	b.leavers()
	b.plan.sort()
	return b.plan
}

// builder walks the groups once. Everything it looks up is indexed first, so the cost grows with what there is, not with
// its square.
type builder struct {
	o        Observation
	groups   []GroupState // sorted by ID
	grants   map[access.Membership][]change.Grant
	entitled map[access.GroupID][]access.UserID // with grants, live or not; sorted
	leaver   map[access.UserID]Leaver
	revoked  map[access.Membership]Revocation
	pending  map[access.Membership]bool
	kept     map[access.UserID]bool // protected
	observed map[access.GroupID]bool
	plan     Plan
}

func (b *builder) index() {
	b.groups = slices.Clone(b.o.Groups)
	slices.SortFunc(b.groups, func(x, y GroupState) int { return cmp.Compare(x.Group.ID, y.Group.ID) })
	b.grants = make(map[access.Membership][]change.Grant, len(b.o.Grants))
	b.entitled = make(map[access.GroupID][]access.UserID)
	for _, g := range b.o.Grants {
		if len(b.grants[g.Membership()]) == 0 {
			b.entitled[g.Group] = append(b.entitled[g.Group], g.User)
		}
		b.grants[g.Membership()] = append(b.grants[g.Membership()], g)
	}
	for _, users := range b.entitled {
		slices.Sort(users)
	}
	for _, list := range b.grants {
		slices.SortFunc(list, func(x, y change.Grant) int { return cmp.Compare(x.ID, y.ID) })
	}
	b.leaver = make(map[access.UserID]Leaver, len(b.o.Leavers))
	for _, l := range b.o.Leavers {
		if known, ok := b.leaver[l.User]; !ok || compareLeavers(l, known) < 0 {
			b.leaver[l.User] = l
		}
	}
	b.revoked = make(map[access.Membership]Revocation, len(b.o.Revoked))
	for _, r := range b.o.Revoked {
		m := access.Membership{Group: r.Group, User: r.User}
		if known, ok := b.revoked[m]; !ok || cmp.Or(cmp.Compare(r.Ticket, known.Ticket), cmp.Compare(r.Reason, known.Reason)) < 0 {
			b.revoked[m] = r
		}
	}
	b.pending = make(map[access.Membership]bool, len(b.o.Pending))
	for _, c := range b.o.Pending {
		b.pending[c.Membership()] = true
	}
	b.kept = make(map[access.UserID]bool, len(b.o.Protected))
	for _, id := range b.o.Protected {
		b.kept[id] = true
	}
	b.observed = make(map[access.GroupID]bool, len(b.groups))
}

// compareLeavers prefers the evidence of a ticket, which can be told what was done, then the earliest.
func compareLeavers(a, b Leaver) int {
	byTicket := func(l Leaver) int {
		if l.Ticket == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(byTicket(a), byTicket(b)), a.Since.Compare(b.Since), cmp.Compare(a.Ticket, b.Ticket))
}

// group merges the members of a group with the users that have grants for it; both are sorted.
func (b *builder) group(g GroupState) {
	if b.observed[g.Group.ID] {
		return // the same group twice: the first was planned
	}
	b.observed[g.Group.ID] = true
	entitled := b.entitled[g.Group.ID]
	i, j := 0, 0
	for i < len(g.Members) || j < len(entitled) {
		switch {
		case j == len(entitled) || i < len(g.Members) && g.Members[i] < entitled[j]:
			b.member(g, g.Members[i])
			i++
		case i == len(g.Members) || entitled[j] < g.Members[i]:
			b.absent(g, entitled[j])
			j++
		default:
			b.member(g, g.Members[i])
			i, j = i+1, j+1
		}
	}
}

// standing is what speaks for and against one membership.
type standing struct {
	live    []change.Grant // entitle now
	over    []change.Grant // ran out
	against *Revocation    // a leaver or a revocation
}

func (b *builder) standing(m access.Membership) standing {
	var s standing
	for _, g := range b.grants[m] {
		if g.Live(b.o.Now) {
			s.live = append(s.live, g)
		} else {
			s.over = append(s.over, g)
		}
	}
	s.against = b.against(m)
	return s
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
func (b *builder) member(g GroupState, user access.UserID) {
	m := access.Membership{Group: g.Group.ID, User: user}
	s := b.standing(m)
	if why := unmanageable(g); why != "" {
		b.foreign(m, s, why)
		return
	}
	switch {
	case b.pending[m]: // what is under way is settled first
		b.count(s, m)
	case s.against != nil:
		b.count(s, m)
		b.remove(b.removal(m, s.against.Reason, s))
	case len(s.live) > 0:
		b.plan.Counts.Granted++
		b.plan.Satisfied = append(b.plan.Satisfied, s.live...)
		b.end(s.over, change.Expired, nil)
	case b.o.Baseline[m]:
		b.plan.Counts.Baseline++
		b.end(s.over, change.Expired, nil)
	case len(s.over) > 0:
		b.plan.Counts.Granted++
		b.remove(b.removal(m, change.Expired, s))
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
		b.plan.Satisfied = append(b.plan.Satisfied, s.live...)
		b.end(s.over, change.Expired, nil)
	case len(s.over) > 0:
		b.skip(b.removal(m, change.Expired, s), why)
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
func (b *builder) absent(g GroupState, user access.UserID) {
	m := access.Membership{Group: g.Group.ID, User: user}
	s := b.standing(m)
	if b.pending[m] {
		return
	}
	b.end(s.over, change.Expired, nil)
	if s.against != nil {
		b.end(s.live, s.against.Reason, s.against)
		return
	}
	if len(s.live) > 0 {
		b.add(g, s.live[0])
	}
}

// grantsElsewhere reports grants whose group was not observed: it is not in the catalog any more, is gone, or could not
// be read.
func (b *builder) grantsElsewhere() {
	for _, g := range b.o.Grants {
		if b.observed[g.Group] || !g.Live(b.o.Now) {
			continue
		}
		c := b.addition(g)
		if against := b.against(g.Membership()); against != nil {
			c = b.removal(g.Membership(), against.Reason, standing{live: []change.Grant{g}, against: against})
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
	}
}

func (b *builder) addition(g change.Grant) change.Change {
	return change.Change{
		Kind: change.AddMember, Reason: change.ApprovedTicket, User: g.User, Group: g.Group,
		Ticket: g.Ticket, Grant: g.ID, Policy: g.Policy,
	}
}

// removal describes the end of a membership, under the ticket that demands it or, for an expiry, the one that gave it.
func (b *builder) removal(m access.Membership, reason change.Reason, s standing) change.Change {
	c := change.Change{
		Kind: change.RemoveMember, Reason: reason, User: m.User, Group: m.Group, Policy: b.o.Policies.Deprovisioning,
	}
	if s.against != nil {
		c.Ticket = s.against.Ticket
	}
	switch {
	case len(s.live) > 0:
		c.Grant = s.live[len(s.live)-1].ID
	case len(s.over) > 0:
		last := slices.MaxFunc(s.over, func(x, y change.Grant) int {
			return cmp.Or(x.Expires.Compare(y.Expires), cmp.Compare(x.ID, y.ID))
		})
		c.Grant = last.ID
		if reason == change.Expired {
			c.Ticket, c.Policy = last.Ticket, b.o.Policies.Provisioning
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

func (b *builder) end(grants []change.Grant, reason change.Reason, against *Revocation) {
	for _, g := range grants {
		e := GrantEnd{Grant: g.ID, Reason: reason}
		if against != nil {
			e.Ticket = against.Ticket
		}
		b.plan.Ended = append(b.plan.Ended, e)
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
