package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/store"
)

// Request says what to restore and where to.
type Request struct {
	File       string     // the backup
	Identities Identities // private keys, one of which opens it
	// Keys are the public keys of the ledger. They come from elsewhere than the backup. Without any, only a ledger that was
	// never signed is restored.
	Keys []string
	// Database is the file to make. Nothing may be there.
	Database string
}

// Restored is a backup that stands where it was asked to.
type Restored struct {
	Header Header         `json:"backup"`
	Whole  evidence.Whole `json:"ledger"`
	Took   time.Duration  `json:"-"` // from beginning to end
}

// Restore brings a backup back as a database that does not exist yet. The whole of it is verified beside the place first:
// every record against its hash, every checkpoint against the keys. Nothing is overwritten, and on an error nothing is left
// behind.
//
// Errors: [access.ErrConflict] when a database is there or a sopd is at work on it; [access.ErrDenied],
// [access.ErrMalformed] and [access.ErrNotFound] as [Unpack]; [ledger.ErrTampered] when the ledger is not what was signed;
// [access.ErrInvalid] when the ledger is signed and there is no key to hold it against.
func Restore(ctx context.Context, r Request) (restored Restored, err error) {
	began := time.Now()
	if err := vacant(r.Database); err != nil {
		return Restored{}, err
	}
	work, err := os.MkdirTemp(filepath.Dir(filepath.Clean(r.Database)), ".sopd-restore-")
	if err != nil {
		return Restored{}, fmt.Errorf("database cannot be made, for its folder is not there or may not be written: %w", access.ErrUnavailable)
	}
	defer func() {
		if removed := os.RemoveAll(work); removed != nil {
			err = errors.Join(err, unwritable(removed))
		}
	}()
	copied := filepath.Join(work, "restored.db")
	restored.Header, restored.Whole, err = rehearse(ctx, rehearsal{file: r.File, identities: r.Identities, database: copied, keys: r.Keys, now: time.Now})
	if err != nil {
		return Restored{}, err
	}
	if _, err := os.Lstat(copied + "-wal"); !os.IsNotExist(err) {
		return Restored{}, fmt.Errorf("the restored database was not closed: %w", access.ErrUnavailable)
	}
	err = os.Link(copied, r.Database) // unlike Rename, it never replaces
	if os.IsExist(err) {
		return Restored{}, occupied(r.Database)
	}
	if err != nil {
		return Restored{}, unwritable(err)
	}
	restored.Took = time.Since(began)
	return restored, syncDir(filepath.Dir(filepath.Clean(r.Database)))
}

func occupied(path string) error {
	return fmt.Errorf("there is a database at %s already, or what is left of one; nothing is overwritten: move it away, or name another place: %w", path, access.ErrConflict)
}

// vacant makes sure that neither a database nor a write-ahead log of one is there, and that nobody works on it: a log that
// was left would be played into the restored database.
func vacant(path string) error {
	used, err := store.InUse(path)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("a sopd is at work on %s: stop it, or restore to another place: %w", path, access.ErrConflict)
	}
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(path + end); err == nil || !os.IsNotExist(err) {
			return occupied(path)
		}
	}
	return nil
}

// Verify brings a backup back into a temporary folder, verifies it as [Restore] does, and removes it again.
//
// Errors: as [Restore].
func Verify(ctx context.Context, r Request) (restored Restored, err error) {
	work, err := os.MkdirTemp("", "sopd-verify-")
	if err != nil {
		return Restored{}, unwritable(err)
	}
	defer func() {
		if removed := os.RemoveAll(work); removed != nil {
			err = errors.Join(err, unwritable(removed))
		}
	}()
	r.Database = filepath.Join(work, "sopd.db")
	return Restore(ctx, r)
}

// VerifyStore verifies the ledger of a store that was restored by other tools. A ledger that was never signed passes when
// there is no key to hold it against.
//
// Errors: as [evidence.VerifyStore].
func VerifyStore(ctx context.Context, s *store.Store, keys []string) (evidence.Whole, error) {
	w, err := evidence.VerifyStore(ctx, s, keys...)
	if errors.Is(err, access.ErrNotFound) && len(keys) == 0 {
		err = nil
	}
	return w, err
}
