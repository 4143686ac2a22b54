package jiramock

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// searchRequest is a search by GET or POST.
type searchRequest struct {
	jql       string
	token     string
	start     int
	max       int
	fields    []string
	expand    string
	reconcile []string
}

// searchAsked reads the parameters of a search; ok is false when the body is not what the API takes.
func searchAsked(c *call) (searchRequest, bool) {
	q := c.URL.Query()
	out := searchRequest{
		jql: q.Get("jql"), token: q.Get("nextPageToken"), expand: q.Get("expand"), max: c.number("maxResults", 50, 5000),
		start: c.number("startAt", 0, 1<<30), fields: listed(q["fields"]), reconcile: listed(q["reconcileIssues"]),
	}
	if c.Method == http.MethodGet {
		return out, true
	}
	body, ok := c.decode()
	if !ok {
		return out, false
	}
	out.jql, _ = body["jql"].(string)
	out.token, _ = body["nextPageToken"].(string)
	out.expand, _ = body["expand"].(string)
	if expand, isList := body["expand"].([]any); isList { // Data Center takes a list
		out.expand = strings.Join(each(expand, text), ",")
	}
	if n, isNumber := body["maxResults"].(float64); isNumber {
		out.max = int(n)
	}
	if n, isNumber := body["startAt"].(float64); isNumber {
		out.start = int(n)
	}
	out.fields = each(body["fields"], text)
	out.reconcile = each(body["reconcileIssues"], func(v any) string {
		n, _ := v.(float64)
		return strconv.Itoa(int(n))
	})
	return out, true
}

func text(v any) string {
	out, _ := v.(string)
	return out
}

// listed splits values that are separated by commas, repeated parameters, or both.
func listed(values []string) []string {
	var out []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// searchJQL is Cloud's search: bounded queries only, only the id unless fields are named, no total.
func (s *Server) searchJQL(c *call) reply {
	if s.config.Deployment != Cloud {
		return refusal(http.StatusNotFound, "null for uri")
	}
	asked, ok := searchAsked(c)
	if !ok {
		return refusal(http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again.")
	}
	if len(asked.reconcile) > 50 {
		return refusal(http.StatusBadRequest, "The reconcileIssues parameter takes 50 issues at most.")
	}
	q, err := parseJQL(asked.jql)
	if err == nil && !q.where.bounded() {
		err = jqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	found, err := s.search(c, q, asked.reconcile, err)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	start, valid := startOf(asked.token)
	if !valid {
		return refusal(http.StatusBadRequest, "The provided next page token is invalid.")
	}
	return s.tokenPage(c, found, asked, start)
}

// tokenPage shows the page from start on. The faults of paging are played here.
func (s *Server) tokenPage(c *call, found []*issue, asked searchRequest, start int) reply {
	page := min(max(asked.max, 1), s.largestPage(asked.fields))
	if c.fault.is(RepeatPage) {
		start = 0
	}
	if c.fault.is(MissingPage) {
		start += page
	}
	end := min(start+page, len(found))
	start = min(start, end)
	h := shape{version: c.version, fields: asked.fields, expand: asked.expand}
	out := map[string]any{"isLast": end == len(found)}
	if end < len(found) || c.fault.is(RepeatPage) || c.fault.is(EmptyPage) {
		out["nextPageToken"], out["isLast"] = tokenAt(end), false
	}
	if c.fault.is(EmptyPage) {
		end, out["nextPageToken"] = start, tokenAt(start)
	}
	out["issues"] = s.wireFound(found[start:end], h)
	return ok(out)
}

// wireFound shows found issues: only their id unless fields are named.
func (s *Server) wireFound(found []*issue, h shape) []any {
	out := []any{}
	for _, i := range found {
		if len(h.fields) == 0 && !strings.Contains(h.expand, "changelog") {
			out = append(out, map[string]any{"id": strconv.Itoa(i.id)})
			continue
		}
		out = append(out, s.wireIssue(i, h))
	}
	return out
}

// largestPage is 5000 when nothing but ids and keys is asked for.
//
// Source: developer.atlassian.com/cloud/jira/platform/search-and-reconcile.
func (s *Server) largestPage(fields []string) int {
	light := !slices.ContainsFunc(fields, func(f string) bool { return f != "id" && f != "key" })
	switch {
	case light && s.config.MaxResults == 0:
		return 5000
	case s.config.MaxResults == 0:
		return 100
	}
	return s.config.MaxResults
}

func tokenAt(start int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("page:" + strconv.Itoa(start)))
}

func startOf(token string) (int, bool) {
	if token == "" {
		return 0, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, false
	}
	start, err := strconv.Atoi(strings.TrimPrefix(string(raw), "page:"))
	return start, err == nil
}

// searchOld is Data Center's search with a total. Cloud took it away in 2025.
func (s *Server) searchOld(c *call) reply {
	if s.config.Deployment == Cloud {
		return refusal(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
	}
	asked, valid := searchAsked(c)
	if !valid {
		return refusal(http.StatusBadRequest, "Invalid request payload.")
	}
	q, err := parseJQL(asked.jql)
	found, err := s.search(c, q, nil, err)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	if len(asked.fields) == 0 {
		asked.fields = []string{"*navigable"}
	}
	page := min(asked.max, s.largestPage(asked.fields))
	start := min(asked.start, len(found))
	end := min(start+page, len(found))
	if c.fault.is(EmptyPage) || c.fault.is(MissingPage) {
		end = start
	}
	return ok(map[string]any{
		"expand": "schema,names", "startAt": asked.start, "maxResults": page, "total": len(found),
		"issues": s.wireFound(found[start:end], shape{version: c.version, fields: asked.fields, expand: asked.expand}),
	})
}

// search evaluates the query over what the index shows; issues to reconcile are taken as they are.
func (s *Server) search(c *call, q query, reconcile []string, err error) ([]*issue, error) {
	if err != nil {
		return nil, err
	}
	if c.user == "" {
		return nil, nil // nobody sees nothing, and is not told
	}
	who := asker{account: c.user, zone: s.userZone(c.user), now: s.now()}
	if err := s.checkQuery(q.where, who); err != nil {
		return nil, err
	}
	var found []*issue
	for _, i := range s.issues {
		seen := s.inIndex(i)
		if slices.Contains(reconcile, strconv.Itoa(i.id)) && !i.deleted {
			seen = i
		}
		if seen != nil && seen.project.may(c.user, "BROWSE_PROJECTS") && s.matches(seen, q.where, who) {
			found = append(found, seen)
		}
	}
	s.sorted(found, q.order)
	return found, nil
}

func (s *Server) userZone(account AccountID) *time.Location {
	if u := s.users[account]; u != nil && u.Zone != nil {
		return u.Zone
	}
	return time.UTC
}

// approximateCount counts what a bounded query finds.
func (s *Server) approximateCount(c *call) reply {
	body, _ := c.decode()
	q, err := parseJQL(text(body["jql"]))
	if err == nil && !q.where.bounded() {
		err = jqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	found, err := s.search(c, q, nil, err)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	return ok(map[string]any{"count": len(found)})
}
