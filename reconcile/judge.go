package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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

// logKept is how far back the System Log goes. An entry from before the oldest open ticket may tell since when somebody is in
// a group who was first seen in it later.
//
// Source: Okta Management API 2026.06, GET /api/v1/logs: 90 days.
const logKept = 90 * 24 * time.Hour

// loadPast loads what tells who was in the groups of approvers when the open tickets were approved.
func (l *loader) loadPast(tx *store.Tx) error {
	l.past = people.Past{Turns: make(map[access.Membership][]people.Turn), Seen: make(map[access.Membership]time.Time)}
	if len(l.open) == 0 {
		return nil
	}
	oldest := slices.MinFunc(l.open, func(a, b judged) int { return a.ticket.Created.Compare(b.ticket.Created) }).ticket.Created
	for _, group := range l.r.Policies.Eligible() {
		seen, err := tx.Newcomers(group)
		if err != nil {
			return err
		}
		for user, at := range seen {
			l.past.Seen[access.Membership{Group: group, User: user}] = at
		}
		events, err := tx.EventsIn(group, oldest.Add(-logKept))
		if err != nil {
			return err
		}
		for _, e := range events {
			l.turn(group, e)
		}
	}
	return nil
}

func (l *loader) turn(group access.GroupID, e access.Event) {
	if !e.Succeeded || e.Type != eventMemberAdded && e.Type != eventMemberRemoved {
		return
	}
	for _, user := range e.Users {
		m := access.Membership{Group: group, User: user}
		l.past.Turns[m] = append(l.past.Turns[m], people.Turn{At: e.Published, In: e.Type == eventMemberAdded})
	}
}

// world is what judgements rest on besides their tickets.
func (l *loader) world() authority.World {
	set := l.r.Policies
	return authority.World{
		Catalog: set.Catalog, People: people.New(set.People, l.users, l.eligible).Recall(l.past), Now: l.now,
		Held: l.holdings(), Unread: l.dark,
	}
}

// judge decides on every open ticket.
func (l *loader) judge() []judged {
	world := l.world()
	cases := make([]judged, len(l.open))
	for i, j := range l.open {
		j.verdict = authority.Judge(j.ticket, j.approvals, j.sop.Rules, world)
		cases[i] = j
	}
	if len(l.r.Policies.Separations) > 0 {
		l.rivals(cases, world)
	}
	for i := range cases {
		cases[i].undecided = l.undecided(cases[i])
	}
	return cases
}

// rivals judges again the requests that would conflict with another of the same person that was approved before. Neither
// wins in silence: the earlier stands, and the later is told with which ticket it conflicts.
func (l *loader) rivals(cases []judged, world authority.World) {
	var order []int
	for i, j := range cases {
		if j.sop.Kind == policies.KindAccessProvisioning && j.proven() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := cases[a], cases[b]
		return cmp.Or(x.verdict.Approved.Compare(y.verdict.Approved), cmp.Compare(len(x.ticket.ID), len(y.ticket.ID)), cmp.Compare(x.ticket.ID, y.ticket.ID))
	})
	for _, i := range order {
		j := &cases[i]
		user := j.verdict.Request.Beneficiary.ID
		j.verdict = authority.Judge(j.ticket, j.approvals, j.sop.Rules, world)
		if !j.proven() {
			continue
		}
		for _, g := range j.verdict.Grants(j.sop.ID()) {
			if !l.over(g) {
				world.Held[user] = append(world.Held[user], authority.Holding{Group: g.Group, Why: fmt.Sprintf("by %s, which was approved before", g.Ticket)})
			}
		}
	}
}

// holdings returns what people have in the groups that rules keep apart: by grants that live, and by being there, adopted
// or not.
func (l *loader) holdings() map[access.UserID][]authority.Holding {
	held := make(map[access.UserID][]authority.Holding)
	apart := l.apart()
	if len(apart) == 0 {
		return held
	}
	hold := func(m access.Membership, why string) {
		if _, found := slices.BinarySearch(apart, m.Group); found {
			held[m.User] = append(held[m.User], authority.Holding{Group: m.Group, Why: why})
		}
	}
	for _, g := range l.grants {
		if g.Live(l.now) {
			hold(g.Membership(), "by "+string(g.Ticket))
		}
	}
	for _, g := range l.groups {
		for _, user := range g.Members {
			m := access.Membership{Group: g.Group.ID, User: user}
			why := "by being in the group " + g.Group.Name
			if l.baseline[m] {
				why += ", from before sopd"
			}
			hold(m, why)
		}
	}
	return held
}

