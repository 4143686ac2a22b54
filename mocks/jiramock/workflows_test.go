package jiramock_test

import (
	"net/http"
	"testing"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestWorkflowsAreShownToThoseWhoMaySeeThemAsCloudShowsThem(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	project := s.get("/rest/api/2/project/ACC").body
	pair := map[string]any{"projectId": at(project, "id"), "issueTypeId": at(project, "issueTypes", 0, "id")}
	asked := map[string]any{"projectAndIssueTypes": []any{pair}}
	plain := s.robot(http.MethodPost, "/rest/api/3/workflows", asked)
	if at(plain.body, "workflows", 0, "transitions", 0, "to", "statusReference") == nil || at(plain.body, "workflows", 0, "transitions", 0, "links") != nil {
		t.Errorf("without useTransitionLinksFormat: %v", at(plain.body, "workflows", 0, "transitions", 0))
	}
	if at(plain.body, "workflows", 0, "statuses", 0, "approvalConfiguration") != nil {
		t.Error("an approval configuration was shown that nobody asked for")
	}
	linked := s.robot(http.MethodPost, "/rest/api/3/workflows?useTransitionLinksFormat=true&useApprovalConfiguration=true", asked)
	if at(linked.body, "workflows", 0, "transitions", 0, "toStatusReference") == nil || at(linked.body, "workflows", 0, "statuses", 0, "approvalConfiguration", "transitionApproved") != "901" {
		t.Errorf("as asked for: %v", linked.body)
	}
	for name, body := range map[string]any{
		"nothing": map[string]any{}, "no pair": map[string]any{"projectAndIssueTypes": []any{}}, "more": map[string]any{"projectAndIssueTypes": []any{pair}, "expand": "x"},
		"an unknown project": map[string]any{"projectAndIssueTypes": []any{map[string]any{"projectId": "1", "issueTypeId": "2"}}},
	} {
		if got := s.robot(http.MethodPost, "/rest/api/3/workflows", body); got.status != http.StatusBadRequest {
			t.Errorf("asked for %s: status %d", name, got.status)
		}
	}
	if got := s.robot(http.MethodPost, "/rest/api/2/workflows", asked); got.status != http.StatusNotFound {
		t.Errorf("version 2: status %d", got.status)
	}
	s.must(s.Deny(s.bot, "ACC", "ADMINISTER_PROJECTS"))
	if got := s.robot(http.MethodPost, "/rest/api/3/workflows", asked); got.status != http.StatusOK {
		t.Errorf("with the permission to look: status %d", got.status)
	}
	s.must(s.Deny(s.bot, "ACC", "VIEW_READONLY_WORKFLOW"))
	if got := s.robot(http.MethodPost, "/rest/api/3/workflows", asked); got.status != http.StatusUnauthorized {
		t.Errorf("without any permission: status %d", got.status)
	}
}

func TestDataCenterKnowsNoReadingOfWorkflows(t *testing.T) {
	s := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter})
	if got := s.robot(http.MethodPost, "/rest/api/3/workflows", map[string]any{}); got.status != http.StatusNotFound {
		t.Errorf("status %d", got.status)
	}
}
