package world_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
	"github.com/maisonrmi/sopd/mocks/world"
)

func ask(t *testing.T, w *world.World, r world.AccessRequest) world.Key {
	t.Helper()
	key, err := w.Request(r)
	must(t, err)
	return key
}

func approvals(t *testing.T, w *world.World, key world.Key) []string {
	t.Helper()
	snapshot, ok := w.Jira.Issue(key)
	if !ok {
		t.Fatalf("no ticket %s", key)
	}
	return snapshot.Approvals
}

func TestAnOrdinaryRequestAsksTheOwnerOnly(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "clara", System: "payments", Role: "operator"})
	if w.Status(key) != world.StatusWaiting {
		t.Errorf("status %q", w.Status(key))
	}
	must(t, w.Approve("odile", key))
	if w.Status(key) != world.StatusApproved || !slices.Equal(approvals(t, w, key), []string{"approved"}) {
		t.Errorf("status %q, approvals %v", w.Status(key), approvals(t, w, key))
	}
}

func TestAHighRiskRequestIsApprovedWhenBothHaveAndPendingBefore(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "amara", System: "production-db", Role: "admin", Until: time.Now().Add(time.Hour)})
	must(t, w.Approve("hugo", key))
	if w.Status(key) != world.StatusWaiting || !slices.Equal(approvals(t, w, key), []string{"pending"}) {
		t.Errorf("after the first yes: status %q, approvals %v", w.Status(key), approvals(t, w, key))
	}
	must(t, w.Approve("tariq", key))
	if w.Status(key) != world.StatusApproved || !slices.Equal(approvals(t, w, key), []string{"approved"}) {
		t.Errorf("after the second yes: status %q, approvals %v", w.Status(key), approvals(t, w, key))
	}
}

func TestNobodyIsAskedAboutThemselves(t *testing.T) {
	w := open(t)
	for _, r := range []world.AccessRequest{
		{By: "odile", System: "payments", Role: "operator"},
		{By: "clara", For: "odile", System: "payments", Role: "operator"},
		{By: "tariq", System: "vault", Role: "user", Until: time.Now().Add(time.Hour)},
		{By: "ivo", System: "wiki", Role: "editor"},
	} {
		key := ask(t, w, r)
		snapshot, _ := w.Jira.Issue(key)
		asked, _ := snapshot.Values["Approvers"].([]jiramock.AccountID)
		if len(asked) == 0 || slices.Contains(asked, w.Person(r.By).Account) || r.For != "" && slices.Contains(asked, w.Person(r.For).Account) {
			t.Errorf("%+v asks %v", r, asked)
		}
	}
}

func TestOnlyWhoIsAskedCanAnswer(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "clara", System: "payments", Role: "operator"})
	if err := w.Approve("alba", key); !errors.Is(err, jiramock.ErrRefused) {
		t.Errorf("Alba's yes: %v", err)
	}
	must(t, w.Decline("odile", key))
	if w.Status(key) != world.StatusDeclined || !slices.Equal(approvals(t, w, key), []string{"declined"}) {
		t.Errorf("status %q, approvals %v", w.Status(key), approvals(t, w, key))
	}
}

func TestATicketCanBeDraggedPastItsPendingApproval(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "dana", System: "payments", Role: "operator"})
	must(t, w.Drag("blaise", key, world.StatusApproved))
	if w.Status(key) != world.StatusApproved || !slices.Equal(approvals(t, w, key), []string{"pending"}) {
		t.Errorf("status %q, approvals %v", w.Status(key), approvals(t, w, key))
	}
	if err := w.Drag("blaise", key, world.StatusDeclined); !errors.Is(err, jiramock.ErrRefused) {
		t.Errorf("a way that the workflow does not have: %v", err)
	}
}

func TestAnEditStandsInTheHistory(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "dana", System: "payments", Role: "viewer", Justification: "-"})
	must(t, w.EditField("dana", key, "Role", "operator"))
	snapshot, _ := w.Jira.Issue(key)
	if snapshot.Values["Role"] != "operator" || snapshot.Edits != 1 || snapshot.Values["Business justification"] != nil {
		t.Errorf("values %v, %d edits", snapshot.Values, snapshot.Edits)
	}
}

func TestTheRequesterValidates(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "clara", System: "payments", Role: "operator"})
	if err := w.Validate("clara", key); !errors.Is(err, jiramock.ErrRefused) {
		t.Errorf("validating what was not given: %v", err)
	}
	must(t, w.Approve("odile", key))
	must(t, w.Drag("sopd", key, world.StatusValidation))
	must(t, w.Validate("clara", key))
	if w.Status(key) != world.StatusValidated {
		t.Errorf("status %q", w.Status(key))
	}
}

