package oktamock

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Answer is how an answer is spoiled.
type Answer string

// The ways to spoil an answer. Which of them leave the request undone is [Fault.Applied]'s to say.
const (
	AnswerNormal       Answer = ""               // the true answer; useful with Delay
	AnswerReset        Answer = "reset"          // none: the connection is reset
	AnswerEOF          Answer = "eof"            // none: the connection is closed in order
	AnswerUnauthorized Answer = "unauthorized"   // 401 E0000011
	AnswerRefused      Answer = "refused"        // 403 E0000006
	AnswerThrottled    Answer = "throttled"      // 429 E0000047 with Date and X-Rate-Limit-*, the window ending in a second
	AnswerThrottledRaw Answer = "throttled-bare" // 429 without any header that says when
	AnswerError        Answer = "error"          // 500 E0000009
	AnswerUnavailable  Answer = "unavailable"    // 503 with no body that is JSON
	AnswerTruncated    Answer = "truncated"      // half the body, then the end of the connection
	AnswerEmptyBody    Answer = "empty-body"     // 200 with no body at all
	AnswerEmptyList    Answer = "empty-list"     // 200 with [] and no next link
	AnswerNull         Answer = "null"           // 200 with null
	AnswerNotJSON      Answer = "not-json"       // 200 with a proxy's HTML page
	AnswerNoID         Answer = "no-id"          // the true answer with every "id" renamed
	AnswerFoldedLink   Answer = "folded-link"    // the Link headers joined by a comma, as some proxies do
	AnswerRepeatedPage Answer = "repeated-page"  // the next link points at the page that it stands on
	AnswerMissingPage  Answer = "missing-page"   // the true page without its next link: the rest is missing
	AnswerBadLink      Answer = "bad-link"       // a Link header that is no URL
	AnswerRedirect     Answer = "redirect"       // 302 to another host
)

// Fault spoils requests. It says whether the request takes effect (Applied) and what the client is told (Answer), so that
// both ways of losing a write can be played: it did not happen, or it happened and was told that it did not.
type Fault struct {
	// Endpoint is which requests, such as "PUT /api/v1/groups/{groupId}/users/{userId}"; empty is every one.
	Endpoint string
	// Match is a part of the path and query that the request must hold; empty is any.
	Match string
	// Skip is how many matching requests pass unspoiled first.
	Skip int
	// Times is how many are spoiled; zero is one, negative is all.
	Times int
	// Applied lets the request take effect before its answer is spoiled. Answers that need the true one to spoil apply
	// always: truncated, no-id, folded-link, repeated-page, missing-page, bad-link.
	Applied bool
	// Answer is what the client is told.
	Answer Answer
	// Delay is waited before anything else, while the client waits with us.
	Delay time.Duration
}

// Fail orders a fault. Faults are tried in the order they were ordered; one request gets at most one.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults takes back all faults that were ordered.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns a copy of the fault for a request, or nil. The caller holds the lock.
func (s *Server) takeFault(endpoint string, u *url.URL) *Fault {
	for _, f := range s.faults {
		if f.Times == 0 || (f.Endpoint != "" && f.Endpoint != endpoint) || !strings.Contains(u.RequestURI(), f.Match) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		taken := *f
		return &taken
	}
	return nil
}

// wait waits out the delay. It reports false when the client went away first.
func (f *Fault) wait(r *http.Request) bool {
	if f == nil || f.Delay == 0 {
		return true
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// spoilsBefore tells whether the request must not take effect.
func (f *Fault) spoilsBefore() bool {
	if f == nil || f.Applied {
		return false
	}
	switch f.Answer {
	case AnswerNormal, AnswerTruncated, AnswerNoID, AnswerFoldedLink, AnswerRepeatedPage, AnswerMissingPage, AnswerBadLink:
		return false
	}
	return true
}

// spoil answers c in the fault's way. reply is the true answer, nil when the request took no effect.
func (f *Fault) spoil(c *call, w http.ResponseWriter, reply *answer) {
	if reply == nil {
		reply = &answer{status: 200, body: []any{}}
	}
	switch f.Answer {
	case AnswerReset, AnswerEOF:
		hangUp(w, f.Answer)
	case AnswerEmptyBody, AnswerNull, AnswerNotJSON, AnswerTruncated, AnswerNoID:
		f.spoilBody(c, w, reply)
	case AnswerEmptyList, AnswerFoldedLink, AnswerRepeatedPage, AnswerMissingPage, AnswerBadLink:
		f.spoilPage(c, w, reply)
	default:
		f.spoilStatus(c, w)
	}
}

// hangUp ends the connection with no answer.
func hangUp(w http.ResponseWriter, how Answer) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, isTCP := conn.(*net.TCPConn); isTCP && how == AnswerReset {
		_ = tcp.SetLinger(0) // makes Close a reset; on any other connection the close alone must do
	}
	_ = conn.Close() // the connection is meant to be lost
}

func (f *Fault) spoilBody(c *call, w http.ResponseWriter, reply *answer) {
	body := reply.encode()
	switch f.Answer {
	case AnswerEmptyBody:
		body = nil
	case AnswerNull:
		body = []byte("null")
	case AnswerNotJSON:
		body = []byte("<html><body>Your session with the proxy has ended.</body></html>")
	case AnswerNoID:
		body = bytes.ReplaceAll(body, []byte(`"id":`), []byte(`"idd":`))
	case AnswerTruncated:
		w.Header().Set("Content-Length", "1000000")
		body = body[:len(body)/2]
	}
	reply.send(c, w, body)
	if f.Answer == AnswerTruncated {
		panic(http.ErrAbortHandler)
	}
}

func (f *Fault) spoilPage(c *call, w http.ResponseWriter, reply *answer) {
	if f.Answer == AnswerEmptyList {
		reply.body, reply.page = []any{}, &page{limit: 200}
	}
	if f.Answer == AnswerMissingPage && reply.page != nil {
		reply.page.next = ""
	}
	if f.Answer == AnswerRepeatedPage && reply.page != nil {
		reply.page.next = c.query.Get("after")
		if reply.page.next == "" {
			reply.page.next = firstPage
		}
	}
	reply.writeHeader(c, w)
	switch links := w.Header()["Link"]; f.Answer {
	case AnswerFoldedLink:
		w.Header().Set("Link", strings.Join(links, ", "))
	case AnswerBadLink:
		w.Header()["Link"] = []string{`<http://%zz>; rel="next"`}
	}
	w.WriteHeader(reply.status)
	_, _ = w.Write(reply.encode()) // a client that is gone has nothing to be told
}

func (f *Fault) spoilStatus(c *call, w http.ResponseWriter) {
	c.mu.Lock()
	reply := f.status(c)
	c.mu.Unlock()
	if f.Answer == AnswerThrottledRaw {
		w.Header()["Date"] = nil // keeps net/http from writing its own
		w.WriteHeader(429)
		return
	}
	reply.write(c, w)
}

func (f *Fault) status(c *call) *answer {
	switch f.Answer {
	case AnswerUnauthorized:
		return invalidToken(c)
	case AnswerRefused:
		return c.denied()
	case AnswerThrottled:
		reply := tooMany(c)
		rateHeaders(reply, 600, 0, c.now().Add(time.Second))
		return reply
	case AnswerUnavailable:
		return &answer{status: 503, header: http.Header{"Content-Type": {"text/html"}}}
	case AnswerRedirect:
		return &answer{status: 302, header: http.Header{"Location": {"http://other.example.com/"}}}
	default:
		return refuse(c, "E0000009", "Internal Server Error")
	}
}
