// Package routing decides whom an alert goes to, and whether it may wait for the morning.
package routing

import (
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/paging"
)

// DefaultOwner is the role that looks after what nobody else owns.
const DefaultOwner = "security-operations"

// DefaultSilence is how long no pass may succeed before somebody is paged, where policy does not say.
const DefaultSilence = 15 * time.Minute

// Rules say whom alerts go to and when. The zero value sends every alert at once to the team of the pager's integration.
type Rules struct {
	Teams   map[string][]string // names of teams in the pager by owner, such as "it-operations"
	Default []string            // the teams of every other owner; empty: the integration's own
	// Hours are the working hours: outside of them alerts that are less urgent than Urgent wait. nil: no alert waits.
	Hours  *calendar.Calendar
	Urgent paging.Priority
	// Silence is how long no pass may succeed before somebody is paged; 0 = [DefaultSilence].
	Silence time.Duration
}

// Responders returns the teams that an alert of the owner goes to; empty for the integration's own.
func (r Rules) Responders(owner string) []string {
	if owner == "" {
		owner = DefaultOwner
	}
	if teams, named := r.Teams[owner]; named {
		return teams
	}
	return r.Default
}

// Waits reports whether an alert of the priority is to wait at the instant. One without a priority does not.
func (r Rules) Waits(p paging.Priority, now time.Time) bool {
	return r.Hours != nil && p > r.Urgent && !r.Hours.Working(now)
}

// Patience returns how long no pass may succeed before somebody is paged.
func (r Rules) Patience() time.Duration {
	if r.Silence == 0 {
		return DefaultSilence
	}
	return r.Silence
}
