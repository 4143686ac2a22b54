package policies_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// headText begins a procedure of the kind.
func headText(kind, name string) string {
	return `apiVersion: sopd/v1
kind: ` + kind + `
name: ` + name + `
title: ` + name + `
version: 1.0.0
effective: 2026-01-01
owner: Head of IT
reviewer: Head of Security
nextReview: 2027-01-01
raci: {responsible: A, accountable: B, consulted: C, informed: D}
controls: [X]
`
}

// lifeFolder is a sound folder with the procedures of the life of access.
func lifeFolder() map[string]string {
	files := sound()
	files["access.yaml"] = strings.Replace(files["access.yaml"], "longestGrant: 365d\n", "longestGrant: 365d\nexpiryWarnings: [1d, 7d]\n", 1)
	files["guards.yaml"] += "undo: 3d\n"
	files["role.yaml"] = headText("RoleChange", "role-change") + `tickets:
  projects: [ACC]
  requestTypes: [Role change]
  statuses: {waiting: [Waiting], fulfil: [Approved], close: Closed}
  fields: {beneficiary: Access for, system: System, role: Role, oldSystem: Old system, oldRole: Old role}
overlap: forbidden
approvals:
  - {role: system-owner, owners: true}
`
	files["glass.yaml"] = headText("BreakGlass", "break-glass") + `tickets:
  projects: [ACC]
  requestTypes: [Emergency]
  statuses: {fulfil: [In use], review: Review, close: Closed}
  fields: {system: System, role: Role, justification: Why}
people: {users: [00uNight], groups: [00gNight]}
onCall: [a1-b2]
roles: [{system: payments, role: Operator}]
maximum: 4h
approvals:
  - {role: security, groups: [00gSecops]}
`
	files["birth.yaml"] = headText("Birthright", "birthright") + `grace: 7d
rules:
  - name: sales
    when: user.department == "Sales" && has(user.title) || user["costCenter"] == "12"
    roles: [{system: payments, role: Operator}]
`
	files["revoke.yaml"] = headText("Revocation", "revocation") + `tickets:
  projects: [ACC]
  requestTypes: [Revocation]
  statuses: {fulfil: [Approved], close: Closed}
  fields: {beneficiary: Access for, system: System}
urgent: {priorities: [Highest], field: Urgent, values: ["Yes"]}
approvals:
  - {role: system-owner, owners: true}
`
	return files
}

func TestTheProceduresOfTheLifeOfAccessCompile(t *testing.T) {
	set, err := policies.Load(folder(lifeFolder()))
	if err != nil {
		t.Fatal(err)
	}
	accessSOP, _ := set.Kind(policies.KindAccessProvisioning)
	if diff := cmp.Diff([]time.Duration{7 * 24 * time.Hour, 24 * time.Hour}, accessSOP.ExpiryWarnings); diff != "" {
		t.Errorf("warnings, the longest first: %s", diff)
	}
	role, _ := set.Kind(policies.KindRoleChange)
	if role.Replaces != policies.ReplacesNamed || !role.ForbidOverlap || role.Rules.Fields.OldRole != "Old role" {
		t.Errorf("role change: %+v", role)
	}
	glass, _ := set.Kind(policies.KindBreakGlass)
	b := glass.BreakGlass
	if b.Maximum != 4*time.Hour || b.Review != 24*time.Hour || !b.Allows("payments", "Operator") || b.Allows("payments", "Admin") ||
		!cmp.Equal(b.Schedules, []paging.ScheduleID{"a1-b2"}) || glass.Tickets.Review != "Review" {
		t.Errorf("break-glass: %+v", b)
	}
	if set.Undo != 3*24*time.Hour {
		t.Errorf("undo: %v", set.Undo)
	}
	if diff := cmp.Diff([]access.GroupID{"00gNight", "00gSecops"}, set.Eligible()); diff != "" {
		t.Errorf("eligible: %s", diff)
	}
	if diff := cmp.Diff([]string{"Access for", "Access until", "Old role", "Old system", "Role", "System", "Urgent", "Why"}, set.Fields()); diff != "" {
		t.Errorf("fields: %s", diff)
	}
}

