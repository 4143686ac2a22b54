package jiramock

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// deskDate writes an instant in the service desk API's four ways.
func (s *Server) deskDate(t time.Time) map[string]any {
	local := t.In(s.zone())
	return map[string]any{
		"iso8601": local.Format("2006-01-02T15:04:05-0700"), "jira": local.Format(timeLayout),
		"friendly": local.Format("02/Jan/06 3:04 PM"), "epochMillis": t.UnixMilli(),
	}
}

// deskUser is a person as the service desk API shows them: no type, no avatars of their own.
func (s *Server) deskUser(account AccountID) map[string]any {
	u := s.users[account]
	if u == nil {
		return map[string]any{"accountId": string(account), "displayName": "Former user", "active": false}
	}
	out := map[string]any{
		"displayName": u.Name, "active": !u.Inactive, "timeZone": zoneName(u.Zone),
		"_links": map[string]any{
			"jiraRest": s.self("/rest/api/2/user?accountId=" + string(account)), "avatarUrls": s.avatars(),
			"self": s.self("/rest/api/2/user?accountId=" + string(account)),
		},
	}
	if !u.HideEmail {
		out["emailAddress"] = u.Email
	}
	if s.config.Deployment == DataCenter {
		out["name"], out["key"] = string(account), string(account)
		return out
	}
	out["accountId"] = string(account)
	return out
}

// deskPage pages through values by start and limit.
func (s *Server) deskPage(c *call, values []any) reply {
	start := min(c.number("start", 0, 1<<30), len(values))
	limit := max(c.number("limit", 50, 100), 1)
	end := min(start+limit, len(values))
	links := map[string]any{"self": s.self(c.URL.Path), "base": s.URL(), "context": s.config.PathPrefix}
	if end < len(values) {
		links["next"] = s.self(c.URL.Path) + "?start=" + strconv.Itoa(end) + "&limit=" + strconv.Itoa(limit)
	}
	page := values[start:end]
	last := end == len(values)
	if c.fault.is(EmptyPage) {
		page, last = []any{}, false
	}
	return ok(map[string]any{
		"size": len(page), "start": start, "limit": limit, "isLastPage": last, "values": page, "_links": links,
		"_expands": []string{},
	})
}

// requestFor returns the request of the path if the asking person may see it. An issue that is no request is not found.
func (s *Server) requestFor(c *call) (*issue, reply, bool) {
	if c.user == "" {
		return nil, deskRefusal(http.StatusUnauthorized, "You must be authenticated."), false
	}
	i := s.find(c.PathValue("key"))
	if i == nil || i.request == nil || !i.project.may(c.user, "BROWSE_PROJECTS") {
		return nil, deskRefusal(http.StatusNotFound, "The customer request does not exist or you do not have permission to view it."), false
	}
	return i, reply{}, true
}

// desk returns the service desk of the path.
func (s *Server) desk(id string) *project {
	n := slices.IndexFunc(s.projects, func(p *project) bool { return p.desk != "" && (p.desk == id || p.Key == id) })
	if n < 0 {
		return nil
	}
	return s.projects[n]
}

func (s *Server) wireRequestType(r *requestType) map[string]any {
	kind, _ := r.project.issueType(r.IssueType)
	return map[string]any{
		"id": r.id, "name": r.Name, "description": "", "helpText": "", "issueTypeId": kind.id,
		"serviceDeskId": r.project.desk, "portalId": r.project.desk, "groupIds": []string{}, "_expands": []string{"field"},
		"_links": map[string]any{"self": s.self("/rest/servicedeskapi/servicedesk/" + r.project.desk + "/requesttype/" + r.id)},
	}
}

func (s *Server) listRequestTypes(c *call) reply {
	p := s.desk(c.PathValue("desk"))
	if p == nil || !p.may(c.user, "BROWSE_PROJECTS") {
		return deskRefusal(http.StatusNotFound, "The service desk does not exist.")
	}
	out := []any{}
	for _, r := range p.requestTypes {
		out = append(out, s.wireRequestType(r))
	}
	return s.deskPage(c, out)
}

// requestTypeFields lists the summary and the custom fields; every form has all of them here.
func (s *Server) requestTypeFields(c *call) reply {
	p := s.desk(c.PathValue("desk"))
	if p == nil || p.requestType(c.PathValue("type")) == nil {
		return deskRefusal(http.StatusNotFound, "The request type does not exist.")
	}
	r := p.requestType(c.PathValue("type"))
	fields := []any{map[string]any{
		"fieldId": "summary", "name": "Summary", "required": true, "validValues": []any{}, "defaultValues": []any{},
		"jiraSchema": map[string]any{"type": "string", "system": "summary"}, "visible": true,
	}}
	for _, f := range s.fields {
		valid := []any{}
		for _, option := range f.options {
			valid = append(valid, map[string]any{"value": s.optionID(f, option), "label": option, "children": []any{}})
		}
		fields = append(fields, map[string]any{
			"fieldId": f.id, "name": f.name, "required": slices.Contains(r.Required, f.name), "validValues": valid,
			"defaultValues": []any{}, "jiraSchema": f.schema(), "visible": true,
		})
	}
	return ok(map[string]any{
		"requestTypeFields": fields, "canRaiseOnBehalfOf": true, "canAddRequestParticipants": true,
	})
}

