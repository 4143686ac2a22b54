package reconcile

import (
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
)

// life is the part of a [view] about access that no approved request gives: by profile, in emergencies, restored.
type life struct {
	emergencies []emergency
	// followed are grants on record whose ground is gone, or is there again, and that have to be kept so.
	followed []change.Grant
	// used are the undos that became grants.
	used []undo
}

// lives is the part of a [loader] for it.
type lives struct {
	emergencies []emergency
	entitled    []change.Grant // by profile, not on record
	undos       []undo
	// refusedUndos are approved, and something speaks against them now: mostly that they are done.
	refusedUndos []undo
}

func (l *loader) loadLife(tx *store.Tx) error {
	for _, load := range []func(*store.Tx) error{l.loadEmergencies, l.loadBirthrights, l.loadUndos} {
		if err := load(tx); err != nil {
			return err
		}
	}
	return nil
}

// live puts together what entitles without an approved request.
func (l *loader) live(v *view, world authority.World) {
	for _, e := range l.lives.emergencies {
		l.emergency(v, e, world)
	}
	v.fresh = append(v.fresh, l.entitled...)
	l.follow(v)
	l.undone(v)
}

// recordLife makes durable what was decided without a request: what grants rest on, the use of undos, and what has to be
// said of emergencies.
func (r *Reconciler) recordLife(tx *store.Tx, v view) error {
	if err := recordFollowed(tx, v); err != nil {
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
