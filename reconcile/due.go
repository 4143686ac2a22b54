package reconcile

import (
	"time"

	"github.com/maisonrmi/sopd/policies"
)

// nextDue returns the next instant at which something becomes due by time alone: a grant runs out, a last day ends, a
// revocation takes effect. Zero when nothing does.
func nextDue(v view) time.Time {
	next := v.expiry
	consider := func(t time.Time) {
		if t.After(v.observation.Now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, g := range v.fresh {
		consider(g.Expires)
	}
	consider(v.warning)
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
