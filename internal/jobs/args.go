package jobs

import (
	"time"

	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Pass is the key of the work that is done by a pass of the loop. It is the only key that [Runner.Wake] asks for.
const Pass = "pass"

// sweepPeriod is how often the sweep may insert a job for the same object: a job that is stuck must not keep another from
// being inserted, and one that waits for a worker must not be inserted every second.
const sweepPeriod = 15 * time.Second

// wakeArgs asks for the work of a key. All of the truth is in the store's row.
type wakeArgs struct {
	Key string `json:"key"`
	By  string `json:"by,omitempty"` // which process swept it up; empty for a job that was asked for
}

// Kind implements [river.JobArgs]. It is stored.
func (wakeArgs) Kind() string { return "wake" }

// effectArgs asks to tell a ticket.
type effectArgs struct {
	Key string `json:"key"`
	By  string `json:"by,omitempty"` // which process swept it up; empty for a job that was asked for
}

// Kind implements [river.JobArgs]. It is stored.
func (effectArgs) Kind() string { return "effect" }

// pageArgs asks to send a page.
type pageArgs struct {
	Alias paging.Alias `json:"alias"`
	By    string       `json:"by,omitempty"` // which process swept it up; empty for a job that was asked for
}

// Kind implements [river.JobArgs]. It is stored.
func (pageArgs) Kind() string { return "page" }

// swept are the options of a job that the sweep inserts: one a process, object and period, those that are over not counted.
// The process is among the arguments, so a job that died with another process does not count either.
func swept() *river.InsertOpts {
	return &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: sweepPeriod, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
		rivertype.JobStateScheduled,
	}}}
}
