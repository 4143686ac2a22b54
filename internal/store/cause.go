package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/maisonrmi/sopd/internal/access"
	"modernc.org/sqlite"
)

// cause translates an error of the driver. Driver texts may quote rows and connection strings, so none is passed on.
func (s *Store) cause(what string, err error) error {
	if err == nil {
		return nil
	}
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, sql.ErrTxDone): // the end of its context ends a transaction
		return fmt.Errorf("database %s: %w", what, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("database %s: %w", what, context.DeadlineExceeded)
	case errors.As(err, &pg):
		return fmt.Errorf("database %s: %w", what, postgresCause(pg))
	case errors.As(err, &lite):
		return fmt.Errorf("database %s: %w", what, s.sqliteCause(lite))
	default:
		return fmt.Errorf("database %s: no answer: %w", what, access.ErrUnavailable)
	}
}

// commitCause is [Store.cause] for a commit: only a server's own refusal proves that nothing was written.
func (s *Store) commitCause(err error) error {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	if errors.As(err, &lite) || errors.As(err, &pg) {
		return s.cause("commit", err)
	}
	return fmt.Errorf("database commit: answer lost: %w", access.ErrUnconfirmed)
}
