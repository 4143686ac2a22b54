package evidence_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// fact is one that happened now and is recorded at once.
func (a *archive) fact(subject, name, source string) kpi.Fact {
	return kpi.Fact{ID: subject + "/" + name, Subject: subject, Name: name, At: a.clock.now, Recorded: a.clock.now, Source: source}
}

// procedures records an incident, a vendor and a decision of an access review, and what goes with them.
func (a *archive) procedures() {
	a.t.Helper()
	a.incident(a.n)
	a.vendor(a.n)
	a.reviewed(a.n)
}

// incident plays a critical incident: contained by a playbook, its containment corrected, resolved without management having
// been told, closed, its review not complete.
func (a *archive) incident(n int) incident.ID {
	a.t.Helper()
	now, key := a.clock.now, ticket.Key(fmt.Sprintf("INC-%d", n))
	id := incident.NewID("ticket/" + string(key))
	detected := a.fact(string(id), "incident.detected", "alert")
	detected.Severity = "critical"
	corrected := a.fact(string(id), "incident.contained", "comment")
	corrected.ID, corrected.Corrects, corrected.At = corrected.ID+"/7", corrected.ID, now.Add(-time.Minute)
	reached := func(at time.Time) incident.Moment { return incident.Moment{At: at, Source: "alert"} }
	i := incident.Record{
		ID: id, Severity: incident.Critical, Reason: "=a key is public", Recorded: now, Ticket: key, Alerts: []paging.AlertID{"al-1"}, Round: 1,
		Milestones: map[incident.Milestone]incident.Moment{
			incident.Detected: reached(now), incident.Acknowledged: reached(now), incident.Escalated: reached(now),
			incident.Contained: reached(corrected.At), incident.Resolved: reached(now), incident.Closed: reached(now),
		},
		Runs:   []incident.Run{{Ref: "9", Playbook: "lock-out", By: "00ulead", At: now, Steps: []incident.Step{{Kind: change.RemoveMember, User: "00uperson1", Group: payments, Done: true}}}},
		Review: incident.Review{Opened: now, Due: now.AddDate(0, 0, 5), Ticket: "OPS-1", Missing: []string{"Root cause"}},
		Flags:  []incident.Flag{{Kind: incident.NoPriority, Ref: "al-1", Text: "an alert came without one", At: now}},
	}
	a.write(func(tx *store.Tx) error {
		if err := tx.PutIncident(i); err != nil {
			return err
		}
		_, err := tx.RecordFacts(key, detected, a.fact(string(id), "incident.contained", "tag"), corrected, a.fact(string(id), "pir.opened", "status"))
		if err != nil {
			return err
		}
		page := finding.Finding{Key: "incident/" + finding.Key(id), Kind: "incident", Title: "=a critical incident", Raised: now, Alert: "al-1"}
		_, err = tx.Append(
			ledger.Entry{Kind: ledger.PlaybookStep, At: now, Ticket: key, User: "00uperson1", Group: payments, Body: map[string]any{
				"incident": id, "playbook": "lock-out", "step": change.RemoveMember, "by": "00uperson2", "order": "9", "policy": "incident-response@1.0.0",
			}},
			ledger.Entry{Kind: ledger.PageSent, At: now, Body: page},
			ledger.Entry{Kind: ledger.AlertTold, At: now, Ticket: key, Body: map[string]any{"key": "note/1", "kind": "alert-note", "alert": "al-1"}},
		)
		return err
	})
	return id
}

// vendor plays a vendor whose ticket was done too early: it was registered at a time that was corrected twice, and a test is
// missing.
func (a *archive) vendor(n int) ticket.Key {
	a.t.Helper()
	key := ticket.Key(fmt.Sprintf("VND-%d", n))
	requested, registered := a.fact(string(key), "vendor.requested", "jira"), a.fact(string(key), "vendor.registered", "jira")
	withdrawn := a.fact(string(key), "vendor.accepted", "jira")
	var corrections []kpi.Fact
	for turn := range 2 {
		c := registered
		c.ID, c.Corrects = fmt.Sprintf("%s#%d", registered.ID, turn+1), registered.ID
		c.At, c.Recorded = registered.At.Add(-time.Duration(turn+1)*time.Hour), registered.Recorded.Add(time.Duration(turn+1)*time.Second)
		corrections = append(corrections, c)
	}
	gone := withdrawn
	gone.ID, gone.Corrects, gone.Name, gone.Recorded = withdrawn.ID+"#1", withdrawn.ID, "", withdrawn.Recorded.Add(time.Second)
	a.write(func(tx *store.Tx) error {
		if _, err := tx.RecordFacts(key, append(corrections, requested, registered, withdrawn, gone)...); err != nil {
			return err
		}
		return tx.PutProceeding(store.Proceeding{
			SOP: "vendor-onboarding", Ticket: key, Standing: store.Lacking, Severity: "high", Missing: []string{"Penetration test"}, Next: a.clock.now.AddDate(1, 0, 0),
		})
	})
	return key
}

