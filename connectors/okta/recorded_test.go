package okta_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/testdata"
)

// exchange is one recorded answer of the real service.
type exchange struct {
	method, path string
	status       int
	links        []string
	body         string
}

// cassette is a recording, of go-vcr (url, code, body) or of vcrpy (uri, status.code, body.string).
type cassette struct {
	Interactions []struct {
		Request  struct{ Method, URL, URI string }
		Response struct {
			Code    int
			Status  any
			Headers map[string]any
			Body    any
		}
	}
}

// recorded returns the answers of all recordings.
func recorded(t *testing.T) []exchange {
	t.Helper()
	var out []exchange
	for _, pattern := range []string{"okta-sdk-python/tests/integration/cassettes/*/*.yaml", "terraform-provider-okta/test/fixtures/vcr/idaas/*/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(testdata.Shared(t, "vendor-data/recordings"), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recordings: %v", err)
		}
		for _, file := range files {
			out = append(out, play(t, file)...)
		}
	}
	return out
}

func play(t *testing.T, file string) []exchange {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c cassette
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var out []exchange
	for _, x := range c.Interactions {
		u, err := url.Parse(x.Request.URL + x.Request.URI)
		if err != nil {
			t.Fatal(err)
		}
		e := exchange{method: x.Request.Method, path: u.Path, status: x.Response.Code}
		if status, isMap := x.Response.Status.(map[string]any); isMap {
			code, _ := status["code"].(uint64)
			e.status = int(code)
		}
		e.body, _ = x.Response.Body.(string)
		if body, isMap := x.Response.Body.(map[string]any); isMap {
			e.body, _ = body["string"].(string)
		}
		for _, name := range []string{"Link", "link"} {
			lines, _ := x.Response.Headers[name].([]any)
			for _, line := range lines {
				text, _ := line.(string)
				e.links = append(e.links, text)
			}
		}
		out = append(out, e)
	}
	return out
}

// again serves the answer once, and no next page after it: which pages were recorded is not ours to say.
func (e exchange) again(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("after") {
		e.links, e.body = nil, "[]"
	}
	w.Header()["Link"] = e.links
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.body)
}

func TestRecordedAnswersOfTheRealServiceAreUnderstood(t *testing.T) {
	reads := map[string]func(t *testing.T, d *okta.Directory, id string) error{
		`^/api/v1/users/(00u\w+)$`: func(t *testing.T, d *okta.Directory, id string) error {
			return second(d.User(t.Context(), access.UserID(id)))
		},
		`^/api/v1/users/(00u\w+)/groups$`: func(t *testing.T, d *okta.Directory, id string) error {
			return second(d.UserGroups(t.Context(), access.UserID(id)))
		},
		`^/api/v1/users/(00u\w+)/roles$`: func(t *testing.T, d *okta.Directory, id string) error {
			return second(d.Roles(t.Context(), access.UserID(id)))
		},
		`^/api/v1/groups/(00g\w+)$`: func(t *testing.T, d *okta.Directory, id string) error {
			return second(d.Group(t.Context(), access.GroupID(id)))
		},
		`^/api/v1/()groups$`: func(t *testing.T, d *okta.Directory, _ string) error { return second(d.Groups(t.Context())) },
		`^/api/v1/()users$`:  func(t *testing.T, d *okta.Directory, _ string) error { return second(d.AllUsers(t.Context())) },
	}
	all, played := recorded(t), map[string]int{}
	for pattern, read := range reads {
		fits := regexp.MustCompile(pattern)
		for _, e := range all {
			m := fits.FindStringSubmatch(e.path)
			if m == nil || e.method != http.MethodGet {
				continue
			}
			played[pattern]++
			replay(t, e, func(d *okta.Directory) error { return read(t, d, m[1]) })
		}
		if played[pattern] == 0 {
			t.Errorf("no recording of %s", pattern)
		}
	}
	t.Logf("replayed %v", played)
}

func replay(t *testing.T, e exchange, read func(*okta.Directory) error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(e.again))
	defer s.Close()
	err := read(open(t, okta.Options{URL: s.URL, Token: secret.New("t"), Transport: impatient()}))
	if e.status == http.StatusNotFound && errors.Is(err, access.ErrNotFound) {
		return
	}
	if e.body == "[]" && errors.Is(err, access.ErrIncomplete) {
		return // a recorded search found nothing; as the answer to a list of all groups that is not believed
	}
	if err != nil || e.status != http.StatusOK {
		t.Errorf("GET %s, status %d: %v", e.path, e.status, err)
	}
}
