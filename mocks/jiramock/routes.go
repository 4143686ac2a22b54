package jiramock

import (
	"net/http"
	"slices"
	"strings"
)

// routes registers every path that the server knows. Anything else is a 404 that [Server.Unknown] lists.
func (s *Server) routes() {
	const api = "/rest/api/{v}"
	s.handle("GET "+api+"/serverInfo", s.serverInfo)
	s.handle("GET "+api+"/myself", s.myself)
	s.handle("GET "+api+"/field", s.listFields)
	s.handle("GET "+api+"/mypermissions", s.myPermissions)
	s.handle("GET "+api+"/status", s.listStatuses)
	s.handle("GET "+api+"/project", s.listProjects)
	s.handle("GET "+api+"/project/{project}", s.getProject)
	s.handle("GET "+api+"/project/{project}/statuses", s.projectStatuses)
	s.handle("POST "+api+"/workflows", s.readWorkflows)
	s.handle("GET "+api+"/user", s.getUser)
	s.handle("GET "+api+"/user/search", s.searchUsers)

	s.handle("GET "+api+"/search/jql", s.searchJQL)
	s.handle("POST "+api+"/search/jql", s.searchJQL)
	s.handle("GET "+api+"/search", s.searchOld)
	s.handle("POST "+api+"/search", s.searchOld)
	s.handle("POST "+api+"/search/approximate-count", s.approximateCount)

	s.handle("POST "+api+"/issue", s.createIssue)
	s.handle("GET "+api+"/issue/{key}", s.getIssue)
	s.handle("PUT "+api+"/issue/{key}", s.editIssue)
	s.handle("DELETE "+api+"/issue/{key}", s.deleteIssue)
	s.handle("PUT "+api+"/issue/{key}/assignee", s.assign)
	s.handle("GET "+api+"/issue/{key}/changelog", s.getChangelog)
	s.handle("POST "+api+"/changelog/bulkfetch", s.bulkChangelog)
	s.handle("GET "+api+"/issue/{key}/transitions", s.listTransitions)
	s.handle("POST "+api+"/issue/{key}/transitions", s.transition)
	s.handle("GET "+api+"/issue/{key}/comment", s.listComments)
	s.handle("POST "+api+"/issue/{key}/comment", s.addComment)
	s.handle("GET "+api+"/issue/{key}/comment/{id}", s.getComment)
	s.handle("PUT "+api+"/issue/{key}/comment/{id}", s.editComment)
	s.handle("DELETE "+api+"/issue/{key}/comment/{id}", s.deleteComment)
	s.handle("POST "+api+"/issue/{key}/attachments", s.attach)
	s.handle("GET "+api+"/issue/{key}/properties", s.listProperties)
	s.handle("GET "+api+"/issue/{key}/properties/{property}", s.getProperty)
	s.handle("PUT "+api+"/issue/{key}/properties/{property}", s.setProperty)
	s.handle("DELETE "+api+"/issue/{key}/properties/{property}", s.deleteProperty)
	s.handle("GET "+api+"/issue/{key}/remotelink", s.listLinks)
	s.handle("POST "+api+"/issue/{key}/remotelink", s.link)
	s.handle("DELETE "+api+"/issue/{key}/remotelink", s.unlink)
	s.handle("GET /secure/attachment/{id}/{name}", s.download)
	s.deskRoutes()
}

func (s *Server) deskRoutes() {
	const desk = "/rest/servicedeskapi"
	s.handle("GET "+desk+"/info", s.deskInfo)
	s.handle("GET "+desk+"/servicedesk", s.listDesks)
	s.handle("GET "+desk+"/servicedesk/{desk}", s.getDesk)
	s.handle("GET "+desk+"/requesttype", s.listAllRequestTypes)
	s.handle("GET "+desk+"/servicedesk/{desk}/requesttype", s.listRequestTypes)
	s.handle("GET "+desk+"/servicedesk/{desk}/requesttype/{type}/field", s.requestTypeFields)
	s.handle("GET "+desk+"/request", s.listRequests)
	s.handle("POST "+desk+"/request", s.createRequest)
	s.handle("GET "+desk+"/request/{key}/status", s.listRequestStatuses)
	s.handle("GET "+desk+"/request/{key}", s.getRequest)
	s.handle("GET "+desk+"/request/{key}/approval", s.listApprovals)
	s.handle("GET "+desk+"/request/{key}/approval/{approval}", s.getApproval)
	s.handle("POST "+desk+"/request/{key}/approval/{approval}", s.answerApproval)
	s.handle("GET "+desk+"/request/{key}/sla", s.listSLAs)
	s.handle("GET "+desk+"/request/{key}/comment", s.listRequestComments)
	s.handle("POST "+desk+"/request/{key}/comment", s.addRequestComment)
}

