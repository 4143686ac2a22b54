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
	// Turns holds the log's entries of each membership, in any order.
	Turns map[access.Membership][]Turn
	// Seen holds when somebody was first seen in a group that had been read before without them.
	Seen map[access.Membership]time.Time
}

// Recall returns the directory with what is known of the past, so that [Directory.MemberThroughout] can tell who was where.
func (d *Directory) Recall(past Past) *Directory {
	recalled := *d
	recalled.past = past
	return &recalled
}

// MemberThroughout reports whether the user was in the group from one instant to another, both included. Whoever the log
// shows to have come later was not. Nor was who appeared in the group later, until the log shows when they came. Whoever
// left after it was. It is false for a group whose members are not known.
func (d *Directory) MemberThroughout(m access.Membership, from, to time.Time) bool {
	set, known := d.members[m.Group]
	if !known {
		return false
	}
	turns := slices.Clone(d.past.Turns[m])
	slices.SortStableFunc(turns, func(a, b Turn) int { return a.At.Compare(b.At) })
	in := set[m.User]
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
	seen, late := d.past.Seen[m]
	return in && (len(turns) > 0 || !late || seen.Before(from))
}

// Members returns who is in the group now, sorted. known is false for a group whose members were not given to [New].
func (d *Directory) Members(group access.GroupID) (users []access.UserID, known bool) {
	set, known := d.members[group]
	for id := range set {
		users = append(users, id)
	}
	slices.Sort(users)
	return users, known
}
