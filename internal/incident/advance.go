package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Policy is what the engine goes by.
type Policy struct {
	Tree Tree
	// Statuses says which milestone an incident's ticket reaches in a status, by the status's name in small letters.
	Statuses map[string]Milestone
	Review   ReviewPolicy
}

// ReviewPolicy is what a post-incident review needs.
type ReviewPolicy struct {
	Within   kpi.Target
	Calendar *calendar.Calendar // nil: every day counts
	// RootCause and PolicyUpdates are the fields that have to be filled in; follow-ups are linked tickets.
	RootCause, PolicyUpdates string
}

// Judged is an order with what is known of who gave it.
type Judged struct {
	Order
	By         access.UserID // empty: nobody whom Okta knows as active
	Authorised bool          // may confirm containment and correct milestones
}

// Sight is what is known of an incident's parts.
type Sight struct {
	Alerts []Alert
	Ticket *ticket.Ticket // nil: none, or gone
	Review *ticket.Ticket // nil: not open yet, or gone
	Orders []Judged       // in any order; those handled before are left alone
}

// Reply is a sentence for whoever gave an order.
type Reply struct {
	Order Order  // the order that it answers
	Text  string // the sentence
}

// Outcome is what became of an incident.
type Outcome struct {
	Record  Record
	Facts   []kpi.Fact // in the order in which they were found
	Replies []Reply
	Contain []Judged // fresh orders to contain; what they do depends on who has which access
}

// Begin returns a new incident that was detected at the instant by the part.
func Begin(part string, detected, now time.Time) Record {
	id := NewID(part)
	return Record{
		ID: id, Recorded: now, Round: 1,
		Milestones: map[Milestone]Moment{Detected: {At: detected, Source: source(part), Fact: string(id) + "/" + Detected.Fact()}},
	}
}

func source(part string) string {
	kind, _, _ := strings.Cut(part, "/")
	return kind
}

// Advance brings the incident up to what is seen of its parts. The record that is given is left as it is.
func Advance(r Record, s Sight, p Policy, now time.Time) Outcome {
	a := &advance{out: Outcome{Record: r.clone()}, sight: s, policy: p, now: now}
	a.assess()
	a.oddities()
	a.reopen()
	for _, one := range a.signs() {
		a.reach(one)
	}
	a.orders()
	a.review()
	return a.out
}

// clone copies what [Advance] changes.
func (r Record) clone() Record {
	milestones, handled := map[Milestone]Moment{}, map[string]bool{}
	for m, at := range r.Milestones {
		milestones[m] = at
	}
	for ref, done := range r.Handled {
		handled[ref] = done
	}
	r.Milestones, r.Handled = milestones, handled
	r.Updates, r.Flags, r.Runs = slices.Clone(r.Updates), slices.Clone(r.Flags), slices.Clone(r.Runs)
	return r
}

type advance struct {
	out    Outcome
	sight  Sight
	policy Policy
	now    time.Time
}

// fact records one about the incident.
func (a *advance) fact(f kpi.Fact) {
	f.Subject, f.Recorded, f.At = string(a.out.Record.ID), a.now, f.At.UTC()
	a.out.Facts = append(a.out.Facts, f)
}

// factID names a fact of the present round.
func (a *advance) factID(name string) string {
	id := string(a.out.Record.ID) + "/" + name
	if a.out.Record.Round > 1 {
		id += fmt.Sprintf("/%d", a.out.Record.Round)
	}
	return id
}

func (a *advance) flag(kind FlagKind, ref, text string) {
	a.out.Record.Doubt(Flag{Kind: kind, Ref: ref, Text: text, At: a.now})
}

// assess judges the severity. The first judgement comes with the detection.
func (a *advance) assess() {
	r := &a.out.Record
	severity, reason := a.policy.Tree.Judge(See(a.sight.Alerts, a.sight.Ticket))
	first := r.Severity == ""
	switch {
	case first:
		d := r.Milestones[Detected]
		a.fact(kpi.Fact{ID: d.Fact, Name: Detected.Fact(), At: d.At, Source: d.Source, Severity: string(severity)})
	case severity != r.Severity && len(a.sight.Alerts) == 0 && a.sight.Ticket == nil:
		return // nothing is seen of it any more: the last judgement stands
	case severity != r.Severity:
		id := fmt.Sprintf("%s/%s/%s", r.ID, FactAssessed, a.now.UTC().Format(time.RFC3339Nano))
		a.fact(kpi.Fact{ID: id, Name: FactAssessed, At: a.now, Source: "policy", Severity: string(severity)})
	}
	r.Severity, r.Reason = severity, reason
}

