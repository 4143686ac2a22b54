package reconcile

import (
	"context"
	"slices"
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
	// profiles are the users who were held against the birthrights and need not be again: what follows is on record with this
	// pass, or nothing does.
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

// recordJudged notes who need not be held against the birthrights again: on the first day it is everybody, so not at once.
func (r *Reconciler) recordJudged(ctx context.Context, users []access.UserID) error {
	for some := range slices.Chunk(users, usersAtOnce) {
		if err := r.write(ctx, func(tx *store.Tx) error { return tx.JudgeUsers(r.birthrightMark(), some) }); err != nil {
			return err
		}
	}
	return nil
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
