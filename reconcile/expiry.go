package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// warned returns the warning that is due for the grant: the shortest whose time has come. Nothing is due after the end, nor
// for a grant that was shorter than the warning from the beginning.
func warned(g change.Grant, warnings []time.Duration, now time.Time) (before time.Duration, due bool) {
	if g.Expires.IsZero() || !g.Ended.IsZero() || !now.Before(g.Expires) {
		return 0, false
	}
	for _, w := range warnings { // the longest first
		if g.Expires.Sub(g.Approved) > w && !now.Before(g.Expires.Add(-w)) {
			before, due = w, true
		}
	}
	return before, due
}

// nextWarning returns when the next warning about the grant is due, zero for none.
func nextWarning(g change.Grant, warnings []time.Duration, now time.Time) time.Time {
	for _, w := range warnings {
		if at := g.Expires.Add(-w); !g.Expires.IsZero() && g.Expires.Sub(g.Approved) > w && now.Before(at) {
			return at
		}
	}
	return time.Time{}
}

// warnings returns the warnings of the procedure that the grant was made under, whatever its version.
func warnings(set *policies.Set, g change.Grant) []time.Duration {
	if g.Reason != "" {
		return nil
	}
	i := slices.IndexFunc(set.SOPs, func(s policies.SOP) bool { return s.ID() == g.Policy })
	if i < 0 {
		sop, _ := set.Kind(policies.KindAccessProvisioning)
		return sop.ExpiryWarnings
	}
	return set.SOPs[i].ExpiryWarnings
}

// warnings tells tickets that their access ends soon. Where something else entitles beyond that end, nothing ends and nothing
// is said.
func (c *conclusion) warnings(tx *store.Tx) error {
	now := c.view.observation.Now
	ends := make(map[ticket.Key]change.Grant)
	due := make(map[ticket.Key]time.Duration)
	for _, g := range c.plan.Satisfied {
		before, warn := warned(g, warnings(c.r.Policies, g), now)
		if !warn || c.outlived(g) {
			continue
		}
		ends[g.Ticket], due[g.Ticket] = g, before
	}
	for key, g := range ends {
		said := remark{
			purpose: "expires/" + due[key].String() + "/" + g.Expires.UTC().Format(time.RFC3339), text: expiresSoonText(g), at: now,
		}
		if err := c.r.say(tx, key, said); err != nil {
			return err
		}
	}
	return nil
}

// outlived reports whether the membership goes on after the end of the grant.
func (c *conclusion) outlived(g change.Grant) bool {
	if c.view.observation.Baseline[g.Membership()] {
		return true
	}
	return slices.ContainsFunc(c.byMembership()[g.Membership()], func(other change.Grant) bool {
		return other.ID != g.ID && (other.Expires.IsZero() || other.Expires.After(g.Expires))
	})
}

// byMembership returns the live grants whose membership is there.
func (c *conclusion) byMembership() map[access.Membership][]change.Grant {
	if c.live == nil {
		c.live = make(map[access.Membership][]change.Grant)
		for _, g := range c.plan.Satisfied {
			c.live[g.Membership()] = append(c.live[g.Membership()], g)
		}
	}
	return c.live
}

// extended returns the grant that the ticket goes on where its own access was there already: of another ticket, for the same
// membership, the one that would have ended last before. ok is false when the ticket extends nothing.
func (c *conclusion) extended(j judged) (before change.Grant, ok bool) {
	for _, g := range grantsFor(j) {
		for _, other := range c.byMembership()[g.Membership()] {
			shorter := !other.Expires.IsZero() && (g.Expires.IsZero() || other.Expires.Before(g.Expires))
			if other.Ticket == g.Ticket || other.Ticket == "" || !shorter {
				continue
			}
			if !ok || cmp.Or(other.Expires.Compare(before.Expires), cmp.Compare(other.ID, before.ID)) > 0 {
				before, ok = other, true
			}
		}
	}
	return before, ok
}
