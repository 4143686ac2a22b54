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
	return ledger.Verify(t.canonical(), claim)
}

// canonical yields the records as they are stored, page by page: the connection is free in between.
func (t *Tx) canonical() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for from := int64(0); ; {
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
