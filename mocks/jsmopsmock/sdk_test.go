package jsmopsmock_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	"github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/sirupsen/logrus"

	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

// moved sends Opsgenie's requests to the integration events, whose paths are the same behind a prefix.
type moved struct{}

func (moved) RoundTrip(r *http.Request) (*http.Response, error) {
	again := r.Clone(r.Context())
	again.URL.Path = "/jsm/ops/integration" + r.URL.Path
	return http.DefaultTransport.RoundTrip(again)
}

// TestOpsgeniesOwnClientWritesByIntegrationEventsUnchanged: the vendor promises that bodies and keys move as they are.
func TestOpsgeniesOwnClientWritesByIntegrationEventsUnchanged(t *testing.T) {
	s := start(t, jsmopsmock.Config{PendingPolls: -1})
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	c, err := alert.NewClient(&client.Config{ApiKey: key, OpsGenieAPIURL: client.ApiUrl(s.URL()[len("http://"):]), HttpClient: &http.Client{Transport: moved{}}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	processed := func(r *alert.AsyncAlertResult, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		done, err := r.RetrieveStatus(ctx)
		if err != nil || !done.IsSuccess {
			t.Fatalf("status %+v, %v", done, err)
		}
		return done.AlertID
	}
	id := processed(c.Create(ctx, &alert.CreateAlertRequest{Message: "database is slow", Alias: "db-slow", Priority: alert.P2, Tags: []string{"sop"},
		Details: map[string]string{"change": "CHG-1"}, Responders: []alert.Responder{{Type: alert.TeamResponder, Id: "t1", Name: "SecOps"}}}))
	processed(c.AddNote(ctx, &alert.AddNoteRequest{IdentifierValue: id, Note: "looking", User: "ada@example.com"}))
	processed(c.Acknowledge(ctx, &alert.AcknowledgeAlertRequest{IdentifierType: alert.ALIAS, IdentifierValue: "db-slow", User: "ada@example.com"}))
	processed(c.Close(ctx, &alert.CloseAlertRequest{IdentifierValue: id, User: "ada@example.com", Note: "mended"}))
	a := s.Alerts()[0]
	if a.ID != id || !a.Closed || !a.Acknowledged || len(a.Notes) != 2 || a.Priority != "P2" || a.Details["change"] != "CHG-1" {
		t.Errorf("alert %+v", a)
	}
	if _, err := c.List(ctx, &alert.ListAlertRequest{}); err == nil {
		t.Error("integration events list alerts")
	}
}
