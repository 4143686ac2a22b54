package reconcile_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// massDeparture deactivates five people of the wiki at once: more than the guards allow.
func massDeparture(b *bench) {
	for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus", "uHal"} {
		b.v.okta.status(id, access.Deprovisioned, "uHR")
	}
	later(10 * time.Second)(b)
}

func TestAMassDepartureIsHeldAndNewAccessIsNot(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	massDeparture(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Fatalf("%d holds are open, want 1", n)
	}
	if n := len(b.findings(reconcile.FindingHold)); n != 1 || len(b.v.ops.open) != 1 {
		t.Errorf("%d findings and %d alerts of the hold, want 1 each", n, len(b.v.ops.open))
	}
	if b.report.Result != reconcile.Held {
		t.Errorf("result %s, want held", b.report.Result)
	}
}

func TestAHoldLetsItsPlanThroughOnce(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	b.letThrough(b.holds(hold.Open)[0])
	b.settle()
	want := []string{}
	for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus", "uHal"} {
		want = append(want, removed("gWiki", id))
	}
	b.wantMade(want...)
	if n := len(b.holds(hold.Used)); n != 1 {
		t.Errorf("%d holds were used, want 1", n)
	}
	if len(b.v.ops.open) != 0 {
		t.Errorf("alerts are still open: %v", b.v.ops.open)
	}
	// The same people turn up again: the same plan needs another word.
	for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus", "uHal"} {
		b.v.okta.put(access.Membership{Group: "gWiki", User: id}, true, "uHR")
	}
	later(2 * time.Hour)(b)
	b.settle()
	b.wantMade(want...)
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Errorf("%d holds are open, want another one", n)
	}
}

func TestAHoldForAPlanThatHasChangedLetsNothingThrough(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	b.letThrough(b.holds(hold.Open)[0])
	b.v.okta.status("uBob", access.Deprovisioned, "uHR")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Errorf("%d holds are open, want one for the plan as it is now", n)
	}
}

func TestAnApprovalThatHasExpiredLetsNothingThrough(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	b.letThrough(b.holds(hold.Open)[0])
	later(25 * time.Hour)(b)
	b.settle()
	b.wantMade()
}

func TestACancelledHoldIsNotMadeAgainForTheSamePlan(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	h := b.holds(hold.Open)[0]
	h.State, h.CancelledBy, h.Cancelled = hold.Cancelled, "second", b.v.clock.now
	b.change(func(tx *store.Tx) error { return tx.PutHold(h) })
	b.settle()
	b.wantMade()
	if n := len(b.holds(hold.Open)); n != 0 {
		t.Errorf("%d holds are open for a plan that somebody has refused, want none", n)
	}
	later(25 * time.Hour)(b)
	b.settle()
	if n := len(b.holds(hold.Open)); n != 1 {
		t.Errorf("%d holds are open after the refusal has run out, want 1", n)
	}
}

func TestACrashAfterAHoldWasUsedNeedsAnotherWord(t *testing.T) {
	b := newBench(t)
	massDeparture(b)
	b.settle()
	b.letThrough(b.holds(hold.Open)[0])
	b.v.fate = func(c call) fate {
		if c.write && c.name == "Remove" && b.passes < 20 && !b.struck {
			b.struck = true
			return crashBefore
		}
		return done
	}
	b.settle()
	if n := b.records(ledger.HoldUsed); n != 1 {
		t.Errorf("the hold was used %d times, want once", n)
	}
}

func TestWithWritesOffNothingOutsideIsTouched(t *testing.T) {
	b := newBench(t)
	b.write = false
	b.r = b.reconciler("one")
	b.wikiFor("uAda", time.Time{})
	b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan")
	b.v.jira.raise(asks("Payments", "", time.Time{})) // incomplete
	later(10 * time.Second)(b)
	for range 4 {
		b.passed()
		later(time.Minute)(b)
	}
	if w := b.v.writes(); len(w) != 0 {
		t.Errorf("written outside: %v", w)
	}
	if n := b.records(ledger.PlanProposed); n != 1 {
		t.Errorf("the proposal was recorded %d times, want once", n)
	}
	if n := len(b.changes()); n != 0 {
		t.Errorf("%d changes on record, want none", n)
	}
	if n := b.records(ledger.GrantApproved); n != 0 {
		t.Errorf("%d grants on record, want none", n)
	}
}