func TestAnOffboardingAsksPeopleOperations(t *testing.T) {
	w := open(t)
	day := time.Now().Add(72 * time.Hour).UTC().Truncate(time.Second)
	key, err := w.Offboard("jeanne", "rosa", day)
	must(t, err)
	if err := w.Approve("jeanne", key); !errors.Is(err, jiramock.ErrRefused) {
		t.Errorf("Jeanne approves what she asked for: %v", err)
	}
	must(t, w.Approve("karim", key))
	snapshot, _ := w.Jira.Issue(key)
	if !strings.HasPrefix(string(key), "HR-") || snapshot.Values["Leaver"] != w.Person("rosa").Account || snapshot.Values["Last day"] != day {
		t.Errorf("%s: %v", key, snapshot.Values)
	}
	if w.Status(key) != world.StatusApproved {
		t.Errorf("status %q", w.Status(key))
	}
}

func TestARevocationHasNoValidation(t *testing.T) {
	w := open(t)
	key, err := w.Revoke(world.AccessRequest{By: "tariq", For: "quentin", System: "crm", Role: "manager"})
	must(t, err)
	must(t, w.Approve("victor", key))
	if err := w.Drag("sopd", key, world.StatusValidation); err == nil {
		t.Error("a revocation waits for validation")
	}
	must(t, w.Drag("sopd", key, world.StatusClosed))
}

func TestWhoIsAddedInTheConsoleIsInTheGroupAndInTheLog(t *testing.T) {
	w := open(t)
	if w.InGroup("camille", "website-editors") || w.Added("camille", "website-editors") != 0 {
		t.Fatal("Camille is there already")
	}
	must(t, w.ConsoleAdd("ivo", "camille", "website-editors"))
	if !w.InGroup("camille", "website-editors") || w.Added("camille", "website-editors") != 1 {
		t.Errorf("groups of Camille: %v", w.Groups("camille"))
	}
	for _, e := range w.Okta.Log() {
		if e.Type == "group.user_membership.add" && e.Actor.ID != w.Person("ivo").OktaID {
			t.Errorf("the log says that %v did it", e.Actor)
		}
	}
	if err := w.ConsoleAdd("clara", "camille", "crm-managers"); !errors.Is(err, world.ErrUnknown) {
		t.Errorf("somebody who administers nothing: %v", err)
	}
}

func TestPeopleAreDeactivatedAllOrNone(t *testing.T) {
	w := open(t)
	if err := w.Deactivate("felix", "nobody"); !errors.Is(err, world.ErrUnknown) {
		t.Errorf("deactivating nobody: %v", err)
	}
	before := w.Groups("felix")
	if u, _ := w.Okta.User(w.Person("felix").OktaID); u.Status != "ACTIVE" {
		t.Errorf("Felix is %s", u.Status)
	}
	must(t, w.Deactivate("felix", "greta"))
	for _, short := range []string{"felix", "greta"} {
		if u, _ := w.Okta.User(w.Person(short).OktaID); u.Status != "DEPROVISIONED" {
			t.Errorf("%s is %s", short, u.Status)
		}
	}
	if !slices.Equal(before, w.Groups("felix")) {
		t.Errorf("Felix was in %v and is in %v", before, w.Groups("felix"))
	}
}

func TestWhatDoesNotExistIsUnknownAndTheZeroValue(t *testing.T) {
	w := open(t)
	for name, err := range map[string]error{
		"requester": second(w.Request(world.AccessRequest{By: "nobody", System: "payments"})),
		"system":    second(w.Request(world.AccessRequest{By: "clara", System: "nothing"})),
		"approver":  second(w.Request(world.AccessRequest{By: "clara", System: "payments", Approvers: []string{"nobody"}})),
		"leaver":    second(w.Offboard("karim", "nobody", time.Now())),
		"group":     w.ConsoleAdd("ivo", "clara", "nothing"),
		"ticket":    w.Approve("odile", "ACC-9999"),
	} {
		if !errors.Is(err, world.ErrUnknown) && !errors.Is(err, jiramock.ErrUnknown) {
			t.Errorf("an unknown %s: %v", name, err)
		}
	}
	if w.Person("nobody") != (world.Person{}) || w.Group("nothing") != (world.Group{}) || w.System("nothing").ID != "" {
		t.Error("what does not exist is described")
	}
	if w.InGroup("nobody", "crm-agents") || w.InGroup("clara", "nothing") || w.Status("ACC-9999") != "" || w.SessionsCleared("nobody") {
		t.Error("something is said of what does not exist")
	}
}

func second[T any](_ T, err error) error { return err }

