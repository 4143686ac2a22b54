package world_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/world"
)

func open(t *testing.T) *world.World {
	t.Helper()
	return openAt(t, nil)
}

func openAt(t *testing.T, now func() time.Time) *world.World {
	t.Helper()
	w, err := world.New(world.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// getJSON reads from Jira as the program does.
func getJSON(t *testing.T, w *world.World, path string, into any) {
	t.Helper()
	env := w.Env()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["SOPD_JIRA_URL"]+path, nil)
	must(t, err)
	request.SetBasicAuth(env["SOPD_JIRA_USER"], env["SOPD_JIRA_TOKEN"])
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", path, response.StatusCode)
	}
	must(t, json.NewDecoder(response.Body).Decode(into))
}

// issue is what tests look at of an issue.
type issue struct {
	Fields struct {
		Created     string
		RequestType struct{ RequestType struct{ Name string } } `json:"customfield_10010"`
	}
	Changelog struct {
		Histories []struct {
			Created string
			Items   []struct{ Field, ToString string }
		}
	}
}

func requestTypeOf(t *testing.T, w *world.World, key world.Key) string {
	t.Helper()
	var i issue
	getJSON(t, w, "/rest/api/2/issue/"+string(key), &i)
	return i.Fields.RequestType.RequestType.Name
}

func TestIdentifiersAreTheSameInEveryRun(t *testing.T) {
	first := openAt(t, nil)
	second := openAt(t, func() time.Time { return time.Date(2030, time.March, 5, 14, 0, 0, 0, time.UTC) })
	if diff := cmp.Diff(identifiers(t, first), identifiers(t, second)); diff != "" {
		t.Errorf("identifiers of two worlds:\n%s", diff)
	}
}

func identifiers(t *testing.T, w *world.World) map[string]string {
	ids := map[string]string{}
	for _, p := range world.People() {
		ids["person "+p.Short] = p.OktaID + " " + string(p.Account)
	}
	for _, g := range w.AllGroups() {
		ids["group "+g.Name] = g.ID + " " + strings.Join(w.Okta.Members(g.ID), " ")
	}
	for _, key := range w.Jira.Issues() {
		snapshot, ok := w.Jira.Issue(key)
		if !ok {
			t.Fatalf("no %s", key)
		}
		ids["ticket "+string(key)] = snapshot.ID + " " + snapshot.Summary + " " + string(snapshot.Reporter)
	}
	for _, a := range w.Opsgenie.Alerts() {
		ids["alert "+a.Message] = a.ID
	}
	return ids
}

func TestNobodySharesAnIdentifierOrAName(t *testing.T) {
	seen := map[string]string{}
	for _, p := range world.People() {
		for _, id := range []string{p.OktaID, string(p.Account), p.Login, p.Name} {
			if other, taken := seen[id]; taken {
				t.Errorf("%s and %s share %q", p.Short, other, id)
			}
			seen[id] = p.Short
		}
	}
	if len(world.People()) < 55 {
		t.Errorf("%d people work at Maison RMI, want about 60", len(world.People()))
	}
}

func TestPeopleAreMatchedByTheProfileAttributeAlsoWhenTheyHideTheirAddress(t *testing.T) {
	w := open(t)
	hidden := 0
	for _, p := range world.People() {
		u, ok := w.Okta.User(p.Login)
		if !ok || u.ID != p.OktaID || u.Profile["jiraAccountId"] != string(p.Account) {
			t.Errorf("%s is in Okta as %s with the Jira account %v", p.Short, u.ID, u.Profile["jiraAccountId"])
		}
		for _, attribute := range []string{"department", "title", "timezone", "userType"} {
			if u.Profile[attribute] == "" || u.Profile[attribute] == nil {
				t.Errorf("%s has no %s", p.Short, attribute)
			}
		}
		var shown map[string]any
		getJSON(t, w, "/rest/api/3/user?accountId="+string(p.Account), &shown)
		if shown["emailAddress"] == nil {
			hidden++
		}
	}
	if hidden < 3 {
		t.Errorf("%d people hide their address, want a few", hidden)
	}
}

func TestManagersWorkHereAndTheZonesExist(t *testing.T) {
	w := open(t)
	for _, p := range world.People() {
		u, _ := w.Okta.User(p.OktaID)
		if manager, has := u.Profile["managerId"].(string); has {
			if m, ok := w.Okta.User(manager); !ok || m.Status != "ACTIVE" {
				t.Errorf("the manager of %s is not here", p.Short)
			}
		}
		zone, _ := u.Profile["timezone"].(string)
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("zone of %s: %v", p.Short, err)
		}
	}
}

func TestRulesFeedTheirGroupsAndNobodyElseDoes(t *testing.T) {
	w := open(t)
	for short, want := range map[string][]bool{"nadia": {true, true}, "rafael": {true, false}, "odile": {false, true}, "enzo": {false, false}} {
		got := []bool{w.InGroup(short, "source-readers"), w.InGroup(short, "wiki-readers")}
		if !slices.Equal(got, want) {
			t.Errorf("%s is in source-readers and wiki-readers: %v, want %v", short, got, want)
		}
	}
	for _, name := range []string{"source-readers", "wiki-readers", "erp-planners", "mail-users", "break-glass-access", "Everyone"} {
		if g := w.Group(name); g.ID == "" || g.Managed {
			t.Errorf("group %s: %+v, want one that tickets do not decide about", name, g)
		}
	}
}

