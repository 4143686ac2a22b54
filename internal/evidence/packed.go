package evidence

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// The beginnings of what a zip file is made of, and their lengths without names and the like.
//
// Source: PKWARE APPNOTE 6.3.10, 4.3.7, 4.3.9, 4.3.12, 4.3.14 to 4.3.16.
const (
	localSignature     = "PK\x03\x04"
	directorySignature = "PK\x01\x02"
	end64Signature     = "PK\x06\x06"
	locatorSignature   = "PK\x06\x07"
	endSignature       = "PK\x05\x06"

	localBytes     = 30
	directoryBytes = 46
	end64Bytes     = 56
	locatorBytes   = 20
	endBytes       = 22
)

// tidy checks that a zip file holds its files and nothing else: no byte before, between or behind them, which nobody signed and
// every unpacker would pass over.
//
// Errors: [ledger.ErrTampered] as a [*Fault].
func tidy(path string, archive *zip.Reader) error {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return unreadable("the export", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		return unreadable("the export", err)
	}
	w := walker{file: file, size: info.Size(), files: make(map[int64]*zip.File)}
	for _, f := range archive.File {
		at, err := f.DataOffset()
		if err != nil {
			return unreadable(f.Name, err)
		}
		w.files[at] = f
	}
	if at, whole := w.walk(len(archive.File)); !whole {
		return &Fault{File: "the export", Kind: ledger.Foreign, Detail: fmt.Sprintf("the zip file holds something at byte %d that is not as sopd packs its files", at)}
	}
	return nil
}

// walker goes through a zip file from its first byte to its last.
type walker struct {
	file  io.ReaderAt
	size  int64
	files map[int64]*zip.File // by where their packed bytes begin
}

// head returns n bytes at the position; nil where the file ends before.
func (w *walker) head(at int64, n int) []byte {
	head := make([]byte, n)
	if _, err := w.file.ReadAt(head, at); err != nil {
		return nil
	}
	return head
}

func (w *walker) begins(at int64, signature string) bool {
	return bytes.Equal(w.head(at, len(signature)), []byte(signature))
}

func length(head []byte, at int) int64 { return int64(binary.LittleEndian.Uint16(head[at:])) }

// walk returns where it met what does not belong; whole is true when it did not.
func (w *walker) walk(files int) (at int64, whole bool) {
	for range files {
		head := w.head(at, localBytes)
		if head == nil || !w.begins(at, localSignature) {
			return at, false
		}
		data := at + localBytes + length(head, 26) + length(head, 28)
		f := w.files[data]
		if f == nil || !w.agrees(at, head, f) {
			return at, false
		}
		delete(w.files, data)
		at = data + int64(f.CompressedSize64) //nolint:gosec // it lies in a file
		if length(head, 6)&8 != 0 {
			at += w.descriptor(at)
		}
	}
	for range files {
		head := w.head(at, directoryBytes)
		if head == nil || !w.begins(at, directorySignature) || length(head, 32) != 0 {
			return at, false
		}
		at += directoryBytes + length(head, 28) + length(head, 30)
	}
	if w.begins(at, end64Signature) && w.begins(at+end64Bytes, locatorSignature) {
		at += end64Bytes + locatorBytes
	}
	return at, w.begins(at, endSignature) && at+endBytes == w.size
}

// agrees reports whether a file's own heading says what the directory says, or another program would unpack something else:
// its name, how it is packed, and that it is not encrypted.
func (w *walker) agrees(at int64, head []byte, f *zip.File) bool {
	name := w.head(at+localBytes, int(length(head, 26)))
	return string(name) == f.Name && length(head, 6) == int64(f.Flags) && length(head, 8) == int64(f.Method) &&
		f.Flags&1 == 0 && (f.Method == zip.Store || f.Method == zip.Deflate)
}

// descriptor returns how long the sizes are that follow a file's bytes: with and without a signature, in 32 and 64 bits.
func (w *walker) descriptor(at int64) int64 {
	for _, n := range []int64{16, 24, 12, 20} {
		if w.begins(at+n, localSignature) || w.begins(at+n, directorySignature) {
			return n
		}
	}
	return 0
}
