package jiramock_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

const botToken = "demo-token"

// site is a small service desk with an owner, a requester and a robot.
type site struct {
	*jiramock.Server
	t                     *testing.T
	bot, owner, requester jiramock.AccountID
	clock                 *clock
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newSite(t *testing.T, config jiramock.Config) *site {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	config.Now = c.Now
	s := &site{Server: jiramock.New(config), t: t, clock: c}
	t.Cleanup(s.Close)
	s.bot = s.AddUser(jiramock.User{Name: "sopd", Email: "sopd@example.com", Token: botToken})
	s.owner = s.AddUser(jiramock.User{Name: "Olive Owner", Email: "olive@example.com", Token: "olive-token"})
	s.requester = s.AddUser(jiramock.User{Name: "Rita Requester", Email: "rita@example.com", HideEmail: true})
	s.AddField("System", jiramock.Select, "payments", "hr")
	s.AddField("Approvers", jiramock.MultiUser)
	s.AddField("Justification", jiramock.Paragraph)
	s.AddField("Expires", jiramock.Date)
	s.AddField("Role", jiramock.Cascading)
	s.AddProject(jiramock.Project{
		Key: "ACC", Name: "Access", IssueTypes: []string{"Task"},
		RequestTypes: []jiramock.RequestType{{Name: "Get access", IssueType: "Service Request"}},
		Workflow:     jiramock.AccessWorkflow("Approvers"),
		SLAs:         []jiramock.SLA{{Name: "Time to provision", Goal: 48 * time.Hour}},
	})
	s.AddProject(jiramock.Project{Key: "OPS", IssueTypes: []string{"Task"}, Workflow: jiramock.Workflow{
		Statuses:    []jiramock.Status{{Name: "To Do", Category: jiramock.ToDo}, {Name: "Done", Category: jiramock.Done}},
		Transitions: []jiramock.Transition{{ID: "11", Name: "Finish", From: []string{"To Do"}, To: "Done"}},
	}})
	return s
}

// request raises a request for access to payments that the owner is to approve.
func (s *site) request() jiramock.Key {
	s.t.Helper()
	key, err := s.CreateRequest("ACC", "Get access", s.requester, map[string]any{
		"Summary": "Access to payments", "System": "payments", "Justification": "month end", "Expires": "2026-12-31",
		"Approvers": []jiramock.AccountID{s.owner}, "Role": jiramock.Choice{Parent: "Reader", Child: "Ledger"},
	})
	s.must(err)
	return key
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	list   []any
	err    error
}

// as sends a request as somebody.
func (s *site) as(email, token, method, path string, body any) answer {
	s.t.Helper()
	raw, err := json.Marshal(body)
	s.must(err)
	if body == nil {
		raw = nil
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+path, bytes.NewReader(raw))
	s.must(err)
	if raw != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.SetBasicAuth(email, token)
	}
	return s.send(request)
}

func (s *site) send(request *http.Request) answer {
	s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	out := answer{status: response.StatusCode, header: response.Header, err: err}
	if err == nil && len(raw) > 0 && strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if raw[0] == '[' {
			s.must(json.Unmarshal(raw, &out.list))
		} else {
			s.must(json.Unmarshal(raw, &out.body))
		}
	}
	return out
}

func (s *site) get(path string) answer { s.t.Helper(); return s.robot(http.MethodGet, path, nil) }

func (s *site) robot(method, path string, body any) answer {
	s.t.Helper()
	return s.as("sopd@example.com", botToken, method, path, body)
}

// find searches on Cloud and returns the keys.
func (s *site) find(jql string) ([]string, answer) {
	s.t.Helper()
	got := s.get("/rest/api/3/search/jql?fields=key&jql=" + url.QueryEscape(jql))
	var keys []string
	issues, _ := got.body["issues"].([]any)
	for _, i := range issues {
		key, _ := i.(map[string]any)["key"].(string)
		keys = append(keys, key)
	}
	return keys, got
}

// at walks into decoded JSON by names and indexes.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}
