package jira

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func TestValuesAreReadByTheirForm(t *testing.T) {
	for _, c := range []struct {
		kind, raw string
		want      ticket.Value
	}{
		{"string", `"text"`, ticket.Value{Texts: []string{"text"}}},
		{"string", `"2026-12-31"`, ticket.Value{Texts: []string{"2026-12-31"}}}, // text that looks like a date stays text
		{"number", `12345678901234567890.5`, ticket.Value{Texts: []string{"12345678901234567890.5"}}},
		{"any", `true`, ticket.Value{Texts: []string{"true"}}},
		{"option", `{"self":"x","value":"payments","id":"1"}`, ticket.Value{Texts: []string{"payments"}}},
		{"option-with-child", `{"value":"Reader","child":{"value":"Ledger"}}`, ticket.Value{Texts: []string{"Reader / Ledger"}}},
		{"array", `[{"value":"a"},null,{"value":"b"}]`, ticket.Value{Texts: []string{"a", "b"}}},
		{"array", `["x","y"]`, ticket.Value{Texts: []string{"x", "y"}}},
		{"priority", `{"name":"High","id":"2"}`, ticket.Value{Texts: []string{"High"}}},
		{"user", `{"accountId":"a","displayName":"A"}`, ticket.Value{Accounts: []ticket.AccountID{"a"}}},
		{"user", `{"name":"rita","key":"JIRAUSER7","displayName":"R"}`, ticket.Value{Accounts: []ticket.AccountID{"JIRAUSER7"}}},
		{"array", `[{"accountId":"a"},{"accountId":"b"}]`, ticket.Value{Accounts: []ticket.AccountID{"a", "b"}}},
		{"date", `"2026-12-31"`, ticket.Value{Time: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), DateOnly: true}},
		{"datetime", `"2026-12-31T10:00:00.000+0100"`, ticket.Value{Time: time.Date(2026, 12, 31, 9, 0, 0, 0, time.UTC)}},
		{"string", `{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"a"},{"type":"hardBreak"},{"type":"text","text":"b"}]},{"type":"paragraph","content":[{"type":"mention","attrs":{"text":"@rita"}}]}]}`,
			ticket.Value{Texts: []string{"a\nb\n@rita"}}},
	} {
		got, err := value(c.kind, json.RawMessage(c.raw))
		if diff := cmp.Diff(c.want, got.value); err != nil || diff != "" {
			t.Errorf("%s %s: %v %s", c.kind, c.raw, err, diff)
		}
	}
}

func TestAValueOfAnUnknownFormIsAnErrorAndNotAGuess(t *testing.T) {
	for _, c := range [][2]string{
		{"any", `{"objectId":"1","workspaceId":"2"}`}, {"date", `"31/12/2026"`}, {"date", `5`}, {"datetime", `"tomorrow"`},
		{"any", `[[1]]`}, {"any", `{"value":5}`}, {"any", `{`}, {"any", `[{"child":{"value":"x"}}]`},
		{"any", `{"value":"a","child":{}}`}, {"user", `{"displayName":"Only A Name"}`},
	} {
		if got, err := value(c[0], json.RawMessage(c[1])); !errors.Is(err, access.ErrMalformed) {
			t.Errorf("%s %s: %+v, %v; want malformed", c[0], c[1], got.value, err)
		}
	}
}

func TestBulkHistoriesHaveTheirTimeInMillisecondsOrText(t *testing.T) {
	want := time.Date(2026, 11, 2, 9, 0, 0, 5e6, time.UTC)
	for _, raw := range []string{`1793610000005`, `"2026-11-02T10:00:00.005+0100"`, `"2026-11-02T09:00:00.005Z"`} {
		var got wireTime
		if err := json.Unmarshal([]byte(raw), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", raw, got, err)
		}
	}
	var got wireTime
	if err := json.Unmarshal([]byte(`"yesterday"`), &got); err == nil {
		t.Errorf("yesterday is %v", got)
	}
}

func TestServiceDeskDatesAreReadFromEitherForm(t *testing.T) {
	want := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for _, d := range []*wireDate{{EpochMillis: want.UnixMilli()}, {ISO8601: "2026-11-02T10:00:00+0100"}, {ISO8601: "2026-11-02T09:00:00Z"}} {
		if got, err := d.time(); err != nil || !got.Equal(want) {
			t.Errorf("%+v: %v, %v", d, got, err)
		}
	}
	if got, err := (*wireDate)(nil).time(); err != nil || !got.IsZero() {
		t.Errorf("no date: %v, %v", got, err)
	}
	if _, err := (&wireDate{}).time(); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("empty date: %v, want malformed", err)
	}
}

func FuzzAFieldNeverPanicsAndNeverGivesHalfAValue(f *testing.F) {
	for _, raw := range []string{
		`null`, `"x"`, `[1,{"value":"a","child":{"value":"b"}}]`, `{"accountId":"a"}`, `{"type":"doc","content":[{}]}`, `[`,
		strings.Repeat(`{"type":"doc","content":[`, 60) + strings.Repeat(`]}`, 60),
	} {
		f.Add("any", raw)
		f.Add("date", raw)
	}
	f.Fuzz(func(t *testing.T, kind, raw string) {
		got, err := value(kind, json.RawMessage(raw))
		if err != nil && (!errors.Is(err, access.ErrMalformed) || !cmp.Equal(got.value, ticket.Value{})) {
			t.Errorf("%+v with error %v", got.value, err)
		}
		for _, account := range got.value.Accounts {
			if account == "" {
				t.Error("a person without an account")
			}
		}
	})
}
