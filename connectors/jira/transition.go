package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Transition moves a ticket to the status with the name, by whichever transition of its workflow leads there: ids of
// transitions differ between workflows. A ticket that is there already is left alone, so after [access.ErrUnconfirmed]
// the call can be made again: it looks first.
//
// Errors: [access.ErrConflict] when no transition leads there from the present status, or the ticket moved meanwhile;
// [access.ErrUnconfirmed], [access.ErrInvalid], [access.ErrNotFound].
func (t *Tickets) Transition(ctx context.Context, key ticket.Key, status string) error {
	if err := t.move(ctx, key, status); err != nil {
		return fmt.Errorf("move %s to status %q: %w", key, status, err)
	}
	return nil
}

func (t *Tickets) move(ctx context.Context, key ticket.Key, status string) error {
	before, err := t.status(ctx, key)
	if err != nil {
		return err
	}
	if strings.EqualFold(before, status) {
		return nil
	}
	id, err := t.transitionTo(ctx, key, status)
	if err != nil {
		return err
	}
	err = t.takeTransition(ctx, key, id)
	if !errors.Is(err, access.ErrInvalid) {
		return err
	}
	// 400 means both that the ticket has left the status and that the transition wants more than we give.
	now, lookup := t.status(ctx, key)
	switch {
	case lookup == nil && strings.EqualFold(now, status):
		return nil
	case lookup == nil && now != before:
		return fmt.Errorf("the ticket moved meanwhile: %w", access.ErrConflict)
	}
	return err
}

// status reads the ticket's present status.
func (t *Tickets) status(ctx context.Context, key ticket.Key) (string, error) {
	path, err := issuePath(key, "")
	if err != nil {
		return "", err
	}
	var issue struct {
		Fields struct {
			Status wireStatus `json:"status"`
		} `json:"fields"`
	}
	query := map[string][]string{"fields": {"status"}}
	if err := t.do(ctx, request{method: http.MethodGet, path: path, query: query}, &issue); err != nil {
		return "", err
	}
	if issue.Fields.Status.Name == "" {
		return "", malformed("no status")
	}
	return issue.Fields.Status.Name, nil
}

// transitionTo returns the id of a transition that leads to the status now.
func (t *Tickets) transitionTo(ctx context.Context, key ticket.Key, status string) (string, error) {
	watched, seen := transport.Watch(ctx)
	list, _, err := t.sdk.Issue.GetTransitionsWithContext(watched, string(key))
	if err := seen.Classify(http.MethodGet, err); err != nil {
		return "", err
	}
	for _, transition := range list {
		if strings.EqualFold(transition.To.Name, status) {
			return transition.ID, nil
		}
	}
	return "", fmt.Errorf("no transition leads there now: %w", access.ErrConflict)
}

func (t *Tickets) takeTransition(ctx context.Context, key ticket.Key, id string) error {
	watched, seen := transport.Watch(ctx)
	response, err := t.sdk.Issue.DoTransitionWithContext(watched, string(key), id)
	if response != nil {
		closeQuietly(response)
	}
	return seen.Classify(http.MethodPost, err)
}

// Status is a step that tickets of a type can be in.
type Status struct {
	Name string // as people see it
	Done bool   // of Jira's category "done"
}

// Statuses returns the statuses of each issue type of a project, by the type's name, in Jira's order.
//
// Errors: [access.ErrNotFound] also when the account may not see the project; [access.ErrMalformed].
//
// Source: Jira platform REST API, GET project/{projectIdOrKey}/statuses.
func (t *Tickets) Statuses(ctx context.Context, project string) (map[string][]Status, error) {
	if err := checkProjects([]string{project}); err != nil {
		return nil, err
	}
	types, err := t.workflows(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("read statuses of project %s: %w", project, err)
	}
	out := map[string][]Status{}
	for _, kind := range types {
		out[kind.Name] = append(out[kind.Name], kind.statuses()...)
	}
	return out, nil
}

// wireIssueType is an issue type of a project with the statuses of its workflow.
type wireIssueType struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Statuses []wireStatus `json:"statuses"`
}

func (w wireIssueType) statuses() []Status {
	var out []Status
	for _, s := range w.Statuses {
		out = append(out, Status{Name: s.Name, Done: s.Category.Key == "done"})
	}
	return out
}

func (t *Tickets) workflows(ctx context.Context, project string) ([]wireIssueType, error) {
	var types []wireIssueType
	return types, t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/project/" + project + "/statuses"}, &types)
}
