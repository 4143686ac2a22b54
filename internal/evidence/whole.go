package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// Whole is what [VerifyStore] found.
type Whole struct {
	Origin  string      `json:"origin"`  // name of the ledger; empty while nothing is signed
	First   int64       `json:"first"`   // position of the first record; those before it were archived and deleted
	Records int64       `json:"records"` // position after the last record
	Root    ledger.Hash `json:"root"`    // root hash over all of them
	// Signed is how many records the last checkpoint covers, and At when it was signed. The records after it hash to what
	// the store says, and nobody vouches for them yet.
	Signed      int64     `json:"signed"`
	At          time.Time `json:"at,omitzero"`
	Checkpoints int       `json:"checkpoints"` // how many there are over the records from First on
}

// Unsigned are the records that no checkpoint covers.
func (w Whole) Unsigned() int64 { return w.Records - w.Signed }

// VerifyStore holds the whole ledger of a store against public keys: every record against its hash, every stored hash
// against the tree, every checkpoint against the tree and a key, in memory that does not grow with them. The last
// checkpoint must be signed by one of the keys; earlier ones also by a key that a record of the ledger names, for the last
// one vouches for that record.
//
// Errors: [ledger.ErrTampered] as a [*ledger.Fault] with the record; [access.ErrNotFound] when there are records and no
// checkpoint, with what could be verified; [access.ErrInvalid] for a key that is none, and when there is a checkpoint and no
// key.
func VerifyStore(ctx context.Context, s *store.Store, keys ...string) (Whole, error) {
	var w Whole
	err := s.Read(ctx, func(tx *store.Tx) error {
		v := &wholeCheck{tx: tx, keys: slices.Clone(keys)}
		err := v.run(ctx)
		w = v.result
		return err
	})
	return w, err
}

// wholeCheck walks through records, stored hashes and checkpoints at once.
type wholeCheck struct {
	tx     *store.Tx
	keys   []string
	result Whole
	tree   ledger.Tree

	hashes []ledger.Hash // stored ones that were read ahead
	index  int64         // of the first of them
	points []store.Checkpoint
	seen   int64 // size of the newest checkpoint read
	pruned int64 // records before it were deleted, by a record that says so
}

// ahead is how many rows are read at a time.
const ahead = 2000

func (v *wholeCheck) run(ctx context.Context) error {
	last, found, err := v.tx.LastCheckpoint()
	if err != nil {
		return err
	}
	if found && len(v.keys) == 0 {
		return fmt.Errorf("the ledger is signed, and there is no public key to hold it against: %w", access.ErrInvalid)
	}
	if found {
		c, err := ledger.Open(last.Note, v.keys...)
		if err != nil {
			return err
		}
		v.result.Origin, v.result.Signed, v.result.At = c.Origin, c.Size, c.At
	}
	if err := v.begin(); err != nil {
		return err
	}
	for raw, err := range v.tx.Raw(v.result.First) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = v.record(raw)
		}
		if err != nil {
			return err
		}
	}
	return v.end(found)
}

// begin goes on with the tree from the first record that is there.
func (v *wholeCheck) begin() error {
	first, err := v.tx.TreeStart()
	if err != nil {
		return err
	}
	frontier, err := ledger.Frontier(first, v.tx)
	if err != nil {
		return &ledger.Fault{Kind: ledger.Replaced, Seq: first, Detail: "the stored hashes of the records before it are missing"}
	}
	if v.tree, err = ledger.Resume(first, frontier); err != nil {
		return err
	}
	v.result.First, v.index = first, ledger.StoredIndex(first)
	return v.checkpoints()
}

func (v *wholeCheck) record(raw []byte) error {
	seq := v.tree.Size()
	r, err := ledger.Decode(raw)
	switch {
	case err != nil:
		return &ledger.Fault{Kind: ledger.Edited, Seq: seq, Detail: "the record is not in canonical form"}
	case r.Seq > seq:
		return &ledger.Fault{Kind: ledger.Dropped, Seq: seq, Detail: fmt.Sprintf("it is missing; record %d stands in its place", r.Seq)}
	case r.Seq < seq:
		return &ledger.Fault{Kind: ledger.Duplicated, Seq: r.Seq, Detail: fmt.Sprintf("it stands again where record %d should", seq)}
	}
	if err := v.housekeeping(r); err != nil {
		return err
	}
	if err := v.stored(seq, v.tree.Grow(r.Hash, []ledger.Hash{})); err != nil {
		return err
	}
	return v.checkpoints()
}

