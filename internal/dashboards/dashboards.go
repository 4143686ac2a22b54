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
	unit    string // Grafana's identifier: s, percentunit, short …
	width   uint32 // of 24
	steps   []step
	queries []query
	words   map[string]string // what is shown for a value: "1" → "on"
}

// step is the colour from a value on.
type step struct {
	from  float64
	color string
}

// query asks Prometheus. $job and the board's choices stand for what the reader chose.
type query struct {
	expr      string
	legend    string // the column's heading in a table
	unit      string // of the column, where it differs from the panel's
	exemplars bool   // shown as dots that carry the change ID
}

// none is the scale of what should not be there at all.
func none(color string) []step { return []step{{1, color}} }
