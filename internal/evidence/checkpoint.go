package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// Housekeeping reports whether records of the kind are about the ledger itself. They alone never ask for a checkpoint: the
// record of one would ask for the next for ever.
func Housekeeping(kind ledger.Kind) bool {
	return kind == ledger.CheckpointSigned || kind == ledger.CheckpointAnchored
}

// SignedBody is the body of a checkpoint.signed record.
type SignedBody struct {
	Size int64  `json:"size"` // number of records that the checkpoint covers
	Key  string `json:"key"`  // which key signed, see [ledger.Key.ID]
	Note string `json:"note"` // the signed note
}

// KeyBody is the body of a key.changed record.
type KeyBody struct {
	// From is the [ledger.Key.ID] of the key that signed until here; empty for the first.
	From string `json:"from,omitempty"`
	// To is the public key that signs from here on.
	To string `json:"to"`
}

// PrunedBody is the body of a ledger.pruned record.
type PrunedBody struct {
	// Before is the position of the first record that was kept: those before it are in the archive, and no longer in the
	// store.
	Before int64 `json:"before"`
	// Root is the root hash over the records before it, base64.
	Root string `json:"root"`
}

// Sign signs the tree as it stands and keeps the checkpoint, with a record of it. When nothing but housekeeping was
// recorded since the last one, that one is returned and nothing is written; fresh says which. The first signature of a key
// is told by a record of its own, which the signature covers.
//
// Errors: [access.ErrConflict] when now lies before the last checkpoint, for the clock ran backwards; [access.ErrInvalid]
// for a key that is none or is of another ledger than the last one. Nothing is written then.
func Sign(ctx context.Context, s *store.Store, key ledger.Key, now time.Time) (c store.Checkpoint, fresh bool, err error) {
	err = s.Write(ctx, func(tx *store.Tx) error {
		g := signing{tx: tx, key: key, now: now}
		c, fresh, err = g.sign(false)
		return err
	})
	return c, fresh, err
}

// Seal is [Sign] of every record there is, housekeeping too, so that the checkpoint says what the ledger held at now.
//
// Errors: as [Sign].
func Seal(ctx context.Context, s *store.Store, key ledger.Key, now time.Time) (c store.Checkpoint, err error) {
	err = s.Write(ctx, func(tx *store.Tx) error {
		g := signing{tx: tx, key: key, now: now}
		c, _, err = g.sign(true)
		return err
	})
	return c, err
}

// signing is one signature in its transaction.
type signing struct {
	tx  *store.Tx
	key ledger.Key
	now time.Time
}

func (g signing) sign(always bool) (c store.Checkpoint, fresh bool, err error) {
	if g.key.Empty() {
		return c, false, fmt.Errorf("there is no ledger key: %w", access.ErrInvalid)
	}
	last, found, err := g.tx.LastCheckpoint()
	if err != nil {
		return c, false, err
	}
	if found && g.now.Before(last.At) {
		return c, false, fmt.Errorf("the clock runs behind the last checkpoint of %s: %w", stamp(last.At), access.ErrConflict)
	}
	changed, err := g.keyChanged(last, found)
	if err != nil {
		return c, false, err
	}
	due, err := g.due(last.Size)
	if err != nil || !due && !always && !changed {
		return last, false, err
	}
	c, err = g.write()
	return c, true, err
}

// keyChanged records a key that did not sign before.
func (g signing) keyChanged(last store.Checkpoint, found bool) (bool, error) {
	body := KeyBody{To: g.key.Public()}
	if found {
		before, err := ledger.ParseCheckpoint(last.Note)
		if err != nil {
			return false, err
		}
		if before.Origin != g.key.Origin() {
			return false, fmt.Errorf("the ledger is %q and the key is for %q; a new key has the name of the old one: %w", before.Origin, g.key.Origin(), access.ErrInvalid)
		}
		if body.From, err = ledger.SignedBy(last.Note); err != nil {
			return false, err
		}
		if body.From == g.key.ID() {
			return false, nil
		}
	}
	_, err := g.tx.Append(ledger.Entry{Kind: ledger.KeyChanged, At: g.now, Body: body})
	return true, err
}

// few is how many records are looked at at once. Most of the time the first tells enough.
const few = 64

// due reports whether anything but housekeeping was recorded from position from on.
func (g signing) due(from int64) (bool, error) {
	for {
		records, err := g.tx.Records(from, few)
		if err != nil {
			return false, err
		}
		for _, r := range records {
			if !Housekeeping(r.Kind) {
				return true, nil
			}
		}
		if len(records) < few {
			return false, nil
		}
		from += few
	}
}

func (g signing) write() (store.Checkpoint, error) {
	size, root, err := g.tx.TreeHash()
	if err != nil {
		return store.Checkpoint{}, err
	}
	at := g.now.UTC().Truncate(time.Microsecond)
	note, err := g.key.Sign(ledger.Checkpoint{Size: size, Root: root, At: at})
	if err != nil {
		return store.Checkpoint{}, err
	}
	if err := g.tx.PutCheckpoint(size, at, note); err != nil {
		return store.Checkpoint{}, err
	}
	_, err = g.tx.Append(ledger.Entry{Kind: ledger.CheckpointSigned, At: at, Body: SignedBody{Size: size, Key: g.key.ID(), Note: note}})
	return store.Checkpoint{Size: size, At: at, Note: note}, err
}

// DecodeBody reads the body of a record that the ledger returned.
//
// Errors: [access.ErrMalformed].
func DecodeBody(r ledger.Record, v any) error {
	body, ok := r.Body.(json.RawMessage)
	if !ok {
		return fmt.Errorf("record %d, %s, has no body: %w", r.Seq, r.Kind, access.ErrMalformed)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("body of record %d, %s, is not understood: %w", r.Seq, r.Kind, access.ErrMalformed)
	}
	return nil
}
