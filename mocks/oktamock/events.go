package oktamock

import (
	"fmt"
	"slices"
	"time"
)

// Event is one entry of the System Log, as a snapshot shows it.
type Event struct {
	UUID      string    // unique, also over deliveries by hooks
	Type      string    // such as "group.user_membership.add"
	Published time.Time // by the org's clock; may be before that of an event that arrived earlier
	Actor     Actor     // who did it
	Targets   []Target  // in varying order
	Result    string    // SUCCESS or FAILURE
	Reason    string    // empty for none
	// Transaction ties together the events of one request.
	Transaction string
	message     string
	severity    string
	client      string // the address of the request, empty for a job
}

// Actor is who did what an event tells.
type Actor struct {
	ID          string // a user ID, a client ID, or the system principal's
	Type        string // User, SystemPrincipal or PublicClientApp
	AlternateID string // the login of a user
	DisplayName string // for people to read
}

// Target is whom or what an event is about.
type Target struct {
	ID          string // of the object
	Type        string // such as User, UserGroup
	AlternateID string // the login of a user, "unknown" of a group
	DisplayName string // for people to read
}

// systemPrincipal is Okta itself.
func systemPrincipal() Actor {
	return Actor{ID: "okta.2b1959c8-bcc0-56eb-a589-cfcfb7422f26", Type: "SystemPrincipal", AlternateID: "system@okta.com", DisplayName: "Okta System"}
}

// eventStore is the log in the order of arrival. An entry's place is its position for polling.
type eventStore struct {
	all      []*Event
	count    int               // events that happened, arrived or not
	messages map[string]string // by event type
	current  string            // the transaction of the request being served
	address  string            // its client
}

// messages returns what Okta says of each event that the org tells.
func messages() map[string]string {
	return map[string]string{
		"group.user_membership.add":                "Add user to group membership",
		"group.user_membership.remove":             "Remove user from group membership",
		"group.user_membership.rule.add_exclusion": "Add user exclusion to group rule",
		"group.lifecycle.create":                   "Create Okta group",
		"group.lifecycle.delete":                   "Delete Okta group",
		"group.profile.update":                     "Update group profile",
		"user.lifecycle.create":                    "Create Okta user",
		"user.lifecycle.activate":                  "Activate Okta user",
		"user.lifecycle.deactivate":                "Deactivate Okta user",
		"user.lifecycle.suspend":                   "Suspend Okta user",
		"user.lifecycle.unsuspend":                 "Unsuspend Okta user",
		"user.lifecycle.reactivate":                "Reactivate Okta user",
		"user.lifecycle.delete.initiated":          "Delete Okta user",
		"user.account.update_profile":              "Update user profile for Okta",
		"user.account.privilege.grant":             "Grant user privilege",
		"user.account.privilege.revoke":            "Revoke user privilege",
		"user.session.clear":                       "Clear user session",
		"event_hook.created":                       "Event hook was created",
		"event_hook.updated":                       "Event hook was updated",
		"event_hook.activated":                     "Event hook was activated",
		"event_hook.deactivated":                   "Event hook was deactivated",
		"event_hook.deleted":                       "Event hook was deleted",
		"event_hook.verified":                      "Event hook was verified",
		"group.user_membership.rule.deactivated":   "Deactivate group rule",
		"user.account.unlock_by_admin":             "Admin unlocked user account",
		"user.mfa.factor.reset_all":                "Reset all factors for user",
		"user.account.expire_password":             "Expire user password",
		"app.oauth2.token.grant.access_token":      "OAuth2 access token is granted",
	}
}

// tell writes a successful event into the log.
func (s *Server) tell(kind string, by Actor, targets ...Target) {
	s.record(Event{Type: kind, Actor: by, Targets: targets, Result: "SUCCESS"})
}

// record writes an event into the log, where it arrives after the lag. Events are stamped a few milliseconds apart from
// the order they arrive in, and every other one lists its targets the other way round, as Okta's do.
//
// Source: Okta, System Log query, "Polling requests"; the specification of LogEvent.target.
func (s *Server) record(e Event) {
	n := s.log.count
	s.log.count++
	e.UUID = fmt.Sprintf("%08x-0000-11f1-8000-%012x", 0x6d0c0000+n, n)
	e.Published = s.now().Add(-time.Duration(n%3) * 7 * time.Millisecond)
	e.message, e.severity = s.log.messages[e.Type], "INFO"
	if e.message == "" {
		e.message = e.Type
	}
	e.Transaction, e.client = s.log.current, s.log.address
	if e.Transaction == "" || e.Actor.Type == "SystemPrincipal" {
		e.Transaction, e.client = fmt.Sprintf("job%017d", n), ""
	}
	if n%2 == 1 {
		e.Targets = slices.Clone(e.Targets)
		slices.Reverse(e.Targets)
	}
	delay := s.config.LogLag
	if n%3 == 2 {
		delay *= 2
	}
	s.later(delay, func() {
		s.log.all = append(s.log.all, &e)
		s.announce(&e)
	})
}

// Log returns the events that have arrived, in the order of arrival.
func (s *Server) Log() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	out := make([]Event, len(s.log.all))
	for i, e := range s.log.all {
		out[i] = *e
	}
	return out
}

func userTarget(u *user) Target {
	return Target{ID: u.truth.id, Type: "User", AlternateID: u.truth.login, DisplayName: u.truth.name()}
}

func groupTarget(g *group) Target {
	return Target{ID: g.truth.id, Type: "UserGroup", AlternateID: "unknown", DisplayName: g.truth.name}
}

// userActor is a person who acts.
func userActor(u *user) Actor {
	return Actor{ID: u.truth.id, Type: "User", AlternateID: u.truth.login, DisplayName: u.truth.name()}
}
