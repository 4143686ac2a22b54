package authority

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/maisonrmi/sopd/internal/ticket"
)

// editedAfter returns the first change, after the consent, of a field that defines the access. That it was changed back
// does not matter: what stood in between may be what somebody else said yes to.
func (j *judge) editedAfter(c consent) (ticket.Edit, bool) {
	history := j.request.Ticket.History
	for i, e := range history {
		if !j.defines(e) {
			continue
		}
		after := e.At.After(c.from)
		switch {
		case c.place >= 0: // the history itself tells the order
			after = i > c.place
		case c.from.Equal(c.at):
			after = after || sameMoment(e.At, c.at) && !before(history, i)
		}
		if after {
			return e, true
		}
	}
	return ticket.Edit{}, false
}

// routing are the fields that decide which procedure a ticket belongs to, and so who has to agree to it.
func routing() []string {
	return []string{"reporter", "project", "Key", "issuetype", "Request Type", "Customer Request Type"}
}

// defines reports whether the edit is of a field that defines the access, or may be.
func (j *judge) defines(e ticket.Edit) bool {
	names := append(j.rules.Fields.Names(), routing()...)
	return e.Unknown || slices.ContainsFunc(names, func(name string) bool { return sameField(name, e.Field) || sameField(name, e.FieldID) })
}

// sameMoment reports whether an edit may have been made after an answer although it does not show as later: at the same
// instant or, where the time of the edit has no fraction, in the same second. Some databases cut the fraction off.
//
// Source: MySQL Reference Manual 8.4, "Fractional Seconds in Time Values": without a precision a DATETIME has none.
func sameMoment(edit, answer time.Time) bool {
	return edit.Equal(answer) || edit.Nanosecond() == 0 && edit.Equal(answer.Truncate(time.Second))
}

// before reports whether the history shows the edit before the change of status that came at the same instant. An answer
// that ends an approval moves the ticket, so this is the order in which the two happened. Without such a change there is
// no order, and the edit is taken for the later.
func before(history []ticket.Edit, edit int) bool {
	i := slices.IndexFunc(history, func(e ticket.Edit) bool {
		return e.At.Equal(history[edit].At) && strings.EqualFold(e.Field, statusField)
	})
	return i > edit
}

// statusField is what histories call the status.
const statusField = "status"

// sameField reports whether two names are of one field. Histories call Jira's own fields by other names than pages do,
// "duedate" for "Due date" and "Component" for "Component/s", and old versions give no identifier; so only letters and
// digits count, in any case, without the plural. A field that is taken for another voids an approval too many, never one
// too few.
//
// Source: Jira REST API, GET /rest/api/2/issue with expand=changelog: field is the system name of a system field.
func sameField(a, b string) bool {
	return a != "" && (a == b || bare(a) != "" && bare(a) == bare(b))
}

func bare(name string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	return strings.TrimSuffix(letters, "s")
}
