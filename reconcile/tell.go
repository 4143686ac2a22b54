package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// tellBatch bounds how much is told in one pass, so that a backlog cannot keep the loop from looking again.
const tellBatch = 200

// say queues a comment. Nothing is said while writing is off.
func (r *Reconciler) say(tx *store.Tx, key ticket.Key, m remark) error {
	if !r.Write {
		return nil
	}
	_, err := tx.PutEffect(m.effect(key))
	return err
}

// sayAndMove queues a comment and, after it, the move to the status.
func (r *Reconciler) sayAndMove(tx *store.Tx, key ticket.Key, m remark, status string) error {
	comment := m.effect(key)
	if _, err := tx.PutEffect(comment); err != nil {
		return err
	}
	_, err := tx.PutEffect(change.Effect{
		Key: comment.Key + "/move", Ticket: key, Kind: change.Transition, Body: status, Created: m.at, After: comment.Key,
	})
	return err
}

// tell carries out what is queued for tickets and people. A ticket that cannot be told holds up nobody else; it is tried
// again in the next pass.
func (r *Reconciler) tell(ctx context.Context, over []finding.Finding) error {
	if !r.Write {
		return nil
	}
	if err := r.page(ctx, over); err != nil {
		return fmt.Errorf("paging: %w", err)
	}
	for {
		told, err := r.tellDue(ctx)
		if err != nil || told == 0 {
			return err
		}
	}
}

const (
	// patience is how many tickets in a row may meet a vendor that does not serve before telling ends for this pass. One
	// alone may be the ticket's own fault.
	patience = 3
	// unservedWait is when something is due again for which the vendor did not serve.
	unservedWait = time.Minute
)

// tellDue tells what is due now and returns how much of it was told; what comes after it is due in the next round. It
// returns 0 when the vendor does not serve, so that there is no such round.
func (r *Reconciler) tellDue(ctx context.Context) (told int, err error) {
	var due []change.Effect
	err = r.Store.Read(ctx, func(tx *store.Tx) error {
		due, err = tx.EffectsDue(tellBatch)
		return err
	})
	if err != nil {
		return 0, err
	}
	unserved := 0
	for _, e := range due {
		if err := ctx.Err(); err != nil {
			return told, context.Cause(ctx)
		}
		if err := r.renew(ctx); err != nil {
			return told, err
		}
		cause := r.effect(ctx, e)
		if err := r.markTold(ctx, e, cause); err != nil {
			return told, err
		}
		if cause == nil {
			told, unserved = told+1, 0
			continue
		}
		r.Logger.LogAttrs(ctx, slog.LevelWarn, "not told",
			slog.String("ticket", string(e.Ticket)), slog.String("alert", string(e.Alert)), slog.String("kind", string(e.Kind)), slog.String("error", cause.Error()))
		if !general(cause) {
			continue
		}
		if unserved++; unserved == patience || !errors.Is(cause, access.ErrUnavailable) {
			return 0, nil
		}
	}
	return told, nil
}

func (r *Reconciler) markTold(ctx context.Context, e change.Effect, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTime)
	defer cancel()
	now := r.Now()
	err := r.Store.Write(ctx, func(tx *store.Tx) error {
		if cause != nil {
			return failed(tx, e, cause, now)
		}
		if e.Kind == change.Open { // was marked with the key of the ticket
			return nil
		}
		if err := tx.EffectDone(e.Key, now); err != nil {
			return err
		}
		kind := ledger.TicketTold
		if e.Kind.OnAlert() {
			kind = ledger.AlertTold
		}
		_, err := tx.Append(ledger.Entry{Kind: kind, At: now, Ticket: e.Ticket, Body: told{
			Key: e.Key, Kind: e.Kind, Marker: e.Marker, Name: e.Name, Status: status(e), Alert: e.Alert,
		}})
		return err
	})
	if err == nil && cause == nil {
		r.Watch(Notice{Told: &e})
	}
	return err
}

// failed notes an attempt in vain. A vendor that does not serve is not the effect's fault: however long that lasts, nothing is
// given up for it.
func failed(tx *store.Tx, e change.Effect, cause error, now time.Time) error {
	if e.Kind == change.Open && errors.Is(cause, access.ErrUnconfirmed) { // it may be there: nothing is tried before it would show
		return tx.EffectPostponed(e.Key, phrase(cause), now.Add(openWait))
	}
	if !general(cause) {
		return tx.EffectFailed(e.Key, phrase(cause))
	}
	until := now.Add(unservedWait)
	if at, named := access.RetryAfter(cause); named && at.After(until) {
		until = at
	}
	return tx.EffectPostponed(e.Key, phrase(cause), until)
}

