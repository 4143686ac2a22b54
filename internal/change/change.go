// Package change is the vocabulary of what sopd does to access and on whose authority: grants, changes, effects.
package change

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/oklog/ulid/v2"
)

// ID is a change ID: "CHG-" and a ULID. It stands in the ledger, the log line, the ticket's comment, the alert's note and
// the exemplar of the KPI histogram.
type ID string

// id leaves out the letters that Crockford's alphabet has not, and first digits that 128 bits cannot reach.
var id = regexp.MustCompile(`^CHG-[0-7][0-9A-HJKMNP-TV-Z]{25}$`)

// NewID mints a change ID. IDs minted later sort after IDs of an earlier millisecond. Safe for concurrent use.
func NewID(now time.Time) ID {
	return ID("CHG-" + ulid.MustNew(ulid.Timestamp(now), rand.Reader).String())
}

// ParseID returns s as a change ID.
//
// Errors: [access.ErrInvalid].
func ParseID(s string) (ID, error) {
	if !id.MatchString(s) {
		return "", fmt.Errorf("change ID must be CHG- and 26 characters of a ULID: %w", access.ErrInvalid)
	}
	return ID(s), nil
}

// Kind is what a change does.
type Kind string

// The kinds of change. AddMember and RemoveMember are about one [access.Membership]; the others about one user, with an
// empty group.
const (
	AddMember     Kind = "add-member"
	RemoveMember  Kind = "remove-member"
	ClearSessions Kind = "clear-sessions"
	Suspend       Kind = "suspend"
	Deactivate    Kind = "deactivate" // cannot be undone without loss; groups and applications stay as they are
)

// Reason is the positive evidence behind a change. There is no reason "not in the list": absence proves nothing.
type Reason string

// The reasons for a change.
const (
	ApprovedTicket Reason = "approved-ticket" // add: a grant from an approved ticket
	Offboarding    Reason = "offboarding"     // an approved offboarding ticket at or after its effective time
	Deprovisioned  Reason = "deprovisioned"   // Okta shows the user as DEPROVISIONED, read by ID
	Expired        Reason = "expired"         // the last grant for the membership ran out
	Revocation     Reason = "revocation"      // an approved revocation ticket
	RoleChange     Reason = "role-change"     // an approved role change replaced the old role
	Review         Reason = "review"          // an access review decided so
	Drift          Reason = "drift"           // no grant, in a group that policy enforces, seen in a complete read
	Containment    Reason = "containment"     // a step of an incident's playbook that an authorised person confirmed
	Undo           Reason = "undo"            // an approved restoration of what a change removed, or removal of what it added
	Birthright     Reason = "birthright"      // add: a rule over the user's profile entitles
	BreakGlass     Reason = "break-glass"     // add: emergency access, reviewed afterwards
	Unreviewed     Reason = "unreviewed"      // emergency access that its review declined, or that nobody reviewed in time
	Voided         Reason = "voided"          // end of a grant: its ticket stopped to prove it before anything was given
)

// State is how far a change has come.
type State string

// The states of a change, in order. Only Confirmed is done: Okta was seen to show it. Refused is final too; the next pass
// may plan the same again under a new ID.
const (
	Intended    State = "intended"    // recorded, the call may or may not have been made
	Unconfirmed State = "unconfirmed" // the call was made and its answer was lost
	Applied     State = "applied"     // the vendor said yes and has not been seen to show it
	Confirmed   State = "confirmed"   // read back
	Refused     State = "refused"     // the vendor said no; nothing was changed
)

// Settled reports whether nothing more will happen under this change's ID.
func (s State) Settled() bool { return s == Confirmed || s == Refused }

