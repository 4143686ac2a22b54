package jiramock

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// draft is an issue to be created.
type draft struct {
	project     *project
	request     *requestType
	kind        issueType
	reporter    AccountID
	summary     string
	description string
	labels      []string
	linked      []Key
	values      map[string]any
}

// create makes the issue in the workflow's first status, with the approval that this status asks for.
func (s *Server) create(d draft, a act) (*issue, error) {
	if d.request != nil {
		for _, name := range d.request.Required {
			if f := s.field(name); f == nil || d.values[f.id] == nil {
				return nil, refused(fmt.Sprintf("field %q is required", name))
			}
		}
	}
	d.project.next++
	i := &issue{
		id: s.mint(), key: Key(d.project.Key + "-" + strconv.Itoa(d.project.next)), project: d.project, kind: d.kind,
		request: d.request, summary: d.summary, description: d.description, priority: "Medium", labels: d.labels,
		reporter: d.reporter, creator: a.by, created: a.at, values: d.values, raw: map[string]rawJSON{},
		properties: map[string]rawJSON{},
	}
	first := i.workflow().Statuses
	if len(first) == 0 {
		return nil, refused("the project has no workflow")
	}
	ends, err := s.ends(d.linked)
	if err != nil {
		return nil, err
	}
	i.status, i.statusSince = first[0], a.at
	s.issues = append(s.issues, i)
	for _, end := range ends { // the new issue's history begins after its creation, and does not tell of these
		i.related = append(i.related, end)
		s.relate(end, i, a)
	}
	s.ask(i, a)
	s.touch(i, a.at, a.lag)
	s.tell(hook{event: "jira:issue_created", kind: "issue_created", issue: i, items: s.firstItems(i)}, a)
	return i, nil
}

// ends finds the issues that are to be linked with.
func (s *Server) ends(keys []Key) ([]*issue, error) {
	var all []*issue
	for _, key := range keys {
		end := s.find(string(key))
		if end == nil {
			return nil, unknown("issue", string(key))
		}
		all = append(all, end)
	}
	return all, nil
}

// relate shows a link on one of its ends.
func (s *Server) relate(from, to *issue, a act) {
	from.related = append(from.related, to)
	s.changed(from, []item{{field: "Link", fieldType: "jira", to: string(to.key), toText: "This issue relates to " + string(to.key)}}, a)
}

// firstItems is what the webhook of a new issue says about its fields. The history does not have them.
//
// Source: mattermost-plugin-jira, webhook-issue-created.json.
func (s *Server) firstItems(i *issue) []item {
	out := []item{
		{field: "summary", fieldID: "summary", fieldType: "jira", toText: i.summary},
		{field: "Status", fieldID: "status", fieldType: "jira", to: s.statusID(i.status.Name), toText: i.status.Name},
	}
	for _, f := range s.fields {
		if v, set := i.values[f.id]; set {
			it := item{field: f.name, fieldID: f.id, fieldType: "custom"}
			it.to, it.toText = s.historyTexts(f, v)
			out = append(out, it)
		}
	}
	return out
}

// change sets one field of an issue.
type change struct {
	field *field // custom field, nil for a system field
	name  string // of the system field: summary, description, labels, assignee, priority, reporter
	value any
}

// namedChange makes a change from what a story gives.
func (s *Server) namedChange(name string, v any) (change, error) {
	if system := strings.ToLower(name); slices.Contains(systemFields, system) {
		return change{name: system, value: v}, nil
	}
	f := s.field(name)
	if f == nil {
		return change{}, unknown("field", name)
	}
	if v == nil {
		return change{field: f}, nil
	}
	value, err := s.stored(f, v)
	return change{field: f, value: value}, err
}

var systemFields = []string{"summary", "description", "labels", "assignee", "priority", "reporter"}

// apply makes the changes one entry in the history. Changes that change nothing leave no trace, as in Jira.
func (s *Server) apply(i *issue, changes []change, a act) {
	var items []item
	for _, c := range changes {
		it, changed := s.applyOne(i, c)
		if changed {
			items = append(items, it)
		}
	}
	if len(items) == 0 {
		return
	}
	s.changed(i, items, a)
}

// changed records the items and tells of them.
func (s *Server) changed(i *issue, items []item, a act) {
	s.record(i, edit{at: a.at, by: a.by, items: items})
	s.touch(i, a.at, a.lag)
	s.tell(hook{event: "jira:issue_updated", kind: "issue_updated", issue: i, items: items}, a)
}

