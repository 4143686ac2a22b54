package store_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
	_ "modernc.org/sqlite" // its import registers the driver "sqlite"
)

// refusedOpen opens the store and returns its error, which must have the cause and hold no text of the URL's password.
func refusedOpen(t *testing.T, url string, cause error) string {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Fatal(s.Close(), "opened")
	}
	if !errors.Is(err, cause) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want %v", err, cause)
	}
	return err.Error()
}

func TestAURLThatCannotBeRightIsRefused(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite:", "postgres://user:hunter2@host:notaport/db"} {
		refusedOpen(t, url, access.ErrInvalid)
	}
}

func TestAMissingFolderIsSaidWithWhatToDo(t *testing.T) {
	text := refusedOpen(t, "sqlite:"+filepath.Join(t.TempDir(), "none", "sopd.db"), access.ErrInvalid)
	if !strings.Contains(text, "create it or set SOPD_DATA_DIR") {
		t.Error(text)
	}
}

func TestAFolderInPlaceOfTheFileIsRefused(t *testing.T) {
	refusedOpen(t, "sqlite:"+t.TempDir(), access.ErrInvalid)
}

func TestAFileThatIsNoDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	text := strings.Repeat("these are my notes\n", 100)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedOpen(t, "sqlite:"+path, access.ErrMalformed)
	after, err := os.ReadFile(path)
	if err != nil || string(after) != text {
		t.Errorf("the file was changed, %v", err)
	}
}

func TestADamagedDatabaseIsSaidToBeDamaged(t *testing.T) {
	url := storetest.NewSQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	first, err := store.Open(t.Context(), store.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[100:], strings.Repeat("\xa5", len(content)-100))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	refusedOpen(t, url, access.ErrMalformed)
}

func TestASchemaOfANewerProgramIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		storetest.OpenURL(t, url, nil)
		driver, name := "pgx", url
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			driver, name = "sqlite", path
		}
		db, err := sql.Open(driver, name)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, $1)", true); err != nil {
			t.Fatal(err)
		}
		if text := refusedOpen(t, url, access.ErrInvalid); !strings.Contains(text, "run a newer sopd") {
			t.Error(text)
		}
	})
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	refusedOpen(t, "postgres://sopd:hunter2@127.0.0.1:1/sopd?connect_timeout=2", access.ErrUnavailable)
}

func TestTheFileIsForItsOwnerOnly(t *testing.T) {
	url := storetest.NewSQLite(t)
	s := storetest.OpenURL(t, url, nil)
	storetest.Write(t, s, func(tx *store.Tx) error { return tx.PutGroup(access.Group{ID: "g"}) })
	files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", filepath.Base(file), info.Mode(), err)
		}
	}
}

func TestAPathWithStrangeCharactersIsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%41&e.db")
	storetest.OpenURL(t, "sqlite:"+path, nil)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestABackupIsAWholeStore(t *testing.T) {
	s := storetest.Open(t)
	storetest.Write(t, s, func(tx *store.Tx) error { _, err := tx.Append(someEntries(7)...); return err })
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); !errors.Is(err, access.ErrConflict) {
		t.Errorf("an existing file: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "none", "x")); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("a missing folder: %v", err)
	}
	var want, got ledger.Hash
	storetest.Read(t, s, func(tx *store.Tx) (err error) { _, want, err = tx.TreeHash(); return err })
	storetest.Read(t, storetest.OpenURL(t, "sqlite:"+path, nil), func(tx *store.Tx) (err error) { _, got, err = tx.TreeHash(); return err })
	if got != want {
		t.Error("the backup has another ledger")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestTwoReplicasOpenAnEmptyDatabaseAtTheSameTime(t *testing.T) {
	url := storetest.NewPostgres(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			s, err := store.Open(t.Context(), store.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
