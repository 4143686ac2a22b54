package paging

import "time"

// DutyKind is where a person is named to be woken.
type DutyKind string

// The kinds of duty.
const (
	Rotation   DutyKind = "rotation"   // takes turns in a schedule
	Override   DutyKind = "override"   // stands in for somebody in a schedule, for a time
	Escalation DutyKind = "escalation" // is woken when nobody else answers
)

// Duty is one place in which a person is named to be woken.
type Duty struct {
	Kind   DutyKind
	Where  string // the name of the schedule or of the escalation
	Person string // as the vendor identifies them: an e-mail address in Opsgenie, an account ID in JSM Operations; personal data
	// Alone: nobody else takes turns in the schedule, so that nobody is on call once they are gone.
	Alone bool
	Until time.Time // of an override, when it ends; zero otherwise
}
