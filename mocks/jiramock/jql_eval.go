package jiramock

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// asker is in whose eyes a query is evaluated.
type asker struct {
	account AccountID
	zone    *time.Location
	now     time.Time
}

// instants are the fields that are compared as times.
var instants = []string{"created", "updated", "resolved", "resolutiondate"}

// checkQuery refuses what Jira refuses before searching: unknown fields and values.
func (s *Server) checkQuery(c *clause, who asker) error {
	if c == nil {
		return nil
	}
	for _, child := range c.children {
		if err := s.checkQuery(child, who); err != nil {
			return err
		}
	}
	if c.kind != "is" {
		return nil
	}
	if !s.jqlKnows(c.field) {
		return jqlErrorf("Field '%s' does not exist or you do not have permission to view it.", c.field)
	}
	for _, v := range c.values {
		if err := s.checkValue(c, v, who); err != nil {
			return err
		}
	}
	return nil
}

var jqlFields = []string{
	"project", "status", "statuscategory", "issuetype", "type", "key", "issuekey", "issue", "id", "updated", "created",
	"resolved", "resolutiondate", "labels", "reporter", "assignee", "creator", "request type", "summary", "text", "priority",
	"resolution", "description",
}

func (s *Server) jqlKnows(name string) bool {
	return slices.Contains(jqlFields, strings.ToLower(name)) || s.jqlField(name) != nil
}

// jqlField returns the custom field of a clause: cf[10050] or its name.
func (s *Server) jqlField(name string) *field {
	if number, ok := strings.CutPrefix(strings.ToLower(name), "cf["); ok {
		return s.field("customfield_" + strings.TrimSuffix(number, "]"))
	}
	return s.field(name)
}

func (s *Server) checkValue(c *clause, v jqlValue, who asker) error {
	if v.call {
		if slices.Contains([]string{"currentuser", "now"}, strings.ToLower(v.text)) {
			return nil
		}
		return jqlErrorf("Unable to find JQL function '%s()'.", v.text)
	}
	known := true
	switch name := strings.ToLower(c.field); name {
	case "project":
		p := s.project(v.text)
		known = p != nil && p.may(who.account, "BROWSE_PROJECTS")
	case "status":
		known = s.anyStatus(v.text)
	case "issuetype", "type":
		known = s.anyIssueType(v.text)
	case "request type":
		known = s.anyRequestType(v.text)
	case "key", "issuekey", "issue", "id":
		if i := s.find(v.text); i == nil || !i.project.may(who.account, "BROWSE_PROJECTS") {
			return jqlErrorf("An issue with key '%s' does not exist for field '%s'.", v.text, c.field)
		}
	default:
		if slices.Contains(instants, name) {
			_, err := who.instant(v.text)
			return err
		}
	}
	if !known {
		return jqlErrorf("The value '%s' does not exist for the field '%s'.", v.text, c.field)
	}
	return nil
}

func (s *Server) anyStatus(name string) bool {
	return slices.ContainsFunc(s.projects, func(p *project) bool {
		own := func(w *workflow) bool {
			return slices.ContainsFunc(w.Statuses, func(st Status) bool { return strings.EqualFold(st.Name, name) })
		}
		return own(p.workflow) || slices.ContainsFunc(p.requestTypes, func(r *requestType) bool { return own(r.workflow) })
	})
}

func (s *Server) anyIssueType(name string) bool {
	return slices.ContainsFunc(s.projects, func(p *project) bool { _, known := p.issueType(name); return known })
}

// anyRequestType takes "Get access" and, as Jira writes it where the name is shared, "Get access (ACC)".
func (s *Server) anyRequestType(name string) bool {
	return slices.ContainsFunc(s.projects, func(p *project) bool {
		return slices.ContainsFunc(p.requestTypes, func(r *requestType) bool { return r.called(name) })
	})
}

func (r *requestType) called(name string) bool {
	return strings.EqualFold(r.Name, name) || strings.EqualFold(r.Name+" ("+r.project.Key+")", name)
}

// instant reads a time as JQL does: a bare number is milliseconds, a date is in the asker's zone and has minutes at
// best, a relative one counts from now.
//
// Source: airbytehq/airbyte#48395 for epoch milliseconds.
func (who asker) instant(text string) (time.Time, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006/01/02 15:04", "2006-01-02", "2006/01/02"} {
		if t, err := time.ParseInLocation(layout, text, who.zone); err == nil {
			return t, nil
		}
	}
	if strings.EqualFold(text, "now") {
		return who.now, nil
	}
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if text != "" && units[text[len(text)-1]] != 0 {
		if n, err := strconv.Atoi(text[:len(text)-1]); err == nil {
			return who.now.Add(time.Duration(n) * units[text[len(text)-1]]), nil
		}
	}
	return time.Time{}, jqlErrorf("Date value '%s' for field is invalid. Valid formats include: 'yyyy/MM/dd HH:mm'.", text)
}