func TestAPassOverNothingNewCostsAHandfulOfCalls(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	b.v.jira.raise(asks("Wiki", "", time.Time{}))
	future := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob", effective: b.v.clock.now.Add(48 * time.Hour)})
	b.v.jira.approve(future, "uHR")
	later(10 * time.Second)(b)
	b.settle()
	later(time.Hour)(b)
	b.passed()
	later(time.Minute)(b)
	before := len(b.v.calls)
	b.passed()
	var names []string
	for _, c := range b.v.calls[before:] {
		names = append(names, c.name)
	}
	if want := []string{"UsersChanged", "Rules", "GroupsChanged", "Events", "Changed"}; !slices.Equal(names, want) {
		t.Errorf("calls %v, want %v", names, want)
	}
}

func TestAReadThatIsNotWholeEndsThePassWithNothingWritten(t *testing.T) {
	for _, f := range []fate{expired, incomplete, down, denied} {
		for _, name := range []string{"UsersChanged", "Rules", "GroupsChanged", "Events", "Changed"} {
			t.Run(name+" "+f.String(), func(t *testing.T) {
				b := newBench(t)
				b.settle()
				b.wikiFor("uAda", time.Time{})
				b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
				later(10 * time.Second)(b)
				b.v.fate = func(c call) fate {
					if c.name == name {
						return f
					}
					return done
				}
				if _, err := b.pass(); err == nil {
					t.Error("the pass went on")
				}
				if b.report.Result != reconcile.Failed {
					t.Errorf("result %s, want failed", b.report.Result)
				}
				b.wantMade()
				if n := len(b.changes()); n != 0 {
					t.Errorf("%d changes on record, want none", n)
				}
				b.v.fate = nil
				b.settle()
				b.wantMade(added("gWiki", "uAda"), removed("gPay", "uCyd"), removed("gWiki", "uCyd"))
			})
		}
	}
}

func TestAnExpiredCredentialStopsAfterTheFirstWrite(t *testing.T) {
	b := newBench(t)
	b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
	later(10 * time.Second)(b)
	b.v.fate = func(c call) fate {
		if c.write {
			return expired
		}
		return done
	}
	if _, err := b.pass(); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("error %v, want unauthenticated", err)
	}
	if w := b.v.writes(); len(w) != 1 {
		t.Errorf("written %v, want one attempt", w)
	}
}

func TestAHintLeadsStraightToItsTicket(t *testing.T) {
	b := newBench(t)
	b.settle()
	key := b.wikiFor("uAda", time.Time{})
	i := b.v.jira.issues[key]
	i.Updated = b.v.clock.now.Add(time.Hour) // the index shows it much later
	body := `{"webhookEvent":"jira:issue_updated","issue":{"id":"` + string(i.ID) + `","key":"` + string(key) + `"}}`
	b.change(func(tx *store.Tx) error {
		_, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: "d1", Received: b.v.clock.now, Body: []byte(body)})
		if err != nil {
			return err
		}
		_, err = tx.PutDelivery(store.Delivery{Source: "jira", ID: "d2", Received: b.v.clock.now, Body: []byte(`nonsense`)})
		return err
	})
	b.passed()
	b.wantMade(added("gWiki", "uAda"))
	b.look(func(tx *store.Tx) error {
		left, err := tx.Deliveries(10)
		if len(left) != 0 {
			t.Errorf("%d webhooks are left", len(left))
		}
		return err
	})
}

