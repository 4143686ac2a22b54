package incidents_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/incidents"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const systems = `apiVersion: sopd/v1
kind: Catalog
systems:
  - {id: pay, name: Pay, risk: high, mode: enforce, owners: {users: [uOwner]},
     groups: [{id: gPay, name: pay-users}], roles: [{name: User, groups: [pay-users]}]}
  - {id: arch, name: Archive, risk: low, mode: observe, owners: {users: [uOwner]},
     groups: [{id: gArch, name: arch-users}], roles: [{name: User, groups: [arch-users]}]}
`

const response = `apiVersion: sopd/v1
kind: IncidentResponse
name: incident-response
title: Incident response
version: 1.0.0
effective: 2026-01-01
owner: A
reviewer: B
nextReview: 2027-01-01
raci: {responsible: A, accountable: A, consulted: B, informed: C}
controls: [X]
tickets: {projects: [SEC], types: [Incident]}
alerts: {when: 'source != "noise"', field: Alert, user: user, group: group, link: "https://pager.example.com/{id}"}
severity:
  - {severity: critical, when: priority == "P1", reason: paged as P1}
  - {severity: medium, reason: nothing else}
milestones: {acknowledged: [In progress], resolved: [Resolved], closed: [Closed]}
onCall: {teams: [Security], after: 5m}
updates: {remind: 10m}
containment:
  authorised: {users: [uTariq]}
  notes: false
  within: 1h
  mode: enforce
  playbooks: [{name: lock-out, steps: [remove-from-groups, suspend, clear-sessions]}, {name: group, steps: [remove-from-named-group]}]
review: {type: Review, within: 5d, rootCause: Root cause, policyUpdates: Policy updates}
clocks:
  - {kpi: updates, subject: incident, start: [incident.detected], stop: [incident.updated], reopen: [incident.awaits-update], cancel: [incident.withdrawn], target: {critical: 30m}}
