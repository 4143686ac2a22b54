package evidence_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/store/storetest"
)

func findingOf(key finding.Key, at time.Time) finding.Finding {
	return finding.Finding{Key: key, Kind: "unreadable", Title: "cannot be read", Raised: at}
}

func (a *archive) kinds() []ledger.Kind {
	var kinds []ledger.Kind
	storetest.Read(a.t, a.store, func(tx *store.Tx) error {
		kinds = nil
		return tx.EachRecord(0, func(r ledger.Record) error { kinds = append(kinds, r.Kind); return nil })
	})
	return kinds
}

func TestACheckpointAsksForNoOther(t *testing.T) {
	a := newArchive(t)
	a.append(ledger.Entry{Kind: ledger.PlanProposed, At: a.clock.now})
	first := a.sign()
	for range 5 {
		a.clock.now = a.clock.now.Add(time.Hour)
		c, fresh, err := evidence.Sign(t.Context(), a.store, a.key, a.clock.now)
		if err != nil || fresh || c != first {
			t.Fatalf("signed again without news: %+v, %v", c, err)
		}
	}
	a.append(ledger.Entry{Kind: ledger.CheckpointAnchored, At: a.clock.now})
	if _, fresh, err := evidence.Sign(t.Context(), a.store, a.key, a.clock.now); err != nil || fresh {
		t.Errorf("an anchor asks for a checkpoint: %v", err)
	}
	a.append(ledger.Entry{Kind: ledger.PlanProposed, At: a.clock.now})
	if c, fresh, err := evidence.Sign(t.Context(), a.store, a.key, a.clock.now); err != nil || !fresh || c.Size != 5 {
		t.Errorf("%+v, %v", c, err)
	}
	want := []ledger.Kind{ledger.PlanProposed, ledger.KeyChanged, ledger.CheckpointSigned, ledger.CheckpointAnchored, ledger.PlanProposed, ledger.CheckpointSigned}
	if got := a.kinds(); len(got) != len(want) {
		t.Errorf("%v", got)
	}
}

func TestAClockThatRanBackwardsSignsNothing(t *testing.T) {
	a := newArchive(t)
	a.append(ledger.Entry{Kind: ledger.PlanProposed, At: a.clock.now})
	a.sign()
	a.append(ledger.Entry{Kind: ledger.PlanProposed, At: a.clock.now})
	before := len(a.kinds())
	if _, _, err := evidence.Sign(t.Context(), a.store, a.key, a.clock.now.Add(-time.Second)); !errors.Is(err, access.ErrConflict) || len(a.kinds()) != before {
		t.Error(err)
	}
}

func TestAChangeOfKeyStandsInTheLedgerAndBothKeysVerify(t *testing.T) {
	a := newArchive(t)
	a.autumn(20)
	old := a.key
	a.sign()
	a.key = newKey(t)
	a.clock.now = a.clock.now.Add(time.Hour)
	a.sign()
	var body evidence.KeyBody
	storetest.Read(t, a.store, func(tx *store.Tx) error {
		return tx.EachRecord(0, func(r ledger.Record) error {
			if raw, ok := r.Body.(json.RawMessage); ok && r.Kind == ledger.KeyChanged {
				return json.Unmarshal(raw, &body)
			}
			return nil
		})
	})
	if body.From != old.ID() || body.To != a.key.Public() {
		t.Errorf("%+v", body)
	}
	out, _ := a.export()
	if _, err := verify(t, out, a.key.Public()); !errors.Is(err, ledger.ErrTampered) {
		t.Errorf("the old checkpoints verify without the old key: %v", err)
	}
	if v, err := verify(t, out, a.key.Public(), old.Public()); err != nil || len(v.Keys) == 0 {
		t.Errorf("%+v, %v", v.Keys, err)
	}
}

func TestAKeyOfAnotherLedgerSignsNothing(t *testing.T) {
	a := newArchive(t)
	a.append(ledger.Entry{Kind: ledger.PlanProposed, At: a.clock.now})
	a.sign()
	private, _, err := ledger.GenerateKey("other.example.com")
	if err != nil {
		t.Fatal(err)
	}
	other, err := ledger.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := evidence.Sign(t.Context(), a.store, other, a.clock.now); !errors.Is(err, access.ErrInvalid) || strings.Contains(err.Error(), private.Reveal()) {
		t.Error(err)
	}
	if _, _, err := evidence.Sign(t.Context(), a.store, ledger.Key{}, a.clock.now); !errors.Is(err, access.ErrInvalid) {
		t.Error(err)
	}
}
