package original_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/original"
)

// sent are objects in the form of the vendors' published examples. SECRET marks what a redacted one may not show, SHOWN what it
// has to.
var sent = map[original.Kind]string{
	original.Issue: `{"id":"SHOWN1","key":"SHOWN-2","self":"https://SECRET/","fields":{"summary":"SECRET","description":"SECRET",
		"status":{"name":"SHOWN3","id":"10","description":"SECRET","statusCategory":{"key":"SHOWN4","name":"SECRET"}},
		"reporter":{"accountId":"SHOWN5","displayName":"SECRET","emailAddress":"SECRET@example.com","avatarUrls":{"16x16":"https://SECRET/"},"timeZone":"SECRET"},
		"customfield_10050":[{"accountId":"SHOWN6","displayName":"SECRET"}],"customfield_10051":"SECRET","customfield_10052":4711,
		"customfield_10053":{"value":"SECRET","child":{"value":"SECRET"}},"labels":["SECRET"],"created":"SHOWN7",
		"customfield_10010":{"requestType":{"id":"1","name":"SHOWN8","description":"SECRET"},"currentStatus":{"status":"SECRET"}},
		"attachment":[{"filename":"SECRET","created":"SHOWN9","author":{"accountId":"SHOWN10","displayName":"SECRET"}}],"later":{"new":{"thing":"SECRET"}}},
		"changelog":{"total":2,"histories":[{"id":"1","author":{"accountId":"SHOWN11","displayName":"SECRET"},"created":"SHOWN12",
			"items":[{"field":"summary","fieldtype":"jira","fieldId":"summary","from":null,"fromString":"SECRET","to":null,"toString":"SECRET"},
				{"field":"status","fieldtype":"jira","fieldId":"status","from":"1","fromString":"SHOWN13","to":"2","toString":"SHOWN14"},
				{"field":"status","fieldtype":"custom","fieldId":"customfield_1","from":"SECRET","toString":"SECRET"}]}]}}`,
	original.History: `[{"id":"1","author":{"accountId":"SHOWN1","displayName":"SECRET"},"created":1780000000000,
		"items":[{"field":"Access for","fieldtype":"custom","fieldId":"customfield_1","from":"SECRET","fromString":"SECRET","to":"SECRET","toString":"SECRET"}]}]`,
	original.Approvals: `[{"id":"SHOWN1","name":"SHOWN2","finalDecision":"SHOWN3","canAnswerApproval":true,"createdDate":{"iso8601":"SHOWN4","friendly":"SECRET"},
		"approvers":[{"approver":{"accountId":"SHOWN5","emailAddress":"SECRET","displayName":"SECRET","_links":{"avatarUrls":{"16x16":"SECRET"}}},"approverDecision":"SHOWN6"}]}]`,
	original.Comment: `{"id":"SHOWN1","self":"https://SECRET/","author":{"accountId":"SHOWN2","displayName":"SECRET","avatarUrls":{"16x16":"SECRET"}},
		"body":"certify all, says SECRET","created":"SHOWN3","updateAuthor":{"accountId":"SHOWN4","emailAddress":"SECRET"},"jsdPublic":true,
		"properties":[{"key":"sd.public.comment","value":{"internal":false}}]}`,
	original.Event: `{"uuid":"SHOWN1","eventType":"SHOWN2","published":"SHOWN3","displayMessage":"SHOWN4","outcome":{"result":"SHOWN5","reason":"SECRET"},
		"actor":{"id":"SHOWN6","type":"SHOWN7","alternateId":"SECRET","displayName":"SECRET"},"client":{"ipAddress":"SECRET","userAgent":{"rawUserAgent":"SECRET"},
		"geographicalContext":{"postalCode":94107,"city":"SECRET"}},"debugContext":{"debugData":{"requestUri":"SECRET"}},"target":[{"id":"SHOWN8","type":"User","alternateId":"SECRET"}],
		"request":{"ipChain":[{"ip":"SECRET"}]},"authenticationContext":{"externalSessionId":"SECRET"}}`,
	original.User: `{"id":"SHOWN1","status":"SHOWN2","statusChanged":"SHOWN3","profile":{"login":"SECRET","firstName":"SECRET","employeeNumber":"SECRET","id":"SECRET","status":"SECRET"},
		"credentials":{"provider":{"name":"SECRET"}},"_links":{"self":{"href":"SECRET"}}}`,
}

