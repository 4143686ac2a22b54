package rules

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// eventProfile is the System Log's name of a changed profile.
//
// Source: Okta event type catalogue 2026.08.1.
const eventProfile = "user.account.update_profile"

// stoodAt reports whether the membership stood at the instant: what is now, with the later events of the log taken back.
func (c *checker) stoodAt(m access.Membership, at time.Time) bool {
	in := c.members[m]
	for _, e := range slices.Backward(c.truth.Events) {
		if e.Published.After(at) && e.Succeeded && slices.Contains(e.Users, m.User) && slices.Contains(e.Groups, m.Group) {
			switch e.Type {
			case eventAdded:
				in = false
			case eventRemoved:
				in = true
			default: // nothing about the membership
			}
		}
	}
	return in
}

// roleChanged holds a removal against the role change that demanded it, or against the profile that became another one.
func (c *checker) roleChanged(ch change.Change) string {
	if ch.Ticket == "" {
		return c.outgrown(ch)
	}
	if why := c.byTicket(ch, policies.KindRoleChange); why != "" {
		return why
	}
	t := c.tickets[ch.Ticket]
	sop, _ := c.set.SOP(t)
	request, _ := authority.Read(t, sop.Rules.Fields, c.set.Catalog, c.people)
	named := slices.ContainsFunc(request.Replaced, func(w authority.Wanted) bool { return slices.Contains(w.Role.Groups, ch.Group) })
	g, known := c.grants[ch.Grant]
	all := sop.Replaces == policies.ReplacesAll && known && g.Reason != change.Birthright
	switch {
	case !named && !all:
		return "its ticket does not take that role away"
	case wants(request, ch.Group):
		return "its ticket asks for the same group"
	case sop.ForbidOverlap || c.keptApart(sop, request, ch.Group):
		return ""
	}
	for _, w := range request.Wanted {
		for _, id := range w.Role.Groups {
			if !c.stoodAt(access.Membership{Group: id, User: ch.User}, ch.Intended) {
				return "the new role was not there yet"
			}
		}
	}
	return ""
}

// overlapped says when a role change that forbids both roles at once gave the new one before the old was gone.
func (c *checker) overlapped(g change.Grant, ch change.Change) string {
	t := c.tickets[g.Ticket]
	sop, _ := c.set.SOP(t)
	request, _ := authority.Read(t, sop.Rules.Fields, c.set.Catalog, c.people)
	if g.Reason != change.RoleChange || !sop.ForbidOverlap && !c.keptApart(sop, request, "") {
		return ""
	}
	for _, w := range request.Replaced {
		for _, id := range w.Role.Groups {
			if !wants(request, id) && c.stoodAt(access.Membership{Group: id, User: ch.User}, ch.Intended) {
				return "the old role was still there, and policy forbids both"
			}
		}
	}
	return ""
}

// ruleOf returns the birthright rule that the grant came from.
func (c *checker) ruleOf(g change.Grant) (rule birthright.Rule, ok bool) {
	for _, p := range c.set.Birthrights {
		if rule, ok = p.RuleOf(g); ok {
			return rule, true
		}
	}
	return birthright.Rule{}, false
}

// reprofiled reports whether the user's profile was changed after the instant.
func (c *checker) reprofiled(user access.UserID, after time.Time) bool {
	return slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return e.Type == eventProfile && e.Published.After(after.Add(-skew)) && slices.Contains(e.Users, user)
	})
}

// outgrown holds a removal against the birthright that the user's profile no longer gives.
func (c *checker) outgrown(ch change.Change) string {
	g, known := c.grants[ch.Grant]
	switch {
	case !known || g.Reason != change.Birthright:
		return "it has neither a ticket nor a birthright"
	case g.Membership() != ch.Membership():
		return "its birthright is of another membership"
	case g.Lapsed.IsZero() || ch.Intended.Before(g.Expires):
		return "its birthright had not lapsed, or its grace was not over"
	}
	rule, ok := c.ruleOf(g)
	if ok && rule.Judge(c.users[ch.User]) != birthright.Differs && !c.reprofiled(ch.User, ch.Intended) {
		return "the user's profile is not another one, or not known"
	}
	for id, other := range c.grants {
		ended := !other.Ended.IsZero() && other.Ended.Before(ch.Intended)
		if other.User != ch.User || other.Reason != change.Birthright || !other.Lapsed.IsZero() || ended || !c.recorded(id, ch.Intended) {
			continue
		}
		if c.set.Catalog.Mode(other.Group).Writes() && !c.stoodAt(other.Membership(), ch.Intended) {
			return "what the new profile gives was not there yet"
		}
	}
	return c.unentitled(ch)
}

