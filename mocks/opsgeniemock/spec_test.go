package opsgeniemock_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/maisonrmi/sopd/internal/testdata"
)

// specified is a transport that holds every exchange against the vendor's specification.
type specified struct {
	t      *testing.T
	router routers.Router

	mu      sync.Mutex
	checked int
}

// newSpecified loads the vendor's specification, which is Swagger 2. The document itself is not validated: it has faults.
func newSpecified(t *testing.T) *specified {
	t.Helper()
	text, err := os.ReadFile(testdata.Shared(t, "vendor-data/specs/trimmed/opsgenie-alerts-schedules.json"))
	if err != nil {
		t.Fatal(err)
	}
	// Swagger 2 names the discriminator by a string; the types behind it are not part of the trimmed document.
	text = bytes.ReplaceAll(text, []byte(`"discriminator": "type",`), nil)
	var old openapi2.T
	if err := json.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	doc, err := openapi2conv.ToV3(&old)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // any host
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &specified{t: t, router: router}
}

// RoundTrip sends req and fails the test when the exchange is not as specified.
func (s *specified) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if problem := s.check(req, sent, resp, body); problem != nil {
		s.t.Errorf("%s %s, answer %d %s: %v", req.Method, req.URL.Path, resp.StatusCode, body, problem)
	}
	return resp, nil
}

func (s *specified) check(req *http.Request, sent []byte, resp *http.Response, body []byte) error {
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(sent))
	route, params, err := s.router.FindRoute(again)
	if err != nil {
		return fmt.Errorf("route: %w", err)
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	input := &openapi3filter.RequestValidationInput{Request: again, PathParams: params, Route: route, Options: options}
	// What a client sends is checked when the mock accepted it: otherwise the mock would be laxer than the vendor.
	if resp.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	s.mu.Lock()
	s.checked++
	s.mu.Unlock()
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: options}
	output.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(req.Context(), output)
}

// TestTheValidatorSeesAWrongAnswer keeps the validation honest: a specification that accepts anything proves nothing.
func TestTheValidatorSeesAWrongAnswer(t *testing.T) {
	s := newSpecified(t)
	for name, c := range map[string]struct{ path, body string }{
		"a time that is none":    {"/v2/alerts", `{"took":0.1,"requestId":"r","data":[{"id":"a","createdAt":"yesterday"}]}`},
		"an alert without an id": {"/v2/alerts", `{"took":0.1,"requestId":"r","data":[{"message":"m"}]}`},
		"no request id":          {"/v2/alerts", `{"took":0.1,"data":[]}`},
		"a count as text":        {"/v2/alerts/a", `{"took":0.1,"requestId":"r","data":{"id":"a","count":"1"}}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x.example.com"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
		if err := s.check(req, nil, resp, []byte(c.body)); err == nil || !strings.Contains(err.Error(), "response") {
			t.Errorf("%s passes: %v", name, err)
		}
	}
}
