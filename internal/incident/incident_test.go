package incident_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// start is a Monday morning.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

func policy(t *testing.T) incident.Policy {
	t.Helper()
	within, err := kpi.ParseTarget("5d")
	if err != nil {
		t.Fatal(err)
	}
	is := func(priority string) incident.Condition {
		return func(v incident.View) (bool, error) { return v.Priority == priority, nil }
	}
	return incident.Policy{
		Tree: incident.Tree{
			{Severity: incident.Critical, When: is("P1"), Reason: "paged as P1"}, {Severity: incident.High, When: is("P2"), Reason: "paged as P2"},
			{Severity: incident.Medium, Reason: "nothing else"},
		},
		Statuses: map[string]incident.Milestone{
			"in progress": incident.Acknowledged, "contained": incident.Contained, "resolved": incident.Resolved, "closed": incident.Closed,
		},
		Review: incident.ReviewPolicy{Within: within, RootCause: "Root cause", PolicyUpdates: "Policy updates"},
	}
}

func alert(change func(*incident.Alert)) incident.Alert {
	a := incident.Alert{Alert: paging.Alert{ID: "a1", Alias: "a1", Message: "Copied", Priority: 1, Open: true, Created: start, Updated: start}}
	if change != nil {
		change(&a)
	}
	return a
}

func moved(status string, minutes int) ticket.Edit {
	return ticket.Edit{At: at(minutes), Field: "status", ToText: status}
}

func issue(edits ...ticket.Edit) *ticket.Ticket {
	t := &ticket.Ticket{ID: "10", Key: "SEC-1", Status: "Open", Created: at(1), Updated: at(1), History: edits}
	for _, e := range edits {
		t.Status, t.Updated, t.Done = e.ToText, e.At, e.ToText == "Closed"
	}
	return t
}

func order(ref, text string, minutes int) incident.Judged {
	c, _ := incident.ParseNote(text)
	return incident.Judged{Order: incident.Order{Ref: ref, Command: c, At: at(minutes)}, By: "uTariq", Authorised: true}
}

func begun() incident.Record { return incident.Begin("alert/a1", start, start) }

// story advances a fresh incident over what is seen in turn, each an hour after the one before.
func story(t *testing.T, sights ...incident.Sight) (incident.Record, []kpi.Fact) {
	t.Helper()
	r := begun()
	var facts []kpi.Fact
	for n, s := range sights {
		out := incident.Advance(r, s, policy(t), at(60*(n+1)))
		again := incident.Advance(out.Record, s, policy(t), at(60*(n+1)))
		if len(again.Facts)+len(again.Replies) != 0 {
			t.Errorf("sight %d, seen again, gives facts %+v and replies %+v", n, again.Facts, again.Replies)
		}
		r, facts = out.Record, append(facts, out.Facts...)
	}
	return r, facts
}

func TestMilestonesComeFromEitherSide(t *testing.T) {
	for name, c := range map[string]struct {
		sight  incident.Sight
		want   incident.Milestone
		source string
		minute int
	}{
		"acknowledged alert": {incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.AckAfter = 3 * time.Minute })}}, incident.Acknowledged, "alert", 3},
		"acknowledged alert without a time": {incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Acknowledged, a.Updated = true, at(4) })}},
			incident.Acknowledged, "alert", 4},
		"tag":             {incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Tags, a.Updated = []string{"Contained"}, at(7) })}}, incident.Contained, "tag", 7},
		"note":            {incident.Sight{Alerts: []incident.Alert{alert(nil)}, Orders: []incident.Judged{order("note/1", "/contained all cut", 8)}}, incident.Contained, "note", 8},
		"comment":         {incident.Sight{Alerts: []incident.Alert{alert(nil)}, Orders: []incident.Judged{order("comment/1", "sopd: informed", 9)}}, incident.Informed, "comment", 9},
		"status":          {incident.Sight{Alerts: []incident.Alert{alert(nil)}, Ticket: issue(moved("Contained", 12))}, incident.Contained, "status", 12},
		"closed alert":    {incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Open, a.CloseAfter = false, 20*time.Minute })}}, incident.Resolved, "alert", 20},
		"the earlier one": {incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.AckAfter = 3 * time.Minute })}, Ticket: issue(moved("In progress", 2))}, incident.Acknowledged, "status", 2},
	} {
		t.Run(name, func(t *testing.T) {
			r, facts := story(t, c.sight)
			got := r.Milestones[c.want]
			if !got.At.Equal(at(c.minute)) || got.Source != c.source {
				t.Errorf("%s at %v by %s, want minute %d by %s", c.want, got.At, got.Source, c.minute, c.source)
			}
			if !slices.ContainsFunc(facts, func(f kpi.Fact) bool { return f.Name == c.want.Fact() && f.At.Equal(at(c.minute)) && f.ID == got.Fact }) {
				t.Errorf("no fact says so: %+v", facts)
			}
		})
	}
}