func TestAnUndoneRemovalStaysAWeekWherePoliciesSayNothing(t *testing.T) {
	set, err := policies.Load(folder(sound()))
	if err != nil || set.Undo != 7*24*time.Hour {
		t.Errorf("undo: %v, %v", set.Undo, err)
	}
}

func TestABirthrightRuleNamesTheAttributesThatItLooksAt(t *testing.T) {
	set, err := policies.Load(folder(lifeFolder()))
	if err != nil {
		t.Fatal(err)
	}
	p := set.Birthrights[0]
	rule := p.Rules[0]
	if diff := cmp.Diff([]string{"costCenter", "department", "title"}, rule.Attributes); diff != "" || p.ID != "birthright@1.0.0" || p.Grace != 7*24*time.Hour || p.Digest == "" {
		t.Errorf("policy %+v: %s", p, diff)
	}
	for want, profiles := range map[birthright.Verdict][]map[string]string{
		birthright.Matches: {
			{"department": "Sales", "title": "Manager", "costCenter": "1"}, {"department": "Sales", "title": "Manager"}, {"department": "Legal", "costCenter": "12"},
		},
		birthright.Differs: {{"department": "Legal", "title": "Counsel", "costCenter": "1"}},
		birthright.Unknown: {
			{}, {"department": "Sales"}, {"department": "Legal", "title": "Counsel"}, {"department": "", "title": "Counsel", "costCenter": "1"},
			{"department": "Sales", "title": "", "costCenter": "1"},
		},
	} {
		for _, profile := range profiles {
			if got := rule.Judge(access.User{Profile: profile}); got != want {
				t.Errorf("%v: %s, want %s", profile, got, want)
			}
		}
	}
}

func TestUrgencyIsReadFromThePriorityOrTheField(t *testing.T) {
	set, err := policies.Load(folder(lifeFolder()))
	if err != nil {
		t.Fatal(err)
	}
	sop, _ := set.Kind(policies.KindRevocation)
	field := func(v string) map[string]ticket.Value { return map[string]ticket.Value{"Urgent": {Texts: []string{v}}} }
	for _, c := range []struct {
		t    ticket.Ticket
		want bool
	}{
		{ticket.Ticket{Priority: "Highest"}, true}, {ticket.Ticket{Priority: "High"}, false}, {ticket.Ticket{}, false},
		{ticket.Ticket{Fields: field("Yes")}, true}, {ticket.Ticket{Fields: field("No")}, false},
	} {
		if got := sop.Urgent.Marks(c.t); got != c.want {
			t.Errorf("%+v: %v", c.t, got)
		}
	}
}

