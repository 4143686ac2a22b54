package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The System Log's names of what makes somebody absent, besides those of sopd's own writes, and of what ends it.
//
// Source: Okta event type catalogue 2026.08.1.
const (
	eventUnsuspended = "user.lifecycle.unsuspend"
	eventReactivated = "user.lifecycle.reactivate"
	eventActivated   = "user.lifecycle.activate"
)

// mayApprove reports whether the person might give the approval when it was given: in their own right, as somebody's
// deputy, or because all others were absent.
func (c *checker) mayApprove(k consent, role authority.Approval, p change.Proof) bool {
	system, _ := c.set.Catalog.System(k.grant.System)
	own := ownRight(role, system)
	switch len(p.Behalf) {
	case 0:
		if c.oneOf(own, p.User, p.At) {
			return true
		}
	case 1:
		if c.deputy(k, role, p) {
			return true
		}
	}
	return c.substitute(k, role, p)
}

// ownRight returns who may give an approval without standing in for anybody.
func ownRight(role authority.Approval, system catalog.System) []catalog.People {
	if role.Owners {
		return []catalog.People{role.People, system.Owners}
	}
	return []catalog.People{role.People}
}

func (c *checker) deputy(k consent, role authority.Approval, p change.Proof) bool {
	system, _ := c.set.Catalog.System(k.grant.System)
	absent := p.Behalf[0]
	if absent == k.grant.User || c.requested(k.grant.Ticket, change.Proof{User: absent}) || !c.oneOf(ownRight(role, system), absent, p.At) {
		return false
	}
	return slices.ContainsFunc(role.Deputies, func(d authority.Deputy) bool {
		if d.For != absent || !c.oneOf([]catalog.People{d.People}, p.User, p.At) {
			return false
		}
		if d.From.IsZero() && d.Until.IsZero() {
			return c.away(absent, p.At)
		}
		return !p.At.Before(d.From) && (d.Until.IsZero() || p.At.Before(d.Until))
	})
}

func (c *checker) substitute(k consent, role authority.Approval, p change.Proof) bool {
	if !c.oneOf([]catalog.People{role.Absent.People}, p.User, p.At) {
		return false
	}
	system, _ := c.set.Catalog.System(k.grant.System)
	others := ownRight(role, system)
	for _, d := range role.Deputies {
		inTerm := !p.At.Before(d.From) && (d.Until.IsZero() || p.At.Before(d.Until))
		if inTerm && c.oneOf(ownRight(role, system), d.For, p.At) {
			others = append(others, d.People)
		}
	}
	for id := range c.users {
		if c.oneOf(others, id, p.At) && !c.away(id, p.At) {
			return false
		}
	}
	return true
}

// oneOf reports whether the user was among the people at the instant.
func (c *checker) oneOf(named []catalog.People, id access.UserID, at time.Time) bool {
	return slices.ContainsFunc(named, func(p catalog.People) bool {
		return slices.Contains(p.Users, id) || slices.ContainsFunc(p.Groups, func(g access.GroupID) bool {
			return c.stoodAt(access.Membership{Group: g, User: id}, at)
		})
	})
}

// everIn reports whether the user is in the group or has ever been.
func (c *checker) everIn(m access.Membership) bool {
	return c.members[m] || slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return (e.Type == eventAdded || e.Type == eventRemoved) && slices.Contains(e.Users, m.User) && slices.Contains(e.Groups, m.Group)
	})
}

// away reports whether the user was suspended or deactivated at the instant: by the log or, where it says nothing, by the
// status that they have now.
func (c *checker) away(id access.UserID, at time.Time) bool {
	u := c.users[id]
	gone := (u.Status == access.Suspended || u.Status == access.Deprovisioned) && u.StatusChanged.Before(at)
	var last time.Time
	for _, e := range c.truth.Events {
		if !e.Succeeded || e.Published.After(at) || e.Published.Before(last) || !slices.Contains(e.Users, id) {
			continue
		}
		switch e.Type {
		case eventSuspended, eventDeactivated:
			gone, last = true, e.Published
		case eventUnsuspended, eventReactivated, eventActivated:
			gone, last = false, e.Published
		}
	}
	return gone
}

// moved reports whether the ticket's history shows the proof's transition by its author, the policy lets it count, no other
// change of status came between it and the grant, and no approval object says otherwise.
func (c *checker) moved(k consent, p change.Proof) bool {
	t, known := c.tickets[k.grant.Ticket]
	if !known {
		return true // it is gone, and proves nothing against it
	}
	counts := func(e ticket.Edit) bool {
		return slices.ContainsFunc(k.sop.Rules.Transitions, func(allowed authority.Transition) bool {
			return allowed.From == e.FromText && allowed.To == e.ToText
		})
	}
	found := false
	for _, e := range t.History {
		if !strings.EqualFold(e.Field, "status") || e.At.After(k.known) {
			continue
		}
		if e.At.Equal(p.At) && e.By == p.Account && e.FromText+" > "+e.ToText == p.Transition {
			found = true
		}
		found = found && counts(e)
	}
	return found && !slices.ContainsFunc(c.approvals[k.grant.Ticket], func(a ticket.Approval) bool {
		return a.Decision != ticket.Approved && a.Created.Before(k.known)
	})
}

// edited reports whether a field that defines the access was edited between the proof and the grant.
func (c *checker) edited(k consent, p change.Proof) bool {
	return slices.ContainsFunc(c.tickets[k.grant.Ticket].History, func(e ticket.Edit) bool {
		defines := slices.ContainsFunc(k.sop.Rules.Fields.Names(), func(name string) bool { return strings.EqualFold(name, e.Field) })
		return defines && e.At.After(p.At) && e.At.Before(k.known.Add(-skew))
	})
}

// recordedAt returns when the ledger took the grant in, the last time before the instant; zero when it had not by then.
func (c *checker) recordedAt(id change.GrantID, by time.Time) time.Time {
	var at time.Time
	for _, recorded := range c.granted[id] {
		if !recorded.After(by) {
			at = recorded
		}
	}
	return at
}
