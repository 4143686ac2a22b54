package evidence

import (
	"archive/zip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/xuri/excelize/v2"
)

// maxRows is how many rows a sheet takes.
//
// Source: Excel specifications and limits, 2026: 1,048,576 rows.
const maxRows = 1_048_576

// sheet is a list in the workbook.
type sheet struct {
	file, name string
}

// sheets returns what the workbook holds after the statement, as the filter lets through.
func (e *exporter) sheets() []sheet {
	var all []sheet
	for _, f := range forms() {
		if e.shows(f) {
			all = append(all, sheet{f.File, strings.TrimSuffix(f.File, ".csv")})
		}
	}
	all = append(all, sheet{FileControls, "controls"})
	if e.manifest.Comparison != nil {
		all = append(all, sheet{FileComparison, "comparison"}, sheet{FileOthers, "changes-by-others"}, sheet{FileGroups, "groups"})
	}
	return all
}

// writeWorkbook writes the lists once more, as sheets of a workbook for people who filter and sort. Each is read from its file
// and streamed, so that memory does not grow with the rows. Cells are texts, never formulas.
func (e *exporter) writeWorkbook() (err error) {
	book := excelize.NewFile()
	defer func() {
		if closed := book.Close(); err == nil && closed != nil {
			err = unwritable(closed)
		}
	}()
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return workbook(err)
	}
	if err := book.SetSheetName("Sheet1", "statement"); err != nil {
		return workbook(err)
	}
	if err := e.statementSheet(book); err != nil {
		return err
	}
	for _, s := range e.sheets() {
		if _, err := book.NewSheet(s.name); err != nil {
			return workbook(err)
		}
		if err := e.listSheet(book, s, bold); err != nil {
			return err
		}
	}
	out, err := e.folder.create(FileWorkbook)
	if err != nil {
		return err
	}
	// Without this the whole packed workbook would be in memory first.
	book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(out) })
	if _, err = book.WriteTo(io.Discard); err != nil {
		err = workbook(err)
	}
	return errors.Join(err, out.close())
}

// workbook leaves paths of temporary files out of an error.
func workbook(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return unwritable(err)
	}
	return fmt.Errorf("workbook cannot be written: %w", access.ErrUnavailable)
}

func (e *exporter) statementSheet(book *excelize.File) error {
	m := e.manifest
	rows := [][]any{
		{"Evidence of " + m.Origin}, {"from", iso(m.From)}, {"to, itself not in the period", iso(m.To)}, {"made", iso(m.Made)},
		{"records in the period", m.Records.InPeriod}, {"first record of the export", m.Records.First}, {"record after the last", m.Records.End},
	}
	if m.Filter != nil {
		rows = append(rows, []any{"narrowed to procedure", m.Filter.SOP}, []any{"narrowed to framework", m.Filter.Framework})
	}
	rows = append(rows, []any{"Trust this workbook only after the export it lies in has been verified: sopd evidence verify."})
	return e.stream(book, "statement", func(w *excelize.StreamWriter, at int) error {
		for _, row := range rows {
			cell, err := excelize.CoordinatesToCellName(1, at)
			if err == nil {
				err = w.SetRow(cell, row)
			}
			if err != nil {
				return workbook(err)
			}
			at++
		}
		return nil
	})
}

// stream writes a sheet, with the stamp of an incomplete export in its first row. fill is told in which row to begin.
func (e *exporter) stream(book *excelize.File, name string, fill func(w *excelize.StreamWriter, at int) error) error {
	w, err := book.NewStreamWriter(name)
	if err != nil {
		return workbook(err)
	}
	at := 1
	if len(e.manifest.Incomplete) > 0 {
		if err := w.SetRow("A1", []any{incompleteStamp + strings.Join(e.manifest.Incomplete, "; ")}); err != nil {
			return workbook(err)
		}
		at = 2
	}
	if err := fill(w, at); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return workbook(err)
	}
	return nil
}

// incompleteStamp stands on every page of an export whose sources were not read completely.
const incompleteStamp = "INCOMPLETE: this export was made although not every source could be read. "

func (e *exporter) listSheet(book *excelize.File, s sheet, bold int) error {
	file, err := os.Open(filepath.Join(e.folder.path, s.file))
	if err != nil {
		return unwritable(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	return e.stream(book, s.name, func(w *excelize.StreamWriter, at int) error {
		heading := excelize.RowOpts{StyleID: bold}
		for ; ; at++ {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("own file %s: %w", s.file, access.ErrMalformed)
			}
			cells := make([]any, len(row))
			for i, text := range row {
				cells[i] = shortened(text)
			}
			if at == maxRows {
				cells = []any{"A sheet takes no more rows; the rest stands in " + s.file}
			}
			cell, err := excelize.CoordinatesToCellName(1, at)
			if err == nil {
				err = w.SetRow(cell, cells, heading)
			}
			if err != nil {
				return workbook(err)
			}
			if at == maxRows {
				return nil
			}
			heading = excelize.RowOpts{}
		}
	})
}

// maxCell is how many characters a cell takes.
//
// Source: Excel specifications and limits, 2026: 32,767.
const maxCell = 32_767

func shortened(text string) string {
	if len(text) <= maxCell {
		return text
	}
	return strings.ToValidUTF8(text[:maxCell-3], "") + "..."
}
