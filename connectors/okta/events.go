package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"github.com/maisonrmi/sopd/internal/access"
)

// logPageSize is the most events that Okta puts on a page.
//
// Source: Okta Management API 2026.06, GET /api/v1/logs, limit.
const logPageSize = 1000

// Events reads one page of the System Log, in the order in which events arrived in it, which is not the order of their
// times. The empty cursor begins at since; later since has no meaning. next is where to go on, to be stored once the
// events are; an empty page ends a round, and next is then still good.
//
// Events may arrive late, so that their times go backwards: never go on from a time. After a lost cursor the same event may
// come again: its ID tells.
//
// Errors: as [Directory.User]; [access.ErrInvalid] for a cursor that Okta does not know any more, or a since that is too
// old; [access.ErrIncomplete] when Okta names no way on, or leads back to where the page began. On any error both
// results are zero.
//
// Source: Okta, System Log query, "Polling requests": no until, ascending, a next link on every page.
func (d *Directory) Events(ctx context.Context, cursor access.Cursor, since time.Time) (events []access.Event, next access.Cursor, err error) {
	const what = "read System Log"
	params := &query.Params{Limit: logPageSize, SortOrder: "ASCENDING"}
	if cursor == "" {
		params.Since = since.UTC().Format("2006-01-02T15:04:05.000Z")
	} else {
		params.After = string(cursor) // never together with since
	}
	page, resp, err := fetch(ctx, func(ctx context.Context) ([]*logEvent, *sdk.Response, error) { return d.logs(ctx, params) })
	if err != nil {
		return nil, "", about(what, err)
	}
	if events, err = appendAll([]access.Event{}, page, toEvent); err != nil {
		return nil, "", about(what, err)
	}
	if next, err = nextCursor(resp); err != nil {
		return nil, "", about(what, err)
	}
	if next == cursor && len(events) > 0 {
		return nil, "", fmt.Errorf("%s: cursor repeats: %w", what, access.ErrIncomplete)
	}
	return events, next, nil
}

// logEvent is what we read of a log event. The SDK's own type demands that every field of every event has the type it once
// had, also those that nobody needs: Okta's published example has a postal code that is a number, and is refused whole.
//
// Source: Okta Management API 2026.06, GET /api/v1/logs, example ListLogs; okta-sdk-golang v2.20.0, LogGeographicalContext.
type logEvent struct {
	UUID      string     `json:"uuid"`
	EventType string     `json:"eventType"`
	Published *time.Time `json:"published"`
	Actor     logObject  `json:"actor"`
	Outcome   struct {
		Result string `json:"result"`
		Reason string `json:"reason"`
	} `json:"outcome"`
	Transaction struct {
		ID string `json:"id"`
	} `json:"transaction"`
	Target []logObject `json:"target"`

	original []byte // the event as it was sent
}

// UnmarshalJSON reads an event and keeps its bytes.
func (e *logEvent) UnmarshalJSON(raw []byte) error {
	type plain logEvent // without this method
	if err := json.Unmarshal(raw, (*plain)(e)); err != nil {
		return err
	}
	e.original = bytes.Clone(raw)
	return nil
}

// logObject is an actor or a target.
type logObject struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// logs asks for a page as the SDK's GetLogs does, into our own type.
func (d *Directory) logs(ctx context.Context, params *query.Params) ([]*logEvent, *sdk.Response, error) {
	executor := d.sdk.CloneRequestExecutor()
	req, err := executor.NewRequest(http.MethodGet, "/api/v1/logs"+params.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	var events []*logEvent
	resp, err := executor.Do(ctx, req, &events)
	return events, resp, err
}

// nextCursor takes the cursor from the link itself: the SDK's own next page repeats since beside it.
func nextCursor(resp *sdk.Response) (access.Cursor, error) {
	link := nextLink(resp.Header)
	if link == nil || strings.TrimSpace(link.Query().Get("after")) == "" {
		return "", fmt.Errorf("no cursor to go on from: %w", access.ErrIncomplete)
	}
	return access.Cursor(link.Query().Get("after")), nil
}
