package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Origin is where a membership comes from.
type Origin string

// The origins of a membership, in the order in which [Provenance] lists them.
const (
	ByRule       Origin = "rule"        // an active group rule feeds the group
	ByApp        Origin = "app"         // an application or Okta owns the group's members
	ByTicket     Origin = "ticket"      // an approved request or role change
	ByBirthright Origin = "birthright"  // a rule of a policy over the user's profile
	ByBreakGlass Origin = "break-glass" // an emergency
	ByUndo       Origin = "undo"        // a person restored what a change had removed
	ByBaseline   Origin = "baseline"    // adopted without a ticket
	ByHand       Origin = "by-hand"     // nothing speaks for it
)

// Origins lists every origin, in that order.
func Origins() []Origin {
	return []Origin{ByRule, ByApp, ByTicket, ByBirthright, ByBreakGlass, ByUndo, ByBaseline, ByHand}
}

// Source is one thing that speaks for a membership.
type Source struct {
	Origin Origin `json:"origin"`
	// Ticket and Grant are those that entitle, empty where there is none.
	Ticket ticket.Key     `json:"ticket,omitempty"`
	Grant  change.GrantID `json:"grant,omitempty"`
	Until  time.Time      `json:"until,omitzero"` // the end of the entitlement, exclusive
}

// Held is one membership with everything that speaks for it.
type Held struct {
	Group   access.GroupID `json:"group"`
	User    access.UserID  `json:"user"`
	Sources []Source       `json:"sources"` // at least one
}

// Provenance says of every membership in the observed groups where it comes from, sorted by group and user. Grants whose time
// is over no longer speak for anything.
func Provenance(o Observation) []Held {
	grants := make(map[access.Membership][]change.Grant)
	for _, g := range o.Grants {
		if g.Live(o.Now) {
			grants[g.Membership()] = append(grants[g.Membership()], g)
		}
	}
	var all []Held
	for _, g := range o.Groups {
		for _, user := range g.Members {
			m := access.Membership{Group: g.Group.ID, User: user}
			all = append(all, Held{Group: m.Group, User: user, Sources: o.sources(g, m, grants[m])})
		}
	}
	slices.SortFunc(all, func(a, b Held) int {
		return access.Membership{Group: a.Group, User: a.User}.Compare(access.Membership{Group: b.Group, User: b.User})
	})
	return all
}

func (o Observation) sources(g GroupState, m access.Membership, grants []change.Grant) []Source {
	var all []Source
	switch {
	case g.Group.Type != access.OktaGroup:
		all = append(all, Source{Origin: ByApp})
	case g.RuleFed:
		all = append(all, Source{Origin: ByRule})
	}
	for _, x := range grants {
		all = append(all, Source{Origin: origin(x), Ticket: x.Ticket, Grant: x.ID, Until: x.Expires})
	}
	if o.Baseline[m] {
		all = append(all, Source{Origin: ByBaseline})
	}
	if len(all) == 0 {
		all = append(all, Source{Origin: ByHand})
	}
	slices.SortStableFunc(all, func(a, b Source) int {
		if c := slices.Index(Origins(), a.Origin) - slices.Index(Origins(), b.Origin); c != 0 {
			return c
		}
		return cmp.Compare(a.Grant, b.Grant)
	})
	return all
}

func origin(g change.Grant) Origin {
	switch g.Reason {
	case change.Birthright:
		return ByBirthright
	case change.BreakGlass:
		return ByBreakGlass
	case change.Undo:
		return ByUndo
	default:
		return ByTicket
	}
}
