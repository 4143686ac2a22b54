package jiramock

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) getIssue(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	fields := listed(c.URL.Query()["fields"])
	if len(fields) == 0 {
		fields = []string{"*all"}
	}
	return ok(s.wireIssue(i, shape{version: c.version, fields: fields, expand: c.URL.Query().Get("expand")}))
}

// createIssue creates an issue from {"fields": {…}, "properties": […]}.
func (s *Server) createIssue(c *call) reply {
	account, answer, known := s.account(c)
	if !known {
		return answer
	}
	body, valid := c.decode()
	fields, hasFields := body["fields"].(map[string]any)
	if !valid || !hasFields {
		return refusal(http.StatusBadRequest, "Invalid request payload.")
	}
	d, answer, valid := s.draftFor(c, account, fields)
	if !valid {
		return answer
	}
	i, err := s.create(d, s.actNow(account))
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	for _, p := range each(body["properties"], func(v any) map[string]any { m, _ := v.(map[string]any); return m }) {
		i.properties[text(p["key"])] = mustJSON(p["value"])
	}
	return reply{http.StatusCreated, map[string]any{
		"id": strconv.Itoa(i.id), "key": string(i.key), "self": s.self("/rest/api/" + c.version + "/issue/" + strconv.Itoa(i.id)),
	}}
}

func (s *Server) actNow(account AccountID) act {
	return act{by: account, at: s.now(), lag: s.config.IndexLag, told: true}
}

// draftFor reads the fields of an issue to be created.
func (s *Server) draftFor(c *call, account AccountID, fields map[string]any) (draft, reply, bool) {
	d := draft{reporter: account, values: map[string]any{}}
	in, _ := fields["project"].(map[string]any)
	if d.project = s.project(firstText(in, "key", "id")); d.project == nil || !d.project.may(account, "CREATE_ISSUES") {
		return d, fieldRefusal("project", "valid project is required"), false
	}
	kind, _ := fields["issuetype"].(map[string]any)
	var known bool
	if d.kind, known = d.project.issueType(firstText(kind, "name", "id")); !known {
		return d, fieldRefusal("issuetype", "Specify a valid issue type"), false
	}
	if d.summary = text(fields["summary"]); strings.TrimSpace(d.summary) == "" {
		return d, fieldRefusal("summary", "You must specify a summary of the issue."), false
	}
	changes, answer, valid := s.changesFrom(c, fields)
	for _, change := range changes {
		switch {
		case change.field != nil && change.value != nil:
			d.values[change.field.id] = change.value
		case change.name == "description":
			d.description = text(change.value)
		case change.name == "labels":
			d.labels, _ = change.value.([]string)
		case change.name == "reporter":
			d.reporter, _ = change.value.(AccountID)
		}
	}
	return d, answer, valid
}

func firstText(m map[string]any, names ...string) string {
	for _, name := range names {
		if v := text(m[name]); v != "" {
			return v
		}
	}
	return ""
}

// changesFrom reads {"field": value}. An unknown field is refused, as is a string where version 3 wants a document.
func (s *Server) changesFrom(c *call, fields map[string]any) ([]change, reply, bool) {
	var out []change
	for id, v := range fields {
		if slices.Contains([]string{"project", "issuetype", "parent"}, id) {
			continue
		}
		next, why := s.changeFrom(c, id, v)
		if why != "" {
			return nil, fieldRefusal(id, why), false
		}
		out = append(out, next)
	}
	slices.SortFunc(out, func(a, b change) int { return strings.Compare(a.id(), b.id()) })
	return out, reply{}, true
}

func (c change) id() string {
	if c.field != nil {
		return c.field.id
	}
	return c.name
}

