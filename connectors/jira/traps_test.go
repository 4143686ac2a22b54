package jira_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// Cloud answers the old search with 410; Data Center has no other.
func TestCloudAndDataCenterAreSearchedEachInItsOwnWay(t *testing.T) {
	for deployment, path := range map[jiramock.Deployment]string{
		jiramock.Cloud: "/rest/api/2/search/jql", jiramock.DataCenter: "/rest/api/2/search",
	} {
		s := newSite(t, jiramock.Config{Deployment: deployment})
		s.jira = s.connect(jira.Options{Token: secret.New(token), User: userOf(deployment)})
		s.request()
		got, err := s.changed(time.Time{})
		if err != nil || len(got.Tickets) != 1 {
			t.Errorf("%s: %d tickets, %v", deployment, len(got.Tickets), err)
		}
		for _, c := range s.Calls() {
			if strings.Contains(c.Path, "/search") && c.Path != path {
				t.Errorf("%s: searched at %s", deployment, c.Path)
			}
		}
		if s.Count("", "/serverInfo") != 1 {
			t.Errorf("%s: asked %d times what it is", deployment, s.Count("", "/serverInfo"))
		}
	}
}

func userOf(d jiramock.Deployment) string {
	if d == jiramock.Cloud {
		return "sopd@example.com"
	}
	return ""
}

func TestAnEmptyAnswerToABadTokenIsNotAnEmptyList(t *testing.T) {
	for _, mode := range []jiramock.BadToken{jiramock.Answers401, jiramock.AnswersNobody} {
		s := newSite(t, jiramock.Config{BadToken: mode})
		key := s.request()
		_, err := s.changed(time.Time{})
		s.must(err)
		s.ExpireToken(token)
		if _, err := s.changed(time.Time{}); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%s: Changed: %v, want unauthenticated", mode, err)
		}
		if _, err := s.jira.Ticket(t.Context(), key); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%s: Ticket: %v, want unauthenticated", mode, err)
		}
		if _, err := s.jira.Self(t.Context()); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%s: Self: %v, want unauthenticated", mode, err)
		}
	}
}

// Proxies strip headers: an empty list is believed only when Jira knows who asked.
func TestAnEmptyListIsBelievedOnlyFromAKnownAccount(t *testing.T) {
	fake := fakeJira(t, map[string]string{
		"/rest/api/2/search/jql": `{"issues":[],"isLast":true}`, "/rest/api/2/myself": `{"displayName":"anonymous"}`,
	})
	if got, err := fake.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}}); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("%v, %v; want an error", got, err)
	}
}

func TestAMarkerIsMissingOnlyWhenAKnownAccountLookedForIt(t *testing.T) {
	fake := fakeJira(t, map[string]string{
		"/rest/api/2/search/jql": `{"issues":[],"isLast":true}`, "/rest/api/2/myself": `{"displayName":"anonymous"}`,
	})
	if key, err := fake.Create(t.Context(), newTicket()); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("%q, %v; want an error", key, err)
	}
}

// Search answers from an index that lags, histories do not.
func TestATicketWhoseIndexEntryIsBehindItsHistoryIsReadAgain(t *testing.T) {
	s := newSite(t, jiramock.Config{IndexLag: time.Minute})
	key := s.request()
	s.now = s.now.Add(time.Minute)
	s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"System": []string{"hr"}}))
	s.now = s.now.Add(time.Second)
	got, err := s.changed(time.Time{})
	s.must(err)
	if len(got.Tickets) != 1 || !cmp.Equal(got.Tickets[0].Fields["System"].Texts, []string{"hr"}) || len(got.Tickets[0].History) != 1 {
		t.Errorf("%+v", got)
	}
	s.Fail(jiramock.Fault{Kind: jiramock.FailBefore, Path: "/issue/", Times: -1})
	if got, err := s.changed(time.Time{}); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("unreachable: %v, %v; want unavailable", keys(got), err)
	}
	s.Heal()
	s.Fail(jiramock.Fault{Kind: jiramock.Refused, Status: http.StatusNotFound, Path: "/issue/", Times: -1})
	if got, err := s.changed(time.Time{}); err != nil || len(got.Bad) != 1 || len(got.Tickets) != 0 {
		t.Errorf("gone: %+v, %v", got, err)
	}
}

