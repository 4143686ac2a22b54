package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/intake"
	"github.com/maisonrmi/sopd/internal/testdata"
)

func parse(t *testing.T, source intake.Source, body string) []intake.Hint {
	t.Helper()
	hints, err := intake.Parse(source, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return hints
}

func TestOktaTargetsAreFoundByTypeInAnyOrder(t *testing.T) {
	for _, order := range []string{
		`{"id":"00g1","type":"UserGroup"},{"id":"00u2","type":"User"},{"id":"x","type":"AppInstance"},{"id":"00u1","type":"User"}`,
		`{"id":"00u1","type":"User"},{"id":"00u2","type":"User"},{"id":"00g1","type":"UserGroup"},{"id":"../..","type":"User"}`,
	} {
		got := parse(t, intake.Okta, `{"eventId":"e","eventTime":"2026-11-22T10:00:00Z","data":{"events":[{"eventType":"group.user_membership.remove","target":[`+order+`]}]}}`)
		want := []intake.Hint{{
			Source: intake.Okta, Kind: "group.user_membership.remove", Known: true, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
			Users: []access.UserID{"00u1", "00u2"}, Groups: []access.GroupID{"00g1"},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestOneStrangeEventHidesNoOther(t *testing.T) {
	got := parse(t, intake.Okta, `{"eventId":7,"data":{"events":[5,null,{"eventType":["x"],"target":{}},{"eventType":"user.lifecycle.deactivate","target":[null,{"id":"00u1","type":"User"}]}]}}`)
	if len(got) != 2 || got[0].Known || !got[1].Known || len(got[1].Users) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestPrioritiesComeInEveryForm(t *testing.T) {
	for text, want := range map[string]int{`2`: 2, `"2"`: 2, `"P3"`: 3, `"p1"`: 1, `null`: 0, `"high"`: 0, `0`: 0, `6`: 0, `{}`: 0, `2.5`: 0} {
		got := parse(t, intake.Opsgenie, `{"action":"Create","alert":{"alertId":"a-1","priority":`+text+`}}`)
		if int(got[0].Priority) != want {
			t.Errorf("%s: %d, want %d", text, got[0].Priority, want)
		}
	}
}

func TestTimesComeInEveryUnitAndForm(t *testing.T) {
	want := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, text := range []string{
		`1795341600`, `1795341600000`, `"1795341600000"`, `1795341600000000`, `1795341600000000000`, `"1795341600000000000"`,
		`"2026-11-22T10:00:00Z"`, `"2026-11-22T11:00:00.000+01:00"`,
	} {
		got := parse(t, intake.Opsgenie, `{"action":"Create","alert":{"alertId":"a-1","updatedAt":`+text+`}}`)
		if !got[0].At.Equal(want) {
			t.Errorf("%s: %s", text, got[0].At)
		}
	}
	for _, text := range []string{`0`, `-5`, `"soon"`, `null`, `[]`, `1e300`} {
		got := parse(t, intake.Opsgenie, `{"action":"Create","alert":{"alertId":"a-1","updatedAt":`+text+`}}`)
		if !got[0].At.IsZero() {
			t.Errorf("%s: %s", text, got[0].At)
		}
	}
}

func TestAnEscalateWithNothingButAnIDIsUnderstood(t *testing.T) {
	got := parse(t, intake.Opsgenie, `{"action":"Escalate","alert":{"alertId":"7ba97e3a-d328"}}`)
	want := []intake.Hint{{Source: intake.Opsgenie, Kind: "Escalate", Known: true, Alert: "7ba97e3a-d328"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnAlertIsFoundWhereverItsIDStandsAndAnEventOfNoneIsKept(t *testing.T) {
	for body, want := range map[string]string{
		`{"action":"Close","alert":{"alertId":"a-1"}}`:            "a-1",
		`{"action":"Close","alert":{"id":"a-1"}}`:                 "a-1",
		`{"action":"Close","alertId":"a-1"}`:                      "a-1",
		`{"action":"ScheduleChanged","schedule":{"name":"x"}}`:    "",
		`{"action":"Close","alert":null}`:                         "",
		`{"action":"Close","alert":{"alertId":null,"id":"a-1"}}`:  "a-1",
		`{"action":"Close","alert":{"alertId":"","message":"x"}}`: "",
	} {
		got := parse(t, intake.Opsgenie, body)
		if len(got) != 1 || string(got[0].Alert) != want || got[0].Known != (want != "") {
			t.Errorf("%s: %+v, want alert %q", body, got, want)
		}
	}
}

func TestAKeyThatIsNoKeyIsNoHint(t *testing.T) {
	got := parse(t, intake.Jira, `{"webhookEvent":"jira:issue_updated","issue":{"id":"1;drop","key":"P-1/../../x"}}`)
	if got[0].Ticket != "" || got[0].TicketID != "" {
		t.Errorf("%+v", got[0])
	}
	got = parse(t, intake.Opsgenie, `{"action":"Close","alert":{"alertId":"a/../b"}}`)
	if got[0].Alert != "" || got[0].Known {
		t.Errorf("%+v", got[0])
	}
}

func TestAnIssueIsFoundWhereverAutomationPutsItsKey(t *testing.T) {
	for body, want := range map[string]intake.Hint{
		`{"id":"4711","self":"https://jira.example.com/rest/api/2/issue/4711","key":"ACC-7","fields":{"summary":"x"}}`: {Ticket: "ACC-7", Known: true},
		`{"issueKey":"ACC-7","status":"Approved"}`:                                                        {Ticket: "ACC-7", Known: true},
		`{"issue_key":"ACC-7","comment_id":"9","webhookEvent":"comment_created"}`:                         {Ticket: "ACC-7", Known: true, Kind: "comment_created"},
		`{"issue_event_type_name":"issue_commented","issue":{"key":"ACC-7","id":4711}}`:                   {Ticket: "ACC-7", TicketID: "4711", Known: true, Kind: "issue_commented"},
		`{"webhookEvent":"issuelink_created","issueLink":{"sourceIssueId":1,"destinationIssueId":2}}`:     {Kind: "issuelink_created"},
		`{"webhookEvent":"jira:issue_updated","issue":null}`:                                              {Known: true, Kind: "jira:issue_updated"},
		`{"webhookEvent":"comment_created","issue":{"key":"TEST-DEL"},"comment":{"body":{"type":"doc"}}}`: {Known: true, Kind: "comment_created"},
		`{"text":"somebody did something","key":"no key"}`:                                                {},
		"\xef\xbb\xbf" + `{"webhookEvent":"jira:issue_deleted","issue":{"key":"ACC-7"}}`:                  {Ticket: "ACC-7", Known: true, Kind: "jira:issue_deleted"},
	} {
		want.Source = intake.Jira
		if diff := cmp.Diff([]intake.Hint{want}, parse(t, intake.Jira, body)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
}

func TestAnOktaEventIsUnderstoodInItsEnvelopeAndAlone(t *testing.T) {
	const event = `{"uuid":"u1","eventType":"group.user_membership.add","published":"2026-11-22T10:00:00Z","outcome":null,"actor":null,` +
		`"target":[{"type":"UserGroup","id":"00g1","alternateId":"unknown","detailEntry":null},{"type":"User","id":"00u1","changeDetails":{}}]}`
	want := []intake.Hint{{
		Source: intake.Okta, Kind: "group.user_membership.add", Known: true, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Users: []access.UserID{"00u1"}, Groups: []access.GroupID{"00g1"},
	}}
	for _, body := range []string{
		`{"eventType":"com.okta.event_hook","eventId":"e","data":{"events":[` + event + `]}}`,
		`{"eventType":"com.okta.event_hook","eventID":"e","cloudEventsVersion":"0.1","data":{"events":[` + event + `]}}`,
		`{"data":{"events":[` + event + `]}}`,
		`{"version":"0","detail-type":"SystemLog","source":"x","detail":` + event + `}`,
		event,
	} {
		if diff := cmp.Diff(want, parse(t, intake.Okta, body)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
	for _, body := range []string{
		`{"eventType":"com.okta.event_hook","eventId":"e"}`, `{"eventType":"com.okta.event_hook","data":{"events":{}}}`, `{"data":null}`,
	} {
		if got := parse(t, intake.Okta, body); len(got) != 0 {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestOneBadEventOfManyLosesNoneOfTheOthers(t *testing.T) {
	var events []string
	for i := range 150 {
		events = append(events, fmt.Sprintf(`{"uuid":"u%d","eventType":"user.lifecycle.deactivate","target":[{"id":"00u%d","type":"User"}]}`, i, i))
	}
	events[77] = `{"uuid":{},"eventType":99999999999999999999999,"published":-1e999,"target":[[],{"id":{},"type":"User"},{"id":null,"type":null}]}`
	got := parse(t, intake.Okta, `{"eventId":"e","data":{"events":[`+strings.Join(events, ",")+`]}}`)
	known := 0
	for _, h := range got {
		if h.Known && len(h.Users) == 1 {
			known++
		}
	}
	if len(got) != 150 || known != 149 {
		t.Errorf("%d hints, %d understood; want 150 and 149", len(got), known)
	}
}

func TestOpsgeniesOlderPayloadsAreUnderstood(t *testing.T) {
	got := parse(t, intake.Opsgenie, `{"_alertFlowContext":{"_content":{}},"actorUserId":"7","integrationType":"Webhook","action":"Acknowledge",`+
		`"alert":{"alertType":"0","recipients":[],"message":"x","priority":"2","createdAt":"1795341600000","insertedAt":"1795341600000000173",`+
		`"tinyId":"5","alias":"disk full on host/7 5%","alertId":"0b1c-9","entity":"","updatedAt":"1795341600000000173","teams":[]},"source":{"name":"","type":"web"}}`)
	want := []intake.Hint{{
		Source: intake.Opsgenie, Kind: "Acknowledge", Known: true, Alert: "0b1c-9", Priority: 2, At: time.Date(2026, 11, 22, 10, 0, 0, 173, time.UTC),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, body := range []string{`{"alert":{"alertId":"a-1"}}`, `{"action":null,"alert":[]}`, `{"action":"AddToJIRA","alert":{}}`} {
		if got := parse(t, intake.Opsgenie, body); len(got) != 1 || got[0].Known {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestEveryRecordedWebhookIsUnderstoodAndAccepted(t *testing.T) {
	s := open(t)
	for folder, source := range map[string]intake.Source{
		"vendor-data/webhooks/opsgenie-zulip": intake.Opsgenie, "vendor-data/webhooks/mattermost-plugin-jira/server/testdata": intake.Jira,
	} {
		files, err := filepath.Glob(filepath.Join(testdata.Shared(t, folder), "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				understood(t, source, body)
				header := map[string]string{"Authorization": opsgenieSecret}
				if source == intake.Jira {
					header = jiraHeader(string(body), jiraSecret, filepath.Base(file))
				}
				if status := s.post("/webhooks/"+string(source), string(body), header); status != 204 {
					t.Errorf("status %d", status)
				}
			})
		}
	}
}

func understood(t *testing.T, source intake.Source, body []byte) {
	t.Helper()
	hints := parse(t, source, string(body))
	if len(hints) != 1 {
		t.Fatalf("%d hints", len(hints))
	}
	h := hints[0]
	var raw struct {
		Action string
		Issue  struct{ Key, ID string }
		Alert  struct{ AlertID string }
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		t.Fatal(err)
	}
	if string(h.Ticket) != raw.Issue.Key || string(h.TicketID) != raw.Issue.ID || string(h.Alert) != raw.Alert.AlertID {
		t.Errorf("%+v", h)
	}
	if wantKnown := raw.Action != "TestAction"; h.Known != wantKnown {
		t.Errorf("%s known: %v", h.Kind, h.Known)
	}
	if escalate := raw.Action == "Escalate"; h.At.IsZero() != escalate || !escalate && (h.At.Year() < 2014 || h.At.Year() > 2026) {
		t.Errorf("at %s", h.At)
	}
}

func TestEveryEventTypeThatAHookSendsIsKnownOrDeliberatelyLeft(t *testing.T) {
	text, err := os.ReadFile(testdata.Shared(t, "vendor-data/okta-catalogue/event-types.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	catalogue := string(text)
	for _, kind := range []string{
		"user.lifecycle.deactivate", "group.user_membership.add", "group.user_membership.remove", "user.account.privilege.grant",
		"application.user_membership.add", "system.api_token.create", "iam.resourceset.bindings.add", "user.lifecycle.delete.initiated",
	} {
		if !strings.Contains(catalogue, kind) {
			t.Errorf("%s is not in Okta's catalogue", kind)
		}
		got := parse(t, intake.Okta, `{"eventId":"e","data":{"events":[{"eventType":"`+kind+`"}]}}`)
		if !got[0].Known {
			t.Errorf("%s is not known", kind)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("okta", []byte(oktaBody))
	f.Add("jira", []byte(jiraBody))
	f.Add("opsgenie", []byte(opsgenieBody))
	f.Fuzz(func(t *testing.T, source string, body []byte) {
		hints, err := intake.Parse(intake.Source(source), body)
		if err != nil && !errors.Is(err, access.ErrMalformed) && !errors.Is(err, access.ErrInvalid) {
			t.Errorf("error without a cause: %v", err)
		}
		for _, h := range hints {
			if err != nil || string(h.Source) != source {
				t.Errorf("%+v, %v", h, err)
			}
			for _, user := range h.Users {
				if _, err := access.ParseUserID(string(user)); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
