package okta

import (
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"

	"github.com/maisonrmi/sopd/internal/access"
)

// toUser converts a user.
//
// Errors: [access.ErrMalformed] for one without an ID, a status or a profile.
func toUser(u *sdk.User) (access.User, error) {
	id, err := access.ParseUserID(u.Id)
	if err != nil || u.Status == "" || u.Profile == nil {
		return access.User{}, fmt.Errorf("user without an ID, a status or a profile: %w", access.ErrMalformed)
	}
	profile := texts(*u.Profile)
	return access.User{
		ID: id, Login: profile["login"], Email: profile["email"],
		Name:          strings.TrimSpace(profile["firstName"] + " " + profile["lastName"]),
		Status:        access.UserStatus(u.Status),
		Transitioning: access.UserStatus(u.TransitioningToStatus),
		StatusChanged: orZero(u.StatusChanged), Updated: orZero(u.LastUpdated), Profile: profile,
	}, nil
}

// texts returns the attributes that are text.
func texts(profile sdk.UserProfile) map[string]string {
	out := make(map[string]string, len(profile))
	for name, value := range profile {
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// toGroup converts a group. One without a type is none that may be written: only OKTA_GROUP is.
//
// Errors: [access.ErrMalformed] for one without an ID or a profile.
func toGroup(g *sdk.Group) (access.Group, error) {
	id, err := access.ParseGroupID(g.Id)
	if err != nil || g.Profile == nil {
		return access.Group{}, fmt.Errorf("group without an ID or a profile: %w", access.ErrMalformed)
	}
	return access.Group{
		ID: id, Name: g.Profile.Name, Type: access.GroupType(g.Type),
		Updated: orZero(g.LastUpdated), MembershipUpdated: orZero(g.LastMembershipUpdated),
	}, nil
}

// toRule converts a group rule. What a rule feeds is what keeps a group out of our hands, so a rule without it is an error.
//
// Errors: [access.ErrMalformed].
func toRule(r *sdk.GroupRule) (access.Rule, error) {
	if r.Id == "" || r.Status == "" || r.Actions == nil || r.Actions.AssignUserToGroups == nil {
		return access.Rule{}, fmt.Errorf("group rule without an ID, a status or its groups: %w", access.ErrMalformed)
	}
	out := access.Rule{ID: access.RuleID(r.Id), Name: r.Name, Active: r.Status == "ACTIVE"}
	for _, text := range r.Actions.AssignUserToGroups.GroupIds {
		id, err := access.ParseGroupID(text)
		if err != nil {
			return access.Rule{}, fmt.Errorf("group rule feeding something that is no group: %w", access.ErrMalformed)
		}
		out.Groups = append(out.Groups, id)
	}
	slices.Sort(out.Groups)
	return out, nil
}

// toEvent converts a log event. Targets are told apart by their type: their places differ from event to event.
//
// Errors: [access.ErrMalformed] for one without a uuid, a type or a time.
//
// Source: Okta Management API 2026.06, LogEvent.target.
func toEvent(e *logEvent) (access.Event, error) {
	if e.UUID == "" || e.EventType == "" || e.Published == nil {
		return access.Event{}, fmt.Errorf("log event without a uuid, a type or a time: %w", access.ErrMalformed)
	}
	out := access.Event{
		ID: access.EventID(e.UUID), Type: e.EventType, Published: e.Published.UTC(), Transaction: e.Transaction.ID,
		Actor:     access.Actor{ID: e.Actor.ID, Type: e.Actor.Type},
		Succeeded: e.Outcome.Result == "SUCCESS", Reason: e.Outcome.Reason, Original: e.original,
	}
	for _, target := range e.Target {
		addTarget(&out, target)
	}
	return out, nil
}

// addTarget adds a target that is a user or a group; others, and those without a proper ID ("unknown"), are not ours.
func addTarget(e *access.Event, target logObject) {
	switch target.Type {
	case "User":
		if id, err := access.ParseUserID(target.ID); err == nil {
			e.Users = append(e.Users, id)
		}
	case "UserGroup":
		if id, err := access.ParseGroupID(target.ID); err == nil {
			e.Groups = append(e.Groups, id)
		}
	}
}

// toRole names an admin role: its type, or the label of a custom one.
func toRole(r *sdk.Role) (string, error) {
	switch {
	case r.Type == "":
		return "", fmt.Errorf("admin role without a type: %w", access.ErrMalformed)
	case r.Type == "CUSTOM" && r.Label != "":
		return r.Label, nil
	}
	return r.Type, nil
}
