package world_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
	"github.com/maisonrmi/sopd/mocks/world"
)

func TestStoriesCanBeToldToSomebodyNew(t *testing.T) {
	seen := map[string]bool{}
	for i, s := range world.Stories() {
		if (i == 0) != (s.Name == "main") || seen[s.Name] || s.Title == "" || len(s.Steps) == 0 {
			t.Errorf("story %d: %q, %q, %d steps", i, s.Name, s.Title, len(s.Steps))
		}
		seen[s.Name] = true
		for n, step := range s.Steps {
			if !strings.HasSuffix(step.Say, ".") || strings.Contains(step.Say, "\n") || len(step.Expect) == 0 || step.Within <= 0 {
				t.Errorf("%s, step %d: says %q, expects %d things within %v", s.Name, n+1, step.Say, len(step.Expect), step.Within)
			}
			for _, e := range step.Expect {
				if e.Name == "" || e.Held == nil {
					t.Errorf("%s, step %d: an expectation without name or eyes", s.Name, n+1)
				}
			}
		}
	}
	for _, name := range []string{
		"joiner", "leaver", "leaver-future", "revoke-urgent", "expiry", "overlap", "drift", "unapproved", "self-approved",
		"wrong-approver", "dragged-to-approved", "edited-after-approval", "incomplete", "rule-managed", "app-group",
		"mover", "birthright", "break-glass", "break-glass-unreviewed", "extension", "expiry-warning", "undo", "renamed",
		"expired-token", "empty-read", "answer-lost", "delegate", "absent-owner", "eligible-afterwards", "transition-approval", "sod-conflict", "ticket-moved", "ticket-deleted",
		"two-people-one-address",
		"mass-leaver", "small-group", "hold-approve", "stale-hold", "agreement", "on-call-gap", "short-read", "rate-limit", "group-deleted",
		"repeated-page", "missing-role", "index-lag", "crash-between-intent-and-outcome",
		"incident-sev1", "incident-from-ticket", "incident-late-update", "pir-overdue", "playbook-unauthorised", "pagers-disagree",
	} {
		if !seen[name] {
			t.Errorf("there is no story %q", name)
		}
	}
}

// TestTheMainStoryWaitsForLessThanHalfAMinuteOnPurpose leaves the rest of its minute to the program that is shown.
func TestTheMainStoryWaitsForLessThanHalfAMinuteOnPurpose(t *testing.T) {
	var waits time.Duration
	for _, step := range world.Stories()[0].Steps {
		if slices.ContainsFunc(step.Expect, func(e world.Expectation) bool { return e.Throughout }) || step.Do == nil {
			waits += min(step.Within, 10*time.Second)
		}
	}
	if waits > 30*time.Second {
		t.Errorf("the story waits for %v", waits)
	}
}

// TestEveryStepCanBePlayedWhenNobodyListens plays all stories without the program. Only the tickets are moved on as it
// would, for those who validate them.
func TestEveryStepCanBePlayedWhenNobodyListens(t *testing.T) {
	for _, s := range world.Stories() {
		t.Run(s.Name, func(t *testing.T) {
			w := open(t)
			missed := 0
			for n, step := range s.Steps {
				if step.Do != nil {
					if err := step.Do(w); err != nil {
						t.Fatalf("step %d: %v", n+1, err)
					}
				}
				for _, e := range step.Expect {
					held, err := e.Held(w)
					if err != nil {
						t.Errorf("step %d, %s: %v", n+1, e.Name, err)
					}
					if e.Throughout && !held && step.Do != nil { // who only waits waits for what the program did before
						t.Errorf("step %d: %s: not even at the beginning", n+1, e.Name)
					}
					if !e.Throughout && !held {
						missed++
					}
				}
				moveOn(t, w)
			}
			if missed == 0 && s.Name != "unapproved" && s.Name != "agreement" { // the one expects nothing, the other what a command says
				t.Error("everything that the story expects comes about by itself")
			}
		})
	}
}

