package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// The projects and their request types.
const (
	projectAccess = "ACC"
	projectPeople = "HR"
	projectPlain  = "WKS" // no service desk
	projectSec    = "SIR"

	requestAccess     = "Access request"
	requestRevocation = "Access revocation"
	requestOffboard   = "Offboarding"

	issueAccess = "Access" // the issue type of requests outside the service desk
)

// The fields of the requests.
const (
	fieldFor           = "Access for"
	fieldSystem        = "System"
	fieldRole          = "Role"
	fieldJustification = "Business justification"
	fieldUntil         = "Access until"
	fieldLeaver        = "Leaver"
	fieldLastDay       = "Last day"
	fieldApprovers     = "Approvers" // the people picker that JSM takes the approvers from
	fieldAlert         = "Alert"
	fieldRootCause     = "Root cause"
	fieldPolicyUpdates = "Policy updates"
	fieldDue           = "Due date"
	fieldRating        = "Satisfaction"
	fieldRated         = "Satisfaction date"
)

// The statuses of the workflows.
const (
	StatusWaiting    = "Waiting for approval"
	StatusApproved   = "Approved"
	StatusValidation = "Waiting for validation"
	StatusValidated  = "Validated"
	StatusClosed     = "Closed"
	StatusDeclined   = "Declined"
	StatusCancelled  = "Cancelled"
)

func (w *World) fillJira() error {
	if err := w.jiraPeople(); err != nil {
		return err
	}
	w.jiraFields()
	access, simple, emergency := validatedWorkflow(), simpleWorkflow(), emergencyWorkflow()
	// In Jira a workflow belongs to an issue type.
	const kind, change, urgent = "Service Request with Approvals", "Access Change", "Emergency Access"
	w.Jira.AddProject(jiramock.Project{
		Key: projectAccess, Name: "Access", Workflow: access,
		RequestTypes: []jiramock.RequestType{
			{Name: requestAccess, IssueType: kind, Required: []string{fieldFor}},
			{Name: requestRevocation, IssueType: change, Workflow: &simple, Required: []string{fieldFor, fieldSystem}},
			{Name: requestRoleChange, IssueType: change, Workflow: &simple, Required: []string{fieldFor, fieldSystem}},
			{Name: requestEmergency, IssueType: urgent, Workflow: &emergency, Required: []string{fieldSystem}},
		},
		SLAs: []jiramock.SLA{{Name: "Time to fulfil", Goal: 48 * time.Hour}},
	})
	w.Jira.AddProject(jiramock.Project{
		Key: projectPeople, Name: "People", Workflow: simple,
		RequestTypes: []jiramock.RequestType{{Name: requestOffboard, IssueType: kind, Required: []string{fieldLeaver}}},
	})
	w.Jira.AddProject(jiramock.Project{Key: projectPlain, Name: "Workshops", IssueTypes: []string{issueAccess}, Workflow: plainWorkflow()})
	w.Jira.AddProject(jiramock.Project{
		Key: projectSec, Name: "Security incidents", Workflow: incidentWorkflow(), IssueTypes: []string{typeIncident, typePostIncident, "Task"},
	})
	w.fillProcedures()
	if err := w.jiraIncidents(); err != nil {
		return err
	}
	return w.jiraPast()
}

func (w *World) jiraPeople() error {
	for n, m := range slices.Concat(staff, former) {
		zone, err := time.LoadLocation(m.zone)
		if err != nil {
			return fmt.Errorf("zone of %s: %w", m.short, err)
		}
		p := m.person()
		w.Jira.AddUser(jiramock.User{
			Account: p.Account, Name: p.Name, Email: p.Login, Zone: zone,
			HideEmail: slices.Contains(hidden, m.short), Inactive: n >= len(staff),
		})
	}
	w.Jira.AddUser(jiramock.User{Account: account(botShort), Name: "Sopd Service", Email: botLogin, Token: jiraToken})
	return nil
}

