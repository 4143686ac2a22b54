package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	sdk "github.com/andygrunwald/go-jira"

	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
)

// requestTypeKind is the type of the field that holds the request type, whatever the site calls it.
//
// Source: Jira Service Management, field schema "com.atlassian.servicedesk:vp-origin".
const requestTypeKind = "com.atlassian.servicedesk:vp-origin"

// ratingKind and ratedKind are the types of the fields that hold how satisfied a customer was, 1 to 5, and when they said so.
//
// Source: field lists of Jira Service Management sites: schema type "sd-feedback", custom
// "com.atlassian.servicedesk:sd-request-feedback"; the value is an object with a number "rating".
const (
	ratingKind = "com.atlassian.servicedesk:sd-request-feedback"
	ratedKind  = "com.atlassian.servicedesk:sd-request-feedback-date"
)

// mapping resolves field names to ids, once.
type mapping struct {
	names []string

	mu       sync.Mutex
	resolved *layout
}

// layout is where the mapped fields stand in this Jira.
type layout struct {
	fields      []mapped
	requestType string // the field's id, empty on a site without service desks
	// rating and rated are the ids of the fields of a customer's satisfaction, empty where there are none.
	rating, rated string
	names         map[string]bool // of every field
}

// mapped is one field by the name that the policies give it.
type mapped struct {
	name string
	id   string
	kind string // schema type: "date", "datetime", "user", "option", …
}

func newMapping(names []string) *mapping {
	own := slices.Clone(names)
	slices.Sort(own)
	return &mapping{names: slices.Compact(own)}
}

// layout returns where the mapped fields stand. A name that does not resolve is looked up again at the next call.
//
// Errors: [access.ErrInvalid], joined, for each name that is unknown or ambiguous.
func (t *Tickets) layout(ctx context.Context) (*layout, error) {
	found, problems := t.resolved(ctx)
	return found, errors.Join(problems...)
}

// resolved returns where the mapped fields stand, or every problem with finding them.
func (t *Tickets) resolved(ctx context.Context) (*layout, []error) {
	m := t.mapping
	m.mu.Lock()
	known := m.resolved
	m.mu.Unlock()
	if known != nil {
		return known, nil
	}
	watched, seen := transport.Watch(ctx)
	list, _, err := t.sdk.Field.GetListWithContext(watched)
	if err := seen.Classify(http.MethodGet, err); err != nil {
		return nil, []error{fmt.Errorf("read the list of fields: %w", err)}
	}
	found, problems := m.resolve(list)
	if len(problems) > 0 {
		return nil, problems
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resolved = found
	return found, nil
}

// resolve finds every name in the list, and returns a problem for each that it cannot.
func (m *mapping) resolve(list []sdk.Field) (*layout, []error) {
	out := &layout{names: make(map[string]bool, len(list))}
	var problems []error
	for _, name := range m.names {
		f, err := pick(name, list)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out.fields = append(out.fields, mapped{name: name, id: f.ID, kind: f.Schema.Type})
	}
	for _, f := range list {
		switch f.Schema.Custom {
		case requestTypeKind:
			out.requestType = f.ID
		case ratingKind:
			out.rating = f.ID
		case ratedKind:
			out.rated = f.ID
		}
		out.names[f.Name] = true
	}
	return out, problems
}

// pick returns the field with the id or, failing that, the name.
func pick(name string, list []sdk.Field) (sdk.Field, error) {
	var named []sdk.Field
	for _, f := range list {
		if f.ID == name {
			return f, nil
		}
		if f.Name == name {
			named = append(named, f)
		}
	}
	switch len(named) {
	case 1:
		return named[0], nil
	case 0:
		return sdk.Field{}, fmt.Errorf("no field is called %q: %w", name, access.ErrInvalid)
	}
	ids := make([]string, 0, len(named))
	for _, f := range named {
		ids = append(ids, f.ID)
	}
	return sdk.Field{}, fmt.Errorf("%d fields are called %q, name one of them by its id %v: %w", len(named), name, ids, access.ErrInvalid)
}

// systemFields are the fields that every ticket is read with.
var systemFields = []string{
	"summary", "issuetype", "project", "status", "reporter", "assignee", "created", "updated", "resolutiondate", "priority",
	"labels", "issuelinks", "attachment",
}

// asked lists the fields to ask for.
func (l *layout) asked() []string {
	out := slices.Clone(systemFields)
	for _, id := range []string{l.requestType, l.rating, l.rated} {
		if id != "" {
			out = append(out, id)
		}
	}
	for _, f := range l.fields {
		out = append(out, f.id)
	}
	return out
}

// name returns the policies' name of the field with the id, or what Jira calls it now. Histories show a field under a
// name that it may have lost since; an edit of a mapped field must be found under the name that the policies use.
func (l *layout) name(id, shown string) string {
	for _, f := range l.fields {
		if id != "" && f.id == id {
			return f.name
		}
	}
	return shown
}

// unknown reports whether a history entry may be of any field: it has no identifier, as on old versions, it is not of one
// of Jira's own, and no field is called so now. A field that was renamed shows so under its old name.
func (l *layout) unknown(item wireItem) bool {
	return item.FieldID == "" && item.FieldType == "custom" && !l.names[item.Field]
}

// satisfaction reads how satisfied the customer was, and when they said so. What is not understood is no rating: nothing is
// decided by it, and it must not keep a ticket from being read.
func (l *layout) satisfaction(fields map[string]json.RawMessage) (rating int, at time.Time) {
	var value struct {
		Rating float64 `json:"rating"`
	}
	if empty(fields[l.rating]) || json.Unmarshal(fields[l.rating], &value) != nil || value.Rating < 1 || value.Rating > 5 {
		return 0, time.Time{}
	}
	var when wireTime
	if raw := fields[l.rated]; !empty(raw) && json.Unmarshal(raw, &when) != nil {
		return int(value.Rating), time.Time{}
	}
	return int(value.Rating), when.Time
}

// requestTypeName reads the value of the request type field.
func requestTypeName(raw json.RawMessage) (string, error) {
	if empty(raw) {
		return "", nil
	}
	var value struct {
		RequestType *wireNamed `json:"requestType"`
	}
	if err := json.Unmarshal(raw, &value); err != nil || value.RequestType == nil || value.RequestType.Name == "" {
		return "", malformed("request type")
	}
	return value.RequestType.Name, nil
}
