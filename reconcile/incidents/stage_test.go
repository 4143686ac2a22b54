package incidents_test

import (
	"context"
	"fmt"
	"slices"
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

func TestASev1AlertOpensATicketOnceAndTheTicketJoinsIt(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	b.pass()
	opened := b.effects(change.Open)
	if len(opened) != 1 || opened[0].New.Project != "SEC" || opened[0].New.Type != "Incident" {
		t.Fatalf("opened %+v", opened)
	}
	b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
	b.pass()
	if r := b.only(); r.Ticket != "SEC-91" || r.TicketID != "91" || !r.Has("a1") {
		t.Errorf("record %+v", r)
	}
	if again := b.effects(change.Open); len(again) != 0 {
		t.Errorf("opened again: %+v", again)
	}
	if links := b.effects(change.Link); len(links) != 1 || links[0].Body != "https://pager.example.com/a1" {
		t.Errorf("links %+v", links)
	}
	if notes := b.effects(change.AlertNote); len(notes) != 1 || !strings.Contains(notes[0].Body, "SEC-91") {
		t.Errorf("notes %+v", notes)
	}
}

func TestAlertsThatNobodyChangedAreNotReadAgain(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	for range 5 {
		b.pass()
	}
	if b.reads != 1 {
		t.Errorf("the alert was read %d times", b.reads)
	}
	b.alarm("a1", func(a *paging.Alert) { a.Acknowledged, a.AckAfter = true, 5*time.Minute })
	b.pass()
	if r := b.only(); b.reads != 2 || !r.Reached(incident.Acknowledged) {
		t.Errorf("read %d times, %+v", b.reads, r.Milestones)
	}
}

func TestWhichAlertsAreIncidents(t *testing.T) {
	b := newBench(t, false)
	b.pass()
	b.alarm("noise", func(a *paging.Alert) { a.Source = "noise" })
	b.alarm("own", func(a *paging.Alert) { a.Alias = "sopd-0123456789ab" })
	b.alarm("minor", func(a *paging.Alert) { a.Priority = 4 })
	b.pass()
	r := b.only()
	if !r.Has("minor") || r.Severity != incident.Medium {
		t.Errorf("record %+v", r)
	}
	if n := len(b.effects(change.Open)) + len(b.effects(change.AlertOpen)); n != 0 {
		t.Errorf("%d tickets and pages for a minor one", n)
	}
}

func TestOnTheFirstPassOnlyOpenAlertsAreIncidents(t *testing.T) {
	b := newBench(t, false)
	b.alarm("old", func(a *paging.Alert) { a.Open, a.CloseAfter = false, time.Minute })
	b.alarm("open", nil)
	b.pass()
	if r := b.only(); !r.Has("open") {
		t.Errorf("record %+v", r)
	}
}

func TestTheTeamIsPagedAtOnceOrWhenNobodyTakesTheAlert(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	if pages := b.effects(change.AlertOpen); len(pages) != 0 {
		t.Errorf("paged beside an alert that pages by itself: %+v", pages)
	}
	b.now = b.now.Add(5 * time.Minute)
	b.pass()
	pages := b.effects(change.AlertOpen)
	if len(pages) != 1 || !slices.Equal(pages[0].Page.Teams, []string{"Security"}) || pages[0].Page.Priority != 1 {
		t.Errorf("pages %+v", pages)
	}
	b.pass()
	if again := b.effects(change.AlertOpen); len(again) != 0 {
		t.Errorf("paged again: %+v", again)
	}
}

func TestATicketJoinsTheAlertThatItNames(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", func(a *paging.Alert) { a.Source = "noise" }) // named by a ticket, it counts all the same
	b.issue("SEC-1", func(x *ticket.Ticket) { x.Fields = map[string]ticket.Value{"Alert": {Texts: []string{"a1"}}} })
	b.pass()
	b.pass()
	if r := b.only(); r.Ticket != "SEC-1" || !r.Has("a1") {
		t.Errorf("record %+v", r)
	}
	if opened := b.effects(change.Open); len(opened) != 0 {
		t.Errorf("opened %+v", opened)
	}
}

func flags(r incident.Record) []incident.FlagKind {
	var kinds []incident.FlagKind
	for _, f := range r.Flags {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestATicketThatNamesAnUnknownAlertIsKeptAndFlagged(t *testing.T) {
	b := newBench(t, false)
	b.issue("SEC-1", func(x *ticket.Ticket) { x.Fields = map[string]ticket.Value{"Alert": {Texts: []string{"nowhere"}}} })
	b.pass()
	if r := b.only(); !slices.Contains(flags(r), incident.UnknownAlert) || r.Ticket != "SEC-1" {
		t.Errorf("record %+v", r)
	}
}

func TestATicketThatIsDeletedInJiraEndsItsIncidentWithoutABrokenPromise(t *testing.T) {
	b := newBench(t, false)
	b.issue("SEC-404", nil)
	b.pass()
	b.pass()
	b.do(func(tx *store.Tx) error {
		r, found, err := tx.IncidentOf(incident.TicketPart("404"))
		if !found || r.Withdrawn.IsZero() || r.Live() {
			t.Errorf("found %v, record %+v", found, r)
		}
		return err
	})
}

func TestTwoAlertsOfOneAliasAreOneIncidentWhileItIsOpenAndTwoOverTime(t *testing.T) {
	b := newBench(t, false)
	same := func(a *paging.Alert) { a.Alias, a.Priority = "disk", 3 }
	b.pass()
	b.alarm("a1", same)
	b.pass()
	b.alarm("a2", same)
	b.pass()
	if r := b.only(); !r.Has("a1") || !r.Has("a2") {
		t.Errorf("record %+v", r)
	}
	for _, id := range []paging.AlertID{"a1", "a2"} {
		b.alarm(id, func(a *paging.Alert) { a.Open, a.CloseAfter = false, time.Hour })
	}
	b.now = b.now.Add(2 * time.Hour)
	for _, id := range []paging.AlertID{"a1", "a2"} {
		b.alarm(id, nil)
	}
	b.pass()
	if left := b.records(); len(left) != 0 {
		t.Fatalf("live %+v", left)
	}
	b.alarm("a3", same)
	b.pass()
	if r := b.only(); !r.Has("a3") || r.Has("a1") {
		t.Errorf("record %+v", r)
	}
}

func TestAnAlertThatIsGoneIsFlagged(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	b.effects(change.Open)
	delete(b.alerts, "a1")
	b.now = b.now.Add(20 * time.Minute)
	b.pass()
	b.do(func(tx *store.Tx) error {
		r, _, err := tx.IncidentOf(incident.AlertPart("a1"))
		if !slices.Contains(flags(r), incident.AlertDeleted) {
			t.Errorf("record %+v", r)
		}
		return err
	})
}

// major is a bench with a Sev 1 about uAda that has its ticket, SEC-91.
func major(t *testing.T, notes bool) *bench {
	t.Helper()
	b := newBench(t, notes)
	b.alarm("a1", nil)
	b.pass()
	opened := b.effects(change.Open)
	b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
	b.pass()
	return b
}

func TestAPlaybookIsDemandedOnlyAfterItsStepsWereRecorded(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uTariq", "sopd: contain lock-out")
	d := b.pass()
	if len(d.Revoked) != 1 || d.Revoked[0].Group != "gPay" || d.Revoked[0].User != "uAda" || d.Revoked[0].Ticket != "SEC-91" || len(d.Actions) != 2 {
		t.Errorf("demand %+v", d)
	}
	if n := b.entries(ledger.PlaybookStep); n != 3 {
		t.Errorf("%d steps recorded, want 3: what is left to people is none", n)
	}
	if b.pass(); b.entries(ledger.PlaybookStep) != 3 {
		t.Error("the steps were recorded again")
	}
}

func TestAPlaybookRunsToItsEndAndContains(t *testing.T) {
	b := major(t, false)
	b.comment("SEC-91", "uTariq", "sopd: contain")
	b.pass()
	made := map[change.Kind]change.ID{}
	b.do(func(tx *store.Tx) error {
		for _, kind := range []change.Kind{change.RemoveMember, change.Suspend, change.ClearSessions} {
			c := change.Change{ID: change.NewID(b.now), Kind: kind, Reason: change.Containment, User: "uAda", State: change.Intended, Intended: b.now.Add(time.Second)}
			if kind == change.RemoveMember {
				c.Group = "gPay"
			}
			made[kind] = c.ID
			if err := tx.PutChange(c); err != nil {
				return err
			}
			c.State, c.Settled = change.Confirmed, b.now.Add(2*time.Second)
			if err := tx.PutChange(c); err != nil {
				return err
			}
		}
		return tx.PutMembers("gPay", []access.UserID{"uBob"}, b.now)
	})
	b.effects(change.AlertNote)
	b.pass()
	d := b.pass()
	r := b.only()
	if !r.Reached(incident.Contained) || r.Milestones[incident.Contained].Source != "playbook" {
		t.Errorf("milestones %+v", r.Milestones)
	}
	if len(d.Actions) != 0 || len(d.Revoked) != 1 {
		t.Errorf("demand %+v: what is done is done once, the membership stays demanded against", d)
	}
	all := ""
	for _, e := range b.effects(change.AlertNote) {
		all += e.Body + "\n"
	}
	for kind, id := range made {
		if !strings.Contains(all, string(id)) {
			t.Errorf("no note on the alert names the change that did %s", kind)
		}
	}
	b.issue("SEC-91", move("Closed", b.now))
	if d := b.pass(); len(d.Revoked) != 0 {
		t.Errorf("a closed incident demands %+v", d)
	}
	if closed := b.effects(change.AlertClose); len(closed) != 1 {
		t.Errorf("alerts closed: %+v", closed)
	}
}

func TestWhoMayNotIsRefusedWithASentenceAndNothingIsDemanded(t *testing.T) {
	for name, c := range map[string]struct {
		notes bool
		act   func(*bench)
		want  string
	}{
		"somebody else":       {false, func(b *bench) { b.comment("SEC-91", "uBob", "sopd: contain") }, "authorises"},
		"a stranger":          {false, func(b *bench) { b.comment("SEC-91", "uNobody", "sopd: contain") }, "authorises"},
		"somebody who left":   {false, func(b *bench) { b.comment("SEC-91", "uGone", "sopd: contain") }, "authorises"},
		"a note not accepted": {false, func(b *bench) { b.note("a1", "utariq@example.com", "/contain") }, "authorises"},
		"a stranger's note":   {true, func(b *bench) { b.note("a1", "evil@example.com", "/contain") }, "authorises"},
		"an old word": {false, func(b *bench) {
			b.comment("SEC-91", "uTariq", "sopd: contain")
			b.now = b.now.Add(2 * time.Hour)
		}, "before it was read"},
		"an unknown playbook": {false, func(b *bench) { b.comment("SEC-91", "uTariq", "sopd: contain everything") }, "lock-out, group"},
		"a protected user": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"user": "uGlass"} })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "protected by policy"},
		"an unknown user": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"user": "uNobody"} })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "not known in Okta"},
		"their own account": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"user": "utariq@example.com"} })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "their own account"},
		"nobody named": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = nil })
			b.comment("SEC-91", "uTariq", "sopd: contain")
		}, "names a user or a group"},
		"a group that is not managed": {false, func(b *bench) {
			b.alarm("a1", func(a *paging.Alert) { a.Details = map[string]string{"group": "gOther"} })
			b.comment("SEC-91", "uTariq", "sopd: contain group")
		}, "not one that sopd manages"},
	} {
		t.Run(name, func(t *testing.T) {
			b := major(t, c.notes)
			b.effects(change.Comment)
			b.effects(change.AlertNote)
			c.act(b)
			d := b.pass()
			if len(d.Actions)+len(d.Revoked) != 0 || b.entries(ledger.PlaybookStep) != 0 {
				t.Errorf("demand %+v", d)
			}
			said := append(b.effects(change.Comment), b.effects(change.AlertNote)...)
			if !slices.ContainsFunc(said, func(e change.Effect) bool {
				return strings.HasPrefix(e.Body, "Not done") && strings.Contains(e.Body, c.want)
			}) {
				t.Errorf("said %+v, want %q", said, c.want)
			}
			if !slices.Contains(flags(b.only()), incident.Refused) {
				t.Errorf("flags %v", flags(b.only()))
			}
		})
	}
}

