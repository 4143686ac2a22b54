package opsgeniemock_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// ask makes a request with the key and returns status, header and decoded body.
func ask(t *testing.T, s *opsgeniemock.Server, method, path, body string) (int, http.Header, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "GenieKey "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var decoded map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, decoded
}

// ids returns the messages of the alerts that a query finds, in the order of their creation.
func found(t *testing.T, s *opsgeniemock.Server, query string) []string {
	t.Helper()
	code, _, body := ask(t, s, "GET", "/v2/alerts?order=asc&limit=100&query="+url.QueryEscape(query), "")
	if code != http.StatusOK {
		t.Fatalf("%s: status %d: %v", query, code, body)
	}
	messages := []string{}
	for _, a := range body["data"].([]any) {
		messages = append(messages, a.(map[string]any)["message"].(string))
	}
	return messages
}

func TestQueriesAreReallyEvaluated(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	at := time.UnixMilli(1_700_000_000_000)
	s.AddAlert(opsgeniemock.Alert{Message: "a", Alias: "sopd:1", Created: at, Tags: []string{"sop"}, Priority: "P1"})
	s.AddAlert(opsgeniemock.Alert{Message: "b", Alias: "sopd:2", Created: at.Add(time.Second), CloseAfter: time.Hour})
	s.AddAlert(opsgeniemock.Alert{Message: "c", Alias: "other", Created: at.Add(2 * time.Second), AckAfter: time.Minute, Details: map[string]string{"team": "red"}})
	for query, want := range map[string][]string{
		"":                          {"a", "b", "c"},
		"status: open":              {"a", "c"},
		"status=closed":             {"b"},
		"NOT status: closed":        {"a", "c"},
		"tag: sop AND priority: P1": {"a"},
		"message: a or message: b":  {"a", "b"},
		`alias: "sopd:1"`:           {"a"},
		`alias: "sopd:*"`:           {"a", "b"},
		"createdAt > 1700000000000": {"b", "c"},
		"createdAt>=1700000000000 AND createdAt<1700000002000":                 {"a", "b"},
		"(status: closed OR acknowledged: true) AND createdAt > 1700000001000": {"c"},
		"details.key: team": {"c"},
		"count > 1":         {},
	} {
		if got := found(t, s, query); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", query, got, want)
		}
	}
}

func TestAnAliasJoinsTheOpenAlertAndNotTheClosedOne(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	first := s.CreateAlert(opsgeniemock.Alert{Message: "m", Alias: "x"})
	if again := s.CreateAlert(opsgeniemock.Alert{Message: "m", Alias: "x"}); again != first || s.Alerts()[0].Count != 2 {
		t.Errorf("the second create made %s, count %d; want %s counted twice", again, s.Alerts()[0].Count, first)
	}
	if problem := s.CloseAlert(first, "ada@example.com"); problem != "" {
		t.Fatal(problem)
	}
	if third := s.CreateAlert(opsgeniemock.Alert{Message: "m", Alias: "x"}); third == first {
		t.Error("a create joined a closed alert")
	}
	if code, _, _ := ask(t, s, "GET", "/v2/alerts/"+first+"?identifierType=id", ""); code != http.StatusOK {
		t.Errorf("the closed alert is not found by id: %d", code)
	}
}

func TestTinyIDsAreUsedAgain(t *testing.T) {
	s := start(t, opsgeniemock.Config{TinyIDs: 2})
	for _, m := range []string{"a", "b", "c"} {
		s.AddAlert(opsgeniemock.Alert{Message: m})
	}
	_, _, body := ask(t, s, "GET", "/v2/alerts/1?identifierType=tiny", "")
	if got := body["data"].(map[string]any)["message"]; got != "c" {
		t.Errorf("tiny ID 1 is %v, want the newest", got)
	}
}

func TestPagesNameTheirNeighbours(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	for range 5 {
		s.AddAlert(opsgeniemock.Alert{Message: "m"})
	}
	_, header, body := ask(t, s, "GET", "/v2/alerts?limit=2&offset=2", "")
	paging := body["paging"].(map[string]any)
	for _, name := range []string{"next", "prev", "first", "last"} {
		link, _ := paging[name].(string)
		if link == "" || header.Get("X-Paging-"+name) != link {
			t.Errorf("%s: body %q, header %q", name, link, header.Get("X-Paging-"+name))
		}
	}
	if _, _, body := ask(t, s, "GET", "/v2/alerts?limit=2&offset=4", ""); body["paging"].(map[string]any)["next"] != nil {
		t.Error("the last page names a next one")
	}
}

func TestNotesPageByAnOpaqueOffset(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	id := s.CreateAlert(opsgeniemock.Alert{Message: "m"})
	for _, text := range []string{"1", "2", "3"} {
		s.AddNote(id, "ada@example.com", text)
	}
	var got []string
	for path := "/v2/alerts/" + id + "/notes?limit=2&order=asc"; path != ""; {
		_, _, body := ask(t, s, "GET", path, "")
		for _, n := range body["data"].([]any) {
			got = append(got, n.(map[string]any)["note"].(string))
		}
		next, _ := body["paging"].(map[string]any)["next"].(string)
		path = strings.TrimPrefix(next, s.URL())
	}
	if !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("notes %v", got)
	}
}

