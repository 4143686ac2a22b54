package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/maisonrmi/sopd/internal/anchor"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/oklog/ulid/v2"
)

const (
	// anchorEvery is the time between two checkpoints: what a thief of the machine could still rewrite.
	anchorEvery = 5 * time.Minute
	// tellEvery is the time between two comments on the anchor ticket, which people read.
	tellEvery = 24 * time.Hour
)

// anchoring signs the ledger and anchors it off the machine until the context ends. Without a key it returns at once, and
// sopd check says so.
func (d *daemon) anchoring(ctx context.Context) error {
	if d.config.LedgerKey.Empty() {
		return nil
	}
	key, err := ledger.ParseKey(d.config.LedgerKey)
	if err != nil {
		return err
	}
	anchorer := &anchor.Anchorer{Store: d.store, Key: key, Places: d.places(), Holder: ulid.Make().String(), Logger: d.logger}
	ticker := time.NewTicker(anchorEvery)
	defer ticker.Stop()
	for {
		if err := anchorer.Tick(ctx); err != nil && ctx.Err() == nil {
			d.logger.LogAttrs(ctx, slog.LevelError, "ledger not anchored", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// places are where checkpoints go: always the log stream; a file and a ticket where they are configured. Nothing is written
// on a ticket while writes are off.
func (d *daemon) places() []anchor.Place {
	places := []anchor.Place{{Anchor: anchor.Log{Logger: d.logger}}}
	if d.config.AnchorFile != "" {
		places = append(places, anchor.Place{Anchor: anchor.File{Path: d.config.AnchorFile}})
	}
	if d.config.AnchorTicket != "" && d.config.Write {
		places = append(places, anchor.Place{Anchor: anchor.Ticket{Key: d.config.AnchorTicket, Desk: desk{d.jira}}, Every: tellEvery})
	}
	return places
}

// checkAnchors says whether what sopd records can be proven to somebody who does not trust its machine.
func (d *daemon) checkAnchors() checked {
	switch {
	case d.config.LedgerKey.Empty():
		return checked{What: "ledger: no key, so nothing is signed and no export can be made", Warning: true, Fix: "sopd keys generate, then set SOPD_LEDGER_KEY_FILE"}
	case d.config.AnchorFile == "" && d.config.AnchorTicket == "":
		return checked{What: "ledger: signed, and anchored in the log stream only", Warning: true, Fix: "set SOPD_ANCHOR_PATH or SOPD_ANCHOR_TICKET"}
	default:
		return checked{What: "ledger: signed and anchored", OK: true}
	}
}
