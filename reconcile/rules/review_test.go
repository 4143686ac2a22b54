package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestARemovalInAReviewNeedsTheDecisionOfSomebodyWhoMay(t *testing.T) {
	good := review.Item{Number: 1, System: "pay", Group: "gPay", User: "uBob", Decision: review.Revoked, By: "uOwner"}
	for name, tt := range map[string]struct {
		spoil  func(*review.Item)
		ticket ticket.Key
		at     time.Duration // before the removal
		broken bool
	}{
		"by its owner before":        {func(*review.Item) {}, "OPS-1", time.Minute, false},
		"afterwards":                 {func(*review.Item) {}, "OPS-1", -time.Minute, true},
		"on another ticket":          {func(*review.Item) {}, "OPS-2", time.Minute, true},
		"by the one whose access":    {func(i *review.Item) { i.By = "uBob" }, "OPS-1", time.Minute, true},
		"by somebody else":           {func(i *review.Item) { i.By = "uDan" }, "OPS-1", time.Minute, true},
		"which certified it":         {func(i *review.Item) { i.Decision = review.Certified }, "OPS-1", time.Minute, true},
		"about another person's":     {func(i *review.Item) { i.User = "uCyd" }, "OPS-1", time.Minute, true},
		"about another group of his": {func(i *review.Item) { i.Group = "gArch" }, "OPS-1", time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.remove.Reason, s.remove.Ticket = change.Review, "OPS-1"
			item := good
			tt.spoil(&item)
			s.write(func(tx *store.Tx) error {
				_, err := tx.Append(ledger.Entry{
					Kind: ledger.ReviewDecided, At: s.remove.Intended.Add(-tt.at), Ticket: tt.ticket, User: item.User, Group: item.Group, Body: item,
				})
				return err
			})
			s.record()
			if found := s.broken(); slices.Contains(found, 1) != tt.broken {
				t.Errorf("broken: %v", found)
			}
		})
	}
}
