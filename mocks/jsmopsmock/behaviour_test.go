package jsmopsmock_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

const (
	key    = "key-of-the-mock"
	email  = "sopd@example.com"
	token  = "token-of-the-mock"
	events = "/jsm/ops/integration/v2/alerts"
	rest   = "/jsm/ops/api/" + jsmopsmock.CloudID + "/v1"
)

func start(t *testing.T, c jsmopsmock.Config) *jsmopsmock.Server {
	t.Helper()
	c.Key, c.User, c.Token = key, email, token
	s := jsmopsmock.New(c)
	t.Cleanup(s.Close)
	return s
}

func basic(r *http.Request) { r.SetBasicAuth(email, token) }
func genie(r *http.Request) { r.Header.Set("Authorization", "GenieKey "+key) }

// caller makes requests and remembers them.
type caller struct {
	t    *testing.T
	base string
	auth func(*http.Request)
	all  []exchange
}

// do returns the status and the decoded body of an answer.
func (c *caller) do(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	c.auth(req)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.all = append(c.all, exchange{req, []byte(body), resp, text})
	var parsed map[string]any
	if err := json.Unmarshal(text, &parsed); err != nil {
		c.t.Errorf("%s %s: %s: %v", method, path, text, err)
	}
	return resp.StatusCode, parsed
}

func get(m map[string]any, path ...string) any {
	var at any = m
	for _, name := range path {
		below, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = below[name]
	}
	return at
}

func values(m map[string]any) []map[string]any {
	var all []map[string]any
	list, _ := m["values"].([]any)
	for _, v := range list {
		all = append(all, v.(map[string]any))
	}
	return all
}

func TestEveryAnswerOfTheRESTAPIIsAsSpecified(t *testing.T) {
	spec := newSpecification(t)
	s := start(t, jsmopsmock.Config{})
	c := &caller{t: t, base: s.URL(), auth: basic}
	id := s.AddAlert(jsmopsmock.Alert{Alias: "a", Message: "m", AckAfter: time.Minute, Details: map[string]string{"k": "v"}, Description: "d",
		Responders: []jsmopsmock.Responder{{Type: "team", ID: "t-1", Name: "SecOps"}}, Notes: []jsmopsmock.Note{{Text: "n", Owner: "ada@example.com", Created: time.Now()}}})
	s.AddAlert(jsmopsmock.Alert{Alias: "b", Message: "m", CloseAfter: time.Hour})
	s.AddAlert(jsmopsmock.Alert{Alias: "c", Message: "m", Snoozed: true})
	_, created := c.do("POST", rest+"/alerts", `{"message":"m","alias":"d","priority":"P1","tags":["x"],"extraProperties":{"k":"v"}}`)
	for range 2 { // queued, then told
		c.do("GET", rest+"/alerts/requests/"+get(created, "requestId").(string), "")
	}
	for _, path := range []string{"/alerts", "/alerts?size=1", "/alerts?query=createdAt+%3E%3D+1&sort=createdAt&order=asc&size=100&offset=0", "/alerts?size=100&offset=19900",
		"/alerts?query=nonsense", "/alerts/" + id, "/alerts/none", "/alerts/alias?alias=a", "/alerts/alias?alias=b", "/alerts/" + id + "/notes", "/alerts/none/notes"} {
		c.do("GET", rest+path, "")
	}
	for _, action := range []string{"acknowledge", "unacknowledge", "close"} {
		c.do("POST", rest+"/alerts/"+id+"/"+action, "")
	}
	c.do("POST", rest+"/alerts", `{}`)
	c.auth = genie
	c.do("GET", rest+"/alerts", "")
	for _, e := range c.all {
		if err := spec.check(e); err != nil {
			t.Errorf("%s %s, answer %d %s: %v", e.req.Method, e.req.URL, e.resp.StatusCode, e.body, err)
		}
	}
}

