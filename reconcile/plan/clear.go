package plan

import (
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
)

// Cleared is a plan that may be carried out. Only [Clear] and [Override] make one; the zero value has nothing to do.
type Cleared struct {
	changes []change.Change
	hash    string
}

// Changes returns what may be written, in order.
func (c Cleared) Changes() []change.Change { return slices.Clone(c.changes) }

// Hash returns the hash of the plan that was cleared.
func (c Cleared) Hash() string { return c.hash }

// Clear checks the whole plan against the guards. With any trip nothing is cleared.
func Clear(p Plan, limits guard.Limits, state guard.State) (Cleared, []guard.Trip) {
	if trips := guard.Check(p.Changes, limits, state); len(trips) > 0 {
		return Cleared{}, trips
	}
	return Cleared{changes: slices.Clone(p.Changes), hash: p.Hash()}, nil
}

// Override clears a plan that guards stopped and that a second person approved by its hash. The guards that are
// [guard.Name.Absolute] cannot be overridden.
//
// Errors: when the hash is another plan's, or one of those guards trips.
func Override(p Plan, approvedHash string, limits guard.Limits, state guard.State) (Cleared, error) {
	if hash := p.Hash(); hash != approvedHash {
		return Cleared{}, fmt.Errorf("the plan has changed since it was approved: it is %.12s now, approved was %.12s", hash, approvedHash)
	}
	for _, trip := range guard.Check(p.Changes, limits, state) {
		if trip.Guard.Absolute() {
			return Cleared{}, fmt.Errorf("guard %s cannot be overridden: %s", trip.Guard, trip.Reason)
		}
	}
	return Cleared{changes: slices.Clone(p.Changes), hash: approvedHash}, nil
}
