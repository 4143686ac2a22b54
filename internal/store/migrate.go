package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. On PostgreSQL a session lock lets one replica do it while the others wait.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("embedded migrations: %w", access.ErrInvalid)
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.engine == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migration lock: %w", access.ErrInvalid)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, s.write, files, options...)
	if err != nil {
		return fmt.Errorf("embedded migrations: %w", access.ErrInvalid)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return s.cause("schema version", err)
	}
	if current > newest {
		return fmt.Errorf("database has schema %d and this program knows %d: run a newer sopd: %w", current, newest, access.ErrInvalid)
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return s.cause("migration", err)
	}
	for _, migration := range done {
		s.logger.InfoContext(ctx, "schema migrated", "version", migration.Source.Version)
	}
	return nil
}
