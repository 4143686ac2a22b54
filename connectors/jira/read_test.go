package jira_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/jiramock"
)

func TestATicketComesWithItsFieldsInOneFormWhateverTheirType(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment})
		if deployment == jiramock.DataCenter {
			s.jira = s.connect(jira.Options{Fields: mappedFields, Token: secret.New(token)})
		}
		rita, owner := ticket.AccountID(s.rita), ticket.AccountID(s.owner)
		got, err := s.jira.Ticket(t.Context(), s.request())
		s.must(err)
		want := map[string]ticket.Value{
			"System": {Texts: []string{"payments", "hr"}}, "Access for": {Accounts: []ticket.AccountID{rita}},
			"Role": {Texts: []string{"Reader / Ledger"}}, "Justification": {Texts: []string{"month end\nclosing"}},
			"Expires": {Time: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), DateOnly: true},
			"Due":     {Time: start.Add(time.Hour)}, "Level": {Texts: []string{"2.5"}},
			"Approvers": {Accounts: []ticket.AccountID{owner}},
		}
		if diff := cmp.Diff(want, got.Fields); diff != "" {
			t.Errorf("%s: fields: %s", deployment, diff)
		}
		if got.People[owner].Email != "olive@example.com" || got.People[rita].Email != "" || !got.People[rita].Active {
			t.Errorf("%s: people %v", deployment, got.People)
		}
		if got.Reporter.Account != rita || got.RequestType != "Get access" || got.Type != "Service Request" ||
			got.Status != "Waiting for approval" || got.Done || got.Project != "ACC" || !got.Created.Equal(start) ||
			!cmp.Equal(got.Labels, []string{"audit"}) || got.Summary != "Access to payments" || got.Priority != "Medium" {
			t.Errorf("%s: ticket %+v", deployment, got)
		}
	}
}

func TestTheHistoryIsCompleteThoughJiraCutsItInsideTheIssue(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment, ChangelogCap: 10})
		key := s.request()
		for n := range 230 {
			s.now = start.Add(time.Duration(n+1) * time.Second)
			s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"summary": "version " + strconv.Itoa(n)}))
		}
		if deployment == jiramock.DataCenter {
			s.jira = s.connect(jira.Options{Fields: mappedFields, Token: secret.New(token)})
		}
		one, err := s.jira.Ticket(t.Context(), key)
		s.must(err)
		all, err := s.changed(start)
		s.must(err)
		if len(one.History) != 230 || len(all.Tickets) != 1 {
			t.Fatalf("%s: %d edits, %d tickets, bad %v", deployment, len(one.History), len(all.Tickets), all.Bad)
		}
		if diff := cmp.Diff(one.History, all.Tickets[0].History); diff != "" {
			t.Errorf("%s: reading one and reading many differ: %s", deployment, diff)
		}
		first := ticket.Edit{
			At: start.Add(time.Second), By: ticket.AccountID(s.rita), Field: "summary", FieldID: "summary",
			FromText: "Access to payments", ToText: "version 0",
		}
		if diff := cmp.Diff(first, one.History[0]); diff != "" {
			t.Errorf("%s: oldest edit: %s", deployment, diff)
		}
	}
}

func TestAnEditOfAMappedFieldStandsUnderTheNameThatThePoliciesUse(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	s.jira = s.connect(jira.Options{Fields: []string{s.expires, "System"}})
	key := s.request()
	s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"Expires": "2027-12-31"}))
	got, err := s.jira.Ticket(t.Context(), key)
	s.must(err)
	if e := got.History[0]; e.Field != s.expires || e.FieldID != s.expires || e.FromText != "2026-12-31" {
		t.Errorf("edit %+v", e)
	}
	if _, known := got.Fields[s.expires]; !known {
		t.Errorf("fields %v", got.Fields)
	}
}

func TestChangedReadsEveryPageOfEveryProjectOnceEach(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment, MaxResults: 7})
		if deployment == jiramock.DataCenter {
			s.jira = s.connect(jira.Options{Fields: mappedFields, Token: secret.New(token)})
		}
		for range 20 {
			s.request()
		}
		s.task()
		got, err := s.jira.Changed(t.Context(), jira.Query{Projects: []string{"ACC", "OPS"}})
		s.must(err)
		if len(got.Tickets) != 21 || len(got.Bad) != 0 {
			t.Errorf("%s: %d tickets, bad %v", deployment, len(got.Tickets), got.Bad)
		}
	}
}

