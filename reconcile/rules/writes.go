package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// The System Log's names of what sopd does.
//
// Source: Okta event type catalogue 2026.08.1.
const (
	eventAdded     = "group.user_membership.add"
	eventRemoved   = "group.user_membership.remove"
	eventSuspended = "user.lifecycle.suspend"
	eventSignedOut = "user.session.clear"
)

// kindOf returns the kind of change that an event shows, empty for none.
func kindOf(event string) change.Kind {
	switch event {
	case eventAdded:
		return change.AddMember
	case eventRemoved:
		return change.RemoveMember
	case eventSuspended:
		return change.Suspend
	case eventDeactivated:
		return change.Deactivate
	case eventSignedOut:
		return change.ClearSessions
	default:
		return ""
	}
}

// deed is what a change does and an event shows.
type deed struct {
	kind change.Kind
	m    access.Membership
}

// ownEvents returns the successful events of the type by sopd; of all types that sopd writes when it is empty.
func (c *checker) ownEvents(kind string) []access.Event {
	var own []access.Event
	for _, e := range c.truth.Events {
		if e.Succeeded && e.Actor.ID == c.truth.Actor && (kind == "" && kindOf(e.Type) != "" || e.Type == kind) {
			own = append(own, e)
		}
	}
	return own
}

// ours is rule 5: sopd writes only in groups of the catalog whose members are its own to change, and takes nothing from
// protected users.
func (c *checker) ours() error {
	for _, ch := range c.changes {
		if ch.Kind != change.AddMember && (ch.User == c.set.Guards.Self && ch.User != "" || slices.Contains(c.set.Guards.ProtectedUsers, ch.User)) {
			c.broken(5, "%s (%s) is about a protected user", ch.ID, ch.Kind)
		}
		if ch.Group != "" {
			c.manageable(ch.Group, ch.Intended, string(ch.ID))
		}
	}
	for _, e := range c.ownEvents("") {
		for _, group := range e.Groups {
			c.manageable(group, e.Published, "event "+string(e.ID))
		}
	}
	return nil
}

func (c *checker) manageable(id access.GroupID, at time.Time, what string) {
	managed, ours := c.set.Catalog.Group(id)
	since, fed := c.truth.Fed[id]
	switch {
	case !ours:
		c.broken(5, "%s wrote in group %s, which is not in the catalog", what, id)
	case managed.Protected:
		c.broken(5, "%s wrote in group %s, which is protected", what, id)
	case !c.set.Catalog.Mode(id).Writes():
		c.broken(5, "%s wrote in group %s, which is only observed", what, id)
	case c.groups[id].Type != access.OktaGroup && c.groups[id].ID != "":
		c.broken(5, "%s wrote in group %s, whose members are not Okta's own", what, id)
	case fed && !at.Before(since.Add(skew)):
		c.broken(5, "%s wrote in group %s, which a rule feeds", what, id)
	}
}

// intents is rule 6: each change has one intent in the ledger and at most one end, in this order, and each write that the
// System Log shows under sopd's name was preceded by an intent of its own.
func (c *checker) intents() error {
	kinds := make(map[change.ID][]ledger.Record)
	for _, r := range c.records {
		if r.Change != "" && strings.HasPrefix(string(r.Kind), "change.") && r.Kind != ledger.ChangeWitnessed {
			kinds[r.Change] = append(kinds[r.Change], r)
		}
	}
	known := make(map[change.ID]bool)
	for _, ch := range c.changes {
		known[ch.ID] = true
		if why := misrecorded(ch, kinds[ch.ID]); why != "" {
			c.broken(6, "%s: %s", ch.ID, why)
		}
	}
	for id, records := range kinds {
		if !known[id] && !c.later(records[0].At) {
			c.broken(6, "%s stands in the ledger and is not known", id)
		}
	}
	c.foretold()
	return nil
}

// misrecorded says what is wrong with the ledger's records of a change, empty when nothing.
func misrecorded(ch change.Change, records []ledger.Record) string {
	count := make(map[ledger.Kind]int)
	for _, r := range records {
		count[r.Kind]++
	}
	ends := count[ledger.ChangeConfirmed] + count[ledger.ChangeRefused]
	switch {
	case count[ledger.ChangeIntended] != 1:
		return "its intent is recorded " + times(count[ledger.ChangeIntended])
	case records[0].Kind != ledger.ChangeIntended:
		return "its intent is not its first record"
	case ch.State.Settled() && ends != 1:
		return "it is settled, and its end is recorded " + times(ends)
	case !ch.State.Settled() && ends != 0:
		return "it is not settled, and its end is recorded"
	case records[len(records)-1].Kind != ledger.Kind("change."+string(ch.State)):
		return "its last record is " + string(records[len(records)-1].Kind) + ", its state " + string(ch.State)
	default:
		return ""
	}
}

func times(n int) string {
	switch n {
	case 0:
		return "nowhere"
	case 1:
		return "once"
	default:
		return "more than once"
	}
}

