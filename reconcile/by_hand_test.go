package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// Hal is in a group of a system that sopd only observes.
func TestAnOffboardingStaysOpenUntilPeopleHaveDoneTheirPart(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uHal"})
	b.v.jira.approve(key, "uHR")
	b.settle()
	b.settle()
	b.wantIn("gArchive", "uHal", true)
	b.wantIn("gWiki", "uHal", false)
	b.wantStatus(key, "Approved")
	b.wantSaid(key, "archive-users", 1)
	if b.removed(string(key)) {
		t.Error("the clock has stopped, and the access is still there")
	}
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uHal"}, false, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantStatus(key, "Closed")
	b.wantSaid(key, "All access that sopd manages is gone", 1)
	if !b.removed(string(key)) {
		t.Error("the clock runs on, and the access is gone")
	}
}

// removed reports whether it is recorded that the subject's access is gone.
func (b *bench) removed(subject string) (is bool) {
	b.look(func(tx *store.Tx) error {
		facts, err := tx.Facts(subject)
		for _, f := range facts {
			is = is || f.Name == reconcile.FactRemoved
		}
		return err
	})
	return is
}
