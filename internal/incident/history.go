package incident

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// History marks the facts of an incident that was over before sopd looked after it, and leaves them to the clocks about which
// the vendors' history tells something. A clock is about the fact that stops it first in its list: nobody noted then who was
// told or when the harm ended, and what nobody noted is not counted as broken.
func (r Record) History(clocks []kpi.Definition, facts []kpi.Fact) []kpi.Fact {
	told := []string{Acknowledged.Fact(), Resolved.Fact(), Closed.Fact()}
	for m := range r.Milestones {
		told = append(told, m.Fact())
	}
	var names []string
	for _, d := range clocks {
		if slices.Contains(d.Start, Detected.Fact()) && len(d.Stop) > 0 && slices.Contains(told, d.Stop[0]) {
			names = append(names, d.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	out := slices.Clone(facts)
	for i := range out {
		out[i].Backfilled, out[i].Clocks = true, names
	}
	return out
}
