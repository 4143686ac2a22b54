package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/report"
)

func TestAReportTellsWhatARunDid(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	key := approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("run: %d %s", code, errs)
	}
	day := time.Now().UTC().Format(time.DateOnly)
	code, out, errs := s.sopd(t, "report", "--period", day, "--format", "json")
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitDone || r.Period.Kind != report.Daily {
		t.Fatalf("%d, %v: %s%s", code, err, out, errs)
	}
	if !strings.Contains(out, string(key)) {
		t.Error("the day does not name the ticket that was fulfilled")
	}
	code, out, _ = s.sopd(t, "report", "--period", day, "--sample", "50", "--of", "grants")
	if code != exitDone || !strings.Contains(out, string(key)) || !strings.Contains(out, "seed ") {
		t.Errorf("sample: %d\n%s", code, out)
	}
	file := filepath.Join(t.TempDir(), "report.xlsx")
	for _, want := range []int{exitDone, exitUsage} { // the second time the file is there, and stays as it is
		if code, _, errs := s.sopd(t, "report", "--period", day, "--format", "xlsx", "--out", file); code != want {
			t.Errorf("xlsx: %d %s, want %d", code, errs, want)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("the workbook: %v", err)
	}
}

func TestAPeriodOfWhichNothingIsKnownHasNoReport(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	out := filepath.Join(t.TempDir(), "r.html")
	for period, want := range map[string]string{"2019-01": "nothing is known of 2019-01", "2099": "has not begun"} {
		code, _, errs := s.sopd(t, "report", "--period", period, "--format", "html", "--out", out)
		if _, err := os.Stat(out); code != exitFailed || !strings.Contains(errs, want) || !os.IsNotExist(err) {
			t.Errorf("%s: %d %s", period, code, errs)
		}
	}
}

func TestReportsUsedWronglySayHow(t *testing.T) {
	s := newSite(t)
	for want, args := range map[string][]string{
		"--period":           {"--period", "soon"},
		"--of is missing":    {"--period", "2026-10", "--sample", "3"},
		"--of goes with":     {"--period", "2026-10", "--of", "leavers"},
		"--format":           {"--period", "2026-10", "--format", "pdf"},
		"--out is missing":   {"--period", "2026-10", "--format", "xlsx"},
		"no policy is named": {"--period", "2026-10", "--sop", "nothing"},
		"no database":        {"--period", "2026-10"},
	} {
		if code, _, errs := s.sopd(t, append([]string{"report"}, args...)...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

func TestTheWeekSaysHowSatisfiedSomebodyWas(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	key := approvedRequest(t, s.world)
	year, week := time.Now().UTC().ISOWeek()
	weekly := func() string {
		t.Helper()
		if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
			t.Fatalf("run: %d %s", code, errs)
		}
		code, out, errs := s.sopd(t, "report", "--period", fmt.Sprintf("%d-W%02d", year, week))
		if code != exitDone {
			t.Fatalf("report: %d %s", code, errs)
		}
		return out
	}
	if out := weekly(); !strings.Contains(out, "No ticket carries a rating") {
		t.Errorf("before anybody said so:\n%s", out)
	}
	if err := s.world.Rate("clara", key, 4); err != nil {
		t.Fatal(err)
	}
	for range 2 { // read again, it is the same rating
		if out := weekly(); !strings.Contains(out, "4.00 of 5") || !strings.Contains(out, "| tickets rated in the period | 1 |") {
			t.Errorf("the week:\n%s", out)
		}
	}
}