func (w *World) jiraFields() {
	var names, roles []string
	for _, s := range systems {
		names = append(names, s.name)
		for _, r := range s.roles {
			roles = append(roles, r.name)
		}
	}
	slices.Sort(roles)
	w.Jira.AddField(fieldFor, jiramock.UserPicker)
	w.Jira.AddField(fieldSystem, jiramock.MultiSelect, names...)
	w.Jira.AddField(fieldRole, jiramock.Select, slices.Compact(roles)...)
	w.Jira.AddField(fieldJustification, jiramock.Paragraph)
	w.Jira.AddField(fieldUntil, jiramock.DateTime)
	w.Jira.AddField(fieldOldSystem, jiramock.MultiSelect, names...)
	w.Jira.AddField(fieldOldRole, jiramock.Select, slices.Compact(roles)...)
	w.Jira.AddField(fieldLeaver, jiramock.UserPicker)
	w.Jira.AddField(fieldLastDay, jiramock.DateTime)
	w.Jira.AddField(fieldApprovers, jiramock.MultiUser)
	w.Jira.AddField(fieldAlert, jiramock.Text)
	w.Jira.AddField(fieldRootCause, jiramock.Paragraph)
	w.Jira.AddField(fieldPolicyUpdates, jiramock.Paragraph)
	w.Jira.AddField(fieldDue, jiramock.Date)
	w.Jira.AddField(fieldRating, jiramock.Feedback)
	w.Jira.AddField(fieldRated, jiramock.FeedbackDate)
}

// approval is the one approval step of every workflow here: whoever stands in the Approvers field is asked, and all of
// them have to agree. That is how JSM asks several people: one approval of one status, with the number of answers that
// it takes. The first yes leaves it pending.
//
// Source: confluence.atlassian.com/adminjiraserver0815, "Configuring Jira Service Management approvals": one or more
// approvers for a step, taken from a user field; transitions beyond the two of the step are an agent's to take.
func approval() []jiramock.ApprovalStep {
	return []jiramock.ApprovalStep{{
		Status: StatusWaiting, Name: StatusWaiting, ApproversField: fieldApprovers, ApprovedTo: StatusApproved, DeclinedTo: StatusDeclined,
	}}
}

// validatedWorkflow is the one of access requests. An agent may drag a ticket past its approval, as in most desks.
func validatedWorkflow() jiramock.Workflow {
	return jiramock.Workflow{
		Name: "Access with validation", Approvals: approval(),
		Statuses: []jiramock.Status{
			{Name: StatusWaiting, Category: jiramock.ToDo}, {Name: StatusApproved, Category: jiramock.InProgress},
			{Name: StatusValidation, Category: jiramock.InProgress}, {Name: StatusValidated, Category: jiramock.InProgress},
			{Name: StatusClosed, Category: jiramock.Done}, {Name: StatusDeclined, Category: jiramock.Done},
			{Name: StatusCancelled, Category: jiramock.Done},
		},
		Transitions: []jiramock.Transition{
			{ID: "11", Name: "Approve by hand", From: []string{StatusWaiting}, To: StatusApproved},
			{ID: "21", Name: "Ask for validation", From: []string{StatusApproved}, To: StatusValidation},
			{ID: "31", Name: "Validate", From: []string{StatusValidation}, To: StatusValidated},
			{ID: "41", Name: "Close", From: []string{StatusApproved, StatusValidation, StatusValidated}, To: StatusClosed},
			{ID: "51", Name: "Cancel", From: []string{StatusWaiting, StatusApproved}, To: StatusCancelled},
			{ID: "61", Name: "Ask again", From: []string{StatusApproved, StatusValidation, StatusClosed, StatusDeclined, StatusCancelled}, To: StatusWaiting},
		},
	}
}

// simpleWorkflow is the one of requests that nobody validates.
func simpleWorkflow() jiramock.Workflow {
	return jiramock.Workflow{
		Name: "Approval only", Approvals: approval(),
		Statuses: []jiramock.Status{
			{Name: StatusWaiting, Category: jiramock.ToDo}, {Name: StatusApproved, Category: jiramock.InProgress},
			{Name: StatusClosed, Category: jiramock.Done}, {Name: StatusDeclined, Category: jiramock.Done},
			{Name: StatusCancelled, Category: jiramock.Done},
		},
		Transitions: []jiramock.Transition{
			{ID: "11", Name: "Approve by hand", From: []string{StatusWaiting}, To: StatusApproved},
			{ID: "41", Name: "Close", From: []string{StatusApproved}, To: StatusClosed},
			{ID: "51", Name: "Cancel", From: []string{StatusWaiting, StatusApproved}, To: StatusCancelled},
			{ID: "61", Name: "Ask again", From: []string{StatusApproved, StatusClosed, StatusDeclined, StatusCancelled}, To: StatusWaiting},
		},
	}
}

// plainWorkflow is that of a project without a service desk: whoever agrees moves the ticket.
func plainWorkflow() jiramock.Workflow {
	w := validatedWorkflow()
	w.Name, w.Approvals = "Access without a service desk", nil
	w.Transitions = slices.Clone(w.Transitions)
	w.Transitions[0].Name = "Approve"
	return w
}
