package evidence

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// publish gives a finished export its name: the folder as it is, or a zip file of it. Nothing is overwritten.
func publish(work, out string) error {
	if !strings.HasSuffix(out, ".zip") {
		if err := os.Rename(work, out); err != nil { // it replaces neither a folder nor, by a folder, a file
			return taken(err)
		}
		return nil
	}
	packed := work + ".zip"
	err := pack(work, packed)
	if err == nil {
		err = os.Link(packed, out) // unlike Rename, it never replaces
		if err != nil {
			err = taken(err)
		}
	}
	if removed := os.Remove(packed); removed != nil && err == nil {
		err = unwritable(removed)
	}
	return err
}

func taken(err error) error {
	if os.IsExist(err) {
		return fmt.Errorf("something is there already; nothing is overwritten: %w", access.ErrConflict)
	}
	return unwritable(err)
}

func pack(work, packed string) error {
	file, err := os.OpenFile(packed, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return unwritable(err)
	}
	archive := zip.NewWriter(file)
	err = archive.AddFS(os.DirFS(filepath.Clean(work)))
	err = errors.Join(err, archive.Close())
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return unwritable(err)
	}
	return nil
}

// OpenExport opens an export, a folder or a zip file, for [Verify].
//
// Errors: [access.ErrNotFound] when nothing is there; [access.ErrMalformed] for a file that is no zip; [ledger.ErrTampered] as a
// [*Fault] for a zip file that holds something besides its files.
func OpenExport(path string) (Files, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("no export at %s: %w", path, access.ErrNotFound)
	}
	if info.IsDir() {
		return folderFiles{os.DirFS(path)}, nil
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%s is neither a folder nor a zip file: %w", path, access.ErrMalformed)
	}
	if err := tidy(path, &archive.Reader); err != nil {
		return nil, errors.Join(err, archive.Close())
	}
	return archive, nil
}

// folderFiles is a folder that needs no closing.
type folderFiles struct{ fs.FS }

// Close does nothing.
func (folderFiles) Close() error { return nil }

// Files is an open export.
type Files interface {
	fs.FS
	// Close ends reading.
	Close() error
}
