package report

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/xuri/excelize/v2"
)

// Format is how a report is written.
type Format string

// The formats.
const (
	Markdown Format = "md"
	HTML     Format = "html" // with charts; needs no other file, network or script
	CSV      Format = "csv"  // every table, one after the other
	JSON     Format = "json"
	XLSX     Format = "xlsx" // a sheet for each table
)

// Formats returns every format.
func Formats() []Format { return []Format{Markdown, HTML, CSV, JSON, XLSX} }

// Write writes the report.
//
// Errors: [access.ErrInvalid] for another format; those of w.
func (r Report) Write(w io.Writer, f Format) error {
	switch f {
	case Markdown:
		_, err := io.WriteString(w, r.markdown())
		return err
	case HTML:
		return r.html(w)
	case CSV:
		return r.csv(w)
	case JSON:
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(r)
	case XLSX:
		return r.xlsx(w)
	default:
		return fmt.Errorf("format %q: write md, html, csv, json or xlsx: %w", f, access.ErrInvalid)
	}
}

// table is a part of the report.
type table struct {
	Title string
	Note  string
	Head  []string
	Rows  [][]string
}

// title is the report's first line.
func (r Report) title() string {
	title := "Compliance report " + r.Period.Name
	if r.SOP != "" {
		title += ", " + r.SOP
	}
	return title
}

// subtitle says what the figures are of.
func (r Report) subtitle() string {
	text := fmt.Sprintf("%s to %s, made %s.", stamp(r.Period.From), stamp(r.Period.To), stamp(r.Made))
	if r.Running {
		text += " The period has not ended: the figures are those until now."
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// tables returns the report as tables, in their order.
func (r Report) tables() []table {
	all := []table{r.figureTable(), r.promiseTable()}
	for _, c := range []struct {
		title, note string
		counts      []Count
	}{
		{"Evidence", "Records of the period behind each list; an evidence export of the period holds them.", r.Lists},
		{"Changes of access", "Writes to Okta intended in the period.", r.Changes},
		{"Findings raised", "In the period, by kind.", r.Findings},
		{"Findings open", "When the report was made, by kind.", r.Open},
		{"Tickets raised", "In the period, by project and type.", r.Volume},
	} {
		t := table{Title: c.title, Note: c.note, Head: []string{"what", "number"}}
		for _, n := range c.counts {
			t.Rows = append(t.Rows, []string{n.Name, strconv.Itoa(n.N)})
		}
		all = append(all, t)
	}
	for _, s := range r.Samples {
		all = append(all, s.table())
	}
	return all
}

func (r Report) figureTable() table {
	t := table{Title: "Figures", Head: []string{"figure", "value", "meaning"}}
	for _, f := range r.Figures {
		t.Rows = append(t.Rows, []string{f.Name, f.Value, f.Means})
	}
	return t
}

func (r Report) promiseTable() table {
	t := table{
		Title: "Promises", Note: "Kept of all that were due; what is open and past due counts as broken.",
		Head: []string{"procedure", "promise", "severity", "target", "kept", "broken", "open", "past due", "median", "p95", "attainment"},
	}
	for _, p := range r.Promises {
		severity := p.Severity
		if severity == "" {
			severity = "all"
		}
		t.Rows = append(t.Rows, []string{
			p.SOP, p.KPI, severity, p.Target, strconv.Itoa(p.Met), strconv.Itoa(p.Breached), strconv.Itoa(p.Open), strconv.Itoa(p.Overdue), p.Median, p.P95,
			p.attainment(),
		})
	}
	return t
}

// attainment is the share of promises kept, for people.
func (p Promise) attainment() string {
	if p.Attainment == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100**p.Attainment)
}

func (s Sample) table() table {
	title, how := "Newest "+s.Of, "the newest of the period"
	if s.How == Random {
		title, how = "Sample of "+s.Of, fmt.Sprintf("drawn with the seed %d", s.Seed)
	}
	t := table{
		Title: title, Note: fmt.Sprintf("%d of %d, %s.", len(s.Lines), s.Population, how),
		Head: []string{"record", "time", "kind", "ticket", "user", "group", "the whole chain"},
	}
	for _, l := range s.Lines {
		chain := ""
		if name := l.Explain(); name != "" {
			chain = "sopd explain " + name
		}
		t.Rows = append(t.Rows, []string{strconv.FormatInt(l.Seq, 10), stamp(l.At), l.Kind, l.Ticket, l.User, l.Group, chain})
	}
	return t
}

func (r Report) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "# %s\n\n%s\n", r.title(), r.subtitle())
	for _, t := range r.tables() {
		fmt.Fprintf(&w, "\n## %s\n\n", t.Title)
		if t.Note != "" {
			fmt.Fprintf(&w, "%s\n\n", t.Note)
		}
		if len(t.Rows) == 0 {
			w.WriteString("None.\n")
			continue
		}
		line := func(cells []string) {
			for _, cell := range cells {
				w.WriteString("| " + strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell) + " ")
			}
			w.WriteString("|\n")
		}
		line(t.Head)
		w.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
		for _, row := range t.Rows {
			line(row)
		}
	}
	return w.String()
}