// told is the body of a ticket.told or an alert.told entry. The text itself stays on the ticket or the alert.
type told struct {
	Key    string            `json:"key"`
	Kind   change.EffectKind `json:"kind"`
	Marker string            `json:"marker,omitempty"`
	Name   string            `json:"name,omitempty"`
	Status string            `json:"status,omitempty"`
	Alert  paging.AlertID    `json:"alert,omitempty"`
}

func status(e change.Effect) string {
	if e.Kind == change.Transition {
		return e.Body
	}
	return ""
}

// effect carries out one effect. What it does is looked for first: the answer to an earlier attempt may have been lost after
// it was made.
func (r *Reconciler) effect(ctx context.Context, e change.Effect) error {
	switch e.Kind {
	case change.Comment:
		return r.comment(ctx, e)
	case change.Transition:
		return r.move(ctx, e)
	case change.Attach:
		return r.attach(ctx, e)
	case change.Open:
		return r.open(ctx, e)
	case change.Link:
		return r.Desk.Link(ctx, e.Ticket, ticket.Link{ID: e.Marker, URL: e.Body, Title: e.Name})
	case change.AlertOpen, change.AlertNote, change.AlertClose:
		return r.onAlert(ctx, e)
	default:
		return fmt.Errorf("effect kind %q: %w", e.Kind, access.ErrInvalid)
	}
}

func (r *Reconciler) comment(ctx context.Context, e change.Effect) error {
	comments, err := r.Desk.Comments(ctx, e.Ticket)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(comments, func(c ticket.Comment) bool { return strings.Contains(c.Body, e.Marker) }) {
		return nil
	}
	return r.Desk.Comment(ctx, e.Ticket, ticket.Comment{Body: e.Body, Public: e.Public})
}

// move moves the ticket to the effect's status, unless its history shows that it came there after the effect was due: where
// people have moved it since is theirs to say.
func (r *Reconciler) move(ctx context.Context, e change.Effect) error {
	var moved bool
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		t, _, _, err := tx.Ticket(e.Ticket)
		moved = slices.ContainsFunc(t.History, func(edit ticket.Edit) bool {
			there := strings.EqualFold(edit.Field, "status") && strings.EqualFold(edit.ToText, e.Body)
			return there && !edit.At.Before(e.Created.Add(-clockSkew))
		})
		return err
	})
	if err != nil || moved {
		return err
	}
	return r.Desk.Transition(ctx, e.Ticket, e.Body)
}

func (r *Reconciler) attach(ctx context.Context, e change.Effect) error {
	names, err := r.Desk.Attachments(ctx, e.Ticket)
	if err != nil || slices.Contains(names, e.Name) {
		return err
	}
	content, err := e.Content()
	if err != nil {
		return err
	}
	return r.Desk.Attach(ctx, e.Ticket, e.Name, bytes.NewReader(content))
}

// openWait is when a ticket is tried again whose opening nobody answered: by then the search shows what was opened, and a
// second is not.
const openWait = 2 * jiraOverlap

// open opens the effect's ticket. Before the call the effect is put off until the search would show what the call makes: a
// process that dies in between does not open it twice.
func (r *Reconciler) open(ctx context.Context, e change.Effect) error {
	if e.New == nil {
		return fmt.Errorf("a ticket to be opened that says nothing: %w", access.ErrInvalid)
	}
	err := r.write(ctx, func(tx *store.Tx) error {
		return tx.EffectPostponed(e.Key, "being opened", r.Now().Add(openWait))
	})
	if err != nil {
		return err
	}
	key, err := r.Desk.Open(ctx, *e.New)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTime)
	defer cancel()
	now := r.Now()
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.EffectOpened(e.Key, key, now); err != nil {
			return err
		}
		_, err := tx.Append(ledger.Entry{Kind: ledger.TicketOpened, At: now, Ticket: key, Body: opened{Key: e.Key, Marker: e.New.Marker}})
		return err
	})
}

// opened is the body of a ticket.opened entry. What the ticket says stands on the ticket.
type opened struct {
	Key    string `json:"key"`
	Marker string `json:"marker"`
}

// page opens an alert for every open finding that has none, and closes the alerts of findings that no longer stand before
// it clears them. The alias makes a repeat harmless.
func (r *Reconciler) page(ctx context.Context, over []finding.Finding) error {
	if r.Pager == nil {
		return nil
	}
	var open []finding.Finding
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		open, err = tx.OpenFindings()
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range over {
		open = slices.DeleteFunc(open, func(o finding.Finding) bool { return o.Key == f.Key })
		if err := r.renew(ctx); err != nil {
			return err
		}
		if err := r.closeAlert(ctx, f, open); err != nil {
			return r.pagingFailed(ctx, err)
		}
	}
	for _, together := range bundle(r.loud(open), r.Kinds()) {
		if err := r.renew(ctx); err != nil {
			return err
		}
		if err := r.openAlert(ctx, together); err != nil && !errors.Is(err, access.ErrInvalid) {
			return r.pagingFailed(ctx, err)
		}
	}
	return nil
}

