package ledger

import (
	"fmt"

	"github.com/maisonrmi/sopd/internal/access"
	"golang.org/x/mod/sumdb/tlog"
)

// HashReader reads stored hashes by their index, see [StoredIndex].
type HashReader = tlog.HashReader

// Proof is a list of hashes that proves that a record is in a tree, or that a tree begins with an earlier one.
type Proof []Hash

// StoredIndex returns where the leaf hash of a record is stored. The hashes of the subtrees that the record completes
// follow it.
func StoredIndex(seq int64) int64 { return tlog.StoredHashIndex(0, seq) }

// StoredHashes returns the hashes to store for the record, from [StoredIndex] of its position on. It reads earlier ones.
//
// Errors: those of the reader.
func StoredHashes(r Record, hashes HashReader) ([]Hash, error) {
	return tlog.StoredHashesForRecordHash(r.Seq, r.Hash, hashes)
}

// Root returns the root hash over the first size records.
//
// Errors: those of the reader.
func Root(size int64, hashes HashReader) (Hash, error) { return tlog.TreeHash(size, hashes) }

// ProveRecord proves that the record is in the tree of size records.
//
// Errors: [access.ErrInvalid] when the tree does not reach it; those of the reader.
func ProveRecord(size, seq int64, hashes HashReader) (Proof, error) {
	if seq < 0 || seq >= size {
		return nil, fmt.Errorf("record %d is not among %d: %w", seq, size, access.ErrInvalid)
	}
	proof, err := tlog.ProveRecord(size, seq, hashes)
	return Proof(proof), err
}

// CheckRecord holds a record against a checkpoint.
//
// Errors: [ErrTampered].
func CheckRecord(r Record, proof Proof, c Checkpoint) error {
	if r.Seq < 0 || r.Seq >= c.Size || tlog.CheckRecord(tlog.RecordProof(proof), c.Size, c.Root, r.Seq, r.Hash) != nil {
		return &Fault{Kind: Edited, Seq: r.Seq, Detail: "the proof does not lead from the record to the checkpoint"}
	}
	return nil
}

// ProveTree proves that the tree of size records begins with that of old records.
//
// Errors: [access.ErrInvalid] unless old is between 1 and size; those of the reader.
func ProveTree(size, old int64, hashes HashReader) (Proof, error) {
	if old < 1 || old > size {
		return nil, fmt.Errorf("no tree of %d records among %d: %w", old, size, access.ErrInvalid)
	}
	proof, err := tlog.ProveTree(size, old, hashes)
	return Proof(proof), err
}

// CheckTree holds a later checkpoint against an earlier one: everything that the earlier signed is still there.
//
// Errors: [ErrTampered].
func CheckTree(later, earlier Checkpoint, proof Proof) error {
	if earlier.Size == 0 {
		return nil
	}
	if earlier.Size > later.Size || tlog.CheckTree(tlog.TreeProof(proof), later.Size, later.Root, earlier.Size, earlier.Root) != nil {
		return &Fault{Kind: Replaced, Seq: earlier.Size, Detail: "the later checkpoint does not continue the earlier one"}
	}
	return nil
}

// Tree computes a root from leaf hashes in order, in memory that grows with the logarithm of their number. The zero Tree
// is empty.
type Tree struct {
	size int64
	// peaks are the roots of the complete subtrees that the leaves so far make, the largest first: one for each bit of
	// size.
	peaks []Hash
}

// Append adds the leaf hash of the next record.
func (t *Tree) Append(leaf Hash) { t.Grow(leaf, nil) }

// Grow is Append that also appends to stored the hashes to store for the record, those of [StoredHashes], and returns it.
// With nil it returns nil.
func (t *Tree) Grow(leaf Hash, stored []Hash) []Hash {
	keep := stored != nil
	for n := t.size; ; n >>= 1 {
		if keep {
			stored = append(stored, leaf)
		}
		if n&1 == 0 {
			break
		}
		leaf = tlog.NodeHash(t.peaks[len(t.peaks)-1], leaf)
		t.peaks = t.peaks[:len(t.peaks)-1]
	}
	t.peaks = append(t.peaks, leaf)
	t.size++
	return stored
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Root returns the root hash over the leaves so far.
//
// Source: RFC 6962, section 2.1.
func (t *Tree) Root() (Hash, error) {
	if len(t.peaks) == 0 {
		return tlog.TreeHash(0, nil)
	}
	root := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.peaks[i], root)
	}
	return root, nil
}
