package jiramock_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// fixture reads a recorded answer.
func fixture(t *testing.T, name string) any {
	t.Helper()
	raw, err := os.ReadFile(testdata.Shared(t, "vendor-data/fixtures/"+name))
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// hasWhatWasRecorded checks that ours has every name of the recorded object that we know of, in the same kind of value.
func hasWhatWasRecorded(t *testing.T, where string, ours, recorded any, known ...string) {
	t.Helper()
	have, _ := ours.(map[string]any)
	want, _ := recorded.(map[string]any)
	if have == nil || want == nil {
		t.Errorf("%s: ours %v, recorded %v", where, ours, recorded)
	}
	for _, name := range known {
		model, recordedToo := want[name]
		if v, there := have[name]; recordedToo && (!there || v != nil && model != nil && kindOf(v) != kindOf(model)) {
			t.Errorf("%s: %q is %v, recorded as %v", where, name, v, model)
		}
	}
}

func TestAnswersHaveTheShapeOfRecordedOnes(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := string(s.request())
	const cli, sdk = "jira-cli/pkg/jira/testdata/", "go-jira/testing/mock-data/"
	hasWhatWasRecorded(t, "serverInfo", s.get("/rest/api/3/serverInfo").body, fixture(t, cli+"serverinfo.json"),
		"baseUrl", "version", "versionNumbers", "deploymentType", "buildNumber", "buildDate", "serverTime", "scmInfo", "serverTitle")
	hasWhatWasRecorded(t, "myself", s.get("/rest/api/3/myself").body, fixture(t, cli+"myself.json"), "displayName", "emailAddress")
	fields := s.get("/rest/api/3/field").list
	hasWhatWasRecorded(t, "field", fields[len(fields)-1], at(fixture(t, cli+"fields.json"), 1),
		"id", "name", "custom", "orderable", "navigable", "searchable", "clauseNames", "schema")
	hasWhatWasRecorded(t, "field", fields[0], at(fixture(t, sdk+"all_fields.json"), 0), "id", "name", "custom", "clauseNames", "schema")
	transitions := s.get("/rest/api/2/issue/" + key + "/transitions").body
	hasWhatWasRecorded(t, "transition", at(transitions, "transitions", 0), at(fixture(t, cli+"transitions.json"), "transitions", 0),
		"id", "name", "isAvailable")
	hasWhatWasRecorded(t, "transition's status", at(transitions, "transitions", 0, "to"),
		at(fixture(t, sdk+"transitions.json"), "transitions", 0, "to"), "self", "description", "iconUrl", "name", "id", "statusCategory")
	found := s.get("/rest/api/3/search/jql?jql=project%3DACC&fields=*all").body
	recorded := fixture(t, cli+"search.json")
	hasWhatWasRecorded(t, "search", found, recorded, "isLast", "issues")
	hasWhatWasRecorded(t, "found issue", at(found, "issues", 0, "fields"), at(recorded, "issues", 0, "fields"),
		"issuetype", "resolution", "created", "priority", "labels", "assignee", "updated", "status", "summary", "reporter")
	hasWhatWasRecorded(t, "user", at(s.get("/rest/api/3/user/search?query=olive").list, 0), at(fixture(t, cli+"users.json"), 1),
		"accountId", "emailAddress", "displayName", "active")
	s.robot("POST", "/rest/api/2/issue/"+key+"/remotelink", map[string]any{
		"globalId": "g", "relationship": "causes", "object": map[string]any{"url": "https://example.com", "title": "t"},
	})
	hasWhatWasRecorded(t, "remote link", at(s.get("/rest/api/2/issue/"+key+"/remotelink").list, 0),
		at(fixture(t, sdk+"remote_links.json"), 0), "id", "self", "globalId", "relationship", "object")
}

func FuzzAnyQueryIsAnsweredOrRefused(f *testing.F) {
	for _, jql := range []string{
		"project = ACC", `labels in (a, "b c") ORDER BY created DESC`, "not (a=b or c!=d)", "updated >= -1d", "((((", `"`, "x is not empty",
		"key = currentUser()", "cf[", "cf[10050] ~ a",
	} {
		f.Add(jql)
	}
	s := jiramock.New(jiramock.Config{})
	f.Cleanup(s.Close)
	s.AddUser(jiramock.User{Name: "sopd", Email: "sopd@example.com", Token: botToken})
	s.AddField("System", jiramock.Select)
	s.AddProject(jiramock.Project{Key: "ACC", IssueTypes: []string{"Task"}, Workflow: jiramock.AccessWorkflow("")})
	f.Fuzz(func(t *testing.T, jql string) {
		got := (&site{Server: s, t: t}).robot("POST", "/rest/api/3/search/jql", map[string]any{"jql": jql})
		if got.err != nil || got.status != 200 && got.status != 400 {
			t.Errorf("status %d, %v", got.status, got.err)
		}
	})
}