// byProfile says what the birthright behind an addition lacks.
func (c *checker) byProfile(g change.Grant, ch change.Change) string {
	rule, ok := c.ruleOf(g)
	switch {
	case !ok:
		return "" // made under a policy that is not at hand
	case rule.Judge(c.users[g.User]) != birthright.Matches && !c.reprofiled(g.User, ch.Intended):
		return "the user's profile does not give it"
	default:
		return ""
	}
}

// inEmergency says what the emergency behind an addition lacks: who asked, for whom, for what, for how long.
func (c *checker) inEmergency(g change.Grant, ch change.Change) string {
	t, known := c.tickets[g.Ticket]
	if !known {
		return "its ticket is not known"
	}
	sop, ours := c.set.SOP(t)
	if !ours || sop.BreakGlass == nil {
		return "its ticket is not of an emergency procedure"
	}
	requester, err := c.people.Match(t.Reporter)
	switch {
	case err == nil && requester.ID != ch.User:
		return "it was asked for by somebody else"
	case !sop.BreakGlass.Allows(g.System, g.Role):
		return "the role is not given in emergencies"
	case g.Expires.IsZero() || g.Expires.After(t.Created.Add(sop.BreakGlass.Maximum)):
		return "it lasts longer than the maximum"
	case !c.mayBreakGlass(sop.BreakGlass, g):
		return "whoever asked may not"
	default:
		return ""
	}
}

// mayBreakGlass reports whether the user is named. Who was on call leaves no trace outside: there the record counts, for a
// schedule that policy names.
func (c *checker) mayBreakGlass(b *policies.BreakGlass, g change.Grant) bool {
	if slices.Contains(b.People.Users, g.User) {
		return true
	}
	if slices.ContainsFunc(b.People.Groups, func(id access.GroupID) bool { return c.everIn(access.Membership{Group: id, User: g.User}) }) {
		return true
	}
	return slices.ContainsFunc(g.Approvals, func(p change.Proof) bool {
		return slices.ContainsFunc(b.Schedules, func(s paging.ScheduleID) bool { return p.User == g.User && p.Eligible == "on call for "+string(s) })
	})
}

// unreviewed holds the early end of an emergency against its review: declined, or not there in time.
func (c *checker) unreviewed(ch change.Change) string {
	g, known := c.grants[ch.Grant]
	t, ticketed := c.tickets[ch.Ticket]
	sop, _ := c.set.SOP(t)
	if !known || g.Reason != change.BreakGlass || !ticketed || sop.BreakGlass == nil {
		return "it is not of an emergency"
	}
	request, _ := authority.Read(t, sop.Rules.Fields, c.set.Catalog, c.people)
	declined := slices.ContainsFunc(c.approvals[t.Key], func(a ticket.Approval) bool {
		return a.Decision == ticket.Declined && !a.Completed.After(ch.Intended.Add(skew))
	})
	switch {
	case declined:
		return c.unentitled(ch)
	case ch.Intended.Before(t.Created.Add(sop.BreakGlass.Review)):
		return "its review was not due yet"
	case c.consented(t.Key, request, ch.Intended):
		return "its review had found it justified"
	default:
		return c.unentitled(ch)
	}
}

// undone holds a change against the approved hold that lets it take another one back.
func (c *checker) undone(ch change.Change) string {
	i := slices.IndexFunc(c.changes, func(x change.Change) bool { return x.ID == ch.Undoes })
	if i < 0 {
		return "what it takes back is not known"
	}
	original := c.changes[i]
	switch {
	case original.Membership() != ch.Membership() || original.Kind == ch.Kind:
		return "it does not take back what it names"
	case !c.letThrough(ch):
		return "no second person had approved it"
	case ch.Kind == change.AddMember && c.deactivated(ch.User, ch.Intended) && c.users[ch.User].Status == access.Deprovisioned:
		return "it restores a leaver"
	default:
		return ""
	}
}

// letThrough reports whether somebody other than who asked had approved an undo with exactly this change.
func (c *checker) letThrough(ch change.Change) bool {
	return slices.ContainsFunc(c.records, func(r ledger.Record) bool {
		if r.Kind != ledger.HoldApproved || r.At.After(ch.Intended) {
			return false
		}
		h, ok := body[hold.Hold](r)
		var changes []change.Change
		if !ok || h.Kind != hold.Undo || h.ApprovedBy == "" || h.ApprovedBy == h.RequestedBy || json.Unmarshal(h.Plan, &changes) != nil {
			return false
		}
		return slices.ContainsFunc(changes, func(x change.Change) bool {
			return x.Kind == ch.Kind && x.Undoes == ch.Undoes && x.Membership() == ch.Membership()
		})
	})
}
