package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// Options say what to back up and where to.
type Options struct {
	// Store is the embedded store; it stays in use.
	Store *store.Store
	// Key signs the ledger first, so that the copy is vouched for to its end. Without one the copy ends with records that
	// nobody signed.
	Key ledger.Key
	// Recipients are the public keys that the backup is encrypted to.
	Recipients Recipients
	// Dir is the folder for backup files, best on another machine's disk. It must exist.
	Dir     string
	Program string // version of the program, for the header
}

// Made is a backup that was written and verified.
type Made struct {
	File  string         `json:"file"`  // its name in the folder
	Taken time.Time      `json:"taken"` // when the copy was made
	Bytes int64          `json:"bytes"` // length of the file
	Whole evidence.Whole `json:"ledger"`
	// Took is how long it took to bring the copy back: reading, decrypting, unpacking, opening, and verifying it.
	Took time.Duration `json:"-"`
}

// Each file is named for the time of its copy, so that names sort by age.
const (
	prefix     = "sopd-"
	suffix     = ".age"
	nameLayout = "20060102T150405Z"
)

// Make writes a backup while the store is in use, reads it back, and verifies the whole of it before it gets its name.
//
// Errors: [access.ErrInvalid] on PostgreSQL and without recipients; [access.ErrConflict] when a backup of that second is
// there or the clock runs behind the last checkpoint; [ledger.ErrTampered] when the ledger is not what was signed;
// [access.ErrUnavailable] when the folder cannot be written. After an error the folder is as it was.
func Make(ctx context.Context, o Options) (made Made, err error) {
	switch {
	case o.Store.Engine() != store.SQLite:
		return Made{}, fmt.Errorf("sopd backs up its embedded database only; PostgreSQL is backed up by pg_basebackup or pg_dump, see docs/backup.md: %w", access.ErrInvalid)
	case len(o.Recipients) == 0:
		return Made{}, fmt.Errorf("a backup is always encrypted, and there is no public key to encrypt it to: %w", access.ErrInvalid)
	}
	if !o.Key.Empty() {
		if _, err := evidence.Seal(ctx, o.Store, o.Key, o.Store.Now()); err != nil {
			return Made{}, fmt.Errorf("signing the ledger before the backup: %w", err)
		}
	}
	work, err := os.MkdirTemp(o.Dir, ".sopd-backup-")
	if err != nil {
		return Made{}, unwritable(err)
	}
	defer func() {
		if removed := os.RemoveAll(work); removed != nil {
			err = errors.Join(err, unwritable(removed))
		}
	}()
	return o.make(ctx, work)
}

func (o Options) make(ctx context.Context, work string) (Made, error) {
	taken := o.Store.Now()
	made := Made{File: prefix + taken.Format(nameLayout) + suffix, Taken: taken}
	database, file := filepath.Join(work, "copy.db"), filepath.Join(work, made.File)
	if err := o.Store.Backup(ctx, database); err != nil {
		return Made{}, err
	}
	header, err := describe(database)
	if err != nil {
		return Made{}, err
	}
	header.Taken, header.Program = taken, o.Program
	recipient, identity, err := ephemeral(o.Recipients)
	if err != nil {
		return Made{}, err
	}
	if err := seal(file, database, header, append(slices.Clone(o.Recipients), recipient)); err != nil {
		return Made{}, err
	}
	if err := removeIfThere(database); err != nil { // a full disk is likelier than a fast one is needed
		return Made{}, err
	}
	began := time.Now()
	if _, made.Whole, err = rehearse(ctx, rehearsal{
		file: file, identities: Identities{identity}, database: database, keys: o.public(), now: o.Store.Now,
	}); err != nil {
		return Made{}, fmt.Errorf("the backup was written and does not stand: %w", err)
	}
	made.Took = time.Since(began)
	return made, publish(&made, file, o.Dir)
}

func (o Options) public() []string {
	if o.Key.Empty() {
		return nil
	}
	return []string{o.Key.Public()}
}

// publish gives the file its name; nothing is overwritten.
func publish(made *Made, file, dir string) error {
	info, err := os.Stat(file)
	if err != nil {
		return unwritable(err)
	}
	made.Bytes = info.Size()
	err = os.Link(file, filepath.Join(dir, made.File)) // unlike Rename, it never replaces
	if os.IsExist(err) {
		return fmt.Errorf("a backup of this second is there already: %w", access.ErrConflict)
	}
	if err != nil {
		return unwritable(err)
	}
	return syncDir(dir)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return unwritable(err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return unwritable(err)
	}
	return nil
}

// rehearsal is a backup file to be brought back beside the real store.
type rehearsal struct {
	file       string
	identities Identities
	database   string   // file to make, removed by whoever asked
	keys       []string // public keys of the ledger; none when it is not signed
	now        func() time.Time
}

// rehearse unpacks a backup, opens it as a store and verifies its ledger. A ledger that was never signed passes when there is
// no key to hold it against.
func rehearse(ctx context.Context, r rehearsal) (h Header, w evidence.Whole, err error) {
	if h, err = Unpack(r.file, r.identities, r.database); err != nil {
		return h, w, err
	}
	s, err := store.Open(ctx, store.Options{URL: "sqlite:" + r.database, Logger: slog.New(slog.DiscardHandler), Now: r.now})
	if err != nil {
		return h, w, err
	}
	w, err = VerifyStore(ctx, s, r.keys)
	return h, w, errors.Join(err, s.Close())
}

// List returns the names of the backups in a folder, the oldest first.
//
// Errors: [access.ErrUnavailable].
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of backups cannot be read: %w", access.ErrUnavailable)
	}
	var names []string
	for _, entry := range entries {
		if _, ok := takenAt(entry.Name()); ok && entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// takenAt reads the time from a backup's name.
func takenAt(name string) (time.Time, bool) {
	text, begins := strings.CutPrefix(name, prefix)
	text, ends := strings.CutSuffix(text, suffix)
	at, err := time.Parse(nameLayout, text)
	return at, begins && ends && err == nil
}

// daily is for how many days the last backup of each day is kept.
const daily = 35

// Expired returns which of the named backups are no longer kept: all but the newest keep ones and the last one of each of
// the 35 days before now. The newest is never among them.
func Expired(names []string, keep int, now time.Time) []string {
	names = slices.Sorted(slices.Values(names))
	last := make(map[string]string) // name by day
	for _, name := range names {
		if at, ok := takenAt(name); ok && now.Sub(at) < daily*24*time.Hour {
			last[at.Format(time.DateOnly)] = name
		}
	}
	var gone []string
	for i, name := range names {
		at, ok := takenAt(name)
		if ok && len(names)-i > max(keep, 1) && last[at.Format(time.DateOnly)] != name {
			gone = append(gone, name)
		}
	}
	return gone
}
