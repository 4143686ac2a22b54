package ledger

import (
	"errors"
	"fmt"
	"iter"
)

// ErrTampered: the ledger is not what was signed.
var ErrTampered = errors.New("ledger was tampered with")

// FaultKind is what was done to a ledger.
type FaultKind string

// The kinds of fault.
const (
	Edited     FaultKind = "edited"     // a record is not what was hashed
	Dropped    FaultKind = "dropped"    // records are missing before others
	Reordered  FaultKind = "reordered"  // records stand in another order
	Duplicated FaultKind = "duplicated" // a record stands twice
	Truncated  FaultKind = "truncated"  // records at the end are missing
	Missing    FaultKind = "missing"    // there is no record at all
	Replaced   FaultKind = "replaced"   // records or hashes agree with each other and not with what was signed
	WrongKey   FaultKind = "wrong key"  // the signature is not by the given key, or of something else
	Foreign    FaultKind = "foreign"    // the checkpoint is of another ledger
)

// Fault is one proof of tampering: what and where.
type Fault struct {
	Kind   FaultKind
	Seq    int64  // the first record concerned, -1 when none can be named
	Detail string // a sentence for people
}

// Error says what was done and where.
func (f *Fault) Error() string {
	if f.Seq < 0 {
		return fmt.Sprintf("ledger %s: %s", f.Kind, f.Detail)
	}
	return fmt.Sprintf("ledger %s at record %d: %s", f.Kind, f.Seq, f.Detail)
}

// Unwrap returns [ErrTampered].
func (f *Fault) Unwrap() error { return ErrTampered }

// Claim is what records are held against.
type Claim struct {
	// Checkpoint is the signed note.
	Checkpoint string
	// Keys are the public keys of which one must have signed it. They come from elsewhere than the ledger.
	Keys []string
	// Origin is the ledger that the checkpoint must be of; empty for any.
	Origin string
	// Hashes are the stored hashes. They are not needed to find tampering, but to name the record that was edited; nil
	// when there are none.
	Hashes HashReader
}

// Report is what was verified.
type Report struct {
	Checkpoint Checkpoint
	// Beyond is how many well-formed records follow those that the checkpoint covers. Nothing vouches for them yet.
	Beyond int64
}

// Verify holds the records, in their canonical form and order, against a signed checkpoint, in constant memory. It stops
// at the first fault.
//
// Errors: [ErrTampered] as a [*Fault]; [access.ErrInvalid] for a key that is none; what records yields.
func Verify(records iter.Seq2[[]byte, error], claim Claim) (Report, error) {
	c, err := Open(claim.Checkpoint, claim.Keys...)
	if err != nil {
		return Report{}, err
	}
	if claim.Origin != "" && claim.Origin != c.Origin {
		return Report{}, &Fault{Kind: Foreign, Seq: -1, Detail: "the checkpoint is of another ledger"}
	}
	next, stop := iter.Pull2(records)
	defer stop()
	v := &verifier{checkpoint: c, next: next}
	if claim.Hashes != nil {
		root, err := Root(c.Size, claim.Hashes)
		v.hashesDiffer = err != nil || root != c.Root
		if !v.hashesDiffer {
			v.hashes = claim.Hashes
		}
	}
	if err := v.run(); err != nil {
		return Report{}, err
	}
	return Report{Checkpoint: c, Beyond: v.seq - c.Size}, nil
}

type verifier struct {
	checkpoint   Checkpoint
	next         func() ([]byte, error, bool)
	hashes       HashReader // nil when there are none that can be trusted
	hashesDiffer bool       // there are some, and they are not those of the checkpoint
	tree         Tree
	seq          int64 // of the record expected next
}

func (v *verifier) run() error {
	for {
		raw, err, more := v.next()
		if err != nil {
			return fmt.Errorf("read ledger record %d: %w", v.seq, err)
		}
		if !more {
			return v.end()
		}
		if err := v.record(raw); err != nil {
			return err
		}
		v.seq++
	}
}

func (v *verifier) record(raw []byte) error {
	r, err := Decode(raw)
	if err != nil {
		return &Fault{Kind: Edited, Seq: v.seq, Detail: "the record is not in canonical form"}
	}
	if r.Seq != v.seq {
		return v.outOfPlace(r.Seq)
	}
	if r.Seq >= v.checkpoint.Size {
		return nil
	}
	v.tree.Append(r.Hash)
	if v.hashes == nil {
		return nil
	}
	stored, err := v.hashes.ReadHashes([]int64{StoredIndex(r.Seq)})
	if err != nil || len(stored) != 1 {
		return &Fault{Kind: Replaced, Seq: r.Seq, Detail: "its stored hash is missing"}
	}
	if stored[0] != r.Hash {
		return &Fault{Kind: Edited, Seq: r.Seq, Detail: "the record does not hash to what was stored when it was written"}
	}
	return nil
}

// outOfPlace tells why the record got stands where another is expected. Everything before was in place.
func (v *verifier) outOfPlace(got int64) error {
	if got < v.seq {
		return &Fault{Kind: Duplicated, Seq: got, Detail: fmt.Sprintf("it stands again where record %d should", v.seq)}
	}
	for {
		raw, err, more := v.next()
		if err != nil || !more {
			return &Fault{Kind: Dropped, Seq: v.seq, Detail: fmt.Sprintf("it is missing; record %d stands in its place", got)}
		}
		if r, err := Decode(raw); err == nil && r.Seq == v.seq {
			return &Fault{Kind: Reordered, Seq: v.seq, Detail: fmt.Sprintf("it stands after record %d", got)}
		}
	}
}

// end holds what was read against what was signed.
func (v *verifier) end() error {
	size := v.checkpoint.Size
	switch {
	case v.seq == 0 && size > 0:
		return &Fault{Kind: Missing, Seq: 0, Detail: fmt.Sprintf("there is no record, %d were signed", size)}
	case v.seq < size:
		return &Fault{Kind: Truncated, Seq: v.seq, Detail: fmt.Sprintf("records %d to %d are missing", v.seq, size-1)}
	}
	root, err := v.tree.Root()
	if err != nil {
		return err
	}
	if root != v.checkpoint.Root {
		return &Fault{Kind: Replaced, Seq: -1, Detail: "the records do not hash to what was signed; at least one was edited"}
	}
	if v.hashesDiffer {
		return &Fault{Kind: Replaced, Seq: -1, Detail: "the stored hashes are not those that were signed; the records are"}
	}
	return nil
}
