package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/intake"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// hintBatch bounds how many webhooks one pass works; the rest wait for the next.
const hintBatch = 500

// worked is the word with which a webhook is marked once what it hinted at has been read.
const worked = "worked"

// observeHints reads what webhooks point at and the search index may not show yet: the tickets that they name. Everything
// else that they hint at is read by the polls of this very pass.
func (r *Reconciler) observeHints(ctx context.Context) error {
	var read []store.Delivery // without what they say
	var hints []intake.Hint
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		read, hints = nil, nil
		return tx.EachDelivery(hintBatch, func(d store.Delivery) {
			// One that cannot be read names nothing; polling finds what it meant.
			if found, err := intake.Parse(intake.Source(d.Source), d.Body); err == nil {
				hints = append(hints, found...)
			}
			d.Body = nil
			read = append(read, d)
		})
	})
	if err != nil || len(read) == 0 {
		return err
	}
	hinted, err := r.hinted(ctx, hints)
	if err != nil {
		return err
	}
	for _, key := range hinted {
		if err := r.readTicket(ctx, key); err != nil {
			return fmt.Errorf("ticket %s: %w", key, err)
		}
	}
	return r.write(ctx, func(tx *store.Tx) error {
		for _, d := range read {
			if err := tx.MarkDelivery(d.Source, d.ID, worked, r.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// hinted returns the tickets of our projects that the hints name, sorted, and those that have left them since they were read.
func (r *Reconciler) hinted(ctx context.Context, hints []intake.Hint) ([]ticket.Key, error) {
	projects := r.Policies.Projects()
	elsewhere := make(map[ticket.ID]ticket.Key)
	var keys []ticket.Key
	for _, h := range hints {
		switch {
		case h.Ticket == "":
		case slices.Contains(projects, h.Ticket.Project()):
			keys = append(keys, h.Ticket)
		case h.TicketID != "":
			elsewhere[h.TicketID] = h.Ticket
		}
	}
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		for id, key := range elsewhere {
			was, found, err := tx.TicketByID(id)
			if err != nil {
				return err
			}
			if found && was.Key != key {
				keys = append(keys, key)
			}
		}
		return nil
	})
	slices.Sort(keys)
	return slices.Compact(keys), err
}

// readTicket brings one ticket up to date, past the search index. One that is gone is marked so; one that cannot be read is
// set aside, and read again by every pass until it can.
func (r *Reconciler) readTicket(ctx context.Context, key ticket.Key) error {
	readAt := r.Now()
	t, err := r.Tickets.Ticket(ctx, key)
	switch {
	case errors.Is(err, access.ErrNotFound):
		return r.write(ctx, func(tx *store.Tx) error { return forget(tx, key, readAt) })
	case err != nil && r.isolated(err):
		return r.write(ctx, func(tx *store.Tx) error { return tx.PutBadTicket(key, phrase(err), readAt) })
	case err != nil:
		return err
	}
	if t.Key != key { // it has moved; what is said of the old key is said of nothing any more
		if err := r.write(ctx, func(tx *store.Tx) error { return tx.DropBadTicket(key) }); err != nil {
			return err
		}
	}
	return r.putTicket(ctx, t, readAt)
}

// isolated reports whether a failure is to be taken for the one ticket's own, so that the others go on: one that says so, and
// a vendor that does not serve, as long as it does not look like serving nothing at all.
func (r *Reconciler) isolated(err error) bool {
	if !errors.Is(err, access.ErrUnavailable) {
		return local(err)
	}
	r.unserved++
	return r.unserved < patience
}

func forget(tx *store.Tx, key ticket.Key, at time.Time) error {
	if err := tx.DropBadTicket(key); err != nil {
		return err
	}
	t, _, found, err := tx.Ticket(key)
	if err != nil || !found {
		return err
	}
	return tx.DeleteTicket(t.ID, at)
}

const (
	// recheckAfter is how long a ticket that something rests on goes unread before it is looked at again. The search does
	// not name what was deleted or has moved to another project.
	recheckAfter = 24 * time.Hour
	// recheckBatch bounds how many are looked at in one pass, so that a pass stays cheap: at one pass in half a minute it is
	// enough for ten thousand tickets a day.
	recheckBatch = 5
	// recheckPause is how long none is looked for after a look that has found the last one, and after the start: with a
	// million grants a look takes seconds.
	recheckPause = 10 * time.Minute
)

// observeOld reads again the tickets that have gone unread for long.
func (r *Reconciler) observeOld(ctx context.Context) error {
	now := r.Now()
	if r.recheckFrom.IsZero() || r.recheckFrom.After(now.Add(recheckPause)) { // or the clock was set back
		r.recheckFrom = now.Add(recheckPause)
	}
	if now.Before(r.recheckFrom) {
		return nil
	}
	var old []ticket.Key
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		old, err = tx.TicketsToRecheck(now.Add(-recheckAfter), recheckBatch)
		return err
	})
	if err != nil {
		return err
	}
	if len(old) < recheckBatch {
		r.recheckFrom = now.Add(recheckPause)
	}
	for _, key := range old {
		if err := r.readTicket(ctx, key); err != nil {
			return fmt.Errorf("ticket %s: %w", key, err)
		}
	}
	return nil
}

// badBatch bounds how many tickets that could not be read are tried again in one pass.
const badBatch = 50

// observeBad reads again what could not be read before. The search does not name a ticket again that nobody touches.
func (r *Reconciler) observeBad(ctx context.Context) error {
	var bad []store.BadTicket
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		bad, err = tx.BadTickets()
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range bad[:min(badBatch, len(bad))] {
		if err := r.readTicket(ctx, b.Key); err != nil {
			return fmt.Errorf("ticket %s: %w", b.Key, err)
		}
	}
	return nil
}
