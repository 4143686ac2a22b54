package evidence

import (
	"errors"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// findRange chooses the checkpoints between which the export lies: the newest signed at or before the period begins, and
// the oldest signed at or after it ends. Records outside that nevertheless claim a time in the period widen it: they were
// recorded late, or the clock had been set.
func (e *exporter) findRange() error {
	m := &e.manifest
	last, found, err := e.tx.LastCheckpoint()
	if err != nil {
		return err
	}
	if !found || last.At.Before(m.To) {
		return fmt.Errorf("no checkpoint is signed after %s: %w", stamp(m.To), access.ErrConflict)
	}
	e.before, err = e.checkpointBefore(func(c store.Checkpoint) bool { return !c.At.After(m.From) })
	if err == nil {
		e.after, err = e.checkpointAfter(last, func(c store.Checkpoint) bool { return !c.At.Before(m.To) })
	}
	if err != nil {
		return err
	}
	first, end, err := e.stragglers(e.before.Size, e.after.Size)
	if err != nil {
		return err
	}
	if end > last.Size {
		return errLate
	}
	if first < e.before.Size {
		e.before, err = e.checkpointBefore(func(c store.Checkpoint) bool { return !c.At.After(m.From) && c.Size <= first })
	}
	if err == nil && end > e.after.Size {
		e.after, err = e.checkpointAfter(last, func(c store.Checkpoint) bool { return !c.At.Before(m.To) && c.Size >= end })
	}
	if err != nil {
		return err
	}
	start, err := e.tx.TreeStart()
	if err != nil {
		return err
	}
	if e.before.Size < start {
		return fmt.Errorf("records of the period were archived and deleted here; verify the archive of its months, or begin later: %w", access.ErrNotFound)
	}
	return e.prove()
}

// prove adds what leads from the first checkpoint to the last.
func (e *exporter) prove() error {
	r := &e.manifest.Records
	r.First, r.End = e.before.Size, e.after.Size
	r.Frontier, r.Consistency = []ledger.Hash{}, ledger.Proof{}
	if r.First == 0 {
		return nil
	}
	var err error
	if r.Frontier, err = ledger.Frontier(r.First, e.tx); err != nil {
		return err
	}
	r.Consistency, err = ledger.ProveTree(r.End, r.First, e.tx)
	return err
}

// day is the window in which checkpoints are looked for at first. It is doubled until one is found.
const day = 24 * time.Hour

// epoch is before every checkpoint.
func epoch() time.Time { return time.Unix(0, 0) }

// checkpointBefore returns the newest checkpoint that fits, the zero one when none does. It looks back from the beginning
// of the period.
func (e *exporter) checkpointBefore(fits func(store.Checkpoint) bool) (store.Checkpoint, error) {
	until := e.manifest.From.Add(time.Microsecond)
	for window := day; ; window *= 2 {
		since := until.Add(-window)
		if window > 100*366*day || since.Before(epoch()) {
			since = epoch()
		}
		all, err := e.tx.Checkpoints(since, until)
		if err != nil {
			return store.Checkpoint{}, err
		}
		for i := len(all) - 1; i >= 0; i-- {
			if fits(all[i]) {
				return all[i], nil
			}
		}
		if !since.After(epoch()) {
			return store.Checkpoint{}, nil
		}
	}
}

// checkpointAfter returns the oldest checkpoint that fits. The last one always does.
func (e *exporter) checkpointAfter(last store.Checkpoint, fits func(store.Checkpoint) bool) (store.Checkpoint, error) {
	for window := day; ; window *= 2 {
		until := e.manifest.To.Add(window)
		all, err := e.tx.Checkpoints(e.manifest.To, until)
		if err != nil {
			return store.Checkpoint{}, err
		}
		for _, c := range all {
			if fits(c) {
				return c, nil
			}
		}
		if until.After(last.At) {
			return last, nil
		}
	}
}

// stragglers returns the smallest range that holds the given one and every record that claims a time in the period.
func (e *exporter) stragglers(first, end int64) (int64, int64, error) {
	outside := func(r ledger.Record) error {
		switch {
		case r.Seq >= first && r.Seq < end:
			return errStop // the range itself is read later
		case !e.manifest.in(r):
		case r.Seq < first:
			first = r.Seq
			return errStop
		default:
			end = r.Seq + 1
		}
		return nil
	}
	if first > 0 {
		if err := e.tx.EachRecord(0, outside); err != nil && !errors.Is(err, errStop) {
			return 0, 0, err
		}
	}
	err := e.tx.EachRecord(end, outside)
	return first, end, err
}

// eachCheckpoint calls fn for the checkpoints of the range in order, reading those of one day at a time.
func (e *exporter) eachCheckpoint(fn func(store.Checkpoint) error) error {
	since := e.before.At
	if e.before.Size == 0 {
		var err error
		if since, err = e.firstCheckpoint(); err != nil {
			return err
		}
	}
	for ; !since.After(e.after.At); since = since.Add(day) {
		all, err := e.tx.Checkpoints(since, since.Add(day))
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Size < e.before.Size || c.Size > e.after.Size {
				continue
			}
			if err := fn(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstCheckpoint returns a time before the ledger's first checkpoint.
func (e *exporter) firstCheckpoint() (time.Time, error) {
	first, err := e.tx.Records(0, 1)
	if err != nil || len(first) == 0 {
		return e.after.At, err
	}
	return earlier(first[0].At, e.after.At).Add(-day), nil
}