func TestANoteConfirmsWhereThePolicyAcceptsIt(t *testing.T) {
	b := major(t, true)
	b.note("a1", "uTariq@example.com", "/contain lock-out")
	if d := b.pass(); len(d.Actions) != 2 || len(d.Revoked) != 1 {
		t.Errorf("demand %+v", d)
	}
}

func TestAlertsThatNameTwoUsersAreLeftToPeople(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", func(a *paging.Alert) { a.Alias = "same" })
	b.alarm("a2", func(a *paging.Alert) { a.Alias = "same"; a.Details = map[string]string{"user": "uBob"} })
	b.pass()
	opened := b.effects(change.Open)
	b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
	b.comment("SEC-91", "uTariq", "sopd: contain")
	if d := b.pass(); len(d.Actions)+len(d.Revoked) != 0 || !slices.Contains(flags(b.only()), incident.Refused) {
		t.Errorf("demand %+v", d)
	}
}

func TestNothingIsConfirmedOrSaidWhileWritingIsOff(t *testing.T) {
	b := major(t, false)
	b.write = false
	b.comment("SEC-91", "uTariq", "sopd: contain")
	b.effects(change.Comment)
	if d := b.pass(); len(d.Actions)+len(d.Revoked) != 0 || b.entries(ledger.PlaybookStep) != 0 || len(b.effects(change.Comment)) != 0 {
		t.Errorf("demand %+v", d)
	}
}

