package jiramock_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// specification is the vendor's own description of an API.
type specification struct {
	t      *testing.T
	router routers.Router
}

func loadSpecification(t *testing.T, name string) specification {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(testdata.Shared(t, "vendor-data/specs/trimmed/"+name))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil
	allow(doc)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return specification{t, router}
}

// allow lets through two things that the services do and the validator is stricter about: Jira writes zones without a
// colon (see every recorded webhook), and a schema without a type allows null, as the field values of an issue need.
func allow(doc *openapi3.T) {
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(
		`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`))
	if bean := doc.Components.Schemas["IssueBean"]; bean != nil {
		bean.Value.Properties["fields"].Value.AdditionalProperties.Schema.Value.Nullable = true
	}
}

// check validates a request with its answer, and reports the answer's status.
func (v specification) check(s *site, request *http.Request) int {
	v.t.Helper()
	var body []byte
	if request.Body != nil {
		body, _ = io.ReadAll(request.Body)
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	route, params, err := v.router.FindRoute(request)
	if err != nil {
		v.t.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
		return 0
	}
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
	}
	if err := openapi3filter.ValidateRequest(v.t.Context(), input); err != nil {
		v.t.Errorf("%s %s: request: %v", request.Method, request.URL.Path, err)
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.RequestURI = ""
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.checkAnswer(input, response, answer)
	return response.StatusCode
}

func (v specification) checkAnswer(input *openapi3filter.RequestValidationInput, response *http.Response, answer []byte) {
	v.t.Helper()
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, MultiError: true,
			ExcludeResponseBody: response.StatusCode == http.StatusNoContent, // the validator would decode what is not there
		},
	}
	output.SetBodyBytes(answer)
	err := openapi3filter.ValidateResponse(v.t.Context(), output)
	var multi openapi3.MultiError
	if errors.As(err, &multi) && len(multi) == 0 || err == nil {
		return
	}
	v.t.Errorf("%s %s: answer %d: %v", input.Request.Method, input.Request.URL.Path, response.StatusCode, shorten(err))
}

func shorten(err error) string {
	text := fmt.Sprint(err)
	return text[:min(len(text), 1500)]
}

func (s *site) newRequest(method, path, body string) *http.Request {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+path, strings.NewReader(body))
	s.must(err)
	if body == "" {
		request.Body = nil
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	request.SetBasicAuth("sopd@example.com", botToken)
	return request
}

func TestPlatformAnswersKeepToTheVendorsSpecification(t *testing.T) {
	spec := loadSpecification(t, "jira-v3-issues-search.json")
	s := newSite(t, jiramock.Config{})
	key := string(s.request())
	s.clock.advance(time.Minute)
	s.must(s.Edit(s.requester, jiramock.Key(key), map[string]any{"System": "hr", "Justification": nil, "labels": []string{"a"}}))
	s.must(s.Answer(s.owner, jiramock.Key(key), "approve"))
	s.must(s.Comment(s.owner, jiramock.Key(key), jiramock.NewComment{Body: "x"}))
	commentID, _ := at(s.get("/rest/api/3/issue/"+key+"/comment").body, "comments", 0, "id").(string)
	const adf = `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"hello"}]}]}`
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/rest/api/3/serverInfo", "", 200},
		{"GET", "/rest/api/3/myself", "", 200},
		{"GET", "/rest/api/3/field", "", 200},
		{"GET", "/rest/api/3/status", "", 200},
		{"GET", "/rest/api/3/project", "", 200},
		{"GET", "/rest/api/3/project/ACC", "", 200},
		{"GET", "/rest/api/3/user/search?query=olive", "", 200},
		{"GET", "/rest/api/3/user?accountId=" + string(s.owner), "", 200},
		{"GET", "/rest/api/3/search/jql?jql=project%3DACC", "", 200},
		{"GET", "/rest/api/3/search/jql?jql=project%3DACC&fields=*all&expand=changelog,names", "", 200},
		{"POST", "/rest/api/3/search/jql", `{"jql":"project = ACC","fields":["*all"],"maxResults":10,"reconcileIssues":[10010]}`, 200},
		{"GET", "/rest/api/3/search/jql?jql=status%3Dnowhere", "", 400},
		{"POST", "/rest/api/3/search/approximate-count", `{"jql":"project = ACC"}`, 200},
		{"GET", "/rest/api/3/issue/" + key + "?expand=changelog,transitions,names", "", 200},
		{"GET", "/rest/api/3/issue/NOPE-1", "", 404},
		{"GET", "/rest/api/3/issue/" + key + "/changelog", "", 200},
		{"GET", "/rest/api/3/issue/" + key + "/transitions", "", 200},
		{"POST", "/rest/api/3/issue/" + key + "/comment", `{"body":` + adf + `}`, 201},
		{"GET", "/rest/api/3/issue/" + key + "/comment", "", 200},
		{"GET", "/rest/api/3/issue/" + key + "/comment/" + commentID, "", 200},
		{"PUT", "/rest/api/3/issue/" + key + "/comment/" + commentID, `{"body":` + adf + `}`, 200},
		{"DELETE", "/rest/api/3/issue/" + key + "/comment/" + commentID, "", 204},
		{"GET", "/rest/api/3/issue/" + key + "/comment/" + commentID, "", 404},
		{"PUT", "/rest/api/3/issue/" + key + "/properties/sopd.change", `{"id":"CHG-1"}`, 201},
		{"PUT", "/rest/api/3/issue/" + key + "/properties/sopd.change", `{"id":"CHG-2"}`, 200},
		{"GET", "/rest/api/3/issue/" + key + "/properties/sopd.change", "", 200},
		{"GET", "/rest/api/3/issue/" + key + "/properties", "", 200},
		{"DELETE", "/rest/api/3/issue/" + key + "/properties/sopd.change", "", 204},
		{"POST", "/rest/api/3/issue/" + key + "/remotelink", `{"globalId":"g","object":{"url":"https://example.com","title":"x"}}`, 201},
		{"POST", "/rest/api/3/issue/" + key + "/remotelink", `{"globalId":"g","object":{"url":"https://example.com","title":"y"}}`, 200},
		{"GET", "/rest/api/3/issue/" + key + "/remotelink?globalId=g", "", 200},
		{"PUT", "/rest/api/3/issue/" + key, `{"fields":{"summary":"Other"}}`, 204},
		{"PUT", "/rest/api/3/issue/" + key, `{"fields":{"nonsense":"x"}}`, 400},
		{"PUT", "/rest/api/3/issue/" + key + "/assignee", `{"accountId":"` + string(s.owner) + `"}`, 204},
		{"POST", "/rest/api/3/issue/" + key + "/transitions", `{"transition":{"id":"21"}}`, 204},
		{"POST", "/rest/api/3/issue/" + key + "/transitions", `{"transition":{"id":"77"}}`, 400},
		{"POST", "/rest/api/3/issue", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"}}`, 201},
		{"POST", "/rest/api/3/issue", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"}}}`, 400},
		{"DELETE", "/rest/api/3/issue/" + key, "", 204},
	} {
		if got := spec.check(s, s.newRequest(c.method, c.path, c.body)); got != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, got, c.status)
		}
	}
	if unknown := s.Unknown(); len(unknown) > 0 {
		t.Errorf("paths without a route: %v", unknown[0].Path)
	}
}

