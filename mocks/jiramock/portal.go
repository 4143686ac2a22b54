package jiramock

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (s *Server) deskInfo(*call) reply {
	return ok(map[string]any{
		"version": "1001.0.0-SNAPSHOT", "platformVersion": "1001.0.0-SNAPSHOT", "buildChangeSet": "0", "isLicensedForUse": true,
		"buildDate": s.deskDate(s.now()), "_links": map[string]any{"self": s.self("/rest/servicedeskapi/info")},
	})
}

func (s *Server) wireDesk(p *project) map[string]any {
	return map[string]any{
		"id": p.desk, "projectId": p.id, "projectName": p.Name, "projectKey": p.Key, "projectTypeKey": "service_desk",
		"_links": map[string]any{"self": s.self("/rest/servicedeskapi/servicedesk/" + p.desk)},
	}
}

func (s *Server) listDesks(c *call) reply {
	out := []any{}
	for _, p := range s.projects {
		if p.desk != "" && p.may(c.user, "BROWSE_PROJECTS") {
			out = append(out, s.wireDesk(p))
		}
	}
	return s.deskPage(c, out)
}

func (s *Server) getDesk(c *call) reply {
	p := s.desk(c.PathValue("desk"))
	if p == nil || !p.may(c.user, "BROWSE_PROJECTS") {
		return deskRefusal(http.StatusNotFound, "The service desk does not exist.")
	}
	return ok(s.wireDesk(p))
}

// listAllRequestTypes lists the request types of every desk.
func (s *Server) listAllRequestTypes(c *call) reply {
	out := []any{}
	for _, p := range s.projects {
		for _, r := range p.requestTypes {
			if p.may(c.user, "BROWSE_PROJECTS") {
				out = append(out, s.wireRequestType(r))
			}
		}
	}
	return s.deskPage(c, out)
}

// listRequests lists the requests that the asking person raised, newest first, as the portal does.
func (s *Server) listRequests(c *call) reply {
	if c.user == "" {
		return deskRefusal(http.StatusUnauthorized, "You must be authenticated.")
	}
	out := []any{}
	for _, i := range slices.Backward(s.issues) {
		if !i.deleted && i.request != nil && i.reporter == c.user {
			out = append(out, s.wireRequest(i))
		}
	}
	return s.deskPage(c, out)
}

// listRequestStatuses is the request's way through its workflow, newest first.
func (s *Server) listRequestStatuses(c *call) reply {
	i, answer, found := s.requestFor(c)
	if !found {
		return answer
	}
	out := []any{s.wireRequestStatus(i)}
	for _, e := range slices.Backward(i.history) {
		for _, it := range e.items {
			if it.field != "status" {
				continue
			}
			before, _ := i.workflow().status(it.fromText)
			since := i.statusSinceBefore(e)
			past := &issue{status: before, statusSince: since}
			out = append(out, s.wireRequestStatus(past))
		}
	}
	return s.deskPage(c, out)
}

// statusSinceBefore is when the status that the edit ended began.
func (i *issue) statusSinceBefore(end edit) (since time.Time) {
	since = i.created
	for _, e := range i.history {
		if e.id == end.id {
			break
		}
		if slices.ContainsFunc(e.items, func(it item) bool { return it.field == "status" }) {
			since = e.at
		}
	}
	return since
}

// commentFor returns the comment of the path.
func (s *Server) commentFor(c *call) (*issue, *comment, reply, bool) {
	i, answer, found := s.issueFor(c)
	if !found {
		return nil, nil, answer, false
	}
	for _, m := range i.comments {
		if strconv.Itoa(m.id) == c.PathValue("id") {
			return i, m, reply{}, true
		}
	}
	return nil, nil, refusal(http.StatusNotFound, "Can not find a comment for the id: "+c.PathValue("id")+"."), false
}

func (s *Server) getComment(c *call) reply {
	i, m, answer, found := s.commentFor(c)
	if !found {
		return answer
	}
	return ok(s.wireComment(i, m, c.version))
}

// editComment changes the text of a comment, which leaves no history.
func (s *Server) editComment(c *call) reply {
	i, m, answer, found := s.commentFor(c)
	if !found {
		return answer
	}
	body, _ := c.decode()
	words := plainText(body["body"])
	if words == "" || c.version == "3" && !isDocument(body["body"]) {
		return fieldRefusal("comment", "Comment body is not valid!")
	}
	if m.by != c.user && !i.project.may(c.user, "EDIT_ALL_COMMENTS") || !i.project.may(c.user, "ADD_COMMENTS") {
		return refusal(http.StatusBadRequest, "You do not have the permission to edit this comment.")
	}
	s.rewrite(i, m, words, s.actNow(c.user))
	return ok(s.wireComment(i, m, c.version))
}

func (s *Server) deleteComment(c *call) reply {
	i, m, answer, found := s.commentFor(c)
	if !found {
		return answer
	}
	if !i.project.may(c.user, "ADD_COMMENTS") {
		return refusal(http.StatusBadRequest, "You do not have the permission to delete this comment.")
	}
	i.comments = slices.DeleteFunc(i.comments, func(other *comment) bool { return other == m })
	a := s.actNow(c.user)
	s.touch(i, a.at, a.lag)
	s.tell(hook{event: "comment_deleted", issue: i, comment: m}, a)
	return reply{status: http.StatusNoContent}
}