func TestIntegrationEventsWriteAndTellTheirStatusAndNothingElse(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	c := &caller{t: t, base: s.URL(), auth: genie}
	status, answer := c.do("POST", events, `{"message":"m","alias":"a","details":{"k":"v"},"responders":[{"type":"team","name":"SecOps"}]}`)
	if status != http.StatusAccepted || answer["result"] != "Request will be processed" {
		t.Fatalf("%d %v", status, answer)
	}
	request := events + "/requests/" + answer["requestId"].(string)
	if status, _ := c.do("GET", request, ""); status != http.StatusNotFound {
		t.Errorf("queued: %d", status)
	}
	_, answer = c.do("GET", request, "")
	id, _ := get(answer, "data", "alertId").(string)
	if get(answer, "data", "isSuccess") != true || id != s.Alerts()[0].ID {
		t.Errorf("status %v", answer)
	}
	for _, write := range []string{"/" + id + "/notes", "/a/acknowledge?identifierType=alias", "/1/close?identifierType=tiny"} {
		if status, answer := c.do("POST", events+write, `{"note":"n","user":"sopd","source":"sopd"}`); status != http.StatusAccepted {
			t.Errorf("%s: %d %v", write, status, answer)
		}
	}
	a := s.Alerts()[0]
	if !a.Acknowledged || !a.Closed || len(a.Notes) != 3 || a.Details["k"] != "v" || a.Responders[0].Name != "SecOps" {
		t.Errorf("alert %+v", a)
	}
	for _, read := range []string{"", "/" + id, "/" + id + "/notes", "?query=x"} {
		if status, _ := c.do("GET", events+read, ""); status != http.StatusNotFound {
			t.Errorf("integration events read %q: %d", read, status)
		}
	}
	if len(s.Unknown()) != 4 {
		t.Errorf("unknown %v", s.Unknown())
	}
}

func TestEachAPITakesItsOwnCredentialOnly(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	for name, c := range map[string]struct {
		auth func(*http.Request)
		path string
		want int
	}{
		"key on events":           {genie, events + "/requests/x", 404},
		"token on events":         {basic, events + "/requests/x", 401},
		"key on REST":             {genie, rest + "/alerts", 401},
		"token on REST":           {basic, rest + "/alerts", 200},
		"nothing on REST":         {func(*http.Request) {}, rest + "/alerts", 401},
		"wrong token":             {func(r *http.Request) { r.SetBasicAuth(email, "x") }, rest + "/alerts", 401},
		"another site":            {basic, "/jsm/ops/api/00000000-0000-0000-0000-000000000000/v1/alerts", 404},
		"cloud ID needs none":     {func(*http.Request) {}, "/_edge/tenant_info", 200},
		"revoked key is unknown":  {func(r *http.Request) { r.Header.Set("Authorization", "GenieKey old") }, events + "/requests/x", 401},
		"the key as basic, token": {func(r *http.Request) { r.SetBasicAuth(email, key) }, rest + "/schedules", 401},
	} {
		if status, body := (&caller{t: t, base: s.URL(), auth: c.auth}).do("GET", c.path, ""); status != c.want {
			t.Errorf("%s: %d %v, want %d", name, status, body, c.want)
		}
	}
}

func TestAMissingScopeIsA401ThatSaysSo(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	s.AddUser(jsmopsmock.User{Email: "r@example.com", Token: "t", Scopes: []jsmopsmock.Scope{jsmopsmock.ReadAlerts}})
	c := &caller{t: t, base: s.URL(), auth: func(r *http.Request) { r.SetBasicAuth("r@example.com", "t") }}
	if status, _ := c.do("GET", rest+"/alerts", ""); status != 200 {
		t.Errorf("alerts %d", status)
	}
	status, body := c.do("GET", rest+"/schedules", "")
	if status != 401 || !strings.Contains(fmt.Sprint(body["message"]), "scope does not match") {
		t.Errorf("schedules %d %v", status, body)
	}
}

func TestWithoutTeamVisibilityListsAreEmptyAndObjectsForbidden(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	s.AddUser(jsmopsmock.User{Email: "b@example.com", Token: "t", Blind: true})
	id := s.AddAlert(jsmopsmock.Alert{Alias: "a", Message: "m"})
	schedule := s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps", OnCall: []string{"p-1"}})
	c := &caller{t: t, base: s.URL(), auth: func(r *http.Request) { r.SetBasicAuth("b@example.com", "t") }}
	for _, list := range []string{"/alerts", "/schedules"} {
		if status, body := c.do("GET", rest+list, ""); status != 200 || len(values(body)) != 0 || body["values"] == nil {
			t.Errorf("%s: %d %v", list, status, body)
		}
	}
	for _, object := range []string{"/alerts/" + id, "/alerts/alias?alias=a", "/alerts/" + id + "/notes", "/schedules/" + schedule, "/schedules/" + schedule + "/on-calls"} {
		if status, _ := c.do("GET", rest+object, ""); status != 403 {
			t.Errorf("%s: %d", object, status)
		}
	}
}

