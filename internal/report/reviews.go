package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/review"
)

// campaign is the access reviews of one period, or one period's part of them.
type campaign struct {
	asked, answered, late       int
	certified, revoked, without int
}

// reviews counts the access reviews that were open in the period, by campaign.
func (c *composer) reviews() Section {
	by := make(map[string]*campaign)
	of := func(id string) *campaign {
		name, _, _ := strings.Cut(id, "/")
		if by[name] == nil {
			by[name] = &campaign{}
		}
		return by[name]
	}
	c.asked(of)
	for _, d := range c.in.Found.Decided {
		one := of(or(d.Review, "not known"))
		switch d.Decision {
		case review.Certified:
			one.certified++
		case review.Revoked:
			one.revoked++
		default:
			one.without++
		}
	}
	t := Table{Columns: []string{"campaign", "reviews asked for", "answered", "not answered", "overdue or late", "access certified", "access revoked", "needed no word"}}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if procedure, _, _ := strings.Cut(name, "@"); c.in.SOP != "" && c.in.SOP != procedure {
			continue
		}
		n := by[name]
		t.Rows = append(t.Rows, []Cell{
			text(name), count(n.asked), count(n.answered), count(n.asked - n.answered), count(n.late), count(n.certified), count(n.revoked), count(n.without),
		})
	}
	return Section{
		Name: "reviews", Title: "Access reviews", Table: t,
		Text: "Reviews that were asked for or not answered yet in the period, by the end of it; decisions are those of the period.",
	}
}

// asked counts the reviews that had been asked for by the end of the period and were not answered before it began.
func (c *composer) asked(of func(id string) *campaign) {
	for name := range c.named {
		procedure, opened := strings.CutSuffix(name, "."+review.Opened)
		if !opened {
			continue
		}
		answers := c.times(procedure + "." + review.Answered)
		late := c.late(procedure)
		for _, f := range c.facts(name) {
			answer, answered := answers[f.Subject]
			if f.Source != reviewSource || !f.At.Before(c.in.Period.To) || answered && answer.Before(c.in.Period.From) {
				continue
			}
			one := of(f.Subject)
			one.asked++
			if answered && answer.Before(c.in.Period.To) {
				one.answered++
			}
			if late[f.Subject] {
				one.late++
			}
		}
	}
}

// late returns the subjects of a procedure of which a promise was broken.
func (c *composer) late(procedure string) map[string]bool {
	late := make(map[string]bool)
	for _, p := range c.all {
		if p.clock.SOP != procedure {
			continue
		}
		for _, cycle := range p.cycles {
			late[cycle.Subject] = late[cycle.Subject] || c.broken(cycle)
		}
	}
	return late
}

// reviewSource is who says what happened to an access review.
const reviewSource = "review"
