package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
	"golang.org/x/mod/sumdb/tlog"
)

// Append puts the entries at the end of the ledger, in their order, in this transaction: they stand if and only if what
// they tell stands. It returns them in their places, with the pseudonyms of the persons in them. Before them it puts records
// of the originals that they rest on, and pins those; these it does not return.
//
// Errors: [access.ErrInvalid] for an entry that [ledger.Encode] refuses, and then nothing of the transaction may be kept;
// also inside [Store.Receive], which has no place in the order of writes.
func (t *Tx) Append(entries ...ledger.Entry) ([]ledger.Record, error) {
	if t.mode != serial {
		return nil, fmt.Errorf("ledger append outside an ordered write: %w", access.ErrInvalid)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	asked := len(entries)
	entries, err := t.withOriginals(entries)
	if err != nil {
		return nil, err
	}
	size, err := t.TreeSize()
	if err != nil {
		return nil, err
	}
	if len(entries) > manyEntries || slices.ContainsFunc(entries, namesMany) {
		if err := t.meet(entries); err != nil {
			return nil, err
		}
	}
	records := make([]ledger.Record, 0, len(entries))
	recordRows := make([][]any, 0, len(entries))
	var hashRows [][]any
	hashes := &hashCache{tx: t, fresh: make(map[int64]ledger.Hash)}
	for _, entry := range entries {
		if err := t.pin(size, entry); err != nil {
			return nil, err
		}
		entry, err := ledger.Conceal(entry, t.pseudonym)
		if err != nil {
			return nil, err
		}
		record, err := ledger.Encode(size, entry)
		if err != nil {
			return nil, err
		}
		stored, err := tlog.StoredHashesForRecordHash(size, record.Hash, hashes)
		if err != nil {
			return nil, err
		}
		for i, hash := range stored {
			index := tlog.StoredHashIndex(0, size) + int64(i)
			hashes.fresh[index] = hash
			hashRows = append(hashRows, []any{index, hash[:]})
		}
		records = append(records, record)
		recordRows = append(recordRows, recordRow(record))
		size++
	}
	if err := t.insertMany("INSERT INTO ledger (seq, kind, at, change_id, ticket, user_id, group_id, canonical) VALUES ", recordRows, ""); err != nil {
		return nil, err
	}
	if err := t.insertMany("INSERT INTO ledger_hashes (idx, hash) VALUES ", hashRows, ""); err != nil {
		return nil, err
	}
	return records[len(records)-asked:], nil
}

// manyEntries is from how many entries on their persons are looked up together.
const manyEntries = 8

// namesMany reports whether the entry may name many persons, because it holds a plan.
func namesMany(e ledger.Entry) bool {
	return e.Kind == ledger.PlanProposed || e.Kind == ledger.HoldMade
}

func recordRow(r ledger.Record) []any {
	return []any{
		r.Seq, string(r.Kind), micros(r.At), string(r.Change), string(r.Ticket), string(r.User), string(r.Group), string(r.Canonical),
	}
}

// hashCache reads stored hashes, those of this Append from memory.
type hashCache struct {
	tx    *Tx
	fresh map[int64]ledger.Hash
}

// ReadHashes implements [tlog.HashReader].
func (c *hashCache) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	all := make([]ledger.Hash, 0, len(indexes))
	for _, index := range indexes {
		hash, ok := c.fresh[index]
		if !ok {
			var err error
			if hash, err = c.tx.hash(index); err != nil {
				return nil, err
			}
		}
		all = append(all, hash)
	}
	return all, nil
}

func (t *Tx) hash(index int64) (ledger.Hash, error) {
	var raw []byte
	found, err := t.row([]any{&raw}, "SELECT hash FROM ledger_hashes WHERE idx = $1", index)
	if err != nil {
		return ledger.Hash{}, err
	}
	if !found || len(raw) != tlog.HashSize {
		return ledger.Hash{}, fmt.Errorf("ledger hash %d is missing or damaged: %w", index, access.ErrMalformed)
	}
	return ledger.Hash(raw), nil
}

// ReadHashes implements [tlog.HashReader], so that proofs can be made from the transaction.
//
// Errors: [access.ErrMalformed] when a hash is missing or damaged.
func (t *Tx) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	return (&hashCache{tx: t}).ReadHashes(indexes)
}

// TreeSize returns the number of records in the ledger.
func (t *Tx) TreeSize() (int64, error) {
	var size int64
	_, err := t.row([]any{&size}, "SELECT COALESCE(MAX(seq) + 1, 0) FROM ledger")
	return size, err
}

// TreeStart returns the position of the first record that is still in the store: 0 unless archived ones were deleted.
func (t *Tx) TreeStart() (int64, error) {
	var first int64
	_, err := t.row([]any{&first}, "SELECT COALESCE(MIN(seq), 0) FROM ledger")
	return first, err
}

// TreeHash returns the number of records and the root hash over them.
//
// Errors: [access.ErrMalformed] when a stored hash is missing or damaged.
func (t *Tx) TreeHash() (size int64, root ledger.Hash, err error) {
	if size, err = t.TreeSize(); err != nil {
		return 0, ledger.Hash{}, err
	}
	if root, err = tlog.TreeHash(size, t); err != nil {
		return 0, ledger.Hash{}, err
	}
	return size, root, nil
}

// Records returns the records from position from on, at most limit of them, in order.
//
// Errors: [access.ErrMalformed] for a record that is not what was written.
func (t *Tx) Records(from int64, limit int) ([]ledger.Record, error) {
	return t.records("seq >= $1 ORDER BY seq LIMIT $2", from, limit)
}