// csv writes every table with its title before and an empty line after it. Cells are made harmless as in an export.
func (r Report) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{r.title(), r.subtitle()})
	for _, t := range r.tables() {
		err = errors.Join(err, out.Write(nil), out.Write([]string{t.Title, t.Note}), out.Write(t.Head))
		for _, row := range t.Rows {
			safe := make([]string, len(row))
			for i, cell := range row {
				safe[i] = evidence.Neutral(cell)
			}
			err = errors.Join(err, out.Write(safe))
		}
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// maxSheetName is how long a sheet's name may be.
const maxSheetName = 31

func (r Report) xlsx(w io.Writer) error {
	book := excelize.NewFile()
	err := book.SetSheetName("Sheet1", "report")
	err = errors.Join(err, book.SetSheetRow("report", "A1", &[]string{r.title()}), book.SetSheetRow("report", "A2", &[]string{r.subtitle()}))
	for _, t := range r.tables() {
		name := t.Title[:min(len(t.Title), maxSheetName)]
		if _, failed := book.NewSheet(name); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		for i, row := range append([][]string{{t.Note}, t.Head}, t.Rows...) {
			safe := make([]string, len(row))
			for j, cell := range row {
				safe[j] = evidence.Neutral(cell)
			}
			err = errors.Join(err, book.SetSheetRow(name, "A"+strconv.Itoa(i+1), &safe))
		}
	}
	if err == nil {
		_, err = book.WriteTo(w)
	}
	return errors.Join(err, book.Close())
}

//go:embed report.html.tmpl
var page string

// column is a day of the chart: where it stands and how high each part is, in units of the drawing.
type column struct {
	X, Width                  float64
	Grants, Changes, Findings float64 // heights
	Top                       [3]float64
	Label                     string
}

// The drawing's size.
const (
	chartWidth  = 900.0
	chartHeight = 120.0
)

// columns returns the chart of the days: grants, changes and findings on top of each other.
func (r Report) columns() []column {
	most := 1
	for _, d := range r.Days {
		most = max(most, d.Grants+d.Changes+d.Findings)
	}
	step := chartWidth / float64(max(len(r.Days), 1))
	all := make([]column, len(r.Days))
	for i, d := range r.Days {
		scale := func(n int) float64 { return chartHeight * float64(n) / float64(most) }
		c := column{
			X: float64(i) * step, Width: step * 0.8, Grants: scale(d.Grants), Changes: scale(d.Changes), Findings: scale(d.Findings),
			Label: fmt.Sprintf("%s: %d grants, %d changes, %d findings", d.Date, d.Grants, d.Changes, d.Findings),
		}
		c.Top[0] = chartHeight - c.Grants
		c.Top[1] = c.Top[0] - c.Changes
		c.Top[2] = c.Top[1] - c.Findings
		all[i] = c
	}
	return all
}

// bar is a promise in the chart of attainment.
type bar struct {
	Name, Value string
	Percent     float64
	Kept        bool // all of it
}

func (r Report) bars() []bar {
	var all []bar
	for _, p := range r.Promises {
		if p.Attainment == nil {
			continue
		}
		name := p.SOP + ", " + p.KPI
		if p.Severity != "" {
			name += ", " + p.Severity
		}
		all = append(all, bar{Name: name, Value: p.attainment(), Percent: 100 * *p.Attainment, Kept: p.Breached+p.Overdue == 0})
	}
	return all
}

func (r Report) html(w io.Writer) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		Title, Subtitle string
		Figures         []Figure
		Bars            []bar
		Columns         []column
		Width, Height   float64
		Tables          []table
	}{r.title(), r.subtitle(), r.Figures, r.bars(), r.columns(), chartWidth, chartHeight, r.tables()[1:]})
}
