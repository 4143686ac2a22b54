package authority_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The tests tell stories about one organisation: Rita asks for access for Ben to Payments, whose owner is Olga; what is
// risky needs Sven of Security Operations too. Jira accounts are "j-" and the name, Okta users "00u" and the name.
var (
	raised   = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	opened   = raised.Add(time.Hour)      // the approval was opened
	answered = raised.Add(3 * time.Hour)  // and completed
	now      = raised.Add(24 * time.Hour) // the judgement
)

const (
	owner    = "system-owner"
	security = "security-operations"
)

// fields are the names as Jira shows them.
var fields = authority.Fields{
	Beneficiary: "Access for", System: "System", Role: "Role", Justification: "Why", Expires: "Access until", Effective: "Last day",
}

// story is everything a judgement rests on; a test changes what it is about.
type story struct {
	ticket    ticket.Ticket
	approvals []ticket.Approval
	rules     authority.Rules
	catalog   catalog.Catalog
	users     []access.User
	members   map[access.GroupID][]access.UserID
	mapping   map[ticket.AccountID]access.UserID
	past      people.Past
	held      map[access.UserID][]authority.Holding
	unread    []access.GroupID
	now       time.Time
}

func person(name string) ticket.Person {
	return ticket.Person{Account: ticket.AccountID("j-" + name), Active: true}
}

func user(name string) access.User {
	return access.User{
		ID: access.UserID("00u" + name), Login: name + "@example.com", Email: name + "@example.com", Status: access.Active, Profile: map[string]string{},
	}
}

func text(s ...string) ticket.Value { return ticket.Value{Texts: s} }

// yes is an approval that everybody named answered with yes.
func yes(id string, names ...string) ticket.Approval {
	a := ticket.Approval{ID: ticket.ApprovalID(id), Decision: ticket.Approved, Created: opened, Completed: answered}
	for _, name := range names {
		a.Approvers = append(a.Approvers, ticket.Approver{Person: person(name), Decision: ticket.Approved})
	}
	return a
}

func pending(id, name string, created time.Time) ticket.Approval {
	return ticket.Approval{
		ID: ticket.ApprovalID(id), Decision: ticket.Pending, Created: created,
		Approvers: []ticket.Approver{{Person: person(name), Decision: ticket.Pending}},
	}
}

func no(id, name string, created time.Time) ticket.Approval {
	return ticket.Approval{
		ID: ticket.ApprovalID(id), Decision: ticket.Declined, Created: created, Completed: created.Add(time.Hour),
		Approvers: []ticket.Approver{{Person: person(name), Decision: ticket.Declined}},
	}
}

// at moves an approval in time.
func at(a ticket.Approval, created, completed time.Time) ticket.Approval {
	a.Created, a.Completed = created, completed
	return a
}

