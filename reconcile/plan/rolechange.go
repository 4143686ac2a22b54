package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// In a role change the new comes before the old: nobody stands without access in between because the second half of the
// plan was held, refused or lost. Where a policy forbids to have both at once, it is the other way round.

const (
	waitsForNew = "it goes when the new access of the role change has been read back from Okta"
	waitsForOld = "it comes when the old access of the role change is gone: policy forbids both at once"
)

// in reports whether the user is in the group as it was read. known is false when that is not known, or not settled.
func (b *builder) in(m access.Membership) (in, known bool) {
	if b.pending[m] {
		return false, false
	}
	if g, read := b.group[m.Group]; read {
		_, in = slices.BinarySearch(g.Members, m.User)
		return in, true
	}
	in, known = b.o.Elsewhere[m]
	return in, known
}

func (b *builder) there(m access.Membership) bool {
	in, known := b.in(m)
	return known && in
}

func (b *builder) gone(m access.Membership) bool {
	in, known := b.in(m)
	return known && !in
}

// indexRoleChanges makes the old groups of every role change revoked. Those whose new groups are not there yet only wait.
func (b *builder) indexRoleChanges() {
	b.waiting = make(map[access.Membership]bool)
	b.forbidden = make(map[ticket.Key]bool)
	arrived := make(map[access.Membership]bool)
	for _, rc := range b.o.RoleChanges {
		all := !slices.ContainsFunc(rc.New, func(id access.GroupID) bool {
			return !b.there(access.Membership{Group: id, User: rc.User})
		})
		left := !slices.ContainsFunc(rc.Old, func(id access.GroupID) bool {
			return !b.gone(access.Membership{Group: id, User: rc.User})
		})
		if rc.ForbidOverlap && !left {
			b.forbidden[rc.Ticket] = true
		}
		for _, id := range rc.Old {
			m := access.Membership{Group: id, User: rc.User}
			if all || rc.ForbidOverlap {
				arrived[m] = true
			}
			b.indexReplaced(m, rc)
		}
	}
	for m := range b.waiting {
		if arrived[m] || b.revoked[m].Reason != change.RoleChange {
			delete(b.waiting, m)
		}
	}
}

// indexReplaced notes that the role change takes the membership, unless a revocation does anyway.
func (b *builder) indexReplaced(m access.Membership, rc RoleChange) {
	known, taken := b.revoked[m]
	if taken && (known.Reason != change.RoleChange || known.Ticket <= rc.Ticket) {
		b.waiting[m] = known.Reason == change.RoleChange
		return
	}
	b.waiting[m] = true
	b.revoked[m] = Revocation{
		User: m.User, Group: m.Group, Reason: change.RoleChange, Ticket: rc.Ticket, Since: rc.Since, Policy: rc.Policy,
	}
}

// next returns the position of the first of the grants that may be fulfilled now; ok is false when all have to wait for an
// old role to go.
func (b *builder) next(live []int32) (position int32, ok bool) {
	for _, i := range live {
		g := &b.o.Grants[i]
		if g.Reason != change.RoleChange || !b.forbidden[g.Ticket] {
			return i, true
		}
	}
	return live[0], false
}

// indexArriving notes who is to get something by their new profile and has not got it yet: until then the old stays.
func (b *builder) indexArriving() {
	b.arriving = make(map[access.UserID]bool)
	maps.Copy(b.arriving, b.o.Arriving)
	for i := range b.o.Grants {
		g := &b.o.Grants[i]
		if g.Reason != change.Birthright || !g.Live(b.o.Now) {
			continue
		}
		state, read := b.group[g.Group]
		user := b.o.Users[g.User]
		able := user.Status != "" && user.Status != access.Suspended && user.Status != access.Deprovisioned
		if read && able && unmanageable(state) == "" && b.o.Catalog.Mode(g.Group).Writes() && !b.there(g.Membership()) {
			b.arriving[g.User] = true
		}
	}
}

// lapse plans the end of a membership whose last grant is over.
func (b *builder) lapse(m access.Membership, s standing) {
	last := b.last(s.over)
	c := b.removal(m, last.EndsFor(), s)
	if c.Reason == change.RoleChange && b.arriving[m.User] {
		b.skip(c, waitsForNew)
		return
	}
	b.remove(c)
}

// last returns the grant, of those that are over, that ran out last.
func (b *builder) last(over []int32) *change.Grant {
	return &b.o.Grants[slices.MaxFunc(over, func(i, j int32) int {
		x, y := &b.o.Grants[i], &b.o.Grants[j]
		return cmp.Or(x.Expires.Compare(y.Expires), cmp.Compare(x.ID, y.ID))
	})]
}
