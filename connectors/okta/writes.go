package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"github.com/maisonrmi/sopd/internal/access"
)

// Add makes a user a member of a group. A user who is one already stays one. Nil means that Okta said yes; read back.
//
// Errors: [access.ErrUnconfirmed] when it may or may not have happened; [access.ErrDenied] for a group that is not of type
// OKTA_GROUP, or for want of a right; [access.ErrConflict] in the user's present status; [access.ErrNotFound],
// [access.ErrThrottled], [access.ErrUnauthenticated], [access.ErrUnavailable] when nothing was sent, [access.ErrInvalid].
//
// Source: Okta Management API 2026.06, PUT /api/v1/groups/{groupId}/users/{userId}.
func (d *Directory) Add(ctx context.Context, m access.Membership) error {
	return d.writeMember(ctx, memberWrite{"add member", http.MethodPut, d.sdk.Group.AddUserToGroup}, m)
}

// Remove ends a user's membership of a group. A user who is no member stays none. Never use it on a member that a rule
// made: Okta then excludes the user from the rule for good.
//
// Errors: as [Directory.Add].
//
// Source: Okta Management API 2026.06, DELETE /api/v1/groups/{groupId}/users/{userId}; support.okta.com on exclusion lists.
func (d *Directory) Remove(ctx context.Context, m access.Membership) error {
	return d.writeMember(ctx, memberWrite{"remove member", http.MethodDelete, d.sdk.Group.RemoveUserFromGroup}, m)
}

// memberWrite is one of the two writes of a membership.
type memberWrite struct {
	what    string // for errors
	method  string
	request func(ctx context.Context, group, user string) (*sdk.Response, error)
}

func (d *Directory) writeMember(ctx context.Context, w memberWrite, m access.Membership) error {
	if err := errors.Join(parseGroup(m.Group), parseUser(m.User)); err != nil {
		return about(w.what, err)
	}
	return about(w.what, call(ctx, w.method, func(ctx context.Context) error {
		_, err := w.request(ctx, string(m.Group), string(m.User))
		return err
	}))
}

// ClearSessions ends a user's Okta sessions and revokes OAuth tokens. Sessions inside applications go on.
//
// Errors: as [Directory.Add].
//
// Source: Okta Management API 2026.06, DELETE /api/v1/users/{userId}/sessions.
func (d *Directory) ClearSessions(ctx context.Context, user access.UserID) error {
	const what = "clear sessions"
	if err := parseUser(user); err != nil {
		return about(what, err)
	}
	return about(what, call(ctx, http.MethodDelete, func(ctx context.Context) error {
		_, err := d.sdk.User.ClearUserSessions(ctx, string(user), query.NewQueryParams(query.WithOauthTokens(true)))
		return err
	}))
}

// Deactivate deactivates a user, who is then DEPROVISIONED, without a mail to anybody. Groups stay as they are; sessions and
// API tokens end. A user who is deactivated already stays so. It is sent once, whatever comes of it.
//
// Errors: as [Directory.Add].
//
// Source: Okta Management API 2026.06, POST /api/v1/users/{id}/lifecycle/deactivate: 403 E0000038 in the status DEPROVISIONED.
func (d *Directory) Deactivate(ctx context.Context, user access.UserID) error {
	const what = "deactivate user"
	if err := parseUser(user); err != nil {
		return about(what, err)
	}
	err := call(ctx, http.MethodPost, func(ctx context.Context) error {
		_, err := d.sdk.User.DeactivateUser(ctx, string(user), nil)
		return err
	})
	if errors.Is(err, access.ErrConflict) {
		found, errRead := d.User(ctx, user)
		if errRead == nil && found.Status == access.Deprovisioned {
			return nil
		}
	}
	return about(what, err)
}

// Suspend suspends an active user, who keeps groups and applications. It is sent once, whatever comes of it.
//
// Errors: as [Directory.Add]; [access.ErrConflict] for a user who is not active.
//
// Source: Okta Management API 2026.06, POST /api/v1/users/{id}/lifecycle/suspend: 400 for a user who is not ACTIVE.
func (d *Directory) Suspend(ctx context.Context, user access.UserID) error {
	const what = "suspend user"
	if err := parseUser(user); err != nil {
		return about(what, err)
	}
	var vendor *sdk.Error
	var errSDK error
	err := call(ctx, http.MethodPost, func(ctx context.Context) error {
		_, errSDK = d.sdk.User.SuspendUser(ctx, string(user))
		return errSDK
	})
	if errors.Is(err, access.ErrInvalid) && errors.As(errSDK, &vendor) && vendor.ErrorCode == "E0000001" {
		return fmt.Errorf("%s: not active: %w", what, access.ErrConflict)
	}
	return about(what, err)
}
