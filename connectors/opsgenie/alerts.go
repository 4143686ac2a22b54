package opsgenie

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	"github.com/opsgenie/opsgenie-go-sdk-v2/client"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// The vendor's paging.
//
// Source: docs.opsgenie.com/docs/alert-api, List Alerts; offset and limit together: port-labs/port-docs PR #2304.
const (
	pageSize = 100
	maxReach = 20_000
)

// Alerts lists the alerts created, or last updated, in w, whole, by creation and ID. Descriptions and details are not part of a list.
//
// Errors: [access.ErrInvalid] for a window that ends before it begins, [access.ErrIncomplete] when the vendor's pages do
// not lead to the end, [access.ErrMalformed], and the causes of any read. On any error the list is nil.
func (p *Pager) Alerts(ctx context.Context, w paging.Window) ([]paging.Alert, error) {
	if !w.To.IsZero() && w.To.Before(w.From) {
		return nil, fmt.Errorf("opsgenie: window ends before it begins: %w", access.ErrInvalid)
	}
	l := &listing{pager: p, to: w.To, from: w.From, by: w.By, found: map[paging.AlertID]paging.Alert{}}
	for !l.done {
		if err := l.step(ctx); err != nil {
			return nil, fmt.Errorf("listing alerts: %w", err)
		}
	}
	return l.sorted(), nil
}

// listing is a read of many pages. Each page overlaps the one before by an alert, to notice a list that moved under the
// reading; it then goes on from the time reached. So it does where the vendor's reach ends.
type listing struct {
	pager    *Pager
	from, to time.Time
	by       paging.By
	offset   int
	last     paging.AlertID // at which the page before ended; empty at the start of a window
	latest   time.Time      // that time of the newest alert seen
	guard    transport.Pages
	found    map[paging.AlertID]paging.Alert
	done     bool
}

// step reads a page and decides where the next one begins.
func (l *listing) step(ctx context.Context) error {
	if err := l.guard.Next(fmt.Sprint(l.from.UnixMilli(), " ", l.offset)); err != nil {
		return err
	}
	var answer alertList
	err := l.pager.exec(ctx, &alert.ListAlertRequest{Query: query(l.field(), l.from, l.to), Sort: alert.SortField(l.field()), Order: alert.Asc,
		Limit: pageSize, Offset: l.offset}, &answer)
	if err != nil {
		return err
	}
	if answer.Data == nil {
		return fmt.Errorf("opsgenie: answer without a list: %w", access.ErrMalformed)
	}
	page := *answer.Data
	if l.last != "" && (len(page) == 0 || paging.AlertID(page[0].ID) != l.last) {
		// The list moved: what lies between the pages is unknown, so this one must not count as reached.
		return l.jump()
	}
	if err := l.keep(page); err != nil {
		return err
	}
	switch more := len(page) >= pageSize || answer.Paging.Next != ""; {
	case !more:
		l.done = true
		return nil
	case len(page) == 0:
		return fmt.Errorf("opsgenie: empty page that announces another: %w", access.ErrIncomplete)
	default:
		return l.advance(page)
	}
}

// advance sets the next page to begin with the last alert of this one.
func (l *listing) advance(page []wireAlert) error {
	next := l.offset + max(len(page)-1, 1)
	if next+pageSize > maxReach {
		return l.jump()
	}
	l.offset, l.last = next, paging.AlertID(page[len(page)-1].ID)
	if len(page) == 1 {
		l.last = "" // no overlap to look for
	}
	return nil
}

// jump goes on with the window from the newest alert seen, which is read again.
func (l *listing) jump() error {
	if l.latest.IsZero() {
		return fmt.Errorf("opsgenie: no time to go on from: %w", access.ErrIncomplete)
	}
	l.from, l.offset, l.last = l.latest, 0, ""
	return nil
}

func (l *listing) keep(page []wireAlert) error {
	for _, w := range page {
		a, err := w.alert()
		if err != nil {
			return err
		}
		l.found[a.ID] = a
		if at := l.by.Of(a); at.After(l.latest) {
			l.latest = at
		}
	}
	return nil
}

func (l *listing) sorted() []paging.Alert {
	all := make([]paging.Alert, 0, len(l.found))
	for _, a := range l.found {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b paging.Alert) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return all
}

// field is what the vendor calls the time that the list is about.
func (l *listing) field() string {
	if l.by == paging.Updated {
		return "updatedAt"
	}
	return "createdAt"
}

