package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// told records a fact as somebody tells it, with everything that the test gives.
func (b *book) told(f kpi.Fact) {
	if f.Recorded.IsZero() {
		f.Recorded = f.At
	}
	if f.ID == "" {
		f.ID = f.Subject + "/" + f.Name
	}
	kind := ledger.FactRecorded
	if f.Corrects != "" {
		kind = ledger.FactCorrected
	}
	b.add(ledger.Entry{Kind: kind, At: f.Recorded, Body: f})
}

// incidents is a month with a critical incident that is over and waits for its review, one of September that was opened
// again, a low one of which nothing is left, and one that was over before the month.
func incidents(t *testing.T) *book {
	b := &book{t: t}
	tell := func(subject, name string, at time.Time) {
		b.told(kpi.Fact{Subject: subject, Name: name, At: at, Source: "alert"})
	}
	detect := func(subject, severity string, at time.Time) {
		b.told(kpi.Fact{Subject: subject, Name: "incident.detected", At: at, Source: "alert", Severity: severity})
	}
	september := tenth.AddDate(0, -1, 0)
	detect("INC-old", "high", september)
	tell("INC-old", "incident.closed", september.Add(time.Hour))
	detect("INC-again", "high", september)
	tell("INC-again", "incident.closed", september.Add(time.Hour))
	tell("INC-again", "incident.reopened", tenth)
	detect("INC-key", "medium", tenth)
	b.told(kpi.Fact{Subject: "INC-key", Name: "incident.assessed", At: tenth.Add(time.Minute), Source: "policy", Severity: "critical"})
	tell("INC-key", "incident.acknowledged", tenth.Add(5*time.Minute))
	tell("INC-key", "incident.contained", tenth.Add(3*time.Hour))
	for n, before := range []time.Duration{time.Hour, 2 * time.Hour} { // corrected twice: the second counts
		f := kpi.Fact{
			ID: "INC-key/corrected/" + string(rune('1'+n)), Subject: "INC-key", Name: "incident.contained", At: tenth.Add(3*time.Hour - before), Source: "comment",
			Recorded: tenth.Add(4*time.Hour + time.Duration(n)*time.Minute), Corrects: "INC-key/incident.contained",
		}
		b.told(f)
	}
	tell("INC-key", "incident.resolved", tenth.Add(4*time.Hour))
	tell("INC-key", "incident.closed", tenth.Add(5*time.Hour))
	tell("INC-key", "pir.opened", tenth.Add(5*time.Hour))
	tell("INC-key", "pir.completed", october.To.Add(time.Hour))
	detect("INC-gone", "low", tenth)
	tell("INC-gone", "incident.withdrawn", tenth.Add(time.Hour))
	return b
}

func TestAMonthCountsItsIncidentsBySeverityWithMilestonesPromisesAndReviews(t *testing.T) {
	in := input(t, incidents(t), october)
	in.Clocks = []kpi.Definition{{
		SOP: "incident-response", Name: "acknowledgement", Subject: "incident", Start: []string{"incident.detected"}, Stop: []string{"incident.acknowledged"},
		Targets: map[string]kpi.Target{"": must(kpi.ParseTarget("15m"))},
	}}
	for _, p := range []string{"2026-10", "2026-Q4"} {
		in.Period = period(p)
		in.Found = must(report.Collect(incidents(t).walk, in.Period))
		r := report.Compose(in)
		for column, want := range map[string]string{"incidents": "1", "detected in the period": "1", "acknowledged": "1", "contained": "1", "over": "1"} {
			if got := cell(t, r, "incidents", column, "critical"); got != want {
				t.Errorf("%s: %s of the critical ones is %q, want %q", p, column, got, want)
			}
		}
		for column, want := range map[string]string{"incidents": "1", "detected in the period": "0", "resolved": "0", "over": "0", "reviews open": "0"} {
			if got := cell(t, r, "incidents", column, "high"); got != want {
				t.Errorf("%s: %s of the high ones is %q, want %q", p, column, got, want)
			}
		}
		if got := cell(t, r, "incidents", "over", "low"); got != "1" {
			t.Errorf("%s: of the withdrawn one %q are over", p, got)
		}
	}
	in.Period = october
	in.Found = must(report.Collect(incidents(t).walk, october))
	r := report.Compose(in)
	if open, complete := cell(t, r, "incidents", "reviews open", "critical"), cell(t, r, "incidents", "reviews complete", "critical"); open != "1" || complete != "0" {
		t.Errorf("a review that was completed in November counts: open %s, complete %s", open, complete)
	}
	if got := cell(t, r, "milestones", "contained", "INC-key", "critical"); got != "2026-10-10 10:00" {
		t.Errorf("contained %q: not as it was corrected last", got)
	}
	for subject, want := range map[string]string{"INC-key": "open", "INC-again": "not called for yet", "INC-gone": "none is due"} {
		if got := cell(t, r, "milestones", "review", subject); got != want {
			t.Errorf("the review of %s is %q, want %q", subject, got, want)
		}
	}
	if got := cell(t, r, "incidents", "promises kept", "high"); got != "–" && !strings.HasPrefix(got, "0 of") {
		t.Errorf("the high one kept %q", got)
	}
	if tells(r, "milestones", "INC-old") {
		t.Error("an incident that was over in September is told")
	}
}

