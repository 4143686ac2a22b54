package jiramock

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody is the largest request that the server reads.
const maxBody = 32 << 20

// Server is a running Jira. Its methods may be called while clients use it. The promoted methods of [Story] play in the
// present.
type Server struct {
	Story

	config Config
	http   *httptest.Server
	mux    *http.ServeMux
	hooks  *hooks

	mu         sync.Mutex
	users      map[AccountID]*User
	accounts   []AccountID // in the order of their creation
	badTokens  map[string]bool
	projects   []*project
	fields     []*field
	issues     []*issue
	formerKeys map[Key]*issue
	statuses   []string
	lastID     int
	faults     []*Fault
	calls      []Call
}

// New starts a server. Close it when done.
func New(config Config) *Server {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Deployment == "" {
		config.Deployment = Cloud
	}
	s := &Server{
		config: config, mux: http.NewServeMux(), users: map[AccountID]*User{}, badTokens: map[string]bool{},
		formerKeys: map[Key]*issue{}, lastID: 10000,
	}
	s.Story = Story{server: s}
	s.hooks = newHooks()
	s.routes()
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // cut connections are part of the play
	s.http.Start()
	return s
}

// URL is the address of the site, with the configured prefix and without a trailing slash.
func (s *Server) URL() string { return s.http.URL + s.config.PathPrefix }

// Wait returns when every webhook that is due has been sent.
func (s *Server) Wait() { s.hooks.wait() }

// Close sends what is still due and stops the server.
func (s *Server) Close() {
	s.hooks.close()
	s.http.CloseClientConnections()
	s.http.Close()
}

func (s *Server) now() time.Time { return s.config.Now().UTC().Truncate(time.Millisecond) }

// Call is one request as the server saw it.
type Call struct {
	Method string // HTTP method
	// Route is the pattern that answered, such as "GET /rest/api/{v}/issue/{key}"; empty when there is none.
	Route  string
	Path   string      // below the prefix
	Query  url.Values  // the raw query
	Header http.Header // the credential too
	Body   []byte      // as sent
	As     AccountID   // empty for the anonymous user
	Status int         // 0 when no answer was given
	Fault  FaultKind   // empty for none
}

// Calls lists every request so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Count tells how many requests had the method and a path that contains part. An empty method is any.
func (s *Server) Count(method, part string) int {
	n := 0
	for _, c := range s.Calls() {
		if (method == "" || c.Method == method) && strings.Contains(c.Path, part) {
			n++
		}
	}
	return n
}

// Unknown lists the requests that the server has no route for. A test that expects none should say so.
func (s *Server) Unknown() []Call {
	var out []Call
	for _, c := range s.Calls() {
		if c.Route == "" {
			out = append(out, c)
		}
	}
	return out
}

// call is a request under way.
type call struct {
	*http.Request
	body    []byte
	version string // "2" or "3"; latest is the deployment's newest
	user    AccountID
	fault   *Fault
}

// reply is the answer of a handler. A nil body is an empty one.
type reply struct {
	status int
	body   any
}

func ok(body any) reply { return reply{http.StatusOK, body} }

// refusal is an error answer of the platform API.
func refusal(status int, messages ...string) reply {
	return reply{status, map[string]any{"errorMessages": messages, "errors": map[string]any{}}}
}

// fieldRefusal is a 400 that names a field.
func fieldRefusal(fieldID, message string) reply {
	return reply{http.StatusBadRequest, map[string]any{
		"errorMessages": []string{}, "errors": map[string]any{fieldID: message},
	}}
}

// deskRefusal is an error answer of the service desk API.
func deskRefusal(status int, message string) reply {
	return reply{status, map[string]any{
		"errorMessage": message, "i18nErrorMessage": map[string]any{"i18nKey": "sd.error", "parameters": []string{}},
	}}
}

const noIssue = "Issue does not exist or you do not have permission to see it."

// handle registers a handler. Handlers run one at a time, with the state locked.
func (s *Server) handle(pattern string, handler func(*call) reply) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(callKey{}).(*call)
		c.Request = r
		c.version = r.PathValue("v")
		if c.version == "latest" {
			c.version = "3"
		}
		if answer, known := s.versionKnown(c); !known {
			s.write(w, c, answer)
			return
		}
		s.write(w, c, s.locked(c, handler))
	})
}

func (s *Server) locked(c *call, handler func(*call) reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return handler(c)
}

type callKey struct{}

// versionKnown refuses version 3 on Data Center.
func (s *Server) versionKnown(c *call) (reply, bool) {
	if c.version == "" || c.version == "2" || s.config.Deployment == Cloud && c.version == "3" {
		return reply{}, true
	}
	if s.config.Deployment == DataCenter && strings.Contains(c.URL.Path, "/latest/") {
		c.version = "2"
		return reply{}, true
	}
	return refusal(http.StatusNotFound, "no such API version"), false
}

// cut ends the connection without an answer.
func cut() { panic(http.ErrAbortHandler) }

// write sends the answer, unless a fault says otherwise, and notes it in the journal.
func (s *Server) write(w http.ResponseWriter, c *call, answer reply) {
	if c.fault.loses() {
		s.note(c, 0)
		cut()
	}
	if c.fault.is(FailAfter) {
		answer = reply{c.fault.status(http.StatusInternalServerError), map[string]any{"errorMessages": []string{"Internal server error"}}}
	}
	body := encode(w.Header(), answer.body)
	s.note(c, answer.status)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.status)
	if c.fault.is(Truncated) {
		body = body[:len(body)/2]
	}
	_, err := w.Write(body)
	if c.fault.is(Truncated) || err != nil {
		cut()
	}
}

// rawBody is a file, sent as it is.
type rawBody []byte

func encode(header http.Header, body any) []byte {
	header.Set("Content-Type", "application/json;charset=UTF-8")
	switch body := body.(type) {
	case nil:
		return nil
	case rawBody:
		header.Set("Content-Type", "application/octet-stream")
		return body
	}
	raw, err := json.Marshal(body)
	if err != nil {
		cut() // a corrupted field holds what is not JSON
	}
	return raw
}

// note finishes the request's entry in the journal.
func (s *Server) note(c *call, status int) {
	kind := FaultKind("")
	if c.fault != nil {
		kind = c.fault.Kind
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{
		Method: c.Method, Route: c.Pattern, Path: c.URL.Path, Query: c.URL.Query(), Header: c.Header.Clone(), Body: c.body,
		As: c.user, Status: status, Fault: kind,
	})
}

// decode reads the JSON body into a map; ok is false when it is not an object.
func (c *call) decode() (map[string]any, bool) {
	var out map[string]any
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	if err := decoder.Decode(&out); err != nil || out == nil {
		return nil, false
	}
	return out, true
}

func (c *call) number(name string, or, most int) int {
	n, err := strconv.Atoi(c.URL.Query().Get(name))
	if err != nil || n < 0 {
		n = or
	}
	return min(n, most)
}