func (s *Server) changeFrom(c *call, id string, v any) (change, string) {
	switch id {
	case "description":
		if c.version == "3" && v != nil && !isDocument(v) {
			return change{}, "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
		}
		return change{name: id, value: plainText(v)}, ""
	case "summary":
		return change{name: id, value: text(v)}, ""
	case "priority":
		m, _ := v.(map[string]any)
		return change{name: id, value: text(m["name"])}, ""
	case "labels":
		labels := each(v, text)
		if slices.ContainsFunc(labels, func(l string) bool { return strings.ContainsAny(l, " \t") }) {
			return change{}, "The label can't contain spaces."
		}
		return change{name: id, value: labels}, ""
	case "reporter", "assignee":
		account := accountOf(v)
		if v != nil && s.users[account] == nil {
			return change{}, "The user could not be found."
		}
		return change{name: id, value: account}, ""
	}
	f := s.field(id)
	if f == nil || f.id != id {
		return change{}, "Field '" + id + "' cannot be set. It is not on the appropriate screen, or unknown."
	}
	if v == nil {
		return change{field: f}, ""
	}
	value, err := s.fromJSON(f, v)
	if err != nil {
		return change{}, err.Error()
	}
	return change{field: f, value: value}, ""
}

func (s *Server) editIssue(c *call) reply {
	i, answer, may := s.writableFor(c, "EDIT_ISSUES")
	if !may {
		return answer
	}
	body, valid := c.decode()
	if !valid {
		return refusal(http.StatusBadRequest, "Invalid request payload.")
	}
	fields, _ := body["fields"].(map[string]any)
	changes, answer, valid := s.changesFrom(c, fields)
	if !valid {
		return answer
	}
	if labels, changed := relabelled(i, body["update"]); changed {
		changes = append(changes, change{name: "labels", value: labels})
	}
	s.apply(i, changes, s.actNow(c.user))
	return reply{status: http.StatusNoContent}
}

// relabelled applies the add and remove operations on labels in "update".
func relabelled(i *issue, update any) ([]string, bool) {
	operations, _ := update.(map[string]any)
	list, asked := operations["labels"].([]any)
	labels := slices.Clone(i.labels)
	for _, o := range list {
		operation, _ := o.(map[string]any)
		if add := text(operation["add"]); add != "" && !slices.Contains(labels, add) {
			labels = append(labels, add)
		}
		if remove := text(operation["remove"]); remove != "" {
			labels = slices.DeleteFunc(labels, func(l string) bool { return l == remove })
		}
	}
	return labels, asked
}

func (s *Server) deleteIssue(c *call) reply {
	i, answer, may := s.writableFor(c, "DELETE_ISSUES")
	if !may {
		return answer
	}
	s.remove(i, s.actNow(c.user))
	return reply{status: http.StatusNoContent}
}

func (s *Server) assign(c *call) reply {
	i, answer, may := s.writableFor(c, "ASSIGN_ISSUES")
	if !may {
		return answer
	}
	body, _ := c.decode()
	account := accountOf(body)
	if account != "" && (s.users[account] == nil || s.users[account].Inactive) {
		return fieldRefusal("assignee", "User cannot be assigned issues.")
	}
	s.apply(i, []change{{name: "assignee", value: account}}, s.actNow(c.user))
	return reply{status: http.StatusNoContent}
}

func (s *Server) listTransitions(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	list := i.workflow().available(i.status.Name)
	if !i.project.may(c.user, "TRANSITION_ISSUES") {
		list = nil
	}
	return ok(map[string]any{"expand": "transitions", "transitions": s.wireTransitions(list, i)})
}

func (s *Server) wireTransitions(list []Transition, i *issue) []any {
	out := []any{}
	for _, t := range list {
		to, _ := i.workflow().status(t.To)
		out = append(out, map[string]any{
			"id": t.ID, "name": t.Name, "to": s.wireStatus(to), "hasScreen": false, "isGlobal": len(t.From) == 0,
			"isInitial": false, "isAvailable": true, "isConditional": false,
		})
	}
	return out
}

// transition moves the issue. Transition ids mean something in the issue's own workflow only.
func (s *Server) transition(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	body, _ := c.decode()
	asked, _ := body["transition"].(map[string]any)
	id := text(asked["id"])
	if id == "" {
		return refusal(http.StatusBadRequest, "Missing 'transition' identifier")
	}
	for _, t := range i.workflow().available(i.status.Name) {
		if t.ID == id && i.project.may(c.user, "TRANSITION_ISSUES") {
			s.move(i, t.To, s.actNow(c.user))
			return reply{status: http.StatusNoContent}
		}
	}
	return refusal(http.StatusBadRequest, "It seems that you have tried to perform an illegal workflow operation: action id "+id+" is not valid from the issue's current status.")
}
