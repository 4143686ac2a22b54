package jira

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// reading collects the first error of reading an issue's fields.
type reading struct {
	fields map[string]json.RawMessage
	err    error
}

// take decodes a system field into out. One that is absent or null is left as it is, unless it is required.
func (r *reading) take(id string, out any) {
	if r.err != nil || empty(r.fields[id]) {
		return
	}
	if err := json.Unmarshal(r.fields[id], out); err != nil {
		r.err = malformed(id)
	}
}

func (r *reading) require(ok bool, what string) {
	if r.err == nil && !ok {
		r.err = malformed("no " + what)
	}
}

func (r *reading) person(id string) ticket.Person {
	var user *wireUser
	r.take(id, &user)
	if user == nil || r.err != nil {
		return ticket.Person{}
	}
	person, err := user.person()
	if err != nil {
		r.err = err
	}
	return person
}

// links returns the tickets that the issue is linked with.
//
// Source: Jira Cloud platform REST API v3, schema IssueLink: one of inwardIssue and outwardIssue is the other end.
func (r *reading) links() []ticket.Key {
	type end struct {
		Key string `json:"key"`
	}
	var all []struct {
		Inward  end `json:"inwardIssue"`
		Outward end `json:"outwardIssue"`
	}
	r.take("issuelinks", &all)
	var keys []ticket.Key
	for _, l := range all {
		if key, err := ticket.ParseKey(cmp.Or(l.Outward.Key, l.Inward.Key)); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// ticket translates an issue, without its history.
//
// Errors: [access.ErrMalformed]. Nothing of the issue may be used then.
func (l *layout) ticket(w wireIssue) (ticket.Ticket, error) {
	key, err := ticket.ParseKey(w.Key)
	if err != nil || w.ID == "" {
		return ticket.Ticket{}, malformed("issue without a key")
	}
	r := &reading{fields: w.Fields}
	var kind, project, priority struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	}
	var status wireStatus
	var created, updated, resolved wireTime
	var files []struct {
		Filename string   `json:"filename"`
		Created  wireTime `json:"created"`
	}
	out := ticket.Ticket{ID: ticket.ID(w.ID), Key: key, Reporter: r.person("reporter"), Assignee: r.person("assignee")}
	r.take("summary", &out.Summary)
	r.take("labels", &out.Labels)
	out.Links = r.links()
	r.take("issuetype", &kind)
	r.take("project", &project)
	r.take("priority", &priority)
	r.take("status", &status)
	r.take("created", &created)
	r.take("updated", &updated)
	r.take("resolutiondate", &resolved)
	r.take("attachment", &files)
	r.require(kind.Name != "", "issue type")
	r.require(project.Key != "", "project")
	r.require(status.Name != "" && status.Category.Key != "", "status")
	r.require(!created.IsZero() && !updated.IsZero(), "time")
	out.Type, out.Project, out.Priority = kind.Name, project.Key, priority.Name
	out.Status, out.Done = status.Name, status.Category.Key == "done"
	out.Created, out.Updated, out.Resolved = created.Time, updated.Time, resolved.Time
	for _, f := range files {
		out.Files = append(out.Files, ticket.File{Name: f.Filename, Added: f.Created.Time})
	}
	if r.err == nil {
		r.err = l.mappedInto(&out, w.Fields)
	}
	if r.err != nil {
		return ticket.Ticket{}, r.err
	}
	return out, nil
}

// mappedInto reads the request type and the mapped fields.
func (l *layout) mappedInto(t *ticket.Ticket, fields map[string]json.RawMessage) error {
	var err error
	if t.RequestType, err = requestTypeName(fields[l.requestType]); err != nil {
		return err
	}
	t.Rating, t.Rated = l.satisfaction(fields)
	t.Fields, t.People = map[string]ticket.Value{}, map[ticket.AccountID]ticket.Person{}
	for _, f := range l.fields {
		raw := fields[f.id]
		if empty(raw) {
			continue
		}
		got, err := value(f.kind, raw)
		if err != nil {
			return fmt.Errorf("field %q: %w", f.name, err)
		}
		t.Fields[f.name] = got.value
		for _, person := range got.people {
			t.People[person.Account] = person
		}
	}
	return nil
}

// edits translates histories into edits, oldest first. Histories that occur twice, as pages that shifted give them, are
// taken once.
func (l *layout) edits(histories []wireHistory) ([]ticket.Edit, error) {
	ordered := slices.Clone(histories)
	slices.SortStableFunc(ordered, func(a, b wireHistory) int {
		return cmp.Or(a.Created.Compare(b.Created.Time), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
	})
	var out []ticket.Edit
	seen := map[string]bool{}
	for _, h := range ordered {
		if h.ID == "" || h.Created.IsZero() {
			return nil, malformed("history without id or time")
		}
		if seen[h.ID] {
			continue
		}
		seen[h.ID] = true
		var by ticket.AccountID
		if h.Author != nil {
			by = h.Author.account()
		}
		for _, item := range h.Items {
			out = append(out, ticket.Edit{
				At: h.Created.Time, By: by, Field: l.name(item.FieldID, item.Field), FieldID: item.FieldID, Unknown: l.unknown(item),
				From: item.From, To: item.To, FromText: item.FromString, ToText: item.ToString,
			})
		}
	}
	return out, nil
}

// movers adds to the ticket the persons who changed its status, as the history shows them.
func movers(t *ticket.Ticket, histories []wireHistory) {
	for _, h := range histories {
		moved := slices.ContainsFunc(h.Items, func(i wireItem) bool { return i.Field == "status" })
		if h.Author == nil || !moved {
			continue
		}
		if person, err := h.Author.person(); err == nil {
			t.People[person.Account] = person
		}
	}
}

// inline returns the history that came inside an issue, where that is the whole one.
//
// Errors: [access.ErrIncomplete] when histories are missing or Jira does not say how many there are.
func inline(c *wireChangelog) ([]wireHistory, error) {
	if c == nil || c.Total == nil || len(c.Histories) < *c.Total {
		return nil, fmt.Errorf("history inside the issue is cut: %w", access.ErrIncomplete)
	}
	return c.Histories, nil
}
