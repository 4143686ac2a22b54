package anchor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// Place is an anchor and how often it is used.
type Place struct {
	Anchor
	// Every is the least time between two checkpoints in the place; 0 for every checkpoint. People read ticket comments:
	// give them a day.
	Every time.Duration
}

// Body is the body of a checkpoint.anchored record.
type Body struct {
	Anchor string `json:"anchor"` // the place's name
	Size   int64  `json:"size"`   // number of records that the anchored checkpoint covers
	Root   string `json:"root"`   // root hash over them, base64
}

// Anchorer signs the ledger and anchors the checkpoints.
type Anchorer struct {
	// Store holds the ledger.
	Store *store.Store
	// Key signs.
	Key ledger.Key
	// Places are where checkpoints go.
	Places []Place
	// Holder names this replica, so that one of them anchors at a time.
	Holder string
	// Logger takes a line for each place that fails.
	Logger *slog.Logger
}

const (
	leaseName = "ledger.anchor"
	// leaseTime is longer than all places together may take.
	leaseTime = 5 * time.Minute
	// placeTime is how long one place may take.
	placeTime = 30 * time.Second
)

// Tick signs what was recorded since the last checkpoint and puts the newest checkpoint into every place that has not got
// it and is due. Each place that took it is told by a record in the ledger; those records ask for no checkpoint. Call it
// on a timer; when nothing is new it writes nothing. On another replica than the one at work it does nothing.
//
// Errors: those of [evidence.Sign], and those of every place that failed. The others have their checkpoint then, and the
// failed ones are tried again by the next Tick.
func (a *Anchorer) Tick(ctx context.Context) error {
	fence, mine, err := a.lease(ctx)
	if err != nil || !mine {
		return err
	}
	defer a.release(ctx, fence)
	c, _, err := evidence.Sign(ctx, a.Store, a.Key, a.Store.Now())
	if err != nil {
		return fmt.Errorf("signing the ledger: %w", err)
	}
	var failed error
	for _, p := range a.Places {
		if err := a.place(ctx, p, c); err != nil {
			a.Logger.LogAttrs(ctx, slog.LevelWarn, "checkpoint not anchored", slog.String("anchor", p.Name()), slog.String("error", err.Error()))
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (a *Anchorer) lease(ctx context.Context) (fence int64, mine bool, err error) {
	err = a.Store.Write(ctx, func(tx *store.Tx) error {
		fence, err = tx.Lease(leaseName, a.Holder, a.Store.Now().Add(leaseTime))
		return err
	})
	if errors.Is(err, access.ErrConflict) {
		return 0, false, nil
	}
	return fence, err == nil, err
}

// release gives the lease back. When that fails, it runs out by itself.
func (a *Anchorer) release(ctx context.Context, fence int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), placeTime)
	defer cancel()
	if err := a.Store.Write(ctx, func(tx *store.Tx) error { return tx.ReleaseLease(leaseName, fence) }); err != nil {
		a.Logger.LogAttrs(ctx, slog.LevelWarn, "anchoring lease not given back", slog.String("error", err.Error()))
	}
}

// place puts the checkpoint into one place and records it.
func (a *Anchorer) place(ctx context.Context, p Place, c store.Checkpoint) error {
	due, err := a.due(ctx, p, c)
	if err != nil || !due {
		return err
	}
	put, cancel := context.WithTimeout(ctx, placeTime)
	defer cancel()
	if err := p.Put(put, c); err != nil {
		return fmt.Errorf("anchor %s: %w", p.Name(), err)
	}
	parsed, err := ledger.ParseCheckpoint(c.Note)
	if err != nil {
		return err
	}
	now := a.Store.Now()
	return a.Store.Write(ctx, func(tx *store.Tx) error {
		body := Body{Anchor: p.Name(), Size: c.Size, Root: parsed.Root.String()}
		if _, err := tx.Append(ledger.Entry{Kind: ledger.CheckpointAnchored, At: now, Body: body}); err != nil {
			return err
		}
		return tx.SetCursor(cursorOf(p), access.Cursor(strconv.FormatInt(c.Size, 10)), now)
	})
}

// cursorOf names the cursor that holds the size of the last checkpoint in a place and when it was put there.
func cursorOf(p Place) string { return "anchor." + p.Name() }

func (a *Anchorer) due(ctx context.Context, p Place, c store.Checkpoint) (bool, error) {
	due := false
	err := a.Store.Read(ctx, func(tx *store.Tx) error {
		last, at, found, err := tx.Cursor(cursorOf(p))
		due = !found || string(last) != strconv.FormatInt(c.Size, 10) && a.Store.Now().Sub(at) >= p.Every
		return err
	})
	return due, err
}