func TestHeldWritesAreAcceptedAndDoneLater(t *testing.T) {
	s := start(t, opsgeniemock.Config{PendingPolls: -1})
	s.Hold()
	code, _, body := ask(t, s, "POST", "/v2/alerts", `{"message":"m"}`)
	if code != http.StatusAccepted || len(s.Alerts()) != 0 {
		t.Fatalf("status %d, %d alerts", code, len(s.Alerts()))
	}
	path := "/v2/alerts/requests/" + body["requestId"].(string)
	if code, header, _ := ask(t, s, "GET", path, ""); code != http.StatusNotFound || header.Get("X-Opsgenie-Errortype") != "RequestNotProcessed" {
		t.Errorf("status %d before it is done", code)
	}
	s.Release()
	if code, _, _ := ask(t, s, "GET", path, ""); code != http.StatusOK || len(s.Alerts()) != 1 {
		t.Errorf("status %d and %d alerts after", code, len(s.Alerts()))
	}
}

func TestFaultsAreAppliedOrNotAndAnsweredOrNot(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	post := func(r *http.Request) bool { return r.Method == http.MethodPost }
	send := func() (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/v2/alerts", strings.NewReader(`{"message":"m"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "GenieKey "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	for _, c := range []struct {
		fault    opsgeniemock.Fault
		status   int
		answered bool
	}{
		{opsgeniemock.Fault{Match: post}, 0, false},
		{opsgeniemock.Fault{Match: post, Applied: true}, 0, false},
		{opsgeniemock.Fault{Match: post, Status: 503}, 503, true},
		{opsgeniemock.Fault{Match: post, Status: 500, Applied: true}, 500, true},
	} {
		before := len(s.Alerts())
		s.Fail(c.fault)
		code, err := send()
		if (err == nil) != c.answered || code != c.status {
			t.Errorf("%+v: status %d, %v", c.fault, code, err)
		}
		if applied := len(s.Alerts()) > before; applied != c.fault.Applied {
			t.Errorf("%+v: applied %v", c.fault, applied)
		}
	}
	if code, err := send(); code != http.StatusAccepted || err != nil {
		t.Errorf("after the faults: %d, %v", code, err)
	}
}

func TestTheRateLimitIsToldInTheVendorsHeaders(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := start(t, opsgeniemock.Config{RequestsPerMinute: 1, Now: func() time.Time { return now }})
	if code, header, _ := ask(t, s, "GET", "/v2/alerts", ""); code != 200 || header.Get("X-RateLimit-State") != "OK" {
		t.Errorf("first: %d %v", code, header)
	}
	if code, header, _ := ask(t, s, "GET", "/v2/alerts", ""); code != 429 || header.Get("X-RateLimit-State") != "THROTTLED" || header.Get("X-RateLimit-Period-In-Sec") != "60" {
		t.Errorf("second: %d %v", code, header)
	}
	now = now.Add(time.Minute)
	if code, _, _ := ask(t, s, "GET", "/v2/alerts", ""); code != 200 {
		t.Errorf("after a minute: %d", code)
	}
}

// receiver collects webhooks.
func receiver(t *testing.T) (*httptest.Server, func() []map[string]any) {
	t.Helper()
	bodies := make(chan map[string]any, 100)
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Hook-Auth") != "hook-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text, err := io.ReadAll(r.Body)
		var body map[string]any
		if err != nil || json.Unmarshal(text, &body) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		bodies <- body
	}))
	t.Cleanup(r.Close)
	return r, func() []map[string]any {
		var all []map[string]any
		for len(bodies) > 0 {
			all = append(all, <-bodies)
		}
		return all
	}
}

func TestWebhooksTellEveryActionInTheVendorsShape(t *testing.T) {
	r, received := receiver(t)
	at := time.Date(2026, 11, 2, 9, 0, 0, 123456789, time.UTC)
	s := start(t, opsgeniemock.Config{Now: func() time.Time { return at }, Webhooks: []opsgeniemock.Webhook{{URL: r.URL, Header: "X-Hook-Auth", Value: "hook-secret"}}})
	id := s.CreateAlert(opsgeniemock.Alert{Message: "m", Description: strings.Repeat("x", 1500)})
	s.AddNote(id, "ada@example.com", "a note")
	s.Acknowledge(id, "ada@example.com")
	s.CloseAlert(id, "ada@example.com")
	s.TellEscalation(id, "SecOps escalation", "ada@example.com")
	if err := s.WaitWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := received()
	var actions []string
	for _, body := range all {
		actions = append(actions, body["action"].(string))
	}
	if want := []string{"Create", "AddNote", "Acknowledge", "Close", "Escalate"}; !slices.Equal(actions, want) {
		t.Fatalf("actions %v, want %v", actions, want)
	}
	created := all[0]["alert"].(map[string]any)
	if created["createdAt"] != float64(at.UnixMilli()) || created["updatedAt"] != float64(at.UnixNano()) || len(created["description"].(string)) != 1000 {
		t.Errorf("created %v", created)
	}
	if all[1]["alert"].(map[string]any)["note"] != "a note" {
		t.Errorf("note %v", all[1])
	}
	if got := all[4]["alert"].(map[string]any); len(got) != 1 {
		t.Errorf("an escalation holds %v, want the alert's ID only", got)
	}
	compareHooks(t, all)
}