func (s *Server) wireRequestStatus(i *issue) map[string]any {
	category := map[Category]string{ToDo: "NEW", InProgress: "INDETERMINATE", Done: "DONE"}[i.status.Category]
	return map[string]any{"status": i.status.Name, "statusCategory": category, "statusDate": s.deskDate(i.statusSince)}
}

func (s *Server) wireRequest(i *issue) map[string]any {
	values := []any{map[string]any{"fieldId": "summary", "label": "Summary", "value": i.summary}}
	for _, f := range s.fields {
		if v, set := i.values[f.id]; set {
			values = append(values, map[string]any{"fieldId": f.id, "label": f.name, "value": s.written(f, v, "2")})
		}
	}
	id := strconv.Itoa(i.id)
	return map[string]any{
		"_expands": []string{"participant", "status", "sla", "requestType", "serviceDesk"}, "issueId": id,
		"issueKey": string(i.key), "summary": i.summary, "requestTypeId": i.request.id, "serviceDeskId": i.project.desk,
		"createdDate": s.deskDate(i.created), "reporter": s.deskUser(i.reporter), "requestFieldValues": values,
		"currentStatus": s.wireRequestStatus(i),
		"_links": map[string]any{
			"self": s.self("/rest/servicedeskapi/request/" + id), "jiraRest": s.self("/rest/api/2/issue/" + id),
			"web":   s.self("/servicedesk/customer/portal/" + i.project.desk + "/" + string(i.key)),
			"agent": s.self("/browse/" + string(i.key)),
		},
	}
}

func (s *Server) getRequest(c *call) reply {
	i, answer, found := s.requestFor(c)
	if !found {
		return answer
	}
	return ok(s.wireRequest(i))
}

// createRequest raises a request through the portal's API.
func (s *Server) createRequest(c *call) reply {
	if c.user == "" {
		return deskRefusal(http.StatusUnauthorized, "You must be authenticated.")
	}
	body, _ := c.decode()
	p := s.desk(text(body["serviceDeskId"]))
	if p == nil || p.requestType(text(body["requestTypeId"])) == nil || !p.may(c.user, "CREATE_ISSUES") {
		return deskRefusal(http.StatusBadRequest, "The service desk or the request type does not exist.")
	}
	d := draft{project: p, request: p.requestType(text(body["requestTypeId"])), reporter: c.user, values: map[string]any{}}
	d.kind, _ = p.issueType(d.request.IssueType)
	if behalf := AccountID(text(body["raiseOnBehalfOf"])); behalf != "" {
		if s.users[behalf] == nil {
			return deskRefusal(http.StatusBadRequest, "The user to raise the request for does not exist.")
		}
		d.reporter = behalf
	}
	values, _ := body["requestFieldValues"].(map[string]any)
	for id, v := range values {
		next, why := s.changeFrom(&call{version: "2"}, id, v)
		switch {
		case why != "":
			return deskRefusal(http.StatusBadRequest, why)
		case next.field != nil:
			d.values[id] = next.value
		case id == "summary":
			d.summary = text(v)
		case id == "description":
			d.description = plainText(v)
		}
	}
	if d.summary == "" {
		return deskRefusal(http.StatusBadRequest, "Your request could not be created. Please check the fields have been correctly filled in. summary: Please provide a valid value for field 'Summary'")
	}
	i, err := s.create(d, s.actNow(c.user))
	if err != nil {
		return deskRefusal(http.StatusBadRequest, err.Error())
	}
	return reply{http.StatusCreated, s.wireRequest(i)}
}

func (s *Server) wireApproval(i *issue, ap *approval, viewer AccountID) map[string]any {
	approvers := []any{}
	for _, account := range ap.asked {
		decision := ap.answers[account]
		if decision == "" {
			decision = "pending"
		}
		approvers = append(approvers, map[string]any{"approver": s.deskUser(account), "approverDecision": decision})
	}
	id := strconv.Itoa(ap.id)
	out := map[string]any{
		"id": id, "name": ap.step.Name, "finalDecision": ap.decision, "approvers": approvers,
		"canAnswerApproval": ap.decision == "pending" && slices.Contains(ap.asked, viewer),
		"createdDate":       s.deskDate(ap.created),
		"_links":            map[string]any{"self": s.self("/rest/servicedeskapi/request/" + strconv.Itoa(i.id) + "/approval/" + id)},
	}
	if !ap.completed.IsZero() {
		out["completedDate"] = s.deskDate(ap.completed)
	}
	return out
}

