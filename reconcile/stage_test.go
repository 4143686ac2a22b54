package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// contained is the kind of finding of the stage in these tests.
const contained finding.Kind = "contained"

// stage is a procedure that suspends one user once and opens one ticket about it.
type stage struct {
	user  access.UserID
	blind error // what reading meets
	loud  bool  // raises a finding
}

func (s *stage) Name() string { return "containment" }

func (s *stage) Kinds() []finding.Kind { return []finding.Kind{contained} }

// Observe records the decision that the demands rest on, once.
func (s *stage) Observe(ctx context.Context, w reconcile.Round) error {
	if s.blind != nil {
		return s.blind
	}
	return w.Store(ctx, func(tx *store.Tx) error {
		if _, at, _, err := tx.Cursor("containment"); err != nil || !at.IsZero() {
			return err
		}
		for group, step := range map[access.GroupID]change.Kind{"": change.Suspend, "gWiki": change.RemoveMember} {
			confirmed := map[string]any{"incident": "INC-1", "step": step, "by": "uCarol"}
			if _, err := tx.Append(ledger.Entry{Kind: ledger.PlaybookStep, At: w.Now, User: s.user, Group: group, Body: confirmed}); err != nil {
				return err
			}
		}
		return tx.SetCursor("containment", "", w.Now)
	})
}

func (s *stage) Demand(tx *store.Tx, _ time.Time) (reconcile.Demand, error) {
	_, decided, _, err := tx.Cursor("containment")
	if err != nil || decided.IsZero() {
		return reconcile.Demand{}, err
	}
	return reconcile.Demand{
		Revoked: []plan.Revocation{{User: s.user, Group: "gWiki", Reason: change.Containment}},
		Actions: []plan.Action{{Kind: change.Suspend, User: s.user, Reason: change.Containment, Policy: "incidents@1.0.0", Mode: catalog.Enforce}},
	}, nil
}

func (s *stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	if w.Write {
		_, err := tx.PutEffect(change.Effect{Key: "contained/" + string(s.user), Kind: change.Open, Created: w.Now, New: &ticket.New{
			Project: "ACC", Type: "Task", Summary: "Look after a contained account", Marker: "sopd-contained-" + string(s.user),
		}})
		if err != nil {
			return nil, err
		}
	}
	if !s.loud {
		return nil, nil
	}
	return []finding.Finding{{Key: finding.Key("contained/" + s.user), Kind: contained, User: s.user, Title: "an account is contained", Raised: w.Now}}, nil
}

func (b *bench) join(s reconcile.Stage) {
	b.stages = []reconcile.Stage{s}
	b.r = b.reconciler(b.holder)
}

// containment is the story of a procedure that wants an account suspended and a ticket about it.
func containment() story {
	return story{
		name:  "a procedure's demands",
		begin: func(b *bench) { b.join(&stage{user: "uBob"}) },
		end: func(b *bench) {
			b.wantMade(removed("gWiki", "uBob"), stopped("uBob"))
			if n := len(b.opened()); n != 1 {
				b.Errorf("%d tickets were opened, want 1", n)
			}
		},
	}
}

// opened returns the tickets that sopd has opened.
func (b *bench) opened() []*issue {
	return sorted(b.v.jira.issues, func(i *issue) bool { return i.Reporter.Account == bot })
}

func TestTheKeyOfAnOpenedTicketIsKept(t *testing.T) {
	b := newBench(t)
	b.join(&stage{user: "uBob"})
	b.settle()
	b.look(func(tx *store.Tx) error {
		e, _, err := tx.Effect("contained/uBob")
		if e.Ticket != b.opened()[0].Key || e.Done.IsZero() {
			t.Errorf("the effect says ticket %q, done %v", e.Ticket, e.Done)
		}
		return err
	})
}

func TestNothingIsOpenedWhileWritingIsOff(t *testing.T) {
	b := newBench(t)
	b.write = false
	b.join(&stage{user: "uBob"})
	b.passed()
	if n := len(b.opened()); n != 0 {
		t.Errorf("%d tickets were opened", n)
	}
}

func TestAProcedureThatCannotReadHoldsUpNobodyElse(t *testing.T) {
	b := newBench(t)
	s := &stage{user: "uBob", loud: true}
	b.join(s)
	b.settle()
	s.blind = fmt.Errorf("alerts: %w", access.ErrUnavailable)
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gWiki", "uAda", true)
	if b.report.Result != reconcile.Partial || !errors.Is(b.report.Blind["containment"], access.ErrUnavailable) {
		t.Errorf("result %s, blind %v", b.report.Result, b.report.Blind)
	}
	if n := len(b.findings(reconcile.FindingBlind)); n != 1 {
		t.Errorf("%d findings say that it is blind, want 1", n)
	}
	if n := len(b.findings(contained)); n != 1 {
		t.Errorf("%d of its own findings stand, want the 1 that stood before", n)
	}
	s.blind, s.loud = nil, false
	b.settle()
	if n := len(b.findings(reconcile.FindingBlind)) + len(b.findings(contained)); n != 0 {
		t.Errorf("%d findings stand that are over", n)
	}
}