func TestEveryProblemOfTheLifeOfAccessIsTold(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"a warning that is no time", "access.yaml", "[1d, 7d]", "[soon]", "write different times before the end"},
		{"a warning twice", "access.yaml", "[1d, 7d]", "[1d, 24h]", "write different times before the end"},
		{"a time for undo that is none", "guards.yaml", "undo: 3d", "undo: 3w", `is "3w"; write a whole number and a unit`},
		{"a replacement that is unknown", "role.yaml", "overlap: forbidden", "replaces: everything", "write one of: named, all-grants"},
		{"an overlap that is unknown", "role.yaml", "overlap: forbidden", "overlap: maybe", "write one of: allowed, forbidden"},
		{"a role change without the old system", "role.yaml", "oldSystem: Old system, ", "", "oldSystem is missing"},
		{"an unknown field of a role change", "role.yaml", "overlap:", "overlaps:", "unknown field"},
		{"an emergency for others", "glass.yaml", "{system: System, role", "{beneficiary: Access for, system: System, role", "leave it out"},
		{"an emergency without an end", "glass.yaml", "maximum: 4h\n", "", "maximum is missing"},
		{"an end that is no time", "glass.yaml", "maximum: 4h", "maximum: 9999999h", "write a whole number and a unit"},
		{"an emergency for nobody", "glass.yaml", "people: {users: [00uNight], groups: [00gNight]}\nonCall: [a1-b2]\n", "", "nobody may break the glass"},
		{"an emergency for nothing", "glass.yaml", "roles: [{system: payments, role: Operator}]\n", "", "names no role"},
		{"an emergency without a review", "glass.yaml", "review: Review, ", "", "review is missing"},
		{"an unknown system", "glass.yaml", "system: payments", "system: Payments", `system "Payments" is not in the catalog; write its id`},
		{"an unknown role", "glass.yaml", "role: Operator", "role: Boss", `has no role "Boss"`},
		{"an unknown field of an emergency", "glass.yaml", "maximum:", "maximun:", "unknown field"},
		{"a birthright without grace", "birth.yaml", "grace: 7d\n", "", "grace is missing"},
		{"a birthright with tickets", "birth.yaml", "grace: 7d\n", "grace: 7d\ntickets: {projects: [ACC]}\n", "leave tickets out"},
		{"a birthright without rules", "birth.yaml", "rules:", "rules: []\nx:", "unknown field"},
		{"a rule without a good name", "birth.yaml", "name: sales", "name: Sales Team", "write small letters"},
		{"a rule that looks at nothing", "birth.yaml", `user.department == "Sales" && has(user.title) || user["costCenter"] == "12"`, "true", "name the attributes"},
		{"a rule that looks at who knows what", "birth.yaml", `user["costCenter"] == "12"`, `user.exists(k, user[k] == "12")`, "name the attributes"},
		{"a rule that is no yes or no", "birth.yaml", `user.department == "Sales" && has(user.title) || user["costCenter"] == "12"`, "user.department", "true or false"},
		{"a rule that does not parse", "birth.yaml", `user["costCenter"] == "12"`, `user["costCenter"] ==`, "Syntax error"},
		{"a field of urgency without values", "revoke.yaml", `, values: ["Yes"]`, "", "belong together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := lifeFolder()
			if !strings.Contains(files[c.file], c.old) {
				t.Fatalf("the sound file does not hold %q", c.old)
			}
			files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
			set, err := policies.Load(folder(files))
			var all *policies.Error
			if !errors.As(err, &all) || set != nil {
				t.Fatalf("Load = %v, %v", set, err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file+":") {
				t.Errorf("problems:\n%v\nwant one with:\n%s", err, c.want)
			}
		})
	}
}

func TestAnEmptyListOfBirthrightRulesIsAnError(t *testing.T) {
	files := lifeFolder()
	files["birth.yaml"] = headText("Birthright", "birthright") + "grace: 7d\nrules: []\n"
	if _, err := policies.Load(folder(files)); err == nil || !strings.Contains(err.Error(), "no rule gives anything") {
		t.Errorf("%v", err)
	}
}

func TestTheSameBirthrightRuleTwiceIsAnError(t *testing.T) {
	files := lifeFolder()
	files["birth2.yaml"] = strings.Replace(files["birth.yaml"], "name: birthright", "name: birthright-two", 1)
	if _, err := policies.Load(folder(files)); err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("%v", err)
	}
}

func TestProtectedGroupsAreGivenNeitherInEmergenciesNorByBirth(t *testing.T) {
	files := lifeFolder()
	files["catalog.yaml"] = strings.Replace(files["catalog.yaml"], "floor: 2", "floor: 2\n        protected: true", 1)
	_, err := policies.Load(folder(files))
	var all *policies.Error
	if !errors.As(err, &all) || strings.Count(err.Error(), "gives a protected group") != 2 {
		t.Errorf("%v", err)
	}
}