func TestAFinishedPlaybookContains(t *testing.T) {
	r := begun()
	r.Runs = []incident.Run{{Steps: []incident.Step{{Done: true}}, Finished: at(15)}}
	out := incident.Advance(r, incident.Sight{Alerts: []incident.Alert{alert(nil)}}, policy(t), at(20))
	if m := out.Record.Milestones[incident.Contained]; !m.At.Equal(at(15)) || m.Source != "playbook" {
		t.Errorf("contained %+v", m)
	}
}

func TestTheSeverityIsRecordedWithItsReasonAndWhenItChanges(t *testing.T) {
	r, facts := story(t,
		incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Priority = 3 })}},
		incident.Sight{Alerts: []incident.Alert{alert(nil)}})
	if r.Severity != incident.Critical || r.Reason != "paged as P1" {
		t.Errorf("severity %s: %s", r.Severity, r.Reason)
	}
	var severities []string
	for _, f := range facts {
		if f.Severity != "" {
			severities = append(severities, f.Name+" "+f.Severity)
		}
	}
	if diff := cmp.Diff([]string{"incident.detected medium", "incident.assessed critical"}, severities); diff != "" {
		t.Error(diff)
	}
}

func TestAQuestionWithoutAnAnswerDoesNotHoldAndIsNamed(t *testing.T) {
	tree := incident.Tree{
		{Severity: incident.Low, Reason: "broken", When: func(incident.View) (bool, error) { return true, errors.New("no such detail") }},
		{Severity: incident.Critical, Reason: "the rest"},
	}
	severity, reason := tree.Judge(incident.View{})
	if severity != incident.Critical || !strings.Contains(reason, "broken") {
		t.Errorf("%s: %s", severity, reason)
	}
	if severity, _ := (incident.Tree{}).Judge(incident.View{}); severity != incident.High {
		t.Errorf("without a question: %s, want high", severity)
	}
}

func TestWhatDoesNotAddUpIsKeptFlaggedAndNotCounted(t *testing.T) {
	gone := begun()
	gone.Ticket, gone.TicketID, gone.TicketGone = "SEC-1", "10", true
	for name, c := range map[string]struct {
		record incident.Record
		sight  incident.Sight
		want   incident.FlagKind
		absent incident.Milestone // not counted
	}{
		"no priority":          {begun(), incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Priority = 0 })}}, incident.NoPriority, ""},
		"deleted ticket":       {gone, incident.Sight{Alerts: []incident.Alert{alert(nil)}}, incident.TicketDeleted, incident.Closed},
		"deleted alert":        {begun(), incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Gone = true })}}, incident.AlertDeleted, incident.Resolved},
		"status before start":  {begun(), incident.Sight{Alerts: []incident.Alert{alert(nil)}, Ticket: issue(moved("Contained", -5))}, incident.BeforeStart, incident.Contained},
		"command before start": {begun(), incident.Sight{Orders: []incident.Judged{order("comment/1", "sopd: contained at 2026-11-23T08:00Z", 5)}}, incident.BeforeStart, incident.Contained},
		"command ahead":        {begun(), incident.Sight{Orders: []incident.Judged{order("comment/1", "sopd: contained at 2026-12-23T08:00Z", 5)}}, incident.InFuture, incident.Contained},
		"status ahead":         {begun(), incident.Sight{Alerts: []incident.Alert{alert(nil)}, Ticket: issue(moved("Contained", 500))}, incident.InFuture, incident.Contained},
		"update before start":  {begun(), incident.Sight{Orders: []incident.Judged{order("comment/1", "sopd: update", -5)}}, incident.BeforeStart, ""},
	} {
		t.Run(name, func(t *testing.T) {
			out := incident.Advance(c.record, c.sight, policy(t), at(60))
			if !slices.ContainsFunc(out.Record.Flags, func(f incident.Flag) bool { return f.Kind == c.want && f.Text != "" }) {
				t.Errorf("flags %+v, want %s", out.Record.Flags, c.want)
			}
			if out.Record.Reached(c.absent) || slices.ContainsFunc(out.Facts, func(f kpi.Fact) bool { return c.absent != "" && f.Name == c.absent.Fact() }) {
				t.Errorf("%s was counted: %+v", c.absent, out.Facts)
			}
			if again := incident.Advance(out.Record, c.sight, policy(t), at(61)); len(again.Record.Flags) != len(out.Record.Flags) {
				t.Errorf("flagged twice: %+v", again.Record.Flags)
			}
		})
	}
}

