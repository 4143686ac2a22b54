package jiramock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values of custom fields are kept as: string (text, date, option), float64, time.Time, Choice, AccountID, []string
// (labels, options) and []AccountID. No value is nil.

// dayLayout is how Jira writes a date.
const dayLayout = "2006-01-02"

// stored turns what a story gives into the form in which values are kept.
func (s *Server) stored(f *field, v any) (any, error) {
	switch f.kind {
	case Number, Feedback:
		return number(f, v)
	case Date:
		return day(f, v)
	case DateTime, FeedbackDate:
		if t, ok := v.(time.Time); ok {
			return t.UTC(), nil
		}
	case Cascading:
		if c, ok := v.(Choice); ok {
			return c, nil
		}
	case UserPicker:
		return s.person(v)
	case MultiUser:
		return s.people(v)
	case MultiSelect, Labels:
		if list, ok := v.([]string); ok {
			return slices.Clone(list), s.checkOptions(f, list...)
		}
	default:
		if text, ok := v.(string); ok {
			return text, s.checkOptions(f, text)
		}
	}
	return nil, refused(fmt.Sprintf("field %q does not take a %T", f.name, v))
}

func number(f *field, v any) (any, error) {
	switch n := v.(type) {
	case float64:
		return n, nil
	case int:
		return float64(n), nil
	}
	return nil, refused(fmt.Sprintf("field %q does not take a %T", f.name, v))
}

func day(f *field, v any) (any, error) {
	switch d := v.(type) {
	case time.Time:
		return d.Format(dayLayout), nil
	case string:
		if _, err := time.Parse(dayLayout, d); err == nil {
			return d, nil
		}
	}
	return nil, refused(fmt.Sprintf("field %q does not take a %T", f.name, v))
}

func (s *Server) person(v any) (any, error) {
	account, ok := v.(AccountID)
	if text, isText := v.(string); isText {
		account, ok = AccountID(text), true
	}
	if !ok || s.users[account] == nil {
		return nil, unknown("user", string(account))
	}
	return account, nil
}

func (s *Server) people(v any) (any, error) {
	list, ok := v.([]AccountID)
	if !ok {
		return nil, refused("a field of several people takes a list of accounts")
	}
	for _, account := range list {
		if s.users[account] == nil {
			return nil, unknown("user", string(account))
		}
	}
	return slices.Clone(list), nil
}

func (s *Server) checkOptions(f *field, values ...string) error {
	if len(f.options) == 0 {
		return nil
	}
	for _, v := range values {
		if !slices.Contains(f.options, v) {
			return refused(fmt.Sprintf("option %q is not valid for field %q", v, f.name))
		}
	}
	return nil
}

// fromJSON turns what a client sent into the form in which values are kept.
func (s *Server) fromJSON(f *field, v any) (any, error) {
	switch f.kind {
	case DateTime:
		text, _ := v.(string)
		t, err := time.Parse(timeLayout, text)
		if err != nil {
			return nil, refused("Error parsing date string: " + text)
		}
		return t.UTC(), nil
	case Select:
		return s.stored(f, s.optionText(f, v))
	case MultiSelect:
		return s.stored(f, each(v, func(e any) string { return s.optionText(f, e) }))
	case Labels:
		return s.stored(f, each(v, func(e any) string { text, _ := e.(string); return text }))
	case UserPicker:
		return s.stored(f, accountOf(v))
	case MultiUser:
		return s.stored(f, each(v, accountOf))
	case Cascading:
		child, _ := v.(map[string]any)
		return s.stored(f, Choice{Parent: s.optionText(f, v), Child: s.optionText(f, child["child"])})
	case Paragraph:
		return s.stored(f, plainText(v))
	}
	return s.stored(f, v)
}

func each[T any](v any, convert func(any) T) []T {
	list, _ := v.([]any)
	out := make([]T, 0, len(list))
	for _, e := range list {
		out = append(out, convert(e))
	}
	return out
}

// optionText returns the text of an option that is named by its value or its id.
func (s *Server) optionText(f *field, v any) string {
	option, _ := v.(map[string]any)
	if text, ok := option["value"].(string); ok {
		return text
	}
	id, _ := option["id"].(string)
	for _, text := range f.options {
		if s.optionID(f, text) == id {
			return text
		}
	}
	return id
}

