package evidence

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// folder is an export being written. Nothing of it is kept in memory but the sums of its files.
type folder struct {
	path string
	sums []FileSum
}

// outFile is one file of an export: written once, hashed meanwhile.
type outFile struct {
	folder *folder
	name   string
	file   *os.File
	hash   hash.Hash
	out    *bufio.Writer
	bytes  int64
}

// bufferSize holds back writes; a file of records is hundreds of megabytes.
const bufferSize = 1 << 18

func (f *folder) create(name string) (*outFile, error) {
	file, err := os.OpenFile(filepath.Join(f.path, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, unwritable(err)
	}
	o := &outFile{folder: f, name: name, file: file, hash: sha256.New()}
	o.out = bufio.NewWriterSize(io.MultiWriter(file, o.hash), bufferSize)
	return o, nil
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
	return fmt.Errorf("export cannot be written (%v): %w", err, access.ErrUnavailable) //nolint:errorlint // the path stays out
}

// Write implements [io.Writer].
func (o *outFile) Write(p []byte) (int, error) {
	o.bytes += int64(len(p))
	n, err := o.out.Write(p)
	if err != nil {
		return n, unwritable(err)
	}
	return n, nil
}

// line writes the text and a line end.
func (o *outFile) line(text []byte) error {
	if _, err := o.Write(text); err != nil {
		return err
	}
	_, err := o.Write([]byte{'\n'})
	return err
}

// close makes the file durable and notes its sum.
func (o *outFile) close() error {
	err := o.out.Flush()
	if err == nil {
		err = o.file.Sync()
	}
	if closed := o.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return unwritable(err)
	}
	o.folder.sums = append(o.folder.sums, FileSum{Name: o.name, Bytes: o.bytes, SHA256: hex.EncodeToString(o.hash.Sum(nil))})
	return nil
}

// put writes a small file whole.
func (f *folder) put(name string, text []byte) error {
	o, err := f.create(name)
	if err != nil {
		return err
	}
	_, err = o.Write(text)
	return errors.Join(err, o.close())
}

// sorted returns the sums by name.
func (f *folder) sorted() []FileSum {
	return slices.SortedFunc(slices.Values(f.sums), func(a, b FileSum) int { return strings.Compare(a.Name, b.Name) })
}

// table is a CSV file of an export.
type table struct {
	file *outFile
	csv  *csv.Writer
	rows int64
}

func (f *folder) table(name string, columns []string) (*table, error) {
	o, err := f.create(name)
	if err != nil {
		return nil, err
	}
	t := &table{file: o, csv: csv.NewWriter(o)}
	return t, t.csv.Write(columns)
}

// row writes a row with every cell made harmless.
func (t *table) row(cells ...string) error {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = Neutral(cell)
	}
	t.rows++
	return t.csv.Write(safe)
}

func (t *table) close() error {
	t.csv.Flush()
	return errors.Join(t.csv.Error(), t.file.close())
}

// Neutral returns the text as a cell that no spreadsheet takes for a formula: an apostrophe stands before a first =, +,
// -, @, tab or carriage return, also behind spaces and an earlier apostrophe of this kind.
//
// Source: OWASP, CSV Injection.
func Neutral(cell string) string {
	rest := strings.TrimLeft(cell, " '")
	if rest != "" && strings.ContainsRune("=+-@\t\r\n", rune(rest[0])) {
		return "'" + cell
	}
	return cell
}

// jsonLines is a file of JSON objects, a line each.
type jsonLines struct{ file *outFile }

func (f *folder) jsonLines(name string) (jsonLines, error) {
	o, err := f.create(name)
	return jsonLines{file: o}, err
}

func (j jsonLines) put(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("object of type %T has no JSON form: %w", v, access.ErrInvalid)
	}
	return j.file.line(text)
}