func TestAnIncidentOfWhichNothingIsLeftIsWithdrawnAndNotCountedAsBroken(t *testing.T) {
	r := begun()
	r.Ticket, r.TicketID, r.TicketGone = "SEC-1", "10", true
	own := alert(func(a *incident.Alert) { a.Alias = paging.Alias(r.ID.Marker()) })
	out := incident.Advance(r, incident.Sight{Alerts: []incident.Alert{own}}, policy(t), at(60))
	if out.Record.Withdrawn.IsZero() || out.Record.Live() {
		t.Errorf("record %+v", out.Record)
	}
	other := incident.Advance(r, incident.Sight{Alerts: []incident.Alert{own, alert(nil)}}, policy(t), at(60))
	if !other.Record.Withdrawn.IsZero() {
		t.Error("withdrawn though an alert of somebody else's stands")
	}
}

func TestAnAlertThatOpensAgainBeginsAnotherRound(t *testing.T) {
	low := func(change func(*incident.Alert)) incident.Sight {
		return incident.Sight{Alerts: []incident.Alert{alert(func(a *incident.Alert) { a.Priority = 3; change(a) })}}
	}
	r, facts := story(t,
		low(func(a *incident.Alert) { a.Open, a.CloseAfter, a.Updated = false, 20*time.Minute, at(20) }),
		low(func(a *incident.Alert) { a.Updated = at(70) }),
		low(func(a *incident.Alert) { a.Open, a.CloseAfter, a.Updated = false, 90*time.Minute, at(90) }))
	var got []string
	for _, f := range facts {
		got = append(got, f.ID[len(r.ID)+1:]+" "+f.At.Format("15:04"))
	}
	want := []string{
		"incident.detected 09:00", "incident.closed 09:20", "incident.resolved 09:20", "incident.reopened/2 10:10",
		"incident.closed/2 10:30", "incident.resolved/2 10:30",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATicketThatIsMovedBackBeginsAnotherRound(t *testing.T) {
	r, _ := story(t,
		incident.Sight{Ticket: issue(moved("Resolved", 10), moved("Closed", 20))},
		incident.Sight{Ticket: issue(moved("Resolved", 10), moved("Closed", 20), moved("In progress", 70))},
		incident.Sight{Ticket: issue(moved("Resolved", 10), moved("Closed", 20), moved("In progress", 70), moved("Closed", 95))})
	if r.Round != 2 || !r.Milestones[incident.Closed].At.Equal(at(95)) {
		t.Errorf("round %d, closed %v", r.Round, r.Milestones[incident.Closed])
	}
}

func TestACorrectionLeavesATrace(t *testing.T) {
	seen := incident.Sight{Alerts: []incident.Alert{alert(nil)}, Ticket: issue(moved("Contained", 40))}
	later := seen
	later.Orders = []incident.Judged{order("comment/7", "sopd: contained at 2026-11-23T09:25Z", 50)}
	r, facts := story(t, seen, later)
	last := facts[len(facts)-1]
	if last.Corrects != string(r.ID)+"/incident.contained" || !last.At.Equal(at(25)) || !r.Milestones[incident.Contained].At.Equal(at(25)) {
		t.Errorf("last fact %+v", last)
	}
	again := later
	again.Orders = append(slices.Clone(later.Orders), order("comment/8", "sopd: contained at 2026-11-23T09:26Z", 55))
	out := incident.Advance(r, again, policy(t), at(200))
	if len(out.Facts) != 1 || out.Facts[0].Corrects != last.ID {
		t.Errorf("the second correction is %+v, want one of %s", out.Facts, last.ID)
	}
}

func TestOnlyWhoIsAuthorisedSetsATime(t *testing.T) {
	o := order("comment/7", "sopd: contained at 2026-11-23T09:25Z", 50)
	o.Authorised = false
	out := incident.Advance(begun(), incident.Sight{Orders: []incident.Judged{o}}, policy(t), at(60))
	if out.Record.Reached(incident.Contained) || len(out.Replies) != 1 {
		t.Errorf("contained %v, replies %+v", out.Record.Milestones, out.Replies)
	}
	o.By, o.Command.Time = "", time.Time{}
	o.Ref = "comment/8"
	if out := incident.Advance(begun(), incident.Sight{Orders: []incident.Judged{o}}, policy(t), at(60)); out.Record.Reached(incident.Contained) {
		t.Error("a stranger's word was taken")
	}
}

func TestTheEndIsSaidOnlyByWhoIsAuthorised(t *testing.T) {
	for _, text := range []string{"sopd: closed", "sopd: resolved"} {
		o := order("comment/1", text, 10)
		o.Authorised = false
		out := incident.Advance(begun(), incident.Sight{Alerts: []incident.Alert{alert(nil)}, Orders: []incident.Judged{o}}, policy(t), at(20))
		if out.Record.Reached(incident.Closed) || out.Record.Reached(incident.Resolved) || len(out.Replies) != 1 {
			t.Errorf("%s: %+v, %+v", text, out.Record.Milestones, out.Replies)
		}
	}
}

func TestAnIncidentIsResolvedWithTheLastOfItsAlerts(t *testing.T) {
	ended := func(id paging.AlertID, minutes int) incident.Alert {
		return alert(func(a *incident.Alert) {
			a.ID, a.Open, a.CloseAfter, a.Updated = id, false, time.Duration(minutes)*time.Minute, at(minutes)
		})
	}
	stands := alert(func(a *incident.Alert) { a.ID, a.Updated = "a2", at(15) })
	r, _ := story(t, incident.Sight{Alerts: []incident.Alert{ended("a1", 10), stands}})
	if r.Reached(incident.Resolved) {
		t.Error("resolved though an alert stands")
	}
	r, _ = story(t, incident.Sight{Alerts: []incident.Alert{ended("a1", 10), stands}}, incident.Sight{Alerts: []incident.Alert{ended("a1", 10), ended("a2", 30)}})
	if m := r.Milestones[incident.Resolved]; !m.At.Equal(at(30)) || r.Round != 1 {
		t.Errorf("resolved %+v in round %d", m, r.Round)
	}
}

func TestEachUpdateEndsACycleAndBeginsTheNextUntilItIsResolved(t *testing.T) {
	s := incident.Sight{Alerts: []incident.Alert{alert(nil)}, Orders: []incident.Judged{order("comment/1", "sopd: update", 20), order("note/2", "/update", 45)}}
	resolved := s
	resolved.Ticket = issue(moved("Resolved", 90))
	resolved.Orders = append(slices.Clone(s.Orders), order("comment/3", "sopd: update it is over", 100))
	_, facts := story(t, s, resolved)
	target, err := kpi.ParseTarget("30m")
	if err != nil {
		t.Fatal(err)
	}
	clock := kpi.Definition{
		SOP: "incident-response", Name: "updates", Subject: "incident", Start: []string{"incident.detected"}, Stop: []string{incident.FactUpdated},
		Reopen: []string{incident.FactAwaitsUpdate}, Cancel: []string{"incident.resolved"}, Targets: map[string]kpi.Target{"critical": target},
	}
	var got []string
	for _, c := range kpi.Compute(clock, facts, at(200)) {
		got = append(got, string(c.State)+" "+string(c.Outcome)+" "+c.Elapsed.String())
	}
	if diff := cmp.Diff([]string{"stopped met 20m0s", "stopped met 25m0s", "cancelled  45m0s"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAReviewIsCalledForAndCompleteOnlyWithEverything(t *testing.T) {
	closed := incident.Sight{Ticket: issue(moved("Closed", 30)), Alerts: []incident.Alert{alert(nil)}}
	r, facts := story(t, closed)
	if !r.Review.Opened.Equal(at(30)) || r.Review.Due.Format(time.DateOnly) != "2026-11-28" || !r.Live() {
		t.Fatalf("review %+v", r.Review)
	}
	if facts[len(facts)-1].Name != incident.FactReviewOpened {
		t.Errorf("facts %+v", facts)
	}
	review := ticket.Ticket{Done: true, Updated: at(300), Fields: map[string]ticket.Value{"Root cause": {Texts: []string{" "}}}}
	for _, step := range []struct {
		mend func()
		want []string
	}{
		{func() {}, []string{"Root cause", "Policy updates", incident.FollowUps}},
		{func() { review.Fields["Root cause"] = ticket.Value{Texts: []string{"a token"}} }, []string{"Policy updates", incident.FollowUps}},
		{func() { review.Fields["Policy updates"] = ticket.Value{Texts: []string{"none"}} }, []string{incident.FollowUps}},
		{func() { review.Links, review.Done = []ticket.Key{"SEC-9"}, false }, nil},
	} {
		step.mend()
		closed.Review = &review
		r = incident.Advance(r, closed, policy(t), at(400)).Record
		if diff := cmp.Diff(step.want, r.Review.Missing); diff != "" || !r.Review.Completed.IsZero() {
			t.Errorf("completed %v, missing: %s", r.Review.Completed, diff)
		}
	}
	review.Done = true
	out := incident.Advance(r, closed, policy(t), at(500))
	if !out.Record.Review.Completed.Equal(at(300)) || out.Record.Live() || len(out.Facts) != 1 {
		t.Errorf("review %+v, facts %+v", out.Record.Review, out.Facts)
	}
}

func TestOrdersAreReadAsPeopleWriteThem(t *testing.T) {
	when := time.Date(2026, 11, 23, 10, 5, 0, 0, time.UTC)
	for text, want := range map[string]incident.Command{
		"sopd: contained":                              {Verb: incident.Mark, Milestone: incident.Contained},
		"Hello.\n  SOPD: Contained now":                {Verb: incident.Mark, Milestone: incident.Contained},
		"sopd: contained at 2026-11-23T10:05Z":         {Verb: incident.Mark, Milestone: incident.Contained, Time: when},
		"sopd: contained at 2026-11-23T11:05:00+01:00": {Verb: incident.Mark, Milestone: incident.Contained, Time: when},
		"sopd: detected at 2026-11-23T10:05":           {Verb: incident.Mark, Milestone: incident.Detected, Time: when},
		"sopd: update we know the device":              {Verb: incident.Told},
		"sopd: contain":                                {Verb: incident.Contain},
		"sopd: contain lock-out":                       {Verb: incident.Contain, Playbook: "lock-out"},
		"/contained":                                   {Verb: incident.Mark, Milestone: incident.Contained},
	} {
		if got, is := incident.ParseNote(text); !is || got != want {
			t.Errorf("%q: %+v (%v), want %+v", text, got, is, want)
		}
	}
	for _, text := range []string{"sopd:", "sopd: detected", "sopd: contained at noon", "sopd: contain a b", "sopd: please help"} {
		if got, is := incident.Parse(text); is && (got.Verb != incident.Unclear || got.Why == "") {
			t.Errorf("%q: %+v, want unclear with a reason", text, got)
		}
	}
	for _, text := range []string{"", "the word sopd: contained inside", "/etc/passwd was read", "* \"sopd: contain\" and a playbook"} {
		if got, is := incident.ParseNote(text); is {
			t.Errorf("%q is no order: %+v", text, got)
		}
	}
	if _, is := incident.Parse("/contained"); is {
		t.Error("a slash is an order on a ticket")
	}
}

func TestAPlaybookSaysWhatItDoesAndWhatItLeaves(t *testing.T) {
	book := incident.Playbook{Name: "lock-out", Steps: []incident.StepKind{incident.LeaveGroups, incident.LeaveNamed, incident.SuspendUser, incident.EndSessions}}
	steps, err := book.Expand(incident.Target{
		User: "u1", Status: access.LockedOut, Group: "g2", Held: []access.GroupID{"g1", "g2"}, Barred: map[access.GroupID]string{"g1": "fed by a rule"},
	})
	want := []incident.Step{
		{Kind: change.RemoveMember, User: "u1", Group: "g1", Left: "fed by a rule"}, {Kind: change.RemoveMember, User: "u1", Group: "g2"},
		{Kind: change.Suspend, User: "u1", Left: "Okta suspends only users that are active; this one is LOCKED_OUT"},
		{Kind: change.ClearSessions, User: "u1"},
	}
	if diff := cmp.Diff(want, steps); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	if _, err := book.Expand(incident.Target{Group: "g2"}); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("without a user: %v", err)
	}
	everybody := incident.Playbook{Steps: []incident.StepKind{incident.LeaveNamed}}
	steps, err = everybody.Expand(incident.Target{Group: "g2", In: map[access.GroupID][]access.UserID{"g2": {"u1", "u2"}}})
	if len(steps) != 2 || err != nil {
		t.Errorf("a group without a user: %+v, %v", steps, err)
	}
	gone := incident.Playbook{Steps: []incident.StepKind{incident.SuspendUser, incident.EndSessions}}
	steps, _ = gone.Expand(incident.Target{User: "u1", Status: access.Deprovisioned})
	if !(incident.Run{Steps: steps}).Whole() {
		t.Errorf("of a deactivated user something is left to do: %+v", steps)
	}
}
