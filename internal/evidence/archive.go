package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// ArchiveOptions say what to archive and where to.
type ArchiveOptions struct {
	Store *store.Store
	// Key signs the ledger and the archives.
	Key ledger.Key
	// Dir is the folder of the archives. It must exist.
	Dir     string
	Program string // version of the program, for the manifests
}

// ArchivedBody is the body of a ledger.archived record.
type ArchivedBody struct {
	Month string `json:"month"` // such as "2026-10", in UTC
	File  string `json:"file"`  // name in the folder of archives
	// First and End are the stretch of records in the file: from First to before End. Stretches of months overlap a little,
	// because each begins and ends at a checkpoint.
	First  int64  `json:"first"`
	End    int64  `json:"end"`
	SHA256 string `json:"sha256"` // of the file, hex
}

// monthLayout is how months are written.
const monthLayout = "2006-01"

// archiveCursor names the cursor that says that a month is archived, or that there was nothing to archive in it.
const archiveCursor = "archive.through"

// Archive writes the records of every month that has ended and is not archived yet, a file each, and verifies each file before
// the ledger says so. An archive is an export of the ledger alone that names nobody: it verifies like every export, and an
// erased person is erased from it too.
//
// Errors: those of [Export] and [Verify]; [access.ErrConflict] when a file of that name is there that is no archive of the month. Months that were archived
// before an error stay archived.
func Archive(ctx context.Context, o ArchiveOptions) ([]ArchivedBody, error) {
	var done []ArchivedBody
	month, found, err := firstMonth(ctx, o.Store)
	if err != nil || !found {
		return nil, err
	}
	for ; !month.AddDate(0, 1, 0).After(o.Store.Now()); month = month.AddDate(0, 1, 0) {
		body, err := o.month(ctx, month)
		if err != nil {
			return done, fmt.Errorf("archive of %s: %w", month.Format(monthLayout), err)
		}
		if body != nil {
			done = append(done, *body)
		}
	}
	return done, nil
}

