package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/reconcile"
)

func TestAListOfMembersThatIsEmptyByMistakeIsNotBelieved(t *testing.T) {
	b := newBench(t)
	b.adopt()
	b.settle()
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob"})
	b.v.okta.empty = map[access.GroupID]bool{"gPay": true, "gWiki": true}
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan") // so that the groups are read again
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uEve"}, true, "uDan")
	b.v.clock.now = b.v.clock.now.Add(time.Minute)
	b.v.jira.approve(key, "uHR")
	b.passed()
	if len(b.report.Unread) != 2 {
		t.Errorf("%d groups unread, want 2", len(b.report.Unread))
	}
	b.wantSaid(key, "is gone", 0)
	b.wantIn("gPay", "uBob", true)
	b.v.okta.empty = nil
	b.settle()
	b.wantSaid(key, "is gone", 1)
	b.wantIn("gPay", "uBob", false)
}

// The group is forgotten when it is first refused; who was in it must not be.
func TestAListThatIsEmptyByMistakeIsNotBelievedTheSecondTimeEither(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.v.okta.empty = map[access.GroupID]bool{"gWiki": true}
	b.v.okta.status("uBob", access.Deprovisioned, "uDan")
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uDan") // so that the group is read again
	later(time.Minute)(b)
	for range 3 {
		b.passed()
		if len(b.report.Unread) != 1 {
			t.Errorf("%d groups unread, want 1", len(b.report.Unread))
		}
		later(time.Minute)(b)
	}
	b.v.okta.empty = nil
	b.settle()
	b.wantIn("gWiki", "uBob", false)
}

func TestAGroupThatHasReallyLostEverybodyIsBelieved(t *testing.T) {
	b := newBench(t)
	b.settle()
	for _, id := range b.v.okta.membersAt("gWiki", b.v.clock.now) {
		b.v.okta.put(access.Membership{Group: "gWiki", User: id}, false, "uDan")
	}
	later(time.Minute)(b)
	b.passed()
	if len(b.report.Unread) != 0 {
		t.Errorf("%d groups unread, want none", len(b.report.Unread))
	}
}

func TestNobodyIsRemovedAsDriftWhileATicketCannotBeRead(t *testing.T) {
	b := newBench(t)
	b.adopt()
	b.settle()
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.issues[key].bad = access.ErrMalformed
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan")
	b.v.clock.now = b.v.clock.now.Add(time.Minute)
	b.passed()
	b.wantIn("gPay", "uEve", true)
	if n := len(b.findings(reconcile.FindingDrift)); n != 1 {
		t.Errorf("%d findings of drift, want 1", n)
	}
	b.v.jira.issues[key].bad = nil
	b.settle()
	b.wantIn("gPay", "uEve", false)
}

func TestATicketThatWasDraggedToValidatedIsNotClosed(t *testing.T) {
	b := newBench(t)
	b.adopt()
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.move(key, "Validated", "acc-uAda")
	b.v.clock.now = b.v.clock.now.Add(time.Minute) // Jira's index lags
	b.settle()
	b.wantMade()
	b.wantStatus(key, "Validated")
	b.wantSaid(key, "sopd has given no access", 1)
}

func TestATicketIsToldWhatWasApprovedAndCannotBeGiven(t *testing.T) {
	b := newBench(t)
	b.adopt()
	key := b.v.jira.raise(asks("Portal", "", time.Time{}))
	b.v.jira.approve(key, "uOwner")
	b.v.clock.now = b.v.clock.now.Add(time.Minute)
	b.settle()
	b.wantMade()
	b.wantSaid(key, "portal-users: the group is fed by an Okta rule", 1)
}