// foretold holds each event under sopd's name against the intents: the first needs one before it, the second two, and so
// on.
func (c *checker) foretold() {
	intents := make(map[deed][]time.Time) // ascending, as the changes are
	for _, ch := range c.changes {
		d := deed{ch.Kind, ch.Membership()}
		intents[d] = append(intents[d], ch.Intended)
	}
	events := make(map[deed][]access.Event)
	for _, e := range c.ownEvents("") {
		for _, d := range deeds(e) {
			events[d] = append(events[d], e)
		}
	}
	for d, all := range events {
		slices.SortFunc(all, func(a, b access.Event) int {
			return cmp.Or(a.Published.Compare(b.Published), cmp.Compare(a.ID, b.ID))
		})
		for i, e := range all {
			if i >= len(intents[d]) || intents[d][i].After(e.Published.Add(skew)) {
				c.broken(6, "event %s (%s) has no intent of its own before it", e.ID, e.Type)
			}
		}
	}
}

// deeds returns what an event shows: a membership event names a user and a group, the others a user.
func deeds(e access.Event) []deed {
	kind := kindOf(e.Type)
	groups := e.Groups
	if kind != change.AddMember && kind != change.RemoveMember {
		groups = []access.GroupID{""}
	}
	var all []deed
	for _, user := range e.Users {
		for _, group := range groups {
			all = append(all, deed{kind, access.Membership{Group: group, User: user}})
		}
	}
	return all
}

// comments is the part of rule 6 about tickets: what sopd says, it says once, and what is recorded as said stands there.
func (c *checker) comments(tx *store.Tx) error {
	keys := slices.Sorted(maps.Keys(c.tickets))
	for _, key := range keys {
		effects, err := tx.EffectsByTicket(key)
		if err != nil {
			return err
		}
		for _, e := range effects {
			if e.Kind == change.Comment && e.Marker != "" && !c.later(e.Created) {
				c.comment(e)
			}
		}
	}
	return nil
}

func (c *checker) comment(e change.Effect) {
	standing := 0
	for _, said := range c.truth.Comments[e.Ticket] {
		if strings.Contains(said.Body, e.Marker) && (c.truth.Account == "" || said.Author == c.truth.Account) {
			standing++
		}
	}
	_, read := c.truth.Comments[e.Ticket]
	switch {
	case standing > 1:
		c.broken(6, "%s: a comment stands %d times (%s)", e.Ticket, standing, e.Marker)
	case standing == 0 && !e.Done.IsZero() && read && !c.later(e.Done):
		c.broken(6, "%s: a comment is recorded as made and is not there (%s)", e.Ticket, e.Marker)
	}
}

// readBack is rule 7: what is confirmed shows in Okta, unless somebody else has changed it since.
func (c *checker) readBack() error {
	last := make(map[access.Membership]change.Change)
	open := make(map[access.Membership]bool)
	for _, ch := range c.changes {
		if ch.Group == "" {
			c.readBackPerson(ch)
			continue
		}
		switch {
		case ch.State == change.Confirmed:
			last[ch.Membership()], open[ch.Membership()] = ch, c.later(ch.Settled)
		default:
			open[ch.Membership()] = true // it may have been made
		}
	}
	for m, ch := range last {
		if open[m] || c.touched(m, ch) || c.users[m.User].ID == "" || c.truth.Members[m.Group] == nil {
			continue
		}
		if there := c.members[m]; there != (ch.Kind == change.AddMember) {
			c.broken(7, "%s (%s) is confirmed and Okta does not show it", ch.ID, ch.Kind)
		}
	}
	return nil
}

// readBackPerson holds a confirmed suspension or end of sessions against the log.
func (c *checker) readBackPerson(ch change.Change) {
	if ch.State != change.Confirmed || c.later(ch.Settled) {
		return
	}
	shows := slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return e.Succeeded && kindOf(e.Type) == ch.Kind && slices.Contains(e.Users, ch.User)
	})
	status := c.users[ch.User].Status
	if !shows && (ch.Kind == change.ClearSessions || status != access.Suspended && status != access.Deprovisioned) {
		c.broken(7, "%s (%s) is confirmed and Okta does not show it", ch.ID, ch.Kind)
	}
}

// touched reports whether somebody else changed the membership after the change was intended.
func (c *checker) touched(m access.Membership, ch change.Change) bool {
	return slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return e.Succeeded && e.Actor.ID != c.truth.Actor && (e.Type == eventAdded || e.Type == eventRemoved) &&
			slices.Contains(e.Users, m.User) && slices.Contains(e.Groups, m.Group) && !e.Published.Before(ch.Intended.Add(-skew))
	})
}

// oneWriter is rule 9, as far as its traces go: nobody begins on a membership what is not ended there.
func (c *checker) oneWriter() error {
	last := make(map[deed]change.Change)
	for _, ch := range c.changes {
		d := deed{m: ch.Membership()}
		if ch.Group == "" {
			d.kind = ch.Kind // a suspension and an end of sessions may be under way together
		}
		if before, any := last[d]; any && (!before.State.Settled() || ch.Intended.Before(before.Settled)) {
			c.broken(9, "%s was begun before %s had ended", ch.ID, before.ID)
		}
		last[d] = ch
	}
	for key, all := range c.moves() {
		if len(all) > 1 {
			c.broken(9, "%s: recorded as told %d times", key, len(all))
		}
	}
	return nil
}

// moves returns the ledger's records of what tickets were told, by what it was.
func (c *checker) moves() map[string][]ledger.Record {
	moves := make(map[string][]ledger.Record)
	for _, r := range c.records {
		if r.Kind != ledger.TicketTold {
			continue
		}
		if t, ok := body[struct {
			Key string `json:"key"`
		}](r); ok && t.Key != "" {
			moves[t.Key] = append(moves[t.Key], r)
		}
	}
	return moves
}
