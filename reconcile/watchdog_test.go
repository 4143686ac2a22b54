package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// drifter is a bench in which somebody was put into an observed group by hand.
func drifter(t *testing.T) *bench {
	b := newBench(t)
	b.settle()
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uEve"}, true, "uDan")
	later(10 * time.Second)(b)
	return b
}

// attempt runs a pass that may fail.
func (b *bench) attempt() error {
	_, err := b.r.Pass(b.Context())
	return err
}

func TestSomebodyIsPagedWhenNoPassSucceedsForTooLongAndItClosesByItself(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.v.fate = func(c call) fate {
		if c.name == "UsersChanged" || c.name == "AllUsers" {
			return down
		}
		return done
	}
	for range 11 {
		later(time.Minute)(b)
		if b.attempt() == nil {
			t.Fatal("a pass succeeded that could not read the users")
		}
	}
	if n := len(b.findings(reconcile.FindingSilent)); n != 0 || len(b.v.ops.open) != 0 {
		t.Errorf("%d findings, %d pages before the time", n, len(b.v.ops.open))
	}
	for range 5 {
		later(time.Minute)(b)
		_ = b.attempt()
	}
	if n := len(b.findings(reconcile.FindingSilent)); n != 1 || len(b.v.ops.open) != 1 || b.v.ops.created != 1 {
		t.Errorf("%d findings, %d pages open, %d made; want one", n, len(b.v.ops.open), b.v.ops.created)
	}
	b.v.fate = nil
	later(time.Minute)(b)
	b.settle()
	if n := len(b.findings(reconcile.FindingSilent)); n != 0 || len(b.v.ops.open) != 0 {
		t.Errorf("%d findings, %d pages are left", n, len(b.v.ops.open))
	}
}

func TestAGuardThatIsSwitchedOffIsPagedFor(t *testing.T) {
	b := newBench(t)
	b.set.Guards.Removals = guard.Off
	b.settle()
	if n := len(b.findings(reconcile.FindingGuardOff)); n != 1 || b.v.ops.created != 1 {
		t.Errorf("%d findings, %d pages", n, b.v.ops.created)
	}
}

func TestAPageGoesToTheTeamsOfItsOwner(t *testing.T) {
	b := drifter(t)
	b.set.Routing.Teams = map[string][]string{"security-operations": {"Security"}}
	b.settle()
	if len(b.v.ops.teams) != 1 || !slices.Equal(b.v.ops.teams[0], []string{"Security"}) {
		t.Errorf("paged %v", b.v.ops.teams)
	}
}

// office is a calendar that is open from nine to six, UTC.
func office(t *testing.T) *calendar.Calendar {
	t.Helper()
	hours, err := calendar.ParseInterval("09:00-18:00")
	if err != nil {
		t.Fatal(err)
	}
	var v calendar.Version
	for day := time.Sunday; day <= time.Saturday; day++ {
		v.Week[day] = []calendar.Interval{hours}
	}
	c, err := calendar.New(calendar.Definition{Name: "office", Zone: "UTC", Versions: []calendar.Version{v}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsNotUrgentPagesInTheMorning(t *testing.T) {
	b := drifter(t)
	b.set.Routing.Hours, b.set.Routing.Urgent = office(t), 2
	b.v.clock.now = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	b.settle()
	if n := len(b.findings(reconcile.FindingDrift)); n != 1 || b.v.ops.created != 0 {
		t.Errorf("%d findings, %d pages in the night", n, b.v.ops.created)
	}
	b.v.clock.now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	b.settle()
	if b.v.ops.created != 1 {
		t.Errorf("%d pages in the morning", b.v.ops.created)
	}
}

func TestWhatIsOverBeforeTheMorningPagesNobody(t *testing.T) {
	b := drifter(t)
	b.set.Routing.Hours, b.set.Routing.Urgent = office(t), 2
	b.v.clock.now = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	b.settle()
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uEve"}, false, "uDan")
	b.v.clock.now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	b.settle()
	if b.v.ops.created != 0 {
		t.Errorf("%d pages for what is over", b.v.ops.created)
	}
}

func TestWhatStandsForDaysGetsNotesAndNoSecondAlert(t *testing.T) {
	b := drifter(t)
	b.settle()
	for range 3 {
		later(24 * time.Hour)(b)
		b.settle()
		b.settle()
	}
	notes := 0
	for _, all := range b.v.ops.notes {
		for _, n := range all {
			if strings.Contains(n.Text, "still stands") {
				notes++
			}
		}
	}
	if b.v.ops.created != 1 || notes != 3 {
		t.Errorf("%d alerts, %d notes after three days; want 1 and 3", b.v.ops.created, notes)
	}
}

// queue keeps an effect on an alert and tells it in two passes.
func (b *bench) queue(e change.Effect) {
	b.Helper()
	e.Created = b.v.clock.now
	b.change(func(tx *store.Tx) error {
		_, err := tx.PutEffect(e)
		return err
	})
	b.settle()
	later(10 * time.Minute)(b)
	b.settle()
}

func TestANoteWhoseAnswerWasLostIsOnTheAlertOnce(t *testing.T) {
	b := newBench(t)
	b.settle()
	lost := 0
	b.v.fate = func(c call) fate {
		if c.name == "Note" && lost == 0 {
			lost++
			return answerLost
		}
		return done
	}
	b.queue(change.Effect{Key: "n", Kind: change.AlertNote, Alert: "a1", Body: "Reference: abc", Marker: "Reference: abc"})
	if n := len(b.v.ops.notes["a1"]); n != 1 || lost != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}

func TestAPageWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	b := newBench(t)
	b.settle()
	lost := 0
	b.v.fate = func(c call) fate {
		if c.name == "Create" && lost == 0 {
			lost++
			return answerLost
		}
		return done
	}
	b.queue(change.Effect{Key: "p", Kind: change.AlertOpen, Page: &paging.NewAlert{Alias: "sopd-incident-1", Message: "x"}})
	if b.v.ops.created != 1 || lost != 1 {
		t.Errorf("%d alerts, want 1", b.v.ops.created)
	}
	b.queue(change.Effect{Key: "c", Kind: change.AlertClose, Alert: "alert-1"})
	if len(b.v.ops.open) != 0 {
		t.Errorf("%d alerts are open", len(b.v.ops.open))
	}
}
