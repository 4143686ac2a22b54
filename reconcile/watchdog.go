package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
)

// The kinds of finding about sopd itself.
const (
	FindingSilent   finding.Kind = "silent"         // no pass has succeeded for too long
	FindingGuardOff finding.Kind = "guard-disabled" // a policy has switched a guard off
)

// cursorPassed is when a pass last came to its end.
const cursorPassed = "pass.ended"

// passed notes that a pass came to its end: every vendor could be read.
func (r *Reconciler) passed(ctx context.Context) error {
	return r.write(ctx, func(tx *store.Tx) error { return tx.SetCursor(cursorPassed, "", r.Now()) })
}

// silent raises a finding, and pages for it, when no pass has come to its end for too long. It is what a pass does that could
// not read a vendor: the conclusions, which would page for everything else, were not reached.
func (r *Reconciler) silent(ctx context.Context, why error) error {
	if ctx.Err() != nil || errors.Is(why, access.ErrConflict) {
		return nil //nolint:nilerr // the pass was told to stop: that is no silence
	}
	now := r.Now()
	raised := false
	err := r.write(ctx, func(tx *store.Tx) error {
		_, last, found, err := tx.Cursor(cursorPassed)
		if err != nil {
			return err
		}
		if !found { // never yet: the time counts from the first attempt
			return tx.SetCursor(cursorPassed, "", now)
		}
		if raised = now.Sub(last) >= r.Policies.Routing.Patience(); !raised {
			return nil
		}
		f := finding.Finding{
			Key: "silent/pass", Kind: FindingSilent, Raised: now, Priority: 2, Owner: "it-operations",
			Title:  "no pass has come to its end for too long: a vendor cannot be read",
			Detail: map[string]string{"since": last.UTC().Format(time.RFC3339), "cause": phrase(why)},
		}
		fresh, err := tx.PutFinding(f)
		if err != nil || !fresh {
			return err
		}
		_, err = tx.Append(ledger.Entry{Kind: ledger.FindingRaised, At: now, Body: f})
		return err
	})
	if err != nil || !raised || !r.Write {
		return err
	}
	return r.page(ctx, nil)
}

// watchdog is [Reconciler.silent] for a pass that has failed with the error; what it meets itself is only logged.
func (r *Reconciler) watchdog(ctx context.Context, why error) {
	if err := r.silent(ctx, why); err != nil && ctx.Err() == nil {
		r.Logger.LogAttrs(ctx, slog.LevelError, "nobody could be told that passes fail", slog.String("error", err.Error()))
	}
}

// unguarded returns the findings of guards that are switched off.
func (c *conclusion) unguarded() []finding.Finding {
	var all []finding.Finding
	for _, name := range c.r.Policies.Guards.Disabled() {
		all = append(all, finding.Finding{
			Key: finding.Key("guard-disabled/" + string(name)), Kind: FindingGuardOff, Raised: c.view.observation.Now,
			Title: "a guard is switched off by policy: " + string(name), Detail: map[string]string{"guard": string(name)},
		})
	}
	return all
}

// still is how often it is said on an alert that what it tells of still stands.
const still = 24 * time.Hour

// dwell notes on the alert of a finding that it has become another, or that it still stands after another day: a second alert
// for the same cause would be one too many. Where people have closed the alert, another takes its place instead.
func (c *conclusion) dwell(tx *store.Tx, before, now finding.Finding) error {
	if before.Alert == "" || c.r.Pager == nil || !c.r.Write {
		return nil
	}
	at := c.view.observation.Now
	about := string(before.Key) + before.Raised.UTC().Format(time.RFC3339Nano)
	if c.shared[before.Alert] > 1 { // one note for all of them
		about = "alert/" + string(before.Alert)
	} else if worse := now.Title != before.Title || priority(now) < priority(before); worse {
		text := fmt.Sprintf("This has changed: %s (%s).", now.Title, priority(now))
		if err := c.note(tx, before, about, "changed/"+fingerprint(text), text); err != nil {
			return err
		}
	}
	if days := int(at.Sub(before.Raised) / still); days > 0 {
		text := fmt.Sprintf("This still stands, %d days after it was first seen.", days)
		if days == 1 {
			text = "This still stands, a day after it was first seen."
		}
		return c.note(tx, before, about, fmt.Sprintf("still/%d", days), text)
	}
	return nil
}

// note queues a note on the alert of a finding, once for what it is about and says.
func (c *conclusion) note(tx *store.Tx, f finding.Finding, about, what, text string) error {
	e := change.Effect{
		Key:  ofFinding + fingerprint(about) + "/" + what,
		Kind: change.AlertNote, Alert: f.Alert, Ticket: f.Ticket, Created: c.view.observation.Now,
	}
	e.Marker = "Reference: " + fingerprint(e.Key)
	e.Body = text + "\n\n" + e.Marker
	_, err := tx.PutEffect(e)
	return err
}
