package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestASev1AlertOpensATicketOnceAndTheTicketJoinsIt(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	b.pass()
	opened := b.effects(change.Open)
	if len(opened) != 1 || opened[0].New.Project != "SEC" || opened[0].New.Type != "Incident" {
		t.Fatalf("opened %+v", opened)
	}
	b.issue("SEC-91", func(x *ticket.Ticket) { x.Labels = []string{opened[0].New.Marker} })
	b.pass()
	if r := b.only(); r.Ticket != "SEC-91" || r.TicketID != "91" || !r.Has("a1") {
		t.Errorf("record %+v", r)
	}
	if again := b.effects(change.Open); len(again) != 0 {
		t.Errorf("opened again: %+v", again)
	}
	if links := b.effects(change.Link); len(links) != 1 || links[0].Body != "https://pager.example.com/a1" {
		t.Errorf("links %+v", links)
	}
	if notes := b.effects(change.AlertNote); len(notes) != 1 || !strings.Contains(notes[0].Body, "SEC-91") {
		t.Errorf("notes %+v", notes)
	}
}

func TestAlertsThatNobodyChangedAreNotReadAgain(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	for range 5 {
		b.pass()
	}
	if b.reads != 1 {
		t.Errorf("the alert was read %d times", b.reads)
	}
	b.alarm("a1", func(a *paging.Alert) { a.Acknowledged, a.AckAfter = true, 5*time.Minute })
	b.pass()
	if r := b.only(); b.reads != 2 || !r.Reached(incident.Acknowledged) {
		t.Errorf("read %d times, %+v", b.reads, r.Milestones)
	}
}

func TestWhichAlertsAreIncidents(t *testing.T) {
	b := newBench(t, false)
	b.pass()
	b.alarm("noise", func(a *paging.Alert) { a.Source = "noise" })
	b.alarm("own", func(a *paging.Alert) { a.Alias = "sopd-0123456789ab" })
	b.alarm("minor", func(a *paging.Alert) { a.Priority = 4 })
	b.pass()
	r := b.only()
	if !r.Has("minor") || r.Severity != incident.Medium {
		t.Errorf("record %+v", r)
	}
	if n := len(b.effects(change.Open)) + len(b.effects(change.AlertOpen)); n != 0 {
		t.Errorf("%d tickets and pages for a minor one", n)
	}
}

func TestOnTheFirstPassOnlyOpenAlertsAreIncidents(t *testing.T) {
	b := newBench(t, false)
	b.alarm("old", func(a *paging.Alert) { a.Open, a.CloseAfter = false, time.Minute })
	b.alarm("open", nil)
	b.pass()
	if r := b.only(); !r.Has("open") {
		t.Errorf("record %+v", r)
	}
}

func TestTheTeamIsPagedAtOnceOrWhenNobodyTakesTheAlert(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	if pages := b.effects(change.AlertOpen); len(pages) != 0 {
		t.Errorf("paged beside an alert that pages by itself: %+v", pages)
	}
	b.now = b.now.Add(5 * time.Minute)
	b.pass()
	pages := b.effects(change.AlertOpen)
	if len(pages) != 1 || !slices.Equal(pages[0].Page.Teams, []string{"Security"}) || pages[0].Page.Priority != 1 {
		t.Errorf("pages %+v", pages)
	}
	b.pass()
	if again := b.effects(change.AlertOpen); len(again) != 0 {
		t.Errorf("paged again: %+v", again)
	}
}

func TestATicketJoinsTheAlertThatItNames(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", func(a *paging.Alert) { a.Source = "noise" }) // named by a ticket, it counts all the same
	b.issue("SEC-1", func(x *ticket.Ticket) { x.Fields = map[string]ticket.Value{"Alert": {Texts: []string{"a1"}}} })
	b.pass()
	b.pass()
	if r := b.only(); r.Ticket != "SEC-1" || !r.Has("a1") {
		t.Errorf("record %+v", r)
	}
	if opened := b.effects(change.Open); len(opened) != 0 {
		t.Errorf("opened %+v", opened)
	}
}

func flags(r incident.Record) []incident.FlagKind {
	var kinds []incident.FlagKind
	for _, f := range r.Flags {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestATicketThatNamesAnUnknownAlertIsKeptAndFlagged(t *testing.T) {
	b := newBench(t, false)
	b.issue("SEC-1", func(x *ticket.Ticket) { x.Fields = map[string]ticket.Value{"Alert": {Texts: []string{"nowhere"}}} })
	b.pass()
	if r := b.only(); !slices.Contains(flags(r), incident.UnknownAlert) || r.Ticket != "SEC-1" {
		t.Errorf("record %+v", r)
	}
}

func TestATicketThatIsDeletedInJiraEndsItsIncidentWithoutABrokenPromise(t *testing.T) {
	b := newBench(t, false)
	b.issue("SEC-404", nil)
	b.pass()
	b.pass()
	b.do(func(tx *store.Tx) error {
		r, found, err := tx.IncidentOf(incident.TicketPart("404"))
		if !found || r.Withdrawn.IsZero() || r.Live() {
			t.Errorf("found %v, record %+v", found, r)
		}
		return err
	})
}

func TestTwoAlertsOfOneAliasAreOneIncidentWhileItIsOpenAndTwoOverTime(t *testing.T) {
	b := newBench(t, false)
	same := func(a *paging.Alert) { a.Alias, a.Priority = "disk", 3 }
	b.pass()
	b.alarm("a1", same)
	b.pass()
	b.alarm("a2", same)
	b.pass()
	if r := b.only(); !r.Has("a1") || !r.Has("a2") {
		t.Errorf("record %+v", r)
	}
	for _, id := range []paging.AlertID{"a1", "a2"} {
		b.alarm(id, func(a *paging.Alert) { a.Open, a.CloseAfter = false, time.Hour })
	}
	b.now = b.now.Add(2 * time.Hour)
	for _, id := range []paging.AlertID{"a1", "a2"} {
		b.alarm(id, nil)
	}
	b.pass()
	if left := b.records(); len(left) != 0 {
		t.Fatalf("live %+v", left)
	}
	b.alarm("a3", same)
	b.pass()
	if r := b.only(); !r.Has("a3") || r.Has("a1") {
		t.Errorf("record %+v", r)
	}
}

func TestAnAlertThatIsGoneIsFlagged(t *testing.T) {
	b := newBench(t, false)
	b.alarm("a1", nil)
	b.pass()
	b.effects(change.Open)
	delete(b.alerts, "a1")
	b.now = b.now.Add(20 * time.Minute)
	b.pass()
	b.do(func(tx *store.Tx) error {
		r, _, err := tx.IncidentOf(incident.AlertPart("a1"))
		if !slices.Contains(flags(r), incident.AlertDeleted) {
			t.Errorf("record %+v", r)
		}
		return err
	})
}
