package jiramock_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestApprovingMovesTheWorkflowAndStandsInTheHistory(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.clock.advance(time.Hour)
	s.must(s.Answer(s.owner, key, "approve"))
	got := s.get("/rest/servicedeskapi/request/" + string(key) + "/approval")
	if d := at(got.body, "values", 0, "finalDecision"); d != "approved" {
		t.Errorf("final decision %v", d)
	}
	if ms := at(got.body, "values", 0, "completedDate", "epochMillis"); ms != float64(s.clock.now.UnixMilli()) {
		t.Errorf("completed %v", ms)
	}
	issue, _ := s.Issue(key)
	if issue.Status != "In progress" || issue.Edits != 1 {
		t.Errorf("issue is %q after %d edits", issue.Status, issue.Edits)
	}
}

func TestSomeoneCanDragAnIssuePastItsApproval(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.must(s.Transition(s.requester, key, "In progress"))
	issue, _ := s.Issue(key)
	if issue.Status != "In progress" || !cmp.Equal(issue.Approvals, []string{"pending"}) {
		t.Errorf("status %q, approvals %v; want In progress with the approval still pending", issue.Status, issue.Approvals)
	}
	if err := s.Answer(s.owner, key, "approve"); !errors.Is(err, jiramock.ErrRefused) {
		t.Errorf("answering afterwards: %v, want refused", err)
	}
}

func TestADelegateAnswersInTheApproversPlace(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	deputy := s.AddUser(jiramock.User{Name: "Dana Deputy", Email: "dana@example.com"})
	key := s.request()
	if err := s.Answer(deputy, key, "approve"); !errors.Is(err, jiramock.ErrRefused) {
		t.Fatalf("a stranger's answer: %v, want refused", err)
	}
	s.must(s.Delegate(key, s.owner, deputy))
	s.must(s.Answer(deputy, key, "approve"))
	if issue, _ := s.Issue(key); !cmp.Equal(issue.Approvals, []string{"approved"}) {
		t.Errorf("approvals %v", issue.Approvals)
	}
}

func TestJQLFindsWhatItSays(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	first := string(s.request())
	s.clock.advance(time.Hour)
	cut := s.clock.now.UnixMilli()
	second := string(s.request())
	s.must(s.Edit(s.owner, jiramock.Key(second), map[string]any{"labels": []string{"idem-1"}}))
	for jql, want := range map[string][]string{
		"project = ACC order by key": {first, second},
		"project in (ACC, OPS) AND \"Request Type\" = \"Get access\" order by key desc":             {second, first},
		fmt.Sprintf("project = ACC AND updated >= %d", cut):                                         {second},
		"project = ACC AND NOT labels = idem-1":                                                     {first},
		"labels = idem-1 OR key = " + first + " ORDER BY created ASC":                               {first, second},
		"project = ACC AND (status = Done OR System = payments) AND created < \"2026-11-02 09:30\"": {first},
		"project = ACC AND labels is empty":                                                         {first},
		"cf[10050] = payments AND updated >= -30m":                                                  {second},
		"key in (" + first + ") and issuetype = 'Service Request'":                                  {first},
		"project = OPS": nil,
	} {
		keys, got := s.find(jql)
		if got.status != 200 || !cmp.Equal(keys, want) {
			t.Errorf("%s: status %d, %v, want %v", jql, got.status, keys, want)
		}
	}
}

func TestJQLThatJiraWouldRefuseIsRefused(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.request()
	for _, jql := range []string{
		"", "order by created", "project != ACC", "NOT project = ACC", "project = ACC AND", "project = NOPE", "status = Nowhere",
		"nonsense = 1", "project = 'ACC", "project in (ACC", "updated >= yesterday", "key = ACC-99", "project = ACC project = OPS",
		"labels != x or project = ACC",
	} {
		if _, got := s.find(jql); got.status != 400 {
			t.Errorf("%q: status %d, want 400", jql, got.status)
		}
	}
}

func TestJQLDatesAreInTheAccountsZone(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.AddUser(jiramock.User{Name: "far", Email: "far@example.com", Token: "far-token", Zone: time.FixedZone("far", 10*3600)})
	s.request() // 09:00 UTC is 19:00 there
	const path = "/rest/api/3/search/jql?fields=key&jql=project%3DACC+AND+created+%3E%3D+%222026-11-02+12:00%22"
	here := s.get(path)
	there := s.as("far@example.com", "far-token", "GET", path, nil)
	if len(at(here.body, "issues").([]any)) != 0 || len(at(there.body, "issues").([]any)) != 1 {
		t.Errorf("here %v, there %v", here.body, there.body)
	}
}

