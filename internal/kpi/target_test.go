package kpi_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
)

func TestTargetsAndWarningsAreReadAndWritten(t *testing.T) {
	for _, s := range []string{"45m", "24h", "2bd", "30d", "3660d", "3660bd", "5270400m", ""} {
		var got kpi.Target
		if err := got.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if text, err := got.MarshalText(); err != nil || string(text) != s || got.IsZero() != (s == "") {
			t.Errorf("%q became %q: %v", s, text, err)
		}
	}
	for _, s := range []string{"1%", "99%", "30m", "1bd"} {
		var got kpi.Warning
		if err := got.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if text, err := got.MarshalText(); err != nil || string(text) != s {
			t.Errorf("%q became %q: %v", s, text, err)
		}
	}
}

func TestImpossibleTargetsAreRefused(t *testing.T) {
	for _, s := range []string{"0m", "-1h", "1.5h", "1w", "h", "24", "24 h", "024h", "1H", "2b", "3661d", "3661bd", "5270401m", "99999999m", "1h30m", "٣h"} {
		var got kpi.Target
		if err := got.UnmarshalText([]byte(s)); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "0%", "100%", "75", "%"} {
		var got kpi.Warning
		if err := got.UnmarshalText([]byte(s)); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// FuzzParseTarget looks for text that is accepted and not written back as it was read, or that has no sound limit.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"45m", "24h", "2bd", "30d", "0h", "9999999bd", "1h30m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := kpi.ParseTarget(s)
		if err != nil {
			if !errors.Is(err, access.ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		limit := got.Nominal(calendar.Always())
		if got.String() != s || limit <= 0 || limit > 3660*24*time.Hour {
			t.Errorf("%q became %q, %v", s, got, limit)
		}
	})
}

func TestASoundClockHasNoProblems(t *testing.T) {
	d := clock(t, "=2bd high=4h")
	d.Calendar = office(t)
	d.Warn = []kpi.Warning{{Left: target(t, "1h")}, {Percent: 75}}
	if err := kpi.Validate(d); err != nil {
		t.Error(err)
	}
}

func TestAllProblemsOfAllClocksAreReportedAtOnce(t *testing.T) {
	closed := clock(t, "=24h high=30d low=2bd")
	closed.Calendar = office(t)
	closed.Warn = []kpi.Warning{{}, {Percent: 101}, {Percent: 5, Left: target(t, "1h")}, {Left: target(t, "24h")}}
	always := clock(t, "=2bd")
	always.Targets["odd"] = kpi.Target{}
	always.Stop, always.Resume = []string{"created", ""}, nil
	err := kpi.Validate(kpi.Definition{}, closed, always)
	var problems *kpi.ProblemsError
	if !errors.As(err, &problems) || !errors.Is(err, access.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, p := range problems.Problems {
		got = append(got, p.Clock+" "+p.Path)
	}
	want := []string{"/ name", "/ sop", "/ subject", "/ start", "/ stop", "/ targets",
		"access/fulfilment targets[high]", "access/fulfilment warn[0]", "access/fulfilment warn[1]", "access/fulfilment warn[2]",
		"access/fulfilment warn[3]", "access/fulfilment warn[3]",
		"access/fulfilment name", "access/fulfilment stop[0]", "access/fulfilment stop[1]", "access/fulfilment resume",
		"access/fulfilment targets[]", "access/fulfilment targets[odd]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const text = `targets[high]: 30d is 720 working hours on calendar office; write 30bd, or name no calendar`
	if !strings.Contains(err.Error(), text) {
		t.Errorf("got %v", err)
	}
}

func TestANameInTwoListsHasTheFirstRole(t *testing.T) {
	d := clock(t, "=24h")
	d.Stop = append(d.Stop, "created")
	got := kpi.Compute(d, story(t, "1d 09:00 created"), at(t, "1d 10:00"))
	if len(got) != 1 || got[0].State != kpi.Running {
		t.Errorf("got %v", lines(got))
	}
}
