package jsmops

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
)

// The vendor's paging.
//
// Source: JSM Operations API, GET alerts: size at most 100, the sum of offset and size below 20,000.
const (
	pageSize = 100
	maxReach = 20_000
)

// Alerts lists the alerts created, or last updated, in w, whole, by creation and ID. Descriptions and details are not part of a list.
//
// Errors: [access.ErrInvalid] for a window that ends before it begins, [access.ErrIncomplete] when the vendor's pages do
// not lead to the end or the user sees no alert at all (see [Pager.Check]), [access.ErrMalformed], and the causes of any
// read. On any error the list is nil.
func (p *Pager) Alerts(ctx context.Context, w paging.Window) ([]paging.Alert, error) {
	if !w.To.IsZero() && w.To.Before(w.From) {
		return nil, fmt.Errorf("jsmops: window ends before it begins: %w", access.ErrInvalid)
	}
	l := &listing{pager: p, to: w.To, from: w.From, found: map[paging.AlertID]paging.Alert{}}
	if w.By == paging.Updated {
		// The vendor does not sort by the last change, so the pages go by creation and the window only picks. An alert that
		// changes under the reading is in the next window anyway.
		l.from, l.to, l.picked = time.Time{}, time.Time{}, terms("updatedAt", w.From, w.To)
	}
	for !l.done {
		if err := l.step(ctx); err != nil {
			return nil, fmt.Errorf("listing alerts: %w", err)
		}
	}
	if len(l.found) == 0 {
		if err := p.seesAlerts(ctx); err != nil {
			return nil, fmt.Errorf("listing alerts: %w", err)
		}
	}
	return l.sorted(), nil
}

// seesAlerts looks for any alert at all. Without visibility of the teams the vendor answers with an empty list and no
// error, which must not read as "no alert is open".
//
// Source: JSM Operations API, GET alerts, permissions: alerts that the user may see are listed.
func (p *Pager) seesAlerts(ctx context.Context) error {
	var answer alertList
	if err := p.read(ctx, "/alerts", url.Values{"size": {"1"}}, &answer); err != nil {
		return err
	}
	if answer.Values == nil {
		return fmt.Errorf("jsmops: answer without a list: %w", access.ErrMalformed)
	}
	if len(*answer.Values) == 0 {
		return fmt.Errorf("jsmops: the user sees no alert at all: %w", access.ErrIncomplete)
	}
	return nil
}

// listing is a read of many pages. Each page overlaps the one before by an alert, to notice a list that moved under the
// reading; it then goes on from the time reached. So it does where the vendor's reach ends.
type listing struct {
	pager    *Pager
	from, to time.Time
	picked   string // further terms of every query; empty: none
	offset   int
	last     paging.AlertID // at which the page before ended; empty at the start of a window
	latest   time.Time      // creation of the newest alert seen
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
	query := url.Values{"sort": {"createdAt"}, "order": {"asc"}, "size": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(l.offset)}}
	if all := joined(l.picked, terms("createdAt", l.from, l.to)); all != "" {
		query.Set("query", all)
	}
	if err := l.pager.read(ctx, "/alerts", query, &answer); err != nil {
		return err
	}
	if answer.Values == nil {
		return fmt.Errorf("jsmops: answer without a list: %w", access.ErrMalformed)
	}
	page := *answer.Values
	if err := l.keep(page); err != nil {
		return err
	}
	more := len(page) >= pageSize || answer.Links.Next != ""
	moved := l.last != "" && (len(page) == 0 || paging.AlertID(page[0].ID) != l.last)
	switch {
	case !more && !moved:
		l.done = true
	case moved:
		return l.jump()
	case len(page) == 0:
		return fmt.Errorf("jsmops: empty page that announces another: %w", access.ErrIncomplete)
	default:
		return l.advance(page)
	}
	return nil
}

