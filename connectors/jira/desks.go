package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// Desk is a service desk: a project with a portal.
type Desk struct {
	Project  string // the project's key
	Name     string // the project's name
	Requests []RequestType
}

// RequestType is what people can ask for at a desk.
type RequestType struct {
	Name     string      // as the portal shows it
	Fields   []FormField // on its form, in the form's order; none when the form could not be read
	Statuses []Status    // of the workflow of its issue type, in Jira's order
}

// FormField is a field of a request's form.
type FormField struct {
	Name     string // as the portal shows it
	Kind     string // schema type: "date", "datetime", "user", "option", "array", …
	Items    string // schema type of what an array holds
	Required bool   // the portal does not take the form without it
}

// deskPage is how many values of a list of the service desk API are asked for at once.
//
// Source: Jira Service Management Cloud REST API, GET request/{key}/approval: limit, by default 50.
const deskPage = 50

// numeric is what the identifiers of desks, request types and issue types look like; nothing else goes into a path.
var numeric = regexp.MustCompile(`^[0-9]{1,18}$`)

type wireDesk struct {
	ID      string `json:"id"`
	Project string `json:"projectKey"`
	Name    string `json:"projectName"`
}

type wireRequestType struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	IssueType string `json:"issueTypeId"`
}

// Desks lists the service desks that the account sees, with what can be asked for at each. A form that may not be read is
// left empty: the rest is worth having.
//
// Errors: [access.ErrIncomplete], [access.ErrMalformed], and the causes of any read. On any error the list is nil.
//
// Source: Jira Service Management Cloud REST API, GET servicedesk, servicedesk/{id}/requesttype and its field; Jira
// platform REST API, GET project/{key}/statuses.
func (t *Tickets) Desks(ctx context.Context) ([]Desk, error) {
	found, err := deskPages[wireDesk](ctx, t, "rest/servicedeskapi/servicedesk")
	if err != nil {
		return nil, fmt.Errorf("list service desks: %w", err)
	}
	out := make([]Desk, 0, len(found))
	for _, w := range found {
		if !numeric.MatchString(w.ID) || checkProjects([]string{w.Project}) != nil {
			return nil, malformed("service desk")
		}
		desk, err := t.desk(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("read service desk %s: %w", w.Project, err)
		}
		out = append(out, desk)
	}
	return out, nil
}

func (t *Tickets) desk(ctx context.Context, w wireDesk) (Desk, error) {
	desk := Desk{Project: w.Project, Name: w.Name}
	types, err := deskPages[wireRequestType](ctx, t, "rest/servicedeskapi/servicedesk/"+w.ID+"/requesttype")
	if err != nil {
		return Desk{}, err
	}
	workflows, err := t.workflows(ctx, w.Project)
	if err != nil {
		return Desk{}, err
	}
	statuses := make(map[string][]Status, len(workflows))
	for _, kind := range workflows {
		statuses[kind.ID] = kind.statuses()
	}
	for _, r := range types {
		if !numeric.MatchString(r.ID) || r.Name == "" {
			return Desk{}, malformed("request type")
		}
		fields, err := t.form(ctx, "rest/servicedeskapi/servicedesk/"+w.ID+"/requesttype/"+r.ID+"/field")
		if err != nil && !errors.Is(err, access.ErrDenied) && !errors.Is(err, access.ErrNotFound) {
			return Desk{}, err
		}
		desk.Requests = append(desk.Requests, RequestType{Name: r.Name, Fields: fields, Statuses: statuses[r.IssueType]})
	}
	return desk, nil
}

// form lists the fields of a request type.
func (t *Tickets) form(ctx context.Context, path string) ([]FormField, error) {
	var answer struct {
		Fields *[]struct {
			Name     string `json:"name"`
			Required bool   `json:"required"`
			Schema   struct {
				Type  string `json:"type"`
				Items string `json:"items"`
			} `json:"jiraSchema"`
		} `json:"requestTypeFields"`
	}
	if err := t.do(ctx, request{method: http.MethodGet, path: path}, &answer); err != nil {
		return nil, err
	}
	if answer.Fields == nil {
		return nil, malformed("form without fields")
	}
	var out []FormField
	for _, f := range *answer.Fields {
		out = append(out, FormField{Name: f.Name, Kind: f.Schema.Type, Items: f.Schema.Items, Required: f.Required})
	}
	return out, nil
}

// deskPages reads all pages of a list of the service desk API.
func deskPages[T any](ctx context.Context, t *Tickets, path string) ([]T, error) {
	var out []T
	var guard transport.Pages
	for start := 0; ; {
		var page struct {
			Start  *int  `json:"start"`
			IsLast *bool `json:"isLastPage"`
			Values []T   `json:"values"`
		}
		query := url.Values{"start": {strconv.Itoa(start)}, "limit": {strconv.Itoa(deskPage)}}
		if err := t.do(ctx, request{method: http.MethodGet, path: path, query: query}, &page); err != nil {
			return nil, err
		}
		if page.Start == nil || page.IsLast == nil {
			return nil, malformed("page without its place")
		}
		if *page.Start != start || len(page.Values) == 0 && !*page.IsLast {
			return nil, fmt.Errorf("another page than the one asked for: %w", access.ErrIncomplete)
		}
		out = append(out, page.Values...)
		if *page.IsLast {
			return out, nil
		}
		start += len(page.Values)
		if err := guard.Next(strconv.Itoa(start)); err != nil {
			return nil, err
		}
	}
}
