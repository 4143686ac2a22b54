package opsgeniemock_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	"github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/opsgenie/opsgenie-go-sdk-v2/schedule"
	"github.com/sirupsen/logrus"

	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

const key = "key-of-the-mock"

func start(t *testing.T, c opsgeniemock.Config) *opsgeniemock.Server {
	t.Helper()
	c.Key = key
	s := opsgeniemock.New(c)
	t.Cleanup(func() {
		s.Close()
		if unknown := s.Unknown(); len(unknown) > 0 {
			t.Errorf("the mock was asked what it does not know: %v", unknown)
		}
	})
	return s
}

// sdk returns the vendor's own configuration for s, with every exchange held against the specification.
func sdk(t *testing.T, s *opsgeniemock.Server) *client.Config {
	t.Helper()
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	return &client.Config{ApiKey: key, OpsGenieAPIURL: client.ApiUrl(s.Host()), HttpClient: &http.Client{Transport: newSpecified(t)},
		Logger: quiet, Backoff: func(time.Duration, time.Duration, int, *http.Response) time.Duration { return time.Millisecond }}
}

func alerts(t *testing.T, c *client.Config) *alert.Client {
	t.Helper()
	a, err := alert.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// once retries nothing, so that what the mock refuses is seen once.
func once(c *client.Config) *client.Config {
	c.RetryPolicy = func(context.Context, *http.Response, error) (bool, error) { return false, nil }
	return c
}

func TestTheVendorsClientWalksThroughTheLifeOfAnAlert(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	c := alerts(t, sdk(t, s))
	ctx := t.Context()
	made, err := c.Create(ctx, &alert.CreateAlertRequest{Message: "database is slow", Alias: "db-slow", Priority: alert.P2, Tags: []string{"sop"},
		Details: map[string]string{"change": "CHG-1"}, Responders: []alert.Responder{{Type: alert.TeamResponder, Id: "t1", Name: "SecOps"}}})
	if err != nil {
		t.Fatal(err)
	}
	done := processed(t, made)
	got, err := c.Get(ctx, &alert.GetAlertRequest{IdentifierType: alert.ALIAS, IdentifierValue: "db-slow"})
	if err != nil || got.Id != done.AlertID || got.Priority != alert.P2 || got.Details["change"] != "CHG-1" || got.Status != "open" {
		t.Fatalf("got %+v, %v", got, err)
	}
	note, err := c.AddNote(ctx, &alert.AddNoteRequest{IdentifierValue: got.Id, Note: "looking", User: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	processed(t, note)
	ack, err := c.Acknowledge(ctx, &alert.AcknowledgeAlertRequest{IdentifierValue: got.Id, User: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	processed(t, ack)
	closed, err := c.Close(ctx, &alert.CloseAlertRequest{IdentifierValue: got.Id, User: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	processed(t, closed)
	notes, err := c.ListAlertNotes(ctx, &alert.ListAlertNotesRequest{IdentifierValue: got.Id, Limit: 10})
	if err != nil || len(notes.AlertLog) != 1 || notes.AlertLog[0].Note != "looking" {
		t.Fatalf("notes %+v, %v", notes, err)
	}
	all := s.Alerts()
	if len(all) != 1 || !all[0].Closed || all[0].AckAfter <= 0 || all[0].CloseAfter < all[0].AckAfter {
		t.Errorf("alerts %+v", all)
	}
}

// processed waits for the status of a request by the vendor's own loop, which sleeps a second after the first 404.
func processed(t *testing.T, r *alert.AsyncAlertResult) *alert.RequestStatusResult {
	t.Helper()
	done, err := r.RetrieveStatus(t.Context())
	if err != nil || !done.IsSuccess || done.AlertID == "" {
		t.Fatalf("request status %+v, %v", done, err)
	}
	return done
}

func TestTheVendorsClientReadsListsAndSchedules(t *testing.T) {
	s := start(t, opsgeniemock.Config{PendingPolls: -1})
	begin := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for i := range 45 {
		s.AddAlert(opsgeniemock.Alert{Message: "old", Created: begin.Add(time.Duration(i) * time.Hour), AckAfter: time.Minute, CloseAfter: time.Hour,
			AcknowledgedBy: "ada@example.com", ClosedBy: "bob@example.com"})
	}
	conf := sdk(t, s)
	list, err := alerts(t, conf).List(t.Context(), &alert.ListAlertRequest{Sort: alert.CreatedAt, Order: alert.Asc})
	if err != nil || len(list.Alerts) != 20 {
		t.Fatalf("the default page holds %d alerts, %v; want 20", len(list.Alerts), err)
	}
	if first := list.Alerts[0]; !first.CreatedAt.Equal(begin) || first.Report.AckTime != 60_000 || first.Report.CloseTime != 3_600_000 {
		t.Errorf("first %+v", first)
	}
	id := s.AddSchedule(opsgeniemock.Schedule{Name: "SecOps", OnCall: []string{"ada@example.com"}})
	sched, err := schedule.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	for _, flat := range []bool{true, false} {
		on, err := sched.GetOnCalls(t.Context(), &schedule.GetOnCallsRequest{Flat: &flat, ScheduleIdentifier: id, ScheduleIdentifierType: schedule.Id})
		if err != nil || on.Parent.Name != "SecOps" {
			t.Fatalf("on call %+v, %v", on, err)
		}
		if flat && (len(on.OnCallRecipients) != 1 || on.OnCallRecipients[0] != "ada@example.com") ||
			!flat && (len(on.OnCallParticipants) != 1 || on.OnCallParticipants[0].Name != "ada@example.com") {
			t.Errorf("flat %v: %+v", flat, on)
		}
	}
	no := false
	if all, err := sched.List(t.Context(), &schedule.ListRequest{Expand: &no}); err != nil || len(all.Schedule) != 1 || !all.Schedule[0].Enabled {
		t.Errorf("schedules %+v, %v", all, err)
	}
}

// status returns the status of the vendor's error.
func status(err error) int {
	var api *client.ApiError
	if errors.As(err, &api) {
		return api.StatusCode
	}
	return 0
}

func TestTheMockRefusesWhatTheVendorRefuses(t *testing.T) {
	s := start(t, opsgeniemock.Config{})
	s.AddKey("reader", opsgeniemock.Read)
	good := once(sdk(t, s))
	c := alerts(t, good)
	wrong, reader := *good, *good
	wrong.ApiKey, reader.ApiKey = "wrong", "reader"
	long := make([]rune, 131)
	for i := range long {
		long[i] = 'é'
	}
	list := func(r alert.ListAlertRequest) error { _, err := c.List(t.Context(), &r); return err }
	create := func(c *alert.Client, r alert.CreateAlertRequest) error {
		_, err := c.Create(t.Context(), &r)
		return err
	}
	get := func(id string) error {
		_, err := c.Get(t.Context(), &alert.GetAlertRequest{IdentifierValue: id})
		return err
	}
	for name, check := range map[string]struct {
		err  error
		want int
	}{
		"a wrong key":               {create(alerts(t, &wrong), alert.CreateAlertRequest{Message: "m"}), 401},
		"a key without the right":   {create(alerts(t, &reader), alert.CreateAlertRequest{Message: "m"}), 403},
		"a message of 131 letters":  {create(c, alert.CreateAlertRequest{Message: string(long)}), 422},
		"an unknown priority":       {create(c, alert.CreateAlertRequest{Message: "m", Priority: "P9"}), 422},
		"21 tags":                   {create(c, alert.CreateAlertRequest{Message: "m", Tags: make([]string, 21)}), 422},
		"a page of 101":             {list(alert.ListAlertRequest{Limit: 101}), 422},
		"a reach beyond 20,000":     {list(alert.ListAlertRequest{Offset: 19_950, Limit: 100}), 422},
		"an unknown query field":    {list(alert.ListAlertRequest{Query: "colour: red"}), 422},
		"a query with a loose word": {list(alert.ListAlertRequest{Query: "status: open and"}), 422},
		"an unknown sort field":     {list(alert.ListAlertRequest{Sort: "colour"}), 422},
		"an unknown alert":          {get("no-such-alert"), 404},
		"an unknown order":          {list(alert.ListAlertRequest{Order: "up"}), 422},
	} {
		if got := status(check.err); got != check.want {
			t.Errorf("%s: status %d (%v), want %d", name, got, check.err, check.want)
		}
	}
}

func TestAWriteOnAnUnknownAlertIsAcceptedAndFailsInItsStatus(t *testing.T) {
	s := start(t, opsgeniemock.Config{PendingPolls: -1})
	c := alerts(t, sdk(t, s))
	r, err := c.Close(t.Context(), &alert.CloseAlertRequest{IdentifierValue: "no-such-alert"})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.RetrieveStatus(t.Context()); err != nil || done.IsSuccess || done.Status != "Alert does not exist" {
		t.Errorf("status %+v, %v", done, err)
	}
}