// compareHooks holds webhooks against those that somebody received from the vendor: every key that the vendor sends in
// every recording of an action must be there, of the same type.
func compareHooks(t *testing.T, all []map[string]any) {
	t.Helper()
	for i, name := range []string{"create", "addnote", "acknowledge", "close", "escalate"} {
		text, err := os.ReadFile(testdata.Shared(t, "vendor-data/webhooks/opsgenie-zulip/"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var recorded map[string]any
		if err := json.Unmarshal(text, &recorded); err != nil {
			t.Fatal(err)
		}
		// The recording's custom header, and a priority written as a number, are that account's own.
		delete(recorded, "headers")
		delete(recorded["alert"].(map[string]any), "priority")
		for _, missing := range lacks(recorded, all[i], name) {
			t.Error(missing)
		}
	}
}

// lacks returns what is in want and not, with its type, in have.
func lacks(want, have any, path string) []string {
	switch want := want.(type) {
	case map[string]any:
		other, ok := have.(map[string]any)
		if !ok {
			return []string{path + " is not an object"}
		}
		var all []string
		for name, value := range want {
			if _, there := other[name]; !there {
				all = append(all, path+"."+name+" is missing")
				continue
			}
			all = append(all, lacks(value, other[name], path+"."+name)...)
		}
		return all
	case []any:
		other, ok := have.([]any)
		if !ok {
			return []string{path + " is not a list"}
		}
		if len(want) > 0 && len(other) > 0 {
			return lacks(want[0], other[0], path+"[0]")
		}
		return nil
	case string:
		if _, ok := have.(string); !ok {
			return []string{path + " is not text"}
		}
	case float64:
		if _, ok := have.(float64); !ok {
			return []string{path + " is not a number"}
		}
	case bool:
		if _, ok := have.(bool); !ok {
			return []string{path + " is not true or false"}
		}
	}
	return nil
}

func TestAnswersHaveTheShapeOfTheRecordings(t *testing.T) {
	s := start(t, opsgeniemock.Config{PendingPolls: -1})
	id := s.AddAlert(opsgeniemock.Alert{Message: "m", Tags: []string{"t"}, Actions: []string{"a"}, Details: map[string]string{"serverName": "x", "region": "y"},
		AckAfter: time.Minute, CloseAfter: time.Hour, AcknowledgedBy: "a@example.com", ClosedBy: "b@example.com",
		Responders: []opsgeniemock.Responder{{Type: "team", ID: "t1"}}})
	sched := s.AddSchedule(opsgeniemock.Schedule{Name: "n", OnCall: []string{"a@example.com"}})
	_, _, created := ask(t, s, "POST", "/v2/alerts", `{"message":"m2"}`)
	for file, c := range map[string]struct{ method, path, body string }{
		"list_alerts":          {"GET", "/v2/alerts?limit=1&order=asc", ""},
		"get_alert":            {"GET", "/v2/alerts/" + id, ""},
		"get_alert_count":      {"GET", "/v2/alerts/count", ""},
		"get_request_status":   {"GET", "/v2/alerts/requests/" + created["requestId"].(string), ""},
		"create_alert":         {"POST", "/v2/alerts", `{"message":"m"}`},
		"close_alert":          {"POST", "/v2/alerts/" + id + "/close", `{}`},
		"schedule_whoIsOnCall": {"GET", "/v2/schedules/" + sched + "/on-calls", ""},
	} {
		text, err := os.ReadFile(testdata.Shared(t, "vendor-data/fixtures/stackstorm-opsgenie/tests/fixtures/"+file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var recorded map[string]any
		if err := json.Unmarshal(text, &recorded); err != nil {
			t.Fatal(err)
		}
		_, _, have := ask(t, s, c.method, c.path, c.body)
		for _, missing := range lacks(recorded, have, file) {
			// The recorded alerts are snoozed, and only a snoozed alert says until when.
			if !strings.HasSuffix(missing, "snoozedUntil is missing") {
				t.Error(missing)
			}
		}
	}
}

func TestWaitingForWebhooksEndsWithTheContext(t *testing.T) {
	block := make(chan struct{})
	r := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer r.Close()
	defer close(block)
	s := start(t, opsgeniemock.Config{})
	s.AddWebhook(opsgeniemock.Webhook{URL: r.URL})
	s.CreateAlert(opsgeniemock.Alert{Message: "m"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.WaitWebhooks(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
