package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/backup"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
)

// backupConfig is what the environment says about backups.
type backupConfig struct {
	Dir        string
	Recipients backup.Recipients
	Identities backup.Identities
	Every      time.Duration
	Keep       int
}

// The defaults: the newest day at half of the recovery point objective.
const (
	backupEvery = 30 * time.Minute
	backupKeep  = 48
)

func (l *configLoader) backup(c *config) {
	e := l.env
	c.Backup = backupConfig{Dir: e.BackupDir, Every: l.duration("SOPD_BACKUP_INTERVAL", e.BackupInterval, backupEvery), Keep: backupKeep}
	var err error
	if e.BackupKeep != "" {
		if c.Backup.Keep, err = strconv.Atoi(e.BackupKeep); err != nil || c.Backup.Keep < 1 {
			l.wrong("SOPD_BACKUP_KEEP", "is %q; write a number of backups, 1 or more", e.BackupKeep)
		}
	}
	if e.BackupRecipients != "" {
		if c.Backup.Recipients, err = backup.ParseRecipients(e.BackupRecipients); err != nil {
			l.wrong("SOPD_BACKUP_RECIPIENTS", "holds something else than public keys of age; make a pair with sopd keys backup")
		}
	}
	if e.BackupIdentity != "" {
		if c.Backup.Identities, err = backup.ParseIdentities(e.BackupIdentity); err != nil {
			l.wrong("SOPD_BACKUP_IDENTITY", "holds no private key of age")
		}
	}
	if e.BackupDir != "" && e.BackupRecipients == "" {
		l.wrong("SOPD_BACKUP_RECIPIENTS", "is missing, and backups are always encrypted; make a pair with sopd keys backup")
	}
}

func newBackupCommand(c console) *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Write an encrypted, verified backup of the database while sopd runs",
		Long: "Write a consistent copy of the embedded database into a new file, encrypted to the public keys in\n" +
			"SOPD_BACKUP_RECIPIENTS. The file is read back, decrypted, opened, and its whole ledger verified before it gets its\n" +
			"name. sopd run does the same every SOPD_BACKUP_INTERVAL. Restore it with sopd restore.\n\n" +
			"PostgreSQL is backed up by pg_basebackup or pg_dump; sopd restore --verify verifies what came back. See docs/backup.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			made, err := makeBackup(cmd.Context(), c, out)
			switch {
			case errors.Is(err, ledger.ErrTampered):
				return &exitError{code: exitInvalid, cause: err}
			case errors.Is(err, access.ErrInvalid):
				return usage(err)
			case err != nil:
				return err
			case asJSON:
				return writeJSON(c.Out, made)
			}
			_, err = fmt.Fprintf(c.Out, "%s: %d bytes, %d records, verified in %s\n", made.File, made.Bytes, made.Whole.Records, round(made.Took))
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the file; default SOPD_BACKUP_DIR")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func makeBackup(ctx context.Context, c console, dir string) (made backup.Made, err error) {
	o := backup.Options{Dir: or(dir, value(c, "SOPD_BACKUP_DIR")), Program: readVersion().Version}
	if o.Recipients, err = backup.ParseRecipients(value(c, "SOPD_BACKUP_RECIPIENTS")); err != nil {
		return made, usage(fmt.Errorf("SOPD_BACKUP_RECIPIENTS: %w; make a pair with sopd keys backup", err))
	}
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return made, usage(errors.New("--out or SOPD_BACKUP_DIR must name a folder that exists"))
	}
	if value(c, ledgerKeyVariable)+value(c, ledgerKeyVariable+"_FILE") != "" {
		if o.Key, err = loadLedgerKey(c); err != nil {
			return made, err
		}
	}
	if o.Store, err = openStore(ctx, c); err != nil {
		return made, err
	}
	made, err = backup.Make(ctx, o)
	if err == nil {
		err = backup.Note(ctx, o.Store, made)
	}
	return made, errors.Join(err, o.Store.Close())
}

// restoreFlags are the flags of sopd restore.
type restoreFlags struct {
	identity, to   string
	keys           []string
	verify, asJSON bool
}

func newRestoreCommand(c console) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore FILE --identity FILE",
		Short: "Restore a backup, after verifying the whole of it; or verify the database that is there",
		Long: "Restore a backup as a database that does not exist yet. Before anything is written in its place, the backup is\n" +
			"decrypted, opened, and its whole ledger verified: every record against its hash, every checkpoint against the\n" +
			"ledger's public key. Nothing is ever overwritten, and a database that a sopd works on is refused. Exit code 5 when\n" +
			"the backup is damaged or its ledger is not what was signed.\n\n" +
			"--verify without FILE verifies the ledger of the configured database instead, PostgreSQL too: after pg_restore or a\n" +
			"recovery from pg_basebackup, before sopd starts on it.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return restore(cmd.Context(), c, f, args) },
	}
	cmd.Flags().StringVar(&f.identity, "identity", "", "file with the private key of age; default SOPD_BACKUP_IDENTITY")
	cmd.Flags().StringVar(&f.to, "to", "", "database file to make; default the one of SOPD_DATABASE_URL or SOPD_DATA_DIR")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "public key of the ledger, or a file that holds it; default that of "+ledgerKeyVariable)
	cmd.Flags().BoolVar(&f.verify, "verify", false, "only verify; with FILE the backup, without it the database that is there")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

