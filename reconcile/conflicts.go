package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// candidates are the people who are in groups that rules keep apart, and what that rests on.
type candidates struct {
	key   string // the groups' revisions
	users []access.UserID
}

// conflicts points out what people have already against the separation of duties. It is for a person to decide which of
// two goes: sopd takes neither. What was allowed as an exception is none.
func (c *conclusion) conflicts(tx *store.Tx) ([]finding.Finding, error) {
	separations := c.r.Policies.Separations
	if len(separations) == 0 {
		return nil, nil
	}
	users, err := c.loader.inSeveral(tx)
	if err != nil {
		return nil, err
	}
	world, finish := c.loader.world(tx)
	var all []finding.Finding
	for _, user := range users {
		d := authority.Duties{User: user, Catalog: world.Catalog, Held: world.Held(user), Now: c.view.observation.Now}
		for _, x := range d.Standing(separations) {
			allowed, err := c.excepted(tx, user, x.Rule.Name)
			if err != nil {
				return nil, err
			}
			if allowed {
				continue
			}
			all = append(all, finding.Finding{
				Key: finding.Key("conflict/" + x.Rule.Name + "/" + string(user)), Kind: FindingConflict, User: user,
				Title: "somebody has duties that the rule " + x.Rule.Name + " keeps apart; sopd takes none of them", Raised: c.view.observation.Now,
				Detail: map[string]string{"rule": x.Rule.Name, "duty": x.Duty.String(), "with": x.With.String()},
			})
		}
	}
	return all, finish()
}

// excepted reports whether a grant of the user that lives was allowed as an exception to the rule.
func (c *conclusion) excepted(tx *store.Tx, user access.UserID, rule string) (bool, error) {
	grants, err := tx.GrantsOf(user)
	return slices.ContainsFunc(grants, func(g change.Grant) bool {
		return g.Live(c.view.observation.Now) && slices.ContainsFunc(g.Approvals, func(p change.Proof) bool { return p.Exception == rule })
	}), err
}

// inSeveral returns, sorted, who is in more than one of the groups that rules keep apart. While no revision of these groups
// moves on, they are the same people as before.
func (l *loader) inSeveral(tx *store.Tx) ([]access.UserID, error) {
	apart := l.apart()
	revisions, err := tx.GroupRevisions()
	if err != nil {
		return nil, err
	}
	var key strings.Builder
	for _, id := range apart {
		fmt.Fprintf(&key, "%s=%d ", id, revisions[id])
	}
	if l.r.inSeveral.key == key.String() {
		return l.r.inSeveral.users, nil
	}
	counts := make(map[access.UserID]int)
	for _, id := range apart {
		members, _, _, err := tx.Members(id)
		if err != nil {
			return nil, err
		}
		for _, user := range members {
			counts[user]++
		}
	}
	maps.DeleteFunc(counts, func(_ access.UserID, n int) bool { return n < 2 })
	l.r.inSeveral = candidates{key: key.String(), users: slices.Sorted(maps.Keys(counts))}
	return l.r.inSeveral.users, nil
}

// orphaned points out access that rests on a ticket that is not there any more. Nothing is taken: that the ticket is gone
// does not say that the access was wrong.
func (c *conclusion) orphaned(tx *store.Tx) ([]finding.Finding, error) {
	stray, err := tx.StrayGrants()
	if err != nil {
		return nil, err
	}
	var all []finding.Finding
	for _, g := range stray {
		f, orphan, err := c.orphan(tx, g)
		if err != nil {
			return nil, err
		}
		if orphan {
			all = append(all, f)
		}
	}
	lost, err := c.unfinished(tx)
	return append(all, lost...), err
}

// orphan holds a grant whose ticket is not under its key any more against where that is now. A ticket that moved within the
// procedures is still one of theirs.
func (c *conclusion) orphan(tx *store.Tx, g change.Grant) (f finding.Finding, orphan bool, err error) {
	id, _, _ := strings.Cut(string(g.ID), "/")
	t, found, err := tx.TicketByID(ticket.ID(id))
	_, ours := c.r.Policies.SOP(t)
	if err != nil || !g.Live(c.view.observation.Now) || found && ours {
		return f, false, err
	}
	f = finding.Finding{
		Key: finding.Key("orphaned/" + string(g.ID)), Kind: FindingOrphaned, User: g.User, Group: g.Group, Ticket: g.Ticket,
		Title: "the ticket that an access rests on was deleted or cannot be seen any more; the access stays until somebody decides", Raised: c.view.observation.Now,
	}
	if found {
		f.Title = "the ticket that an access rests on has moved out of the procedure; the access stays until somebody decides"
		f.Detail = map[string]string{"moved": string(t.Key)}
	}
	return f, true, nil
}

// lostFor is for how long a removal that was approved and whose ticket is gone is pointed out.
const lostFor = 30 * 24 * time.Hour

// unfinished points out tickets that were to take access away and are gone before they did. Nothing is taken on them.
func (c *conclusion) unfinished(tx *store.Tx) ([]finding.Finding, error) {
	lost, err := tx.LostTickets(c.view.observation.Now.Add(-lostFor))
	if err != nil {
		return nil, err
	}
	world, finish := c.loader.world(tx)
	var all []finding.Finding
	for _, t := range lost {
		sop, ours := c.r.Policies.SOP(t)
		removal := sop.Kind == policies.KindDeprovisioning || sop.Kind == policies.KindRevocation
		if !ours || !removal || !slices.Contains(sop.Tickets.Fulfil, t.Status) {
			continue
		}
		approvals, _, _, err := tx.Approvals(t.Key)
		if err != nil {
			return nil, err
		}
		verdict := authority.Judge(t, approvals, sop.Rules, world)
		has, err := c.has(tx, verdict.Request)
		if err != nil {
			return nil, err
		}
		if verdict.Outcome == authority.Proven && has {
			all = append(all, finding.Finding{
				Key: finding.Key("orphaned/" + string(t.ID)), Kind: FindingOrphaned, User: verdict.Request.Beneficiary.ID, Ticket: t.Key,
				Title: "the ticket of an approved removal was deleted or cannot be seen any more before it was done; nothing is taken on it", Raised: c.view.observation.Now,
			})
		}
	}
	slices.SortFunc(all, func(a, b finding.Finding) int { return cmp.Compare(a.Key, b.Key) })
	return all, finish()
}

// has reports whether the beneficiary is in a group that the request is about; in any of ours when it names none.
func (c *conclusion) has(tx *store.Tx, r authority.Request) (bool, error) {
	memberships, err := tx.MembershipsOf(r.Beneficiary.ID)
	return slices.ContainsFunc(memberships, func(m access.Membership) bool {
		_, managed := c.r.Policies.Catalog.Group(m.Group)
		named := slices.ContainsFunc(r.Wanted, func(w authority.Wanted) bool { return slices.Contains(w.Role.Groups, m.Group) })
		return managed && (named || len(r.Wanted) == 0)
	}), err
}
