package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// facts returns what is recorded of the subject, by name.
func (b *bench) facts(subject string) map[string]kpi.Fact {
	all := make(map[string]kpi.Fact)
	b.look(func(tx *store.Tx) error {
		facts, err := tx.Facts(subject)
		for _, f := range facts {
			all[f.Name] = f
		}
		return err
	})
	return all
}

// everyFact returns all facts.
func (b *bench) everyFact() []kpi.Fact {
	var all []kpi.Fact
	b.look(func(tx *store.Tx) error {
		return tx.EachFact(func(f kpi.Fact) error {
			all = append(all, f)
			return nil
		})
	})
	return all
}

func TestARequestIsClockedFromItsTicketToItsReadBack(t *testing.T) {
	b := newBench(t)
	raised := b.v.clock.now
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	later(time.Hour)(b)
	approved := b.v.clock.now
	b.v.jira.approve(key, "uOwner")
	later(10 * time.Second)(b)
	b.settle()
	f := b.facts(string(key))
	if !f[reconcile.FactRequested].At.Equal(raised) || !f[reconcile.FactApproved].At.Equal(approved) {
		t.Errorf("requested %v, approved %v", f[reconcile.FactRequested].At, f[reconcile.FactApproved].At)
	}
	confirmed := b.changes()[0]
	if got := f[reconcile.FactProvisioned]; !got.At.Equal(confirmed.Settled.Truncate(time.Microsecond)) || got.Change != string(confirmed.ID) {
		t.Errorf("provisioned %+v, want the read-back of %s at %v", got, confirmed.ID, confirmed.Settled)
	}
}

func TestARequestForWhatIsThereAlreadyIsFulfilledWhenItIsApproved(t *testing.T) {
	b := newBench(t)
	key := b.wikiFor("uBob", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	f := b.facts(string(key))
	if got, want := f[reconcile.FactProvisioned].At, f[reconcile.FactApproved].At; got.IsZero() || !got.Equal(want) {
		t.Errorf("provisioned %v, want when it was approved, %v", got, want)
	}
	b.wantSaid(key, "there already", 1)
	b.wantMade()
}

func TestALeaverWithNothingLeftIsClockedAsGoneWhenTheyLeft(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uAda"})
	b.v.jira.approve(key, "uHR")
	later(10 * time.Second)(b)
	b.settle()
	f := b.facts(string(key))
	if f[reconcile.FactLeft].At.IsZero() || f[reconcile.FactRemoved].At.Before(f[reconcile.FactLeft].At) {
		t.Errorf("left %v, removed %v", f[reconcile.FactLeft].At, f[reconcile.FactRemoved].At)
	}
}

func TestEveryLeaversClockThatStartsIsStopped(t *testing.T) {
	for name, begin := range map[string]func(*bench){
		"deactivated": func(b *bench) { b.v.okta.status("uCyd", access.Deprovisioned, "uHR") },
		"deactivated, held, and then offboarded by ticket": func(b *bench) {
			b.v.okta.put(access.Membership{Group: "gArchive", User: "uHal"}, false, "uDan") // where sopd only observes, people act
			massDeparture(b)
			b.settle()
			for _, id := range []access.UserID{"uDan", "uEve", "uFay", "uGus", "uHal"} {
				b.v.jira.approve(b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uOwner", about: id}), "uHR")
			}
			later(10 * time.Second)(b)
			b.settle()
			for _, h := range b.holds() {
				if !h.State.Final() {
					b.letThrough(h)
				}
			}
		},
		"deactivated, and then back": func(b *bench) {
			b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
			later(10 * time.Second)(b)
			b.settle()
			b.v.okta.status("uCyd", access.Active, "uHR")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			begin(b)
			later(10 * time.Second)(b)
			b.settle()
			left, gone := make(map[string]time.Time), make(map[string]time.Time)
			for _, f := range b.everyFact() {
				switch f.Name {
				case reconcile.FactLeft:
					left[f.Subject] = f.At
				case reconcile.FactRemoved:
					gone[f.Subject] = f.At
				}
			}
			if len(left) == 0 {
				t.Error("no clock was started")
			}
			for subject, at := range left {
				if end, ok := gone[subject]; !ok || end.Before(at) {
					t.Errorf("%s left at %v, gone at %v", subject, at, end)
				}
			}
			for subject := range gone {
				if _, ok := left[subject]; !ok {
					t.Errorf("%s is gone and never left", subject)
				}
			}
		})
	}
}

func TestALeaverOfWhomOktaDoesNotSaySinceWhenIsClockedFromWhenItWasSeen(t *testing.T) {
	b := newBench(t)
	b.v.okta.status("uCyd", access.Deprovisioned, "uHR")
	u := b.v.okta.users["uCyd"]
	u.StatusChanged = time.Time{}
	b.v.okta.users["uCyd"] = u
	later(10 * time.Second)(b)
	b.settle()
	facts := b.everyFact()
	if len(facts) != 2 {
		t.Fatalf("%d facts, want 2: %+v", len(facts), facts)
	}
	for _, f := range facts {
		if b.v.clock.now.Sub(f.At) > time.Hour {
			t.Errorf("%s at %v", f.Name, f.At)
		}
	}
}
