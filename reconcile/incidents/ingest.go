package incidents

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// ingestion brings the incidents up to what was read, in one transaction.
type ingestion struct {
	stage   *Stage
	tx      *store.Tx
	round   reconcile.Round
	records map[incident.ID]incident.Record // live ones and those touched
	began   time.Time                       // when incidents were looked after first
	people  *people.Directory
}

func (s *Stage) ingest(tx *store.Tx, w reconcile.Round, in *seen) error {
	directory, err := reconcile.People(tx, s.Policies)
	if err != nil {
		return err
	}
	began, err := began(tx, w.Now)
	if err != nil {
		return err
	}
	g := &ingestion{stage: s, tx: tx, round: w, records: map[incident.ID]incident.Record{}, people: directory, began: began}
	live, err := tx.LiveIncidents()
	if err != nil {
		return err
	}
	for _, r := range live {
		g.records[r.ID] = r
	}
	for _, t := range in.tickets {
		if err := g.ticket(t); err != nil {
			return fmt.Errorf("ticket %s: %w", t.Key, err)
		}
	}
	for _, a := range in.alerts {
		if err := g.alert(a); err != nil {
			return fmt.Errorf("alert %s: %w", a.ID, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.records)) {
		if err := g.advance(g.records[id]); err != nil {
			return fmt.Errorf("incident %s: %w", id, err)
		}
	}
	return nil
}

// of returns the incident that a part belongs to.
func (g *ingestion) of(part string) (incident.Record, bool, error) {
	for _, r := range g.records {
		if slices.Contains(r.Parts(), part) {
			return r, true, nil
		}
	}
	r, found, err := g.tx.IncidentOf(part)
	if found {
		g.records[r.ID] = r
	}
	return r, found, err
}

// marked returns the incident whose marker the text is.
func (g *ingestion) marked(text string) (incident.Record, bool, error) {
	id, is := strings.CutPrefix(text, incident.ID("").Marker())
	if !is {
		return incident.Record{}, false, nil
	}
	if r, known := g.records[incident.ID(id)]; known {
		return r, true, nil
	}
	return g.tx.Incident(incident.ID(id))
}

// alert finds the incident of an alert, or begins one.
func (g *ingestion) alert(a incident.Alert) error {
	if _, known, err := g.of(incident.AlertPart(a.ID)); err != nil || known || a.Gone {
		return err
	}
	r, found, err := g.marked(string(a.Alias))
	if err != nil {
		return err
	}
	if !found {
		r, found = g.together(a)
	}
	switch {
	case found:
	case strings.HasPrefix(string(a.Alias), ours) || !g.wanted(a):
		return nil
	case !a.Open && (a.Updated.Before(g.began) || g.round.Now.Sub(a.Created) > recent): // it was over before sopd looked after it
		return nil
	default:
		r = incident.Begin(incident.AlertPart(a.ID), a.Created, g.round.Now)
	}
	r.Alerts = append(slices.Clone(r.Alerts), a.ID)
	g.records[r.ID] = r
	return nil
}

// together returns the open incident that the alert belongs to though it is another: one of the same alias, or one whose
// ticket names it.
func (g *ingestion) together(a incident.Alert) (incident.Record, bool) {
	for _, id := range slices.Sorted(maps.Keys(g.records)) {
		r := g.records[id]
		if r.Reached(incident.Closed) {
			continue
		}
		if r.TicketID != "" {
			if t, found, err := g.tx.TicketByID(r.TicketID); err == nil && found && g.stage.named(t) == a.ID {
				return r, true
			}
		}
		for _, known := range r.Alerts {
			other, found, err := g.tx.Alert(known)
			if err == nil && found && a.Alias != "" && other.Alias == a.Alias && string(a.Alias) != string(a.ID) {
				return r, true
			}
		}
	}
	return incident.Record{}, false
}

// wanted reports whether policy takes the alert for an incident. A condition that cannot be answered does not hide one.
func (g *ingestion) wanted(a incident.Alert) bool {
	if g.stage.policy.Alerts == nil {
		return true
	}
	holds, err := g.stage.policy.Alerts(incident.See([]incident.Alert{a}, nil))
	return err != nil || holds
}

// ticket finds the incident of a ticket, or begins one.
func (g *ingestion) ticket(t ticket.Ticket) error {
	if r, known, err := g.of(incident.TicketPart(t.ID)); err != nil || known {
		if known && r.Ticket != t.Key {
			r.Ticket = t.Key
			g.records[r.ID] = r
		}
		return err
	}
	r, found, err := g.partner(t)
	switch {
	case err != nil:
		return err
	case found && r.TicketID == "":
	case t.Done && (t.Updated.Before(g.began) || g.round.Now.Sub(t.Created) > recent): // it was over before sopd looked after it
		return nil
	default:
		r = incident.Begin(incident.TicketPart(t.ID), t.Created, g.round.Now)
	}
	r.Ticket, r.TicketID = t.Key, t.ID
	g.records[r.ID] = r
	return nil
}

// partner returns the incident that a new ticket belongs to: the one that it was opened for, or the one of the alert that it
// names.
func (g *ingestion) partner(t ticket.Ticket) (incident.Record, bool, error) {
	for _, label := range t.Labels {
		if r, found, err := g.marked(label); err != nil || found {
			return r, found, err
		}
	}
	if named := g.stage.named(t); named != "" {
		return g.of(incident.AlertPart(named))
	}
	return incident.Record{}, false, nil
}

// advance lets the engine look at one incident, and keeps what comes of it.
func (g *ingestion) advance(r incident.Record) error {
	sight, err := g.sight(&r)
	if err != nil {
		return err
	}
	out := g.judged(r, sight)
	if err := g.strangers(&out, sight); err != nil {
		return err
	}
	if g.round.Write { // a playbook is confirmed for now, not for whenever writing is switched on
		for _, o := range out.Contain {
			if err := g.contain(&out, sight, o); err != nil {
				return err
			}
		}
	}
	if err := g.facts(out); err != nil {
		return err
	}
	if g.round.Write {
		if err := g.stage.tell(g.tx, g.round, &out, sight); err != nil {
			return err
		}
	}
	return g.tx.PutIncident(out.Record)
}

// judged lets the engine look at an incident. One of the past has no review but the one that people have opened, and stays in
// the past, unless it is opened again.
func (g *ingestion) judged(r incident.Record, s incident.Sight) incident.Outcome {
	engine := g.stage.policy.Engine
	if r.Backfilled && r.Review.Ticket == "" {
		engine.Review = incident.ReviewPolicy{}
	}
	out := incident.Advance(r, s, engine, g.round.Now)
	switch {
	case !r.Backfilled:
	case out.Record.Round > r.Round:
		out.Record.Backfilled = false
	default:
		out.Facts = out.Record.History(g.stage.clocks(), out.Facts, g.began)
	}
	return out
}

// strangers flags a ticket that names an alert which nobody knows.
func (g *ingestion) strangers(out *incident.Outcome, s incident.Sight) error {
	if s.Ticket == nil || g.stage.Alerts == nil {
		return nil
	}
	named := g.stage.named(*s.Ticket)
	if named == "" {
		return nil
	}
	_, known, err := g.tx.Alert(named)
	if err == nil && !known {
		out.Record.Doubt(incident.Flag{
			Kind: incident.UnknownAlert, Ref: string(named), At: g.round.Now, Text: "the ticket names an alert that does not exist",
		})
	}
	return err
}

// sight gathers what is known of the parts of an incident, and notes what is gone.
func (g *ingestion) sight(r *incident.Record) (incident.Sight, error) {
	var s incident.Sight
	for _, id := range r.Alerts {
		a, found, err := g.tx.Alert(id)
		if err != nil {
			return s, err
		}
		if found {
			s.Alerts = append(s.Alerts, a)
		}
		if err := g.orders(&s, r, incident.AlertPart(id)); err != nil {
			return s, err
		}
	}
	if r.TicketID != "" {
		t, found, err := g.tx.TicketByID(r.TicketID)
		if err != nil {
			return s, err
		}
		if r.TicketGone = !found; found {
			s.Ticket = &t
		}
		if err := g.orders(&s, r, incident.TicketPart(r.TicketID)); err != nil {
			return s, err
		}
	}
	if err := g.opened(r); err != nil {
		return s, err
	}
	if r.Review.Ticket != "" {
		t, _, found, err := g.tx.Ticket(r.Review.Ticket)
		if err != nil {
			return s, err
		}
		if found {
			s.Review = &t
		}
	}
	return s, nil
}

// opened takes over the keys of the tickets that sopd has opened.
func (g *ingestion) opened(r *incident.Record) error {
	for key, into := range map[string]*ticket.Key{ticketEffect(r.ID): &r.Ticket, reviewEffect(r.ID): &r.Review.Ticket} {
		e, found, err := g.tx.Effect(key)
		if err != nil {
			return err
		}
		if found && *into == "" && !e.Done.IsZero() {
			*into = e.Ticket
		}
	}
	return nil
}

// orders adds the orders given at a source that were not dealt with, with what is known of who gave them.
func (g *ingestion) orders(s *incident.Sight, r *incident.Record, source string) error {
	orders, _, err := g.tx.Orders(source)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if r.Handled[o.Ref] {
			continue
		}
		j, err := g.judge(o)
		if err != nil {
			return err
		}
		s.Orders = append(s.Orders, j)
	}
	return nil
}

