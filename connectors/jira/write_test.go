package jira_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestCommentsArePublicOrInternalAsAsked(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	for _, public := range []bool{true, false} {
		got, err := s.jira.Comment(t.Context(), key, jira.NewComment{Body: "done CHG-1", Public: public})
		if err != nil || got.Public != public || got.Body != "done CHG-1" || got.Author != ticket.AccountID(s.bot) {
			t.Errorf("public %v: %+v, %v", public, got, err)
		}
	}
	all, err := s.jira.Comments(t.Context(), key)
	if err != nil || len(all) != 2 || !all[0].Public || all[1].Public {
		t.Errorf("comments %+v, %v", all, err)
	}
}

func TestEveryPageOfCommentsIsRead(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	for range 230 {
		s.must(s.Comment(s.rita, jiramock.Key(key), jiramock.NewComment{Body: "x"}))
	}
	if got, err := s.jira.Comments(t.Context(), key); err != nil || len(got) != 230 {
		t.Errorf("%d comments, %v", len(got), err)
	}
}

// Jira Cloud refuses the empty author and visibility that go-jira's comment type sends.
func TestACommentIsNotSentWithAnEmptyAuthor(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	_, err := s.jira.Comment(t.Context(), s.request(), jira.NewComment{Body: "x", Public: true})
	s.must(err)
	for _, c := range s.Calls() {
		if c.Method == "POST" && string(c.Body) != "{\"body\":\"x\"}\n" {
			t.Errorf("sent %s", c.Body)
		}
	}
}

func TestAWriteWhoseAnswerIsLostIsUnconfirmedAndSentOnce(t *testing.T) {
	writes := map[string]func(*site, ticket.Key) error{
		"/comment": func(s *site, key ticket.Key) error {
			_, err := s.jira.Comment(s.ctx(), key, jira.NewComment{Body: "x"})
			return err
		},
		"/transitions": func(s *site, key ticket.Key) error { return s.jira.Transition(s.ctx(), key, "In progress") },
		"/attachments": func(s *site, key ticket.Key) error {
			return s.jira.Attach(s.ctx(), key, "a.txt", strings.NewReader("x"))
		},
		"/issue": func(s *site, _ ticket.Key) error {
			_, err := s.jira.Create(s.ctx(), newTicket())
			return err
		},
	}
	for path, write := range writes {
		for _, kind := range []jiramock.FaultKind{jiramock.LostBefore, jiramock.LostAfter, jiramock.FailAfter, jiramock.Truncated} {
			if kind == jiramock.Truncated && path == "/transitions" {
				continue // has no body to truncate
			}
			s := newSite(t, jiramock.Config{})
			key := s.request()
			s.Fail(jiramock.Fault{Kind: kind, Method: "POST", Path: path, Times: -1})
			if err := write(s, key); !errors.Is(err, access.ErrUnconfirmed) {
				t.Errorf("%s %s: %v, want unconfirmed", path, kind, err)
			}
			if n := s.Count("POST", path); n != 1 {
				t.Errorf("%s %s: sent %d times", path, kind, n)
			}
		}
	}
}

