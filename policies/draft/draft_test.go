package draft_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/policies/draft"
)

func group(id, name string, members int) draft.Group {
	return draft.Group{Group: access.Group{ID: access.GroupID(id), Name: name, Type: access.OktaGroup}, Members: members}
}

func site() draft.Site {
	fed := group("00gfed", "all-engineers", 40)
	fed.Rules = []string{"Engineering"}
	app := group("00gapp", "Mail users", 3)
	app.Type = access.AppGroup
	statuses := []draft.Status{{Name: "Waiting for approval"}, {Name: "Approved"}, {Name: "Waiting for validation"}, {Name: "Validated"}, {Name: "Closed", Done: true}}
	return draft.Site{
		Day: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Attributes: []string{"department", "jiraAccountId"},
		Groups: []draft.Group{
			group("00gpayv", "payments-viewers", 7), group("00gpayo", "payments-operators", 4), group("00gdb", "production db admins", 3),
			group("00gsec", "security-operations", 4), group("00git", "it-operations", 3), group("00ghr", "people-operations", 3), fed, app,
		},
		Desks: []draft.Desk{{Project: "ACC", Requests: []draft.Request{
			{Name: "Access revocation", Statuses: statuses, Fields: []draft.Field{{"Access for", "user"}, {"System", "option"}, {"Role", "option"}}},
			{Name: "Access request", Statuses: statuses, Fields: []draft.Field{
				{"Summary", "string"}, {"Role", "option"}, {"System", "option"}, {"Access for", "user"}, {"Business justification", "string"},
				{"Access until", "datetime"}, {"Approvers", "user"},
			}},
			{Name: "Report a broken chair"},
		}}, {Project: "HR", Requests: []draft.Request{
			{Name: "Offboarding", Statuses: statuses, Fields: []draft.Field{{"Access for", "user"}, {"Last day", "date"}, {"Leaver", "user"}}},
		}}},
		Pager: "Opsgenie", Schedules: []draft.Schedule{{ID: "s2", Name: "Security Operations"}, {ID: "s1", Name: "Platform"}},
	}
}

func folder(files []draft.File) fstest.MapFS {
	out := fstest.MapFS{}
	for _, f := range files {
		out[f.Name] = &fstest.MapFile{Data: []byte(f.Text)}
	}
	return out
}

func load(t *testing.T, s draft.Site) *policies.Set {
	t.Helper()
	files := draft.Folder(s)
	set, err := policies.Load(folder(files))
	if err != nil {
		for _, f := range files {
			t.Logf("--- %s\n%s", f.Name, f.Text)
		}
		t.Fatal(err)
	}
	return set
}

func TestADraftIsSoundAndChangesNothing(t *testing.T) {
	set := load(t, site())
	for _, s := range set.Catalog.Systems {
		if s.Mode != catalog.Observe {
			t.Errorf("system %s is in mode %s", s.ID, s.Mode)
		}
	}
	for _, p := range set.SOPs {
		if p.Mode != "" && p.Mode != catalog.Observe || p.Suspend {
			t.Errorf("procedure %s is in mode %s", p.Name, p.Mode)
		}
	}
	if len(set.SOPs) != 3 {
		t.Errorf("%d procedures", len(set.SOPs))
	}
}

