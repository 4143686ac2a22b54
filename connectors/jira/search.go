package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Query says which tickets are wanted.
type Query struct {
	// Projects are project keys, at least one: Jira refuses searches without a bound.
	Projects []string
	// Types are issue types; RequestTypes JSM request types, by name. Empty is all.
	Types        []string
	RequestTypes []string
	// Since leaves out tickets that were last updated before; zero takes all. Jira's index lags behind by seconds to
	// minutes, so a caller that polls passes the time of the last read less [IndexLag], and meets tickets again that it
	// knows by ID and Updated.
	Since time.Time
	// Open leaves out tickets that are done when true.
	Open bool
	// Canary is a ticket that has to be among what every search finds, whatever else it asks for; empty: none. It is not in
	// the batch unless the rest of the query describes it.
	Canary ticket.Key
}

// IndexLag is how far a poll should reach back: searches show changes late.
//
// Source: developer.atlassian.com/cloud/jira/platform/search-and-reconcile: seconds to minutes.
const IndexLag = 5 * time.Minute

// Batch is the result of a search.
type Batch struct {
	Tickets []ticket.Ticket // with their complete histories, by ID
	Bad     []BadTicket     // those that could not be read; they keep no other ticket from being read
}

// BadTicket is a ticket that was found and could not be understood.
type BadTicket struct {
	Key ticket.Key // empty when not even that could be read
	Err error      // [access.ErrMalformed] or [access.ErrIncomplete]
}

// Changed returns the tickets that the query describes, all of them or an error.
//
// Errors: [access.ErrIncomplete] when the list did not reach its end; [access.ErrUnauthenticated] also when Jira answers
// an unaccepted credential with an empty list; [access.ErrInvalid] for a project, type or field that does not exist. The
// batch is empty then. A ticket that cannot be understood is no such error: it is listed as bad.
func (t *Tickets) Changed(ctx context.Context, q Query) (Batch, error) {
	out, err := t.changed(ctx, q)
	if err != nil {
		return Batch{}, fmt.Errorf("read changed tickets: %w", err)
	}
	return out, nil
}

func (t *Tickets) changed(ctx context.Context, q Query) (Batch, error) {
	jql, err := q.jql()
	if err != nil {
		return Batch{}, err
	}
	kind, err := t.site(ctx)
	if err != nil {
		return Batch{}, err
	}
	l, err := t.layout(ctx)
	if err != nil {
		return Batch{}, err
	}
	if len(q.RequestTypes) > 0 && l.requestType == "" {
		return Batch{}, fmt.Errorf("this Jira has no field for request types: %w", access.ErrInvalid)
	}
	if jql, err = q.withCanary(jql); err != nil {
		return Batch{}, err
	}
	query := url.Values{"jql": {jql + " ORDER BY key ASC"}, "fields": {strings.Join(l.asked(), ",")}, "expand": {"changelog"}}
	var raw []json.RawMessage
	if kind == cloud {
		raw, err = t.searchCloud(ctx, query)
	} else {
		raw, err = t.searchDataCenter(ctx, query)
	}
	if err != nil {
		return Batch{}, err
	}
	if len(raw) == 0 && q.Canary == "" {
		// Nothing found may mean nobody asked: only a known account makes it an answer.
		_, err := t.Self(ctx)
		return Batch{}, err
	}
	found, bad := l.understood(raw, q)
	if err := q.canaryFound(found, bad); err != nil {
		return Batch{}, err
	}
	return t.withHistories(ctx, kind, found, bad)
}

// jql returns the query in Jira's language, without an order. Times are milliseconds since 1970: dates would be read in the time zone of
// the account, to the minute.
//
// Source: airbytehq/airbyte#48395, #48838.
func (q Query) jql() (string, error) {
	if err := checkProjects(q.Projects); err != nil {
		return "", err
	}
	clauses := []string{"project in (" + quoted(q.Projects) + ")"}
	if len(q.Types) > 0 {
		clauses = append(clauses, "issuetype in ("+quoted(q.Types)+")")
	}
	if q.Open {
		clauses = append(clauses, "statusCategory != Done")
	}
	if !q.Since.IsZero() {
		clauses = append(clauses, "updated >= "+strconv.FormatInt(q.Since.UnixMilli(), 10))
	}
	return strings.Join(clauses, " AND "), nil
}

