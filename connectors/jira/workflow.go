package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// Way is a transition of a workflow.
type Way struct {
	Workflow string   // its name; empty where only a ticket showed the way
	Name     string   // what the button says
	From     []string // statuses by name; empty: from every status
	To       string   // a status by name
	Initial  bool     // tickets are created by it
	Decision bool     // only the decision of an approval takes it
}

// The bulk read of workflows.
//
// Source: Jira Cloud platform REST API v3, POST workflows, "Bulk get workflows", looked up on 2026-11-24 in
// docs.rs/crate/jira_v3_openapi 1.6.1 (JiraWorkflow, WorkflowTransitions, ApprovalConfiguration) and in
// konfig-sdks/atlassian-jira-java-sdk, docs/WorkflowsApi.md: needs Administer Jira, or in the project Administer projects or
// View (read-only) workflow; without these it answers 401. Data Center's REST API has no such resource.
const workflowsPath = "rest/api/3/workflows"

// Ways lists the transitions of every workflow of the project, sorted. types are issue types by name; none: all.
//
// Errors: [access.ErrInvalid] on Data Center, which does not show workflows; [access.ErrUnauthenticated] or
// [access.ErrDenied] without the permission; [access.ErrMalformed].
func (t *Tickets) Ways(ctx context.Context, project string, types []string) ([]Way, error) {
	if err := checkProjects([]string{project}); err != nil {
		return nil, err
	}
	kind, err := t.site(ctx)
	if err != nil {
		return nil, err
	}
	if kind == dataCenter {
		return nil, fmt.Errorf("this Jira does not show workflows: %w", access.ErrInvalid)
	}
	pairs, err := t.issueTypes(ctx, project, types)
	if err != nil {
		return nil, err
	}
	var answer wireWorkflows
	query := url.Values{"useTransitionLinksFormat": {"true"}, "useApprovalConfiguration": {"true"}}
	body := map[string]any{"projectAndIssueTypes": pairs}
	if err := t.do(ctx, request{method: http.MethodPost, path: workflowsPath, query: query, body: body, read: true}, &answer); err != nil {
		return nil, fmt.Errorf("read workflows of project %s: %w", project, err)
	}
	return answer.ways()
}