// oddities flags what the vendors show and should not.
func (a *advance) oddities() {
	for _, alert := range a.sight.Alerts {
		if alert.Priority == 0 && !alert.Gone {
			a.flag(NoPriority, string(alert.ID), "an alert came without a priority; the severity rests on the rest of it")
		}
		if alert.Gone {
			a.flag(AlertDeleted, string(alert.ID), "the pager does not know an alert of this incident any more")
		}
	}
	if a.out.Record.TicketGone {
		a.flag(TicketDeleted, string(a.out.Record.TicketID), "Jira does not know the ticket of this incident any more")
	}
	a.withdraw()
}

// withdraw ends an incident of which nothing is left but the alert that sopd itself has opened: a promise about it can be
// neither kept nor broken any more.
func (a *advance) withdraw() {
	r := &a.out.Record
	left := slices.ContainsFunc(a.sight.Alerts, func(alert Alert) bool { return !alert.Gone && string(alert.Alias) != r.ID.Marker() })
	if left || !r.TicketGone && (r.Ticket != "" || len(a.sight.Alerts) == 0) || !r.Withdrawn.IsZero() || r.Reached(Closed) {
		return
	}
	r.Withdrawn = a.now.UTC()
	a.fact(kpi.Fact{ID: string(r.ID) + "/" + FactWithdrawn, Name: FactWithdrawn, At: a.now, Source: "pass"})
}

// reopen begins another round when what was resolved or closed shows as open again.
func (a *advance) reopen() {
	r := &a.out.Record
	at, again := a.openAgain()
	if !again {
		return
	}
	delete(r.Milestones, Resolved)
	delete(r.Milestones, Closed)
	r.Round++
	r.Reopened = at
	a.fact(kpi.Fact{ID: a.factID(FactReopened), Name: FactReopened, At: at, Source: "pass"})
}

