package evidence

import (
	"archive/zip"
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// writeWorkbook writes the lists once more, as sheets of a workbook for people who filter and sort. Cells are texts, never
// formulas.
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
	out, err := e.folder.create(FileWorkbook)
	if err != nil {
		return err
	}
	packed := &packer{Writer: zip.NewWriter(out), sheets: make(map[string]func(io.Writer) error)}
	for i, s := range e.sheets() {
		if _, err := book.NewSheet(s.name); err != nil {
			return errors.Join(workbook(err), out.close())
		}
		packed.sheets[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+2)] = func(w io.Writer) error { return e.listSheet(w, s, bold) }
	}
	book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return packed })
	if _, err = book.WriteTo(io.Discard); err != nil {
		err = workbook(err)
	}
	return errors.Join(cmp.Or(packed.failed, err), out.close())
}

// packer packs a workbook into its file at once, and puts the sheets of lists in their places. The library would keep the
// whole packed workbook in memory, and a part of each sheet.
type packer struct {
	*zip.Writer
	sheets map[string]func(io.Writer) error // what writes each sheet, by its path in the workbook
	failed error
}

// Create implements [excelize.ZipWriter].
func (p *packer) Create(name string) (io.Writer, error) {
	w, err := p.Writer.Create(name)
	fill, ours := p.sheets[name]
	if err != nil || !ours {
		return w, err
	}
	p.failed = fill(w)
	return io.Discard, p.failed
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
	if len(m.Incomplete) > 0 {
		rows = slices.Insert(rows, 0, []any{incompleteStamp + strings.Join(m.Incomplete, "; ")})
	}
	for i, row := range rows {
		if err := book.SetSheetRow("statement", fmt.Sprintf("A%d", i+1), &row); err != nil {
			return workbook(err)
		}
	}
	return nil
}

// incompleteStamp stands on every page of an export whose sources were not read completely.
const incompleteStamp = "INCOMPLETE: this export was made although not every source could be read. "

// listSheet streams a list from its file into a sheet, so that memory does not grow with the rows.
func (e *exporter) listSheet(w io.Writer, s sheet, bold int) error {
	file, err := os.Open(filepath.Join(e.folder.path, s.file))
	if err != nil {
		return unwritable(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	out := &sheetWriter{out: bufio.NewWriter(w)}
	out.begin()
	if len(e.manifest.Incomplete) > 0 {
		out.row([]string{incompleteStamp + strings.Join(e.manifest.Incomplete, "; ")}, 0)
	}
	for style := bold; ; style = 0 {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF):
			return out.end()
		case err != nil:
			return fmt.Errorf("own file %s: %w", s.file, access.ErrMalformed)
		case out.rows == maxRows-1:
			out.row([]string{"A sheet takes no more rows; the rest stands in " + s.file}, 0)
			return out.end()
		}
		out.row(row, style)
	}
}

// sheetWriter writes a sheet as Office Open XML has it. A failed write shows at its end.
type sheetWriter struct {
	out     *bufio.Writer
	rows    int
	columns []string // their letters, as far as they were needed
}

func (w *sheetWriter) begin() {
	w.text(xml.Header + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
}

// row writes a row of texts in one style of the workbook; 0 is the plain one.
func (w *sheetWriter) row(cells []string, style int) {
	w.rows++
	number := strconv.Itoa(w.rows)
	w.text(`<row r="` + number + `">`)
	for i, cell := range cells {
		if i == len(w.columns) {
			name, _ := excelize.ColumnNumberToName(i + 1) // no list has as many columns as it refuses
			w.columns = append(w.columns, name)
		}
		w.text(`<c r="` + w.columns[i] + number + `" s="` + strconv.Itoa(style) + `" t="inlineStr"><is><t xml:space="preserve">`)
		_ = xml.EscapeText(w.out, []byte(escaped(shortened(cell)))) // end tells
		w.text("</t></is></c>")
	}
	w.text("</row>")
}

func (w *sheetWriter) text(s string) { _, _ = w.out.WriteString(s) } // end tells

func (w *sheetWriter) end() error {
	w.text("</sheetData></worksheet>")
	return w.out.Flush()
}

// escaped keeps a text from being read as the sign that it names: such workbooks write a sign as _x and four digits.
//
// Source: ECMA-376, part 1, 22.9.2.19 (ST_Xstring).
func escaped(text string) string { return strings.ReplaceAll(text, "_x", "_x005F_x") }

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
