package kpi

import (
	"maps"
	"slices"
	"time"
)

// Engine keeps the cycles of one clock up to date while facts come in one by one. It gives what [Compute] gives for all of
// them, at the cost of the subjects that are open or have something new. It is for one goroutine at a time.
type Engine struct {
	measure  measure
	facts    map[string]Fact            // by ID
	about    map[string][]string        // IDs of the corrections of a fact that is known or not, by its ID
	subjects map[string]map[string]bool // IDs of the facts of each subject
	states   map[string]state
}

// state is what the engine remembers of a subject. A subject without one has something new.
type state struct {
	cycles []Cycle
	at     time.Time // of which now cycles is
	// settled: all cycles have ended and nothing is known that happens after at, so a later now changes nothing.
	settled bool
}

// NewEngine returns an engine for the clock without any facts.
func NewEngine(d Definition) *Engine {
	return &Engine{
		measure:  measure{definition: d, calendar: d.calendar(), roles: d.roles()},
		facts:    map[string]Fact{},
		about:    map[string][]string{},
		subjects: map[string]map[string]bool{},
		states:   map[string]state{},
	}
}

// Add takes in a fact. The same fact again changes nothing.
func (e *Engine) Add(f Fact) {
	f = f.normal()
	known, again := e.facts[f.ID]
	if again && f.compare(known) >= 0 {
		return
	}
	if again {
		e.drop(known)
	}
	e.facts[f.ID] = f
	if f.Corrects != "" {
		e.about[f.Corrects] = append(e.about[f.Corrects], f.ID)
	}
	if e.subjects[f.Subject] == nil {
		e.subjects[f.Subject] = map[string]bool{}
	}
	e.subjects[f.Subject][f.ID] = true
	e.renew(f)
}

// drop forgets a fact, for another with the same ID that comes before it.
func (e *Engine) drop(f Fact) {
	e.renew(f)
	delete(e.facts, f.ID)
	delete(e.subjects[f.Subject], f.ID)
	e.about[f.Corrects] = slices.DeleteFunc(e.about[f.Corrects], func(id string) bool { return id == f.ID })
}

// renew forgets the cycles of all subjects in the story of f.
func (e *Engine) renew(f Fact) {
	delete(e.states, f.Subject)
	story := map[string]Fact{}
	e.story(f.ID, story)
	for _, member := range story {
		delete(e.states, member.Subject)
	}
}

// story adds to out all facts that corrections join with the fact of the ID, which may not be known, and itself.
func (e *Engine) story(id string, out map[string]Fact) {
	waiting, seen := []string{id}, map[string]bool{}
	for len(waiting) > 0 {
		id, waiting = waiting[0], waiting[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		waiting = append(waiting, e.about[id]...)
		if f, known := e.facts[id]; known {
			out[id] = f
			if f.Corrects != "" {
				waiting = append(waiting, f.Corrects)
			}
		}
	}
}

// Cycles returns what [Compute] does for all facts taken in.
func (e *Engine) Cycles(now time.Time) []Cycle {
	var out []Cycle
	for _, subject := range slices.Sorted(maps.Keys(e.subjects)) {
		out = append(out, e.Subject(subject, now)...)
	}
	return out
}

// Subject returns the cycles of one subject, by number. They must not be changed.
func (e *Engine) Subject(subject string, now time.Time) []Cycle {
	if s, ok := e.states[subject]; ok && s.settled && !now.Before(s.at) {
		return s.cycles
	}
	entries := e.entries(subject)
	s := state{cycles: e.measure.cycles(subject, entries, now), at: now}
	s.settled = !slices.ContainsFunc(s.cycles, Cycle.Open) &&
		!slices.ContainsFunc(entries, func(e entry) bool { return e.At.After(now) })
	e.states[subject] = s
	return s.cycles
}

// entries returns the facts of the subject, each with the correction that replaced it, wherever that belongs.
func (e *Engine) entries(subject string) []entry {
	stories := map[string]Fact{}
	for id := range e.subjects[subject] {
		if _, done := stories[id]; !done {
			e.story(id, stories)
		}
	}
	all := resolve(slices.Collect(maps.Values(stories)))
	return slices.DeleteFunc(all, func(e entry) bool { return e.Subject != subject })
}
