// Package storetest opens stores for tests, on every database that there is.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // its import registers the driver "pgx"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/oklog/ulid/v2"
)

// The environment variables that the tests on PostgreSQL look at.
const (
	// PostgresVariable holds the URL of a PostgreSQL database in which tests may make and drop schemas.
	PostgresVariable = "SOPD_TEST_POSTGRES_URL"
	// RequirePostgresVariable, set to 1, turns a missing PostgreSQL from a skip into a failure. CI sets it.
	RequirePostgresVariable = "SOPD_REQUIRE_POSTGRES"
)

// Open returns an empty store in a new SQLite file, closed when the test ends.
func Open(t testing.TB) *store.Store {
	t.Helper()
	return OpenURL(t, NewSQLite(t), nil)
}

// OpenURL opens the store at url, by the given clock or, when nil, by the machine's; closed when the test ends.
func OpenURL(t testing.TB, url string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, Logger: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

// NewSQLite returns the URL of a SQLite database that does not exist yet.
func NewSQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "sopd.db")
}

// NewPostgres returns the URL of an empty schema, dropped when the test ends. Without [PostgresVariable] the test is
// skipped, saying so, or fails when [RequirePostgresVariable] is 1.
func NewPostgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv(PostgresVariable)
	if base == "" {
		if os.Getenv(RequirePostgresVariable) == "1" {
			t.Fatalf("%s is not set and %s=1", PostgresVariable, RequirePostgresVariable)
		}
		t.Skipf("%s is not set: not tested on PostgreSQL", PostgresVariable)
	}
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatalf("%s is not understood", PostgresVariable)
	}
	schema := "test_" + strings.ToLower(ulid.Make().String())
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatalf("create schema: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), fmt.Sprintf("DROP SCHEMA %s CASCADE", schema)); err != nil {
			t.Errorf("drop schema: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return withSearchPath(t, base, schema)
}

func withSearchPath(t testing.TB, base, schema string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is not understood", PostgresVariable)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

// Each runs the test on every database: on SQLite always, on PostgreSQL where there is one. url gives it a new, empty
// database.
func Each(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, NewSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, NewPostgres(t)) })
}

// Write runs fn in a write transaction and fails the test when it fails.
func Write(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// Read runs fn in a read transaction and fails the test when it fails.
func Read(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Read(t.Context(), fn); err != nil {
		t.Fatalf("read: %v", err)
	}
}
