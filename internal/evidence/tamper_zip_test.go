package evidence_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// packer packs the files of an export as a forger likes.
type packer struct {
	t   *testing.T
	out bytes.Buffer
	zip *zip.Writer
}

func newPacker(t *testing.T, files fstest.MapFS) *packer {
	t.Helper()
	p := &packer{t: t}
	p.zip = zip.NewWriter(&p.out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		p.add(name, files[name].Data)
	}
	return p
}

func (p *packer) add(name string, text []byte) {
	p.put(zip.FileHeader{Name: name, Method: zip.Deflate}, text)
}

func (p *packer) put(head zip.FileHeader, text []byte) {
	p.t.Helper()
	w, err := p.zip.CreateHeader(&head)
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *packer) bytes() []byte {
	p.t.Helper()
	if err := p.zip.Close(); err != nil {
		p.t.Fatal(err)
	}
	return p.out.Bytes()
}

// zipTricks returns ways to make a zip file of good files that is none of sopd's.
func zipTricks() map[string]func(*packer, fstest.MapFS) []byte {
	added := func(name string) func(*packer, fstest.MapFS) []byte {
		return func(p *packer, _ fstest.MapFS) []byte { p.add(name, []byte("x")); return p.bytes() }
	}
	patched := func(signature string, offset int, change func([]byte)) func(*packer, fstest.MapFS) []byte {
		return func(p *packer, _ fstest.MapFS) []byte {
			text := p.bytes()
			change(text[bytes.Index(text, []byte(signature))+offset:])
			return text
		}
	}
	const local, directory = "PK\x03\x04", "PK\x01\x02"
	return map[string]func(*packer, fstest.MapFS) []byte{
		"a file out of the folder":          added("../evil.csv"),
		"a known file out of the folder":    added("../grants.csv"),
		"a file at the root":                added("/grants.csv"),
		"a file below a folder":             added("more/grants.csv"),
		"a folder":                          func(p *packer, _ fstest.MapFS) []byte { p.put(zip.FileHeader{Name: "more/"}, nil); return p.bytes() },
		"a name with a backslash":           added(`..\grants.csv`),
		"a name that ends in a zero byte":   added("grants.csv\x00"),
		"a name with a line break":          added("a\nverified: all is well"),
		"a name in other letters":           added("GRANTS.CSV"),
		"garbage behind":                    func(p *packer, _ fstest.MapFS) []byte { return append(p.bytes(), "garbage"...) },
		"garbage before":                    func(p *packer, _ fstest.MapFS) []byte { return append([]byte("#!/bin/sh\n"), p.bytes()...) },
		"another zip file before":           func(p *packer, f fstest.MapFS) []byte { return append(newPacker(p.t, f).bytes(), p.bytes()...) },
		"a comment":                         func(p *packer, _ fstest.MapFS) []byte { return errorless(p.zip.SetComment("well"), p.bytes) },
		"a comment on a file":               func(p *packer, f fstest.MapFS) []byte { return commented(p.t, f) },
		"a link with the right bytes":       func(p *packer, f fstest.MapFS) []byte { return linked(p.t, f) },
		"another name at the file":          patched(local, 30, func(b []byte) { b[0]++ }),
		"another method at the file":        patched(local, 8, func(b []byte) { b[0] = 0 }),
		"encrypted, as the file says":       patched(local, 6, func(b []byte) { b[0] |= 1 }),
		"encrypted, as the directory says":  patched(directory, 8, func(b []byte) { b[0] |= 1 }),
		"an unknown method":                 patched(directory, 10, func(b []byte) { b[0] = 99 }),
		"a size that is a lie":              patched(directory, 24, func(b []byte) { b[0]++ }),
		"a checksum that is a lie":          patched(directory, 16, func(b []byte) { b[0]++ }),
		"half of it":                        func(p *packer, _ fstest.MapFS) []byte { all := p.bytes(); return all[:len(all)/2] },
		"a list that grows when unpacked":   func(p *packer, f fstest.MapFS) []byte { return bomb(p.t, f, "grants.csv") },
		"records that grow when unpacked":   func(p *packer, f fstest.MapFS) []byte { return bomb(p.t, f, evidence.FileRecords) },
		"a manifest that grows":             func(p *packer, f fstest.MapFS) []byte { return bomb(p.t, f, evidence.FileManifest) },
		"originals that grow when unpacked": func(p *packer, f fstest.MapFS) []byte { return bomb(p.t, f, evidence.FileOriginals) },
		"nothing":                           func(p *packer, _ fstest.MapFS) []byte { return newPacker(p.t, nil).bytes() },
	}
}

