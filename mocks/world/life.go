package world

import (
	"fmt"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// The requests about the life of access, with the fields and statuses that only they have.
const (
	requestRoleChange = "Role change"
	requestEmergency  = "Emergency access"

	fieldOldSystem = "Old system"
	fieldOldRole   = "Old role"

	StatusInUse        = "In use"
	StatusReview       = "Waiting for review"
	StatusReviewed     = "Reviewed"
	StatusNotJustified = "Not justified"
)

// emergencyWorkflow is the one of emergencies: nobody is asked before, and somebody afterwards.
func emergencyWorkflow() jiramock.Workflow {
	return jiramock.Workflow{
		Name: "Emergency, reviewed afterwards",
		Approvals: []jiramock.ApprovalStep{{
			Status: StatusReview, Name: StatusReview, ApproversField: fieldApprovers, ApprovedTo: StatusReviewed, DeclinedTo: StatusNotJustified,
		}},
		Statuses: []jiramock.Status{
			{Name: StatusInUse, Category: jiramock.ToDo}, {Name: StatusReview, Category: jiramock.InProgress},
			{Name: StatusReviewed, Category: jiramock.InProgress}, {Name: StatusNotJustified, Category: jiramock.InProgress},
			{Name: StatusClosed, Category: jiramock.Done},
		},
		Transitions: []jiramock.Transition{
			{ID: "21", Name: "Ask for the review", From: []string{StatusInUse}, To: StatusReview},
			{ID: "41", Name: "Close", From: []string{StatusReview, StatusReviewed, StatusNotJustified}, To: StatusClosed},
		},
	}
}

// RoleChange is somebody who leaves one role for another.
type RoleChange struct {
	By, For            string // who asks, and whom it is about
	System, Role       string // the new one
	OldSystem, OldRole string // the one that goes
}

// ChangeRole raises the ticket of somebody who changes their role. Owners of the new system approve it.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) ChangeRole(c RoleChange) (Key, error) {
	by, err := find(c.By)
	if err != nil {
		return "", err
	}
	fields, err := AccessRequest{By: c.By, For: c.For, System: c.System, Role: c.Role}.fields()
	if err != nil {
		return "", err
	}
	old, ok := findSystem(c.OldSystem)
	if !ok {
		return "", fmt.Errorf("%w system %q", ErrUnknown, c.OldSystem)
	}
	fields["Summary"], fields[fieldOldSystem], fields[fieldOldRole] = requestRoleChange, []string{old.name}, c.OldRole
	return w.Jira.Story.CreateRequest(projectAccess, requestRoleChange, by.Account, fields)
}

// BreakGlass raises an emergency ticket: somebody takes access for themselves. Somebody of Security Operations is asked for
// the review afterwards.
//
// Errors: [ErrUnknown]; the Jira's.
func (w *World) BreakGlass(r AccessRequest) (Key, error) {
	r.Approvers = firstOther(securityOperations(), []string{r.By})
	by, err := find(r.By)
	if err != nil {
		return "", err
	}
	r.For = r.By
	fields, err := r.fields()
	if err != nil {
		return "", err
	}
	delete(fields, fieldFor)
	fields["Summary"] = requestEmergency
	return w.Jira.Story.CreateRequest(projectAccess, requestEmergency, by.Account, fields)
}

// Reprofile changes an attribute of a person's profile in Okta's console.
//
// Errors: [ErrUnknown].
func (w *World) Reprofile(person, attribute, value string) error {
	p, err := find(person)
	if err != nil {
		return err
	}
	return w.Okta.UpdateProfile(userID(oktaAdmins()[0]), p.OktaID, map[string]any{attribute: value})
}

func reprofiles(person, attribute, value string) func(*World) error {
	return func(w *World) error { return w.Reprofile(person, attribute, value) }
}

func changesRole(nick string, c RoleChange) func(*World) error {
	return func(w *World) error { return w.keep(nick)(w.ChangeRole(c)) }
}

func breaksGlass(nick string, r AccessRequest) func(*World) error {
	return func(w *World) error { return w.keep(nick)(w.BreakGlass(r)) }
}
