package oktamock

import (
	"net/url"
	"strings"
)

// route is one endpoint.
type route struct {
	method string
	path   string // "{name}" matches anything but is never empty
	bucket string // of the rate limit
	scope  string // that an OAuth token needs; empty needs no credential
	serve  func(*call) *answer
}

func (rt *route) endpoint() string { return rt.method + " " + rt.path }

func (rt *route) match(segments []string) (map[string]string, bool) {
	words := split(rt.path)
	if len(segments) != len(words) {
		return nil, false
	}
	vars := map[string]string{}
	for i, want := range words {
		if strings.HasPrefix(want, "{") && segments[i] != "" {
			vars[strings.Trim(want, "{}")] = segments[i]
		} else if want != segments[i] {
			return nil, false
		}
	}
	return vars, true
}

func split(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// findRoute returns the first endpoint that the path fits; endpoints with fixed words stand before those with names.
func (s *Server) findRoute(method, escapedPath string) (*route, map[string]string) {
	segments := split(escapedPath)
	for i, words := range segments {
		plain, err := url.PathUnescape(words)
		if err != nil {
			return nil, nil
		}
		segments[i] = plain
	}
	for i := range s.routes {
		if s.routes[i].method != method {
			continue
		}
		if vars, ok := s.routes[i].match(segments); ok {
			return &s.routes[i], vars
		}
	}
	return nil, nil
}

const (
	readUsers    = "okta.users.read"
	manageUsers  = "okta.users.manage"
	readGroups   = "okta.groups.read"
	manageGroups = "okta.groups.manage"
	readHooks    = "okta.eventHooks.read"
	manageHooks  = "okta.eventHooks.manage"
	other        = "/api/v1/*" // the bucket of every endpoint without its own
)

// routes lists the endpoints of the org.
//
// Source: Okta Management API 2026.06, paths and security blocks; roles: Okta Roles API.
func routes() []route {
	out := []route{
		{"POST", "/oauth2/v1/token", "/oauth2/v1", "", (*call).issueToken},
		{"GET", "/.well-known/okta-organization", "/.well-known", "", (*call).organization},
		{"GET", "/api/v1/org", other, "okta.orgs.read", (*call).orgSettings},
		{"GET", "/api/v1/api-tokens", other, "okta.apiTokens.read", (*call).listAPITokens},
		{"GET", "/api/v1/logs", "/api/v1/logs", "okta.logs.read", (*call).listLogs},
	}
	out = append(out, userRoutes()...)
	out = append(out, groupRoutes()...)
	return append(out, hookRoutes()...)
}

func userRoutes() []route {
	const one = "/api/v1/users/{id}"
	return []route{
		{"GET", "/api/v1/users", "/api/v1/users", readUsers, (*call).listUsers},
		{"POST", "/api/v1/users", "/api/v1/users", manageUsers, (*call).postUser},
		{"GET", one, "GET " + one, readUsers, (*call).getUser},
		{"POST", one, one, manageUsers, (*call).updateUser},
		{"PUT", one, one, manageUsers, (*call).replaceUser},
		{"DELETE", one, one, manageUsers, (*call).deleteUser},
		{"GET", one + "/groups", other, readUsers, (*call).listUserGroups},
		{"GET", one + "/roles", other, "okta.roles.read", (*call).listUserRoles},
		{"DELETE", "/api/v1/users/{userId}/sessions", other, manageUsers, (*call).clearSessions},
		{"POST", one + "/lifecycle/{deed}", other, manageUsers, (*call).lifecycle},
	}
}

func groupRoutes() []route {
	const (
		rules, oneRule   = "/api/v1/groups/rules", "/api/v1/groups/rules/{groupRuleId}"
		groups, oneGroup = "/api/v1/groups", "/api/v1/groups/{groupId}"
		member           = oneGroup + "/users/{userId}"
	)
	return []route{
		{"GET", rules, other, readGroups, (*call).listRules},
		{"POST", rules, other, manageGroups, (*call).postRule},
		{"GET", oneRule, other, readGroups, (*call).getRule},
		{"PUT", oneRule, other, manageGroups, (*call).replaceRule},
		{"DELETE", oneRule, other, manageGroups, (*call).deleteRule},
		{"POST", oneRule + "/lifecycle/activate", other, manageGroups, (*call).activateRule},
		{"POST", oneRule + "/lifecycle/deactivate", other, manageGroups, (*call).deactivateRule},
		{"GET", groups, groups, readGroups, (*call).listGroups},
		{"POST", groups, groups, manageGroups, (*call).postGroup},
		{"GET", oneGroup, "/api/v1/groups/{id}", readGroups, (*call).getGroup},
		{"PUT", oneGroup, "/api/v1/groups/{id}", manageGroups, (*call).replaceGroup},
		{"DELETE", oneGroup, "/api/v1/groups/{id}", manageGroups, (*call).deleteGroup},
		{"GET", oneGroup + "/users", other, readGroups, (*call).listMembers},
		{"GET", oneGroup + "/apps", other, readGroups, (*call).listNothing},
		{"GET", oneGroup + "/roles", other, "okta.roles.read", (*call).listGroupRoles},
		{"GET", oneGroup + "/owners", other, readGroups, (*call).listNothing},
		{"PUT", member, other, manageGroups, (*call).putMember},
		{"DELETE", member, other, manageGroups, (*call).deleteMember},
	}
}

func hookRoutes() []route {
	const hooks, one = "/api/v1/eventHooks", "/api/v1/eventHooks/{eventHookId}"
	return []route{
		{"GET", hooks, other, readHooks, (*call).listHooks},
		{"POST", hooks, other, manageHooks, (*call).postHook},
		{"GET", one, other, readHooks, (*call).getHook},
		{"PUT", one, other, manageHooks, (*call).replaceHook},
		{"DELETE", one, other, manageHooks, (*call).deleteHook},
		{"POST", one + "/lifecycle/{deed}", other, manageHooks, (*call).hookLifecycle},
	}
}
