package okta_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/testdata"
)

func TestTheExamplesOfTheSpecificationAreUnderstood(t *testing.T) {
	reads := map[string]func(*okta.Directory) error{
		"/api/v1/users":                  func(d *okta.Directory) error { return second(d.AllUsers(t.Context())) },
		"/api/v1/groups":                 func(d *okta.Directory) error { return second(d.Groups(t.Context())) },
		"/api/v1/groups/rules":           func(d *okta.Directory) error { return second(d.Rules(t.Context())) },
		"/api/v1/groups/{groupId}/users": func(d *okta.Directory) error { return second(d.Members(t.Context(), "00g1")) },
		"/api/v1/users/{id}/groups":      func(d *okta.Directory) error { return second(d.UserGroups(t.Context(), "00u1")) },
		"/api/v1/logs": func(d *okta.Directory) error {
			_, _, err := d.Events(t.Context(), "", time.Now())
			return err
		},
	}
	for path, read := range reads {
		for name, body := range examples(t, path) {
			s := httptest.NewServer(answer(body, "c1"))
			if path != "/api/v1/logs" {
				s.Config.Handler = answer(body, "")
			}
			if err := read(open(t, okta.Options{URL: s.URL, Token: secret.New("t"), Transport: impatient()})); err != nil {
				t.Errorf("%s, example %s: %v", path, name, err)
			}
			s.Close()
		}
	}
}

// examples returns the published lists that GET path may answer, by name. What is no list is not such an answer.
func examples(t *testing.T, path string) map[string]string {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(testdata.Shared(t, "vendor-data/specs/trimmed/okta-users-groups-logs-eventhooks.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, example := range doc.Paths.Find(path).Get.Responses.Status(200).Value.Content["application/json"].Examples {
		if _, isList := example.Value.Value.([]any); !isList {
			continue
		}
		body, err := json.Marshal(example.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(body)
	}
	if len(out) == 0 {
		t.Fatalf("no example of %s", path)
	}
	return out
}
