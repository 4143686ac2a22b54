package evidence_test

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func verify(t testing.TB, path string, keys ...string) (evidence.Verified, error) {
	t.Helper()
	files, err := evidence.OpenExport(path)
	if err != nil {
		return evidence.Verified{}, err
	}
	defer func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	}()
	return evidence.Verify(files, keys...)
}

func rows(t testing.TB, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// column returns the cells under a name.
func column(t testing.TB, all [][]string, name string) []string {
	t.Helper()
	for i, title := range all[0] {
		if title == name {
			var cells []string
			for _, row := range all[1:] {
				cells = append(cells, row[i])
			}
			return cells
		}
	}
	t.Fatalf("no column %s in %v", name, all[0])
	return nil
}

func TestTheExportOfAPeriodVerifiesFromTheExportAndAPublicKeyAlone(t *testing.T) {
	a := newArchive(t)
	a.autumn(30)
	out, m := a.export()
	if err := a.store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := verify(t, out, a.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if m.Records.First == 0 || v.First.At.After(october) || v.Last.At.Before(november) || v.Checkpoints < 3 || len(v.Keys) != 1 {
		t.Errorf("the period is not enclosed: %+v", v)
	}
	grants := rows(t, filepath.Join(out, "grants.csv"))
	for _, at := range column(t, grants, "at") {
		if at < "2026-10-01" || at >= "2026-11-01" {
			t.Errorf("a grant of %s is among those of October", at)
		}
	}
	if n := len(grants) - 1; n < 10 || int64(n) != m.Kinds[string(ledger.GrantApproved)] {
		t.Errorf("%d grants, kinds %v", n, m.Kinds)
	}
	for _, name := range []string{"change_id", "provisioned", "system_log_event", "approvers", "login"} {
		for _, cell := range column(t, grants, name) {
			if cell == "" {
				t.Errorf("a grant has no %s", name)
			}
		}
	}
}

func TestAnExportAsZipVerifiesToo(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	out := filepath.Join(t.TempDir(), "october.zip")
	if _, err := evidence.Export(t.Context(), a.options(out)); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 1 {
		t.Errorf("something was left behind: %v, %v", left, err)
	}
}

func TestNothingIsOverwrittenAndNothingIsLeftBehind(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	for _, name := range []string{"taken", "taken.zip"} {
		out := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(out, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := evidence.Export(t.Context(), a.options(out)); !errors.Is(err, access.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(out); err != nil || string(text) != "mine" {
			t.Errorf("%s was overwritten: %q, %v", name, text, err)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 1 {
			t.Errorf("%v left behind, %v", left, err)
		}
	}
}

func TestTextThatASpreadsheetWouldRunIsMadeHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM": "'@SUM", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
		" =1": "' =1", "'=1": "''=1", "a=1": "a=1",
	} {
		if got := evidence.Neutral(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	a := newArchive(t)
	a.autumn(12)
	out, _ := a.export()
	for name, column1 := range map[string]string{"findings.csv": "title", "holds.csv": "reasons", "refusals.csv": "problems"} {
		for _, cell := range column(t, rows(t, filepath.Join(out, name)), column1) {
			if !strings.HasPrefix(cell, "'") {
				t.Errorf("%s: %q can be run", name, cell)
			}
		}
	}
}

func TestAnExportOfIncompleteSourcesFails(t *testing.T) {
	for name, spoil := range map[string]func(*archive){
		"a source that was never read": func(a *archive) {
			a.write(func(tx *store.Tx) error { return tx.SetCursor("jira.tickets", "", october) })
		},
		"a group that cannot be read": func(a *archive) {
			a.write(func(tx *store.Tx) error {
				_, err := tx.PutFinding(findingOf("unreadable/00gpayments", a.clock.now))
				return err
			})
		},
	} {
		a := newArchive(t)
		a.autumn(8)
		spoil(a)
		out := filepath.Join(t.TempDir(), "export")
		if _, err := evidence.Export(t.Context(), a.options(out)); !errors.Is(err, access.ErrIncomplete) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(out); !os.IsNotExist(err) {
			t.Errorf("%s: an export was left", name)
		}
		o := a.options(out)
		o.Scope = evidence.LedgerOnly
		if _, err := evidence.Export(t.Context(), o); err != nil {
			t.Errorf("%s: the ledger alone: %v", name, err)
		}
		if _, err := verify(t, out, a.key.Public()); err != nil {
			t.Errorf("%s: the ledger alone: %v", name, err)
		}
	}
	a := newArchive(t)
	a.autumn(8)
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Groups = append(o.Groups, evidence.Group{ID: "00gnever", Name: "never-read"})
	if _, err := evidence.Export(t.Context(), o); !errors.Is(err, access.ErrIncomplete) || !strings.Contains(err.Error(), "00gnever") {
		t.Errorf("an unread group: %v", err)
	}
}

func TestAPeriodThatCannotBeIsRefused(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	for name, c := range map[string]struct {
		from, to time.Time
		want     error
	}{
		"the wrong way round": {november, october, access.ErrInvalid},
		"in the future":       {november.AddDate(1, 0, 0), november.AddDate(2, 0, 0), access.ErrInvalid},
		"before the ledger":   {october.AddDate(-1, 0, 0), october.AddDate(-1, 1, 0), access.ErrNotFound},
	} {
		o := a.options(filepath.Join(t.TempDir(), "export"))
		o.From, o.To = c.from, c.to
		if _, err := evidence.Export(t.Context(), o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty := newArchive(t)
	empty.clock.now = november
	if _, err := evidence.Export(t.Context(), empty.options(filepath.Join(t.TempDir(), "export"))); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("an empty ledger: %v", err)
	}
}

func TestAnExportUpToNowEndsWhereTheLedgerWasSigned(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.From, o.To = october.AddDate(-1, 0, 0), november.AddDate(1, 0, 0)
	m, err := evidence.Export(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !m.To.Equal(a.clock.now) || m.Records.First != 0 {
		t.Errorf("%+v", m)
	}
	if _, err := verify(t, o.Out, a.key.Public()); err != nil {
		t.Error(err)
	}
}

func TestARecordThatWasWrittenLateIsInThePeriodThatItClaims(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	a.append(ledger.Entry{Kind: ledger.GrantEnded, At: october.Add(time.Hour), User: "00uperson1", Group: payments, Body: change.Grant{EndReason: change.Expired}})
	out, m := a.export()
	if m.Kinds[string(ledger.GrantEnded)] != 1 {
		t.Errorf("the late record is missing: %v", m.Kinds)
	}
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Error(err)
	}
}

func TestATamperedStoreIsNotExported(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	size := a.sign().Size
	a.clock.now = a.clock.now.Add(time.Hour)
	a.observe()
	root := ledger.Hash{1}
	forged, err := a.key.Sign(ledger.Checkpoint{Size: size + 1, Root: root, At: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	a.append(ledger.Entry{Kind: ledger.PlanProposed, At: a.clock.now})
	a.write(func(tx *store.Tx) error { return tx.PutCheckpoint(size+1, a.clock.now, forged) })
	if _, err := evidence.Export(t.Context(), func() evidence.Options {
		o := a.options(filepath.Join(t.TempDir(), "export"))
		o.To = a.clock.now
		return o
	}()); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
}

func TestEachOrphanIsListed(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	made := a.clock.now
	members := []access.UserID{}
	for i := range 12 {
		members = append(members, user(i).ID)
	}
	expired, _ := a.grant(20)
	ended, _ := a.grant(21)
	_, _ = a.grant(22) // not a member
	gone, _ := a.grant(23)
	leaver := user(24)
	leaver.Status = access.Deprovisioned
	members = append(members, expired.User, ended.User, gone.User, leaver.ID, "00ustranger", "00uaccepted", "00uforgotten")
	expired.Expires = made.Add(-time.Hour)
	ended.Ended, ended.EndReason = made, change.Revocation
	other := ticket.Ticket{ID: "5000", Key: "ACC-500", Project: "ACC", Status: "Done", Updated: october.AddDate(0, 0, 3)}
	byOther := access.Event{ID: "event-other", Published: october.AddDate(0, 0, 5), Type: "group.user_membership.add", Succeeded: true,
		Users: []access.UserID{"00ustranger"}, Groups: []access.GroupID{payments}, Actor: access.Actor{ID: "00uadmin", Type: "User"}}
	a.observe(members...)
	a.write(func(tx *store.Tx) error {
		_, eventErr := tx.PutEvents([]access.Event{byOther})
		return errors.Join(eventErr, tx.PutGrant(expired), tx.PutGrant(ended), tx.DeleteTicket("1023", made), tx.PutUsers([]access.User{leaver}),
			tx.PutTicket(other, made), tx.PutApprovals("ACC-500", []ticket.Approval{{ID: "1", Decision: ticket.Approved}}, made),
			tx.PutBadTicket("ACC-666", "malformed answer", made),
			tx.PutBaseline(store.Baseline{Membership: access.Membership{Group: payments, User: "00uaccepted"}, Adopted: made, ReviewBy: made.AddDate(1, 0, 0)}),
			tx.PutBaseline(store.Baseline{Membership: access.Membership{Group: payments, User: "00uforgotten"}, Adopted: made, ReviewBy: made.AddDate(0, 0, -1)}))
	})
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Gaps = evidence.Stamped // a ticket could not be read
	m, err := evidence.Export(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	out := o.Out
	want := map[evidence.Orphan]string{
		evidence.AccessExpired: "00uperson20", evidence.AccessEnded: "00uperson21", evidence.TicketNoAccess: "00uperson22", evidence.TicketGone: "00uperson23",
		evidence.AccessOfLeaver: "00uperson24", evidence.AccessNoTicket: "00ustranger", evidence.ChangedByOthers: "00ustranger",
		evidence.AcceptedTooLong: "00uforgotten", evidence.TicketNoDecision: "", evidence.TicketUnreadable: "",
	}
	all := rows(t, filepath.Join(out, evidence.FileComparison))
	kinds, users := column(t, all, "orphan"), column(t, all, "user")
	for kind, who := range want {
		found := false
		for i := range kinds {
			found = found || kinds[i] == string(kind) && users[i] == who
		}
		if !found || m.Comparison.Orphans[kind] != 1 {
			t.Errorf("%q of %q is not listed once: %d", kind, who, m.Comparison.Orphans[kind])
		}
	}
	if len(kinds) != len(want) {
		t.Errorf("%d orphans, want %d: %v", len(kinds), len(want), kinds)
	}
	page, err := os.ReadFile(filepath.Join(out, evidence.FileIndex))
	if err != nil || !strings.Contains(string(page), "00ustranger") || !strings.Contains(string(page), "access without a ticket") {
		t.Errorf("the page does not show them: %v", err)
	}
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Error(err)
	}
}

func TestAnUnnamedExportHoldsNoLogin(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.People = evidence.Unnamed
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(o.Out, name.Name()))
		if err != nil || strings.Contains(string(text), "@example.com") {
			t.Errorf("%s names somebody: %v", name.Name(), err)
		}
	}
}

func TestTheStoreIsReadOnlyByAnExport(t *testing.T) {
	a := newArchive(t)
	a.autumn(8)
	a.sign()
	a.clock.now = a.clock.now.Add(time.Minute)
	var before, after int64
	storetest.Read(t, a.store, func(tx *store.Tx) (err error) { before, err = tx.TreeSize(); return err })
	a.export()
	storetest.Read(t, a.store, func(tx *store.Tx) (err error) { after, err = tx.TreeSize(); return err })
	if before != after {
		t.Errorf("an export of a period that was signed wrote %d records", after-before)
	}
}
