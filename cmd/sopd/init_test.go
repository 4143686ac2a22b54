package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// newcomer is a site whose operator has credentials and no policies yet.
func newcomer(t *testing.T) (s site, dir string) {
	t.Helper()
	s = newSite(t)
	s.env = maps.Clone(s.env)
	delete(s.env, "SOPD_WRITE")
	delete(s.env, "SOPD_POLICY_DIR")
	return s, filepath.Join(t.TempDir(), "policies")
}

func TestFromCredentialsToAFirstPlan(t *testing.T) {
	s, dir := newcomer(t)
	code, out, errs := s.sopd(t, "init", dir)
	if code != exitDone || !strings.Contains(out, " service desks and 2 on-call schedules") {
		t.Fatalf("init: %d\n%s%s", code, out, errs)
	}
	if code, out, errs := s.sopd(t, "policy", "lint", dir); code != exitDone || !strings.Contains(out, "sound: ") {
		t.Fatalf("lint: %d\n%s%s", code, out, errs)
	}
	for name, drafted := range map[string]string{
		"incident-response.yaml": "\n  types: [Incident] # guess", "vendor-onboarding.yaml": "\n  projects: [VND]\n", "recovery.yaml": "\n  types: [Restore test] # guess",
		"data-return.yaml": "\n  requestTypes: [Data return] # guess", "routing.yaml": "\n  security-operations: [Security Operations] # guess",
		"access-reviews.yaml": "\n# kind: AccessReview\n", "watchfulness.yaml": "\n# kind: Watch\n",
	} {
		if text := readPage(t, filepath.Join(dir, name)); !strings.Contains(text, drafted) {
			t.Errorf("%s lacks %q:\n%s", name, drafted, text)
		}
	}
	s.env["SOPD_POLICY_DIR"] = dir
	code, out, errs = s.sopd(t, "check")
	if code != exitDone {
		t.Errorf("check: %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"is open: who owns it?", "is open: the role that answers for the procedure", "guesses of sopd init to be confirmed: "} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	code, out, errs = s.sopd(t, "plan")
	if code != exitDone || !strings.Contains(out, "Nothing to do.") {
		t.Errorf("plan: %d\n%s%s", code, out, errs)
	}
	s.onlyRead(t)
}

// onlyRead fails the test when a vendor was asked to change something.
func (s site) onlyRead(t *testing.T) {
	t.Helper()
	for _, c := range s.world.Okta.Calls() {
		if !strings.HasPrefix(c.Endpoint, http.MethodGet+" ") {
			t.Errorf("Okta: %s", c.Endpoint)
		}
	}
	for _, c := range s.world.Jira.Calls() {
		if c.Method != http.MethodGet && !strings.Contains(c.Path, "/search") && !strings.HasSuffix(c.Path, "/bulkfetch") && !strings.HasSuffix(c.Path, "/rest/api/3/workflows") {
			t.Errorf("Jira: %s %s", c.Method, c.Path)
		}
	}
}

func TestAnApprovedRequestShowsInThePlanOfADraft(t *testing.T) {
	s, dir := newcomer(t)
	if code, _, errs := s.sopd(t, "init", "--approvers", "it-operations", dir); code != exitDone {
		t.Fatal(errs)
	}
	text, err := os.ReadFile(filepath.Join(dir, "catalog.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile("../../mocks/world/policies/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	owner := regexp.MustCompile(`(00u\w+) # odile@`).FindStringSubmatch(string(known))[1]
	// What a person does next: name the system as tickets do, its role, and its owner.
	edited := strings.NewReplacer("name: payments #", "name: Payments Console #", "name: operators #", "name: operator #").Replace(string(text))
	edited = regexp.MustCompile(`groups: \[\w+\] # it-operations`).ReplaceAllString(edited, "users: ["+owner+"]")
	if err := os.WriteFile(filepath.Join(dir, "catalog.yaml"), []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env["SOPD_POLICY_DIR"], s.env["SOPD_WRITE"] = dir, "true"
	key := approvedRequest(t, s.world)
	code, out, errs := s.sopd(t, "plan")
	if code != exitDone || !strings.Contains(out, "Would be done, but the system is only observed (1)") || !strings.Contains(out, string(key)) {
		t.Errorf("plan: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatal(errs)
	}
	if s.world.InGroup("clara", "payments-operators") {
		t.Error("a draft changed something, though every system is only observed")
	}
}

func TestInitTouchesNothingThatIsThere(t *testing.T) {
	s, dir := newcomer(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := s.sopd(t, "init", dir); code != exitUsage || !strings.Contains(errs, "is not empty") {
		t.Errorf("%d %s", code, errs)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}

func TestInitWritesNothingWhenAVendorIsNotReadWhole(t *testing.T) {
	s, dir := newcomer(t)
	s.world.Jira.Fail(jiramock.Fault{Kind: jiramock.EmptyPage, Path: "/requesttype", Times: -1})
	code, _, errs := s.sopd(t, "init", dir)
	if code != exitFailed || !strings.Contains(errs, "Jira: read service desk") || !strings.Contains(errs, "nothing was written") {
		t.Errorf("%d %s", code, errs)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestInitSaysWhatItNeeds(t *testing.T) {
	s, dir := newcomer(t)
	for want, args := range map[string][]string{
		"name the folder": {"init"}, "no group that": {"init", "--approvers", "nobody", dir},
	} {
		if code, _, errs := s.sopd(t, args...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %s", want, code, errs)
		}
	}
	delete(s.env, "SOPD_JIRA_TOKEN")
	if code, _, errs := s.sopd(t, "init", dir); code != exitUsage || !strings.Contains(errs, "SOPD_JIRA_TOKEN: is missing") {
		t.Errorf("%d %s", code, errs)
	}
}
