package kpi

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Fact is something that happened to a subject, as it was recorded. Facts are never edited: a mistake is mended by a later
// fact that names the earlier in Corrects.
type Fact struct {
	// ID identifies the fact: the same ID twice is the same fact. An empty ID is made of the subject, name, time and
	// source.
	ID       string    `json:"id"`
	Subject  string    `json:"subject"`  // a ticket key, a user ID, an alert ID
	Name     string    `json:"name"`     // one of those that definitions list; empty in a correction that takes a fact back
	At       time.Time `json:"at"`       // when it happened
	Recorded time.Time `json:"recorded"` // when it became known; later than At for late and back-filled facts
	Source   string    `json:"source"`   // who says so, such as "jira" or "okta"
	// Severity is the subject's severity or risk from At on; empty leaves it as it is. A fact with a name that no list
	// holds counts when it carries this or Waiting.
	Severity string `json:"severity,omitempty"`
	// Waiting is the role that the subject waits for from At on; empty means the owner, or in a pause its name.
	Waiting    string `json:"waiting,omitempty"`
	Change     string `json:"change,omitempty"`     // the change ID that the fact tells of
	Corrects   string `json:"corrects,omitempty"`   // ID of the fact that this one replaces
	Backfilled bool   `json:"backfilled,omitempty"` // read from a vendor's history at the first start
	// Clocks are the names of the clocks that the fact is for; empty: every clock that lists it. History does not tell how
	// every promise went, and what it does not tell is not counted as broken.
	Clocks []string `json:"clocks,omitempty"`
}

// Known returns the facts that had been recorded by the instant at. Figures computed of them are what was shown then.
func Known(facts []Fact, at time.Time) []Fact {
	var out []Fact
	for _, f := range facts {
		if !f.Recorded.After(at) {
			out = append(out, f)
		}
	}
	return out
}

// normal returns f with its ID, and with times that compare and print alike on every machine.
func (f Fact) normal() Fact {
	f.At, f.Recorded = f.At.UTC().Round(0), f.Recorded.UTC().Round(0)
	if f.ID == "" {
		f.ID = strings.Join([]string{f.Subject, f.Name, f.At.Format(time.RFC3339Nano), f.Source}, "|")
	}
	return f
}

// compare orders facts by identity: first by ID, then by what was recorded first, then by all the rest, so that of two
// different facts with one ID the same one wins in every order of input.
func (f Fact) compare(o Fact) int {
	return cmp.Or(cmp.Compare(f.ID, o.ID), f.Recorded.Compare(o.Recorded), f.At.Compare(o.At),
		cmp.Compare(f.Subject, o.Subject), cmp.Compare(f.Name, o.Name), cmp.Compare(f.Source, o.Source),
		cmp.Compare(f.Severity, o.Severity), cmp.Compare(f.Waiting, o.Waiting), cmp.Compare(f.Change, o.Change),
		cmp.Compare(f.Corrects, o.Corrects), compareBool(f.Backfilled, o.Backfilled), slices.Compare(f.Clocks, o.Clocks))
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// entry is a fact with what corrections made of it.
type entry struct {
	Fact
	by string // ID of the fact that stands in its place, empty when it counts
}

// resolve returns the facts without repetitions, each with the correction that replaced it.
//
// A fact and all corrections of it, and of them, are one story; what was recorded last counts, of two recorded at once
// the one that corrects the other. A correction of a fact that is not there counts by itself.
func resolve(facts []Fact) []entry {
	byID := unique(facts)
	corrected := map[string]bool{}
	for _, f := range byID {
		corrected[f.Corrects] = f.Corrects != ""
	}
	out := make([]entry, 0, len(byID))
	stories := map[string][]entry{}
	for _, f := range byID {
		if f.Corrects == "" && !corrected[f.ID] {
			out = append(out, entry{Fact: f})
			continue
		}
		root, _ := origin(byID, f)
		stories[root] = append(stories[root], entry{Fact: f})
	}
	for _, story := range stories {
		last := slices.MaxFunc(story, func(a, b entry) int { return latest(byID, a.Fact, b.Fact) })
		for _, e := range story {
			if e.ID != last.ID {
				e.by = last.ID
			}
			out = append(out, e)
		}
	}
	return out
}

// unique returns the facts by ID.
func unique(facts []Fact) map[string]Fact {
	out := make(map[string]Fact, len(facts))
	for _, f := range facts {
		f = f.normal()
		if known, ok := out[f.ID]; !ok || f.compare(known) < 0 {
			out[f.ID] = f
		}
	}
	return out
}

// latest orders the facts of a story by when they were recorded, then by how many corrections they are away from its
// origin, then by ID.
func latest(facts map[string]Fact, a, b Fact) int {
	_, depthA := origin(facts, a)
	_, depthB := origin(facts, b)
	return cmp.Or(a.Recorded.Compare(b.Recorded), cmp.Compare(depthA, depthB), cmp.Compare(a.ID, b.ID))
}

// origin follows corrections from f to the ID of the fact that they all are about, which may not be there, and counts
// them. Facts that correct each other in a circle have the least of their IDs as origin.
func origin(facts map[string]Fact, f Fact) (root string, depth int) {
	if f.Corrects == "" {
		return f.ID, 0
	}
	seen := map[string]bool{}
	for at := f; ; depth++ {
		if seen[at.ID] {
			return leastOfCircle(facts, at), 0
		}
		seen[at.ID] = true
		if at.Corrects == "" {
			return at.ID, depth
		}
		next, known := facts[at.Corrects]
		if !known {
			return at.Corrects, depth
		}
		at = next
	}
}

// leastOfCircle returns the least ID of the circle of corrections that f is in.
func leastOfCircle(facts map[string]Fact, f Fact) string {
	least := f.ID
	for at := facts[f.Corrects]; at.ID != f.ID; at = facts[at.Corrects] {
		least = min(least, at.ID)
	}
	return least
}
