package store

import (
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
)

// PutHold keeps a new hold, which must be open, or a step of one that is known.
//
// Errors: [access.ErrInvalid] for a new hold that is not open and for another plan under a known ID;
// [access.ErrConflict] for a step that the state does not allow, such as using a hold twice. Nothing is written then.
func (t *Tx) PutHold(h hold.Hold) error {
	before, found, err := t.Hold(h.ID)
	if err != nil {
		return err
	}
	switch {
	case !found && h.State != hold.Open:
		return fmt.Errorf("hold %s begins as %s: %w", h.ID, h.State, access.ErrInvalid)
	case found && before.PlanHash != h.PlanHash:
		return fmt.Errorf("hold %s is for another plan: %w", h.ID, access.ErrInvalid)
	case found && before.State != h.State && !before.State.CanBecome(h.State):
		return fmt.Errorf("hold %s may not go from %s to %s: %w", h.ID, before.State, h.State, access.ErrConflict)
	case found && before.State == h.State && before.State.Final():
		return fmt.Errorf("hold %s is %s already: %w", h.ID, h.State, access.ErrConflict)
	}
	text, err := toDoc(h)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO holds (id, plan_hash, state, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, doc = excluded.doc`,
		string(h.ID), h.PlanHash, string(h.State), text)
	return err
}

// Hold returns the hold. found is false when there is none of this ID.
func (t *Tx) Hold(id hold.ID) (h hold.Hold, found bool, err error) {
	return doc[hold.Hold](t, "SELECT doc FROM holds WHERE id = $1", string(id))
}

// Holds returns the holds in one of the states, or all of them when none is given, ordered by ID, that is by age.
func (t *Tx) Holds(states ...hold.State) ([]hold.Hold, error) {
	all, err := docs[hold.Hold](t, "SELECT doc FROM holds")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(h hold.Hold) bool { return len(states) > 0 && !slices.Contains(states, h.State) })
	slices.SortFunc(all, func(a, b hold.Hold) int { return compareText(a.ID, b.ID) })
	return all, nil
}

// HoldsByPlan returns the holds of the plan, ordered by ID, that is by age.
func (t *Tx) HoldsByPlan(planHash string) ([]hold.Hold, error) {
	all, err := docs[hold.Hold](t, "SELECT doc FROM holds WHERE plan_hash = $1", planHash)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b hold.Hold) int { return compareText(a.ID, b.ID) })
	return all, nil
}