func TestOnlyOneOfTwoReplicasWorks(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	other := b.reconciler("two")
	b.v.fate = func(c call) fate {
		if c.name == "Add" {
			report, err := other.Pass(t.Context())
			if err != nil || report.Result != reconcile.Standby {
				t.Errorf("the other replica: %s %v, want standby", report.Result, err)
			}
		}
		return done
	}
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
}

func TestAReplicaThatWasAwayForTooLongStopsBeforeItsNextWrite(t *testing.T) {
	for _, at := range []string{"Changed", "Ticket", "Add", "UserGroups", "Comments", "Comment", "Create"} {
		t.Run(at, func(t *testing.T) {
			b := newBench(t)
			b.wikiFor("uAda", time.Time{})
			b.wikiFor("uHR", time.Time{})
			b.v.okta.put(access.Membership{Group: "gArchive", User: "uAda"}, true, "uDan")
			later(10 * time.Second)(b)
			other := b.reconciler("two")
			taken := 0
			b.v.fate = func(c call) fate {
				if c.name == at && taken == 0 {
					// The process sleeps, and another one takes the place.
					later(10 * time.Minute)(b)
					b.change(func(tx *store.Tx) error {
						_, err := tx.Lease("pass", "two", b.v.clock.now.Add(2*time.Minute))
						return err
					})
					taken = len(b.v.writes())
					if !c.write {
						taken++
					}
				}
				return done
			}
			if _, err := b.pass(); err == nil {
				t.Error("the pass went on without the lease")
			}
			if n := len(b.v.writes()); n >= taken && taken > 0 && n-taken > 0 {
				t.Errorf("%d writes after the lease was lost: %v", n-taken, b.v.writes())
			}
			b.v.fate = nil
			b.r = other
			b.settle()
			b.wantMade(added("gWiki", "uAda"), added("gWiki", "uHR"))
			b.wantSaid(acc1, "The access is there", 1)
			b.wantSaid(acc2, "The access is there", 1)
		})
	}
}

func TestAPlaceThatWasTakenAndGivenBackMeanwhileIsLostAllTheSame(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.v.fate = func(c call) fate {
		if c.name == "Changed" && b.passes == 1 {
			later(10 * time.Minute)(b) // while the process sleeps, another one makes a whole pass
			b.change(func(tx *store.Tx) error {
				token, err := tx.Lease("pass", "two", b.v.clock.now.Add(2*time.Minute))
				if err != nil {
					return err
				}
				return tx.ReleaseLease("pass", token)
			})
		}
		return done
	}
	if _, err := b.pass(); !errors.Is(err, access.ErrConflict) {
		t.Errorf("error %v, want that the lease was lost", err)
	}
	if w := b.v.writes(); len(w) != 0 {
		t.Errorf("written %v on decisions that others may have made", w)
	}
}

func TestALeaverWhoAskedForAccessDoesNotGetItBackWhenTheTicketDoesNotMove(t *testing.T) {
	b := newBench(t)
	key := b.wikiFor("uAda", time.Time{})
	b.v.jira.issues[key].stuck = true // the workflow refuses, so the request stays approved
	later(10 * time.Second)(b)
	for range 3 {
		b.passed()
		later(time.Minute)(b)
	}
	b.wantMade(added("gWiki", "uAda"))
	revocation := b.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uDan", about: "uAda", system: "Wiki"})
	b.v.jira.approve(revocation, "uSec")
	later(10 * time.Second)(b)
	for range 6 {
		b.passed()
		later(time.Minute)(b)
	}
	b.wantStatus(revocation, "Closed")
	b.wantIn("gWiki", "uAda", false)
	b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
}