// housekeeping learns from the records about the ledger itself: which keys sign from there on, and what was deleted.
func (v *wholeCheck) housekeeping(r ledger.Record) error {
	switch r.Kind {
	case ledger.KeyChanged:
		var body KeyBody
		err := DecodeBody(r, &body)
		if !slices.Contains(v.keys, body.To) {
			v.keys = append(v.keys, body.To)
		}
		return err
	case ledger.LedgerPruned:
		var body PrunedBody
		err := DecodeBody(r, &body)
		v.pruned = max(v.pruned, body.Before)
		return err
	default:
		return nil
	}
}

// stored holds what the record adds to the tree against the stored hashes.
func (v *wholeCheck) stored(seq int64, want []ledger.Hash) error {
	if len(v.hashes) < len(want) {
		more, err := v.tx.Hashes(v.index+int64(len(v.hashes)), ahead)
		if err != nil {
			return err
		}
		v.hashes = append(slices.Clone(v.hashes), more...)
	}
	if len(v.hashes) < len(want) {
		return &ledger.Fault{Kind: ledger.Replaced, Seq: seq, Detail: "its stored hash is missing"}
	}
	for i, hash := range want {
		switch {
		case v.hashes[i] == hash:
		case i == 0:
			return &ledger.Fault{Kind: ledger.Edited, Seq: seq, Detail: "the record does not hash to what was stored when it was written"}
		default:
			return &ledger.Fault{Kind: ledger.Replaced, Seq: seq, Detail: "a stored hash of the tree up to it is not that of the records"}
		}
	}
	v.hashes, v.index = v.hashes[len(want):], v.index+int64(len(want))
	return nil
}

// checkpoints holds the tree against the checkpoint of its size, if there is one.
func (v *wholeCheck) checkpoints() error {
	size := v.tree.Size()
	if len(v.points) == 0 && v.seen < v.result.Signed {
		from := max(v.seen, v.result.First-1)
		var err error
		if v.points, err = v.tx.CheckpointsOver(from, ahead); err != nil {
			return err
		}
		if len(v.points) > 0 {
			v.seen = v.points[len(v.points)-1].Size
		}
	}
	if len(v.points) == 0 || v.points[0].Size > size || size == 0 {
		return nil
	}
	c := v.points[0]
	v.points = v.points[1:]
	return v.checkpoint(c)
}

func (v *wholeCheck) checkpoint(c store.Checkpoint) error {
	parsed, err := ledger.ParseCheckpoint(c.Note)
	if err != nil {
		return &ledger.Fault{Kind: ledger.WrongKey, Seq: c.Size, Detail: "a checkpoint is not understood"}
	}
	root, err := v.tree.Root()
	if err != nil {
		return err
	}
	switch {
	case parsed.Size != c.Size || c.Size != v.tree.Size() || parsed.Root != root:
		return &ledger.Fault{Kind: ledger.Replaced, Seq: c.Size, Detail: fmt.Sprintf("the records are not the %d that were signed", parsed.Size)}
	case parsed.Origin != v.result.Origin:
		return &ledger.Fault{Kind: ledger.Foreign, Seq: c.Size, Detail: "a checkpoint is of another ledger"}
	}
	v.result.Checkpoints++
	if _, err := ledger.Open(c.Note, v.keys...); errors.Is(err, ledger.ErrTampered) {
		return &ledger.Fault{Kind: ledger.WrongKey, Seq: c.Size, Detail: "a checkpoint is signed by none of the given keys and by none that the ledger names"}
	} else if err != nil {
		return err
	}
	return nil
}

// end holds what was read against what was signed.
func (v *wholeCheck) end(signed bool) error {
	v.result.Records = v.tree.Size()
	root, err := v.tree.Root()
	if err != nil {
		return err
	}
	v.result.Root = root
	switch {
	case v.result.First > v.pruned && v.result.Records > 0:
		return &ledger.Fault{Kind: ledger.Dropped, Seq: v.pruned, Detail: fmt.Sprintf("records %d to %d are missing, and none says that they were archived", v.pruned, v.result.First-1)}
	case v.result.Records < v.result.Signed && v.result.Records == v.result.First:
		return &ledger.Fault{Kind: ledger.Missing, Seq: 0, Detail: fmt.Sprintf("there is no record, %d were signed", v.result.Signed)}
	case v.result.Records < v.result.Signed:
		return &ledger.Fault{Kind: ledger.Truncated, Seq: v.result.Records, Detail: fmt.Sprintf("records %d to %d are missing", v.result.Records, v.result.Signed-1)}
	case !signed && v.result.Records > 0:
		return fmt.Errorf("the ledger holds %d records and no checkpoint: %w", v.result.Records, access.ErrNotFound)
	}
	return nil
}
