package ticket

import (
	"fmt"
	"regexp"

	"github.com/maisonrmi/sopd/internal/access"
)

// New is a ticket to be opened.
type New struct {
	Project     string   `json:"project"`               // the project's key
	Type        string   `json:"type"`                  // the issue type's name
	Summary     string   `json:"summary"`               // one line
	Description string   `json:"description,omitempty"` // plain text or wiki markup
	Labels      []string `json:"labels,omitempty"`      // besides the marker; no spaces
	// Marker is a label that no other ticket has, such as "sopd-" and a hash. It makes opening safe to try again.
	Marker string `json:"marker"`
	// Fields are mapped fields, by the names that the policies give them.
	Fields map[string]Value `json:"fields,omitempty"`
}

// marker is what a label may look like: Jira refuses spaces.
var marker = regexp.MustCompile(`^[A-Za-z0-9._:-]{8,200}$`)

// Check reports what is wrong with the ticket before anybody is asked to open it.
//
// Errors: [access.ErrInvalid].
func (n New) Check() error {
	if !marker.MatchString(n.Marker) {
		return fmt.Errorf("marker must be 8 to 200 letters, digits and .:_-: %w", access.ErrInvalid)
	}
	if n.Project == "" || n.Type == "" || n.Summary == "" {
		return fmt.Errorf("a ticket needs a project, a type and a summary: %w", access.ErrInvalid)
	}
	return nil
}
