package main

import (
	"context"
	"errors"
	"slices"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// undoLast is one person who asks for the last change to be taken back, and another who lets it through.
func (p *demo) undoLast(ctx context.Context) error {
	var last change.Change
	var h hold.Hold
	err := p.daemon.store.Write(ctx, func(tx *store.Tx) error {
		changes, err := tx.ChangesSince(p.started)
		if err != nil {
			return err
		}
		for _, c := range slices.Backward(changes) {
			if c.State == change.Confirmed {
				last = c
				break
			}
		}
		if last.ID == "" {
			return errors.New("there is no change to be taken back")
		}
		h, err = reconcile.PrepareUndo(tx, p.daemon.policies, last.ID, "the first of two people")
		return err
	})
	if err != nil {
		return err
	}
	const why = "the person works there and the ticket is on its way"
	p.say("   $ sopd explain %s --undo", last.ID)
	p.say("   $ sopd holds approve %s --reason %q", h.ID, why)
	return p.daemon.store.Write(ctx, func(tx *store.Tx) error {
		kind, err := approveHold(&h, decision{account: "the second of two people", reason: why, now: tx.Now()})
		if err != nil {
			return err
		}
		if err := tx.PutHold(h); err != nil {
			return err
		}
		_, err = tx.Append(ledger.Entry{Kind: kind, At: tx.Now(), Body: h})
		return err
	})
}
