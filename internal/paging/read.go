package paging

import "time"

// Window is the time in which alerts were created: from From until just before To. Zero From is the beginning, zero To
// the end of time.
type Window struct {
	From, To time.Time
}

// Note is a note on an alert.
type Note struct {
	Text    string    // at most 25,000 characters
	Author  string    // as the vendor names them; personal data
	Created time.Time // zero when the vendor does not say
}

// Schedule is an on-call schedule.
type Schedule struct {
	ID      ScheduleID // never changes
	Name    string     // as the vendor shows it; can change
	Enabled bool       // a disabled schedule has nobody on call
}
