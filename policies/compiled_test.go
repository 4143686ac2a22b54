package policies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/internal/watch"
	"github.com/maisonrmi/sopd/policies"
)

// loaded is the world after an edit of one of its files, which has to be sound.
func loaded(t *testing.T, file, old, new string) *policies.Set {
	t.Helper()
	files := world(t)
	if !strings.Contains(files[file], old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	files[file] = strings.Replace(files[file], old, new, 1)
	set, err := policies.Load(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestASetReadsTheProjectsFieldsAndGroupsOfAllItsPolicies(t *testing.T) {
	files := world(t)
	files["vendor.yaml"] = strings.Replace(files["vendor.yaml"], "users: [00uOwner1]", "groups: [00gBuyers]", 1)
	files["review.yaml"] = strings.Replace(files["review.yaml"], "project: OPS", "project: REV", 1)
	files["review.yaml"] = strings.Replace(files["review.yaml"], "{users: [00uOwner1]}", "{groups: [00gAuditors]}", 1)
	files["reports.yaml"] = strings.Replace(files["reports.yaml"], "project: OPS", "project: REP", 1)
	files["catalog.yaml"] = strings.Replace(files["catalog.yaml"], "users: [00uOwner1]", "groups: [00gOwners]", 1)
	set, err := policies.Load(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ACC", "HR", "OPS", "REP", "REV", "SIR", "VND"}, set.Projects()); diff != "" {
		t.Errorf("projects: %s", diff)
	}
	fields := []string{
		"Access for", "Access until", "Alert", "Due date", "Leaver", "Old role", "Old system", "Paper", "Policy updates", "Role", "Root cause",
		"System", "Urgent", "Why",
	}
	if diff := cmp.Diff(fields, set.Fields()); diff != "" {
		t.Errorf("fields: %s", diff)
	}
	groups := []access.GroupID{"00g1examplesecops", "00gAuditors", "00gBuyers", "00gHR", "00gNight", "00gOwners", "00gSecops"}
	if diff := cmp.Diff(groups, set.Eligible()); diff != "" {
		t.Errorf("eligible groups: %s", diff)
	}
}

func TestFieldsThatAnIncidentPolicyLeavesOutAreNotRead(t *testing.T) {
	set := loaded(t, "incident-response.yaml", "  due: Due date\n", "")
	for _, name := range set.Fields() {
		if name == "" || name == "Due date" {
			t.Errorf("field %q is read", name)
		}
	}
}

func TestATicketOfNoProcedureHasNone(t *testing.T) {
	set, err := policies.Load(folder(sound()))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []ticket.Ticket{{}, {Project: "ACC", RequestType: "Complaint"}, {Project: "HR", RequestType: "Access request"}} {
		if sop, has := set.SOP(x); has {
			t.Errorf("%+v belongs to %s", x, sop.Name)
		}
	}
	if sop, has := set.Kind(policies.KindDeprovisioning); has || sop.Name != "" {
		t.Errorf("leavers are looked after by %q", sop.Name)
	}
	if clock, has := set.Cadence(); has {
		t.Errorf("without incidents somebody is told every %v", clock.Targets)
	}
}

func TestApprovalsAreReadWhileATicketOfAProcedureIsOpenAndAWhileAfter(t *testing.T) {
	set := loaded(t, "incident-response.yaml", "backfill: 90d", "backfill: 30d")
	if got := set.Backfill(); got != 30*24*time.Hour {
		t.Errorf("the clocks are filled from %v back, want the longest of all procedures", got)
	}
	short, err := policies.Load(folder(map[string]string{
		"catalog.yaml": catalogText, "vendor.yaml": head("Procedure", "vendors") + vendorText,
		"plain.yaml": head("Procedure", "plain") + "tickets: {projects: [PLN]}\n",
	}))
	if err != nil || short.Backfill() != 0 {
		t.Fatal(short.Backfill(), err)
	}
	const day = 24 * time.Hour
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		set     *policies.Set
		project string
		done    bool
		age     time.Duration
		want    bool
	}{
		{"open for years", set, "VND", false, 900 * day, true},
		{"done as long ago as the clocks are filled", set, "VND", true, 30 * day, true},
		{"done before that", set, "VND", true, 30*day + time.Second, false},
		{"done a week ago, where no clock is filled", short, "VND", true, 7 * day, true},
		{"done longer ago, where no clock is filled", short, "VND", true, 7*day + time.Second, false},
		{"of a procedure without approvals", short, "PLN", false, 0, false},
		{"of no procedure", short, "XYZ", false, 0, false},
	} {
		if got := c.set.Approved(ticket.Ticket{Project: c.project, Done: c.done, Updated: now.Add(-c.age)}, now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestAConditionSeesTheProfilesTheRoleAndTheTime(t *testing.T) {
	facts := authority.Facts{
		Role: "Operator", Duration: 2 * time.Hour,
		Beneficiary: access.User{Status: access.Active, Profile: map[string]string{"department": "Sales"}},
		Requester:   access.User{Status: access.Suspended, Profile: map[string]string{"department": "Legal"}},
	}
	facts.System.ID, facts.System.Name = "payments", "Payments"
	for expression, want := range map[string]bool{
		`beneficiary.department == "Sales"`: true, `beneficiary.department == requester.department`: false,
		`beneficiary.status == "ACTIVE" && requester.status == "SUSPENDED"`: true,
		`role == "Operator" && system.id == "payments"`:                     true, `system.name == "payments"`: false,
		`duration > duration("1h")`: true, `duration > duration("2h")`: false,
	} {
		set := loaded(t, "access.yaml", `system.risk == "high"`, expression)
		sop, _ := set.Kind(policies.KindAccessProvisioning)
		if got, err := sop.Rules.Approvals[1].When(facts); err != nil || got != want {
			t.Errorf("%s: %v, %v", expression, got, err)
		}
	}
}

func TestAConditionThatCannotBeAnsweredIsAnErrorAndNoNo(t *testing.T) {
	set := loaded(t, "access.yaml", `system.risk == "high"`, `beneficiary.department == "Sales"`)
	sop, _ := set.Kind(policies.KindAccessProvisioning)
	if holds, err := sop.Rules.Approvals[1].When(authority.Facts{}); holds || err == nil || !strings.Contains(err.Error(), "beneficiary.department") || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("of a request: %v, %v", holds, err)
	}
	set = loaded(t, "watch.yaml", `actor.type == "User" && !failed`, `actor.department == "Sales"`)
	if holds, err := set.Watches[0].When(watch.Signal{}); holds || err == nil || !strings.Contains(err.Error(), "actor.department") || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("of a signal: %v, %v", holds, err)
	}
	set = loaded(t, "incident-response.yaml", `priority == "P1"`, `details["system"] == "payments"`)
	severity, reason := set.Incident.Engine.Tree.Judge(incident.View{})
	if severity != incident.Medium || !strings.Contains(reason, "not to be answered: it was paged as P1") {
		t.Errorf("of an incident: %s (%s)", severity, reason)
	}
	if severity, _ := set.Incident.Engine.Tree.Judge(incident.View{Details: map[string]string{"system": "payments"}}); severity != incident.Critical {
		t.Errorf("of an incident with the detail: %s", severity)
	}
}

func TestAWatchRuleSeesWhoDidItAndWhomItIsAbout(t *testing.T) {
	signal := watch.Signal{
		Type: "user.mfa.reset", Reason: "LOCKED", Actor: access.Actor{ID: "00uActor", Type: "User"},
		User:  access.User{Status: access.Active, Profile: map[string]string{"department": "IT", "type": "contractor"}},
		Users: []access.UserID{"00uOwner1"}, Groups: []access.GroupID{"00gPay1"},
	}
	for expression, want := range map[string]bool{
		`"00uOwner1" in users && "00gPay1" in groups`: true, `"00gPay1" in users`: false,
		`actor.department == "IT" && actor.status == "ACTIVE" && actor.id == "00uActor"`: true,
		`actor.type == "contractor"`:                                false, // what the profile calls so does not stand for what Okta says
		`type == "user.mfa.reset" && reason == "LOCKED" && !failed`: true,
	} {
		set := loaded(t, "watch.yaml", `actor.type == "User" && !failed`, "'"+expression+"'")
		if got, err := set.Watches[0].When(signal); err != nil || got != want {
			t.Errorf("%s: %v, %v", expression, got, err)
		}
	}
}

func TestALeaversAccountIsKeptSuspendedOrDeactivatedAsThePolicySays(t *testing.T) {
	for text, want := range map[string][2]bool{
		"": {false, false}, "account: keep\n": {false, false}, "account: suspend\n": {true, false}, "suspend: true\n": {true, false},
		"account: suspend\nsuspend: true\n": {true, false}, "account: deactivate\n": {false, true},
	} {
		set := loaded(t, "leaver.yaml", "mode: observe\n", "mode: observe\n"+text)
		sop, _ := set.Kind(policies.KindDeprovisioning)
		if got := [2]bool{sop.Suspend, sop.Deactivate}; got != want {
			t.Errorf("%q: suspended, deactivated: %v", text, got)
		}
	}
}

func TestAnIncidentPolicyWithoutPlaybooksNeedsNobodyToConfirmThem(t *testing.T) {
	files := world(t)
	before, after, _ := strings.Cut(files["incident-response.yaml"], "containment:\n")
	_, after, _ = strings.Cut(after, "review:\n")
	files["incident-response.yaml"] = before + "review:\n" + after
	files["incident-response.yaml"] = strings.Replace(files["incident-response.yaml"], "  remind: 10m\n", "  remind: ''\n", 1)
	set, err := policies.Load(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	c := set.Incident.Containment
	if len(c.Playbooks) > 0 || !c.Authorised.Empty() || c.Within != time.Hour || set.Incident.Remind != 0 {
		t.Errorf("containment %+v, reminder %v", c, set.Incident.Remind)
	}
}
