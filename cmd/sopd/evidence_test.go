package main

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/reports"
)

// keyed gives the site a ledger key and returns the public one.
func (s site) keyed(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.key")
	code, public, errs := s.sopd(t, "keys", "generate", "--origin", "sopd.example.com/ledger", "--out", path)
	if code != exitDone {
		t.Fatal(errs)
	}
	s.env["SOPD_LEDGER_KEY_FILE"] = path
	return strings.TrimSpace(public)
}

// observed does one pass. In a world that nobody adopted, a guard stops it after everything was read.
func (s site) observed(t *testing.T) {
	t.Helper()
	if code, _, errs := s.sopd(t, "run", "--once"); code != exitStopped {
		t.Fatalf("%d %s", code, errs)
	}
}

func TestTheEvidenceOfARunVerifiesOnAnotherMachine(t *testing.T) {
	s := newSite(t)
	public := s.keyed(t)
	s.observed(t)
	out := filepath.Join(t.TempDir(), "export.zip")
	from, to := time.Now().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	code, text, errs := s.sopd(t, "evidence", "export", "--from", from, "--to", to, "--out", out, "--json")
	if code != exitDone {
		t.Fatalf("%d %s", code, errs)
	}
	var m evidence.Manifest
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Comparison == nil || m.Comparison.Memberships == 0 || m.Records.InPeriod == 0 {
		t.Fatalf("%v: %s", err, text)
	}
	elsewhere := site{env: map[string]string{}}
	if code, text, errs := elsewhere.sopd(t, "evidence", "verify", out, "--key", public); code != exitDone || !strings.HasPrefix(text, "verified: ") {
		t.Errorf("%d %s %s", code, text, errs)
	}
	flip(t, out, "records.jsonl")
	if code, _, errs := elsewhere.sopd(t, "evidence", "verify", out, "--key", public); code != exitInvalid || !strings.Contains(errs, "verification failed") {
		t.Errorf("%d %s", code, errs)
	}
}

// flip changes one bit in the middle of a packed file. The archive has bytes that mean nothing, such as times.
func flip(t *testing.T, path, name string) {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	at := slices.IndexFunc(archive.File, func(f *zip.File) bool { return f.Name == name })
	begin, err := archive.File[at].DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[begin+int64(archive.File[at].CompressedSize64)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEvidenceCommandsUsedWronglySayHow(t *testing.T) {
	s := newSite(t)
	s.keyed(t)
	for want, args := range map[string][]string{
		"--from":     {"evidence", "export", "--from", "yesterday", "--to", "2026-01-01"},
		"--key":      {"evidence", "verify", "x"},
		"public key": {"evidence", "verify", t.TempDir(), "--key", "/no/such/file"},
		"--origin":   {"keys", "generate"},
		"plus sign":  {"keys", "generate", "--origin", "two words", "--out", filepath.Join(t.TempDir(), "k")},
		"begins at":  {"evidence", "export", "--from", "2999-01-01", "--to", "2999-02-01", "--ledger-only"},
	} {
		if want == "begins at" {
			s.observed(t)
		}
		if code, _, errs := s.sopd(t, args...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

func TestThePrivateKeyIsInItsFileAndNowhereElse(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "ledger.key")
	_, out, errs := s.sopd(t, "keys", "generate", "--origin", "sopd.example.com/ledger", "--out", path)
	private, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if strings.Contains(out+errs, strings.TrimSpace(string(private))) || strings.Contains(out, "PRIVATE") {
		t.Error("the private key is printed")
	}
	if code, _, _ := s.sopd(t, "keys", "generate", "--origin", "sopd.example.com/ledger", "--out", path); code != exitUsage {
		t.Error("a key was overwritten")
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(private) {
		t.Error("a key was overwritten")
	}
	s.env["SOPD_LEDGER_KEY_FILE"] = path
	if code, public, _ := s.sopd(t, "keys", "public"); code != exitDone || public != out {
		t.Errorf("%q, want %q", public, out)
	}
	s.env["SOPD_LEDGER_KEY_FILE"] = filepath.Join(t.TempDir(), "none")
	if code, _, errs := s.sopd(t, "keys", "public"); code != exitUsage || !strings.Contains(errs, "SOPD_LEDGER_KEY_FILE") {
		t.Errorf("%d %s", code, errs)
	}
	delete(s.env, "SOPD_LEDGER_KEY_FILE")
	s.env["SOPD_LEDGER_KEY"] = "PRIVATE+KEY+wrong"
	if code, _, errs := s.sopd(t, "keys", "public"); code != exitUsage || strings.Contains(errs, "wrong") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestEveryKindOfProcedureIsInForceWithItsControls(t *testing.T) {
	set, err := policies.Load(os.DirFS(filepath.Join("..", "..", "policies", "example")))
	if err != nil {
		t.Fatal(err)
	}
	controls := make(map[string][]string)
	for _, p := range proceduresOf(set) {
		controls[p.Kind+"/"+p.Name] = p.Controls
	}
	for _, d := range set.Documents {
		if got, known := controls[d.Kind+"/"+d.Name]; !known || !slices.Equal(got, d.Controls) {
			t.Errorf("%s %s is in force with controls %v, want %v", d.Kind, d.Name, got, d.Controls)
		}
	}
	if len(controls["Procedure/vendor-onboarding"]) == 0 {
		t.Error("the vendors' procedure serves no control")
	}
}

func TestAReportKnowsWithWhatAVendorBeginsAndIsComplete(t *testing.T) {
	set, err := policies.Load(os.DirFS(filepath.Join("..", "..", "policies", "example")))
	if err != nil {
		t.Fatal(err)
	}
	covered := reports.Input(set, report.Period{}, "").Covered
	for _, p := range covered {
		if p.SOP == "vendor-onboarding" && p.Complete == "vendor.assessed" && slices.Equal(p.Begins, []string{"vendor.requested"}) {
			return
		}
	}
	t.Errorf("the vendors' procedure is not covered: %v", covered)
}
