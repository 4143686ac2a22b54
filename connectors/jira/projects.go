package jira

import (
	"context"
	"fmt"
	"net/http"

	"github.com/maisonrmi/sopd/connectors/transport"
)

// Project is a project with the issue types that its tickets can have.
type Project struct {
	Key   string      // short and stable, such as ACC
	Types []IssueType // in Jira's order
}

// IssueType is a sort of ticket in a project.
type IssueType struct {
	Name     string   // as people see it
	Statuses []Status // of its workflow, in Jira's order
}

// Projects lists the projects that the account sees, whether or not they have a portal.
//
// Errors: [access.ErrMalformed], and the causes of any read. On any error the list is nil.
//
// Source: Jira platform REST API, GET project: every visible project in one answer, in Cloud and Data Center.
func (t *Tickets) Projects(ctx context.Context) ([]Project, error) {
	var found []struct {
		Key string `json:"key"`
	}
	if err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/project"}, &found); err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	out := make([]Project, 0, len(found))
	for _, p := range found {
		if checkProjects([]string{p.Key}) != nil {
			return nil, malformed("project")
		}
		types, err := t.workflows(ctx, p.Key)
		if err != nil {
			return nil, fmt.Errorf("read statuses of project %s: %w", p.Key, err)
		}
		project := Project{Key: p.Key}
		for _, kind := range types {
			project.Types = append(project.Types, IssueType{Name: kind.Name, Statuses: kind.statuses()})
		}
		out = append(out, project)
	}
	return out, nil
}

// FieldNames lists the names of the fields that tickets of the site can have.
//
// Errors: the causes of any read.
func (t *Tickets) FieldNames(ctx context.Context) ([]string, error) {
	watched, seen := transport.Watch(ctx)
	list, _, err := t.sdk.Field.GetListWithContext(watched)
	if err := seen.Classify(http.MethodGet, err); err != nil {
		return nil, fmt.Errorf("read the list of fields: %w", err)
	}
	names := make([]string, 0, len(list))
	for _, f := range list {
		names = append(names, f.Name)
	}
	return names, nil
}