func TestNamesOfGroupsBecomeSystemsAndRoles(t *testing.T) {
	set := load(t, site())
	payments, ok := set.Catalog.System("payments")
	if !ok || len(payments.Roles) != 2 || payments.Risk != catalog.Medium {
		t.Fatalf("%+v", payments)
	}
	if role, ok := payments.Role("operators"); !ok || !cmp.Equal(role.Groups, []access.GroupID{"00gpayo"}) {
		t.Errorf("%+v", role)
	}
	if db, ok := set.Catalog.System("production-db"); !ok || db.Risk != catalog.High {
		t.Errorf("%+v", db)
	}
	for _, id := range []access.GroupID{"00gfed", "00gapp"} {
		if _, ours := set.Catalog.Group(id); ours {
			t.Errorf("group %s, which others fill, would be managed", id)
		}
	}
	text := fileOf(t, site(), "catalog.yaml")
	for _, want := range []string{`00gfed  all-engineers: OKTA_GROUP, 40 members, fed by rule "Engineering"`, "00gapp  Mail users: APP_GROUP, 3 members", "# OKTA_GROUP, 7 members"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func fileOf(t *testing.T, s draft.Site, name string) string {
	t.Helper()
	for _, f := range draft.Folder(s) {
		if f.Name == name {
			return f.Text
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

func TestRequestTypesFieldsAndStatusesAreMappedByName(t *testing.T) {
	set := load(t, site())
	asked, _ := set.Kind(policies.KindAccessProvisioning)
	want := policies.Tickets{
		Projects: []string{"ACC"}, RequestTypes: []string{"Access request"}, Waiting: []string{"Waiting for approval"},
		Fulfil: []string{"Approved"}, Validate: "Waiting for validation", Validated: []string{"Validated"}, Close: "Closed",
	}
	if diff := cmp.Diff(want, asked.Tickets); diff != "" {
		t.Error(diff)
	}
	if f := asked.Rules.Fields; f.Beneficiary != "Access for" || f.System != "System" || f.Role != "Role" || f.Justification != "Business justification" || f.Expires != "Access until" {
		t.Errorf("%+v", f)
	}
	left, _ := set.Kind(policies.KindDeprovisioning)
	if f := left.Rules.Fields; left.Tickets.Projects[0] != "HR" || f.Beneficiary != "Leaver" || f.Effective != "Last day" {
		t.Errorf("%+v", left)
	}
	taken, _ := set.Kind(policies.KindRevocation)
	if taken.Tickets.RequestTypes[0] != "Access revocation" {
		t.Errorf("%+v", taken.Tickets)
	}
	if set.People.Attribute != "jiraAccountId" || set.Clocks[0].Escalate != "security-operations" {
		t.Errorf("%+v %+v", set.People, set.Clocks[0])
	}
}

func TestEmergenciesAndRoleChangesAreNotTakenForRequestsOfAccess(t *testing.T) {
	s := site()
	s.Desks[0].Requests = append([]draft.Request{
		{
			Name: "Emergency access", Fields: []draft.Field{{"System", "option"}, {"Role", "option"}, {"Reason", "string"}},
			Statuses: []draft.Status{{Name: "Approved"}, {Name: "In use"}, {Name: "Waiting for review"}, {Name: "Closed", Done: true}},
		},
		{
			Name: "Role change", Statuses: s.Desks[0].Requests[1].Statuses,
			Fields: []draft.Field{{"Old system", "option"}, {"Old role", "option"}, {"System", "option"}, {"Role", "option"}, {"Employee", "user"}},
		},
	}, s.Desks[0].Requests...)
	set := load(t, s)
	asked, _ := set.Kind(policies.KindAccessProvisioning)
	if !cmp.Equal(asked.Tickets.RequestTypes, []string{"Access request"}) {
		t.Errorf("%+v", asked.Tickets)
	}
	emergency, ok := set.Kind(policies.KindBreakGlass)
	if !ok || !cmp.Equal(emergency.Tickets.Fulfil, []string{"In use"}) || len(emergency.BreakGlass.Schedules) != 2 || emergency.BreakGlass.Maximum != time.Hour ||
		!emergency.BreakGlass.Allows("production-db", "admins") || emergency.BreakGlass.Allows("payments", "operators") {
		t.Errorf("%+v %+v", emergency.Tickets, emergency.BreakGlass)
	}
	moved, ok := set.Kind(policies.KindRoleChange)
	if f := moved.Rules.Fields; !ok || f.System != "System" || f.OldSystem != "Old system" || f.OldRole != "Old role" || f.Beneficiary != "Employee" {
		t.Errorf("%+v", f)
	}
}

func TestWhatIsNotFoundIsLeftOpenAndSaid(t *testing.T) {
	s := site()
	s.Groups, s.Desks, s.Schedules = []draft.Group{group("00gx", "payments-viewers", 7)}, s.Desks[:1], nil
	s.Desks[0].Requests = s.Desks[0].Requests[1:2]
	s.Desks[0].Requests[0].Fields = nil
	s.Desks[0].Requests[0].Statuses = nil
	_, err := policies.Load(folder(draft.Folder(s)))
	for _, want := range []string{"has no owner", "name the statuses", "system is missing", "close is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lint does not say %q: %v", want, err)
		}
	}
	readme := fileOf(t, s, "README.md")
	for _, want := range []string{"De-provisioning (kind Deprovisioning)", "Emergency access (kind BreakGlass)", "Access revocation (kind Revocation)", "no on-call schedule"} {
		if !strings.Contains(readme, want) {
			t.Errorf("no %q in\n%s", want, readme)
		}
	}
}

func TestEveryGuessAndEveryOpenQuestionIsFoundAgain(t *testing.T) {
	files := draft.Folder(site())
	marks, err := draft.Marks(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	open, text := 0, ""
	for _, f := range files {
		for _, line := range strings.Split(f.Text, "\n") {
			// In what is commented out only the questions above it count.
			if bare := strings.TrimSpace(line); strings.HasSuffix(f.Name, ".yaml") && (!strings.HasPrefix(bare, "#") || strings.HasPrefix(bare, "# open: ") || strings.HasPrefix(bare, "# guess: ")) {
				text += line + "\n"
			}
		}
	}
	for _, m := range marks {
		if m.Open {
			open++
		}
		if m.File == "" || m.Line < 1 {
			t.Errorf("%+v", m)
		}
	}
	if want := strings.Count(text, "open:"); open != want {
		t.Errorf("%d open questions, want %d", open, want)
	}
	if guesses := len(marks) - open; guesses != strings.Count(text, "guess")-strings.Count(text, "(guess)") {
		t.Errorf("%d guesses found in\n%s", guesses, text)
	}
	if len(marks) < 40 {
		t.Errorf("only %d marks", len(marks))
	}
}

func TestTheOrderInWhichVendorsAnswerIsImmaterial(t *testing.T) {
	a, b := site(), site()
	for i := range len(b.Groups) / 2 {
		j := len(b.Groups) - 1 - i
		b.Groups[i], b.Groups[j] = b.Groups[j], b.Groups[i]
	}
	b.Desks[0], b.Desks[1] = b.Desks[1], b.Desks[0]
	if diff := cmp.Diff(draft.Folder(a), draft.Folder(b)); diff != "" {
		t.Error(diff)
	}
}

func TestAwkwardNamesStaySoundYAML(t *testing.T) {
	s := site()
	s.Approvers = "it-operations"
	for _, name := range []string{"yes", "a: b # c", `quo"te`, "éà", "日本", "- dash", "tab\tnew\nline", "payments_viewers", "Payments Viewers", "{x}", "#", "...", "O'Neill team"} {
		s.Groups = append(s.Groups, group("00gz"+string(rune('a'+len(s.Groups)-8)), name, 1))
	}
	set := load(t, s)
	if len(set.Catalog.Groups) != 6+13 {
		t.Errorf("%d groups", len(set.Catalog.Groups))
	}
	for _, sys := range set.Catalog.Systems {
		if !cmp.Equal(sys.Owners.Groups, []access.GroupID{"00git"}) {
			t.Errorf("%s: owners %v, want those that were chosen", sys.ID, sys.Owners)
		}
	}
}

func TestATeamThatThePagerNamesIsTakenAndNotTheNameOfItsSchedule(t *testing.T) {
	s := site()
	s.Schedules = []draft.Schedule{{ID: "s2", Name: "Nights", Team: "SecOps"}, {ID: "s1", Name: "Platform rotation"}}
	text := fileOf(t, s, "routing.yaml")
	for _, want := range []string{
		`security-operations: [SecOps] # guess: the team of the on-call schedule Nights`,
		`it-operations: [Platform rotation] # guess: the team that is called like the on-call schedule`,
	} {
		if !strings.Contains(strings.ReplaceAll(text, `"`, ""), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
