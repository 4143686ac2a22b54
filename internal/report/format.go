package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
)

// Format is how a report is written.
type Format string

// The formats.
const (
	Markdown Format = "md"
	HTML     Format = "html" // one page without anything from outside; prints well
	CSV      Format = "csv"  // the sections one below the other, the first column is the section
	JSON     Format = "json"
	XLSX     Format = "xlsx" // a sheet for each section
)

// Formats lists them all.
func Formats() []Format { return []Format{Markdown, HTML, CSV, JSON, XLSX} }

// Write writes the report.
//
// Errors: [access.ErrInvalid] for an unknown format; what w returns.
func Write(w io.Writer, r Report, f Format) error {
	switch f {
	case Markdown:
		return writeMarkdown(w, r)
	case HTML:
		return writeHTML(w, r)
	case CSV:
		return writeCSV(w, r)
	case JSON:
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	case XLSX:
		return writeXLSX(w, r)
	default:
		return fmt.Errorf("there is no format %q; choose one of %v: %w", f, Formats(), access.ErrInvalid)
	}
}

// basis says what the report rests on.
func (r Report) basis() string {
	s := fmt.Sprintf("From %s up to, and without, %s (UTC). Made %s by sopd %s from %d records of the ledger, %d of them of the period.",
		r.Period.From.Format("2006-01-02"), r.Period.To.Format("2006-01-02"), r.Made.Format("2006-01-02 15:04"), r.Program, r.Records, r.InPeriod)
	if r.Partial {
		s += " The period is not over: the figures are those of the part that has passed."
	}
	if r.SOP != "" {
		s += " Only procedure " + r.SOP + "."
	}
	return s
}

func writeMarkdown(w io.Writer, r Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n%s\n", r.Title, r.Period.Name, r.basis())
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n## %s\n", s.Title)
		if s.Text != "" {
			fmt.Fprintf(&b, "\n%s\n", s.Text)
		}
		if len(s.Table.Columns) == 0 {
			continue // the text says it all
		}
		if len(s.Table.Rows) == 0 {
			b.WriteString("\nNone.\n")
			continue
		}
		fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(s.Table.Columns, " | "), strings.Repeat("---|", len(s.Table.Columns)))
		for _, row := range s.Table.Rows {
			cells := make([]string, len(row))
			for i, c := range row {
				cells[i] = markdownCell(c.Text)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownCell keeps what people wrote from being read as a table, a link or HTML.
func markdownCell(s string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", "[", "\\[", "`", "\\`", "*", "\\*", "_", "\\_").Replace(s)
}

func writeCSV(w io.Writer, r Report) error {
	out := csv.NewWriter(w)
	for _, s := range r.Sections {
		if len(s.Table.Columns) == 0 { // nothing but a text
			if err := out.Write([]string{s.Name, evidence.Neutral(s.Text)}); err != nil {
				return err
			}
			continue
		}
		if err := out.Write(append([]string{"section"}, s.Table.Columns...)); err != nil {
			return err
		}
		for _, row := range s.Table.Rows {
			cells := []string{s.Name}
			for _, c := range row {
				cells = append(cells, evidence.Neutral(c.Text))
			}
			if err := out.Write(cells); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
