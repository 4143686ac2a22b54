package incidents_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/incidents"
)

func TestAReminderGoesOutOnceBeforeEachUpdateIsDue(t *testing.T) {
	b := major(t, false)
	b.effects(change.Comment)
	reminders := func() (n int) {
		for _, e := range b.effects(change.Comment) {
			if strings.HasPrefix(e.Body, "The next update") {
				n++
			}
		}
		return n
	}
	for b.now.Before(start.Add(19 * time.Minute)) {
		b.pass()
	}
	if n := reminders(); n != 0 {
		t.Errorf("%d reminders 19 minutes in", n)
	}
	for b.now.Before(start.Add(27 * time.Minute)) {
		b.pass()
	}
	if n := reminders(); n != 1 {
		t.Errorf("%d reminders 27 minutes in", n)
	}
	b.comment("SEC-91", "uBob", "sopd: update we look at it")
	for range 15 {
		b.pass()
	}
	if n := reminders(); n != 0 {
		t.Errorf("%d reminders in the first fifteen minutes after an update", n)
	}
}

func TestTheReviewIsOpenedAtTheCloseAndItsLacksAreNamedOnceForEachSet(t *testing.T) {
	b := major(t, false)
	b.issue("SEC-91", move("Closed", b.now))
	b.pass()
	opened := b.effects(change.Open)
	if len(opened) != 1 || opened[0].New.Type != "Review" {
		t.Fatalf("opened %+v", opened)
	}
	lacks := func() (said []string) {
		for _, e := range b.effects(change.Comment) {
			if strings.Contains(e.Body, "lacks") && e.Ticket == "SEC-92" {
				said = append(said, e.Body)
			}
		}
		return said
	}
	review := func(spoil func(*ticket.Ticket)) {
		b.issue("SEC-92", func(x *ticket.Ticket) {
			x.Type, x.Done = "Review", true
			spoil(x)
		})
		b.pass()
		b.pass()
	}
	review(func(*ticket.Ticket) {})
	if said := lacks(); len(said) != 1 || !strings.Contains(said[0], "Root cause") || !strings.Contains(said[0], "Policy updates") || !strings.Contains(said[0], "follow-up") {
		t.Errorf("said %q", said)
	}
	filled := ticket.Value{Texts: []string{"a token"}}
	review(func(x *ticket.Ticket) {
		x.Fields = map[string]ticket.Value{"Root cause": filled, "Policy updates": filled}
	})
	if said := lacks(); len(said) != 1 || strings.Contains(said[0], "Root cause") {
		t.Errorf("said %q", said)
	}
	if r := b.only(); !r.Review.Completed.IsZero() {
		t.Errorf("complete without a follow-up: %+v", r.Review)
	}
	review(func(x *ticket.Ticket) { x.Links = []ticket.Key{"SEC-95"} })
	if left := b.records(); len(left) != 0 {
		t.Errorf("live: %+v", left)
	}
}

func TestAReviewThatIsOverdueIsAFinding(t *testing.T) {
	b := major(t, false)
	b.issue("SEC-91", move("Closed", b.now))
	b.pass()
	b.effects(change.Open)
	found := func() (n int) {
		b.pass()
		b.do(func(tx *store.Tx) error {
			all, err := b.stage.Conclude(tx, reconcile.Round{Now: b.now, Write: true})
			for _, f := range all {
				if f.Kind == incidents.FindingReview && f.Ticket == "SEC-92" {
					n++
				}
			}
			return err
		})
		return n
	}
	if n := found(); n != 0 {
		t.Errorf("%d findings before the day", n)
	}
	b.now = start.AddDate(0, 0, 6)
	if n := found(); n != 1 {
		t.Errorf("%d findings after the day", n)
	}
}
