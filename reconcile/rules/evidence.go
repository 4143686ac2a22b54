package rules

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// eventDeactivated is the System Log's name of a deactivation.
//
// Source: Okta event type catalogue 2026.08.1.
const eventDeactivated = "user.lifecycle.deactivate"

// evidence is rule 1: whatever was taken away was taken on positive evidence that stood at the time.
func (c *checker) evidence() error {
	for _, ch := range c.changes {
		if ch.Kind == change.AddMember {
			continue
		}
		if why := c.unfounded(ch); why != "" {
			c.broken(1, "%s (%s, %s): %s", ch.ID, ch.Kind, ch.Reason, why)
		}
	}
	return nil
}

// unfounded says what the evidence for the change lacks, empty when nothing.
func (c *checker) unfounded(ch change.Change) string {
	switch ch.Reason {
	case change.Offboarding:
		return c.byTicket(ch, policies.KindDeprovisioning)
	case change.Revocation:
		return c.byTicket(ch, policies.KindRevocation)
	case change.Deprovisioned:
		if !c.deactivated(ch.User, ch.Intended) {
			return "Okta never showed the user as deactivated"
		}
		return ""
	case change.Expired:
		return c.expired(ch)
	case change.Drift:
		return c.drift(ch)
	case change.RoleChange:
		return c.roleChanged(ch)
	case change.Unreviewed:
		return c.unreviewed(ch)
	case change.Undo:
		return c.undone(ch)
	case change.Containment:
		return c.confirmed(ch)
	case change.Review:
		return c.reviewed(ch)
	default:
		return "no such evidence is known"
	}
}

// deactivated reports whether the user is, or was by the time, deactivated in Okta.
func (c *checker) deactivated(user access.UserID, by time.Time) bool {
	if c.users[user].Status == access.Deprovisioned {
		return true
	}
	return slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return e.Type == eventDeactivated && e.Succeeded && slices.Contains(e.Users, user) && !e.Published.After(by.Add(skew))
	})
}

// byTicket holds a removal against the ticket that demanded it: its kind, its approval, whom and what it names, and when
// it took effect.
func (c *checker) byTicket(ch change.Change, kind string) string {
	t, known := c.tickets[ch.Ticket]
	if !known {
		return "its ticket is not known"
	}
	sop, ours := c.set.SOP(t)
	if !ours || sop.Kind != kind {
		return "its ticket belongs to another procedure"
	}
	request, _ := authority.Read(t, sop.Rules.Fields, c.set.Catalog, c.people)
	switch {
	case request.Beneficiary.ID != ch.User:
		return "its ticket is about somebody else"
	case ch.Intended.Before(request.Effective):
		return "its ticket was not in effect yet"
	case kind == policies.KindRevocation && !wants(request, ch.Group):
		return "its ticket does not name the group"
	case !c.consented(t.Key, request, ch.Intended) && !c.waved(sop, t, ch.Intended):
		return "nobody else had approved its ticket"
	default:
		return ""
	}
}

func wants(r authority.Request, group access.GroupID) bool {
	return slices.ContainsFunc(r.Wanted, func(w authority.Wanted) bool { return slices.Contains(w.Role.Groups, group) })
}

// consented reports whether, by the time, somebody who is neither requester nor beneficiary had approved the ticket.
func (c *checker) consented(key ticket.Key, r authority.Request, by time.Time) bool {
	for _, a := range c.approvals[key] {
		if a.Decision != ticket.Approved || a.Completed.IsZero() || a.Completed.After(by.Add(skew)) {
			continue
		}
		for _, approver := range a.Approvers {
			user, err := c.people.Match(approver.Person)
			if approver.Decision == ticket.Approved && err == nil && user.ID != r.Beneficiary.ID && user.ID != r.Requester.ID {
				return true
			}
		}
	}
	return false
}

// waved reports whether, by the time, somebody else than requester and beneficiary had taken a transition that the policy
// lets count.
func (c *checker) waved(sop policies.SOP, t ticket.Ticket, by time.Time) bool {
	request, _ := authority.Read(t, sop.Rules.Fields, c.set.Catalog, c.people)
	return slices.ContainsFunc(t.History, func(e ticket.Edit) bool {
		person := t.People[e.By]
		person.Account = e.By
		user, err := c.people.Match(person)
		return slices.Contains(sop.Rules.Transitions, authority.Transition{From: e.FromText, To: e.ToText}) && !e.At.After(by.Add(skew)) &&
			err == nil && user.ID != request.Beneficiary.ID && user.ID != request.Requester.ID
	})
}

