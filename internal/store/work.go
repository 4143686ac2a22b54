package store

import "time"

// Work is a thing that is to be done again whenever somebody asks, such as a pass. Asking ten times while it is not yet
// begun does it once; asking while it is being done does it once more.
type Work struct {
	Key    string // what is to be done, such as "pass"
	Wanted int64  // how often it was asked for
	Done   int64  // up to which asking it is done
	// Since is when it was first asked for after it was last done; zero when nothing is wanted.
	Since time.Time
}

// Pending reports whether there is something to do.
func (w Work) Pending() bool { return w.Wanted > w.Done }

// Bump asks for the work. first says that nothing was pending before: only then does it need a job, for whoever has the
// earlier one looks again before it ends.
func (t *Tx) Bump(key string) (wanted int64, first bool, err error) {
	if asked, again := t.bumped[key]; again && t.mode == shared {
		return asked, false, nil // a receiver of the same batch has asked for it: they become known at the same time
	}
	now := micros(t.Now())
	var done int64
	_, err = t.row([]any{&wanted, &done}, `INSERT INTO work (key, wanted, done, since) VALUES ($1, 1, 0, $2)
		ON CONFLICT (key) DO UPDATE SET wanted = work.wanted + 1,
			since = CASE WHEN work.wanted > work.done THEN work.since ELSE excluded.since END
		RETURNING wanted, done`, key, now)
	if err == nil && t.mode == shared {
		if t.bumped == nil {
			t.bumped = make(map[string]int64)
		}
		t.bumped[key] = wanted
	}
	return wanted, err == nil && wanted == done+1, err
}

// Work returns how the work stands; nothing wanted when nobody ever asked.
func (t *Tx) Work(key string) (Work, error) {
	all, err := t.work("key = $1", key)
	if err != nil || len(all) == 0 {
		return Work{Key: key}, err
	}
	return all[0], nil
}

// DoneUpTo notes that everything asked for up to n is done, and returns how the work stands then: still pending when
// somebody asked meanwhile. It never goes back.
func (t *Tx) DoneUpTo(key string, n int64) (Work, error) {
	_, err := t.exec(`UPDATE work SET done = $2, since = CASE WHEN wanted > $2 THEN CAST($3 AS BIGINT) ELSE 0 END
		WHERE key = $1 AND done < $2 AND wanted >= $2`, key, n, micros(t.Now()))
	if err != nil {
		return Work{}, err
	}
	return t.Work(key)
}

// PendingWork returns what is wanted and not done, the longest waiting first.
func (t *Tx) PendingWork() ([]Work, error) {
	return t.work("wanted > done ORDER BY since, key")
}

func (t *Tx) work(where string, args ...any) ([]Work, error) {
	var all []Work
	err := t.rows(func(scan func(...any) error) error {
		var w Work
		var since int64
		if err := scan(&w.Key, &w.Wanted, &w.Done, &since); err != nil {
			return t.store.cause("read", err)
		}
		w.Since = fromMicros(since)
		all = append(all, w)
		return nil
	}, "SELECT key, wanted, done, since FROM work WHERE "+where, args...)
	return all, err
}

// Queue is how much waits.
type Queue struct {
	// Deliveries, Effects, Pages and Work are numbers of objects that are not done, parked ones left out.
	Deliveries, Effects, Pages, Work int64
	// Parked is how many effects and pages a person must look at.
	Parked int64
	// Oldest is since when the oldest of them all waits, parked ones left out; zero when nothing waits.
	Oldest time.Time
}

// Queue returns how much waits, at a cost that does not grow with what is done.
func (t *Tx) Queue() (Queue, error) {
	var q Queue
	counts := []struct {
		into  *int64
		query string
		args  []any
	}{
		{&q.Deliveries, "SELECT COUNT(*), COALESCE(MIN(received), 0) FROM deliveries WHERE done = 0", nil},
		{&q.Effects, "SELECT COUNT(*), COALESCE(MIN(created), 0) FROM effects WHERE done = 0 AND attempts < $1", []any{MaxAttempts}},
		{&q.Pages, "SELECT COUNT(*), COALESCE(MIN(created), 0) FROM pages WHERE done = 0 AND attempts < $1", []any{MaxAttempts}},
		{&q.Work, "SELECT COUNT(*), COALESCE(MIN(since), 0) FROM work WHERE wanted > done", nil},
	}
	for _, count := range counts {
		var oldest int64
		if _, err := t.row([]any{count.into, &oldest}, count.query, count.args...); err != nil {
			return Queue{}, err
		}
		if at := fromMicros(oldest); !at.IsZero() && (q.Oldest.IsZero() || at.Before(q.Oldest)) {
			q.Oldest = at
		}
	}
	_, err := t.row([]any{&q.Parked}, `SELECT (SELECT COUNT(*) FROM effects WHERE done = 0 AND attempts >= $1)
		+ (SELECT COUNT(*) FROM pages WHERE done = 0 AND attempts >= $1)`, MaxAttempts)
	return q, err
}
