package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// The cursors that say when the last backup and the last restore test succeeded. The value of the second is how long the
// test took, in milliseconds.
const (
	CursorMade   = "backup.made"
	CursorTested = "backup.tested"
)

// The recovery objectives of the shipped procedures: how long bringing the store back may take, and how much of the past may
// be lost.
const (
	RTO = 4 * time.Hour
	RPO = time.Hour
)

const (
	// testEvery is how often the restore test is due.
	testEvery = 7 * 24 * time.Hour
	// retryAfter is how long a test that failed waits for the next try; each try is recorded.
	retryAfter = time.Hour
	leaseName  = "backup"
	// leaseTime is how long a backup may take before another replica may begin its own.
	leaseTime = time.Hour
	// endTime bounds what is written down after the daemon was told to stop.
	endTime = 10 * time.Second
)

// Keeper makes backups on a schedule, deletes those that are no longer kept, and once a week proves that one can be
// restored.
type Keeper struct {
	// Options say what is backed up and where to.
	Options
	// Every is the time between two backups.
	Every time.Duration
	// Keep is how many of the newest are kept, besides one a day for 35 days.
	Keep int
	// Identities open the newest backup for the restore test. Without any, the test makes a backup of its own, whose key it
	// has, and restores that.
	Identities Identities
	Holder     string       // names this replica, so that one of them works at a time
	Logger     *slog.Logger // takes a line for each backup and each test
}

// Method is what a restore test restored.
type Method string

// The methods.
const (
	// OfNewest is the test of the newest backup with the private key that a real restore would use.
	OfNewest Method = "newest backup, by its private key"
	// OfFresh is the test of a backup made for it: it proves everything but that the private key is still at hand.
	OfFresh Method = "backup made for the test"
)

// Tested is the body of a backup.tested record.
type Tested struct {
	File   string    `json:"file,omitempty"` // name of the backup
	Method Method    `json:"method"`
	Taken  time.Time `json:"taken,omitzero"` // when the copy was made
	// AgeSeconds is how old the backup was, so how much would have been lost; DurationMillis how long bringing it back took.
	AgeSeconds     int64 `json:"ageSeconds"`
	DurationMillis int64 `json:"durationMillis"`
	// Records is how many records the restored ledger holds, Root what they hash to, base64.
	Records int64  `json:"records"`
	Root    string `json:"root,omitempty"`
	// Failed is the cause when the test failed, one of the phrases of package access; empty when it succeeded.
	Failed string `json:"failed,omitempty"`
}

// Tick makes a backup when one is due, and the restore test when that is due. On another replica than the one at work it does
// nothing. Call it every minute.
//
// Errors: those of [Make] and of the test, whose failure is recorded. The next Tick tries again.
func (k *Keeper) Tick(ctx context.Context) error {
	fence, mine, err := k.lease(ctx)
	if err != nil || !mine {
		return err
	}
	defer k.release(ctx, fence)
	due, err := k.due(ctx)
	if err != nil {
		return err
	}
	due.backup = due.backup || due.test && len(k.Identities) == 0 // the test restores a backup made for it
	var made Made
	var failed error
	if due.backup {
		if made, failed = k.backup(ctx); failed != nil {
			failed = fmt.Errorf("backup: %w", failed)
		}
	}
	if due.test {
		if err := k.test(ctx, made, failed); err != nil {
			failed = errors.Join(failed, fmt.Errorf("restore test: %w", err))
		}
	}
	return failed
}

func (k *Keeper) lease(ctx context.Context) (fence int64, mine bool, err error) {
	err = k.Store.Write(ctx, func(tx *store.Tx) error {
		fence, err = tx.Lease(leaseName, k.Holder, k.Store.Now().Add(leaseTime))
		return err
	})
	if errors.Is(err, access.ErrConflict) {
		return 0, false, nil
	}
	return fence, err == nil, err
}

// release gives the lease back. When that fails, it runs out by itself.
func (k *Keeper) release(ctx context.Context, fence int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := k.Store.Write(ctx, func(tx *store.Tx) error { return tx.ReleaseLease(leaseName, fence) }); err != nil {
		k.Logger.LogAttrs(ctx, slog.LevelWarn, "backup lease not given back", slog.String("error", err.Error()))
	}
}

// tasks are what is due.
type tasks struct{ backup, test bool }

// cursorTried says when the restore test was last tried.
const cursorTried = "backup.tried"

