package oktamock

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxBodyBytes is the largest request that the org reads; Okta's requests here are far smaller.
const maxBodyBytes = 1 << 20

// call is one request while it is served. The lock is held while a handler runs.
type call struct {
	*Server
	r     *http.Request
	route *route
	vars  map[string]string // the route's {names}
	query url.Values
	body  []byte
	who   principal
	fault *Fault // nil for none
}

// answer is what a handler wants to say. Nothing is written before the handler is done, so that a fault can spoil it.
type answer struct {
	status int
	header http.Header
	body   any // nil for an empty body
	page   *page
}

// Call is one request as the journal keeps it.
type Call struct {
	At       time.Time   // by the org's clock
	Endpoint string      // such as "GET /api/v1/groups/{groupId}/users"; "unknown" for a path that the org does not have
	Path     string      // unescaped
	Query    url.Values  // as it came
	Header   http.Header // as it came, credentials left out
	Status   int         // zero when no answer was sent
	Actor    string      // who asked, empty when not signed in
}

// Calls returns every request since the start, in order.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.journal...)
}

// Count returns how many requests an endpoint has had, such as "GET /api/v1/groups/{groupId}/users"; "" counts all.
func (s *Server) Count(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.journal {
		if endpoint == "" || c.Endpoint == endpoint {
			n++
		}
	}
	return n
}

// ClearCalls empties the journal.
func (s *Server) ClearCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = nil
}

// serve answers one request: route, fault, credential, rate limit, handler, fault again.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		return // the client is gone
	}
	found, vars := s.findRoute(r.Method, r.URL.EscapedPath())
	c := &call{Server: s, r: r, route: found, vars: vars, query: r.URL.Query(), body: body}
	entry := s.enter(c)
	defer s.release()
	if !c.fault.wait(r) {
		return
	}
	if c.fault.spoilsBefore() {
		c.fault.spoil(c, w, nil)
		return
	}
	reply := s.handle(c)
	s.note(c, entry, reply.status)
	if c.fault != nil && c.fault.Answer != AnswerNormal {
		c.fault.spoil(c, w, reply)
		return
	}
	reply.write(c, w)
}

// enter writes the request into the journal and takes the fault that was ordered for it. It returns the entry's place.
func (s *Server) enter(c *call) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	endpoint := "unknown"
	if c.route != nil {
		endpoint = c.route.endpoint()
	}
	c.fault = s.takeFault(endpoint, c.r.URL)
	header := c.r.Header.Clone()
	header.Del("Authorization")
	s.journal = append(s.journal, Call{At: s.now(), Endpoint: endpoint, Path: c.r.URL.Path, Query: c.query, Header: header})
	s.limits.busy++
	return len(s.journal) - 1
}

func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.busy--
}

// note writes into the journal what came of a request.
func (s *Server) note(c *call, entry, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry < len(s.journal) {
		s.journal[entry].Status, s.journal[entry].Actor = status, c.who.actor.ID
	}
}

// handle decides the answer, under the lock.
func (s *Server) handle(c *call) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if c.route == nil {
		return c.noRoute()
	}
	if c.route.scope != "" {
		if refusal := s.authenticate(c); refusal != nil {
			return refusal
		}
	}
	if refusal := s.limits.admit(c); refusal != nil {
		return refusal
	}
	s.log.current = s.mint("trs")
	s.log.address, _, _ = net.SplitHostPort(c.r.RemoteAddr)
	defer func() { s.log.current, s.log.address = "", "" }()
	reply := c.permitted()
	if reply == nil {
		reply = c.route.serve(c)
	}
	s.limits.stamp(c, reply)
	return reply
}

// noRoute tells a wrong method from an unknown path.
func (c *call) noRoute() *answer {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		if found, _ := c.findRoute(method, c.r.URL.EscapedPath()); found != nil {
			return refuse(c, "E0000022", "The endpoint does not support the provided HTTP method")
		}
	}
	return refuse(c, "E0000008", "The requested path was not found")
}