// matches reports whether the issue satisfies the clause. Every issue satisfies none.
func (s *Server) matches(i *issue, c *clause, who asker) bool {
	if c == nil {
		return true
	}
	switch c.kind {
	case "and":
		return !slices.ContainsFunc(c.children, func(child *clause) bool { return !s.matches(i, child, who) })
	case "or":
		return slices.ContainsFunc(c.children, func(child *clause) bool { return s.matches(i, child, who) })
	case "not":
		return !s.matches(i, c.children[0], who)
	}
	if slices.Contains(instants, strings.ToLower(c.field)) {
		return i.instantMatches(c, who)
	}
	return textsMatch(s.texts(i, c.field), c, who)
}

func (i *issue) instantMatches(c *clause, who asker) bool {
	t := map[string]time.Time{
		"created": i.created, "updated": i.updated, "resolved": i.resolved, "resolutiondate": i.resolved,
	}[strings.ToLower(c.field)]
	switch {
	case c.operator == "is empty":
		return t.IsZero()
	case t.IsZero():
		return false
	case c.operator == "is not empty":
		return true
	}
	limit, err := who.instant(c.values[0].text)
	if err != nil {
		return false // refused by checkQuery
	}
	switch c.operator {
	case ">=":
		return !t.Before(limit)
	case ">":
		return t.After(limit)
	case "<=":
		return !t.After(limit)
	case "<":
		return t.Before(limit)
	case "=":
		return t.Equal(limit)
	}
	return !t.Equal(limit)
}

// textsMatch compares what stands in a field, without regard to case, as Jira does.
func textsMatch(have []string, c *clause, who asker) bool {
	any := slices.ContainsFunc(c.values, func(v jqlValue) bool {
		want := v.text
		if v.call {
			want = string(who.account)
		}
		return slices.ContainsFunc(have, func(text string) bool {
			if strings.HasSuffix(c.operator, "~") {
				return strings.Contains(strings.ToLower(text), strings.ToLower(want))
			}
			return strings.EqualFold(text, want)
		})
	})
	switch c.operator {
	case "=", "in", "~":
		return any
	case "is empty":
		return len(have) == 0
	case "is not empty":
		return len(have) > 0
	}
	return len(have) > 0 && !any // !=, not in, !~ do not match empty fields
}

// texts are the values that a field can be compared with.
func (s *Server) texts(i *issue, name string) []string {
	switch strings.ToLower(name) {
	case "project":
		return []string{i.project.Key, i.project.id, i.project.Name}
	case "status":
		return []string{i.status.Name, s.statusID(i.status.Name)}
	case "statuscategory":
		return []string{string(i.status.Category), s.wireCategory(i.status.Category)["name"].(string)}
	case "issuetype", "type":
		return []string{i.kind.name, i.kind.id}
	case "key", "issuekey", "issue", "id":
		return []string{string(i.key), strconv.Itoa(i.id)}
	case "labels":
		return i.labels
	case "reporter":
		return notEmpty(string(i.reporter))
	case "creator":
		return notEmpty(string(i.creator))
	case "assignee":
		return notEmpty(string(i.assignee))
	case "summary", "text":
		return notEmpty(i.summary)
	case "description":
		return notEmpty(i.description)
	case "priority":
		return notEmpty(i.priority)
	case "resolution":
		if i.resolved.IsZero() {
			return nil
		}
		return []string{"Done"}
	case "request type":
		if i.request == nil {
			return nil
		}
		return []string{i.request.Name, i.request.Name + " (" + i.project.Key + ")"}
	}
	return s.customTexts(i, s.jqlField(name))
}

func (s *Server) customTexts(i *issue, f *field) []string {
	if list, ok := i.values[f.id].([]string); ok {
		return list
	}
	raw, text := s.historyTexts(f, i.values[f.id])
	return append(notEmpty(raw), notEmpty(text)...)
}

func notEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// sorted orders issues as the query says, newest first without an order, and by id where that ties.
func (s *Server) sorted(found []*issue, order []ordering) {
	if len(order) == 0 {
		order = []ordering{{field: "created", descending: true}}
	}
	slices.SortFunc(found, func(a, b *issue) int {
		for _, o := range order {
			n := s.compare(a, b, o.field)
			if o.descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return cmp.Compare(a.id, b.id)
	})
}

func (s *Server) compare(a, b *issue, name string) int {
	switch name {
	case "created":
		return a.created.Compare(b.created)
	case "updated":
		return a.updated.Compare(b.updated)
	case "resolved", "resolutiondate":
		return a.resolved.Compare(b.resolved)
	case "key", "issuekey", "id":
		return cmp.Or(cmp.Compare(a.project.Key, b.project.Key), cmp.Compare(a.id, b.id))
	}
	if !s.jqlKnows(name) {
		return 0
	}
	return slices.Compare(s.texts(a, name), s.texts(b, name))
}