`

// bench is the stage with a pager, a desk and a store of its own.
type bench struct {
	*testing.T
	now      time.Time
	store    *store.Store
	stage    *incidents.Stage
	policies *policies.Set
	alerts   map[paging.AlertID]paging.Alert
	notes    map[paging.AlertID][]paging.Note
	comments map[ticket.Key][]ticket.Comment
	logs     map[paging.AlertID][]paging.Entry
	logFault error
	reads    int // of single alerts
	logReads int
	opened   int
	write    bool
}

func newBench(t *testing.T, notes bool) *bench {
	t.Helper()
	return newBenchOf(t, strings.Replace(response, "notes: false", fmt.Sprintf("notes: %v", notes), 1))
}

// newBenchOf is a bench with an incident policy of its own.
func newBenchOf(t *testing.T, policy string) *bench {
	t.Helper()
	b := &bench{T: t, now: start, write: true, alerts: map[paging.AlertID]paging.Alert{}, notes: map[paging.AlertID][]paging.Note{}, logs: map[paging.AlertID][]paging.Entry{},
		comments: map[ticket.Key][]ticket.Comment{}}
	set, err := policies.Load(fstest.MapFS{
		"catalog.yaml": {Data: []byte(systems)}, "incidents.yaml": {Data: []byte(policy)},
		"people.yaml": {Data: []byte("apiVersion: sopd/v1\nkind: People\nattribute: jira\nemail: true\n")},
		"guards.yaml": {Data: []byte("apiVersion: sopd/v1\nkind: Guards\nprotectedUsers: [uGlass]\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.policies = set
	b.store = storetest.OpenURL(t, storetest.NewSQLite(t), func() time.Time { return b.now })
	b.stage, err = incidents.New(incidents.Options{Store: b.store, Policies: set, Alerts: b, Comments: b})
	if err != nil {
		t.Fatal(err)
	}
	b.do(func(tx *store.Tx) error {
		var users []access.User
		for _, id := range []access.UserID{"uAda", "uBob", "uTariq", "uGlass", "uGone"} {
			u := access.User{ID: id, Login: strings.ToLower(string(id)) + "@example.com", Status: access.Active, Profile: map[string]string{"jira": "acc-" + string(id)}}
			if id == "uGone" {
				u.Status = access.Deprovisioned
			}
			users = append(users, u)
		}
		for _, id := range []access.GroupID{"gPay", "gArch"} {
			if err := tx.PutGroup(access.Group{ID: id, Type: access.OktaGroup}); err != nil {
				return err
			}
			if err := tx.PutMembers(id, []access.UserID{"uAda", "uBob"}, start); err != nil {
				return err
			}
		}
		if err := tx.IndexUsers("jira"); err != nil {
			return err
		}
		return tx.PutUsers(users)
	})
	return b
}

func (b *bench) do(fn func(*store.Tx) error) {
	b.Helper()
	storetest.Write(b.T, b.store, fn)
}

// Alerts lists what was updated in the window.
func (b *bench) Alerts(_ context.Context, w paging.Window) ([]paging.Alert, error) {
	var found []paging.Alert
	for _, a := range b.alerts {
		if at := w.By.Of(a); !at.Before(w.From) && (w.To.IsZero() || at.Before(w.To)) {
			a.Details = nil
			found = append(found, a)
		}
	}
	return found, nil
}

// Alert reads one.
func (b *bench) Alert(_ context.Context, id paging.AlertID) (paging.Alert, error) {
	b.reads++
	a, found := b.alerts[id]
	if !found {
		return a, access.ErrNotFound
	}
	return a, nil
}

// Notes lists the notes of one.
func (b *bench) Notes(_ context.Context, id paging.AlertID) ([]paging.Note, error) {
	return b.notes[id], nil
}

// Logs lists the log of one.
func (b *bench) Logs(_ context.Context, id paging.AlertID) ([]paging.Entry, error) {
	b.logReads++
	return b.logs[id], b.logFault
}

// Comments lists the comments of a ticket.
func (b *bench) Comments(_ context.Context, key ticket.Key) ([]ticket.Comment, error) {
	if key == "SEC-404" {
		return nil, access.ErrNotFound
	}
	return b.comments[key], nil
}

func (b *bench) alarm(id paging.AlertID, spoil func(*paging.Alert)) {
	a := paging.Alert{ID: id, Alias: paging.Alias(id), Message: "Copied", Priority: 1, Open: true, Created: b.now, Updated: b.now,
		Details: map[string]string{"user": "uAda"}}
	if known, is := b.alerts[id]; is {
		a = known
		a.Updated = b.now
	}
	if spoil != nil {
		spoil(&a)
	}
	b.alerts[id] = a
}

func (b *bench) note(id paging.AlertID, author, text string) {
	b.notes[id] = append(b.notes[id], paging.Note{Text: text, Author: author, Created: b.now})
	b.alarm(id, nil)
}

// issue stores a ticket as the loop's own reading does.
func (b *bench) issue(key ticket.Key, spoil func(*ticket.Ticket)) {
	b.Helper()
	t := ticket.Ticket{ID: ticket.ID(strings.TrimPrefix(string(key), "SEC-")), Key: key, Project: "SEC", Type: "Incident", Status: "Open", Created: b.now, Updated: b.now}
	b.do(func(tx *store.Tx) error {
		if known, _, found, err := tx.Ticket(key); err != nil {
			return err
		} else if found {
			t, t.Updated = known, b.now
		}
		if spoil != nil {
			spoil(&t)
		}
		return tx.PutTicket(t, b.now)
	})
}

func (b *bench) comment(key ticket.Key, by, text string) {
	b.Helper()
	b.comments[key] = append(b.comments[key], ticket.Comment{
		ID: fmt.Sprint(len(b.comments[key]) + 1), Author: ticket.AccountID("acc-" + by), Body: text, Created: b.now,
		Person: ticket.Person{Account: ticket.AccountID("acc-" + by), Active: true},
	})
	b.issue(key, nil)
}

func move(status string, at time.Time) func(*ticket.Ticket) {
	return func(t *ticket.Ticket) {
		t.Status, t.Done = status, status == "Closed"
		t.History = append(t.History, ticket.Edit{At: at, Field: "status", ToText: status})
	}
}

// pass lets the stage take part in a pass, a minute after the one before, and returns what it demands.
func (b *bench) pass() reconcile.Demand {
	b.Helper()
	b.now = b.now.Add(time.Minute)
	round := reconcile.Round{Now: b.now, Write: b.write, Store: b.store.Write}
	if err := b.stage.Observe(b.Context(), round); err != nil {
		b.Fatal(err)
	}
	var d reconcile.Demand
	b.do(func(tx *store.Tx) error {
		var err error
		if d, err = b.stage.Demand(tx, b.now); err != nil {
			return err
		}
		_, err = b.stage.Conclude(tx, round)
		return err
	})
	return d
}

func (b *bench) records() []incident.Record {
	b.Helper()
	var all []incident.Record
	b.do(func(tx *store.Tx) error {
		var err error
		all, err = tx.LiveIncidents()
		return err
	})
	return all
}

func (b *bench) only() incident.Record {
	b.Helper()
	all := b.records()
	if len(all) != 1 {
		b.Fatalf("%d incidents, want 1: %+v", len(all), all)
	}
	return all[0]
}

// effects returns what is queued, of a kind, and marks it as done: tickets are opened as SEC-90, SEC-91 …
func (b *bench) effects(kind change.EffectKind) []change.Effect {
	b.Helper()
	var found []change.Effect
	b.do(func(tx *store.Tx) error {
		due, err := tx.EffectsDue(1000)
		if err != nil {
			return err
		}
		for _, e := range due {
			if e.Kind != kind {
				continue
			}
			found = append(found, e)
			if kind == change.Open {
				b.opened++
				err = tx.EffectOpened(e.Key, ticket.Key(fmt.Sprintf("SEC-%d", 90+b.opened)), b.now)
			} else {
				err = tx.EffectDone(e.Key, b.now)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found
}

func (b *bench) entries(kind ledger.Kind) (n int) {
	b.Helper()
	b.do(func(tx *store.Tx) error {
		return tx.EachRecord(0, func(r ledger.Record) error {
			if r.Kind == kind {
				n++
			}
			return nil
		})
	})
	return n
}
