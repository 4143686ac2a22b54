package evidence

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"unicode/utf8"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/original"
)

// Originals is how an export shows what vendors sent.
type Originals string

// How it is shown.
const (
	OriginalsRedacted Originals = ""      // without names, addresses and free text
	OriginalsWhole    Originals = "whole" // byte by byte, so that a verifier can hold them against the ledger
)

// The states of an original in an export.
const (
	stateWhole    = "whole"
	stateRedacted = "redacted"
	stateErased   = "erased"   // with a person; the hash is all that is left
	stateWithheld = "withheld" // the export names nobody
)

// originalLine is an original in an export: a line for each that a record of the period names, in the order of the ledger.
type originalLine struct {
	Seq int64 `json:"seq"` // of the record that names it
	original.Ref
	State string `json:"state"`
	// Object is the redacted form; Text the bytes, or Base64 where they are no UTF-8; Erased the pseudonym of the person.
	Object json.RawMessage `json:"object,omitempty"`
	Text   string          `json:"text,omitempty"`
	Base64 []byte          `json:"base64,omitempty"`
	Erased string          `json:"erased,omitempty"`
}

// sent returns the bytes of a whole original.
func (l originalLine) sent() []byte {
	if len(l.Base64) > 0 {
		return l.Base64
	}
	return []byte(l.Text)
}

// fits reports whether the line holds what its state says, and nothing else.
func (l originalLine) fits() bool {
	object, text, erased := len(l.Object) > 0, len(l.Text)+len(l.Base64) > 0, l.Erased != ""
	switch l.State {
	case stateWhole:
		return text && !object && !erased && (l.Text == "" || len(l.Base64) == 0)
	case stateRedacted:
		return object && !text && !erased
	case stateErased:
		return erased && !object && !text && ledger.IsPseudonym(l.Erased)
	case stateWithheld:
		return !object && !text && !erased
	}
	return false
}

// originalWriter writes the originals.
type originalWriter struct {
	exporter *exporter
	out      jsonLines
	erased   map[string]bool // persons who are known to be erased
}

func (e *exporter) newOriginalWriter() (*originalWriter, error) {
	out, err := e.folder.jsonLines(FileOriginals)
	e.manifest.Originals = make(map[string]int64)
	return &originalWriter{exporter: e, out: out, erased: make(map[string]bool)}, err
}

// record writes the originals that the record names.
//
// Errors: [ledger.ErrTampered] when the store does not have what the ledger names.
func (w *originalWriter) record(r ledger.Record) error {
	if r.Kind != ledger.OriginalKept {
		return nil
	}
	var body original.Body
	if err := DecodeBody(r, &body); err != nil {
		return err
	}
	for _, ref := range body.Originals {
		line := originalLine{Seq: r.Seq, Ref: ref, State: stateWithheld}
		if w.exporter.options.People != Concealed {
			if err := w.fill(&line); err != nil {
				return err
			}
		}
		w.exporter.manifest.Originals[line.State]++
		if err := w.out.put(line); err != nil {
			return err
		}
	}
	return nil
}

func (w *originalWriter) fill(line *originalLine) error {
	text, erased, err := w.exporter.tx.Original(line.Ref)
	fault := func(kind ledger.FaultKind) error {
		return &ledger.Fault{Kind: kind, Seq: line.Seq, Detail: fmt.Sprintf("the store does not have the %s %s that it names", line.Kind, line.SHA256)}
	}
	switch {
	case errors.Is(err, access.ErrNotFound):
		return fault(ledger.Missing)
	case errors.Is(err, access.ErrMalformed):
		return fault(ledger.Edited)
	case err != nil:
		return err
	case erased != "":
		line.State, line.Erased = stateErased, erased
		return w.mourn(erased, line.Seq)
	case w.exporter.options.Originals == OriginalsWhole:
		line.State = stateWhole
		if utf8.Valid(text) {
			line.Text = string(text)
		} else {
			line.Base64 = text
		}
		return nil
	}
	line.State = stateRedacted
	if line.Object, err = w.exporter.redactor.Redact(line.Kind, text); errors.Is(err, access.ErrMalformed) {
		line.Object, err = json.RawMessage(strconv.Quote(original.Redacted)), nil // one that nobody understands blocks no other
	}
	return err
}

// mourn makes sure that the ledger knows of the erasure: who can only write to the store cannot hide an original by it.
func (w *originalWriter) mourn(pseudonym string, seq int64) error {
	if w.erased[pseudonym] {
		return nil
	}
	records, err := w.exporter.tx.RecordsByUser(access.UserID(pseudonym))
	if err != nil {
		return err
	}
	for _, r := range records {
		w.erased[pseudonym] = w.erased[pseudonym] || r.Kind == ledger.PersonErased
	}
	if !w.erased[pseudonym] {
		return &ledger.Fault{Kind: ledger.Edited, Seq: seq, Detail: "the store says that the original it names went with a person who was never erased"}
	}
	return nil
}

