package oktamock_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/okta/okta-sdk-golang/v2/okta"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// org starts an org that ends with the test.
func org(t testing.TB, c oktamock.Config) *oktamock.Server {
	t.Helper()
	s := oktamock.New(c)
	t.Cleanup(s.Close)
	return s
}

// sdk returns Okta's own SDK pointed at the org, over the transport.
func sdk(t testing.TB, s *oktamock.Server, transport http.RoundTripper) *okta.Client {
	t.Helper()
	_, client, err := okta.NewClient(t.Context(), okta.WithOrgUrl(s.URL()), okta.WithToken(s.Token()),
		okta.WithAuthorizationMode("SSWS"), okta.WithCache(false), okta.WithTestingDisableHttpsCheck(true),
		okta.WithRateLimitMaxRetries(0), okta.WithHttpClientPtr(&http.Client{Transport: transport, Timeout: 10 * time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// validator is a transport that holds each request and answer against Okta's specification.
type validator struct {
	t      testing.TB
	router routers.Router
	mu     sync.Mutex
	seen   map[string]int // valid exchanges by endpoint
}

func newValidator(t testing.TB, s *oktamock.Server) *validator {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(testdata.Shared(t, "vendor-data/specs/trimmed/okta-users-groups-logs-eventhooks.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: s.URL()}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &validator{t: t, router: router, seen: map[string]int{}}
}

// RoundTrip sends the request and reports what breaks the specification.
func (v *validator) RoundTrip(req *http.Request) (*http.Response, error) {
	route, vars, err := v.router.FindRoute(req)
	if err != nil {
		v.t.Errorf("%s %s is not in the specification", req.Method, req.URL.Path)
		return http.DefaultTransport.RoundTrip(req)
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: vars, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true, SkipSettingDefaults: true,
	}}
	if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
		v.t.Errorf("request %s %s: %v", req.Method, req.URL.RequestURI(), err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	v.answer(req, resp, input)
	return resp, nil
}

func (v *validator) answer(req *http.Request, resp *http.Response, input *openapi3filter.RequestValidationInput) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Error(err)
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: input.Options}
	out.SetBodyBytes(withoutNullDescriptions(body))
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		v.t.Errorf("answer to %s %s: %v", req.Method, req.URL.RequestURI(), err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[req.Method+" "+input.Route.Path]++
}

// withoutNullDescriptions allows the one known exception of the real service: a group's description may be null.
func withoutNullDescriptions(body []byte) []byte {
	return []byte(strings.ReplaceAll(string(body), `"description":null`, `"description":""`))
}

// get asks the org directly and decodes the answer.
func get(t testing.TB, s *oktamock.Server, pathAndQuery string, into any) *http.Response {
	t.Helper()
	return send(t, s, "GET "+pathAndQuery, into)
}

// send asks the org directly, by a line such as "PUT /api/v1/groups/00g1/users/00u1".
func send(t testing.TB, s *oktamock.Server, line string, into any) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "SSWS "+s.Token())
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: %v in %q", line, err, raw)
		}
	}
	return resp
}

// object is what tests look at of users, groups, events.
type object struct {
	ID            string
	Status        string
	Transitioning string `json:"transitioningToStatus"`
	UUID          string
	EventType     string
	Published     time.Time
	Actor         struct{ ID, Type string }
	Target        []struct{ ID, Type string }
	ErrorCode     string
}

func ids(list []object) []string {
	out := []string{}
	for _, o := range list {
		out = append(out, o.ID)
	}
	return out
}

// next returns the path and query of the link to the next page, "" when there is none.
func next(resp *http.Response) string {
	for _, line := range resp.Header.Values("Link") {
		if address, found := strings.CutSuffix(line, `>; rel="next"`); found {
			u, err := url.Parse(strings.TrimPrefix(address, "<"))
			if err == nil {
				return u.RequestURI()
			}
		}
	}
	return ""
}

// receiver is an endpoint of event hooks that keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	auth   []string
	status int
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{status: 204}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	if challenge := req.Header.Get("X-Okta-Verification-Challenge"); challenge != "" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"verification":"`+challenge+`"}`)
		return
	}
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies, r.auth = append(r.bodies, string(body)), append(r.auth, req.Header.Get("Authorization"))
	w.WriteHeader(r.status)
}

func flush(t testing.TB, s *oktamock.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// contextOf is the context of calls in tables, which the org outlives.
func contextOf(*story) context.Context { return context.Background() }
