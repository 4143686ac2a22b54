// Package paging is the vocabulary of alerting: alerts, pages, and who is on call. Opsgenie and JSM Operations are both
// translated into it.
package paging

import (
	"fmt"
	"regexp"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// AlertID is the vendor's long identifier of an alert.
type AlertID string

// Alias is the caller's own identifier of an open alert: a second alert with the same alias joins the first while that
// is open.
type Alias string

// ScheduleID identifies an on-call schedule.
type ScheduleID string

var (
	alias   = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,512}$`)
	alertID = regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`)
)

// ParseAlias returns s as an alias.
//
// Errors: [access.ErrInvalid] when s is empty, longer than 512 characters, holds anything but letters, digits and
// ". _ : -", or is "." or "..": the SDK does not escape a slash in the path, and nobody keeps dots alone in one.
func ParseAlias(s string) (Alias, error) {
	if !alias.MatchString(s) || s == "." || s == ".." {
		return "", fmt.Errorf("alias must be 1 to 512 of letters, digits and . _ : - : %w", access.ErrInvalid)
	}
	return Alias(s), nil
}

// ParseAlertID returns s as an alert ID.
//
// Errors: [access.ErrInvalid].
func ParseAlertID(s string) (AlertID, error) {
	if !alertID.MatchString(s) {
		return "", fmt.Errorf("alert ID must be 1 to 128 letters, digits and hyphens: %w", access.ErrInvalid)
	}
	return AlertID(s), nil
}

// Priority is an alert's priority from 1 (most urgent) to 5; 0 when the vendor gave none.
type Priority int

// String returns "P1" to "P5", or "" for none.
func (p Priority) String() string {
	if p < 1 || p > 5 {
		return ""
	}
	return fmt.Sprintf("P%d", int(p))
}

// Alert is an alert as the vendor holds it.
type Alert struct {
	ID           AlertID
	TinyID       string // short, for people; used again after a while
	Alias        Alias
	Message      string // at most 130 characters
	Description  string // at most 15,000 characters; empty in lists
	Priority     Priority
	Open         bool     // not closed
	Acknowledged bool     // somebody has taken it on
	Tags         []string // in the vendor's order
	Source       string   // who raised it
	Created      time.Time
	Updated      time.Time
	// AckAfter and CloseAfter are the times from creation to the first acknowledgement and to the close; zero when that
	// has not happened.
	AckAfter   time.Duration
	CloseAfter time.Duration
	Details    map[string]string // further facts by name; empty in lists
}

// NewAlert asks the vendor to page somebody.
type NewAlert struct {
	Alias       Alias  // required: it makes a repeat safe
	Message     string // at most 130 characters reach the vendor
	Description string // at most 15,000
	Priority    Priority
	Tags        []string          // at most 20 of 50 characters
	Details     map[string]string // further facts by name
	Teams       []string          // names of the responding teams
	Schedules   []string          // names of schedules whose on-call people respond; without a team either: the integration's own
}

// OnCall is who answers for a schedule now.
type OnCall struct {
	Schedule string // the schedule's name
	// People are the on-call participants as the vendor names them: e-mail addresses in Opsgenie, account IDs in JSM
	// Operations; sorted. Personal data.
	People []string
}
