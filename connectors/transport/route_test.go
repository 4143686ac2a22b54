package transport_test

import (
	"testing"

	"github.com/maisonrmi/sopd/connectors/transport"
)

func TestARouteNamesNobodyAndNothing(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/users/alice":                       "/api/v1/users/{}",
		"/api/v1/groups/00g1/users/00u1":            "/api/v1/groups/{}/users/{}",
		"/rest/api/2/issue/ACC-1/transitions":       "/rest/api/2/issue/{}/transitions",
		"/ex/jira/8a7b/rest/api/2/myself":           "/ex/jira/{}/rest/api/2/myself",
		"/v2/alerts/3f1c/notes":                     "/v2/alerts/{}/notes",
		"/jsm/ops/api/8a7b/v1/schedules/9/on-calls": "/jsm/ops/api/{}/v1/schedules/{}/on-calls",
		"/": "/{}",
		"/api/v1/users/alice@example.com%2F..%2Fapi/": "/api/v1/users/{}",
	} {
		if got := transport.Route(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
