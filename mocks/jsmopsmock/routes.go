package jsmopsmock

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// handler answers a request under the server's lock.
type handler func(r *http.Request) answer

// userHandler answers a request that a user made, under the server's lock.
type userHandler func(r *http.Request, u User) answer

const (
	eventsPath = "/jsm/ops/integration/v2/alerts"
	restPath   = "/jsm/ops/api/{cloud}/v1"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_edge/tenant_info", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.send(w, answer{status: http.StatusOK, body: map[string]string{"cloudId": s.config.CloudID}})
	})
	s.eventRoutes(mux)
	s.restRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.send(w, s.stranger(r))
	})
	return mux
}

// eventRoutes are the integration events: four writes and the status of a write. There is nothing else to read.
//
// Source: developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events.
func (s *Server) eventRoutes(mux *http.ServeMux) {
	handle := func(pattern string, h handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.send(w, s.byKey(r, h))
		})
	}
	handle("POST "+eventsPath, s.createByEvent)
	handle("GET "+eventsPath+"/requests/{request}", s.eventStatus)
	for _, a := range actions() {
		if a.path != "unacknowledge" {
			handle("POST "+eventsPath+"/{alert}/"+a.path, s.actByEvent(a))
		}
	}
}

// restRoutes are the REST API of the site.
func (s *Server) restRoutes(mux *http.ServeMux) {
	handle := func(pattern string, need Scope, h userHandler) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+restPath+path, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.send(w, s.byUser(r, need, h))
		})
	}
	handle("GET /alerts", ReadAlerts, s.listAlerts)
	handle("GET /alerts/alias", ReadAlerts, s.getByAlias)
	handle("GET /alerts/{alert}", ReadAlerts, s.getAlert)
	handle("GET /alerts/{alert}/{part}", ReadAlerts, s.getPart)
	handle("POST /alerts", WriteAlerts, s.createByUser)
	for _, a := range actions() {
		handle("POST /alerts/{alert}/"+a.path, WriteAlerts, s.actByUser(a))
	}
	handle("GET /schedules", ReadConfig, s.listSchedules)
	handle("GET /schedules/{schedule}", ReadConfig, s.getSchedule)
	handle("GET /schedules/{schedule}/overrides", ReadConfig, s.listOverrides)
	handle("GET /teams/{team}/escalations", ReadConfig, s.listEscalations)
	handle("GET /schedules/{schedule}/on-calls", ReadConfig, s.getOnCalls)
}

// getPart answers for what lies one step below alerts: the status of a request, or a list of an alert. The standard mux
// cannot tell the two apart.
func (s *Server) getPart(r *http.Request, u User) answer {
	switch part := r.PathValue("part"); {
	case r.PathValue("alert") == "requests":
		return s.restStatus(part)
	case part == "notes":
		return s.listNotes(r, u)
	case part == "logs":
		return s.listLogs(r, u)
	default:
		return s.stranger(r)
	}
}

// stranger answers, and remembers, a request that the mock does not know.
func (s *Server) stranger(r *http.Request) answer {
	s.unknown = append(s.unknown, r.Method+" "+r.URL.Path)
	return eventFailed(http.StatusNotFound, "No handler found for the request.")
}

// byKey lets an integration do h. A user's API token opens nothing here.
func (s *Server) byKey(r *http.Request, h handler) answer {
	key, isKey := strings.CutPrefix(r.Header.Get("Authorization"), "GenieKey ")
	switch {
	case !isKey || !s.keys[key]:
		return eventFailed(http.StatusUnauthorized, "Could not authenticate")
	case s.throttled():
		return limited(eventFailed(http.StatusTooManyRequests, "You are making too many requests!"), s.config.Now())
	default:
		return h(r)
	}
}

// byUser lets a user whose token has the scope do h. A missing scope is answered 401, as a wrong token is; only the text
// tells them apart. An integration's key opens nothing here.
//
// Source: field evidence, rrvrs/jira-alerts-mcp src/services/client.ts, checked by its author on a live site, 2026-09-05.
func (s *Server) byUser(r *http.Request, need Scope, h userHandler) answer {
	email, token, isBasic := r.BasicAuth()
	u, known := s.users[email]
	switch {
	case !isBasic || !known || u.Token != token:
		return unauthorized("Unauthorized")
	case r.PathValue("cloud") != s.config.CloudID:
		return restFailed(http.StatusNotFound, "No site with this cloud ID.")
	case s.throttled():
		return limited(restFailed(http.StatusTooManyRequests, "Rate limit exceeded"), s.config.Now())
	case len(u.Scopes) > 0 && !slices.Contains(u.Scopes, need):
		return unauthorized("Unauthorized; scope does not match")
	default:
		return h(r, u)
	}
}

// wireUnauthorized is the answer to a wrong token.
//
// Source: JSM Operations API, schema UnauthorizedErrorResponse.
type wireUnauthorized struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func unauthorized(message string) answer {
	return answer{status: http.StatusUnauthorized, body: wireUnauthorized{http.StatusUnauthorized, message}}
}

// wireErrors is the answer to a request that the REST API refuses.
//
// Source: JSM Operations API, schema ErrorResponses.
type wireErrors struct {
	Errors []wireError `json:"errors"`
}

type wireError struct {
	Title string `json:"title"`
	Code  string `json:"code"`
}

func restFailed(status int, title string) answer {
	code := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	return answer{status: status, body: wireErrors{[]wireError{{title, code}}}}
}

// eventFailed answers as Opsgenie did.
func eventFailed(status int, message string) answer {
	return answer{status: status, body: map[string]any{"message": message, "took": 0.012, "requestId": "7c1f5f3e-0000-4000-8000-000000000000"}}
}

// limited adds the headers of Atlassian's gateway to a refusal.
//
// Source: developer.atlassian.com/cloud/jira/platform/rate-limiting, 2026-03. That this API answers alike is an assumption.
func limited(a answer, now time.Time) answer {
	a.header = map[string]string{"Retry-After": "60", "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0",
		"X-RateLimit-Reset": now.Add(time.Minute).UTC().Format("2006-01-02T15:04Z07:00")}
	return a
}