// apart returns the groups that rules keep apart, sorted.
func (l *loader) apart() []access.GroupID {
	var groups []access.GroupID
	for _, rule := range l.r.Policies.Separations {
		groups = append(groups, rule.Groups(l.r.Policies.Catalog)...)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// conflict is a rule that somebody breaks already.
type conflict struct {
	user access.UserID
	authority.Conflict
}

// conflicts returns the rules that are broken already, by what people have and not by what they ask for, sorted by user.
// Nothing is taken away for them.
func (l *loader) conflicts() []conflict {
	var all []conflict
	for user, held := range l.holdings() {
		d := authority.Duties{User: user, Catalog: l.r.Policies.Catalog, Held: held, Now: l.now}
		for _, c := range d.Standing(l.r.Policies.Separations) {
			if !l.excepted(user, c.Rule.Name) {
				all = append(all, conflict{user, c})
			}
		}
	}
	slices.SortFunc(all, func(a, b conflict) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.Rule.Name, b.Rule.Name))
	})
	return all
}

// excepted reports whether a grant of the user that lives was allowed as an exception to the rule.
func (l *loader) excepted(user access.UserID, rule string) bool {
	return slices.ContainsFunc(l.grants, func(g change.Grant) bool {
		return g.User == user && g.Live(l.now) && slices.ContainsFunc(g.Approvals, func(p change.Proof) bool { return p.Exception == rule })
	})
}

// orphan is a grant that lives on while its ticket is not where it was.
type orphan struct {
	grant change.Grant
	moved ticket.Key // the key that it has now; empty when the ticket is gone
}

// lostFor is for how long a removal that was approved and whose ticket is gone is pointed out.
const lostFor = 30 * 24 * time.Hour

// loadLost looks for tickets that were to take access away and are gone before they did. Nothing is taken on them.
func (l *loader) loadLost(tx *store.Tx) error {
	lost, err := tx.LostTickets(l.now.Add(-lostFor))
	if err != nil {
		return err
	}
	for _, t := range lost {
		sop, ours := l.r.Policies.SOP(t)
		if !ours || sop.Kind == policies.KindAccessProvisioning || !slices.Contains(sop.Tickets.Fulfil, t.Status) {
			continue
		}
		j := judged{sop: sop, ticket: t}
		if j.approvals, _, _, err = tx.Approvals(t.Key); err != nil {
			return err
		}
		l.lost = append(l.lost, j)
	}
	return nil
}

// unfinished returns the removals whose ticket is gone and whose person still has what they were about.
func (l *loader) unfinished() []judged {
	if len(l.lost) == 0 {
		return nil
	}
	world := l.world()
	var left []judged
	for _, j := range l.lost {
		j.verdict = authority.Judge(j.ticket, j.approvals, j.sop.Rules, world)
		if j.verdict.Outcome == authority.Proven && l.has(j.verdict.Request) {
			left = append(left, j)
		}
	}
	return left
}

// has reports whether the beneficiary is in a group that the request is about; in any of ours when it names none.
func (l *loader) has(r authority.Request) bool {
	return slices.ContainsFunc(l.groups, func(g plan.GroupState) bool {
		_, in := slices.BinarySearch(g.Members, r.Beneficiary.ID)
		named := slices.ContainsFunc(r.Wanted, func(w authority.Wanted) bool { return slices.Contains(w.Role.Groups, g.Group.ID) })
		return in && (named || len(r.Wanted) == 0)
	})
}

// loadOrphans looks for the tickets of the grants that live. A ticket that is gone or has moved away proves nothing any
// more and disproves nothing either: nothing is taken for it.
func (l *loader) loadOrphans(tx *store.Tx) error {
	stray, err := tx.StrayGrants()
	if err != nil {
		return err
	}
	for _, g := range stray {
		id, _, _ := strings.Cut(string(g.ID), "/")
		t, found, err := tx.TicketByID(ticket.ID(id))
		if err != nil {
			return err
		}
		if _, ours := l.r.Policies.SOP(t); g.Live(l.now) && (!found || !ours) {
			l.orphans = append(l.orphans, orphan{grant: g, moved: t.Key})
		}
	}
	return nil
}
