package rules

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// What stands here is derived from traces: these rules are about how sopd came to know and to act, of which the store keeps
// less than of what it did. Each looks at what a breach would leave behind.

// cursorPassed holds when a pass last came to its end. Package reconcile sets it.
const cursorPassed = "pass.ended"

// complete is rule 2: of a group in which nothing has happened since it was read, the mirror holds exactly who is in it. Half
// a list that was taken for a whole one leaves a smaller mirror.
func (c *checker) complete(tx *store.Tx) error {
	for _, g := range c.truth.Groups {
		_, fed := c.truth.Fed[g.ID]
		mirrored, readAt, known, err := tx.Members(g.ID)
		if err != nil {
			return err
		}
		if !known || fed || c.later(readAt) || c.stirred(g.ID, readAt.Add(-skew)) {
			continue
		}
		is := slices.Sorted(slices.Values(c.truth.Members[g.ID]))
		if !slices.Equal(mirrored, is) {
			c.broken(2, "group %s was read with %d members, and has %d without anything having happened since", g.ID, len(mirrored), len(is))
		}
	}
	return nil
}

// stirred reports whether Okta's log tells of a membership of the group, or of a change of one of its members, since the
// instant.
func (c *checker) stirred(group access.GroupID, since time.Time) bool {
	return slices.ContainsFunc(c.truth.Events, func(e access.Event) bool {
		return !e.Published.Before(since) && (slices.Contains(e.Groups, group) || len(e.Groups) == 0)
	})
}

// hintWait is how long before the end of a pass a webhook must have come for the pass to have dealt with it.
const hintWait = 10 * time.Minute

// hints is rule 10: what a webhook pointed at was looked at by the passes since, and nothing in the ledger rests on what a
// webhook said.
func (c *checker) hints(tx *store.Tx) error {
	_, passed, _, err := tx.Cursor(cursorPassed)
	if err != nil {
		return err
	}
	open, err := tx.Deliveries(1)
	if err != nil {
		return err
	}
	for _, d := range open { // the oldest
		if d.Received.Before(passed.Add(-hintWait)) {
			c.broken(10, "a webhook of %s was stored and not looked at by the passes since", d.Source)
		}
	}
	for _, r := range c.records {
		if r.Kind != ledger.FactRecorded {
			continue
		}
		if f, ok := body[struct {
			Source string `json:"source"`
		}](r); ok && f.Source == "webhook" {
			c.broken(10, "record %d is a fact on the word of a webhook", r.Seq)
		}
	}
	return nil
}

// shown is rule 11: whatever could not be read is isolated where somebody sees it.
func (c *checker) shown(tx *store.Tx) error {
	_, passed, _, err := tx.Cursor(cursorPassed)
	if err != nil {
		return err
	}
	bad, err := tx.BadTickets()
	if err != nil {
		return err
	}
	for _, b := range bad {
		if !b.Since.Before(passed) {
			continue // no pass has ended since
		}
		f, found, err := tx.Finding(finding.Key("unreadable/" + string(b.Key)))
		if err != nil {
			return err
		}
		if !found || !f.Open() {
			c.broken(11, "ticket %s cannot be read, and nothing says so", b.Key)
		}
	}
	return nil
}

// personal is rule 13: behind every yes stands a person, and no clock. Grants have their approvals from before, or the policy
// that gives them; a hold that was used had been approved; a review's decision has somebody who took it.
func (c *checker) personal() error {
	approved := make(map[hold.ID]bool)
	for _, r := range c.records {
		switch r.Kind {
		case ledger.GrantApproved:
			c.consensual(r)
		case ledger.HoldApproved:
			if h, ok := body[hold.Hold](r); ok {
				approved[h.ID] = h.ApprovedBy != ""
			}
		case ledger.HoldUsed:
			if h, ok := body[hold.Hold](r); ok && (!approved[h.ID] || !h.Used.Before(h.Expires)) {
				c.broken(13, "%s was used without a person's word in time", h.ID)
			}
		case ledger.ReviewDecided:
			if d, ok := body[struct {
				By access.UserID `json:"by"`
			}](r); ok && d.By == "" {
				c.broken(13, "record %d decides a review and names nobody", r.Seq)
			}
		default: // gives nothing
		}
	}
	return nil
}

// consensual holds a grant against the people behind it.
func (c *checker) consensual(r ledger.Record) {
	g, ok := body[change.Grant](r)
	if !ok {
		return
	}
	switch g.Why() {
	case change.Birthright, change.BreakGlass, change.Undo:
		return // by a policy, by whoever takes it, by whoever approved the undoing: rules 1 and 3 look at those
	default:
	}
	if len(g.Approvals) == 0 {
		c.broken(13, "the grant of %s has nobody's approval", g.Ticket)
	}
	for _, p := range g.Approvals {
		if p.User == "" || p.At.IsZero() || p.At.After(r.At.Add(skew)) {
			c.broken(13, "the grant of %s rests on an approval that nobody had given yet", g.Ticket)
		}
	}
}