func TestChangeIDsAreReadFromTheProgramsCommentsOnly(t *testing.T) {
	w := open(t)
	key := ask(t, w, world.AccessRequest{By: "clara", System: "payments", Role: "operator"})
	const first, last = "CHG-01M82TZP0DZ4ZHZGX7FXY49M5T", "CHG-01M82V0B125XRHGZTVEYKEDQ4D"
	say := func(who, text string) {
		must(t, w.Jira.Comment(w.Person(who).Account, key, jiramock.NewComment{Body: text}))
	}
	say("clara", "I have seen "+last)
	say("sopd", "* "+first+": added\n* "+first+": again")
	say("sopd", "CHG-short, then "+last+".")
	if got := w.ChangeIDs(key); !slices.Equal(got, []string{first, last}) {
		t.Errorf("change IDs %v", got)
	}
	if len(w.Comments(key)) != 3 || len(w.Answers(key)) != 2 {
		t.Errorf("%d comments, %d of the program", len(w.Comments(key)), len(w.Answers(key)))
	}
}

func TestAlertsAreFoundByWhatTheyNameAnywhere(t *testing.T) {
	w := open(t)
	id := w.Opsgenie.CreateAlert(opsgeniemock.Alert{Message: "drift", Details: map[string]string{"user": "00uA", "group": "00gB"}})
	if len(w.AlertsAbout("00uA", "00gB")) != 1 || len(w.AlertsAbout("00uA", "00gC")) != 0 {
		t.Error("the alert about the two is not told from others")
	}
	w.Opsgenie.CloseAlert(id, "tariq@example.com")
	if len(w.AlertsAbout("00uA", "00gB")) != 0 {
		t.Error("a closed alert is shown as open")
	}
}

func TestWhatWasRememberedIsComparedWithNow(t *testing.T) {
	w := open(t)
	w.Remember("then")
	if len(w.Lost("then")) != 0 || w.Paged("then") {
		t.Error("something was lost at once")
	}
	must(t, w.Okta.RemoveMember(w.Person("ivo").OktaID, w.Group("crm-agents").ID, w.Person("ugo").OktaID))
	w.Opsgenie.CreateAlert(opsgeniemock.Alert{Message: "help"})
	if got := w.Lost("then"); !slices.Equal(got, []string{"crm-agents/ugo"}) || !w.Paged("then") {
		t.Errorf("lost %v, paged %v", got, w.Paged("then"))
	}
}

// delivery is a webhook that arrived.
type delivery struct{ path, authorization, signature, body string }

// listen starts a receiver that answers Okta's challenge and passes on what arrives.
func listen(t *testing.T) (base string, arrived <-chan delivery) {
	t.Helper()
	all := make(chan delivery, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			t.Error(err)
		}
		if challenge := in.Header.Get("X-Okta-Verification-Challenge"); challenge != "" {
			fmt.Fprintf(out, `{"verification":%q}`, challenge)
			return
		}
		all <- delivery{in.URL.Path, in.Header.Get("Authorization"), in.Header.Get("X-Hub-Signature"), string(body)}
	}))
	t.Cleanup(receiver.Close)
	return receiver.URL, all
}

func TestEachVendorsWebhooksArriveWithTheSecretOfTheEnvironment(t *testing.T) {
	w := open(t)
	old, oldArrived := listen(t)
	base, arrived := listen(t)
	must(t, w.Hook(old))
	must(t, w.Hook(base))
	env := w.Env()
	must(t, w.ConsoleAdd("ivo", "camille", "website-editors"))
	if d := <-arrived; d.path != "/webhooks/okta" || d.authorization != env["SOPD_OKTA_WEBHOOK_SECRET"] || !strings.Contains(d.body, w.Person("camille").OktaID) {
		t.Errorf("from Okta: %+v", d)
	}
	ask(t, w, world.AccessRequest{By: "clara", System: "payments", Role: "operator"})
	if d := <-arrived; d.path != "/webhooks/jira" || !strings.HasPrefix(d.signature, "sha256=") {
		t.Errorf("from Jira: %+v", d)
	}
	w.Opsgenie.CreateAlert(opsgeniemock.Alert{Message: "help"})
	if d := <-arrived; d.path != "/webhooks/opsgenie" || d.authorization != env["SOPD_OPSGENIE_WEBHOOK_SECRET"] {
		t.Errorf("from Opsgenie: %+v", d)
	}
	if len(oldArrived) != 0 {
		t.Errorf("%d webhooks went to the receiver of before", len(oldArrived))
	}
}

func TestAReceiverThatDoesNotAnswerOktasChallengeIsRefused(t *testing.T) {
	w := open(t)
	receiver := httptest.NewServer(http.NotFoundHandler())
	defer receiver.Close()
	if err := w.Hook(receiver.URL); err == nil {
		t.Error("no error")
	}
}
