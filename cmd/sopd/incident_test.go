package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestTheFirstFiguresOfIncidentsAreThoseOfThePast plays an incident from the alert to the review in a company that had five
// alerts in the ninety days before.
func TestTheFirstFiguresOfIncidentsAreThoseOfThePast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code, out, errs := s.sopd(t, "demo", "--story", "incident-sev1", "--once", "--json")
	if code != exitDone {
		t.Fatalf("%d\n%s\n%s", code, out, errs)
	}
	var result demoResult
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	backfilled := map[string]int{}
	for _, k := range result.KPIs {
		if k.SOP == "incident-response" {
			backfilled[k.KPI] += k.Backfilled
		}
	}
	if backfilled["response"] != 5 || backfilled["escalation"] != 0 || backfilled["review"] != 2 {
		t.Errorf("cycles of the past by clock: %v", backfilled)
	}
	_, out, _ = s.sopd(t, "kpi")
	for _, want := range []string{"of these began before sopd", "    late, was due: INC-"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if code, out, errs := s.sopd(t, "kpi", "--verify"); code != exitDone {
		t.Errorf("kpi --verify: %d\n%s\n%s", code, out, errs)
	}
}

// TestTheStoriesOfIncidentsAndOfTheLifeOfAccessHold plays, at the same time, the procedures that neither the main story nor
// those of the other procedures have anything of.
func TestTheStoriesOfIncidentsAndOfTheLifeOfAccessHold(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"incident-from-ticket", "incident-late-update", "pir-overdue", "playbook-unauthorised", "pagers-disagree",
		"mover", "birthright", "break-glass", "break-glass-unreviewed", "revoke-urgent", "on-call-gap",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if code, out, errs := s.sopd(t, "demo", "--story", name, "--once", "--json"); code != exitDone {
				t.Fatalf("%d\n%s\n%s", code, out, errs)
			}
			if code, out, errs := s.sopd(t, "kpi", "--verify"); code != exitDone {
				t.Errorf("kpi --verify: %d\n%s\n%s", code, out, errs)
			}
			s.consistent(t)
		})
	}
}
