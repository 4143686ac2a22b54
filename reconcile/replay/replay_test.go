package replay_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/replay"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	reader access.GroupID = "00g1exampleledgerread"
	poster access.GroupID = "00g1exampleledgerpost"
)

// set is the shipped example with texts replaced, told as file, old, new.
func set(t *testing.T, edits ...string) *policies.Set {
	t.Helper()
	folder := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS("../../policies/example"), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile("../../policies/example/" + name)
		folder[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	edits = append([]string{"catalog.yaml", "mode: observe", "mode: grant"}, edits...)
	for i := 0; i+2 < len(edits); i += 3 {
		file := folder[edits[i]]
		if !strings.Contains(string(file.Data), edits[i+1]) {
			t.Fatalf("%s does not hold %q", edits[i], edits[i+1])
		}
		file.Data = []byte(strings.ReplaceAll(string(file.Data), edits[i+1], edits[i+2]))
	}
	s, err := policies.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// history is a past in which Ada got the reader's role of the ledger by two approvals, a plan removed four people, and a
// promise took three hours.
func history() replay.History {
	person := func(name string) ticket.Person {
		return ticket.Person{Account: ticket.AccountID("j-" + name), Email: name + "@example.com", Active: true}
	}
	user := func(id access.UserID, name string) access.User {
		return access.User{ID: id, Login: name + "@example.com", Email: name + "@example.com", Status: access.Active}
	}
	raised := now.AddDate(0, 0, -10)
	yes := func(id, name string) ticket.Approval {
		return ticket.Approval{
			ID: ticket.ApprovalID(id), Decision: ticket.Approved, Created: raised.Add(time.Minute), Completed: raised.Add(time.Hour),
			Approvers: []ticket.Approver{{Person: person(name), Decision: ticket.Approved}},
		}
	}
	h := replay.History{
		Since: now.AddDate(0, 0, -90), Now: now,
		Tickets: []replay.Ticket{{
			Ticket: ticket.Ticket{
				ID: "10001", Key: "ACC-1", Project: "ACC", RequestType: "Access request", Status: "Closed", Created: raised, Updated: raised,
				Reporter: person("rita"), People: map[ticket.AccountID]ticket.Person{"j-ada": person("ada")},
				Fields: map[string]ticket.Value{
					"Access for": {Accounts: []ticket.AccountID{"j-ada"}}, "System": {Texts: []string{"Ledger"}}, "Role": {Texts: []string{"Reader"}},
					"Business justification": {Texts: []string{"closing the books of the quarter"}}, "Access until": {Time: now.AddDate(0, 2, 0)},
				},
			},
			Approvals: []ticket.Approval{yes("1", "olga"), yes("2", "sven")},
		}},
		Users: []access.User{user("00u1exampleowner1", "olga"), user("00usven", "sven"), user("00uada", "ada"), user("00urita", "rita")},
		Members: map[access.GroupID][]access.UserID{
			"00g1examplesecops": {"00usven"}, reader: {"00uada", "00ueve"},
		},
		Granted:  map[access.Membership]bool{{Group: reader, User: "00uada"}: true},
		Baseline: map[access.Membership]bool{},
		Facts: []kpi.Fact{
			{ID: "a", Subject: "ACC-1", Name: "request.approved", At: raised, Recorded: raised},
			{ID: "b", Subject: "ACC-1", Name: "request.provisioned", At: raised.Add(30 * time.Minute), Recorded: raised},
		},
	}
	for _, id := range []access.UserID{"00u1", "00u2", "00u3", "00u4"} {
		h.Changes = append(h.Changes, change.Change{Kind: change.RemoveMember, User: id, Group: reader, Plan: "p1", Intended: raised})
	}
	h.Members[reader] = append(h.Members[reader], manyUsers(96)...)
	return h
}

func manyUsers(n int) []access.UserID {
	all := make([]access.UserID, n)
	for i := range all {
		all[i] = access.UserID("00v" + strings.Repeat("x", i))
	}
	return all
}

func TestTheSamePoliciesMakeNoDifference(t *testing.T) {
	r := replay.Compare(set(t), set(t), history())
	want := replay.Result{
		Since: now.AddDate(0, 0, -90), Now: now, Judged: 1,
		Requests: []replay.Request{}, Plans: []replay.Plan{}, Drift: []replay.Drift{}, Promises: []replay.Promise{},
		Unread: []replay.Unread{}, Pages: []replay.Page{}, Totals: r.Totals,
	}
	for _, total := range r.Totals {
		if total.More+total.Less != 0 || len(r.Totals) != 6 {
			t.Errorf("%+v", r.Totals)
		}
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestAnApprovalThatIsAskedForNewlyWouldHaveRefused(t *testing.T) {
	h := history()
	h.Tickets[0].Approvals = h.Tickets[0].Approvals[:1]
	before := set(t, "access-provisioning.yaml", `when: system.risk == "high"`, `when: system.risk == "low"`)
	r := replay.Compare(before, set(t), h)
	if len(r.Requests) != 1 || r.Requests[0].Before != authority.Proven || r.Requests[0].After != authority.Unproven {
		t.Fatalf("requests %+v", r.Requests)
	}
	if diff := cmp.Diff([]access.Membership{{Group: reader, User: "00uada"}}, r.Requests[0].Loses); diff != "" {
		t.Error(diff)
	}
	if why := strings.Join(r.Requests[0].Why, "; "); !strings.Contains(why, "security-operations") {
		t.Errorf("why: %s", why)
	}
	back := replay.Compare(set(t), before, h)
	if len(back.Requests) != 1 || len(back.Requests[0].Gains) != 1 {
		t.Errorf("the other way round: %+v", back.Requests)
	}
}

func TestASystemThatIsOnlyObservedWouldHaveGivenNothing(t *testing.T) {
	r := replay.Compare(set(t), set(t, "catalog.yaml", "mode: grant", "mode: observe"), history())
	if len(r.Requests) != 1 || len(r.Requests[0].Loses) != 1 || len(r.Requests[0].Why) != 1 {
		t.Errorf("requests %+v", r.Requests)
	}
}

func TestARoleThatGivesAnotherGroupShowsBothWays(t *testing.T) {
	after := set(t, "catalog.yaml", "- name: Reader\n        groups: [ledger-readers]", "- name: Reader\n        groups: [ledger-posters]")
	r := replay.Compare(set(t), after, history())
	if len(r.Requests) != 1 {
		t.Fatalf("requests %+v", r.Requests)
	}
	got := [][]access.Membership{r.Requests[0].Gains, r.Requests[0].Loses}
	if diff := cmp.Diff([][]access.Membership{{{Group: poster, User: "00uada"}}, {{Group: reader, User: "00uada"}}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestATicketOfNoProcedureIsSaidToBeNobodys(t *testing.T) {
	r := replay.Compare(set(t), set(t, "access-provisioning.yaml", "Access request", "Another request"), history())
	if len(r.Requests) != 1 || r.Requests[0].After != "" || r.Judged != 1 {
		t.Errorf("judged %d, requests %+v", r.Judged, r.Requests)
	}
}

func TestATighterGuardWouldHaveStoppedAPlan(t *testing.T) {
	r := replay.Compare(set(t), set(t, "guards.yaml", "removals: 25", "removals: 3"), history())
	if len(r.Plans) != 1 || len(r.Plans[0].Before) != 0 {
		t.Fatalf("plans %+v", r.Plans)
	}
	if diff := cmp.Diff([]guard.Name{guard.Number}, r.Plans[0].After); diff != "" {
		t.Error(diff)
	}
}

func TestEnforcementWouldRemoveWhatNothingSpeaksFor(t *testing.T) {
	h := history()
	h.Members[reader] = []access.UserID{"00uada", "00ueve"}
	r := replay.Compare(set(t), set(t, "catalog.yaml", "mode: grant", "mode: enforce"), h)
	want := []replay.Drift{{Membership: access.Membership{Group: reader, User: "00ueve"}, Before: replay.Reported, After: replay.Removed}}
	if diff := cmp.Diff(want, r.Drift); diff != "" {
		t.Error(diff)
	}
	h.Baseline[want[0].Membership] = true
	if r := replay.Compare(set(t), set(t, "catalog.yaml", "mode: grant", "mode: enforce"), h); len(r.Drift) != 0 {
		t.Errorf("what was adopted would be treated otherwise: %+v", r.Drift)
	}
}

func TestAShorterPromiseWouldHaveBeenBroken(t *testing.T) {
	after := set(t, "access-provisioning.yaml", "target: {default: 1h}", "target: {default: 20m}")
	r := replay.Compare(set(t), after, history())
	if len(r.Promises) != 1 || r.Promises[0].KPI != "provisioning" {
		t.Fatalf("promises %+v", r.Promises)
	}
	if diff := cmp.Diff([]string{"ACC-1"}, r.Promises[0].Late); diff != "" {
		t.Error(diff)
	}
	back := replay.Compare(after, set(t), history())
	if diff := cmp.Diff([]string{"ACC-1"}, back.Promises[0].Kept); diff != "" {
		t.Error(diff)
	}
}

func total(r replay.Result, what string) [2]int {
	for _, t := range r.Totals {
		if t.What == what {
			return [2]int{t.More, t.Less}
		}
	}
	return [2]int{-1, -1}
}

func TestTotalsAndPagesCountWhatTheListsSay(t *testing.T) {
	h := history()
	h.Members[reader] = []access.UserID{"00uada", "00ueve"}
	after := set(t, "catalog.yaml", "mode: grant", "mode: enforce", "guards.yaml", "removals: 25", "removals: 3",
		"access-provisioning.yaml", "target: {default: 1h}", "target: {default: 20m}")
	forth, back := replay.Compare(set(t), after, h), replay.Compare(after, set(t), h)
	for what, want := range map[string]int{"pages: late": 1, "pages: drift": 0, "memberships taken away as drift": 1, "memberships given on a request": 0} {
		if a, b := total(forth, what), total(back, what); a != [2]int{want, 0} || b != [2]int{0, want} {
			t.Errorf("%s: %v, the other way round %v", what, a, b)
		}
	}
	held := replay.Compare(set(t), set(t, "guards.yaml", "removals: 25", "removals: 3"), history())
	want := []replay.Page{{About: "p1", Why: replay.WhyHeld, Sent: replay.ByChanged}}
	if diff := cmp.Diff(want, held.Pages); diff != "" || total(held, "plans stopped by a guard") != [2]int{1, 0} {
		t.Errorf("%s %v", diff, held.Totals)
	}
	given := replay.Compare(set(t, "catalog.yaml", "mode: grant", "mode: observe"), set(t), history())
	if got := total(given, "memberships given on a request"); got != [2]int{1, 0} {
		t.Errorf("given: %v", got)
	}
}

func TestAGroupThatIsManagedNewlyPagesAboutItsMembers(t *testing.T) {
	h := history()
	h.Members[reader] = []access.UserID{"00uada", "00ueve"}
	without := set(t, "catalog.yaml", string(reader), "00g1exampleanother0")
	r := replay.Compare(without, set(t), h)
	want := []replay.Page{{About: "00ueve " + string(reader), Why: replay.WhyDrift, Sent: replay.ByChanged}}
	if diff := cmp.Diff(want, r.Pages); diff != "" {
		t.Error(diff)
	}
	back := replay.Compare(set(t), without, h)
	if len(back.Pages) != 1 || back.Pages[0].Sent != replay.ByInForce {
		t.Errorf("%+v", back.Pages)
	}
}

func TestATicketWhoseFieldWasNeverReadIsNotJudgedAsLackingIt(t *testing.T) {
	h := history()
	other := h.Tickets[0]
	other.Key, other.ID = "ACC-2", "10002"
	other.Fields = map[string]ticket.Value{"Reason": {Texts: []string{"closing the books of the quarter"}}}
	for name, v := range h.Tickets[0].Fields {
		other.Fields[name] = v
	}
	h.Tickets = append(h.Tickets, other) // of this one the field was read, by policies that are no more
	r := replay.Compare(set(t), set(t, "access-provisioning.yaml", "justification: Business justification", "justification: Reason"), h)
	want := []replay.Unread{{Field: "Reason", Tickets: []ticket.Key{"ACC-1"}}}
	if diff := cmp.Diff(want, r.Unread); diff != "" {
		t.Error(diff)
	}
	if r.Judged != 1 || len(r.Requests) != 0 || total(r, "memberships given on a request") != [2]int{0, 0} {
		t.Errorf("judged %d, requests %+v", r.Judged, r.Requests)
	}
}