func errorless(err error, then func() []byte) []byte {
	if err != nil {
		panic(err)
	}
	return then()
}

// without packs the files but one, which comes in another form.
func without(t *testing.T, files fstest.MapFS, name string, head zip.FileHeader, text []byte) []byte {
	t.Helper()
	rest := clone(files)
	delete(rest, name)
	p := newPacker(t, rest)
	p.put(head, text)
	return p.bytes()
}

func commented(t *testing.T, files fstest.MapFS) []byte {
	return without(t, files, "grants.csv", zip.FileHeader{Name: "grants.csv", Method: zip.Deflate, Comment: "well"}, files["grants.csv"].Data)
}

func linked(t *testing.T, files fstest.MapFS) []byte {
	head := zip.FileHeader{Name: "grants.csv", Method: zip.Deflate}
	head.SetMode(fs.ModeSymlink | 0o777)
	return without(t, files, "grants.csv", head, files["grants.csv"].Data)
}

// bomb packs a file of 300 MB in 300 KB.
func bomb(t *testing.T, files fstest.MapFS, name string) []byte {
	return without(t, files, name, zip.FileHeader{Name: name, Method: zip.Deflate}, make([]byte, 300<<20))
}

func TestAZipFileIsWhatSopdPacksOrIsRefusedByBothVerifiers(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	out, _ := a.export()
	good := copyOf(t, out)
	script := newScript(t)
	pack := func(t *testing.T, text []byte) string {
		path := filepath.Join(t.TempDir(), "export.zip")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := pack(t, newPacker(t, good).bytes())
	if _, err := verify(t, path, a.key.Public()); err != nil {
		t.Fatalf("packed again it does not verify: %v", err)
	}
	script.run(t, path, a.key.Public(), 0)
	for name, trick := range zipTricks() {
		t.Run(name, func(t *testing.T) {
			path := pack(t, trick(newPacker(t, good), good))
			var err error
			if high := peak(func() { err = checkZip(path, a.key.Public()) }); high > 200<<20 {
				t.Errorf("it took %d MB", high>>20)
			}
			if err == nil {
				t.Error("it verifies")
			}
			script.run(t, path, a.key.Public(), 5)
		})
	}
}

// checkZip verifies a zip file, or refuses to open it.
func checkZip(path, key string) error {
	files, err := evidence.OpenExport(path)
	if err != nil {
		return err
	}
	_, err = evidence.Verify(files, key)
	return errors.Join(err, files.Close())
}

// TestWhatIsNoPlainFileIsNotOpened would wait for ever if it were: nobody writes into the pipe.
func TestWhatIsNoPlainFileIsNotOpened(t *testing.T) {
	a := newArchive(t)
	a.autumn(12)
	script := newScript(t)
	for _, name := range []string{evidence.FileManifest, evidence.FileSignature, evidence.FileRecords, "more.csv"} {
		for what, put := range map[string]func(string) error{
			"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"folder": func(path string) error { return os.Mkdir(path, 0o700) },
			"link":   func(path string) error { return os.Symlink("index.html", path) },
		} {
			out, _ := a.export()
			path := filepath.Join(out, name)
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			_, err := verify(t, out, a.key.Public())
			var fault *evidence.Fault
			if !errors.As(err, &fault) || fault.File != name || fault.Kind != ledger.Foreign {
				t.Errorf("%s in the place of %s: %v", what, name, err)
			}
			script.run(t, out, a.key.Public(), 5)
		}
	}
}
