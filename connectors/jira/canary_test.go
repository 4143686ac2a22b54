package jira_test

import (
	"errors"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestASearchThatDoesNotFindTheCanaryIsNotWhole(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment})
		canary := s.request()
		s.now = start.Add(time.Hour)
		wanted := s.request()
		q := jira.Query{Projects: []string{"ACC"}, Since: start.Add(time.Minute), Canary: canary}
		got, err := s.jira.Changed(t.Context(), q)
		s.must(err)
		if len(got.Tickets) != 1 || got.Tickets[0].Key != wanted {
			t.Errorf("%s: found %d tickets, want the one that changed and not the canary", deployment, len(got.Tickets))
		}
		q.Since = time.Time{}
		got, err = s.jira.Changed(t.Context(), q)
		s.must(err)
		if len(got.Tickets) != 2 {
			t.Errorf("%s: found %d tickets, want both: the canary is asked for besides", deployment, len(got.Tickets))
		}
		s.must(s.Delete(s.bot, jiramock.Key(canary)))
		if got, err := s.jira.Changed(t.Context(), q); err == nil || len(got.Tickets) > 0 {
			t.Errorf("%s: without the canary: %d tickets, %v", deployment, len(got.Tickets), err)
		}
	}
}

func TestAnAnswerWithNothingIsNoAnswerWhereThereIsACanary(t *testing.T) {
	s := newSite(t, jiramock.Config{BadToken: jiramock.AnswersNobody})
	canary := s.request()
	s.ExpireToken(token)
	_, err := s.jira.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}, Canary: canary})
	if !errors.Is(err, access.ErrIncomplete) && !errors.Is(err, access.ErrUnauthenticated) && !errors.Is(err, access.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestACanaryThatIsNoKeyIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	_, err := s.jira.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}, Canary: ticket.Key(`x" OR key > "A`)})
	if !errors.Is(err, access.ErrInvalid) {
		t.Errorf("error %v, want invalid", err)
	}
}