// loud returns the findings whose alert need not wait for working hours. What is over before they begin pages nobody.
func (r *Reconciler) loud(open []finding.Finding) []finding.Finding {
	now := r.Now()
	return slices.DeleteFunc(slices.Clone(open), func(f finding.Finding) bool { return f.Alert == "" && r.Policies.Routing.Waits(priority(f), now) })
}

// storm is how many findings of one kind at once become one alert that counts them. On the first day of an organisation
// that has adopted nothing everybody is drift, and nobody reads a hundred pages.
const storm = 10

// bundle returns the open findings that have no alert, those that one alert tells of together.
func bundle(open []finding.Finding, kinds []finding.Kind) [][]finding.Finding {
	byKind := make(map[finding.Kind][]finding.Finding)
	for _, f := range open {
		if f.Alert == "" {
			byKind[f.Kind] = append(byKind[f.Kind], f)
		}
	}
	var all [][]finding.Finding
	for _, kind := range kinds {
		found := byKind[kind]
		if len(found) > storm {
			all = append(all, found)
			continue
		}
		for _, f := range found {
			all = append(all, []finding.Finding{f})
		}
	}
	return all
}

// pagingFailed lets the pass go on without the pager, which may be down exactly when the rest works. The findings stand,
// and the next pass pages for them.
func (r *Reconciler) pagingFailed(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	r.Logger.LogAttrs(ctx, slog.LevelError, "paging failed", slog.String("error", err.Error()))
	return nil
}

// priority returns how urgent the page for a finding is: as the finding says, or else by its kind.
func priority(f finding.Finding) paging.Priority {
	if f.Priority != 0 {
		return f.Priority
	}
	switch f.Kind {
	case FindingBreakGlass:
		return 1
	case FindingHold, FindingUnconfirmed, FindingUnreviewed, FindingOnCallGap:
		return 2
	case FindingDrift, FindingConflict:
		return 3
	default:
		return 4
	}
}

// openAlert pages for one finding, or for a storm of one kind.
func (r *Reconciler) openAlert(ctx context.Context, together []finding.Finding) error {
	id, err := r.Pager.Create(ctx, r.alertOf(together))
	if err != nil {
		return err
	}
	return r.write(ctx, func(tx *store.Tx) error {
		for _, f := range together {
			f.Alert = id
			if _, err := tx.PutFinding(f); err != nil {
				return err
			}
			entry := ledger.Entry{Kind: ledger.PageSent, At: r.Now(), User: f.User, Group: f.Group, Change: f.Change, Body: f}
			if _, err := tx.Append(entry); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Reconciler) alertOf(together []finding.Finding) paging.NewAlert {
	first := together[0]
	a := paging.NewAlert{
		Alias: paging.Alias("sopd-" + fingerprint(string(first.Key))), Message: "sopd: " + first.Title,
		Priority: priority(first), Tags: []string{"sopd", string(first.Kind)}, Teams: r.Policies.Routing.Responders(first.Owner),
	}
	if len(together) > 1 {
		a.Alias = paging.Alias("sopd-" + string(first.Kind) + "-" + fingerprint(string(first.Key)+string(together[len(together)-1].Key)))
		a.Message = fmt.Sprintf("sopd: %d findings of kind %s at once", len(together), first.Kind)
		a.Description = "The first of them: " + first.Title + ". sopd plan lists them all."
		a.Details = map[string]string{"findings": strconv.Itoa(len(together))}
		return a
	}
	a.Details = map[string]string{
		"finding": string(first.Key), "owner": first.Owner, "user": string(first.User), "group": string(first.Group), "event": string(first.Event),
		"ticket": string(first.Ticket), "change": string(first.Change),
	}
	for k, v := range first.Detail {
		a.Details[k] = v
	}
	for k, v := range a.Details {
		if v == "" {
			delete(a.Details, k)
		}
	}
	return a
}

// closeAlert clears the finding, and closes its alert before that unless the alert tells of others that still stand.
func (r *Reconciler) closeAlert(ctx context.Context, f finding.Finding, open []finding.Finding) error {
	shared := slices.ContainsFunc(open, func(o finding.Finding) bool { return o.Alert == f.Alert })
	if !shared {
		if err := r.Pager.Close(ctx, f.Alert); err != nil && !errors.Is(err, access.ErrNotFound) {
			return err
		}
	}
	return r.write(ctx, func(tx *store.Tx) error { return clearFinding(tx, f, r.Now()) })
}
