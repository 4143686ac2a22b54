package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/incidents"
)

// reviewed is a Sev 1 of the past with a ticket that was closed so long before the start, and the ticket of its review.
func reviewed(b *bench, ago time.Duration, review func(*ticket.Ticket)) {
	b.Helper()
	closed := start.Add(-ago)
	b.old("a1", ago+3*time.Hour, time.Hour)
	b.issue("SEC-1", func(x *ticket.Ticket) {
		x.Created, x.Updated, x.Done, x.Status = closed.Add(-3*time.Hour), closed, true, "Closed"
		x.Fields, x.Links = map[string]ticket.Value{"Alert": {Texts: []string{"a1"}}}, []ticket.Key{"SEC-3", "SEC-2"}
		x.History = []ticket.Edit{{At: closed, Field: "status", ToText: "Closed"}}
	})
	filled := ticket.Value{Texts: []string{"a token"}}
	b.issue("SEC-2", func(x *ticket.Ticket) {
		x.Type, x.Created, x.Updated, x.Resolved, x.Done, x.Status = "Review", closed.Add(time.Hour), start.Add(-time.Hour), closed.Add(3*day), true, "Closed"
		x.Fields = map[string]ticket.Value{"Root cause": filled, "Policy updates": filled}
		x.Links = []ticket.Key{"SEC-1", "SEC-4"}
		x.History = []ticket.Edit{
			{At: closed.Add(day), Field: "Root cause", ToText: "a token"}, {At: closed.Add(2 * day), Field: "Link", To: "SEC-4"},
			{At: closed.Add(3 * day), Field: "status", ToText: "Closed"}, {At: closed.Add(4 * day), Field: "labels", ToText: "done"},
		}
		if review != nil {
			review(x)
		}
	})
	b.issue("SEC-3", func(x *ticket.Ticket) { x.Type, x.Done = "Task", false })
}

func undone(x *ticket.Ticket) { x.Done, x.Status, x.Resolved = false, "Open", time.Time{} }

func TestAReviewOfThePastFillsItsClock(t *testing.T) {
	for name, c := range map[string]struct {
		ago     time.Duration
		spoil   func(*ticket.Ticket)
		outcome kpi.Outcome
		took    time.Duration
		state   kpi.State
	}{
		"in time":                              {30 * day, nil, kpi.Met, 3 * day, kpi.Stopped},
		"late":                                 {30 * day, func(x *ticket.Ticket) { x.Resolved = start.Add(-20 * day) }, kpi.Breached, 10 * day, kpi.Stopped},
		"filled in later":                      {30 * day, func(x *ticket.Ticket) { x.History[0].At = start.Add(-22 * day) }, kpi.Breached, 8 * day, kpi.Stopped},
		"never done":                           {30 * day, undone, kpi.Breached, 30*day + 2*time.Minute, kpi.Running},
		"without a cause":                      {30 * day, func(x *ticket.Ticket) { delete(x.Fields, "Root cause") }, kpi.Breached, 30*day + 2*time.Minute, kpi.Running},
		"linked with nothing but its incident": {30 * day, func(x *ticket.Ticket) { x.Links = x.Links[:1] }, kpi.Breached, 30*day + 2*time.Minute, kpi.Running},
		"not due yet":                          {2 * day, undone, "", 2*day + 2*time.Minute, kpi.Running},
		"done before the incident was closed": {30 * day, func(x *ticket.Ticket) {
			x.Resolved, x.History = start.Add(-31*day), nil
			x.Created = start.Add(-32 * day)
		}, kpi.Met, 0, kpi.Stopped},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBenchOf(t, remembering(response))
			reviewed(b, c.ago, c.spoil)
			b.pass()
			b.pass()
			got := b.cycles("ticket/1")["review"]
			if got.Outcome != c.outcome || got.State != c.state || got.Elapsed != c.took || !got.Backfilled || got.Severity != "critical" {
				t.Errorf("the review's clock is %+v", got)
			}
			b.do(func(tx *store.Tx) error {
				due, err := tx.EffectsDue(1000)
				if len(due) != 0 {
					t.Errorf("queued for the past: %+v", due)
				}
				return err
			})
		})
	}
}

func TestAReviewOfThePastIsFollowedUntilItIsComplete(t *testing.T) {
	b := newBenchOf(t, remembering(response))
	reviewed(b, 30*day, undone)
	b.pass()
	reads := b.reads
	for range 40 {
		b.pass()
	}
	if b.reads != reads {
		t.Errorf("%d more alerts were read for an incident of which only the review is open", b.reads-reads)
	}
	b.issue("SEC-2", func(x *ticket.Ticket) { x.Done, x.Status, x.Resolved = true, "Closed", b.now })
	done := b.now
	b.pass()
	b.silent()
	if r, _ := b.incident("ticket/1"); !r.Review.Completed.Equal(done) || !r.Backfilled {
		t.Errorf("record %+v", r)
	}
	if c := b.cycles("ticket/1")["review"]; c.State != kpi.Stopped || c.Outcome != kpi.Breached {
		t.Errorf("the review's clock is %+v", c)
	}
}

func TestNobodyIsPagedForAReviewThatWasLateBeforeTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		ago  time.Duration
		want bool
	}{"late before": {30 * day, false}, "late since": {2 * day, true}} {
		t.Run(name, func(t *testing.T) {
			b := newBenchOf(t, strings.Replace(remembering(response), "stop: [pir.completed]", "stop: [pir.completed], page: [nobody]", 1))
			reviewed(b, c.ago, undone)
			b.pass()
			b.now = start.AddDate(0, 0, 10)
			b.pass()
			var kinds []string
			b.do(func(tx *store.Tx) error {
				all, err := b.stage.Conclude(tx, reconcile.Round{Now: b.now, Write: true})
				for _, f := range all {
					kinds = append(kinds, string(f.Kind))
				}
				return err
			})
			if got := slices.Contains(kinds, string(incidents.FindingReview)); got != c.want {
				t.Errorf("findings %v", kinds)
			}
		})
	}
}

func TestALinkWithTheIncidentIsNoFollowUp(t *testing.T) {
	filled := ticket.Value{Texts: []string{"a token"}}
	p := incident.ReviewPolicy{RootCause: "Root cause"}
	review := ticket.Ticket{Fields: map[string]ticket.Value{"Root cause": filled}, Links: []ticket.Key{"SEC-1"}}
	if got := p.Missing(review, "SEC-1"); !slices.Equal(got, []string{incident.FollowUps}) {
		t.Errorf("missing %v", got)
	}
	review.Links = append(review.Links, "SEC-4")
	if got := p.Missing(review, "SEC-1"); len(got) != 0 {
		t.Errorf("missing %v", got)
	}
}
