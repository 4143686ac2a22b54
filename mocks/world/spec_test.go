package world_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/world"
)

// specified asks one vendor of a world and holds each answer against the vendor's specification.
type specified struct {
	t         *testing.T
	base      string
	authorize func(*http.Request)
	router    routers.Router
}

func (s *specified) load(doc *openapi3.T) {
	s.t.Helper()
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	must(s.t, err)
	s.router = router
}

func loadSpec(t *testing.T, name string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(testdata.Shared(t, "vendor-data/specs/trimmed/"+name))
	must(t, err)
	return doc
}

// get asks for the path and decodes the answer. It returns the path of the next page, empty when there is none.
func (s *specified) get(path string, into any) (next string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	must(s.t, err)
	s.authorize(request)
	route, params, err := s.router.FindRoute(request)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	response, err := http.DefaultClient.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(s.t, err)
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options},
		Status:                 response.StatusCode, Header: response.Header, Options: options,
	}
	// The real Okta writes null for a description that is not there, which its specification does not allow.
	answer.SetBodyBytes(bytes.ReplaceAll(body, []byte(`"description":null`), []byte(`"description":""`)))
	if err := openapi3filter.ValidateResponse(s.t.Context(), answer); err != nil {
		text := err.Error()
		s.t.Errorf("%s, status %d: %s", path, response.StatusCode, text[:min(len(text), 800)])
	}
	must(s.t, json.Unmarshal(body, into))
	return nextOf(response.Header)
}

func nextOf(h http.Header) string {
	for _, link := range h.Values("Link") {
		if target, rel, _ := strings.Cut(link, ";"); strings.Contains(rel, "next") {
			if u, err := url.Parse(strings.Trim(target, "<> ")); err == nil {
				return u.RequestURI()
			}
		}
	}
	return ""
}

// played is a world in which the main story's deeds have been done, so that there is something of everything.
func played(t *testing.T) *world.World {
	t.Helper()
	w := open(t)
	for _, step := range world.Stories()[0].Steps {
		if step.Do != nil {
			must(t, step.Do(w))
		}
		moveOn(t, w)
	}
	return w
}

func TestTheOktaOfTheWorldKeepsToItsSpecification(t *testing.T) {
	w := played(t)
	s := &specified{t: t, base: w.Okta.URL(), authorize: func(r *http.Request) { r.Header.Set("Authorization", "SSWS "+w.Okta.Token()) }}
	s.load(loadSpec(t, "okta-users-groups-logs-eventhooks.json"))
	type object struct{ ID string }
	var users, groups []object
	for next := "/api/v1/users?limit=40"; next != ""; {
		var page []object
		next = s.get(next, &page)
		users = append(users, page...)
	}
	for next := "/api/v1/groups?limit=20"; next != ""; {
		var page []object
		next = s.get(next, &page)
		groups = append(groups, page...)
	}
	if len(users) < 60 || len(groups) != len(w.AllGroups()) {
		t.Errorf("%d users, %d groups", len(users), len(groups))
	}
	var rest any
	for _, u := range users[:10] {
		s.get("/api/v1/users/"+u.ID, &rest)
		s.get("/api/v1/users/"+u.ID+"/groups", &rest)
	}
	for _, g := range groups {
		s.get("/api/v1/groups/"+g.ID, &rest)
		s.get("/api/v1/groups/"+g.ID+"/users?limit=200", &rest)
	}
	s.get("/api/v1/groups/rules", &rest)
	s.get("/api/v1/logs?limit=100", &rest)
}

func TestTheJiraOfTheWorldKeepsToItsSpecification(t *testing.T) {
	w := played(t)
	env := w.Env()
	authorize := func(r *http.Request) { r.SetBasicAuth(env["SOPD_JIRA_USER"], env["SOPD_JIRA_TOKEN"]) }
	platform := &specified{t: t, base: w.Jira.URL(), authorize: authorize}
	// Jira writes zones without a colon, and a field's value may be null.
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(
		`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`))
	doc := loadSpec(t, "jira-v3-issues-search.json")
	doc.Components.Schemas["IssueBean"].Value.Properties["fields"].Value.AdditionalProperties.Schema.Value.Nullable = true
	platform.load(doc)
	desk := &specified{t: t, base: w.Jira.URL(), authorize: authorize}
	desk.load(loadSpec(t, "jsm-requests-approvals.json"))
	var found struct{ Issues []struct{ Key string } }
	platform.get("/rest/api/3/search/jql?jql=project+in+(ACC,HR)+ORDER+BY+updated+DESC&fields=*all&expand=changelog&maxResults=100", &found)
	if len(found.Issues) != 100 {
		t.Fatalf("%d issues", len(found.Issues))
	}
	var rest any
	platform.get("/rest/api/3/field", &rest)
	for _, i := range found.Issues[:12] {
		platform.get("/rest/api/3/issue/"+i.Key+"?expand=changelog,transitions", &rest)
		platform.get("/rest/api/3/issue/"+i.Key+"/comment", &rest)
		desk.get("/rest/servicedeskapi/request/"+i.Key, &rest)
		desk.get("/rest/servicedeskapi/request/"+i.Key+"/approval", &rest)
		desk.get("/rest/servicedeskapi/request/"+i.Key+"/sla", &rest)
	}
}

func TestTheOpsgenieOfTheWorldKeepsToItsSpecification(t *testing.T) {
	w := played(t)
	text, err := os.ReadFile(testdata.Shared(t, "vendor-data/specs/trimmed/opsgenie-alerts-schedules.json"))
	must(t, err)
	// Swagger 2 names the discriminator by a string; the types behind it are not part of the trimmed document.
	text = bytes.ReplaceAll(text, []byte(`"discriminator": "type",`), nil)
	var old openapi2.T
	must(t, json.Unmarshal(text, &old))
	doc, err := openapi2conv.ToV3(&old)
	must(t, err)
	s := &specified{t: t, base: w.Opsgenie.URL(), authorize: func(r *http.Request) { r.Header.Set("Authorization", "GenieKey "+w.Env()["SOPD_OPSGENIE_KEY"]) }}
	s.load(doc)
	var alerts struct{ Data []struct{ ID string } }
	s.get("/v2/alerts?limit=100", &alerts)
	if len(alerts.Data) != len(w.Opsgenie.Alerts()) {
		t.Errorf("%d alerts of %d", len(alerts.Data), len(w.Opsgenie.Alerts()))
	}
	var rest any
	for _, a := range alerts.Data {
		s.get("/v2/alerts/"+a.ID+"?identifierType=id", &rest)
		s.get("/v2/alerts/"+a.ID+"/logs?identifierType=id", &rest)
	}
	s.get("/v2/schedules", &rest)
	s.get("/v2/schedules/on-calls?flat=true", &rest)
}