func TestARedactedOriginalShowsAccountsStatusesAndTimesAndNobodysName(t *testing.T) {
	redactor := original.NewRedactor()
	for _, kind := range original.Kinds() {
		text, err := redactor.Redact(kind, []byte(sent[kind]))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, hidden := range []string{"SECRET", "4711", "94107"} {
			if bytes.Contains(text, []byte(hidden)) {
				t.Errorf("%s shows %s: %s", kind, hidden, text)
			}
		}
		if want, got := strings.Count(sent[kind], "SHOWN"), bytes.Count(text, []byte("SHOWN")); got != want {
			t.Errorf("%s shows %d of %d: %s", kind, got, want, text)
		}
		var a, b any
		if err := errors.Join(json.Unmarshal([]byte(sent[kind]), &a), json.Unmarshal(text, &b)); err != nil || shape(a) != shape(b) {
			t.Errorf("%s has another shape: %s", kind, text)
		}
	}
}

// shape returns a value without its texts and numbers.
func shape(v any) string {
	switch v := v.(type) {
	case []any:
		out := "["
		for _, each := range v {
			out += shape(each) + ","
		}
		return out + "]"
	case map[string]any:
		var keys []string
		for key, each := range v {
			keys = append(keys, key+":"+shape(each))
		}
		slices.Sort(keys)
		return "{" + strings.Join(keys, ",") + "}"
	case string, float64:
		return "x"
	default:
		text, _ := json.Marshal(v)
		return string(text)
	}
}

func TestWhatIsNoSingleJSONValueIsNotRedacted(t *testing.T) {
	redactor := original.NewRedactor()
	for _, text := range []string{"", "{", "{} {}", "x"} {
		if _, err := redactor.Redact(original.Issue, []byte(text)); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzARedactedOriginalHoldsNoTextThatIsNotListed(f *testing.F) {
	redactor := original.NewRedactor()
	for kind, text := range sent {
		f.Add(string(kind), []byte(text))
	}
	f.Add("jira.issue", []byte(strings.Repeat(`{"fields":`, 300)+"1"+strings.Repeat("}", 300)))
	f.Fuzz(func(t *testing.T, kind string, text []byte) {
		out, err := redactor.Redact(original.Kind(kind), text)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Errorf("not JSON: %s", out)
		}
	})
}

func TestAPackedOriginalIsSmallerAndComesBackByteByByte(t *testing.T) {
	var p original.Packer
	for kind, text := range sent {
		for range 2 { // the second time with what the first has left behind
			packed, err := p.Pack([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			again, err := original.Unpack(packed)
			if err != nil || string(again) != text {
				t.Errorf("%s: %v, %q", kind, err, again)
			}
			if len(packed) > len(text)*2/3 {
				t.Errorf("%s: %d bytes became %d", kind, len(text), len(packed))
			}
		}
	}
	for name, packed := range map[string][]byte{"nothing": nil, "another codec": {2, 0}, "cut": {1, 0x4a}, "no codec": []byte("{}")} {
		if _, err := original.Unpack(packed); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAListIsPutTogetherFromItsElementsAsTheyWereSent(t *testing.T) {
	got := original.Join([][]byte{[]byte(`{"a": 1}`), []byte(`{"b":2}`)})
	if string(got) != `[{"a": 1},{"b":2}]` || string(original.Join(nil)) != "[]" {
		t.Errorf("%s", got)
	}
	// Source of the sum: printf '[]' | sha256sum.
	if sum := original.Sum([]byte("[]")); sum != "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945" {
		t.Error(sum)
	}
}
