package jsmops_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/internal/testdata"
)

func specification(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(testdata.Shared(t, "vendor-data/specs/jsm-ops/jsm-ops-alerts-excerpt.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "/jsm/ops"}} // any host
	return doc
}

func routerOf(t *testing.T, doc *openapi3.T) routers.Router {
	t.Helper()
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// TestWhatIsAskedOfTheRESTAPIIsAsSpecified: the mock is ours, the specification is the vendor's. It has no schedules.
func TestWhatIsAskedOfTheRESTAPIIsAsSpecified(t *testing.T) {
	router := routerOf(t, specification(t))
	v := newVendor(t)
	var checked atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/jsm/ops/api/") {
			checked.Add(1)
			if err := asSpecified(router, r); err != nil {
				t.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
		}
		v.answer(w, r)
	}))
	t.Cleanup(h.Close)
	p := build(t, options(h.URL))
	_, alertsErr := p.Alerts(t.Context(), paging.Window{From: time.Unix(1, 0), To: time.Now().Add(time.Hour)})
	_, alertErr := p.Alert(t.Context(), v.id)
	_, aliasErr := p.AlertByAlias(t.Context(), "disk")
	_, notesErr := p.Notes(t.Context(), v.id)
	for _, err := range []error{alertsErr, alertErr, aliasErr, notesErr} {
		if err != nil {
			t.Error(err)
		}
	}
	if checked.Load() < 4 {
		t.Errorf("%d requests checked", checked.Load())
	}
}

func asSpecified(router routers.Router, r *http.Request) error {
	again := r.Clone(r.Context())
	again.Body = http.NoBody
	route, params, err := router.FindRoute(again)
	if err != nil {
		return err
	}
	// The excerpt has no parameters for notes; the connector's are the whole specification's.
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{Request: again, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}})
}

// TestAnAlertIsCreatedWithinTheVendorsSchema holds the body of an integration event against the schema of the same thing in
// REST: the two differ in the names of responders and of extra properties only.
func TestAnAlertIsCreatedWithinTheVendorsSchema(t *testing.T) {
	schema := specification(t).Components.Schemas["CreateAlertRequest"].Value
	var sent any
	v := newVendor(t)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posts(r) {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			sent = decoded(t, text)
			r.Body = io.NopCloser(bytes.NewReader(text))
		}
		v.answer(w, r)
	}))
	t.Cleanup(h.Close)
	_, err := build(t, options(h.URL)).Create(t.Context(), paging.NewAlert{Alias: "a", Message: strings.Repeat("m", 200), Description: strings.Repeat("d", 20_000),
		Priority: 1, Tags: []string{"t"}, Details: map[string]string{"k": "v"}, Teams: []string{"SecOps"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.VisitJSON(sent); err != nil {
		t.Error(err)
	}
	if err := schema.VisitJSON(map[string]any{"message": strings.Repeat("m", 131)}); err == nil {
		t.Error("the schema takes anything")
	}
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Error(err)
	}
	return v
}

// The site is all that is needed to cross from Opsgenie.
var _ crossing.Primary = (*jsmops.Pager)(nil)
