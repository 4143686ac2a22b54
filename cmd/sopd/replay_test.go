package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/reconcile/replay"
)

func TestChangedPoliciesAreHeldAgainstThePast(t *testing.T) {
	s := newSite(t)
	if code, _, errs := s.sopd(t, "adopt"); code != exitDone {
		t.Fatalf("adopt: %d %s", code, errs)
	}
	key := approvedRequest(t, s.world)
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitDone {
		t.Fatalf("run: %d %s", code, errs)
	}
	text, err := os.ReadFile(filepath.Join(s.env["SOPD_POLICY_DIR"], "access-provisioning.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "access-provisioning.yaml")
	stricter := strings.ReplaceAll(string(text), `when: system.risk == "high"`, `when: system.risk != "low"`)
	if err := os.WriteFile(changed, []byte(stricter), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := s.sopd(t, "policy", "replay", "--json", changed)
	var r replay.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitDone {
		t.Fatalf("%d, %v: %s%s", code, err, out, errs)
	}
	if len(r.Requests) != 1 || string(r.Requests[0].Ticket) != string(key) || len(r.Requests[0].Loses) != 1 {
		t.Errorf("requests %+v", r.Requests)
	}
	if code, out, _ := s.sopd(t, "policy", "replay", changed); code != exitDone || !strings.Contains(out, "would not have been given") {
		t.Errorf("%d\n%s", code, out)
	}
	renamed := filepath.Join(t.TempDir(), "access-provisioning.yaml")
	if err := os.WriteFile(renamed, []byte(strings.ReplaceAll(string(text), "justification: ", "justification: New ")), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = s.sopd(t, "policy", "replay", renamed)
	if code != exitDone || !strings.Contains(out, "NOT JUDGED: ") || !strings.Contains(out, "never asked Jira for the field \"New ") {
		t.Errorf("a field that was never read: %d %s\n%s", code, errs, out)
	}
	for want, args := range map[string][]string{
		"--since":          {"--since", "soon", changed},
		"cannot be read":   {filepath.Join(t.TempDir(), "none.yaml")},
		"changed policies": {broken(t)},
	} {
		if code, _, errs := s.sopd(t, append([]string{"policy", "replay"}, args...)...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

func broken(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guards.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: sopd/v1\nkind: Guards\nremovalz: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
