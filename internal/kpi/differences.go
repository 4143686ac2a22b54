package kpi

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Difference is one figure that changed, and the facts that changed it.
type Difference struct {
	Subject string `json:"subject"` // of the cycle
	Number  int    `json:"number"`  // of the cycle, from 1
	// Figure is "cycle" for a cycle that appeared or went, else "severity", "target", "started", "stopped", "paused",
	// "elapsed", "limit", "due", "state" or "outcome".
	Figure string `json:"figure"`
	Before string `json:"before"` // empty when there was none
	After  string `json:"after"`  // empty when there is none any more
	// Why is the facts of the subject that came, went or have another effect. Empty when none did: the definition or its
	// calendar changed, or the two were computed as of different times.
	Why []Step `json:"why"`
}

// Differences says which figures changed from before to after, sorted as cycles are. Both must be computed as of the same
// now, else every open cycle differs by the time that passed. Cycles are told apart by subject and number.
func Differences(before, after []Cycle) []Difference {
	old, fresh := bySubject(before), bySubject(after)
	var out []Difference
	for _, subject := range subjects(old, fresh) {
		why := changedSteps(old[subject], fresh[subject])
		for i := range max(len(old[subject]), len(fresh[subject])) {
			for _, d := range compareFigures(figures(old[subject], i), figures(fresh[subject], i)) {
				d.Subject, d.Number, d.Why = subject, i+1, why
				out = append(out, d)
			}
		}
	}
	return out
}

// bySubject returns the cycles of each subject by number.
func bySubject(cycles []Cycle) map[string][]Cycle {
	out := map[string][]Cycle{}
	for _, c := range cycles {
		out[c.Subject] = append(out[c.Subject], c)
	}
	for _, list := range out {
		slices.SortFunc(list, compareCycles)
	}
	return out
}

// subjects returns the subjects of both, sorted, each once.
func subjects(a, b map[string][]Cycle) []string {
	var out []string
	for s := range a {
		out = append(out, s)
	}
	for s := range b {
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// figure is a figure of a cycle in words.
type figure struct{ name, text string }

// figures returns those of the cycle at index i, nothing when there is none.
func figures(cycles []Cycle, i int) []figure {
	if i >= len(cycles) {
		return nil
	}
	c := cycles[i]
	var pauses []string
	for _, p := range c.Pauses {
		pauses = append(pauses, instant(p.From)+"/"+instant(p.To))
	}
	return []figure{{"severity", c.Severity}, {"target", c.Target.String()}, {"started", instant(c.Started)},
		{"stopped", instant(c.Stopped)}, {"paused", strings.Join(pauses, " ")}, {"elapsed", c.Elapsed.String()},
		{"limit", c.Limit.String()}, {"due", instant(c.Due)}, {"state", string(c.State)}, {"outcome", string(c.Outcome)}}
}

// instant returns t in words, "" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// compareFigures returns what differs. A cycle that is on one side only is one difference.
func compareFigures(before, after []figure) []Difference {
	if before == nil || after == nil {
		return []Difference{{Figure: "cycle", Before: summary(before), After: summary(after)}}
	}
	var out []Difference
	for i, b := range before {
		if a := after[i]; a != b {
			out = append(out, Difference{Figure: b.name, Before: b.text, After: a.text})
		}
	}
	return out
}

// summary puts the figures of a whole cycle into one line.
func summary(figures []figure) string {
	var out []string
	for _, f := range figures {
		if f.text != "" {
			out = append(out, fmt.Sprintf("%s %s", f.name, f.text))
		}
	}
	return strings.Join(out, ", ")
}

// changedSteps returns the steps of one subject that are on one side only, the new ones first.
func changedSteps(before, after []Cycle) []Step {
	old, fresh := trail(before), trail(after)
	var out []Step
	for _, s := range fresh {
		if !slices.Contains(old, s) {
			out = append(out, s)
		}
	}
	for _, s := range old {
		gone := !slices.ContainsFunc(fresh, func(f Step) bool { return f.Fact == s.Fact })
		if gone {
			out = append(out, s)
		}
	}
	return out
}

// trail returns the steps of all cycles, in order.
func trail(cycles []Cycle) []Step {
	var out []Step
	for _, c := range cycles {
		out = append(out, c.Trail...)
	}
	return out
}