func (s *Server) listApprovals(c *call) reply {
	i, answer, found := s.requestFor(c)
	if !found {
		return answer
	}
	out := []any{}
	for _, ap := range i.approvals {
		out = append(out, s.wireApproval(i, ap, c.user))
	}
	return s.deskPage(c, out)
}

func (s *Server) approvalFor(c *call) (*issue, *approval, reply, bool) {
	i, answer, found := s.requestFor(c)
	if !found {
		return nil, nil, answer, false
	}
	for _, ap := range i.approvals {
		if strconv.Itoa(ap.id) == c.PathValue("approval") {
			return i, ap, reply{}, true
		}
	}
	return nil, nil, deskRefusal(http.StatusNotFound, "The approval does not exist."), false
}

func (s *Server) getApproval(c *call) reply {
	i, ap, answer, found := s.approvalFor(c)
	if !found {
		return answer
	}
	return ok(s.wireApproval(i, ap, c.user))
}

func (s *Server) answerApproval(c *call) reply {
	i, ap, answer, found := s.approvalFor(c)
	if !found {
		return answer
	}
	if !slices.Contains(ap.asked, c.user) {
		return deskRefusal(http.StatusForbidden, "You are not an approver.")
	}
	if ap.decision != "pending" {
		return deskRefusal(http.StatusConflict, "The approval has been answered already.")
	}
	body, _ := c.decode()
	if err := s.answer(i, ap, text(body["decision"]), s.actNow(c.user)); err != nil {
		return deskRefusal(http.StatusBadRequest, err.Error())
	}
	return ok(s.wireApproval(i, ap, c.user))
}

func (s *Server) wireDuration(d time.Duration) map[string]any {
	return map[string]any{"millis": d.Milliseconds(), "friendly": d.Truncate(time.Minute).String()}
}

// listSLAs shows the project's metrics, running since the creation until the status is done.
func (s *Server) listSLAs(c *call) reply {
	i, answer, found := s.requestFor(c)
	if !found {
		return answer
	}
	if !i.project.may(c.user, "SERVICEDESK_AGENT") {
		return deskRefusal(http.StatusForbidden, "You must be an agent.")
	}
	out := []any{}
	for n, sla := range i.project.SLAs {
		end := s.now()
		if !i.resolved.IsZero() {
			end = i.resolved
		}
		spent := end.Sub(i.created)
		cycle := map[string]any{
			"startTime": s.deskDate(i.created), "breachTime": s.deskDate(i.created.Add(sla.Goal)), "breached": spent > sla.Goal,
			"goalDuration": s.wireDuration(sla.Goal), "elapsedTime": s.wireDuration(spent),
			"remainingTime": s.wireDuration(sla.Goal - spent),
		}
		entry := map[string]any{"id": strconv.Itoa(n + 1), "name": sla.Name, "completedCycles": []any{}}
		if i.resolved.IsZero() {
			cycle["paused"], cycle["withinCalendarHours"] = false, true
			entry["ongoingCycle"] = cycle
		} else {
			cycle["stopTime"] = s.deskDate(i.resolved)
			entry["completedCycles"] = []any{cycle}
		}
		out = append(out, entry)
	}
	return s.deskPage(c, out)
}

func (s *Server) wireRequestComment(i *issue, m *comment) map[string]any {
	return map[string]any{
		"id": strconv.Itoa(m.id), "body": m.body, "public": m.public, "author": s.deskUser(m.by), "created": s.deskDate(m.at),
		"_expands": []string{}, "_links": map[string]any{
			"self": s.self("/rest/servicedeskapi/request/" + strconv.Itoa(i.id) + "/comment/" + strconv.Itoa(m.id)),
		},
	}
}

func (s *Server) listRequestComments(c *call) reply {
	i, answer, found := s.requestFor(c)
	if !found {
		return answer
	}
	out := []any{}
	for _, m := range i.comments {
		q := c.URL.Query()
		if m.public && q.Get("public") != "false" || !m.public && q.Get("internal") != "false" {
			out = append(out, s.wireRequestComment(i, m))
		}
	}
	return s.deskPage(c, out)
}

func (s *Server) addRequestComment(c *call) reply {
	i, answer, found := s.requestFor(c)
	if !found {
		return answer
	}
	body, _ := c.decode()
	words, isText := body["body"].(string)
	if !isText || words == "" {
		return deskRefusal(http.StatusBadRequest, "The comment body must not be empty.")
	}
	if !i.project.may(c.user, "ADD_COMMENTS") {
		return deskRefusal(http.StatusForbidden, "You do not have permission to comment.")
	}
	public, sent := body["public"].(bool)
	m := s.comment(i, NewComment{Body: words, Internal: sent && !public}, s.actNow(c.user))
	return reply{http.StatusCreated, s.wireRequestComment(i, m)}
}
