package jira_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestProjectsShowTheirIssueTypesAndStatuses(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.AddProject(jiramock.Project{Key: "SIR", Name: "Incidents", IssueTypes: []string{"Incident"}, Workflow: jiramock.Workflow{
		Name: "Incidents", Statuses: []jiramock.Status{{Name: "Open", Category: jiramock.ToDo}, {Name: "Resolved", Category: jiramock.Done}},
	}})
	projects, err := s.jira.Projects(t.Context())
	s.must(err)
	i := slices.IndexFunc(projects, func(p jira.Project) bool { return p.Key == "SIR" })
	if i < 0 || len(projects) < 2 {
		t.Fatalf("%+v", projects)
	}
	want := []jira.Status{{Name: "Open"}, {Name: "Resolved", Done: true}}
	if types := projects[i].Types; len(types) != 1 || types[0].Name != "Incident" || !slices.Equal(types[0].Statuses, want) {
		t.Errorf("%+v", types)
	}
	names, err := s.jira.FieldNames(t.Context())
	s.must(err)
	if !slices.Contains(names, "Justification") {
		t.Errorf("%v", names)
	}
}

func TestProjectsAreWholeOrAnError(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.Fail(jiramock.Fault{Path: "/statuses", Kind: jiramock.FailBefore, Times: -1})
	if projects, err := s.jira.Projects(t.Context()); err == nil || projects != nil {
		t.Errorf("without statuses: %v %v", projects, err)
	}
	refused := s.connect(jira.Options{User: "sopd@example.com", Token: secret.New("wrong")})
	if projects, err := refused.Projects(t.Context()); err == nil || projects != nil {
		t.Errorf("a wrong token: %v %v", projects, err)
	}
	if _, err := refused.FieldNames(t.Context()); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("a wrong token: %v", err)
	}
}
