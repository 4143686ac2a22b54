package incident

import (
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/ticket"
)

// ofAnother reports whether somebody else than the author has changed the order, so that it is nobody's word.
func (o Order) ofAnother() bool { return !o.Edited.IsZero() && o.Editor != o.Author.Account }

// InComment returns the order that stands in a comment of a ticket, if one does. What was edited is said when it was edited:
// nobody reaches a milestone in the past by what they write into an old comment.
func InComment(on ticket.ID, c ticket.Comment) (Order, bool) {
	command, is := Parse(c.Body)
	o := Order{Ref: "comment/" + string(on) + "/" + c.ID, Command: command, At: c.Created.UTC(), Author: c.Person}
	if !c.Edited.IsZero() {
		o.Ref += "@" + c.Edited.UTC().Format(time.RFC3339Nano)
		o.At, o.Edited, o.Editor = c.Edited.UTC(), c.Edited.UTC(), c.Editor
	}
	return o, is
}

// Revise compares the orders of a ticket's comments, as they were read before, with what they are now. One that still says
// the same stays as it was. One that says something else is a new order that tells what it was. One that was taken out of
// its comment, or with it, is Dropped.
func Revise(before, now []Order, at time.Time) []Order {
	var out []Order
	for _, o := range now {
		i := slices.IndexFunc(before, func(b Order) bool { return b.comment() == o.comment() })
		switch {
		case i < 0:
		case before[i].Command.equal(o.Command):
			o = before[i]
		default:
			o.Was = before[i].said()
		}
		out = append(out, o)
	}
	for _, b := range before {
		if slices.ContainsFunc(now, func(o Order) bool { return b.comment() == o.comment() }) {
			continue
		}
		switch b.Command.Verb {
		case Unclear: // nothing came of it
			continue
		case Dropped:
		default:
			b.Was = b.said()
			b.Ref, b.Command, b.At = b.comment()+"@"+at.UTC().Format(time.RFC3339Nano), Command{Verb: Dropped}, at.UTC()
		}
		out = append(out, b)
	}
	return out
}

// said returns the last command that the order's comment gave, nil for none.
func (o Order) said() *Command {
	switch o.Command.Verb {
	case Unclear:
		return nil
	case Dropped:
		return o.Was
	default:
		return &o.Command
	}
}

// comment identifies the comment that an order stands in, whichever of its texts.
func (o Order) comment() string {
	ref, _, _ := strings.Cut(o.Ref, "@")
	return ref
}
