package okta

import (
	"context"
	"fmt"
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
// Events of type Published may come late and go backwards in time: never go on from a time. The same event may come
// again after a lost cursor: its ID tells.
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
	page, resp, err := fetch(ctx, func(ctx context.Context) ([]*sdk.LogEvent, *sdk.Response, error) {
		return d.sdk.LogEvent.GetLogs(ctx, params)
	})
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

// nextCursor takes the cursor from the link itself: the SDK's own next page repeats since beside it.
func nextCursor(resp *sdk.Response) (access.Cursor, error) {
	link := nextLink(resp.Header)
	if link == nil || strings.TrimSpace(link.Query().Get("after")) == "" {
		return "", fmt.Errorf("no cursor to go on from: %w", access.ErrIncomplete)
	}
	return access.Cursor(link.Query().Get("after")), nil
}
