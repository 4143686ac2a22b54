package jsmops

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// The vendor's limits, in characters and numbers.
//
// Source: JSM Operations API, schema CreateAlertRequest; the limits on tags are Opsgenie's, which this API took over.
const (
	maxMessage     = 130
	maxDescription = 15_000
	maxNote        = 25_000
	maxTags        = 20
	maxTag         = 50
	maxResponders  = 50
)

// errInBand says that a write was accepted and then not carried out.
var errInBand = errors.New("accepted, then not carried out")

// createBody is the body of an integration event that makes an alert.
type createBody struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description,omitempty"`
	Responders  []responder       `json:"responders,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Details     map[string]string `json:"details,omitempty"`
	Priority    string            `json:"priority,omitempty"`
	Source      string            `json:"source"`
	User        string            `json:"user"`
}

// responder names a team or a schedule. Integration events take names, as Opsgenie does; REST would take IDs only.
type responder struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// actBody is the body of an integration event on an alert.
type actBody struct {
	Note   string `json:"note,omitempty"`
	Source string `json:"source"`
	User   string `json:"user"`
}

// Create pages: it creates an alert, or joins the open one with the same alias, and returns its ID once the vendor has
// carried it out. It may be repeated: the alias makes it safe. Message and description are cut to what the vendor takes.
//
// Errors: [access.ErrInvalid] without alias or message or with tags or responders that the vendor refuses;
// [access.ErrConflict] when the vendor accepted it and did not carry it out; [access.ErrUnconfirmed] when it is not known
// whether it did.
func (p *Pager) Create(ctx context.Context, a paging.NewAlert) (paging.AlertID, error) {
	body, err := p.createBody(a)
	if err != nil {
		return "", err
	}
	id, err := p.write(transport.WithIdempotent(ctx), "", body)
	if errors.Is(err, errInBand) {
		err = fmt.Errorf("%w: %w", err, access.ErrConflict)
	}
	if err == nil && id == "" {
		err = fmt.Errorf("jsmops: no alert named: %w", access.ErrUnconfirmed)
	}
	if err != nil {
		return "", fmt.Errorf("creating alert: %w", err)
	}
	return id, nil
}

func (p *Pager) createBody(a paging.NewAlert) (createBody, error) {
	if _, err := paging.ParseAlias(string(a.Alias)); err != nil {
		return createBody{}, err
	}
	if a.Message == "" || len(a.Tags) > maxTags || len(a.Teams)+len(a.Schedules) > maxResponders {
		return createBody{}, fmt.Errorf("jsmops: an alert needs a message, at most %d tags and %d responders: %w", maxTags, maxResponders, access.ErrInvalid)
	}
	for _, tag := range a.Tags {
		if tag == "" || len([]rune(tag)) > maxTag {
			return createBody{}, fmt.Errorf("jsmops: a tag has 1 to %d characters: %w", maxTag, access.ErrInvalid)
		}
	}
	body := createBody{Message: cut(a.Message, maxMessage), Alias: string(a.Alias), Description: cut(a.Description, maxDescription),
		Tags: a.Tags, Details: a.Details, Priority: a.Priority.String(), Source: "sopd", User: p.options.Author}
	for _, team := range a.Teams {
		body.Responders = append(body.Responders, responder{Type: "team", Name: team})
	}
	for _, schedule := range a.Schedules {
		body.Responders = append(body.Responders, responder{Type: "schedule", Name: schedule})
	}
	return body, nil
}

// cut returns text with at most most characters, the last being "…" when some are left out.
func cut(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return string(r[:most-1]) + "…"
}

// Note adds a note to an alert. It is sent once only: after [access.ErrUnconfirmed] the caller looks for it in
// [Pager.Notes] before it tries again.
//
// Errors: [access.ErrInvalid] for an empty note, one of more than 25,000 characters, or an ID that is none;
// [access.ErrNotFound]; [access.ErrConflict]; [access.ErrUnconfirmed].
func (p *Pager) Note(ctx context.Context, id paging.AlertID, text string) error {
	if text == "" || len([]rune(text)) > maxNote {
		return fmt.Errorf("jsmops: a note has 1 to %d characters: %w", maxNote, access.ErrInvalid)
	}
	return p.change(ctx, change{"adding note", id, "notes", text, func(paging.Alert) bool { return false }})
}

// Acknowledge acknowledges an alert; one that is acknowledged already stays so, which is no error.
//
// Errors: [access.ErrInvalid] for an ID that is none; [access.ErrNotFound]; [access.ErrConflict] when the alert is closed;
// [access.ErrUnconfirmed].
func (p *Pager) Acknowledge(ctx context.Context, id paging.AlertID) error {
	done := func(a paging.Alert) bool { return a.Open && a.Acknowledged }
	return p.change(transport.WithIdempotent(ctx), change{"acknowledging alert", id, "acknowledge", "", done})
}

// Close closes an alert; one that is closed already stays so, which is no error.
//
// Errors: as [Pager.Acknowledge].
func (p *Pager) Close(ctx context.Context, id paging.AlertID) error {
	done := func(a paging.Alert) bool { return !a.Open }
	return p.change(transport.WithIdempotent(ctx), change{"closing alert", id, "close", "", done})
}

// change is a write on an alert that exists.
type change struct {
	what string
	id   paging.AlertID
	path string // the last part of it
	note string // empty: none
	// done tells whether the alert is already as wanted, which the vendor reports as a failure.
	done func(paging.Alert) bool
}

func (p *Pager) change(ctx context.Context, c change) error {
	if _, err := paging.ParseAlertID(string(c.id)); err != nil {
		return err
	}
	_, err := p.write(ctx, "/"+string(c.id)+"/"+c.path, actBody{c.note, "sopd", p.options.Author})
	if errors.Is(err, errInBand) {
		err = p.explain(ctx, c, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.what, err)
	}
	return nil
}

// explain looks at the alert to find out why a write on it was not carried out. The vendor says so in English only.
func (p *Pager) explain(ctx context.Context, c change, failed error) error {
	now, err := p.Alert(ctx, c.id)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", failed, err)
	case c.done(now):
		return nil
	default:
		return fmt.Errorf("%w: %w", failed, access.ErrConflict)
	}
}

// write sends an integration event and waits until the vendor has carried it out. It returns the alert that it was about.
//
// Errors: errInBand, without a cause of package access, when the vendor did not carry it out.
func (p *Pager) write(ctx context.Context, below string, body any) (paging.AlertID, error) {
	var answer accepted
	if err := p.event(ctx, http.MethodPost, below, body, &answer); err != nil {
		return "", err
	}
	if !requestID(answer.ID) {
		return "", fmt.Errorf("jsmops: answer without a request ID: %w: %w", access.ErrUnconfirmed, access.ErrMalformed)
	}
	return p.wait(ctx, answer.ID)
}

// requestID tells whether s may be pasted into a path.
func requestID(s string) bool {
	_, err := paging.ParseAlertID(s)
	return err == nil
}

// wait polls the status of a request until it is told, for at most StatusWait. Whatever else happens, the write was
// accepted: its outcome is then unconfirmed.
func (p *Pager) wait(ctx context.Context, request string) (paging.AlertID, error) {
	patience, cancel := context.WithTimeout(ctx, p.options.StatusWait)
	defer cancel()
	for pause := p.options.PollWait; ; pause = min(2*pause, 8*p.options.PollWait) {
		id, err := p.status(patience, request)
		if err == nil || errors.Is(err, errInBand) {
			return id, err
		}
		if !errors.Is(err, access.ErrNotFound) {
			return "", unconfirmed(ctx, err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-patience.Done():
			timer.Stop()
			return "", unconfirmed(ctx, access.ErrUnavailable)
		case <-timer.C:
		}
	}
}

// unconfirmed says that a write was accepted and no more is known. The caller's own end stays visible; our own patience
// is not the caller's deadline.
func unconfirmed(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("jsmops: status of the request: %w: %w", access.ErrUnconfirmed, ctx.Err())
	}
	if errors.Is(why, context.DeadlineExceeded) {
		why = access.ErrUnavailable
	}
	return fmt.Errorf("jsmops: status of the request: %w: %w", access.ErrUnconfirmed, why)
}

// status asks once whether a request was carried out; [access.ErrNotFound] while that is not known.
//
// Source: JSM Operations API, GET alerts/requests/{id}: 404 while the request is queued.
func (p *Pager) status(ctx context.Context, request string) (paging.AlertID, error) {
	var answer statusAnswer
	err := p.event(ctx, http.MethodGet, "/requests/"+request, nil, &answer)
	switch {
	case err != nil:
		return "", err
	case answer.Data == nil || answer.Data.IsSuccess == nil:
		return "", fmt.Errorf("jsmops: answer without an outcome: %w", access.ErrMalformed)
	case !*answer.Data.IsSuccess:
		return "", fmt.Errorf("jsmops: %w", errInBand)
	}
	return paging.AlertID(answer.Data.AlertID), nil
}
