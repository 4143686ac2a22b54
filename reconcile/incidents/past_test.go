package incidents_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/incidents"
)

const day = 24 * time.Hour

// remembering is a policy that fills its clocks from the past.
func remembering(text string) string {
	return strings.Replace(text, "controls: [X]", "controls: [X]\nbackfill: 90d", 1) + promised
}

const promised = `  - {kpi: response, subject: incident, start: [incident.detected], stop: [incident.acknowledged, incident.closed], target: {critical: 15m}}
  - {kpi: escalation, subject: incident, start: [incident.detected], stop: [incident.escalated, incident.closed], target: {critical: 30m}}
  - {kpi: resolution, subject: incident, start: [incident.detected], stop: [incident.resolved, incident.closed], target: {critical: 4h, medium: 2d}}
  - {kpi: review, subject: incident, start: [pir.opened], stop: [pir.completed], target: {critical: 5d}}
`

// old puts an alert into the pager that was dealt with before the start.
func (b *bench) old(id paging.AlertID, ago, took time.Duration) {
	created := start.Add(-ago)
	b.alerts[id] = paging.Alert{
		ID: id, Alias: paging.Alias(id), Message: "Copied", Priority: 1, Created: created, Updated: created.Add(took), Acknowledged: true,
		AckAfter: 5 * time.Minute, CloseAfter: took, Details: map[string]string{"user": "uAda"},
	}
}

// cycles returns how each clock went for the incident that begins with the part.
func (b *bench) cycles(part string) map[string]kpi.Cycle {
	b.Helper()
	out := map[string]kpi.Cycle{}
	b.do(func(tx *store.Tx) error {
		r, found, err := tx.IncidentOf(part)
		if err != nil || !found {
			return err
		}
		facts, err := tx.Facts(string(r.ID))
		for _, d := range b.policies.Clocks {
			for _, c := range kpi.Compute(d, facts, b.now) {
				out[c.KPI] = c
			}
		}
		return err
	})
	return out
}

func (b *bench) incident(part string) (r incident.Record, found bool) {
	b.Helper()
	b.do(func(tx *store.Tx) error {
		var err error
		r, found, err = tx.IncidentOf(part)
		return err
	})
	return r, found
}

// silent fails the test when anything was opened, said or paged, or an incident is live.
func (b *bench) silent() {
	b.Helper()
	b.do(func(tx *store.Tx) error {
		due, err := tx.EffectsDue(1000)
		for _, e := range due {
			b.Errorf("%s was queued for the past: %+v", e.Kind, e)
		}
		return err
	})
	if live := b.records(); len(live) != 0 {
		b.Errorf("live: %+v", live)
	}
}

func TestAlertsOfThePastFillTheClocksAndNothingIsOpenedForThem(t *testing.T) {
	b := newBenchOf(t, remembering(response))
	b.old("a1", 40*day, 3*time.Hour)
	b.old("a2", 20*day, 9*time.Hour)
	b.old("a3", 91*day, time.Hour)
	b.old("noise", 10*day, time.Hour)
	b.alarm("noise", func(a *paging.Alert) { a.Source, a.Updated = "noise", a.Created.Add(time.Hour) })
	b.old("mine", 10*day, time.Hour)
	b.alarm("mine", func(a *paging.Alert) { a.Alias, a.Updated = "sopd-clock-breached-1", a.Created.Add(time.Hour) })
	b.pass()
	b.pass()
	b.silent()
	one, two := b.cycles("alert/a1"), b.cycles("alert/a2")
	for name, want := range map[string]kpi.Outcome{"response": kpi.Met, "resolution": kpi.Met} {
		if c := one[name]; c.Outcome != want || !c.Backfilled || c.Severity != "critical" {
			t.Errorf("%s of the first is %+v", name, c)
		}
	}
	if c := two["resolution"]; c.Outcome != kpi.Breached || c.Elapsed != 9*time.Hour {
		t.Errorf("resolution of the second is %+v", c)
	}
	for _, name := range []string{"escalation", "updates", "review"} {
		if c, counted := one[name]; counted {
			t.Errorf("%s is counted, of which history tells nothing: %+v", name, c)
		}
	}
	for _, part := range []string{"alert/a3", "alert/noise", "alert/mine"} {
		if r, found := b.incident(part); found {
			t.Errorf("%s became %+v", part, r)
		}
	}
	if n := b.entries(ledger.FactRecorded); n != 8 {
		t.Errorf("%d facts in the ledger, want detected, acknowledged, resolved and closed of two", n)
	}
}

