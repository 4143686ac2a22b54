package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/score"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// tallies returns the score of each system.
func (b *bench) tallies() map[string]score.Tally {
	var all map[string]score.Tally
	b.look(func(tx *store.Tx) error {
		o := reconcile.Observer{Write: b.write, Self: self}
		lines, err := reconcile.Score(tx, b.set, o)
		all = o.Tallies(b.set, lines)
		return err
	})
	return all
}

// archiveFor has access to the archive, which is only observed, approved.
func (b *bench) archiveFor(user access.UserID) {
	b.v.jira.approve(b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uHR", about: user, system: "Archive"}), "uOwner")
	later(10 * time.Second)(b)
}

func TestWhatPeopleDoIsHeldAgainstWhatSopdWouldHaveDone(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.archiveFor("uAda") // people follow
	b.archiveFor("uBob") // nobody does
	b.settle()
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uAda"}, true, "uHR")
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uCyd"}, true, "uHR") // nobody asked for it
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uDan"}, true, "uHR") // before sopd has seen the approval
	b.archiveFor("uDan")
	later(time.Hour)(b)
	b.settle()
	want := map[string]score.Tally{"archive": {score.Agreed: 2, score.Open: 1, score.OnlyPeople: 1}}
	if diff := cmp.Diff(want, b.tallies()); diff != "" {
		t.Errorf("tallies (-want +got):\n%s", diff)
	}
	later(5 * 24 * time.Hour)(b)
	b.settle()
	want["archive"] = score.Tally{score.Agreed: 2, score.OnlySopd: 1, score.OnlyPeople: 1}
	if diff := cmp.Diff(want, b.tallies()); diff != "" {
		t.Errorf("tallies after the window (-want +got):\n%s", diff)
	}
	b.wantMade()
}

func TestWithWritesOffEverySystemIsScored(t *testing.T) {
	b := newBench(t)
	b.write = false
	b.r = b.reconciler("one")
	b.passed()
	b.wikiFor("uAda", time.Time{})
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uHR") // drift that would be removed
	later(10 * time.Second)(b)
	for range 3 {
		b.passed()
		later(time.Minute)(b)
	}
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uHR")
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, false, "uHR")
	later(time.Minute)(b)
	for range 3 {
		b.passed()
		later(time.Minute)(b)
	}
	got := b.tallies()
	if got["wiki"][score.Agreed] != 1 || got["payments"][score.Agreed] != 1 || got["payments"][score.OnlyPeople] != 1 {
		t.Errorf("tallies %v", got)
	}
}

func TestWhatSopdItselfDoesIsNoScore(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	if diff := cmp.Diff(map[string]score.Tally{"archive": {}}, b.tallies()); diff != "" {
		t.Errorf("tallies (-want +got):\n%s", diff)
	}
}

// What is withdrawn before anybody could do it is held against nobody.
func TestAnApprovalThatIsTakenBackIsNoDifference(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.archiveFor("uAda")
	b.settle()
	b.v.jira.move("ACC-1", "Cancelled", "acc-uHR")
	later(time.Hour)(b)
	b.settle()
	if got := b.tallies()["archive"]; got[score.Withdrawn] != 1 || len(got) != 1 {
		t.Errorf("tally %v, want one withdrawn", got)
	}
}
