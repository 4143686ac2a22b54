package jira_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestTheWaysOfAWorkflowAreReadWithWhatTakesThem(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	got, err := s.jira.Ways(t.Context(), "ACC", []string{"Service Request"})
	s.must(err)
	waiting, progress := []string{"Waiting for approval"}, "In progress"
	want := []jira.Way{
		{Workflow: "access", Name: "Decline", From: waiting, To: "Declined", Decision: true},
		{Workflow: "access", Name: "Close", From: []string{progress, "Waiting for validation"}, To: "Done"},
		{Workflow: "access", Name: "Approve", From: waiting, To: progress, Decision: true},
		{Workflow: "access", Name: "Reopen", From: []string{"Done", "Declined"}, To: progress},
		{Workflow: "access", Name: "Start work", To: progress},
		{Workflow: "access", Name: "Create", To: "Waiting for approval", Initial: true},
		{Workflow: "access", Name: "Ask for validation", From: []string{progress}, To: "Waiting for validation"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAWorkflowThatCannotBeReadIsAnErrorAndItsTicketsStillShowSome(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.must(s.Deny(s.bot, "ACC", "ADMINISTER_PROJECTS", "VIEW_READONLY_WORKFLOW"))
	if ways, err := s.jira.Ways(t.Context(), "ACC", nil); !errors.Is(err, access.ErrUnauthenticated) || ways != nil {
		t.Errorf("ways %v, error %v", ways, err)
	}
	_, err := s.CreateRequest("ACC", "Get access", s.rita, map[string]any{"Approvers": []jiramock.AccountID{s.owner}})
	s.must(err)
	ways, err := s.jira.WaysSeen(t.Context(), "ACC", nil)
	s.must(err)
	want := []jira.Way{{Name: "Start work", From: []string{"Waiting for approval"}, To: "In progress"}}
	if diff := cmp.Diff(want, ways); diff != "" {
		t.Error(diff)
	}
}

func TestDataCenterShowsNoWorkflowButWhatItsTicketsOffer(t *testing.T) {
	s := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter})
	if ways, err := s.jira.Ways(t.Context(), "OPS", nil); !errors.Is(err, access.ErrInvalid) || ways != nil {
		t.Errorf("ways %v, error %v", ways, err)
	}
	_, err := s.CreateRequest("OPS", "Task", s.rita, nil)
	s.must(err)
	ways, err := s.jira.WaysSeen(t.Context(), "OPS", []string{"Task"})
	s.must(err)
	if diff := cmp.Diff([]jira.Way{{Name: "Finish", From: []string{"To Do"}, To: "Done"}}, ways); diff != "" {
		t.Error(diff)
	}
}

func TestAProjectThatIsNotThereHasNoWays(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	if _, err := s.jira.Ways(t.Context(), "NONE", nil); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if _, err := s.jira.Ways(t.Context(), "no key", nil); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("error %v", err)
	}
	if _, err := s.jira.Ways(t.Context(), "ACC", []string{"Moon landing"}); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("error %v", err)
	}
	if _, err := s.jira.WaysSeen(t.Context(), "NONE", nil); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestWhoChangedTheStatusIsShownWithTheTicket(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment})
		key, err := s.CreateRequest("OPS", "Task", s.rita, nil)
		s.must(err)
		s.now = s.now.Add(time.Minute)
		s.must(s.Story.Transition(s.owner, key, "Done"))
		got, err := s.jira.Ticket(t.Context(), ticket.Key(key))
		s.must(err)
		owner := got.People[ticket.AccountID(s.owner)]
		if owner.Email != "olive@example.com" || !owner.Active {
			t.Errorf("%s: people %+v", deployment, got.People)
		}
		found, err := s.jira.Changed(t.Context(), jira.Query{Projects: []string{"OPS"}})
		s.must(err)
		if len(found.Tickets) != 1 || found.Tickets[0].People[ticket.AccountID(s.owner)] != owner {
			t.Errorf("%s: found %+v", deployment, found)
		}
	}
}

// Old Data Center versions show no identifiers. A field that was renamed stands in the history under its old name, and
// nothing tells that it is the mapped one.
func TestAnEditOfAFieldThatNobodyKnowsAnyMoreIsMarked(t *testing.T) {
	s := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter, HideFieldIDs: true})
	key, err := s.CreateRequest("OPS", "Task", s.rita, nil)
	s.must(err)
	s.must(s.Edit(s.rita, key, map[string]any{"Justification": "a reason"}))
	s.must(s.Edit(s.rita, key, map[string]any{"Summary": "a title"}))
	for _, c := range []struct {
		name   string
		fields []string
		field  string
		rename string
		want   map[string]bool
	}{
		{"nothing was renamed", mappedFields[:5], "", "", map[string]bool{"Justification": false, "summary": false}},
		{"the field was renamed", []string{"Reason"}, "Justification", "Reason", map[string]bool{"Justification": true, "summary": false}},
	} {
		if c.field != "" {
			s.must(s.Rename(c.field, c.rename))
		}
		got, err := s.connect(jira.Options{Fields: c.fields}).Ticket(t.Context(), ticket.Key(key))
		s.must(err)
		marked := map[string]bool{}
		for _, e := range got.History {
			marked[e.Field] = e.Unknown
		}
		if diff := cmp.Diff(c.want, marked); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}
