package store

import (
	"context"
	"time"
)

// Receive runs fn in a write transaction that is beside the order of other writes, for what strangers send: it may use
// [Tx.PutDelivery], [Tx.Bump] and River, and not the ledger. Calls that come at the same time share a commit, each in a
// savepoint of its own, so one that fails takes no other with it.
//
// Errors: as [Store.Write].
func (s *Store) Receive(ctx context.Context, fn func(*Tx) error) error {
	return s.retry(ctx, func() error { return s.batch.do(ctx, fn) })
}

// Delivery is one webhook as it came in, already authenticated.
type Delivery struct {
	Source   string // "okta", "jira", "opsgenie"
	ID       string // by which the vendor, or a hash where the vendor gives none, tells a repeat
	Received time.Time
	Body     []byte    // raw; may hold personal data
	Done     time.Time // zero until marked
	Result   string    // the word that it was marked with
}

// PutDelivery keeps a delivery. fresh is false for one that is known: the vendor repeated it.
func (t *Tx) PutDelivery(d Delivery) (fresh bool, err error) {
	if d.Body == nil {
		d.Body = []byte{} // NULL otherwise
	}
	n, err := t.exec(`INSERT INTO deliveries (source, id, received, done, result, body) VALUES ($1, $2, $3, 0, '', $4)
		ON CONFLICT DO NOTHING`, d.Source, d.ID, micros(d.Received), d.Body)
	return n == 1, err
}

// Deliveries returns at most limit deliveries that are not marked, oldest first.
func (t *Tx) Deliveries(limit int) (all []Delivery, err error) {
	err = t.EachDelivery(limit, func(d Delivery) { all = append(all, d) })
	return all, err
}

// EachDelivery is [Tx.Deliveries] for callers who need not hold all bodies at a time, which are up to megabytes each. fn must
// not use the transaction.
func (t *Tx) EachDelivery(limit int, fn func(Delivery)) error {
	return t.deliveries(fn, "done = 0 ORDER BY received, source, id LIMIT $1", limit)
}

// LastReceived returns when the last delivery of each source that is kept came in. It looks at all of them.
func (t *Tx) LastReceived() (map[string]time.Time, error) {
	times := make(map[string]time.Time)
	err := t.rows(func(scan func(...any) error) error {
		var source string
		var at int64
		if err := scan(&source, &at); err != nil {
			return t.store.cause("read", err)
		}
		times[source] = fromMicros(at)
		return nil
	}, "SELECT source, MAX(received) FROM deliveries GROUP BY source")
	return times, err
}

// Delivery returns one delivery. found is false when it is not known.
func (t *Tx) Delivery(source, id string) (d Delivery, found bool, err error) {
	err = t.deliveries(func(one Delivery) { d, found = one, true }, "source = $1 AND id = $2", source, id)
	return d, found, err
}

func (t *Tx) deliveries(fn func(Delivery), where string, args ...any) error {
	return t.rows(func(scan func(...any) error) error {
		var d Delivery
		var received, done int64
		if err := scan(&d.Source, &d.ID, &received, &done, &d.Result, &d.Body); err != nil {
			return t.store.cause("read", err)
		}
		d.Received, d.Done = fromMicros(received), fromMicros(done)
		fn(d)
		return nil
	}, "SELECT source, id, received, done, result, body FROM deliveries WHERE "+where, args...)
}

// MarkDelivery notes that the delivery was worked, with a word on what came of it.
//
// Errors: [access.ErrNotFound] when it is not known.
func (t *Tx) MarkDelivery(source, id, result string, at time.Time) error {
	n, err := t.exec("UPDATE deliveries SET done = $3, result = $4 WHERE source = $1 AND id = $2", source, id, micros(at), result)
	return missing(n, err, "delivery")
}

// MarkDeliveriesUntil marks every delivery that was received until then, and returns how many: a pass that began
// afterwards has read whatever they hinted at.
func (t *Tx) MarkDeliveriesUntil(received time.Time, result string, at time.Time) (int64, error) {
	return t.exec("UPDATE deliveries SET done = $2, result = $3 WHERE done = 0 AND received <= $1", micros(received), micros(at), result)
}

// PruneDeliveries forgets deliveries that were marked before the given time, and returns how many. A vendor that repeats
// one of them later is taken at its word again, so keep them longer than any vendor repeats.
func (t *Tx) PruneDeliveries(before time.Time) (int64, error) {
	return t.exec("DELETE FROM deliveries WHERE done <> 0 AND done < $1", micros(before))
}
