package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The sizes of bulk reads of histories.
//
// Source: Jira Cloud platform REST API v3, POST changelog/bulkfetch: 1000 issues, 10000 histories a page at most.
const (
	bulkIssues    = 1000
	bulkHistories = 1000
)

// withHistories completes the candidates. A ticket whose history is not whole is bad, and no other.
func (t *Tickets) withHistories(ctx context.Context, kind deployment, found map[ticket.ID]candidate, bad []BadTicket) (Batch, error) {
	l, err := t.layout(ctx)
	if err != nil {
		return Batch{}, err
	}
	ids := slices.SortedFunc(maps.Keys(found), byNumber)
	var whole map[ticket.ID][]json.RawMessage
	if kind == cloud {
		if whole, err = t.bulk(ctx, ids); err != nil {
			return Batch{}, err
		}
	}
	out := Batch{Bad: bad}
	for _, id := range ids {
		c := found[id]
		histories, err := complete(kind, c.changelog, whole[id])
		if err == nil {
			c.ticket.History, err = l.edits(histories)
			movers(&c.ticket, histories)
			if kind == cloud {
				c.ticket.OriginalHistory = joined(whole[id])
			}
		}
		if err == nil && behind(c.ticket) {
			c.ticket, err = t.again(ctx, c.ticket)
		}
		switch {
		case err == nil:
			out.Tickets = append(out.Tickets, c.ticket)
		case ofOneTicket(err):
			out.Bad = append(out.Bad, BadTicket{c.ticket.Key, err})
		default:
			return Batch{}, err
		}
	}
	return out, nil
}

// again reads a ticket by its key, because the index that search answers from is behind its history: deciding on fields
// of before an edit, by an approval of after it, would grant what nobody approved.
func (t *Tickets) again(ctx context.Context, stale ticket.Ticket) (ticket.Ticket, error) {
	fresh, err := t.Ticket(ctx, stale.Key)
	if err != nil {
		return stale, err
	}
	return fresh, nil
}

// ofOneTicket reports whether an error says something about one ticket only, and not about Jira or our account.
func ofOneTicket(err error) bool {
	for _, cause := range []error{access.ErrMalformed, access.ErrIncomplete, access.ErrNotFound} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// byNumber orders Jira's numeric ids.
func byNumber(a, b ticket.ID) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}

// complete returns the whole history of a ticket. On Cloud the bulk read gives it; each entry that came inside the
// issue must be among them, so a bulk answer that silently leaves out a ticket is noticed.
//
// Errors: [access.ErrIncomplete].
func complete(kind deployment, c *wireChangelog, bulk []json.RawMessage) ([]wireHistory, error) {
	if kind == dataCenter {
		return inline(c)
	}
	if c == nil {
		return nil, fmt.Errorf("search gave no history to compare with: %w", access.ErrIncomplete)
	}
	whole, err := histories(bulk)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, h := range whole {
		have[h.ID] = true
	}
	for _, h := range c.Histories {
		if !have[h.ID] {
			return nil, fmt.Errorf("history lacks an entry that the issue shows: %w", access.ErrIncomplete)
		}
	}
	return whole, nil
}

// bulk reads the histories of many tickets with few calls, still raw so that one that cannot be read spoils no other
// ticket. It exists on Cloud only.
func (t *Tickets) bulk(ctx context.Context, ids []ticket.ID) (map[ticket.ID][]json.RawMessage, error) {
	out := map[ticket.ID][]json.RawMessage{}
	for chunk := range slices.Chunk(ids, bulkIssues) {
		if err := t.bulkInto(ctx, chunk, out); err != nil {
			return nil, fmt.Errorf("read histories: %w", err)
		}
	}
	return out, nil
}

func (t *Tickets) bulkInto(ctx context.Context, ids []ticket.ID, out map[ticket.ID][]json.RawMessage) error {
	body := map[string]any{"issueIdsOrKeys": ids, "maxResults": bulkHistories}
	var pages transport.Pages
	for {
		var page struct {
			Logs *[]struct {
				IssueID   ticket.ID         `json:"issueId"`
				Histories []json.RawMessage `json:"changeHistories"`
			} `json:"issueChangeLogs"`
			NextPageToken string `json:"nextPageToken"`
		}
		r := request{method: http.MethodPost, path: "rest/api/3/changelog/bulkfetch", body: body, read: true}
		if err := t.do(ctx, r, &page); err != nil {
			return err
		}
		if page.Logs == nil {
			return malformed("bulk histories")
		}
		for _, log := range *page.Logs {
			out[log.IssueID] = append(out[log.IssueID], log.Histories...)
		}
		if page.NextPageToken == "" {
			return nil
		}
		if err := pages.Next(page.NextPageToken); err != nil {
			return err
		}
		body["nextPageToken"] = page.NextPageToken
	}
}