// expired holds a removal against the grant that ran out: no other grant may have entitled then.
func (c *checker) expired(ch change.Change) string {
	g, known := c.grants[ch.Grant]
	switch {
	case !known:
		return "its grant is not known"
	case g.Membership() != ch.Membership():
		return "its grant is of another membership"
	case g.Expires.IsZero() || ch.Intended.Before(g.Expires):
		return "its grant had not run out"
	}
	return c.unentitled(ch)
}

// confirmation is what a playbook.step entry has to say.
type confirmation struct {
	Incident string        `json:"incident"`
	Step     change.Kind   `json:"step"`
	By       access.UserID `json:"by"`
}

// confirmed holds a change against the step of an incident's playbook that the ledger had before the intent: for an
// incident, of this very kind, and on the word of somebody else whom the policy authorises.
func (c *checker) confirmed(ch change.Change) string {
	why := "no step of a playbook was recorded before"
	for _, r := range c.records {
		if r.Kind != ledger.PlaybookStep || r.User != ch.User || r.Group != ch.Group || r.At.After(ch.Intended) {
			continue
		}
		said, _ := body[confirmation](r)
		switch {
		case said.Incident == "":
			why = "the step names no incident"
		case said.Step != ch.Kind:
			why = "the step that was confirmed is another"
		case said.By == "" || said.By == ch.User:
			why = "nobody else has confirmed the step"
		case !c.mayContain(said.By):
			why = "whoever confirmed the step may not"
		default:
			return ""
		}
	}
	return why
}

// mayContain reports whether the policy lets the person confirm playbooks. Where the members of the groups that may are not
// known, that part is left to the loop.
func (c *checker) mayContain(by access.UserID) bool {
	if c.set.Incident == nil {
		return true
	}
	may := c.set.Incident.Containment.Authorised
	if slices.Contains(may.Users, by) {
		return true
	}
	return slices.ContainsFunc(may.Groups, func(g access.GroupID) bool {
		_, known := c.truth.Members[g]
		return !known || c.members[access.Membership{Group: g, User: by}]
	})
}

// drift holds a removal against the mode of its group and against everything that could have spoken for the membership.
func (c *checker) drift(ch change.Change) string {
	if c.set.Catalog.Mode(ch.Group) != catalog.Enforce {
		return "policy does not enforce the group"
	}
	if c.adopted[ch.Membership()] {
		return "the membership is part of the baseline"
	}
	return c.unentitled(ch)
}

// unentitled says which grant, recorded by then, entitled to the membership; empty when none did.
func (c *checker) unentitled(ch change.Change) string {
	for id, g := range c.grants {
		if g.Membership() != ch.Membership() || !c.recorded(id, ch.Intended) {
			continue
		}
		if (g.Expires.IsZero() || ch.Intended.Before(g.Expires)) && (g.Ended.IsZero() || ch.Intended.Before(g.Ended)) {
			return "the grant of " + string(g.Ticket) + " entitled to it"
		}
	}
	return ""
}

// recorded reports whether the ledger had the grant before the instant.
func (c *checker) recorded(id change.GrantID, before time.Time) bool {
	return !c.recordedAt(id, before).IsZero()
}

// suspended is rule 8: a suspension is no evidence, and never counted as a deactivation.
func (c *checker) suspended() error {
	for _, ch := range c.changes {
		if ch.Reason == change.Deprovisioned && c.users[ch.User].Status == access.Suspended && !c.deactivated(ch.User, ch.Intended) {
			c.broken(8, "%s (%s) took a suspended user for a deactivated one", ch.ID, ch.Kind)
		}
	}
	for _, e := range c.ownEvents(eventRemoved) {
		for _, user := range e.Users {
			if c.users[user].Status == access.Suspended && !c.hasRemoval(user, e) {
				c.broken(8, "event %s took access from a suspended user without evidence", e.ID)
			}
		}
	}
	return nil
}

func (c *checker) hasRemoval(user access.UserID, e access.Event) bool {
	return slices.ContainsFunc(c.changes, func(ch change.Change) bool {
		return ch.Kind == change.RemoveMember && ch.User == user && slices.Contains(e.Groups, ch.Group) && c.unfounded(ch) == ""
	})
}
