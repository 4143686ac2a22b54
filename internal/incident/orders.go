package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// orders deals with what people have written, the oldest first, each once.
func (a *advance) orders() {
	fresh := slices.DeleteFunc(slices.Clone(a.sight.Orders), func(o Judged) bool { return a.out.Record.Handled[o.Ref] })
	slices.SortFunc(fresh, func(x, y Judged) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Ref, y.Ref)) })
	for _, o := range fresh {
		if o.Command.Verb == Contain {
			a.out.Contain = append(a.out.Contain, o) // the caller marks it as handled
			continue
		}
		a.out.Record.Handled[o.Ref] = true
		a.order(o)
	}
}

func (a *advance) reply(o Judged, format string, args ...any) {
	a.out.Replies = append(a.out.Replies, Reply{Order: o.Order, Text: fmt.Sprintf(format, args...)})
}

// refuse replies and leaves a flag.
func (a *advance) refuse(o Judged, kind FlagKind, format string, args ...any) {
	a.reply(o, format, args...)
	a.flag(kind, o.Ref, fmt.Sprintf(format, args...))
}

func (a *advance) order(o Judged) {
	replies := len(a.out.Replies)
	defer func() {
		if o.Was != nil && len(a.out.Replies) == replies {
			a.reply(o, "Read anew: this comment said %q and says %q now. What was done for the first stands.", o.Was, o.Command)
		}
	}()
	switch {
	case o.Command.Verb == Dropped:
		a.refuse(o, Altered, "A comment said %q and does not any more. What was done for it stands; a time is corrected in a new comment.", o.Was)
	case o.ofAnother():
		a.refuse(o, Altered, "Not done: somebody else than its author has changed the comment, so it is nobody's word. Write a new one.")
	case o.Command.Verb == Unclear:
		a.reply(o, "Not understood: %s.", o.Command.Why)
	case o.By == "":
		a.refuse(o, Refused, "Not done: whoever wrote this is not known as an active user.")
	case o.Command.Verb == Told:
		a.update(Update{Ref: o.Ref, At: o.At.UTC()})
	case o.Command.Verb == Mark && !o.Authorised && (o.Command.Milestone == Resolved || o.Command.Milestone == Closed):
		// The end of an incident is the end of its containment too.
		a.refuse(o, Refused, "Not done: that an incident is %s is said only by somebody whom the policy authorises, or by the ticket's status.", o.Command.Milestone)
	case o.Command.Verb == Mark && o.Command.Time.IsZero():
		a.reach(sign{milestone: o.Command.Milestone, at: o.At, source: where(o)})
	case o.Command.Verb == Mark:
		a.correct(o)
	}
}

func where(o Judged) string {
	if o.OnTicket() {
		return "comment"
	}
	return "note"
}

// update records that those with a stake were told, which closes the present cycle of the cadence and begins the next.
func (a *advance) update(u Update) {
	r := &a.out.Record
	if u.At.Before(r.Milestones[Detected].At) {
		a.flag(BeforeStart, u.Ref, "an update was written before the detection; it is not counted")
		return
	}
	r.Updates = append(r.Updates, u)
	slices.SortFunc(r.Updates, func(x, y Update) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Ref, y.Ref)) })
	a.fact(kpi.Fact{ID: string(r.ID) + "/" + FactUpdated + "/" + u.Ref, Name: FactUpdated, At: u.At, Source: source(u.Ref)})
	if !r.Reached(Resolved) && !r.Reached(Closed) {
		a.fact(kpi.Fact{ID: string(r.ID) + "/" + FactAwaitsUpdate + "/" + u.Ref, Name: FactAwaitsUpdate, At: u.At, Source: source(u.Ref)})
	}
}

// correct sets a milestone to the time that an authorised person gives. What was known before stays on record; the new fact
// names it.
func (a *advance) correct(o Judged) {
	r := &a.out.Record
	m, at := o.Command.Milestone, o.Command.Time
	switch before, reached := r.Milestones[m]; {
	case !o.Authorised:
		a.refuse(o, Refused, "Not done: the time of a milestone is set only by somebody whom the policy authorises.")
	case at.After(a.now):
		a.refuse(o, InFuture, "Not done: %s lies ahead.", stamp(at))
	case m != Detected && at.Before(r.Milestones[Detected].At):
		a.refuse(o, BeforeStart, "Not done: %s at %s would be before the detection at %s.", m, stamp(at), stamp(r.Milestones[Detected].At))
	case m == Detected && a.earliest().Before(at):
		a.refuse(o, BeforeStart, "Not done: the detection at %s would be after another milestone.", stamp(at))
	case !reached:
		a.set(sign{milestone: m, at: at, source: where(o)})
		a.reply(o, "Done: %s at %s.", m, stamp(at))
	case before.At.Equal(at): // it is so
	default:
		id := fmt.Sprintf("%s/%s/%s", r.ID, m.Fact(), o.Ref)
		r.Milestones[m] = Moment{At: at, Source: where(o), Fact: id}
		f := kpi.Fact{ID: id, Name: m.Fact(), At: at, Source: where(o), Corrects: before.Fact}
		if m == Detected {
			f.Severity = string(r.Severity)
		}
		a.fact(f)
		a.reply(o, "Done: %s is at %s now; it was at %s.", m, stamp(at), stamp(before.At))
	}
}

// earliest returns when the first milestone after the detection was reached; far ahead for none.
func (a *advance) earliest() time.Time {
	first := a.now
	for m, moment := range a.out.Record.Milestones {
		if m != Detected && moment.At.Before(first) {
			first = moment.At
		}
	}
	return first
}