func TestChangedTakesOnlyWhatTheQueryDescribes(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	old := s.request()
	s.now = start.Add(time.Hour)
	leaver, err := s.CreateRequest("ACC", "Leaver", s.rita, nil)
	s.must(err)
	s.must(s.Transition(s.owner, leaver, "In progress"))
	s.must(s.Transition(s.owner, leaver, "Done"))
	for name, c := range map[string]struct {
		query jira.Query
		want  []ticket.Key
	}{
		"since":        {jira.Query{Since: start.Add(time.Minute)}, []ticket.Key{ticket.Key(leaver)}},
		"type":         {jira.Query{Types: []string{"Service Request"}}, []ticket.Key{old}},
		"request type": {jira.Query{RequestTypes: []string{"Leaver"}}, []ticket.Key{ticket.Key(leaver)}},
		"open":         {jira.Query{Open: true}, []ticket.Key{old}},
		"all":          {jira.Query{}, []ticket.Key{old, ticket.Key(leaver)}},
		"none":         {jira.Query{Since: start.Add(2 * time.Hour)}, nil},
	} {
		c.query.Projects = []string{"ACC"}
		got, err := s.jira.Changed(t.Context(), c.query)
		if err != nil || !cmp.Equal(keys(got), c.want) {
			t.Errorf("%s: %v, %v; want %v", name, keys(got), err, c.want)
		}
	}
}

func TestAnUnchangedSiteCostsAHandfulOfCalls(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	for range 150 {
		s.request()
	}
	_, err := s.changed(time.Time{})
	s.must(err)
	if full := len(s.Calls()); full > 6 {
		t.Errorf("%d calls for 150 tickets", full)
	}
	before := len(s.Calls())
	_, err = s.changed(start.Add(time.Hour))
	s.must(err)
	if idle := len(s.Calls()) - before; idle > 2 {
		t.Errorf("%d calls for nothing new", idle)
	}
}

func TestApprovalsAreReadWholeWithWhoAnsweredAndWhen(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.now = start.Add(time.Hour)
	s.must(s.Delegate(jiramock.Key(key), s.owner, s.deputy))
	s.must(s.Answer(s.deputy, jiramock.Key(key), "approve"))
	got, err := s.jira.Approvals(t.Context(), key)
	s.must(err)
	if len(got) != 1 {
		t.Fatalf("%d approvals", len(got))
	}
	a := got[0]
	if a.Decision != ticket.Approved || !a.Created.Equal(start) || !a.Completed.Equal(start.Add(time.Hour)) {
		t.Errorf("approval %+v", a)
	}
	var decisions []ticket.Decision
	for _, approver := range a.Approvers {
		decisions = append(decisions, approver.Decision)
	}
	if !cmp.Equal(decisions, []ticket.Decision{ticket.Pending, ticket.Approved}) || !a.Approvers[1].Person.Active {
		t.Errorf("approvers %+v", a.Approvers)
	}
}

func TestADraggedStatusLeavesTheApprovalPending(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.must(s.Transition(s.rita, jiramock.Key(key), "In progress"))
	got, err := s.jira.Approvals(t.Context(), key)
	s.must(err)
	if len(got) != 1 || got[0].Decision != ticket.Pending {
		t.Errorf("approvals %+v", got)
	}
}

func TestApprovalsOnEveryPageAreRead(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	w := jiramock.AccessWorkflow("Approvers")
	w.Transitions = append(w.Transitions, jiramock.Transition{ID: "51", Name: "Ask again", To: "Waiting for approval"})
	s.AddProject(jiramock.Project{
		Key: "LOOP", RequestTypes: []jiramock.RequestType{{Name: "Get access", IssueType: "Service Request"}}, Workflow: w,
	})
	key, err := s.CreateRequest("LOOP", "Get access", s.rita, map[string]any{"Approvers": []jiramock.AccountID{s.owner}})
	s.must(err)
	for range 60 {
		s.must(s.Answer(s.owner, key, "decline"))
		s.must(s.Transition(s.owner, key, "Waiting for approval"))
	}
	got, err := s.jira.Approvals(t.Context(), ticket.Key(key))
	s.must(err)
	if len(got) != 61 {
		t.Errorf("%d approvals, want 61", len(got))
	}
}

func TestATicketThatIsNoRequestHasNoApprovalsToRead(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	if _, err := s.jira.Approvals(t.Context(), s.task()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
}

func TestAnEditBetweenTheTwoReadsOfATicketMakesItReadAgain(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	key := s.request()
	s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"System": []string{"hr"}}))
	s.must(s.Corrupt(jiramock.Key(key), "updated", `"2026-11-01T00:00:00.000+0000"`)) // as it was when the fields were read
	before := s.Count("GET", "/changelog")
	_, err := s.jira.Ticket(t.Context(), key)
	s.must(err)
	if n := s.Count("GET", "/changelog") - before; n != 2 {
		t.Errorf("read %d times, want 2", n)
	}
}

func TestAMovedTicketIsFoundByItsOldKeyAndSaysItsNewOne(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	old := s.request()
	moved, err := s.Move(s.owner, jiramock.Key(old), "OPS")
	s.must(err)
	got, err := s.jira.Ticket(t.Context(), old)
	if err != nil || got.Key != ticket.Key(moved) || len(got.History) != 2 {
		t.Errorf("ticket %s, %d edits, %v", got.Key, len(got.History), err)
	}
}

