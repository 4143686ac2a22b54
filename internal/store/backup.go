package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/maisonrmi/sopd/internal/access"
)

// Backup writes a consistent copy of a SQLite store to a new file, while the store is in use.
//
// Errors: [access.ErrInvalid] on PostgreSQL, whose own tools do this, and for a path that cannot be written;
// [access.ErrConflict] when the file exists, and then it is left alone. After any other error there is no file.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.engine != SQLite {
		return fmt.Errorf("backup of PostgreSQL is made by pg_basebackup or pg_dump: %w", access.ErrInvalid)
	}
	// SQLite would follow the umask; it takes an empty file as it is.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("backup file %s exists already: name another: %w", path, access.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("backup file %s cannot be written: %w", path, access.ErrInvalid)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("backup file %s cannot be written: %w", path, access.ErrInvalid)
	}
	if err := s.vacuumInto(ctx, path); err != nil {
		return errors.Join(s.cause("backup", err), os.Remove(path))
	}
	return nil
}

// vacuumInto uses a connection of its own: those for reading may write nothing, and the one for writing is needed.
func (s *Store) vacuumInto(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", sqliteName(s.path))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", path)
	return errors.Join(err, db.Close())
}

// Compact rewrites the SQLite file, so that nothing that was deleted can be found in it. PostgreSQL does that by itself, in
// its own time.
//
// Errors: [access.ErrUnavailable] when the store is too busy; nothing is lost then.
func (s *Store) Compact(ctx context.Context) error {
	if s.engine != SQLite {
		return nil
	}
	db, err := sql.Open("sqlite", sqliteName(s.path)+"&_pragma=secure_delete(1)")
	if err != nil {
		return s.cause("compact", err)
	}
	_, err = db.ExecContext(ctx, "VACUUM")
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	err = s.cause("compact", err)
	if retryable(err) {
		err = fmt.Errorf("database is too busy to be rewritten: %w", access.ErrUnavailable)
	}
	return errors.Join(err, db.Close())
}
