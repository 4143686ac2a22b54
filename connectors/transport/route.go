package transport

import (
	"slices"
	"strings"
)

// routeWords are the words of the vendors' paths. Whatever else stands in a path may be a person, a group or a ticket.
func routeWords() []string {
	return []string{
		"2", "3", "acknowledge", "alerts", "alias", "api", "apps", "approval", "assignee", "attachments", "bulkfetch", "cloud",
		"approximate-count", "changelog", "close", "comment", "content", "count", "ex", "field", "groups", "integration",
		"events", "info", "issue", "issueLink", "jira", "jql", "jsm", "latest", "lifecycle", "logs", "me", "mypermissions", "myself",
		"notes", "oauth2", "on-calls", "ops", "org", "owners", "project", "properties", "remotelink", "request",
		"requests", "requesttype", "rest", "roles", "rules", "schedules", "search", "serverInfo", "servicedesk", "servicedeskapi",
		"sessions", "sla", "status", "statuses", "suspend", "tags", "tenant_info", "token", "transitions", "user", "users", "v1", "v2", "_edge",
	}
}

// Route returns the template of a path: every part that is not a word of a vendor's API becomes {}, so that what is left
// names nobody and nothing.
func Route(path string) string {
	words := routeWords()
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if !slices.Contains(words, part) {
			parts[i] = "{}"
		}
	}
	return "/" + strings.Join(parts, "/")
}