// openAgain reports when what had ended shows as open again: the alert whose close had ended it, or its ticket.
func (a *advance) openAgain() (time.Time, bool) {
	r := a.out.Record
	for _, m := range []Milestone{Closed, Resolved} {
		ended, reached := r.Milestones[m]
		if !reached {
			continue
		}
		switch ended.Source {
		case "alert":
			for _, alert := range a.sight.Alerts {
				if alert.Open && !alert.Gone && alert.Updated.After(ended.At) && alert.Created.Before(ended.At) {
					return alert.Updated, true
				}
			}
		case "status":
			if at, left := a.leftAfter(ended.At); left {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// leftAfter reports when the ticket last came, after the instant, into a status in which an incident has not ended.
func (a *advance) leftAfter(ended time.Time) (time.Time, bool) {
	t := a.sight.Ticket
	if t == nil {
		return time.Time{}, false
	}
	var at time.Time
	for _, e := range t.History {
		if !strings.EqualFold(e.Field, "status") || !e.At.After(ended) {
			continue
		}
		at = e.At
		if m := a.policy.Statuses[strings.ToLower(e.ToText)]; m == Resolved || m == Closed {
			at = time.Time{}
		}
	}
	return at, !at.IsZero()
}

// sign is something that shows a milestone.
type sign struct {
	milestone Milestone
	at        time.Time
	source    string
	estimated bool // nothing tells when; at is when its alert was last changed
}

// signs returns what alerts, ticket and playbooks show, the earliest first.
func (a *advance) signs() []sign {
	var all []sign
	for _, alert := range a.sight.Alerts {
		all = append(all, ofAlert(alert)...)
	}
	if a.sight.Ticket != nil {
		all = append(all, a.ofTicket(*a.sight.Ticket)...)
	}
	all = append(all, a.ends()...)
	for _, run := range a.out.Record.Runs {
		if !run.Finished.IsZero() && len(run.Steps) > 0 {
			all = append(all, sign{milestone: Contained, at: run.Finished, source: "playbook"})
		}
	}
	slices.SortStableFunc(all, func(x, y sign) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.milestone, y.milestone)) })
	return all
}

// ofAlert reads an alert: what its log tells, else the times that it carries, else when it was last changed.
func ofAlert(a Alert) []sign {
	var all []sign
	switch {
	case !a.Acknowledged && a.AckAfter == 0 && a.Times.Acknowledged.IsZero():
	case !a.Times.Acknowledged.IsZero():
		all = append(all, sign{milestone: Acknowledged, at: a.Times.Acknowledged, source: "alert"})
	case a.AckAfter > 0:
		all = append(all, sign{milestone: Acknowledged, at: a.Created.Add(a.AckAfter), source: "alert"})
	default:
		all = append(all, sign{milestone: Acknowledged, at: a.Updated, source: "alert", estimated: true})
	}
	for _, m := range a.Tagged() {
		at, told := a.Times.Tagged[m]
		if !told {
			at = a.Updated
		}
		all = append(all, sign{milestone: m, at: at, source: "tag", estimated: !told})
	}
	return all
}

// closed reports when the alert was closed, and whether that is only an estimate.
func (a Alert) closed() (at time.Time, estimated, closed bool) {
	switch {
	case a.Open || a.Gone:
		return time.Time{}, false, false
	case !a.Times.Closed.IsZero():
		return a.Times.Closed, false, true
	case a.CloseAfter > 0:
		return a.Created.Add(a.CloseAfter), false, true
	default:
		return a.Updated, true, true
	}
}

// ends reads the end of the alerts: the incident is resolved with the close of the last of them, and closed too when there is
// no ticket to say so.
func (a *advance) ends() []sign {
	var last time.Time
	estimated := false
	for _, alert := range a.sight.Alerts {
		if alert.Gone {
			continue
		}
		at, guess, closed := alert.closed()
		if !closed {
			return nil
		}
		if at.After(last) {
			last, estimated = at, guess
		}
	}
	r := a.out.Record
	switch {
	case last.IsZero():
		return nil
	case r.TicketGone, a.sight.Ticket == nil && r.Ticket == "" && (r.Backfilled || !r.Severity.Major()):
		return []sign{{Closed, last, "alert", estimated}, {Resolved, last, "alert", estimated}}
	default:
		return []sign{{Resolved, last, "alert", estimated}}
	}
}

// ofTicket reads the statuses that the ticket has been in.
func (a *advance) ofTicket(t ticket.Ticket) []sign {
	var all []sign
	moved := false
	for _, e := range t.History {
		if !strings.EqualFold(e.Field, "status") {
			continue
		}
		moved = true
		if m, means := a.policy.Statuses[strings.ToLower(e.ToText)]; means {
			all = append(all, sign{milestone: m, at: e.At, source: "status"})
		}
	}
	if m, means := a.policy.Statuses[strings.ToLower(t.Status)]; means && !moved {
		all = append(all, sign{milestone: m, at: t.Created, source: "status"})
	}
	return all
}

// reach sets a milestone that was not reached yet. What lies before the detection is kept as a flag and not counted.
func (a *advance) reach(s sign) {
	r := &a.out.Record
	switch {
	case s.milestone == Detected, r.Reached(s.milestone):
	case !s.at.After(r.Reopened) && (s.milestone == Resolved || s.milestone == Closed): // the end of an earlier round
	case s.at.Before(r.Milestones[Detected].At):
		a.flag(BeforeStart, string(s.milestone)+"/"+s.source, fmt.Sprintf("%s is shown at %s, before the detection; it is not counted", s.milestone, stamp(s.at)))
	case s.at.After(a.now.Add(skew)):
		a.flag(InFuture, string(s.milestone)+"/"+s.source, fmt.Sprintf("%s is shown at %s, which lies ahead; it is not counted", s.milestone, stamp(s.at)))
	default:
		a.set(s)
	}
}

// skew is how far a vendor's clock may be ahead of ours.
const skew = time.Minute

func (a *advance) set(s sign) {
	if s.estimated {
		a.flag(EstimatedTime, string(s.milestone), fmt.Sprintf("nothing tells when the incident was %s; %s, when its alert was last changed, is taken for it", s.milestone, stamp(s.at)))
	}
	id := string(a.out.Record.ID) + "/" + s.milestone.Fact()
	if s.milestone == Resolved || s.milestone == Closed {
		id = a.factID(s.milestone.Fact())
	}
	a.out.Record.Milestones[s.milestone] = Moment{At: s.at.UTC(), Source: s.source, Fact: id}
	a.fact(kpi.Fact{ID: id, Name: s.milestone.Fact(), At: s.at, Source: s.source})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }
