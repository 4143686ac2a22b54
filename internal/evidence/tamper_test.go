package evidence_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"pgregory.net/rapid"
)

// copyOf returns the export's files in memory.
func copyOf(t testing.TB, path string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(path, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = &fstest.MapFile{Data: text}
	}
	return files
}

func clone(files fstest.MapFS) fstest.MapFS {
	again := fstest.MapFS{}
	for name, file := range files {
		again[name] = &fstest.MapFile{Data: slices.Clone(file.Data)}
	}
	return again
}

// forger changes an export and, where it says so, signs it again with the real key: what a dishonest owner of it could do.
type forger struct {
	t     testing.TB
	files fstest.MapFS
	key   ledger.Key
}

// lines edits a file line by line.
func (f forger) lines(name string, edit func([][]byte) [][]byte) {
	f.t.Helper()
	all := bytes.SplitAfter(f.files[name].Data, []byte("\n"))
	f.files[name].Data = slices.Concat(edit(all[:len(all)-1])...)
}

func (f forger) replace(name, from, to string) {
	f.t.Helper()
	if !bytes.Contains(f.files[name].Data, []byte(from)) {
		f.t.Fatalf("%s holds no %q", name, from)
	}
	f.files[name].Data = bytes.Replace(f.files[name].Data, []byte(from), []byte(to), 1)
}

// resign makes the manifest fit the files and signs it, after the edit.
func (f forger) resign(edit func(*evidence.Manifest)) {
	f.t.Helper()
	var m evidence.Manifest
	if err := json.Unmarshal(f.files[evidence.FileManifest].Data, &m); err != nil {
		f.t.Fatal(err)
	}
	m.Files = nil
	for name, file := range f.files {
		if name == evidence.FileManifest || name == evidence.FileSignature {
			continue
		}
		sum := sha256.Sum256(file.Data)
		m.Files = append(m.Files, evidence.FileSum{Name: name, Bytes: int64(len(file.Data)), SHA256: hex.EncodeToString(sum[:])})
	}
	edit(&m)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		f.t.Fatal(err)
	}
	text = append(text, '\n')
	signature, err := f.key.SignManifest(sha256.Sum256(text))
	if err != nil {
		f.t.Fatal(err)
	}
	f.files[evidence.FileManifest].Data, f.files[evidence.FileSignature].Data = text, []byte(signature)
}

// respell edits the text of the manifest and signs it.
func (f forger) respell(from, to string) {
	f.t.Helper()
	f.replace(evidence.FileManifest, from, to)
	signature, err := f.key.SignManifest(sha256.Sum256(f.files[evidence.FileManifest].Data))
	if err != nil {
		f.t.Fatal(err)
	}
	f.files[evidence.FileSignature].Data = []byte(signature)
}

// at returns where a list stands in the manifest.
func at(m *evidence.Manifest, file string) int {
	return slices.IndexFunc(m.Views, func(v evidence.ViewCount) bool { return v.File == file })
}

func asItIs(*evidence.Manifest) {}

// tampering is one way to change an export, and where it must be found.
type tampering struct {
	name   string
	tamper func(forger)
	file   string
	kind   ledger.FaultKind
}

func move(from, to int) func([][]byte) [][]byte {
	return func(l [][]byte) [][]byte {
		line := l[from]
		return slices.Insert(slices.Delete(slices.Clone(l), from, from+1), to, line)
	}
}

func tamperings() []tampering {
	const records = evidence.FileRecords
	var all []tampering
	all = append(all, recordTamperings(records)...)
	all = append(all, fileTamperings()...)
	all = append(all, procedureTamperings()...)
	return append(all, dishonestOwner()...)
}

func recordTamperings(records string) []tampering {
	return []tampering{
		{"a record edited", func(f forger) { f.replace(records, `"kind":"change.confirmed"`, `"kind":"change.refused"`) }, records, ledger.Edited},
		{"a record with a space", func(f forger) { f.replace(records, `{"at"`, `{ "at"`) }, records, ledger.Edited},
		{"a record dropped", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { return slices.Delete(l, 5, 6) }) }, records, ledger.Dropped},
		{"the first records dropped", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { return l[3:] }) }, records, ledger.Dropped},
		{"two records swapped", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { l[4], l[9] = l[9], l[4]; return l }) }, records, ledger.Reordered},
		{"a record moved to the end", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { return move(4, len(l)-1)(l) }) }, records, ledger.Reordered},
		{"a record twice", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { return slices.Insert(l, 6, l[5]) }) }, records, ledger.Duplicated},
		{"an old record at the end", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { return append(l, l[2]) }) }, records, ledger.Duplicated},
		{"the tail cut", func(f forger) { f.lines(records, func(l [][]byte) [][]byte { return l[:len(l)-2] }) }, records, ledger.Truncated},
		{"the last record cut in the middle", func(f forger) { f.files[records].Data = f.files[records].Data[:len(f.files[records].Data)-9] }, records, ledger.Edited},
		{"no record left", func(f forger) { f.files[records].Data = nil }, records, ledger.Missing},
		{"the log gone", func(f forger) { delete(f.files, records) }, records, ledger.Missing},
		{"the last line end cut", func(f forger) { f.files[records].Data = f.files[records].Data[:len(f.files[records].Data)-1] }, "", ledger.Edited},
	}
}

func fileTamperings() []tampering {
	csv := func(edit func([][]byte) [][]byte) func(forger) { return func(f forger) { f.lines("grants.csv", edit) } }
	return []tampering{
		{"a hash edited", func(f forger) { f.files[evidence.FileLeaves].Data[40] ^= 1 }, evidence.FileLeaves, ledger.Replaced},
		{"a hash dropped", func(f forger) { f.files[evidence.FileLeaves].Data = f.files[evidence.FileLeaves].Data[32:] }, evidence.FileLeaves, ledger.Replaced},
		{"hashes cut", func(f forger) { f.files[evidence.FileLeaves].Data = f.files[evidence.FileLeaves].Data[:64] }, evidence.FileLeaves, ""},
		{"a hash added", func(f forger) {
			f.files[evidence.FileLeaves].Data = append(f.files[evidence.FileLeaves].Data, make([]byte, 32)...)
		}, evidence.FileLeaves, ledger.Foreign},
		{"a list without a row", csv(func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }), "grants.csv", ledger.Edited},
		{"a list without its last row", csv(func(l [][]byte) [][]byte { return l[:len(l)-1] }), "grants.csv", ledger.Truncated},
		{"a list with a row twice", csv(func(l [][]byte) [][]byte { return append(l, l[len(l)-1]) }), "grants.csv", ledger.Foreign},
		{"a cell edited that stands in the record", func(f forger) { f.replace("grants.csv", "ACC-", "ACC-9") }, "grants.csv", ledger.Edited},
		{"a cell edited that does not", func(f forger) { f.replace("grants.csv", "@example.com", "@example.org") }, "grants.csv", ledger.Edited},
		{"the comparison edited", func(f forger) {
			f.files[evidence.FileComparison].Data = append(f.files[evidence.FileComparison].Data, "x,,,,,,,,,\n"...)
		}, evidence.FileComparison, ledger.Edited},
		{"the page edited", func(f forger) { f.replace(evidence.FileIndex, "Evidence", "evidence") }, evidence.FileIndex, ledger.Edited},
		{"a list gone", func(f forger) { delete(f.files, "leavers.csv") }, "leavers.csv", ledger.Missing},
		{"a file added", func(f forger) { f.files["more.csv"] = &fstest.MapFile{Data: []byte("x")} }, "more.csv", ledger.Foreign},
		{"the manifest edited", func(f forger) { f.replace(evidence.FileManifest, `"to": "2026-11-01`, `"to": "2026-12-01`) }, evidence.FileManifest, ledger.Edited},
		{"the signature edited", func(f forger) { f.files[evidence.FileSignature].Data[5] ^= 1 }, evidence.FileSignature, ledger.WrongKey},
		{"the signature gone", func(f forger) { delete(f.files, evidence.FileSignature) }, evidence.FileSignature, ledger.Missing},
		{"a checkpoint's size edited", func(f forger) { f.replace(evidence.FileCheckpoints, origin+"\n", origin+"\n1") }, evidence.FileCheckpoints, ledger.WrongKey},
		{"the last checkpoint gone", dropLastNote, evidence.FileCheckpoints, ledger.Foreign},
		{"the checkpoints gone", func(f forger) { f.files[evidence.FileCheckpoints].Data = nil }, evidence.FileCheckpoints, ledger.Missing},
		{"a checkpoint cut", func(f forger) { f.files[evidence.FileCheckpoints].Data = f.files[evidence.FileCheckpoints].Data[:50] }, evidence.FileCheckpoints, ledger.Truncated},
	}
}