func (k *Keeper) due(ctx context.Context) (due tasks, err error) {
	now := k.Store.Now()
	err = k.Store.Read(ctx, func(tx *store.Tx) error {
		_, made, _, err1 := tx.Cursor(CursorMade)
		_, tested, _, err2 := tx.Cursor(CursorTested)
		_, tried, _, err3 := tx.Cursor(cursorTried)
		due = tasks{backup: now.Sub(made) >= k.Every, test: now.Sub(tested) >= testEvery && now.Sub(tried) >= retryAfter}
		return errors.Join(err1, err2, err3)
	})
	return due, err
}

// backup makes a backup, notes it, and deletes what is no longer kept.
func (k *Keeper) backup(ctx context.Context) (Made, error) {
	made, err := Make(ctx, k.Options)
	if err == nil {
		err = Note(ctx, k.Store, made)
	}
	if err != nil {
		return Made{}, err
	}
	k.Logger.LogAttrs(ctx, slog.LevelInfo, "backup made and verified",
		slog.String("file", made.File), slog.Int64("bytes", made.Bytes), slog.Int64("records", made.Whole.Records))
	names, err := List(k.Dir)
	for _, name := range Expired(names, k.Keep, k.Store.Now()) {
		err = errors.Join(err, removeIfThere(filepath.Join(k.Dir, name)))
	}
	return made, err
}

// Note keeps when the last backup was made, for the figures and the schedule.
func Note(ctx context.Context, s *store.Store, made Made) error {
	return s.Write(ctx, func(tx *store.Tx) error { return tx.SetCursor(CursorMade, access.Cursor(made.File), made.Taken) })
}

// test restores a backup beside the store, and records how it went. made is the backup of this Tick, when one was due, and
// notMade why there is none.
func (k *Keeper) test(ctx context.Context, made Made, notMade error) error {
	t, failed := Tested{Method: OfFresh}, notMade
	switch {
	case len(k.Identities) > 0:
		t, failed = k.rehearse(ctx)
	case notMade == nil:
		t.File, t.Taken, t.DurationMillis = made.File, made.Taken, made.Took.Milliseconds()
		t.Records, t.Root = made.Whole.Records, made.Whole.Root.String()
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop: the test was neither passed nor failed
	}
	now := k.Store.Now()
	t.Failed = phrase(failed)
	err := k.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Append(ledger.Entry{Kind: ledger.BackupTested, At: now, Body: t}); err != nil {
			return err
		}
		if err := tx.SetCursor(cursorTried, "", now); err != nil || failed != nil {
			return err
		}
		return tx.SetCursor(CursorTested, access.Cursor(fmt.Sprint(t.DurationMillis)), now)
	})
	if failed == nil && err == nil {
		k.Logger.LogAttrs(ctx, slog.LevelInfo, "restore test passed",
			slog.String("file", t.File), slog.Int64("duration_ms", t.DurationMillis), slog.Int64("records", t.Records))
	}
	return errors.Join(failed, err)
}

// rehearse brings the newest backup back by the private key that a real restore would use.
func (k *Keeper) rehearse(ctx context.Context) (t Tested, err error) {
	t.Method = OfNewest
	names, err := List(k.Dir)
	if err != nil || len(names) == 0 {
		return t, errors.Join(err, fmt.Errorf("there is no backup: %w", access.ErrNotFound))
	}
	t.File = names[len(names)-1]
	work, err := os.MkdirTemp(k.Dir, ".sopd-restore-")
	if err != nil {
		return t, unwritable(err)
	}
	began := time.Now()
	h, w, err := rehearse(ctx, rehearsal{
		file: filepath.Join(k.Dir, t.File), identities: k.Identities, database: filepath.Join(work, "test.db"), keys: k.public(), now: k.Store.Now,
	})
	t.DurationMillis, t.Taken, t.Records = time.Since(began).Milliseconds(), h.Taken, w.Records
	if err == nil {
		t.Root, t.AgeSeconds = w.Root.String(), int64(k.Store.Now().Sub(h.Taken).Seconds())
	}
	return t, errors.Join(err, os.RemoveAll(work))
}

// phrase is the cause of a failure without the text around it.
func phrase(err error) string {
	if err == nil {
		return ""
	}
	for _, cause := range []error{
		ledger.ErrTampered, access.ErrMalformed, access.ErrDenied, access.ErrNotFound, access.ErrInvalid, access.ErrConflict, access.ErrUnavailable,
	} {
		if errors.Is(err, cause) {
			return cause.Error()
		}
	}
	return "failed"
}