// payments is the story in which everything is right.
func payments() *story {
	s := &story{now: now, mapping: map[ticket.AccountID]access.UserID{}, members: map[access.GroupID][]access.UserID{}}
	for _, name := range []string{"rita", "ben", "olga", "oscar", "sven", "sara", "guest"} {
		s.users = append(s.users, user(name))
		s.mapping[ticket.AccountID("j-"+name)] = access.UserID("00u" + name)
	}
	s.members["00gsecops"] = []access.UserID{"00usven", "00usara"}
	s.members["00gowners"] = []access.UserID{"00uoscar"}
	s.catalog = catalog.Catalog{
		Systems: []catalog.System{
			{
				ID: "crm", Name: "Customers", Risk: catalog.Low, Mode: catalog.Enforce, Owners: catalog.People{Users: []access.UserID{"00uoscar"}},
				Roles: []catalog.Role{{Name: "Clerk", Groups: []access.GroupID{"00gcrm"}}},
			},
			{
				ID: "payments", Name: "Payments", Risk: catalog.High, Mode: catalog.Enforce,
				Owners: catalog.People{Users: []access.UserID{"00uolga"}, Groups: []access.GroupID{"00gowners"}},
				Roles: []catalog.Role{
					{Name: "Clerk", Groups: []access.GroupID{"00gclerk", "00gvpn"}}, {Name: "Admin", Groups: []access.GroupID{"00gadmin"}},
				},
			},
		},
		Groups: []catalog.Group{{ID: "00gadmin", System: "payments"}, {ID: "00gclerk", System: "payments"}, {ID: "00gcrm", System: "crm"}, {ID: "00gvpn", System: "payments"}},
	}
	s.ticket = ticket.Ticket{
		ID: "10017", Key: "ACC-17", Project: "ACC", Reporter: person("rita"), Created: raised,
		Fields: map[string]ticket.Value{
			"Access for": {Accounts: []ticket.AccountID{"j-ben"}}, "System": text("Payments"), "Role": text("Clerk"),
			"Why": text("month-end closing with the bank"), "Access until": {Time: raised.AddDate(0, 0, 30)},
		},
		People: map[ticket.AccountID]ticket.Person{"j-ben": person("ben")},
	}
	s.rules = authority.Rules{
		Policy: "access-provisioning@1.0.0", Fields: fields,
		Approvals: []authority.Approval{
			{Role: owner, Owners: true},
			{Role: security, People: catalog.People{Groups: []access.GroupID{"00gsecops"}}, When: highRisk},
		},
	}
	s.approvals = []ticket.Approval{yes("1", "olga"), yes("2", "sven")}
	return s
}

func highRisk(f authority.Facts) (bool, error) { return f.System.Risk == catalog.High, nil }

func broken(authority.Facts) (bool, error) { return true, errors.New("no such key") }

func (s *story) world() authority.World {
	return authority.World{
		Catalog: s.catalog, People: people.New(people.Strategy{Mapping: s.mapping, Email: true}, s.users, s.members).Recall(s.past), Now: s.now,
		Held: func(id access.UserID) []authority.Holding { return s.held[id] }, Unread: s.unread,
	}
}

func (s *story) judge() authority.Verdict {
	return authority.Judge(s.ticket, s.approvals, s.rules, s.world())
}

func (s *story) user(id access.UserID) *access.User {
	for i := range s.users {
		if s.users[i].ID == id {
			return &s.users[i]
		}
	}
	return nil
}

// edit is a change of a field after a while.
func (s *story) edit(field string, when time.Time) {
	s.ticket.History = append(s.ticket.History, ticket.Edit{At: when, By: "j-rita", Field: field, From: "a", To: "b"})
}

// moved is a change of the status.
func (s *story) moved(from, to, by string, when time.Time) {
	s.ticket.History = append(s.ticket.History, ticket.Edit{
		At: when, By: ticket.AccountID("j-" + by), Field: "status", FromText: from, ToText: to,
	})
	s.ticket.Status = to
}

// answeredAt moves every approval's completion.
func (s *story) answeredAt(when time.Time) {
	for i := range s.approvals {
		s.approvals[i].Completed = when
	}
}

// away suspends the user since the instant.
func (s *story) away(id access.UserID, since time.Time) {
	s.user(id).Status, s.user(id).StatusChanged = access.Suspended, since
}

func expect(t *testing.T, v authority.Verdict, outcome authority.Outcome, problem string) {
	t.Helper()
	var problems []string
	for _, p := range v.Problems {
		problems = append(problems, p.String())
	}
	if v.Outcome != outcome {
		t.Errorf("outcome %q, want %q; waiting for %v, problems %q", v.Outcome, outcome, v.WaitingFor, problems)
	}
	if got := strings.Join(problems, "\n"); !strings.Contains(got, problem) || problem == "" && got != "" {
		t.Errorf("problems %q, want %q", got, problem)
	}
	if grants := v.Grants("p@1"); (len(grants) > 0) != (outcome == authority.Proven && len(v.Request.Wanted) > 0) {
		t.Errorf("outcome %q gives %d grants", v.Outcome, len(grants))
	}
	if v.Outcome == authority.Proven && len(v.Proofs) == 0 {
		t.Error("proven without a proof")
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