func restore(ctx context.Context, c console, f restoreFlags, args []string) error {
	keys, err := f.publicKeys(c)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if !f.verify {
			return usage(errors.New("name the backup to restore, or verify the database that is there with --verify"))
		}
		return verifyDatabase(ctx, c, f, keys)
	}
	r := backup.Request{File: args[0], Keys: keys}
	if r.Identities, err = f.identities(c); err != nil {
		return err
	}
	var restored backup.Restored
	if f.verify {
		restored, err = backup.Verify(ctx, r)
	} else if r.Database, err = f.database(c); err == nil {
		restored, err = backup.Restore(ctx, r)
	}
	if err != nil {
		return refused(err)
	}
	if f.asJSON {
		return writeJSON(c.Out, restored)
	}
	w := restored.Whole
	fmt.Fprintf(c.Out, "verified: %d records of %s, taken %s; %d after the last checkpoint, which nobody signed yet\n",
		w.Records-w.First, w.Origin, restored.Header.Taken.Format(time.RFC3339), w.Unsigned())
	if f.verify {
		return nil
	}
	_, err = fmt.Fprintf(c.Out, "restored: %s in %s. Make sure that no other sopd works for this organisation, then start this one.\n", r.Database, round(restored.Took))
	return err
}

// refused gives the errors of restoring their exit codes.
func refused(err error) error {
	switch {
	case errors.Is(err, ledger.ErrTampered), errors.Is(err, access.ErrMalformed):
		return &exitError{code: exitInvalid, cause: fmt.Errorf("verification failed, nothing was restored: %w", err)}
	case errors.Is(err, access.ErrInvalid), errors.Is(err, access.ErrDenied):
		return usage(err)
	default:
		return err
	}
}

// publicKeys are the keys that checkpoints are held against.
func (f restoreFlags) publicKeys(c console) ([]string, error) {
	if len(f.keys) > 0 {
		keys, err := publicKeys(f.keys)
		return keys, usage(err)
	}
	if value(c, ledgerKeyVariable)+value(c, ledgerKeyVariable+"_FILE") == "" {
		return nil, nil
	}
	key, err := loadLedgerKey(c)
	return []string{key.Public()}, err
}

// identities are the private keys that may open the backup.
func (f restoreFlags) identities(c console) (backup.Identities, error) {
	l := &configLoader{}
	text, _ := l.lookup(c.Env, "SOPD_BACKUP_IDENTITY")
	if err := errors.Join(l.problems...); err != nil {
		return nil, usage(err)
	}
	if f.identity != "" {
		raw, err := os.ReadFile(f.identity)
		if err != nil {
			return nil, usage(fmt.Errorf("--identity: the file cannot be read (%w)", cause(err)))
		}
		text = string(raw)
	}
	all, err := backup.ParseIdentities(text)
	if err != nil {
		return nil, usage(fmt.Errorf("--identity or SOPD_BACKUP_IDENTITY: %w", err))
	}
	return all, nil
}

// database is the file to make.
func (f restoreFlags) database(c console) (string, error) {
	if f.to != "" {
		return f.to, nil
	}
	path, err := embedded(c)
	if err != nil {
		return "", usage(err)
	}
	if path == "" {
		return "", usage(errors.New("SOPD_DATABASE_URL is PostgreSQL's, and a backup holds an embedded database; name a file with --to"))
	}
	return path, makeFolder(path)
}

func verifyDatabase(ctx context.Context, c console, f restoreFlags, keys []string) error {
	s, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	began := time.Now()
	w, err := backup.VerifyStore(ctx, s, keys)
	if err != nil {
		return refused(err)
	}
	if f.asJSON {
		return writeJSON(c.Out, w)
	}
	_, err = fmt.Fprintf(c.Out, "verified: %d records of %s in %s; %d after the last checkpoint, which nobody signed yet\n",
		w.Records-w.First, w.Origin, round(time.Since(began)), w.Unsigned())
	return err
}

// backupLook is how often the daemon looks whether a backup or a restore test is due.
const backupLook = time.Minute

// backups makes backups and restore tests when they are due, until the context ends. Without a folder, and on PostgreSQL, it
// returns at once, and sopd check says so.
func (d *daemon) backups(ctx context.Context) error {
	b := d.config.Backup
	if b.Dir == "" || d.store.Engine() != store.SQLite {
		return nil
	}
	keeper := &backup.Keeper{
		Options: backup.Options{Store: d.store, Recipients: b.Recipients, Dir: b.Dir, Program: readVersion().Version},
		Every:   b.Every, Keep: b.Keep, Identities: b.Identities, Holder: ulid.Make().String(), Logger: d.logger,
	}
	if !d.config.LedgerKey.Empty() {
		var err error
		if keeper.Key, err = ledger.ParseKey(d.config.LedgerKey); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(backupLook)
	defer ticker.Stop()
	for {
		if err := keeper.Tick(ctx); err != nil && ctx.Err() == nil {
			d.logger.LogAttrs(ctx, slog.LevelError, "backup not made or not proven", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// checkBackups says whether a lost machine would lose what sopd knows.
func (d *daemon) checkBackups() checked {
	b := d.config.Backup
	switch {
	case d.store.Engine() != store.SQLite:
		return checked{What: "backup: PostgreSQL is backed up by its own tools; sopd restore --verify verifies what comes back", OK: true}
	case b.Dir == "":
		return checked{What: "backup: none is made", Warning: true, Fix: "sopd keys backup, then set SOPD_BACKUP_RECIPIENTS and SOPD_BACKUP_DIR"}
	case b.Every > backup.RPO:
		return checked{What: fmt.Sprintf("backup: every %s, and no more than %s may be lost", b.Every, backup.RPO), Warning: true, Fix: "shorten SOPD_BACKUP_INTERVAL"}
	case len(b.Identities) == 0:
		return checked{What: "backup: the weekly restore test proves everything but that the private key is at hand", Warning: true, Fix: "set SOPD_BACKUP_IDENTITY_FILE, or try the private key with sopd restore FILE --verify"}
	default:
		return checked{What: fmt.Sprintf("backup: every %s, with a weekly restore test", b.Every), OK: true}
	}
}
