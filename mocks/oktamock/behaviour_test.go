package oktamock_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

func TestListsOfUsersLeaveOutDeactivatedUnlessFiltered(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	if err := s.Deactivate(s.admin, s.ben); err != nil {
		t.Fatal(err)
	}
	var plain, filtered, searched []object
	get(t, s.Server, "/api/v1/users", &plain)
	get(t, s.Server, "/api/v1/users?filter="+url.QueryEscape(`lastUpdated gt "2020-01-01T00:00:00.000Z"`), &filtered)
	get(t, s.Server, "/api/v1/users?search="+url.QueryEscape(`status eq "deprovisioned"`), &searched)
	if slices.Contains(ids(plain), s.ben) || !slices.Contains(ids(filtered), s.ben) || len(searched) != 1 {
		t.Errorf("plain %v, filtered %v, searched %v", ids(plain), ids(filtered), ids(searched))
	}
}

func TestFiltersOnGroupsAreReallyEvaluated(t *testing.T) {
	c := newClock()
	s := newStory(t, oktamock.Config{Now: c.Now})
	c.Move(time.Hour)
	if err := s.AddMember(s.admin, s.finance, s.ben); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		filter string
		want   []string
	}{
		{`lastMembershipUpdated gt "2026-11-02T09:30:00.000Z"`, []string{s.finance}},
		{`lastMembershipUpdated gt "2026-11-02T10:00:00.000Z"`, []string{}},
		{`type eq "APP_GROUP"`, []string{s.imported}},
		{`type eq "OKTA_GROUP" and (id eq "` + s.finance + `" or id eq "` + s.engineering + `")`, []string{s.finance, s.engineering}},
	} {
		var got []object
		get(t, s.Server, "/api/v1/groups?filter="+url.QueryEscape(tt.filter), &got)
		if diff := cmp.Diff(tt.want, ids(got)); diff != "" {
			t.Errorf("%s: %s", tt.filter, diff)
		}
	}
}

func TestFiltersThatOktaDoesNotKnowAreRefused(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for path, filters := range map[string][]string{
		"/api/v1/users":  {"x", `status ne "ACTIVE"`, `profile.department eq "x"`, `lastUpdated gt 2026`, `(status eq "ACTIVE"`, `status eq "ACTIVE" and`},
		"/api/v1/groups": {`name eq "x"`, `lastUpdated ge "2026-01-01T00:00:00.000Z"`, `not (type eq "BUILT_IN")`, `id gt "0"`},
		"/api/v1/logs":   {`published gt "2026-01-01T00:00:00.000Z"`, `eventType`},
	} {
		for _, f := range filters {
			var got object
			resp := get(t, s.Server, path+"?filter="+url.QueryEscape(f), &got)
			if resp.StatusCode != 400 || got.ErrorCode != "E0000031" {
				t.Errorf("%s filter %s: %d %s", path, f, resp.StatusCode, got.ErrorCode)
			}
		}
	}
}

func TestPagesAddUpWhateverTheirSize(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for i := range 23 {
		s.Place(s.finance, s.AddUser(oktamock.User{Login: fmt.Sprintf("person%02d@example.com", i)}))
	}
	for _, limit := range []int{1, 7, 23, 200} {
		got := []string{}
		path := fmt.Sprintf("/api/v1/groups/%s/users?limit=%d", s.finance, limit)
		pages := 0
		for path != "" {
			var page []object
			path = next(get(t, s.Server, path, &page))
			got = append(got, ids(page)...)
			pages++
		}
		if diff := cmp.Diff(s.Members(s.finance), got); diff != "" || pages != (23+limit-1)/limit {
			t.Errorf("limit %d, %d pages: %s", limit, pages, diff)
		}
	}
}

