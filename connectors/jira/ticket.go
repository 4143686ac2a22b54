package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// pageSize is how many objects are asked for at a time: the most that histories, comments and searches with fields give.
//
// Source: Jira Cloud platform REST API v3, GET issue/{key}/changelog: maxResults at most 100.
const pageSize = 100

// Ticket reads one ticket with its complete history. A ticket that moved to another project is found by its old key and
// comes with the new one.
//
// Errors: [access.ErrNotFound] also when the account may not see it; [access.ErrIncomplete] when the history could not be
// read to its end; [access.ErrMalformed].
func (t *Tickets) Ticket(ctx context.Context, key ticket.Key) (ticket.Ticket, error) {
	out, err := t.readTicket(ctx, key)
	if err == nil && behind(out) {
		out, err = t.readTicket(ctx, key)
	}
	if err != nil {
		return ticket.Ticket{}, fmt.Errorf("read ticket %s: %w", key, err)
	}
	return out, nil
}

// behind reports whether the ticket's fields were read before its latest edit was made: the history, read later, shows an
// edit that the fields may lack.
func behind(t ticket.Ticket) bool {
	return len(t.History) > 0 && t.History[len(t.History)-1].At.After(t.Updated)
}

func (t *Tickets) readTicket(ctx context.Context, key ticket.Key) (ticket.Ticket, error) {
	path, err := issuePath(key, "")
	if err != nil {
		return ticket.Ticket{}, err
	}
	kind, err := t.site(ctx)
	if err != nil {
		return ticket.Ticket{}, err
	}
	l, err := t.layout(ctx)
	if err != nil {
		return ticket.Ticket{}, err
	}
	query := url.Values{"fields": {strings.Join(l.asked(), ",")}}
	if kind == dataCenter {
		query.Set("expand", "changelog")
	}
	var raw json.RawMessage
	if err := t.do(ctx, request{method: http.MethodGet, path: path, query: query}, &raw); err != nil {
		return ticket.Ticket{}, err
	}
	var w wireIssue
	if err := json.Unmarshal(raw, &w); err != nil {
		return ticket.Ticket{}, malformed("issue")
	}
	out, err := l.ticket(w)
	if err != nil {
		return ticket.Ticket{}, err
	}
	out.Original = raw
	histories, err := t.historyOf(ctx, kind, &out, w.Changelog)
	if err != nil {
		return ticket.Ticket{}, err
	}
	out.History, err = l.edits(histories)
	movers(&out, histories)
	if err != nil {
		return ticket.Ticket{}, err
	}
	return out, nil
}

// historyOf returns a whole history: from the issue on Data Center, which does not cut it, page by page on Cloud, which
// does and where what Jira sent is noted on the ticket.
func (t *Tickets) historyOf(ctx context.Context, kind deployment, of *ticket.Ticket, c *wireChangelog) ([]wireHistory, error) {
	if kind == dataCenter {
		return inline(c)
	}
	path, err := issuePath(of.Key, "/changelog")
	if err != nil {
		return nil, err
	}
	var out []json.RawMessage
	err = t.numbered(ctx, request{method: http.MethodGet, path: path}, func(get func(any) error) (span, error) {
		var page struct {
			StartAt *int              `json:"startAt"`
			Total   *int              `json:"total"`
			Values  []json.RawMessage `json:"values"`
		}
		if err := get(&page); err != nil {
			return span{}, err
		}
		out = append(out, page.Values...)
		return span{start: page.StartAt, total: page.Total, size: len(page.Values)}, nil
	})
	if err != nil {
		return nil, err
	}
	of.OriginalHistory = joined(out)
	return histories(out)
}

// histories translates histories that came one by one.
//
// Errors: [access.ErrMalformed].
func histories(raw []json.RawMessage) ([]wireHistory, error) {
	out := make([]wireHistory, len(raw))
	for i, one := range raw {
		if err := json.Unmarshal(one, &out[i]); err != nil {
			return nil, malformed("history")
		}
	}
	return out, nil
}

// joined returns a list as Jira sent it, over however many pages.
func joined(elements []json.RawMessage) []byte {
	all := make([][]byte, len(elements))
	for i, one := range elements {
		all[i] = one
	}
	return original.Join(all)
}

// span is where a page stands in a numbered list.
type span struct {
	start, total *int
	size         int
}

// numbered reads a list by startAt and maxResults until its total is reached. page takes each page from get.
//
// Errors: [access.ErrIncomplete] when a page is empty before the end, or is another than the one asked for, or the total
// changes under way: the entries behind a removed one would be skipped.
func (t *Tickets) numbered(ctx context.Context, r request, page func(get func(any) error) (span, error)) error {
	var pages transport.Pages
	total := -1
	for start := 0; ; {
		query := url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {strconv.Itoa(pageSize)}}
		for name, values := range r.query {
			query[name] = values
		}
		next := r
		next.query = query
		got, err := page(func(out any) error { return t.do(ctx, next, out) })
		if err != nil {
			return err
		}
		if err := got.check(start, total); err != nil {
			return err
		}
		total = *got.total
		if start += got.size; start >= total {
			return nil
		}
		if err := pages.Next(strconv.Itoa(start)); err != nil {
			return err
		}
	}
}

// check holds the page that came against the one that was asked for. before is the total so far, negative at first.
func (s span) check(start, before int) error {
	switch {
	case s.start == nil || s.total == nil:
		return malformed("page without its place")
	case *s.start != start:
		return fmt.Errorf("another page than the one asked for: %w", access.ErrIncomplete)
	case before >= 0 && *s.total < before:
		return fmt.Errorf("the list became shorter while it was read: %w", access.ErrIncomplete)
	case s.size == 0 && start < *s.total:
		return fmt.Errorf("empty page before the end: %w", access.ErrIncomplete)
	}
	return nil
}
