package incident

import (
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/ticket"
)

// Verb is what somebody asks of sopd.
type Verb string

// The verbs. Every milestone but the detection can be set; the detection can only be corrected.
const (
	Mark    Verb = "mark"    // a milestone was reached
	Told    Verb = "update"  // those with a stake were told how it stands
	Contain Verb = "contain" // run a playbook
	Unclear Verb = "unclear" // it begins as an order and is none
	Dropped Verb = "dropped" // it was an order and is not there any more; only [Revise] says so
)

// Command is what an order says.
type Command struct {
	Verb      Verb      `json:"verb"`
	Milestone Milestone `json:"milestone,omitempty"` // of Mark
	// Time is the time given for the milestone; zero: when it was written.
	Time time.Time `json:"time,omitzero"`
	// Playbook is the playbook's name; empty: the first of the policy.
	Playbook string `json:"playbook,omitempty"`
	// Why says what is wrong with an Unclear one.
	Why string `json:"why,omitempty"`
}

// Order is a command as somebody gave it, in a comment on the ticket or a note on an alert. What else they wrote is not
// kept.
type Order struct {
	// Ref identifies it: "comment/" or "note/", and what the vendor has to tell it from others.
	Ref     string    `json:"ref"`
	Command Command   `json:"command"`
	At      time.Time `json:"at"`
	// Author is who wrote it on a ticket; of a note's author only [ticket.Person.Name] is known, as the pager shows it.
	Author ticket.Person `json:"author"`
	// Edited is when the comment was last changed, which is then when the order was given too; zero: never.
	Edited time.Time `json:"edited,omitzero"`
	// Editor is who changed it, empty when nobody can tell.
	Editor ticket.AccountID `json:"editor,omitempty"`
	// Was is what the comment said when it was read before, nil when it was read for the first time.
	Was *Command `json:"was,omitempty"`
}

func (c Command) equal(o Command) bool {
	same := c.Time.Equal(o.Time)
	c.Time, o.Time = time.Time{}, time.Time{}
	return same && c == o
}

// String says the order in the words that it is written in.
func (c Command) String() string {
	words := []string{string(c.Verb)}
	switch {
	case c.Verb == Mark && c.Time.IsZero():
		words = []string{string(c.Milestone)}
	case c.Verb == Mark:
		words = []string{string(c.Milestone), "at", stamp(c.Time)}
	case c.Playbook != "":
		words = append(words, c.Playbook)
	}
	return strings.Join(words, " ")
}

// OnTicket reports whether the order was given on the ticket.
func (o Order) OnTicket() bool { return strings.HasPrefix(o.Ref, "comment/") }

// Prefixes begin the line of an order: the first anywhere, the second on alerts only, where it is the custom.
const (
	prefix = "sopd:"
	slash  = "/"
)

// Parse returns the order in the text of a comment, which is its first line that begins with "sopd:".
func Parse(text string) (Command, bool) { return parse(text, prefix) }

// ParseNote is [Parse] for the notes of alerts, where an order may also begin with "/".
func ParseNote(text string) (Command, bool) { return parse(text, prefix, slash) }

func parse(text string, prefixes ...string) (Command, bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, p := range prefixes {
			if len(line) <= len(p) || !strings.EqualFold(line[:len(p)], p) {
				continue
			}
			if c := command(strings.Fields(strings.ToLower(line[len(p):]))); p == prefix || c.Verb != Unclear {
				return c, true
			}
		}
	}
	return Command{}, false
}

// command reads the words of an order, in small letters.
func command(words []string) Command {
	if len(words) == 0 {
		return Command{Verb: Unclear, Why: "nothing stands behind it"}
	}
	switch first := words[0]; first {
	case "update":
		return Command{Verb: Told}
	case "contain":
		if len(words) > 2 {
			return Command{Verb: Unclear, Why: "write the playbook's name behind contain, and nothing else"}
		}
		return Command{Verb: Contain, Playbook: strings.Join(words[1:], "")}
	default:
		for _, m := range Milestones() {
			if first == string(m) {
				return mark(m, words[1:])
			}
		}
		return Command{Verb: Unclear, Why: "write a milestone (acknowledged, escalated, informed, contained, resolved, closed), update, or contain"}
	}
}

// layouts are how people may write a time. One without a zone is UTC.
var layouts = [...]string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02T15:04:05"}

func mark(m Milestone, rest []string) Command {
	c := Command{Verb: Mark, Milestone: m}
	switch {
	case len(rest) == 0 && m == Detected:
		return Command{Verb: Unclear, Why: "the detection needs a time, such as detected at 2026-01-31T10:05Z"}
	case len(rest) == 0 || rest[0] != "at": // a sentence may follow
		return c
	case len(rest) >= 2:
		for _, layout := range layouts {
			if at, err := time.Parse(layout, strings.ToUpper(rest[1])); err == nil {
				c.Time = at.UTC()
				return c
			}
		}
	}
	return Command{Verb: Unclear, Why: "the time is not understood; write it such as 2026-01-31T10:05Z"}
}
