package store_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The person of these tests, by everything that names her.
const (
	annaID      = access.UserID("00uannaqwertyuiop123")
	annaAccount = "557058:anna-account"
	annaLogin   = "anna.lind@example.com"
	annaName    = "Anna Lind"
)

// annaLeft fills a store with what is known of a person who has left.
func annaLeft(t *testing.T, s *store.Store) {
	t.Helper()
	at := noon
	c := change.Change{
		ID: change.NewID(at), Kind: change.RemoveMember, Reason: change.Deprovisioned, User: annaID, Group: "00g1", Ticket: "OFF-1", Plan: "p", Policy: "x@1.0.0",
		State: change.Intended, Intended: at,
	}
	g := change.Grant{
		ID: change.NewGrantID("77", access.Membership{Group: "00g1", User: annaID}), Ticket: "ACC-1", User: annaID, Group: "00g1", System: "payments",
		Requested: at, Approved: at, Ended: at.Add(time.Hour), EndReason: change.Offboarding,
	}
	own := g // one that she approved for another
	own.ID, own.Ticket, own.User, own.Approvals = "78/00g1/00uother", "ACC-2", "00uother", []change.Proof{{Role: "system-owner", Account: annaAccount, User: annaID, At: at}}
	f := finding.Finding{Key: finding.Key("drift/00g1/" + string(annaID)), Kind: "drift", Title: "somebody", User: annaID, Group: "00g1", Raised: at}
	fact := kpi.Fact{ID: string(annaID) + "@1/leaver.left", Subject: string(annaID) + "@1", Name: "leaver.left", At: at, Recorded: at, Source: "pass"}
	tk := ticket.Ticket{ID: "77", Key: "ACC-1", Project: "ACC", Created: at, Updated: at,
		Reporter: ticket.Person{Account: annaAccount, Name: annaName, Email: annaLogin}}
	storetest.Write(t, s, func(tx *store.Tx) error {
		_, receiveErr := tx.PutDelivery(store.Delivery{Source: "jira", ID: "d1", Received: at, Body: []byte(annaName)})
		receiveErr = firstError(receiveErr, tx.MarkDelivery("jira", "d1", "accepted", at))
		_, eventErr := tx.PutEvents([]access.Event{{ID: "e1", Published: at, Type: "x", Users: []access.UserID{annaID}, Groups: []access.GroupID{"00g1"}}})
		_, findingErr := tx.PutFinding(f)
		_, factErr := tx.PutFacts([]kpi.Fact{fact})
		_, appendErr := tx.Append(
			ledger.Entry{Kind: ledger.GrantApproved, At: at, Ticket: "ACC-1", User: annaID, Group: "00g1", Body: g},
			ledger.Entry{Kind: ledger.GrantApproved, At: at, Ticket: "ACC-2", User: "00uother", Group: "00g1", Body: own},
			ledger.Entry{Kind: ledger.FactRecorded, At: at, Body: fact},
			ledger.Entry{Kind: ledger.FindingRaised, At: at, User: annaID, Group: "00g1", Body: f},
		)
		intended := c
		c.State, c.Settled = change.Confirmed, at
		return firstError(receiveErr, eventErr, findingErr, factErr, appendErr, tx.PutChange(intended), tx.PutChange(c), tx.PutGrant(g), tx.PutGrant(own),
			tx.PutUsers([]access.User{{ID: annaID, Login: annaLogin, Email: annaLogin, Name: annaName, Status: access.Deprovisioned}}),
			tx.PutTicket(tk, at), tx.PutMembers("00g1", []access.UserID{annaID}, at))
	})
}

// namesAnna returns the tables of the store that hold a word of her.
func namesAnna(t *testing.T, url string) []string {
	t.Helper()
	var all []string
	for table, text := range dump(t, url) {
		for _, word := range []string{string(annaID), annaAccount, annaLogin, annaName} {
			if strings.Contains(text, word) {
				all = append(all, table+": "+word)
			}
		}
	}
	return all
}

func rawBody(r ledger.Record) []byte {
	body, _ := r.Body.(json.RawMessage)
	return body
}

// dump returns every row of every table of a database as text.
func dump(t *testing.T, url string) map[string]string {
	t.Helper()
	driver, name, query := "pgx", url, "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, name, query = "sqlite", path, "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := make(map[string]string)
	for _, row := range cells(t, db, query) {
		all[fmt.Sprint(row[0])] = ""
	}
	if len(all) < 15 {
		t.Fatalf("only %d tables", len(all))
	}
	for table := range all {
		for _, row := range cells(t, db, "SELECT * FROM "+table) {
			for _, cell := range row {
				all[table] += fmt.Sprintf("%s\n", cell)
			}
		}
	}
	return all
}

func cells(t *testing.T, db *sql.DB, query string) [][]any {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]any
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheLedgerNamesNobodyAndTheStoreKnowsWhomItMeans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := storetest.OpenURL(t, url, func() time.Time { return noon })
		annaLeft(t, s)
		storetest.Read(t, s, func(tx *store.Tx) error {
			records, err := tx.Records(0, 10)
			for _, r := range records {
				if bytes.Contains(r.Canonical, []byte(annaID)) || bytes.Contains(r.Canonical, []byte(annaAccount)) {
					t.Errorf("a person is named: %s", r.Canonical)
				}
			}
			if len(records) != 4 || records[0].User != annaID || !bytes.Contains(rawBody(records[1]), []byte(annaAccount)) {
				t.Error("the persons are not found again")
			}
			byUser, err2 := tx.RecordsByUser(annaID)
			hidden, err3 := tx.Pseudonymous().Records(0, 1)
			if len(byUser) != 2 || !ledger.IsPseudonym(string(hidden[0].User)) {
				t.Errorf("%d records of hers, the first of %s", len(byUser), hidden[0].User)
			}
			p, found, err4 := tx.Person(string(hidden[0].User))
			if !found || p.Identifier != string(annaID) || ledger.Pseudonym(p.Key, p.Identifier) != p.Pseudonym {
				t.Errorf("%+v", p)
			}
			return firstError(err, err2, err3, err4)
		})
	})
}

