package jiramock_test

import (
	"strings"
	"testing"

	"github.com/andygrunwald/go-jira"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// sdk is the official client, pointed at the site.
func (s *site) sdk() *jira.Client {
	s.t.Helper()
	transport := jira.BasicAuthTransport{Username: "sopd@example.com", Password: botToken}
	client, err := jira.NewClient(transport.Client(), s.URL())
	s.must(err)
	return client
}

func TestGoJiraReadsSearchesAndMovesIssues(t *testing.T) {
	s := newSite(t, jiramock.Config{PathPrefix: "/ex/jira/cloud-id"})
	key := string(s.request())
	client := s.sdk()
	issue, _, err := client.Issue.GetWithContext(t.Context(), key, &jira.GetQueryOptions{Expand: "changelog"})
	s.must(err)
	if issue.Fields.Status.Name != "Waiting for approval" || issue.Fields.Reporter.AccountID != string(s.requester) {
		t.Errorf("issue %+v", issue.Fields.Status)
	}
	found, _, err := client.Issue.SearchV2JQLWithContext(t.Context(), "project = ACC", &jira.SearchOptionsV2{Fields: []string{"summary"}})
	s.must(err)
	if len(found) != 1 || found[0].Fields.Summary != "Access to payments" {
		t.Errorf("found %v", found)
	}
	transitions, _, err := client.Issue.GetTransitionsWithContext(t.Context(), key)
	s.must(err)
	if _, err := client.Issue.DoTransitionWithContext(t.Context(), key, transitions[0].ID); err != nil {
		t.Error(err)
	}
	if got, _ := s.Issue(jiramock.Key(key)); got.Status != "In progress" {
		t.Errorf("status %q", got.Status)
	}
	_, _, err = client.Issue.PostAttachmentWithContext(t.Context(), key, strings.NewReader("evidence"), "evidence.txt")
	s.must(err)
	if got, _ := s.Issue(jiramock.Key(key)); len(got.Attachments) != 1 || string(got.Attachments[0].Data) != "evidence" {
		t.Errorf("attachments %v", got.Attachments)
	}
	fields, _, err := client.Field.GetListWithContext(t.Context())
	s.must(err)
	if len(fields) < 20 {
		t.Errorf("%d fields", len(fields))
	}
}

func TestGoJirasCommentWithEmptyPeopleIsRefusedOnCloudOnly(t *testing.T) {
	cloud := newSite(t, jiramock.Config{})
	key := string(cloud.request())
	if _, _, err := cloud.sdk().Issue.AddCommentWithContext(t.Context(), key, &jira.Comment{Body: "x"}); err == nil {
		t.Error("Cloud took a comment with an empty author")
	}
	dc := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter})
	key = string(dc.request())
	if _, _, err := dc.sdk().Issue.AddCommentWithContext(t.Context(), key, &jira.Comment{Body: "x"}); err != nil {
		t.Error(err)
	}
}

func TestGoJiraCreatesIssues(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	created, _, err := s.sdk().Issue.CreateWithContext(t.Context(), &jira.Issue{Fields: &jira.IssueFields{
		Project: jira.Project{Key: "OPS"}, Type: jira.IssueType{Name: "Task"}, Summary: "Review", Labels: []string{"idem-1"},
	}})
	s.must(err)
	if got, _ := s.Issue(jiramock.Key(created.Key)); got.Summary != "Review" || got.Labels[0] != "idem-1" {
		t.Errorf("created %+v", got)
	}
	if _, err := s.sdk().Issue.DeleteWithContext(t.Context(), created.Key); err != nil {
		t.Error(err)
	}
}
