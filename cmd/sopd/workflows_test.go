package main

import (
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/connectors/jira"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/policies"
)

func TestCheckWarnsOfEveryWayThatPassesAnApprovalBy(t *testing.T) {
	p := policies.SOP{Tickets: policies.Tickets{Waiting: []string{"Waiting", "Review"}, Fulfil: []string{"Approved"}}}
	for _, c := range []struct {
		name string
		way  jira.Way
		want string // empty: no warning
	}{
		{"from any status", jira.Way{To: "Approved"}, "from every status"},
		{"on creation", jira.Way{To: "Approved", Initial: true}, "tickets are created there"},
		{"from another status", jira.Way{From: []string{"Declined"}, To: "Approved"}, `it leaves "Declined", where nobody is asked`},
		{"from another status and a waiting one", jira.Way{From: []string{"Waiting", "Declined"}, To: "Approved"}, `"Declined"`},
		{"by hand, while the approval is pending", jira.Way{From: []string{"Waiting"}, To: "Approved"}, `from "Waiting" while the approval is pending`},
		{"by the approval", jira.Way{From: []string{"Waiting"}, To: "Approved", Decision: true}, ""},
		{"to somewhere else", jira.Way{To: "Closed"}, ""},
		{"by a transition that counts", jira.Way{From: []string{"Review"}, To: "Approved"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.Rules.Transitions = []authority.Transition{{From: "Review", To: "Approved"}}
			got := passes(p, c.way)
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

func TestCheckReadsTheWorkflowsAndSaysWhatItCannotSee(t *testing.T) {
	s := newSite(t)
	code, out, errs := s.sopd(t, "check")
	if code != exitDone {
		t.Fatalf("check: %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		`warning  policy access-without-desk: a transition counts as an approval, by whoever may approve and takes it: Waiting for approval > Approved`,
		`warning  Jira: in ACC the transition "Approve by hand" of workflow "Access with validation" into "Approved" passes the approval by`,
		`ok       Jira: the workflows of WKS lead to "Approved" only by an approval`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check says:\n%s\nwant: %s", out, want)
		}
	}
	for _, never := range []string{
		`workflow "Emergency, reviewed afterwards"`, // nobody approves an emergency
		`lead to  only`, // a procedure without a status that says so
	} {
		if strings.Contains(out, never) {
			t.Errorf("check says:\n%s\nwant nothing of: %s", out, never)
		}
	}
	bot := s.world.Person("sopd").Account
	if err := s.world.Jira.Deny(bot, "ACC", "ADMINISTER_PROJECTS", "VIEW_READONLY_WORKFLOW"); err != nil {
		t.Fatal(err)
	}
	code, out, _ = s.sopd(t, "check")
	if want := `warning  Jira: the workflows of ACC cannot be read`; code != exitDone || !strings.Contains(out, want) ||
		!strings.Contains(out, `View (read-only) workflow, or look by hand at every transition into "Approved"`) {
		t.Errorf("check: %d\n%s\nwant: %s", code, out, want)
	}
	if strings.Contains(out, `in ACC the transition "Approve by hand"`) {
		t.Error("a transition that may be the approval's own is called a way past it")
	}
}
