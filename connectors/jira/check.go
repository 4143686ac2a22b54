package jira

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// permission is something that the account must be allowed to do in a project.
type permission struct {
	key string // Jira's name
	why string
}

// permissions are those that sopd uses.
//
// Source: Jira platform REST API, GET mypermissions; keys of the built-in project permissions.
func permissions() []permission {
	return []permission{
		{"BROWSE_PROJECTS", "read tickets"},
		{"ADD_COMMENTS", "tell people what was done"},
		{"TRANSITION_ISSUES", "move tickets on"},
		{"CREATE_ATTACHMENTS", "attach evidence"},
		{"LINK_ISSUES", "link pages and alerts"},
		{"CREATE_ISSUES", "open review and follow-up tickets"},
	}
}

// Check reports everything that keeps the connector from working in the projects, each missing permission by name. It
// changes nothing. Without a working credential nothing else is looked at.
func (t *Tickets) Check(ctx context.Context, projects []string) []access.Problem {
	if _, err := t.Self(ctx); err != nil {
		return []access.Problem{{
			What: "log in to Jira", Err: err,
			Fix: "check the address, the account and its token; tokens expire after a year at most",
		}}
	}
	var out []access.Problem
	if _, err := t.site(ctx); err != nil {
		out = append(out, access.Problem{What: "ask what kind of Jira it is", Fix: "check that the address is a Jira site", Err: err})
	}
	_, problems := t.resolved(ctx)
	for _, err := range problems {
		out = append(out, access.Problem{
			What: "find the mapped fields", Err: err,
			Fix: "name each field as Jira shows it, or by its id where several have that name",
		})
	}
	for _, p := range projects {
		out = append(out, t.checkProject(ctx, p)...)
	}
	return out
}

func (t *Tickets) checkProject(ctx context.Context, project string) []access.Problem {
	what := "use project " + project
	if err := checkProjects([]string{project}); err != nil {
		return []access.Problem{{What: "use a project", Fix: "name projects by their keys, such as ACC", Err: err}}
	}
	needed, err := t.needed(ctx, project)
	var granted []string
	if err == nil {
		granted, err = t.granted(ctx, project, needed)
	}
	if err != nil {
		return []access.Problem{{What: what, Fix: "create the project, or let the account browse it", Err: err}}
	}
	var out []access.Problem
	for _, p := range needed {
		if !slices.Contains(granted, p.key) {
			out = append(out, access.Problem{
				What: what, Fix: fmt.Sprintf("grant %s to the account, to %s", p.key, p.why),
				Err: fmt.Errorf("permission %s is missing: %w", p.key, access.ErrDenied),
			})
		}
	}
	return out
}

// needed lists the permissions that sopd uses in the project: in a service desk it reads approvals too, which is for
// agents.
//
// Source: Jira Service Management Cloud REST API, GET request/{key}/approval: permission to view the request.
func (t *Tickets) needed(ctx context.Context, project string) ([]permission, error) {
	var answer struct {
		Kind string `json:"projectTypeKey"`
	}
	if err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/project/" + project}, &answer); err != nil {
		return nil, fmt.Errorf("read the project: %w", err)
	}
	out := permissions()
	if answer.Kind == "service_desk" {
		out = append(out, permission{"SERVICEDESK_AGENT", "read approvals"})
	}
	return out, nil
}

// granted lists those of the permissions that the account has in the project.
func (t *Tickets) granted(ctx context.Context, project string, needed []permission) ([]string, error) {
	var names []string
	for _, p := range needed {
		names = append(names, p.key)
	}
	var answer struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	query := url.Values{"projectKey": {project}, "permissions": {strings.Join(names, ",")}}
	err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/mypermissions", query: query}, &answer)
	if err != nil {
		return nil, fmt.Errorf("read permissions: %w", err)
	}
	if answer.Permissions == nil {
		return nil, malformed("no permissions")
	}
	var out []string
	for name, p := range answer.Permissions {
		if p.Have {
			out = append(out, name)
		}
	}
	return out, nil
}
