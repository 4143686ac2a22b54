package okta

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"github.com/maisonrmi/sopd/internal/access"
)

// User reads a user by ID. Such a read is fresh, while lists may lag; it is the evidence of a deactivation.
//
// Errors: [access.ErrNotFound], [access.ErrDenied], [access.ErrUnauthenticated], [access.ErrThrottled],
// [access.ErrUnavailable], [access.ErrMalformed], [access.ErrInvalid].
//
// Source: Okta Management API 2026.06, GET /api/v1/users/{id}.
func (d *Directory) User(ctx context.Context, id access.UserID) (access.User, error) {
	const what = "read user"
	if err := parseUser(id); err != nil {
		return access.User{}, about(what, err)
	}
	u, err := d.readUser(ctx, what, string(id))
	if err == nil && u.ID != id {
		return access.User{}, fmt.Errorf("%s: another user in the answer: %w", what, access.ErrMalformed)
	}
	return u, err
}

// UserByLogin reads a user by the whole login, in any case.
//
// Errors: as [Directory.User]. A login that Okta cannot look up is [access.ErrInvalid]: one with a slash. A user whose login only
// begins with the text is [access.ErrNotFound]: Okta accepts short names.
//
// Source: Okta Management API 2026.06, GET /api/v1/users/{id}.
func (d *Directory) UserByLogin(ctx context.Context, login string) (access.User, error) {
	const what = "read user by login"
	if login == "" || login == "." || login == ".." || strings.EqualFold(login, "me") || strings.ContainsAny(login, "/\\\x00\r\n") {
		return access.User{}, fmt.Errorf("%s: login cannot be looked up: %w", what, access.ErrInvalid)
	}
	u, err := d.readUser(ctx, what, url.PathEscape(login))
	if err == nil && !strings.EqualFold(u.Login, login) {
		return access.User{}, about(what, access.ErrNotFound)
	}
	return u, err
}

// readUser reads a user by a segment of a path, which is safe.
func (d *Directory) readUser(ctx context.Context, what, segment string) (access.User, error) {
	var found *sentUser
	err := call(ctx, http.MethodGet, func(ctx context.Context) error {
		executor := d.sdk.CloneRequestExecutor()
		req, err := executor.NewRequest(http.MethodGet, "/api/v1/users/"+segment, nil)
		if err != nil {
			return err
		}
		_, err = executor.Do(ctx, req, &found)
		return err
	})
	if err != nil {
		return access.User{}, about(what, err)
	}
	if found == nil {
		return access.User{}, about(what, access.ErrMalformed)
	}
	u, err := toUser(&found.user)
	if err != nil {
		return access.User{}, about(what, err)
	}
	u.Original = found.original
	return u, nil
}

// sentUser is a user in the SDK's type, and as it was sent: the SDK's own GetUser forgets the bytes.
type sentUser struct {
	user     sdk.User
	original []byte
}

// UnmarshalJSON reads a user and keeps its bytes.
func (u *sentUser) UnmarshalJSON(raw []byte) error {
	u.original = bytes.Clone(raw)
	return json.Unmarshal(raw, &u.user)
}

// UsersChanged lists the users that changed after since, deactivated ones included, sorted by ID. Okta stamps changes in
// whole seconds and its index lags: the caller overlaps.
//
// Errors: as [Directory.User]; [access.ErrIncomplete]. On any error the list is nil.
//
// Source: Okta Management API 2026.06, GET /api/v1/users, filter.
func (d *Directory) UsersChanged(ctx context.Context, since time.Time) ([]access.User, error) {
	users, err := d.users(ctx, "lastUpdated gt "+quote(before(since)))
	return users, about("list changed users", err)
}

