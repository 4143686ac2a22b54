package main

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/change"
)

// procedureStories are the stories of the procedures besides access.
func procedureStories() []string {
	return []string{
		"change-unapproved-admin", "emergency-change", "vendor-onboarding", "vulnerability", "restore-test", "data-return", "sop-review-overdue",
		"recurring-task", "report-on-schedule", "access-review", "watch-unusual-hours",
	}
}

func TestTheStoriesOfTheProceduresHoldAndTheirFiguresAreThoseOfTheLedger(t *testing.T) {
	t.Parallel()
	for _, story := range procedureStories() {
		t.Run(story, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			code, out, errs := s.sopd(t, "demo", "--story", story, "--once", "--json")
			if code != exitDone {
				t.Fatalf("%d\n%s\n%s", code, out, errs)
			}
			var result demoResult
			if err := json.Unmarshal([]byte(out), &result); err != nil {
				t.Fatal(err)
			}
			for _, r := range result.Rules {
				if !r.Kept {
					t.Errorf("rule %s: %s", r.Rule, r.Why)
				}
			}
			if code, out, errs := s.sopd(t, "kpi", "--verify"); code != exitDone {
				t.Errorf("kpi --verify: %d\n%s\n%s", code, out, errs)
			}
		})
	}
}

func TestAnAccessReviewTakesAwayWhatItsOwnerRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code, out, errs := s.sopd(t, "demo", "--story", "access-review", "--once", "--json")
	if code != exitDone {
		t.Fatalf("%d\n%s", code, errs)
	}
	var result demoResult
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Changes) != 1 || result.Changes[0].Reason != change.Review || result.Changes[0].Outcome != change.Confirmed || !strings.HasPrefix(result.Changes[0].Ticket, "OPS-") {
		t.Errorf("%+v", result.Changes)
	}
	_, chain, _ := s.sopd(t, "explain", string(result.Changes[0].ID))
	for _, want := range []string{"under access-reviews@1.0.0", "review.decided"} {
		if !strings.Contains(chain, want) {
			t.Errorf("explain does not tell of %q:\n%s", want, chain)
		}
	}
}

func TestVerificationOfFiguresEndsWithFiveWhenOneWasChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if code, _, errs := s.sopd(t, "demo", "--story", "vulnerability", "--once", "--json"); code != exitDone {
		t.Fatalf("%d\n%s", code, errs)
	}
	db, err := sql.Open("sqlite", filepath.Join(s.env["SOPD_DATA_DIR"], "sopd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE kpi_days SET outcome = 'met' WHERE sop = 'vulnerability-management'"); err != nil {
		t.Fatal(err)
	}
	code, out, _ := s.sopd(t, "kpi", "--verify")
	if code != exitInvalid || !strings.Contains(out, "vulnerability-management/remediation critical: 1 met are shown and 0 by the ledger") {
		t.Errorf("%d\n%s", code, out)
	}
	code, out, _ = s.sopd(t, "kpi", "--verify", "--json")
	var v struct{ Differences []string }
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitInvalid || len(v.Differences) != 2 {
		t.Errorf("%d %v\n%s", code, err, out)
	}
}

func TestThePromisesAreShownWithWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if code, _, errs := s.sopd(t, "demo", "--story", "vendor-onboarding", "--once", "--json"); code != exitDone {
		t.Fatalf("%d\n%s", code, errs)
	}
	_, out, _ := s.sopd(t, "kpi")
	for _, want := range []string{"vendor-onboarding/due-diligence: 1 of 1 tickets have everything", "vendor-onboarding/assessment", "waits for"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
