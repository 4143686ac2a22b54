package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// Fault is a proof that an export is not what was signed: in which file, and what.
type Fault struct {
	File string // name in the export
	// Kind is what was done; Line is where, counted from 1, and 0 when no line can be named.
	Kind   ledger.FaultKind
	Line   int64
	Detail string // a sentence for people
}

// Error says what was done and where.
func (f *Fault) Error() string {
	if f.Line > 0 {
		return fmt.Sprintf("%s line %d: %s: %s", f.File, f.Line, f.Kind, f.Detail)
	}
	return fmt.Sprintf("%s: %s: %s", f.File, f.Kind, f.Detail)
}

// Unwrap returns [ledger.ErrTampered].
func (f *Fault) Unwrap() error { return ledger.ErrTampered }

// Verified is what [Verify] found.
type Verified struct {
	Manifest Manifest
	// First is the checkpoint at the beginning of the range, zero when it begins with the ledger; Last is the one at its
	// end.
	First, Last ledger.Checkpoint
	Checkpoints int      // how many there are
	Keys        []string // which of the given keys signed them, by [ledger.Key.ID], in order of first use

	points []point // the checkpoints
}

// Continues reports whether the export goes on where an earlier one of the same ledger ended, so that both together are a
// stretch without a gap.
//
// Errors: [ledger.ErrTampered] as a [*Fault] of the later one's checkpoints.
func (v Verified) Continues(earlier Verified) error {
	end := earlier.Manifest.Records.End
	switch {
	case v.Manifest.Origin != earlier.Manifest.Origin:
		return &Fault{File: FileManifest, Kind: ledger.Foreign, Detail: "it is of another ledger than the export before it"}
	case v.Manifest.Records.First > end:
		return &Fault{File: FileManifest, Kind: ledger.Dropped, Detail: fmt.Sprintf("records %d to %d are in neither of two exports", end, v.Manifest.Records.First-1)}
	case v.Manifest.Records.End < end:
		return &Fault{File: FileManifest, Kind: ledger.Reordered, Detail: "it ends before the export before it; name them in their order"}
	}
	for _, p := range v.points {
		if p.size == end && p.root == earlier.Last.Root {
			return nil
		}
	}
	return &Fault{File: FileCheckpoints, Kind: ledger.Replaced, Detail: fmt.Sprintf("no checkpoint over %d records is that at which the export before it ends", end)}
}

// Verify holds an export against public keys, without the ledger that it was drawn from: every record is there, in its
// place and as it was signed; the lists are of the population that they claim; every file is the one that was signed. Any
// of the keys may have signed, so that a key can be replaced. Memory does not grow with the number of records.
//
// Errors: [ledger.ErrTampered] as a [*Fault] that says what and where; [access.ErrInvalid] for a key that is none;
// [access.ErrUnavailable] when a file cannot be read.
func Verify(files fs.FS, keys ...string) (Verified, error) {
	v := &verifier{files: files, keys: keys}
	for _, step := range []func() error{v.plain, v.manifest, v.listing, v.people, v.checkpoints, v.leaves, v.records, v.sums} {
		if err := step(); err != nil {
			return Verified{}, err
		}
	}
	v.result.points = v.points
	return v.result, nil
}

// verifier verifies one export.
type verifier struct {
	files  fs.FS
	keys   []string
	result Verified
	points []point
	known  map[string]string // identifier of each person by pseudonym
	sizes  map[string]int64  // of each file, as the manifest vouches for it; nil until it is read
}

// point is a checkpoint of the range.
type point struct {
	size int64
	root ledger.Hash
	line int64 // in the file of checkpoints
}

// unvouched is how much is read of a file for which no manifest vouches yet: the manifest and its signature.
const unvouched = 16 << 20

// whole reads a file that is small beside the records.
func (v *verifier) whole(name string) ([]byte, error) {
	file, err := v.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, unreadable(name, err)
	}
	return text, nil
}

func (v *verifier) open(name string) (fs.File, error) {
	file, err := v.files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Fault{File: name, Kind: ledger.Missing, Detail: "the export has no such file"}
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	left := int64(unvouched)
	if v.sizes != nil {
		left = v.sizes[name] + slack
	}
	return &bounded{File: file, name: name, left: left}, nil
}

// slack is how much more of a file is read than the manifest vouches for: enough to say what was added, and no bomb.
const slack = 1 << 20

// bounded is a file of which no more is read than there should be.
type bounded struct {
	fs.File
	name string
	left int64
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.File.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, &Fault{File: b.name, Kind: ledger.Edited, Detail: "it is far larger than it should be"}
	}
	return n, err
}

// plain checks that everything in the export is a plain file: opening a pipe would wait for ever.
func (v *verifier) plain() error {
	entries, err := fs.ReadDir(v.files, ".")
	if err != nil {
		return unreadable("the export", err)
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			return &Fault{File: entry.Name(), Kind: ledger.Foreign, Detail: "it is no plain file"}
		}
	}
	return nil
}

