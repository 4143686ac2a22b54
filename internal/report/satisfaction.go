package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// factRated begins the names of the facts that tell how satisfied a customer was; the rating follows. Package reconcile
// records them.
const factRated = "ticket.rated."

// best is the highest rating.
const best = 5

// ratings are what customers said.
type ratings struct {
	given  [best + 1]int // in the period, by rating; of a ticket that was rated twice the last word counts
	number int           // in the period
	sum    int           // of those of the period
	ever   bool          // some ticket was rated at some time
	rated  map[string]bool
}

func (c *composer) ratings() ratings {
	r := ratings{rated: make(map[string]bool)}
	last := make(map[string]kpi.Fact)
	values := make(map[string]int)
	for name, facts := range c.named {
		text, is := strings.CutPrefix(name, factRated)
		value, err := strconv.Atoi(text)
		if !is || err != nil || value < 1 || value > best {
			continue
		}
		for _, f := range facts {
			r.ever = true
			r.rated[f.Subject] = true
			if before, known := last[f.Subject]; c.in.Period.in(f.At) && (!known || f.At.After(before.At)) {
				last[f.Subject], values[f.Subject] = f, value
			}
		}
	}
	for _, value := range values {
		r.given[value]++
		r.number++
		r.sum += value
	}
	return r
}

// satisfaction tells what customers said of their tickets, where tickets carry it.
func (c *composer) satisfaction() Section {
	r := c.ratings()
	section := Section{Name: "satisfaction", Title: "Satisfaction", Table: Table{Columns: []string{}, Rows: [][]Cell{}}}
	if !r.ever {
		section.Text = "No ticket carries a rating. Jira Service Management asks for one when a request is resolved, in projects where customer satisfaction is switched on."
		return section
	}
	section.Table.Columns = []string{"figure", "value"}
	row := func(what string, v Cell) {
		section.Table.Rows = append(section.Table.Rows, []Cell{text(what), v})
	}
	average := text("–")
	if r.number > 0 {
		mean := float64(r.sum) / float64(r.number)
		average = figure(mean, strconv.FormatFloat(mean, 'f', 2, 64)+" of "+strconv.Itoa(best))
	}
	row("average rating", average)
	row("tickets rated in the period", count(r.number))
	row("fulfilled requests that were rated since", share(c.answered(r)))
	chart := Chart{Title: "Ratings given in the period", Parts: true}
	for value := best; value >= 1 && r.number > 0; value-- {
		chart.Bars = append(chart.Bars, Bar{Label: fmt.Sprintf("%d of %d", value, best), Part: r.given[value], Total: r.number})
	}
	if len(chart.Bars) > 0 {
		section.Chart = &chart
	}
	section.Text = "What customers said of their tickets in the period; who said it twice counts with the last word."
	return section
}

// answered returns how many of the requests that were fulfilled in the period have been rated.
func (c *composer) answered(r ratings) kpi.Share {
	var s kpi.Share
	for subject, at := range c.times(factProvisioned) {
		if !c.in.Period.in(at) {
			continue
		}
		s.Total++
		if r.rated[subject] {
			s.Part++
		}
	}
	return s
}
