package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
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

// nextWarning returns when the next warning may be due, zero for never.
func (l *loader) nextWarning(tx *store.Tx) (time.Time, error) {
	var next time.Time
	for _, sop := range l.r.Policies.SOPs {
		for _, w := range sop.ExpiryWarnings {
			expiry, err := tx.NextExpiry(l.now.Add(w))
			if err != nil {
				return time.Time{}, err
			}
			if at := expiry.Add(-w); !expiry.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next, nil
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
	var longest time.Duration
	for _, sop := range c.r.Policies.SOPs {
		for _, w := range sop.ExpiryWarnings {
			longest = max(longest, w)
		}
	}
	ending, err := tx.GrantsExpiring(now, now.Add(longest))
	if err != nil || longest == 0 {
		return err
	}
	for _, g := range ending {
		before, due := warned(g, warnings(c.r.Policies, g), now)
		if !due {
			continue
		}
		ends, err := c.ends(tx, g)
		if err != nil {
			return err
		}
		said := remark{purpose: "expires/" + before.String() + "/" + g.Expires.UTC().Format(time.RFC3339), text: expiresSoonText(g), at: now}
		if !ends {
			continue
		}
		if err := c.r.say(tx, g.Ticket, said); err != nil {
			return err
		}
	}
	return nil
}

// ends reports whether the membership is there and ends with the grant: nothing else speaks for it beyond that.
func (c *conclusion) ends(tx *store.Tx, g change.Grant) (bool, error) {
	in, known, err := c.loader.in(tx, g.Membership())
	if err != nil || !known || !in {
		return false, err
	}
	adopted, err := tx.BaselineOf(g.User)
	if err != nil || slices.ContainsFunc(adopted, func(b store.Baseline) bool { return b.Group == g.Group }) {
		return false, err
	}
	all, err := tx.GrantsOf(g.User)
	return !slices.ContainsFunc(all, func(other change.Grant) bool {
		beyond := other.Expires.IsZero() || other.Expires.After(g.Expires)
		return other.ID != g.ID && other.Group == g.Group && other.Live(c.view.observation.Now) && beyond
	}), err
}

// extended returns the grant that the ticket goes on where its own access was there already: of another ticket, for the same
// membership, the one that would have ended last before. ok is false when the ticket extends nothing.
func (c *conclusion) extended(tx *store.Tx, j judged) (before change.Grant, ok bool, err error) {
	all, err := tx.GrantsOf(j.verdict.Request.Beneficiary.ID)
	if err != nil {
		return change.Grant{}, false, err
	}
	for _, g := range grantsFor(j) {
		for _, other := range all {
			shorter := !other.Expires.IsZero() && (g.Expires.IsZero() || other.Expires.Before(g.Expires))
			if other.Group != g.Group || other.Ticket == g.Ticket || other.Ticket == "" || !shorter || !other.Live(c.view.observation.Now) {
				continue
			}
			if !ok || cmp.Or(other.Expires.Compare(before.Expires), cmp.Compare(other.ID, before.ID)) > 0 {
				before, ok = other, true
			}
		}
	}
	return before, ok, nil
}