// fakeJira answers paths with fixed bodies, for answers that no server should give.
func fakeJira(t *testing.T, answers map[string]string) *jira.Tickets {
	t.Helper()
	all := map[string]string{"/rest/api/2/serverInfo": `{"deploymentType":"Cloud"}`, "/rest/api/2/field": `[]`}
	for path, body := range answers {
		all[path] = body
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, known := all[r.URL.Path]
		if !known {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := jira.New(jira.Options{URL: server.URL, User: "sopd@example.com", Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestPagingThatCannotReachItsEndIsAnError(t *testing.T) {
	for _, kind := range []jiramock.FaultKind{jiramock.RepeatPage, jiramock.EmptyPage} {
		s := newSite(t, jiramock.Config{MaxResults: 2})
		for range 5 {
			s.request()
		}
		s.Fail(jiramock.Fault{Kind: kind, Path: "/search/jql", Times: -1})
		got, err := s.changed(time.Time{})
		if !errors.Is(err, access.ErrIncomplete) || len(got.Tickets) != 0 {
			t.Errorf("%s: %d tickets, %v; want incomplete", kind, len(got.Tickets), err)
		}
	}
}

func TestAPageThatIsNotTheLastAndLeadsNowhereIsAnError(t *testing.T) {
	fake := fakeJira(t, map[string]string{"/rest/api/2/search/jql": `{"issues":[],"isLast":false}`})
	if _, err := fake.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}}); !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("error %v, want incomplete", err)
	}
}

func TestAMissingPageOfANumberedListIsAnError(t *testing.T) {
	s := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter, MaxResults: 2})
	s.jira = s.connect(jira.Options{Token: secret.New(token)})
	for range 5 {
		s.request()
	}
	s.Fail(jiramock.Fault{Kind: jiramock.MissingPage, Path: "/search", After: 1})
	if _, err := s.changed(time.Time{}); !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("error %v, want incomplete", err)
	}
}

func TestAHistoryWithAHoleIsAnErrorOfThatTicket(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	for n := range 150 {
		s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"summary": fmt.Sprint(n)}))
	}
	s.Fail(jiramock.Fault{Kind: jiramock.MissingPage, Path: "/changelog", After: 1})
	if _, err := s.jira.Ticket(t.Context(), key); !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("error %v, want incomplete", err)
	}
}

func TestABulkAnswerThatLeavesOutATicketsHistoryMakesThatTicketBad(t *testing.T) {
	const issue = `{"id":"1","key":"ACC-1","fields":{"issuetype":{"name":"Task"},"project":{"key":"ACC"},
		"status":{"name":"Done","statusCategory":{"key":"done"}},"created":"2026-11-02T09:00:00.000+0100",
		"updated":"2026-11-02T09:00:00.000+0100"},"changelog":{"total":1,"histories":[{"id":"7","created":"2026-11-02T09:00:00.000+0100","items":[]}]}}`
	fake := fakeJira(t, map[string]string{
		"/rest/api/2/search/jql": `{"issues":[` + issue + `]}`, "/rest/api/3/changelog/bulkfetch": `{"issueChangeLogs":[]}`,
	})
	got, err := fake.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}})
	if err != nil || len(got.Tickets) != 0 || len(got.Bad) != 1 || !errors.Is(got.Bad[0].Err, access.ErrIncomplete) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOneTicketThatCannotBeReadBlocksNoOther(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	good, bad, worse := s.request(), s.request(), s.request()
	s.must(s.Corrupt(jiramock.Key(bad), s.expires, `"31/12/2026"`))
	s.must(s.Corrupt(jiramock.Key(worse), "created", `{"broken":true}`))
	got, err := s.changed(time.Time{})
	s.must(err)
	var badKeys []ticket.Key
	for _, b := range got.Bad {
		badKeys = append(badKeys, b.Key)
		if !errors.Is(b.Err, access.ErrMalformed) {
			t.Errorf("%s: %v, want malformed", b.Key, b.Err)
		}
	}
	if !cmp.Equal(keys(got), []ticket.Key{good}) || !cmp.Equal(badKeys, []ticket.Key{bad, worse}) {
		t.Errorf("tickets %v, bad %v", keys(got), badKeys)
	}
	if _, err := s.jira.Ticket(t.Context(), bad); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("one by one: %v, want malformed", err)
	}
}