func (s *Server) serverInfo(*call) reply {
	version, numbers, build := "1001.0.0-SNAPSHOT", []int{1001, 0, 0}, 100288
	if s.config.Deployment == DataCenter {
		version, numbers, build = "10.3.5", []int{10, 3, 5}, 10030005
	}
	return ok(map[string]any{
		"baseUrl": s.URL(), "version": version, "versionNumbers": numbers, "deploymentType": string(s.config.Deployment),
		"buildNumber": build, "buildDate": "2026-10-01T12:00:00.000+0000", "serverTime": s.timeText(s.now()),
		"scmInfo": "0000000000000000000000000000000000000000", "serverTitle": "Jira",
	})
}

func (s *Server) myself(c *call) reply {
	account, answer, known := s.account(c)
	if !known {
		return answer
	}
	return ok(s.wireUser(account))
}

// fieldList is every field, system fields first.
func (s *Server) fieldList() []*field {
	var out []*field
	for _, f := range [][2]string{
		{"summary", "Summary"}, {"description", "Description"}, {"issuetype", "Issue Type"}, {"project", "Project"},
		{"status", "Status"}, {"reporter", "Reporter"}, {"assignee", "Assignee"}, {"creator", "Creator"},
		{"created", "Created"}, {"updated", "Updated"}, {"resolution", "Resolution"}, {"resolutiondate", "Resolved"},
		{"priority", "Priority"}, {"labels", "Labels"}, {"issuelinks", "Linked Issues"}, {"attachment", "Attachment"}, {"comment", "Comment"},
		{"statuscategorychangedate", "Status Category Changed"},
	} {
		out = append(out, &field{id: f[0], name: f[1]})
	}
	if slices.ContainsFunc(s.projects, func(p *project) bool { return p.desk != "" }) {
		name := "Request Type"
		if s.config.Deployment == DataCenter {
			name = "Customer Request Type"
		}
		out = append(out, &field{id: requestTypeField, name: name, kind: "com.atlassian.servicedesk:vp-origin"})
	}
	return append(out, s.fields...)
}

func (s *Server) listFields(c *call) reply {
	out := []any{}
	for _, f := range s.fieldList() {
		custom := strings.HasPrefix(f.id, "customfield_")
		clauses := []string{f.id}
		if custom {
			if c.user == "" {
				continue
			}
			clauses = []string{"cf[" + strings.TrimPrefix(f.id, "customfield_") + "]", f.name}
		}
		entry := map[string]any{
			"id": f.id, "name": f.name, "custom": custom, "orderable": true, "navigable": true, "searchable": true,
			"clauseNames": clauses, "schema": f.schema(),
		}
		if s.config.Deployment == Cloud {
			entry["key"] = f.id
		}
		out = append(out, entry)
	}
	return ok(out)
}

// myPermissions tells what the asking person may do. Cloud wants the permissions named.
func (s *Server) myPermissions(c *call) reply {
	asked := listed(c.URL.Query()["permissions"])
	if len(asked) == 0 {
		if s.config.Deployment == Cloud {
			return refusal(http.StatusBadRequest, "The 'permissions' query parameter is required.")
		}
		asked = permissionNames
	}
	var in *project
	if key := c.URL.Query().Get("projectKey"); key != "" {
		if in = s.project(key); in == nil || !in.may(c.user, "BROWSE_PROJECTS") {
			return refusal(http.StatusNotFound, "No project could be found with key '"+key+"'.")
		}
	}
	out := map[string]any{}
	for n, name := range asked {
		if !slices.Contains(permissionNames, name) {
			return refusal(http.StatusBadRequest, "Unrecognized permission: "+name)
		}
		have := c.user != "" && (in == nil || in.may(c.user, name))
		out[name] = map[string]any{
			"id": n + 10, "key": name, "name": strings.ReplaceAll(strings.ToLower(name), "_", " "), "type": "PROJECT",
			"description": "", "havePermission": have,
		}
	}
	return ok(map[string]any{"permissions": out})
}

