package report

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// Population is what an auditor draws a sample of.
type Population string

// The populations.
const (
	Leavers   Population = "leavers"   // everybody who left in the period
	Requests  Population = "requests"  // every request for access that was raised in it
	Grants    Population = "grants"    // every grant that was approved in it
	Writes    Population = "changes"   // every write to Okta that was intended in it
	Incidents Population = "incidents" // every incident that was detected in it
)

// Populations lists all of them, in the order in which they are shown.
func Populations() []Population { return []Population{Leavers, Requests, Grants, Writes, Incidents} }

// factDetected begins an incident.
const factDetected = "incident.detected"

// Draw says how a sample is drawn.
type Draw struct {
	Of Population
	N  int // how many; more than there are gives all
	// Seed makes a random draw repeatable by anybody: the same population and seed give the same sample. It is not used
	// with Newest.
	Seed uint64
	// Newest draws the last N instead of random ones.
	Newest bool
}

// Sample makes a report of some members of a population, each with what leads to its evidence.
//
// Errors: [access.ErrInvalid] for an unknown population or less than one to draw.
func Sample(in Input, d Draw) (Report, error) {
	c := newComposer(in)
	if d.N < 1 {
		return Report{}, fmt.Errorf("a sample needs at least one member: %w", access.ErrInvalid)
	}
	columns, all, err := c.population(d.Of)
	if err != nil {
		return Report{}, err
	}
	drawn := d.draw(all)
	how := fmt.Sprintf("%d of %d, drawn with seed %d (PCG of Go's math/rand/v2, the first N of a shuffle of the population sorted by time and identifier)", len(drawn), len(all), d.Seed)
	if d.Newest {
		how = fmt.Sprintf("the newest %d of %d", len(drawn), len(all))
	}
	r := Report{
		Title: "Sample of " + string(d.Of), Period: in.Period, Made: in.Now.UTC(), Program: in.Program,
		Records: in.Found.Records, InPeriod: in.Found.InPeriod, Partial: in.Now.Before(in.Period.To),
	}
	r.Sections = []Section{{
		Name: "sample", Title: "Sample", Text: "Drawn: " + how + ". sopd explain shows the whole chain of each.",
		Table: Table{Columns: columns, Rows: drawn},
	}}
	return r, nil
}

// draw returns the rows of the sample, in the order of the population.
func (d Draw) draw(all [][]Cell) [][]Cell {
	n := min(d.N, len(all))
	if d.Newest {
		return all[len(all)-n:]
	}
	positions := make([]int, len(all))
	for i := range positions {
		positions[i] = i
	}
	dice := rand.New(rand.NewPCG(d.Seed, 0)) //nolint:gosec // a draw that an auditor can repeat must not be secret
	dice.Shuffle(len(positions), func(i, j int) { positions[i], positions[j] = positions[j], positions[i] })
	chosen := positions[:n]
	slices.Sort(chosen)
	rows := make([][]Cell, n)
	for i, at := range chosen {
		rows[i] = all[at]
	}
	return rows
}

// population returns everybody or everything of the kind in the period, oldest first.
func (c *composer) population(p Population) (columns []string, rows [][]Cell, err error) {
	switch p {
	case Leavers:
		s := c.leavers()
		return s.Table.Columns, s.Table.Rows, nil
	case Requests:
		columns, rows = c.subjects(factRequested, factApproved, factProvisioned)
	case Incidents:
		columns, rows = c.subjects(factDetected, "incident.acknowledged", "incident.contained", "incident.resolved", "incident.closed", "pir.completed")
	case Writes:
		s := c.changes()
		return s.Table.Columns, s.Table.Rows, nil
	case Grants:
		columns, rows = c.grants()
	default:
		err = fmt.Errorf("there is no population %q; choose one of %v: %w", p, Populations(), access.ErrInvalid)
	}
	return columns, rows, err
}

// subjects lists what began in the period with the first fact, and when the others happened to each.
func (c *composer) subjects(first string, others ...string) (columns []string, rows [][]Cell) {
	columns = append([]string{"subject", first}, others...)
	at := make([]map[string]kpi.Fact, len(others))
	for i, name := range others {
		at[i] = make(map[string]kpi.Fact)
		for _, f := range c.facts(name) {
			if _, known := at[i][f.Subject]; !known {
				at[i][f.Subject] = f
			}
		}
	}
	for _, f := range c.facts(first) {
		if !c.in.Period.in(f.At) {
			continue
		}
		row := []Cell{text(f.Subject), instant(f.At)}
		for i := range others {
			row = append(row, instant(at[i][f.Subject].At))
		}
		rows = append(rows, row)
	}
	return columns, rows
}

func (c *composer) grants() (columns []string, rows [][]Cell) {
	grants := slices.Clone(c.in.Found.Grants)
	slices.SortFunc(grants, func(a, b change.Grant) int { return cmp.Or(a.Approved.Compare(b.Approved), cmp.Compare(a.ID, b.ID)) })
	for _, g := range grants {
		approvers := ""
		for i, p := range g.Approvals {
			if i > 0 {
				approvers += ", "
			}
			approvers += string(p.User) + " as " + p.Role
		}
		rows = append(rows, []Cell{
			text(string(g.Ticket)), text(string(g.Why())), text(string(g.User)), text(g.System), text(g.Role), text(c.group(string(g.Group))), instant(g.Approved), text(approvers), instant(g.Expires),
		})
	}
	return []string{"ticket", "why", "user", "system", "role", "group", "approved", "approvers", "expires"}, rows
}