func TestSearchShowsOnlyIDsUnlessFieldsAreNamedAndNoTotal(t *testing.T) {
	s := newSite(t, jiramock.Config{MaxResults: 2})
	for range 3 {
		s.request()
	}
	got := s.get("/rest/api/2/search/jql?jql=project%3DACC")
	first := at(got.body, "issues", 0).(map[string]any)
	if len(first) != 1 || first["id"] == nil {
		t.Errorf("issue %v, want the id alone", first)
	}
	if _, has := got.body["total"]; has || got.body["isLast"] != false || got.body["nextPageToken"] == nil {
		t.Errorf("page %v", got.body)
	}
	next := s.get("/rest/api/2/search/jql?jql=project%3DACC&nextPageToken=" + got.body["nextPageToken"].(string))
	if len(next.body["issues"].([]any)) != 1 || next.body["isLast"] != true || next.body["nextPageToken"] != nil {
		t.Errorf("last page %v", next.body)
	}
}

func TestTheOldSearchIsGoneOnCloudAndTheNewOneIsMissingOnDataCenter(t *testing.T) {
	cloud := newSite(t, jiramock.Config{})
	if got := cloud.get("/rest/api/2/search?jql=project%3DACC"); got.status != http.StatusGone {
		t.Errorf("Cloud: status %d, want 410", got.status)
	}
	dc := newSite(t, jiramock.Config{Deployment: jiramock.DataCenter, PathPrefix: "/jira"})
	dc.request()
	if got := dc.get("/rest/api/2/search/jql?jql=project%3DACC"); got.status != 404 {
		t.Errorf("Data Center: status %d, want 404", got.status)
	}
	got := dc.get("/rest/api/2/search?jql=project%3DACC&fields=*all&expand=changelog")
	if got.body["total"] != 1.0 || at(got.body, "issues", 0, "fields", "reporter", "name") == nil {
		t.Errorf("Data Center: %v", got.body)
	}
	if got := dc.get("/rest/api/3/myself"); got.status != 404 {
		t.Errorf("version 3 on Data Center: status %d, want 404", got.status)
	}
}

func TestTheIndexLagsAndReconcilingSeesThrough(t *testing.T) {
	s := newSite(t, jiramock.Config{IndexLag: time.Minute})
	key := s.request()
	issue, _ := s.Issue(key)
	if keys, _ := s.find("project = ACC"); len(keys) != 0 {
		t.Errorf("found at once: %v", keys)
	}
	got := s.get("/rest/api/3/search/jql?fields=key&jql=project%3DACC&reconcileIssues=" + issue.ID)
	if len(got.body["issues"].([]any)) != 1 {
		t.Errorf("not reconciled: %v", got.body)
	}
	s.clock.advance(time.Minute)
	s.must(s.Edit(s.owner, key, map[string]any{"labels": []string{"new"}}))
	if keys, _ := s.find("project = ACC"); len(keys) != 1 {
		t.Errorf("not found after the lag: %v", keys)
	}
	if keys, _ := s.find("labels = new"); len(keys) != 0 {
		t.Errorf("the edit was found at once: %v", keys)
	}
}

func TestABadTokenIsRefusedOrAnsweredAsToNobody(t *testing.T) {
	for _, mode := range []jiramock.BadToken{jiramock.Answers401, jiramock.AnswersNobody} {
		s := newSite(t, jiramock.Config{BadToken: mode})
		s.request()
		s.ExpireToken(botToken)
		keys, got := s.find("project = ACC")
		if got.header.Get("X-Seraph-LoginReason") != "AUTHENTICATED_FAILED" || len(keys) != 0 {
			t.Errorf("%s: %v %v", mode, got.header, keys)
		}
		want := 401
		if mode == jiramock.AnswersNobody {
			want = 200
		}
		if got.status != want {
			t.Errorf("%s: status %d, want %d", mode, got.status, want)
		}
		if me := s.get("/rest/api/3/myself"); me.status != 401 {
			t.Errorf("%s: myself %d, want 401", mode, me.status)
		}
	}
}

