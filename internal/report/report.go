package report

import (
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// Report is what people read, before it has a format.
type Report struct {
	Title    string    `json:"title"` // what sort of report it is
	Period   Period    `json:"period"`
	SOP      string    `json:"sop,omitempty"` // the one procedure that it is about; empty: all
	Made     time.Time `json:"made"`
	Program  string    `json:"program"`         // sopd's version
	Records  int64     `json:"records"`         // of the ledger when it was made
	InPeriod int64     `json:"recordsInPeriod"` // those that claim a time in the period
	// Partial: the period had not ended when the report was made.
	Partial  bool      `json:"partial"`
	Sections []Section `json:"sections"`
}

// Section is a part of a report under a heading.
type Section struct {
	Name  string `json:"name"`           // short and stable, such as "promises"; a sheet of a workbook
	Title string `json:"title"`          // the heading
	Text  string `json:"text,omitempty"` // what the reader has to know about the figures
	Table Table  `json:"table"`          // may have no rows
	Chart *Chart `json:"chart,omitempty"`
}

// Table is rows of cells under columns.
type Table struct {
	Columns []string `json:"columns"` // headings
	Rows    [][]Cell `json:"rows"`
}

// Cell is a text or a number. A number also has a text, with its unit, for people.
type Cell struct {
	Text   string   `json:"text"`             // for people, with its unit
	Number *float64 `json:"number,omitempty"` // shares from 0 to 1, times in seconds; nil for a text
}

// Chart is bars, each a share of a whole.
type Chart struct {
	Title string `json:"title"` // what the bars show
	Bars  []Bar  `json:"bars"`
	// Parts: the bars are parts of one whole, and what a bar leaves is no failure.
	Parts bool `json:"parts,omitempty"`
}

// Bar is one share: the good part of a total. A total of 0 is shown as nothing to measure.
type Bar struct {
	Label string `json:"label"` // what the bar is about
	Part  int    `json:"part"`  // 0 to Total
	Total int    `json:"total"` // from 0
}

// SOP is a procedure as a report names it.
type SOP struct {
	Name       string    // short and stable
	Title      string    // for people
	Version    string    // three numbers
	Owner      string    // the role that answers for the text
	NextReview time.Time // the day by which it has to be reviewed
	Controls   []string  // of the frameworks that it serves
}

// Coverage is a procedure in tickets whose complete ones are counted.
type Coverage struct {
	SOP      string   // the procedure's name
	Begins   []string // facts that a ticket of it begins with
	Complete string   // the fact that a ticket lacks nothing any more
}

// Input is everything that a report is made of.
type Input struct {
	Period  Period
	SOP     string // name of the one procedure to report on; empty: all
	SOPs    []SOP
	Clocks  []kpi.Definition
	Covered []Coverage // procedures whose tickets are counted
	Found   Collected
	Now     time.Time
	Program string // sopd's version
	// Group names a group for people; nil: by its ID.
	Group func(id string) string
}

// Compose makes the report that the period's kind asks for.
func Compose(in Input) Report {
	c := newComposer(in)
	r := Report{
		Title: in.Period.Kind.Title(), Period: in.Period, SOP: in.SOP, Made: in.Now.UTC(), Program: in.Program,
		Records: in.Found.Records, InPeriod: in.Found.InPeriod, Partial: in.Now.Before(in.Period.To),
	}
	for _, section := range c.sections() {
		r.Sections = append(r.Sections, section())
	}
	return r
}

// sections returns what a report of the kind holds, in order.
func (c *composer) sections() []func() Section {
	switch c.in.Period.Kind {
	case Daily:
		return []func() Section{c.summary, c.open, c.findings, c.changes, c.holds}
	case Weekly:
		return []func() Section{c.summary, c.operations, c.satisfaction, c.promises, c.breaches, c.open}
	case Quarterly, Yearly:
		return []func() Section{
			c.summary, c.promises, c.trend, c.breaches, c.privileges, c.changesByReason, c.incidentsBySeverity, c.incidents, c.reviews, c.coverage, c.lacking,
			c.findingsByKind, c.standing, c.holds, c.procedures,
		}
	default:
		return []func() Section{
			c.summary, c.promises, c.breaches, c.changesByReason, c.leavers, c.incidentsBySeverity, c.incidents, c.reviews, c.coverage, c.lacking,
			c.findingsByKind, c.standing, c.holds, c.procedures,
		}
	}
}

func text(s string) Cell { return Cell{Text: s} }

func count(n int) Cell { return figure(float64(n), itoa(n)) }

func figure(n float64, s string) Cell { return Cell{Text: s, Number: &n} }
