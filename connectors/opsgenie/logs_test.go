package opsgenie_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

func TestALogTellsWhenAnAlertWasAcknowledgedAndClosed(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s, p := pager(t, opsgeniemock.Config{Now: func() time.Time { return now }})
	id := paging.AlertID(s.CreateAlert(opsgeniemock.Alert{Message: "m"}))
	acked, closed := now.Add(4*time.Minute), now.Add(50*time.Minute)
	now = acked
	s.Acknowledge(string(id), "ada@example.com")
	for i := range 230 {
		s.AddNote(string(id), "ada@example.com", fmt.Sprint(i))
	}
	now = closed
	s.CloseAlert(string(id), "ada@example.com")
	log, err := p.Logs(t.Context(), id)
	if err != nil || len(log) != 233 {
		t.Fatalf("%d entries, %v", len(log), err)
	}
	if times := incident.ReadTimes(log); !times.Acknowledged.Equal(acked) || !times.Closed.Equal(closed) {
		t.Errorf("times %+v", times)
	}
	if log, err := p.Logs(t.Context(), "none"); !isCause(err, access.ErrNotFound) || log != nil {
		t.Errorf("the log of no alert: %v, %v", log, err)
	}
}

func TestALogThatIsNoneOrDoesNotEndIsAnError(t *testing.T) {
	for text, cause := range map[string]error{
		`{}`: access.ErrMalformed, `{"data":null}`: access.ErrMalformed, `[]`: access.ErrMalformed,
		`{"data":[],"paging":{"next":"https://api.opsgenie.com/"}}`: access.ErrIncomplete,
	} {
		if log, err := canned(t, text).Logs(t.Context(), "a"); !isCause(err, cause) || log != nil {
			t.Errorf("%s: %v, %v", text, log, err)
		}
	}
}

func TestWhoeverIsOnCallInAScheduleIsPaged(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	if _, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m", Teams: []string{"SecOps"}, Schedules: []string{"Nights"}}); err != nil {
		t.Fatal(err)
	}
	got := s.Alerts()[0].Responders
	if len(got) != 2 || got[1].Type != "schedule" || got[1].Name != "Nights" {
		t.Errorf("responders %+v", got)
	}
}
