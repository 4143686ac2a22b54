package reconcile

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/store"
)

// The kinds of finding about emergencies.
const (
	FindingBreakGlass finding.Kind = "break-glass"            // emergency access is in use, or waits for its review
	FindingUnreviewed finding.Kind = "break-glass-unreviewed" // it was not reviewed in time, or the review said no
)

// emergencies tells the tickets of emergencies how far they are.
func (c *conclusion) emergencies(tx *store.Tx) error {
	for _, e := range c.view.emergencies {
		if len(e.grants) == 0 {
			continue
		}
		steps := []func(*store.Tx, emergency) error{c.emergencyGiven, c.emergencyReviewed, c.emergencyOver}
		for _, step := range steps {
			if err := step(tx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// emergencyGiven tells everybody, once the access has been read back, and asks for the review.
func (c *conclusion) emergencyGiven(tx *store.Tx, e emergency) error {
	for _, g := range e.grants {
		if !c.satisfied[g.ID] {
			return nil
		}
	}
	changes := c.confirmed(e.ticket.Key, change.AddMember)
	at, id := last(changes, e.ticket.Created)
	if err := putFact(tx, observed{
		subject: string(e.ticket.Key), name: FactGranted, at: at, severity: severity(e.judged), change: id, ticket: e.ticket.Key,
	}, c.view.observation.Now); err != nil {
		return err
	}
	said := remark{purpose: purposeProvisioned, text: c.r.emergencyText(e, changes), at: c.view.observation.Now}
	if len(changes) > 0 {
		said.marker = string(changes[0].ID)
	}
	if !e.fulfilling() {
		return c.r.say(tx, e.ticket.Key, said)
	}
	return c.r.sayAndMove(tx, e.ticket.Key, said, e.sop.Tickets.Review)
}

// emergencyReviewed stops the clock of the review, and says what came of it.
func (c *conclusion) emergencyReviewed(tx *store.Tx, e emergency) error {
	now := c.view.observation.Now
	if e.reviewed.IsZero() {
		if !e.unreviewed(now) || e.live() || !c.taken(e) {
			return nil
		}
		changes := slices.DeleteFunc(c.confirmed(e.ticket.Key, change.RemoveMember), func(ch change.Change) bool {
			return ch.Reason != change.Unreviewed // what ended as agreed was told so
		})
		return c.r.say(tx, e.ticket.Key, remark{purpose: "unreviewed", text: c.r.unreviewedText(e, changes), at: now})
	}
	if err := putFact(tx, observed{
		subject: string(e.ticket.Key), name: FactReviewed, at: e.reviewed, severity: severity(e.judged), ticket: e.ticket.Key,
	}, now); err != nil {
		return err
	}
	return c.r.say(tx, e.ticket.Key, remark{purpose: "reviewed", text: reviewedText(e), at: now})
}

// taken reports whether the emergency has led to a change. One of a leaver, or that was withdrawn at once, has given nothing.
func (c *conclusion) taken(e emergency) bool {
	return slices.ContainsFunc(e.grants, func(g change.Grant) bool { return led(c.loader.changes[e.ticket.Key], g.ID) })
}

// emergencyOver closes a ticket that was reviewed and whose access is gone.
func (c *conclusion) emergencyOver(tx *store.Tx, e emergency) error {
	_, told, err := tx.Effect(string(e.ticket.Key) + "/" + purposeProvisioned)
	if err != nil || !told || e.reviewed.IsZero() || e.live() || e.ticket.Done || c.outstanding(e.ticket.Key) {
		return err
	}
	return c.closeWithEvidence(tx, e.judged)
}

// emergencyFindings points out every emergency until it was reviewed.
func (c *conclusion) emergencyFindings() []finding.Finding {
	var all []finding.Finding
	now := c.view.observation.Now
	for _, e := range c.view.emergencies {
		if !e.reviewed.IsZero() || !e.live() && !c.taken(e) {
			continue
		}
		first := e.grants[0]
		f := finding.Finding{
			User: first.User, Group: first.Group, Ticket: e.ticket.Key, Raised: now,
			Detail: map[string]string{"until": stamp(first.Expires), "review": stamp(e.due()), "eligible": eligibleOf(first)},
		}
		f.Key, f.Kind = finding.Key("break-glass/"+string(e.ticket.Key)), FindingBreakGlass
		f.Title = "emergency access was taken; it has to be reviewed"
		if e.unreviewed(now) {
			f.Key, f.Kind = finding.Key("break-glass-unreviewed/"+string(e.ticket.Key)), FindingUnreviewed
			f.Title = "emergency access was not reviewed in time, or its review said no"
		}
		all = append(all, f)
	}
	return all
}

func eligibleOf(g change.Grant) string {
	if len(g.Approvals) == 0 {
		return ""
	}
	return g.Approvals[0].Eligible
}
