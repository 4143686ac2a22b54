package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/procedures"
	"github.com/maisonrmi/sopd/reconcile/promises"
	"github.com/maisonrmi/sopd/reconcile/reports"
	"github.com/maisonrmi/sopd/reconcile/reviews"
	"github.com/maisonrmi/sopd/reconcile/tasks"
	"github.com/maisonrmi/sopd/reconcile/watching"
)

// procedural gives the bench further policies, each the kind, the name and the rest of a file, and the stages that run them.
func (b *bench) procedural(files ...[3]string) {
	b.Helper()
	folder := make(fstest.MapFS)
	for name, text := range orgFiles() {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for _, f := range files {
		folder[f[1]+".yaml"] = &fstest.MapFile{Data: []byte(sopYAML(f[0], f[1], f[2]))}
	}
	set, err := policies.Load(folder)
	if err != nil {
		b.Fatal(err)
	}
	b.set = set
	b.stages = []reconcile.Stage{
		&procedures.Stage{Policies: set}, &tasks.Stage{Policies: set}, &reviews.Stage{Policies: set, Desk: b.v.jira},
		&reports.Stage{Policies: set, Read: b.reads, Program: "1.2.3"}, &watching.Stage{Policies: set, Self: func() access.UserID { return self }}, &promises.Stage{Policies: set},
	}
	b.r = b.reconciler(b.holder)
}

// restores is tests of recovery: every day one, and what it has to show.
func restores() [][3]string {
	return [][3]string{
		{"RecurringTasks", "restores", `
project: OPS
type: Restore test
done: [Done]
tasks: [{name: restore, title: Restore test, every: daily, within: 20h, remind: 5h, owner: platform, escalate: head}]
`},
		{"Procedure", "recovery", `
tickets: {projects: [OPS], types: [Restore test]}
facts: {recovery.tested: {status: [Done]}}
artefacts: {statuses: [Done], coverage: results, required: [{name: the time it took, field: Took}]}
limits: [{name: the recovery, field: Took, unit: hours, most: 4h}]
`},
	}
}

// moved moves a ticket, as somebody of the staff.
func (b *bench) moved(key ticket.Key, status string) {
	b.v.jira.move(key, status, person("uDan").Account)
	b.v.jira.issues[key].Done = status == "Done"
}

// comments comments as somebody of the staff.
func (b *bench) comments(as access.UserID, key ticket.Key, body string) {
	i := b.v.jira.touch(key)
	i.comments = append(i.comments, ticket.Comment{
		ID: fmt.Sprint(len(i.comments) + 1), Author: person(as).Account, Body: body, Created: b.v.clock.now,
	})
}

// kinds returns how many findings of each kind stand.
func (b *bench) kinds(kinds ...finding.Kind) map[finding.Kind]int {
	out := make(map[finding.Kind]int)
	for _, k := range kinds {
		if n := len(b.findings(k)); n > 0 {
			out[k] = n
		}
	}
	return out
}

func TestATaskIsOpenedOnceChasedAndRecordedAsMissed(t *testing.T) {
	b := newBench(t)
	b.procedural(restores()...)
	b.settle()
	key := b.opened()[0].Key
	for _, step := range []struct {
		until time.Duration // of the day
		said  string
		n     int
		kinds map[finding.Kind]int
	}{
		{14 * time.Hour, "has to be done by", 0, map[finding.Kind]int{}},
		{16 * time.Hour, "has to be done by", 1, map[finding.Kind]int{}},
		{20*time.Hour + time.Minute, "was to be done by", 1, map[finding.Kind]int{tasks.FindingOverdue: 1}},
	} {
		b.v.clock.now = b.v.clock.now.UTC().Truncate(24 * time.Hour).Add(step.until)
		b.settle()
		b.wantSaid(key, step.said, step.n)
		if diff := cmp.Diff(step.kinds, b.kinds(tasks.FindingOverdue, tasks.FindingMissed)); diff != "" {
			t.Errorf("after %v: %s", step.until, diff)
		}
	}
	if n := len(b.opened()); n != 1 {
		t.Errorf("%d tickets were opened, want 1", n)
	}
	b.v.jira.edit(key, "Took", ticket.Value{Texts: []string{"3"}})
	b.moved(key, "Done")
	later(10 * time.Second)(b)
	b.settle()
	if diff := cmp.Diff(map[finding.Kind]int{}, b.kinds(tasks.FindingOverdue, procedures.FindingIncomplete)); diff != "" {
		t.Errorf("done late: %s", diff)
	}
	names := b.facts(subjectOf(b, "restores/restore@"))
	if _, missed := names["restores.missed"]; !missed || len(names) != 3 {
		t.Errorf("facts %v", names)
	}
	if n := b.records(ledger.TaskOpened); n != 1 {
		t.Errorf("%d records of opening, want 1", n)
	}
}

// subjectOf returns the first subject of a fact that begins so.
func subjectOf(b *bench, prefix string) string {
	for _, f := range b.everyFact() {
		if strings.HasPrefix(f.Subject, prefix) {
			return f.Subject
		}
	}
	b.Fatalf("no fact about %s…", prefix)
	return ""
}

func TestADaemonThatWasOffForDaysOpensTheLatestAndRecordsTheOthersAsMissed(t *testing.T) {
	b := newBench(t)
	b.procedural(restores()...)
	b.v.clock.now = b.v.clock.now.UTC().Truncate(24 * time.Hour).Add(time.Hour)
	b.settle()
	later(4 * 24 * time.Hour)(b)
	b.restart()
	b.settle()
	if n := len(b.opened()); n != 2 {
		t.Errorf("%d tickets were opened, want 2", n)
	}
	missed := 0
	for _, f := range b.everyFact() {
		if f.Name == "restores.missed" {
			missed++
		}
	}
	if missed != 4 { // three that were never opened, and the first that nobody has done
		t.Errorf("%d are recorded as missed, want 4", missed)
	}
	if n := len(b.findings(tasks.FindingMissed)); n == 0 {
		t.Error("nobody is told of what was missed")
	}
}

func TestATaskThatIsClosedWithoutBeingDoneIsMissedAndChasedNoMore(t *testing.T) {
	b := newBench(t)
	b.procedural(restores()...)
	b.settle()
	b.moved(b.opened()[0].Key, "Cancelled")
	b.v.jira.issues[b.opened()[0].Key].Done = true
	b.v.clock.now = b.v.clock.now.UTC().Truncate(24 * time.Hour).Add(21 * time.Hour)
	b.settle()
	if _, missed := b.facts(subjectOf(b, "restores/restore@"))["restores.missed"]; !missed {
		t.Error("it is not recorded as missed")
	}
	if n := len(b.findings(tasks.FindingOverdue)); n != 0 {
		t.Errorf("%d findings, want none", n)
	}
}

func TestAResultThatIsMissingOrTooLongIsSaidOnceForEachSet(t *testing.T) {
	b := newBench(t)
	b.procedural(restores()...)
	b.settle()
	key := b.opened()[0].Key
	b.moved(key, "Done")
	later(10 * time.Second)(b)
	b.settle()
	b.wantSaid(key, "the time it took", 1)
	later(time.Hour)(b)
	b.settle()
	b.wantSaid(key, "the time it took", 1)
	b.v.jira.edit(key, "Took", ticket.Value{Texts: []string{"6"}})
	later(10 * time.Second)(b)
	b.settle()
	b.wantSaid(key, "the recovery was 6h0m0s and may be at most 4h0m0s", 1)
	if n := len(b.findings(procedures.FindingIncomplete)); n != 1 {
		t.Errorf("%d findings, want 1", n)
	}
	b.v.jira.edit(key, "Took", ticket.Value{Texts: []string{"3"}})
	later(10 * time.Second)(b)
	b.settle()
	if n := len(b.findings(procedures.FindingIncomplete)); n != 0 {
		t.Errorf("%d findings stand that are over", n)
	}
	b.look(func(tx *store.Tx) error {
		shares, err := tx.Coverage()
		if s := shares["recovery"]; s.Part != 1 || s.Total != 1 {
			t.Errorf("coverage %+v", s)
		}
		return err
	})
}

func TestWithWritingOffNothingIsOpenedOrSaid(t *testing.T) {
	b := newBench(t)
	b.write = false
	b.procedural(append(restores(), reviewed())...)
	b.passed()
	if n := len(b.opened()) + len(b.v.writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// reviewed is a review of the wiki.
func reviewed() [3]string {
	return [3]string{"AccessReview", "reviews", `
schedule: {every: daily}
within: 24h
project: OPS
type: Access review
close: Closed
systems: [wiki]
fallback: {users: [uSec]}
keep: 180d
`}
}

// number returns under which number the review's list has the person.
func (b *bench) number(user access.UserID) (n int) {
	b.look(func(tx *store.Tx) error {
		open, err := tx.Reviews(review.Open)
		for _, r := range open {
			i := slices.IndexFunc(r.Items, func(i review.Item) bool { return i.User == user })
			if i >= 0 {
				n = r.Items[i].Number
			}
		}
		return err
	})
	return n
}

// accessReview is the story of an owner who revokes one access and certifies the others.
func accessReview() story {
	return story{
		name:  "an access review",
		begin: func(b *bench) { b.procedural(reviewed()) },
		then: []func(*bench){
			func(b *bench) {
				b.comments("uBob", b.opened()[0].Key, "revoke 1")
				b.comments("uOwner", b.opened()[0].Key, fmt.Sprintf("revoke %d\ncertify rest", b.number("uCyd")))
			},
		},
		end: func(b *bench) {
			b.wantMade(removed("gWiki", "uCyd"))
			tickets := b.opened()
			if len(tickets) != 1 {
				b.Fatalf("%d tickets were opened, want 1", len(tickets))
			}
			b.wantStatus(tickets[0].Key, "Closed")
			b.wantSaid(tickets[0].Key, "not yours to decide", 1)
			b.wantSaid(tickets[0].Key, "Understood", 1)
			if diff := cmp.Diff([]string{"access-review-", "access-review-"}, heads(tickets[0].attachments)); diff != "" {
				b.Errorf("attachments: %s", diff)
			}
			if n := b.records(ledger.ReviewDecided); n != 7 {
				b.Errorf("%d decisions are recorded, want one for each of 7 memberships", n)
			}
		},
	}
}

func heads(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, n[:min(len(n), len("access-review-"))])
	}
	return out
}

func TestACertifiedMembershipWithoutATicketIsGoodForALimitedTime(t *testing.T) {
	b := newBench(t)
	b.procedural(reviewed())
	b.settle()
	b.comments("uOwner", b.opened()[0].Key, "certify all")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	b.look(func(tx *store.Tx) error {
		adopted, err := tx.Baseline("gWiki")
		for _, a := range adopted {
			if left := a.ReviewBy.Sub(b.v.clock.now); left < 179*24*time.Hour || a.By != "uOwner" {
				t.Errorf("%s is good for %v by %s", a.User, left, a.By)
			}
		}
		if len(adopted) == 0 {
			t.Error("nothing is adopted any more")
		}
		return err
	})
}

func TestAReviewThatNobodyAnswersIsOverdueAndChangesNothing(t *testing.T) {
	b := newBench(t)
	b.procedural(reviewed())
	b.settle()
	key := b.opened()[0].Key
	later(25 * time.Hour)(b)
	b.settle()
	b.wantMade()
	b.wantSaid(key, "were due by", 1)
	if diff := cmp.Diff(map[finding.Kind]int{reviews.FindingOverdue: 1, promises.FindingBreached: 1}, b.kinds(reviews.FindingOverdue, promises.FindingBreached)); diff != "" {
		t.Error(diff)
	}
}

func TestADecisionThatALaterTicketOverruledTakesNothing(t *testing.T) {
	b := newBench(t)
	b.procedural(reviewed())
	b.settle()
	key, n := b.opened()[0].Key, b.number("uCyd")
	b.wikiFor("uCyd", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.comments("uOwner", key, fmt.Sprintf("revoke %d", n))
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gWiki", "uCyd", true)
}

// clocked is a procedure with a promise of an hour.
func clocked() [3]string {
	return [3]string{"Procedure", "flaws", `
tickets: {projects: [SEC]}
severity: {field: Severity}
facts:
  flaw.found: {created: true}
  flaw.fixed: {status: [Done]}
clocks:
  - {kpi: fix, subject: flaw, start: [flaw.found], stop: [flaw.fixed], target: {critical: 1h, default: 10h}, warn: ["50%"], owner: platform, escalate: head, page: [at-risk, breached], priority: {breached: P1}}
`}
}

// flaw raises a vulnerability.
func (b *bench) flaw(severity string) ticket.Key {
	key := b.v.jira.raise(ask{project: "SEC", kind: "Vulnerability", by: "uDan", about: "uDan"})
	b.v.jira.issues[key].Fields["Severity"] = ticket.Value{Texts: []string{severity}}
	return key
}

func TestAClockPagesWhenItIsAtRiskAndWhenItIsLateAndNoLongerThanThat(t *testing.T) {
	b := newBench(t)
	b.procedural(clocked())
	b.settle()
	key := b.flaw("Critical")
	want := func(when string, kinds map[finding.Kind]int) {
		t.Helper()
		b.settle()
		if diff := cmp.Diff(kinds, b.kinds(promises.FindingAtRisk, promises.FindingBreached)); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
		if open := len(b.v.ops.open); open != len(kinds) {
			t.Errorf("%s: %d alerts are open, want %d", when, open, len(kinds))
		}
	}
	later(10 * time.Minute)(b)
	want("at first", map[finding.Kind]int{})
	later(25 * time.Minute)(b)
	want("at risk", map[finding.Kind]int{promises.FindingAtRisk: 1})
	later(30 * time.Minute)(b)
	want("late", map[finding.Kind]int{promises.FindingBreached: 1})
	if f := b.findings(promises.FindingBreached)[0]; f.Owner != "head" || f.Priority != 1 || f.Ticket != key {
		t.Errorf("owner %s, priority %d, ticket %s", f.Owner, f.Priority, f.Ticket)
	}
	b.v.jira.edit(key, "Severity", ticket.Value{Texts: []string{"Low"}})
	last := &b.v.jira.issues[key].History[len(b.v.jira.issues[key].History)-1]
	last.From, last.FromText, last.To, last.ToText = "1", "Critical", "2", "Low"
	later(time.Minute)(b)
	want("of another severity", map[finding.Kind]int{})
	b.moved(key, "Done")
	later(time.Minute)(b)
	want("fixed", map[finding.Kind]int{})
}

func TestWhatWasLateBeforeSopdPagesNobody(t *testing.T) {
	b := newBench(t)
	b.flaw("Critical")
	later(3 * time.Hour)(b)
	b.procedural(clocked())
	b.settle()
	if n := len(b.findings(promises.FindingBreached)); n != 0 {
		t.Errorf("%d findings", n)
	}
	for _, f := range b.everyFact() {
		if f.Subject[:3] == "SEC" && !f.Backfilled {
			t.Errorf("%s is not marked as back-filled", f.ID)
		}
	}
}

func TestWatchRulesRaiseOnceWhatIsNewAndLetItGoAfterAWhile(t *testing.T) {
	b := newBench(t)
	b.procedural([3]string{"Watch", "watch", `
rules:
  - {kind: by-hand, title: somebody was added by hand, events: [group.user_membership.add], when: 'actor.type == "User"', keep: 1d, owner: security}
`})
	b.settle()
	b.v.okta.put(access.Membership{Group: "gArchive", User: "uAda"}, true, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	found := b.findings("by-hand")
	if len(found) != 1 || found[0].Event == "" || found[0].User != "uAda" || found[0].Owner != "security" {
		t.Fatalf("%+v", found)
	}
	later(5 * time.Minute)(b)
	b.settle()
	if n := len(b.findings("by-hand")); n != 1 {
		t.Errorf("%d findings later, want 1", n)
	}
	later(25 * time.Hour)(b)
	b.settle()
	if n := len(b.findings("by-hand")); n != 0 {
		t.Errorf("%d findings stand after a day", n)
	}
}

func TestTheClocksOfAccessAreFilledFromTheVendorsHistoryOnceAndPageNobody(t *testing.T) {
	b := newBench(t)
	began := b.v.clock.now
	past := func(kind, by string, statuses ...string) ticket.Key {
		key := b.v.jira.raise(ask{project: map[string]string{"Access request": "ACC", "Offboarding": "HR"}[kind], kind: kind, by: "uDan", about: access.UserID(by), system: "Wiki"})
		i := b.v.jira.issues[key]
		i.Created = began.Add(-20 * 24 * time.Hour)
		for n, s := range statuses {
			b.v.jira.move(key, s, bot)
			i.History[n].At = i.Created.Add(time.Duration(n+1) * 24 * time.Hour)
		}
		i.Updated = began.Add(-10 * 24 * time.Hour)
		return key
	}
	closed := past("Access request", "uAda", "Approved", "Waiting for validation", "Validated", "Closed")
	declined := past("Access request", "uBob", "Declined")
	b.v.jira.issues[declined].Done = true
	left := past("Offboarding", "uCyd", "Approved", "Closed")
	b.backfilled("90d")
	for range 2 {
		b.settle()
		later(time.Hour)(b)
	}
	want := map[string]int{
		string(closed) + "/request.requested": 0, string(closed) + "/request.approved": 1, string(closed) + "/request.provisioned": 2,
		string(closed) + "/request.validated": 3, string(left) + "/leaver.left": 1, string(left) + "/leaver.removed": 2,
	}
	got := make(map[string]int)
	for _, f := range b.everyFact() {
		if !f.Backfilled {
			t.Errorf("%s is not marked", f.ID)
		}
		got[f.ID] = int(f.At.Sub(began.Add(-20*24*time.Hour)) / (24 * time.Hour))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := b.records(ledger.FactRecorded); n != len(want) {
		t.Errorf("%d facts are in the ledger, want %d", n, len(want))
	}
	if n := len(b.v.ops.open); n != 0 {
		t.Errorf("%d alerts are open", n)
	}
}

// backfilled lets the access procedures look back so far, with a clock on each promise.
func (b *bench) backfilled(days string) {
	b.Helper()
	b.procedural()
	folder := make(fstest.MapFS)
	for name, text := range orgFiles() {
		if name == "access.yaml" {
			text = "backfill: " + days + "\n" + text + `
clocks:
  - {kpi: fulfilment, subject: request, start: [request.requested], stop: [request.provisioned], target: {default: 1h}, owner: it}
`
		}
		if name == "leaver.yaml" {
			text = "backfill: " + days + "\n" + text
		}
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := policies.Load(folder)
	if err != nil {
		b.Fatal(err)
	}
	b.set, b.stages = set, []reconcile.Stage{&promises.Stage{Policies: set}}
	b.r = b.reconciler(b.holder)
}

func TestLeaversWhomOktasLogShowsAreClockedFromBeforeSopd(t *testing.T) {
	b := newBench(t)
	b.v.okta.status("uHal", access.Deprovisioned, "uDan")
	b.v.clock.now = b.v.clock.now.Add(3 * time.Hour)
	for _, group := range []access.GroupID{"gWiki", "gArchive"} {
		b.v.okta.put(access.Membership{Group: group, User: "uHal"}, false, "uDan")
	}
	b.v.clock.now = b.v.clock.now.Add(24 * time.Hour)
	b.backfilled("90d")
	b.settle()
	took := time.Duration(0)
	for _, f := range b.everyFact() {
		if strings.HasPrefix(f.Subject, "uHal@") {
			took = f.At.Sub(firstFact(b, f.Subject))
		}
	}
	if took.Round(time.Minute) != 3*time.Hour {
		t.Errorf("the leaver's access ended after %v, want 3h", took)
	}
}

// firstFact returns the first fact's time of a subject.
func firstFact(b *bench, subject string) time.Time {
	var first time.Time
	for _, f := range b.everyFact() {
		if f.Subject == subject && (first.IsZero() || f.At.Before(first)) {
			first = f.At
		}
	}
	return first
}

func TestNoWatchRuleMayTakeAKindThatAnotherPartRaisesAndClears(t *testing.T) {
	b := newBench(t)
	b.procedural(append(restores(), reviewed(), clocked())...)
	for _, kind := range b.r.Kinds() {
		rule := fmt.Sprintf("rules: [{kind: %s, title: x, events: [a.b]}]\n", kind)
		folder := fstest.MapFS{"w.yaml": &fstest.MapFile{Data: []byte(sopYAML("Watch", "w", rule))}}
		for name, text := range orgFiles() {
			folder[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := policies.Load(folder); err == nil {
			t.Errorf("a rule may raise findings of kind %s", kind)
		}
	}
}

func TestATaskIsOpenedOnceForEachThingThatHappens(t *testing.T) {
	b := newBench(t)
	b.procedural(clocked(), [3]string{"SOPControl", "control", `
project: OPS
type: SOP review
done: [Done]
lead: 1d
after: {facts: [flaw.fixed], within: 30d, title: Look at the procedures}
`})
	b.settle()
	for range 2 {
		key := b.flaw("Critical")
		later(time.Minute)(b)
		b.moved(key, "Done")
		later(time.Minute)(b)
		b.settle()
	}
	later(time.Hour)(b)
	b.settle()
	n := 0
	for _, i := range b.opened() {
		if strings.HasPrefix(i.Summary, "Look at the procedures, SEC-") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d tickets were opened, want one for each of the two", n)
	}
}
