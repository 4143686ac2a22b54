package ledger

import (
	"fmt"
	"math/bits"

	"github.com/maisonrmi/sopd/internal/access"
	"golang.org/x/mod/sumdb/tlog"
)

// Frontier returns the roots of the complete subtrees that the first size records make, the largest first: one for each
// bit of size. It is all that is needed to go on with the tree from there, see [Resume], and so to prove a stretch of
// records without those before it.
//
// Errors: those of the reader.
func Frontier(size int64, hashes HashReader) ([]Hash, error) {
	var indexes []int64
	for start := int64(0); start < size; {
		level := bits.Len64(uint64(size-start)) - 1 //nolint:gosec // positive
		indexes = append(indexes, tlog.StoredHashIndex(level, start>>level))
		start += 1 << level
	}
	if len(indexes) == 0 {
		return nil, nil
	}
	return hashes.ReadHashes(indexes)
}

// Resume returns the tree of size records of which only the frontier is known. That it is the right one shows in its
// root.
//
// Errors: [access.ErrInvalid] when a tree of that size has another number of subtrees.
func Resume(size int64, frontier []Hash) (Tree, error) {
	if size < 0 || bits.OnesCount64(uint64(size)) != len(frontier) {
		return Tree{}, fmt.Errorf("frontier of %d hashes is none of %d records: %w", len(frontier), size, access.ErrInvalid)
	}
	return Tree{size: size, peaks: append([]Hash(nil), frontier...)}, nil
}
