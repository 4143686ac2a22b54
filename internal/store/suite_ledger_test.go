package store_test

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"golang.org/x/mod/sumdb/tlog"
)

func ledgerCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"ledger records stand in order and hash to the root": func(b *bench) {
			var first int64
			b.write(func(tx *store.Tx) error {
				var err error
				first, err = tx.TreeSize()
				return err
			})
			for i := range 5 {
				b.write(func(tx *store.Tx) error {
					records, err := tx.Append(someEntries(i)...)
					for j, r := range records {
						b.want(r.Seq, first+int64(i*(i-1)/2+j))
					}
					return err
				})
			}
			b.read(func(tx *store.Tx) error {
				size, root, err := tx.TreeHash()
				if err != nil {
					return err
				}
				b.want(size, first+10)
				again, err := rebuild(tx)
				b.want(again, root)
				return err
			})
		},
		"ledger records are found by change, ticket and user": func(b *bench) {
			entry := ledger.Entry{Kind: ledger.ChangeConfirmed, At: noon, Change: "CHG-X", Ticket: "ACC-77", User: "00ufound", Body: map[string]int{"n": 1}}
			b.write(func(tx *store.Tx) error {
				_, err := tx.Append(entry, ledger.Entry{Kind: ledger.PlanProposed, At: noon})
				return err
			})
			b.read(func(tx *store.Tx) error {
				byChange, err1 := tx.RecordsByChange("CHG-X")
				byTicket, err2 := tx.RecordsByTicket("ACC-77")
				byUser, err3 := tx.RecordsByUser("00ufound")
				b.want([]int{len(byChange), len(byTicket), len(byUser)}, []int{1, 1, 1})
				none, err4 := tx.RecordsByTicket("")
				b.want(len(none), 0)
				return firstError(err1, err2, err3, err4)
			})
		},
		"ledger append is refused outside an ordered write": func(b *bench) {
			err := b.store.Receive(b.Context(), func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: noon})
				return err
			})
			b.refused(err, access.ErrInvalid)
		},
		"an unknown kind of entry undoes the whole write": func(b *bench) {
			err := b.store.Write(b.Context(), func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.PlanProposed, At: noon}, ledger.Entry{Kind: "made.up", At: noon})
				return err
			})
			b.refused(err, access.ErrInvalid)
		},
		"the last checkpoint is that over the most records": func(b *bench) {
			b.write(func(tx *store.Tx) error {
				return firstError(tx.PutCheckpoint(7, noon, "seven"), tx.PutCheckpoint(9, noon.Add(time.Hour), "nine"), tx.PutCheckpoint(9, noon, "other"))
			})
			b.read(func(tx *store.Tx) error {
				last, found, err := tx.LastCheckpoint()
				b.want(found, true)
				b.want(last, store.Checkpoint{Size: 9, At: noon.Add(time.Hour), Note: "nine"})
				all, err2 := tx.Checkpoints(noon, noon.Add(time.Hour))
				b.want(len(all), 1)
				return firstError(err, err2)
			})
		},
	}
}

func someEntries(n int) []ledger.Entry {
	entries := make([]ledger.Entry, n)
	for i := range entries {
		entries[i] = ledger.Entry{Kind: ledger.FactRecorded, At: noon, Body: map[string]int{"i": i}}
	}
	return entries
}

// rebuild computes the root from the records alone.
func rebuild(tx *store.Tx) (ledger.Hash, error) {
	var hashes []ledger.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]ledger.Hash, error) {
		found := make([]ledger.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	var n int64
	err := tx.EachRecord(0, func(r ledger.Record) error {
		more, err := tlog.StoredHashes(n, r.Canonical, reader)
		hashes = append(hashes, more...)
		n++
		return err
	})
	if err != nil {
		return ledger.Hash{}, err
	}
	return tlog.TreeHash(n, reader)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
