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

// writeSheet streams the rows of one section.
func writeSheet(book *excelize.File, s Section) error {
	if _, err := book.NewSheet(s.Name); err != nil {
		return err
	}
	sheet, err := book.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	header := make([]any, len(s.Table.Columns))
	for i, c := range s.Table.Columns {
		header[i] = c
	}
	if err := sheet.SetRow("A1", header); err != nil {
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