func TestAPlanThatNamesEverybodyIsConcealedToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := storetest.OpenURL(t, url, func() time.Time { return noon })
		annaLeft(t, s) // known already
		plan := []change.Change{{User: annaID}, {User: annaID}}
		for i := range 450 { // more than one page
			plan = append(plan, change.Change{User: access.UserID(fmt.Sprintf("00unew%d", i))})
		}
		for range 2 {
			storetest.Write(t, s, func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: noon, Body: plan})
				return err
			})
		}
		storetest.Read(t, s, func(tx *store.Tx) error {
			records, err := tx.Records(4, 2)
			if err != nil || len(records) != 2 || bytes.Contains(records[0].Canonical, []byte("00u")) {
				t.Fatalf("%d records, %v", len(records), err)
			}
			if !bytes.Equal(rawBody(records[0]), rawBody(records[1])) || !bytes.Contains(rawBody(records[1]), []byte("00unew449")) {
				t.Error("the second time, the persons have other pseudonyms or none")
			}
			hers, err := tx.RecordsByUser(annaID)
			if len(hers) != 2 || !bytes.Contains(records[0].Canonical, []byte(ledger.Pseudonyms(hers[0].Canonical)[0])) {
				t.Error("who was known has another pseudonym")
			}
			return err
		})
	})
}

func TestAnErasedPersonIsNowhereAndTheTreeStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := storetest.OpenURL(t, url, func() time.Time { return noon })
		annaLeft(t, s)
		var before ledger.Hash
		var size int64
		storetest.Read(t, s, func(tx *store.Tx) (err error) { size, before, err = tx.TreeHash(); return err })
		var erased store.Erased
		storetest.Write(t, s, func(tx *store.Tx) (err error) { erased, err = tx.Erase(annaID); return err })
		if len(erased.Pseudonyms) != 2 || erased.Rows == 0 {
			t.Errorf("%+v", erased)
		}
		if left := namesAnna(t, url); len(left) > 0 {
			t.Errorf("she is still named: %v", left)
		}
		storetest.Read(t, s, func(tx *store.Tx) error {
			root, err := ledger.Root(size, tx)
			if root != before {
				t.Error("the tree changed")
			}
			records, err2 := tx.Records(0, 10)
			if n := len(records); n != 6 || records[4].Kind != ledger.PersonErased || !ledger.IsPseudonym(string(records[0].User)) {
				t.Errorf("%d records", n)
			}
			if records[1].User != "00uother" {
				t.Error("another person was erased too")
			}
			grants, err3 := tx.GrantsByTicket("ACC-1")
			if len(grants) != 1 || grants[0].User != records[0].User {
				t.Errorf("the grant does not go by the pseudonym, but by %s", grants[0].User)
			}
			return firstError(err, err2, err3)
		})
		// Seen again, she is somebody new to the ledger.
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: noon, User: annaID})
			return err
		})
		storetest.Read(t, s, func(tx *store.Tx) error {
			byUser, err := tx.RecordsByUser(annaID)
			if len(byUser) != 1 {
				t.Errorf("%d records lead back to her", len(byUser))
			}
			return err
		})
	})
}

// TestAnErasureKnowsEveryTable fails when a table is added: say in erase.go what becomes of a person in it, or here that it
// holds none.
func TestAnErasureKnowsEveryTable(t *testing.T) {
	url := storetest.NewSQLite(t)
	s := storetest.OpenURL(t, url, func() time.Time { return noon })
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("erase.go")
	if err != nil {
		t.Fatal(err)
	}
	nobody := []string{
		"ledger", "ledger_hashes", "checkpoints", "okta_groups", "group_reads", "group_revisions", "rules", "bad_tickets", "change_totals", "cursors",
		"leases", "policy_files", "kpi_days", "kpi_spread", "goose_db_version", "sqlite_sequence",
		"incident_parts",
	}
	for table := range dump(t, url) {
		if !slices.Contains(nobody, table) && !strings.Contains(string(source), `"`+table+`":`) && !strings.Contains(string(source), " "+table+" ") {
			t.Errorf("an erasure does not know the table %s", table)
		}
	}
}

func TestWhoIsStillAtWorkIsNotErased(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*store.Tx) error
		want   error
	}{
		"active in Okta": {func(tx *store.Tx) error {
			return tx.PutUsers([]access.User{{ID: annaID, Login: annaLogin, Status: access.Active}})
		}, access.ErrConflict},
		"a live grant": {func(tx *store.Tx) error {
			return tx.PutGrant(change.Grant{ID: "79/00g1/x", Ticket: "ACC-3", User: annaID, Group: "00g1", Approved: noon})
		}, access.ErrConflict},
		"a change under way": {func(tx *store.Tx) error {
			return tx.PutChange(change.Change{ID: change.NewID(noon), Kind: change.AddMember, User: annaID, Group: "00g1", State: change.Intended, Intended: noon})
		}, access.ErrConflict},
	} {
		url := storetest.NewSQLite(t)
		s := storetest.OpenURL(t, url, func() time.Time { return noon })
		annaLeft(t, s)
		storetest.Write(t, s, c.change)
		err := s.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Erase(annaID); return err })
		if !errors.Is(err, c.want) || len(namesAnna(t, url)) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		err = s.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Erase("00ustranger"); return err })
		if !errors.Is(err, access.ErrNotFound) {
			t.Errorf("a stranger: %v", err)
		}
	}
}
