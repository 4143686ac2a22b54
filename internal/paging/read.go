package paging

import "time"

// By is which time of an alert a [Window] is about.
type By string

// The times of an alert. The zero value is the creation.
const (
	Created By = ""
	Updated By = "updated" // the last change, which may be the creation
)

// Of returns that time of the alert.
func (b By) Of(a Alert) time.Time {
	if b == Updated {
		return a.Updated
	}
	return a.Created
}

// Window is the time in which alerts were created, or last updated: from From until just before To. Zero From is the
// beginning, zero To the end of time.
type Window struct {
	From, To time.Time
	By       By
}

// Note is a note on an alert.
type Note struct {
	Text    string    // at most 25,000 characters
	Author  string    // as the vendor names them; personal data
	Created time.Time // zero when the vendor does not say
}

// Entry is an entry of an alert's log: what was done to it, as a sentence for people.
type Entry struct {
	Text    string    // in the vendor's words
	Created time.Time // zero when the vendor does not say
}

// Schedule is an on-call schedule.
type Schedule struct {
	ID      ScheduleID // never changes
	Name    string     // as the vendor shows it; can change
	Enabled bool       // a disabled schedule has nobody on call
	Team    string     // the name of the team that it belongs to; empty: none, or the vendor does not say
}
