package ledger

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint states how many records there are and what they hash to.
type Checkpoint struct {
	// Origin names the ledger, such as "sopd.example.com/ledger": one line, not empty.
	Origin string
	Size   int64 // number of records
	Root   Hash
	At     time.Time // when it was made, in microseconds
}

// Text returns what is signed: a line each for origin, size, root and time.
//
// Source: C2SP tlog-checkpoint; the time is an extension line.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n%s\n", c.Origin, c.Size, c.Root, c.At.UTC().Format(timeLayout))
}

// ParseCheckpoint reads what [Checkpoint.Text] writes. Further lines are ignored.
//
// Errors: [access.ErrMalformed].
func ParseCheckpoint(text string) (Checkpoint, error) {
	malformed := fmt.Errorf("checkpoint is not understood: %w", access.ErrMalformed)
	lines := strings.Split(text, "\n")
	if len(lines) < 5 || lines[0] == "" {
		return Checkpoint{}, malformed
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return Checkpoint{}, malformed
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil || c.Root.String() != lines[2] {
		return Checkpoint{}, malformed
	}
	if c.At, err = time.Parse(timeLayout, lines[3]); err != nil {
		return Checkpoint{}, malformed
	}
	return c, nil
}

// GenerateKey makes a key pair for checkpoints. The name stands in every signature and in the public key, without spaces
// and plus signs. The public key is for everybody, the private one for the daemon alone.
//
// Errors: [access.ErrInvalid] for a name that cannot be one.
func GenerateKey(name string) (private secret.Value, public string, err error) {
	key, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return secret.Value{}, "", fmt.Errorf("checkpoint key could not be made: %w", access.ErrInvalid)
	}
	if _, err := note.NewVerifier(public); err != nil {
		return secret.Value{}, "", fmt.Errorf("name of a checkpoint key must have no space or plus sign: %w", access.ErrInvalid)
	}
	return secret.New(key), public, nil
}

// Sign returns the checkpoint as a signed note.
//
// Errors: [access.ErrInvalid] for a key that is none, an origin that is not one line, or a time out of range.
func Sign(c Checkpoint, private secret.Value) (string, error) {
	if _, err := ParseCheckpoint(c.Text()); err != nil || strings.Contains(c.Origin, "\n") {
		return "", fmt.Errorf("checkpoint cannot be signed: origin, size or time is wrong: %w", access.ErrInvalid)
	}
	signer, err := note.NewSigner(private.Reveal())
	if err != nil { // its text is about the key
		return "", fmt.Errorf("checkpoint key is not understood: %w", access.ErrInvalid)
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return "", fmt.Errorf("checkpoint could not be signed: %w", access.ErrInvalid)
	}
	return string(signed), nil
}

// Open checks the signature of a note and returns the checkpoint in it. One valid signature by any of the public keys is
// enough, so that keys can be changed.
//
// Errors: [access.ErrInvalid] for a public key that is none; [ErrTampered] for a note that none of them signed or that
// was edited.
func Open(signed string, public ...string) (Checkpoint, error) {
	text, err := open(signed, public)
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := ParseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, &Fault{Kind: WrongKey, Seq: -1, Detail: "what was signed is no checkpoint"}
	}
	return c, nil
}

// open returns the text of a note that one of the public keys signed.
func open(signed string, public []string) (string, error) {
	var verifiers []note.Verifier
	for _, key := range public {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return "", fmt.Errorf("public key of the ledger is not understood: %w", access.ErrInvalid)
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return "", &Fault{Kind: WrongKey, Seq: -1, Detail: "the note is not signed by the given key, or was edited"}
	}
	return opened.Text, nil
}