func TestARequestThatIsWithdrawnWhileItWaitsForAGuardGivesNothing(t *testing.T) {
	b := newBench(t)
	for _, id := range []access.UserID{"uAda", "uHR", "uOwner", "uSec", "uGlass", self} {
		key := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uDan", about: id, system: "Wiki"})
		approver := access.UserID("uOwner")
		if id == approver {
			b.v.okta.put(access.Membership{Group: "gOwners", User: "uFay"}, true, "uHR")
			approver = "uFay"
			later(time.Second)(b) // who comes into the group at the instant of the approval might not give it
		}
		b.v.jira.approve(key, approver)
	}
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	held := b.holds(hold.Open)
	if len(held) != 1 {
		t.Fatalf("%d holds, want 1 for six additions", len(held))
	}
	b.v.jira.move(acc1, "Cancelled", "acc-uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gWiki", "uAda", false)
	b.wantStatus(acc1, "Cancelled")
	b.wantIn("gWiki", "uHR", true)
}

func TestAGrantThatIsMadeWhileAnOlderOneRunsOutSurvives(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", b.v.clock.now.Add(30*time.Minute))
	later(10 * time.Second)(b)
	b.settle()
	later(time.Hour)(b)
	b.v.fate = func(c call) fate {
		if c.name == "Remove" {
			// While the expired access is taken away, somebody approves a new request, and the answer is lost.
			b.wikiFor("uAda", time.Time{})
			return answerLost
		}
		return done
	}
	_, _ = b.pass()
	b.v.fate = nil
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gWiki", "uAda", true)
	b.wantStatus(acc2, "Waiting for validation")
}

func TestSuspensionIsNoDeparture(t *testing.T) {
	b := newBench(t)
	b.v.okta.status("uBob", access.Suspended, "uHR")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
}

func TestOneUserWhoCannotBeReadHoldsUpNobodyElse(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.v.okta.status("uBob", access.Deprovisioned, "uHR")
	b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	asked := 0
	b.v.fate = func(c call) fate {
		if c.name == "User" {
			if asked++; asked == 1 {
				return denied
			}
		}
		return done
	}
	b.passed()
	b.wantIn("gWiki", "uAda", true)
	b.wantIn("gWiki", "uCyd", false)
	b.wantIn("gWiki", "uBob", true)
	b.settle()
	b.wantIn("gWiki", "uBob", false)
}

func TestALateAnswerIsNotTakenForARefusal(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.v.fate = func(c call) fate {
		if c.name == "Add" {
			later(30 * time.Second)(b) // the call's time-out
			return answerLost
		}
		return done
	}
	b.passed()
	for _, c := range b.changes() {
		if c.State == change.Refused {
			t.Errorf("%s counts as refused although Okta made it", c.ID)
		}
	}
	b.settle()
	if n := len(b.changes()); n != 1 {
		t.Errorf("%d changes on record, want 1", n)
	}
}

func TestAVendorThatIsDownDoesNotUseUpTheAttempts(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.v.fate = func(c call) fate {
		if c.name == "Comment" || c.name == "Comments" {
			return down
		}
		return done
	}
	for range 24 { // half a day
		b.passed()
		later(30 * time.Minute)(b)
	}
	b.v.fate = nil
	later(time.Hour)(b)
	b.settle()
	b.wantSaid(acc1, "The access is there", 1)
	b.wantStatus(acc1, "Waiting for validation")
}

func TestATicketThatCannotBeToldHoldsUpNoOther(t *testing.T) {
	b := newBench(t)
	first := b.wikiFor("uAda", time.Time{})
	second := b.wikiFor("uHR", time.Time{})
	later(10 * time.Second)(b)
	about := 0
	b.v.fate = func(c call) fate {
		if c.name == "Comments" {
			if about++; about%2 == 1 { // the first ticket of each round
				return down
			}
		}
		return done
	}
	for range 4 {
		b.passed()
		later(2 * time.Minute)(b)
	}
	told := 0
	for _, key := range []ticket.Key{first, second} {
		told += b.v.jira.said(key, "The access is there")
	}
	if told == 0 {
		t.Error("nobody was told")
	}
	if !strings.Contains(b.v.jira.issues[second].Status+b.v.jira.issues[first].Status, "Waiting for validation") {
		t.Error("no ticket moved on")
	}
}
