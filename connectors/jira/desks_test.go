package jira_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestDesksShowWhatCanBeAskedForAndHowItGoesOn(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	desks, err := s.jira.Desks(t.Context())
	s.must(err)
	if len(desks) != 1 || desks[0].Project != "ACC" || desks[0].Name != "Access" || len(desks[0].Requests) == 0 {
		t.Fatalf("%+v", desks)
	}
	r := desks[0].Requests[0]
	if r.Name != "Get access" {
		t.Errorf("request type %q", r.Name)
	}
	fields := map[string]string{}
	for _, f := range r.Fields {
		fields[f.Name] = f.Kind + " " + f.Items
	}
	want := map[string]string{
		"Summary": "string ", "System": "array option", "Access for": "user ", "Role": "option-with-child ", "Justification": "string ",
		"Expires": "date ", "Due": "datetime ", "Level": "number ", "Approvers": "array user",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	done := map[string]bool{}
	for _, status := range r.Statuses {
		done[status.Name] = status.Done
	}
	if is, known := done["Waiting for approval"]; !known || is {
		t.Errorf("statuses %v", r.Statuses)
	}
}

func TestDesksAreWholeOrAnError(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.Fail(jiramock.Fault{Path: "/rest/servicedeskapi/servicedesk", Kind: jiramock.EmptyPage, Times: 1})
	if desks, err := s.jira.Desks(t.Context()); !errors.Is(err, access.ErrIncomplete) || desks != nil {
		t.Errorf("%v %v", desks, err)
	}
	refused := s.connect(jira.Options{User: "sopd@example.com", Token: secret.New("wrong")})
	if desks, err := refused.Desks(t.Context()); err == nil || desks != nil {
		t.Errorf("a wrong token: %v %v", desks, err)
	}
}
