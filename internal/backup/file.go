package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
)

// HeaderVersion is the version of the file's form that this program writes and reads.
const HeaderVersion = 1

// Header says what a backup file holds. It stands inside of the encryption.
type Header struct {
	Version int       `json:"version"` // [HeaderVersion]
	Program string    `json:"program"` // version of sopd that wrote it
	Taken   time.Time `json:"taken"`   // when the copy was made; what was recorded later is not in it
	Bytes   int64     `json:"bytes"`   // length of the database
	SHA256  string    `json:"sha256"`  // of the database, hex
}

// maxHeader bounds the first line of a file.
const maxHeader = 1 << 16

// Recipients are public keys that backups are encrypted to.
type Recipients []age.Recipient

// Identities are private keys that open backups.
type Identities []age.Identity

// ParseRecipients reads public keys of age, separated by spaces, commas or line ends.
//
// Errors: [access.ErrInvalid].
func ParseRecipients(text string) (Recipients, error) {
	lines := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }), "\n")
	all, err := age.ParseRecipients(strings.NewReader(lines))
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("no public keys of age, such as age1…: %w", access.ErrInvalid)
	}
	return all, nil
}

// ParseIdentities reads private keys of age, a line each, as age-keygen writes them.
//
// Errors: [access.ErrInvalid], without a word of the keys.
func ParseIdentities(text string) (Identities, error) {
	all, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("no private keys of age, such as AGE-SECRET-KEY-1…: %w", access.ErrInvalid)
	}
	return all, nil
}

// ephemeral makes a key for one file, of the sort that the recipients can stand beside: age mixes no post-quantum keys with
// others.
func ephemeral(recipients Recipients) (age.Recipient, age.Identity, error) {
	for _, r := range recipients {
		if _, quantum := r.(*age.HybridRecipient); !quantum {
			continue
		}
		identity, err := age.GenerateHybridIdentity()
		if err != nil {
			return nil, nil, fmt.Errorf("key for verification: %w", access.ErrUnavailable)
		}
		return identity.Recipient(), identity, nil
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, fmt.Errorf("key for verification: %w", access.ErrUnavailable)
	}
	return identity.Recipient(), identity, nil
}

// seal writes the database as a backup file.
//
// Errors: [access.ErrInvalid] for recipients that age does not mix; [access.ErrUnavailable] when the file cannot be written.
func seal(path, database string, h Header, recipients Recipients) (err error) {
	in, err := os.Open(database)
	if err != nil {
		return unwritable(err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return unwritable(err)
	}
	defer func() {
		if closed := out.Close(); err == nil && closed != nil {
			err = unwritable(closed)
		}
	}()
	buffered := bufio.NewWriterSize(out, 1<<18)
	encrypted, err := age.Encrypt(buffered, recipients...)
	if err != nil { // its text may be about a key
		return fmt.Errorf("recipients cannot be used together: %w", access.ErrInvalid)
	}
	if err := pack(encrypted, in, h); err != nil {
		return err
	}
	err = errors.Join(encrypted.Close(), buffered.Flush(), out.Sync())
	if err != nil {
		return unwritable(err)
	}
	return nil
}

// pack writes header and database.
func pack(out io.Writer, database io.Reader, h Header) error {
	line, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("header has no JSON form: %w", access.ErrInvalid)
	}
	if _, err := out.Write(append(line, '\n')); err != nil {
		return unwritable(err)
	}
	packed, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("compression: %w", access.ErrInvalid)
	}
	if _, err := io.Copy(packed, database); err != nil {
		return unwritable(err)
	}
	if err := packed.Close(); err != nil {
		return unwritable(err)
	}
	return nil
}

// Unpack decrypts a backup file and writes the database in it to a new file.
//
// Errors: [access.ErrNotFound] when there is no such file; [access.ErrDenied] when none of the identities fits;
// [access.ErrMalformed] for a file that is no backup, is cut, or was changed; [access.ErrUnavailable] when the database
// cannot be written. After an error there is no database.
func Unpack(path string, identities Identities, database string) (Header, error) {
	in, err := os.Open(filepath.Clean(path))
	if errors.Is(err, os.ErrNotExist) {
		return Header{}, fmt.Errorf("there is no backup file: %w", access.ErrNotFound)
	}
	if err != nil {
		return Header{}, fmt.Errorf("backup file cannot be read: %w", access.ErrUnavailable)
	}
	defer in.Close() //nolint:errcheck // it was only read
	plain, err := age.Decrypt(bufio.NewReaderSize(in, 1<<18), identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return Header{}, fmt.Errorf("backup is not encrypted to any of the given identities: %w", access.ErrDenied)
	}
	if err != nil {
		return Header{}, damaged("it is no file of age, or its beginning was changed")
	}
	h, err := unpack(bufio.NewReaderSize(plain, maxHeader), database)
	if err != nil {
		return Header{}, errors.Join(err, removeIfThere(database))
	}
	return h, nil
}

func damaged(what string) error {
	return fmt.Errorf("backup is damaged: %s: %w", what, access.ErrMalformed)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return unwritable(err)
	}
	return nil
}

// unpack reads what pack wrote.
func unpack(plain *bufio.Reader, database string) (Header, error) {
	line, err := plain.ReadSlice('\n')
	if err != nil {
		return Header{}, damaged("it has no header, or its beginning was changed")
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var h Header
	if err := dec.Decode(&h); err != nil {
		return Header{}, damaged("its header is not understood")
	}
	if h.Version != HeaderVersion {
		return Header{}, fmt.Errorf("backup has version %d, this program reads %d: %w", h.Version, HeaderVersion, access.ErrMalformed)
	}
	packed, err := gzip.NewReader(plain)
	if err != nil {
		return Header{}, damaged("its content is cut or was changed")
	}
	out, err := os.OpenFile(database, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Header{}, unwritable(err)
	}
	sum := sha256.New()
	sink := &writeError{to: io.MultiWriter(out, sum)}
	n, err := io.Copy(sink, io.LimitReader(packed, h.Bytes+1))
	if err == nil {
		_, err = io.Copy(io.Discard, plain) // to the end, where age says whether anything was cut
	}
	synced := errors.Join(out.Sync(), out.Close())
	switch {
	case sink.err != nil || synced != nil:
		return Header{}, unwritable(errors.Join(sink.err, synced))
	case err != nil:
		return Header{}, damaged("its content is cut or was changed")
	case n != h.Bytes || hex.EncodeToString(sum.Sum(nil)) != h.SHA256:
		return Header{}, damaged("the database in it is not the one that was copied")
	}
	return h, nil
}

// writeError tells the errors of writing from those of reading.
type writeError struct {
	to  io.Writer
	err error
}

// Write implements [io.Writer].
func (w *writeError) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// unwritable leaves the path out of an error.
func unwritable(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("backup cannot be written (%v): %w", err, access.ErrUnavailable) //nolint:errorlint // the path stays out
}

// describe returns length and hash of a database.
func describe(path string) (Header, error) {
	in, err := os.Open(path)
	if err != nil {
		return Header{}, unwritable(err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	n, err := io.Copy(sum, in)
	if err != nil {
		return Header{}, unwritable(err)
	}
	return Header{Version: HeaderVersion, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// NewIdentity makes a key pair: the private key as the text of a file that age and [ParseIdentities] read, and the public key
// that backups are encrypted to.
//
// Errors: [access.ErrUnavailable].
func NewIdentity() (private secret.Value, public string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return secret.Value{}, "", fmt.Errorf("key of backups could not be made: %w", access.ErrUnavailable)
	}
	return secret.New(identity.String()), identity.Recipient().String(), nil
}