// procedureTamperings are about the lists of what the other procedures did: each without its second row, by somebody who
// can sign the manifest anew, and other ways to make less of them.
func procedureTamperings() []tampering {
	var all []tampering
	for _, file := range []string{
		"reviews.csv", "incidents.csv", "incident-milestones.csv", "incident-steps.csv", "pages.csv", "vendors.csv", "facts.csv",
	} {
		all = append(all, tampering{"signed again: " + file + " without a row", func(f forger) {
			f.lines(file, func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) })
			f.resign(func(m *evidence.Manifest) { m.Views[at(m, file)].Rows-- })
		}, file, ledger.Edited}, tampering{"signed again: " + file + " without its last row", func(f forger) {
			f.lines(file, func(l [][]byte) [][]byte { return l[:len(l)-1] })
			f.resign(func(m *evidence.Manifest) { m.Views[at(m, file)].Rows-- })
		}, file, ledger.Truncated})
	}
	return append(all,
		tampering{"an incident made less severe", func(f forger) { f.replace("incidents.csv", "critical", "low") }, "incidents.csv", ledger.Edited},
		tampering{"a vendor registered earlier", func(f forger) { f.replace("vendors.csv", "vendor.registered 2026-10", "vendor.registered 2025-10") }, "vendors.csv", ledger.Edited},
		tampering{"signed again: fewer names in a query", func(f forger) {
			f.resign(func(m *evidence.Manifest) { m.Views[at(m, "incident-milestones.csv")].Fact = "incident.*" })
		}, evidence.FileManifest, ledger.Foreign},
		tampering{"signed again: corrections left out of the facts", func(f forger) {
			f.lines("facts.csv", func(l [][]byte) [][]byte {
				return slices.DeleteFunc(l, func(row []byte) bool { return bytes.Contains(row, []byte(ledger.FactCorrected)) })
			})
			f.resign(asItIs)
		}, "facts.csv", ledger.Edited},
		tampering{"signed again: a list of vendors gone", func(f forger) {
			delete(f.files, "vendors.csv")
			f.resign(func(m *evidence.Manifest) {
				m.Views = slices.DeleteFunc(m.Views, func(v evidence.ViewCount) bool { return v.File == "vendors.csv" })
			})
		}, evidence.FileManifest, ledger.Foreign},
	)
}

func dropLastNote(f forger) {
	text := f.files[evidence.FileCheckpoints].Data
	at := bytes.LastIndex(text, []byte(origin+"\n"))
	f.files[evidence.FileCheckpoints].Data = text[:at]
}

// dishonestOwner lists what the owner of the key could do, who can sign any manifest but not make a population of what the
// checkpoints say that it is not.
func dishonestOwner() []tampering {
	return []tampering{
		{"signed again: a list without a row", func(f forger) {
			f.lines("changes.csv", func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) })
			f.resign(func(m *evidence.Manifest) { m.Views[at(m, "changes.csv")].Rows-- })
		}, "changes.csv", ledger.Edited},
		{"signed again: other numbers", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Kinds["grant.approved"]-- }) }, evidence.FileManifest, ledger.Foreign},
		{"signed again: another number of rows", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Views[0].Rows++ }) }, evidence.FileManifest, ledger.Foreign},
		{"signed again: another number of records", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Records.InPeriod++ }) }, evidence.FileManifest, ledger.Foreign},
		{"signed again: a longer period", func(f forger) { f.resign(func(m *evidence.Manifest) { m.To = m.To.AddDate(0, 1, 0) }) }, evidence.FileCheckpoints, ledger.Foreign},
		{"signed again: an earlier period", func(f forger) { f.resign(func(m *evidence.Manifest) { m.From = m.From.AddDate(0, -1, 0) }) }, evidence.FileCheckpoints, ledger.Foreign},
		{"signed again: a shorter period", func(f forger) { f.resign(func(m *evidence.Manifest) { m.To = m.To.AddDate(0, 0, -9) }) }, "", ""},
		{"signed again: no such list", func(f forger) {
			delete(f.files, "findings.csv")
			f.resign(func(m *evidence.Manifest) {
				i := at(m, "findings.csv")
				m.Views = slices.Delete(m.Views, i, i+1)
			})
		}, evidence.FileManifest, ledger.Foreign},
		{"signed again: another query", func(f forger) {
			f.resign(func(m *evidence.Manifest) { m.Views[at(m, "leavers.csv")].Fact = "leaver.removed" })
		}, evidence.FileManifest, ledger.Foreign},
		{"signed again: a file that nobody vouches for", func(f forger) {
			f.resign(func(m *evidence.Manifest) {
				m.Files = slices.DeleteFunc(m.Files, func(s evidence.FileSum) bool { return s.Name == "holds.csv" })
			})
		}, evidence.FileManifest, ledger.Foreign},
		{"signed again: the comparison left out", func(f forger) {
			for _, name := range []string{evidence.FileComparison, evidence.FileEvents, evidence.FileGroups} {
				delete(f.files, name)
			}
			f.resign(func(m *evidence.Manifest) { m.Comparison = nil })
		}, evidence.FileManifest, ledger.Foreign},
		{"signed again: a note in the manifest", func(f forger) { f.respell(`"version": 1,`, `"version": 1, "note": "all is well",`) }, evidence.FileManifest, ledger.Edited},
		{"signed again: a key in other letters", func(f forger) { f.respell(`"version": 1,`, `"Version": 1,`) }, evidence.FileManifest, ledger.Edited},
		{"signed again: a key twice, in other letters", func(f forger) { f.respell(`"inPeriod":`, `"inperiod": 1, "inPeriod":`) }, evidence.FileManifest, ledger.Edited},
		{"signed again: a note on a file", func(f forger) { f.respell(`"bytes":`, `"note": "", "bytes":`) }, evidence.FileManifest, ledger.Edited},
		{"signed again: a filter that is none", func(f forger) { f.respell(`"files":`, `"filter": null, "files":`) }, evidence.FileManifest, ledger.Edited},
		{"signed again: another frontier", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Records.Frontier[0][3] ^= 1 }) }, evidence.FileLeaves, ledger.Replaced},
		{"signed again: another consistency proof", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Records.Consistency[0][3] ^= 1 }) }, evidence.FileManifest, ledger.Replaced},
		{"signed again: another ledger's name", func(f forger) { f.resign(func(m *evidence.Manifest) { m.Origin = "other.example.com" }) }, evidence.FileManifest, ledger.Foreign},
		{"signed again: a replaced tree", func(f forger) {
			f.lines(evidence.FileRecords, func(l [][]byte) [][]byte {
				l[3] = bytes.Replace(l[3], []byte("person"), []byte("nobody"), 1)
				sum := sha256.Sum256(slices.Concat([]byte{0}, l[3][:len(l[3])-1]))
				copy(f.files[evidence.FileLeaves].Data[3*32:], sum[:])
				return l
			})
			f.resign(asItIs)
		}, evidence.FileLeaves, ledger.Replaced},
	}
}

