package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	sdk "github.com/andygrunwald/go-jira"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Create creates a ticket, unless one with the same marker exists: then that one's key is returned.
//
// It is sent once. After [access.ErrUnconfirmed] wait for [IndexLag] before trying again: the search for the marker shows
// a new ticket late, and asking sooner could create a second one.
//
// Errors: [access.ErrUnconfirmed], [access.ErrInvalid], [access.ErrDenied]; [access.ErrConflict] when several tickets
// have the marker.
func (t *Tickets) Create(ctx context.Context, n ticket.New) (ticket.Key, error) {
	key, err := t.create(ctx, n)
	if err != nil {
		return "", fmt.Errorf("create ticket: %w", err)
	}
	return key, nil
}

func (t *Tickets) create(ctx context.Context, n ticket.New) (ticket.Key, error) {
	if err := errors.Join(n.Check(), checkProjects([]string{n.Project})); err != nil {
		return "", err
	}
	fields, err := t.fieldsOf(ctx, n)
	if err != nil {
		return "", err
	}
	if key, err := t.marked(ctx, n); err != nil || key != "" {
		return key, err
	}
	var made struct {
		Key string `json:"key"`
	}
	r := request{method: http.MethodPost, path: "rest/api/2/issue", body: map[string]any{"fields": fields}}
	if err := t.do(ctx, r, &made); err != nil {
		return "", err
	}
	key, err := ticket.ParseKey(made.Key)
	if err != nil {
		return "", unconfirmed(malformed("created ticket without a key"))
	}
	return key, nil
}

// fieldsOf returns the fields as Jira takes them.
func (t *Tickets) fieldsOf(ctx context.Context, n ticket.New) (map[string]any, error) {
	out := map[string]any{
		"project": map[string]string{"key": n.Project}, "issuetype": map[string]string{"name": n.Type}, "summary": n.Summary,
		"labels": append([]string{n.Marker}, n.Labels...),
	}
	if n.Description != "" {
		out["description"] = n.Description
	}
	if len(n.Fields) == 0 {
		return out, nil
	}
	kind, err := t.site(ctx)
	if err != nil {
		return nil, err
	}
	l, err := t.layout(ctx)
	if err != nil {
		return nil, err
	}
	set := 0
	for _, f := range l.fields {
		v, wanted := n.Fields[f.name]
		if !wanted {
			continue
		}
		set++
		if out[f.id], err = encoded(f, v, kind); err != nil {
			return nil, err
		}
	}
	if set != len(n.Fields) {
		return nil, fmt.Errorf("a field is not among the mapped ones: %w", access.ErrInvalid)
	}
	return out, nil
}

// marked returns the ticket that carries the marker, empty when search knows none.
func (t *Tickets) marked(ctx context.Context, n ticket.New) (ticket.Key, error) {
	kind, err := t.site(ctx)
	if err != nil {
		return "", err
	}
	jql := "project = " + quoted([]string{n.Project}) + " AND labels = " + quoted([]string{n.Marker})
	query := url.Values{"jql": {jql}, "fields": {"summary"}}
	search := t.searchCloud
	if kind == dataCenter {
		search = t.searchDataCenter
	}
	found, err := search(ctx, query)
	if err != nil {
		return "", fmt.Errorf("look for the marker: %w", err)
	}
	switch len(found) {
	case 0:
		_, err := t.Self(ctx) // nothing found may mean nobody asked
		return "", err
	case 1:
		if key := keyOf(found[0]); key != "" {
			return key, nil
		}
		return "", malformed("issue without a key")
	}
	return "", fmt.Errorf("%d tickets have the marker: %w", len(found), access.ErrConflict)
}

// RemoteLink is a link from a ticket to something elsewhere.
type RemoteLink struct {
	GlobalID string // identifies the link; at most 255 characters. Linking again replaces what it says
	URL      string // where it leads
	Title    string // what the link says
	Summary  string // a line below it, may be empty
}

// Link puts the link on a ticket, or replaces the one with the same GlobalID. It may be repeated.
//
// Errors: [access.ErrUnconfirmed], [access.ErrDenied], [access.ErrInvalid].
//
// Source: Jira Cloud platform REST API v3, POST issue/{key}/remotelink: with a globalId it is an upsert.
func (t *Tickets) Link(ctx context.Context, key ticket.Key, l RemoteLink) error {
	if err := t.link(ctx, key, l); err != nil {
		return fmt.Errorf("link %s: %w", key, err)
	}
	return nil
}

func (t *Tickets) link(ctx context.Context, key ticket.Key, l RemoteLink) error {
	if _, err := issuePath(key, ""); err != nil {
		return err
	}
	if l.GlobalID == "" || len(l.GlobalID) > 255 || l.URL == "" || l.Title == "" {
		return fmt.Errorf("a link needs a global ID of at most 255 characters, an address and a title: %w", access.ErrInvalid)
	}
	watched, seen := transport.Watch(transport.WithIdempotent(ctx))
	_, _, err := t.sdk.Issue.AddRemoteLinkWithContext(watched, string(key), &sdk.RemoteLink{
		GlobalID: l.GlobalID, Object: &sdk.RemoteLinkObject{URL: l.URL, Title: l.Title, Summary: l.Summary},
	})
	return seen.Classify(http.MethodPost, err)
}
