package okta

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"github.com/maisonrmi/sopd/internal/access"
)

// GroupRoles lists the types of the administrator roles that a group gives to its members, such as SUPER_ADMIN, sorted. None
// is an answer: most groups give none.
//
// Errors: as [Directory.User]; [access.ErrDenied] where sopd may not read roles (scope okta.roles.read).
//
// Source: Okta Management API 2026.06, GET /api/v1/groups/{groupId}/roles.
func (d *Directory) GroupRoles(ctx context.Context, group access.GroupID) ([]string, error) {
	const what = "list roles of group"
	if err := parseGroup(group); err != nil {
		return nil, about(what, err)
	}
	roles, err := list(ctx, func(ctx context.Context) ([]*sdk.Role, *sdk.Response, error) {
		return d.sdk.Group.ListGroupAssignedRoles(ctx, string(group), nil)
	}, roleType)
	slices.Sort(roles)
	return slices.Compact(roles), about(what, err)
}

// UserRoles lists the types of the administrator roles that a user has, by themselves or by their groups, sorted.
//
// Errors: as [Directory.GroupRoles].
//
// Source: Okta Management API 2026.06, GET /api/v1/users/{userId}/roles.
func (d *Directory) UserRoles(ctx context.Context, user access.UserID) ([]string, error) {
	const what = "list roles of user"
	if err := parseUser(user); err != nil {
		return nil, about(what, err)
	}
	roles, err := list(ctx, func(ctx context.Context) ([]*sdk.Role, *sdk.Response, error) {
		return d.sdk.User.ListAssignedRolesForUser(ctx, string(user), nil)
	}, roleType)
	slices.Sort(roles)
	return slices.Compact(roles), about(what, err)
}

func roleType(r *sdk.Role) (string, error) {
	if r.Type == "" {
		return "", fmt.Errorf("role without a type: %w", access.ErrMalformed)
	}
	return r.Type, nil
}

// wireAPIToken is what Okta shows of an API token; the SDK has no type for it.
//
// Source: okta-sdk-java, model ApiToken.
type wireAPIToken struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	UserID string `json:"userId"`
}

// APITokens lists the names of the API tokens that a user has made and that are active, sorted. Whoever holds such a token
// acts as the user until it is revoked or the user is deactivated.
//
// Errors: as [Directory.GroupRoles]; the scope is okta.apiTokens.read.
//
// Source: Okta Management API, GET /api/v1/api-tokens, which knows no filter by user (okta-sdk-java, ApiTokenApi.listApiTokens:
// after, limit, q).
func (d *Directory) APITokens(ctx context.Context, user access.UserID) ([]string, error) {
	const what = "list API tokens"
	if err := parseUser(user); err != nil {
		return nil, about(what, err)
	}
	all, err := list(ctx, func(ctx context.Context) ([]*wireAPIToken, *sdk.Response, error) {
		executor := d.sdk.CloneRequestExecutor()
		request, err := executor.WithAccept("application/json").NewRequest(http.MethodGet, "/api/v1/api-tokens?limit=200", nil)
		if err != nil {
			return nil, nil, err
		}
		var tokens []*wireAPIToken
		resp, err := executor.Do(ctx, request, &tokens)
		return tokens, resp, err
	}, func(t *wireAPIToken) (wireAPIToken, error) {
		if t.ID == "" || t.UserID == "" {
			return wireAPIToken{}, fmt.Errorf("token without an owner: %w", access.ErrMalformed)
		}
		return *t, nil
	})
	if err != nil {
		return nil, about(what, err)
	}
	names := []string{}
	for _, t := range all {
		if t.UserID == string(user) {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