func TestEachWayOfTamperingWithAnExportIsFoundByBothVerifiers(t *testing.T) {
	a := newArchive(t)
	a.autumn(40)
	out, _ := a.export()
	holdAll(t, a, copyOf(t, out), tamperings())
}

// holdAll tampers with a good export in each of the ways.
func holdAll(t *testing.T, a *archive, good fstest.MapFS, ways []tampering) {
	t.Helper()
	script := newScript(t)
	script.expect(t, good, a.key.Public(), 0)
	for _, c := range ways {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := forger{t: t, files: clone(good), key: a.key}
			c.tamper(f)
			_, err := evidence.Verify(f.files, a.key.Public())
			var fault *evidence.Fault
			if !errors.As(err, &fault) || !errors.Is(err, ledger.ErrTampered) {
				t.Fatalf("not found: %v", err)
			}
			if c.file != "" && fault.File != c.file || c.kind != "" && fault.Kind != c.kind {
				t.Errorf("got %v, want %s in %s", fault, c.kind, c.file)
			}
			script.expect(t, f.files, a.key.Public(), 5)
		})
	}
}

func TestTheScriptKnowsEveryKindOfRecordAndEveryList(t *testing.T) {
	text, err := os.ReadFile(newScript(t).path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `KINDS = set("""`)
	kinds, _, _ := strings.Cut(rest, `"""`)
	known := strings.Fields(kinds)
	want := make([]string, 0, len(ledger.Kinds()))
	for _, kind := range ledger.Kinds() {
		want = append(want, string(kind))
	}
	slices.Sort(known)
	slices.Sort(want)
	if !slices.Equal(known, want) {
		t.Errorf("docs/verify_evidence.py knows %v, want %v", known, want)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, view := range evidence.Views() {
		if !bytes.Contains(text, []byte(`("`+view.File+`"`)) || !bytes.Contains(page, []byte("| `"+view.File+"` |")) {
			t.Errorf("%s is not in docs/verify_evidence.py or docs/evidence.md", view.File)
		}
	}
}

func TestAnExportIsNotVerifiedByAForeignKey(t *testing.T) {
	a := newArchive(t)
	a.autumn(10)
	out, _ := a.export()
	stranger := newKey(t)
	_, err := verify(t, out, stranger.Public())
	var fault *evidence.Fault
	if !errors.As(err, &fault) || fault.Kind != ledger.WrongKey {
		t.Error(err)
	}
	files := copyOf(t, out)
	newScript(t).expect(t, files, stranger.Public(), 5)
	// A stranger who signs everything anew with a key of the same name.
	f := forger{t: t, files: files, key: stranger}
	f.resign(asItIs)
	if _, err := evidence.Verify(files, a.key.Public()); !errors.As(err, &fault) || fault.Kind != ledger.WrongKey {
		t.Error(err)
	}
	if _, err := evidence.Verify(files, stranger.Public()); !errors.As(err, &fault) || fault.File != evidence.FileCheckpoints {
		t.Errorf("checkpoints of another key: %v", err)
	}
}

func TestAnyByteChangedInAnyFileIsFound(t *testing.T) {
	a := newArchive(t)
	a.autumn(24)
	out, _ := a.export()
	good := copyOf(t, out)
	var names []string
	for name, file := range good {
		if len(file.Data) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "file")
		at := rapid.IntRange(0, len(good[name].Data)-1).Draw(t, "byte")
		files := fstest.MapFS{}
		for other, file := range good {
			files[other] = file
		}
		data := slices.Clone(good[name].Data)
		data[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		files[name] = &fstest.MapFile{Data: data}
		if _, err := evidence.Verify(files, a.key.Public()); !errors.Is(err, ledger.ErrTampered) {
			t.Fatalf("not found: %v", err)
		}
	})
}

