package jiramock

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// timeLayout is how Jira writes an instant: milliseconds, and a zone without a colon.
const timeLayout = "2006-01-02T15:04:05.000-0700"

func (s *Server) timeText(t time.Time) string { return t.In(s.zone()).Format(timeLayout) }

func (s *Server) zone() *time.Location {
	if s.config.Zone == nil {
		return time.UTC
	}
	return s.config.Zone
}

func (s *Server) self(path string) string { return s.URL() + path }

func (s *Server) avatars() map[string]any {
	out := map[string]any{}
	for _, size := range []string{"16", "24", "32", "48"} {
		out[size+"x"+size] = s.self("/secure/useravatar?size=" + size)
	}
	return out
}

// wireUser is how a person is shown: without their address when they hide it, without names on Cloud.
func (s *Server) wireUser(account AccountID) any {
	u := s.users[account]
	if u == nil {
		return nil
	}
	out := map[string]any{
		"displayName": u.Name, "active": !u.Inactive, "timeZone": zoneName(u.Zone), "avatarUrls": s.avatars(),
	}
	if !u.HideEmail {
		out["emailAddress"] = u.Email
	}
	if s.config.Deployment == DataCenter {
		out["self"] = s.self("/rest/api/2/user?username=" + string(account))
		out["name"], out["key"] = string(account), string(account)
		return out
	}
	out["self"] = s.self("/rest/api/2/user?accountId=" + string(account))
	out["accountId"], out["accountType"] = string(account), "atlassian"
	return out
}

func zoneName(zone *time.Location) string {
	if zone == nil {
		return "Etc/UTC"
	}
	return zone.String()
}

// wireStatus is a status with its category.
//
// Source: fixtures of go-jira (status_category.json) for the ids and colours.
func (s *Server) wireStatus(status Status) map[string]any {
	id := s.statusID(status.Name)
	return map[string]any{
		"self": s.self("/rest/api/2/status/" + id), "description": "", "iconUrl": s.self("/images/icons/status.png"),
		"name": status.Name, "id": id, "statusCategory": s.wireCategory(status.Category),
	}
}

func (s *Server) wireCategory(category Category) map[string]any {
	id, colour, name := 2, "blue-gray", "To Do"
	switch category {
	case InProgress:
		id, colour, name = 4, "yellow", "In Progress"
	case Done:
		id, colour, name = 3, "green", "Done"
	}
	return map[string]any{
		"self": s.self("/rest/api/2/statuscategory/" + strconv.Itoa(id)), "id": id, "key": string(category),
		"colorName": colour, "name": name,
	}
}

func (s *Server) wireProject(p *project) map[string]any {
	kind := "software"
	if p.desk != "" {
		kind = "service_desk"
	}
	return map[string]any{
		"self": s.self("/rest/api/2/project/" + p.id), "id": p.id, "key": p.Key, "name": p.Name,
		"projectTypeKey": kind, "simplified": false, "avatarUrls": s.avatars(),
	}
}

func (s *Server) wireIssueType(t issueType) map[string]any {
	return map[string]any{
		"self": s.self("/rest/api/2/issuetype/" + t.id), "id": t.id, "name": t.name, "description": "",
		"iconUrl": s.self("/images/icons/issuetype.png"), "subtask": false,
	}
}

// shape says what of an issue is asked for.
type shape struct {
	version string
	fields  []string // Jira's syntax: ids, *all, *navigable, -id
	expand  string
}

func (h shape) wants(id string) bool {
	if slices.Contains(h.fields, "-"+id) {
		return false
	}
	all := slices.Contains(h.fields, "*all") || slices.Contains(h.fields, "*navigable") && id != "comment"
	return all || slices.Contains(h.fields, id)
}