func TestAnUnconfirmedTransitionIsLookedAtBeforeItIsRepeated(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.Fail(jiramock.Fault{Kind: jiramock.LostAfter, Method: "POST", Path: "/transitions"})
	if err := s.jira.Transition(t.Context(), key, "In progress"); !errors.Is(err, access.ErrUnconfirmed) {
		t.Fatalf("first: %v", err)
	}
	s.must(s.jira.Transition(t.Context(), key, "In progress"))
	if n := s.Count("POST", "/transitions"); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestATransitionIsFoundByItsStatusInEachWorkflow(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	request, task := s.request(), s.task()
	s.must(s.jira.Transition(t.Context(), request, "in PROGRESS"))
	s.must(s.jira.Transition(t.Context(), request, "Done"))
	s.must(s.jira.Transition(t.Context(), task, "Done"))
	s.must(s.jira.Transition(t.Context(), task, "Done")) // there already
	for _, key := range []ticket.Key{request, task} {
		if got, _ := s.Issue(jiramock.Key(key)); got.Status != "Done" {
			t.Errorf("%s is %q", key, got.Status)
		}
	}
	if err := s.jira.Transition(t.Context(), task, "To Do"); !errors.Is(err, access.ErrConflict) {
		t.Errorf("no way back: %v, want conflict", err)
	}
}

func TestARefusedTransitionIsAConflictOnlyWhenTheTicketMovedMeanwhile(t *testing.T) {
	for after, want := range map[string]error{"To Do": access.ErrInvalid, "Blocked": access.ErrConflict, "Done": nil} {
		status := "To Do"
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case r.Method == http.MethodPost:
				status = after
				w.WriteHeader(http.StatusBadRequest)
			case strings.HasSuffix(r.URL.Path, "/transitions"):
				fmt.Fprint(w, `{"transitions":[{"id":"11","name":"Finish","to":{"name":"Done"}}]}`)
			default:
				fmt.Fprintf(w, `{"fields":{"status":{"name":%q}}}`, status)
			}
		}))
		t.Cleanup(server.Close)
		c, err := jira.New(jira.Options{URL: server.URL, Token: secret.New(token)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Transition(t.Context(), "OPS-1", "Done"); !errors.Is(err, want) {
			t.Errorf("then %q: %v, want %v", after, err, want)
		}
	}
}

func TestAttachmentsAreSentAndListed(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.must(s.jira.Attach(t.Context(), key, "evidence.json", strings.NewReader(`{"a":1}`)))
	got, err := s.jira.Attachments(t.Context(), key)
	if err != nil || len(got) != 1 || got[0].Name != "evidence.json" || got[0].Size != 7 || !got[0].Created.Equal(start) {
		t.Errorf("attachments %+v, %v", got, err)
	}
	read, err := s.jira.Ticket(t.Context(), key)
	if err != nil || len(read.Files) != 1 || read.Files[0].Name != "evidence.json" || !read.Files[0].Added.Equal(start) {
		t.Errorf("the ticket's files %+v, %v", read.Files, err)
	}
	if issue, _ := s.Issue(jiramock.Key(key)); string(issue.Attachments[0].Data) != `{"a":1}` {
		t.Errorf("content %q", issue.Attachments[0].Data)
	}
	for _, c := range s.Calls() {
		if c.Method == "POST" && c.Header.Get("X-Atlassian-Token") != "no-check" {
			t.Errorf("X-Atlassian-Token is %q", c.Header.Get("X-Atlassian-Token"))
		}
	}
	for _, name := range []string{"", "../x", "a/b", "a\nb", ".hidden"} {
		if err := s.jira.Attach(t.Context(), key, name, strings.NewReader("x")); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("name %q: %v, want invalid", name, err)
		}
	}
	big := strings.NewReader(strings.Repeat("x", jira.MaxAttachment+1))
	if err := s.jira.Attach(t.Context(), key, "big.txt", big); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("too large: %v, want invalid", err)
	}
}

func newTicket() ticket.New {
	return ticket.New{Project: "OPS", Type: "Task", Summary: "Weekly restore test", Marker: "sopd-0123456789abcdef"}
}

func TestCreatingTwiceWithOneMarkerMakesOneTicket(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	n := newTicket()
	n.Description, n.Labels = "please", []string{"ops"}
	n.Fields = map[string]ticket.Value{
		"Justification": {Texts: []string{"because"}}, "Expires": {Time: start, DateOnly: true}, "Level": {Texts: []string{"3"}},
		"Access for": {Accounts: []ticket.AccountID{ticket.AccountID(s.rita)}},
	}
	s.Fail(jiramock.Fault{Kind: jiramock.LostAfter, Method: "POST", Path: "/issue"})
	if _, err := s.jira.Create(t.Context(), n); !errors.Is(err, access.ErrUnconfirmed) {
		t.Fatalf("first: %v", err)
	}
	key, err := s.jira.Create(t.Context(), n)
	s.must(err)
	got, _ := s.Issue(jiramock.Key(key))
	if len(s.Issues()) != 1 || got.Summary != n.Summary || !cmp.Equal(got.Labels, []string{n.Marker, "ops"}) {
		t.Errorf("%d issues, %+v", len(s.Issues()), got)
	}
	want := map[string]any{"Justification": "because", "Expires": "2026-11-02", "Level": 3.0, "Access for": s.rita}
	if diff := cmp.Diff(want, got.Values); diff != "" {
		t.Error(diff)
	}
}