// firstMonth returns the first month that is not archived. found is false when the ledger is empty.
func firstMonth(ctx context.Context, s *store.Store) (month time.Time, found bool, err error) {
	err = s.Read(ctx, func(tx *store.Tx) error {
		through, _, archived, err := tx.Cursor(archiveCursor)
		if err != nil {
			return err
		}
		if archived {
			last, err := time.Parse(monthLayout, string(through))
			month, found = last.AddDate(0, 1, 0), true
			return err
		}
		return tx.EachRecord(0, func(r ledger.Record) error {
			at := r.At.UTC()
			month, found = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC), true
			return errStop
		})
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return month, found, err
}

// month archives one month; nil when nothing was recorded in it.
func (o ArchiveOptions) month(ctx context.Context, month time.Time) (*ArchivedBody, error) {
	name := month.Format(monthLayout)
	body := &ArchivedBody{Month: name, File: "ledger-" + name + ".zip"}
	path := filepath.Join(o.Dir, body.File)
	m, err := Export(ctx, Options{
		Store: o.Store, Key: o.Key, From: month, To: month.AddDate(0, 1, 0), Out: path, Program: o.Program, Scope: LedgerOnly, People: Concealed,
	})
	if errors.Is(err, access.ErrConflict) {
		if left, ours := o.left(ctx, path, month); ours {
			m, err = left, nil
		}
	}
	switch {
	case errors.Is(err, access.ErrNotFound):
		body = nil
	case err != nil:
		return nil, err
	default:
		body.First, body.End = m.Records.First, m.Records.End
		if body.SHA256, err = o.prove(ctx, path); err != nil {
			return nil, err
		}
	}
	return body, o.Store.Write(ctx, func(tx *store.Tx) error {
		if body != nil {
			if _, err := tx.Append(ledger.Entry{Kind: ledger.LedgerArchived, At: o.Store.Now(), Body: body}); err != nil {
				return err
			}
		}
		return tx.SetCursor(archiveCursor, access.Cursor(name), o.Store.Now())
	})
}

// left returns the manifest of an archive of the month that is there although the ledger does not say so: the process ended
// after the file had its name. Whatever else has that name is not ours.
func (o ArchiveOptions) left(ctx context.Context, path string, month time.Time) (m Manifest, ours bool) {
	keys, err := o.keys(ctx)
	if err != nil {
		return Manifest{}, false
	}
	files, err := OpenExport(path)
	if err != nil {
		return Manifest{}, false
	}
	v, err := Verify(files, keys...)
	if err = errors.Join(err, files.Close()); err != nil {
		return Manifest{}, false
	}
	return v.Manifest, v.Manifest.archives(month)
}

// archives reports whether the export is what an archive of the month is: the ledger alone, of the whole month, naming nobody.
func (m Manifest) archives(month time.Time) bool {
	named := slices.ContainsFunc(m.Files, func(f FileSum) bool { return f.Name == FilePeople && f.Bytes > 0 })
	return !named && m.Sources.Scope == LedgerOnly && m.From.Equal(month) && m.Asked.Equal(month.AddDate(0, 1, 0)) && m.To.Equal(m.Asked)
}

// prove verifies an archive that was written, and returns its hash.
func (o ArchiveOptions) prove(ctx context.Context, path string) (sum string, err error) {
	keys, err := o.keys(ctx)
	if err != nil {
		return "", err
	}
	files, err := OpenExport(path)
	if err != nil {
		return "", err
	}
	_, err = Verify(files, keys...)
	if err = errors.Join(err, files.Close()); err != nil {
		return "", err
	}
	return fileSum(path)
}

// keys returns every public key that ever signed the ledger, as far as its records name them.
func (o ArchiveOptions) keys(ctx context.Context) ([]string, error) {
	keys := []string{o.Key.Public()}
	err := o.Store.Read(ctx, func(tx *store.Tx) error {
		return tx.EachRecordOf(ledger.KeyChanged, func(r ledger.Record) error {
			var body KeyBody
			err := DecodeBody(r, &body)
			if !slices.Contains(keys, body.To) {
				keys = append(keys, body.To)
			}
			return err
		})
	})
	return keys, err
}

func fileSum(path string) (string, error) {
	file, err := os.Open(filepath.Clean(path))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("archive %s is missing: %w", filepath.Base(path), access.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("archive %s cannot be read: %w", filepath.Base(path), access.ErrUnavailable)
	}
	defer file.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("archive %s cannot be read: %w", filepath.Base(path), access.ErrUnavailable)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Prune deletes from the store the records of archived months that ended at or before the given time, after it has made sure
// that each archive is in the folder as it was written. The hashes stay, so that the tree goes on and everything after the
// deleted records verifies. A record says what was deleted. It returns how many were.
//
// Errors: [access.ErrNotFound] when an archive is missing; [ledger.ErrTampered] when one is not what was written. Nothing is
// deleted then.
func Prune(ctx context.Context, o ArchiveOptions, older time.Time) (deleted int64, err error) {
	var before int64
	err = o.Store.Read(ctx, func(tx *store.Tx) error {
		before, err = o.prunable(tx, older)
		return err
	})
	if err != nil || before == 0 {
		return 0, err
	}
	err = o.Store.Write(ctx, func(tx *store.Tx) error {
		root, err := ledger.Root(before, tx)
		if err != nil {
			return err
		}
		body := PrunedBody{Before: before, Root: root.String()}
		if _, err := tx.Append(ledger.Entry{Kind: ledger.LedgerPruned, At: o.Store.Now(), Body: body}); err != nil {
			return err
		}
		deleted, err = tx.DeleteRecords(before)
		return err
	})
	return deleted, err
}

// prunable returns the position before which every record is in an archive of a month that ended in time; 0 when there is
// nothing to delete.
func (o ArchiveOptions) prunable(tx *store.Tx, older time.Time) (int64, error) {
	start, err := tx.TreeStart()
	if err != nil {
		return 0, err
	}
	before, covered := int64(0), start
	err = tx.EachRecordOf(ledger.LedgerArchived, func(r ledger.Record) error {
		var body ArchivedBody
		if err := DecodeBody(r, &body); err != nil {
			return err
		}
		month, err := time.Parse(monthLayout, body.Month)
		if err != nil {
			return fmt.Errorf("record %d names no month: %w", r.Seq, access.ErrMalformed)
		}
		if body.End <= start {
			return nil // deleted earlier
		}
		if body.First > covered {
			return errStop // what lies between is in no archive
		}
		before = body.First // whatever lies before it was recorded before this month
		if month.AddDate(0, 1, 0).After(older) {
			return errStop
		}
		covered = body.End
		return o.intact(body)
	})
	if err != nil && !errors.Is(err, errStop) {
		return 0, err
	}
	if before <= start || before > covered {
		return 0, nil
	}
	return before, nil
}

// intact makes sure that the archive is in the folder as it was written.
func (o ArchiveOptions) intact(body ArchivedBody) error {
	sum, err := fileSum(filepath.Join(o.Dir, body.File))
	if err == nil && sum != body.SHA256 {
		err = &Fault{File: body.File, Kind: ledger.Edited, Detail: "it is not the archive that was written"}
	}
	return err
}