func accountOf(v any) AccountID {
	person, _ := v.(map[string]any)
	for _, name := range []string{"accountId", "id", "name", "key"} {
		if text, ok := person[name].(string); ok {
			return AccountID(text)
		}
	}
	return ""
}

// optionID is derived from the text, so that it is the same in every run.
func (s *Server) optionID(f *field, text string) string {
	n := slices.Index(f.options, text)
	if n < 0 {
		n = 900 + len(text)
	}
	fieldNumber, _ := strconv.Atoi(strings.TrimPrefix(f.id, "customfield_"))
	return strconv.Itoa(fieldNumber*1000 + n)
}

// written returns the value in the form that the API shows on the version's paths.
func (s *Server) written(f *field, v any, version string) any {
	switch v := v.(type) {
	case nil:
		return nil
	case time.Time:
		return s.timeText(v)
	case AccountID:
		return s.wireUser(v)
	case []AccountID:
		out := make([]any, 0, len(v))
		for _, account := range v {
			out = append(out, s.wireUser(account))
		}
		return out
	case Choice:
		return s.wireChoice(f, v)
	case []string:
		if f.kind == Labels {
			return v
		}
		out := make([]any, 0, len(v))
		for _, text := range v {
			out = append(out, s.wireOption(f, text))
		}
		return out
	case string:
		return s.writtenText(f, v, version)
	case float64:
		if f.kind == Feedback {
			return map[string]any{"rating": v}
		}
	}
	return v
}

func (s *Server) writtenText(f *field, text, version string) any {
	switch f.kind {
	case Select:
		return s.wireOption(f, text)
	case Paragraph:
		return s.richText(text, version)
	}
	return text
}

func (s *Server) wireOption(f *field, text string) map[string]any {
	id := s.optionID(f, text)
	return map[string]any{"self": s.self("/rest/api/2/customFieldOption/" + id), "value": text, "id": id}
}

func (s *Server) wireChoice(f *field, c Choice) map[string]any {
	out := s.wireOption(f, c.Parent)
	if c.Child != "" {
		out["child"] = s.wireOption(f, c.Child)
	}
	return out
}

// historyTexts returns the value as a history shows it: raw and for people to read.
//
// Source: webhooks of mattermost-plugin-jira (issue-updated-*.json): text has no raw value, an option its id, a person
// their account, several values a bracketed list.
func (s *Server) historyTexts(f *field, v any) (raw, text string) {
	switch v := v.(type) {
	case string:
		switch f.kind {
		case Select:
			return s.optionID(f, v), v
		case Date:
			return v, v
		}
		return "", v
	case float64:
		return "", strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return s.timeText(v), v.Format("02/Jan/06 3:04 PM")
	case AccountID:
		return string(v), s.name(v)
	case Choice:
		return "", strings.TrimSuffix("Parent values: "+v.Parent+"Level 1 values: "+v.Child, "Level 1 values: ")
	case []string:
		return "", strings.Join(v, " ")
	case []AccountID:
		return s.historyPeople(v)
	}
	return "", ""
}

func (s *Server) historyPeople(list []AccountID) (raw, text string) {
	var accounts, names []string
	for _, account := range list {
		accounts = append(accounts, string(account))
		names = append(names, s.name(account))
	}
	return "[" + strings.Join(accounts, ", ") + "]", "[" + strings.Join(names, ", ") + "]"
}

// schema is the field's entry in the field list.
func (f *field) schema() map[string]any {
	kinds := map[FieldType][2]string{
		Number: {"number"}, Date: {"date"}, DateTime: {"datetime"}, Select: {"option"}, MultiSelect: {"array", "option"},
		Cascading: {"option-with-child"}, Labels: {"array", "string"}, UserPicker: {"user"}, MultiUser: {"array", "user"},
		Feedback: {"sd-feedback"}, FeedbackDate: {"datetime"},
	}
	kind, known := kinds[f.kind]
	if !known {
		kind[0] = "string"
	}
	id, err := strconv.Atoi(strings.TrimPrefix(f.id, "customfield_"))
	if err != nil {
		return map[string]any{"type": kind[0], "system": f.id}
	}
	out := map[string]any{"type": kind[0], "custom": string(f.kind), "customId": id}
	if kind[1] != "" {
		out["items"] = kind[1]
	}
	return out
}
