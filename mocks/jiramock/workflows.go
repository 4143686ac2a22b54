package jiramock

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// readWorkflows is the bulk read of workflows by project and issue type, on Cloud only.
//
// Source: Jira Cloud platform REST API v3, POST workflows ("Bulk get workflows"): Administer Jira, or in the project
// Administer projects or View (read-only) workflow; 401 also without these.
func (s *Server) readWorkflows(c *call) reply {
	if s.config.Deployment != Cloud || c.version != "3" {
		return refusal(http.StatusNotFound, "null for uri")
	}
	body, valid := c.decode()
	pairs, listed := body["projectAndIssueTypes"].([]any)
	if !valid || !listed || len(pairs) == 0 || len(body) != 1 {
		return refusal(http.StatusBadRequest, "projectAndIssueTypes must not be empty.")
	}
	var found []*workflow
	for _, p := range pairs {
		pair, _ := p.(map[string]any)
		in := s.projectByID(text(pair["projectId"]))
		if in == nil {
			return refusal(http.StatusBadRequest, "The project does not exist.")
		}
		at := slices.IndexFunc(in.issueTypes, func(t issueType) bool { return t.id == text(pair["issueTypeId"]) })
		if at < 0 {
			return refusal(http.StatusBadRequest, "The issue type does not exist.")
		}
		if !in.may(c.user, "ADMINISTER_PROJECTS") && !in.may(c.user, "VIEW_READONLY_WORKFLOW") {
			return refusal(http.StatusUnauthorized, "You do not have permission to view the workflows of this project.")
		}
		for _, w := range in.workflowsOf(in.issueTypes[at]) {
			if !slices.Contains(found, w) {
				found = append(found, w)
			}
		}
	}
	q := c.URL.Query()
	return ok(s.wireWorkflows(found, workflowShape{
		links: q.Get("useTransitionLinksFormat") == "true", approvals: q.Get("useApprovalConfiguration") == "true",
	}))
}

// workflowShape says in which form workflows are asked for.
type workflowShape struct{ links, approvals bool }

func (s *Server) projectByID(id string) *project {
	n := slices.IndexFunc(s.projects, func(p *project) bool { return p.id == id })
	if n < 0 {
		return nil
	}
	return s.projects[n]
}

func statusReference(id string) string {
	return "5f000000-0000-4000-8000-" + strings.Repeat("0", 12-len(id)) + id
}

func (s *Server) wireWorkflows(found []*workflow, shape workflowShape) map[string]any {
	statuses, workflows, known := []any{}, []any{}, map[string]bool{}
	for n, w := range found {
		var own []any
		for _, status := range w.Statuses {
			id := s.statusID(status.Name)
			entry := map[string]any{"statusReference": statusReference(id), "deprecated": false, "properties": map[string]any{}}
			if step, asked := w.step(status.Name); asked && shape.approvals {
				entry["approvalConfiguration"] = map[string]any{
					"active": "true", "conditionType": "number", "conditionValue": "1", "fieldId": "customfield_10000", "exclude": nil,
					"transitionApproved": decided(status.Name, step.ApprovedTo, w), "transitionRejected": decided(status.Name, step.DeclinedTo, w),
				}
			}
			own = append(own, entry)
			if !known[id] {
				known[id] = true
				statuses = append(statuses, map[string]any{
					"id": id, "name": status.Name, "statusReference": statusReference(id), "description": "",
					"statusCategory": map[Category]string{ToDo: "TODO", InProgress: "IN_PROGRESS", Done: "DONE"}[status.Category],
					"scope":          map[string]any{"type": "GLOBAL"},
				})
			}
		}
		workflows = append(workflows, map[string]any{
			"id": "b9ff2384-d3b6-4d4e-9509-" + strconv.Itoa(100000000000+n), "name": w.Name, "description": "", "isEditable": false,
			"scope": map[string]any{"type": "GLOBAL"}, "version": map[string]any{"id": "1", "versionNumber": 1},
			"statuses": own, "transitions": s.wireWays(w, shape),
		})
	}
	return map[string]any{"statuses": statuses, "workflows": workflows}
}

// wireWays shows the transitions of a workflow: the one that creates, those that people take, and those that only a
// decision takes, which each approval of a workflow has.
func (s *Server) wireWays(w *workflow, shape workflowShape) []any {
	all := []Transition{{ID: "1", Name: "Create", To: w.Statuses[0].Name}}
	all = append(all, w.Transitions...)
	for _, step := range w.Approvals {
		for name, to := range map[string]string{"Approve": step.ApprovedTo, "Decline": step.DeclinedTo} {
			all = append(all, Transition{ID: decided(step.Status, to, w), Name: name, From: []string{step.Status}, To: to})
		}
	}
	slices.SortFunc(all, func(a, b Transition) int { return strings.Compare(a.ID, b.ID) })
	out := []any{}
	for _, t := range all {
		entry := map[string]any{"id": t.ID, "name": t.Name, "description": "", "properties": map[string]any{}, "type": wayType(t)}
		to, from := statusReference(s.statusID(t.To)), []any{}
		for _, name := range t.From {
			id := statusReference(s.statusID(name))
			if shape.links {
				from = append(from, map[string]any{"fromStatusReference": id, "fromPort": 0, "toPort": 0})
			} else {
				from = append(from, map[string]any{"statusReference": id, "port": 0})
			}
		}
		if shape.links {
			entry["toStatusReference"], entry["links"] = to, from
		} else {
			entry["to"], entry["from"] = map[string]any{"statusReference": to, "port": 0}, from
		}
		out = append(out, entry)
	}
	return out
}

func wayType(t Transition) string {
	switch {
	case t.ID == "1":
		return "INITIAL"
	case len(t.From) == 0:
		return "GLOBAL"
	default:
		return "DIRECTED"
	}
}

// decided is the id of the transition that a decision takes.
func decided(status, to string, w *workflow) string {
	n := slices.IndexFunc(w.Approvals, func(a ApprovalStep) bool { return a.Status == status })
	if w.Approvals[n].ApprovedTo == to {
		return strconv.Itoa(901 + 10*n)
	}
	return strconv.Itoa(902 + 10*n)
}

// step returns the approval step of a status.
func (w *workflow) step(status string) (ApprovalStep, bool) {
	n := slices.IndexFunc(w.Approvals, func(a ApprovalStep) bool { return a.Status == status })
	if n < 0 {
		return ApprovalStep{}, false
	}
	return w.Approvals[n], true
}
