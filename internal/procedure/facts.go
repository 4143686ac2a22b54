package procedure

import (
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// Reconcile returns the facts that have to be recorded so that what is known of a subject agrees with what its ticket says:
// new facts, corrections of those that moved in time or changed their severity, and corrections that take back what the
// ticket does not say any more. stored is everything that is known of the subject; facts that name does not accept are
// somebody else's and left alone. With nothing to do it returns nothing, so that reading a ticket again is harmless.
func Reconcile(stored, wanted []kpi.Fact, now time.Time, ours func(name string) bool) []kpi.Fact {
	roots, latest := stories(stored)
	var out []kpi.Fact
	seen := map[string]bool{}
	for _, w := range wanted {
		w.Recorded = now
		seen[w.ID] = true
		last, known := latest[w.ID]
		switch {
		case !known:
			out = append(out, w)
		case last.Name != w.Name || !last.At.Equal(w.At) || last.Severity != w.Severity:
			out = append(out, correction(w, stored))
		}
	}
	for _, root := range roots {
		last := latest[root.ID]
		if seen[root.ID] || !ours(root.Name) || last.Name == "" {
			continue
		}
		gone := last
		gone.ID, gone.Name, gone.Severity, gone.Recorded = root.ID, "", "", now
		out = append(out, correction(gone, stored))
	}
	return out
}

// stories returns the facts that correct no other, and the one of each story that counts, by the ID of its root.
func stories(stored []kpi.Fact) (roots []kpi.Fact, latest map[string]kpi.Fact) {
	latest = make(map[string]kpi.Fact)
	ordered := slices.Clone(stored)
	slices.SortStableFunc(ordered, func(a, b kpi.Fact) int { return a.Recorded.Compare(b.Recorded) })
	for _, f := range ordered {
		if f.Corrects == "" {
			roots = append(roots, f)
			if _, corrected := latest[f.ID]; !corrected {
				latest[f.ID] = f
			}
		}
	}
	for _, f := range ordered {
		if f.Corrects != "" {
			latest[f.Corrects] = f
		}
	}
	return roots, latest
}

// correction makes of a fact the next correction of the one with its ID.
func correction(f kpi.Fact, stored []kpi.Fact) kpi.Fact {
	n := 1
	for _, s := range stored {
		if s.Corrects == f.ID {
			n++
		}
	}
	f.Corrects = f.ID
	f.ID += "#" + strconv.Itoa(n)
	return f
}
