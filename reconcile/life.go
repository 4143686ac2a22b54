package reconcile

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
)

// life is the part of a [view] about access that no approved request gives: by profile, in emergencies, restored.
type life struct {
	emergencies []emergency
	// followed are grants on record whose ground is gone, or is there again, and that have to be kept so.
	followed []change.Grant
	// profiles are the users who were held against the birthrights.
	profiles []access.UserID
	// lapsing are the users on whose profile the end of a grant rests.
	lapsing []access.UserID
	// used are the undos that became grants.
	used []undo
	// warning is when the next warning before an end is due, zero for never.
	warning time.Time
}

// lives is the part of a [loader] for it.
type lives struct {
	raised []emergency // not judged yet
	// refusedUndos are approved, and something speaks against them now: mostly that they are done.
	refusedUndos []undo
}

// recordLife makes durable what was decided without a request: what grants rest on, the use of undos, and what has to be
// said of emergencies.
func (r *Reconciler) recordLife(tx *store.Tx, v view) error {
	if err := recordFollowed(tx, v); err != nil {
		return err
	}
	if err := tx.JudgeUsers(r.birthrightMark(), v.profiles); err != nil {
		return err
	}
	for _, u := range v.used {
		if err := useUndo(tx, u, v.observation.Now); err != nil {
			return err
		}
	}
	for _, e := range v.emergencies {
		if err := r.objectToEmergency(tx, e, v.observation.Now); err != nil {
			return err
		}
	}
	return nil
}
