package benchtest

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// figure is one line of the table.
type figure struct {
	name     string // for people
	key      string // for benchstat, in camel case
	aim      string
	measured string
	value    float64
	unit     string // of value, as benchstat has it: a smaller one is better unless it ends in /s
	met      bool
	note     string
}

// table is what was measured so far.
type table struct{ figures []figure }

func (t *table) add(f figure) { t.figures = append(t.figures, f) }

// write prints the lines for benchstat and then the table.
func (t *table) write(w io.Writer) error {
	for _, f := range t.figures {
		fmt.Fprintf(w, "Benchmark%s\t1\t%g %s\n", f.key, f.value, f.unit)
	}
	fmt.Fprintln(w)
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "FIGURE\tAIM\tMEASURED\t\tNOTE")
	for _, f := range t.figures {
		verdict := "missed"
		if f.met {
			verdict = "met"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", f.name, f.aim, f.measured, verdict, strings.TrimSpace(f.note))
	}
	return out.Flush()
}