func TestAnAliasJoinsTheOpenAlertAndNotTheClosedOne(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	c := &caller{t: t, base: s.URL(), auth: genie}
	for range 2 {
		c.do("POST", events, `{"message":"m","alias":"a"}`)
	}
	if all := s.Alerts(); len(all) != 1 || all[0].Count != 2 {
		t.Errorf("alerts %+v", all)
	}
	s.CloseAlert(s.Alerts()[0].ID, "ada@example.com")
	c.auth = basic
	if status, _ := c.do("GET", rest+"/alerts/alias?alias=a", ""); status != 404 {
		t.Errorf("a closed alert is found by alias: %d", status)
	}
	c.auth = genie
	c.do("POST", events, `{"message":"m","alias":"a"}`)
	if all := s.Alerts(); len(all) != 2 {
		t.Errorf("alerts %+v", all)
	}
}

func TestUsersAddressAlertsByTheLongIDAndWriteNotesByThemselves(t *testing.T) {
	s := start(t, jsmopsmock.Config{PendingPolls: -1})
	id := s.AddAlert(jsmopsmock.Alert{Alias: "a", Message: "m"})
	c := &caller{t: t, base: s.URL(), auth: basic}
	_, byAlias := c.do("POST", rest+"/alerts/a/acknowledge?identifierType=alias", "")
	_, status := c.do("GET", rest+"/alerts/requests/"+byAlias["requestId"].(string), "")
	if status["isSuccess"] != false || status["status"] != "Alert does not exist" {
		t.Errorf("status %v", status)
	}
	c.do("POST", rest+"/alerts/"+id+"/close", `{"note":"not kept"}`)
	c.do("POST", rest+"/alerts/"+id+"/notes", `{"note":"kept"}`)
	if a := s.Alerts()[0]; !a.Closed || len(a.Notes) != 1 || a.Notes[0].Text != "kept" {
		t.Errorf("alert %+v", a)
	}
}

func TestNotesPageByACursorAndIgnoreAnOffset(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	id := s.AddAlert(jsmopsmock.Alert{Message: "m"})
	for i := range 5 {
		s.AddNote(id, "ada@example.com", fmt.Sprint(i))
	}
	c := &caller{t: t, base: s.URL(), auth: basic}
	var seen []string
	path := "/alerts/" + id + "/notes?size=2&order=asc"
	for path != "" {
		_, body := c.do("GET", rest+path, "")
		for _, n := range values(body) {
			seen = append(seen, n["note"].(string))
		}
		link, _ := get(body, "links", "next").(string)
		path = strings.TrimPrefix(link, "/v1")
	}
	if !slices.Equal(seen, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("notes %v", seen)
	}
	_, body := c.do("GET", rest+"/alerts/"+id+"/notes?size=2&order=asc&offset=2", "")
	if values(body)[0]["note"] != "0" {
		t.Errorf("an offset has an effect: %v", body)
	}
}