func TestTheHistoryInAnIssueIsCutAndItsPagesAreNot(t *testing.T) {
	s := newSite(t, jiramock.Config{ChangelogCap: 5})
	key := s.request()
	for n := range 120 {
		s.must(s.At(s.clock.now.Add(time.Duration(n)*time.Second)).Edit(s.owner, key, map[string]any{"summary": strconv.Itoa(n)}))
	}
	got := s.get("/rest/api/3/issue/" + string(key) + "?expand=changelog")
	if n := len(at(got.body, "changelog", "histories").([]any)); n != 5 || at(got.body, "changelog", "total") != 120.0 {
		t.Errorf("%d histories of %v", n, at(got.body, "changelog", "total"))
	}
	page := s.get("/rest/api/3/issue/" + string(key) + "/changelog?startAt=100&maxResults=500")
	if n := len(page.body["values"].([]any)); n != 20 || page.body["isLast"] != true || page.body["maxResults"] != 100.0 {
		t.Errorf("page of %d: %v", n, page.body["maxResults"])
	}
	bulk := s.robot("POST", "/rest/api/3/changelog/bulkfetch", map[string]any{"issueIdsOrKeys": []string{string(key)}, "maxResults": 100})
	if n := len(at(bulk.body, "issueChangeLogs", 0, "changeHistories").([]any)); n != 100 || bulk.body["nextPageToken"] == nil {
		t.Errorf("bulk: %d entries, token %v", n, bulk.body["nextPageToken"])
	}
}

func TestWritesFailInBothWaysThatMatter(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	path := "/rest/api/2/issue/" + string(key) + "/comment"
	for _, c := range []struct {
		kind     jiramock.FaultKind
		applied  bool
		answered bool
	}{
		{jiramock.Refused, false, true}, {jiramock.LostBefore, false, false}, {jiramock.LostAfter, true, false},
		{jiramock.FailBefore, false, true}, {jiramock.FailAfter, true, true}, {jiramock.Throttled, false, true},
		{jiramock.Truncated, true, false},
	} {
		before := len(s.Comments(key))
		s.Fail(jiramock.Fault{Kind: c.kind, Method: "POST", Path: "/comment"})
		got := s.robot("POST", path, map[string]any{"body": "hello"})
		if applied := len(s.Comments(key)) > before; applied != c.applied || (got.err == nil) != c.answered {
			t.Errorf("%s: applied %v, error %v; want applied %v, answered %v", c.kind, applied, got.err, c.applied, c.answered)
		}
	}
}

func TestThrottlingSpeaksAtlassiansDialect(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.Fail(jiramock.Fault{Kind: jiramock.Throttled, RetryAfter: 7 * time.Second, Reset: s.clock.now.Add(time.Minute)})
	got := s.get("/rest/api/3/myself")
	want := map[string]string{"Retry-After": "7", "X-RateLimit-Reset": "2026-11-02T09:01:00Z", "RateLimit-Reason": "jira-burst-based"}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), value)
		}
	}
}

func TestAnIssueTakesTwentyWritesInTwoSeconds(t *testing.T) {
	s := newSite(t, jiramock.Config{PerIssueWriteLimit: true})
	path := "/rest/api/2/issue/" + string(s.request()) + "/comment"
	for range 20 {
		if got := s.robot("POST", path, map[string]any{"body": "x"}); got.status != 201 {
			t.Fatalf("status %d", got.status)
		}
	}
	got := s.robot("POST", path, map[string]any{"body": "x"})
	if got.status != 429 || got.header.Get("RateLimit-Reason") != "jira-per-issue-on-write" {
		t.Errorf("status %d, reason %q", got.status, got.header.Get("RateLimit-Reason"))
	}
	s.clock.advance(2 * time.Second)
	if got := s.robot("POST", path, map[string]any{"body": "x"}); got.status != 201 {
		t.Errorf("after two seconds: status %d", got.status)
	}
}

func TestRichTextIsADocumentOnVersion3AndTextOnVersion2(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	path := "/issue/" + string(s.request())
	if got := s.robot("POST", "/rest/api/3"+path+"/comment", map[string]any{"body": "plain"}); got.status != 400 {
		t.Errorf("text on version 3: status %d, want 400", got.status)
	}
	s.robot("POST", "/rest/api/2"+path+"/comment", map[string]any{"body": "plain"})
	if body := at(s.get("/rest/api/2"+path+"/comment").body, "comments", 0, "body"); body != "plain" {
		t.Errorf("version 2 shows %v", body)
	}
	if kind := at(s.get("/rest/api/3"+path+"/comment").body, "comments", 0, "body", "type"); kind != "doc" {
		t.Errorf("version 3 shows %v", kind)
	}
}

