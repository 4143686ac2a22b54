package jsmops_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

func TestDutiesAreRotationsOverridesAndEscalations(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s, p := pager(t, jsmopsmock.Config{})
	s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps", Rotation: []string{"p-1", "p-2", "p-1"}, Overrides: []jsmopsmock.Override{
		{Person: "p-3", Until: now.Add(time.Hour)}, {Person: "p-4", Until: now},
	}})
	s.AddSchedule(jsmopsmock.Schedule{Name: "Platform", Rotation: []string{"p-1"}})
	s.AddSchedule(jsmopsmock.Schedule{Name: "Old", Disabled: true, Rotation: []string{"p-1"}})
	s.AddEscalation(jsmopsmock.Escalation{Name: "Managers", People: []string{"p-5"}})
	got, err := p.Duties(t.Context(), now)
	want := []paging.Duty{
		{Kind: paging.Rotation, Where: "SecOps", Person: "p-1"},
		{Kind: paging.Rotation, Where: "SecOps", Person: "p-2"},
		{Kind: paging.Override, Where: "SecOps", Person: "p-3", Until: now.Add(time.Hour)},
		{Kind: paging.Rotation, Where: "Platform", Person: "p-1", Alone: true},
		{Kind: paging.Escalation, Where: "Managers", Person: "p-5"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("duties: %v\n%s", err, diff)
	}
}

func TestDutiesOfManySchedulesAreAllRead(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	for range 130 {
		s.AddSchedule(jsmopsmock.Schedule{Name: "S", Rotation: []string{"p-1"}})
	}
	got, err := p.Duties(t.Context(), time.Now())
	if len(got) != 130 || err != nil {
		t.Errorf("%d duties, %v", len(got), err)
	}
}

func TestHalfOfTheDutiesIsNoAnswer(t *testing.T) {
	for _, path := range []string{"/schedules", "/overrides", "/escalations"} {
		s, p := pager(t, jsmopsmock.Config{})
		s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps", Rotation: []string{"p-1"}})
		s.Fail(jsmopsmock.Fault{Match: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, path) }, Status: 403, Times: -1})
		if got, err := p.Duties(t.Context(), time.Now()); !isCause(err, access.ErrDenied) || got != nil {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}
