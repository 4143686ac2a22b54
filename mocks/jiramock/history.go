package jiramock

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// defaultChangelogCap is how many histories Cloud shows inside an issue.
const defaultChangelogCap = 100

// wireHistory shows one history entry. Empty raw values are left out rather than null: the vendor's schema does not
// allow null there.
func (s *Server) wireHistory(e edit) map[string]any {
	items := []any{}
	for _, it := range e.items {
		out := map[string]any{"field": it.field, "fieldtype": it.fieldType}
		if it.fieldID != "" && !s.config.HideFieldIDs {
			out["fieldId"] = it.fieldID
		}
		for name, v := range map[string]string{"from": it.from, "fromString": it.fromText, "to": it.to, "toString": it.toText} {
			if v != "" {
				out[name] = v
			}
		}
		items = append(items, out)
	}
	out := map[string]any{"id": strconv.Itoa(e.id), "created": s.timeText(e.at), "items": items}
	if author := s.wireUser(e.by); author != nil {
		out["author"] = author
	}
	return out
}

// wireChangelog is the history inside an issue: the newest part on Cloud, everything on Data Center.
func (s *Server) wireChangelog(i *issue) map[string]any {
	most := len(i.history)
	if s.config.Deployment == Cloud {
		most = defaultChangelogCap
		if s.config.ChangelogCap > 0 {
			most = s.config.ChangelogCap
		}
	}
	histories := []any{}
	for _, e := range slices.Backward(i.history) {
		if len(histories) == most {
			break
		}
		histories = append(histories, s.wireHistory(e))
	}
	if s.config.Deployment == DataCenter {
		slices.Reverse(histories)
	}
	return map[string]any{
		"startAt": 0, "maxResults": len(histories), "total": len(i.history), "histories": histories,
	}
}

// getChangelog pages through the whole history, oldest first. Data Center has no such path.
func (s *Server) getChangelog(c *call) reply {
	if s.config.Deployment != Cloud {
		return refusal(http.StatusNotFound, "null for uri")
	}
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	start := min(c.number("startAt", 0, 1<<30), len(i.history))
	page := max(c.number("maxResults", 100, 100), 1)
	end := min(start+page, len(i.history))
	values := []any{}
	for _, e := range i.history[start:end] {
		values = append(values, s.wireHistory(e))
	}
	if c.fault.is(EmptyPage) || c.fault.is(MissingPage) {
		values = []any{}
	}
	out := map[string]any{
		"self": s.self(c.URL.Path), "startAt": start, "maxResults": page, "total": len(i.history),
		"isLast": end == len(i.history), "values": values,
	}
	if end < len(i.history) {
		out["nextPage"] = s.self(c.URL.Path) + "?startAt=" + strconv.Itoa(end)
	}
	return ok(out)
}

// bulkChangelog gives the histories of many issues, in pages of entries. An issue may be cut by the end of a page.
//
// Source: developer.atlassian.com/cloud/jira/platform/rest/v3, POST /rest/api/3/changelog/bulkfetch. Field evidence
// has "created" there as milliseconds since 1970.
func (s *Server) bulkChangelog(c *call) reply {
	if s.config.Deployment != Cloud {
		return refusal(http.StatusNotFound, "null for uri")
	}
	body, valid := c.decode()
	asked := each(body["issueIdsOrKeys"], text)
	if !valid || len(asked) == 0 || len(asked) > 1000 {
		return refusal(http.StatusBadRequest, "issueIdsOrKeys must have 1 to 1000 entries")
	}
	entries := s.bulkEntries(asked, c.user)
	page := 1000
	if n, ok := body["maxResults"].(float64); ok {
		page = min(max(int(n), 1), 10000)
	}
	start, valid := startOf(text(body["nextPageToken"]))
	if !valid || start > len(entries) {
		return refusal(http.StatusBadRequest, "The provided next page token is invalid.")
	}
	if c.fault.is(RepeatPage) {
		start = 0
	}
	end := min(start+page, len(entries))
	logs := s.wireBulk(entries[start:end])
	out := map[string]any{"issueChangeLogs": logs}
	if end < len(entries) || c.fault.is(RepeatPage) {
		out["nextPageToken"] = tokenAt(end)
	}
	return ok(out)
}

// bulkEntry is one history with the issue that it belongs to.
type bulkEntry struct {
	issue *issue
	edit  edit
}

// bulkEntries are the histories of the issues that are asked for, and that the viewer may see.
func (s *Server) bulkEntries(keys []string, viewer AccountID) []bulkEntry {
	var out []bulkEntry
	for _, key := range keys {
		if i := s.find(key); i != nil && i.project.may(viewer, "BROWSE_PROJECTS") {
			for _, e := range i.history {
				out = append(out, bulkEntry{i, e})
			}
		}
	}
	return out
}

// wireBulk puts neighbouring histories of an issue together.
func (s *Server) wireBulk(entries []bulkEntry) []any {
	logs := []any{}
	var open *issue
	for _, e := range entries {
		history := s.wireHistory(e.edit)
		history["created"] = e.edit.at.UnixMilli()
		if e.issue == open {
			last := logs[len(logs)-1].(map[string]any)
			last["changeHistories"] = append(last["changeHistories"].([]any), history)
			continue
		}
		open = e.issue
		logs = append(logs, map[string]any{"issueId": strconv.Itoa(e.issue.id), "changeHistories": []any{history}})
	}
	return logs
}

// mustJSON encodes a value that came out of JSON.
func mustJSON(v any) rawJSON {
	raw, err := json.Marshal(v)
	if err != nil {
		return rawJSON("null")
	}
	return raw
}
