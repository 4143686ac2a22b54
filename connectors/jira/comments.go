package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// maxComment is the longest text, in characters, that Jira takes by default.
//
// Source: Atlassian support, "Unable to save comments: 32,767 characters".
const maxComment = 32767

type wireComment struct {
	ID         string          `json:"id"`
	Author     *wireUser       `json:"author"`
	Editor     *wireUser       `json:"updateAuthor"`
	Body       json.RawMessage `json:"body"`
	Created    wireTime        `json:"created"`
	Updated    wireTime        `json:"updated"`
	Public     *bool           `json:"jsdPublic"`
	Properties []wireProperty  `json:"properties"`
}

// wireProperty is a property of a comment.
type wireProperty struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// visibility is the property by which a comment is internal.
//
// Source: Jira Service Management, comment property "sd.public.comment".
const visibility = "sd.public.comment"

type visibilityValue struct {
	Internal bool `json:"internal"`
}

// comment translates a comment.
//
// Source: Jira Cloud platform REST API v3, schema Comment: created, updated and updateAuthor.
func (w wireComment) comment() (ticket.Comment, error) {
	body, err := richText(w.Body)
	if err != nil || w.ID == "" || w.Created.IsZero() {
		return ticket.Comment{}, malformed("comment")
	}
	out := ticket.Comment{ID: w.ID, Body: body, Created: w.Created.Time}
	if w.Author != nil {
		// Somebody without an account is nobody, and must not hide the comment.
		out.Author, out.Person.Account, out.Person.Name = w.Author.account(), w.Author.account(), w.Author.DisplayName
		out.Person.Email, out.Person.Active = w.Author.EmailAddress, w.Author.Active
	}
	w.edited(&out)
	out.Public, err = w.public()
	return out, err
}

// edited notes who changed the comment, and when. Until somebody does, both times and both people are the same; two clocks
// that show one instant hide nobody.
func (w wireComment) edited(c *ticket.Comment) {
	var editor ticket.AccountID
	if w.Editor != nil {
		editor = w.Editor.account()
	}
	if w.Updated.IsZero() || w.Updated.Equal(w.Created.Time) && (editor == "" || editor == c.Author) {
		return
	}
	c.Edited, c.Editor = w.Updated.Time, editor
}

// public reports whether the requester sees the comment. Cloud says so in jsdPublic; Data Center in the property, where
// there is one. Outside a service desk there is no portal.
func (w wireComment) public() (bool, error) {
	if w.Public != nil {
		return *w.Public, nil
	}
	for _, p := range w.Properties {
		if p.Key != visibility {
			continue
		}
		var v visibilityValue
		if err := json.Unmarshal(p.Value, &v); err != nil {
			return false, malformed("comment")
		}
		return !v.Internal, nil
	}
	return false, nil
}

// Comments returns every comment of a ticket, in Jira's order, oldest first.
//
// Errors: [access.ErrNotFound], [access.ErrIncomplete], [access.ErrMalformed].
func (t *Tickets) Comments(ctx context.Context, key ticket.Key) ([]ticket.Comment, error) {
	out, err := t.readComments(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read comments of %s: %w", key, err)
	}
	return out, nil
}

func (t *Tickets) readComments(ctx context.Context, key ticket.Key) ([]ticket.Comment, error) {
	path, err := issuePath(key, "/comment")
	if err != nil {
		return nil, err
	}
	var out []ticket.Comment
	r := request{method: http.MethodGet, path: path, query: map[string][]string{"expand": {"properties"}}}
	err = t.numbered(ctx, r, func(get func(any) error) (span, error) {
		var page struct {
			StartAt  *int              `json:"startAt"`
			Total    *int              `json:"total"`
			Comments []json.RawMessage `json:"comments"`
		}
		if err := get(&page); err != nil {
			return span{}, err
		}
		for _, raw := range page.Comments {
			var w wireComment
			if err := json.Unmarshal(raw, &w); err != nil {
				return span{}, malformed("comment")
			}
			c, err := w.comment()
			if err != nil {
				return span{}, err
			}
			c.Original = raw
			out = append(out, c)
		}
		return span{start: page.StartAt, total: page.Total, size: len(page.Comments)}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// NewComment is a comment to be made.
type NewComment struct {
	Body string // plain text or wiki markup, at most 32767 characters
	// Public shows it to the requester in the portal. A comment outside a service desk is seen by whoever sees the ticket,
	// in either case.
	Public bool
}

// Comment comments on a ticket. It is sent once: after [access.ErrUnconfirmed] look for the comment with
// [Tickets.Comments] before trying again.
//
// go-jira's own comment type sends an empty author and visibility, which Cloud refuses, and has no way to make a comment
// internal.
//
// Errors: [access.ErrUnconfirmed], [access.ErrDenied], [access.ErrNotFound], [access.ErrInvalid].
//
// Source: andygrunwald/go-jira#604, #671, #694.
func (t *Tickets) Comment(ctx context.Context, key ticket.Key, c NewComment) (ticket.Comment, error) {
	out, err := t.addComment(ctx, key, c)
	if err != nil {
		return ticket.Comment{}, fmt.Errorf("comment on %s: %w", key, err)
	}
	return out, nil
}

func (t *Tickets) addComment(ctx context.Context, key ticket.Key, c NewComment) (ticket.Comment, error) {
	path, err := issuePath(key, "/comment")
	if err != nil {
		return ticket.Comment{}, err
	}
	if c.Body == "" || utf8.RuneCountInString(c.Body) > maxComment {
		return ticket.Comment{}, fmt.Errorf("comment must have 1 to %d characters: %w", maxComment, access.ErrInvalid)
	}
	body := map[string]any{"body": c.Body}
	if !c.Public {
		body["properties"] = []any{map[string]any{"key": visibility, "value": visibilityValue{Internal: true}}}
	}
	var made wireComment
	if err := t.do(ctx, request{method: http.MethodPost, path: path, body: body}, &made); err != nil {
		return ticket.Comment{}, err
	}
	out, err := made.comment()
	if err != nil {
		return ticket.Comment{}, unconfirmed(err)
	}
	return out, nil
}

// unconfirmed says of a write whose answer could not be understood that it may have happened.
func unconfirmed(err error) error { return fmt.Errorf("%w: %w", access.ErrUnconfirmed, err) }
