package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

func (a *archive) archives(dir string) evidence.ArchiveOptions {
	return evidence.ArchiveOptions{Store: a.store, Key: a.key, Dir: dir, Program: "test"}
}

// ended fills the autumn, moves into December and archives it.
func ended(t *testing.T) (*archive, string, []evidence.ArchivedBody) {
	t.Helper()
	a := newArchive(t)
	a.autumn(30)
	a.clock.now = november.AddDate(0, 1, 10)
	dir := t.TempDir()
	done, err := evidence.Archive(t.Context(), a.archives(dir))
	if err != nil {
		t.Fatal(err)
	}
	return a, dir, done
}

func TestEachMonthThatHasEndedIsArchivedOnceAndVerifiesInARow(t *testing.T) {
	a, dir, done := ended(t)
	if len(done) != 3 || done[0].Month != "2026-09" || done[2].Month != "2026-11" || done[0].First != 0 {
		t.Fatalf("%+v", done)
	}
	var before evidence.Verified
	for i, d := range done {
		v, err := verify(t, filepath.Join(dir, d.File), a.key.Public())
		if err == nil && i > 0 {
			err = v.Continues(before)
		}
		if err != nil {
			t.Fatalf("%s: %v", d.File, err)
		}
		before = v
	}
	path := func(i int) string { return filepath.Join(dir, done[i].File) }
	script := newScript(t)
	script.runAll(t, []string{path(0), path(1), path(2)}, a.key.Public(), 0)
	script.runAll(t, []string{path(0), path(2)}, a.key.Public(), 5)
	script.runAll(t, []string{path(1), path(0)}, a.key.Public(), 5)
	again, err := evidence.Archive(t.Context(), a.archives(dir))
	if err != nil || len(again) != 0 {
		t.Errorf("archived twice: %+v, %v", again, err)
	}
	a.clock.now = a.clock.now.AddDate(0, 1, 0) // December ended
	if again, err = evidence.Archive(t.Context(), a.archives(dir)); err != nil || len(again) != 1 || again[0].Month != "2026-12" {
		t.Errorf("the next month: %+v, %v", again, err)
	}
}

func TestAnArchiveThatTheLedgerDoesNotNameYetIsTakenAndAnotherFileIsNot(t *testing.T) {
	a, dir, done := ended(t)
	// As if the process had ended between the file and its record.
	month := func() error {
		return a.store.Write(t.Context(), func(tx *store.Tx) error { return tx.SetCursor("archive.through", "2026-10", a.clock.now) })
	}
	if err := month(); err != nil {
		t.Fatal(err)
	}
	again, err := evidence.Archive(t.Context(), a.archives(dir))
	if err != nil || len(again) != 1 || again[0] != done[2] {
		t.Errorf("%+v, %v, want %+v", again, err, done[2])
	}
	if err := month(); err != nil {
		t.Fatal(err)
	}
	october, err := os.ReadFile(filepath.Join(dir, done[1].File))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, done[2].File), october, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if again, err := evidence.Archive(t.Context(), a.archives(dir)); !errors.Is(err, access.ErrConflict) || len(again) != 0 {
		t.Errorf("another month's file is taken: %+v, %v", again, err)
	}
}

