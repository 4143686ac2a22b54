package ledger

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Kind is what an entry tells. The list is closed: a kind that is not below is refused by [Encode] and [Decode].
type Kind string

// The kinds of entry.
const (
	GrantApproved      Kind = "grant.approved"     // a ticket entitles; body: change.Grant
	GrantEnded         Kind = "grant.ended"        // a grant stopped to entitle; body: change.Grant
	GrantLapsed        Kind = "grant.lapsed"       // what a grant rests on is no more, or is again; body: change.Grant
	RequestRefused     Kind = "request.refused"    // a ticket asked for access and did not get it; body: the causes
	ChangeIntended     Kind = "change.intended"    // durable before the call; body: change.Change
	ChangeApplied      Kind = "change.applied"     // the vendor said yes
	ChangeUnconfirmed  Kind = "change.unconfirmed" // the vendor's answer was lost
	ChangeConfirmed    Kind = "change.confirmed"   // read back
	ChangeRefused      Kind = "change.refused"     // the vendor said no
	ChangeWitnessed    Kind = "change.witnessed"   // the System Log shows our change; body: the event
	ChangeWithheld     Kind = "change.withheld"    // would have been made, but writing is off
	TicketTold         Kind = "ticket.told"        // a comment, transition or attachment reached the ticket
	TicketOpened       Kind = "ticket.opened"      // a ticket was opened by sopd
	AlertTold          Kind = "alert.told"         // a note, a page or a close reached the pager
	FindingRaised      Kind = "finding.raised"
	FindingCleared     Kind = "finding.cleared"
	HoldMade           Kind = "hold.made" // a guard stopped a plan; body: hold.Hold
	HoldApproved       Kind = "hold.approved"
	HoldCancelled      Kind = "hold.cancelled"
	HoldUsed           Kind = "hold.used"
	HoldExpired        Kind = "hold.expired" // nobody decided, or what was decided was not used in time; body: hold.Hold
	PlanProposed       Kind = "plan.proposed"
	BaselineAdopted    Kind = "baseline.adopted" // an existing membership was accepted without a ticket
	BaselineDropped    Kind = "baseline.dropped"
	FactRecorded       Kind = "fact.recorded" // body: kpi.Fact
	FactCorrected      Kind = "fact.corrected"
	FiguresChanged     Kind = "figures.changed" // a late or corrected fact changed a figure that was final; body: what and why
	PolicyLoaded       Kind = "policy.loaded"
	GuardOverridden    Kind = "guard.overridden"
	PageSent           Kind = "page.sent"
	PlaybookStep       Kind = "playbook.step"       // a containment action of an incident
	ReviewDecided      Kind = "review.decided"      // an access review certified or revoked
	TaskOpened         Kind = "task.opened"         // a recurring control was opened as a ticket
	ReportMade         Kind = "report.made"         // a report of a period was made to be sent; body: its files, each with its hash
	CheckpointSigned   Kind = "checkpoint.signed"   // body: the signed note
	CheckpointAnchored Kind = "checkpoint.anchored" // a checkpoint was anchored off the machine
	BackupTested       Kind = "backup.tested"       // a backup was restored to prove that it can be; body: backup.Tested
	LedgerArchived     Kind = "ledger.archived"     // records of a closed month were written to an archive; body: evidence.ArchivedBody
	LedgerPruned       Kind = "ledger.pruned"       // archived records older than the retention were deleted
	PersonErased       Kind = "person.erased"       // a pseudonym was cut from its person; body: none, user: the pseudonym
	KeyChanged         Kind = "key.changed"         // checkpoints are signed by another key from here on
	OriginalKept       Kind = "original.kept"       // what the records behind it rest on, as the vendor sent it; body: original.Body
)

// Kinds returns every kind, in the order in which they are declared.
func Kinds() []Kind {
	return []Kind{
		GrantApproved, GrantEnded, GrantLapsed, RequestRefused,
		ChangeIntended, ChangeApplied, ChangeUnconfirmed, ChangeConfirmed, ChangeRefused, ChangeWitnessed, ChangeWithheld,
		TicketTold, TicketOpened, AlertTold, FindingRaised, FindingCleared,
		HoldMade, HoldApproved, HoldCancelled, HoldUsed, HoldExpired, PlanProposed,
		BaselineAdopted, BaselineDropped, FactRecorded, FactCorrected, FiguresChanged, PolicyLoaded, GuardOverridden,
		PageSent, PlaybookStep, ReviewDecided, TaskOpened, ReportMade, CheckpointSigned, CheckpointAnchored, BackupTested,
		LedgerArchived, LedgerPruned, PersonErased, KeyChanged, OriginalKept,
	}
}

// Valid reports whether k is one of [Kinds].
func (k Kind) Valid() bool {
	for _, known := range Kinds() {
		if k == known {
			return true
		}
	}
	return false
}

// Entry is what a caller wants recorded.
type Entry struct {
	Kind Kind
	// At is when it happened. It is kept in microseconds; the year must be 1 to 9999.
	At     time.Time
	Change change.ID      // empty when the entry is about no change
	Ticket ticket.Key     // empty when it is about no ticket
	User   access.UserID  // empty when it is about no user
	Group  access.GroupID // empty when it is about no group
	// Body is anything that encoding/json encodes without fractions; nil for nothing. After [Decode] it is a
	// [json.RawMessage] in canonical form. Times inside should be UTC: they are kept as their type encodes itself.
	Body any
}

// Record is an entry in its place in the ledger.
type Record struct {
	Entry
	// Seq is the record's position: 0, 1, 2, … without a gap.
	Seq int64
	// Canonical is the canonical form, described in the package's comment. It is what is hashed and kept.
	Canonical []byte
	// Hash is the leaf hash of Canonical.
	Hash Hash
}
