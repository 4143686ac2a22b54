package jobs

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// engine is River on either database.
type engine interface {
	insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) error
	insertTx(tx *store.Tx, args river.JobArgs) error
	start(ctx context.Context) error
	stop(ctx context.Context) error
	abort(ctx context.Context) error
}

// client is [engine] for a database whose transactions are of type T.
type client[T any] struct {
	river *river.Client[T]
	tx    func(*store.Tx) T
}

// open makes River's tables where they are not there yet and returns River on the store's database.
func open(ctx context.Context, s *store.Store, config *river.Config) (engine, error) {
	if s.Engine() == store.Postgres {
		driver := riverpgxv5.New(s.RiverPostgres())
		// The write's lock lets one replica migrate while the others wait.
		err := s.Write(ctx, func(*store.Tx) error { return migrate(ctx, driver) })
		if err != nil {
			return nil, err
		}
		return newClient(driver, config, func(tx *store.Tx) pgx.Tx { return tx.PgxTx() })
	}
	driver := riversqlite.New(s.RiverSQLite())
	if err := migrate(ctx, driver); err != nil {
		return nil, err
	}
	return newClient(driver, config, func(tx *store.Tx) *sql.Tx { return tx.SQLTx() })
}

func migrate[T any](ctx context.Context, driver riverdriver.Driver[T]) error {
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return fmt.Errorf("job tables: %w", access.ErrInvalid)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job tables could not be made: %w", unavailable(ctx))
	}
	return nil
}

// unavailable is the cause of an error of River: the caller's own end, or the database. River's texts quote statements.
func unavailable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return access.ErrUnavailable
}

func newClient[T any](driver riverdriver.Driver[T], config *river.Config, tx func(*store.Tx) T) (engine, error) {
	c, err := river.NewClient(driver, config)
	if err != nil {
		return nil, fmt.Errorf("job settings: %w", access.ErrInvalid)
	}
	return &client[T]{river: c, tx: tx}, nil
}

func (c *client[T]) insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) error {
	if _, err := c.river.Insert(ctx, args, opts); err != nil {
		return fmt.Errorf("insert job %s: %w", args.Kind(), unavailable(ctx))
	}
	return nil
}

func (c *client[T]) insertTx(tx *store.Tx, args river.JobArgs) error {
	if _, err := c.river.InsertTx(tx.Context(), c.tx(tx), args, nil); err != nil {
		return fmt.Errorf("insert job %s: %w", args.Kind(), unavailable(tx.Context()))
	}
	return nil
}

func (c *client[T]) start(ctx context.Context) error {
	if err := c.river.Start(ctx); err != nil {
		return fmt.Errorf("start jobs: %w", unavailable(ctx))
	}
	return nil
}

func (c *client[T]) stop(ctx context.Context) error { return c.river.Stop(ctx) }

func (c *client[T]) abort(ctx context.Context) error { return c.river.StopAndCancel(ctx) }
