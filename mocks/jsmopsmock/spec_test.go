package jsmopsmock_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/maisonrmi/sopd/internal/testdata"
)

// specification is the vendor's, for the REST API. It knows neither schedules nor notes by POST; those are not checked.
type specification struct{ router routers.Router }

func newSpecification(t *testing.T) *specification {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(testdata.Shared(t, "vendor-data/specs/jsm-ops/jsm-ops-alerts-excerpt.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "/jsm/ops"}} // any host
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &specification{router}
}

// exchange is a request and its answer.
type exchange struct {
	req  *http.Request
	sent []byte
	resp *http.Response
	body []byte
}

// check returns what is not as specified about e. The request of an accepted write is checked too: otherwise the mock would be
// laxer than the vendor.
func (s *specification) check(e exchange) error {
	again := e.req.Clone(e.req.Context())
	again.Body = io.NopCloser(bytes.NewReader(e.sent))
	route, params, err := s.router.FindRoute(again)
	if err != nil {
		return fmt.Errorf("route: %w", err)
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	input := &openapi3filter.RequestValidationInput{Request: again, PathParams: params, Route: route, Options: options}
	if e.resp.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(e.req.Context(), input); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: e.resp.StatusCode, Header: e.resp.Header, Options: options}
	output.SetBodyBytes(e.body)
	if err := openapi3filter.ValidateResponse(e.req.Context(), output); err != nil {
		return fmt.Errorf("response: %w", err)
	}
	return nil
}

// TestTheValidatorSeesAWrongAnswer keeps the validation honest: a specification that accepts anything proves nothing.
func TestTheValidatorSeesAWrongAnswer(t *testing.T) {
	s := newSpecification(t)
	for name, c := range map[string]struct{ path, body string }{
		"a time that is none":         {"alerts", `{"values":[{"id":"a","createdAt":"yesterday"}]}`},
		"a status that is none":       {"alerts/a", `{"id":"a","status":"new"}`},
		"a count as text":             {"alerts/a", `{"id":"a","count":"1"}`},
		"a time of ack as a duration": {"alerts/a", `{"id":"a","ackTime":15702}`},
		"a list under another name":   {"alerts/a/notes", `{"values":{}}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x.example.com/jsm/ops/api/c/v1/"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
		if err := s.check(exchange{req: req, resp: resp, body: []byte(c.body)}); err == nil || !strings.HasPrefix(err.Error(), "response") {
			t.Errorf("%s passes: %v", name, err)
		}
	}
}
