package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/maisonrmi/sopd/internal/access"
)

// writeLock is the key of the advisory lock that puts writes in order. It lives in the database's own number space, away
// from River's, which are hashes. The number is "sopd" in ASCII.
const writeLock = 0x736f7064

// connections is the size of our own pool on PostgreSQL: webhooks write beside each other there.
const connections = 16

// rollbackTime is how long giving up a transaction may take once its context has ended.
const rollbackTime = 2 * time.Second

func (s *Store) openPostgres(ctx context.Context, url string) error {
	s.engine = Postgres
	config, err := pgxpool.ParseConfig(url)
	if err != nil { // its text repeats the URL
		return fmt.Errorf("database URL postgres:// is not understood: %w", access.ErrInvalid)
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return fmt.Errorf("PostgreSQL pool: %w", access.ErrInvalid)
	}
	s.write = stdlib.OpenDB(*config.ConnConfig)
	s.write.SetMaxOpenConns(connections)
	s.write.SetMaxIdleConns(connections)
	s.read = stdlib.OpenDB(*config.ConnConfig)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := s.write.PingContext(ctx); err != nil {
		return s.cause("open", err)
	}
	return nil
}

// postgresTx runs fn in a transaction that our statements, through database/sql, and River's, through pgx, share: both
// use the one connection underneath.
func (s *Store) postgresTx(ctx context.Context, m mode, fn func(*Tx) error) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return s.cause("connect", err)
	}
	defer conn.Close() //nolint:errcheck // gives the connection back; a broken one is thrown away by the pool
	var tx pgx.Tx
	err = conn.Raw(func(driverConn any) error {
		raw, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("connection of type %T: %w", driverConn, access.ErrInvalid)
		}
		tx, err = raw.Conn().BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		return err
	})
	if err != nil {
		return s.cause("begin", err)
	}
	defer rollback(ctx, tx)
	if m == serial {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(writeLock)); err != nil {
			return s.cause("lock", err)
		}
	}
	if err := (&Tx{ctx: ctx, store: s, db: conn, pgx: tx, mode: m}).run(fn); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return s.commitCause(err)
	}
	return nil
}

// rollback gives the transaction up even when its context has ended; after a commit it does nothing.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	_ = tx.Rollback(ctx) // a connection that cannot roll back is closed by pgx, and then the server rolls back
}

// postgresCause translates SQLSTATE codes.
//
// Source: PostgreSQL 15 documentation, appendix A.
func postgresCause(err *pgconn.PgError) error {
	switch err.Code {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return errLost
	}
	switch err.Code[:min(2, len(err.Code))] {
	case "28": // invalid authorization
		return fmt.Errorf("PostgreSQL does not accept the login (SQLSTATE %s): %w", err.Code, access.ErrUnauthenticated)
	case "42":
		if err.Code == "42501" {
			return fmt.Errorf("PostgreSQL account lacks a right (SQLSTATE %s): %w", err.Code, access.ErrDenied)
		}
	case "3D":
		return fmt.Errorf("PostgreSQL has no such database: create it (SQLSTATE %s): %w", err.Code, access.ErrInvalid)
	case "23", "22", "25":
		return fmt.Errorf("row breaks a rule of the schema (SQLSTATE %s): %w", err.Code, access.ErrInvalid)
	}
	return fmt.Errorf("PostgreSQL answered SQLSTATE %s: %w", err.Code, access.ErrUnavailable)
}

// errLost marks a transaction that lost against another and may be run again.
var errLost = errors.New("transaction lost against another")

func retryable(err error) bool { return errors.Is(err, errLost) }

// isNoRows reports whether a query found nothing.
func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) || errors.Is(err, pgx.ErrNoRows) }