// advance sets the next page to begin with the last alert of this one.
func (l *listing) advance(page []wireAlert) error {
	next := l.offset + max(len(page)-1, 1)
	if next+pageSize >= maxReach {
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
		return fmt.Errorf("jsmops: no time to go on from: %w", access.ErrIncomplete)
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
		if a.Created.After(l.latest) {
			l.latest = a.Created
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

// terms asks for the alerts whose time, named by field, is from from until just before to. The vendor counts in milliseconds: a part of one is
// rounded up at both ends, which means the same. The parameters from and to of the API are not used: its specification
// gives them 32 bits, which hold no milliseconds.
//
// Source: the vendor's alert search, as in docs.opsgenie.com/docs/alerts-search-query-help; JSM Operations API, GET alerts.
//
// Source of the sorting: JSM Operations API, GET alerts, parameter sort: createdAt, insertedAt, lastOccurredAt, priority.
func terms(field string, from, to time.Time) string {
	var all []string
	if !from.IsZero() {
		all = append(all, fmt.Sprintf("%s >= %d", field, wholeMilliseconds(from)))
	}
	if !to.IsZero() {
		all = append(all, fmt.Sprintf("%s < %d", field, wholeMilliseconds(to)))
	}
	return strings.Join(all, " AND ")
}

// joined returns the queries that are not empty as one.
func joined(queries ...string) string {
	return strings.Join(slices.DeleteFunc(queries, func(q string) bool { return q == "" }), " AND ")
}

func wholeMilliseconds(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

// Alert reads one alert with its description and details.
//
// Errors: [access.ErrInvalid] for an ID that is none, [access.ErrNotFound], [access.ErrDenied] also when the user is not in
// the alert's team, and the causes of any read.
func (p *Pager) Alert(ctx context.Context, id paging.AlertID) (paging.Alert, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return paging.Alert{}, err
	}
	return p.get(ctx, "/alerts/"+string(id), nil)
}

// AlertByAlias reads the open alert with an alias. Closed alerts are not found by alias.
//
// Errors: as [Pager.Alert].
func (p *Pager) AlertByAlias(ctx context.Context, alias paging.Alias) (paging.Alert, error) {
	if _, err := paging.ParseAlias(string(alias)); err != nil {
		return paging.Alert{}, err
	}
	return p.get(ctx, "/alerts/alias", url.Values{"alias": {string(alias)}})
}

func (p *Pager) get(ctx context.Context, below string, query url.Values) (paging.Alert, error) {
	var answer wireAlert
	if err := p.read(ctx, below, query, &answer); err != nil {
		return paging.Alert{}, fmt.Errorf("reading alert: %w", err)
	}
	return answer.alert()
}

// Notes lists the notes of an alert, oldest first.
//
// Errors: as [Pager.Alert], and [access.ErrIncomplete]. On any error the list is nil.
func (p *Pager) Notes(ctx context.Context, id paging.AlertID) ([]paging.Note, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return nil, err
	}
	entries, err := p.entries(ctx, id, "/notes")
	if err != nil {
		return nil, fmt.Errorf("listing notes: %w", err)
	}
	all := make([]paging.Note, 0, len(entries))
	for _, n := range entries {
		all = append(all, paging.Note{Text: n.Note, Author: n.Owner, Created: time.Time(n.CreatedAt)})
	}
	// Newest first is the vendor's default, and order is not in its specification.
	slices.SortStableFunc(all, func(a, b paging.Note) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// Logs lists what was done to an alert, oldest first.
//
// Errors: as [Pager.Notes]. On any error the list is nil.
func (p *Pager) Logs(ctx context.Context, id paging.AlertID) ([]paging.Entry, error) {
	if _, err := paging.ParseAlertID(string(id)); err != nil {
		return nil, err
	}
	entries, err := p.entries(ctx, id, "/logs")
	if err != nil {
		return nil, fmt.Errorf("listing the log: %w", err)
	}
	all := make([]paging.Entry, 0, len(entries))
	for _, e := range entries {
		all = append(all, paging.Entry{Text: e.Log, Created: time.Time(e.LogTime)})
	}
	slices.SortStableFunc(all, func(a, b paging.Entry) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// entries reads the pages of an alert's notes or log, which is the last part of the path, to the end.
func (p *Pager) entries(ctx context.Context, id paging.AlertID, part string) ([]wireEntry, error) {
	var all []wireEntry
	query := url.Values{"size": {strconv.Itoa(pageSize)}, "order": {"asc"}}
	var guard transport.Pages
	for {
		var answer entryList
		if err := p.read(ctx, "/alerts/"+string(id)+part, query, &answer); err != nil {
			return nil, err
		}
		if answer.Values == nil {
			return nil, fmt.Errorf("jsmops: answer without a list: %w", access.ErrMalformed)
		}
		all = append(all, *answer.Values...)
		if answer.Links.Next == "" {
			return all, nil
		}
		after, err := nextAfter(answer.Links.Next)
		if err == nil {
			err = guard.Next(after)
		}
		if err != nil {
			return nil, err
		}
		query.Set("after", after)
	}
}

// nextAfter takes the cursor out of the link to the next page. The rest of the link is not followed.
func nextAfter(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("after") == "" {
		return "", fmt.Errorf("jsmops: link to the next page without a cursor: %w", access.ErrIncomplete)
	}
	return u.Query().Get("after"), nil
}