// query asks for the alerts whose time, named by field, is from from until just before to. The vendor counts in milliseconds: a part of one is
// rounded up at both ends, which means the same.
//
// Source: docs.opsgenie.com/docs/alerts-search-query-help.
func query(field string, from, to time.Time) string {
	var terms []string
	if !from.IsZero() {
		terms = append(terms, fmt.Sprintf("%s >= %d", field, wholeMilliseconds(from)))
	}
	if !to.IsZero() {
		terms = append(terms, fmt.Sprintf("%s < %d", field, wholeMilliseconds(to)))
	}
	return strings.Join(terms, " AND ")
}

func wholeMilliseconds(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

// Alert reads one alert with its description and details.
//
// Errors: [access.ErrInvalid] for an ID that is none, [access.ErrNotFound], and the causes of any read.
func (p *Pager) Alert(ctx context.Context, id paging.AlertID) (paging.Alert, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return paging.Alert{}, err
	}
	return p.get(ctx, &alert.GetAlertRequest{IdentifierType: alert.ALERTID, IdentifierValue: string(id)})
}

// AlertByAlias reads the open alert with an alias. Closed alerts are not found by alias.
//
// Errors: as [Pager.Alert].
func (p *Pager) AlertByAlias(ctx context.Context, alias paging.Alias) (paging.Alert, error) {
	if _, err := paging.ParseAlias(string(alias)); err != nil {
		return paging.Alert{}, err
	}
	return p.get(ctx, &alert.GetAlertRequest{IdentifierType: alert.ALIAS, IdentifierValue: string(alias)})
}

func (p *Pager) get(ctx context.Context, req *alert.GetAlertRequest) (paging.Alert, error) {
	var answer alertAnswer
	if err := p.exec(ctx, req, &answer); err != nil {
		return paging.Alert{}, fmt.Errorf("reading alert: %w", err)
	}
	if answer.Data == nil {
		return paging.Alert{}, fmt.Errorf("opsgenie: answer without an alert: %w", access.ErrMalformed)
	}
	return answer.Data.alert()
}

// Notes lists the notes of an alert, oldest first.
//
// Errors: as [Pager.Alert], and [access.ErrIncomplete]. On any error the list is nil.
func (p *Pager) Notes(ctx context.Context, id paging.AlertID) ([]paging.Note, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return nil, err
	}
	entries, err := p.entries(ctx, func(offset string) client.ApiRequest {
		return &alert.ListAlertNotesRequest{IdentifierType: alert.ALERTID, IdentifierValue: string(id), Limit: pageSize, Order: alert.Asc, Direction: alert.NEXT, Offset: offset}
	})
	if err != nil {
		return nil, fmt.Errorf("listing notes: %w", err)
	}
	all := make([]paging.Note, 0, len(entries))
	for _, n := range entries {
		all = append(all, paging.Note{Text: n.Note, Author: n.Owner, Created: time.Time(n.CreatedAt)})
	}
	return all, nil
}

// Logs lists what was done to an alert, oldest first.
//
// Errors: as [Pager.Notes]. On any error the list is nil.
func (p *Pager) Logs(ctx context.Context, id paging.AlertID) ([]paging.Entry, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return nil, err
	}
	entries, err := p.entries(ctx, func(offset string) client.ApiRequest {
		return &alert.ListAlertLogsRequest{IdentifierType: alert.ALERTID, IdentifierValue: string(id), Limit: pageSize, Order: alert.Asc, Direction: alert.NEXT, Offset: offset}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the log: %w", err)
	}
	all := make([]paging.Entry, 0, len(entries))
	for _, e := range entries {
		all = append(all, paging.Entry{Text: e.Log, Created: time.Time(e.CreatedAt)})
	}
	return all, nil
}

// entries reads the pages of a list of notes or of a log to the end; at makes the request for the page behind an offset.
func (p *Pager) entries(ctx context.Context, at func(offset string) client.ApiRequest) ([]wireEntry, error) {
	var all []wireEntry
	var guard transport.Pages
	for offset := ""; ; {
		var answer entryList
		err := p.exec(ctx, at(offset), &answer)
		if err != nil {
			return nil, err
		}
		if answer.Data == nil {
			return nil, fmt.Errorf("opsgenie: answer without a list: %w", access.ErrMalformed)
		}
		all = append(all, *answer.Data...)
		if answer.Paging.Next == "" {
			return all, nil
		}
		if offset, err = nextOffset(answer.Paging.Next); err != nil {
			return nil, err
		}
		if err := guard.Next(offset); err != nil {
			return nil, err
		}
	}
}

// nextOffset takes the opaque offset out of the link to the next page. The rest of the link is not followed: it may name
// another host.
func nextOffset(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("offset") == "" {
		return "", fmt.Errorf("opsgenie: link to the next page without offset: %w", access.ErrIncomplete)
	}
	return u.Query().Get("offset"), nil
}
