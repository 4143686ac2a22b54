// Package store keeps everything that sopd must not lose, in SQLite or PostgreSQL, behind one set of methods.
//
// All access is by [Store.Write] and [Store.Read]. A write is one transaction, all or nothing, and writes follow each
// other one by one, across replicas too: a function given to Write sees the latest state and nobody changes it until it
// is done. A read is one snapshot. The daemon's own tables are the truth; a job in River is only the wake-up.
//
// Objects are kept as JSON under the field names of their Go types, so a renamed field in a vocabulary package needs a
// migration; a golden file in the tests says when.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/original"
)

// Options say where the store is.
type Options struct {
	// URL is "sqlite:PATH" or "postgres://…". The second may hold a password and is never shown.
	URL string
	// Logger takes what migrations tell; required.
	Logger *slog.Logger
	// Now is the clock; nil for [time.Now]. The database's own clock is never asked.
	Now func() time.Time
}

// Engine is which database is behind a [Store].
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Store is an open database. Safe for concurrent use.
type Store struct {
	engine Engine
	path   string // of the SQLite file
	logger *slog.Logger
	now    func() time.Time
	write  *sql.DB // one connection on SQLite
	read   *sql.DB
	river  *sql.DB       // SQLite only: River's own connection
	pool   *pgxpool.Pool // PostgreSQL only: River's own pool
	batch  batcher
	packer original.Packer
	// presence is the file whose lock tells others that the store is open; SQLite only.
	presence *os.File
}

// writeAttempts is how often a write is tried that lost against another one. With ours alone none ever does.
const writeAttempts = 8

