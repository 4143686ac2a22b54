package opsgenie_test

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
	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// vendor is a mock whose answers the suite replays; its key is the suite's.
type vendor struct {
	mock     *opsgeniemock.Server
	id       paging.AlertID
	schedule paging.ScheduleID
}

const vendorKey = "key-of-the-mock"

func newVendor(t testing.TB) *vendor {
	t.Helper()
	v := &vendor{mock: opsgeniemock.New(opsgeniemock.Config{Key: vendorKey, PendingPolls: -1})}
	t.Cleanup(v.mock.Close)
	v.id = paging.AlertID(v.mock.AddAlert(opsgeniemock.Alert{Message: "disk full", Alias: "disk"}))
	v.mock.AddNote(string(v.id), "ada@example.com", "a note")
	v.schedule = paging.ScheduleID(v.mock.AddSchedule(opsgeniemock.Schedule{Name: "SecOps", OnCall: []string{"ada@example.com"}}))
	return v
}

// answer passes a request on to the mock with the mock's own key.
func (v *vendor) answer(w http.ResponseWriter, r *http.Request) {
	again := r.Clone(r.Context())
	again.RequestURI, again.Host = "", v.mock.Host()
	again.URL = &url.URL{Scheme: "http", Host: v.mock.Host(), Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	again.Header.Set("Authorization", "GenieKey "+vendorKey)
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
	page := `{"took":0.1,"requestId":"r","paging":{"next":"https://api.opsgenie.com/v2/alerts?offset=100"},"data":[` +
		strings.Repeat(`{"id":"a","status":"open","createdAt":"2026-11-02T09:00:00.000Z"},`, 99) + `{"id":"z","status":"open","createdAt":"2026-11-02T09:00:01.000Z"}]}`
	_, _ = w.Write([]byte(page)) // as above
}

// moreNotes answers every page of notes with the same link to another.
func moreNotes(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"took":0.1,"requestId":"r","data":[{"note":"n"}],"paging":{"next":"https://api.opsgenie.com/v2/alerts/x/notes?offset=o1"}}`))
}

// moreLogs answers every page of a log with the same link to another.
func moreLogs(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"took":0.1,"requestId":"r","data":[{"log":"n"}],"paging":{"next":"https://api.opsgenie.com/v2/alerts/x/logs?offset=o1"}}`))
}

func connect(t testing.TB, s conntest.Setup) *opsgenie.Pager {
	t.Helper()
	p, err := opsgenie.New(opsgenie.Options{URL: s.BaseURL, Key: secret.New(s.Secret), Transport: s.Tune, PollWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	return p
}

func TestOpsgenieBehavesAsConnectorsMust(t *testing.T) {
	v := newVendor(t)
	read := func(name string, do func(context.Context, *opsgenie.Pager) (any, error), more http.HandlerFunc) conntest.Call[*opsgenie.Pager] {
		return conntest.Call[*opsgenie.Pager]{Name: name, Kind: conntest.Read, Answer: v.answer, Do: do, MorePages: more}
	}
	write := func(name string, kind conntest.Kind, do func(context.Context, *opsgenie.Pager) (any, error)) conntest.Call[*opsgenie.Pager] {
		return conntest.Call[*opsgenie.Pager]{Name: name, Kind: kind, Answer: v.answer, Do: do}
	}
	conntest.Run(t, conntest.Subject[*opsgenie.Pager]{New: connect, Calls: []conntest.Call[*opsgenie.Pager]{
		read("alerts", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.Alerts(ctx, paging.Window{}) }, fullPage),
		read("alert", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.Alert(ctx, v.id) }, nil),
		read("alert by alias", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.AlertByAlias(ctx, "disk") }, nil),
		read("notes", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.Notes(ctx, v.id) }, moreNotes),
		read("log", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.Logs(ctx, v.id) }, moreLogs),
		read("schedules", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.Schedules(ctx) }, nil),
		read("on call", func(ctx context.Context, p *opsgenie.Pager) (any, error) { return p.OnCall(ctx, v.schedule) }, nil),
		write("create", conntest.IdempotentWrite, func(ctx context.Context, p *opsgenie.Pager) (any, error) {
			return p.Create(ctx, paging.NewAlert{Alias: "page", Message: "a page"})
		}),
		write("acknowledge", conntest.IdempotentWrite, func(ctx context.Context, p *opsgenie.Pager) (any, error) {
			return nil, p.Acknowledge(ctx, paging.AlertID(v.mock.AddAlert(opsgeniemock.Alert{Message: "m"})))
		}),
		write("close", conntest.IdempotentWrite, func(ctx context.Context, p *opsgenie.Pager) (any, error) {
			return nil, p.Close(ctx, paging.AlertID(v.mock.AddAlert(opsgeniemock.Alert{Message: "m"})))
		}),
		write("note", conntest.Write, func(ctx context.Context, p *opsgenie.Pager) (any, error) { return nil, p.Note(ctx, v.id, "a note") }),
	}})
}

// TestAWriteWhoseStatusIsLostIsUnconfirmed makes the second request of each write fail in every way: the vendor took the
// first, so nobody may say that the write did not happen.
func TestAWriteWhoseStatusIsLostIsUnconfirmed(t *testing.T) {
	v := newVendor(t)
	for _, code := range []int{400, 401, 403, 404, 429, 500, 503} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v2/alerts/requests/") {
				w.WriteHeader(code)
				return
			}
			v.answer(w, r)
		}))
		p, err := opsgenie.New(opsgenie.Options{URL: h.URL, Key: secret.New("k"), Transport: quick(), PollWait: time.Millisecond, StatusWait: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
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
