package store

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
)

// PutAlert keeps an alert as it was read, in place of what was known of it.
//
// Errors: [access.ErrInvalid] for an alert without an ID.
func (t *Tx) PutAlert(a incident.Alert) error {
	if a.ID == "" {
		return fmt.Errorf("alert without an ID: %w", access.ErrInvalid)
	}
	text, err := toDoc(a)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO alerts (id, updated, doc) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, doc = excluded.doc`, string(a.ID), micros(a.Updated), text)
	return err
}

// Alert returns the alert as it was last read. found is false for one that never was.
func (t *Tx) Alert(id paging.AlertID) (a incident.Alert, found bool, err error) {
	return doc[incident.Alert](t, "SELECT doc FROM alerts WHERE id = $1", string(id))
}

// AlertsSince returns the alerts that were last updated at or after the instant, by that time, then by ID.
func (t *Tx) AlertsSince(since time.Time) ([]incident.Alert, error) {
	return docs[incident.Alert](t, "SELECT doc FROM alerts WHERE updated >= $1 ORDER BY updated, "+t.binary("id"), micros(since))
}

// PutIncident keeps an incident, and which alerts and ticket belong to it. A part that belongs to another incident stays
// there.
func (t *Tx) PutIncident(r incident.Record) error {
	text, err := toDoc(r)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO incidents (id, live, doc) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET live = excluded.live, doc = excluded.doc`, string(r.ID), flag(r.Live()), text)
	if err != nil {
		return err
	}
	for _, part := range r.Parts() {
		if _, err := t.exec("INSERT INTO incident_parts (part, incident) VALUES ($1, $2) ON CONFLICT DO NOTHING", part, string(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Incident returns the incident. found is false when there is none of the ID.
func (t *Tx) Incident(id incident.ID) (r incident.Record, found bool, err error) {
	return doc[incident.Record](t, "SELECT doc FROM incidents WHERE id = $1", string(id))
}

// IncidentOf returns the incident that an alert or a ticket belongs to; see [incident.AlertPart] and [incident.TicketPart].
func (t *Tx) IncidentOf(part string) (r incident.Record, found bool, err error) {
	return doc[incident.Record](t, "SELECT i.doc FROM incidents i JOIN incident_parts p ON p.incident = i.id WHERE p.part = $1", part)
}

// LiveIncidents returns the incidents for which something is still to happen, by ID.
func (t *Tx) LiveIncidents() ([]incident.Record, error) {
	return docs[incident.Record](t, "SELECT doc FROM incidents WHERE live = 1 ORDER BY "+t.binary("id"))
}

// PutOrders keeps what people have written for sopd on an alert or a ticket, as a complete read showed it.
func (t *Tx) PutOrders(source string, orders []incident.Order, readAt time.Time) error {
	text, err := toDoc(orders)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO incident_orders (source, read_at, doc) VALUES ($1, $2, $3)
		ON CONFLICT (source) DO UPDATE SET read_at = excluded.read_at, doc = excluded.doc`, source, micros(readAt), text)
	return err
}

// Orders returns what people have written for sopd there, and when that was read; the zero time when it never was.
func (t *Tx) Orders(source string) (orders []incident.Order, readAt time.Time, err error) {
	var at int64
	var text string
	found, err := t.row([]any{&at, &text}, "SELECT read_at, doc FROM incident_orders WHERE source = $1", source)
	if err != nil || !found {
		return nil, time.Time{}, err
	}
	return orders, fromMicros(at), fromDoc(text, &orders)
}