// unreadable is a file that could not be read: because of the disk, or because the zip file around it was edited.
func unreadable(name string, err error) error {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault
	}
	var disk syscall.Errno
	if errors.As(err, &disk) {
		return fmt.Errorf("%s cannot be read (%w): %w", name, disk, access.ErrUnavailable)
	}
	return &Fault{File: name, Kind: ledger.Edited, Detail: "it cannot be unpacked"}
}

// manifest checks the signature over the manifest and reads it.
func (v *verifier) manifest() error {
	text, err := v.whole(FileManifest)
	if err != nil {
		return err
	}
	signature, err := v.whole(FileSignature)
	if err != nil {
		return err
	}
	origin, digest, err := ledger.OpenManifest(string(signature), v.keys...)
	if errors.Is(err, ledger.ErrTampered) {
		return &Fault{File: FileSignature, Kind: ledger.WrongKey, Detail: "the signature is by none of the given keys, or was edited"}
	}
	if err != nil {
		return err
	}
	if digest != sha256.Sum256(text) {
		return &Fault{File: FileManifest, Kind: ledger.Edited, Detail: "it is not the manifest that was signed"}
	}
	m, err := decodeManifest(text)
	if err != nil {
		return &Fault{File: FileManifest, Kind: ledger.Edited, Detail: "it is not understood: " + err.Error()}
	}
	v.result.Manifest = m
	v.sizes = make(map[string]int64, len(m.Files))
	for _, f := range m.Files {
		v.sizes[f.Name] = f.Bytes
	}
	if origin != m.Origin {
		return &Fault{File: FileManifest, Kind: ledger.Foreign, Detail: "it names another ledger than its signature"}
	}
	return v.claims(m)
}

// claims checks that the manifest claims what an export of its version must.
func (v *verifier) claims(m Manifest) error {
	wrong := func(format string, args ...any) error {
		return &Fault{File: FileManifest, Kind: ledger.Foreign, Detail: fmt.Sprintf(format, args...)}
	}
	views := make([]View, len(m.Views))
	for i, view := range m.Views {
		views[i] = view.View
	}
	switch {
	case !m.From.Before(m.To):
		return wrong("its period is empty")
	case m.Records.First < 0 || m.Records.End <= m.Records.First:
		return wrong("it claims records %d to %d", m.Records.First, m.Records.End)
	case !reflect.DeepEqual(views, Views()):
		return wrong("its lists are not those of version %d", ManifestVersion)
	case (m.Sources.Scope == LedgerOnly) != (m.Comparison == nil):
		return wrong("its scope and its comparison contradict each other")
	}
	have := make(map[string]bool)
	for _, f := range m.Files {
		have[f.Name] = true
	}
	for _, name := range required(m) {
		if !have[name] {
			return wrong("it does not vouch for %s", name)
		}
	}
	return nil
}

// required lists the files that the manifest must vouch for.
func required(m Manifest) []string {
	names := []string{FileRecords, FileLeaves, FileCheckpoints, FilePeople, FilePolicies, FileControls, FileTickets, FileOriginals, FileWorkbook, FileIndex}
	for _, view := range Views() {
		names = append(names, view.File)
	}
	if m.Comparison != nil {
		names = append(names, FileEvents, FileGroups, FileComparison, FileOthers)
	}
	return names
}

// listing checks that the export holds the files of the manifest and no other.
func (v *verifier) listing() error {
	entries, err := fs.ReadDir(v.files, ".")
	if err != nil {
		return unreadable("the export", err)
	}
	known := map[string]bool{FileManifest: true, FileSignature: true}
	for _, f := range v.result.Manifest.Files {
		known[f.Name] = true
	}
	for _, entry := range entries {
		if !known[entry.Name()] {
			return &Fault{File: entry.Name(), Kind: ledger.Foreign, Detail: "the manifest does not know it"}
		}
		delete(known, entry.Name())
	}
	for _, f := range v.result.Manifest.Files {
		if known[f.Name] {
			return &Fault{File: f.Name, Kind: ledger.Missing, Detail: "the export has no such file"}
		}
	}
	return nil
}

// checkpoints checks every signature, and that the first and the last checkpoint enclose the period.
func (v *verifier) checkpoints() error {
	text, err := v.whole(FileCheckpoints)
	if err != nil {
		return err
	}
	line := int64(1)
	var last ledger.Checkpoint
	for rest := text; len(rest) > 0; {
		end := noteEnd(rest)
		if end < 0 {
			return &Fault{File: FileCheckpoints, Kind: ledger.Truncated, Line: line, Detail: "a signed note is cut"}
		}
		c, err := v.checkpoint(string(rest[:end]), last, line)
		if err != nil {
			return err
		}
		v.points = append(v.points, point{size: c.Size, root: c.Root, line: line})
		last = c
		line += int64(bytes.Count(rest[:end+1], []byte{'\n'}))
		rest = rest[end+1:]
	}
	return v.enclosed(last)
}