func TestRichTextAsADocumentBreaksNeitherPagesNorComments(t *testing.T) {
	s := newSite(t, jiramock.Config{ADFEverywhere: true})
	key := s.request()
	s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"description": "rich"}))
	s.must(s.Comment(s.rita, jiramock.Key(key), jiramock.NewComment{Body: "two\nlines"}))
	got, err := s.changed(time.Time{})
	s.must(err)
	if len(got.Tickets) != 1 || got.Tickets[0].Fields["Justification"].Texts[0] != "month end\nclosing" {
		t.Errorf("tickets %+v, bad %v", got.Tickets, got.Bad)
	}
	if comments, err := s.jira.Comments(t.Context(), key); err != nil || comments[0].Body != "two\nlines" {
		t.Errorf("comments %+v, %v", comments, err)
	}
}

func TestAnAnswerThatDoesNotParseIsMalformedAndSaysSo(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.Fail(jiramock.Fault{Kind: jiramock.NotJSON, Path: "/approval", Times: -1})
	if _, err := s.jira.Approvals(t.Context(), key); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("error %v, want malformed", err)
	}
	fake := fakeJira(t, map[string]string{"/rest/api/2/search/jql": `{"issues":[]}{"issues":[]}`})
	if _, err := fake.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}}); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("two values: %v, want malformed", err)
	}
}

func TestADecisionThatIsNotKnownIsNoDecision(t *testing.T) {
	for name, values := range map[string]string{
		"final":    `{"id":"1","finalDecision":"probably","approvers":[]}`,
		"approver": `{"id":"1","finalDecision":"approved","approvers":[{"approver":{"accountId":"a"},"approverDecision":"yes"}]}`,
		"nobody":   `{"id":"1","finalDecision":"approved","approvers":[{"approver":{},"approverDecision":"approved"}]}`,
		"no id":    `{"finalDecision":"approved"}`,
	} {
		fake := fakeJira(t, map[string]string{
			"/rest/servicedeskapi/request/ACC-1/approval": `{"start":0,"isLastPage":true,"values":[` + values + `]}`,
		})
		if got, err := fake.Approvals(t.Context(), "ACC-1"); !errors.Is(err, access.ErrMalformed) || got != nil {
			t.Errorf("%s: %v, %v; want malformed", name, got, err)
		}
	}
}

// go-jira pastes keys into paths: "P-1/../../x?y=1" would reach another address.
func TestWhatIsNoKeyReachesNoAddress(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	ctx := t.Context()
	for _, key := range []ticket.Key{"P-1/../../x?y=1", "", "acc-1", "ACC-1 ", "ACC", "ACC-1#x"} {
		calls := map[string]error{}
		_, calls["Ticket"] = s.jira.Ticket(ctx, key)
		_, calls["Approvals"] = s.jira.Approvals(ctx, key)
		_, calls["Comments"] = s.jira.Comments(ctx, key)
		_, calls["Comment"] = s.jira.Comment(ctx, key, jira.NewComment{Body: "x"})
		_, calls["Attachments"] = s.jira.Attachments(ctx, key)
		calls["Transition"] = s.jira.Transition(ctx, key, "Done")
		calls["Attach"] = s.jira.Attach(ctx, key, "a", strings.NewReader("x"))
		calls["Link"] = s.jira.Link(ctx, key, jira.RemoteLink{GlobalID: "g", URL: "u", Title: "t"})
		for name, err := range calls {
			if !errors.Is(err, access.ErrInvalid) {
				t.Errorf("%s(%q): %v, want invalid", name, key, err)
			}
		}
	}
	for _, project := range []string{"", "a b", `A") OR project = SECRET`} {
		if _, err := s.jira.Changed(ctx, jira.Query{Projects: []string{project}}); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("project %q: %v, want invalid", project, err)
		}
	}
	if n := len(s.Calls()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestNamesAreQuotedInQueries(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.request()
	got, err := s.jira.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}, Types: []string{`x") OR (project = "ACC`}})
	if !errors.Is(err, access.ErrInvalid) {
		t.Errorf("%v, %v; want the type to be unknown", keys(got), err)
	}
}

