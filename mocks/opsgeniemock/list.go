package opsgeniemock

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The vendor's paging.
//
// Source: docs.opsgenie.com/docs/alert-api, List Alerts; offset and limit together: port-labs/port-docs PR #2304.
const (
	defaultLimit = 20
	maxLimit     = 100
	maxReach     = 20_000
)

// page is a part of a list, by number.
type page struct{ offset, limit int }

// pageOf reads offset and limit, or tells how the request is refused.
func pageOf(q url.Values) (page, answer, bool) {
	limit, okLimit := number(q.Get("limit"), defaultLimit)
	offset, okOffset := number(q.Get("offset"), 0)
	switch {
	case !okLimit || limit < 1 || limit > maxLimit:
		return page{}, failed(http.StatusUnprocessableEntity, "Limit must be a positive integer value lower than 100."), false
	case !okOffset || offset < 0:
		return page{}, failed(http.StatusUnprocessableEntity, "Offset must not be negative."), false
	case offset+limit > maxReach:
		return page{}, failed(http.StatusUnprocessableEntity, "Sum of offset and limit should be lower than 20000."), false
	}
	return page{offset, limit}, answer{}, true
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
// Source: opsgenie-oas, GET /v2/alerts, parameter sort.
func sortKeys() map[string]func(a, b *alert) int {
	byText := func(field func(*alert) string) func(a, b *alert) int {
		return func(a, b *alert) int { return cmp.Compare(field(a), field(b)) }
	}
	byUpdated := func(a, b *alert) int { return a.Updated.Compare(b.Updated) }
	return map[string]func(a, b *alert) int{
		"createdAt": func(a, b *alert) int { return a.Created.Compare(b.Created) },
		"updatedAt": byUpdated, "lastOccurredAt": byUpdated, "lastOccuredAt": byUpdated,
		"tinyId": func(a, b *alert) int {
			return cmp.Compare(len(a.TinyID), len(b.TinyID))*2 + cmp.Compare(a.TinyID, b.TinyID)
		},
		"count":                 func(a, b *alert) int { return cmp.Compare(a.Count, b.Count) },
		"report.ackTime":        func(a, b *alert) int { return cmp.Compare(a.AckAfter, b.AckAfter) },
		"report.closeTime":      func(a, b *alert) int { return cmp.Compare(a.CloseAfter, b.CloseAfter) },
		"alias":                 byText(func(a *alert) string { return a.Alias }),
		"message":               byText(func(a *alert) string { return a.Message }),
		"status":                byText((*alert).status),
		"acknowledged":          byText(func(a *alert) string { return strconv.FormatBool(a.Acknowledged) }),
		"isSeen":                byText(func(a *alert) string { return strconv.FormatBool(a.Acknowledged) }),
		"source":                byText(func(a *alert) string { return a.Source }),
		"owner":                 byText(func(a *alert) string { return a.owner }),
		"report.acknowledgedBy": byText(func(a *alert) string { return a.AcknowledgedBy }),
		"report.closedBy":       byText(func(a *alert) string { return a.ClosedBy }),
	}
}

func (s *Server) listAlerts(r *http.Request) answer {
	q := r.URL.Query()
	p, refused, ok := pageOf(q)
	if !ok {
		return refused
	}
	found, refused, ok := s.search(q.Get("query"))
	if !ok {
		return refused
	}
	less, known := sortKeys()[cmpOr(q.Get("sort"), "createdAt")]
	order := cmpOr(q.Get("order"), "desc")
	if !known || order != "asc" && order != "desc" {
		return failed(http.StatusUnprocessableEntity, "Sort field or order is not valid.")
	}
	slices.SortStableFunc(found, less)
	if order == "desc" {
		slices.Reverse(found)
	}
	list := []wireAlert{}
	for _, a := range part(found, p) {
		list = append(list, a.wire())
	}
	return s.paged(r.URL, p, len(found), list)
}

// search returns the alerts that match a query, in the order of their creation.
func (s *Server) search(text string) ([]*alert, answer, bool) {
	match, err := parseQuery(text)
	if err != nil {
		return nil, failed(http.StatusUnprocessableEntity, "Search query is not valid: "+err.Error()), false
	}
	var found []*alert
	for _, a := range s.alerts {
		if !a.deleted && match(a) {
			found = append(found, a)
		}
	}
	return found, answer{}, true
}

func (s *Server) countAlerts(r *http.Request) answer {
	found, refused, okay := s.search(r.URL.Query().Get("query"))
	if !okay {
		return refused
	}
	return ok(map[string]int{"count": len(found)})
}

// part returns the entries of all that are on page p.
func part[T any](all []T, p page) []T {
	from := min(p.offset, len(all))
	return all[from:min(from+p.limit, len(all))]
}

// paged answers with a page, naming its neighbours in body and headers.
func (s *Server) paged(u *url.URL, p page, total int, list any) answer {
	links := map[string]string{"first": s.at(u, page{0, p.limit}), "last": s.at(u, page{max(total-1, 0) / p.limit * p.limit, p.limit})}
	if p.offset+p.limit < total {
		links["next"] = s.at(u, page{p.offset + p.limit, p.limit})
	}
	if p.offset > 0 {
		links["prev"] = s.at(u, page{max(p.offset-p.limit, 0), p.limit})
	}
	a := ok(list)
	a.fields["paging"] = links
	a.header = map[string]string{}
	for name, link := range links {
		a.header["X-Paging-"+strings.ToUpper(name[:1])+name[1:]] = link
	}
	return a
}

// at returns the URL of another page of the same list.
func (s *Server) at(u *url.URL, p page) string {
	q := u.Query()
	q.Set("offset", strconv.Itoa(p.offset))
	q.Set("limit", strconv.Itoa(p.limit))
	return s.http.URL + u.Path + "?" + q.Encode()
}

// wireNote is a note or a log entry.
//
// Source: opsgenie-oas, definitions AlertNote and AlertLog.
type wireNote struct {
	Note      string `json:"note,omitempty"`
	Log       string `json:"log,omitempty"`
	Type      string `json:"type,omitempty"`
	Owner     string `json:"owner"`
	CreatedAt string `json:"createdAt"`
	Offset    string `json:"offset"`
}

func (s *Server) listNotes(r *http.Request) answer {
	a, refused, ok := s.named(r)
	if !ok {
		return refused
	}
	return s.entries(r, a.Notes, func(n Note) wireNote {
		return wireNote{Note: n.Text, Owner: n.Owner, CreatedAt: stamp(n.Created), Offset: n.offset}
	})
}

func (s *Server) listLogs(r *http.Request) answer {
	a, refused, ok := s.named(r)
	if !ok {
		return refused
	}
	return s.entries(r, a.logs, func(n Note) wireNote {
		return wireNote{Log: n.Text, Type: "system", Owner: n.Owner, CreatedAt: stamp(n.Created), Offset: n.offset}
	})
}

// entries answers with a page of notes or logs: from behind the opaque offset, in the direction and order asked for.
func (s *Server) entries(r *http.Request, all []Note, wire func(Note) wireNote) answer {
	q := r.URL.Query()
	limit, isNumber := number(q.Get("limit"), defaultLimit)
	order, direction := cmpOr(q.Get("order"), "desc"), cmpOr(q.Get("direction"), "next")
	if !isNumber || limit < 1 || limit > maxLimit || !slices.Contains([]string{"asc", "desc"}, order) || !slices.Contains([]string{"next", "prev"}, direction) {
		return failed(http.StatusUnprocessableEntity, "limit, order or direction is not valid.")
	}
	all = slices.Clone(all)
	if (order == "desc") != (direction == "prev") {
		slices.Reverse(all)
	}
	if offset := q.Get("offset"); offset != "" {
		at := slices.IndexFunc(all, func(n Note) bool { return n.offset == offset })
		if at < 0 {
			return failed(http.StatusUnprocessableEntity, "offset is not valid.")
		}
		all = all[at+1:]
	}
	list, links := []wireNote{}, map[string]string{}
	for _, n := range part(all, page{0, limit}) {
		list = append(list, wire(n))
	}
	if len(all) > limit {
		q.Set("offset", all[limit-1].offset)
		links["next"] = s.http.URL + r.URL.Path + "?" + q.Encode()
	}
	q.Del("offset")
	links["first"] = s.http.URL + r.URL.Path + "?" + q.Encode()
	a := ok(list)
	a.fields["paging"] = links
	return a
}
