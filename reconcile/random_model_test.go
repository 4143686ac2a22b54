package reconcile_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
	"pgregory.net/rapid"
)

// model is the second account of a drawn world: what was truly approved, what speaks against it, and what is not clear
// enough to be held against anybody. It knows nothing of passes and plans.
type model struct {
	claims []*claim
	people map[access.UserID]*standingOf
	member map[access.Membership]*history
	murky  map[access.GroupID]bool
}

// claim is a request for access.
type claim struct {
	ticket    ticket.Key
	user      access.UserID
	groups    []access.GroupID
	approvers []access.UserID
	expires   time.Time

	answered, edited bool
	good             bool // approved by all who have to
	approved         time.Time
	murky            bool // touched in a way of which the outcome may be either
}

// standingOf is what is known of one person.
type standingOf struct {
	left    []time.Time // offboardings, when they take effect
	leaving bool        // one of them may still be under way
	murky   bool        // was suspended or came back
}

// history is what happened to one membership.
type history struct {
	adopted  bool
	hand     bool // in, as far as hands go
	handAt   time.Time
	revokeds []time.Time
}

func newModel(b *bench) model {
	m := model{
		people: make(map[access.UserID]*standingOf), member: make(map[access.Membership]*history),
		murky: map[access.GroupID]bool{"gPortal": true},
	}
	for _, id := range movable() {
		m.people[id] = &standingOf{}
		for _, g := range []access.GroupID{"gWiki", "gPay", "gPayAdm", "gArchive", "gPortal"} {
			k := access.Membership{Group: g, User: id}
			in := b.v.okta.in(k, b.v.clock.now)
			m.member[k] = &history{adopted: in, hand: in}
		}
	}
	return m
}

func (m *model) asked(c claim) { m.claims = append(m.claims, &c) }

func (m *model) unanswered(rt *rapid.T) *claim {
	var open []*claim
	for _, c := range m.claims {
		if !c.answered {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return rapid.SampledFrom(open).Draw(rt, "which")
}

func (m *model) leaves(user access.UserID, at time.Time) {
	p := m.people[user]
	p.left, p.leaving = append(p.left, at), true
}

func (m *model) revoked(k access.Membership, at time.Time) {
	m.member[k].revokeds = append(m.member[k].revokeds, at)
}

func (m *model) hand(k access.Membership, in bool, at time.Time) {
	h := m.member[k]
	h.hand, h.handAt = in, at
}

// rested notes that everything has come to rest: who was leaving has left.
func (m *model) rested(now time.Time) {
	for _, p := range m.people {
		p.leaving = false
		for _, at := range p.left {
			p.leaving = p.leaving || at.After(now.Add(-time.Minute))
		}
	}
}

// verdict is what should be.
type verdict int

const (
	unclear verdict = iota
	inside
	outside
)

// want returns what should have become of a membership by now.
func (m *model) want(k access.Membership, mode string, deprovisioned bool, now time.Time) verdict {
	p, h := m.people[k.User], m.member[k]
	against, ran := m.against(k, now)
	switch {
	case k.User == "uGlass" && !h.hand: // may be given something
		return unclear
	case k.User == "uGlass" || mode == "observe": // never taken anything from
		return map[bool]verdict{true: inside, false: outside}[h.hand]
	case m.murky[k.Group]:
		return unclear
	case deprovisioned:
		return outside
	case p.murky:
		return unclear
	case ran:
		return unclear
	}
	word, live, expiredOne := m.speaksFor(k, against, now)
	switch {
	case word == unclear:
		return unclear
	case live:
		return inside
	case mode == "enforce" && (!h.adopted || !against.IsZero()):
		return outside
	case against.IsZero() && !expiredOne:
		return map[bool]verdict{true: inside, false: outside}[h.hand]
	case h.handAt.IsZero() && !against.IsZero(), h.handAt.IsZero() && !h.adopted:
		return outside
	default:
		return unclear // somebody's hands came between
	}
}

// against returns the last thing that took the membership away. soon says that one is about to, or has only just.
func (m *model) against(k access.Membership, now time.Time) (at time.Time, soon bool) {
	for _, t := range append(append([]time.Time{}, m.people[k.User].left...), m.member[k].revokeds...) {
		switch {
		case t.After(now):
		case now.Sub(t) < 5*time.Minute:
			soon = true
		case t.After(at):
			at = t
		}
	}
	return at, soon
}

// speaksFor weighs the claims for a membership that were approved after the last word against it.
func (m *model) speaksFor(k access.Membership, against, now time.Time) (word verdict, live, expired bool) {
	word = inside
	for _, c := range m.claims {
		about := c.user == k.User && (c.edited || contains(c.groups, k.Group))
		if !about {
			continue
		}
		switch {
		case c.murky || c.edited:
			word = unclear
		case !c.good:
		case !c.expires.IsZero() && !now.Before(c.expires.Add(5*time.Minute)):
			expired = true
		case !c.expires.IsZero() && now.After(c.expires.Add(-5*time.Minute)):
			word = unclear
		case c.approved.After(against):
			live = true
		}
	}
	return word, live, expired
}

func contains[T comparable](all []T, x T) bool {
	for _, a := range all {
		if a == x {
			return true
		}
	}
	return false
}

// check holds every membership against what should be.
func (m *model) check(r *random) {
	r.Helper()
	modes := map[access.GroupID]string{"gWiki": "grant", "gPay": "enforce", "gPayAdm": "enforce", "gArchive": "observe", "gPortal": "enforce"}
	for k := range m.member {
		gone := r.v.okta.users[k.User].Status == access.Deprovisioned
		want := m.want(k, modes[k.Group], gone, r.v.clock.now)
		if is := r.in(k.Group, k.User); want != unclear && is != (want == inside) {
			r.Errorf("%s in %s: %v, want %v", k.User, k.Group, is, !is)
		}
	}
}
