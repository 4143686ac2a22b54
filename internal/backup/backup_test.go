package backup_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/backup"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// house is a store in use, with everything that backing it up needs.
type house struct {
	t          testing.TB
	store      *store.Store
	path       string // of its database
	key        ledger.Key
	dir        string // of its backups
	recipients backup.Recipients
	identities backup.Identities
	now        time.Time
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	url := storetest.NewSQLite(t)
	h.path = strings.TrimPrefix(url, "sqlite:")
	h.store = storetest.OpenURL(t, url, func() time.Time { return h.now })
	private, _, err := ledger.GenerateKey("sopd.example.com/ledger")
	if err != nil {
		t.Fatal(err)
	}
	if h.key, err = ledger.ParseKey(private); err != nil {
		t.Fatal(err)
	}
	h.recipients, h.identities = newPair(t)
	h.record(5)
	return h
}

func newPair(t testing.TB) (backup.Recipients, backup.Identities) {
	t.Helper()
	private, public, err := backup.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := backup.ParseRecipients(public)
	if err != nil {
		t.Fatal(err)
	}
	identities, err := backup.ParseIdentities("# a comment\n" + private.Reveal() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return recipients, identities
}

// record appends n records.
func (h *house) record(n int) {
	h.t.Helper()
	storetest.Write(h.t, h.store, func(tx *store.Tx) error {
		for range n {
			if _, err := tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: h.now, Body: map[string]string{"plan": "p"}}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *house) options() backup.Options {
	return backup.Options{Store: h.store, Key: h.key, Recipients: h.recipients, Dir: h.dir, Program: "test"}
}

func (h *house) make() (backup.Made, string) {
	h.t.Helper()
	made, err := backup.Make(h.t.Context(), h.options())
	if err != nil {
		h.t.Fatal(err)
	}
	return made, filepath.Join(h.dir, made.File)
}

func (h *house) request(file string) backup.Request {
	return backup.Request{File: file, Identities: h.identities, Keys: []string{h.key.Public()}, Database: filepath.Join(h.t.TempDir(), "sopd.db")}
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestARestoredBackupHoldsWhatWasRecordedAndGoesOn(t *testing.T) {
	h := newHouse(t)
	made, file := h.make()
	if made.Whole.Unsigned() != 1 || made.Whole.Signed < 5 || made.Bytes == 0 {
		t.Errorf("only the record of the last checkpoint should be unsigned: %+v", made)
	}
	h.record(3) // after the copy
	r := h.request(file)
	restored, err := backup.Restore(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made.Whole, restored.Whole); diff != "" || !restored.Header.Taken.Equal(made.Taken) {
		t.Error(diff)
	}
	info, err := os.Stat(r.Database)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if left := names(t, filepath.Dir(r.Database)); !slices.Equal(left, []string{"sopd.db"}) {
		t.Errorf("left behind: %v", left)
	}
	s := storetest.OpenURL(t, "sqlite:"+r.Database, func() time.Time { return h.now })
	if _, err := evidence.Seal(t.Context(), s, h.key, h.now); err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.VerifyStore(t.Context(), s, h.key.Public()); err != nil {
		t.Errorf("the ledger does not go on: %v", err)
	}
}

func TestABackupIsReadableByItsRecipientsOnlyAndNamesNothing(t *testing.T) {
	h := newHouse(t)
	_, file := h.make()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("SQLite")) || bytes.Contains(raw, []byte("plan.proposed")) {
		t.Error("the file is not encrypted")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	r := h.request(file)
	_, r.Identities = newPair(t)
	if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrDenied) {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestADamagedBackupIsRefusedAndNothingIsLeft(t *testing.T) {
	h := newHouse(t)
	_, file := h.make()
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte { b := slices.Clone(good); b[at] ^= 1; return b }
	for name, data := range map[string][]byte{
		"its first byte changed": flip(0), "a byte in the middle changed": flip(len(good) / 2), "its last byte changed": flip(len(good) - 1),
		"its end cut": good[:len(good)-20], "all but the header cut": good[:300], "nothing left": nil, "something appended": append(slices.Clone(good), 'x'),
		"another file": []byte("not a backup at all\n"),
	} {
		path := filepath.Join(t.TempDir(), "sopd.age")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r := h.request(path)
		if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrMalformed) && !errors.Is(err, access.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
		if left := names(t, filepath.Dir(r.Database)); len(left) != 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
	if _, err := backup.Restore(t.Context(), h.request(filepath.Join(h.dir, "none.age"))); !errors.Is(err, access.ErrNotFound) {
		t.Error(err)
	}
}

// tamper changes the database past the store, as somebody with root would.
func tamper(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// forged returns the backup of a house whose ledger was tampered with, made by a sopd that signs nothing and so does not
// look.
func forged(t *testing.T, h *house, statements ...string) string {
	t.Helper()
	_, file := h.make()
	work := filepath.Join(t.TempDir(), "forged.db")
	if _, err := backup.Unpack(file, h.identities, work); err != nil {
		t.Fatal(err)
	}
	tamper(t, work, statements...)
	out := filepath.Join(t.TempDir(), "forged.age")
	if err := backup.Forge(out, work, h.recipients); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestABackupOfATamperedLedgerIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		kind      ledger.FaultKind
	}{
		"a record edited":       {`UPDATE ledger SET canonical = replace(canonical, '"p"', '"q"') WHERE seq = 2`, ledger.Edited},
		"a record dropped":      {`DELETE FROM ledger WHERE seq = 2`, ledger.Dropped},
		"the tail cut":          {`DELETE FROM ledger WHERE seq >= 4`, ledger.Truncated},
		"every record gone":     {`DELETE FROM ledger`, ledger.Missing},
		"a stored hash changed": {`UPDATE ledger_hashes SET hash = zeroblob(32) WHERE idx = 2`, ledger.Replaced},
		"a stored hash gone":    {`DELETE FROM ledger_hashes WHERE idx = 2`, ledger.Replaced},
		"a checkpoint edited":   {`UPDATE checkpoints SET note = replace(note, 'sopd.example.com', 'other.example.com')`, ledger.WrongKey},
		"the head cut":          {`DELETE FROM ledger WHERE seq < 3`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := h.request(forged(t, h, c.statement))
			_, err := backup.Restore(t.Context(), r)
			var fault *ledger.Fault
			if !errors.As(err, &fault) || c.kind != "" && fault.Kind != c.kind {
				t.Errorf("%v, want %s", err, c.kind)
			}
			if left := names(t, filepath.Dir(r.Database)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	h := newHouse(t)
	_, file := h.make()
	r := h.request(file)
	stranger := newHouse(t)
	r.Keys = []string{stranger.key.Public()}
	if _, err := backup.Restore(t.Context(), r); !errors.Is(err, ledger.ErrTampered) {
		t.Errorf("another ledger's key: %v", err)
	}
	r.Keys = nil
	if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("no key for a signed ledger: %v", err)
	}
}

func TestABackupOfANewerProgramIsRefusedWithAWordOfIt(t *testing.T) {
	h := newHouse(t)
	r := h.request(forged(t, h, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`))
	_, err := backup.Restore(t.Context(), r)
	if !errors.Is(err, access.ErrInvalid) || !strings.Contains(err.Error(), "run a newer sopd") {
		t.Error(err)
	}
	if left := names(t, filepath.Dir(r.Database)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	r = h.request(r.File)
	r.Database = filepath.Join(t.TempDir(), "none", "sopd.db")
	if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrUnavailable) || !strings.Contains(err.Error(), "database cannot be made") {
		t.Errorf("into a folder that is not there: %v", err)
	}
}

func TestNothingIsRestoredOverADatabaseOrALiveStore(t *testing.T) {
	h := newHouse(t)
	_, file := h.make()
	r := h.request(file)
	r.Database = h.path // where the house works
	if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrConflict) || !strings.Contains(err.Error(), "stop it") {
		t.Errorf("a live store: %v", err)
	}
	if err := h.store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, end := range []string{"", "-wal", "-journal"} {
		r := h.request(file)
		if err := os.WriteFile(r.Database+end, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrConflict) {
			t.Errorf("%q: %v", end, err)
		}
		if text, err := os.ReadFile(r.Database + end); err != nil || string(text) != "mine" {
			t.Errorf("%q was overwritten: %q %v", end, text, err)
		}
	}
}

func TestWhatAKilledBackupLeftIsRemovedAndOneUnderWayIsNot(t *testing.T) {
	h := newHouse(t)
	killed, underWay := filepath.Join(h.dir, ".sopd-backup-1"), filepath.Join(h.dir, ".sopd-backup-2")
	for _, dir := range []string{killed, underWay} {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "copy.db"), []byte("rows"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-5 * time.Hour)
	if err := os.Chtimes(killed, long, long); err != nil {
		t.Fatal(err)
	}
	h.make()
	if _, err := os.Stat(killed); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy of the database is left: %v", err)
	}
	if _, err := os.Stat(underWay); err != nil {
		t.Errorf("a backup under way was taken away: %v", err)
	}
}

func TestABackupThatDoesNotStandGetsNoName(t *testing.T) {
	h := newHouse(t)
	h.make()
	before := names(t, h.dir)
	tamper(t, h.path, `UPDATE ledger SET canonical = replace(canonical, '"p"', '"q"') WHERE seq = 2`)
	h.now = h.now.Add(time.Minute)
	if _, err := backup.Make(t.Context(), h.options()); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
	h2 := newHouse(t)
	h2.make()
	if _, err := backup.Make(t.Context(), h2.options()); !errors.Is(err, access.ErrConflict) {
		t.Errorf("two backups in one second: %v", err)
	}
	o := h.options()
	o.Recipients = nil
	if _, err := backup.Make(t.Context(), o); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("no recipient: %v", err)
	}
	h2.now = h2.now.Add(-time.Hour)
	if _, err := backup.Make(t.Context(), h2.options()); !errors.Is(err, access.ErrConflict) || !strings.Contains(err.Error(), "clock") {
		t.Errorf("a clock that ran backwards: %v", err)
	}
	o = h.options()
	o.Dir = filepath.Join(o.Dir, "none")
	if _, err := backup.Make(t.Context(), o); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("no folder: %v", err)
	}
	if after := names(t, h.dir); !slices.Equal(before, after) {
		t.Errorf("the folder changed: %v", after)
	}
}

func TestALedgerThatWasNeverSignedIsBackedUpWithoutAKeyAndASignedOneIsNot(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	o.Key = ledger.Key{}
	made, err := backup.Make(t.Context(), o)
	if err != nil || made.Whole.Records != 5 || made.Whole.Signed != 0 {
		t.Fatalf("%+v, %v", made, err)
	}
	r := h.request(filepath.Join(h.dir, made.File))
	r.Keys = nil
	if _, err := backup.Restore(t.Context(), r); err != nil {
		t.Errorf("without a key: %v", err)
	}
	r = h.request(r.File)
	if _, err := backup.Restore(t.Context(), r); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("with a key, and nothing that it signed: %v", err)
	}
	h.now = h.now.Add(time.Minute)
	if _, err := evidence.Seal(t.Context(), h.store, h.key, h.now); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Make(t.Context(), o); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("the key was taken away: %v", err)
	}
}

func TestTextThatIsNoKeyIsRefusedWithoutAWordOfIt(t *testing.T) {
	for _, text := range []string{"", "nonsense-of-mine", "age1qqqq"} {
		if _, err := backup.ParseRecipients(text); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := backup.ParseIdentities(text); !errors.Is(err, access.ErrInvalid) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, one, _ := backup.NewIdentity()
	_, two, _ := backup.NewIdentity()
	if all, err := backup.ParseRecipients(one + ", " + two + "\n"); err != nil || len(all) != 2 {
		t.Errorf("%d %v", len(all), err)
	}
}

func TestTheNewestBackupsAndOneADayAreKept(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var all []string
	name := func(at time.Time) string { return "sopd-" + at.Format("20060102T150405Z") + ".age" }
	for i := range 40 * 24 { // hourly for forty days
		all = append(all, name(now.Add(-time.Duration(i)*time.Hour)))
	}
	gone := backup.Expired(append(all, "mine.txt"), 10, now)
	kept := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(gone, n) })
	if len(kept) != 10+35 || slices.Contains(gone, "mine.txt") {
		t.Errorf("%d are kept", len(kept))
	}
	if !slices.Contains(kept, name(now)) || !slices.Contains(kept, name(now.Add(-9*time.Hour))) || slices.Contains(kept, name(now.Add(-10*time.Hour))) {
		t.Errorf("not the newest: %v", kept)
	}
	if old := name(now.AddDate(-1, 0, 0)); len(backup.Expired([]string{old}, 1, now)) != 0 {
		t.Error("the last backup was given up")
	}
}

// keeper is the house's schedule.
func (h *house) keeper(identities backup.Identities) *backup.Keeper {
	return &backup.Keeper{
		Options: h.options(), Every: 30 * time.Minute, Keep: 2, Identities: identities, Holder: "one", Logger: slog.New(slog.DiscardHandler),
	}
}

func (h *house) tests() []backup.Tested {
	h.t.Helper()
	var all []backup.Tested
	storetest.Read(h.t, h.store, func(tx *store.Tx) error {
		return tx.EachRecord(0, func(r ledger.Record) error {
			if r.Kind != ledger.BackupTested {
				return nil
			}
			var t backup.Tested
			if err := evidence.DecodeBody(r, &t); err != nil {
				return err
			}
			all = append(all, t)
			return nil
		})
	})
	return all
}

func TestBackupsAreMadeWhenDueAndARestoreTestOnceAWeek(t *testing.T) {
	for method, identities := range map[backup.Method]func(*house) backup.Identities{
		backup.OfNewest: func(h *house) backup.Identities { return h.identities },
		backup.OfFresh:  func(*house) backup.Identities { return nil },
	} {
		h := newHouse(t)
		k := h.keeper(identities(h))
		tick := func(after time.Duration) {
			t.Helper()
			h.now = h.now.Add(after)
			if err := k.Tick(t.Context()); err != nil && !errors.Is(err, access.ErrConflict) {
				t.Fatal(err)
			}
		}
		tick(time.Minute)
		tick(time.Second) // a second backup is not made in the second of the first
		if n := len(h.tests()); n != 1 {
			t.Errorf("%s: %d tests on the first day", method, n)
		}
		before, _ := backup.List(h.dir)
		tick(10 * time.Minute)
		if after, _ := backup.List(h.dir); len(after) != len(before) {
			t.Errorf("%s: a backup that is not due", method)
		}
		tick(31 * time.Minute)
		tick(31 * time.Minute)
		if all, _ := backup.List(h.dir); len(all) != 2 {
			t.Errorf("%s: kept %v", method, all)
		}
		tick(7 * 24 * time.Hour)
		tick(time.Minute)
		all := h.tests()
		if len(all) != 2 || all[1].Method != method || all[1].Failed != "" || all[1].Records == 0 || all[1].Root == "" || all[1].Taken.IsZero() {
			t.Errorf("%s: %+v", method, all)
		}
	}
}

func TestARestoreTestThatFailsIsRecordedAndTriedAgain(t *testing.T) {
	h := newHouse(t)
	_, strangers := newPair(t)
	k := h.keeper(strangers)
	if err := k.Tick(t.Context()); !errors.Is(err, access.ErrDenied) {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	if err := k.Tick(t.Context()); err != nil {
		t.Errorf("it is tried again at once: %v", err)
	}
	h.now = h.now.Add(time.Hour)
	if err := k.Tick(t.Context()); !errors.Is(err, access.ErrDenied) {
		t.Errorf("it is not tried again: %v", err)
	}
	all := h.tests()
	if len(all) != 2 || all[0].Failed != access.ErrDenied.Error() {
		t.Errorf("%+v", all)
	}
	storetest.Read(t, h.store, func(tx *store.Tx) error {
		if _, _, found, err := tx.Cursor(backup.CursorTested); err != nil || found {
			t.Errorf("a failed test counts as success: %v", err)
		}
		return nil
	})
}

func TestOneReplicaBacksUpAtATime(t *testing.T) {
	h := newHouse(t)
	storetest.Write(t, h.store, func(tx *store.Tx) error {
		_, err := tx.Lease("backup", "other", h.now.Add(time.Hour))
		return err
	})
	if err := h.keeper(nil).Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, _ := backup.List(h.dir); len(all) != 0 {
		t.Errorf("a second one made %v", all)
	}
}
