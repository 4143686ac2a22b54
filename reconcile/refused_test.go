package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// refuseAll makes Okta refuse every removal.
func (b *bench) refuseAll() {
	b.v.fate = func(c call) fate {
		if c.name == "Remove" {
			return refused
		}
		return done
	}
}

// leaves deactivates somebody who is in one group.
func (b *bench) leaves(id access.UserID) {
	b.v.okta.status(id, access.Deprovisioned, "uDan")
	later(10 * time.Second)(b)
}

// attempts counts the changes on record for the user.
func (b *bench) attempts(id access.UserID) int {
	n := 0
	for _, c := range b.changes() {
		if c.User == id {
			n++
		}
	}
	return n
}

// everyMinute runs passes for the time.
func (b *bench) everyMinute(d time.Duration) { b.every(time.Minute, d) }

func (b *bench) every(step, d time.Duration) {
	for end := b.v.clock.now.Add(d); b.v.clock.now.Before(end); later(step)(b) {
		b.passed()
	}
}

func TestAChangeThatOktaKeepsRefusingIsTriedLessAndLessOften(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.refuseAll()
	b.leaves("uEve")
	b.everyMinute(40 * time.Minute)
	// At 0, 1, 3, 7, 15 and 31 minutes, about, not at each of 40.
	if n := b.attempts("uEve"); n < 5 || n > 7 {
		t.Errorf("%d attempts in 40 minutes, want about 6", n)
	}
	found := b.findings(reconcile.FindingRefused)
	if len(found) != 1 || found[0].User != "uEve" || found[0].Detail["cause"] == "" {
		t.Fatalf("findings %+v, want one about uEve", found)
	}
	if n := len(b.findings(reconcile.FindingSkipped)); n != 0 {
		t.Errorf("%d findings of kind skipped say it again", n)
	}
	b.every(time.Hour, 24*time.Hour)
	before := b.attempts("uEve")
	b.every(time.Hour, 24*time.Hour)
	if n := b.attempts("uEve") - before; n < 3 || n > 5 {
		t.Errorf("%d attempts on the third day, want 4: one in six hours", n)
	}
	b.v.fate = nil
	b.every(time.Hour, 7*time.Hour)
	b.wantIn("gWiki", "uEve", false)
	if n := len(b.findings(reconcile.FindingRefused)); n != 0 {
		t.Errorf("%d findings are left after it was done", n)
	}
}

func TestARefusedChangeIsTriedAtOnceWhenAPersonWantsItOrItsGroupChanges(t *testing.T) {
	for name, act := range map[string]func(*bench){
		"a person": func(b *bench) {
			b.change(func(tx *store.Tx) error {
				return tx.RetryChange(change.RemoveMember, access.Membership{Group: "gWiki", User: "uEve"})
			})
		},
		"the group": func(b *bench) {
			b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uDan")
			later(10 * time.Second)(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.settle()
			b.refuseAll()
			b.leaves("uEve")
			b.everyMinute(20 * time.Minute)
			before := b.attempts("uEve")
			b.passed()
			if n := b.attempts("uEve"); n != before {
				t.Fatalf("it does not rest")
			}
			act(b)
			b.passed()
			if n := b.attempts("uEve"); n != before+1 {
				t.Errorf("%d attempts, want %d", n, before+1)
			}
		})
	}
}

func TestAnOffboardingThatOktaRefusesStaysOpenAndSaysSo(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.refuseAll()
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uEve", effective: b.v.clock.now.Add(-24 * time.Hour)})
	b.v.jira.approve(key, "uHR")
	later(10 * time.Second)(b)
	b.everyMinute(10 * time.Minute)
	b.wantStatus(key, "Approved")
	b.wantSaid(key, "Okta refuses it", 1)
	b.v.fate = nil
	b.everyMinute(10 * time.Minute)
	b.wantIn("gWiki", "uEve", false)
	b.wantStatus(key, "Closed")
}

func TestATicketForWhichTheVendorDoesNotServeHoldsUpNobodyElse(t *testing.T) {
	b := newBench(t)
	b.settle()
	bad := b.wikiFor("uAda", time.Time{})
	good := b.wikiFor("uFay", time.Time{})
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uFay"}, false, "uDan")
	b.v.jira.issues[bad].hidden = access.ErrUnavailable
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gWiki", "uFay", true)
	b.wantIn("gWiki", "uAda", false)
	b.wantSaid(good, "The access is there", 1)
	if found := b.findings(reconcile.FindingUnreadable); len(found) != 1 || found[0].Ticket != bad {
		t.Errorf("findings %+v, want one about %s", found, bad)
	}
	b.v.jira.issues[bad].hidden = nil
	b.settle()
	b.wantIn("gWiki", "uAda", true)
}
