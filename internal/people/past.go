package people

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Turn is somebody coming into a group or leaving it, as the System Log shows it.
type Turn struct {
	At time.Time
	In bool // came; otherwise left
}

// Past is what is known of memberships that are not as they were. The zero value knows nothing: then everybody has been
// where they are now.
type Past struct {
	Turns map[access.Membership][]Turn    // in any order
	Seen  map[access.Membership]time.Time // first, in a group that had been read before without them
}

// recalled is a [Source] with a past of its own.
type recalled struct {
	Source
	past Past
}

// Turns implements [Source].
func (r recalled) Turns(m access.Membership) ([]Turn, error) { return r.past.Turns[m], nil }

// Seen implements [Source].
func (r recalled) Seen(m access.Membership) (time.Time, error) { return r.past.Seen[m], nil }

// Recall returns the directory with what is known of the past, so that [Directory.MemberThroughout] can tell who was where.
func (d *Directory) Recall(past Past) *Directory { return Over(d.strategy, recalled{d.source, past}) }

// MemberThroughout reports whether the user was in the group from one instant to another, both included. Whoever the log
// shows to have come later was not. Nor was who appeared in the group later, until the log shows when they came. Whoever
// left after it was. It is false for a group whose members are not known.
func (d *Directory) MemberThroughout(m access.Membership, from, to time.Time) bool {
	known, err := d.source.Known(m.Group)
	if d.failed(err) || !known {
		return false
	}
	turns, err := d.source.Turns(m)
	if d.failed(err) {
		return false
	}
	turns = slices.Clone(turns)
	slices.SortStableFunc(turns, func(a, b Turn) int { return a.At.Compare(b.At) })
	in := d.Member(m)
	for _, turn := range slices.Backward(turns) {
		switch {
		case turn.At.After(to):
			in = !turn.In // as it was before
		case turn.At.Before(from):
			return in && turn.In
		default:
			return false // they came or went meanwhile
		}
	}
	if len(turns) > 0 || !in {
		return in
	}
	seen, err := d.source.Seen(m)
	return !d.failed(err) && (seen.IsZero() || seen.Before(from))
}

// Members returns who is in the group now, sorted. known is false for a group whose members are not known.
func (d *Directory) Members(group access.GroupID) (users []access.UserID, known bool) {
	known, err := d.source.Known(group)
	if d.failed(err) || !known {
		return nil, false
	}
	users, err = d.source.MembersOf(group)
	if d.failed(err) {
		return nil, false
	}
	return users, true
}