// moveOn brings approved requests to where they are validated.
func moveOn(t *testing.T, w *world.World) {
	t.Helper()
	for _, key := range w.Jira.Issues() {
		if w.Status(key) == world.StatusInUse {
			must(t, w.Drag("sopd", key, world.StatusReview))
			continue
		}
		if snapshot, _ := w.Jira.Issue(key); snapshot.Status == world.StatusApproved && (len(snapshot.Approvals) == 0 || slices.Contains(snapshot.Approvals, "approved")) {
			// Requests without validation refuse it, and stay where they are.
			_ = w.Drag("sopd", key, world.StatusValidation)
		}
	}
}

// byHand does what the procedures ask for, as a careful person with the program's account would.
type byHand struct {
	t *testing.T
	w *world.World
	n int
}

func (h *byHand) changed() string {
	h.n++
	return fmt.Sprintf("CHG-01M82TZP0DZ4ZHZGX7FXY%05d", h.n)
}

func (h *byHand) add(key world.Key, person, group string) {
	must(h.t, h.w.Okta.AddMember(h.w.Person("sopd").OktaID, h.w.Group(group).ID, h.w.Person(person).OktaID))
	h.say(key, h.changed()+": added to "+group)
	must(h.t, h.w.Drag("sopd", key, world.StatusValidation))
}

func (h *byHand) say(key world.Key, text string) {
	must(h.t, h.w.Jira.Comment(h.w.Person("sopd").Account, key, jiramock.NewComment{Body: text}))
}

// take removes the person from every managed group and returns what was done.
func (h *byHand) take(person string) string {
	var done []string
	for _, g := range h.w.ManagedGroups(person) {
		must(h.t, h.w.Okta.RemoveMember(h.w.Person("sopd").OktaID, h.w.Group(g).ID, h.w.Person(person).OktaID))
		done = append(done, h.changed()+": removed from "+g)
	}
	return strings.Join(done, "\n")
}

func (h *byHand) newest(project string) world.Key {
	keys := h.w.Jira.Issues()
	for _, key := range slices.Backward(keys) {
		if strings.HasPrefix(string(key), project+"-") {
			return key
		}
	}
	h.t.Fatalf("no ticket in %s", project)
	return ""
}

func (h *byHand) attach(key world.Key) {
	text := strings.Join(h.w.ChangeIDs(key), "\n")
	body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"evidence.txt\"\r\n\r\n" + text + "\r\n--x--\r\n"
	env := h.w.Env()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, env["SOPD_JIRA_URL"]+"/rest/api/3/issue/"+string(key)+"/attachments", strings.NewReader(body))
	must(h.t, err)
	request.SetBasicAuth(env["SOPD_JIRA_USER"], env["SOPD_JIRA_TOKEN"])
	request.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	request.Header.Set("X-Atlassian-Token", "no-check")
	response, err := http.DefaultClient.Do(request)
	must(h.t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		h.t.Fatalf("attaching: status %d", response.StatusCode)
	}
}

func (h *byHand) signOut(person string) {
	env := h.w.Env()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodDelete, env["SOPD_OKTA_URL"]+"/api/v1/users/"+h.w.Person(person).OktaID+"/sessions", nil)
	must(h.t, err)
	request.Header.Set("Authorization", "SSWS "+env["SOPD_OKTA_TOKEN"])
	response, err := http.DefaultClient.Do(request)
	must(h.t, err)
	response.Body.Close()
}

// TestACarefulPersonFulfilsEverythingThatTheMainStoryExpects: what it expects can be brought about through the vendors
// alone, and nothing of it is seen before.
func TestACarefulPersonFulfilsEverythingThatTheMainStoryExpects(t *testing.T) {
	w := open(t)
	h := &byHand{t: t, w: w}
	const operators = "payments-operators"
	deeds := []func(){
		func() {},
		func() { h.add(h.newest("ACC"), "clara", operators) },
		func() { h.attach(h.newest("ACC")); must(t, w.Drag("sopd", h.newest("ACC"), world.StatusClosed)) },
		func() {},
		func() { h.add(h.newest("ACC"), "amara", "production-db-admins") },
		func() {
			w.Opsgenie.CreateAlert(opsgeniemock.Alert{
				Message: "drift", Description: w.Person("camille").OktaID + " " + w.Group("website-editors").ID,
			})
		},
		func() {
			h.say(h.newest("HR"), h.take("marek")+"\nleft to its rule: wiki-readers")
			h.signOut("marek")
			must(t, w.Drag("sopd", h.newest("HR"), world.StatusClosed))
		},
		func() { h.take("emma") },
		func() { h.add(h.newest("ACC"), "gwen", operators) },
		func() {
			must(t, w.Okta.RemoveMember(w.Person("sopd").OktaID, w.Group(operators).ID, w.Person("gwen").OktaID))
			h.say(h.newest("ACC"), h.changed()+": removed, as agreed")
		},
	}
	story := world.Stories()[0]
	if len(deeds) != len(story.Steps) {
		t.Fatalf("the story has %d steps, this test %d", len(story.Steps), len(deeds))
	}
	for n, step := range story.Steps {
		if step.Do != nil {
			must(t, step.Do(w))
		}
		if before := broken(t, w, step); len(before) == 0 && slices.ContainsFunc(step.Expect, func(e world.Expectation) bool { return !e.Throughout }) {
			t.Errorf("step %d: everything is there before anybody did anything", n+1)
		}
		deeds[n]()
		if after := broken(t, w, step); len(after) > 0 {
			t.Errorf("step %d: not held: %q", n+1, after)
		}
	}
}

