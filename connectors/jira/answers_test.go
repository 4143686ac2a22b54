package jira_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// issue writes an issue as search shows it. The verbs are: updated, status category, histories.
const issue = `{"id":"1","key":"ACC-1","fields":{"issuetype":{"name":"Task"},"project":{"key":"ACC"},
	"status":{"name":"There","statusCategory":{"key":%[2]q}},"created":"2026-11-02T09:00:00.000+0000","updated":%[1]q},
	"changelog":{"total":1,"histories":[%[3]s]}}`

const (
	morning   = "2026-11-02T09:00:00.000+0000"
	afternoon = "2026-11-02T15:00:00.000+0000"
	history   = `{"id":"7","created":"2026-11-02T09:00:00.000+0000","items":[{"field":"summary"}]}`
)

func acc() jira.Query { return jira.Query{Projects: []string{"ACC"}} }

func TestWhatTwoPagesBothShowIsTakenOnceInItsLatestState(t *testing.T) {
	newer, older := fmt.Sprintf(issue, afternoon, "done", history), fmt.Sprintf(issue, morning, "new", history)
	for _, order := range []string{newer + "," + older, older + "," + newer} {
		fake := fakeJira(t, map[string]string{
			"/rest/api/2/search/jql":          `{"issues":[` + order + `]}`,
			"/rest/api/3/changelog/bulkfetch": `{"issueChangeLogs":[{"issueId":"1","changeHistories":[` + history + "," + history + `]}]}`,
		})
		got, err := fake.Changed(t.Context(), acc())
		if err != nil || len(got.Tickets) != 1 || !got.Tickets[0].Done || len(got.Tickets[0].History) != 1 {
			t.Errorf("%+v, %v; want the newer state once, its edit once", got, err)
		}
	}
}

func TestAnIssueWithoutWhatEveryIssueHasIsBad(t *testing.T) {
	for name, one := range map[string]string{
		"no times":  `{"id":"1","key":"ACC-1","fields":{"issuetype":{"name":"T"},"project":{"key":"A"},"status":{"name":"S","statusCategory":{"key":"new"}}}}`,
		"no status": `{"id":"1","key":"ACC-1","fields":{"issuetype":{"name":"T"},"project":{"key":"A"},"created":"` + morning + `","updated":"` + morning + `"}}`,
		"no fields": `{"id":"1","key":"ACC-1"}`,
		"no key":    `{"id":"1","fields":{}}`,
		"no object": `[]`,
		"nobody reported": `{"id":"1","key":"ACC-1","fields":{"reporter":{"displayName":"X"},"issuetype":{"name":"T"},"project":{"key":"A"},
			"status":{"name":"S","statusCategory":{"key":"new"}},"created":"` + morning + `","updated":"` + morning + `"}}`,
	} {
		fake := fakeJira(t, map[string]string{
			"/rest/api/2/search/jql": `{"issues":[` + one + `]}`, "/rest/api/3/changelog/bulkfetch": `{"issueChangeLogs":[]}`,
		})
		got, err := fake.Changed(t.Context(), acc())
		if err != nil || len(got.Tickets) != 0 || len(got.Bad) != 1 || !errors.Is(got.Bad[0].Err, access.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAnAnswerWithoutItsListIsMalformedAndNotAnEmptyList(t *testing.T) {
	good := `{"issues":[` + fmt.Sprintf(issue, morning, "new", "") + `]}`
	for name, answers := range map[string]map[string]string{
		"search": {"/rest/api/2/search/jql": `{}`},
		"bulk":   {"/rest/api/2/search/jql": good, "/rest/api/3/changelog/bulkfetch": `{}`},
		"site":   {"/rest/api/2/serverInfo": `{}`},
		"old":    {"/rest/api/2/serverInfo": `{"deploymentType":"Server"}`, "/rest/api/2/search": `{"issues":[]}`},
	} {
		if got, err := fakeJira(t, answers).Changed(t.Context(), acc()); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s: %+v, %v; want malformed", name, got, err)
		}
	}
}

func TestAHistoryThatDataCenterCutsIsNotAWholeOne(t *testing.T) {
	fake := fakeJira(t, map[string]string{
		"/rest/api/2/serverInfo": `{"deploymentType":"Server"}`,
		"/rest/api/2/search":     `{"startAt":0,"total":1,"issues":[` + fmt.Sprintf(issue, morning, "new", "") + `]}`,
	})
	got, err := fake.Changed(t.Context(), acc())
	if err != nil || len(got.Bad) != 1 || !errors.Is(got.Bad[0].Err, access.ErrIncomplete) {
		t.Errorf("%+v, %v; want the ticket to be incomplete", got, err)
	}
}

// An entry that leaves a numbered list moves those behind it to a page that was read already.
func TestAListThatBecomesShorterWhileItIsReadIsIncomplete(t *testing.T) {
	pages := []string{
		`{"startAt":0,"total":3,"comments":[{"id":"1","body":"x","created":"` + morning + `"},{"id":"2","body":"x","created":"` + morning + `"}]}`,
		`{"startAt":2,"total":2,"comments":[]}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, pages[0])
		pages = pages[1:]
	}))
	t.Cleanup(server.Close)
	c, err := jira.New(jira.Options{URL: server.URL, Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Comments(t.Context(), "ACC-1"); !errors.Is(err, access.ErrIncomplete) || got != nil {
		t.Errorf("%v, %v; want incomplete", got, err)
	}
}

func TestAFieldThatIsNotMappedCannotBeSet(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	for name, v := range map[string]ticket.Value{
		"Nonsense": {Texts: []string{"x"}}, "System": {Texts: []string{"payments"}}, "Expires": {Texts: []string{"soon"}},
	} {
		n := newTicket()
		n.Fields = map[string]ticket.Value{name: v}
		if _, err := s.jira.Create(t.Context(), n); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	for _, n := range []ticket.New{{}, {Project: "OPS", Type: "Task", Summary: "x", Marker: "has a space"}, {Project: "OPS", Marker: "sopd-12345678"}} {
		if _, err := s.jira.Create(t.Context(), n); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%+v: %v, want invalid", n, err)
		}
	}
	if len(s.Issues()) != 0 {
		t.Errorf("created %v", s.Issues())
	}
}

func TestADoneTicketSaysSoAndWhenItWasResolved(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.task()
	s.now = start.Add(time.Hour)
	s.must(s.jira.Transition(t.Context(), key, "Done"))
	got, err := s.jira.Ticket(t.Context(), key)
	s.must(err)
	want := ticket.Edit{At: s.now, By: ticket.AccountID(s.bot), Field: "status", FieldID: "status", FromText: "To Do", ToText: "Done"}
	edit := got.History[0]
	edit.From, edit.To = "", ""
	if diff := cmp.Diff(want, edit); diff != "" || !got.Done || !got.Resolved.Equal(s.now) || got.RequestType != "" {
		t.Errorf("ticket %+v %s", got, diff)
	}
}
