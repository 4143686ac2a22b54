package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// forgetful is Okta that does not know the cursor of its System Log any more.
type forgetful struct {
	reconcile.Directory
	since []time.Time // with which it was asked from the start
}

// Events implements [reconcile.Directory].
func (f *forgetful) Events(ctx context.Context, cursor access.Cursor, since time.Time) ([]access.Event, access.Cursor, error) {
	if cursor != "" && len(f.since) == 0 {
		return nil, "", fmt.Errorf("cursor: %w", access.ErrInvalid)
	}
	if cursor == "" {
		f.since = append(f.since, since)
	}
	return f.Directory.Events(ctx, cursor, since)
}

func TestALostCursorOfTheSystemLogLosesNoEvent(t *testing.T) {
	b := newBench(t)
	b.settle()
	last := b.v.clock.now
	later(30 * time.Hour)(b)
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uDan")
	later(10 * time.Second)(b)
	f := &forgetful{Directory: b.v.okta}
	b.r.Directory = f
	b.passed()
	if len(f.since) != 1 || f.since[0].After(last.Add(-30*time.Minute)) || f.since[0].Before(last.Add(-3*time.Hour)) {
		t.Errorf("read again from %v, want once, from about an hour before %v", f.since, last)
	}
	found := 0
	b.look(func(tx *store.Tx) error {
		events, err := tx.EventsAbout(access.Membership{Group: "gWiki", User: "uAda"}, time.Time{})
		found = len(events)
		return err
	})
	if found != 1 {
		t.Errorf("%d events about what happened meanwhile, want 1", found)
	}
	b.passed() // and from the new cursor on
}

// answerQuietly approves without moving the ticket's time of update, and without a webhook.
func (b *bench) answerQuietly(key ticket.Key, by access.UserID) {
	i := b.v.jira.issues[key]
	updated := i.Updated
	b.v.jira.approve(key, by)
	i.Updated = updated
}

func TestAnApprovalThatDoesNotMoveTheTicketsTimeIsFound(t *testing.T) {
	b := newBench(t)
	b.settle()
	key := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uDan", about: "uAda", system: "Wiki"})
	b.settle()
	later(20 * time.Minute)(b) // far past every overlap
	b.settle()
	b.answerQuietly(key, "uOwner")
	later(10 * time.Minute)(b)
	b.settle()
	b.wantIn("gWiki", "uAda", true)
}

func TestHowManyApprovalsAreReadAgainDoesNotGrowWithWhatWaits(t *testing.T) {
	b := newBench(t)
	b.settle()
	for range 20 {
		b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uDan", about: "uAda", system: "Wiki"})
	}
	b.settle()
	later(20 * time.Minute)(b)
	b.passed() // reads the overlap
	for range 3 {
		later(20 * time.Minute)(b)
		before := len(b.v.calls)
		b.passed()
		if n := len(b.v.calls) - before; n > 8 {
			t.Errorf("%d calls in a pass with nothing changed, want at most 8: %v", n, b.v.calls[before:])
		}
	}
}
