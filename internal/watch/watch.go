// Package watch finds what a person should look at in a stream of signals: System Log events, refused approvals, refused
// requests.
//
// It is pure: the same signals give the same hits in whatever order they come, and how often they are looked at.
package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The types of signal besides those of the System Log.
const (
	ApprovalDeclined = "approval.declined" // somebody said no on a ticket
	RequestRefused   = "request.refused"   // a ticket asked for access and its approval did not count
)

// Signal is one thing that happened.
type Signal struct {
	ID     string // unique; the event's uuid
	At     time.Time
	Type   string          // Okta's event type, or one of the constants of this package
	Actor  access.Actor    // who did it
	User   access.User     // the actor as Okta knows them; zero for none
	Event  access.EventID  // the System Log event, empty for none
	Ticket ticket.Key      // empty for none
	Failed bool            // it was tried and did not succeed
	Reason string          // the vendor's words on the outcome; never shown
	Users  []access.UserID // whom it is about
	Groups []access.GroupID
}

// Condition looks at a signal. policies compiles CEL into it.
type Condition func(Signal) (bool, error)

// Key is by what signals are counted.
type Key string

// The keys.
const (
	ByActor  Key = "actor"
	ByTarget Key = "target" // the first user that it is about
	ByAll    Key = "all"    // everything together
)

// Rule is what to look for.
type Rule struct {
	Kind  finding.Kind
	Title string // of the finding, without personal data
	// Types lists the types of signal; one that ends in ".*" stands for all that begin so.
	Types []string
	When  Condition // nil: every one of the types
	// Outside is working hours outside which it must not happen; nil: at any time. Zone names the profile attribute with the
	// actor's time zone; without one the calendar's own counts.
	Outside *calendar.Calendar
	Zone    string
	// Count and Within: so many within so long make one hit. Count 0 or 1: each is one.
	Count  int
	Within time.Duration
	By     Key
	// Unless names the procedure whose approved ticket of the actor at that time excuses the signal; empty: nothing does.
	Unless   string
	Keep     time.Duration // how long the finding stands
	Priority paging.Priority
	Owner    string // the role that has to look
}

// Hit is a signal, or a number of them, that a rule found.
type Hit struct {
	Rule    int // index
	Key     finding.Key
	Signals []Signal // in the order of their time; the last made it a hit
}

// Last returns the signal that made it a hit.
func (h Hit) Last() Signal { return h.Signals[len(h.Signals)-1] }

// Matches reports whether the rule is about signals of the type.
func (r Rule) Matches(kind string) bool {
	return slices.ContainsFunc(r.Types, func(t string) bool {
		prefix, all := strings.CutSuffix(t, "*")
		return t == kind || all && strings.HasPrefix(kind, prefix)
	})
}

// Window returns how long before a new signal of one of the types others may lie that count with it. A type may be a
// pattern, as in [Rule].
func Window(rules []Rule, types ...string) time.Duration {
	var longest time.Duration
	for _, r := range rules {
		if slices.ContainsFunc(types, func(t string) bool { return r.Matches(t) || slices.Contains(r.Types, t) }) {
			longest = max(longest, r.Within)
		}
	}
	return longest
}

// EventTypes returns the types of System Log event that the rules look at, sorted, patterns among them.
func EventTypes(rules []Rule) []string {
	var types []string
	for _, r := range rules {
		for _, t := range r.Types {
			if t != ApprovalDeclined && t != RequestRefused {
				types = append(types, t)
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// Look returns the hits of the rules among the signals, sorted by time and key. A condition that cannot be evaluated for a
// signal is a hit: what is not understood is looked at by a person.
func Look(rules []Rule, signals []Signal) []Hit {
	ordered := slices.Clone(signals)
	slices.SortFunc(ordered, func(a, b Signal) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	ordered = slices.CompactFunc(ordered, func(a, b Signal) bool { return a.ID == b.ID })
	var hits []Hit
	for i, r := range rules {
		hits = append(hits, r.look(i, ordered)...)
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Or(a.Last().At.Compare(b.Last().At), cmp.Compare(a.Key, b.Key)) })
	return hits
}

func (r Rule) look(index int, ordered []Signal) []Hit {
	var hits []Hit
	recent := make(map[string][]Signal)
	for _, s := range ordered {
		if !r.Matches(s.Type) || !r.applies(s) {
			continue
		}
		if r.Count < 2 {
			hits = append(hits, Hit{Rule: index, Key: key(r, s.ID), Signals: []Signal{s}})
			continue
		}
		who := r.who(s)
		window := append(recent[who], s)
		window = slices.DeleteFunc(window, func(old Signal) bool { return s.At.Sub(old.At) >= r.Within })
		if len(window) >= r.Count {
			// What goes on is the same hit: it is known by who it is about, whatever signal was looked at first.
			hits = append(hits, Hit{Rule: index, Key: key(r, who), Signals: slices.Clone(window)})
			window = nil
		}
		recent[who] = window
	}
	return hits
}

func key(r Rule, id string) finding.Key { return finding.Key(string(r.Kind) + "/" + id) }

func (r Rule) who(s Signal) string {
	switch {
	case r.By == ByTarget && len(s.Users) > 0:
		return string(s.Users[0])
	case r.By == ByActor && s.Actor.ID == "": // two people of whom nothing is known are not one
		return s.ID
	case r.By == ByActor:
		return s.Actor.ID
	default:
		return "all"
	}
}

func (r Rule) applies(s Signal) bool {
	if r.Outside != nil && r.working(s) {
		return false
	}
	if r.When == nil {
		return true
	}
	holds, err := r.When(s)
	return holds || err != nil
}

// working reports whether the signal fell into the working hours, by the wall clock of the actor.
func (r Rule) working(s Signal) bool {
	zone := s.User.Profile[r.Zone]
	if r.Zone == "" || zone == "" {
		return r.Outside.Working(s.At)
	}
	theirs, err := time.LoadLocation(zone)
	if err != nil {
		return r.Outside.Working(s.At)
	}
	ours, err := time.LoadLocation(r.Outside.Zone())
	if err != nil {
		return r.Outside.Working(s.At)
	}
	t := s.At.In(theirs)
	return r.Outside.Working(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, ours))
}