// campaigns is a month with a campaign of two reviews, one answered in time and one never, and a decision of a review that
// the ledger does not name.
func campaigns(t *testing.T) *book {
	b := &book{t: t}
	for reviewer, key := range map[string]ticket.Key{"00uada": "OPS-1", "00ubob": "OPS-2"} {
		id := "access-reviews@2026-Q4/" + reviewer
		b.told(kpi.Fact{ID: id + "/opened", Subject: id, Name: "access-reviews.opened", At: tenth, Source: "review"})
		b.add(ledger.Entry{Kind: ledger.TicketOpened, At: tenth, Ticket: key, Body: map[string]string{"key": "review/" + id}})
	}
	for n, d := range []review.Decision{review.Certified, review.Revoked, review.Revoked, review.Gone} {
		item := review.Item{Number: n, System: "crm", Group: "00g1", User: "00u1", Decision: d, Decided: tenth.Add(time.Hour), By: "00uada"}
		b.add(ledger.Entry{Kind: ledger.ReviewDecided, At: tenth.Add(time.Hour), Ticket: "OPS-1", User: "00u1", Group: "00g1", Body: item})
	}
	b.add(ledger.Entry{Kind: ledger.ReviewDecided, At: tenth, Ticket: "OPS-9", Body: review.Item{Decision: review.Certified}})
	b.told(kpi.Fact{Subject: "access-reviews@2026-Q4/00uada", Name: "access-reviews.answered", At: tenth.Add(time.Hour), Source: "review"})
	return b
}

func TestAMonthCountsItsAccessReviewsByCampaign(t *testing.T) {
	in := input(t, campaigns(t), october)
	in.Clocks = []kpi.Definition{{
		SOP: "access-reviews", Name: "answer", Subject: "review", Start: []string{"access-reviews.opened"}, Stop: []string{"access-reviews.answered"},
		Targets: map[string]kpi.Target{"": must(kpi.ParseTarget("24h"))},
	}}
	r := report.Compose(in)
	for column, want := range map[string]string{
		"reviews asked for": "2", "answered": "1", "not answered": "1", "overdue or late": "1", "access certified": "1", "access revoked": "2", "needed no word": "1",
	} {
		if got := cell(t, r, "reviews", column, "access-reviews@2026-Q4"); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if got := cell(t, r, "reviews", "access certified", "not known"); got != "1" {
		t.Errorf("a decision without a known review is lost: %q", got)
	}
	in.Period, in.Found = period("2026-11"), must(report.Collect(campaigns(t).walk, period("2026-11")))
	if got := cell(t, report.Compose(in), "reviews", "reviews asked for", "access-reviews@2026-Q4"); got != "1" {
		t.Errorf("November is asked for %q reviews, want the one that is not answered", got)
	}
	in.SOP = "de-provisioning"
	if tells(report.Compose(in), "reviews", "access-reviews@") {
		t.Error("a report on one procedure tells of another's reviews")
	}
}

func TestAMonthTellsTheDueDiligenceOfVendors(t *testing.T) {
	b := &book{t: t}
	for _, key := range []string{"VND-1", "VND-2", "VND-3"} {
		b.told(kpi.Fact{Subject: key, Name: "vendor.requested", At: tenth, Source: "jira"})
	}
	b.told(kpi.Fact{Subject: "VND-1", Name: "vendor.assessed", At: tenth.Add(time.Hour), Source: "jira"})
	b.told(kpi.Fact{Subject: "VND-2", Name: "vendor.assessed", At: tenth, Source: "jira"})
	taken := kpi.Fact{ID: "VND-2/vendor.assessed#1", Subject: "VND-2", At: tenth.Add(time.Hour), Source: "jira", Corrects: "VND-2/vendor.assessed"}
	b.told(taken)
	lacks := finding.Finding{
		Key: "incomplete/VND-2", Kind: "incomplete", Ticket: "VND-2", Title: "a ticket lacks", Raised: tenth, Detail: map[string]string{"sop": "vendor-onboarding", "missing": "Questionnaire"},
	}
	b.add(ledger.Entry{Kind: ledger.FindingRaised, At: tenth, Ticket: "VND-2", Body: lacks})
	in := input(t, b, october)
	in.Covered = []report.Coverage{{SOP: "vendor-onboarding", Begins: []string{"vendor.requested"}, Complete: "vendor.assessed"}}
	r := report.Compose(in)
	for column, want := range map[string]string{"begun": "3", "complete": "1", "coverage": "1 of 3 (33.3 %)", "lacking at the end": "1"} {
		if got := cell(t, r, "coverage", column, "vendor-onboarding"); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if got := cell(t, r, "lacking", "missing", "vendor-onboarding", "VND-2"); got != "Questionnaire" {
		t.Errorf("VND-2 lacks %q", got)
	}
	in.SOP = "data-return"
	if tells(report.Compose(in), "lacking", "VND-2") {
		t.Error("a report on one procedure tells of another's tickets")
	}
}

func TestADecisionThatIsNotUnderstoodStopsTheReport(t *testing.T) {
	for _, kind := range []ledger.Kind{ledger.ReviewDecided, ledger.TicketOpened} {
		b := &book{t: t}
		b.add(ledger.Entry{Kind: kind, At: tenth, Body: []string{string(change.Confirmed)}})
		if _, err := report.Collect(b.walk, october); err == nil || !strings.Contains(err.Error(), "record 0 ("+string(kind)+")") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// tells reports whether a section of the report holds the text in any cell.
func tells(r report.Report, section, what string) bool {
	for _, s := range r.Sections {
		for _, row := range s.Table.Rows {
			if s.Name == section && slices.ContainsFunc(row, func(c report.Cell) bool { return strings.Contains(c.Text, what) }) {
				return true
			}
		}
	}
	return false
}