func TestPeopleHideAddressesAndAccountsAreDeactivated(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.must(s.Deactivate(s.requester))
	reporter, _ := at(s.get("/rest/api/3/issue/"+string(key)).body, "fields", "reporter").(map[string]any)
	if _, shown := reporter["emailAddress"]; shown || reporter["active"] != false {
		t.Errorf("reporter %v", reporter)
	}
	s.must(s.Deactivate(s.owner))
	if err := s.Answer(s.owner, key, "approve"); !errors.Is(err, jiramock.ErrRefused) {
		t.Errorf("a deactivated approver's answer: %v", err)
	}
}

func TestThePortalShowsTheWayOfARequestNewestFirst(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.clock.advance(time.Hour)
	s.must(s.Answer(s.owner, key, "approve"))
	got := s.get("/rest/servicedeskapi/request/" + string(key) + "/status")
	var way []any
	for n := range 2 {
		way = append(way, at(got.body, "values", n, "status"), at(got.body, "values", n, "statusDate", "epochMillis"))
	}
	now := float64(s.clock.now.UnixMilli())
	if want := []any{"In progress", now, "Waiting for approval", now - 3.6e6}; !cmp.Equal(way, want) {
		t.Errorf("way %v, want %v", way, want)
	}
}

func TestAMovedIssueIsFoundByItsOldKey(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	old := s.request()
	moved, err := s.Move(s.owner, old, "OPS")
	s.must(err)
	if got := s.get("/rest/api/3/issue/" + string(old)); got.body["key"] != string(moved) || moved == old {
		t.Errorf("old key leads to %v, want %v", got.body["key"], moved)
	}
	s.must(s.Delete(s.owner, moved))
	if got := s.get("/rest/api/3/issue/" + string(moved)); got.status != 404 {
		t.Errorf("deleted: status %d", got.status)
	}
}

func TestDeniedProjectsAreInvisibleAndPermissionsSaySo(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.must(s.Deny(s.bot, "ACC", "ADD_COMMENTS"))
	got := s.get("/rest/api/3/mypermissions?permissions=ADD_COMMENTS,BROWSE_PROJECTS&projectKey=ACC")
	if at(got.body, "permissions", "ADD_COMMENTS", "havePermission") != false ||
		at(got.body, "permissions", "BROWSE_PROJECTS", "havePermission") != true {
		t.Errorf("permissions %v", got.body)
	}
	if got := s.robot("POST", "/rest/api/2/issue/"+string(key)+"/comment", map[string]any{"body": "x"}); got.status != 403 {
		t.Errorf("comment: status %d", got.status)
	}
	s.must(s.Deny(s.bot, "ACC", "BROWSE_PROJECTS"))
	if got := s.get("/rest/api/3/issue/" + string(key)); got.status != 404 {
		t.Errorf("issue: status %d", got.status)
	}
	if _, got := s.find("project = ACC"); got.status != 400 {
		t.Errorf("search: status %d", got.status)
	}
}

func TestTransitionIDsBelongToAWorkflow(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key, err := s.CreateRequest("OPS", "Task", s.owner, nil)
	s.must(err)
	path := "/rest/api/2/issue/" + string(key) + "/transitions"
	if got := s.robot("POST", path, map[string]any{"transition": map[string]any{"id": "21"}}); got.status != 400 {
		t.Errorf("another workflow's id: status %d, want 400", got.status)
	}
	if got := s.robot("POST", path, map[string]any{"transition": map[string]any{"id": "11"}}); got.status != 204 {
		t.Errorf("own id: status %d, want 204", got.status)
	}
	if got := s.get(path); len(got.body["transitions"].([]any)) != 0 {
		t.Errorf("transitions out of Done: %v", got.body)
	}
}

func TestThePastLeavesHistoryAndNoWebhook(t *testing.T) {
	s := newSite(t, jiramock.Config{IndexLag: time.Hour})
	heard := listen(t, s, http.StatusOK)
	past := s.clock.now.Add(-30 * 24 * time.Hour)
	key, err := s.At(past).CreateRequest("ACC", "Get access", s.requester, map[string]any{"Approvers": []jiramock.AccountID{s.owner}})
	s.must(err)
	s.must(s.At(past.Add(time.Hour)).Answer(s.owner, key, "approve"))
	s.Wait()
	if len(heard()) != 0 {
		t.Errorf("%d webhooks about the past", len(heard()))
	}
	if keys, _ := s.find("project = ACC AND status = \"In progress\""); len(keys) != 1 {
		t.Errorf("search found %v", keys)
	}
	got := s.get("/rest/api/3/issue/" + string(key) + "/changelog")
	if created, _ := at(got.body, "values", 0, "created").(string); !strings.HasPrefix(created, "2026-10-03T10:00") {
		t.Errorf("history at %q", created)
	}
}
