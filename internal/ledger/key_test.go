package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/secret"
	"pgregory.net/rapid"
)

func TestThePublicKeyIsFoundInThePrivateOne(t *testing.T) {
	for range 200 { // some keys have plus signs in their base64 text
		n := newNotary(t)
		key, err := ledger.ParseKey(n.private)
		if err != nil || key.Public() != n.public || key.Origin() != "sopd.example.com" || key.Empty() {
			t.Fatalf("%v, %v", key.Public(), err)
		}
	}
}

func TestAKeyNeverShowsItself(t *testing.T) {
	n := newNotary(t)
	key, err := ledger.ParseKey(n.private)
	if err != nil {
		t.Fatal(err)
	}
	seed := strings.SplitN(n.private.Reveal(), "+", 5)[4] // base64, which may hold a plus itself
	for _, text := range []string{fmt.Sprint(key), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key)} {
		if strings.Contains(text, seed) {
			t.Error("the private key is printed")
		}
	}
	for _, bad := range []string{"", "PRIVATE+KEY+x", n.public, n.private.Reveal() + "A", "PRIVATE+KEY+a+00000000+" + seed} {
		if _, err := ledger.ParseKey(secret.New(bad)); !errors.Is(err, access.ErrInvalid) || len(bad) > 0 && strings.Contains(err.Error(), bad) {
			t.Errorf("%v", err)
		}
	}
}

func TestANoteNamesItsKey(t *testing.T) {
	n, other := newNotary(t), newNotary(t)
	key, err := ledger.ParseKey(n.private)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := key.Sign(newBook(t, 3).checkpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := ledger.SignedBy(signed); err != nil || id != key.ID() {
		t.Errorf("%q, %v", id, err)
	}
	if c, err := ledger.Open(signed, other.public, n.public); err != nil || c.Origin != key.Origin() {
		t.Errorf("%+v, %v", c, err)
	}
	for _, text := range []string{"", "no note", "a\n\nb\n"} {
		if _, err := ledger.SignedBy(text); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestASignedManifestIsNoCheckpointAndTheOtherWayRound(t *testing.T) {
	n, other := newNotary(t), newNotary(t)
	key, err := ledger.ParseKey(n.private)
	if err != nil {
		t.Fatal(err)
	}
	c := newBook(t, 3).checkpoint(t)
	manifest, err := key.SignManifest(c.Root)
	if err != nil {
		t.Fatal(err)
	}
	if origin, digest, err := ledger.OpenManifest(manifest, n.public); err != nil || origin != key.Origin() || digest != c.Root {
		t.Errorf("%s, %s, %v", origin, digest, err)
	}
	if _, _, err := ledger.OpenManifest(manifest, other.public); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
	if _, err := ledger.Open(manifest, n.public); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
	if _, _, err := ledger.OpenManifest(n.sign(t, c), n.public); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
}

func TestATreeGoesOnFromItsFrontier(t *testing.T) {
	b := newBook(t, 70)
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 70).Draw(t, "from")
		frontier, err := ledger.Frontier(from, b)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := ledger.Resume(from, frontier)
		if err != nil {
			t.Fatal(err)
		}
		for _, canonical := range b.records[from:] {
			r, err := ledger.Decode(canonical)
			if err != nil {
				t.Fatal(err)
			}
			tree.Append(r.Hash)
		}
		if root, err := tree.Root(); err != nil || root != b.checkpoint(t).Root || tree.Size() != 70 {
			t.Fatalf("another root from %d on: %v", from, err)
		}
		if _, err := ledger.Resume(from+1<<40, frontier); !errors.Is(err, access.ErrInvalid) {
			t.Fatal(err)
		}
	})
}