// recordPage is how many records [Tx.EachRecord] keeps in memory.
const recordPage = 500

// EachRecord calls fn for every record from position from on, in order. It keeps some hundred records in memory.
//
// Errors: as [Tx.Records]; what fn returns.
func (t *Tx) EachRecord(from int64, fn func(ledger.Record) error) error {
	for {
		page, err := t.Records(from, recordPage)
		for _, r := range page {
			if err := fn(r); err != nil {
				return err
			}
			from = r.Seq + 1
		}
		if err != nil || len(page) < recordPage {
			return err
		}
	}
}

// RecordsByChange returns the records about the change, in order.
func (t *Tx) RecordsByChange(id change.ID) ([]ledger.Record, error) {
	return t.records("change_id = $1 AND change_id <> '' ORDER BY seq", string(id))
}

// RecordsByTicket returns the records about the ticket, in order.
func (t *Tx) RecordsByTicket(key ticket.Key) ([]ledger.Record, error) {
	return t.records("ticket = $1 AND ticket <> '' ORDER BY seq", string(key))
}

// RecordsByUser returns the records about the user, in order.
func (t *Tx) RecordsByUser(id access.UserID) ([]ledger.Record, error) {
	var pseudonym string
	if _, err := t.row([]any{&pseudonym}, "SELECT pseudonym FROM persons WHERE identifier = $1", string(id)); err != nil {
		return nil, err
	}
	return t.records("user_id IN ($1, $2) AND user_id <> '' ORDER BY seq", string(id), pseudonym)
}

// records returns the records that were read before an error, with it.
func (t *Tx) records(where string, args ...any) ([]ledger.Record, error) {
	var all []ledger.Record
	err := t.eachRecord(func(r ledger.Record) error { all = append(all, r); return nil }, where, args...)
	return all, errors.Join(err, t.reveal(all))
}

func (t *Tx) eachRecord(fn func(ledger.Record) error, where string, args ...any) error {
	return t.rows(func(scan func(...any) error) error {
		var seq int64
		var canonical string
		if err := scan(&seq, &canonical); err != nil {
			return t.store.cause("read", err)
		}
		record, err := ledger.Decode([]byte(canonical))
		if err != nil {
			return fmt.Errorf("ledger record %d: %w", seq, err)
		}
		if record.Seq != seq {
			return fmt.Errorf("ledger record %d says that it is %d: %w", seq, record.Seq, access.ErrMalformed)
		}
		return fn(record)
	}, "SELECT seq, canonical FROM ledger WHERE "+where, args...)
}

// PutCheckpoint keeps the signed checkpoint over the first size records. A second one of the same size is ignored.
func (t *Tx) PutCheckpoint(size int64, at time.Time, note string) error {
	_, err := t.exec("INSERT INTO checkpoints (size, at, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", size, micros(at), note)
	return err
}

// Checkpoint is a signed statement of the ledger's size and root hash.
type Checkpoint struct {
	Size int64 // number of records that it covers
	At   time.Time
	Note string // the signed note, see package ledger
}

// LastCheckpoint returns the checkpoint over the most records. found is false while there is none.
func (t *Tx) LastCheckpoint() (last Checkpoint, found bool, err error) {
	all, err := t.checkpoints("ORDER BY size DESC LIMIT 1", 0, math.MaxInt64)
	if err != nil || len(all) == 0 {
		return Checkpoint{}, false, err
	}
	return all[0], true, nil
}

// Checkpoints returns the checkpoints signed in the half-open period, in order of size.
func (t *Tx) Checkpoints(from, to time.Time) ([]Checkpoint, error) {
	return t.checkpoints("ORDER BY size", micros(from), micros(to))
}

func (t *Tx) checkpoints(order string, from, to int64) ([]Checkpoint, error) {
	return t.checkpointRows("WHERE at >= $1 AND at < $2 "+order, from, to)
}

func (t *Tx) checkpointRows(where string, args ...any) ([]Checkpoint, error) {
	var all []Checkpoint
	err := t.rows(func(scan func(...any) error) error {
		var c Checkpoint
		var at int64
		if err := scan(&c.Size, &at, &c.Note); err != nil {
			return t.store.cause("read", err)
		}
		c.At = fromMicros(at)
		all = append(all, c)
		return nil
	}, "SELECT size, at, note FROM checkpoints "+where, args...)
	return all, err
}

// EachRecordOf calls fn for every record of the kind, in order.
//
// Errors: as [Tx.EachRecord].
func (t *Tx) EachRecordOf(kind ledger.Kind, fn func(ledger.Record) error) error {
	for from := int64(0); ; {
		page, err := t.records("kind = $1 AND seq >= $2 ORDER BY seq LIMIT $3", string(kind), from, recordPage)
		for _, r := range page {
			if err := fn(r); err != nil {
				return err
			}
			from = r.Seq + 1
		}
		if err != nil || len(page) < recordPage {
			return err
		}
	}
}

// DeleteRecords deletes the records before the position, and returns how many there were; originals that no other record
// names go with them. Their hashes stay: they belong to the tree. The last record is never deleted, for it says how many there are.
//
// Errors: [access.ErrInvalid] for a position after the last record.
func (t *Tx) DeleteRecords(before int64) (int64, error) {
	size, err := t.TreeSize()
	if err != nil {
		return 0, err
	}
	if before >= size {
		return 0, fmt.Errorf("records before %d of %d cannot all be deleted: %w", before, size, access.ErrInvalid)
	}
	if err := t.unpin(before); err != nil {
		return 0, err
	}
	return t.exec("DELETE FROM ledger WHERE seq < $1", before)
}