func TestACreateThatCouldNotLookForItsMarkerCreatesNothing(t *testing.T) {
	s := newSite(t, jiramock.Config{BadToken: jiramock.AnswersNobody})
	s.Fail(jiramock.Fault{Kind: jiramock.LoggedOut, Path: "/search", Times: -1})
	if _, err := s.jira.Create(t.Context(), newTicket()); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("error %v, want unauthenticated", err)
	}
	if len(s.Issues()) != 0 {
		t.Errorf("created %v", s.Issues())
	}
}

func TestTwoTicketsWithOneMarkerAreAConflict(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	for range 2 {
		_, err := s.CreateRequest("OPS", "Task", s.owner, map[string]any{"Labels": []string{newTicket().Marker}})
		s.must(err)
	}
	if _, err := s.jira.Create(t.Context(), newTicket()); !errors.Is(err, access.ErrConflict) {
		t.Errorf("error %v, want conflict", err)
	}
}

func TestLinkingAgainReplacesTheLink(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	l := jira.RemoteLink{GlobalID: "sopd/CHG-1&x=1", URL: "https://sopd.example.com/CHG-1", Title: "CHG-1"}
	s.Fail(jiramock.Fault{Kind: jiramock.LostAfter, Method: "POST", Path: "/remotelink"})
	s.must(s.jira.Link(t.Context(), key, l))
	s.must(s.jira.Link(t.Context(), key, l))
	if got, _ := s.Issue(jiramock.Key(key)); len(got.Links) != 1 {
		t.Errorf("links %v", got.Links)
	}
}

func TestDataCenterTakesTheSameCalls(t *testing.T) {
	s := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter, PathPrefix: "/jira", HideFieldIDs: true})
	s.jira = s.connect(jira.Options{Fields: mappedFields, Token: secret.New(token)})
	ctx, key := t.Context(), s.request()
	s.must(s.Answer(s.owner, jiramock.Key(key), "approve"))
	approvals, err := s.jira.Approvals(ctx, key)
	if err != nil || len(approvals) != 1 || approvals[0].Approvers[0].Person.Account != ticket.AccountID(s.owner) {
		t.Errorf("approvals %+v, %v", approvals, err)
	}
	_, err = s.jira.Comment(ctx, key, jira.NewComment{Body: "done", Public: true})
	s.must(err)
	if comments, err := s.jira.Comments(ctx, key); err != nil || len(comments) != 1 || !comments[0].Public {
		t.Errorf("comments %+v, %v", comments, err)
	}
	s.must(s.jira.Transition(ctx, key, "Waiting for validation"))
	s.must(s.jira.Attach(ctx, key, "a.txt", strings.NewReader("x")))
	s.must(s.jira.Link(ctx, key, jira.RemoteLink{GlobalID: "g", URL: "https://example.com", Title: "t"}))
	n := newTicket()
	n.Fields = map[string]ticket.Value{"Access for": {Accounts: []ticket.AccountID{ticket.AccountID(s.rita)}}}
	first, err := s.jira.Create(ctx, n)
	s.must(err)
	if second, err := s.jira.Create(ctx, n); err != nil || second != first {
		t.Errorf("created %q and %q, %v", first, second, err)
	}
	got, err := s.jira.Ticket(ctx, key)
	if err != nil || got.Status != "Waiting for validation" || got.History[0].FieldID != "" || got.History[0].Field != "status" {
		t.Errorf("ticket %+v, %v", got, err)
	}
	if problems := s.jira.Check(ctx, []string{"ACC", "OPS"}); len(problems) != 0 {
		t.Errorf("problems %v", problems)
	}
}
