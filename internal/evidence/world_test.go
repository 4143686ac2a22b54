package evidence_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

const origin = "sopd.example.com/ledger"

// october is the period that the tests export.
var (
	october  = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
)

// clock is a clock that only the test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

// archive is a store with a past, its key and its clock.
type archive struct {
	t     testing.TB
	store *store.Store
	key   ledger.Key
	clock *clock
	n     int
	url   string
}

func newKey(t testing.TB) ledger.Key {
	t.Helper()
	private, _, err := ledger.GenerateKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newArchive(t testing.TB) *archive {
	t.Helper()
	c := &clock{now: october.AddDate(0, 0, -20)}
	url := storetest.NewSQLite(t)
	return &archive{t: t, store: storetest.OpenURL(t, url, c.read), key: newKey(t), clock: c, url: url}
}

// exec changes the database past the store, as whoever can write to its file could.
func (a *archive) exec(query string) {
	a.t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(a.url, "sqlite:"))
	if err != nil {
		a.t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(a.t.Context(), query)
	if err != nil {
		a.t.Fatal(err)
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		a.t.Fatalf("nothing was changed: %v", err)
	}
}

func (a *archive) write(fn func(*store.Tx) error) {
	a.t.Helper()
	storetest.Write(a.t, a.store, fn)
}

func (a *archive) append(entries ...ledger.Entry) {
	a.t.Helper()
	a.write(func(tx *store.Tx) error {
		_, err := tx.Append(entries...)
		return err
	})
}

func (a *archive) sign() store.Checkpoint {
	a.t.Helper()
	c, _, err := evidence.Sign(a.t.Context(), a.store, a.key, a.clock.now)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

const payments = access.GroupID("00gpayments")

func managed() []evidence.Group {
	return []evidence.Group{{ID: payments, Name: "payments-users", System: "payments"}}
}

// user returns the n-th fictional person.
func user(n int) access.User {
	return access.User{ID: access.UserID(fmt.Sprintf("00uperson%d", n)), Login: fmt.Sprintf("person%d@example.com", n), Status: access.Active}
}

// grant plays one request from ticket to witnessed change.
func (a *archive) grant(n int) (change.Grant, change.Change) {
	a.t.Helper()
	now := a.clock.now
	u := user(n)
	key := ticket.Key(fmt.Sprintf("ACC-%d", n))
	g := change.Grant{
		ID: change.NewGrantID(ticket.ID(fmt.Sprint(1000+n)), access.Membership{Group: payments, User: u.ID}), Ticket: key, User: u.ID, Group: payments,
		System: "payments", Role: "user", Policy: "access-provisioning@1.0.0", Requested: now.Add(-time.Hour), Approved: now, FieldsHash: "ab",
		Approvals: []change.Proof{{Role: "system-owner", Approval: "7", Account: "acc-owner", User: "00uowner", At: now, Eligible: "owner of payments"}},
	}
	c := change.Change{
		ID: change.NewID(now), Kind: change.AddMember, Reason: change.ApprovedTicket, User: u.ID, Group: payments, Ticket: key, Grant: g.ID,
		Plan: "p", Policy: g.Policy, State: change.Intended, Intended: now,
	}
	event := access.Event{
		ID: access.EventID(fmt.Sprintf("event-%d", n)), Published: now.Add(time.Second), Type: "group.user_membership.add", Succeeded: true,
		Users: []access.UserID{u.ID}, Groups: []access.GroupID{payments}, Actor: access.Actor{ID: "sopd", Type: "PublicClientApp"},
	}
	tk := ticket.Ticket{ID: ticket.ID(fmt.Sprint(1000 + n)), Key: key, Project: "ACC", Status: "Done", Created: g.Requested, Updated: now, Summary: "=cmd()",
		Original:        fmt.Appendf(nil, `{"key": %q, "fields":{"summary":"=cmd()","status":{"name":"Done"},"reporter":{"accountId":"acc-%d","displayName":"Rita Łódź"}}}`, key, n),
		OriginalHistory: []byte(`[{"id":"1","items":[{"field":"summary","fromString":"Rita's"}]}]`)}
	approval := ticket.Approval{ID: "7", Decision: ticket.Approved, Created: now, Completed: now, Original: []byte(`{"id":"7","finalDecision":"approved"}`)}
	event.Original = fmt.Appendf(nil, `{"uuid":%q,"actor":{"alternateId":"sopd@example.com"}}`, event.ID)
	a.write(func(tx *store.Tx) error {
		if err := tx.PutTicket(tk, now); err != nil {
			return err
		}
		if err := tx.PutApprovals(key, []ticket.Approval{approval}, now); err != nil {
			return err
		}
		if _, err := tx.PutEvents([]access.Event{event}); err != nil {
			return err
		}
		entry := ledger.Entry{At: now, Ticket: key, User: u.ID, Group: payments}
		first, intent := entry, entry
		first.Kind, first.Body = ledger.GrantApproved, g
		intent.Kind, intent.Body, intent.Change = ledger.ChangeIntended, c, c.ID
		if _, err := tx.Append(first, intent); err != nil {
			return err
		}
		if err := tx.PutChange(c); err != nil {
			return err
		}
		c.State, c.Settled, c.Event = change.Confirmed, now.Add(2*time.Second), event.ID
		if err := tx.PutChange(c); err != nil {
			return err
		}
		done := intent
		done.Kind, done.Body = ledger.ChangeConfirmed, c
		if _, err := tx.Append(done); err != nil {
			return err
		}
		if err := tx.PutGrant(g); err != nil {
			return err
		}
		return tx.PutUsers([]access.User{u})
	})
	return g, c
}

// other records one of every other kind that a list is made of.
func (a *archive) other() {
	a.t.Helper()
	now := a.clock.now
	left := kpi.Fact{ID: fmt.Sprintf("OFF-%d/left", a.n), Subject: "OFF-1", Name: "leaver.left", At: now, Recorded: now, Source: "pass"}
	gone := kpi.Fact{ID: fmt.Sprintf("OFF-%d/removed", a.n), Subject: "OFF-1", Name: "leaver.removed", At: now.Add(90 * time.Minute), Recorded: now, Source: "pass"}
	h := hold.Hold{ID: hold.NewID(now), PlanHash: "p", Guards: []string{"share"}, Reasons: []string{"-2 of 2 would go"}, State: hold.Open, Made: now, Expires: now.Add(time.Hour)}
	f := finding.Finding{Key: "drift/00gpayments/00uperson1", Kind: "drift", Title: "=somebody is in a group without a ticket", User: "00uperson1", Group: payments, Raised: now}
	a.n++
	a.write(func(tx *store.Tx) error {
		if _, err := tx.PutFacts([]kpi.Fact{left, gone}); err != nil {
			return err
		}
		_, err := tx.Append(
			ledger.Entry{Kind: ledger.FactRecorded, At: now, Ticket: "OFF-1", Body: left},
			ledger.Entry{Kind: ledger.FactRecorded, At: now, Ticket: "OFF-1", Body: gone},
			ledger.Entry{Kind: ledger.HoldMade, At: now, Body: h},
			ledger.Entry{Kind: ledger.FindingRaised, At: now, User: f.User, Group: f.Group, Body: f},
			ledger.Entry{Kind: ledger.RequestRefused, At: now, Ticket: "ACC-99", User: "00uperson1", Body: map[string]any{"outcome": "incomplete", "problems": []string{"+1 field is missing"}, "policy": "p@1"}},
			ledger.Entry{Kind: ledger.BaselineAdopted, At: now, User: "00uperson2", Group: payments, Body: map[string]any{"by": "demo", "reviewBy": now}},
		)
		return err
	})
	a.procedures()
}

// observe marks every source as read and the group as having these members.
func (a *archive) observe(members ...access.UserID) {
	a.t.Helper()
	a.write(func(tx *store.Tx) error {
		for _, name := range []string{"okta.users", "okta.groups", "okta.log", "jira.tickets"} {
			if err := tx.SetCursor(name, "", a.clock.now); err != nil {
				return err
			}
		}
		if err := tx.PutGroup(access.Group{ID: payments, Name: "payments-users", Type: access.OktaGroup}); err != nil {
			return err
		}
		return tx.PutMembers(payments, members, a.clock.now)
	})
}

// autumn fills September to November with n requests, checkpoints between them, and a read of every source at the end.
func (a *archive) autumn(n int) {
	a.t.Helper()
	var members []access.UserID
	for i := range n {
		a.clock.now = a.clock.now.Add(70 * 24 * time.Hour / time.Duration(n))
		a.grant(i)
		members = append(members, user(i).ID)
		if i%3 == 0 {
			a.other()
		}
		if i%4 == 1 {
			a.clock.now = a.clock.now.Add(time.Minute)
			a.sign()
		}
	}
	a.clock.now = november.AddDate(0, 0, 20)
	a.observe(members...)
}

func (a *archive) options(out string) evidence.Options {
	return evidence.Options{
		Store: a.store, Key: a.key, From: october, To: november, Out: out, Program: "test", Scope: evidence.Everything, People: evidence.Named,
		Groups: managed(), Asks: func(t ticket.Ticket) bool { return t.Project == "ACC" },
	}
}

// export writes October into a new folder.
func (a *archive) export() (string, evidence.Manifest) {
	a.t.Helper()
	out := filepath.Join(a.t.TempDir(), "export")
	m, err := evidence.Export(a.t.Context(), a.options(out))
	if err != nil {
		a.t.Fatal(err)
	}
	return out, m
}