// judge finds out who gave an order. Whoever is not known for certain, as an active user, is nobody.
func (g *ingestion) judge(o incident.Order) (incident.Judged, error) {
	j := incident.Judged{Order: o}
	var user access.User
	var err error
	if o.OnTicket() {
		if !o.Author.Active {
			return j, nil
		}
		user, err = g.people.Match(o.Author)
	} else {
		user, err = g.people.Named(o.Author.Name)
	}
	if err != nil || user.Status != access.Active {
		return j, g.people.Err() // somebody who is not known is nobody
	}
	j.By = user.ID
	authorised := g.stage.policy.Containment.Authorised
	j.Authorised = slices.Contains(authorised.Users, user.ID) || slices.ContainsFunc(authorised.Groups, func(group access.GroupID) bool {
		return g.people.Member(access.Membership{Group: group, User: user.ID})
	})
	j.Authorised = j.Authorised && (o.OnTicket() || g.stage.policy.Containment.Notes)
	return j, g.people.Err()
}

// facts records what the engine found, with the ledger.
func (g *ingestion) facts(out incident.Outcome) error {
	fresh, err := g.tx.PutFacts(out.Facts)
	if err != nil {
		return err
	}
	for _, f := range fresh {
		kind := ledger.FactRecorded
		if f.Corrects != "" {
			kind = ledger.FactCorrected
		}
		if err := record(g.tx, ledger.Entry{Kind: kind, At: g.round.Now, Ticket: out.Record.Ticket, Body: f}); err != nil {
			return err
		}
	}
	return nil
}

func record(tx *store.Tx, e ledger.Entry) error {
	_, err := tx.Append(e)
	return err
}
