package evidence

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// recordCheck walks through the records, the hashes and every view at once.
type recordCheck struct {
	verifier *verifier
	leaves   *bufio.Reader
	lines    *bufio.Scanner
	views    []*viewCheck
	sent     *originalCheck
	kinds    map[string]int64
	seq      int64 // of the record expected next
	line     int64 // of the record in hand
	inPeriod int64
}

// records holds each record against its hash, and the lists against the records.
func (v *verifier) records() error {
	c := &recordCheck{verifier: v, kinds: make(map[string]int64), seq: v.result.Manifest.Records.First}
	leaves, err := v.open(FileLeaves)
	if err != nil {
		return err
	}
	defer leaves.Close() //nolint:errcheck // it was only read
	records, err := v.open(FileRecords)
	if err != nil {
		return err
	}
	defer records.Close() //nolint:errcheck // it was only read
	sent, closer, err := v.originals()
	if err != nil {
		return err
	}
	defer closer.Close() //nolint:errcheck // it was only read
	c.sent = sent
	c.leaves, c.lines = bufio.NewReaderSize(leaves, bufferSize), bufio.NewScanner(records)
	c.lines.Buffer(make([]byte, bufferSize), maxLine)
	for _, view := range v.result.Manifest.Views {
		check, closer, err := v.view(view)
		if err != nil {
			return err
		}
		defer closer.Close() //nolint:errcheck // it was only read
		c.views = append(c.views, check)
	}
	return c.run()
}

func (c *recordCheck) run() error {
	for c.lines.Scan() {
		c.line++
		if err := c.record(c.lines.Bytes()); err != nil {
			return err
		}
		c.seq++
	}
	if err := c.lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return c.fault(ledger.Edited, "the line is longer than any record")
		}
		return unreadable(FileRecords, err)
	}
	m := c.verifier.result.Manifest
	switch {
	case c.line == 0:
		return &Fault{File: FileRecords, Kind: ledger.Missing, Detail: "there is no record"}
	case c.seq < m.Records.End:
		return &Fault{File: FileRecords, Kind: ledger.Truncated, Line: c.line + 1, Detail: fmt.Sprintf("records %d to %d are missing", c.seq, m.Records.End-1)}
	case !maps.Equal(c.kinds, m.Kinds) || c.inPeriod != m.Records.InPeriod:
		return &Fault{File: FileManifest, Kind: ledger.Foreign, Detail: fmt.Sprintf("the records in the period are %v, the manifest claims %v", c.kinds, m.Kinds)}
	}
	for _, view := range c.views {
		if err := view.end(); err != nil {
			return err
		}
	}
	return c.sent.end(m.Originals)
}

func (c *recordCheck) fault(kind ledger.FaultKind, format string, args ...any) error {
	return &Fault{File: FileRecords, Kind: kind, Line: c.line, Detail: fmt.Sprintf(format, args...)}
}

func (c *recordCheck) record(canonical []byte) error {
	r, err := ledger.Decode(canonical)
	if err != nil {
		return c.fault(ledger.Edited, "record %d is not in canonical form", c.seq)
	}
	m := c.verifier.result.Manifest
	if r.Seq != c.seq || r.Seq >= m.Records.End {
		return c.misplaced(r.Seq, m.Records)
	}
	var leaf ledger.Hash
	if _, err := io.ReadFull(c.leaves, leaf[:]); err != nil {
		return unreadable(FileLeaves, err)
	}
	if leaf != r.Hash {
		return c.fault(ledger.Edited, "record %d is not what was signed", r.Seq)
	}
	if !m.in(r) {
		return nil
	}
	c.kinds[string(r.Kind)]++
	c.inPeriod++
	if err := c.sent.record(r); err != nil {
		return err
	}
	name, err := factName(r)
	if err != nil {
		return c.fault(ledger.Edited, "record %d holds no fact", r.Seq)
	}
	for _, view := range c.views {
		if err := view.record(r, name); err != nil {
			return err
		}
	}
	return nil
}

// misplaced tells why another record stands here. Everything before was in place.
func (c *recordCheck) misplaced(got int64, r Range) error {
	switch {
	case got >= r.End:
		return c.fault(ledger.Foreign, "record %d lies after those that were signed", got)
	case got < r.First:
		return c.fault(ledger.Foreign, "record %d lies before those of the export", got)
	case got < c.seq:
		return c.fault(ledger.Duplicated, "record %d stands again where record %d should", got, c.seq)
	}
	for c.lines.Scan() {
		if later, err := ledger.Decode(c.lines.Bytes()); err == nil && later.Seq == c.seq {
			return c.fault(ledger.Reordered, "record %d stands here, and record %d after it", got, c.seq)
		}
	}
	return c.fault(ledger.Dropped, "records %d to %d are missing", c.seq, got-1)
}

// viewCheck holds one view against the records as they come by.
type viewCheck struct {
	view  ViewCount
	known map[string]string // identifier of each person by pseudonym
	rows  *csv.Reader
	n     int64
}

func (v *verifier) view(view ViewCount) (*viewCheck, fs.File, error) {
	file, err := v.open(view.File)
	if err != nil {
		return nil, nil, err
	}
	c := &viewCheck{view: view, known: v.known, rows: csv.NewReader(bufio.NewReaderSize(file, bufferSize))}
	c.rows.ReuseRecord = true
	header, err := c.rows.Read()
	if err != nil || len(header) < len(ViewColumns()) || !slices.Equal(header[:len(ViewColumns())], ViewColumns()) {
		closed := file.Close() // an error of it would say less
		return nil, nil, errors.Join(&Fault{File: view.File, Kind: ledger.Edited, Line: 1, Detail: "its columns are not those of such a list"}, closed)
	}
	return c, file, nil
}

func (c *viewCheck) fault(kind ledger.FaultKind, format string, args ...any) error {
	line, _ := c.rows.FieldPos(0)
	return &Fault{File: c.view.File, Kind: kind, Line: int64(line), Detail: fmt.Sprintf(format, args...)}
}

// record expects the record's row next, when the record is in the population. name is what [factName] returns.
func (c *viewCheck) record(r ledger.Record, name string) error {
	if !c.view.holds(r.Kind, name) {
		return nil
	}
	row, err := c.rows.Read()
	if errors.Is(err, io.EOF) {
		return &Fault{File: c.view.File, Kind: ledger.Truncated, Detail: fmt.Sprintf("record %d is in the population and not in the list", r.Seq)}
	}
	if err != nil {
		return &Fault{File: c.view.File, Kind: ledger.Edited, Detail: fmt.Sprintf("the row of record %d is not understood", r.Seq)}
	}
	c.n++
	if person, known := c.known[string(r.User)]; known {
		r.User = access.UserID(person)
	}
	for i, want := range recordCells(r) {
		if row[i] != Neutral(want) {
			return c.fault(ledger.Edited, "the row should be of record %d, and %s is another", r.Seq, ViewColumns()[i])
		}
	}
	return nil
}

func (c *viewCheck) end() error {
	_, err := c.rows.Read()
	switch {
	case err == nil:
		return c.fault(ledger.Foreign, "more rows than records in the population")
	case err != io.EOF:
		return &Fault{File: c.view.File, Kind: ledger.Edited, Detail: "what follows the last row is not understood"}
	case c.n != c.view.Rows:
		return &Fault{File: FileManifest, Kind: ledger.Foreign, Detail: fmt.Sprintf("%s has %d rows, the manifest claims %d", c.view.File, c.n, c.view.Rows)}
	}
	return nil
}
