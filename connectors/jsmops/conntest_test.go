package jsmops_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/conntest"
	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

const (
	vendorKey   = "key-of-the-mock"
	vendorUser  = "sopd@example.com"
	vendorToken = "token-of-the-mock"
	events      = "/jsm/ops/integration/"
)

// vendor is a mock whose answers the suite replays; its credentials are the suite's.
type vendor struct {
	mock     *jsmopsmock.Server
	id       paging.AlertID
	schedule paging.ScheduleID
}

func newVendor(t testing.TB) *vendor {
	t.Helper()
	v := &vendor{mock: jsmopsmock.New(jsmopsmock.Config{Key: vendorKey, User: vendorUser, Token: vendorToken, PendingPolls: -1})}
	t.Cleanup(v.mock.Close)
	v.id = paging.AlertID(v.mock.AddAlert(jsmopsmock.Alert{Message: "disk full", Alias: "disk"}))
	v.mock.AddNote(string(v.id), "ada@example.com", "a note")
	v.schedule = paging.ScheduleID(v.mock.AddSchedule(jsmopsmock.Schedule{Name: "SecOps", OnCall: []string{"5b10a2844c20165700ede21g"}}))
	return v
}

// answer passes a request on to the mock with the mock's own credential for that API.
func (v *vendor) answer(w http.ResponseWriter, r *http.Request) {
	target, err := url.Parse(v.mock.URL())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	again := r.Clone(r.Context())
	again.RequestURI, again.Host = "", target.Host
	again.URL = &url.URL{Scheme: "http", Host: target.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	again.SetBasicAuth(vendorUser, vendorToken)
	if strings.HasPrefix(r.URL.Path, events) {
		again.Header.Set("Authorization", "GenieKey "+vendorKey)
	}
	resp, err := http.DefaultTransport.RoundTrip(again)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	var body json.RawMessage
	if json.NewDecoder(resp.Body).Decode(&body) == nil {
		_, _ = w.Write(body) // the suite looks from the client's side
	}
}

// fullPage answers every page of alerts with the same hundred, and another to come.
func fullPage(w http.ResponseWriter, _ *http.Request) {
	page := `{"count":1000,"links":{"next":"/v1/alerts?offset=100&size=100"},"values":[` +
		strings.Repeat(`{"id":"a","status":"open","createdAt":"2026-11-02T09:00:00.000Z"},`, 99) + `{"id":"z","status":"open","createdAt":"2026-11-02T09:00:01.000Z"}]}`
	_, _ = w.Write([]byte(page)) // as above
}

// moreNotes answers every page of notes with the same link to another.
func moreNotes(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"values":[{"id":"1","note":"n"}],"links":{"next":"/v1/alerts/x/notes?after=1"}}`))
}

// moreLogs answers every page of a log with the same link to another.
func moreLogs(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"values":[{"log":"n"}],"links":{"next":"/v1/alerts/x/logs?after=1"}}`))
}

