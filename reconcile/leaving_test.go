package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// departs has the person offboarded, now or some day.
func (b *bench) departs(user access.UserID, at time.Time) ticket.Key {
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uOwner", about: user, effective: at})
	b.v.jira.approve(key, "uHR")
	later(10 * time.Second)(b)
	return key
}

func TestWhatALeaverHoldsElsewhereIsSaidOnTheTicket(t *testing.T) {
	b := newBench(t)
	b.v.okta.admins = map[access.UserID][]string{"uBob": {"ORG_ADMIN"}}
	b.v.okta.tokens = map[access.UserID][]string{"uBob": {"nightly export"}}
	b.v.ops.duties = []paging.Duty{
		{Kind: paging.Rotation, Where: "SecOps", Person: "UBob@example.com"},
		{Kind: paging.Override, Where: "Platform", Person: "acc-uBob", Until: b.v.clock.now.Add(48 * time.Hour)},
		{Kind: paging.Escalation, Where: "Managers", Person: "ubob@example.com"},
		{Kind: paging.Rotation, Where: "Others", Person: "uada@example.com", Alone: true},
	}
	waiting := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.answer(waiting, ticket.Pending, "uBob")
	key := b.departs("uBob", time.Time{})
	b.settle()
	for _, text := range []string{
		"administrator roles in Okta: ORG_ADMIN", "API tokens in Okta: nightly export", "on call in turns: SecOps",
		"stands in on call: Platform, until 2026-11-25", "woken by the escalation: Managers", "approvals that wait for them: " + string(waiting),
	} {
		b.wantSaid(key, text, 1)
	}
	b.wantSaid(key, "Others", 0)
	b.wantStatus(key, "Closed")
	if n := len(b.findings(reconcile.FindingOnCallGap)); n != 0 {
		t.Errorf("%d gaps, want none", n)
	}
}

func TestALeaverWhoHoldsNothingElseIsNotSaidTo(t *testing.T) {
	b := newBench(t)
	key := b.departs("uBob", time.Time{})
	b.settle()
	b.wantSaid(key, "still hold elsewhere", 0)
}

func TestAGapOnCallIsPagedForBeforeItOpensAndUntilItIsFilled(t *testing.T) {
	b := newBench(t)
	b.v.ops.duties = []paging.Duty{{Kind: paging.Rotation, Where: "SecOps", Person: "ubob@example.com", Alone: true}}
	key := b.departs("uBob", b.v.clock.now.Add(48*time.Hour))
	b.settle()
	gaps := b.findings(reconcile.FindingOnCallGap)
	if len(gaps) != 1 || gaps[0].Alert == "" || gaps[0].Detail["schedule"] != "SecOps" {
		t.Fatalf("gaps %+v, want one that is paged", gaps)
	}
	b.wantIn("gWiki", "uBob", true)
	later(49 * time.Hour)(b)
	b.settle()
	b.wantIn("gWiki", "uBob", false)
	b.wantSaid(key, "on call in turns: SecOps (nobody else is in it)", 1)
	b.wantStatus(key, "Closed")
	if n := len(b.findings(reconcile.FindingOnCallGap)); n != 1 {
		t.Errorf("%d gaps after the ticket was closed, want 1: nobody has filled it", n)
	}
	b.v.ops.duties[0].Alone = false
	later(2 * time.Hour)(b)
	b.settle()
	if n := len(b.findings(reconcile.FindingOnCallGap)); n != 0 || len(b.v.ops.open) != 0 {
		t.Errorf("%d gaps and %d alerts after somebody was added, want none", n, len(b.v.ops.open))
	}
}

func TestWhatCannotBeReadOfALeaverIsSaidAndHoldsNothingUp(t *testing.T) {
	for _, name := range []string{"UserRoles", "APITokens", "Duties"} {
		for _, f := range []fate{denied, down, incomplete} {
			t.Run(name+" "+f.String(), func(t *testing.T) {
				b := newBench(t)
				b.v.fate = func(c call) fate {
					if c.name == name {
						return f
					}
					return done
				}
				key := b.departs("uBob", time.Time{})
				b.settle()
				b.wantIn("gWiki", "uBob", false)
				b.wantSaid(key, "could not be read, somebody has to look", 1)
			})
		}
	}
}

func TestWhatIsKnownOfALeaverIsReadOnceAnHour(t *testing.T) {
	b := newBench(t)
	b.departs("uBob", b.v.clock.now.Add(48*time.Hour))
	b.settle()
	count := func() (n int) {
		for _, c := range b.v.calls {
			if c.name == "Duties" {
				n++
			}
		}
		return n
	}
	first := count()
	for range 10 {
		later(5 * time.Minute)(b)
		b.passed()
	}
	if n := count() - first; n != 0 {
		t.Errorf("read %d times within the hour", n)
	}
	later(20 * time.Minute)(b)
	b.passed()
	if n := count() - first; n != 1 {
		t.Errorf("read %d times after the hour, want once", n)
	}
}

