package report

import (
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// writeXLSX writes a workbook with a sheet for each section. Texts are written as texts, so none of them is a formula.
func writeXLSX(w io.Writer, r Report) (err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	const first = "Sheet1"
	if err := book.SetSheetName(first, "about"); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := book.SetSheetRow("about", "A1", &[]any{r.Title, r.Period.Name}); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := book.SetSheetRow("about", "A2", &[]any{r.basis()}); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	for _, s := range r.Sections {
		if err := writeSheet(book, s); err != nil {
			return fmt.Errorf("sheet %s: %w", s.Name, err)
		}
	}
	return book.Write(w)
}

// widest is how wide a column may be made, in letters.
const widest = 60

// writeHeading writes the columns' names, which stay in sight, and makes each column as wide as what stands in it.
func writeHeading(book *excelize.File, sheet *excelize.StreamWriter, t Table) error {
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	header := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		header[i] = excelize.Cell{StyleID: bold, Value: c}
		width := len(c)
		for _, row := range t.Rows {
			width = max(width, len(row[i].Text))
		}
		if err := sheet.SetColWidth(i+1, i+1, float64(min(width, widest)+2)); err != nil {
			return err
		}
	}
	if err := sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	return sheet.SetRow("A1", header)
}

// writeSheet streams the rows of one section.
func writeSheet(book *excelize.File, s Section) error {
	if _, err := book.NewSheet(s.Name); err != nil {
		return err
	}
	sheet, err := book.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	if len(s.Table.Columns) == 0 {
		return errors.Join(sheet.SetRow("A1", []any{s.Text}), sheet.Flush())
	}
	if err := writeHeading(book, sheet, s.Table); err != nil {
		return err
	}
	for i, row := range s.Table.Rows {
		cells := make([]any, len(row))
		for j, c := range row {
			cells[j] = c.Text
			if c.Number != nil {
				cells[j] = *c.Number
			}
		}
		at, err := excelize.CoordinatesToCellName(1, i+2)
		if err != nil {
			return err
		}
		if err := sheet.SetRow(at, cells); err != nil {
			return err
		}
	}
	return sheet.Flush()
}
