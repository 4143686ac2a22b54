package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/promises"
)

// cause is something that sopd pages for, from its beginning to its end.
type cause struct {
	kind     finding.Kind
	priority paging.Priority
	prepare  func(*bench)
	begin    func(*bench)
	end      func(*bench)
}

// roundsOf lets a pass run each minute, whatever comes of it.
func (b *bench) roundsOf(minutes int) {
	b.Helper()
	for range minutes {
		later(time.Minute)(b)
		_ = b.attempt() // whether it succeeds is not what is asked
	}
}

// fails lets calls of a name have a fate; done: nothing is wrong any more.
func fails(name string, f fate) func(*bench) {
	return func(b *bench) {
		b.v.fate = func(c call) fate {
			if strings.HasPrefix(c.name, name) {
				return f
			}
			return done
		}
	}
}

func well(b *bench) { b.v.fate = nil }

// wanted is a bench in which an approved request waits for Okta.
func wanted(f fate) func(*bench) {
	return func(b *bench) {
		b.wikiFor("uAda", time.Time{})
		fails("Add", f)(b)
	}
}

// ungiven takes away what was given, so that the cause can come again.
func ungiven(b *bench) {
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, false, "uDan")
	later(time.Minute)(b)
}

func causes() []cause {
	eve := access.Membership{Group: "gArchive", User: "uEve"}
	var late *stage
	return []cause{
		{
			kind: reconcile.FindingDrift, priority: 3,
			begin: func(b *bench) { b.v.okta.put(eve, true, "uDan") }, end: func(b *bench) { b.v.okta.put(eve, false, "uDan") },
		},
		{
			kind: reconcile.FindingHold, priority: 2, prepare: massDeparture,
			begin: func(b *bench) {
				for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus", "uHal"} {
					b.v.okta.put(access.Membership{Group: "gWiki", User: id}, true, "uHR")
				}
				later(2 * time.Hour)(b)
			},
			end: func(b *bench) { b.letThrough(b.holds(hold.Open)[0]) },
		},
		{
			kind: reconcile.FindingGuardOff, priority: 4,
			begin: func(b *bench) { b.set.Guards.Removals = guard.Off }, end: func(b *bench) { b.set.Guards.Removals = 50 },
		},
		{kind: reconcile.FindingUnconfirmed, priority: 2, begin: wanted(ignored), end: func(b *bench) { well(b); b.roundsOf(16) }},
		{kind: reconcile.FindingUnconfirmed, priority: 2, begin: wanted(lost), end: func(b *bench) { well(b); b.roundsOf(16) }},
		{kind: reconcile.FindingRefused, priority: 4, begin: wanted(refused), end: func(b *bench) { well(b); later(6 * time.Hour)(b) }},
		{
			kind: reconcile.FindingBlind, priority: 4,
			prepare: func(b *bench) { late = &stage{user: "uBob"}; b.join(late) },
			begin:   func(*bench) { late.blind = fmt.Errorf("alerts: %w", access.ErrUnavailable) }, end: func(*bench) { late.blind = nil },
		},
		{kind: reconcile.FindingSilent, priority: 2, begin: fails("UsersChanged", down), end: well},
		{
			kind: promises.FindingBreached, priority: 1, prepare: func(b *bench) { b.procedural(clocked()) },
			begin: func(b *bench) { b.flaw("Critical"); b.settle(); later(70 * time.Minute)(b) },
			end: func(b *bench) {
				for key, i := range b.v.jira.issues {
					if i.Project == "SEC" && !i.Done {
						b.moved(key, "Done")
					}
				}
			},
		},
	}
}

// alertsOf returns the pages that were made for a kind, and how many of them are open.
func (b *bench) alertsOf(kind finding.Kind) (made []paging.NewAlert, open int) {
	for i, a := range b.v.ops.pages {
		if len(a.Tags) != 2 || a.Tags[1] != string(kind) {
			continue
		}
		made = append(made, a)
		if _, is := b.v.ops.open[fmt.Sprintf("alert-%d", i+1)]; is {
			open++
		}
	}
	return made, open
}

func TestEachCauseIsOneAlertThatClosesByItselfAndAnotherWhenItReturns(t *testing.T) {
	for n, c := range causes() {
		t.Run(fmt.Sprint(n, " ", c.kind), func(t *testing.T) {
			b := newBench(t)
			if c.prepare != nil {
				c.prepare(b)
			}
			b.settleWell()
			before, _ := b.alertsOf(c.kind)
			for round := range 2 {
				c.begin(b)
				b.roundsOf(40)
				made, open := b.alertsOf(c.kind)
				made = made[len(before):]
				if len(made) != round+1 || open != 1 {
					t.Fatalf("the cause came %d times: %d alerts, %d open: %+v", round+1, len(made), open, made)
				}
				if made[round].Priority != c.priority {
					t.Errorf("priority %v", made[round].Priority)
				}
				c.end(b)
				b.roundsOf(3)
				if made, open := b.alertsOf(c.kind); len(made) != len(before)+round+1 || open != 0 {
					t.Fatalf("the cause is gone: %d alerts, %d open", len(made), open)
				}
				ungiven(b)
			}
		})
	}
}

// settleWell settles, and lets through what a guard stopped on the way.
func (b *bench) settleWell() {
	b.settle()
	for _, h := range b.holds(hold.Open) {
		b.letThrough(h)
		b.settle()
	}
}

func TestAnAlertThatPeopleCloseWhileItsCauseLastsIsOpenedAgainAfterADay(t *testing.T) {
	for name, people := range map[string][]access.UserID{"one": {"uEve"}, "a storm": {"uAda", "uBob", "uCyd", "uDan", "uEve", "uFay", "uGus", "uGlass", "uHR", "uOwner", "uSec"}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.settle()
			for _, id := range people {
				b.v.okta.put(access.Membership{Group: "gArchive", User: id}, true, "uDan")
			}
			b.roundsOf(3)
			made, open := b.alertsOf(reconcile.FindingDrift)
			if len(made) != 1 || open != 1 {
				t.Fatalf("%d alerts, %d open", len(made), open)
			}
			clear(b.v.ops.open)
			b.roundsOf(60)
			if made, _ := b.alertsOf(reconcile.FindingDrift); len(made) != 1 {
				t.Fatalf("%d alerts within an hour of the close: whoever closed it knows of it", len(made))
			}
			later(24 * time.Hour)(b)
			b.roundsOf(60)
			made, open = b.alertsOf(reconcile.FindingDrift)
			if len(made) != 2 || open != 1 {
				t.Fatalf("%d alerts, %d open a day after the close", len(made), open)
			}
			for _, id := range people {
				b.v.okta.put(access.Membership{Group: "gArchive", User: id}, false, "uDan")
			}
			b.roundsOf(3)
			if made, open := b.alertsOf(reconcile.FindingDrift); len(made) != 2 || open != 0 {
				t.Errorf("%d alerts, %d open when the cause is gone", len(made), open)
			}
		})
	}
}