func (s *Server) applyOne(i *issue, c change) (item, bool) {
	if c.field == nil {
		return s.applySystem(i, c)
	}
	old := i.values[c.field.id]
	if reflect.DeepEqual(old, c.value) {
		return item{}, false
	}
	it := item{field: c.field.name, fieldID: c.field.id, fieldType: "custom"}
	it.from, it.fromText = s.historyTexts(c.field, old)
	it.to, it.toText = s.historyTexts(c.field, c.value)
	i.values[c.field.id] = c.value
	if c.value == nil {
		delete(i.values, c.field.id)
	}
	return it, true
}

func (s *Server) applySystem(i *issue, c change) (item, bool) {
	it := item{field: c.name, fieldID: c.name, fieldType: "jira"}
	text, _ := c.value.(string)
	account := AccountID(text)
	if typed, ok := c.value.(AccountID); ok {
		account = typed
	}
	switch c.name {
	case "summary":
		it.fromText, it.toText, i.summary = i.summary, text, text
	case "description":
		it.fromText, it.toText, i.description = i.description, text, text
	case "priority":
		it.fromText, it.toText, i.priority = i.priority, text, text
	case "labels":
		list, _ := c.value.([]string)
		it.fromText, it.toText, i.labels = strings.Join(i.labels, " "), strings.Join(list, " "), slices.Clone(list)
	case "assignee":
		it.from, it.fromText, it.to, it.toText = string(i.assignee), s.name(i.assignee), string(account), s.name(account)
		i.assignee = account
	case "reporter":
		it.from, it.fromText, it.to, it.toText = string(i.reporter), s.name(i.reporter), string(account), s.name(account)
		i.reporter = account
	}
	return it, it.from != it.to || it.fromText != it.toText
}

// move changes the status, with the resolution that goes with it, and asks whom the new status asks.
func (s *Server) move(i *issue, to string, a act) {
	status, known := i.workflow().status(to)
	if !known || status == i.status {
		return
	}
	items := []item{{
		field: "status", fieldID: "status", fieldType: "jira", from: s.statusID(i.status.Name), fromText: i.status.Name,
		to: s.statusID(to), toText: to,
	}}
	done := item{field: "resolution", fieldID: "resolution", fieldType: "jira"}
	switch {
	case status.Category == Done && i.resolved.IsZero():
		i.resolved = a.at
		done.to, done.toText = "10000", "Done"
		items = append(items, done)
	case status.Category != Done && !i.resolved.IsZero():
		i.resolved = time.Time{}
		done.from, done.fromText = "10000", "Done"
		items = append(items, done)
	}
	i.status, i.statusSince = status, a.at
	s.ask(i, a)
	s.changed(i, items, a)
}

func (s *Server) comment(i *issue, c NewComment, a act) *comment {
	made := &comment{id: s.mint(), at: a.at, updated: a.at, by: a.by, editor: a.by, body: c.Body, public: !c.Internal}
	i.comments = append(i.comments, made)
	slices.SortStableFunc(i.comments, func(x, y *comment) int { return x.at.Compare(y.at) })
	s.touch(i, a.at, a.lag)
	s.tell(hook{event: "comment_created", issue: i, comment: made}, a)
	return made
}

// rewrite puts another text into a comment. Who wrote it and when stay as they were.
func (s *Server) rewrite(i *issue, m *comment, body string, a act) {
	m.body, m.updated, m.editor = body, a.at, a.by
	s.touch(i, a.at, a.lag)
	s.tell(hook{event: "comment_updated", issue: i, comment: m}, a)
}

func (s *Server) remove(i *issue, a act) {
	i.deleted = true
	s.touch(i, a.at, a.lag)
	s.tell(hook{event: "jira:issue_deleted", issue: i}, a)
}

// rehome moves the issue to another project. Its number stays; its key becomes the next of the new project.
func (s *Server) rehome(i *issue, to *project, a act) {
	old, from := i.key, i.project
	to.next++
	i.key, i.project = Key(to.Key+"-"+strconv.Itoa(to.next)), to
	s.formerKeys[old] = i
	if t, known := to.issueType(i.kind.name); known {
		i.kind = t
	}
	if i.request != nil {
		i.request = to.requestType(i.request.Name)
	}
	s.changed(i, []item{
		{field: "project", fieldID: "project", fieldType: "jira", from: from.id, fromText: from.Name, to: to.id, toText: to.Name},
		{field: "Key", fieldType: "jira", fromText: string(old), toText: string(i.key)},
	}, a)
}
