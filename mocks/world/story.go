package world

import "time"

// Story is a sequence of things that happen at Maison RMI, with what has to become of each.
type Story struct {
	Name  string // as people ask for it, such as "leaver-future"
	Title string // one line
	Steps []Step
	// Env is what the program's environment has besides that of the world, or in its place; nil: nothing.
	Env map[string]string
	// Policies returns further policy files that the story needs, by their names, for a start at the given time; nil: none.
	Policies func(start time.Time) map[string]string
}

// Step is one thing that happens. Steps are played in their order on one world; a later one may need an earlier one.
type Step struct {
	// Say is what happens, in one plain line for somebody who sees all this for the first time.
	Say string
	// Do makes it happen; nil only waits.
	Do func(*World) error
	// Operate is what whoever runs the program does: [Crash] before Do, everything else after it. Empty: nothing.
	Operate Operation
	// Within is how long Expect has, counted from the end of Do.
	Within time.Duration
	Expect []Expectation
}

// Operation is what somebody who runs the program may do with it, whatever program that is.
type Operation string

// The operations.
const (
	ApproveHold Operation = "approve-hold" // let the oldest plan through that waits for a person
	CancelHold  Operation = "cancel-hold"  // refuse the oldest plan that waits for a person
	Restart     Operation = "restart"      // stop the program in order and start it again
	Score       Operation = "score"        // show how far people did what the program would have done
	Crash       Operation = "crash"        // the program dies after its next write in Okta, before it has noted the answer
)

// Expectation is something that can be seen in the vendors. It knows nothing of the program that brings it about.
type Expectation struct {
	Name string // a sentence that holds or does not
	// Throughout: it has to hold all the time from the end of [Step.Do] until [Step.Within] is over. Otherwise it has to
	// hold once before that.
	Throughout bool
	// Held looks at the vendors. An error is a fault of the story.
	Held func(*World) (bool, error)
}

// The times that stories allow. They are for a program that is told by webhooks and looks by itself every few seconds.
const (
	soon  = 15 * time.Second // for what is to happen at once
	late  = 40 * time.Second // for what a failure delays: it is tried again after a while
	while = 3 * time.Second  // how long nothing may happen
)

// Stories lists every story, the main one first.
func Stories() []Story {
	return []Story{
		mainStory(),
		joinerStory(), leaverStory(), leaverFutureStory(), expiryStory(), overlapStory(), revokeUrgentStory(), driftStory(),
		unapprovedStory(), selfApprovedStory(), wrongApproverStory(), draggedStory(), editedStory(), incompleteStory(),
		delegateStory(), absentOwnerStory(), eligibleAfterwardsStory(), transitionStory(), separationStory(),
		ticketMovedStory(), ticketDeletedStory(), twoPeopleStory(),
		ruleManagedStory(), appGroupStory(),
		moverStory(), birthrightStory(), breakGlassStory(), unreviewedStory(), extensionStory(), expiryWarningStory(), undoStory(), renamedStory(),
		massLeaverStory(), smallGroupStory(), holdApproveStory(), staleHoldStory(), agreementStory(), onCallGapStory(),
		expiredTokenStory(), emptyReadStory(), shortReadStory(), repeatedPageStory(), throttledReadStory(), missingRoleStory(),
		indexLagStory(), groupDeletedStory(), answerLostStory(), crashStory(),
		incidentSev1Story(), incidentFromTicketStory(), incidentLateUpdateStory(), pirOverdueStory(), playbookUnauthorisedStory(),
		pagersDisagreeStory(),
		unapprovedAdminStory(), emergencyChangeStory(), vendorStory(), vulnerabilityStory(), restoreTestStory(), dataReturnStory(),
		sopReviewStory(), recurringTaskStory(), reportOnScheduleStory(), accessReviewStory(), unusualHoursStory(),
	}
}
