package incidents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

const (
	// cursorBegan holds when incidents were looked after first.
	cursorBegan = "incidents.began"
	// cursorPast holds how far back the past was read: everything from its time on. Its value is pastTickets, pastDone, or
	// the alert that was looked at last.
	cursorPast = "incidents.past"
	// pastDone says that the past was read whole, pastTickets that the tickets were. No alert has these IDs.
	pastDone    access.Cursor = "*done"
	pastTickets access.Cursor = "*tickets"
	// pastWindow is for how long a stretch of the past the alerts are listed at once.
	pastWindow = 7 * 24 * time.Hour
	// pastReads is how many alerts of the past are read in one pass: the present does not wait for them.
	pastReads = 200
)

// began returns when incidents were looked after first, which is now when they never were.
func began(tx *store.Tx, now time.Time) (time.Time, error) {
	_, at, found, err := tx.Cursor(cursorBegan)
	if err != nil || found {
		return at, err
	}
	return now, tx.SetCursor(cursorBegan, "", now)
}

// clocks returns the clocks of the incident response procedure.
func (s *Stage) clocks() []kpi.Definition {
	return slices.DeleteFunc(slices.Clone(s.Policies.Clocks), func(d kpi.Definition) bool { return d.SOP != s.policy.SOP })
}

// past keeps the incidents that were over before sopd looked after any, as far back as the policy says, once: first those
// that have a ticket, then those that were alerts only, from the latest back. They fill the figures; nothing is opened, said
// or paged for them. What is left when a pass has read enough is for the next.
func (s *Stage) past(ctx context.Context, w reconcile.Round) error {
	h := &history{stage: s, round: w, left: pastReads}
	if done, err := h.begin(ctx); err != nil || done {
		return err
	}
	if h.at.IsZero() {
		if err := h.tickets(ctx); err != nil {
			return fmt.Errorf("tickets of the past: %w", err)
		}
	}
	for h.left > 0 && s.Alerts != nil && h.at.After(h.since) {
		if err := h.window(ctx); err != nil {
			return fmt.Errorf("alerts of the past: %w", err)
		}
	}
	if s.Alerts != nil && h.at.After(h.since) {
		return nil
	}
	return w.Store(ctx, func(tx *store.Tx) error { return tx.SetCursor(cursorPast, pastDone, w.Now) })
}

// history is the reading of the past in one pass.
type history struct {
	stage        *Stage
	round        reconcile.Round
	since, began time.Time      // the past that counts
	at           time.Time      // it is read from here on; zero: nothing is
	last         paging.AlertID // of the instant at, those after this one are read; empty: all of them
	left         int            // how many alerts may still be read
}

// begin finds out how far the past was read.
func (h *history) begin(ctx context.Context) (done bool, err error) {
	document, _ := h.stage.Policies.Document(h.stage.policy.SOP)
	err = h.stage.Store.Read(ctx, func(tx *store.Tx) error {
		_, h.began, _, err = tx.Cursor(cursorBegan)
		if err != nil {
			return err
		}
		value, at, found, err := tx.Cursor(cursorPast)
		if done = value == pastDone || document.Backfill == 0; found {
			h.at = at
		}
		if value != pastTickets {
			h.last = paging.AlertID(value)
		}
		return err
	})
	h.since = h.began.Add(-document.Backfill)
	return done, err
}

// tickets keeps the incidents whose tickets were closed.
func (h *history) tickets(ctx context.Context) error {
	var closed []ticket.Ticket
	alerts := map[ticket.ID]incident.Alert{}
	err := h.stage.Store.Read(ctx, func(tx *store.Tx) error {
		sop, _ := h.stage.Policies.Kind(policies.KindIncidentResponse)
		return tx.EachTicket(store.TicketFilter{Projects: sop.Tickets.Projects, UpdatedSince: h.since}, func(t ticket.Ticket) error {
			of, ok := h.stage.Policies.SOP(t)
			if ok && of.Kind == policies.KindIncidentResponse && t.Done && !t.Created.Before(h.since) && t.Updated.Before(h.began) {
				closed = append(closed, t)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, t := range closed {
		named := h.stage.named(t)
		if named == "" || h.stage.Alerts == nil {
			continue
		}
		a, found, err := h.read(ctx, named)
		if err != nil {
			return err
		}
		if found {
			alerts[t.ID] = a
		}
	}
	return h.round.Store(ctx, func(tx *store.Tx) error {
		g, err := h.ingestion(tx)
		if err != nil {
			return err
		}
		for _, t := range closed {
			r := incident.Begin(incident.TicketPart(t.ID), t.Created, h.round.Now)
			r.Ticket, r.TicketID = t.Key, t.ID
			if err := g.keepPast(r, alerts[t.ID]); err != nil {
				return fmt.Errorf("ticket %s: %w", t.Key, err)
			}
		}
		h.at = h.began
		return tx.SetCursor(cursorPast, pastTickets, h.at)
	})
}

func (h *history) ingestion(tx *store.Tx) (*ingestion, error) {
	directory, err := reconcile.People(tx, h.stage.Policies)
	return &ingestion{stage: h.stage, tx: tx, round: h.round, records: map[incident.ID]incident.Record{}, people: directory, began: h.began}, err
}

// window keeps the incidents among the alerts of a stretch before the point that is reached, or of as much of it as may still
// be read.
func (h *history) window(ctx context.Context) error {
	from, to := h.at.Add(-pastWindow), h.at
	if from.Before(h.since) {
		from = h.since
	}
	if h.last != "" {
		to = to.Add(time.Millisecond) // the rest of that instant
	}
	list, err := h.stage.Alerts.Alerts(ctx, paging.Window{From: from, To: to})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b paging.Alert) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID)) })
	list = slices.DeleteFunc(list, h.passed)
	var found []incident.Alert
	at, last := from, paging.AlertID("")
	for n, a := range list {
		if h.left == 0 {
			at, last = list[n-1].Created, list[n-1].ID
			break
		}
		one, is, err := h.candidate(ctx, a)
		if err != nil {
			return err
		}
		if is {
			found = append(found, one)
		}
	}
	h.at, h.last = at, last
	return h.round.Store(ctx, func(tx *store.Tx) error {
		g, err := h.ingestion(tx)
		if err != nil {
			return err
		}
		for _, a := range found {
			if err := g.keepPast(incident.Begin(incident.AlertPart(a.ID), a.Created, h.round.Now), a); err != nil {
				return fmt.Errorf("alert %s: %w", a.ID, err)
			}
		}
		return tx.SetCursor(cursorPast, access.Cursor(last), at)
	})
}

