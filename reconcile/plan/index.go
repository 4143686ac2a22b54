package plan

import (
	"cmp"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
)

// index prepares everything that is looked up while the groups are walked.
func (b *builder) index() {
	b.groups = slices.Clone(b.o.Groups)
	slices.SortFunc(b.groups, func(x, y GroupState) int { return cmp.Compare(x.Group.ID, y.Group.ID) })
	b.group = make(map[access.GroupID]GroupState, len(b.groups))
	for _, g := range slices.Backward(b.groups) { // the same group twice: the first counts
		b.group[g.Group.ID] = g
	}
	b.grants = make(map[access.GroupID][]int32)
	for i := range b.o.Grants {
		id := b.o.Grants[i].Group
		b.grants[id] = append(b.grants[id], int32(i))
	}
	for _, positions := range b.grants {
		slices.SortFunc(positions, b.compareGrants)
	}
	b.satisfied = make([]int32, 0, len(b.o.Grants))
	b.leaver = make(map[access.UserID]Leaver, len(b.o.Leavers))
	for _, l := range b.o.Leavers {
		if known, ok := b.leaver[l.User]; !ok || compareLeavers(l, known) < 0 {
			b.leaver[l.User] = l
		}
	}
	b.revoked = make(map[access.Membership]Revocation, len(b.o.Revoked))
	for _, r := range b.o.Revoked {
		m := access.Membership{Group: r.Group, User: r.User}
		if known, ok := b.revoked[m]; !ok || compareRevocations(r, known) < 0 {
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
	b.indexRoleChanges()
	b.indexArriving()
}

// compareGrants orders the grants of one group, given by their positions.
func (b *builder) compareGrants(i, j int32) int {
	x, y := &b.o.Grants[i], &b.o.Grants[j]
	if c := cmp.Compare(x.User, y.User); c != 0 {
		return c
	}
	switch xLive, yLive := x.Live(b.o.Now), y.Live(b.o.Now); {
	case xLive && !yLive:
		return -1
	case yLive && !xLive:
		return 1
	default:
		return cmp.Compare(x.ID, y.ID)
	}
}

// ids returns the IDs of the grants at the positions, sorted.
func (b *builder) ids(positions []int32) []change.GrantID {
	if len(positions) == 0 {
		return nil
	}
	slices.Sort(positions) // whoever gives grants by ID has them sorted by this alone
	ids := make([]change.GrantID, len(positions))
	for n, i := range positions {
		ids[n] = b.o.Grants[i].ID
	}
	if !slices.IsSorted(ids) {
		slices.Sort(ids)
	}
	return ids
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

// compareRevocations prefers what is urgent, then the first ticket.
func compareRevocations(a, b Revocation) int {
	urgent := func(r Revocation) int {
		if r.Urgent {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(urgent(a), urgent(b)), cmp.Compare(a.Ticket, b.Ticket), cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Undoes, b.Undoes), a.Since.Compare(b.Since))
}
