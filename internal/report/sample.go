package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
)

// Draw asks for a sample of a list.
type Draw struct {
	Of  string // name of a list of an evidence export, such as "leavers"
	N   int    // how many
	How How    // how they are chosen
}

// How is how a sample is drawn.
type How string

// The ways.
const (
	Random How = "random" // by the seed
	Newest How = "newest" // the last ones of the period
)

// Sample is a sample of a list.
type Sample struct {
	Of         string `json:"of"`             // name of the list
	How        How    `json:"how"`            // how they were chosen
	Seed       uint64 `json:"seed,omitempty"` // of a random one
	Population int    `json:"population"`     // how many there are in the period
	Lines      []Line `json:"lines"`          // in the order of the ledger
}

// Line is a record that was drawn.
type Line struct {
	Seq     int64     `json:"seq"`               // position in the ledger
	At      time.Time `json:"at"`                // when it happened
	Kind    string    `json:"kind"`              // of the record
	Change  string    `json:"change,omitempty"`  // the change ID
	Ticket  string    `json:"ticket,omitempty"`  // its key
	User    string    `json:"user,omitempty"`    // the Okta user ID
	Group   string    `json:"group,omitempty"`   // the Okta group ID
	Subject string    `json:"subject,omitempty"` // of a fact
}

// Explain returns what to give to sopd explain to see the whole chain; empty when nothing leads further.
func (l Line) Explain() string {
	for _, name := range []string{l.Change, l.Ticket, l.User} {
		if name != "" {
			return name
		}
	}
	id, _, _ := strings.Cut(l.Subject, "@")
	return id
}

// ParseDraw reads LIST=NUMBER, such as leavers=25.
//
// Errors: [access.ErrInvalid], with the lists that there are.
func ParseDraw(text string, how How) (Draw, error) {
	d := Draw{How: how}
	name, digits, _ := strings.Cut(text, "=")
	d.Of, d.N = name, number(digits)
	if !slices.Contains(lists(), d.Of) || d.N < 1 {
		return Draw{}, fmt.Errorf("%q is no sample; write a list and a number, such as leavers=25; lists are %s: %w", text, strings.Join(lists(), ", "), access.ErrInvalid)
	}
	return d, nil
}

func lists() []string {
	var names []string
	for _, v := range evidence.Views() {
		names = append(names, listName(v))
	}
	return names
}

// draw is a sample being drawn.
type draw struct {
	Draw
	lines []Line // the population so far
}

func newDraws(asked []Draw) ([]draw, error) {
	all := make([]draw, len(asked))
	for i, d := range asked {
		if !slices.Contains(lists(), d.Of) {
			return nil, fmt.Errorf("there is no list %q: %w", d.Of, access.ErrInvalid)
		}
		all[i].Draw = d
	}
	return all, nil
}

// sample draws. A random sample is the first N of a permutation of the population by PCG(seed, 0), so that whoever has the
// population, from an export, and the seed draws the same.
func (d draw) sample(seed uint64) Sample {
	s := Sample{Of: d.Of, How: d.How, Population: len(d.lines), Lines: []Line{}}
	n := min(d.N, len(d.lines))
	if d.How == Newest {
		s.Lines = append(s.Lines, d.lines[len(d.lines)-n:]...)
		return s
	}
	s.Seed = seed
	chosen := rand.New(rand.NewPCG(seed, 0)).Perm(len(d.lines))[:n] //nolint:gosec // it has to be drawn again
	slices.Sort(chosen)
	for _, i := range chosen {
		s.Lines = append(s.Lines, d.lines[i])
	}
	return s
}
