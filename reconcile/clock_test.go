package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
)

// asTold lets the reconciler go by another clock than the vendors.
func (b *bench) asTold(ahead *time.Duration) {
	b.r.Ahead = func() time.Duration { return *ahead }
	b.r.Now = func() time.Time { return b.v.clock.Now().Add(*ahead) }
}

func TestNothingIsDecidedByAClockThatIsFarFromOktas(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", b.v.clock.now.Add(2*time.Hour))
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gWiki", "uAda", true)
	ahead := 24 * time.Hour // in which the grant would have run out
	b.asTold(&ahead)
	_, err := b.pass()
	if err == nil || !strings.Contains(err.Error(), "24h0m0s ahead") {
		t.Errorf("the pass ended with %v", err)
	}
	b.wantIn("gWiki", "uAda", true)
	ahead = -time.Hour
	if _, err := b.pass(); err == nil || !strings.Contains(err.Error(), "1h0m0s behind") {
		t.Errorf("the pass ended with %v", err)
	}
	ahead = 0
	b.settle()
	b.wantIn("gWiki", "uAda", true)
}

func TestWhatHappensAfterTheClockWasSetBackIsSeen(t *testing.T) {
	b := newBench(t)
	b.settle()
	// Nobody could tell the clock's error from the vendors' answers, and everything was stored with its times.
	later(24 * time.Hour)(b)
	b.settle()
	b.v.clock.now = b.v.clock.now.Add(-24 * time.Hour)
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan")
	b.v.okta.status("uHal", access.Deprovisioned, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gPay", "uEve", false) // drift that the poll of the future would not have seen
	b.wantIn("gWiki", "uHal", false)
}

func TestALeaseFromTheFutureHoldsNobodyUp(t *testing.T) {
	b := newBench(t)
	b.change(func(tx *store.Tx) error {
		_, err := tx.Lease("pass", "somebody whose clock was ahead", b.v.clock.now.Add(time.Hour))
		return err
	})
	if report := b.passed(); report.Result == "standby" {
		t.Error("the pass stood by for a lease that nobody can have")
	}
}