func TestListsLagBehindAndReadsByIDDoNot(t *testing.T) {
	c := newClock()
	s := newStory(t, oktamock.Config{Now: c.Now, Lag: time.Minute})
	send(t, s.Server, "PUT /api/v1/groups/"+s.finance+"/users/"+s.ben, nil)
	if err := s.Suspend(s.admin, s.ada); err != nil {
		t.Fatal(err)
	}
	look := func() (members []object, suspended []object, ada object) {
		get(t, s.Server, "/api/v1/groups/"+s.finance+"/users", &members)
		get(t, s.Server, "/api/v1/users?filter="+url.QueryEscape(`status eq "SUSPENDED"`), &suspended)
		get(t, s.Server, "/api/v1/users/"+s.ada, &ada)
		return members, suspended, ada
	}
	if members, suspended, ada := look(); len(members) != 0 || len(suspended) != 0 || ada.Status != "SUSPENDED" {
		t.Errorf("at once: members %v, suspended %v, by ID %s", ids(members), ids(suspended), ada.Status)
	}
	c.Move(time.Minute)
	if members, suspended, _ := look(); len(members) != 1 || len(suspended) != 1 {
		t.Errorf("after the lag: members %v, suspended %v", ids(members), ids(suspended))
	}
}

func TestDeactivationRunsInTheBackgroundAndKeepsGroups(t *testing.T) {
	c := newClock()
	s := newStory(t, oktamock.Config{Now: c.Now, DeactivationTime: time.Minute})
	s.Place(s.finance, s.ben)
	send(t, s.Server, "POST /api/v1/users/"+s.ben+"/lifecycle/deactivate", nil)
	var during, after object
	get(t, s.Server, "/api/v1/users/"+s.ben, &during)
	if during.Status != "ACTIVE" || during.Transitioning != "DEPROVISIONED" {
		t.Errorf("meanwhile %+v", during)
	}
	c.Move(time.Minute)
	get(t, s.Server, "/api/v1/users/"+s.ben, &after)
	if after.Status != "DEPROVISIONED" || after.Transitioning != "" || !slices.Contains(s.Members(s.finance), s.ben) {
		t.Errorf("afterwards %+v, members %v", after, s.Members(s.finance))
	}
	var refused object
	resp := send(t, s.Server, "PUT /api/v1/groups/"+s.engineering+"/users/"+s.ben, &refused)
	if resp.StatusCode != 403 || refused.ErrorCode != "E0000038" {
		t.Errorf("adding a deactivated user: %d %s", resp.StatusCode, refused.ErrorCode)
	}
}

func TestGroupsThatOktaDoesNotOwnAreNotWritable(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for _, group := range []string{s.imported, s.Everyone()} {
		for _, method := range []string{"PUT", "DELETE"} {
			var got object
			resp := send(t, s.Server, method+" /api/v1/groups/"+group+"/users/"+s.ben, &got)
			if resp.StatusCode != 403 || got.ErrorCode != "E0000006" {
				t.Errorf("%s %s: %d %s", method, group, resp.StatusCode, got.ErrorCode)
			}
		}
	}
}

func TestRemovingARuleMemberSucceedsAndExcludesIt(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	if !slices.Contains(s.Members(s.engineering), s.ada) {
		t.Fatal("the rule did not feed its group")
	}
	resp := send(t, s.Server, "DELETE /api/v1/groups/"+s.engineering+"/users/"+s.ada, nil)
	if resp.StatusCode != 204 || slices.Contains(s.Members(s.engineering), s.ada) {
		t.Fatalf("status %d, members %v", resp.StatusCode, s.Members(s.engineering))
	}
	if diff := cmp.Diff([]string{s.ada}, s.Excluded(s.rule)); diff != "" {
		t.Error(diff)
	}
	log := s.Log()
	if len(log) != 2 || log[0].Type != "group.user_membership.rule.add_exclusion" || log[0].Actor.Type != "SystemPrincipal" ||
		log[1].Type != "group.user_membership.remove" || log[1].Actor.ID != s.TokenOwner() {
		t.Errorf("log %+v", log)
	}
	// The rule leaves the user alone from now on.
	if err := s.UpdateProfile(s.admin, s.ada, map[string]any{"title": "Engineer"}); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(s.Members(s.engineering), s.ada) {
		t.Error("the excluded user came back")
	}
}

func TestAFullExclusionListRefusesTheNextRemoval(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	last := 0
	for i := range 101 {
		u := s.AddUser(oktamock.User{Login: fmt.Sprintf("e%d@example.com", i), Profile: map[string]any{"department": "Engineering"}})
		last = send(t, s.Server, "DELETE /api/v1/groups/"+s.engineering+"/users/"+u, nil).StatusCode
	}
	if last != 400 || len(s.Excluded(s.rule)) != 100 {
		t.Errorf("status %d, %d excluded", last, len(s.Excluded(s.rule)))
	}
}

