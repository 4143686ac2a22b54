package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
	"golang.org/x/mod/sumdb/tlog"
)

// Version is the version of the canonical form that [Encode] writes and [Decode] reads.
const Version = 1

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
	text, err := json.Marshal(w)
	if err != nil {
		return Record{}, fmt.Errorf("ledger entry %s: %w", entry.Kind, access.ErrInvalid)
	}
	canonical, err := Canonical(text)
	if err != nil {
		return Record{}, fmt.Errorf("ledger entry %s: %w", entry.Kind, err)
	}
	return newRecord(w, at, canonical), nil
}

func encodeBody(body any) (json.RawMessage, error) {
	if body == nil {
		return nil, nil
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
	dec := json.NewDecoder(bytes.NewReader(canonical))
	dec.DisallowUnknownFields()
	var w wire
	if err := dec.Decode(&w); err != nil {
		return Record{}, fmt.Errorf("ledger record is not understood: %w", access.ErrMalformed)
	}
	if w.Version != Version {
		return Record{}, fmt.Errorf("ledger record has version %d, this program reads %d: %w", w.Version, Version, access.ErrMalformed)
	}
	at, err := time.Parse(timeLayout, w.At)
	if err != nil {
		return Record{}, fmt.Errorf("ledger record has no valid time: %w", access.ErrMalformed)
	}
	entry := newRecord(w, at, nil).Entry
	again, err := Encode(w.Seq, entry)
	if err != nil || !bytes.Equal(again.Canonical, canonical) {
		return Record{}, fmt.Errorf("ledger record is not in canonical form: %w", access.ErrMalformed)
	}
	return again, nil
}