func TestThePastIsLeftAloneWhereThePolicyDoesNotAskForIt(t *testing.T) {
	b := newBench(t, false)
	b.old("a1", 40*day, 3*time.Hour)
	b.old("a2", time.Minute, 30*time.Second)
	b.issue("SEC-1", func(x *ticket.Ticket) {
		x.Created, x.Updated, x.Done, x.Status = start.Add(-5*time.Hour), start.Add(-time.Hour), true, "Closed"
	})
	b.pass()
	b.pass()
	b.silent()
	if n := b.entries(ledger.FactRecorded); n != 0 {
		t.Errorf("%d facts", n)
	}
}

func TestATicketOfThePastAndTheAlertThatItNamesAreOneIncident(t *testing.T) {
	b := newBenchOf(t, remembering(response))
	b.old("a1", 30*day, time.Hour)
	began := start.Add(-30*day + 10*time.Minute)
	past := func(key ticket.Key, spoil func(*ticket.Ticket)) {
		b.issue(key, func(x *ticket.Ticket) {
			x.Created, x.Updated, x.Done, x.Status = began, began.Add(5*time.Hour), true, "Closed"
			x.History = []ticket.Edit{
				{At: began.Add(2 * time.Hour), Field: "status", ToText: "Resolved"}, {At: began.Add(5 * time.Hour), Field: "status", ToText: "Closed"},
			}
			spoil(x)
		})
	}
	past("SEC-1", func(x *ticket.Ticket) {
		x.Fields = map[string]ticket.Value{"Alert": {Texts: []string{"a1"}}}
	})
	past("SEC-2", func(x *ticket.Ticket) {
		x.Status, x.History = "Cancelled", []ticket.Edit{{At: began.Add(time.Hour), Field: "status", ToText: "Cancelled"}}
	})
	past("SEC-3", func(x *ticket.Ticket) { x.History = nil })
	past("SEC-4", func(x *ticket.Ticket) { x.Updated = start.Add(-time.Hour) })
	b.pass()
	b.pass()
	b.silent()
	r, _ := b.incident("ticket/1")
	if !r.Has("a1") || !r.Milestones[incident.Detected].At.Equal(start.Add(-30*day)) || !r.Milestones[incident.Closed].At.Equal(began.Add(5*time.Hour)) {
		t.Errorf("record %+v", r)
	}
	if other, _ := b.incident("alert/a1"); other.ID != r.ID {
		t.Errorf("the alert is of %s, the ticket of %s", other.ID, r.ID)
	}
	for _, part := range []string{"ticket/2", "ticket/3"} {
		if r, found := b.incident(part); found {
			t.Errorf("%s became %+v", part, r)
		}
	}
	if r, found := b.incident("ticket/4"); !found || !r.Backfilled {
		t.Errorf("a ticket that was changed an hour before the start is %+v", r)
	}
}

func TestAPastThatIsTooLongForOnePassIsReadOnInTheNext(t *testing.T) {
	b := newBenchOf(t, remembering(response))
	const n = 450
	for i := range n {
		b.old(paging.AlertID(fmt.Sprintf("a%03d", i)), time.Duration(1+i/90)*15*day, time.Hour) // ninety at an instant
	}
	for i, want := range []int{200, 400, n, n} {
		b.pass()
		if b.reads != want {
			t.Errorf("%d alerts were read by pass %d, want %d", b.reads, i+1, want)
		}
	}
	b.silent()
	if got := b.entries(ledger.FactRecorded); got != 4*n {
		t.Errorf("%d facts, want %d", got, 4*n)
	}
}