func TestAReminderGoesOutOnceBeforeEachUpdateIsDue(t *testing.T) {
	b := major(t, false)
	b.effects(change.Comment)
	reminders := func() (n int) {
		for _, e := range b.effects(change.Comment) {
			if strings.HasPrefix(e.Body, "The next update") {
				n++
			}
		}
		return n
	}
	for b.now.Before(start.Add(19 * time.Minute)) {
		b.pass()
	}
	if n := reminders(); n != 0 {
		t.Errorf("%d reminders 19 minutes in", n)
	}
	for b.now.Before(start.Add(27 * time.Minute)) {
		b.pass()
	}
	if n := reminders(); n != 1 {
		t.Errorf("%d reminders 27 minutes in", n)
	}
	b.comment("SEC-91", "uBob", "sopd: update we look at it")
	for range 15 {
		b.pass()
	}
	if n := reminders(); n != 0 {
		t.Errorf("%d reminders in the first fifteen minutes after an update", n)
	}
}

func TestTheReviewIsOpenedAtTheCloseAndItsLacksAreNamedOnceForEachSet(t *testing.T) {
	b := major(t, false)
	b.issue("SEC-91", move("Closed", b.now))
	b.pass()
	opened := b.effects(change.Open)
	if len(opened) != 1 || opened[0].New.Type != "Review" {
		t.Fatalf("opened %+v", opened)
	}
	lacks := func() (said []string) {
		for _, e := range b.effects(change.Comment) {
			if strings.Contains(e.Body, "lacks") && e.Ticket == "SEC-92" {
				said = append(said, e.Body)
			}
		}
		return said
	}
	review := func(spoil func(*ticket.Ticket)) {
		b.issue("SEC-92", func(x *ticket.Ticket) {
			x.Type, x.Done = "Review", true
			spoil(x)
		})
		b.pass()
		b.pass()
	}
	review(func(*ticket.Ticket) {})
	if said := lacks(); len(said) != 1 || !strings.Contains(said[0], "Root cause") || !strings.Contains(said[0], "Policy updates") || !strings.Contains(said[0], "follow-up") {
		t.Errorf("said %q", said)
	}
	filled := ticket.Value{Texts: []string{"a token"}}
	review(func(x *ticket.Ticket) {
		x.Fields = map[string]ticket.Value{"Root cause": filled, "Policy updates": filled}
	})
	if said := lacks(); len(said) != 1 || strings.Contains(said[0], "Root cause") {
		t.Errorf("said %q", said)
	}
	if r := b.only(); !r.Review.Completed.IsZero() {
		t.Errorf("complete without a follow-up: %+v", r.Review)
	}
	review(func(x *ticket.Ticket) { x.Links = []ticket.Key{"SEC-95"} })
	if left := b.records(); len(left) != 0 {
		t.Errorf("live: %+v", left)
	}
}

func TestAReviewThatIsOverdueIsAFinding(t *testing.T) {
	b := major(t, false)
	b.issue("SEC-91", move("Closed", b.now))
	b.pass()
	b.effects(change.Open)
	found := func() (n int) {
		b.pass()
		b.do(func(tx *store.Tx) error {
			all, err := b.stage.Conclude(tx, reconcile.Round{Now: b.now, Write: true})
			for _, f := range all {
				if f.Kind == incidents.FindingReview && f.Ticket == "SEC-92" {
					n++
				}
			}
			return err
		})
		return n
	}
	if n := found(); n != 0 {
		t.Errorf("%d findings before the day", n)
	}
	b.now = start.AddDate(0, 0, 6)
	if n := found(); n != 1 {
		t.Errorf("%d findings after the day", n)
	}
}