// eventLine is an event of the System Log as sopd understood it, with what Okta sent where that is known.
type eventLine struct {
	access.Event
	SHA256 string          `json:",omitempty"` // of what Okta sent
	Sent   json.RawMessage `json:",omitempty"` // redacted
	Text   string          `json:",omitempty"` // whole
}

// eventLine returns the event with its original as the export shows originals. Whatever decision rests on it, the comparison
// does.
func (e *exporter) eventLine(event access.Event) (eventLine, error) {
	line := eventLine{Event: event}
	if len(event.Original) == 0 {
		return line, nil
	}
	line.SHA256 = original.Sum(event.Original)
	var err error
	if e.options.Originals == OriginalsWhole {
		line.Text = string(event.Original)
	} else {
		line.Sent, err = e.redactor.Redact(original.Event, event.Original)
	}
	return line, err
}

// originalCheck holds the originals against the records as they come by.
type originalCheck struct {
	known  map[string]string // identifier of each person by pseudonym
	lines  *bufio.Scanner
	n      int64
	counts map[string]int64
}

func (v *verifier) originals() (*originalCheck, fs.File, error) {
	file, err := v.open(FileOriginals)
	if err != nil {
		return nil, nil, err
	}
	c := &originalCheck{known: v.known, lines: bufio.NewScanner(file), counts: make(map[string]int64)}
	c.lines.Buffer(nil, maxLine)
	return c, file, nil
}

func (c *originalCheck) fault(kind ledger.FaultKind, format string, args ...any) error {
	return &Fault{File: FileOriginals, Kind: kind, Line: c.n, Detail: fmt.Sprintf(format, args...)}
}

// record expects a line for each original that the record names.
func (c *originalCheck) record(r ledger.Record) error {
	if r.Kind != ledger.OriginalKept {
		return nil
	}
	var body original.Body
	if err := DecodeBody(r, &body); err != nil {
		return &Fault{File: FileRecords, Kind: ledger.Edited, Detail: fmt.Sprintf("record %d names no originals", r.Seq)}
	}
	for _, ref := range body.Originals {
		if name, found := c.known[ref.ID]; found {
			ref.ID = name
		}
		if err := c.expect(r.Seq, ref); err != nil {
			return err
		}
	}
	return nil
}

func (c *originalCheck) expect(seq int64, ref original.Ref) error {
	if !c.lines.Scan() {
		if err := c.lines.Err(); err != nil {
			return c.unread(err)
		}
		return c.fault(ledger.Truncated, "the %s %s, which record %d names, is missing", ref.Kind, ref.SHA256, seq)
	}
	c.n++
	line, err := decodeOriginal(c.lines.Bytes())
	switch {
	case err != nil:
		return c.fault(ledger.Edited, "it is not understood, and should be the %s that record %d names", ref.Kind, seq)
	case line.Seq > seq:
		return c.fault(ledger.Dropped, "the %s %s, which record %d names, should stand here", ref.Kind, ref.SHA256, seq)
	case line.Seq < seq:
		return c.fault(ledger.Duplicated, "an original of record %d stands where one of record %d should", line.Seq, seq)
	case line.ID != ref.ID || line.Kind != ref.Kind || line.SHA256 != ref.SHA256 || !line.ReadAt.Equal(ref.ReadAt):
		return c.fault(ledger.Edited, "record %d names the %s %s here", seq, ref.Kind, ref.SHA256)
	case !line.fits():
		return c.fault(ledger.Edited, "it does not hold what its state says")
	case line.State == stateWhole && original.Sum(line.sent()) != ref.SHA256:
		return c.fault(ledger.Edited, "the bytes are not the %s that record %d names", ref.Kind, seq)
	}
	if _, lives := c.known[line.Erased]; line.State == stateErased && lives {
		return c.fault(ledger.Edited, "it is said to have gone with a person who was not erased")
	}
	c.counts[line.State]++
	return nil
}

// decodeOriginal reads a line.
//
// Errors: of encoding/json, for a line that an export does not hold.
func decodeOriginal(text []byte) (line originalLine, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(&line)
	if err == nil && dec.More() {
		err = errors.New("more than one object")
	}
	return line, err
}

func (c *originalCheck) unread(err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return c.fault(ledger.Edited, "the next line is longer than any original")
	}
	return unreadable(FileOriginals, err)
}

// end expects that nothing follows, and that the manifest counts what was there.
func (c *originalCheck) end(claimed map[string]int64) error {
	if c.lines.Scan() {
		c.n++
		return c.fault(ledger.Foreign, "no record in the period names it")
	}
	if err := c.lines.Err(); err != nil {
		return c.unread(err)
	}
	if !maps.Equal(c.counts, claimed) {
		return &Fault{File: FileManifest, Kind: ledger.Foreign, Detail: fmt.Sprintf("the originals are %v, the manifest claims %v", c.counts, claimed)}
	}
	return nil
}
