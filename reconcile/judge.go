package reconcile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
)

// world is what judgements rest on besides their tickets. finish returns what went wrong with looking anything up in it; what
// was judged then is not to be used.
func (l *loader) world(tx *store.Tx) (world authority.World, finish func() error) {
	set := l.r.Policies
	h := &holdings{loader: l, tx: tx, apart: l.apart(), known: make(map[access.UserID][]authority.Holding)}
	directory := people.Over(set.People, snapshot{tx: tx, loader: l})
	world = authority.World{Catalog: set.Catalog, People: directory, Now: l.now, Held: h.of, Unread: l.dark}
	return world, func() error { return cmp.Or(directory.Err(), h.err) }
}

// verdicts decides on every open ticket.
func (l *loader) verdicts(world authority.World) []judged {
	cases := make([]judged, len(l.open))
	for i, j := range l.open {
		j.verdict = authority.Judge(j.ticket, j.approvals, j.sop.Rules, l.replacing(world, j))
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

// replacing is the world for a ticket that replaces every grant of other tickets: what they gave does not count as held.
func (l *loader) replacing(world authority.World, j judged) authority.World {
	held := world.Held
	if j.sop.Kind == policies.KindRoleChange && j.sop.Replaces == policies.ReplacesAll {
		world.Held = func(user access.UserID) []authority.Holding {
			all := held(user)
			return slices.DeleteFunc(slices.Clone(all), func(h authority.Holding) bool {
				return slices.ContainsFunc(all, func(x authority.Holding) bool { return x.Group == h.Group && x.Ticketed })
			})
		}
	}
	return world
}

// rivals judges again the requests that would conflict with another of the same person that was approved before. Neither
// wins in silence: the earlier stands, and the later is told with which ticket it conflicts.
func (l *loader) rivals(cases []judged, world authority.World) {
	var order []int
	for i, j := range cases {
		if j.proven() && len(j.sop.Rules.Separations) > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := cases[a], cases[b]
		return cmp.Or(x.verdict.Approved.Compare(y.verdict.Approved), cmp.Compare(len(x.ticket.ID), len(y.ticket.ID)), cmp.Compare(x.ticket.ID, y.ticket.ID))
	})
	before := make(map[access.UserID][]authority.Holding)
	held := world.Held
	world.Held = func(user access.UserID) []authority.Holding { return slices.Concat(held(user), before[user]) }
	for _, i := range order {
		j := &cases[i]
		j.verdict = authority.Judge(j.ticket, j.approvals, j.sop.Rules, l.replacing(world, *j))
		if !j.proven() {
			continue
		}
		for _, g := range grantsFor(*j) {
			if !l.over(g) {
				before[g.User] = append(before[g.User], authority.Holding{Group: g.Group, Why: fmt.Sprintf("by %s, which was approved before", g.Ticket)})
			}
		}
	}
}

// holdings looks up what people have in the groups that rules keep apart: by grants that live, and by being there.
type holdings struct {
	loader *loader
	tx     *store.Tx
	apart  []access.GroupID
	known  map[access.UserID][]authority.Holding
	err    error // the first; what was asked since is not to be used
}

func (h *holdings) of(user access.UserID) []authority.Holding {
	if found, known := h.known[user]; known || h.err != nil || len(h.apart) == 0 {
		return found
	}
	held, err := h.look(user)
	h.known[user], h.err = held, err
	return held
}

func (h *holdings) look(user access.UserID) ([]authority.Holding, error) {
	grants, err := h.tx.GrantsOf(user)
	if err != nil {
		return nil, err
	}
	var held []authority.Holding
	for _, g := range grants {
		if _, ours := slices.BinarySearch(h.apart, g.Group); ours && g.Live(h.loader.now) {
			held = append(held, authority.Holding{Group: g.Group, Why: origin(g), Ticketed: g.Reason == "" || g.Reason == change.RoleChange})
		}
	}
	for _, id := range h.apart {
		in, _, err := h.loader.in(h.tx, access.Membership{Group: id, User: user})
		if err != nil {
			return nil, err
		}
		if in {
			held = append(held, authority.Holding{Group: id, Why: "by being in the group " + h.loader.r.groupName(change.Change{Group: id})})
		}
	}
	return held, nil
}

// origin says in words for a ticket what a grant came from.
func origin(g change.Grant) string {
	if g.Ticket == "" {
		return "by " + g.Policy
	}
	return "by " + string(g.Ticket)
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
