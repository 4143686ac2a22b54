package jiramock

import (
	"fmt"
	"strconv"
)

// AddUser adds a person and returns their account.
func (s *Server) AddUser(u User) AccountID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Account == "" {
		u.Account = AccountID(fmt.Sprintf("5f0000000000%04d", len(s.accounts)+1))
	}
	if s.users[u.Account] == nil {
		s.accounts = append(s.accounts, u.Account)
	}
	s.users[u.Account] = &u
	return u.Account
}

// Deactivate ends an account: its token stops to work, and it is shown as inactive wherever it stands.
func (s *Server) Deactivate(account AccountID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[account]
	if u == nil {
		return unknown("user", string(account))
	}
	u.Inactive = true
	return nil
}

// AddField adds a custom field and returns its id. Options restrict a field of choices; without any, every text is one.
// Two fields may have the same name, as in Jira.
func (s *Server) AddField(name string, kind FieldType, options ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := "customfield_" + strconv.Itoa(firstCustomField+len(s.fields))
	s.fields = append(s.fields, &field{id: id, name: name, kind: kind, options: options})
	return id
}

// Rename gives a custom field another name. Histories go on showing it under the name that it had when they were written.
func (s *Server) Rename(name, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.field(name)
	if f == nil {
		return unknown("field", name)
	}
	f.name = to
	return nil
}

// AddProject adds a project, a service desk when it has request types.
func (s *Server) AddProject(p Project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := &project{
		Project: p, id: strconv.Itoa(10000 + len(s.projects)), workflow: &workflow{p.Workflow},
		denied: map[AccountID]map[string]bool{},
	}
	if p.Name == "" {
		added.Name = p.Key
	}
	for _, name := range p.IssueTypes {
		added.addIssueType(name, s.mint())
	}
	if len(p.RequestTypes) > 0 {
		added.desk = strconv.Itoa(len(s.projects) + 1)
	}
	for _, r := range p.RequestTypes {
		if _, known := added.issueType(r.IssueType); !known {
			added.addIssueType(r.IssueType, s.mint())
		}
		own := added.workflow
		if r.Workflow != nil {
			own = &workflow{*r.Workflow}
		}
		added.requestTypes = append(added.requestTypes,
			&requestType{RequestType: r, id: strconv.Itoa(s.mint()), project: added, workflow: own})
	}
	s.projects = append(s.projects, added)
}

func (p *project) addIssueType(name string, id int) {
	p.issueTypes = append(p.issueTypes, issueType{id: strconv.Itoa(id), name: name})
}

// Deny takes permissions in a project from an account, by Jira's keys such as "BROWSE_PROJECTS", "ADD_COMMENTS", "EDIT_ALL_COMMENTS",
// "TRANSITION_ISSUES", "CREATE_ATTACHMENTS", "EDIT_ISSUES", "CREATE_ISSUES", "LINK_ISSUES", "SERVICEDESK_AGENT".
func (s *Server) Deny(account AccountID, projectKey string, permissions ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.project(projectKey)
	if p == nil {
		return unknown("project", projectKey)
	}
	if p.denied[account] == nil {
		p.denied[account] = map[string]bool{}
	}
	for _, permission := range permissions {
		p.denied[account][permission] = true
	}
	return nil
}

// Corrupt makes a field of an issue show raw JSON instead of its value, as a broken app does. The field is named by id,
// system fields too ("created").
func (s *Server) Corrupt(key Key, fieldID, raw string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(string(key))
	if i == nil {
		return unknown("issue", string(key))
	}
	i.raw[fieldID] = []byte(raw)
	for _, v := range i.indexed {
		v.issue.raw[fieldID] = []byte(raw)
	}
	return nil
}

// SetWebhook sends every event from now on to the address, signed with the secret when there is one.
func (s *Server) SetWebhook(url, secret string) { s.hooks.set(url, secret) }

// Redeliver sends every webhook that was refused or got no answer again, marked as a retry. Each is tried five times
// at most, as by Jira.
func (s *Server) Redeliver() { s.hooks.redeliver() }
