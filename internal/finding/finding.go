// Package finding is the vocabulary of what sopd noticed and a person should look at.
package finding

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Key identifies a finding, so that the same observation in every pass is one finding: its kind and what it is about,
// such as "drift/00g1/00u1".
type Key string

// Kind is what sort of finding it is. It is a metric label, so the kinds are a closed set: constants of the package that
// raises them, or names that a policy file defines.
type Kind string

// Finding is something noticed that is open until it is cleared. A cleared finding that is noticed again opens anew.
type Finding struct {
	Key   Key            `json:"key"`
	Kind  Kind           `json:"kind"`
	Title string         `json:"title"` // a sentence for people, without personal data
	User  access.UserID  `json:"user,omitempty"`
	Group access.GroupID `json:"group,omitempty"`
	// Ticket is the ticket that the finding is about, empty when it is about none.
	Ticket ticket.Key `json:"ticket,omitempty"`
	// Change is our own change that the finding is about, empty when it is about none.
	Change change.ID `json:"change,omitempty"`
	// Event is the System Log event that shows it, empty when none does.
	Event access.EventID `json:"event,omitempty"`
	// Alert is the alert that tells of it, empty until one was opened.
	Alert paging.AlertID `json:"alert,omitempty"`
	// Priority is that of the page; 0: what its kind usually has.
	Priority paging.Priority `json:"priority,omitempty"`
	// Owner is the role that has to act, such as "it-operations"; empty: security operations.
	Owner  string    `json:"owner,omitempty"`
	Raised time.Time `json:"raised"`
	// Cleared is when it was no longer so; zero while open.
	Cleared time.Time `json:"cleared,omitzero"`
	// Detail holds further facts by name; values are identifiers and figures, no personal data.
	Detail map[string]string `json:"detail,omitempty"`
}

// Open reports whether the finding still stands.
func (f Finding) Open() bool { return f.Cleared.IsZero() }
