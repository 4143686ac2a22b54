// Package ticket is the vocabulary of ticketing: tickets, their history, and the approvals that give them authority.
package ticket

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Key is a Jira issue key such as "ACC-17". It changes when the ticket moves to another project; [ID] does not.
type Key string

// ID is Jira's numeric identifier of a ticket, as text.
type ID string

// AccountID is Jira's identifier of a person: the account ID on Cloud, the user key on Data Center.
type AccountID string

// ApprovalID identifies one approval of a ticket.
type ApprovalID string

var key = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,30}-[0-9]{1,18}$`)

// ParseKey returns s as a ticket key.
//
// Errors: [access.ErrInvalid] when s is not a project key, a hyphen and a number. go-jira pastes keys into paths without
// escaping, so nothing else may pass.
func ParseKey(s string) (Key, error) {
	if !key.MatchString(s) {
		return "", fmt.Errorf("ticket key must look like ACC-17: %w", access.ErrInvalid)
	}
	return Key(s), nil
}

// Project returns the part of the key before the number.
func (k Key) Project() string {
	for i := len(k) - 1; i >= 0; i-- {
		if k[i] == '-' {
			return string(k[:i])
		}
	}
	return ""
}

// Person is somebody as Jira shows them. Only Account identifies; the rest is for reading or may be hidden by the person.
type Person struct {
	Account AccountID
	Name    string // personal data
	Email   string // personal data; empty when the person hides it
	Active  bool   // false for a deactivated account
}

// LogValue keeps personal data out of logs.
func (p Person) LogValue() slog.Value { return slog.StringValue(string(p.Account)) }

// Ticket is a Jira issue, with everything that a decision needs.
type Ticket struct {
	ID          ID
	Key         Key
	Project     string // the project's key
	Type        string // the issue type's name
	RequestType string // the JSM request type's name, empty outside a service desk
	Status      string // the status's name
	Done        bool   // the status is of Jira's category "done"
	Summary     string // the title
	Reporter    Person
	Assignee    Person
	Created     time.Time
	Updated     time.Time
	Resolved    time.Time // zero while unresolved
	Priority    string    // the priority's name, empty for none
	Labels      []string  // sorted as Jira has them
	// Rating is how satisfied the customer was, 1 to 5, and Rated when they said so; both zero when they have not, or the site
	// does not ask. Jira does not always tell the time.
	Rating int       `json:",omitempty"`
	Rated  time.Time `json:",omitzero"`
	// Fields holds the mapped fields by the name that the policies give them in Jira ("Access for"). A field that is
	// empty on the ticket is absent.
	Fields map[string]Value
	// People holds the persons that Fields name and those who changed the status, by account: a field and a history give
	// only accounts, and matching them with Okta may need what Jira shows of them.
	People map[AccountID]Person
	// Links holds the tickets that this one is linked with, in Jira's order. Links to elsewhere are not among them.
	Links []Key
	// Files are what is attached, in Jira's order. Those that came with the ticket itself stand in no history.
	Files []File
	// History holds every edit, oldest first. It is complete, or reading the ticket was an error.
	History []Edit
	// Original is the issue as Jira sent it, byte by byte; OriginalHistory are its histories as a list, where Jira sent them
	// apart. Both are nil where nobody read them, and not part of the ticket's stored form.
	Original, OriginalHistory []byte `json:"-"`
}

// File is an attachment of a ticket.
type File struct {
	Name  string    // as whoever attached it called it
	Added time.Time // when it was attached
}

// Value is what stands in a field, in a form that does not depend on the field's type: a choice is its text, a person
// their account, a date its day in UTC. A list has one entry each.
type Value struct {
	Texts    []string    `json:"texts,omitempty"` // of choices, texts and numbers
	Accounts []AccountID `json:"accounts,omitempty"`
	// Time is set for date and date-time fields. A date without a time of day is midnight UTC and DateOnly is set.
	Time     time.Time `json:"time,omitzero"`
	DateOnly bool      `json:"dateOnly,omitempty"`
}

// Edit is one changed field in a ticket's history.
type Edit struct {
	At    time.Time
	By    AccountID
	Field string // the field's name as Jira shows it; "status" for a transition
	// FieldID is the stable identifier ("customfield_10050"); empty on old Data Center versions.
	FieldID string
	// Unknown: the history gives no identifier, and no field is called so now. It may be any, under an old name.
	Unknown bool   `json:",omitempty"`
	From    string // raw value, empty when there was none
	To      string // raw value, empty when there is none now
	// FromText and ToText are the values as Jira shows them.
	FromText string
	ToText   string
}

// Decision is the answer to an approval.
type Decision string

// The decisions that JSM knows.
//
// Source: Jira Service Management Cloud REST API, schema ApprovalDTO.finalDecision.
const (
	Pending  Decision = "pending"
	Approved Decision = "approved"
	Declined Decision = "declined"
)

// Approval is a JSM approval object: the only thing that sopd takes for consent.
type Approval struct {
	ID        ApprovalID
	Name      string // the approval step's name in the workflow
	Decision  Decision
	Created   time.Time
	Completed time.Time // zero while pending
	Approvers []Approver
	// Original is the approval as Jira sent it, byte by byte; nil where nobody read it. It is not part of the stored form.
	Original []byte `json:"-"`
}

// Approver is a person asked in an [Approval], and their own answer. JSM does not say when a single person answered.
type Approver struct {
	Person   Person
	Decision Decision
}

// Link is a link from a ticket to something elsewhere.
type Link struct {
	ID    string // identifies the link; at most 255 characters. Linking again replaces what it says
	URL   string // where it leads
	Title string // what it says
}

// Comment is a comment on a ticket.
type Comment struct {
	ID      string // Jira's identifier, as text
	Author  AccountID
	Person  Person // the author as Jira shows them; only read, never written
	Body    string // wiki markup or plain text
	Created time.Time
	Public  bool // visible to the requester in the portal
	// Edited is when the text was last changed; zero: never. Jira does not tell what it was before.
	Edited time.Time
	// Editor is who changed it last, and need not be the author; empty when it was not edited, or nobody can tell.
	Editor AccountID
	// Original is the comment as Jira sent it, byte by byte; nil where nobody read it. It is not part of the stored form.
	Original []byte `json:"-"`
}
