package draft_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/policies/draft"
)

// worked is a site that has what the procedures besides access need, under names of its own.
func worked() draft.Site {
	s := site()
	flow := []draft.Status{{Name: "In Progress"}, {Name: "Contained"}, {Name: "Risk accepted"}, {Name: "Open"}, {Name: "Resolved", Done: true}, {Name: "Closed", Done: true}}
	s.Projects = []draft.Project{
		{Key: "INC", Types: []draft.Type{{Name: "Security incident", Statuses: flow}, {Name: "Post-incident review"}, {Name: "Task"}}},
		{Key: "VULN", Types: []draft.Type{{Name: "Vulnerability", Statuses: flow}}},
	}
	s.Desks = append(s.Desks, draft.Desk{Project: "MOC", Requests: []draft.Request{{Name: "Normal change", Statuses: flow}, {Name: "Emergency change", Statuses: flow}}})
	s.Fields = []string{"Alert", "Root Cause", "Policy updates", "Due date", "Severity", "Fix", "Change start", "Change end", "Plan", "Result"}
	return s
}

func TestWhatTheSiteHasIsDraftedAfterTheExamples(t *testing.T) {
	set := load(t, worked())
	i := set.Incident
	if i == nil || i.Project != "INC" || i.Type != "Security incident" || i.ReviewType != "Post-incident review" || i.Engine.Review.RootCause != "Root Cause" {
		t.Fatalf("%+v", i)
	}
	if i.Containment.Mode != catalog.Observe || i.Containment.Notes || !cmp.Equal(i.Containment.Authorised.Groups, []access.GroupID{"00gsec"}) {
		t.Errorf("%+v", i.Containment)
	}
	if !cmp.Equal(i.Teams, []string{"Security Operations"}) || !cmp.Equal(set.Routing.Teams["it-operations"], []string{"Platform"}) {
		t.Errorf("%v %v", i.Teams, set.Routing)
	}
	changes, ok := set.Procedure("change-management")
	if !ok || !cmp.Equal(changes.Match.RequestTypes, []string{"Normal change", "Emergency change"}) || !cmp.Equal(changes.Gate, []string{"Resolved", "Closed"}) || !cmp.Equal(changes.Match.Projects, []string{"MOC"}) {
		t.Errorf("%+v", changes)
	}
	if flaws, ok := set.Procedure("vulnerability-management"); !ok || !cmp.Equal(flaws.Match.Types, []string{"Vulnerability"}) {
		t.Errorf("%+v", flaws)
	}
}

func TestNoDraftKeepsANameOfTheExample(t *testing.T) {
	for _, f := range draft.Folder(worked()) {
		for _, line := range strings.Split(f.Text, "\n") {
			if !strings.HasPrefix(line, "#") && regexp.MustCompile(`00g1example|: \[?(SIR|CHG|SEC|VND|DSR|OPS)\b|Head of`).MatchString(line) {
				t.Errorf("%s: %s", f.Name, line)
			}
		}
	}
}

func TestWhatTheSiteLacksIsCommentedOutAndAsked(t *testing.T) {
	s := worked()
	s.Fields = s.Fields[:len(s.Fields)-2]
	s.Projects[0].Types = s.Projects[0].Types[:1]
	s.Schedules, s.Pager = nil, "JSM Operations"
	set := load(t, s)
	if _, ok := set.Procedure("change-management"); ok || set.Incident != nil {
		t.Error("drafted without what it needs")
	}
	for name, wants := range map[string][]string{
		"change-management.yaml":        {`# open: what the field is called that the example calls "Plan"`, `example calls "Result"`, "#   projects: [MOC]"},
		"incident-response.yaml":        {`# open: what the issue type is called that the example calls "Post-incident review"`, "# open: the team in the pager", "# open: link: where"},
		"data-return.yaml":              {"# open: no request type and no issue type is called like it"},
		"routing.yaml":                  {"# open: owners: ", "# open: quietHours: "},
		"access-reviews.yaml":           {"# open: it makes work for people"},
		"separation-of-duties.yaml":     {"# open: which duties are kept apart"},
		"watchfulness.yaml":             {"# open: it pages people"},
		"sop-control.yaml":              {"# open: it makes work"},
		"operations-calendar.yaml":      {"# open: it makes work"},
		"recovery-tests.yaml":           {"# open: it makes work"},
		"vulnerability-management.yaml": {"types: [Vulnerability] # guess: by name"},
	} {
		text := fileOf(t, s, name)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, text)
			}
		}
	}
}

func TestWhatIsCommentedOutIsTheExampleAndSoundWithoutTheSigns(t *testing.T) {
	files := folder(draft.Folder(worked()))
	for _, name := range []string{"access-reviews.yaml", "operations-calendar.yaml", "recovery-tests.yaml", "sop-control.yaml", "watchfulness.yaml"} {
		_, body, _ := strings.Cut(string(files[name].Data), "# apiVersion")
		files[name].Data = []byte(regexp.MustCompile(`(?m)^# `).ReplaceAllString("# apiVersion"+body, ""))
	}
	set, err := policies.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Agendas) == 0 || len(set.Reviews) != 1 || len(set.Watches) == 0 {
		t.Errorf("%d agendas, %d reviews, %d watch rules", len(set.Agendas), len(set.Reviews), len(set.Watches))
	}
}
