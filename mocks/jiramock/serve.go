package jiramock

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// serve is the way of each request: faults that keep it from being applied, who is asking, limits, then the handler.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		cut()
	}
	path, under := strings.CutPrefix(r.URL.Path, s.config.PathPrefix)
	c := &call{Request: r, body: body, fault: s.fault(r)}
	if !under {
		s.write(w, c, refusal(http.StatusNotFound, "nothing here"))
		return
	}
	if s.failEarly(w, c) {
		return
	}
	if refusedReply, refused := s.identify(w, c); refused {
		s.write(w, c, refusedReply)
		return
	}
	s.limitHeaders(w)
	if s.overIssueLimit(c) {
		s.throttle(w, c, &Fault{RetryAfter: time.Second, Reason: "jira-per-issue-on-write"})
		return
	}
	s.route(w, c, path)
}

// route finds the handler by the path below the prefix.
func (s *Server) route(w http.ResponseWriter, c *call, path string) {
	inner := c.Request.Clone(context.WithValue(c.Context(), callKey{}, c))
	inner.URL.Path, inner.URL.RawPath = path, ""
	if _, pattern := s.mux.Handler(inner); pattern == "" {
		s.write(w, c, nothingHere(path))
		return
	}
	s.mux.ServeHTTP(w, inner)
}

// nothingHere is the answer to a path that the server does not know, in the words of the API that it belongs to.
func nothingHere(path string) reply {
	if strings.HasPrefix(path, "/rest/servicedeskapi/") {
		return deskRefusal(http.StatusNotFound, "null for uri")
	}
	return refusal(http.StatusNotFound, "null for uri")
}

// identify finds out who asks. Without a credential that is nobody; with a bad one it depends on the configuration.
func (s *Server) identify(w http.ResponseWriter, c *call) (reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, known := s.credential(c.Request)
	if c.fault.is(LoggedOut) {
		known, token = false, "expired"
	}
	if known {
		c.user = s.owner(token)
		return reply{}, false
	}
	if token == "" {
		return reply{}, false
	}
	w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
	if s.config.BadToken == AnswersNobody || c.fault.is(LoggedOut) {
		return reply{}, false
	}
	w.Header().Set("WWW-Authenticate", "OAuth realm=\"jira\"")
	return reply{http.StatusUnauthorized, map[string]any{"errorMessages": []string{"Client must be authenticated to access this resource."}}}, true
}

// credential returns the token of the request, empty when it has none, and whether it is good.
func (s *Server) credential(r *http.Request) (token string, good bool) {
	email, token, basic := r.BasicAuth()
	if !basic {
		bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found {
			return r.Header.Get("Authorization"), false
		}
		owner := s.users[s.owner(bearer)]
		return bearer, owner != nil && s.config.Deployment == DataCenter
	}
	owner := s.users[s.owner(token)]
	return token, owner != nil && strings.EqualFold(owner.Email, email)
}

// owner returns whose token it is, empty when it is nobody's or does not work any more.
func (s *Server) owner(token string) AccountID {
	if token == "" || s.badTokens[token] {
		return ""
	}
	for _, account := range s.accounts {
		if u := s.users[account]; u.Token == token && !u.Inactive {
			return account
		}
	}
	return ""
}

// ExpireToken makes a token useless from now on.
func (s *Server) ExpireToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.badTokens[token] = true
}

// RenewToken makes an expired token work again.
func (s *Server) RenewToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.badTokens, token)
}

// limitHeaders tells how much of the burst budget is left, as each answer of Cloud does.
//
// Source: developer.atlassian.com/cloud/jira/platform/rate-limiting (March 2026).
func (s *Server) limitHeaders(w http.ResponseWriter) {
	if s.config.Deployment != Cloud {
		return
	}
	w.Header().Set("X-RateLimit-Limit", "100")
	w.Header().Set("X-RateLimit-Remaining", "99")
	w.Header().Set("X-RateLimit-Reset", s.now().Add(time.Second).Format("2006-01-02T15:04Z07:00"))
}

// throttle answers 429 in Atlassian's dialect: the reset is a time of day, not seconds.
func (s *Server) throttle(w http.ResponseWriter, c *call, f *Fault) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
	}
	if !f.Reset.IsZero() {
		w.Header().Set("X-RateLimit-Reset", f.Reset.UTC().Format(time.RFC3339))
	}
	w.Header().Set("X-RateLimit-Limit", "100")
	w.Header().Set("X-RateLimit-Remaining", "0")
	w.Header().Set("RateLimit-Reason", f.reason())
	s.write(w, c, refusal(http.StatusTooManyRequests, "Rate limit exceeded."))
}

// The limit on writes to one issue.
//
// Source: developer.atlassian.com/cloud/jira/platform/rate-limiting (March 2026): 20 writes in 2 seconds.
const (
	issueWrites      = 20
	issueWriteWindow = 2 * time.Second
)

// overIssueLimit counts the request if it writes to an issue, and reports whether it is one too many.
func (s *Server) overIssueLimit(c *call) bool {
	if !s.config.PerIssueWriteLimit || c.Method == http.MethodGet {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.addressed(c.URL.Path)
	if i == nil {
		return false
	}
	now := s.now()
	i.writes = slices.DeleteFunc(i.writes, func(t time.Time) bool { return now.Sub(t) >= issueWriteWindow })
	if len(i.writes) >= issueWrites {
		return true
	}
	i.writes = append(i.writes, now)
	return false
}

// addressed returns the issue whose path it is.
func (s *Server) addressed(path string) *issue {
	for _, start := range []string{"/issue/", "/request/"} {
		if _, rest, found := strings.Cut(path, start); found {
			key, _, _ := strings.Cut(rest, "/")
			return s.find(key)
		}
	}
	return nil
}

// account returns the asking person, or the refusal of the anonymous user.
func (s *Server) account(c *call) (AccountID, reply, bool) {
	if c.user == "" {
		return "", refusal(http.StatusUnauthorized, "You are not authenticated. Authentication required to perform this operation."), false
	}
	return c.user, reply{}, true
}

// issueFor returns the issue of the path if the asking person may see it.
func (s *Server) issueFor(c *call) (*issue, reply, bool) {
	i := s.find(c.PathValue("key"))
	if i == nil || !i.project.may(c.user, "BROWSE_PROJECTS") {
		return nil, refusal(http.StatusNotFound, noIssue), false
	}
	return i, reply{}, true
}

// writableFor returns the issue of the path if the asking person has the permission.
func (s *Server) writableFor(c *call, permission string) (*issue, reply, bool) {
	i, answer, found := s.issueFor(c)
	if !found {
		return nil, answer, false
	}
	if !i.project.may(c.user, permission) {
		return nil, refusal(http.StatusForbidden, fmt.Sprintf("You do not have the permission %s.", permission)), false
	}
	return i, reply{}, true
}
