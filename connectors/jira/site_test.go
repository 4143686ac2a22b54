package jira_test

import (
	"context"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

const token = "demo-token"

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// site is a simulated Jira with a connector to it.
type site struct {
	*jiramock.Server
	jira                       *jira.Tickets
	t                          *testing.T
	bot, owner, rita, deputy   jiramock.AccountID
	now                        time.Time
	system, expires, due, role string // ids of the fields
}

var mappedFields = []string{"System", "Access for", "Role", "Justification", "Expires", "Due", "Level", "Approvers"}

func newSite(t *testing.T, config jiramock.Config) *site {
	t.Helper()
	s := &site{t: t, now: start}
	config.Now = func() time.Time { return s.now }
	s.Server = jiramock.New(config)
	t.Cleanup(s.Server.Close)
	s.people()
	s.fieldsAndProjects()
	s.jira = s.connect(jira.Options{Fields: mappedFields})
	return s
}

func (s *site) people() {
	s.bot = s.AddUser(jiramock.User{Name: "sopd", Email: "sopd@example.com", Token: token})
	s.owner = s.AddUser(jiramock.User{Name: "Olive Owner", Email: "olive@example.com"})
	s.rita = s.AddUser(jiramock.User{Name: "Rita Requester", Email: "rita@example.com", HideEmail: true})
	s.deputy = s.AddUser(jiramock.User{Name: "Dana Deputy", Email: "dana@example.com"})
}

func (s *site) fieldsAndProjects() {
	s.system = s.AddField("System", jiramock.MultiSelect, "payments", "hr")
	s.AddField("Access for", jiramock.UserPicker)
	s.role = s.AddField("Role", jiramock.Cascading)
	s.AddField("Justification", jiramock.Paragraph)
	s.expires = s.AddField("Expires", jiramock.Date)
	s.due = s.AddField("Due", jiramock.DateTime)
	s.AddField("Level", jiramock.Number)
	s.AddField("Approvers", jiramock.MultiUser)
	s.AddProject(jiramock.Project{
		Key: "ACC", Name: "Access",
		RequestTypes: []jiramock.RequestType{
			{Name: "Get access", IssueType: "Service Request"}, {Name: "Leaver", IssueType: "Offboarding"},
		},
		Workflow: jiramock.AccessWorkflow("Approvers"),
	})
	s.AddProject(jiramock.Project{Key: "OPS", IssueTypes: []string{"Task"}, Workflow: jiramock.Workflow{
		Statuses:    []jiramock.Status{{Name: "To Do", Category: jiramock.ToDo}, {Name: "Done", Category: jiramock.Done}},
		Transitions: []jiramock.Transition{{ID: "11", Name: "Finish", From: []string{"To Do"}, To: "Done"}},
	}})
}

// connect builds a connector to the site; what o leaves empty is filled in.
func (s *site) connect(o jira.Options) *jira.Tickets {
	s.t.Helper()
	if o.URL == "" {
		o.URL = s.URL()
	}
	if o.Token.Empty() {
		o.Token = secret.New(token)
		o.User = "sopd@example.com"
	}
	o.Transport = transport.Options{Retries: 2, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond}
	c, err := jira.New(o)
	s.must(err)
	s.t.Cleanup(c.Close)
	return c
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// request raises a request for access that the owner is to approve.
func (s *site) request() ticket.Key {
	s.t.Helper()
	key, err := s.CreateRequest("ACC", "Get access", s.rita, map[string]any{
		"Summary": "Access to payments", "System": []string{"payments", "hr"}, "Access for": s.rita,
		"Role": jiramock.Choice{Parent: "Reader", Child: "Ledger"}, "Justification": "month end\nclosing",
		"Expires": "2026-12-31", "Due": start.Add(time.Hour), "Level": 2.5, "Approvers": []jiramock.AccountID{s.owner},
		"Labels": []string{"audit"},
	})
	s.must(err)
	return ticket.Key(key)
}

// task makes a task outside the service desk.
func (s *site) task() ticket.Key {
	s.t.Helper()
	key, err := s.CreateRequest("OPS", "Task", s.owner, nil)
	s.must(err)
	return ticket.Key(key)
}

// changed reads the tickets of ACC that changed since.
func (s *site) changed(since time.Time) (jira.Batch, error) {
	return s.jira.Changed(s.ctx(), jira.Query{Projects: []string{"ACC"}, Since: since})
}

func (s *site) ctx() context.Context { return s.t.Context() }

func keys(b jira.Batch) []ticket.Key {
	var out []ticket.Key
	for _, t := range b.Tickets {
		out = append(out, t.Key)
	}
	return out
}
