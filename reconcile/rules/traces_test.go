package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// hour is long after everything in the scene.
var hour = noon.Add(time.Hour)

// mirrored is the scene an hour later: the group has been read with the members, and a pass has ended.
func mirrored(t *testing.T, members ...access.UserID) *scene {
	s := newScene(t)
	s.record()
	s.write(func(tx *store.Tx) error {
		if err := tx.PutMembers("gPay", members, hour); err != nil {
			return err
		}
		return tx.SetCursor("pass.ended", "", hour.Add(time.Hour))
	})
	return s
}

func (s *scene) expectBroken(rule int, want bool) {
	s.Helper()
	if found := s.broken(); slices.Contains(found, rule) != want {
		s.Errorf("broken are %v; rule %d among them should be %v", found, rule, want)
	}
}

func TestHalfAListThatWasTakenForAWholeOneShows(t *testing.T) {
	mirrored(t, "uAda", "uCyd").expectBroken(2, false)
	mirrored(t, "uAda").expectBroken(2, true)
	mirrored(t, "uAda", "uCyd", "uDan").expectBroken(2, true)
}

func TestAListIsNotHeldAgainstWhatHappenedAfterItWasRead(t *testing.T) {
	s := mirrored(t, "uAda")
	s.happened(change.Change{Kind: change.AddMember, User: "uCyd", Group: "gPay"}, "uDan", hour.Add(time.Minute))
	s.expectBroken(2, false)
	s = mirrored(t, "uAda")
	s.happened(change.Change{Kind: change.AddMember, User: "uCyd", Group: "gArch"}, "uDan", hour.Add(time.Minute))
	s.expectBroken(2, true) // in another group
	s = mirrored(t, "uAda")
	s.truth.Fed["gPay"] = time.Time{}
	s.expectBroken(2, false)
	s = mirrored(t, "uAda")
	s.truth.At = hour.Add(-time.Minute)
	s.expectBroken(2, false)
}

func TestAWebhookThatNobodyLookedAtShows(t *testing.T) {
	for received, want := range map[time.Time]bool{hour: true, hour.Add(time.Hour - time.Minute): false, hour.Add(2 * time.Hour): false} {
		s := mirrored(t, "uAda", "uCyd")
		s.write(func(tx *store.Tx) error {
			_, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: "1", Received: received})
			return err
		})
		s.expectBroken(10, want)
	}
}

func TestAFactOnTheWordOfAWebhookShows(t *testing.T) {
	for source, want := range map[string]bool{"webhook": true, "pass": false} {
		s := mirrored(t, "uAda", "uCyd")
		s.write(func(tx *store.Tx) error {
			f := kpi.Fact{ID: "x", Subject: "ACC-1", Name: "request.approved", At: noon, Recorded: noon, Source: source}
			_, err := tx.Append(ledger.Entry{Kind: ledger.FactRecorded, At: noon, Body: f})
			return err
		})
		s.expectBroken(10, want)
	}
}

func TestATicketThatCannotBeReadHasToBeShown(t *testing.T) {
	s := mirrored(t, "uAda", "uCyd")
	s.write(func(tx *store.Tx) error { return tx.PutBadTicket("ACC-9", "malformed answer", hour) })
	s.expectBroken(11, true)
	f := finding.Finding{Key: "unreadable/ACC-9", Kind: "unreadable", Raised: hour}
	s.write(func(tx *store.Tx) error { _, err := tx.PutFinding(f); return err })
	s.expectBroken(11, false)
	s.write(func(tx *store.Tx) error { _, _, err := tx.ClearFinding(f.Key, hour); return err })
	s.expectBroken(11, true)

	s = mirrored(t, "uAda", "uCyd") // found after the last pass that came to its end
	s.write(func(tx *store.Tx) error { return tx.PutBadTicket("ACC-9", "malformed answer", hour.Add(2*time.Hour)) })
	s.expectBroken(11, false)
}

func TestBehindEveryYesHasToStandAPerson(t *testing.T) {
	grant := func(spoil func(*change.Grant)) func(*scene) ledger.Entry {
		return func(s *scene) ledger.Entry {
			g := s.grant
			g.Approvals = slices.Clone(g.Approvals)
			spoil(&g)
			return ledger.Entry{Kind: ledger.GrantApproved, At: noon.Add(time.Minute), Body: g}
		}
	}
	used := func(h hold.Hold) func(*scene) ledger.Entry {
		return func(*scene) ledger.Entry { return ledger.Entry{Kind: ledger.HoldUsed, At: noon, Body: h} }
	}
	decided := func(by access.UserID) func(*scene) ledger.Entry {
		return func(*scene) ledger.Entry {
			return ledger.Entry{Kind: ledger.ReviewDecided, At: noon, Body: map[string]access.UserID{"by": by}}
		}
	}
	approved := hold.Hold{ID: "HLD-1", ApprovedBy: "somebody", Expires: hour, Used: noon}
	late := approved
	late.Used = hour
	for name, c := range map[string]struct {
		entry func(*scene) ledger.Entry
		want  bool
	}{
		"a grant with its approvals":    {grant(func(*change.Grant) {}), false},
		"a grant without one":           {grant(func(g *change.Grant) { g.Approvals = nil }), true},
		"a grant on nobody's word":      {grant(func(g *change.Grant) { g.Approvals[0].User = "" }), true},
		"a grant on a word given later": {grant(func(g *change.Grant) { g.Approvals[0].At = hour }), true},
		"a grant on a word at no time":  {grant(func(g *change.Grant) { g.Approvals[0].At = time.Time{} }), true},
		"a grant by the profile":        {grant(func(g *change.Grant) { g.Approvals, g.Reason = nil, change.Birthright }), false},
		"a hold that was approved":      {used(approved), false},
		"a hold that nobody approved":   {used(hold.Hold{ID: "HLD-2", Expires: hour, Used: noon}), true},
		"a hold used when it was over":  {used(late), true},
		"a review decided by somebody":  {decided("uOwner"), false},
		"a review that decided itself":  {decided(""), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := mirrored(t, "uAda", "uCyd")
			s.write(func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{Kind: ledger.HoldApproved, At: noon, Body: approved}, c.entry(s))
				return err
			})
			s.expectBroken(13, c.want)
		})
	}
}
