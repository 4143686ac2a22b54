package reconcile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// grantsFor returns what the proven ticket entitles to.
func grantsFor(j judged) []change.Grant {
	grants := j.verdict.Grants(j.sop.ID())
	if j.sop.Kind == policies.KindRoleChange {
		for i := range grants {
			grants[i].Reason = change.RoleChange
		}
	}
	return grants
}

// roleChanges finds what the role changes in effect replace, and how far each of them is.
func (l *loader) roleChanges(tx *store.Tx) error {
	o := &l.view.observation
	o.Elsewhere = make(map[access.Membership]bool)
	for _, j := range l.view.cases {
		if j.sop.Kind != policies.KindRoleChange || !j.proven() || l.now.Before(j.effective()) {
			continue
		}
		rc, err := l.roleChange(tx, j)
		if err != nil {
			return err
		}
		for _, id := range slices.Concat(rc.New, rc.Old) {
			m := access.Membership{Group: id, User: rc.User}
			in, known, err := l.in(tx, m)
			if err != nil {
				return err
			}
			if known {
				o.Elsewhere[m] = in
			}
		}
		o.RoleChanges = append(o.RoleChanges, rc)
	}
	return nil
}

func (l *loader) roleChange(tx *store.Tx, j judged) (plan.RoleChange, error) {
	rc := plan.RoleChange{
		User: j.verdict.Request.Beneficiary.ID, Ticket: j.ticket.Key, Policy: j.sop.ID(), Since: j.effective(),
	}
	for _, g := range grantsFor(j) {
		rc.New = append(rc.New, g.Group)
	}
	replaced, err := l.replaced(tx, j)
	for _, id := range replaced {
		if !slices.Contains(rc.New, id) && !slices.Contains(rc.Old, id) {
			rc.Old = append(rc.Old, id)
		}
	}
	rc.ForbidOverlap = l.forbidsOverlap(j, rc.Old)
	return rc, err
}

// forbidsOverlap reports whether nobody may have the old and the new roles of the ticket at once: policy says so, or a rule
// keeps them apart.
func (l *loader) forbidsOverlap(j judged, old []access.GroupID) bool {
	if j.sop.ForbidOverlap {
		return true
	}
	var held []authority.Holding
	for _, id := range old {
		held = append(held, authority.Holding{Group: id})
	}
	d := authority.Duties{User: j.verdict.Request.Beneficiary.ID, Catalog: l.r.Policies.Catalog, Held: held, Now: l.now}
	return len(d.Conflicts(j.sop.Rules.Separations, j.verdict.Request.Wanted)) > 0
}

// replaced returns the groups that the role change takes away: those of the roles that its ticket names and, where policy
// says so, those of every ticket's grant that was not approved after it.
func (l *loader) replaced(tx *store.Tx, j judged) ([]access.GroupID, error) {
	var groups []access.GroupID
	for _, w := range j.verdict.Request.Replaced {
		groups = append(groups, w.Role.Groups...)
	}
	if j.sop.Replaces != policies.ReplacesAll {
		return groups, nil
	}
	grants, err := tx.GrantsOf(j.verdict.Request.Beneficiary.ID)
	for _, g := range grants {
		ticketed := g.Reason == "" || g.Reason == change.RoleChange
		if ticketed && g.Ended.IsZero() && g.Ticket != j.ticket.Key && !g.Approved.After(j.effective()) {
			groups = append(groups, g.Group)
		}
	}
	return groups, err
}

// moved tells a role change that the new access is there and the old is gone, attaches the evidence and closes the ticket.
func (c *conclusion) moved(tx *store.Tx, j judged) error {
	if c.view.observation.Now.Before(j.effective()) {
		return nil
	}
	for _, g := range grantsFor(j) {
		if !c.satisfied[g.ID] {
			return c.ungivable(tx, j)
		}
	}
	if c.outstanding(j.ticket.Key) || c.hidden(j.ticket.Key) {
		return c.standstill(tx, j.ticket.Key)
	}
	changes := c.confirmed(j.ticket.Key, change.AddMember, change.RemoveMember)
	said := remark{purpose: purposeProvisioned, text: c.r.movedText(changes, c.skipped(j.ticket.Key)), at: c.view.observation.Now}
	if len(changes) > 0 {
		said.marker = string(changes[0].ID)
	}
	if j.sop.Tickets.Validate != "" {
		return c.r.sayAndMove(tx, j.ticket.Key, said, j.sop.Tickets.Validate)
	}
	if err := c.r.say(tx, j.ticket.Key, said); err != nil {
		return err
	}
	return c.closeWithEvidence(tx, j)
}

// hidden reports whether a group that the role change takes away could not be read: whether the old access is gone is not
// known then. A group that does not exist any more gives no access.
func (c *conclusion) hidden(key ticket.Key) bool {
	for _, rc := range c.view.observation.RoleChanges {
		if rc.Ticket == key && slices.ContainsFunc(rc.Old, func(id access.GroupID) bool {
			cause, failed := c.loader.unread[id]
			return failed && !errors.Is(cause, access.ErrNotFound)
		}) {
			return true
		}
	}
	return false
}

// outstanding reports whether something is still to be done on the ticket's word.
func (c *conclusion) outstanding(key ticket.Key) bool {
	ours := func(ch change.Change) bool { return ch.Ticket == key }
	rests := slices.ContainsFunc(c.view.standoffs, func(s Standoff) bool { return ours(s.Change) }) // refused, and tried again
	return rests || slices.ContainsFunc(c.plan.Changes, ours) || slices.ContainsFunc(c.view.observation.Pending, ours)
}

// skipped returns what is due on the ticket's word and somebody else has to do.
func (c *conclusion) skipped(key ticket.Key) []plan.Skipped {
	var skipped []plan.Skipped
	for _, s := range c.plan.Skipped {
		if s.Change.Ticket == key {
			skipped = append(skipped, s)
		}
	}
	for _, ch := range c.plan.Proposed {
		if ch.Ticket == key {
			skipped = append(skipped, plan.Skipped{Change: ch, Why: "the system is only observed by sopd; somebody has to do it by hand"})
		}
	}
	return skipped
}

// closeWithEvidence attaches the evidence to a ticket and closes it.
func (c *conclusion) closeWithEvidence(tx *store.Tx, j judged) error {
	chain, err := evidence.OfTicket(tx, j.ticket.Key)
	if err != nil {
		return fmt.Errorf("evidence of %s: %w", j.ticket.Key, err)
	}
	attach := change.Effect{
		Key: string(j.ticket.Key) + "/evidence", Ticket: j.ticket.Key, Kind: change.Attach, Created: c.view.observation.Now,
		Name: "evidence-" + string(j.ticket.Key) + ".txt", Body: chain.Text(),
	}
	if _, err := tx.PutEffect(attach); err != nil {
		return err
	}
	_, err = tx.PutEffect(change.Effect{
		Key: string(j.ticket.Key) + "/close", Ticket: j.ticket.Key, Kind: change.Transition, Body: j.sop.Tickets.Close,
		Created: c.view.observation.Now, After: attach.Key,
	})
	return err
}