func TestRulesFollowTheProfile(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for _, department := range []string{"Engineering", "Finance"} {
		if err := s.UpdateProfile(s.admin, s.ben, map[string]any{"department": department}); err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(s.Members(s.engineering), s.ben); got != (department == "Engineering") {
			t.Errorf("in %s: member %v", department, got)
		}
	}
}

func TestTheTokenDiesWithItsOwner(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	if err := s.Deactivate(s.admin, s.TokenOwner()); err != nil {
		t.Fatal(err)
	}
	var got object
	if resp := get(t, s.Server, "/api/v1/users", &got); resp.StatusCode != 401 || got.ErrorCode != "E0000011" {
		t.Errorf("%d %s", resp.StatusCode, got.ErrorCode)
	}
}

func TestWithoutARoleListsAreEmptyAndTheRestIsRefused(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	s.DropRoles()
	for path, want := range map[string]int{
		"/api/v1/users": 200, "/api/v1/groups": 200, "/api/v1/groups/" + s.engineering + "/users": 200, "/api/v1/logs": 200,
		"/api/v1/groups/rules": 200, "/api/v1/users/" + s.ada: 403, "/api/v1/groups/" + s.finance: 403, "/api/v1/users/me": 200,
	} {
		var got any
		resp := get(t, s.Server, path, &got)
		list, isList := got.([]any)
		if resp.StatusCode != want || (isList && len(list) != 0) {
			t.Errorf("%s: %d with %v", path, resp.StatusCode, got)
		}
	}
	s.RestoreRoles()
	var back []object
	if get(t, s.Server, "/api/v1/users", &back); len(back) == 0 {
		t.Error("roles did not come back")
	}
}

func TestTheBucketRunsOutAndFillsAgain(t *testing.T) {
	c := newClock()
	s := newStory(t, oktamock.Config{Now: c.Now, Limits: map[string]int{"/api/v1/logs": 2}})
	statuses := []int{}
	for range 3 {
		statuses = append(statuses, get(t, s.Server, "/api/v1/logs", nil).StatusCode)
	}
	resp := get(t, s.Server, "/api/v1/logs", nil)
	reset := resp.Header.Get("X-Rate-Limit-Reset")
	c.Move(time.Minute)
	statuses = append(statuses, get(t, s.Server, "/api/v1/logs", nil).StatusCode)
	if diff := cmp.Diff([]int{200, 200, 429, 200}, statuses); diff != "" || reset != fmt.Sprint(c.Now().Unix()) {
		t.Errorf("%s, reset %s", diff, reset)
	}
}

func TestUnknownPathsAndMethodsAreRefusedAsOktaDoes(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for _, tt := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/api/v1/nothing", 404, "E0000008"}, {"PATCH", "/api/v1/users", 405, "E0000022"},
		{"GET", "/api/v1/users/..%2fgroups", 404, "E0000007"}, {"GET", "/api/v1/groups/short", 404, "E0000007"},
		{"PUT", "/api/v1/groups/" + s.finance + "/users/nobody", 404, "E0000007"},
		{"POST", "/api/v1/users/" + s.ada + "/lifecycle/unsuspend", 400, "E0000001"},
	} {
		var got object
		if resp := send(t, s.Server, tt.method+" "+tt.path, &got); resp.StatusCode != tt.status || got.ErrorCode != tt.code {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, resp.StatusCode, got.ErrorCode)
		}
	}
}