// Change is one write to Okta, with its authority.
type Change struct {
	ID     ID             `json:"id"`
	Kind   Kind           `json:"kind"`
	Reason Reason         `json:"reason"`
	User   access.UserID  `json:"user"`
	Group  access.GroupID `json:"group,omitempty"`
	// Ticket is the ticket that gave the authority, empty where Okta itself did.
	Ticket ticket.Key `json:"ticket,omitempty"`
	// Grant is the grant that an add fulfils or a removal ends, empty where there is none.
	Grant GrantID `json:"grant,omitempty"`
	// Undoes is the change that this one takes back, empty for any other reason than Undo.
	Undoes ID `json:"undoes,omitempty"`
	// Urgent changes are cleared and made first, apart from all others.
	Urgent bool `json:"urgent,omitempty"`
	// Plan is the hash of the cleared plan that the change belongs to.
	Plan string `json:"plan"`
	// Policy is the SOP and its version that was in force, such as "access-provisioning@1.2.0".
	Policy   string    `json:"policy"`
	State    State     `json:"state"`
	Intended time.Time `json:"intended"`
	// Settled is when the state became Confirmed or Refused; zero before.
	Settled time.Time `json:"settled,omitzero"`
	// Event is the System Log event that shows the change, empty until it has been seen.
	Event access.EventID `json:"event,omitempty"`
	// Error is the cause of a refusal, one of the phrases of package access, never the vendor's text.
	Error string `json:"error,omitempty"`
}

// Membership returns the membership that the change is about.
func (c Change) Membership() access.Membership {
	return access.Membership{Group: c.Group, User: c.User}
}

// GrantID identifies a grant: the ticket's ID and the group, so that reading a ticket twice cannot make two.
type GrantID string

// NewGrantID returns the ID of the grant that the ticket entitles the user to.
func NewGrantID(t ticket.ID, m access.Membership) GrantID {
	return GrantID(string(t) + "/" + string(m.Group) + "/" + string(m.User))
}

// Grant is what entitles a user to one membership, for a time: an approved ticket, or the other reasons that
// [Grant.Reason] names.
type Grant struct {
	ID     GrantID        `json:"id"`
	Ticket ticket.Key     `json:"ticket"`
	User   access.UserID  `json:"user"`
	Group  access.GroupID `json:"group"`
	System string         `json:"system"` // the catalog's ID of the system
	Role   string         `json:"role"`   // the role in the system
	Policy string         `json:"policy"` // SOP@version
	// Reason is why it entitles: Birthright, BreakGlass, RoleChange or Undo; empty for an approved request.
	Reason Reason `json:"reason,omitempty"`
	// Restores is the change that an Undo takes back, empty for any other reason.
	Restores ID `json:"restores,omitempty"`
	// Requested is when the request was complete; fulfilment is measured from there.
	Requested time.Time `json:"requested"`
	// Approved is when the last required approval was completed.
	Approved  time.Time `json:"approved"`
	Approvals []Proof   `json:"approvals"`
	// FieldsHash is the SHA-256, in hex, of the fields that define the access, as they stood when they were approved.
	FieldsHash string `json:"fieldsHash"`
	// Expires is the end of the entitlement, exclusive; zero for none.
	Expires time.Time `json:"expires,omitzero"`
	// Lapsed is when what the grant rests on was seen to be no more: the profile that a birthright follows is another, the
	// review of an emergency failed. Expires is its end then. Zero for all others.
	Lapsed time.Time `json:"lapsed,omitzero"`
	// Ended is when the grant stopped to entitle, zero while it lives; EndReason says why and EndTicket on whose word.
	Ended     time.Time  `json:"ended,omitzero"`
	EndReason Reason     `json:"endReason,omitempty"`
	EndTicket ticket.Key `json:"endTicket,omitempty"`
}

// Live reports whether the grant entitles at the instant now.
func (g Grant) Live(now time.Time) bool {
	return g.Ended.IsZero() && (g.Expires.IsZero() || now.Before(g.Expires))
}

// Why returns the reason for which the grant entitles.
func (g Grant) Why() Reason {
	if g.Reason == "" {
		return ApprovedTicket
	}
	return g.Reason
}

// EndsFor returns the reason for which the grant ends when its time is over.
func (g Grant) EndsFor() Reason {
	switch {
	case g.Lapsed.IsZero():
		return Expired
	case g.Reason == BreakGlass:
		return Unreviewed
	default:
		return RoleChange
	}
}

// Membership returns the membership that the grant entitles to.
func (g Grant) Membership() access.Membership {
	return access.Membership{Group: g.Group, User: g.User}
}

