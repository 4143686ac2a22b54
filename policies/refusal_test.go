package policies_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/policies"
)

// leaverText is what a de-provisioning procedure adds to its head.
const leaverText = `mode: observe
tickets:
  projects: [HR]
  statuses: {fulfil: [Approved], close: Closed}
  fields: {beneficiary: Leaver}
approvals:
  - role: hr
    groups: [00gHR]
`

// world is a sound folder that holds every kind of policy.
func world(t *testing.T) map[string]string {
	t.Helper()
	files := lifeFolder()
	for name, text := range map[string]string{
		"leaver.yaml": head("Deprovisioning", "leavers") + leaverText, "vendor.yaml": head("Procedure", "vendors") + vendorText,
		"tasks.yaml": head("RecurringTasks", "ops") + tasksText, "review.yaml": head("AccessReview", "reviews") + reviewText,
		"watch.yaml": head("Watch", "watch") + watchText, "control.yaml": head("SOPControl", "control") + controlText,
		"reports.yaml": head("Reports", "reports") + reportsText,
	} {
		files[name] = text
	}
	files["people.yaml"] = files["sub/people.yml"]
	delete(files, "sub/people.yml")
	for _, name := range []string{"incident-response.yaml", "routing.yaml"} {
		text, err := fs.ReadFile(policies.Example(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

func TestTheWorldOfTheseTestsIsSound(t *testing.T) {
	set, err := policies.Load(folder(world(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Documents) != 13 {
		t.Errorf("%d procedures, want one of each kind", len(set.Documents))
	}
}

// refusal is one edit of a file of the world, and all that is said about it. The edit holds a caret at the place to which
// the problem has to point.
type refusal struct {
	name, file, old, new string
	want                 string // the whole text of the problem; with … at the end, its beginning
}

// refused makes the edit and wants the problem, at the caret.
func refused(t *testing.T, files map[string]string, c refusal) {
	t.Helper()
	if strings.Count(c.new, "^") != 1 || !strings.Contains(files[c.file], c.old) {
		t.Fatalf("%q has no single caret, or %s does not hold %q", c.new, c.file, c.old)
	}
	before, after, _ := strings.Cut(strings.Replace(files[c.file], c.old, c.new, 1), "^")
	files[c.file] = before + after
	line := before[strings.LastIndex(before, "\n")+1:]
	want := fmt.Sprintf("%s:%d:%d: %s", c.file, strings.Count(before, "\n")+1, len(line)+1, c.want)

	set, err := policies.Load(folder(files))
	var all *policies.Error
	if set != nil || !errors.As(err, &all) {
		t.Fatalf("Load = %v, %v", set, err)
	}
	for _, p := range all.Problems {
		if start, cut := strings.CutSuffix(want, "…"); p.String() == want || cut && strings.HasPrefix(p.String(), start) {
			return
		}
	}
	t.Errorf("problems:\n%v\nwant:\n%s", err, want)
}

func TestEveryKindIsReadStrictly(t *testing.T) {
	for name := range world(t) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			refused(t, world(t), refusal{file: name, old: "apiVersion:", new: "^surprise: 1\napiVersion:", want: `unknown field "surprise"`})
		})
	}
}

func TestWhatIsWrongInACatalogIsToldAtItsPlace(t *testing.T) {
	const second = `  - ^id: %s
    name: %s
    risk: low
    mode: observe
    owners: {users: [00uOwner1]}
    groups: [{id: 00gTwo, name: two}]
    roles: [{name: Two, groups: [two]}]
  - id: payments`
	twice := func(id, name string) string {
		return strings.Replace(fmt.Sprintf(second, id, name), "  - ^id", "  - id", 1)
	}
	for _, c := range []refusal{
		{"a system's ID in capitals", "", "id: payments", "id: ^Payments Paris", `id is "Payments Paris"; write small letters, digits and hyphens`},
		{"a system without a name", "", "name: Payments\n", "name: ^''\n", "name is missing"},
		{"a system named as the ID of another", "", "- id: payments", strings.Replace(twice("other", "PAYMENTS"), "- id: payments", "- id: ^payments", 1)[2:],
			`system "payments" has an id or name of system "other"; tickets could mean either`},
		{"a mode that is none", "", "mode: grant", "mode: ^delete", `is "delete"; write one of: observe, grant, enforce`},
		{"an owner group by name", "", "users: [00uOwner1]", "groups: [^payments-owners]", `"payments-owners" is not an Okta group ID, such as 00g1a2b3c4d5e6f7g8h9`},
		{"a group without an Okta ID", "", "id: 00gPay1", "id: ^pay-ops", `id is "pay-ops"; write the group's Okta ID, such as 00g1a2b3c4d5e6f7g8h9`},
		{"a group without a name", "", "name: payments-operators\n", "name: ^''\n", "name is missing"},
		{"a floor below the ground", "", "floor: 2", "floor: ^-1", "floor is -1; write the least number of members, from 0"},
		{"a group twice", "", "        floor: 2", "        floor: 2\n      - id: ^00gPay1\n        name: again", "group 00gPay1 stands twice; a group belongs to one system"},
		{"a group's name twice", "", "        floor: 2", "        floor: 2\n      - id: 00gPay9\n        name: ^payments-operators", `group name "payments-operators" stands twice in system "payments"; roles could mean either`},
		{"no role", "", "    roles:\n      - name: Operator\n        groups: [payments-operators]\n", "    roles: ^[]\n", `system "payments" has no role; write at least one with its groups`},
		{"a role twice", "", "      - name: Operator", "      - name: Operator\n        groups: [payments-operators]\n      - name: ^OPERATOR", `role "OPERATOR" stands twice in system "payments"`},
		{"a role that gives nothing", "", "groups: [payments-operators]", "groups: ^[]", `role "Operator" gives no group`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.file = "catalog.yaml"
			refused(t, world(t), c)
		})
	}
}

func TestWhatIsWrongInTheFilesBesideTheProceduresIsToldAtItsPlace(t *testing.T) {
	const people, guards, calendar, routing = "people.yaml", "guards.yaml", "calendar.yaml", "routing.yaml"
	for _, c := range []refusal{
		{"nothing by which people are matched", people, "apiVersion: sopd/v1\nkind: People\nemail: true\nattribute: jiraAccountId\nmapping: {\"5b10\": 00uOwner1}\n", "apiVersion^: sopd/v1\nkind: People\n",
			"says no way to match Jira accounts with Okta users; set email, attribute or mapping"},
		{"an account that is mapped to a login", people, `{"5b10": 00uOwner1}`, `^{"5b10": odile@example.com}`, `account 5b10 is mapped to "odile@example.com", which is not an Okta user ID`},
		{"more than all removals", guards, "removalPercent: off", "removalPercent: ^101", "removalPercent is 101; write a percentage from 0 to 100, or off"},
		{"more than a whole group", guards, "removalPercent: off", "groupRemovalPercent: ^250", "groupRemovalPercent is 250; write a percentage from 0 to 100, or off"},
		{"a canary that is a login", guards, "user: 00uOwner1", "user: ^canary@example.com", `"canary@example.com" is not an Okta user ID`},
		{"a canary group by name", guards, "group: 00gPay1", "group: ^pay-ops", `"pay-ops" is not an Okta group ID`},
		{"the second of two protected users by login", guards, "[00uGlass]", "[00uGlass, ^glass@example.com]", `"glass@example.com" is not an Okta user ID, such as 00u1a2b3c4d5e6f7g8h9; a login may be given to another person one day`},
		{"hours that are none", calendar, `"09:00-18:00"`, `^"nine to five"`, `is "nine to five"; write hours such as 09:00-17:30`},
		{"a version from no day", calendar, "  - hours:", "  - effective: ^spring\n    hours:", `is "spring"; write a day as 2026-01-31`},
		{"a closed day that is none", calendar, "[2026-12-24]", "[^christmas]", `is "christmas"; write a day as 2026-01-31`},
		{"an urgency outside of P1 to P5", routing, "urgent: P2", "urgent: ^P6", `is "P6"; write the least urgent priority that does not wait, P1 to P5`},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, world(t), c) })
	}
}