// noteEnd returns where the first note of the text ends: before the empty line behind its signatures. It is -1 when there
// is none.
func noteEnd(text []byte) int {
	body := bytes.Index(text, []byte("\n\n"))
	if body < 0 {
		return -1
	}
	end := bytes.Index(text[body+2:], []byte("\n\n"))
	if end < 0 {
		return -1
	}
	return body + 2 + end + 1
}

func (v *verifier) checkpoint(note string, last ledger.Checkpoint, line int64) (ledger.Checkpoint, error) {
	fault := func(kind ledger.FaultKind, detail string) error {
		return &Fault{File: FileCheckpoints, Kind: kind, Line: line, Detail: detail}
	}
	c, err := ledger.Open(note, v.keys...)
	if errors.Is(err, ledger.ErrTampered) {
		return c, fault(ledger.WrongKey, "the checkpoint is signed by none of the given keys, or was edited")
	}
	if err != nil {
		return c, err
	}
	first := len(v.points) == 0
	switch {
	case c.Origin != v.result.Manifest.Origin:
		return c, fault(ledger.Foreign, "the checkpoint is of another ledger")
	case !first && c.Size <= last.Size:
		return c, fault(ledger.Reordered, "the checkpoint covers no more records than the one before it")
	case !first && c.At.Before(last.At):
		return c, fault(ledger.Reordered, "the checkpoint was signed before the one that it continues; the clock was set back")
	}
	if first && v.result.Manifest.Records.First > 0 {
		v.result.First = c
	}
	v.result.Last = c
	v.result.Checkpoints++
	id, err := ledger.SignedBy(note)
	if err == nil && !slices.Contains(v.result.Keys, id) {
		v.result.Keys = append(v.result.Keys, id)
	}
	return c, err
}

// enclosed checks that checkpoints stand where the manifest says that its records begin and end, and no later than the
// period begins and no earlier than it ends.
func (v *verifier) enclosed(last ledger.Checkpoint) error {
	m := v.result.Manifest
	fault := func(detail string, args ...any) error {
		return &Fault{File: FileCheckpoints, Kind: ledger.Foreign, Detail: fmt.Sprintf(detail, args...)}
	}
	switch first := v.result.First; {
	case len(v.points) == 0:
		return &Fault{File: FileCheckpoints, Kind: ledger.Missing, Detail: "there is no checkpoint"}
	case m.Records.First > 0 && first.Size != m.Records.First:
		return fault("the first checkpoint covers %d records, the manifest says %d", first.Size, m.Records.First)
	case last.Size != m.Records.End:
		return fault("the last checkpoint covers %d records, the manifest says %d", last.Size, m.Records.End)
	case m.Records.First > 0 && first.At.After(m.From):
		return fault("the period begins before the first checkpoint: the records before it are not here")
	case last.At.Before(m.To):
		return fault("the period ends at %s, after the last checkpoint: nobody signed what happened until then", m.To.Format(time.RFC3339))
	}
	if m.Records.First == 0 {
		return nil
	}
	if err := ledger.CheckTree(last, v.result.First, m.Records.Consistency); err != nil {
		return &Fault{File: FileManifest, Kind: ledger.Replaced, Detail: "the consistency proof does not lead from the first checkpoint to the last"}
	}
	return nil
}

// leaves computes the tree of the hashes and holds it against every checkpoint. From here on the hashes are known to be
// those that were signed, and name each record that is not.
func (v *verifier) leaves() error {
	m := v.result.Manifest.Records
	tree, err := ledger.Resume(m.First, m.Frontier)
	if err != nil {
		return &Fault{File: FileManifest, Kind: ledger.Replaced, Detail: "its frontier does not fit the first record"}
	}
	file, err := v.open(FileLeaves)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	in := bufio.NewReaderSize(file, bufferSize)
	var leaf ledger.Hash
	for _, p := range v.points {
		for tree.Size() < p.size {
			if _, err := io.ReadFull(in, leaf[:]); err != nil {
				return v.short(err, tree.Size())
			}
			tree.Append(leaf)
		}
		if root, err := tree.Root(); err != nil || root != p.root {
			return &Fault{File: FileLeaves, Kind: ledger.Replaced, Detail: fmt.Sprintf(
				"the hashes do not make the tree of %d records that was signed (%s line %d)", p.size, FileCheckpoints, p.line)}
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return &Fault{File: FileLeaves, Kind: ledger.Foreign, Detail: fmt.Sprintf("hashes follow the last record, %d", m.End-1)}
	}
	return nil
}

func (v *verifier) short(err error, size int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Fault{File: FileLeaves, Kind: ledger.Truncated, Detail: fmt.Sprintf("the hash of record %d is missing", size)}
	}
	return unreadable(FileLeaves, err)
}

// sums holds every file against the manifest.
func (v *verifier) sums() error {
	for _, f := range v.result.Manifest.Files {
		file, err := v.open(f.Name)
		if err != nil {
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(sum, file)
		closed := file.Close()
		if err = errors.Join(err, closed); err != nil {
			return unreadable(f.Name, err)
		}
		if n != f.Bytes || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
			return &Fault{File: f.Name, Kind: ledger.Edited, Detail: "it is not the file that was signed"}
		}
	}
	return nil
}