func TestADamagedZipFileIsFoundOrDoesNotMatter(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	o := a.options(filepath.Join(t.TempDir(), "export.zip"))
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.zip")
	found := 0
	rapid.Check(t, func(r *rapid.T) {
		data := slices.Clone(good)
		if rapid.Bool().Draw(r, "cut") {
			data = data[:rapid.IntRange(0, len(data)-1).Draw(r, "length")]
		} else {
			data[rapid.IntRange(0, len(data)-1).Draw(r, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(r, "change"))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			r.Fatal(err)
		}
		_, err := verify(t, path, a.key.Public())
		switch {
		case errors.Is(err, ledger.ErrTampered) || errors.Is(err, access.ErrMalformed):
			found++
		case err != nil:
			r.Fatalf("neither verified nor refused: %v", err)
		}
	})
	if found == 0 {
		t.Error("nothing was found")
	}
}

func TestAZipFileThatHoldsAFileTwiceIsRefused(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	out, _ := a.export()
	path := filepath.Join(t.TempDir(), "twice.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	errs := []error{w.AddFS(os.DirFS(out))}
	again, err := w.Create("grants.csv")
	errs = append(errs, err)
	_, err = again.Write([]byte("seq,at,change,ticket,user,group\n"))
	if err := errors.Join(append(errs, err, w.Close(), file.Close())...); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, path, a.key.Public()); !errors.Is(err, ledger.ErrTampered) {
		t.Error(err)
	}
	newScript(t).run(t, path, a.key.Public(), 5)
}

// script is the verifier in another language.
type script struct{ python, path string }

// requirePython, set to 1, turns a missing Python from a log line into a failure. CI sets it.
const requirePython = "SOPD_REQUIRE_PYTHON"

// newScript finds Python. Without it the checks of the script are left out, and the test says so.
func newScript(t *testing.T) script {
	t.Helper()
	python, err := exec.LookPath("python3")
	switch {
	case err != nil && os.Getenv(requirePython) == "1":
		t.Fatalf("python3 is not here and %s=1", requirePython)
	case err != nil:
		t.Log("python3 is not here: docs/verify_evidence.py is not tested")
	}
	return script{python: python, path: filepath.Join("..", "..", "docs", "verify_evidence.py")}
}

func (s script) expect(t *testing.T, files fstest.MapFS, key string, code int) {
	t.Helper()
	if s.python == "" {
		return
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	s.run(t, dir, key, code)
}

// run verifies a folder or a zip file.
func (s script) run(t *testing.T, path, key string, code int) {
	t.Helper()
	s.runAll(t, []string{path}, key, code)
}

// runAll verifies several in a row.
func (s script) runAll(t *testing.T, paths []string, key string, code int) {
	t.Helper()
	if s.python == "" {
		return
	}
	cmd := exec.CommandContext(t.Context(), s.python, slices.Concat([]string{s.path}, paths, []string{"--key", key})...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code || strings.Contains(string(text), "Traceback") {
		t.Errorf("the script ends with %d, want %d: %s", got, code, text)
	}
}

// readAll returns a file of an export.
func readAll(t testing.TB, files fs.FS, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