// reviewed plays a campaign in which one access was revoked, and is gone, and one was kept.
func (a *archive) reviewed(n int) {
	a.t.Helper()
	now, key := a.clock.now, ticket.Key(fmt.Sprintf("OPS-%d", 100+n))
	items := []review.Item{
		{Number: 1, System: "payments", Group: payments, User: "00uperson1", Basis: "none", Decision: review.Revoked, Decided: now, By: "00uperson2", Comment: "5", Removed: true},
		{Number: 2, System: "payments", Group: payments, User: "00uperson3", Basis: "ACC-3", Decision: review.Certified, Decided: now, By: "00uperson2", Comment: "5"},
	}
	r := review.Review{
		ID: fmt.Sprintf("access-reviews@2026-Q4-%d/00uperson2", n), Name: "access-reviews", Policy: "access-reviews@1.0.0", Period: fmt.Sprintf("2026-Q4-%d", n),
		Reviewer: "00uperson2", Opened: now, Due: now.AddDate(0, 0, 7), Ticket: key, State: review.Through, Items: items,
	}
	a.write(func(tx *store.Tx) error {
		for _, i := range items {
			i.Removed = false
			if _, err := tx.Append(ledger.Entry{Kind: ledger.ReviewDecided, At: now, Ticket: key, User: i.User, Group: i.Group, Body: i}); err != nil {
				return err
			}
		}
		return tx.PutReview(r)
	})
}