// wireIssue shows the issue in the shape that was asked for.
func (s *Server) wireIssue(i *issue, h shape) map[string]any {
	out := map[string]any{
		"id": strconv.Itoa(i.id), "key": string(i.key), "self": s.self("/rest/api/" + h.version + "/issue/" + strconv.Itoa(i.id)),
		"expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
	}
	fields := s.wireFields(i, h)
	for id := range fields {
		if !h.wants(id) {
			delete(fields, id)
		}
	}
	if len(h.fields) > 0 {
		out["fields"] = fields
	}
	if strings.Contains(h.expand, "changelog") {
		out["changelog"] = s.wireChangelog(i)
	}
	if strings.Contains(h.expand, "names") {
		out["names"] = s.fieldNames(fields)
	}
	if strings.Contains(h.expand, "transitions") {
		out["transitions"] = s.wireTransitions(i.workflow().available(i.status.Name), i)
	}
	return out
}

func (s *Server) fieldNames(fields map[string]any) map[string]any {
	names := map[string]any{}
	for _, f := range s.fieldList() {
		if _, shown := fields[f.id]; shown {
			names[f.id] = f.name
		}
	}
	return names
}

// wireRelated is the links of an issue, with as much of the other ends as is needed to find them.
//
// Source: Jira Cloud platform REST API v3, schema IssueLink.
func (s *Server) wireRelated(i *issue) []any {
	out := []any{}
	for n, other := range i.related {
		if other.deleted {
			continue
		}
		out = append(out, map[string]any{
			"id": strconv.Itoa(i.id*100 + n), "self": s.self("/rest/api/2/issueLink/" + strconv.Itoa(i.id*100+n)),
			"type": map[string]any{"id": "10003", "name": "Relates", "inward": "relates to", "outward": "relates to",
				"self": s.self("/rest/api/2/issueLinkType/10003")},
			"outwardIssue": map[string]any{
				"id": strconv.Itoa(other.id), "key": string(other.key), "self": s.self("/rest/api/2/issue/" + strconv.Itoa(other.id)),
				"fields": map[string]any{"summary": other.summary, "status": s.wireStatus(other.status), "issuetype": s.wireIssueType(other.kind)},
			},
		})
	}
	return out
}

func (s *Server) wireFields(i *issue, h shape) map[string]any {
	out := map[string]any{
		"summary": i.summary, "issuetype": s.wireIssueType(i.kind), "project": s.wireProject(i.project),
		"status": s.wireStatus(i.status), "statuscategorychangedate": s.timeText(i.statusSince),
		"priority": s.wirePriority(i.priority), "labels": orEmpty(i.labels),
		"issuelinks": s.wireRelated(i),
		"reporter":   s.wireUser(i.reporter), "creator": s.wireUser(i.creator), "assignee": s.wireUser(i.assignee),
		"created": s.timeText(i.created), "updated": s.timeText(i.updated), "resolution": nil, "resolutiondate": nil,
		"description": nil, "attachment": s.wireAttachments(i), "comment": s.wireComments(i, h.version),
	}
	if i.description != "" {
		out["description"] = s.richText(i.description, h.version)
	}
	if !i.resolved.IsZero() {
		out["resolution"] = map[string]any{
			"self": s.self("/rest/api/2/resolution/10000"), "id": "10000", "name": "Done", "description": "",
		}
		out["resolutiondate"] = s.timeText(i.resolved)
	}
	for _, f := range s.fields {
		out[f.id] = s.written(f, i.values[f.id], h.version)
	}
	if i.request != nil {
		out[requestTypeField] = s.wireRequestField(i)
	}
	for id, raw := range i.raw {
		out[id] = raw
	}
	return out
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *Server) wirePriority(name string) map[string]any {
	names := []string{"Highest", "High", "Medium", "Low", "Lowest"}
	id := strconv.Itoa(slices.Index(names, name) + 1)
	return map[string]any{
		"self": s.self("/rest/api/2/priority/" + id), "iconUrl": s.self("/images/icons/priority.svg"), "name": name, "id": id,
	}
}

// wireRequestField is the value of the "Request Type" field.
func (s *Server) wireRequestField(i *issue) map[string]any {
	return map[string]any{
		"_links":        map[string]any{"self": s.self("/rest/servicedeskapi/request/" + strconv.Itoa(i.id))},
		"requestType":   s.wireRequestType(i.request),
		"currentStatus": s.wireRequestStatus(i),
	}
}