func TestListsPageBySizeAndEndBelowTheReach(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for i := range 25 {
		s.AddAlert(jsmopsmock.Alert{Message: "m", Created: at.Add(time.Duration(i) * time.Second)})
		s.AddSchedule(jsmopsmock.Schedule{Name: fmt.Sprint(i)})
	}
	c := &caller{t: t, base: s.URL(), auth: basic}
	_, body := c.do("GET", rest+"/alerts?sort=createdAt&order=asc", "")
	if len(values(body)) != 20 || body["count"] != 25.0 || get(body, "links", "next") == nil {
		t.Errorf("page of %d, %v, %v", len(values(body)), body["count"], body["links"])
	}
	query := url.Values{"query": {fmt.Sprintf("createdAt >= %d AND createdAt < %d", at.Add(5*time.Second).UnixMilli(), at.Add(8*time.Second).UnixMilli())}}
	if _, body := c.do("GET", rest+"/alerts?"+query.Encode(), ""); len(values(body)) != 3 || get(body, "links", "next") != nil {
		t.Errorf("window %v", body)
	}
	if _, body := c.do("GET", rest+"/schedules?size=20&offset=20", ""); len(values(body)) != 5 || get(body, "links", "next") != nil {
		t.Errorf("schedules %v", body)
	}
	for _, bad := range []string{"size=101", "size=0", "offset=-1", "size=100&offset=19900", "sort=updatedAt", "order=up", "query=x"} {
		if status, _ := c.do("GET", rest+"/alerts?"+bad, ""); status != 422 {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

func TestOnCallsAreAccountIDsFlatAndParticipantsOtherwise(t *testing.T) {
	s := start(t, jsmopsmock.Config{})
	id := s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps"})
	off := s.AddSchedule(jsmopsmock.Schedule{Name: "Old", Disabled: true, OnCall: []string{"p-9"}})
	s.SetOnCall(id, "p-1", "p-2")
	c := &caller{t: t, base: s.URL(), auth: basic}
	_, flat := c.do("GET", rest+"/schedules/"+id+"/on-calls?flat=true", "")
	_, deep := c.do("GET", rest+"/schedules/"+id+"/on-calls", "")
	_, none := c.do("GET", rest+"/schedules/"+off+"/on-calls?flat=true", "")
	if got := fmt.Sprint(flat, deep, none); got != "map[onCallUsers:[p-1 p-2]] map[onCallParticipants:[map[id:p-1 type:user] map[id:p-2 type:user]]] map[onCallUsers:[]]" {
		t.Error(got)
	}
	if status, _ := c.do("GET", rest+"/schedules/none/on-calls", ""); status != 404 {
		t.Errorf("no schedule: %d", status)
	}
	if _, one := c.do("GET", rest+"/schedules/"+id, ""); one["name"] != "SecOps" || one["enabled"] != true {
		t.Errorf("schedule %v", one)
	}
}

func TestHeldWritesAreAcceptedAndDoneLater(t *testing.T) {
	s := start(t, jsmopsmock.Config{PendingPolls: -1})
	s.Hold()
	c := &caller{t: t, base: s.URL(), auth: genie}
	_, answer := c.do("POST", events, `{"message":"m"}`)
	request := events + "/requests/" + answer["requestId"].(string)
	if status, _ := c.do("GET", request, ""); status != 404 || len(s.Alerts()) != 0 {
		t.Errorf("held: %d, %d alerts", status, len(s.Alerts()))
	}
	s.Release()
	if status, _ := c.do("GET", request, ""); status != 200 || len(s.Alerts()) != 1 {
		t.Errorf("released: %d, %d alerts", status, len(s.Alerts()))
	}
}

func TestTheRateLimitAndFaultsMeetRequests(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := start(t, jsmopsmock.Config{RequestsPerMinute: 1, Now: func() time.Time { return now }})
	c := &caller{t: t, base: s.URL(), auth: basic}
	c.do("GET", rest+"/alerts", "")
	if status, _ := c.do("GET", rest+"/alerts", ""); status != 429 || c.all[1].resp.Header.Get("Retry-After") != "60" {
		t.Errorf("second request: %d %v", status, c.all[1].resp.Header)
	}
	now = now.Add(time.Minute)
	s.Fail(jsmopsmock.Fault{Status: 503, Body: `{}`})
	if status, _ := c.do("GET", rest+"/alerts", ""); status != 503 {
		t.Errorf("fault: %d", status)
	}
	s.Fail(jsmopsmock.Fault{Times: -1, Status: 500, Body: `{}`})
	s.Heal()
	if status, _ := c.do("GET", rest+"/alerts", ""); status != 200 {
		t.Errorf("healed: %d", status)
	}
}

func TestWebhooksHaveOpsgeniesShapeAndNames(t *testing.T) {
	got := make(chan map[string]any, 10)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		var event map[string]any
		if _, err := body.ReadFrom(r.Body); err != nil || json.Unmarshal(body.Bytes(), &event) != nil || r.Header.Get("X-Secret") != "s" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		got <- event
	}))
	defer h.Close()
	now := time.Date(2026, 11, 2, 9, 0, 0, 5e6, time.UTC)
	s := start(t, jsmopsmock.Config{Now: func() time.Time { return now }, Webhooks: []jsmopsmock.Webhook{{URL: h.URL, Header: "X-Secret", Value: "s"}}})
	id := s.CreateAlert(jsmopsmock.Alert{Message: "m", Alias: "a", Priority: "P1"})
	s.Acknowledge(id, "ada@example.com")
	s.AddNote(id, "ada@example.com", "n")
	s.CloseAlert(id, "ada@example.com")
	s.TellEscalation(id, "SecOps", "ada@example.com")
	if err := s.WaitWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Create", "Acknowledge", "AddNote", "Close", "Escalate"} {
		event := <-got
		if event["action"] != want || get(event, "alert", "alertId") != id {
			t.Errorf("%s: %v", want, event)
		}
		if created := get(event, "alert", "createdAt"); want != "Escalate" && created != float64(now.UnixMilli()) {
			t.Errorf("%s: createdAt %v, want milliseconds", want, created)
		}
	}
	if sent := s.Deliveries(); len(sent) != 5 || sent[0].Status != 200 {
		t.Errorf("deliveries %+v", sent)
	}
}
