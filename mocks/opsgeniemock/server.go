// Package opsgeniemock is a server that behaves like Opsgenie's REST API: asynchronous writes with request statuses,
// aliases, paging with its limits, the query language, on-call schedules, rate headers, outgoing webhooks, and faults on
// demand. It refuses what the vendor would refuse.
//
// It has its own wire types, from the vendor's specification and samples, and imports nothing of the program that is
// tested against it.
//
// Source: docs.opsgenie.com API reference, 2026-11; opsgenie-oas swagger.
package opsgeniemock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Right is what an API key may do.
type Right string

// The rights that an integration's key can have.
//
// Source: docs.opsgenie.com/docs/api-key-management.
const (
	Read          Right = "read"
	Write         Right = "create and update"
	Delete        Right = "delete"
	Configuration Right = "configuration access"
)

// Config says how a [Server] starts.
type Config struct {
	// Key is the API key with every right. Required.
	Key string
	// Now is the server's clock; nil = time.Now.
	Now func() time.Time
	// PendingPolls is how many times the status of a request is answered "not processed" before it is told; 0 = 1,
	// negative = none.
	PendingPolls int
	// TinyIDs is how many tiny IDs there are before they are used again; 0 = 10,000.
	TinyIDs int
	// RequestsPerMinute is the account's rate limit; 0 = none.
	RequestsPerMinute int
	// Webhooks are told of every action on an alert.
	Webhooks []Webhook
}

// Server is a running mock. Its methods are safe for concurrent use.
type Server struct {
	config Config
	http   *httptest.Server
	hooks  *courier

	mu          sync.Mutex
	keys        map[string][]Right
	serial      int
	alerts      []*alert // by creation
	requests    map[string]*request
	held        []*request // accepted and not carried out while holding
	holding     bool
	schedules   []*Schedule
	escalations []Escalation
	faults      []*Fault
	window      time.Time // start of the rate window
	spent       int       // requests in the window
	unknown     []string
}

// New starts a server on loopback. It panics without a key: a mock without one would accept anybody.
func New(c Config) *Server {
	if c.Key == "" {
		panic("opsgeniemock: no API key")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PendingPolls == 0 {
		c.PendingPolls = 1
	}
	if c.TinyIDs == 0 {
		c.TinyIDs = 10_000
	}
	s := &Server{config: c, requests: map[string]*request{}, hooks: newCourier(c.Webhooks),
		keys: map[string][]Right{c.Key: {Read, Write, Delete, Configuration}}}
	s.http = httptest.NewServer(s.guarded(s.routes()))
	return s
}

// Close stops the server and drops webhooks that were not delivered yet.
func (s *Server) Close() {
	s.http.Close()
	s.hooks.close()
}

// URL returns the base URL, "http://127.0.0.1:port".
func (s *Server) URL() string { return s.http.URL }

// Host returns "127.0.0.1:port", as the vendor's Go SDK wants it.
func (s *Server) Host() string { return strings.TrimPrefix(s.http.URL, "http://") }

// AddKey makes a further API key with only the given rights.
func (s *Server) AddKey(key string, rights ...Right) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = rights
}

// RevokeKey makes an API key unknown.
func (s *Server) RevokeKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// Unknown returns the requests that the mock does not know, as "METHOD path". A test should find none.
func (s *Server) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.unknown...)
}

// handler answers a request under the server's lock.
type handler func(r *http.Request) answer

// answer is what is sent back: the fields of the envelope beside took and requestId.
type answer struct {
	status int
	header map[string]string
	fields map[string]any
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, right Right, h handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, right, h) })
	}
	handle("GET /v2/alerts", Read, s.listAlerts)
	handle("GET /v2/alerts/count", Read, s.countAlerts)
	handle("POST /v2/alerts", Write, s.createAlert)
	handle("GET /v2/alerts/{alert}", Read, s.getAlert)
	handle("DELETE /v2/alerts/{alert}", Delete, s.act("Delete", func(*alert, payload) string { return "" }))
	handle("GET /v2/alerts/{alert}/{part}", Read, s.getPart)
	for pattern, a := range actions() {
		handle(pattern, Write, s.act(a.name, a.apply))
	}
	handle("GET /v2/schedules", Configuration, s.listSchedules)
	handle("GET /v2/schedules/on-calls", Read, s.listOnCalls)
	handle("GET /v2/schedules/{schedule}", Configuration, s.getSchedule)
	handle("GET /v2/schedules/{schedule}/overrides", Configuration, s.listOverrides)
	handle("GET /v2/escalations", Configuration, s.listEscalations)
	handle("GET /v2/schedules/{schedule}/on-calls", Read, s.getOnCalls)
	mux.HandleFunc("/", s.notKnown)
	return mux
}

