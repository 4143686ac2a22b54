// Package jiramock is a server that behaves like Jira Cloud with Jira Service Management, or like Jira Data Center, at
// their worst: tokens that expire into empty answers, an index that lags, histories that are cut, approvals that a status
// change walks past.
//
// It has its own wire types and imports the standard library only, so a wrong field name in the connector cannot be
// wrong on both sides. Stories are scripted through [Server] and [Story]; everything they do is seen over HTTP, in the
// search index, in the issue's history and in signed webhooks.
package jiramock

import (
	"errors"
	"time"
)

// Key is an issue key such as "ACC-17".
type Key string

// AccountID identifies a user: the account ID on Cloud, the user key on Data Center.
type AccountID string

// Deployment is the kind of Jira that the server plays.
type Deployment string

// The deployments, as serverInfo names them.
const (
	Cloud      Deployment = "Cloud"
	DataCenter Deployment = "Server"
)

// BadToken is what happens to a request with a token that is wrong or has expired.
type BadToken string

// The two ways in which Jira treats a bad token.
//
// Source: MrRefactoring/jira.js#418: Cloud answers as to the anonymous user and says so only in X-Seraph-LoginReason.
const (
	Answers401    BadToken = "401"
	AnswersNobody BadToken = "anonymous" // 200 with nothing in it
)

// The causes that scripting methods wrap.
var (
	// ErrUnknown: the story names something that does not exist in the server.
	ErrUnknown = errors.New("jiramock: unknown")
	// ErrRefused: Jira would refuse what the story asks for.
	ErrRefused = errors.New("jiramock: refused")
)

// Config is how the server behaves. Its zero value is a Cloud site without lag whose tokens fail with 401.
type Config struct {
	Deployment Deployment // Cloud when empty
	// Now is the server's clock; [time.Now] when nil.
	Now func() time.Time
	// Zone is the zone that times are written in; UTC when nil.
	Zone *time.Location
	// PathPrefix stands before every path, such as "/ex/jira/3c0ffee" or a Data Center context path.
	PathPrefix string
	// IndexLag is how long search goes on showing an issue as it was before a change.
	IndexLag time.Duration
	// ChangelogCap is how many histories expand=changelog shows at most on Cloud, newest first. 100 when 0.
	ChangelogCap int
	// MaxResults is the largest page that search gives with fields. 100 when 0.
	MaxResults int
	BadToken   BadToken // Answers401 when empty
	// PerIssueWriteLimit turns on Jira's limit of 20 writes to one issue in 2 seconds.
	PerIssueWriteLimit bool
	// ADFEverywhere makes version 2 paths show rich text as documents too, as some sites do.
	ADFEverywhere bool
	// HideFieldIDs leaves fieldId out of histories, as old Data Center versions do.
	HideFieldIDs bool
}

// User is a person or an app with an account.
type User struct {
	// Account is minted when empty.
	Account AccountID
	Name    string // as shown
	Email   string // the user name of the token on Cloud
	// HideEmail keeps the address out of every answer, as a person may choose on Cloud.
	HideEmail bool
	// Inactive marks a deactivated account.
	Inactive bool
	// Token is the API token (with the e-mail) or the personal access token. Empty for people who do not use the API.
	Token string
	// Zone is the account's time zone for JQL dates; UTC when nil.
	Zone *time.Location
}

// Category is the category of a status.
type Category string

// The status categories, by Jira's keys.
const (
	ToDo       Category = "new"
	InProgress Category = "indeterminate"
	Done       Category = "done"
)

// Status is a step of a workflow.
type Status struct {
	Name     string   // unique in its workflow
	Category Category // decides over the resolution
}

// Transition is a way between statuses. An empty From makes it global: it leads from every status, also out of an
// approval that is still pending.
type Transition struct {
	ID   string   // unique in its workflow only
	Name string   // what the button says
	From []string // names of statuses
	To   string   // name of a status
}

// ApprovalStep asks people when an issue enters a status.
type ApprovalStep struct {
	Status string // whose entering asks
	Name   string // as the approval shows it
	// Approvers are asked always; ApproversField names a user field whose people are asked too.
	Approvers      []AccountID
	ApproversField string
	// Required is how many must approve; 0 means all. One decline ends it.
	Required int
	// ApprovedTo and DeclinedTo are the statuses that the decision leads to.
	ApprovedTo string
	DeclinedTo string
}

// Workflow is how issues of a project move. The first status is the initial one.
type Workflow struct {
	Name        string // for people to read
	Statuses    []Status
	Transitions []Transition // that people take; a decision needs none
	Approvals   []ApprovalStep
}

// RequestType is a JSM request type, with the issue type that its requests have.
type RequestType struct {
	Name      string // as the portal shows it
	IssueType string // added to the project when it has none of this name
	// Workflow is the project's when nil.
	Workflow *Workflow
	// Required names the fields that a request must have.
	Required []string
}

// SLA is a JSM metric that runs from the creation of a request until its status is done.
type SLA struct {
	Name string        // as shown
	Goal time.Duration // until the breach
}

// Project is a project. It is a service desk when it has request types.
type Project struct {
	Key          string        // such as "ACC"
	Name         string        // the key when empty
	IssueTypes   []string      // by name
	RequestTypes []RequestType // none: no service desk
	Workflow     Workflow      // of every issue without one of its own
	SLAs         []SLA         // of every request
}

// FieldType is the type of a custom field, as Jira's field list names it.
type FieldType string

// The field types that the server knows.
//
// Source: fixtures of go-jira (all_fields.json) and jira-cli (fields.json).
const (
	Text        FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
	Paragraph   FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"
	Number      FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:float"
	Date        FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:datepicker"
	DateTime    FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:datetime"
	Select      FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:select"
	MultiSelect FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:multiselect"
	Cascading   FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:cascadingselect"
	Labels      FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:labels"
	UserPicker  FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:userpicker"
	MultiUser   FieldType = "com.atlassian.jira.plugin.system.customfieldtypes:multiuserpicker"
	// Feedback is how satisfied a customer was, 1 to 5, and FeedbackDate when they said so.
	Feedback     FieldType = "com.atlassian.servicedesk:sd-request-feedback"
	FeedbackDate FieldType = "com.atlassian.servicedesk:sd-request-feedback-date"
)

// Choice is the value of a cascading field.
type Choice struct {
	Parent string // the first choice
	Child  string // empty when only the parent was chosen
}

// AccessWorkflow is the workflow of an access request with one approval, named as in the SOP: waiting for approval, in
// progress, waiting for validation, done, declined. Its transition "Start work" is global, so that anyone who may move
// the issue can drag it past the approval.
func AccessWorkflow(approversField string) Workflow {
	return Workflow{
		Name: "access",
		Statuses: []Status{
			{"Waiting for approval", ToDo}, {"In progress", InProgress}, {"Waiting for validation", InProgress},
			{"Done", Done}, {"Declined", Done},
		},
		Transitions: []Transition{
			{ID: "11", Name: "Start work", To: "In progress"},
			{ID: "21", Name: "Ask for validation", From: []string{"In progress"}, To: "Waiting for validation"},
			{ID: "31", Name: "Close", From: []string{"In progress", "Waiting for validation"}, To: "Done"},
			{ID: "41", Name: "Reopen", From: []string{"Done", "Declined"}, To: "In progress"},
		},
		Approvals: []ApprovalStep{{
			Status: "Waiting for approval", Name: "Waiting for approval", ApproversField: approversField,
			ApprovedTo: "In progress", DeclinedTo: "Declined",
		}},
	}
}