func TestAnIncidentOfThePastThatIsOpenedAgainIsOfThePresent(t *testing.T) {
	b := newBenchOf(t, remembering(response))
	b.old("a1", 3*day, time.Hour)
	b.pass()
	b.silent()
	b.alarm("a1", func(a *paging.Alert) { a.Open, a.Acknowledged, a.CloseAfter = true, false, 0 })
	b.pass()
	if r := b.only(); r.Backfilled || r.Round != 2 || r.Reached(incident.Closed) {
		t.Errorf("record %+v", r)
	}
	if opened := b.effects(change.Open); len(opened) != 1 {
		t.Errorf("opened %+v", opened)
	}
}

func TestMilestonesHaveTheTimesOfTheAlertsLog(t *testing.T) {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	told := []paging.Entry{
		{Text: "Alert created via API", Created: at(0)}, {Text: "Alert acknowledged via web", Created: at(3)}, {Text: "Tags added via web [contained]", Created: at(7)},
		{Text: "Alert closed via system using policy", Created: at(9)}, {Text: "Tag [resolved] removed", Created: at(1)}, {Text: "Alert acknowledged via web"},
	}
	act := func(a *paging.Alert) {
		a.Priority, a.Open, a.Acknowledged, a.Tags = 3, false, true, []string{"Contained"}
	}
	for name, c := range map[string]struct {
		log                   []paging.Entry
		fault                 error
		spoil                 func(*paging.Alert)
		acked, tagged, closed time.Time
		flags                 int
	}{
		"told":              {told, nil, func(a *paging.Alert) { a.AckAfter, a.CloseAfter = time.Hour, 2*time.Hour }, at(3), at(7), at(9), 0},
		"not in the log":    {told[:1], nil, func(a *paging.Alert) { a.AckAfter, a.CloseAfter = 4*time.Minute, 8*time.Minute }, at(4), at(10), at(8), 1},
		"nowhere":           {nil, nil, func(*paging.Alert) {}, at(10), at(10), at(10), 4},
		"not to be read":    {nil, access.ErrDenied, func(*paging.Alert) {}, at(10), at(10), at(10), 4},
		"not to be decoded": {nil, access.ErrMalformed, func(a *paging.Alert) { a.AckAfter = time.Minute }, at(1), at(10), at(10), 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, false)
			b.alarm("a1", func(a *paging.Alert) { a.Priority = 3 })
			b.pass()
			b.now = at(10)
			b.alarm("a1", func(a *paging.Alert) { act(a); c.spoil(a) })
			b.logs["a1"], b.logFault = c.log, c.fault
			b.pass()
			r, _ := b.incident("alert/a1")
			got := []time.Time{r.Milestones[incident.Acknowledged].At, r.Milestones[incident.Contained].At, r.Milestones[incident.Closed].At}
			if want := []time.Time{c.acked, c.tagged, c.closed}; !slices.EqualFunc(got, want, time.Time.Equal) {
				t.Errorf("acknowledged, contained and closed at %v, want %v", got, want)
			}
			estimated := 0
			for _, f := range r.Flags {
				if f.Kind == incident.EstimatedTime {
					estimated++
				}
			}
			if estimated != c.flags {
				t.Errorf("%d estimates are flagged, want %d: %+v", estimated, c.flags, r.Flags)
			}
		})
	}
}