func TestFaultsSayWhetherTheWriteHappenedAndWhatIsTold(t *testing.T) {
	const put = "PUT /api/v1/groups/{groupId}/users/{userId}"
	for _, tt := range []struct {
		name    string
		fault   oktamock.Fault
		applied bool
		status  int // zero for none
	}{
		{"done", oktamock.Fault{}, true, 204},
		{"refused", oktamock.Fault{Answer: oktamock.AnswerRefused}, false, 403},
		{"lost before", oktamock.Fault{Answer: oktamock.AnswerReset}, false, 0},
		{"answer lost", oktamock.Fault{Answer: oktamock.AnswerReset, Applied: true}, true, 0},
		{"closed before", oktamock.Fault{Answer: oktamock.AnswerEOF}, false, 0},
		{"closed after", oktamock.Fault{Answer: oktamock.AnswerEOF, Applied: true}, true, 0},
		{"500 before", oktamock.Fault{Answer: oktamock.AnswerError}, false, 500},
		{"500 after", oktamock.Fault{Answer: oktamock.AnswerError, Applied: true}, true, 500},
		{"503", oktamock.Fault{Answer: oktamock.AnswerUnavailable}, false, 503},
		{"throttled", oktamock.Fault{Answer: oktamock.AnswerThrottled}, false, 429},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t, oktamock.Config{})
			tt.fault.Endpoint = put
			s.Fail(tt.fault)
			status := lossy(t, s, "PUT", "/api/v1/groups/"+s.finance+"/users/"+s.ben)
			if applied := slices.Contains(s.Members(s.finance), s.ben); applied != tt.applied || status != tt.status {
				t.Errorf("applied %v, status %d; want %v, %d", applied, status, tt.applied, tt.status)
			}
			if after := lossy(t, s, "PUT", "/api/v1/groups/"+s.finance+"/users/"+s.ben); after != 204 {
				t.Errorf("the fault went on: %d", after)
			}
		})
	}
}

// lossy sends a request that may get no answer; that is status 0.
func lossy(t *testing.T, s *story, method, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "SSWS "+s.Token())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestSpoiledPages(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	const path = "/api/v1/users?limit=2"
	s.Fail(oktamock.Fault{Answer: oktamock.AnswerFoldedLink})
	if links := get(t, s.Server, path, nil).Header.Values("Link"); len(links) != 1 || strings.Count(links[0], "rel=") != 2 {
		t.Errorf("folded: %q", links)
	}
	s.Fail(oktamock.Fault{Answer: oktamock.AnswerRepeatedPage, Times: -1})
	first := next(get(t, s.Server, path, nil))
	if second := next(get(t, s.Server, first, nil)); first != second {
		t.Errorf("repeated: %q then %q", first, second)
	}
	s.ClearFaults()
	s.Fail(oktamock.Fault{Answer: oktamock.AnswerMissingPage})
	if link := next(get(t, s.Server, path, nil)); link != "" {
		t.Errorf("missing: %q", link)
	}
	s.Fail(oktamock.Fault{Answer: oktamock.AnswerNoID})
	var nameless []object
	if get(t, s.Server, path, &nameless); len(nameless) != 2 || nameless[0].ID != "" {
		t.Errorf("no id: %v", ids(nameless))
	}
}

func TestTooManyRequestsAtOnceAreRefusedWithAHintOnly(t *testing.T) {
	s := newStory(t, oktamock.Config{Concurrency: 1})
	s.Fail(oktamock.Fault{Endpoint: "GET /api/v1/groups", Delay: 30 * time.Second})
	slow, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/api/v1/groups", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := http.DefaultClient.Do(slow); err == nil {
			_ = resp.Body.Close()
		}
	}()
	for s.Count("GET /api/v1/groups") == 0 {
		runtime.Gosched()
	}
	resp := get(t, s.Server, "/api/v1/users", nil)
	if resp.StatusCode != 429 || resp.Header.Get("X-Rate-Limit-Limit") != "0" || resp.Header.Get("X-Rate-Limit-Remaining") != "0" {
		t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
	}
	s.Close() // ends the slow request
	<-done
}

func TestAHookIsVerifiedThroughTheAPI(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	r := newReceiver(t)
	if err := s.SetHook(r.URL, "x"); err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, VerificationStatus string }
	get(t, s.Server, "/api/v1/eventHooks", &hooks)
	var verified struct{ VerificationStatus string }
	resp := send(t, s.Server, "POST /api/v1/eventHooks/"+hooks[0].ID+"/lifecycle/verify", &verified)
	if resp.StatusCode != 200 || verified.VerificationStatus != "VERIFIED" {
		t.Errorf("%d %+v", resp.StatusCode, verified)
	}
}