// Open opens the database, creating it where it does not exist, and brings its schema up to date.
//
// Errors: [access.ErrInvalid] for a URL or a path that cannot be right, or a schema newer than this program;
// [access.ErrMalformed] for a file that is no database or is damaged; [access.ErrDenied] for a path that may not be
// written and a refused login; [access.ErrUnavailable] for a server that does not answer.
func Open(ctx context.Context, options Options) (*Store, error) {
	s := &Store{logger: options.Logger, now: options.Now}
	if s.now == nil {
		s.now = time.Now
	}
	s.batch.store = s
	var err error
	var alone bool
	switch {
	case strings.HasPrefix(options.URL, "sqlite:"):
		alone, err = s.openSQLite(ctx, strings.TrimPrefix(options.URL, "sqlite:"))
	case strings.HasPrefix(options.URL, "postgres://"), strings.HasPrefix(options.URL, "postgresql://"):
		err = s.openPostgres(ctx, options.URL)
	default:
		return nil, fmt.Errorf("database URL must begin with sqlite: or postgres://: %w", access.ErrInvalid)
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err == nil && alone {
		err = s.bury(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Engine returns which database this is.
func (s *Store) Engine() Engine { return s.engine }

// RiverSQLite returns the connection pool that belongs to River, of one connection; nil on PostgreSQL.
func (s *Store) RiverSQLite() *sql.DB { return s.river }

// RiverPostgres returns the connection pool that belongs to River; nil on SQLite.
func (s *Store) RiverPostgres() *pgxpool.Pool { return s.pool }

// Now returns the time by the store's clock, in UTC and whole microseconds, as it will be read back.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// Close closes every connection. Reads and writes under way must be over.
func (s *Store) Close() error {
	s.batch.loops.Wait()
	var errs []error
	for _, db := range []*sql.DB{s.river, s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.presence != nil {
		if err := s.presence.Close(); !errors.Is(err, os.ErrClosed) { // closing twice is no error, as with the databases
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Ping asks the database for an answer by reading from it.
//
// Errors: [access.ErrUnavailable] and the others of [Open].
func (s *Store) Ping(ctx context.Context) error {
	var n int
	if err := s.read.QueryRowContext(ctx, "SELECT 1").Scan(&n); err != nil {
		return s.cause("ping", err)
	}
	return nil
}

// Probe makes sure that something can be written, by writing a row that says nothing.
//
// Errors: as [Store.Write], and those of [Open].
func (s *Store) Probe(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error { return tx.SetCursor("probe", "", tx.Now()) })
}

// Write runs fn in the one write transaction and commits it when fn returns nil. When the database says that the
// transaction lost against another, fn runs again from the start, so it must not do anything outside the transaction, and
// never call Write or [Store.Receive] itself: it would wait for its own end.
//
// Errors: what fn returned, and then nothing was written; [access.ErrUnavailable] when the database does not answer;
// [access.ErrUnconfirmed] when the answer to the commit was lost, and then everything or nothing was written.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	return s.retry(ctx, func() error { return s.writeOnce(ctx, serial, fn) })
}

// Read runs fn on one consistent snapshot. Writing inside fn is an error.
//
// Errors: what fn returned; [access.ErrUnavailable] when the database does not answer.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	return s.retry(ctx, func() error { return s.readOnce(ctx, fn) })
}

func (s *Store) retry(ctx context.Context, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		if err == nil || !retryable(err) {
			return err
		}
		if n == writeAttempts {
			return fmt.Errorf("database transaction lost %d times: %w", n, access.ErrUnavailable)
		}
		jitter := rand.N(8 * time.Millisecond) //nolint:gosec // a wait is no secret
		wait := time.NewTimer(time.Duration(n) * (2*time.Millisecond + jitter))
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}

// mode is what a transaction may do beside others.
type mode int

const (
	serial mode = iota // a write that follows every other
	shared             // a write of rows that need no order: the inbox
	snapshot
)

func (s *Store) writeOnce(ctx context.Context, m mode, fn func(*Tx) error) error {
	if s.engine == Postgres {
		return s.postgresTx(ctx, m, fn)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.cause("begin", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing, before it there is nothing to save
	if err := (&Tx{ctx: ctx, store: s, db: tx, tx: tx, mode: m}).run(fn); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.commitCause(err)
	}
	return nil
}

func (s *Store) readOnce(ctx context.Context, fn func(*Tx) error) error {
	tx, err := s.read.BeginTx(ctx, s.readOptions())
	if err != nil {
		return s.cause("begin", err)
	}
	defer tx.Rollback() //nolint:errcheck // a snapshot has nothing to commit
	return (&Tx{ctx: ctx, store: s, db: tx, mode: snapshot}).run(fn)
}

// run calls fn. A transaction that was doomed fails, whatever fn made of it.
func (t *Tx) run(fn func(*Tx) error) error {
	if err := fn(t); err != nil {
		return err
	}
	return t.doomed
}

// Doom makes the transaction fail with the first cause that it is given, for callers whose own callers cannot be told that
// something was not read. A nil cause is none.
func (t *Tx) Doom(cause error) {
	if t.doomed == nil {
		t.doomed = cause
	}
}

// Tx is a transaction. It is valid only inside the function that it was given to, and only in that goroutine.
//
// Besides the errors that each method names, every method returns [access.ErrUnavailable] when the database does not
// answer; the transaction is then lost as a whole.
type Tx struct {
	ctx   context.Context
	store *Store
	db    queryer
	tx    *sql.Tx // SQLite only
	pgx   pgx.Tx  // PostgreSQL only
	mode  mode
	// statements are those that were prepared in the transaction, by their text.
	statements map[string]*sql.Stmt
	// bumped is the work that receivers of the batch have asked for.
	bumped map[string]int64

	pseudonyms map[string]string // by identifier, those that were asked for
	persons    map[string]Person // by pseudonym, those that were met; empty for one that was erased
	concealed  bool              // records are not to name persons

	doomed error // see [Tx.Doom]
}

// queryer is what *sql.Tx and *sql.Conn have in common.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Now returns the time by the store's clock, in UTC and whole microseconds.
func (t *Tx) Now() time.Time { return t.store.Now() }

// SQLTx returns the transaction for River's driver; nil on PostgreSQL and in a read.
func (t *Tx) SQLTx() *sql.Tx { return t.tx }

// PgxTx returns the transaction for River's driver; nil on SQLite and in a read.
func (t *Tx) PgxTx() pgx.Tx { return t.pgx }

// Context returns the context that the transaction was begun with.
func (t *Tx) Context() context.Context { return t.ctx }