// Proof is who gave a required approval, and why their word counts.
type Proof struct {
	Role string `json:"role"` // the policy's approval role, such as "system-owner"
	// Approval is the approval object, empty where a transition was taken for it.
	Approval ticket.ApprovalID `json:"approval,omitempty"`
	Account  ticket.AccountID  `json:"account"`
	User     access.UserID     `json:"user"`
	At       time.Time         `json:"at"`
	// Eligible says why the person could approve, and by which rule: "owner of payments by name", "as member of 00g…",
	// "deputy of 00u… by access-provisioning@1.2.0 until 2026-12-31".
	Eligible string `json:"eligible"`
	// Behalf is who could approve and in whose place the person did: one user for a deputy, every one of them where all
	// are absent; empty for somebody who approved in their own right.
	Behalf []access.UserID `json:"behalf,omitempty"`
	// Transition is the transition that was taken for the approval, such as "Waiting for approval > Approved"; empty where
	// an approval object holds it.
	Transition string `json:"transition,omitempty"`
	// Exception is the separation-of-duties rule that the approval lifts, empty for an approval that every request needs.
	Exception string `json:"exception,omitempty"`
}

// EffectKind is what an effect does on a ticket or an alert.
type EffectKind string

// The kinds of effect.
const (
	Comment    EffectKind = "comment"
	Transition EffectKind = "transition"
	Attach     EffectKind = "attach"
	Open       EffectKind = "open"
	Link       EffectKind = "link"        // from a ticket to something elsewhere
	AlertOpen  EffectKind = "alert-open"  // somebody is paged
	AlertNote  EffectKind = "alert-note"  // on an alert's timeline
	AlertClose EffectKind = "alert-close" // the alert's cause is gone
)

// OnAlert reports whether the effect is about an alert and not about a ticket.
func (k EffectKind) OnAlert() bool { return k == AlertOpen || k == AlertNote || k == AlertClose }

// Effect is something still to be told on a ticket or an alert, or one still to be opened. It is stored in the transaction
// that makes it true, so it is neither forgotten nor told of something that did not happen.
type Effect struct {
	// Key is unique: the ticket and what the effect is for, such as "ACC-17/provisioned". A second effect with the same
	// key is the same effect.
	Key string `json:"key"`
	// Ticket is the ticket that is told; of one that is to be opened its key, empty until it is there. What follows the
	// opening of a ticket and names none is told on that one.
	Ticket ticket.Key `json:"ticket"`
	Kind   EffectKind `json:"kind"`
	// New is the ticket to be opened; nil for all other kinds.
	New *ticket.New `json:"new,omitempty"`
	// Alert is the alert that is told; empty for tickets and for an alert that is to be opened.
	Alert paging.AlertID `json:"alert,omitempty"`
	// Page is the alert to be opened; nil for all other kinds.
	Page *paging.NewAlert `json:"page,omitempty"`
	// Body is the comment's or the note's text, the target status's name, the link's address, or the attachment's content;
	// empty for what is to be opened.
	Body string `json:"body"`
	// Base64: Body is an attachment's content in base64, because it is no text.
	Base64 bool `json:"base64,omitempty"`
	// Name is the attachment's file name, or the link's title.
	Name string `json:"name,omitempty"`
	// Marker stands in a comment's or note's text and is looked for before it is posted again: a change ID or Key. It
	// identifies a link.
	Marker  string    `json:"marker,omitempty"`
	Public  bool      `json:"public,omitempty"` // the requester sees the comment in the portal
	Created time.Time `json:"created"`
	// After is the key of an effect that must be done first, empty for none.
	After    string    `json:"after,omitempty"`
	Done     time.Time `json:"done,omitzero"`
	Attempts int       `json:"attempts,omitempty"` // how often telling it failed
	Error    string    `json:"error,omitempty"`    // the last cause, a phrase of package access
}

// Content returns what the file holds that the effect attaches.
//
// Errors: [access.ErrMalformed] when it is to be base64 and is not.
func (e Effect) Content() ([]byte, error) {
	if !e.Base64 {
		return []byte(e.Body), nil
	}
	content, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, fmt.Errorf("attachment %s is not base64: %w", e.Name, access.ErrMalformed)
	}
	return content, nil
}