// factsOf returns when each fact of the subject happened.
func (b *bench) factsOf(subject string) map[string]time.Time {
	all := make(map[string]time.Time)
	b.look(func(tx *store.Tx) error {
		found, err := tx.Facts(subject)
		for _, f := range found {
			all[f.Name] = f.At
		}
		return err
	})
	return all
}

func TestWhoIsReactivatedDoesNotLeave(t *testing.T) {
	b := newBench(t)
	b.set.Guards.Removals = 0 // so that the access is still there
	b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
	left := b.v.okta.users["uCyd"].StatusChanged
	later(time.Minute)(b)
	b.settle()
	subject := "uCyd@" + left.UTC().Format(time.RFC3339)
	if _, runs := b.factsOf(subject)[reconcile.FactLeft]; !runs {
		t.Fatal("no clock was started")
	}
	b.v.okta.status("uCyd", access.Active, "uHR")
	back := b.v.clock.now
	later(time.Minute)(b)
	b.settle()
	facts := b.factsOf(subject)
	if at := facts[reconcile.FactReturned]; !at.Equal(back) {
		t.Errorf("facts %v, want returned at %v", facts, back)
	}
	if _, gone := facts[reconcile.FactRemoved]; gone {
		t.Error("somebody who has returned is said to be gone")
	}
	b.noClockRuns(subject)
}

func TestAnOffboardingThatIsCancelledEndsItsClock(t *testing.T) {
	b := newBench(t)
	b.set.Guards.Removals = 0
	key := b.departs("uBob", time.Time{})
	b.settle()
	if _, runs := b.factsOf(string(key))[reconcile.FactLeft]; !runs {
		t.Fatal("no clock was started")
	}
	b.v.jira.move(key, "Cancelled", "acc-uHR")
	later(time.Minute)(b)
	b.settle()
	if _, ended := b.factsOf(string(key))[reconcile.FactReturned]; !ended {
		t.Errorf("facts %v", b.factsOf(string(key)))
	}
	b.noClockRuns(string(key))
}

// noClockRuns computes the promise to leavers as policies make it.
func (b *bench) noClockRuns(subject string) {
	b.Helper()
	b.look(func(tx *store.Tx) error {
		facts, err := tx.Facts(subject)
		if err != nil {
			return err
		}
		d := kpi.Definition{
			SOP: "de-provisioning", Name: "revocation", Subject: "leaver", Start: []string{reconcile.FactLeft},
			Stop: []string{reconcile.FactRemoved}, Cancel: []string{reconcile.FactReturned},
		}
		for _, cycle := range kpi.Compute(d, facts, b.v.clock.now) {
			if cycle.Stopped.IsZero() {
				b.Errorf("a clock of %s still runs", subject)
			}
		}
		return nil
	})
}

// The promise is kept or broken from the last day, whenever somebody came to approve the ticket.
func TestTheClockOfALeaverRunsFromTheLastDayAlsoWhenTheApprovalIsLate(t *testing.T) {
	b := newBench(t)
	last := b.v.clock.now.Add(-30 * time.Hour)
	key := b.departs("uBob", last)
	b.settle()
	facts := b.factsOf(string(key))
	if !facts[reconcile.FactLeft].Equal(last) {
		t.Errorf("left at %v, want the last day %v", facts[reconcile.FactLeft], last)
	}
	if gone := facts[reconcile.FactRemoved]; !gone.After(last.Add(24 * time.Hour)) {
		t.Errorf("gone at %v: not late", gone)
	}
}

func TestWherePolicySaysSoALeaverIsDeactivatedLast(t *testing.T) {
	b := newBench(t)
	for i := range b.set.SOPs {
		if b.set.SOPs[i].Name == "de-provisioning" {
			b.set.SOPs[i].Suspend, b.set.SOPs[i].Deactivate = false, true
		}
	}
	key := b.departs("uBob", time.Time{})
	b.settle()
	b.wantMade(removed("gPay", "uBob"), removed("gWiki", "uBob"), signedOut("uBob"), "user.lifecycle.deactivate uBob")
	b.wantSaid(key, "deactivated the Okta account", 1)
	b.wantStatus(key, "Closed")
	if last := b.v.okta.log[len(b.v.okta.log)-1]; last.Type != "user.lifecycle.deactivate" {
		t.Errorf("the last event is %s, want the deactivation", last.Type)
	}
}