// passed reports whether the alert was looked at in an earlier window.
func (h *history) passed(a paging.Alert) bool {
	return h.last != "" && (a.Created.After(h.at) || a.Created.Equal(h.at) && a.ID >= h.last)
}

// candidate reads an alert of the list whole, if it may be an incident that is over.
func (h *history) candidate(ctx context.Context, a paging.Alert) (incident.Alert, bool, error) {
	if a.Open || !a.Updated.Before(h.began) || strings.HasPrefix(string(a.Alias), ours) {
		return incident.Alert{}, false, nil
	}
	known := false
	err := h.stage.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		_, known, err = tx.IncidentOf(incident.AlertPart(a.ID))
		return err
	})
	if err != nil || known {
		return incident.Alert{}, false, err
	}
	h.left--
	one, found, err := h.read(ctx, a.ID)
	return one, found && !one.Open && (&ingestion{stage: h.stage}).wanted(one), err
}

// read reads an alert of the past, and its log when nothing else tells when things were done. One that cannot be read is left
// out: it holds up nobody else.
func (h *history) read(ctx context.Context, id paging.AlertID) (a incident.Alert, found bool, err error) {
	whole, err := h.stage.Alerts.Alert(ctx, id)
	switch {
	case local(err), errors.Is(err, access.ErrNotFound):
		return a, false, nil
	case err != nil:
		return a, false, err
	}
	if a = (incident.Alert{Alert: whole}); a.Timeless() {
		a, err = h.stage.timed(ctx, whole)
	}
	return a, err == nil, err
}

// keepPast keeps an incident that was over, with its alert, if it has one, and what is known of it as facts. One of which
// nothing tells that it was closed is left out: it was withdrawn, and no promise was kept or broken.
func (g *ingestion) keepPast(r incident.Record, a incident.Alert) error {
	for _, part := range append(r.Parts(), incident.AlertPart(a.ID)) {
		if _, known, err := g.tx.IncidentOf(part); err != nil || known {
			return err
		}
	}
	if a.ID != "" {
		if err := g.tx.PutAlert(a); err != nil {
			return err
		}
		r.Alerts = append(r.Alerts, a.ID)
		if d := r.Milestones[incident.Detected]; a.Created.Before(d.At) {
			d.At, d.Source = a.Created, "alert"
			r.Milestones[incident.Detected] = d
		}
	}
	r.Backfilled = true
	if err := g.findReview(&r); err != nil {
		return err
	}
	sight, err := g.sight(&r)
	if err != nil {
		return err
	}
	out := g.judged(r, sight)
	closed, ended := out.Record.Milestones[incident.Closed]
	if !ended || closed.At.Equal(out.Record.Milestones[incident.Detected].At) {
		return nil
	}
	if err := g.facts(out); err != nil {
		return err
	}
	return g.tx.PutIncident(out.Record)
}

// findReview finds the review that people have opened for an incident of the past: a ticket of the reviews' type that is linked
// with the incident's.
func (g *ingestion) findReview(r *incident.Record) error {
	if r.TicketID == "" {
		return nil
	}
	t, found, err := g.tx.TicketByID(r.TicketID)
	if err != nil || !found {
		return err
	}
	for _, key := range t.Links {
		linked, _, found, err := g.tx.Ticket(key)
		if err != nil {
			return err
		}
		if found && linked.Project == g.stage.policy.Project && linked.Type == g.stage.policy.ReviewType {
			r.Review.Ticket = linked.Key
			return nil
		}
	}
	return nil
}