// issueTypes returns the project's issue types of the names, as the bulk read wants them named.
func (t *Tickets) issueTypes(ctx context.Context, project string, types []string) ([]map[string]string, error) {
	var answer struct {
		ID    string `json:"id"`
		Types []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"issueTypes"`
	}
	if err := t.do(ctx, request{method: http.MethodGet, path: "rest/api/2/project/" + project}, &answer); err != nil {
		return nil, fmt.Errorf("read project %s: %w", project, err)
	}
	var pairs []map[string]string
	for _, kind := range answer.Types {
		if len(types) == 0 || slices.Contains(types, kind.Name) {
			pairs = append(pairs, map[string]string{"projectId": answer.ID, "issueTypeId": kind.ID})
		}
	}
	if len(pairs) == 0 {
		return nil, malformed("project without issue types")
	}
	return pairs, nil
}

type wireWorkflows struct {
	Statuses []struct {
		Reference string `json:"statusReference"`
		Name      string `json:"name"`
	} `json:"statuses"`
	Workflows []struct {
		Name     string `json:"name"`
		Statuses []struct {
			Approval *struct {
				Approved string `json:"transitionApproved"`
				Rejected string `json:"transitionRejected"`
			} `json:"approvalConfiguration"`
		} `json:"statuses"`
		Transitions []wireWay `json:"transitions"`
	} `json:"workflows"`
}

type wireWay struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"` // INITIAL, GLOBAL or DIRECTED
	To    string `json:"toStatusReference"`
	Links []struct {
		From string `json:"fromStatusReference"`
	} `json:"links"`
}

func (w wireWorkflows) ways() ([]Way, error) {
	if len(w.Workflows) == 0 {
		return nil, malformed("no workflow")
	}
	names := make(map[string]string, len(w.Statuses))
	for _, s := range w.Statuses {
		names[s.Reference] = s.Name
	}
	var out []Way
	for _, flow := range w.Workflows {
		var decisions []string
		for _, s := range flow.Statuses {
			if s.Approval != nil {
				decisions = append(decisions, s.Approval.Approved, s.Approval.Rejected)
			}
		}
		for _, transition := range flow.Transitions {
			way, err := transition.way(names)
			if err != nil {
				return nil, err
			}
			way.Workflow, way.Decision = flow.Name, slices.Contains(decisions, transition.ID)
			out = append(out, way)
		}
	}
	sortWays(out)
	return out, nil
}

func (w wireWay) way(names map[string]string) (Way, error) {
	out := Way{Name: w.Name, To: names[w.To], Initial: w.Type == "INITIAL"}
	for _, link := range w.Links {
		from := names[link.From]
		if from == "" {
			return Way{}, malformed("transition from an unknown status")
		}
		out.From = append(out.From, from)
	}
	if out.To == "" || w.Type == "DIRECTED" && len(out.From) == 0 {
		return Way{}, malformed("transition without its statuses")
	}
	if w.Type == "GLOBAL" {
		out.From = nil
	}
	return out, nil
}

func sortWays(ways []Way) {
	slices.SortStableFunc(ways, func(a, b Way) int {
		return strings.Compare(a.Workflow+"\x00"+a.To+"\x00"+a.Name, b.Workflow+"\x00"+b.To+"\x00"+b.Name)
	})
}

// WaysSeen lists the transitions that our own account could take now on one ticket in each status of the project, sorted.
// It is what can be known of a workflow without a permission to see it: statuses in which no ticket stands, and
// transitions that are kept from the account, are missing.
//
// Errors: [access.ErrDenied], [access.ErrMalformed] and others of reading.
func (t *Tickets) WaysSeen(ctx context.Context, project string, types []string) ([]Way, error) {
	byType, err := t.Statuses(ctx, project)
	if err != nil {
		return nil, err
	}
	var names []string
	for kind, statuses := range byType {
		for _, s := range statuses {
			if len(types) == 0 || slices.Contains(types, kind) {
				names = append(names, s.Name)
			}
		}
	}
	slices.Sort(names)
	var out []Way
	for _, status := range slices.Compact(names) {
		ways, err := t.waysFrom(ctx, project, status)
		if err != nil {
			return nil, fmt.Errorf("read the transitions of project %s: %w", project, err)
		}
		out = append(out, ways...)
	}
	sortWays(out)
	return out, nil
}

// waysFrom lists the transitions that a ticket in the status offers; none when no ticket stands in it.
func (t *Tickets) waysFrom(ctx context.Context, project, status string) ([]Way, error) {
	kind, err := t.site(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{"jql": {"project = " + quoted([]string{project}) + " AND status = " + quoted([]string{status})}, "fields": {"status"}, "maxResults": {"1"}}
	path := "rest/api/3/search/jql"
	if kind == dataCenter {
		path = "rest/api/2/search"
	}
	var found struct {
		Issues []struct {
			Key string `json:"key"`
		} `json:"issues"`
	}
	err = t.do(ctx, request{method: http.MethodGet, path: path, query: query}, &found)
	if err != nil && !errors.Is(err, access.ErrInvalid) { // a status that no workflow uses any more is none for a search
		return nil, err
	}
	if len(found.Issues) == 0 {
		return nil, nil
	}
	watched, seen := transport.Watch(ctx)
	list, _, err := t.sdk.Issue.GetTransitionsWithContext(watched, found.Issues[0].Key)
	if err := seen.Classify(http.MethodGet, err); err != nil {
		return nil, err
	}
	var out []Way
	for _, transition := range list {
		out = append(out, Way{Name: transition.Name, From: []string{status}, To: transition.To.Name})
	}
	return out, nil
}
