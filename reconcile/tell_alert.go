package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
)

// onAlert carries out an effect on an alert. A note is looked for first; the alias makes a page harmless to repeat, and a
// close is.
func (r *Reconciler) onAlert(ctx context.Context, e change.Effect) error {
	if r.Pager == nil {
		return fmt.Errorf("nobody is paged: %w", access.ErrInvalid)
	}
	switch e.Kind {
	case change.AlertOpen:
		if e.Page == nil {
			return fmt.Errorf("a page that says nothing: %w", access.ErrInvalid)
		}
		_, err := r.Pager.Create(ctx, *e.Page)
		return err
	case change.AlertNote:
		if strings.HasPrefix(e.Key, ofFinding) {
			if gone, err := r.closedByHand(ctx, e.Alert); err != nil || gone {
				return err
			}
		}
		return r.noteAlert(ctx, e)
	default:
		if err := r.Pager.Close(ctx, e.Alert); !errors.Is(err, access.ErrNotFound) {
			return err
		}
		return nil
	}
}

func (r *Reconciler) noteAlert(ctx context.Context, e change.Effect) error {
	notes, err := r.Pager.Notes(ctx, e.Alert)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(notes, func(n paging.Note) bool { return strings.Contains(n.Text, e.Marker) }) {
		return nil
	}
	return r.Pager.Note(ctx, e.Alert, e.Body)
}

// ofFinding begins the keys of the notes on the alerts of findings.
const ofFinding = "finding/"

// closedByHand reports whether people have closed or deleted the alert of a finding that still stands. A note on it would
// reach nobody, so its findings get another alert with the next round of pages.
func (r *Reconciler) closedByHand(ctx context.Context, id paging.AlertID) (bool, error) {
	a, err := r.Pager.Alert(ctx, id)
	gone := errors.Is(err, access.ErrNotFound)
	if err != nil && !gone || a.Open {
		return false, err
	}
	return true, r.write(ctx, func(tx *store.Tx) error { return tx.ForgetAlert(id) })
}
