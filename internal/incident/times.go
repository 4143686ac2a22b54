package incident

import (
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/paging"
)

// Times are when things were done to an alert, as its log tells; what the log does not tell is zero.
type Times struct {
	Acknowledged time.Time               `json:"acknowledged,omitzero"` // for the first time
	Closed       time.Time               `json:"closed,omitzero"`       // for the last time
	Tagged       map[Milestone]time.Time `json:"tagged,omitempty"`      // with a milestone's name, for the first time
}

// Tagged lists the milestones, besides the detection, that tags of the alert name, in their order.
func (a Alert) Tagged() []Milestone {
	var all []Milestone
	for _, m := range Milestones()[1:] {
		if slices.ContainsFunc(a.Tags, func(tag string) bool { return strings.EqualFold(tag, string(m)) }) {
			all = append(all, m)
		}
	}
	return all
}

// Timeless reports whether something has happened to the alert of which only its log tells when.
func (a Alert) Timeless() bool {
	return a.Acknowledged && a.AckAfter == 0 || !a.Open && a.CloseAfter == 0 || len(a.Tagged()) > 0
}

// ReadTimes reads the log of an alert, in any order. The entries are sentences for people, which the vendor may change: one
// that is not understood tells nothing, and the alert's own times stand in.
//
// Source: logs of Opsgenie and JSM Operations as others have published them: "Alert acknowledged via web", "Alert closed via
// system using policy". How they put a tag is not published; what counts is an entry that adds tags and names the milestone.
func ReadTimes(log []paging.Entry) Times {
	var t Times
	for _, e := range log {
		text := strings.ToLower(e.Text)
		switch {
		case e.Created.IsZero():
		case strings.HasPrefix(text, "alert acknowledged"):
			t.Acknowledged = first(t.Acknowledged, e.Created)
		case strings.HasPrefix(text, "alert closed"):
			if e.Created.After(t.Closed) {
				t.Closed = e.Created.UTC()
			}
		case strings.Contains(text, "tag") && strings.Contains(text, "added"):
			t.tag(text, e.Created)
		}
	}
	return t
}

// tag notes the milestones that an entry about added tags names, as words of their own.
func (t *Times) tag(text string, at time.Time) {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t[](){},;:.\"'", r) })
	for _, m := range Milestones()[1:] {
		if !slices.Contains(words, string(m)) {
			continue
		}
		if t.Tagged == nil {
			t.Tagged = map[Milestone]time.Time{}
		}
		t.Tagged[m] = first(t.Tagged[m], at)
	}
}

// first returns the earlier of the two, of which the one known so far may be zero.
func first(known, at time.Time) time.Time {
	if known.IsZero() || at.Before(known) {
		return at.UTC()
	}
	return known
}
