package store_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

// TestTamperingWithTheDatabaseIsFoundAndNamed edits the file behind the store's back.
func TestTamperingWithTheDatabaseIsFoundAndNamed(t *testing.T) {
	const n = 2500 // more than two pages
	for name, c := range map[string]struct {
		statement string
		kind      ledger.FaultKind
		seq       int64
	}{
		"nothing":        {"SELECT 1", "", 0},
		"an edit":        {`UPDATE ledger SET canonical = replace(canonical, '"i":1707', '"i":1708') WHERE seq = 1707`, ledger.Edited, 1707},
		"a deletion":     {"DELETE FROM ledger WHERE seq = 1000", ledger.Dropped, 1000},
		"a cut tail":     {"DELETE FROM ledger WHERE seq >= 2400", ledger.Truncated, 2400},
		"all gone":       {"DELETE FROM ledger", ledger.Missing, 0},
		"an overwriting": {"UPDATE ledger SET canonical = (SELECT canonical FROM ledger l WHERE l.seq = 5) WHERE seq = 3", ledger.Dropped, 3},
		"a swap": {"UPDATE ledger SET seq = -1 WHERE seq = 3; UPDATE ledger SET seq = 3 WHERE seq = 5; UPDATE ledger SET seq = 5 WHERE seq = -1",
			ledger.Reordered, 3},
		"a replaced hash": {"UPDATE ledger_hashes SET hash = (SELECT hash FROM ledger_hashes WHERE idx = 0) WHERE idx = 4", ledger.Edited, 3},
		"a lost hash":     {"DELETE FROM ledger_hashes WHERE idx = 4", ledger.Replaced, 3},
	} {
		t.Run(name, func(t *testing.T) {
			url := storetest.NewSQLite(t)
			s := storetest.OpenURL(t, url, nil)
			storetest.Write(t, s, func(tx *store.Tx) error { _, err := tx.Append(someEntries(n)...); return err })
			claim := sign(t, s)
			tamper(t, url, c.statement)
			err := s.Read(t.Context(), func(tx *store.Tx) error {
				_, err := tx.VerifyLedger(claim)
				return err
			})
			var fault *ledger.Fault
			switch {
			case c.kind == "" && err != nil:
				t.Error(err)
			case c.kind != "" && (!errors.As(err, &fault) || fault.Kind != c.kind || fault.Seq != c.seq):
				t.Errorf("got %v, want %s at %d", err, c.kind, c.seq)
			}
		})
	}
}

func sign(t *testing.T, s *store.Store) ledger.Claim {
	t.Helper()
	private, public, err := ledger.GenerateKey("sopd.example.com")
	if err != nil {
		t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: "sopd.example.com/ledger", At: noon}
	storetest.Read(t, s, func(tx *store.Tx) (err error) { c.Size, c.Root, err = tx.TreeHash(); return err })
	signed, err := ledger.Sign(c, private)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Claim{Checkpoint: signed, Keys: []string{public}}
}

func tamper(t *testing.T, url, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestARecordThatSopdDidNotWriteIsNotShown(t *testing.T) {
	url := storetest.NewSQLite(t)
	s := storetest.OpenURL(t, url, nil)
	storetest.Write(t, s, func(tx *store.Tx) error { _, err := tx.Append(someEntries(3)...); return err })
	for _, statement := range []string{
		"UPDATE ledger SET canonical = canonical || ' ' WHERE seq = 1",
		"UPDATE ledger SET canonical = (SELECT canonical FROM ledger l WHERE l.seq = 0) WHERE seq = 1",
	} {
		tamper(t, url, statement)
		err := s.Read(t.Context(), func(tx *store.Tx) error { _, err := tx.Records(0, 10); return err })
		if !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