// moreSchedules answers every page of schedules alike.
func moreSchedules(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"values":[{"id":"1","name":"n","enabled":true}],"links":{"next":"/v1/schedules?offset=1"}}`))
}

func connect(t testing.TB, s conntest.Setup) *jsmops.Pager {
	t.Helper()
	p, err := jsmops.New(jsmops.Options{URL: s.BaseURL, CloudID: jsmopsmock.CloudID, Key: secret.New(s.Secret), User: vendorUser,
		Token: secret.New(s.Secret), Transport: s.Tune, PollWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	return p
}

// connectBySite builds the connector that asks the site for its cloud ID.
func connectBySite(t testing.TB, s conntest.Setup) *jsmops.Pager {
	t.Helper()
	p, err := jsmops.New(jsmops.Options{URL: s.BaseURL, Site: s.BaseURL, Key: secret.New(s.Secret), User: vendorUser,
		Token: secret.New(s.Secret), Transport: s.Tune, PollWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	return p
}

type call = conntest.Call[*jsmops.Pager]

func TestJSMOperationsBehavesAsConnectorsMust(t *testing.T) {
	v := newVendor(t)
	read := func(name string, do func(context.Context, *jsmops.Pager) (any, error), more http.HandlerFunc) call {
		return call{Name: name, Kind: conntest.Read, Answer: v.answer, Do: do, MorePages: more}
	}
	write := func(name string, kind conntest.Kind, do func(context.Context, *jsmops.Pager) (any, error)) call {
		return call{Name: name, Kind: kind, Answer: v.answer, Do: do}
	}
	conntest.Run(t, conntest.Subject[*jsmops.Pager]{New: connect, Calls: []call{
		read("alerts", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.Alerts(ctx, paging.Window{}) }, fullPage),
		read("alert", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.Alert(ctx, v.id) }, nil),
		read("alert by alias", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.AlertByAlias(ctx, "disk") }, nil),
		read("notes", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.Notes(ctx, v.id) }, moreNotes),
		read("log", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.Logs(ctx, v.id) }, moreLogs),
		read("schedules", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.Schedules(ctx) }, moreSchedules),
		read("on call", func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.OnCall(ctx, v.schedule) }, nil),
		write("create", conntest.IdempotentWrite, func(ctx context.Context, p *jsmops.Pager) (any, error) {
			return p.Create(ctx, paging.NewAlert{Alias: "page", Message: "a page"})
		}),
		write("acknowledge", conntest.IdempotentWrite, func(ctx context.Context, p *jsmops.Pager) (any, error) {
			return nil, p.Acknowledge(ctx, paging.AlertID(v.mock.AddAlert(jsmopsmock.Alert{Message: "m"})))
		}),
		write("close", conntest.IdempotentWrite, func(ctx context.Context, p *jsmops.Pager) (any, error) {
			return nil, p.Close(ctx, paging.AlertID(v.mock.AddAlert(jsmopsmock.Alert{Message: "m"})))
		}),
		write("note", conntest.Write, func(ctx context.Context, p *jsmops.Pager) (any, error) { return nil, p.Note(ctx, v.id, "a note") }),
	}})
}

// TestAskingForTheCloudIDBehavesAsConnectorsMust makes the site's answer meet the faults, which is another connection.
func TestAskingForTheCloudIDBehavesAsConnectorsMust(t *testing.T) {
	v := newVendor(t)
	conntest.Run(t, conntest.Subject[*jsmops.Pager]{New: connectBySite, Calls: []call{{
		Name: "first read", Kind: conntest.Read, Answer: v.answer,
		Target: func(r *http.Request) bool { return r.URL.Path == "/_edge/tenant_info" },
		Do:     func(ctx context.Context, p *jsmops.Pager) (any, error) { return p.Alert(ctx, v.id) },
	}}})
}

// TestAWriteWhoseStatusIsLostIsUnconfirmed makes the second request of each write fail in every way: the vendor took the
// first, so nobody may say that the write did not happen.
func TestAWriteWhoseStatusIsLostIsUnconfirmed(t *testing.T) {
	v := newVendor(t)
	for _, code := range []int{400, 401, 403, 404, 429, 500, 503} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/alerts/requests/") {
				w.WriteHeader(code)
				return
			}
			v.answer(w, r)
		}))
		o := options(h.URL)
		o.StatusWait = 20 * time.Millisecond
		p := build(t, o)
		if err := p.Note(t.Context(), v.id, "n"); !isCause(err, access.ErrUnconfirmed) {
			t.Errorf("status %d: note: %v", code, err)
		}
		if id, err := p.Create(t.Context(), paging.NewAlert{Alias: "x", Message: "m"}); !isCause(err, access.ErrUnconfirmed) || id != "" {
			t.Errorf("status %d: create: %q, %v", code, id, err)
		}
		p.CloseIdle()
		h.Close()
	}
}
