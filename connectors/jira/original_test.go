package jira_test

import (
	"encoding/json"
	"testing"

	"github.com/maisonrmi/sopd/connectors/conntest"
	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// TestATicketComesWithWhatJiraSent holds the originals against what went over the wire, byte by byte.
func TestATicketComesWithWhatJiraSent(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment, ChangelogCap: 1})
		r := conntest.Record(t, s.URL())
		options := jira.Options{Fields: mappedFields, URL: r.URL}
		if deployment == jiramock.DataCenter {
			options.Token = secret.New(token)
		}
		s.jira = s.connect(options)
		key := s.request()
		s.must(s.Answer(s.owner, jiramock.Key(key), "approve"))
		for _, summary := range []string{"für Łódź", "other"} {
			s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"summary": summary}))
		}
		one, err := s.jira.Ticket(t.Context(), key)
		s.must(err)
		many, err := s.jira.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}})
		s.must(err)
		for _, got := range []ticket.Ticket{one, many.Tickets[0]} {
			if !r.Sent(got.Original) {
				t.Errorf("%s: the issue is not what was sent: %s", deployment, got.Original)
			}
			histories := elements(t, got.OriginalHistory)
			if want := map[jiramock.Deployment]int{jiramock.Cloud: 3}[deployment]; len(histories) != want {
				t.Errorf("%s: %d histories apart from the issue, want %d", deployment, len(histories), want)
			}
			for _, h := range histories {
				if !r.Sent(h) {
					t.Errorf("%s: a history is not what was sent: %s", deployment, h)
				}
			}
		}
		_, err = s.jira.Comment(t.Context(), key, jira.NewComment{Body: "certify all"})
		s.must(err)
		comments, err := s.jira.Comments(t.Context(), key)
		if err != nil || len(comments) != 1 || !r.Sent(comments[0].Original) {
			t.Errorf("%s: a comment is not what was sent: %+v, %v", deployment, comments, err)
		}
		approvals, err := s.jira.Approvals(t.Context(), key)
		s.must(err)
		if len(approvals) != 1 || !r.Sent(approvals[0].Original) {
			t.Errorf("%s: approvals are not what was sent: %+v", deployment, approvals)
		}
	}
}

func elements(t *testing.T, list []byte) (all []json.RawMessage) {
	t.Helper()
	if len(list) == 0 {
		return nil
	}
	if err := json.Unmarshal(list, &all); err != nil {
		t.Fatal(err)
	}
	return all
}
