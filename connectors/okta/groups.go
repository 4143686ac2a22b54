package okta

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"github.com/maisonrmi/sopd/internal/access"
)

// Group reads a group by ID.
//
// Errors: as [Directory.User].
//
// Source: Okta Management API 2026.06, GET /api/v1/groups/{groupId}.
func (d *Directory) Group(ctx context.Context, id access.GroupID) (access.Group, error) {
	const what = "read group"
	if err := parseGroup(id); err != nil {
		return access.Group{}, about(what, err)
	}
	var found *sdk.Group
	err := call(ctx, http.MethodGet, func(ctx context.Context) error {
		var err error
		found, _, err = d.sdk.Group.GetGroup(ctx, string(id))
		return err
	})
	if err != nil {
		return access.Group{}, about(what, err)
	}
	if found == nil {
		return access.Group{}, about(what, access.ErrMalformed)
	}
	g, err := toGroup(found)
	if err == nil && g.ID != id {
		return access.Group{}, fmt.Errorf("%s: another group in the answer: %w", what, access.ErrMalformed)
	}
	return g, about(what, err)
}

// GroupsChanged lists the groups whose members or profile changed after since, sorted by ID. As in
// [Directory.UsersChanged] the caller overlaps.
//
// Errors: as [Directory.UsersChanged].
//
// Source: Okta Management API 2026.06, GET /api/v1/groups, filter.
func (d *Directory) GroupsChanged(ctx context.Context, since time.Time) ([]access.Group, error) {
	at := quote(before(since))
	groups, err := d.groups(ctx, "lastMembershipUpdated gt "+at+" or lastUpdated gt "+at)
	return groups, about("list changed groups", err)
}

// Groups lists every group that we may see, sorted by ID.
//
// Errors: as [Directory.UsersChanged]; [access.ErrIncomplete] also when the canary is missing, and when there is none at all: an org
// has groups.
//
// Source: Okta Management API 2026.06, GET /api/v1/groups.
func (d *Directory) Groups(ctx context.Context) ([]access.Group, error) {
	const what = "list groups"
	groups, err := d.groups(ctx, "")
	switch {
	case err != nil:
		return nil, about(what, err)
	case len(groups) == 0:
		return nil, fmt.Errorf("%s: no group at all: %w", what, access.ErrIncomplete)
	case d.options.CanaryGroup != "" && !hasGroup(groups, d.options.CanaryGroup):
		return nil, fmt.Errorf("%s: canary group is missing: %w", what, access.ErrIncomplete)
	}
	return groups, nil
}

func (d *Directory) groups(ctx context.Context, filter string) ([]access.Group, error) {
	params := query.NewQueryParams(query.WithFilter(filter), query.WithLimit(pageSize))
	groups, err := list(ctx, func(ctx context.Context) ([]*sdk.Group, *sdk.Response, error) {
		return d.sdk.Group.ListGroups(ctx, params)
	}, toGroup)
	return groupsByID(groups), err
}

// Members lists who is in a group, sorted by ID. Deactivated users stay members until they are removed.
//
// Errors: as [Directory.UsersChanged]. An empty list is believed only when the group itself can be read, and the canary,
// where there is one, is seen: otherwise [access.ErrIncomplete], or the cause of that failure. On any error the list is
// nil: half a list would read as people having left.
//
// Source: Okta Management API 2026.06, GET /api/v1/groups/{groupId}/users.
func (d *Directory) Members(ctx context.Context, group access.GroupID) ([]access.User, error) {
	const what = "list members of group"
	if err := parseGroup(group); err != nil {
		return nil, about(what, err)
	}
	users, err := d.members(ctx, group)
	if err == nil && len(users) == 0 {
		err = d.believeEmpty(ctx, group)
	}
	if err == nil && group == d.options.CanaryGroup && !hasUser(users, d.options.CanaryUser) {
		err = fmt.Errorf("canary user is missing: %w", access.ErrIncomplete)
	}
	if err != nil {
		return nil, about(what, err)
	}
	return users, nil
}

func (d *Directory) members(ctx context.Context, group access.GroupID) ([]access.User, error) {
	params := query.NewQueryParams(query.WithLimit(pageSize))
	users, err := list(ctx, func(ctx context.Context) ([]*sdk.User, *sdk.Response, error) {
		return d.sdk.Group.ListGroupUsers(ctx, string(group), params)
	}, toUser)
	return byID(users), err
}

// believeEmpty looks for a sign that an empty list of members is true.
func (d *Directory) believeEmpty(ctx context.Context, group access.GroupID) error {
	if _, err := d.Group(ctx, group); err != nil {
		return err
	}
	if group == d.options.CanaryGroup {
		return nil // the caller looks for the canary in this very list
	}
	return d.canarySeen(ctx)
}

// canarySeen returns nil when there is no canary, or it is where it should be.
//
// Errors: [access.ErrIncomplete].
func (d *Directory) canarySeen(ctx context.Context) error {
	if d.options.CanaryGroup == "" {
		return nil
	}
	users, err := d.members(ctx, d.options.CanaryGroup)
	if err != nil {
		return err
	}
	if !hasUser(users, d.options.CanaryUser) {
		return fmt.Errorf("nothing seen, the canary neither: %w", access.ErrIncomplete)
	}
	return nil
}

// Rules lists the group rules, active or not, sorted by ID.
//
// Errors: as [Directory.UsersChanged]. An empty list is believed only when the canary, where there is one, is seen.
//
// Source: Okta Management API 2026.06, GET /api/v1/groups/rules.
func (d *Directory) Rules(ctx context.Context) ([]access.Rule, error) {
	const what = "list group rules"
	params := query.NewQueryParams(query.WithLimit(pageSize))
	rules, err := list(ctx, func(ctx context.Context) ([]*sdk.GroupRule, *sdk.Response, error) {
		return d.sdk.Group.ListGroupRules(ctx, params)
	}, toRule)
	if err == nil && len(rules) == 0 {
		err = d.canarySeen(ctx)
	}
	if err != nil {
		return nil, about(what, err)
	}
	slices.SortFunc(rules, func(a, b access.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules, nil
}

// groupsByID sorts groups and drops what came twice. Nil stays nil.
func groupsByID(groups []access.Group) []access.Group {
	slices.SortStableFunc(groups, func(a, b access.Group) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(groups, func(a, b access.Group) bool { return a.ID == b.ID })
}

func hasGroup(groups []access.Group, id access.GroupID) bool {
	return slices.ContainsFunc(groups, func(g access.Group) bool { return g.ID == id })
}
