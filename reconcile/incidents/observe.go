package incidents

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

const (
	// cursorAlerts is the poll of the alerts.
	cursorAlerts = "paging.alerts"
	// overlap is how far a poll looks back before the one before it: the pager's search lags behind its writes.
	overlap = 2 * time.Minute
	// firstAlerts is how far the first poll looks back. Of what it finds only open alerts become incidents.
	firstAlerts = 90 * 24 * time.Hour
	// recent is how long a ticket that is done is still looked at: it may be moved back, or a comment may follow.
	recent = 24 * time.Hour
	// lookAgain is when the parts of an open incident are read again though nothing says that they have changed: nobody
	// lists what was deleted.
	lookAgain = 15 * time.Minute
)

// ours begins the aliases of sopd's own pages, which are no incidents. Those that are opened for one go on from there.
const ours = "sopd-"

// seen is what a pass has read.
type seen struct {
	first   bool // nothing was read before
	alerts  []incident.Alert
	forced  map[paging.AlertID]bool // a ticket names them, so that they are incidents whatever the policy says of alerts
	tickets []ticket.Ticket         // of incidents
	orders  map[string][]incident.Order
	readAt  map[string]time.Time
	// comments are the sources of orders that people may edit; nobody can edit a note.
	comments map[string]bool
	deleted  []ticket.ID
}

// Observe reads the alerts that have changed and what people have written for sopd, and brings the incidents up to it.
func (s *Stage) Observe(ctx context.Context, w reconcile.Round) error {
	in := &seen{
		forced: map[paging.AlertID]bool{}, orders: map[string][]incident.Order{}, readAt: map[string]time.Time{}, comments: map[string]bool{},
	}
	if err := s.readTickets(ctx, w, in); err != nil {
		return fmt.Errorf("tickets: %w", err)
	}
	if s.Alerts != nil {
		if err := s.readAlerts(ctx, w, in); err != nil {
			return fmt.Errorf("alerts: %w", err)
		}
	}
	err := w.Store(ctx, func(tx *store.Tx) error {
		if err := keep(tx, in); err != nil {
			return err
		}
		if err := s.ingest(tx, w, in); err != nil {
			return err
		}
		return tx.SetCursor(cursorAlerts, "", w.Now)
	})
	if err != nil {
		return err
	}
	return s.past(ctx, w)
}

func keep(tx *store.Tx, in *seen) error {
	for _, a := range in.alerts {
		if err := tx.PutAlert(a); err != nil {
			return err
		}
	}
	for source, orders := range in.orders {
		if in.comments[source] {
			before, _, err := tx.Orders(source)
			if err != nil {
				return err
			}
			orders = incident.Revise(before, orders, tx.Now())
		}
		if err := tx.PutOrders(source, orders, in.readAt[source]); err != nil {
			return err
		}
	}
	for _, id := range in.deleted {
		if err := tx.DeleteTicket(id, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// readAlerts reads which alerts have changed, and those whole.
func (s *Stage) readAlerts(ctx context.Context, w reconcile.Round, in *seen) error {
	var since time.Time
	again := map[paging.AlertID]bool{}
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		_, at, _, err := tx.Cursor(cursorAlerts)
		if err != nil {
			return err
		}
		since = at
		return s.overdue(tx, w.Now, again)
	})
	if err != nil {
		return err
	}
	in.first = since.IsZero()
	if in.first {
		since = w.Now.Add(-firstAlerts)
	}
	list, err := s.Alerts.Alerts(ctx, paging.Window{From: since.Add(-overlap), By: paging.Updated})
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := s.changed(ctx, w, in, a); err != nil {
			return err
		}
		delete(again, a.ID)
	}
	for id := range in.forced {
		again[id] = true
	}
	for id := range again {
		if err := s.readAlert(ctx, w, in, paging.Alert{ID: id}); err != nil {
			return err
		}
	}
	return nil
}

// overdue adds the alerts of live incidents that nobody has read for a while.
func (s *Stage) overdue(tx *store.Tx, now time.Time, again map[paging.AlertID]bool) error {
	live, err := tx.LiveIncidents()
	if err != nil {
		return err
	}
	for _, r := range live {
		if r.Backfilled { // only its review is still open
			continue
		}
		for _, id := range r.Alerts {
			_, readAt, err := tx.Orders(incident.AlertPart(id))
			if err != nil {
				return err
			}
			known, _, err := tx.Alert(id)
			if err != nil {
				return err
			}
			if now.Sub(readAt) >= lookAgain && !known.Gone {
				again[id] = true
			}
		}
	}
	return nil
}

// changed reads an alert of the list whole, unless it is as it was or no concern of ours.
func (s *Stage) changed(ctx context.Context, w reconcile.Round, in *seen, a paging.Alert) error {
	alias := string(a.Alias)
	if strings.HasPrefix(alias, ours) && !strings.HasPrefix(alias, incident.ID("").Marker()) || in.first && !a.Open {
		return nil
	}
	same := false
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		known, found, err := tx.Alert(a.ID)
		same = found && known.Updated.Equal(a.Updated) && known.Open == a.Open && known.Acknowledged == a.Acknowledged
		return err
	})
	if err != nil || same {
		return err
	}
	return s.readAlert(ctx, w, in, a)
}

