package ledger_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/secret"
	"pgregory.net/rapid"
)

const origin = "sopd.example.com/ledger"

// fatal is what testing and rapid have in common.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// book is a ledger in memory with its stored hashes.
type book struct {
	records [][]byte
	hashes  []ledger.Hash
}

func (b *book) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	var all []ledger.Hash
	for _, i := range indexes {
		if i >= int64(len(b.hashes)) {
			return nil, fmt.Errorf("no hash %d", i)
		}
		all = append(all, b.hashes[i])
	}
	return all, nil
}

func newBook(t fatal, n int) *book {
	t.Helper()
	b := &book{}
	for i := range n {
		r, err := ledger.Encode(int64(i), ledger.Entry{Kind: ledger.FactRecorded, At: noon.Add(time.Duration(i) * time.Second), Body: map[string]int{"n": i}})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := ledger.StoredHashes(r, b)
		if err != nil {
			t.Fatal(err)
		}
		if ledger.StoredIndex(r.Seq) != int64(len(b.hashes)) {
			t.Fatal("hashes would be stored elsewhere")
		}
		b.records, b.hashes = append(b.records, r.Canonical), append(b.hashes, stored...)
	}
	return b
}

func (b *book) checkpoint(t fatal) ledger.Checkpoint {
	t.Helper()
	root, err := ledger.Root(int64(len(b.records)), b)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Checkpoint{Origin: origin, Size: int64(len(b.records)), Root: root, At: noon.UTC().Truncate(time.Microsecond)}
}

// notary signs checkpoints.
type notary struct {
	private secret.Value
	public  string
}

