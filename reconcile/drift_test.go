package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

func TestDriftIsTicketedWherePolicySaysSo(t *testing.T) {
	b := newBench(t)
	b.set.DriftTickets = policies.DriftTickets{Project: "SEC", Type: "Task"}
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uDan")
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan") // enforced: removed, not ticketed
	later(10 * time.Second)(b)
	b.settle()
	opened := b.opened()
	if len(opened) != 1 {
		t.Fatalf("%d tickets were opened, want 1: %+v", len(opened), opened)
	}
	for _, text := range []string{"uAda", "added by uDan", "System Log event e"} {
		if n := b.v.jira.opened[len(b.v.jira.opened)-1]; !strings.Contains(n.Description, text) {
			t.Errorf("the ticket does not say %q: %s", text, n.Description)
		}
	}
	b.wantIn("gWiki", "uAda", true)
	if n := len(b.findings(reconcile.FindingDrift)); n != 1 {
		t.Errorf("%d findings, want 1: a ticket launders nothing", n)
	}
	// The same again after it was mended is another matter.
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, false, "uDan")
	later(time.Hour)(b)
	b.settle()
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uDan")
	later(time.Hour)(b)
	b.settle()
	if n := len(b.opened()); n != 2 {
		t.Errorf("%d tickets were opened, want 2", n)
	}
}

func TestMuchDriftAtOnceIsOneTicketForEachGroup(t *testing.T) {
	b := newBench(t)
	b.set.DriftTickets = policies.DriftTickets{Project: "SEC", Type: "Task"}
	b.change(func(tx *store.Tx) error { // nothing was adopted
		adopted, err := tx.Baselines()
		for _, x := range adopted {
			if err := tx.DropBaseline(x.Membership); err != nil {
				return err
			}
		}
		return err
	})
	for _, id := range staff() {
		b.v.okta.put(access.Membership{Group: "gWiki", User: id}, true, "uDan")
	}
	b.set.Guards.Removals = 0
	later(10 * time.Second)(b)
	b.settle()
	later(time.Hour)(b)
	b.settle()
	if n := len(b.opened()); n != 2 { // the wiki and the archive
		t.Errorf("%d tickets were opened, want one for each group: %+v", n, b.opened())
	}
}

func TestABaselineThatHasToBeReviewedIsPointedOutAndStays(t *testing.T) {
	b := newBench(t)
	review := b.v.clock.now.Add(time.Hour)
	b.change(func(tx *store.Tx) error {
		for _, id := range []access.UserID{"uBob", "uCyd"} {
			m := access.Membership{Group: "gWiki", User: id}
			if err := tx.PutBaseline(store.Baseline{Membership: m, Adopted: b.v.clock.now, ReviewBy: review, By: "somebody"}); err != nil {
				return err
			}
		}
		return nil
	})
	b.settle()
	if n := len(b.findings(reconcile.FindingBaselineDue)); n != 0 {
		t.Errorf("%d findings before the date", n)
	}
	later(2 * time.Hour)(b)
	b.settle()
	due := b.findings(reconcile.FindingBaselineDue)
	if len(due) != 1 || due[0].Group != "gWiki" || due[0].Detail["memberships"] != "2" {
		t.Errorf("findings %+v", due)
	}
	b.wantMade()
}
