package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"golang.org/x/mod/sumdb/tlog"
)

// Version is the version of the canonical form that [Encode] writes. [Decode] reads those before it too.
const Version = 2

// oldest is the first version of the canonical form. Its records name persons by their identifiers.
const oldest = 1

// timeLayout is how times are written: UTC and always six decimals, so that they sort as text.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Hash is a SHA-256 hash of a record or of a part of the tree.
type Hash = tlog.Hash

// wire is the canonical form's object. Its fields are in the order of their keys.
type wire struct {
	At      string          `json:"at"`
	Body    json.RawMessage `json:"body,omitempty"`
	Change  change.ID       `json:"change,omitempty"`
	Group   access.GroupID  `json:"group,omitempty"`
	Kind    Kind            `json:"kind"`
	Seq     int64           `json:"seq"`
	Ticket  ticket.Key      `json:"ticket,omitempty"`
	User    access.UserID   `json:"user,omitempty"`
	Version int             `json:"v"`
}

// Encode puts the entry into its place in the ledger.
//
// Errors: [access.ErrInvalid] for an unknown kind, a negative position, a zero time, or a body that has no canonical form.
func Encode(seq int64, entry Entry) (Record, error) {
	if seq < 0 {
		return Record{}, fmt.Errorf("ledger position is negative: %w", access.ErrInvalid)
	}
	if !entry.Kind.Valid() {
		return Record{}, fmt.Errorf("unknown kind of ledger entry: %w", access.ErrInvalid)
	}
	at := entry.At.UTC().Truncate(time.Microsecond)
	if at.IsZero() || at.Year() < 1 || at.Year() > 9999 {
		return Record{}, fmt.Errorf("time of ledger entry is out of range: %w", access.ErrInvalid)
	}
	body, err := encodeBody(entry.Body)
	if err != nil {
		return Record{}, fmt.Errorf("body of ledger entry %s: %w", entry.Kind, err)
	}
	w := wire{
		At: at.Format(timeLayout), Body: body, Change: entry.Change, Group: entry.Group, Kind: entry.Kind,
		Seq: seq, Ticket: entry.Ticket, User: entry.User, Version: Version,
	}
	return newRecord(w, at, w.canonical()), nil
}

// canonical returns the canonical form. The body is in canonical form already, and the keys stand in the order of their
// bytes.
func (w wire) canonical() []byte {
	out := make([]byte, 0, len(w.Body)+256)
	out = appendString(append(out, `{"at":`...), w.At)
	if w.Body != nil {
		out = append(append(out, `,"body":`...), w.Body...)
	}
	out = appendText(out, `,"change":`, string(w.Change))
	out = appendText(out, `,"group":`, string(w.Group))
	out = appendText(out, `,"kind":`, string(w.Kind))
	out = strconv.AppendInt(append(out, `,"seq":`...), w.Seq, 10)
	out = appendText(out, `,"ticket":`, string(w.Ticket))
	out = appendText(out, `,"user":`, string(w.User))
	out = strconv.AppendInt(append(out, `,"v":`...), int64(w.Version), 10)
	return append(out, '}')
}

// appendText appends a key with its text, nothing for an empty one.
func appendText(out []byte, key, text string) []byte {
	if text == "" {
		return out
	}
	return appendString(append(out, key...), text)
}

func encodeBody(body any) (json.RawMessage, error) {
	if body == nil {
		return nil, nil
	}
	if ready, ok := body.(canonicalBody); ok {
		return json.RawMessage(ready), nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("no JSON form: %w", access.ErrInvalid)
	}
	if bytes.Equal(text, []byte("null")) {
		return nil, nil
	}
	return Canonical(text)
}

func newRecord(w wire, at time.Time, canonical []byte) Record {
	record := Record{
		Entry: Entry{Kind: w.Kind, At: at, Change: w.Change, Ticket: w.Ticket, User: w.User, Group: w.Group},
		Seq:   w.Seq, Canonical: canonical, Hash: tlog.RecordHash(canonical),
	}
	if w.Body != nil {
		record.Body = w.Body
	}
	return record
}

// Decode reads a record in canonical form.
//
// Errors: [access.ErrMalformed] for bytes that [Encode] would not have written, down to a single space: what is not
// canonical was not written by sopd.
func Decode(canonical []byte) (Record, error) {
	var w wire
	if err := json.Unmarshal(canonical, &w); err != nil {
		return Record{}, fmt.Errorf("ledger record is not understood: %w", access.ErrMalformed)
	}
	if w.Version < oldest || w.Version > Version {
		return Record{}, fmt.Errorf("ledger record has version %d, this program reads %d to %d: %w", w.Version, oldest, Version, access.ErrMalformed)
	}
	at, err := time.Parse(timeLayout, w.At)
	if err != nil {
		return Record{}, fmt.Errorf("ledger record has no valid time: %w", access.ErrMalformed)
	}
	if !w.written(at) || !bytes.Equal(w.canonical(), canonical) {
		return Record{}, fmt.Errorf("ledger record is not in canonical form: %w", access.ErrMalformed)
	}
	return newRecord(w, at, bytes.Clone(canonical)), nil
}

// written reports whether [Encode] writes such an object, apart from how: whatever else stood in the text is not in w, so
// that its canonical form differs from the text.
func (w wire) written(at time.Time) bool {
	if w.Seq < 0 || !w.Kind.Valid() || at.IsZero() || at.Year() < 1 || at.Format(timeLayout) != w.At {
		return false
	}
	if w.Body == nil {
		return true
	}
	body, err := Canonical(w.Body)
	return err == nil && bytes.Equal(body, w.Body) && !bytes.Equal(body, []byte("null"))
}
