package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// afterlife is how long a request that a process sent before it died may still be under way at a vendor. What that process
// had the right to do is nobody else's before.
const afterlife = 2 * time.Second

// attend takes a shared lock beside the SQLite file for as long as the store is open, which the kernel gives back however
// the process ends. alone is true when nobody else has the store open.
//
// Errors: as [createFile].
func (s *Store) attend() (alone bool, err error) {
	path := s.path + "-lock"
	if err := createFile(path); err != nil {
		return false, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, s.cause("lock", err)
	}
	s.presence = file
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		return true, nil
	}
	return false, s.share()
}

// share turns the lock into one that others can have too.
func (s *Store) share() error {
	for {
		err := syscall.Flock(int(s.presence.Fd()), syscall.LOCK_SH)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return s.cause("lock", err)
		}
	}
}

// bury shortens the leases of those who died: nobody else has the store open, so whoever had one is gone. Without it a
// process that was killed would keep its successor from working until they run out.
func (s *Store) bury(ctx context.Context) error {
	err := s.Write(ctx, func(tx *Tx) error {
		until := micros(tx.Now().Add(afterlife))
		_, err := tx.exec("UPDATE leases SET until = $1 WHERE until > $1", until)
		return err
	})
	return errors.Join(err, s.share())
}

// InUse reports whether some process has the SQLite file at the path open as a store. A file that is not there is not in
// use.
//
// Errors: [access.ErrUnavailable] when it cannot be found out.
func InUse(path string) (bool, error) {
	file, err := os.OpenFile(path+"-lock", os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock file beside the database cannot be opened: %w", access.ErrUnavailable)
	}
	defer file.Close() //nolint:errcheck // gives the lock back
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock file beside the database cannot be locked: %w", access.ErrUnavailable)
	}
	return false, nil
}
