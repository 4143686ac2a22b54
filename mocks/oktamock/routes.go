package oktamock

// routes lists the endpoints of the org.
//
// Source: Okta Management API 2026.06, paths and security blocks; roles: Okta Roles API.
func routes() []route {
	const (
		readUsers, manageUsers   = "okta.users.read", "okta.users.manage"
		readGroups, manageGroups = "okta.groups.read", "okta.groups.manage"
		readHooks, manageHooks   = "okta.eventHooks.read", "okta.eventHooks.manage"
		other                    = "/api/v1/*"
	)
	return []route{
		newRoute("POST", "/oauth2/v1/token", "/oauth2/v1", "", (*call).issueToken),
		newRoute("GET", "/.well-known/okta-organization", "/.well-known", "", (*call).organization),

		newRoute("GET", "/api/v1/users", "/api/v1/users", readUsers, (*call).listUsers),
		newRoute("POST", "/api/v1/users", "/api/v1/users", manageUsers, (*call).postUser),
		newRoute("GET", "/api/v1/users/{id}", "GET /api/v1/users/{id}", readUsers, (*call).getUser),
		newRoute("POST", "/api/v1/users/{id}", "/api/v1/users/{id}", manageUsers, (*call).updateUser),
		newRoute("PUT", "/api/v1/users/{id}", "/api/v1/users/{id}", manageUsers, (*call).replaceUser),
		newRoute("DELETE", "/api/v1/users/{id}", "/api/v1/users/{id}", manageUsers, (*call).deleteUser),
		newRoute("GET", "/api/v1/users/{id}/groups", other, readUsers, (*call).listUserGroups),
		newRoute("GET", "/api/v1/users/{id}/roles", other, "okta.roles.read", (*call).listUserRoles),
		newRoute("DELETE", "/api/v1/users/{userId}/sessions", other, manageUsers, (*call).clearSessions),
		newRoute("POST", "/api/v1/users/{id}/lifecycle/{deed}", other, manageUsers, (*call).lifecycle),

		newRoute("GET", "/api/v1/groups/rules", other, readGroups, (*call).listRules),
		newRoute("GET", "/api/v1/groups/rules/{groupRuleId}", other, readGroups, (*call).getRule),
		newRoute("POST", "/api/v1/groups/rules", other, manageGroups, (*call).postRule),
		newRoute("POST", "/api/v1/groups/rules/{groupRuleId}/lifecycle/activate", other, manageGroups, (*call).activateRule),
		newRoute("POST", "/api/v1/groups/rules/{groupRuleId}/lifecycle/deactivate", other, manageGroups, (*call).deactivateRule),

		newRoute("GET", "/api/v1/groups", "/api/v1/groups", readGroups, (*call).listGroups),
		newRoute("POST", "/api/v1/groups", "/api/v1/groups", manageGroups, (*call).postGroup),
		newRoute("GET", "/api/v1/groups/{groupId}", "/api/v1/groups/{id}", readGroups, (*call).getGroup),
		newRoute("PUT", "/api/v1/groups/{groupId}", "/api/v1/groups/{id}", manageGroups, (*call).replaceGroup),
		newRoute("DELETE", "/api/v1/groups/{groupId}", "/api/v1/groups/{id}", manageGroups, (*call).deleteGroup),
		newRoute("GET", "/api/v1/groups/{groupId}/users", other, readGroups, (*call).listMembers),
		newRoute("PUT", "/api/v1/groups/{groupId}/users/{userId}", other, manageGroups, (*call).putMember),
		newRoute("DELETE", "/api/v1/groups/{groupId}/users/{userId}", other, manageGroups, (*call).deleteMember),

		newRoute("GET", "/api/v1/logs", "/api/v1/logs", "okta.logs.read", (*call).listLogs),

		newRoute("GET", "/api/v1/eventHooks", other, readHooks, (*call).listHooks),
		newRoute("POST", "/api/v1/eventHooks", other, manageHooks, (*call).postHook),
		newRoute("GET", "/api/v1/eventHooks/{eventHookId}", other, readHooks, (*call).getHook),
		newRoute("PUT", "/api/v1/eventHooks/{eventHookId}", other, manageHooks, (*call).replaceHook),
		newRoute("DELETE", "/api/v1/eventHooks/{eventHookId}", other, manageHooks, (*call).deleteHook),
		newRoute("POST", "/api/v1/eventHooks/{eventHookId}/lifecycle/{deed}", other, manageHooks, (*call).hookLifecycle),
	}
}