var permissionNames = []string{
	"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS", "EDIT_ALL_COMMENTS", "CREATE_ATTACHMENTS", "LINK_ISSUES",
	"DELETE_ISSUES", "MOVE_ISSUES", "ASSIGN_ISSUES", "ADMINISTER_PROJECTS", "VIEW_READONLY_WORKFLOW", "SERVICEDESK_AGENT", "ADMINISTER",
}

func (s *Server) listStatuses(*call) reply {
	seen := map[string]bool{}
	out := []any{}
	for _, p := range s.projects {
		for _, w := range p.workflows() {
			for _, status := range w.Statuses {
				if !seen[status.Name] {
					seen[status.Name] = true
					out = append(out, s.wireStatus(status))
				}
			}
		}
	}
	return ok(out)
}

// workflows are those of the project and of its request types.
func (p *project) workflows() []*workflow {
	out := []*workflow{p.workflow}
	for _, r := range p.requestTypes {
		if !slices.Contains(out, r.workflow) {
			out = append(out, r.workflow)
		}
	}
	return out
}

func (s *Server) listProjects(c *call) reply {
	out := []any{}
	for _, p := range s.projects {
		if p.may(c.user, "BROWSE_PROJECTS") {
			out = append(out, s.wireProject(p))
		}
	}
	return ok(out)
}

func (s *Server) getProject(c *call) reply {
	p := s.project(c.PathValue("project"))
	if p == nil || !p.may(c.user, "BROWSE_PROJECTS") {
		return refusal(http.StatusNotFound, "No project could be found with key '"+c.PathValue("project")+"'.")
	}
	kinds := []any{}
	for _, t := range p.issueTypes {
		kinds = append(kinds, s.wireIssueType(t))
	}
	out := s.wireProject(p)
	out["issueTypes"] = kinds
	return ok(out)
}

// projectStatuses lists the statuses of each issue type of a project.
func (s *Server) projectStatuses(c *call) reply {
	p := s.project(c.PathValue("project"))
	if p == nil || !p.may(c.user, "BROWSE_PROJECTS") {
		return refusal(http.StatusNotFound, "No project could be found with key '"+c.PathValue("project")+"'.")
	}
	out := []any{}
	for _, t := range p.issueTypes {
		statuses, seen := []any{}, map[string]bool{}
		for _, w := range p.workflowsOf(t) {
			for _, status := range w.Statuses {
				if !seen[status.Name] {
					seen[status.Name] = true
					statuses = append(statuses, s.wireStatus(status))
				}
			}
		}
		entry := s.wireIssueType(t)
		entry["statuses"] = statuses
		out = append(out, entry)
	}
	return ok(out)
}

// workflowsOf lists the workflows of an issue type. Jira has one for each; here its request types may each have their own.
func (p *project) workflowsOf(t issueType) []*workflow {
	var all []*workflow
	for _, r := range p.requestTypes {
		if r.IssueType == t.name {
			all = append(all, r.workflow)
		}
	}
	if len(all) == 0 {
		all = append(all, p.workflow)
	}
	return all
}

func (s *Server) getUser(c *call) reply {
	q := c.URL.Query()
	for _, name := range []string{"accountId", "key", "username"} {
		if u := s.users[AccountID(q.Get(name))]; u != nil && c.user != "" {
			return ok(s.wireUser(u.Account))
		}
	}
	return refusal(http.StatusNotFound, "Specified user does not exist or you do not have required permissions")
}

// searchUsers matches names and the addresses that are not hidden.
func (s *Server) searchUsers(c *call) reply {
	q := c.URL.Query()
	wanted := q.Get("query")
	if s.config.Deployment == DataCenter {
		wanted = q.Get("username")
	}
	if wanted == "" && q.Get("accountId") == "" {
		return refusal(http.StatusBadRequest, "A query parameter is required.")
	}
	found := []any{}
	for _, account := range s.accounts {
		u := s.users[account]
		shown := u.Name
		if !u.HideEmail {
			shown += " " + u.Email
		}
		byID := string(account) == q.Get("accountId")
		byText := wanted != "" && strings.Contains(strings.ToLower(shown+" "+string(account)), strings.ToLower(wanted))
		if c.user != "" && (byID || byText) {
			found = append(found, s.wireUser(account))
		}
	}
	start := min(c.number("startAt", 0, 1<<30), len(found))
	return ok(found[start:min(start+c.number("maxResults", 50, 1000), len(found))])
}
