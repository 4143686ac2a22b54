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
