package main

import (
	"context"
	"log/slog"
	"strings"
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
	// postEvery is the time between two posts to the webhook.
	postEvery = time.Hour
	// fewestAnchors is how many places off the machine there must be: one can be lost, or be in league.
	fewestAnchors = 2
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

// places are where checkpoints go: always the log stream; a file, a webhook and a ticket where they are configured. Nothing
// is written on a ticket or posted while writes are off.
func (d *daemon) places() []anchor.Place {
	places := []anchor.Place{{Anchor: anchor.Log{Logger: d.logger}}}
	if d.config.AnchorFile != "" {
		places = append(places, anchor.Place{Anchor: anchor.File{Path: d.config.AnchorFile}})
	}
	if d.config.AnchorHook != "" && d.config.Write {
		places = append(places, anchor.Place{
			Anchor: anchor.Webhook{URL: d.config.AnchorHook, Secret: d.config.AnchorSecret, Client: anchor.NewClient()}, Every: postEvery,
		})
	}
	if d.config.AnchorTicket != "" && d.config.Write {
		places = append(places, anchor.Place{Anchor: anchor.Ticket{Key: d.config.AnchorTicket, Desk: desk{d.jira}}, Every: tellEvery})
	}
	return places
}

// anchorHook reads where checkpoints are posted.
func (l *configLoader) anchorHook(c *config) {
	if l.env.AnchorWebhook == "" {
		return
	}
	c.AnchorHook = l.vendor("SOPD_ANCHOR_WEBHOOK", l.env.AnchorWebhook, "")
	for _, s := range l.secrets("SOPD_ANCHOR_WEBHOOK_SECRET", l.env.AnchorWebhookSecret) {
		c.AnchorSecret = s
	}
}

// checkAnchors says whether what sopd records can be proven to somebody who does not trust its machine. The log stream counts
// as one place, for most organisations ship it off the machine.
func (d *daemon) checkAnchors() checked {
	set := make([]string, 0, fewestAnchors)
	for _, p := range d.places() {
		set = append(set, p.Name())
	}
	switch {
	case d.config.LedgerKey.Empty():
		return checked{What: "ledger: no key, so nothing is signed and no export can be made", Warning: true, Fix: "sopd keys generate, then set SOPD_LEDGER_KEY_FILE"}
	case len(set) < fewestAnchors:
		return checked{
			What: "ledger: signed, and anchored in the log stream only; at least two places off the machine are needed", Warning: true,
			Fix: "set SOPD_ANCHOR_PATH, SOPD_ANCHOR_WEBHOOK or SOPD_ANCHOR_TICKET; the last two are used with SOPD_WRITE=true only",
		}
	default:
		return checked{What: "ledger: signed and anchored in " + strings.Join(set, ", "), OK: true}
	}
}
