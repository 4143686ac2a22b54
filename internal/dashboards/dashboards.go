// Package dashboards says what Grafana shows of sopd. The files in deploy/grafana/dashboards are written from here, so that
// a panel that asks for a metric that does not exist fails a test instead of staying empty.
//
// Replicas export the same figures from one store: those are joined by max, never by sum. What a replica counts in its own
// memory (passes, requests, webhooks) is summed.
package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Files returns the dashboards as Grafana reads them, by file name.
func Files() (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, b := range []board{overview(), accessBoard(), incidentsBoard(), daemon()} {
		built, err := b.build()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.uid, err)
		}
		var text bytes.Buffer
		to := json.NewEncoder(&text)
		to.SetEscapeHTML(false)
		to.SetIndent("", "  ")
		if err := to.Encode(built); err != nil {
			return nil, fmt.Errorf("%s: %w", b.uid, err)
		}
		files[b.uid+".json"] = text.Bytes()
	}
	return files, nil
}

// board is one dashboard.
type board struct {
	uid, title, about string // uid is the file's name too
	choices           []choice
	rows              []row
}

// choice is a variable that the reader sets: the values of a label, or a fixed list.
type choice struct {
	name, title string
	label       string   // the label of sopd_kpi_target_seconds that gives the values
	values      []string // fixed instead; the first is chosen
	chosen      string   // what is chosen at first; empty for all
}

// row is a line of panels under a heading. Their widths add up to lines of 24.
type row struct {
	title  string
	panels []panel
}

// kind is how a panel draws.
type kind int

const (
	number kind = iota // the latest value, large
	lines              // over time
	listed             // a table, one column a query
)

// panel is one picture and what to do about it.
type panel struct {
	kind    kind
	title   string
	about   string // what it shows and what to do
	alert   string // the alert whose entry in the runbook goes on from here; empty for none
	unit    string // Grafana's identifier: s, percentunit, count …
	width   uint32 // of 24
	empty   string // what is shown when no series answers; by default, that there is no figure
	steps   []step
	queries []query
	words   map[string]string // what is shown for a value: "1" → "on"
	hues    []hue             // of series whose name has a meaning of its own
	decades bool              // the axis counts 1, 10, 100: for seconds beside days
	softTop float64           // the axis reaches at least so far
}

// count is Grafana's name for whole numbers, written out: 1,103 and not 1.10 K, of which no two neighbours differ.
const count = "locale"

// step is the colour from a value on.
type step struct {
	from  float64
	color string
}

// hue is the colour of the series, or of all whose name the pattern fits when it is written between slashes.
type hue struct{ name, color string }

// query asks Prometheus. $job and the board's choices stand for what the reader chose.
type query struct {
	expr      string
	legend    string // the column's heading in a table
	unit      string // of the column, where it differs from the panel's
	steps     []step // of the column: colours its figures
	exemplars bool   // shown as dots that carry the change ID
}

// How promises and what ends stand, in the colours that people expect of them.
func standings() []hue {
	return []hue{{"on_track", "green"}, {"at_risk", "orange"}, {"breached", "red"}, {"met", "green"}}
}

// lastHour counts what a series of the store has gained in an hour, joined over replicas. It is not increase(): that does not
// see the first of a kind, because its series is born at 1. What is read from the store never restarts at zero. Kinds that
// gained nothing are left out.
func lastHour(by, series string) string {
	x := `max by (` + by + `) (` + series
	return x + `) - (` + x + ` offset 1h) or ` + x + `) * 0) > 0`
}

// seen keeps of a gauge the series that were above zero at some time of what is shown: the legend then names what there is
// to see.
func seen(by, series string) string {
	x := `max by (` + by + `) (` + series + `)`
	return x + ` and max by (` + by + `) (max_over_time(` + series + `[$__range])) > 0`
}

// since is the age of a time stamp that is 0 before the first.
func since(stamp string) string { return `time() - max(` + stamp + `{job="$job"})` }

// none is the scale of what should not be there at all.
func none(color string) []step { return []step{{1, color}} }
