// Package jsmopsmock is a server that behaves like the operations part of Jira Service Management, which succeeds
// Opsgenie: the integration events API (writes by an integration's key, nothing to read but the status of a write), the
// REST API of a site (reads and writes by a user's API token, with scopes and team visibility), the page that tells a
// site's cloud ID, outgoing webhooks, rate limits, and faults on demand. It refuses what the vendor would refuse.
//
// It has its own wire types, from the vendor's specification and samples, and imports nothing of the program that is
// tested against it.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest (JSM Operations API, swagger.v3.json of 2026-09).
package jsmopsmock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// CloudID is the default of [Config.CloudID].
const CloudID = "11223344-a1b2-4b33-8c44-def123456789"

// Scope is what an API token may do.
type Scope string

// The scopes that the API asks for.
//
// Source: JSM Operations API, securitySchemes.OAuth2.
const (
	ReadAlerts  Scope = "read:ops-alert:jira-service-management"
	WriteAlerts Scope = "write:ops-alert:jira-service-management"
	ReadConfig  Scope = "read:ops-config:jira-service-management"
)

// Config says how a [Server] starts.
type Config struct {
	// Key is the key of an API integration, for integration events. Required.
	Key string
	// User and Token are the e-mail address and API token of a user with every scope who sees every team. Required.
	User, Token string
	// CloudID is the site's; empty = [CloudID].
	CloudID string
	// Now is the server's clock; nil = time.Now.
	Now func() time.Time
	// PendingPolls is how many times the status of a request is answered 404 before it is told; 0 = 1, negative = none.
	PendingPolls int
	// TinyIDs is how many tiny IDs there are before they are used again; 0 = 10,000.
	TinyIDs int
	// RequestsPerMinute is the site's rate limit; 0 = none.
	RequestsPerMinute int
	// Webhooks are told of every action on an alert.
	Webhooks []Webhook
}

// User is somebody with an API token.
type User struct {
	Email string // also the name that Basic authentication takes
	Token string // the API token
	// Scopes are what the token may do; empty = everything.
	Scopes []Scope
	// Blind: the user is in no team and has no administrative right. Lists are then empty, and nothing says why.
	Blind bool
}

// Server is a running mock. Its methods are safe for concurrent use.
type Server struct {
	config Config
	http   *httptest.Server
	hooks  *courier

	mu          sync.Mutex
	keys        map[string]bool
	users       map[string]User // by e-mail address
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

// New starts a server on loopback. It panics without credentials: a mock without them would accept anybody.
func New(c Config) *Server {
	if c.Key == "" || c.User == "" || c.Token == "" {
		panic("jsmopsmock: no integration key, user or token")
	}
	c.CloudID = cmpOr(c.CloudID, CloudID)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PendingPolls == 0 {
		c.PendingPolls = 1
	}
	if c.TinyIDs == 0 {
		c.TinyIDs = 10_000
	}
	s := &Server{config: c, requests: map[string]*request{}, hooks: newCourier(c.Webhooks), keys: map[string]bool{c.Key: true},
		users: map[string]User{c.User: {Email: c.User, Token: c.Token}}}
	s.http = httptest.NewServer(s.guarded(s.routes()))
	return s
}

// Close stops the server and drops webhooks that were not delivered yet.
func (s *Server) Close() {
	s.http.Close()
	s.hooks.close()
}

// URL returns the base URL, "http://127.0.0.1:port": of both APIs, and of the site that tells its cloud ID.
func (s *Server) URL() string { return s.http.URL }

// AddUser adds a user, or changes the one with the same address.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Email] = u
}

// RevokeKey makes an integration's key unknown.
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

// throttled counts a request against the site's limit, in windows of a minute.
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

// answer is what is sent back.
type answer struct {
	status int
	header map[string]string
	body   any
}

// send writes an answer with the headers that every one has.
func (s *Server) send(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
	h.Set("Atl-Traceid", s.newID())
	for name, value := range a.header {
		h.Set(name, value)
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		panic("jsmopsmock: an answer cannot be encoded: " + err.Error())
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	// A client that left does not need the answer.
	_, _ = w.Write(text)
}

// newID returns the next UUID: looks random, and is the same in every run.
func (s *Server) newID() string {
	s.serial++
	sum := sha256.Sum256([]byte(fmt.Sprintf("jsmopsmock %d", s.serial)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