// AllUsers lists every user with one of the statuses, with any when none is given, sorted by ID.
//
// Errors: as [Directory.UsersChanged]; [access.ErrIncomplete] also when the canary should be in the list and is not.
//
// Source: Okta Management API 2026.06, GET /api/v1/users: without a filter deactivated users are left out.
func (d *Directory) AllUsers(ctx context.Context, statuses ...access.UserStatus) ([]access.User, error) {
	const what = "list users"
	whole := len(statuses) == 0
	if whole {
		statuses = []access.UserStatus{access.Staged, access.Provisioned, access.Active, access.Recovery, access.PasswordExpired,
			access.LockedOut, access.Suspended, access.Deprovisioned}
	}
	terms := make([]string, len(statuses))
	for i, status := range statuses {
		terms[i] = "status eq " + quote(string(status))
	}
	users, err := d.users(ctx, strings.Join(terms, " or "))
	if err != nil {
		return nil, about(what, err)
	}
	if whole && d.options.CanaryUser != "" && !hasUser(users, d.options.CanaryUser) {
		return nil, fmt.Errorf("%s: canary user is missing: %w", what, access.ErrIncomplete)
	}
	return users, nil
}

func (d *Directory) users(ctx context.Context, filter string) ([]access.User, error) {
	params := query.NewQueryParams(query.WithFilter(filter), query.WithLimit(pageSize))
	users, err := list(ctx, func(ctx context.Context) ([]*sdk.User, *sdk.Response, error) {
		return d.sdk.User.ListUsers(ctx, params)
	}, toUser)
	return byID(users), err
}

// UserGroups lists the groups that a user is in, sorted by ID.
//
// Errors: as [Directory.UsersChanged]; [access.ErrIncomplete] also when the list is empty: every user is in the group Everyone.
//
// Source: Okta Management API 2026.06, GET /api/v1/users/{id}/groups.
func (d *Directory) UserGroups(ctx context.Context, id access.UserID) ([]access.Group, error) {
	const what = "list groups of user"
	if err := parseUser(id); err != nil {
		return nil, about(what, err)
	}
	groups, err := list(ctx, func(ctx context.Context) ([]*sdk.Group, *sdk.Response, error) {
		return d.sdk.User.ListUserGroups(ctx, string(id))
	}, toGroup)
	if err == nil && len(groups) == 0 {
		err = d.canarySeen(ctx)
	}
	if err == nil && id == d.options.CanaryUser && !hasGroup(groups, d.options.CanaryGroup) {
		err = fmt.Errorf("canary group is missing: %w", access.ErrIncomplete)
	}
	if err != nil {
		return nil, about(what, err)
	}
	return groupsByID(groups), nil
}

// Roles lists the admin roles of a user, sorted: types such as "SUPER_ADMIN", and the labels of custom roles.
//
// Errors: as [Directory.UsersChanged].
//
// Source: Okta Roles API, GET /api/v1/users/{id}/roles, scope okta.roles.read.
func (d *Directory) Roles(ctx context.Context, id access.UserID) ([]string, error) {
	const what = "list admin roles of user"
	if err := parseUser(id); err != nil {
		return nil, about(what, err)
	}
	roles, err := list(ctx, func(ctx context.Context) ([]*sdk.Role, *sdk.Response, error) {
		return d.sdk.User.ListAssignedRolesForUser(ctx, string(id), nil)
	}, toRole)
	slices.Sort(roles)
	return roles, about(what, err)
}

// before writes a time for "gt" so that nothing of its second is missed: Okta's stamps are cut to seconds.
//
// Source: recorded answers, terraform-provider-okta cassettes.
func before(since time.Time) string {
	return since.UTC().Truncate(time.Second).Add(-time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

func quote(text string) string { return `"` + text + `"` }

// byID sorts users and drops what came twice, as a page may overlap the one before it. Nil stays nil.
func byID(users []access.User) []access.User {
	slices.SortStableFunc(users, func(a, b access.User) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(users, func(a, b access.User) bool { return a.ID == b.ID })
}

func hasUser(users []access.User, id access.UserID) bool {
	return slices.ContainsFunc(users, func(u access.User) bool { return u.ID == id })
}
