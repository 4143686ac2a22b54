package okta

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"github.com/maisonrmi/sopd/internal/access"
)

// Check asks for everything that sopd reads and names what is missing: each scope, each right, and each group that cannot
// be managed. It writes nothing, so a missing right to write is seen in scopes and roles only. Nil means that nothing is
// missing.
func (d *Directory) Check(ctx context.Context, groups ...access.GroupID) []access.Problem {
	self, err := d.Self(ctx)
	if err != nil {
		return append(d.missingScopes(ctx), signInProblem(err))
	}
	c := &check{d: d}
	c.roles(ctx, self)
	c.lists(ctx)
	fed := c.rules(ctx)
	for _, id := range groups {
		c.group(ctx, id, fed[id])
	}
	if d.options.CanaryGroup != "" {
		c.note("see the canary user in the canary group", "give sopd's account the admin role and resource set that hold both", d.canarySeen(ctx))
	}
	return append(d.missingScopes(ctx), c.problems...)
}

func signInProblem(err error) access.Problem {
	fix := "check the URL, and the API token or the service app's client ID and key"
	switch {
	case errors.Is(err, ErrDPoP):
		fix = `switch off "Require Demonstrating Proof of Possession (DPoP) header in token requests" in the service app`
	case errors.Is(err, access.ErrUnavailable), errors.Is(err, access.ErrThrottled):
		fix = "Okta does not answer now; try again later"
	case errors.Is(err, access.ErrDenied):
		fix = "grant the service app the scopes that sopd asks for"
	}
	return access.Problem{What: "sign in", Fix: fix, Err: err}
}

// missingScopes asks for each scope alone, so that the missing ones can be named: Okta refuses all for one.
func (d *Directory) missingScopes(ctx context.Context) []access.Problem {
	if d.tokens == nil {
		return nil
	}
	var out []access.Problem
	for _, scope := range Scopes() {
		_, err := d.tokens.fetch(ctx, []string{scope})
		if err == nil && !slices.Contains(d.options.Scopes, scope) {
			err = fmt.Errorf("not asked for: %w", access.ErrDenied)
		}
		if errors.Is(err, access.ErrDenied) {
			out = append(out, access.Problem{What: "scope " + scope, Fix: "grant it to the service app, and let sopd ask for it", Err: err})
		}
	}
	return out
}

// check collects problems.
type check struct {
	d        *Directory
	problems []access.Problem
}

func (c *check) note(what, fix string, err error) {
	if err != nil {
		c.problems = append(c.problems, access.Problem{What: what, Fix: fix, Err: err})
	}
}

// roles looks at the admin roles behind an API token. Those of a service app cannot be read this way.
//
// Source: Okta, Create an API token: a token has the rights of its owner.
func (c *check) roles(ctx context.Context, self access.Actor) {
	if self.Type != "User" {
		return
	}
	roles, err := c.d.Roles(ctx, access.UserID(self.ID))
	if err != nil {
		c.note("list admin roles", "give the token's owner a role that may view roles", err)
		return
	}
	reading := func(role string) bool { return role == "READ_ONLY_ADMIN" || role == "REPORT_ADMIN" }
	switch {
	case len(roles) == 0:
		c.note("admin role of the token's owner", "give the token's owner an admin role for the managed groups and users", access.ErrDenied)
	case !slices.ContainsFunc(roles, func(role string) bool { return !reading(role) }):
		c.note("change memberships", "give the token's owner a role that may manage group members and users, such as group administrator", access.ErrDenied)
	}
}

// lists reads one element of each list: an org is never without users and groups, so an empty list is a missing role.
func (c *check) lists(ctx context.Context) {
	one := query.NewQueryParams(query.WithLimit(1))
	users, _, err := fetch(ctx, func(ctx context.Context) ([]*sdk.User, *sdk.Response, error) { return c.d.sdk.User.ListUsers(ctx, one) })
	c.note("list users", "grant okta.users.read, and an admin role that sees users", orEmpty(err, len(users)))
	groups, _, err := fetch(ctx, func(ctx context.Context) ([]*sdk.Group, *sdk.Response, error) {
		return c.d.sdk.Group.ListGroups(ctx, one)
	})
	c.note("list groups", "grant okta.groups.read, and an admin role that sees the managed groups", orEmpty(err, len(groups)))
	since := time.Now().Add(-time.Minute)
	if now := c.d.options.Transport.Now; now != nil {
		since = now().Add(-time.Minute)
	}
	_, _, err = c.d.Events(ctx, "", since)
	c.note("read the System Log", "grant okta.logs.read, and an admin role that may view the System Log", err)
}

func orEmpty(err error, n int) error {
	if err == nil && n == 0 {
		return fmt.Errorf("empty answer, as Okta gives when a role is missing: %w", access.ErrIncomplete)
	}
	return err
}

// rules returns the groups that active rules feed.
func (c *check) rules(ctx context.Context) map[access.GroupID]bool {
	fed := map[access.GroupID]bool{}
	rules, err := c.d.Rules(ctx)
	c.note("list group rules", "grant okta.groups.read, and an admin role that sees group rules", err)
	for _, r := range rules {
		for _, id := range r.Groups {
			fed[id] = fed[id] || r.Active
		}
	}
	return fed
}

// group looks at one group that sopd is to manage.
func (c *check) group(ctx context.Context, id access.GroupID, fed bool) {
	what := "manage group " + string(id)
	g, err := c.d.Group(ctx, id)
	switch {
	case err != nil:
		c.note(what, "check the group's ID in the catalog, and that the admin role's resource set holds it", err)
	case g.Type != access.OktaGroup:
		c.note(what, "take it out of the catalog: its members belong to an application or to Okta", access.ErrDenied)
	case fed:
		c.note(what, "take it out of the catalog, or take it out of the group rules that feed it", access.ErrConflict)
	default:
		_, err := c.d.Members(ctx, id)
		c.note(what, "give sopd's account an admin role that sees the members", err)
	}
}
