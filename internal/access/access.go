// Package access is the vocabulary of identity: users, groups, memberships, and the causes of failure that every
// connector reports in.
//
// It imports the standard library only, so that every other package may import it.
package access

import (
	"cmp"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// UserID is Okta's opaque identifier of a user. It never changes and is never used again, unlike a login.
type UserID string

// GroupID is Okta's opaque identifier of a group.
type GroupID string

// RuleID is Okta's opaque identifier of a group rule.
type RuleID string

// EventID is the uuid of a System Log event.
type EventID string

// Cursor is a vendor's opaque position in a stream. The empty cursor is the beginning.
type Cursor string

// opaqueID is what Okta's identifiers look like. The SDK pastes them into paths without escaping, so nothing else may
// pass.
//
// Source: okta-sdk-golang v2.20.0, okta/user.go and okta/group.go build paths with fmt.Sprintf.
var opaqueID = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// ParseUserID returns s as a user ID.
//
// Errors: [ErrInvalid] when s holds anything but letters and digits, or more than 64 of them.
func ParseUserID(s string) (UserID, error) {
	if !opaqueID.MatchString(s) {
		return "", fmt.Errorf("user ID must be 1 to 64 letters and digits: %w", ErrInvalid)
	}
	return UserID(s), nil
}

// ParseGroupID returns s as a group ID.
//
// Errors: [ErrInvalid] when s holds anything but letters and digits, or more than 64 of them.
func ParseGroupID(s string) (GroupID, error) {
	if !opaqueID.MatchString(s) {
		return "", fmt.Errorf("group ID must be 1 to 64 letters and digits: %w", ErrInvalid)
	}
	return GroupID(s), nil
}

// UserStatus is where a user stands in Okta's life cycle.
//
// Source: Okta Management API 2026.06, schema UserStatus.
type UserStatus string

// The statuses that Okta knows. Suspended keeps groups and applications and can be undone; Deprovisioned ("deactivated"
// in Okta's console) is the only one that is evidence of a leaver.
const (
	Staged          UserStatus = "STAGED"
	Provisioned     UserStatus = "PROVISIONED"
	Active          UserStatus = "ACTIVE"
	Recovery        UserStatus = "RECOVERY"
	PasswordExpired UserStatus = "PASSWORD_EXPIRED"
	LockedOut       UserStatus = "LOCKED_OUT"
	Suspended       UserStatus = "SUSPENDED"
	Deprovisioned   UserStatus = "DEPROVISIONED"
)

// User is a person or service account in Okta.
type User struct {
	ID     UserID
	Login  string // unique in the org; personal data
	Email  string // personal data; not unique
	Name   string // for people to read; personal data
	Status UserStatus
	// Transitioning is the status that Okta is moving the user to, empty when it is not.
	Transitioning UserStatus
	StatusChanged time.Time // zero when Okta does not say
	Updated       time.Time
	// Profile holds the text attributes of the Okta profile by their API name ("department", "title").
	Profile map[string]string
	// Original is the user as Okta sent it when it was read by ID, byte by byte; nil from lists. It is not part of the stored form.
	Original []byte `json:"-"`
}

// Names returns what the user is found by, in lower case and each once: the login and the e-mail address.
func (u User) Names() []string {
	login, email := strings.ToLower(u.Login), strings.ToLower(u.Email)
	switch {
	case login == "" && email == "":
		return nil
	case login == "" || login == email:
		return []string{email}
	case email == "":
		return []string{login}
	default:
		return []string{login, email}
	}
}

// LogValue keeps personal data out of logs: only the ID and the status are shown.
func (u User) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", string(u.ID)), slog.String("status", string(u.Status)))
}

// GroupType tells who owns the members of a group.
//
// Source: Okta Management API 2026.06, schema GroupType.
type GroupType string

// The group types that Okta knows. Only OktaGroup can be written.
const (
	OktaGroup GroupType = "OKTA_GROUP"
	AppGroup  GroupType = "APP_GROUP"
	BuiltIn   GroupType = "BUILT_IN"
)

// Group is an Okta group.
type Group struct {
	ID                GroupID
	Name              string // for people to read; may change
	Type              GroupType
	Updated           time.Time // the profile's last change
	MembershipUpdated time.Time // the members' last change
}

// Membership is a user in a group.
type Membership struct {
	Group GroupID
	User  UserID
}

// Compare orders memberships by group, then user.
func (m Membership) Compare(other Membership) int {
	return cmp.Or(cmp.Compare(m.Group, other.Group), cmp.Compare(m.User, other.User))
}

// Rule is an Okta group rule: it puts users into groups by an expression, and owns the memberships that it made.
type Rule struct {
	ID     RuleID
	Name   string    // for people to read; may change
	Active bool      // an inactive rule feeds nobody
	Groups []GroupID // that the rule feeds, sorted
}

// Event is one entry of Okta's System Log.
type Event struct {
	ID        EventID
	Published time.Time // by Okta's clock; events arrive in another order
	Type      string    // such as "group.user_membership.add"
	Actor     Actor
	Succeeded bool     // Okta says that it was done
	Reason    string   // Okta's words on the outcome, may be empty
	Users     []UserID // targets of type User, in Okta's order
	Groups    []GroupID
	// Transaction ties the events of one request together.
	Transaction string
	// Original is the event as Okta sent it, byte by byte; nil where nobody read it. It is not part of the stored form.
	Original []byte `json:"-"`
}

// Actor is who did what an [Event] tells.
type Actor struct {
	ID   string // a user ID, a client ID, or the system principal's
	Type string // such as "User", "SystemPrincipal", "PublicClientApp"
}
