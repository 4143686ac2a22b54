package oktamock

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// wireError is Okta's error body.
type wireError struct {
	Code    string      `json:"errorCode"`
	Summary string      `json:"errorSummary"`
	Link    string      `json:"errorLink"`
	ID      string      `json:"errorId"`
	Causes  []wireCause `json:"errorCauses"`
}

type wireCause struct {
	Summary string `json:"errorSummary"`
}

// refuse makes an error answer with one of the codes of Okta's catalogue.
//
// Source: Okta error codes 2026.08.1.
func refuse(c *call, code, summary string, causes ...string) *answer {
	body := wireError{Code: code, Summary: summary, Link: code, ID: c.mint("oae"), Causes: []wireCause{}}
	for _, cause := range causes {
		body.Causes = append(body.Causes, wireCause{cause})
	}
	return &answer{status: statusOf(code), body: body}
}

// statusOf returns the HTTP status of an error code.
func statusOf(code string) int {
	switch code {
	case "E0000011":
		return 401
	case "E0000006", "E0000016", "E0000032", "E0000038":
		return 403
	case "E0000007", "E0000008":
		return 404
	case "E0000022":
		return 405
	case "E0000047":
		return 429
	case "E0000009":
		return 500
	}
	return 400
}

func (c *call) notFound(id, kind string) *answer {
	return refuse(c, "E0000007", "Not found: Resource not found: "+id+" ("+kind+")")
}

func (c *call) denied() *answer {
	return refuse(c, "E0000006", "You do not have permission to perform the requested action")
}

func (c *call) invalid(field, cause string) *answer {
	return refuse(c, "E0000001", "Api validation failed: "+field, cause)
}

func (c *call) badFilter() *answer {
	return refuse(c, "E0000031", "Invalid search criteria.")
}

func ok(body any) *answer { return &answer{status: 200, body: body} }

func noContent() *answer { return &answer{status: 204} }

// page is where an answer stands in a list, for its Link headers.
type page struct {
	limit int
	items []any
	// next is the cursor after this page, empty when it is the last.
	next   string
	forget []string // query parameters that the next link does not repeat
}

func listing(p *page) *answer {
	if p.items == nil {
		p.items = []any{}
	}
	return &answer{status: 200, body: p.items, page: p}
}

// links writes self and next as Okta does: absolute, each on its own line.
//
// Source: recorded answers, terraform-provider-okta cassettes.
func (p *page) links(c *call) []string {
	own := maps.Clone(c.query)
	if own == nil {
		own = url.Values{}
	}
	own.Set("limit", strconv.Itoa(p.limit))
	out := []string{c.link(own, "self")}
	if p.next == "" {
		return out
	}
	next := maps.Clone(own)
	for _, name := range p.forget {
		next.Del(name)
	}
	next.Set("after", p.next)
	return append(out, c.link(next, "next"))
}

func (c *call) link(query url.Values, rel string) string {
	return "<" + c.URL() + c.r.URL.EscapedPath() + "?" + query.Encode() + `>; rel="` + rel + `"`
}

// write sends the answer.
func (a *answer) write(c *call, w http.ResponseWriter) {
	a.send(c, w, a.encode())
}

func (a *answer) encode() []byte {
	if a.body == nil {
		return nil
	}
	body, err := json.Marshal(a.body)
	if err != nil {
		panic("oktamock: a wire type does not encode: " + err.Error()) // every wire type is encoded by the tests
	}
	return body
}

func (a *answer) send(c *call, w http.ResponseWriter, body []byte) {
	a.writeHeader(c, w)
	w.WriteHeader(a.status)
	// A client that is gone has nothing to be told.
	_, _ = w.Write(body)
}

func (a *answer) writeHeader(c *call, w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("Date", c.now().Format(http.TimeFormat))
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("X-Okta-Request-Id", strconv.FormatInt(c.now().UnixNano(), 36))
	if a.body != nil {
		h.Set("Content-Type", "application/json")
	}
	if a.page != nil {
		for _, l := range a.page.links(c) {
			h.Add("Link", l)
		}
	}
}
