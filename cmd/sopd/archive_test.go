package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
)

func TestArchivingBeforeAMonthHasEndedDoesNothing(t *testing.T) {
	s := newSite(t)
	s.keyed(t)
	s.observed(t)
	s.env["SOPD_ARCHIVE_DIR"] = t.TempDir()
	code, out, errs := s.sopd(t, "evidence", "archive", "--delete", "--json")
	var did archived
	if err := json.Unmarshal([]byte(out), &did); err != nil || code != exitDone || len(did.Archived) != 0 || did.Deleted != 0 {
		t.Errorf("%d %s%s", code, out, errs)
	}
	for name, c := range map[string]struct{ variable, value, says string }{
		"no folder":    {"SOPD_ARCHIVE_DIR", filepath.Join(t.TempDir(), "none"), "SOPD_ARCHIVE_DIR"},
		"no retention": {"SOPD_LEDGER_RETENTION", "ever", "such as 7y"},
		"too short":    {"SOPD_LEDGER_RETENTION", "29d", "30 days at least"},
	} {
		before := s.env[c.variable]
		s.env[c.variable] = c.value
		if code, _, errs := s.sopd(t, "evidence", "archive"); code != exitUsage || !strings.Contains(errs, c.says) {
			t.Errorf("%s: %d %s", name, code, errs)
		}
		s.env[c.variable] = before
	}
}

func TestTheRetentionGoesByTheCalendar(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"": "2019-11-24", "7y": "2019-11-24", "18m": "2025-05-24", "400d": "2025-10-20"} {
		r, err := parseRetention(text)
		if got := r.before(now).Format(time.DateOnly); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestAPersonIsErasedOnlyOnceTheyAreGone(t *testing.T) {
	s := newSite(t)
	public := s.keyed(t)
	s.observed(t)
	amara := s.world.Person("amara").OktaID
	if code, _, errs := s.sopd(t, "evidence", "erase", amara); code != exitFailed || !strings.Contains(errs, "deactivate and delete") {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := s.sopd(t, "evidence", "erase", "not an id"); code != exitUsage {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := s.sopd(t, "evidence", "erase", "00unobody"); code != exitFailed || !strings.Contains(errs, "nothing is known") {
		t.Errorf("%d %s", code, errs)
	}
	st, err := openStore(t.Context(), console{Err: os.Stderr, Env: lookup(s.env)})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Write(t.Context(), func(tx *store.Tx) error {
		return tx.PutUsers([]access.User{{ID: "00ugone", Login: "gone@example.com", Name: "Somebody Gone", Status: access.Deprovisioned}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := s.sopd(t, "evidence", "erase", "00ugone"); code != exitDone || !strings.HasPrefix(out, "erased: ") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	raw, err := os.ReadFile(filepath.Join(s.env["SOPD_DATA_DIR"], "sopd.db"))
	if err != nil || strings.Contains(string(raw), "Somebody Gone") || strings.Contains(string(raw), "00ugone") {
		t.Errorf("the file still names the person: %v", err)
	}
	if code, out, errs := s.sopd(t, "restore", "--verify", "--key", public); code == exitInvalid {
		t.Errorf("%d %s%s", code, out, errs)
	}
}