// JQL reads dates in the time zone of the account.
func TestTheTimeZoneOfTheAccountDoesNotShiftTheRead(t *testing.T) {
	s := newSite(t, jiramock.Config{Zone: time.FixedZone("site", -8*3600)})
	s.AddUser(jiramock.User{
		Account: s.bot, Name: "sopd", Email: "sopd@example.com", Token: token, Zone: time.FixedZone("far", 13*3600),
	})
	key := s.request()
	for since, want := range map[time.Time]int{start: 1, start.Add(time.Millisecond): 0, start.Add(-time.Hour): 1} {
		got, err := s.changed(since)
		if err != nil || len(got.Tickets) != want {
			t.Errorf("since %v: %d tickets, %v; want %d", since, len(got.Tickets), err, want)
		}
	}
	if got, err := s.jira.Ticket(t.Context(), key); err != nil || !got.Created.Equal(start) || got.Created.Location() != time.UTC {
		t.Errorf("created %v, %v", got.Created, err)
	}
}

func TestThePrefixOfAScopedTokensAddressIsKept(t *testing.T) {
	s := newSite(t, jiramock.Config{PathPrefix: "/ex/jira/0c0ffee0"})
	key := s.request()
	_, err := s.jira.Ticket(t.Context(), key)
	s.must(err)
	_, err = s.jira.Approvals(t.Context(), key)
	s.must(err)
	s.must(s.jira.Transition(t.Context(), key, "In progress"))
	s.must(s.jira.Attach(t.Context(), key, "a.txt", strings.NewReader("x")))
	if len(s.Unknown()) > 0 {
		t.Errorf("asked for %s", s.Unknown()[0].Path)
	}
}

func TestPlainHTTPIsAcceptedOnLoopbackOnly(t *testing.T) {
	for url, good := range map[string]bool{
		"http://127.0.0.1:1": true, "http://localhost/jira/": true, "https://example.atlassian.net": true,
		"http://example.atlassian.net": false, "": false, "ftp://example.com": false, "https://u:p@example.com": false, "http://[::1": false,
	} {
		_, err := jira.New(jira.Options{URL: url, Token: secret.New(token)})
		if good != (err == nil) || !good && !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := jira.New(jira.Options{URL: "https://example.atlassian.net"}); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("no token: %v, want invalid", err)
	}
}

// Atlassian names the time of its reset in ISO 8601; seconds since 1970 would be the year 1.
func TestThrottlingUntilAnISODateIsUnderstood(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	until := time.Now().Add(3 * time.Second).UTC().Truncate(time.Second)
	s.Fail(jiramock.Fault{Kind: jiramock.Throttled, Method: "POST", Reset: until, Times: -1})
	connector, err := jira.New(jira.Options{
		URL: s.URL(), User: "sopd@example.com", Token: secret.New(token), Transport: transport.Options{MaxWait: time.Minute},
	})
	s.must(err)
	t.Cleanup(connector.Close)
	_, err = connector.Comment(t.Context(), key, jira.NewComment{Body: "x"})
	got, named := access.RetryAfter(err)
	if !named || got.Sub(until).Abs() > 2*time.Second {
		t.Errorf("asks to come back at %v (%v), want %v", got, err, until)
	}
	if s.Count("POST", "/comment") != 1 {
		t.Errorf("sent %d times", s.Count("POST", "/comment"))
	}
}

func TestErrorsShowNeitherBodiesNorAddresses(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.Fail(jiramock.Fault{Kind: jiramock.Refused, Path: "/rest", Times: -1})
	_, err := s.jira.Ticket(t.Context(), "ACC-1")
	if err == nil || strings.Contains(err.Error(), "test") || strings.Contains(err.Error(), "http") || strings.Contains(err.Error(), "rest/") {
		t.Errorf("error %v", err)
	}
}

