package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

func TestAGroupThatWasReadableAndIsNotAnyMoreIsNotPlannedOn(t *testing.T) {
	for _, cause := range []error{access.ErrDenied, access.ErrIncomplete, access.ErrMalformed} {
		t.Run(cause.Error(), func(t *testing.T) {
			b := newBench(t)
			b.settle()
			b.v.okta.unreadable["gPay"] = cause
			b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan")
			b.v.okta.status("uCyd", access.Deprovisioned, "uDan")
			later(10 * time.Second)(b)
			b.settle()
			b.wantMade(removed("gWiki", "uCyd"))
			if n := len(b.findings(reconcile.FindingUnreadable)); n != 1 {
				b.Errorf("%d findings, want 1", n)
			}
			if b.report.Result != reconcile.Partial {
				b.Errorf("result %s, want partial", b.report.Result)
			}
			delete(b.v.okta.unreadable, "gPay")
			b.settle()
			b.wantMade(removed("gWiki", "uCyd"), removed("gPay", "uCyd"), removed("gPay", "uEve"))
			if n := len(b.findings(reconcile.FindingUnreadable)); n != 0 {
				b.Errorf("%d findings are left, want none", n)
			}
		})
	}
}

func TestAGroupThatCannotBeReadDoesNotHoldTheOthersCursorBack(t *testing.T) {
	b := newBench(t)
	b.v.okta.unreadable["gPay"] = access.ErrDenied
	b.settle()
	later(time.Hour)(b)
	b.passed() // reads once more what lies in the overlap
	later(time.Minute)(b)
	before := len(b.v.calls)
	b.passed()
	for _, c := range b.v.calls[before:] {
		if c.name == "Members" {
			t.Errorf("members were read again though only an unreadable group is left: %v", b.v.calls[before:])
		}
	}
}

func TestADeletedGroupIsNotWrittenToForEver(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	delete(b.v.okta.groups, "gWiki") // the list of changed groups says nothing of it
	b.v.okta.status("uCyd", access.Deprovisioned, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	tried := 0
	for _, c := range b.changes() {
		if c.Group == "gWiki" && c.User == "uCyd" {
			tried++
		}
	}
	if tried > 1 {
		t.Errorf("%d attempts on a group that is gone, want 1", tried)
	}
	b.wantMade(added("gWiki", "uAda"), removed("gPay", "uCyd"))
}

func TestADeletionThatTheLogShowsIsFoundAtOnce(t *testing.T) {
	b := newBench(t)
	b.settle()
	delete(b.v.okta.groups, "gWiki")
	b.v.okta.tell("group.lifecycle.delete", "uHR", access.Membership{Group: "gWiki"})
	later(time.Minute)(b)
	b.passed()
	later(time.Minute)(b)
	b.passed()
	if n := len(b.findings(reconcile.FindingUnreadable)); n != 1 {
		t.Errorf("%d findings of what cannot be read, want 1", n)
	}
	b.wantMade()
}

func TestAGroupDeletedUnnoticedIsFoundMissingWithinADay(t *testing.T) {
	b := newBench(t)
	b.settle()
	delete(b.v.okta.groups, "gWiki")
	later(25 * time.Hour)(b)
	b.passed()
	if _, unread := b.report.Unread["gWiki"]; !unread {
		t.Error("the group that is gone was not noticed")
	}
}

func TestALeaversTicketStaysOpenWhileAGroupCannotBeRead(t *testing.T) {
	b := newBench(t)
	b.v.okta.unreadable["gPay"] = access.ErrDenied
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob"})
	b.v.jira.approve(key, "uHR")
	later(10 * time.Second)(b)
	b.settle()
	b.wantStatus(key, "Approved")
	delete(b.v.okta.unreadable, "gPay")
	b.settle()
	b.wantIn("gPay", "uBob", false)
	b.wantStatus(key, "Closed")
	b.wantSaid(key, "All access that sopd manages is gone", 1)
}

func TestATicketThatCannotBeReadIsReadAgainUntilItCan(t *testing.T) {
	for name, hide := range map[string]func(*issue, error){
		"ticket":    func(i *issue, err error) { i.bad = err },
		"approvals": func(i *issue, err error) { i.hidden = err },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			key := b.wikiFor("uAda", time.Time{})
			hide(b.v.jira.issues[key], access.ErrMalformed)
			other := b.wikiFor("uHR", time.Time{})
			later(10 * time.Second)(b)
			b.settle()
			b.wantMade(added("gWiki", "uHR"))
			b.wantStatus(other, "Waiting for validation")
			if n := len(b.v.jira.issues[key].comments); n != 0 {
				b.Errorf("%d comments on a ticket that could not be read", n)
			}
			if n := len(b.findings(reconcile.FindingUnreadable)); n != 1 {
				b.Errorf("%d findings, want 1", n)
			}
			later(time.Hour)(b) // nobody touches the ticket, so the search never names it again
			hide(b.v.jira.issues[key], nil)
			b.settle()
			b.wantMade(added("gWiki", "uHR"), added("gWiki", "uAda"))
			b.wantStatus(key, "Waiting for validation")
		})
	}
}

func TestATicketThatTurnsUnreadableJustBeforeItIsFulfilledIsNotForgotten(t *testing.T) {
	b := newBench(t)
	key := b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.v.fate = func(c call) fate {
		if c.name == "Ticket" && b.passes == 1 {
			return incomplete
		}
		return done
	}
	b.passed()
	b.wantMade()
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	b.wantStatus(key, "Waiting for validation")
}

func TestADeletedTicketGivesNothing(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	later(10 * time.Second)(b)
	b.settle()
	b.v.jira.approve(key, "uOwner")
	later(10 * time.Second)(b)
	kept := b.v.jira.issues[key]
	b.v.fate = func(c call) fate {
		if c.name == "Ticket" { // it is deleted between the search and the reading
			delete(b.v.jira.issues, key)
		}
		return done
	}
	b.settle()
	b.wantMade()
	b.look(func(tx *store.Tx) error {
		if _, found, err := tx.TicketByID(kept.ID); found || err != nil {
			t.Errorf("the ticket is still there: %v %v", found, err)
		}
		return nil
	})
}

func TestApproversInAGroupThatCannotBeReadAreNotSaidToBeNobody(t *testing.T) {
	b := newBench(t)
	b.v.okta.unreadable["gOwners"] = access.ErrDenied
	key := b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	if said := b.v.jira.issues[key].comments; len(said) != 0 {
		b.Errorf("the ticket was told: %+v", said)
	}
	delete(b.v.okta.unreadable, "gOwners")
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	b.wantStatus(key, "Waiting for validation")
}