func TestAnArchiveThatDoesNotGoOnWhereTheOneBeforeEndsIsFound(t *testing.T) {
	a, dir, done := ended(t)
	open := func(i int) evidence.Verified {
		v, err := verify(t, filepath.Join(dir, done[i].File), a.key.Public())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var fault *evidence.Fault
	if err := open(2).Continues(open(0)); !errors.As(err, &fault) || fault.Kind != ledger.Dropped {
		t.Errorf("a month left out: %v", err)
	}
	if err := open(0).Continues(open(1)); !errors.As(err, &fault) || fault.Kind != ledger.Reordered {
		t.Errorf("the wrong order: %v", err)
	}
	other := newArchive(t) // another ledger of the same name and key
	other.key = a.key
	other.autumn(31)
	other.clock.now = a.clock.now
	others := t.TempDir()
	if _, err := evidence.Archive(t.Context(), other.archives(others)); err != nil {
		t.Fatal(err)
	}
	v, err := verify(t, filepath.Join(others, done[1].File), a.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Continues(open(0)); !errors.Is(err, ledger.ErrTampered) {
		t.Errorf("a replaced tree: %v", err)
	}
	newScript(t).runAll(t, []string{filepath.Join(dir, done[0].File), filepath.Join(others, done[1].File)}, a.key.Public(), 5)
}

func TestAnArchiveNamesNobodyAndSurvivesAnErasure(t *testing.T) {
	a, dir, done := ended(t)
	for _, d := range done {
		files, err := evidence.OpenExport(filepath.Join(dir, d.File))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{
			"records.jsonl", "people.jsonl", "tickets.jsonl", "grants.csv", "changes.csv", "leavers.csv", "holds.csv", "exceptions.csv", "findings.csv",
			"refusals.csv", "grant-ends.csv", "index.html", "manifest.json",
		} {
			text := readAll(t, files, name)
			for _, word := range []string{"00uperson", "@example.com", "acc-owner", "00uowner"} {
				if bytes.Contains(text, []byte(word)) {
					t.Errorf("%s of %s names %s", name, d.Month, word)
				}
			}
		}
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	}
	a.write(func(tx *store.Tx) error {
		gone := user(3)
		gone.Status = access.Deprovisioned
		g, err := tx.GrantsOf(gone.ID)
		if err != nil || len(g) == 0 {
			return errors.Join(err, errors.New("no grant"))
		}
		g[0].Ended, g[0].EndReason = a.clock.now, "offboarding"
		return errors.Join(tx.PutUsers([]access.User{gone}), tx.PutGrant(g[0]))
	})
	a.write(func(tx *store.Tx) error { _, err := tx.Erase(user(3).ID); return err })
	if _, err := verify(t, filepath.Join(dir, done[0].File), a.key.Public()); err != nil {
		t.Error(err)
	}
	a.clock.now = a.clock.now.AddDate(0, 0, 1)
	a.observe()
	out, _ := a.export()
	files := copyOf(t, out)
	for name, file := range files {
		if bytes.Contains(file.Data, []byte(user(3).ID+`"`)) || bytes.Contains(file.Data, []byte(user(3).ID+",")) || bytes.Contains(file.Data, []byte(user(3).Login)) {
			t.Errorf("%s names the erased person", name)
		}
	}
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Error(err)
	}
	newScript(t).expect(t, files, a.key.Public(), 0)
}

func TestArchivedRecordsOlderThanTheRetentionAreDeletedAndTheLedgerVerifies(t *testing.T) {
	a, dir, _ := ended(t)
	whole, err := evidence.VerifyStore(t.Context(), a.store, a.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := evidence.Prune(t.Context(), a.archives(dir), october.AddDate(0, 0, -1)); err != nil || n != 0 {
		t.Errorf("nothing is old enough: %d, %v", n, err)
	}
	n, err := evidence.Prune(t.Context(), a.archives(dir), november)
	if err != nil || n == 0 {
		t.Fatalf("%d, %v", n, err)
	}
	a.clock.now = a.clock.now.AddDate(0, 0, 1)
	a.sign()
	after, err := evidence.VerifyStore(t.Context(), a.store, a.key.Public())
	if err != nil || after.First != n || after.Records <= whole.Records {
		t.Errorf("%+v, %v", after, err)
	}
	storetest.Read(t, a.store, func(tx *store.Tx) error {
		return tx.EachRecord(0, func(r ledger.Record) error {
			if r.Kind == ledger.GrantApproved && r.At.Before(october) {
				t.Errorf("record %d of %s is still here", r.Seq, r.At)
			}
			return nil
		})
	})
	a.observe()
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.From, o.To = november, a.clock.now
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Errorf("what was kept: %v", err)
	}
	if _, err := verify(t, o.Out, a.key.Public()); err != nil {
		t.Error(err)
	}
	o = a.options(filepath.Join(t.TempDir(), "export"))
	if _, err := evidence.Export(t.Context(), o); !errors.Is(err, access.ErrNotFound) || !strings.Contains(err.Error(), "archive") {
		t.Errorf("what was deleted: %v", err)
	}
	if n, err := evidence.Prune(t.Context(), a.archives(dir), november); err != nil || n != 0 {
		t.Errorf("deleted twice: %d, %v", n, err)
	}
}

func TestNothingIsDeletedWhoseArchiveIsNotThereAsItWasWritten(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"gone":    os.Remove,
		"changed": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
	} {
		a, dir, done := ended(t)
		if err := spoil(filepath.Join(dir, done[0].File)); err != nil {
			t.Fatal(err)
		}
		n, err := evidence.Prune(t.Context(), a.archives(dir), a.clock.now)
		if err == nil || n != 0 || !errors.Is(err, access.ErrNotFound) && !errors.Is(err, ledger.ErrTampered) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if w, err := evidence.VerifyStore(t.Context(), a.store, a.key.Public()); err != nil || w.First != 0 {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
}

func TestTheWholeLedgerVerifiesOnEveryDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		a := newArchive(t)
		a.store = storetest.OpenURL(t, url, a.clock.read)
		if w, err := evidence.VerifyStore(t.Context(), a.store, a.key.Public()); err != nil || w.Records != 0 {
			t.Errorf("an empty one: %+v, %v", w, err)
		}
		a.autumn(8)
		c := a.sign()
		w, err := evidence.VerifyStore(t.Context(), a.store, a.key.Public())
		if err != nil || w.Signed != c.Size || w.Unsigned() != 1 || w.Checkpoints < 2 {
			t.Errorf("%+v, %v", w, err)
		}
		if _, err := evidence.VerifyStore(t.Context(), a.store, newKey(t).Public()); !errors.Is(err, ledger.ErrTampered) {
			t.Errorf("a foreign key: %v", err)
		}
		old := a.key
		a.key = newKey(t)
		a.clock.now = a.clock.now.AddDate(0, 0, 1)
		a.sign()
		if _, err := evidence.VerifyStore(t.Context(), a.store, a.key.Public()); err != nil {
			t.Errorf("the new key vouches for the old one: %v", err)
		}
		if _, err := evidence.VerifyStore(t.Context(), a.store, old.Public()); !errors.Is(err, ledger.ErrTampered) {
			t.Errorf("the old key alone does not vouch for what the new one signed: %v", err)
		}
	})
}
