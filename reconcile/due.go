package reconcile

import (
	"time"

	"github.com/maisonrmi/sopd/policies"
)

// nextDue returns the next instant at which something becomes due by time alone: a grant runs out, a last day ends, a
// revocation takes effect. Zero when nothing does.
func nextDue(v view, set *policies.Set) time.Time {
	now := v.observation.Now
	var next time.Time
	consider := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, g := range v.observation.Grants {
		consider(g.Expires)
		consider(nextWarning(g, warnings(set, g), now))
	}
	for _, e := range v.emergencies {
		if e.reviewed.IsZero() && len(e.grants) > 0 {
			consider(e.due())
		}
	}
	for _, j := range v.cases {
		if j.proven() && j.sop.Kind != policies.KindAccessProvisioning {
			consider(j.effective())
		}
	}
	return next
}
