package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans is a collector that keeps what it is sent.
type spans struct {
	mu   sync.Mutex
	all  []*wire.Span
	path string
}

func newCollector(t *testing.T) (s *spans, url string) {
	t.Helper()
	s = &spans{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			http.Error(w, "no spans", http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.path = r.URL.Path
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				s.all = append(s.all, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(server.Close)
	return s, server.URL
}

// adoptedSite is a site whose members are known, so that a pass has one thing to do.
func adoptedSite(t *testing.T) site {
	t.Helper()
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatal(errs)
	}
	return s
}

func attributesOf(s *wire.Span) map[string]string {
	all := make(map[string]string)
	for _, a := range s.GetAttributes() {
		all[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return all
}

// named returns the spans of a name.
func (s *spans) named(name string) []*wire.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*wire.Span
	for _, x := range s.all {
		if x.GetName() == name {
			found = append(found, x)
		}
	}
	return found
}

func TestATraceLeadsFromThePassToTheVendorsCallByTheChangeID(t *testing.T) {
	s := adoptedSite(t)
	traces, url := newCollector(t)
	s.env["SOPD_OTLP_ENDPOINT"] = url
	approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatal(errs)
	}
	changes, passes := traces.named("change"), traces.named("pass")
	if len(changes) != 1 || len(passes) != 1 || traces.path != "/v1/traces" {
		t.Fatalf("%d changes, %d passes at %q", len(changes), len(passes), traces.path)
	}
	change := attributesOf(changes[0])
	if !strings.HasPrefix(change["sopd.change_id"], "CHG-") || change["sopd.kind"] != "add-member" || change["sopd.outcome"] != "applied" {
		t.Errorf("%v", change)
	}
	if string(changes[0].GetParentSpanId()) != string(passes[0].GetSpanId()) {
		t.Error("the change is not under its pass")
	}
	calls := 0
	for _, call := range traces.named("vendor call") {
		a := attributesOf(call)
		if a["sopd.change_id"] == "" {
			continue
		}
		calls++
		if a["sopd.change_id"] != change["sopd.change_id"] || a["sopd.method"] != http.MethodPut || a["sopd.route"] != "/api/v1/groups/{}/users/{}" ||
			a["sopd.connector"] != "okta" || a["sopd.outcome"] != "ok" || string(call.GetParentSpanId()) != string(changes[0].GetSpanId()) {
			t.Errorf("%v", a)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls under the change", calls)
	}
}

func TestTracesHoldNoSecretNoPersonAndNoIdentifier(t *testing.T) {
	s := adoptedSite(t)
	traces, url := newCollector(t)
	s.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
	key := approvedRequest(t, s.world)
	_, stop := s.start(t)
	eventually(t, "fulfilled", func() bool { return s.world.Status(key) == "Waiting for validation" })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(traces.named("job")) == 0 {
		t.Error("no job was traced")
	}
	routes := 0
	allowed := regexp.MustCompile(`^(CHG-[0-9A-Z]{26}|[a-z_-]+( [a-z]+)?|GET|POST|PUT|DELETE|/[A-Za-z0-9_{}/-]+)$`)
	for _, x := range traces.all {
		for name, value := range attributesOf(x) {
			if !allowed.MatchString(value) {
				t.Errorf("%s: %s is %q", x.GetName(), name, value)
			}
			if name != "sopd.route" {
				continue
			}
			routes++
			for _, part := range strings.Split(value, "/") {
				// Nothing as long as an identifier, no ticket, and no digit but a version's.
				if len(part) > 20 || regexp.MustCompile(`[A-Z]+-\d|\d\d|00[ug]`).MatchString(part) {
					t.Errorf("route %q", value)
				}
			}
		}
		if x.GetStatus().GetMessage() != "" && !allowed.MatchString(x.GetStatus().GetMessage()) || len(x.GetEvents()) > 0 {
			t.Errorf("%s: status %q, %d events", x.GetName(), x.GetStatus().GetMessage(), len(x.GetEvents()))
		}
	}
	if routes < 10 {
		t.Errorf("only %d vendor calls", routes)
	}
}

func TestACollectorThatIsAwayKeepsNothingFromBeingDone(t *testing.T) {
	s := adoptedSite(t)
	s.env["SOPD_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
	approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone || !s.world.InGroup("clara", "payments-operators") {
		t.Errorf("%d %s", code, errs)
	}
	s.env["SOPD_OTLP_ENDPOINT"] = "grpc://collector"
	if code, _, errs := s.sopd(t, "plan"); code != exitUsage || !strings.Contains(errs, "SOPD_OTLP_ENDPOINT: is not the address of a collector") {
		t.Errorf("%d %s", code, errs)
	}
}
