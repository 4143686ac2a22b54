package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Key is the private key of a ledger. Its name is the ledger's origin. The zero Key signs nothing.
type Key struct {
	private secret.Value
	origin  string
	public  string
	id      string
}

// algEd25519 is the first byte of an Ed25519 key in a note's key text.
//
// Source: golang.org/x/mod/sumdb/note, algEd25519; C2SP signed-note.
const algEd25519 = 1

// ParseKey reads the private key that [GenerateKey] returned.
//
// Errors: [access.ErrInvalid], without a word of the key.
func ParseKey(private secret.Value) (Key, error) {
	invalid := fmt.Errorf("ledger key is not understood: %w", access.ErrInvalid)
	signer, err := note.NewSigner(private.Reveal())
	if err != nil { // its text is about the key
		return Key{}, invalid
	}
	parts := strings.SplitN(private.Reveal(), "+", 5) // PRIVATE, KEY, name, number, and base64, which may hold more plus signs
	seed, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize || seed[0] != algEd25519 {
		return Key{}, invalid
	}
	pair := ed25519.NewKeyFromSeed(seed[1:]) // the seed and the public key, one after the other
	public, err := note.NewEd25519VerifierKey(signer.Name(), ed25519.PublicKey(pair[ed25519.SeedSize:]))
	if err != nil {
		return Key{}, invalid
	}
	return Key{private: private, origin: signer.Name(), public: public, id: keyID(signer.Name(), signer.KeyHash())}, nil
}

func keyID(name string, hash uint32) string { return fmt.Sprintf("%s+%08x", name, hash) }

// Empty reports whether there is no key.
func (k Key) Empty() bool { return k.origin == "" }

// Origin returns the name of the key, which is that of the ledger.
func (k Key) Origin() string { return k.origin }

// Public returns the public key, for everybody who verifies.
func (k Key) Public() string { return k.public }

// ID returns the name and the number by which signatures name the key: it tells keys of one name apart.
func (k Key) ID() string { return k.id }

// Sign returns the checkpoint, of this key's ledger, as a signed note.
//
// Errors: as [Sign].
func (k Key) Sign(c Checkpoint) (string, error) {
	c.Origin = k.origin
	return Sign(c, k.private)
}

// SignedBy returns the [Key.ID] of the key that a note says it was signed by. Nothing is verified.
//
// Errors: [access.ErrMalformed] for text that is no signed note.
func SignedBy(signed string) (string, error) {
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open([]byte(signed), note.VerifierList()); !errors.As(err, &unverified) || len(unverified.Note.UnverifiedSigs) == 0 {
		return "", fmt.Errorf("checkpoint is no signed note: %w", access.ErrMalformed)
	}
	first := unverified.Note.UnverifiedSigs[0]
	return keyID(first.Name, first.Hash), nil
}

// ManifestPurpose is the second line of what is signed over an export's manifest. It can be taken for no checkpoint, whose
// second line is a number.
const ManifestPurpose = "sopd evidence manifest 1"

// SignManifest returns a signed note over the SHA-256 of an export's manifest: a line each for origin, purpose and hash.
//
// Errors: [access.ErrInvalid] for a key that is none.
func (k Key) SignManifest(digest Hash) (string, error) {
	signer, err := note.NewSigner(k.private.Reveal())
	if err != nil {
		return "", fmt.Errorf("ledger key is not understood: %w", access.ErrInvalid)
	}
	signed, err := note.Sign(&note.Note{Text: manifestText(k.origin, digest)}, signer)
	if err != nil {
		return "", fmt.Errorf("manifest could not be signed: %w", access.ErrInvalid)
	}
	return string(signed), nil
}

func manifestText(origin string, digest Hash) string {
	return origin + "\n" + ManifestPurpose + "\n" + digest.String() + "\n"
}

// OpenManifest checks the signature over a manifest by one of the public keys and returns the origin and the hash that was
// signed.
//
// Errors: [access.ErrInvalid] for a public key that is none; [ErrTampered].
func OpenManifest(signed string, public ...string) (origin string, digest Hash, err error) {
	text, err := open(signed, public)
	if err != nil {
		return "", Hash{}, err
	}
	lines := strings.Split(text, "\n")
	if len(lines) == 4 && lines[1] == ManifestPurpose {
		if digest, err = tlog.ParseHash(lines[2]); err == nil && text == manifestText(lines[0], digest) {
			return lines[0], digest, nil
		}
	}
	return "", Hash{}, &Fault{Kind: WrongKey, Seq: -1, Detail: "what was signed is no manifest"}
}
