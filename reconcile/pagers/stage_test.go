package pagers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/pagers"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func keys(t *testing.T, s *pagers.Stage) []string {
	t.Helper()
	all, err := s.Conclude(nil, reconcile.Round{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range all {
		keys = append(keys, string(f.Key)+" "+f.Detail["count"])
	}
	return keys
}

func TestDisagreementsBecomeFindingsAndStandUntilTheNextComparison(t *testing.T) {
	found := []crossing.Disagreement{{Kind: crossing.OnCall, What: "Platform"}, {Kind: crossing.OnCall, What: "Security"}, {Kind: crossing.OpenAlert, What: "a"}, {Kind: crossing.OpenAlert, What: "b"}}
	var failure error
	compared := 0
	s := pagers.New(func(context.Context, time.Time) ([]crossing.Disagreement, error) { compared++; return found, failure }, 5*time.Minute)
	observe := func(after time.Duration) error { return s.Observe(t.Context(), reconcile.Round{Now: start.Add(after)}) }
	if err := observe(0); err != nil {
		t.Fatal(err)
	}
	want := []string{"pager-disagreement/on_call/Platform 1", "pager-disagreement/on_call/Security 1", "pager-disagreement/open_alert/ 2"}
	if diff := cmp.Diff(want, keys(t, s)); diff != "" {
		t.Error(diff)
	}
	found = nil
	if err := observe(4 * time.Minute); err != nil || compared != 1 || len(keys(t, s)) != 3 {
		t.Errorf("compared %d times: %v", compared, err)
	}
	failure = access.ErrUnavailable
	if err := observe(6 * time.Minute); !errors.Is(err, access.ErrUnavailable) || len(keys(t, s)) != 3 {
		t.Errorf("a comparison that failed: %v, %v", err, keys(t, s))
	}
	failure = nil
	if err := observe(7 * time.Minute); err != nil || len(keys(t, s)) != 0 {
		t.Errorf("after they agree: %v, %v", err, keys(t, s))
	}
}
