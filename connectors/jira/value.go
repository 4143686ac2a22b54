package jira

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// read is a field's value with the people that it names.
type read struct {
	value  ticket.Value
	people []ticket.Person
}

// empty reports whether nothing stands in the field.
func empty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// value translates what stands in a field. Dates are told from text by the field's type, everything else by its form.
//
// Errors: [access.ErrMalformed] for a form that is not known: guessing could grant the wrong thing.
func value(kind string, raw json.RawMessage) (read, error) {
	var out read
	var err error
	switch trimmed := bytes.TrimSpace(raw); {
	case kind == "date" || kind == "datetime":
		err = out.instant(kind, raw)
	case len(trimmed) > 0 && trimmed[0] == '[':
		err = out.list(trimmed)
	default:
		err = out.add(raw)
	}
	if err != nil {
		return read{}, err
	}
	return out, nil
}

func (r *read) list(raw json.RawMessage) error {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return malformed("list")
	}
	for _, entry := range list {
		if empty(entry) {
			continue
		}
		if err := r.add(entry); err != nil {
			return err
		}
	}
	return nil
}

func (r *read) instant(kind string, raw json.RawMessage) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return malformed("date")
	}
	if kind == "date" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return malformed("date")
		}
		r.value.Time, r.value.DateOnly = day, true
		return nil
	}
	at, err := parseTime(text)
	r.value.Time = at
	return err
}

// add adds a single value: a text, a number, a truth value, or an object.
func (r *read) add(raw json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // 1e21 and 0.1 stay what the ticket says
	var v any
	if err := decoder.Decode(&v); err != nil {
		return malformed("value")
	}
	switch v := v.(type) {
	case string:
		r.text(v)
	case json.Number:
		r.text(v.String())
	case bool:
		r.text(fmt.Sprint(v))
	case map[string]any:
		return r.object(raw)
	default:
		return malformed("value")
	}
	return nil
}

func (r *read) text(s string) { r.value.Texts = append(r.value.Texts, s) }

// option is any object that a field may hold: a choice, a person, a named thing, a document.
type option struct {
	wireUser
	Value *string `json:"value"`
	Child *option `json:"child"`
	Type  string  `json:"type"`
}

func (r *read) object(raw json.RawMessage) error {
	var o option
	if err := json.Unmarshal(raw, &o); err != nil {
		return malformed("value")
	}
	switch {
	case o.AccountID != "" || o.DisplayName != "" && o.account() != "":
		person, err := o.person()
		if err != nil {
			return err
		}
		r.value.Accounts = append(r.value.Accounts, person.Account)
		r.people = append(r.people, person)
	case o.Value != nil:
		text, err := o.choice(0)
		if err != nil {
			return err
		}
		r.text(text)
	case o.Type == "doc":
		text, err := richText(raw)
		if err != nil {
			return err
		}
		r.text(text)
	case o.Name != "":
		r.text(o.Name)
	default:
		return malformed("value of an unknown form")
	}
	return nil
}

// choice returns a choice's text; a choice below another is "Parent / Child".
func (o *option) choice(depth int) (string, error) {
	if o.Value == nil || depth > 10 {
		return "", malformed("choice")
	}
	if o.Child == nil {
		return *o.Value, nil
	}
	child, err := o.Child.choice(depth + 1)
	return *o.Value + " / " + child, err
}

// encoded returns the JSON that sets a field of the type to the value.
//
// Errors: [access.ErrInvalid] for a type that cannot be set.
func encoded(f mapped, v ticket.Value, kind deployment) (any, error) {
	switch {
	case f.kind == "date" && !v.Time.IsZero():
		return v.Time.UTC().Format(time.DateOnly), nil
	case f.kind == "datetime" && !v.Time.IsZero():
		return v.Time.UTC().Format("2006-01-02T15:04:05.000-0700"), nil
	case f.kind == "user" && len(v.Accounts) == 1:
		return map[string]string{accountName(kind): string(v.Accounts[0])}, nil
	case f.kind == "option" && len(v.Texts) == 1:
		return map[string]string{"value": v.Texts[0]}, nil
	case f.kind == "string" && len(v.Texts) == 1:
		return v.Texts[0], nil
	case f.kind == "number" && len(v.Texts) == 1:
		return json.Number(v.Texts[0]), nil
	}
	return nil, fmt.Errorf("field %q cannot be set to this value: %w", f.name, access.ErrInvalid)
}

func accountName(kind deployment) string {
	if kind == dataCenter {
		return "name"
	}
	return "accountId"
}
