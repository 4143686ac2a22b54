// Package hold is the vocabulary of plans that a guard stopped and a person may let through, once.
package hold

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/oklog/ulid/v2"
)

// ID is a hold's identifier: "HLD-" and a ULID.
type ID string

var id = regexp.MustCompile(`^HLD-[0-9A-HJKMNP-TV-Z]{26}$`)

// NewID mints a hold ID. Safe for concurrent use.
func NewID(now time.Time) ID {
	return ID("HLD-" + ulid.MustNew(ulid.Timestamp(now), rand.Reader).String())
}

// ParseID returns s as a hold ID.
//
// Errors: [access.ErrInvalid].
func ParseID(s string) (ID, error) {
	if !id.MatchString(s) {
		return "", fmt.Errorf("hold ID must be HLD- and 26 characters of a ULID: %w", access.ErrInvalid)
	}
	return ID(s), nil
}

// State is where a hold stands.
type State string

// The states of a hold. Only an Open hold can be approved or cancelled, only an Approved one used, and each only before it
// expires. Used, Cancelled and Expired are final.
const (
	Open      State = "open"
	Approved  State = "approved"
	Used      State = "used"
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// Final reports whether nothing more can happen to a hold in the state.
func (s State) Final() bool { return s == Used || s == Cancelled || s == Expired }

// CanBecome reports whether a hold in the state s may be put into the state next.
func (s State) CanBecome(next State) bool {
	switch s {
	case Open:
		return next == Approved || next == Cancelled || next == Expired
	case Approved:
		return next == Used || next == Cancelled || next == Expired
	default:
		return false
	}
}

// Kind is why a plan waits for a person.
type Kind string

// The kinds of hold.
const (
	Guarded Kind = ""     // guards stopped it
	Undo    Kind = "undo" // it takes a change back
)

// Hold is one plan that waits for a person: guards stopped it, or it takes a change back. Approving it lets exactly this plan through, told by its hash.
type Hold struct {
	ID   ID   `json:"id"`
	Kind Kind `json:"kind,omitempty"`
	// RequestedBy is who asked for an undo, as the authentication names them; somebody else has to approve it. Empty where a
	// guard made the hold.
	RequestedBy string `json:"requestedBy,omitempty"`
	// PlanHash is the hash of the plan that was stopped. Another plan needs another hold.
	PlanHash string   `json:"planHash"`
	Guards   []string `json:"guards"`  // names of the guards that tripped, sorted; none for an undo
	Reasons  []string `json:"reasons"` // a sentence each, for the person who decides
	// Plan is the stopped plan, for showing it.
	Plan    json.RawMessage `json:"plan"`
	State   State           `json:"state"`
	Made    time.Time       `json:"made"`
	Expires time.Time       `json:"expires"` // exclusive
	// Causes are the users of Okta whose own doing the plan would carry on: who deactivated somebody, who added somebody by
	// hand, who asked for a removal. None of them may let it through. Sorted.
	Causes []access.UserID `json:"causes,omitempty"`
	// ApprovedBy is who let the plan through, as the authentication names them; empty before.
	ApprovedBy string    `json:"approvedBy,omitempty"`
	Approved   time.Time `json:"approved,omitzero"`
	// Reason is why it was let through or cancelled, in that person's words.
	Reason string `json:"reason,omitempty"`
	// CancelledBy is who threw the plan away; empty before.
	CancelledBy string    `json:"cancelledBy,omitempty"`
	Cancelled   time.Time `json:"cancelled,omitzero"`
	// Used is when the plan was written; zero before.
	Used time.Time `json:"used,omitzero"`
}

// Lets reports whether the hold lets the plan with this hash through at the instant now.
func (h Hold) Lets(planHash string, now time.Time) bool {
	return h.State == Approved && planHash != "" && h.PlanHash == planHash && now.Before(h.Expires)
}
