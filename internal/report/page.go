package report

import (
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html.tmpl
var pageText string

// barWidth is the length of a whole bar of a chart, in the picture's units.
const barWidth = 360

func writeHTML(w io.Writer, r Report) error {
	page, err := template.New("report").Funcs(template.FuncMap{
		"basis":   Report.basis,
		"good":    func(b Bar) int { return scaled(b.Part, b.Total) },
		"bad":     func(b Bar) int { return barWidth - scaled(b.Part, b.Total) },
		"percent": func(b Bar) string { return fmt.Sprintf("%.1f %%", 100*float64(b.Part)/float64(max(b.Total, 1))) },
		"row":     func(i int) int { return 26 * i },
		"height":  func(c *Chart) int { return 26*len(c.Bars) + 4 },
		"add":     func(a, b int) int { return a + b },
		"figures": figures,
		"idle":    idle,
		"short":   func(c Cell) bool { return len(c.Text) <= shortCell },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("the page of reports: %w", err)
	}
	return page.Execute(w, r)
}

// shortCell is how long a text may be that is kept on one line: a time, a name of a group, an identifier.
const shortCell = 28

// figures says of each column whether numbers stand in it.
func figures(t Table) []bool {
	columns := make([]bool, len(t.Columns))
	for _, row := range t.Rows {
		for i, c := range row {
			columns[i] = columns[i] || c.Number != nil
		}
	}
	return columns
}

// idle reports whether a row of several figures tells that nothing happened.
func idle(row []Cell) bool {
	n := 0
	for _, c := range row {
		if c.Number != nil && *c.Number != 0 {
			return false
		}
		if c.Number != nil {
			n++
		}
	}
	return n > 1
}

// scaled returns the length of the good part of a bar. A part that is not the whole never looks like it.
func scaled(part, total int) int {
	if total == 0 {
		return 0
	}
	n := barWidth * part / total
	if part > 0 && n < 2 {
		return 2
	}
	if part < total && n > barWidth-2 {
		return barWidth - 2
	}
	return n
}