// broken lists the expectations of the step that do not hold now.
func broken(t *testing.T, w *world.World, step world.Step) []string {
	t.Helper()
	var names []string
	for _, e := range step.Expect {
		held, err := e.Held(w)
		must(t, err)
		if !held {
			names = append(names, e.Name)
		}
	}
	return names
}

// TestAProgramThatObeysEveryStatusBreaksTheStoriesOfProof: what the stories forbid is seen when it happens.
func TestAProgramThatObeysEveryStatusBreaksTheStoriesOfProof(t *testing.T) {
	given := map[string][2]string{
		"unapproved": {"bruno", "crm-managers"}, "self-approved": {"greta", "source-maintainers"}, "wrong-approver": {"bruno", "crm-managers"},
		"dragged-to-approved": {"dana", "payments-operators"}, "edited-after-approval": {"kenji", "cloud-admins"}, "app-group": {"alba", "erp-planners"},
	}
	for _, s := range world.Stories() {
		wrong, named := given[s.Name]
		if !named {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			w := open(t)
			for _, step := range s.Steps {
				must(t, step.Do(w))
			}
			must(t, w.ConsoleAdd("ivo", wrong[0], wrong[1]))
			last := s.Steps[len(s.Steps)-1]
			forbidden := slices.DeleteFunc(slices.Clone(last.Expect), func(e world.Expectation) bool { return !e.Throughout })
			if len(broken(t, w, world.Step{Expect: forbidden})) == 0 {
				t.Errorf("%s is in %s, and nothing that has to hold throughout is broken", wrong[0], wrong[1])
			}
		})
	}
}

func TestAMassRemovalBreaksTheStoriesOfSafety(t *testing.T) {
	for _, s := range world.Stories() {
		if !slices.Contains([]string{"mass-leaver", "small-group", "empty-read", "expired-token", "repeated-page", "missing-role"}, s.Name) {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			w := open(t)
			must(t, s.Steps[0].Do(w))
			h := &byHand{t: t, w: w}
			h.take("piotr")
			if len(broken(t, w, s.Steps[0])) == 0 {
				t.Error("somebody lost everything, and every expectation holds")
			}
		})
	}
}

func TestTheProgramsTokenStopsAndWorksAgainInTheStoryAboutIt(t *testing.T) {
	w := open(t)
	i := slices.IndexFunc(world.Stories(), func(s world.Story) bool { return s.Name == "expired-token" })
	story := world.Stories()[i]
	must(t, story.Steps[0].Do(w))
	if me := whoAmI(t, w); me != http.StatusUnauthorized {
		t.Errorf("with the expired token: status %d", me)
	}
	must(t, story.Steps[1].Do(w))
	if me := whoAmI(t, w); me != http.StatusOK {
		t.Errorf("with the renewed token: status %d", me)
	}
}

func whoAmI(t *testing.T, w *world.World) int {
	t.Helper()
	env := w.Env()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["SOPD_JIRA_URL"]+"/rest/api/3/myself", nil)
	must(t, err)
	request.SetBasicAuth(env["SOPD_JIRA_USER"], env["SOPD_JIRA_TOKEN"])
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	return response.StatusCode
}