// quoted writes a list of JQL strings.
func quoted(texts []string) string {
	out := make([]string, 0, len(texts))
	for _, text := range texts {
		out = append(out, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(text)+`"`)
	}
	return strings.Join(out, ", ")
}

// searchCloud reads every page of Cloud's search.
//
// go-jira's SearchV2JQLWithContext decodes into types that drop the token of the next page and break on documents in
// text fields, so the request is made here.
//
// Source: developer.atlassian.com/cloud/jira/platform/search-and-reconcile; CHANGE-2046: the old search answers 410.
func (t *Tickets) searchCloud(ctx context.Context, query url.Values) ([]json.RawMessage, error) {
	var out []json.RawMessage
	var pages transport.Pages
	query.Set("maxResults", strconv.Itoa(pageSize))
	for {
		var page struct {
			Issues        *[]json.RawMessage `json:"issues"`
			NextPageToken string             `json:"nextPageToken"`
			IsLast        *bool              `json:"isLast"`
		}
		if err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/search/jql", query: query}, &page); err != nil {
			return nil, err
		}
		if page.Issues == nil {
			return nil, malformed("search without issues")
		}
		out = append(out, *page.Issues...)
		switch {
		case page.NextPageToken == "" && page.IsLast != nil && !*page.IsLast:
			return nil, fmt.Errorf("no way to the next page: %w", access.ErrIncomplete)
		case page.NextPageToken == "":
			return out, nil
		}
		if err := pages.Next(page.NextPageToken); err != nil {
			return nil, err
		}
		query.Set("nextPageToken", page.NextPageToken)
	}
}

// searchDataCenter reads every page of Data Center's search.
func (t *Tickets) searchDataCenter(ctx context.Context, query url.Values) ([]json.RawMessage, error) {
	var out []json.RawMessage
	r := request{method: http.MethodGet, path: "rest/api/2/search", query: query}
	err := t.numbered(ctx, r, func(get func(any) error) (span, error) {
		var page struct {
			StartAt *int              `json:"startAt"`
			Total   *int              `json:"total"`
			Issues  []json.RawMessage `json:"issues"`
		}
		if err := get(&page); err != nil {
			return span{}, err
		}
		out = append(out, page.Issues...)
		return span{start: page.StartAt, total: page.Total, size: len(page.Issues)}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// candidate is a ticket whose history is still to be completed.
type candidate struct {
	ticket    ticket.Ticket
	changelog *wireChangelog
}

// understood translates issues one by one. What occurs twice, because pages shifted, is taken once, in its latest state.
func (l *layout) understood(raw []json.RawMessage, q Query) (map[ticket.ID]candidate, []BadTicket) {
	found := map[ticket.ID]candidate{}
	var bad []BadTicket
	for _, one := range raw {
		var w wireIssue
		if err := json.Unmarshal(one, &w); err != nil {
			bad = append(bad, BadTicket{keyOf(one), malformed("issue")})
			continue
		}
		got, err := l.ticket(w)
		if err != nil {
			bad = append(bad, BadTicket{keyOf(one), err})
			continue
		}
		if len(q.RequestTypes) > 0 && !slices.Contains(q.RequestTypes, got.RequestType) {
			continue
		}
		if before, twice := found[got.ID]; !twice || !got.Updated.Before(before.ticket.Updated) {
			got.Original = one
			found[got.ID] = candidate{got, w.Changelog}
		}
	}
	return found, bad
}

// keyOf returns the key of an issue that could not be read; empty when that cannot be read either.
func keyOf(raw json.RawMessage) ticket.Key {
	var w struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return ""
	}
	key, err := ticket.ParseKey(w.Key)
	if err != nil {
		return ""
	}
	return key
}
