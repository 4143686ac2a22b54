package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// ManifestVersion is the version of the export's form that this program writes and verifies.
const ManifestVersion = 1

// The files of an export that are no views. docs/evidence.md describes them.
const (
	FileManifest    = "manifest.json"
	FileSignature   = "manifest.sig"    // signed note over the SHA-256 of the manifest
	FileRecords     = "records.jsonl"   // canonical form of each record, a line each
	FileLeaves      = "leaves.bin"      // leaf hash of each record, 32 bytes each
	FileCheckpoints = "checkpoints.txt" // signed notes, each followed by an empty line
	FileIndex       = "index.html"
	FilePeople      = "people.jsonl"          // whom the pseudonyms in the records mean, with the keys that prove it
	FileEvents      = "events.jsonl"          // System Log events on managed groups in the period
	FileTickets     = "tickets.jsonl"         // tickets and approvals of the grants in the period, redacted
	FileOriginals   = "originals.jsonl"       // what vendors sent, of each object that a decision in the period rests on
	FileGroups      = "groups.csv"            // managed groups with the time of their last complete read
	FileComparison  = "comparison.csv"        // what one source shows and another does not
	FileOthers      = "changes-by-others.csv" // events on members of managed groups without a change of ours
	FilePolicies    = "policies.jsonl"        // text of each policy file in force in the period
	FileControls    = "controls.csv"          // controls of frameworks, with procedures and lists
	FileWorkbook    = "evidence.xlsx"         // the lists as sheets
)

// Manifest says what an export is, and vouches for each of its files. It is signed by the ledger's key.
type Manifest struct {
	Version int    `json:"version"` // [ManifestVersion]
	Origin  string `json:"origin"`  // name of the ledger
	Program string `json:"program"` // version of sopd that wrote the export
	// Made is when.
	Made time.Time `json:"made"`
	// From and To are the half-open period of the population. To lies at or before the time of the last checkpoint.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Asked is the end of the period that was asked for.
	Asked   time.Time        `json:"asked"`
	Records Range            `json:"records"`
	Kinds   map[string]int64 `json:"kinds"` // number of records in the period, by kind
	Views   []ViewCount      `json:"views"`
	Sources Sources          `json:"sources"`
	// Originals is how many objects of vendors the records in the period name, by whether they are whole, redacted, erased or
	// withheld here.
	Originals map[string]int64 `json:"originals"`
	// Comparison holds the numbers of the comparison; nil when the export was made of the ledger alone.
	Comparison *Comparison `json:"comparison,omitempty"`
	// Filter is what the page and the workbook were narrowed to. The lists are whole nevertheless, or their population could
	// not be proven.
	Filter *Filter `json:"filter,omitempty"`
	// Incomplete says which sources were not read completely, when the export was made nevertheless.
	Incomplete []string  `json:"incomplete,omitempty"`
	Files      []FileSum `json:"files"` // every other file but the signature, sorted by name
}

// Range is the stretch of the ledger that an export holds: every record from First to before End. It reaches from one
// checkpoint to another, so it may hold records before and after the period.
type Range struct {
	First int64 `json:"first"` // position of the first record, and size of the checkpoint before it
	End   int64 `json:"end"`   // position after the last record, and size of the last checkpoint
	// Frontier holds the roots of the complete subtrees before First, the largest first. With them the root of each
	// checkpoint is computed from the records.
	Frontier []ledger.Hash `json:"frontier"`
	// Consistency is the RFC 6962 proof that the tree of End records begins with that of First; empty when First is 0.
	Consistency ledger.Proof `json:"consistency"`
	InPeriod    int64        `json:"inPeriod"` // how many of the records lie in the period
}

// FileSum is a file and what it must hash to.
type FileSum struct {
	Name   string `json:"name"`   // in the export, without folders
	Bytes  int64  `json:"bytes"`  // its length
	SHA256 string `json:"sha256"` // hex
}

// ViewCount is a view and how many rows it has.
type ViewCount struct {
	View
	Rows int64 `json:"rows"` // without the heading
}

// View is a list for one control. Its population is every record of the kinds in the period; each row begins with the
// columns of [ViewColumns], in the order of the ledger.
type View struct {
	File  string        `json:"file"`  // name in the export
	Title string        `json:"title"` // what a row is, for people
	Kinds []ledger.Kind `json:"kinds"` // kinds of record in the population
	// Fact narrows it to facts of these names, separated by spaces; a name that ends in a star stands for all that begin so.
	// Empty for all.
	Fact string `json:"fact,omitempty"`
}

// ViewColumns returns the columns that each view begins with. They stand in the record too.
func ViewColumns() []string { return []string{"seq", "at", "change", "ticket", "user", "group"} }

// factLeft is the fact that begins a leaver's clock, factRemoved and factValidated end clocks; package reconcile records
// them.
const (
	factLeft      = "leaver.left"
	factRemoved   = "leaver.removed"
	factValidated = "request.validated"
)

// holds reports whether a record of the kind, in the period, is in the view's population. name is what [factName] returns.
func (v View) holds(kind ledger.Kind, name string) bool {
	if !slices.Contains(v.Kinds, kind) {
		return false
	}
	for want := range strings.FieldsSeq(v.Fact) {
		if prefix, all := strings.CutSuffix(want, "*"); name == want || all && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return v.Fact == ""
}

// factName returns the name of the fact that the record holds; nothing for a record of another kind, and for the correction
// that takes a fact back.
func factName(r ledger.Record) (string, error) {
	if r.Kind != ledger.FactRecorded && r.Kind != ledger.FactCorrected {
		return "", nil
	}
	var fact struct {
		Name string `json:"name"`
	}
	err := DecodeBody(r, &fact)
	return fact.Name, err
}

// in reports whether the record lies in the period.
func (m Manifest) in(r ledger.Record) bool { return !r.At.Before(m.From) && r.At.Before(m.To) }

// encode returns the manifest as it is written and signed.
func (m Manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest has no JSON form: %w", access.ErrInvalid)
	}
	return append(text, '\n'), nil
}

// decodeManifest reads what encode writes.
//
// Errors: [access.ErrMalformed].
func decodeManifest(text []byte) (Manifest, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var m Manifest
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("manifest is not understood: %w", access.ErrMalformed)
	}
	if m.Version != ManifestVersion {
		return Manifest{}, fmt.Errorf("manifest has version %d, this program reads %d: %w", m.Version, ManifestVersion, access.ErrMalformed)
	}
	return m, m.spelled(text)
}

// spelled checks that the text has the manifest's keys as they are spelled, and no others: encoding/json takes "Version" for
// "version", which no other program does.
//
// Errors: [access.ErrMalformed].
func (m Manifest) spelled(text []byte) error {
	again, err := m.encode()
	if err != nil {
		return err
	}
	var got, want any
	if json.Unmarshal(text, &got) != nil || json.Unmarshal(again, &want) != nil || !sameKeys(got, want) {
		return fmt.Errorf("manifest has keys that it should not have: %w", access.ErrMalformed)
	}
	return nil
}

// sameKeys reports whether every object of the first value has the keys of its counterpart in the second, and no others.
func sameKeys(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			if other, found := b[key]; !found || !sameKeys(value, other) {
				return false
			}
		}
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameKeys(a[i], b[i]) {
				return false
			}
		}
	}
	return true
}
