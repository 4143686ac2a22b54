package main

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/store"
)

// parkedStore is a store with one piece of parked work of each kind, and how the commands are run on it.
func parkedStore(t *testing.T) (s *store.Store, sopd func(args ...string) (code int, out, errs string)) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(dir, "sopd.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := s.Now()
	c := change.Change{ID: change.NewID(now), Kind: change.RemoveMember, Reason: change.Drift, User: "00u1", Group: "00g1", State: change.Intended, Intended: now}
	refused := c
	refused.State, refused.Error, refused.Settled = change.Refused, access.ErrDenied.Error(), now
	err = s.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.PutEffect(change.Effect{Key: "ACC-1/provisioned", Ticket: "ACC-1", Kind: change.Comment, Body: "x", Created: now}); err != nil {
			return err
		}
		if _, err := tx.PutPage(paging.NewAlert{Alias: "sopd-1", Message: "x"}, now); err != nil {
			return err
		}
		for range store.MaxAttempts {
			if err := tx.EffectFailed("ACC-1/provisioned", "denied"); err != nil {
				return err
			}
			if err := tx.PageFailed("sopd-1", "denied"); err != nil {
				return err
			}
		}
		if err := tx.PutChange(c); err != nil {
			return err
		}
		if err := tx.PutChange(refused); err != nil {
			return err
		}
		return tx.PutBadTicket("ACC-7", "malformed", now.Add(-time.Hour))
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func(args ...string) (int, string, string) {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"parked"}, args...), console{
			In: strings.NewReader(""), Out: &out, Err: &errs, Env: lookup(map[string]string{"SOPD_DATA_DIR": dir}),
		})
		return code, out.String(), errs.String()
	}
}

func TestParkedWorkIsListedShownAndRetried(t *testing.T) {
	s, sopd := parkedStore(t)
	code, out, _ := sopd("list", "--json")
	var all []parked
	if err := json.Unmarshal([]byte(out), &all); code != exitDone || err != nil || len(all) != 4 {
		t.Fatalf("code %d, %v, %d parked:\n%s", code, err, len(all), out)
	}
	for i, prefix := range []string{"effect/ACC-1/provisioned", "page/sopd-1", "change/CHG-", "ticket/ACC-7"} {
		if !strings.HasPrefix(all[i].ID, prefix) || all[i].Cause == "" {
			t.Errorf("%+v, want %s and why", all[i], prefix)
		}
		if code, out, _ := sopd("show", all[i].ID); code != exitDone || !strings.Contains(out, `"what"`) {
			t.Errorf("show %s: code %d\n%s", all[i].ID, code, out)
		}
		if code, out, _ := sopd(); code != exitDone || !strings.Contains(out, all[i].ID) {
			t.Errorf("list: code %d, no %s in\n%s", code, all[i].ID, out)
		}
	}
	if code, _, errs := sopd("retry", all[0].ID, "effect/none"); code != exitFailed || !strings.Contains(errs, "effect/none is not parked") {
		t.Errorf("retry of one that is not parked: code %d, %s", code, errs)
	}
	if err := s.Read(t.Context(), func(tx *store.Tx) error {
		if left, err := tx.EffectsParked(); err != nil || len(left) != 1 {
			t.Errorf("half of a refused command was done: %d parked, %v", len(left), err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := sopd("retry", "--all"); code != exitDone || !strings.Contains(out, "4 to be tried") {
		t.Errorf("retry: code %d, %s%s", code, out, errs)
	}
	if code, out, _ := sopd("list", "--json"); code != exitDone || strings.Contains(out, "effect/") || strings.Contains(out, "page/") || strings.Contains(out, "change/") {
		t.Errorf("still parked: code %d\n%s", code, out)
	}
	if err := s.Read(t.Context(), func(tx *store.Tx) error {
		if w, err := tx.Work("pass"); err != nil || !w.Pending() {
			t.Errorf("no pass was asked for: %+v, %v", w, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWrongUseOfParkedIsToldFromFailure(t *testing.T) {
	_, sopd := parkedStore(t)
	for _, args := range [][]string{{"retry"}, {"retry", "x", "--all"}, {"show"}, {"frobnicate"}} {
		if code, _, _ := sopd(args...); code != exitUsage {
			t.Errorf("%v: code %d, want %d", args, code, exitUsage)
		}
	}
	if code, _, errs := sopd("show", "page/none"); code != exitFailed || !strings.Contains(errs, "not parked") {
		t.Errorf("show: code %d, %s", code, errs)
	}
}
