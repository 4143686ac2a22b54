package incident

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// History marks the facts, from before the instant, of an incident that was over before sopd looked after it, and leaves all
// of them to the clocks about which the vendors' history tells something. A clock is about the fact that stops it first in
// its list: nobody noted then who was told or when the harm ended, and what nobody noted is not counted as broken. The clock
// of the review counts when there is a ticket of one.
func (r Record) History(clocks []kpi.Definition, facts []kpi.Fact, began time.Time) []kpi.Fact {
	told := []string{Acknowledged.Fact(), Resolved.Fact(), Closed.Fact()}
	for m := range r.Milestones {
		told = append(told, m.Fact())
	}
	var names []string
	for _, d := range clocks {
		known := slices.Contains(d.Start, Detected.Fact()) && len(d.Stop) > 0 && slices.Contains(told, d.Stop[0])
		reviewed := r.Review.Ticket != "" && slices.Contains(d.Start, FactReviewOpened)
		if known || reviewed {
			names = append(names, d.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	out := slices.Clone(facts)
	for i := range out {
		out[i].Backfilled, out[i].Clocks = out[i].At.Before(began), names
	}
	return out
}