func TestAPersonIsReadByTheirAccount(t *testing.T) {
	for _, kind := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: kind})
		p, err := s.jira.Person(t.Context(), ticket.AccountID(s.owner))
		if err != nil || p.Account != ticket.AccountID(s.owner) || p.Email != "olive@example.com" || !p.Active {
			t.Errorf("%s: %+v, %v", kind, p, err)
		}
		if _, err := s.jira.Person(t.Context(), "nobody"); !errors.Is(err, access.ErrNotFound) {
			t.Errorf("%s: somebody who does not exist: %v", kind, err)
		}
		if _, err := s.jira.Person(t.Context(), ""); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%s: nobody: %v", kind, err)
		}
	}
}

func TestLinkedTicketsAreRead(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	var keys []jiramock.Key
	for range 2 {
		key, err := s.CreateRequest("OPS", "Task", s.rita, map[string]any{"Summary": "x"})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if err := s.Relate(s.rita, keys[0], keys[1]); err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		got, err := s.jira.Ticket(t.Context(), ticket.Key(key))
		if err != nil || len(got.Links) != 1 || got.Links[0] != ticket.Key(keys[1-i]) {
			t.Errorf("%s: links %v, %v", key, got.Links, err)
		}
	}
}

func TestALinkThatCameWithATicketIsReadThoughItsHistoryDoesNotTell(t *testing.T) {
	s := newSite(t, jiramock.Config{})
	first, err := s.CreateRequest("OPS", "Task", s.rita, map[string]any{"Summary": "x"})
	s.must(err)
	second, err := s.CreateRequest("OPS", "Task", s.rita, map[string]any{"Summary": "y", "Linked issues": []jiramock.Key{first}})
	s.must(err)
	old, err := s.jira.Ticket(t.Context(), ticket.Key(first))
	s.must(err)
	if len(old.Links) != 1 || len(old.History) != 1 || old.History[0].To != string(second) {
		t.Errorf("the ticket that was there shows links %v and history %+v", old.Links, old.History)
	}
	fresh, err := s.jira.Ticket(t.Context(), ticket.Key(second))
	s.must(err)
	if len(fresh.Links) != 1 || fresh.Links[0] != ticket.Key(first) || len(fresh.History) != 0 {
		t.Errorf("the new ticket shows links %v and history %+v", fresh.Links, fresh.History)
	}
}

func TestACommentTellsWhoChangedItAndWhen(t *testing.T) {
	for _, kind := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: kind})
		key, err := s.CreateRequest("OPS", "Task", s.rita, map[string]any{"Summary": "x"})
		s.must(err)
		s.must(s.Comment(s.rita, key, jiramock.NewComment{Body: "first"}))
		s.must(s.Comment(s.rita, key, jiramock.NewComment{Body: "second"}))
		s.must(s.Comment(s.rita, key, jiramock.NewComment{Body: "third"}))
		s.must(s.Rewrite(s.owner, key, "third", "within the same instant"))
		s.now = s.now.Add(time.Minute)
		s.must(s.Rewrite(s.owner, key, "second", "other"))
		all, err := s.jira.Comments(t.Context(), ticket.Key(key))
		s.must(err)
		if first := all[0]; !first.Edited.IsZero() || first.Editor != "" {
			t.Errorf("%s: nobody changed %+v", kind, first)
		}
		if third := all[2]; !third.Edited.Equal(third.Created) || third.Editor != ticket.AccountID(s.owner) {
			t.Errorf("%s: changed at once: %+v", kind, third)
		}
		if second := all[1]; second.Body != "other" || second.Author != ticket.AccountID(s.rita) || second.Editor != ticket.AccountID(s.owner) || second.Edited.Sub(second.Created) != time.Minute {
			t.Errorf("%s: changed by the owner: %+v", kind, second)
		}
	}
}

func TestARatingIsFoundByTheTypeOfItsFieldWhateverItIsCalled(t *testing.T) {
	for _, deployment := range []jiramock.Deployment{jiramock.Cloud, jiramock.DataCenter} {
		s := newSite(t, jiramock.Config{Deployment: deployment})
		s.AddField("Zufriedenheit", jiramock.Feedback)
		s.AddField("Zufriedenheit am", jiramock.FeedbackDate)
		if deployment == jiramock.DataCenter {
			s.jira = s.connect(jira.Options{Fields: mappedFields, Token: secret.New(token)})
		}
		key, at := s.request(), start.Add(time.Hour)
		none, err := s.jira.Ticket(t.Context(), key)
		s.must(err)
		s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"Zufriedenheit": 4, "Zufriedenheit am": at}))
		got, err := s.jira.Ticket(t.Context(), key)
		s.must(err)
		if none.Rating != 0 || got.Rating != 4 || !got.Rated.Equal(at) {
			t.Errorf("%s: %d, then %d at %v", deployment, none.Rating, got.Rating, got.Rated)
		}
		s.must(s.Edit(s.rita, jiramock.Key(key), map[string]any{"Zufriedenheit": 17}))
		if got, err := s.jira.Ticket(t.Context(), key); err != nil || got.Rating != 0 {
			t.Errorf("%s: a rating that is none: %d, %v", deployment, got.Rating, err)
		}
	}
}