func newNotary(t fatal) notary {
	t.Helper()
	private, public, err := ledger.GenerateKey("sopd.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return notary{private: private, public: public}
}

func (n notary) sign(t fatal, c ledger.Checkpoint) string {
	t.Helper()
	signed, err := ledger.Sign(c, n.private)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func stream(records [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestAnUntouchedLedgerVerifies(t *testing.T) {
	n := newNotary(t)
	for size := range 40 {
		b := newBook(t, size)
		claim := ledger.Claim{Checkpoint: n.sign(t, b.checkpoint(t)), Keys: []string{n.public}, Origin: origin, Hashes: b}
		report, err := ledger.Verify(stream(b.records), claim)
		if err != nil || report.Checkpoint.Size != int64(size) || report.Beyond != 0 {
			t.Errorf("%d records: %+v, %v", size, report, err)
		}
		longer := newBook(t, size+3)
		claim.Hashes = nil
		if report, err = ledger.Verify(stream(longer.records), claim); err != nil || report.Beyond != 3 {
			t.Errorf("%d records and 3 later ones: %+v, %v", size, report, err)
		}
	}
}

func TestEachWayOfTamperingIsFoundAndNamed(t *testing.T) {
	n := newNotary(t)
	b := newBook(t, 20)
	signed := n.sign(t, b.checkpoint(t))
	rewrite := func(records [][]byte, i int, from, to string) [][]byte {
		records[i] = []byte(strings.Replace(string(records[i]), from, to, 1))
		return records
	}
	for name, c := range map[string]struct {
		tamper func([][]byte) [][]byte
		kind   ledger.FaultKind
		seq    int64
	}{
		"a record edited":              {func(r [][]byte) [][]byte { return rewrite(r, 7, `"n":7`, `"n":8`) }, ledger.Edited, 7},
		"a record no longer canonical": {func(r [][]byte) [][]byte { return rewrite(r, 7, `{"n`, `{ "n`) }, ledger.Edited, 7},
		"the first dropped":            {func(r [][]byte) [][]byte { return r[1:] }, ledger.Dropped, 0},
		"three dropped":                {func(r [][]byte) [][]byte { return slices.Delete(r, 4, 7) }, ledger.Dropped, 4},
		"two swapped":                  {func(r [][]byte) [][]byte { r[3], r[9] = r[9], r[3]; return r }, ledger.Reordered, 3},
		"one moved to the end":         {func(r [][]byte) [][]byte { return append(slices.Delete(r, 5, 6), b.records[5]) }, ledger.Reordered, 5},
		"one twice":                    {func(r [][]byte) [][]byte { return slices.Insert(r, 6, r[5]) }, ledger.Duplicated, 5},
		"an old one again at the end":  {func(r [][]byte) [][]byte { return append(r, r[2]) }, ledger.Duplicated, 2},
		"the tail cut":                 {func(r [][]byte) [][]byte { return r[:13] }, ledger.Truncated, 13},
		"the last cut":                 {func(r [][]byte) [][]byte { return r[:19] }, ledger.Truncated, 19},
		"the whole log gone":           {func([][]byte) [][]byte { return nil }, ledger.Missing, 0},
		"one renumbered over a gap":    {func(r [][]byte) [][]byte { r = slices.Delete(r, 5, 6); return rewrite(r, 5, `"seq":6`, `"seq":5`) }, ledger.Edited, 5},
	} {
		records := c.tamper(slices.Clone(b.records))
		_, err := ledger.Verify(stream(records), ledger.Claim{Checkpoint: signed, Keys: []string{n.public}, Hashes: b})
		wantFault(t, name, err, c.kind, c.seq)
		if _, err := ledger.Verify(stream(records), ledger.Claim{Checkpoint: signed, Keys: []string{n.public}}); !errors.Is(err, ledger.ErrTampered) {
			t.Errorf("%s, without stored hashes: %v", name, err)
		}
	}
}

func wantFault(t *testing.T, name string, err error, kind ledger.FaultKind, seq int64) {
	t.Helper()
	var fault *ledger.Fault
	if !errors.As(err, &fault) || !errors.Is(err, ledger.ErrTampered) || fault.Kind != kind || fault.Seq != seq {
		t.Errorf("%s: got %v, want %s at %d", name, err, kind, seq)
	}
}

func TestAReplacedTreeIsFound(t *testing.T) {
	n := newNotary(t)
	b := newBook(t, 10)
	claim := ledger.Claim{Checkpoint: n.sign(t, b.checkpoint(t)), Keys: []string{n.public}}
	other := &book{}
	for i := range 10 {
		r, err := ledger.Encode(int64(i), ledger.Entry{Kind: ledger.PlanProposed, At: noon})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := ledger.StoredHashes(r, other)
		if err != nil {
			t.Fatal(err)
		}
		other.records, other.hashes = append(other.records, r.Canonical), append(other.hashes, stored...)
	}
	claim.Hashes = other // records and hashes agree with each other
	_, err := ledger.Verify(stream(other.records), claim)
	wantFault(t, "replaced records and hashes", err, ledger.Replaced, -1)
	_, err = ledger.Verify(stream(b.records), claim)
	wantFault(t, "replaced hashes", err, ledger.Replaced, -1)
}

func TestACheckpointByAnotherKeyOrOfAnotherLedgerIsFound(t *testing.T) {
	n, stranger := newNotary(t), newNotary(t)
	b := newBook(t, 5)
	signed := n.sign(t, b.checkpoint(t))
	_, err := ledger.Verify(stream(b.records), ledger.Claim{Checkpoint: signed, Keys: []string{stranger.public}})
	wantFault(t, "a stranger's key", err, ledger.WrongKey, -1)
	_, err = ledger.Verify(stream(b.records), ledger.Claim{Checkpoint: signed})
	wantFault(t, "no key", err, ledger.WrongKey, -1)
	_, err = ledger.Verify(stream(b.records), ledger.Claim{Checkpoint: strings.Replace(signed, "\n5\n", "\n4\n", 1), Keys: []string{n.public}})
	wantFault(t, "an edited size", err, ledger.WrongKey, -1)
	_, err = ledger.Verify(stream(b.records), ledger.Claim{Checkpoint: signed, Keys: []string{n.public}, Origin: "other.example.com"})
	wantFault(t, "another ledger", err, ledger.Foreign, -1)
	if _, err = ledger.Verify(stream(b.records), ledger.Claim{Checkpoint: signed, Keys: []string{"no key"}}); !errors.Is(err, access.ErrInvalid) {
		t.Error(err)
	}
	if _, err = ledger.Verify(stream(b.records), ledger.Claim{Checkpoint: signed, Keys: []string{stranger.public, n.public}}); err != nil {
		t.Errorf("one of two keys: %v", err)
	}
}

func TestAReadErrorIsNotTampering(t *testing.T) {
	n := newNotary(t)
	b := newBook(t, 5)
	broken := func(yield func([]byte, error) bool) {
		_ = yield(b.records[0], nil) && yield(nil, access.ErrUnavailable)
	}
	_, err := ledger.Verify(broken, ledger.Claim{Checkpoint: n.sign(t, b.checkpoint(t)), Keys: []string{n.public}})
	if !errors.Is(err, access.ErrUnavailable) || errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
}

func TestAnyFlippedBitIsFound(t *testing.T) {
	n := newNotary(t)
	b := newBook(t, 12)
	signed := n.sign(t, b.checkpoint(t))
	rapid.Check(t, func(t *rapid.T) {
		records := slices.Clone(b.records)
		i := rapid.IntRange(0, len(records)-1).Draw(t, "record")
		records[i] = slices.Clone(records[i])
		at := rapid.IntRange(0, len(records[i])-1).Draw(t, "byte")
		records[i][at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := ledger.Verify(stream(records), ledger.Claim{Checkpoint: signed, Keys: []string{n.public}}); !errors.Is(err, ledger.ErrTampered) {
			t.Fatalf("not found: %v", err)
		}
	})
}

func TestProofsLeadFromRecordsToCheckpoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 70).Draw(t, "size")
		b := newBook(t, size)
		c := b.checkpoint(t)
		seq := rapid.IntRange(0, size-1).Draw(t, "seq")
		r, err := ledger.Decode(b.records[seq])
		if err != nil {
			t.Fatal(err)
		}
		proof, err := ledger.ProveRecord(c.Size, r.Seq, b)
		if err != nil || ledger.CheckRecord(r, proof, c) != nil {
			t.Fatalf("record %d of %d does not prove: %v", seq, size, err)
		}
		old := rapid.IntRange(1, size).Draw(t, "old")
		earlier := newBook(t, old).checkpoint(t)
		growth, err := ledger.ProveTree(c.Size, earlier.Size, b)
		if err != nil || ledger.CheckTree(c, earlier, growth) != nil {
			t.Fatalf("%d does not continue %d: %v", size, old, err)
		}
		earlier.Root[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		r.Hash[0] ^= 1
		if !errors.Is(ledger.CheckTree(c, earlier, growth), ledger.ErrTampered) || !errors.Is(ledger.CheckRecord(r, proof, c), ledger.ErrTampered) {
			t.Fatal("a proof of something else is accepted")
		}
	})
}

func TestProofsOfWhatIsNotThereAreRefused(t *testing.T) {
	b := newBook(t, 3)
	for _, seq := range []int64{-1, 3} {
		if _, err := ledger.ProveRecord(3, seq, b); !errors.Is(err, access.ErrInvalid) {
			t.Error(err)
		}
	}
	for _, old := range []int64{0, 4} {
		if _, err := ledger.ProveTree(3, old, b); !errors.Is(err, access.ErrInvalid) {
			t.Error(err)
		}
	}
	c := b.checkpoint(t)
	if err := ledger.CheckTree(c, ledger.Checkpoint{}, nil); err != nil {
		t.Errorf("the empty ledger begins every other: %v", err)
	}
	longer := c
	longer.Size = 4
	if err := ledger.CheckTree(c, longer, nil); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
}

func TestACheckpointComesBackAsItWas(t *testing.T) {
	n := newNotary(t)
	c := newBook(t, 3).checkpoint(t)
	got, err := ledger.Open(n.sign(t, c), n.public)
	if err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "o\n", "o\n-1\n", "o\n03\n" + c.Root.String() + "\n2026-11-22T11:00:00.000000Z\n", "o\n3\nAAAA\n2026-11-22T11:00:00.000000Z\n", "o\n3\n" + c.Root.String() + "\nnow\n"} {
		if _, err := ledger.ParseCheckpoint(text); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, bad := range []ledger.Checkpoint{{Origin: "", At: c.At}, {Origin: "a\nb", At: c.At}, {Origin: "a", Size: -1, At: c.At}} {
		if _, err := ledger.Sign(bad, n.private); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := ledger.Sign(c, secret.New("PRIVATE+KEY+x")); !errors.Is(err, access.ErrInvalid) || strings.Contains(err.Error(), "PRIVATE") {
		t.Error(err)
	}
	if _, _, err := ledger.GenerateKey("two words"); !errors.Is(err, access.ErrInvalid) {
		t.Error(err)
	}
}

func BenchmarkEncode(b *testing.B) {
	entry := samples()[1]
	for i := 0; b.Loop(); i++ {
		if _, err := ledger.Encode(int64(i), entry); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	n := newNotary(b)
	k := newBook(b, 10_000)
	claim := ledger.Claim{Checkpoint: n.sign(b, k.checkpoint(b)), Keys: []string{n.public}}
	for b.Loop() {
		if _, err := ledger.Verify(stream(k.records), claim); err != nil {
			b.Fatal(err)
		}
	}
}