// readAlert reads an alert with its notes and what its log tells. One that is gone is kept as gone; of one that cannot be
// understood what the list says is kept, and it holds up nobody else.
func (s *Stage) readAlert(ctx context.Context, w reconcile.Round, in *seen, listed paging.Alert) error {
	whole, err := s.Alerts.Alert(ctx, listed.ID)
	var notes []paging.Note
	if err == nil {
		notes, err = s.Alerts.Notes(ctx, listed.ID)
	}
	switch {
	case errors.Is(err, access.ErrNotFound):
		return s.gone(ctx, in, listed.ID)
	case local(err) && listed.Created.IsZero(): // nothing is known of it
		return nil
	case local(err):
		whole = listed
	case err != nil:
		return err
	}
	a, err := s.timed(ctx, whole)
	if err != nil {
		return err
	}
	in.alerts = append(in.alerts, a)
	source := incident.AlertPart(listed.ID)
	in.orders[source], in.readAt[source] = ofNotes(whole.ID, notes), w.Now
	return nil
}

// timed adds when things were done to an alert: as it is known, while the alert is as it was, else from its log. A log that
// cannot be read tells nothing.
func (s *Stage) timed(ctx context.Context, whole paging.Alert) (incident.Alert, error) {
	a := incident.Alert{Alert: whole}
	if !whole.Acknowledged && whole.Open && len(a.Tagged()) == 0 {
		return a, nil
	}
	same := false
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		known, found, err := tx.Alert(whole.ID)
		if same = found && known.Updated.Equal(whole.Updated) && known.Open == whole.Open && known.Acknowledged == whole.Acknowledged; same {
			a.Times = known.Times
		}
		return err
	})
	if err != nil || same {
		return a, err
	}
	log, err := s.Alerts.Logs(ctx, whole.ID)
	switch {
	case local(err), errors.Is(err, access.ErrNotFound):
	case err != nil:
		return a, err
	}
	a.Times = incident.ReadTimes(log)
	return a, nil
}

func local(err error) bool {
	return errors.Is(err, access.ErrMalformed) || errors.Is(err, access.ErrDenied) || errors.Is(err, access.ErrInvalid)
}

func (s *Stage) gone(ctx context.Context, in *seen, id paging.AlertID) error {
	return s.Store.Read(ctx, func(tx *store.Tx) error {
		known, found, err := tx.Alert(id)
		if err != nil || !found {
			return err
		}
		known.Gone = true
		in.alerts = append(in.alerts, known)
		return nil
	})
}

// ofNotes returns the orders among the notes of an alert.
func ofNotes(id paging.AlertID, notes []paging.Note) []incident.Order {
	var all []incident.Order
	for _, n := range notes {
		if c, is := incident.ParseNote(n.Text); is {
			all = append(all, incident.Order{
				Ref: "note/" + reconcile.Fingerprint(string(id)+n.Created.UTC().Format(time.RFC3339Nano)+n.Author+n.Text), Command: c, At: n.Created.UTC(),
				Author: ticket.Person{Name: n.Author},
			})
		}
	}
	return all
}

// readTickets finds the tickets of incidents, and reads the comments of those that have changed.
func (s *Stage) readTickets(ctx context.Context, w reconcile.Round, in *seen) error {
	stale := map[ticket.Key]bool{}
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		if err := s.chosen(tx, w.Now, in); err != nil {
			return err
		}
		for _, t := range in.tickets {
			_, readAt, err := tx.Orders(incident.TicketPart(t.ID))
			if err != nil {
				return err
			}
			if !readAt.Equal(t.Updated) || !t.Done && w.Now.Sub(s.looked[t.Key]) >= lookAgain {
				stale[t.Key] = true
			}
			if named := s.named(t); named != "" && stale[t.Key] {
				if _, found, err := tx.Alert(named); err != nil {
					return err
				} else if !found {
					in.forced[named] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range in.tickets {
		if !stale[t.Key] {
			continue
		}
		if err := s.readComments(ctx, w, in, t); err != nil {
			return err
		}
	}
	return nil
}

// named returns the alert that a ticket names, empty for none.
func (s *Stage) named(t ticket.Ticket) paging.AlertID {
	if s.policy.AlertField == "" {
		return ""
	}
	for _, text := range t.Fields[s.policy.AlertField].Texts {
		if id, err := paging.ParseAlertID(strings.TrimSpace(text)); err == nil {
			return id
		}
	}
	return ""
}

// chosen finds the tickets of incidents that are open or were changed lately.
func (s *Stage) chosen(tx *store.Tx, now time.Time, in *seen) error {
	taken := map[ticket.ID]bool{}
	take := func(t ticket.Ticket) error {
		sop, ok := s.Policies.SOP(t)
		if ok && sop.Kind == policies.KindIncidentResponse && !taken[t.ID] {
			taken[t.ID] = true
			in.tickets = append(in.tickets, t)
		}
		return nil
	}
	projects := []string{s.policy.Project}
	if sop, ok := s.Policies.Kind(policies.KindIncidentResponse); ok {
		projects = sop.Tickets.Projects
	}
	if err := tx.EachTicket(store.TicketFilter{Projects: projects, Open: true}, take); err != nil {
		return err
	}
	return tx.EachTicket(store.TicketFilter{Projects: projects, UpdatedSince: now.Add(-recent)}, take)
}

func (s *Stage) readComments(ctx context.Context, w reconcile.Round, in *seen, t ticket.Ticket) error {
	comments, err := s.Comments.Comments(ctx, t.Key)
	switch {
	case errors.Is(err, access.ErrNotFound):
		in.deleted = append(in.deleted, t.ID)
		return nil
	case local(err):
		return nil // its fields can be read, so its incident goes on without
	case err != nil:
		return err
	}
	s.looked[t.Key] = w.Now
	var orders []incident.Order
	for _, c := range comments {
		if o, is := incident.InComment(t.ID, c); is {
			orders = append(orders, o)
		}
	}
	source := incident.TicketPart(t.ID)
	in.orders[source], in.readAt[source] = orders, t.Updated
	in.comments[source] = true
	return nil
}
