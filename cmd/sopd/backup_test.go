package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/backup"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	"github.com/maisonrmi/sopd/mocks/world"
)

// backedUp gives the site a ledger key and what backups need.
func (s site) backedUp(t *testing.T) {
	t.Helper()
	s.keyed(t)
	s.env["SOPD_BACKUP_DIR"] = t.TempDir()
	identity := filepath.Join(t.TempDir(), "backup.key")
	code, public, errs := s.sopd(t, "keys", "backup", "--out", identity)
	if code != exitDone || strings.Contains(public+errs, "SECRET") {
		t.Fatalf("%d %s %s", code, public, errs)
	}
	s.env["SOPD_BACKUP_RECIPIENTS"], s.env["SOPD_BACKUP_IDENTITY_FILE"] = strings.TrimSpace(public), identity
}

// backup makes a backup and returns its file.
func (s site) backup(t *testing.T) string {
	t.Helper()
	code, out, errs := s.sopd(t, "backup", "--json")
	var made backup.Made
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != exitDone {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	return filepath.Join(s.env["SOPD_BACKUP_DIR"], made.File)
}

// elsewhere returns a site of the same organisation on a machine that has nothing but the keys.
func (s site) elsewhere(t *testing.T) site {
	t.Helper()
	env := make(map[string]string)
	for key, value := range s.env {
		env[key] = value
	}
	env["SOPD_DATA_DIR"], env["SOPD_DATABASE_URL"] = filepath.Join(t.TempDir(), "data"), ""
	return site{world: s.world, env: env}
}

func TestARestoredDaemonGoesOnOnAnotherMachineWithNothingLostOrRepeated(t *testing.T) {
	s := newSite(t)
	s.backedUp(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	done := approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("%d %s", code, errs)
	}
	pending, err := s.world.Request(world.AccessRequest{By: "gwen", System: "payments", Role: "operator"})
	if err == nil {
		err = s.world.Approve("odile", pending)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := s.backup(t)
	other := s.elsewhere(t)
	if code, out, errs := other.sopd(t, "restore", file); code != exitDone || !strings.Contains(out, "verified: ") || !strings.Contains(out, "restored: ") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	for range 2 {
		if code, _, errs := other.sopd(t, "run", "--once"); code != exitDone {
			t.Fatalf("%d %s", code, errs)
		}
	}
	for name, key := range map[string]world.Key{"clara": done, "gwen": pending} {
		if n := s.world.Added(name, "payments-operators"); n != 1 || !s.world.InGroup(name, "payments-operators") {
			t.Errorf("%s was added %d times", name, n)
		}
		said := make(map[string]bool)
		for _, c := range s.world.Comments(key) {
			if said[c] {
				t.Errorf("said twice on %s: %.80s", key, c)
			}
			said[c] = true
		}
	}
	other.consistent(t)
	other.keepsTheRules(t)
	if code, out, errs := other.sopd(t, "restore", "--verify"); code != exitDone || !strings.Contains(out, "verified: ") {
		t.Errorf("the ledger that went on: %d %s%s", code, out, errs)
	}
}

// keepsTheRules lets the checker judge the store against the vendors.
func (s site) keepsTheRules(t *testing.T) {
	t.Helper()
	d, err := connect(t.Context(), console{Err: os.Stderr, Env: lookup(s.env)}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	w, err := newWitness(t.Context(), s.world, d)
	if err == nil {
		err = w.judge(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range w.worst {
		if !v.Kept {
			t.Errorf("%+v", v)
		}
	}
}

func TestTheDaemonBacksUpAndProvesThatItCanBeRestored(t *testing.T) {
	s := newSite(t)
	s.backedUp(t)
	if code, out, _ := s.sopd(t, "check"); code != exitDone || !strings.Contains(out, "ok       backup: every 30m0s") {
		t.Errorf("%d %s", code, out)
	}
	address, stop := s.start(t)
	eventually(t, "a restore test", func() bool {
		_, body := get(t, address+"/metrics")
		return strings.Contains(body, "sopd_restore_test_last_success_timestamp_seconds 1.") &&
			strings.Contains(body, "sopd_backup_last_success_timestamp_seconds 1.") && strings.Contains(body, "sopd_backups_enabled 1")
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	if all, err := backup.List(s.env["SOPD_BACKUP_DIR"]); err != nil || len(all) == 0 {
		t.Errorf("%v %v", all, err)
	}
}

func TestRestoringUsedWronglyOverwritesNothingAndSaysWhy(t *testing.T) {
	s := newSite(t)
	s.backedUp(t)
	s.observed(t)
	file := s.backup(t)
	database := strings.TrimPrefix(s.env["SOPD_DATABASE_URL"], "sqlite:")
	if database == "" {
		database = filepath.Join(s.env["SOPD_DATA_DIR"], "sopd.db")
	}
	before, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.age")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-5] ^= 1
	if err := os.WriteFile(damaged, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	other := s.elsewhere(t)
	stranger := newSite(t).keyed(t)
	for name, c := range map[string]struct {
		site site
		args []string
		code int
		says string
	}{
		"over a database":    {s, []string{"restore", file}, exitFailed, "nothing is overwritten"},
		"a damaged file":     {other, []string{"restore", damaged}, exitInvalid, "verification failed"},
		"a foreign key":      {other, []string{"restore", file, "--key", stranger}, exitInvalid, "wrong key"},
		"no such file":       {other, []string{"restore", file + "x"}, exitFailed, "no backup file"},
		"no file":            {other, []string{"restore"}, exitUsage, "--verify"},
		"no identity":        {other, []string{"restore", file, "--identity", "/no/such/file"}, exitUsage, "--identity"},
		"nothing to verify":  {other, []string{"restore", "--verify"}, exitUsage, "no database"},
		"a backup to nobody": {site{env: map[string]string{}}, []string{"backup"}, exitUsage, "SOPD_BACKUP_RECIPIENTS"},
	} {
		if code, out, errs := c.site.sopd(t, c.args...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%s: %d %s%s", name, code, out, errs)
		}
	}
	if after, err := os.ReadFile(database); err != nil || string(after) != string(before) {
		t.Errorf("the database changed: %v", err)
	}
	if code, out, errs := other.sopd(t, "restore", file, "--verify"); code != exitDone || strings.Contains(out, "restored") {
		t.Errorf("only verified: %d %s%s", code, out, errs)
	}
	_, stop := s.start(t)
	if code, _, errs := s.sopd(t, "restore", file); code != exitFailed || !strings.Contains(errs, "stop it") {
		t.Errorf("over a live store: %d %s", code, errs)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsConfiguredWronglyForBackupsIsNamed(t *testing.T) {
	s := newSite(t)
	s.env["SOPD_BACKUP_DIR"], s.env["SOPD_BACKUP_KEEP"], s.env["SOPD_BACKUP_INTERVAL"], s.env["SOPD_BACKUP_IDENTITY"] = t.TempDir(), "none", "soon", "mine"
	s.env["SOPD_ANCHOR_WEBHOOK"], s.env["SOPD_ANCHOR_WEBHOOK_SECRET"] = "http://example.com/hook", "short"
	code, _, errs := s.sopd(t, "check")
	for _, want := range []string{
		"SOPD_BACKUP_RECIPIENTS", "SOPD_BACKUP_KEEP", "SOPD_BACKUP_INTERVAL", "SOPD_BACKUP_IDENTITY", "SOPD_ANCHOR_WEBHOOK:", "SOPD_ANCHOR_WEBHOOK_SECRET",
	} {
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %s", want, code, errs)
		}
	}
	if strings.Contains(errs, "mine") {
		t.Error("a secret is shown")
	}
	s = newSite(t)
	if code, out, _ := s.sopd(t, "check"); code != exitDone || !strings.Contains(out, "warning  backup: none is made") {
		t.Errorf("%d %s", code, out)
	}
	s.env["SOPD_LEDGER_KEY_FILE"] = ""
	s.keyed(t)
	if _, out, _ := s.sopd(t, "check"); !strings.Contains(out, "warning  ledger: signed, and anchored in the log stream only") {
		t.Error(out)
	}
	s.env["SOPD_ANCHOR_WEBHOOK"] = "https://example.com/hook"
	if _, out, _ := s.sopd(t, "check"); !strings.Contains(out, "ok       ledger: signed and anchored in log, webhook") {
		t.Error(out)
	}
	s.env["SOPD_WRITE"] = "false" // then nothing is posted
	if _, out, _ := s.sopd(t, "check"); !strings.Contains(out, "warning  ledger: signed, and anchored in the log stream only") {
		t.Error(out)
	}
}

func TestPostgreSQLIsBackedUpByItsOwnToolsAndVerifiedBySopd(t *testing.T) {
	s := newSite(t)
	s.env["SOPD_DATABASE_URL"] = storetest.NewPostgres(t)
	s.backedUp(t)
	s.observed(t)
	if code, _, errs := s.sopd(t, "backup"); code != exitUsage || !strings.Contains(errs, "pg_basebackup or pg_dump") {
		t.Errorf("%d %s", code, errs)
	}
	st, err := openStore(t.Context(), console{Err: os.Stderr, Env: lookup(s.env)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	key, err := loadLedgerKey(console{Env: lookup(s.env)})
	if err == nil {
		_, err = evidence.Seal(t.Context(), st, key, st.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := s.sopd(t, "restore", "--verify"); code != exitDone || !strings.Contains(out, "verified: ") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	err = st.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.DeleteRecords(3); return err })
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := s.sopd(t, "restore", "--verify"); code != exitInvalid || !strings.Contains(errs, "records 0 to 2 are missing") {
		t.Errorf("records gone: %d %s", code, errs)
	}
}

func TestWhatWasDoneAfterTheBackupIsNeitherUndoneNorRepeated(t *testing.T) {
	s := newSite(t)
	s.backedUp(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	key := approvedRequest(t, s.world)
	file := s.backup(t)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone || !s.world.InGroup("clara", "payments-operators") {
		t.Fatalf("%d %s", code, errs)
	}
	other := s.elsewhere(t) // the first machine is lost with what it recorded since
	if code, _, errs := other.sopd(t, "restore", file); code != exitDone {
		t.Fatalf("%d %s", code, errs)
	}
	for range 3 {
		if code, _, errs := other.sopd(t, "run", "--once"); code != exitDone {
			t.Fatalf("%d %s", code, errs)
		}
	}
	if n := s.world.Added("clara", "payments-operators"); n != 1 || !s.world.InGroup("clara", "payments-operators") {
		t.Errorf("added %d times", n)
	}
	if status := s.world.Status(key); status != "Waiting for validation" {
		t.Errorf("the ticket stands at %q", status)
	}
	seen := make(map[string]bool)
	for _, c := range s.world.Comments(key) {
		if seen[c] {
			t.Errorf("said twice: %.80s", c)
		}
		seen[c] = true
	}
	other.consistent(t)
}