// withProcedures is a day in October on which each of them happened once, under a policy on vendors.
func withProcedures(t *testing.T) *archive {
	t.Helper()
	a := newArchive(t)
	err := evidence.RecordPolicies(t.Context(), a.store, map[string]string{"vendors.yaml": "vendors"}, []evidence.PolicySOP{
		{Kind: "Procedure", Name: "vendor-onboarding", Title: "Vendors", Version: "1.0.0", Controls: []string{"SOC2:CC9.2"}},
		{Kind: "Procedure", Name: "data-return", Title: "Data", Version: "1.0.0", Controls: []string{"GDPR:20"}},
		{Kind: "IncidentResponse", Name: "incident-response", Title: "Incidents", Version: "1.0.0", Controls: []string{"SOC2:CC7.4"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.clock.now = october.AddDate(0, 0, 8)
	a.write(func(tx *store.Tx) error { return tx.PutUsers([]access.User{user(1), user(2), user(3)}) })
	a.n = 4
	a.procedures()
	a.clock.now = november.AddDate(0, 0, 2)
	a.observe()
	return a
}

// one returns the cell of the only row under a column.
func one(t *testing.T, all [][]string, name string) string {
	t.Helper()
	cells := column(t, all, name)
	if len(cells) != 1 {
		t.Fatalf("%d rows, want one", len(cells))
	}
	return cells[0]
}

func TestEveryIncidentIsListedWithMilestonesReviewAndWhatItLacks(t *testing.T) {
	a := withProcedures(t)
	out, _ := a.export()
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Fatal(err)
	}
	newScript(t).run(t, out, a.key.Public(), 0)
	all := rows(t, filepath.Join(out, "incidents.csv"))
	for name, want := range map[string]string{
		"severity": "critical", "reason": "'=a key is public", "incident_ticket": "INC-4", "alerts": "al-1", "contained": "2026-10-08T23:59:00.000000Z", "informed": "",
		"review": "OPS-1", "review_due": "2026-10-14", "review_completed": "", "lacks": "informed; a complete review; review: Root cause", "flags": "no-priority",
		"playbooks": "lock-out: 1 of 1 steps done, confirmed by user 00ulead 2026-10-09T00:00:00.000000Z",
	} {
		if got := one(t, all, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	milestones := rows(t, filepath.Join(out, "incident-milestones.csv"))
	if got := column(t, milestones, "milestone"); !slices.Equal(got, []string{"incident.detected", "incident.contained", "incident.contained", "pir.opened"}) {
		t.Error(got)
	}
	if corrects := column(t, milestones, "corrects"); !strings.HasSuffix(corrects[2], "/incident.contained") {
		t.Errorf("the correction does not say what it replaces: %v", corrects)
	}
	if got := one(t, rows(t, filepath.Join(out, "incident-steps.csv")), "by_login"); got != "person2@example.com" {
		t.Errorf("the step was confirmed by %q", got)
	}
	pages := rows(t, filepath.Join(out, "pages.csv"))
	if got := column(t, pages, "about"); !slices.Equal(got, []string{"'=a critical incident", "note/1"}) {
		t.Error(got)
	}
}

func TestEveryVendorIsListedWithItsFactsAndWhatIsMissing(t *testing.T) {
	a := withProcedures(t)
	out, _ := a.export()
	all := rows(t, filepath.Join(out, "vendors.csv"))
	for name, want := range map[string]string{
		"subject": "VND-4", "procedure": "vendor-onboarding", "risk": "high", "standing": "lacking", "missing": "Penetration test", "reassess": "2027-10-09",
		"facts": "vendor.registered 2026-10-08T22:00:00.000000Z; vendor.requested 2026-10-09T00:00:00.000000Z",
	} {
		if got := one(t, all, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	facts := rows(t, filepath.Join(out, "facts.csv"))
	names, lacks := column(t, facts, "name"), column(t, facts, "lacks")
	if n := len(names); n != 10 || !slices.Contains(names, "") {
		t.Errorf("%d facts, want all of incident and vendor, also the one that takes another back: %v", n, names)
	}
	if at := slices.Index(names, "vendor.requested"); lacks[at] != "Penetration test" || lacks[0] != "" {
		t.Error(lacks)
	}
	controls := rows(t, filepath.Join(out, evidence.FileControls))
	for i, control := range column(t, controls, "control") {
		if lists := column(t, controls, "lists")[i]; strings.Contains(lists, "vendors.csv") != (control == "SOC2:CC9.2") {
			t.Errorf("%s is served by %s", control, lists)
		}
	}
}

func TestEveryDecisionOfAnAccessReviewIsListed(t *testing.T) {
	a := withProcedures(t)
	out, _ := a.export()
	all := rows(t, filepath.Join(out, "reviews.csv"))
	for name, want := range map[string][]string{
		"campaign": {"access-reviews@2026-Q4-4", "access-reviews@2026-Q4-4"}, "user": {"00uperson1", "00uperson3"}, "decision": {"revoked", "certified"},
		"by_login": {"person2@example.com", "person2@example.com"}, "group_name": {"payments-users", "payments-users"}, "access_gone": {"yes", ""},
	} {
		if got := column(t, all, name); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestExceptionsDeputiesTransitionsAndUndosAreToldInTheLists(t *testing.T) {
	a := newArchive(t)
	a.clock.now = october.AddDate(0, 0, 3)
	g := change.Grant{ID: "1", Ticket: "ACC-1", User: "00uperson1", Group: payments, Approved: a.clock.now, Approvals: []change.Proof{
		{Role: "system-owner", User: "00uperson2", At: a.clock.now, Eligible: "deputy", Behalf: []access.UserID{"00uperson3"}, Transition: "Waiting > Approved"},
		{Role: "exception", Approval: "8", User: "00uperson4", At: a.clock.now, Eligible: "by name", Exception: "pay-and-approve"},
	}}
	undone := change.NewID(a.clock.now)
	c := change.Change{ID: change.NewID(a.clock.now), Kind: change.RemoveMember, Reason: change.Undo, User: "00uperson1", Group: payments, Undoes: undone, State: change.Intended, Intended: a.clock.now}
	h := hold.Hold{ID: hold.NewID(a.clock.now), Kind: hold.Undo, RequestedBy: "ada", ApprovedBy: "grace", State: hold.Used, Made: a.clock.now, Expires: a.clock.now, Used: a.clock.now}
	a.append(
		ledger.Entry{Kind: ledger.GrantApproved, At: a.clock.now, Ticket: g.Ticket, User: g.User, Group: g.Group, Body: g},
		ledger.Entry{Kind: ledger.ChangeIntended, At: a.clock.now, Change: c.ID, User: c.User, Group: c.Group, Body: c},
		ledger.Entry{Kind: ledger.HoldUsed, At: a.clock.now, Change: undone, User: c.User, Group: c.Group, Body: h},
		ledger.Entry{Kind: ledger.BaselineAdopted, At: a.clock.now, User: "00uperson5", Group: payments, Body: map[string]any{"by": "ada", "reviewBy": november}},
	)
	a.clock.now = november.AddDate(0, 0, 2)
	a.observe()
	out, _ := a.export()
	if _, err := verify(t, out, a.key.Public()); err != nil {
		t.Fatal(err)
	}
	grants := rows(t, filepath.Join(out, "grants.csv"))
	if got := one(t, grants, "exceptions"); got != "pay-and-approve" {
		t.Errorf("the exception is %q", got)
	}
	for _, want := range []string{"in the place of user 00uperson3", `by the transition "Waiting > Approved"`, "as an exception to the rule pay-and-approve"} {
		if got := one(t, grants, "approvers"); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if got := one(t, rows(t, filepath.Join(out, "changes.csv")), "undoes"); got != string(undone) {
		t.Errorf("the change undoes %q", got)
	}
	holds := rows(t, filepath.Join(out, "holds.csv"))
	if one(t, holds, "change") != string(undone) || one(t, holds, "requested_by") != "ada" || one(t, holds, "by") != "grace" || one(t, holds, "decision") != "hold.used" {
		t.Error(holds)
	}
	if got := one(t, rows(t, filepath.Join(out, "exceptions.csv")), "review_by"); !strings.HasPrefix(got, "2026-11-01") {
		t.Errorf("the accepted membership is to be reviewed %q", got)
	}
}

func TestAnArchiveOfProceduresNamesNobody(t *testing.T) {
	a := withProcedures(t)
	o := a.options(filepath.Join(t.TempDir(), "export"))
	o.Scope, o.People = evidence.LedgerOnly, evidence.Concealed
	if _, err := evidence.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"incidents.csv", "incident-steps.csv", "reviews.csv", "vendors.csv", "facts.csv", "pages.csv"} {
		if text := string(readAll(t, os.DirFS(o.Out), name)); strings.Contains(text, "00u") || strings.Contains(text, "@example.com") {
			t.Errorf("%s names somebody: %s", name, text)
		}
	}
}
