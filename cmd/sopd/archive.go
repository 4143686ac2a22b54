package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
)

// retention is a length of time by the calendar.
type retention struct{ years, months, days int }

// before returns the time that lies the retention before now.
func (r retention) before(now time.Time) time.Time { return now.AddDate(-r.years, -r.months, -r.days) }

// defaultRetention is how long records are kept by the shipped procedures, in years.
const defaultRetention = 7

// parseRetention reads a number of years, months or days, such as 7y, 18m or 400d; empty is seven years.
func parseRetention(text string) (retention, error) {
	wrong := fmt.Errorf("is %q; write years, months or days, such as 7y, 18m or 400d, 30 days at least", text)
	if text == "" {
		return retention{years: defaultRetention}, nil
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || n < 1 || n > 36500 {
		return retention{years: defaultRetention}, wrong
	}
	switch {
	case strings.HasSuffix(text, "y"):
		return retention{years: n}, nil
	case strings.HasSuffix(text, "m"):
		return retention{months: n}, nil
	case strings.HasSuffix(text, "d") && n >= 30:
		return retention{days: n}, nil
	default:
		return retention{years: defaultRetention}, wrong
	}
}

func newEvidenceArchiveCommand(c console) *cobra.Command {
	var out string
	var remove, asJSON bool
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Archive each month of the ledger that has ended, and delete what is archived and older than the retention",
		Long: "Write the records of every month that has ended and is not archived yet into a file of its own. An archive is an\n" +
			"export of the ledger alone that names persons by pseudonyms only; sopd evidence verify takes it, and several in a row.\n" +
			"sopd run does the same when SOPD_ARCHIVE_DIR is set.\n\n" +
			"--delete also deletes archived records older than SOPD_LEDGER_RETENTION (7y) from the database, after making sure that\n" +
			"every archive is in the folder as it was written. Their hashes stay, so that the ledger verifies as before.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			did, err := archive(cmd.Context(), c, archiveFlags{out: out, remove: remove})
			switch {
			case errors.Is(err, ledger.ErrTampered):
				return &exitError{code: exitInvalid, cause: err}
			case errors.Is(err, access.ErrInvalid):
				return usage(err)
			case err != nil:
				return err
			case asJSON:
				return writeJSON(c.Out, did)
			}
			for _, a := range did.Archived {
				fmt.Fprintf(c.Out, "%s: records %d to %d\n", a.File, a.First, a.End-1)
			}
			_, err = fmt.Fprintf(c.Out, "%d months archived, %d records deleted\n", len(did.Archived), did.Deleted)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder of the archives; default SOPD_ARCHIVE_DIR")
	cmd.Flags().BoolVar(&remove, "delete", false, "delete archived records older than the retention")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// archiveFlags are the flags of sopd evidence archive.
type archiveFlags struct {
	out    string
	remove bool
}

// archived is what was archived and deleted.
type archived struct {
	Archived []evidence.ArchivedBody `json:"archived"`
	Deleted  int64                   `json:"deleted"`
}

func archive(ctx context.Context, c console, f archiveFlags) (did archived, err error) {
	o := evidence.ArchiveOptions{Dir: or(f.out, value(c, "SOPD_ARCHIVE_DIR")), Program: readVersion().Version}
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return did, usage(errors.New("--out or SOPD_ARCHIVE_DIR must name a folder that exists"))
	}
	keep, err := parseRetention(value(c, "SOPD_LEDGER_RETENTION"))
	if err != nil {
		return did, usage(fmt.Errorf("SOPD_LEDGER_RETENTION: %w", err))
	}
	if o.Key, err = loadLedgerKey(c); err != nil {
		return did, err
	}
	if o.Store, err = openStore(ctx, c); err != nil {
		return did, err
	}
	did.Archived, err = evidence.Archive(ctx, o)
	if err == nil && f.remove {
		did.Deleted, err = evidence.Prune(ctx, o, keep.before(o.Store.Now()))
	}
	return did, errors.Join(err, o.Store.Close())
}

const (
	// archiveLook is how often the daemon looks whether a month has ended.
	archiveLook = time.Hour
	// archiveLease is how long archiving may take before another replica may try.
	archiveLease = 6 * time.Hour
)

// archiving archives months that have ended, and deletes what is older than the retention, until the context ends. Without a
// folder or a key it returns at once.
func (d *daemon) archiving(ctx context.Context) error {
	if d.config.ArchiveDir == "" || d.config.LedgerKey.Empty() {
		return nil
	}
	key, err := ledger.ParseKey(d.config.LedgerKey)
	if err != nil {
		return err
	}
	o := evidence.ArchiveOptions{Store: d.store, Key: key, Dir: d.config.ArchiveDir, Program: readVersion().Version}
	holder := ulid.Make().String()
	ticker := time.NewTicker(archiveLook)
	defer ticker.Stop()
	for {
		if err := d.archiveOnce(ctx, o, holder); err != nil && ctx.Err() == nil {
			d.logger.LogAttrs(ctx, slog.LevelError, "ledger not archived", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (d *daemon) archiveOnce(ctx context.Context, o evidence.ArchiveOptions, holder string) error {
	var fence int64
	err := d.store.Write(ctx, func(tx *store.Tx) (err error) {
		fence, err = tx.Lease("ledger.archive", holder, d.store.Now().Add(archiveLease))
		return err
	})
	if errors.Is(err, access.ErrConflict) {
		return nil // another replica is at it
	}
	if err != nil {
		return err
	}
	months, err := evidence.Archive(ctx, o)
	for _, m := range months {
		d.logger.LogAttrs(ctx, slog.LevelInfo, "month archived", slog.String("file", m.File), slog.Int64("end", m.End))
	}
	if err == nil {
		_, err = evidence.Prune(ctx, o, d.config.Retention.before(d.store.Now()))
	}
	return errors.Join(err, d.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ReleaseLease("ledger.archive", fence) }))
}

func newEvidenceEraseCommand(c console) *cobra.Command {
	var accounts []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "erase USER",
		Short: "Erase a person: the ledger keeps its records and hashes, and nobody can tell any more whom they mean",
		Long: "Destroy the keys of a person's pseudonyms, and put the pseudonym in place of every identifier in the database. USER is\n" +
			"the Okta user ID. Records, hashes, archives and checkpoints verify as before; what is left leads back to nobody.\n\n" +
			"Deactivate and delete the person in Okta and Jira first: what a vendor still shows is read again. Exports that were\n" +
			"handed out name the person for ever, and backups until they are deleted (35 days). This cannot be undone.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			user, err := access.ParseUserID(args[0])
			if err != nil {
				return usage(err)
			}
			s, err := openStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			var erased store.Erased
			err = s.Write(cmd.Context(), func(tx *store.Tx) error {
				erased, err = tx.Erase(user, accounts...)
				return err
			})
			if err != nil {
				return err
			}
			if err := s.Compact(cmd.Context()); err != nil {
				return fmt.Errorf("the person is erased; what was deleted can still be found in the database file until sopd is stopped and this is run again: %w", err)
			}
			if asJSON {
				return writeJSON(c.Out, erased)
			}
			_, err = fmt.Fprintf(c.Out, "erased: %d pseudonyms mean nobody now, %d rows no longer name the person; of %d objects that vendors sent the hashes are left\n",
				len(erased.Pseudonyms), erased.Rows, erased.Originals)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&accounts, "account", nil, "a Jira account of the person; those of approvals are found by themselves")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
