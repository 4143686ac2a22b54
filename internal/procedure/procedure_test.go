package procedure_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/procedure"
	"github.com/maisonrmi/sopd/internal/ticket"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

func hour(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

// vendors is a procedure with one of everything.
func vendors() procedure.Procedure {
	return procedure.Procedure{
		Name: "vendors", Policy: "vendors@1.0.0", Gate: []string{"Done"},
		Match:    procedure.Match{Projects: []string{"VND"}, Types: []string{"Onboarding"}},
		Severity: procedure.Severity{Field: "Risk", Map: map[string]string{"Very high": "high"}},
		Facts: []procedure.Trigger{
			{Fact: "v.asked", Created: procedure.On}, {Fact: "v.begun", Status: []string{"In progress"}}, {Fact: "v.registered", Field: "Register"},
			{Fact: "v.starts", Date: "Start"}, {Fact: "v.accepted", Approval: "owner"}, {Fact: "v.linked", Link: "SEC"},
			{Fact: "v.complete", Complete: procedure.On},
		},
		Artefacts: []procedure.Artefact{
			{Name: "register", Field: "Register"}, {Name: "questionnaire", Attachment: "*questionnaire*"}, {Name: "review", Link: "SEC"},
			{Name: "acceptance", Approval: "owner"}, {Name: "test", Field: "Test", Severities: []string{"high"}},
		},
		Approvals: []authority.Approval{{Role: "owner", People: catalog.People{Users: []access.UserID{"uOwner"}}}},
		Limits:    []procedure.Limit{{Name: "recovery", Field: "Took", Unit: time.Hour, Most: 4 * time.Hour}},
	}
}

func everybody() *people.Directory {
	var users []access.User
	for _, id := range []access.UserID{"uOwner", "uAsker"} {
		users = append(users, access.User{ID: id, Status: access.Active, Profile: map[string]string{"jira": "a" + string(id)}})
	}
	return people.New(people.Strategy{Attribute: "jira"}, users, nil)
}

func person(id string) ticket.Person {
	return ticket.Person{Account: ticket.AccountID("a" + id), Active: true}
}

func text(s string) ticket.Value { return ticket.Value{Texts: []string{s}} }

// onboarding is a ticket with everything.
func onboarding() (ticket.Ticket, []ticket.Approval) {
	t := ticket.Ticket{
		Key: "VND-1", Project: "VND", Type: "Onboarding", Status: "Done", Reporter: person("uAsker"), Created: start, Updated: hour(9),
		Fields: map[string]ticket.Value{"Register": text("V-1"), "Risk": text("Very high"), "Test": text("passed"), "Start": {Time: hour(48)}, "Took": text("3.5")},
		Files:  []ticket.File{{Name: "logo.png", Added: start}, {Name: "Vendor-QUESTIONNAIRE.pdf", Added: hour(2)}},
		History: []ticket.Edit{
			{At: hour(1), Field: "status", FromText: "Open", ToText: "In progress"},
			{At: hour(3), Field: "Link", To: "SEC-7", ToText: "This issue relates to SEC-7"},
			{At: hour(4), Field: "Register", ToText: "V-1"},
			{At: hour(6), Field: "Risk", FromText: "Standard", ToText: "Very high"},
			{At: hour(7), Field: "status", FromText: "In progress", ToText: "Done"},
		},
	}
	return t, []ticket.Approval{{
		ID: "1", Decision: ticket.Approved, Created: hour(4), Completed: hour(5),
		Approvers: []ticket.Approver{{Person: person("uOwner"), Decision: ticket.Approved}},
	}}
}

func read(t ticket.Ticket, a []ticket.Approval) procedure.Reading {
	return vendors().Read(t, a, procedure.World{People: everybody(), Now: hour(9)})
}

// times returns the instants of the facts by name, in hours after the start.
func times(facts []kpi.Fact) map[string][]int {
	out := map[string][]int{}
	for _, f := range facts {
		out[f.Name] = append(out[f.Name], int(f.At.Sub(start)/time.Hour))
	}
	return out
}

func TestATicketGivesEveryFactAtItsTime(t *testing.T) {
	r := read(onboarding())
	want := map[string][]int{
		"v.asked": {0}, "v.begun": {1}, "v.registered": {4}, "v.starts": {48}, "v.accepted": {5}, "v.linked": {3}, "v.complete": {5}, "severity": {0, 6},
	}
	if diff := cmp.Diff(want, times(r.Facts)); diff != "" {
		t.Error(diff)
	}
	if !r.Gated || !r.Complete() || r.Severity != "high" {
		t.Errorf("gated %v, missing %v, broken %v, severity %s", r.Gated, r.Missing, r.Broken, r.Severity)
	}
}

func TestEachMissingArtefactIsNamed(t *testing.T) {
	for name, spoil := range map[string]func(*ticket.Ticket, *[]ticket.Approval){
		"register":      func(t *ticket.Ticket, _ *[]ticket.Approval) { delete(t.Fields, "Register") },
		"questionnaire": func(t *ticket.Ticket, _ *[]ticket.Approval) { t.Files[1].Name = "dpa.pdf" },
		"review":        func(t *ticket.Ticket, _ *[]ticket.Approval) { t.History[1].To = "OPS-7" },
		"acceptance":    func(_ *ticket.Ticket, a *[]ticket.Approval) { (*a)[0].Approvers[0].Person = person("uAsker") },
		"test":          func(t *ticket.Ticket, _ *[]ticket.Approval) { delete(t.Fields, "Test") },
	} {
		x, a := onboarding()
		spoil(&x, &a)
		r := read(x, a)
		if diff := cmp.Diff([]string{name}, r.Missing); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(times(r.Facts)["v.complete"]) != 0 {
			t.Errorf("%s: the ticket counts as complete", name)
		}
	}
}

func TestAnArtefactOfAnotherSeverityIsNotAskedFor(t *testing.T) {
	x, a := onboarding()
	x.Fields["Risk"] = text("Standard")
	delete(x.Fields, "Test")
	if r := read(x, a); len(r.Missing) != 0 {
		t.Errorf("missing %v", r.Missing)
	}
}

func TestALinkThatWasTakenAwayIsMissing(t *testing.T) {
	x, a := onboarding()
	x.History = append(x.History, ticket.Edit{At: hour(8), Field: "Link", From: "SEC-7", FromText: "This issue relates to SEC-7"})
	if diff := cmp.Diff([]string{"review"}, read(x, a).Missing); diff != "" {
		t.Error(diff)
	}
}

func TestALinkThatNoHistoryTellsOfCameWithTheTicket(t *testing.T) {
	for name, c := range map[string]struct {
		links   []ticket.Key
		history []ticket.Edit
		want    []int
	}{
		"it came with the ticket":                   {[]ticket.Key{"SEC-7"}, nil, []int{0}},
		"one came with the ticket, another later":   {[]ticket.Key{"SEC-7", "SEC-8"}, []ticket.Edit{{At: hour(3), Field: "Link", To: "SEC-8"}}, []int{0}},
		"it is with another project":                {[]ticket.Key{"OPS-7"}, nil, nil},
		"it was taken away and made again":          {[]ticket.Key{"SEC-7"}, []ticket.Edit{{At: hour(2), Field: "Link", From: "SEC-7"}, {At: hour(5), Field: "Link", To: "SEC-7"}}, []int{5}},
		"the linked ticket has moved since":         {[]ticket.Key{"SEC-9"}, []ticket.Edit{{At: hour(4), Field: "Link", To: "OPS-2"}}, []int{4}},
		"only the history may be seen":              {nil, []ticket.Edit{{At: hour(3), Field: "Link", To: "SEC-7"}}, []int{3}},
		"it came with the ticket and is gone again": {nil, []ticket.Edit{{At: hour(3), Field: "Link", From: "SEC-7"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			x, a := onboarding()
			x.Links = c.links
			x.History = append(slices.Delete(slices.Clone(x.History), 1, 2), c.history...)
			if diff := cmp.Diff(c.want, times(read(x, a).Facts)["v.linked"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFieldThatWasEmptiedAndFilledCountsFromTheLastTime(t *testing.T) {
	x, a := onboarding()
	x.History = append(x.History, ticket.Edit{At: hour(7), Field: "Register", FromText: "V-1"}, ticket.Edit{At: hour(8), Field: "Register", ToText: "V-1"})
	if diff := cmp.Diff([]int{8}, times(read(x, a).Facts)["v.registered"]); diff != "" {
		t.Error(diff)
	}
}

func TestAStatusIsEnteredAnewEachTime(t *testing.T) {
	x, a := onboarding()
	x.History = append(x.History, ticket.Edit{At: hour(8), Field: "status", FromText: "Done", ToText: "In progress"})
	r := read(x, a)
	if diff := cmp.Diff([]int{1, 8}, times(r.Facts)["v.begun"]); diff != "" {
		t.Error(diff)
	}
	ids := map[string]bool{}
	for _, f := range r.Facts {
		if ids[f.ID] {
			t.Errorf("two facts with the ID %s", f.ID)
		}
		ids[f.ID] = true
	}
}

func TestAResultIsHeldAgainstItsLimit(t *testing.T) {
	for took, broken := range map[string]bool{"3.5": false, "4": false, "4.01": true, "3h30m": false, "5h": true, "long": true, "-1": true, "": false} {
		x, a := onboarding()
		x.Fields["Took"] = text(took)
		if took == "" {
			delete(x.Fields, "Took")
		}
		if r := read(x, a); len(r.Broken) > 0 != broken {
			t.Errorf("%q: %v", took, r.Broken)
		}
	}
}

func TestReadingAgainRecordsNothingNew(t *testing.T) {
	facts := read(onboarding()).Facts
	first := procedure.Reconcile(nil, facts, hour(9), ours)
	if len(first) != len(facts) {
		t.Fatalf("%d of %d facts are recorded", len(first), len(facts))
	}
	if again := procedure.Reconcile(first, facts, hour(10), ours); len(again) != 0 {
		t.Errorf("again: %+v", again)
	}
}

func ours(string) bool { return true }

// effective returns what a clock takes the stored facts for: by ID of the story, the name and time that count.
func effective(stored []kpi.Fact) map[string]string {
	out := map[string]string{}
	for _, f := range stored {
		root := f.ID
		if f.Corrects != "" {
			root = f.Corrects
		}
		if f.Name == "" {
			delete(out, root)
			continue
		}
		out[root] = f.Name + f.At.String() + f.Severity
	}
	return out
}

func TestWhateverATicketSaysLaterTheRecordedFactsFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stored []kpi.Fact
		for turn := range rapid.IntRange(1, 6).Draw(t, "turns") {
			var wanted []kpi.Fact
			for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, "names") {
				wanted = append(wanted, kpi.Fact{ID: "T/" + name, Subject: "T", Name: name, At: hour(rapid.IntRange(0, 3).Draw(t, "at"))})
			}
			stored = append(stored, procedure.Reconcile(stored, wanted, hour(100+turn), ours)...)
			if diff := cmp.Diff(effective(wanted), effective(stored)); diff != "" {
				t.Fatalf("turn %d: %s", turn, diff)
			}
			if again := procedure.Reconcile(stored, wanted, hour(200), ours); len(again) != 0 {
				t.Fatalf("turn %d: again %+v", turn, again)
			}
		}
	})
}

func TestFactsOfOthersAreLeftAlone(t *testing.T) {
	stored := []kpi.Fact{{ID: "T/else", Subject: "T", Name: "else", At: start}}
	if out := procedure.Reconcile(stored, nil, hour(1), func(name string) bool { return name != "else" }); len(out) != 0 {
		t.Errorf("%+v", out)
	}
}

func TestATicketOfAnotherTypeIsNotTheProcedures(t *testing.T) {
	x, _ := onboarding()
	x.Type = "Task"
	if vendors().Match.Ticket(x) {
		t.Error("it matches")
	}
}
