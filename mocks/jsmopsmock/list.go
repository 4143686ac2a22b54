package jsmopsmock

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The vendor's paging. The most schedules on a page are not documented; the mock takes the figure of alerts.
//
// Source: JSM Operations API, GET alerts: size 1 to 100, default 20; the sum of offset and size below 20,000.
const (
	defaultSize = 20
	maxSize     = 100
	maxReach    = 20_000
)

// page is a part of a list, by number.
type page struct{ offset, size int }

// wireLinks name the next page, by a path below the cloud ID. There is none on the last page.
//
// Source: JSM Operations API, schema ListAlertResponse and its example.
type wireLinks struct {
	Next string `json:"next,omitempty"`
}

// pageOf reads offset and size, or tells how the request is refused.
func pageOf(q url.Values) (page, answer, bool) {
	size, okSize := number(q.Get("size"), defaultSize)
	offset, okOffset := number(q.Get("offset"), 0)
	switch {
	case !okSize || size < 1 || size > maxSize:
		return page{}, restFailed(http.StatusUnprocessableEntity, "size must be between 1 and 100"), false
	case !okOffset || offset < 0:
		return page{}, restFailed(http.StatusUnprocessableEntity, "offset must not be negative"), false
	case offset+size >= maxReach:
		return page{}, restFailed(http.StatusUnprocessableEntity, "Sum of offset and size should be lower than 20000"), false
	}
	return page{offset, size}, answer{}, true
}

func number(text string, otherwise int) (int, bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// sortKeys returns the fields that a list can be sorted by.
//
// Source: JSM Operations API, GET alerts, parameter sort.
func sortKeys() map[string]func(a, b *alert) int {
	byCreated := func(a, b *alert) int { return a.Created.Compare(b.Created) }
	return map[string]func(a, b *alert) int{
		"createdAt": byCreated, "insertedAt": byCreated,
		"lastOccurredAt": func(a, b *alert) int { return a.Updated.Compare(b.Updated) },
		"priority":       func(a, b *alert) int { return cmp.Compare(a.Priority, b.Priority) },
	}
}

// wireAlerts is a page of alerts.
//
// Source: JSM Operations API, schema ListAlertResponse.
type wireAlerts struct {
	Values []wireAlert `json:"values"`
	Count  int         `json:"count"`
	Links  wireLinks   `json:"links"`
}

// listAlerts answers with a page of alerts: an empty one to a user who is in no team.
func (s *Server) listAlerts(r *http.Request, u User) answer {
	q := r.URL.Query()
	p, refused, ok := pageOf(q)
	if !ok {
		return refused
	}
	match, err := parseQuery(q.Get("query"))
	less, known := sortKeys()[cmpOr(q.Get("sort"), "insertedAt")]
	order := cmpOr(q.Get("order"), "desc")
	if err != nil || !known || order != "asc" && order != "desc" {
		return restFailed(http.StatusUnprocessableEntity, "query, sort or order is not valid")
	}
	found := []*alert{}
	for _, a := range s.alerts {
		if !u.Blind && match(a) {
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, less)
	if order == "desc" {
		slices.Reverse(found)
	}
	body := wireAlerts{Values: []wireAlert{}, Count: len(found)}
	for _, a := range part(found, p) {
		body.Values = append(body.Values, a.wire())
	}
	if p.offset+p.size < len(found) {
		body.Links.Next = next(r.URL, "/v1/alerts", p)
	}
	return answer{status: http.StatusOK, body: body}
}

// part returns the entries of all that are on page p.
func part[T any](all []T, p page) []T {
	from := min(p.offset, len(all))
	return all[from:min(from+p.size, len(all))]
}

// next returns the link to the page after p.
func next(u *url.URL, path string, p page) string {
	q := u.Query()
	q.Set("offset", strconv.Itoa(p.offset+p.size))
	q.Set("size", strconv.Itoa(p.size))
	return path + "?" + q.Encode()
}

// wireNote is a note.
//
// Source: JSM Operations API, schema AlertNote.
type wireNote struct {
	ID        string `json:"id"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`
	Note      string `json:"note"`
	Owner     string `json:"owner"`
}

// wireLog is a log entry.
//
// Source: JSM Operations API, schema AlertLog.
type wireLog struct {
	LogTime string `json:"logTime"`
	LogType string `json:"logType"`
	Log     string `json:"log"`
	Owner   string `json:"owner"`
}

func (s *Server) listNotes(r *http.Request, u User) answer {
	a, refused, ok := s.visible(r, u)
	if !ok {
		return refused
	}
	return entries(r, a.Notes, func(n Note) any { return wireNote{n.id, stamp(n.Created), stamp(n.Created), n.Text, n.Owner} })
}

func (s *Server) listLogs(r *http.Request, u User) answer {
	a, refused, ok := s.visible(r, u)
	if !ok {
		return refused
	}
	return entries(r, a.logs, func(n Note) any { return wireLog{stamp(n.Created), "system", n.Text, n.Owner} })
}

// entries answers with a page of notes or logs: from behind the cursor after, newest first unless asked otherwise. There
// is no offset: one that is sent has no effect.
//
// Source: JSM Operations API, schema GetAlertNotesResponse, example of links; field evidence, rrvrs/jira-alerts-mcp
// src/tools/alerts/list-notes.ts, for order, size and the missing offset.
func entries(r *http.Request, all []Note, wire func(Note) any) answer {
	q := r.URL.Query()
	size, isNumber := number(q.Get("size"), defaultSize)
	order := cmpOr(q.Get("order"), "desc")
	if !isNumber || size < 1 || size > maxSize || order != "asc" && order != "desc" {
		return restFailed(http.StatusUnprocessableEntity, "size or order is not valid")
	}
	all = slices.Clone(all)
	if order == "desc" {
		slices.Reverse(all)
	}
	if after := q.Get("after"); after != "" {
		at := slices.IndexFunc(all, func(n Note) bool { return n.id == after })
		if at < 0 {
			return restFailed(http.StatusUnprocessableEntity, "after is not valid")
		}
		all = all[at+1:]
	}
	list, links := []any{}, wireLinks{}
	for _, n := range part(all, page{0, size}) {
		list = append(list, wire(n))
	}
	if len(all) > size {
		q.Set("after", all[size-1].id)
		links.Next = "/v1/alerts/" + r.PathValue("alert") + r.URL.Path[strings.LastIndex(r.URL.Path, "/"):] + "?" + q.Encode()
	}
	return answer{status: http.StatusOK, body: map[string]any{"values": list, "links": links}}
}