func TestServiceDeskAnswersKeepToTheVendorsSpecification(t *testing.T) {
	spec := loadSpecification(t, "jsm-requests-approvals.json")
	s := newSite(t, jiramock.Config{})
	key := string(s.request())
	s.must(s.Comment(s.owner, jiramock.Key(key), jiramock.NewComment{Body: "looking"}))
	request := "/rest/servicedeskapi/request/" + key
	first := s.get(request + "/approval")
	id, _ := at(first.body, "values", 0, "id").(string)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/rest/servicedeskapi/info", "", 200},
		{"GET", "/rest/servicedeskapi/servicedesk", "", 200},
		{"GET", "/rest/servicedeskapi/servicedesk/1", "", 200},
		{"GET", "/rest/servicedeskapi/requesttype", "", 200},
		{"GET", "/rest/servicedeskapi/request", "", 200},
		{"GET", request + "/status", "", 200},
		{"GET", request + "/participant", "", 404},
		{"GET", "/rest/servicedeskapi/servicedesk/1/requesttype", "", 200},
		{"GET", "/rest/servicedeskapi/servicedesk/1/requesttype/" + requestTypeID(s) + "/field", "", 200},
		{"GET", request, "", 200},
		{"GET", request + "/approval", "", 200},
		{"GET", request + "/approval/" + id, "", 200},
		{"POST", request + "/approval/" + id, `{"decision":"approve"}`, 403},
		{"GET", request + "/sla", "", 200},
		{"GET", request + "/comment", "", 200},
		{"POST", request + "/comment", `{"body":"done","public":true}`, 201},
		{"GET", "/rest/servicedeskapi/request/ACC-99", "", 404},
		{"POST", "/rest/servicedeskapi/request",
			`{"serviceDeskId":"1","requestTypeId":"` + requestTypeID(s) + `","requestFieldValues":{"summary":"please"}}`, 201},
	} {
		if got := spec.check(s, s.newRequest(c.method, c.path, c.body)); got != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, got, c.status)
		}
	}
	approve := s.newRequest("POST", request+"/approval/"+id, `{"decision":"approve"}`)
	approve.SetBasicAuth("olive@example.com", "olive-token")
	if got := spec.check(s, approve); got != 200 {
		t.Errorf("approving: status %d", got)
	}
	if got := spec.check(s, s.newRequest("GET", request+"/approval", "")); got != 200 {
		t.Errorf("approvals afterwards: status %d", got)
	}
}

func requestTypeID(s *site) string {
	got := s.get("/rest/servicedeskapi/servicedesk/1/requesttype")
	id, _ := at(got.body, "values", 0, "id").(string)
	return id
}
