package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// review calls for the review of a major incident that is closed, and looks whether it is complete.
func (a *advance) review() {
	r := &a.out.Record
	if r.Review.Opened.IsZero() && r.Severity.Major() && r.Reached(Closed) && !a.policy.Review.Within.IsZero() {
		closed := r.Milestones[Closed]
		due := a.policy.Review.Within.Due(a.policy.Review.calendar(), closed.At)
		r.Review.Opened, r.Review.Due = closed.At, day(due)
		a.fact(kpi.Fact{ID: string(r.ID) + "/" + FactReviewOpened, Name: FactReviewOpened, At: closed.At, Source: closed.Source})
	}
	t := a.sight.Review
	if t == nil || r.Review.Opened.IsZero() || !r.Review.Completed.IsZero() {
		return
	}
	r.Review.Missing = a.policy.Review.Missing(*t, r.Ticket)
	if !t.Done || len(r.Review.Missing) > 0 {
		return
	}
	r.Review.Completed = a.policy.Review.since(*t, r.Ticket).UTC()
	if r.Review.Completed.Before(r.Review.Opened) { // of the past: it was written while the incident was still to be closed
		r.Review.Completed = r.Review.Opened
	}
	a.fact(kpi.Fact{ID: string(r.ID) + "/" + FactReviewCompleted, Name: FactReviewCompleted, At: r.Review.Completed, Source: "ticket"})
}

func (p ReviewPolicy) calendar() *calendar.Calendar {
	if p.Calendar == nil {
		return calendar.Always()
	}
	return p.Calendar
}

func day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// FollowUps is how a missing link to a follow-up ticket is called.
const FollowUps = "follow-up tickets (as issue links)"

// Missing returns what the ticket of an incident's review lacks, by the names of the fields. A link with the incident's own
// ticket is no follow-up.
func (p ReviewPolicy) Missing(t ticket.Ticket, of ticket.Key) []string {
	var missing []string
	for _, field := range p.fields() {
		if strings.TrimSpace(strings.Join(t.Fields[field].Texts, "")) == "" {
			missing = append(missing, field)
		}
	}
	if !slices.ContainsFunc(t.Links, func(key ticket.Key) bool { return key != of }) {
		missing = append(missing, FollowUps)
	}
	return missing
}

// fields lists the fields that have to be filled in.
func (p ReviewPolicy) fields() []string {
	return slices.DeleteFunc([]string{p.RootCause, p.PolicyUpdates}, func(name string) bool { return name == "" })
}

// since returns since when a ticket that lacks nothing is done and lacks nothing, as its history tells; where it tells
// nothing of the status, when the ticket was last changed. What is said on it afterwards makes no review late.
func (p ReviewPolicy) since(t ticket.Ticket, of ticket.Key) time.Time {
	at := cmp.Or(t.Resolved, lastEdit(t, "status", func(ticket.Edit) bool { return true }), t.Updated)
	for _, field := range p.fields() {
		at = later(at, lastEdit(t, field, func(e ticket.Edit) bool { return e.From == "" && e.FromText == "" }))
	}
	linked := time.Time{}
	for _, key := range t.Links {
		if key == of {
			continue
		}
		made := cmp.Or(lastEdit(t, "Link", func(e ticket.Edit) bool { return e.To == string(key) }), t.Created)
		if linked.IsZero() || made.Before(linked) {
			linked = made
		}
	}
	return later(at, linked)
}

// lastEdit returns when a field was last changed in a way that counts; zero when it was not.
func lastEdit(t ticket.Ticket, field string, counts func(ticket.Edit) bool) time.Time {
	var at time.Time
	for _, e := range t.History {
		if strings.EqualFold(e.Field, field) && counts(e) {
			at = e.At
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
