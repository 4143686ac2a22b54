package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAReportOfTodayIsMadeWithoutAnyVendor(t *testing.T) {
	s := newSite(t)
	s.observed(t)
	today := time.Now().UTC().Format(time.DateOnly)
	alone := site{env: map[string]string{"SOPD_POLICY_DIR": s.env["SOPD_POLICY_DIR"], "SOPD_DATA_DIR": s.env["SOPD_DATA_DIR"]}}
	code, out, errs := alone.sopd(t, "report", "--period", today, "--sample", "findings=2", "--seed", "42")
	if code != exitDone || !strings.Contains(out, "# Compliance report "+today) || !strings.Contains(out, "seed 42") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	if _, again, _ := alone.sopd(t, "report", "--period", today, "--sample", "findings=2", "--seed", "42"); again[strings.Index(again, "## Sample"):] != out[strings.Index(out, "## Sample"):] {
		t.Error("the same seed draws others")
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if code, _, errs := alone.sopd(t, "report", "--period", today, "--format", "html", "--out", path); code != exitDone {
		t.Fatalf("%d %s", code, errs)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "<svg") {
		t.Error(err)
	}
	if code, _, errs := alone.sopd(t, "report", "--period", today, "--out", path); code != exitFailed || !strings.Contains(errs, "not overwritten") {
		t.Errorf("%d %s", code, errs)
	}
	for want, args := range map[string][]string{
		"--period":        {"report"},
		"such as leavers": {"report", "--period", today, "--sample", "unicorns=1"},
		"--format":        {"report", "--period", today, "--format", "pdf"},
		"no procedure":    {"report", "--period", today, "--sop", "none"},
		"has not begun":   {"report", "--period", "2999"},
	} {
		if code, _, errs := alone.sopd(t, args...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}