func TestWhoLeftHoldsNothingAndIsGoneEverywhere(t *testing.T) {
	w := open(t)
	for _, short := range []string{"arno", "berthe", "cesar", "doris", "enzo"} {
		p := w.Person(short)
		u, ok := w.Okta.User(p.OktaID)
		if !ok || u.Status != "DEPROVISIONED" || time.Since(u.StatusChanged) < 30*24*time.Hour {
			t.Errorf("%s is %s since %v", short, u.Status, u.StatusChanged)
		}
		if got := w.Groups(short); !slices.Equal(got, []string{"Everyone"}) {
			t.Errorf("%s is still in %v", short, got)
		}
		var shown struct{ Active bool }
		getJSON(t, w, "/rest/api/3/user?accountId="+string(p.Account), &shown)
		if shown.Active {
			t.Errorf("%s is still active in Jira", short)
		}
	}
}

func TestEveryClosedTicketOfThePastHasItsApprovalAndItsHistory(t *testing.T) {
	w, began := open(t), time.Now()
	closed := 0
	for _, key := range w.Jira.Issues() {
		snapshot, _ := w.Jira.Issue(key)
		if snapshot.Status != world.StatusClosed || strings.HasPrefix(string(key), "SIR-") { // an incident is not asked for
			continue
		}
		closed++
		if !slices.Equal(snapshot.Approvals, []string{"approved"}) || snapshot.Resolved.IsZero() || snapshot.Resolved.After(began) {
			t.Errorf("%s: approvals %v, resolved %v", key, snapshot.Approvals, snapshot.Resolved)
		}
		if len(w.Comments(key)) == 0 {
			t.Errorf("%s: nobody said what was done", key)
		}
		if steps := statusesOf(t, w, key); len(steps) < 2 || steps[0] != world.StatusApproved || steps[len(steps)-1] != world.StatusClosed {
			t.Errorf("%s went through %v", key, steps)
		}
	}
	if closed < 100 {
		t.Errorf("%d closed tickets, want months of them", closed)
	}
}

// statusesOf lists the statuses that the issue went to, oldest first, and checks that time went on between them.
func statusesOf(t *testing.T, w *world.World, key world.Key) []string {
	t.Helper()
	var i issue
	getJSON(t, w, "/rest/api/2/issue/"+string(key)+"?expand=changelog", &i)
	var steps []string
	last := i.Fields.Created
	for _, h := range slices.Backward(i.Changelog.Histories) {
		if h.Created <= last {
			t.Errorf("%s: a change at %s comes after %s", key, h.Created, last)
		}
		last = h.Created
		for _, item := range h.Items {
			if item.Field == "status" {
				steps = append(steps, item.ToString)
			}
		}
	}
	return steps
}

func TestClosedTicketsExplainMostMembershipsAndNotAll(t *testing.T) {
	w := open(t)
	explained := map[string]bool{}
	names := map[string]world.System{}
	for _, s := range world.Systems() {
		names[s.Name] = s
	}
	for _, key := range w.Jira.Issues() {
		snapshot, _ := w.Jira.Issue(key)
		asked, _ := snapshot.Values["System"].([]string)
		if snapshot.Status != world.StatusClosed || len(asked) == 0 {
			continue
		}
		role, _ := snapshot.Values["Role"].(string)
		account, _ := snapshot.Values["Access for"].(jiramock.AccountID)
		explained[string(account)+" "+names[asked[0]].Roles[role]] = true
	}
	all, without := 0, 0
	for _, p := range world.People() {
		for _, g := range w.ManagedGroups(p.Short) {
			all++
			if !explained[string(p.Account)+" "+g] {
				without++
			}
		}
	}
	if without == 0 || without*5 > all {
		t.Errorf("%d of %d memberships have no ticket, want a few", without, all)
	}
}

func TestThePoliciesCanBeWrittenIntoAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "policies")
	w := open(t)
	must(t, w.WritePolicies(dir))
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{
		"access-provisioning.yaml", "access-without-desk.yaml", "birthright.yaml", "break-glass.yaml", "calendar.yaml", "catalog.yaml",
		"de-provisioning.yaml", "guards.yaml", "incident-response.yaml", "people.yaml", "revocation.yaml", "role-change.yaml",
		"routing.yaml", "separation-of-duties.yaml",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestOpsgenieHasAPastAndPeopleOnCall(t *testing.T) {
	w := open(t)
	if len(w.Opsgenie.Alerts()) < 5 || len(w.OpenAlerts()) != 1 {
		t.Errorf("%d alerts, %d open", len(w.Opsgenie.Alerts()), len(w.OpenAlerts()))
	}
	for _, a := range w.OpenAlerts() {
		if len(a.Responders) == 0 || a.Acknowledged != (a.AckAfter > 0) {
			t.Errorf("alert %+v", a)
		}
	}
}
