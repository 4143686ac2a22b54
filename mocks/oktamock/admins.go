package oktamock

import (
	"fmt"
	"slices"
	"time"
)

// APIToken is a token that somebody made for scripts. Deactivating its owner ends it.
type APIToken struct {
	ID     string // chosen by the server when empty
	Name   string // as the console shows it
	UserID string // whose it is
}

// wireAPIToken is what Okta shows of a token.
//
// Source: okta-sdk-java, model ApiToken.
type wireAPIToken struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	UserID      string    `json:"userId"`
	TokenWindow string    `json:"tokenWindow"`
	ClientName  string    `json:"clientName"`
	Created     time.Time `json:"created"`
	ExpiresAt   time.Time `json:"expiresAt"`
	LastUpdated time.Time `json:"lastUpdated"`
}

// AddAPIToken adds a token and returns its ID.
func (s *Server) AddAPIToken(t APIToken) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.ID == "" {
		t.ID = s.mint("00T")
	}
	s.apiTokens = append(s.apiTokens, t)
	return t.ID
}

// GrantGroupRole gives a group an administrator role, such as SUPER_ADMIN.
//
// Errors: [ErrUnknown].
func (s *Server) GrantGroupRole(groupID, role string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups.find(groupID)
	if g == nil {
		return fmt.Errorf("%w: group %q", ErrUnknown, groupID)
	}
	if s.groupRoles == nil {
		s.groupRoles = make(map[string][]string)
	}
	s.groupRoles[groupID] = append(s.groupRoles[groupID], role)
	return nil
}

// DeleteGroup is an admin deleting a group.
//
// Errors: [ErrUnknown].
func (s *Server) DeleteGroup(adminID, groupID string) error {
	return s.act(adminID, adminID, func(by Actor, _ *user) error {
		g := s.groups.find(groupID)
		if g == nil {
			return fmt.Errorf("%w: group %q", ErrUnknown, groupID)
		}
		s.deleteGroup(by, g)
		return nil
	})
}

func (s *Server) deleteGroup(by Actor, g *group) {
	g.gone = true
	for _, seq := range g.members {
		s.users.all[seq].groups.remove(g.seq)
		s.users.all[seq].listed.remove(g.seq)
	}
	s.tell("group.lifecycle.delete", by, groupTarget(g))
}

// listGroupRoles answers with the roles of a group.
//
// Source: Okta Roles API, GET /api/v1/groups/{groupId}/roles.
func (c *call) listGroupRoles() *answer {
	g := c.group()
	if g == nil {
		return c.noGroup()
	}
	out := []wireRole{}
	for i, role := range c.groupRoles[g.truth.id] {
		at := stamp(g.truth.created)
		out = append(out, wireRole{
			ID: fmt.Sprintf("RA1MOCKG%06d", i), Label: roleLabel(role), Type: role, Status: "ACTIVE", Created: at, LastUpdated: at,
			AssignmentType: "GROUP", Links: map[string]any{"assignee": wireLink{Href: c.URL() + "/api/v1/groups/" + g.truth.id}},
		})
	}
	return ok(out)
}

// listAPITokens answers with every active token of the org.
//
// Source: okta-sdk-java, ApiTokenApi.listApiTokens: metadata of the active tokens, pages of limit with a cursor.
func (c *call) listAPITokens() *answer {
	out := []wireAPIToken{}
	for _, t := range c.apiTokens {
		owner := c.users.find(t.UserID)
		if owner == nil || slices.Contains([]string{"DEPROVISIONED", "SUSPENDED"}, owner.truth.status) {
			continue
		}
		at := owner.truth.created
		out = append(out, wireAPIToken{t.ID, t.Name, t.UserID, "P30D", "Okta API", at, c.now().AddDate(0, 0, 30), c.now()})
	}
	return ok(out)
}
