package store

import (
	"iter"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// verifyPage is how many records are read at a time when the ledger is verified.
const verifyPage = 1000

// VerifyLedger holds the records of the store against a signed checkpoint, in memory that does not grow with them. The
// stored hashes are used to name the record that was edited; claim.Hashes is ignored.
//
// Errors: [ledger.ErrTampered] as a [*ledger.Fault]; [access.ErrInvalid] for a key that is none.
func (t *Tx) VerifyLedger(claim ledger.Claim) (ledger.Report, error) {
	claim.Hashes = t
	return ledger.Verify(t.Raw(0), claim)
}

// Raw yields the records from position from on as they are stored, in the order of their rows, page by page: the
// transaction can be asked for more in between. Nothing of them is checked.
func (t *Tx) Raw(from int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			page, next, err := t.canonicalPage(from)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
			if len(page) < verifyPage {
				return
			}
			from = next
		}
	}
}

func (t *Tx) canonicalPage(from int64) (page [][]byte, next int64, err error) {
	err = t.rows(func(scan func(...any) error) error {
		var record []byte
		if err := scan(&next, &record); err != nil {
			return t.store.cause("read", err)
		}
		page = append(page, record)
		return nil
	}, "SELECT seq, canonical FROM ledger WHERE seq >= $1 ORDER BY seq LIMIT $2", from, verifyPage)
	return page, next + 1, err
}

// Hashes returns the stored hashes from the index on, at most limit of them, in order. Where one is missing or damaged they
// end before it.
func (t *Tx) Hashes(from int64, limit int) ([]ledger.Hash, error) {
	all := make([]ledger.Hash, 0, limit)
	whole := true
	err := t.rows(func(scan func(...any) error) error {
		var index int64
		var hash []byte
		if err := scan(&index, &hash); err != nil {
			return t.store.cause("read", err)
		}
		whole = whole && index == from+int64(len(all)) && len(hash) == len(ledger.Hash{})
		if whole {
			all = append(all, ledger.Hash(hash))
		}
		return nil
	}, "SELECT idx, hash FROM ledger_hashes WHERE idx >= $1 ORDER BY idx LIMIT $2", from, limit)
	return all, err
}

// CheckpointsOver returns the checkpoints over more than size records, at most limit of them, in order of size.
func (t *Tx) CheckpointsOver(size int64, limit int) ([]Checkpoint, error) {
	return t.checkpointRows("WHERE size > $1 ORDER BY size LIMIT $2", size, limit)
}
