package opsgenie_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

func TestDutiesAreRotationsOverridesAndEscalations(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s, p := pager(t, opsgeniemock.Config{})
	s.AddSchedule(opsgeniemock.Schedule{Name: "SecOps", Rotation: []string{"ada@example.com", "bob@example.com", "ada@example.com"}, Overrides: []opsgeniemock.Override{
		{Person: "cyd@example.com", Until: now.Add(time.Hour)}, {Person: "dan@example.com", Until: now},
	}})
	s.AddSchedule(opsgeniemock.Schedule{Name: "Platform", Rotation: []string{"ada@example.com"}})
	s.AddSchedule(opsgeniemock.Schedule{Name: "Old", Disabled: true, Rotation: []string{"ada@example.com"}})
	s.AddEscalation(opsgeniemock.Escalation{Name: "Managers", People: []string{"eve@example.com"}})
	got, err := p.Duties(t.Context(), now)
	want := []paging.Duty{
		{Kind: paging.Rotation, Where: "SecOps", Person: "ada@example.com"},
		{Kind: paging.Rotation, Where: "SecOps", Person: "bob@example.com"},
		{Kind: paging.Override, Where: "SecOps", Person: "cyd@example.com", Until: now.Add(time.Hour)},
		{Kind: paging.Rotation, Where: "Platform", Person: "ada@example.com", Alone: true},
		{Kind: paging.Escalation, Where: "Managers", Person: "eve@example.com"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("duties: %v\n%s", err, diff)
	}
}

func TestHalfOfTheDutiesIsNoAnswer(t *testing.T) {
	for _, path := range []string{"/v2/schedules", "/overrides", "/v2/escalations"} {
		s, p := pager(t, opsgeniemock.Config{})
		s.AddSchedule(opsgeniemock.Schedule{Name: "SecOps", Rotation: []string{"ada@example.com"}})
		s.Fail(opsgeniemock.Fault{Match: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, path) }, Status: 403, Times: -1})
		if got, err := p.Duties(t.Context(), time.Now()); !isCause(err, access.ErrDenied) || got != nil {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}