// notKnown answers what no pattern matches.
func (s *Server) notKnown(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send(w, s.stranger(r))
}

// stranger answers, and remembers, a request that the mock does not know.
func (s *Server) stranger(r *http.Request) answer {
	s.unknown = append(s.unknown, r.Method+" "+r.URL.Path)
	return failed(http.StatusNotFound, "No handler found for the request.")
}

// getPart answers for what lies one step below alerts: the status of a request, or a list of an alert. The standard mux
// cannot tell the two apart.
func (s *Server) getPart(r *http.Request) answer {
	switch part := r.PathValue("part"); {
	case r.PathValue("alert") == "requests":
		return s.requestStatus(part)
	case part == "notes":
		return s.listNotes(r)
	case part == "logs":
		return s.listLogs(r)
	default:
		return s.stranger(r)
	}
}

// answer checks key and rate, runs h, and sends what it answers.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, right Right, h handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused, ok := s.admit(r, right)
	if !ok {
		s.send(w, refused)
		return
	}
	s.send(w, h(r))
}

// admit tells whether the caller may do this now, or how it is refused.
func (s *Server) admit(r *http.Request, right Right) (answer, bool) {
	key, isKey := strings.CutPrefix(r.Header.Get("Authorization"), "GenieKey ")
	rights, known := s.keys[key]
	if !isKey || !known {
		return failed(http.StatusUnauthorized, "Could not authenticate"), false
	}
	if s.throttled() {
		a := failed(http.StatusTooManyRequests, "You are making too many requests!")
		a.header = map[string]string{"X-RateLimit-State": "THROTTLED", "X-RateLimit-Reason": "ACCOUNT", "X-RateLimit-Period-In-Sec": "60"}
		return a, false
	}
	for _, has := range rights {
		if has == right {
			return answer{}, true
		}
	}
	a := failed(http.StatusForbidden, "Your API key is not authorized to access this endpoint, needed right: "+string(right))
	a.fields["code"] = 40301
	return a, false
}

// throttled counts a request against the account's limit, in windows of a minute.
func (s *Server) throttled() bool {
	if s.config.RequestsPerMinute == 0 {
		return false
	}
	if now := s.config.Now(); now.Sub(s.window) >= time.Minute {
		s.window, s.spent = now, 0
	}
	s.spent++
	return s.spent > s.config.RequestsPerMinute
}

// send writes the envelope with the headers that every answer has.
func (s *Server) send(w http.ResponseWriter, a answer) {
	id := s.newID()
	if given, ok := a.fields["requestId"].(string); ok {
		id = given
	}
	body := map[string]any{"took": 0.012, "requestId": id}
	for name, value := range a.fields {
		body[name] = value
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Request-Id", id)
	h.Set("X-Response-Time", "0.012")
	h.Set("X-RateLimit-State", "OK")
	for name, value := range a.header {
		h.Set(name, value)
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic("opsgeniemock: an answer cannot be encoded: " + err.Error())
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	// A client that left does not need the answer.
	_, _ = w.Write(text)
}

// ok answers with data.
func ok(data any) answer {
	return answer{status: http.StatusOK, fields: map[string]any{"data": data}}
}

// failed answers with an error message.
func failed(status int, message string) answer {
	return answer{status: status, fields: map[string]any{"message": message}}
}

// unprocessable answers as the vendor does to a request whose fields are wrong.
func unprocessable(field, problem string) answer {
	a := failed(http.StatusUnprocessableEntity, "Request body is not processable. Please check the errors.")
	a.fields["errors"] = map[string]string{field: problem}
	return a
}

// newID returns the next UUID: looks random, and is the same in every run.
func (s *Server) newID() string {
	s.serial++
	sum := sha256.Sum256([]byte(fmt.Sprintf("opsgeniemock %d", s.serial)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
}
