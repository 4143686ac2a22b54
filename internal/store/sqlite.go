package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/maisonrmi/sopd/internal/access"
	"modernc.org/sqlite" // its import registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers is the number of snapshots that can be open at the same time on SQLite. Each costs a page cache.
const readers = 4

// openSQLite opens three pools on one file: ours for writing with one connection, so that writes wait for each other in Go
// and not in SQLite; ours for reading; and River's, which must have one connection.
// alone is true when no other process has the file open.
//
// Source: riversqlite v0.49.0, package comment; measured: no SQLITE_BUSY with _txlock=immediate and a busy timeout.
func (s *Store) openSQLite(ctx context.Context, path string) (alone bool, err error) {
	s.engine, s.path = SQLite, path
	if err := createFile(path); err != nil {
		return false, err
	}
	if alone, err = s.attend(); err != nil {
		return false, err
	}
	pools := []struct {
		db    **sql.DB
		query string
		size  int
	}{
		{&s.write, "&_txlock=immediate", 1},
		{&s.river, "&_txlock=immediate", 1},
		{&s.read, "&_pragma=query_only(1)", readers},
	}
	for _, pool := range pools {
		db, err := sql.Open("sqlite", sqliteName(path)+pool.query)
		if err != nil {
			return false, s.cause("open", err)
		}
		db.SetMaxOpenConns(pool.size)
		db.SetMaxIdleConns(pool.size)
		*pool.db = db
		if err := db.PingContext(ctx); err != nil {
			return false, s.cause("open", err)
		}
	}
	return alone, nil
}

// sqliteName is the driver's name for the file. FULL makes a commit wait for the disk: what was answered is kept.
func sqliteName(path string) string {
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	return name.String() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
}

// createFile makes the file readable for its owner only: it holds personal data, and SQLite would follow the umask. The
// write-ahead log takes the permissions of the file.
func createFile(path string) error {
	if path == "" {
		return fmt.Errorf("database URL sqlite: names no file: %w", access.ErrInvalid)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case err == nil:
		return file.Close()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("folder %s for the database does not exist: create it or set SOPD_DATA_DIR: %w", filepath.Dir(path), access.ErrInvalid)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("database file %s may not be read and written: give it to the account that runs sopd: %w", path, access.ErrDenied)
	default:
		return fmt.Errorf("database file %s cannot be opened for writing: %w", path, access.ErrInvalid)
	}
}

func (s *Store) readOptions() *sql.TxOptions {
	if s.engine == Postgres {
		return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return nil
}

// sqliteCause translates SQLite's result codes.
//
// Source: https://www.sqlite.org/rescode.html, 2026.
func (s *Store) sqliteCause(err *sqlite.Error) error {
	switch err.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errLost
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("file %s is no SQLite database: name another file or restore a backup: %w", s.path, access.ErrMalformed)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("database %s is damaged: restore a backup: %w", s.path, access.ErrMalformed)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("no room left for database %s: free some: %w", s.path, access.ErrUnavailable)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return fmt.Errorf("database %s may not be written: %w", s.path, access.ErrDenied)
	case sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("row breaks a rule of the schema: %w", access.ErrInvalid)
	default:
		return fmt.Errorf("SQLite answered code %d: %w", err.Code(), access.ErrUnavailable)
	}
}