func TestAFieldNameThatIsUnknownOrSharedIsSaidByName(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	first, second := s.AddField("Team", jiramock.Text), s.AddField("Team", jiramock.Text)
	c := s.connect(jira.Options{Fields: []string{"Team", "Systm"}})
	_, err := c.Ticket(t.Context(), s.request())
	for _, part := range []string{"Systm", "Team", first, second} {
		if !errors.Is(err, access.ErrInvalid) || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want invalid and %q", err, part)
		}
	}
	if _, err := s.connect(jira.Options{Fields: []string{second}}).Ticket(t.Context(), "ACC-1"); err != nil {
		t.Errorf("by id: %v", err)
	}
	s.AddField("Systm", jiramock.Text)
	if _, err := s.connect(jira.Options{Fields: []string{"Systm"}}).Ticket(t.Context(), "ACC-1"); err != nil {
		t.Errorf("after the field was made: %v", err)
	}
}

func TestFieldsAreAskedForOnceAndAgainWhileANameIsUnknown(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	c := s.connect(jira.Options{Fields: []string{"Later"}})
	if _, err := c.Ticket(t.Context(), key); !errors.Is(err, access.ErrInvalid) {
		t.Fatalf("error %v, want invalid", err)
	}
	s.AddField("Later", jiramock.Text)
	for range 3 {
		_, err := c.Ticket(t.Context(), key)
		s.must(err)
	}
	if n := s.Count("GET", "/field"); n != 2 {
		t.Errorf("asked %d times for the fields, want 2", n)
	}
}

func TestCheckNamesEverythingThatIsMissing(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	if got := s.jira.Check(t.Context(), []string{"ACC", "OPS"}); len(got) != 0 {
		t.Fatalf("problems %v", got)
	}
	s.must(s.Deny(s.bot, "ACC", "ADD_COMMENTS", "TRANSITION_ISSUES", "SERVICEDESK_AGENT"))
	s.must(s.Deny(s.bot, "OPS", "BROWSE_PROJECTS"))
	c := s.connect(jira.Options{Fields: []string{"Systm", "Rol"}})
	var said []string
	for _, p := range c.Check(t.Context(), []string{"ACC", "OPS", "NOPE", "no key"}) {
		said = append(said, fmt.Sprintf("%s: %v. %s", p.What, p.Err, p.Fix))
	}
	all := strings.Join(said, "\n")
	for _, part := range []string{`"Systm"`, `"Rol"`, "ADD_COMMENTS", "TRANSITION_ISSUES", "SERVICEDESK_AGENT", "use project OPS", "use project NOPE", "keys"} {
		if !strings.Contains(all, part) {
			t.Errorf("%q is not said in:\n%s", part, all)
		}
	}
	if len(said) != 8 {
		t.Errorf("%d problems, want 8:\n%s", len(said), all)
	}
	s.ExpireToken(token)
	if got := c.Check(t.Context(), []string{"ACC"}); len(got) != 1 || !errors.Is(got[0].Err, access.ErrUnauthenticated) {
		t.Errorf("with an expired token: %v", got)
	}
}

func TestStatusesAreThoseOfEachTypesWorkflow(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	got, err := s.jira.Statuses(t.Context(), "OPS")
	s.must(err)
	want := map[string][]jira.Status{"Task": {{Name: "To Do"}, {Name: "Done", Done: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.jira.Statuses(t.Context(), "NOPE"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
}

func TestSelfIsTheAccountOfTheToken(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	got, err := s.jira.Self(t.Context())
	if err != nil || got.Account != ticket.AccountID(s.bot) || !got.Active {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCancellingEndsASlowRead(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.Fail(jiramock.Fault{Kind: jiramock.Slow, Delay: time.Minute, Times: -1})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.jira.Ticket(ctx, key); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want cancelled", err)
	}
}

func TestRequestTypesWithoutAServiceDeskAreAnErrorNotAnEmptyList(t *testing.T) {
	fake := fakeJira(t, map[string]string{})
	got, err := fake.Changed(t.Context(), jira.Query{Projects: []string{"ACC"}, RequestTypes: []string{"Get access"}})
	if !errors.Is(err, access.ErrInvalid) || slices.ContainsFunc(got.Tickets, func(ticket.Ticket) bool { return true }) {
		t.Errorf("%v, %v; want invalid", got, err)
	}
}
