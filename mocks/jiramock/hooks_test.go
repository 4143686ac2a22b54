package jiramock_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

type delivered struct {
	header http.Header
	body   map[string]any
	raw    []byte
}

// listen receives the site's webhooks and answers with the status. What it returns lists them.
func listen(t *testing.T, s *site, status int) func() []delivered {
	t.Helper()
	var mu sync.Mutex
	var heard []delivered
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := delivered{header: r.Header.Clone()}
		d.raw, _ = io.ReadAll(r.Body)
		if err := json.Unmarshal(d.raw, &d.body); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, d)
		w.WriteHeader(status)
	}))
	t.Cleanup(receiver.Close)
	s.SetWebhook(receiver.URL, "demo-secret")
	return func() []delivered {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(heard)
	}
}

func TestWebhooksAreSignedOverTheRawBodyAndIdentified(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	heard := listen(t, s, http.StatusOK)
	key := s.request()
	s.must(s.Comment(s.owner, key, jiramock.NewComment{Body: "hello"}))
	s.must(s.Delete(s.owner, key))
	s.Wait()
	events := []string{}
	identifiers := map[string]bool{}
	for _, d := range heard() {
		mac := hmac.New(sha256.New, []byte("demo-secret"))
		mac.Write(d.raw)
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); d.header.Get("X-Hub-Signature") != want {
			t.Errorf("signature %q", d.header.Get("X-Hub-Signature"))
		}
		if d.header.Get("X-Atlassian-Webhook-Flow") != "Primary" || d.header.Get("X-Atlassian-Webhook-Retry") != "" {
			t.Errorf("headers %v", d.header)
		}
		identifiers[d.header.Get("X-Atlassian-Webhook-Identifier")] = true
		events = append(events, d.body["webhookEvent"].(string))
	}
	if want := []string{"jira:issue_created", "comment_created", "jira:issue_deleted"}; !slices.Equal(events, want) {
		t.Errorf("events %v, want %v", events, want)
	}
	if len(identifiers) != 3 {
		t.Errorf("%d identifiers for 3 events", len(identifiers))
	}
}

func TestARefusedWebhookComesAgainUnderTheSameIdentifier(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	heard := listen(t, s, http.StatusServiceUnavailable)
	s.request()
	s.Wait()
	for range 7 {
		s.Redeliver()
		s.Wait()
	}
	all := heard()
	if len(all) != 6 {
		t.Fatalf("%d deliveries, want the first and five retries", len(all))
	}
	const id = "X-Atlassian-Webhook-Identifier"
	if all[0].header.Get(id) != all[5].header.Get(id) || all[5].header.Get("X-Atlassian-Webhook-Retry") != "5" {
		t.Errorf("last delivery %v", all[5].header)
	}
}

func TestWebhooksHaveTheShapeOfRecordedOnes(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	heard := listen(t, s, http.StatusOK)
	key := s.request()
	s.must(s.Edit(s.owner, key, map[string]any{"System": "hr"}))
	s.must(s.Comment(s.owner, key, jiramock.NewComment{Body: "hello"}))
	s.must(s.Delete(s.owner, key))
	s.Wait()
	recorded := map[string]string{
		"jira:issue_created": "webhook-issue-created.json", "jira:issue_updated": "webhook-cloud-issue-updated-custom-field.json",
		"comment_created": "webhook-cloud-comment-created.json", "jira:issue_deleted": "webhook-issue-deleted.json",
	}
	for _, d := range heard() {
		event := d.body["webhookEvent"].(string)
		raw, err := os.ReadFile(testdata.Shared(t, "vendor-data/webhooks/mattermost-plugin-jira/server/testdata/"+recorded[event]))
		s.must(err)
		var want map[string]any
		s.must(json.Unmarshal(raw, &want))
		for _, path := range [][]any{
			{}, {"user"}, {"issue"}, {"issue", "fields", "status"}, {"issue", "fields", "status", "statusCategory"},
			{"issue", "fields", "project"}, {"issue", "fields", "issuetype"}, {"issue", "fields", "reporter"}, {"comment"},
			{"comment", "author"}, {"changelog"}, {"changelog", "items", 0},
		} {
			sameNames(t, event, at(d.body, path...), at(want, path...))
		}
	}
}

// sameNames checks that ours has no names that the recorded object lacks, and the same kinds of value. Jira's newer
// answers have some names more than the recordings of 2019.
func sameNames(t *testing.T, where string, ours, recorded any) {
	t.Helper()
	newer := []string{"accountType", "simplified", "fieldId", "expand", "emailAddress", "issue_event_type_name"}
	have, _ := ours.(map[string]any)
	want, known := recorded.(map[string]any)
	if !known {
		return
	}
	if have == nil {
		t.Errorf("%s: missing object %v", where, want)
	}
	for name, v := range have {
		model, there := want[name]
		if !there && !slices.Contains(newer, name) {
			t.Errorf("%s: %q is in no recording", where, name)
		}
		if there && v != nil && model != nil && kindOf(v) != kindOf(model) {
			t.Errorf("%s: %q is a %s, recorded as a %s", where, name, kindOf(v), kindOf(model))
		}
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "truth"
	case []any:
		return "list"
	}
	return "object"
}