func TestALogThatCannotBeReachedIsAskedForInTheNextPass(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", func(a *paging.Alert) { a.Acknowledged = true })
	b.logFault = access.ErrUnavailable
	round := reconcile.Round{Now: b.now, Write: true, Store: b.store.Write}
	if err := b.stage.Observe(t.Context(), round); !errors.Is(err, access.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	b.logFault, b.logs["a1"] = nil, []paging.Entry{{Text: "Alert acknowledged via web", Created: start.Add(time.Second)}}
	b.pass()
	if r := b.only(); !r.Milestones[incident.Acknowledged].At.Equal(start.Add(time.Second)) {
		t.Errorf("record %+v", r)
	}
}

func TestOnlyTheLogsOfAlertsThatChangedAreRead(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	if b.logReads != 0 {
		t.Errorf("%d logs were read of an alert that nobody has touched", b.logReads)
	}
	b.alarm("a1", func(a *paging.Alert) { a.Acknowledged = true })
	for range 40 { // beyond the time after which alerts are read again
		b.pass()
	}
	if b.logReads != 1 || b.reads < 4 {
		t.Errorf("%d logs and %d alerts were read", b.logReads, b.reads)
	}
}

func TestALateReviewIsOneAlarm(t *testing.T) {
	found := func(b *bench) (kinds []string) {
		b.do(func(tx *store.Tx) error {
			all, err := b.stage.Conclude(tx, reconcile.Round{Now: b.now, Write: true})
			for _, f := range all {
				kinds = append(kinds, string(f.Kind))
			}
			return err
		})
		return kinds
	}
	for name, c := range map[string]struct {
		clocks string
		want   bool
	}{
		"a clock pages":     {promised, false},
		"a clock is silent": {strings.Replace(promised, "stop: [pir.completed]", "stop: [pir.completed], page: [nobody]", 1), true},
		"no clock":          {"", true},
		"no target":         {strings.Replace(promised, "target: {critical: 5d}", "target: {high: 5d}", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBenchOf(t, response+c.clocks)
			b.alarm("a1", nil)
			b.pass()
			b.pass()
			opened := b.effects(change.Open)
			b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
			b.issue("SEC-91", move("Closed", b.now))
			b.pass()
			b.effects(change.Open)
			b.now = start.AddDate(0, 0, 6)
			b.pass()
			if got := found(b); slices.Contains(got, string(incidents.FindingReview)) != c.want {
				t.Errorf("findings %v", got)
			}
		})
	}
}

func TestWhatDoesNotAddUpIsKeptFlaggedAndNotCounted(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", func(a *paging.Alert) { a.Priority = 0 })
	b.issue("SEC-1", func(x *ticket.Ticket) {
		x.Fields = map[string]ticket.Value{"Alert": {Texts: []string{"a1"}}}
		x.History = []ticket.Edit{{At: start.Add(-time.Hour), Field: "status", ToText: "In progress"}, {At: start.Add(-time.Minute), Field: "status", ToText: "Resolved"}}
	})
	b.pass()
	r := b.only()
	if got := flags(r); !slices.Contains(got, incident.NoPriority) || !slices.Contains(got, incident.BeforeStart) {
		t.Errorf("flags %v", got)
	}
	if r.Severity != incident.Medium || r.Reached(incident.Acknowledged) || r.Reached(incident.Resolved) {
		t.Errorf("counted: %+v", r)
	}
	b.do(func(tx *store.Tx) error { return tx.DeleteTicket("1", b.now) })
	b.pass()
	if r := b.only(); !r.TicketGone || !slices.Contains(flags(r), incident.TicketDeleted) {
		t.Errorf("record %+v", r)
	}
	delete(b.alerts, "a1")
	b.now = b.now.Add(20 * time.Minute)
	b.pass()
	gone, _ := b.incident("alert/a1")
	if gone.Live() || gone.Withdrawn.IsZero() || gone.Reached(incident.Closed) || !slices.Contains(flags(gone), incident.AlertDeleted) {
		t.Errorf("record %+v", gone)
	}
	if c := b.cycles("alert/a1")["updates"]; c.Outcome != "" {
		t.Errorf("counted: %+v", c)
	}
}

func TestWhoeverIsOnCallInTheSchedulesOfThePolicyIsPaged(t *testing.T) {
	b := newBenchOf(t, strings.Replace(response, "onCall: {teams: [Security]", "onCall: {schedules: [Nights]", 1))
	b.alarm("a1", nil)
	for range 7 {
		b.pass()
	}
	pages := b.effects(change.AlertOpen)
	if len(pages) != 1 || !slices.Equal(pages[0].Page.Schedules, []string{"Nights"}) || len(pages[0].Page.Teams) != 0 {
		t.Errorf("pages %+v", pages)
	}
}
