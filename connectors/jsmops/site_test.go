package jsmops_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

func TestCredentialsAreSentToTheVendorOverTLSOnly(t *testing.T) {
	for _, bad := range []jsmops.Options{{URL: "http://api.atlassian.com"}, {URL: "https://api.atlassian.com.example.com"}, {URL: "https://proxy.internal"},
		{URL: "https://api.opsgenie.com"}, {URL: "https://user:pw@api.atlassian.com"}, {URL: "https://api.atlassian.com/jsm"}, {URL: "api.atlassian.com:8443"},
		{URL: "http://10.0.0.1"}, {URL: "http://localhost.example.com"}, {CloudID: "../x"}, {CloudID: "11223344"}, {Site: "http://acme.atlassian.net"},
		{Site: "https://acme.example.com"}, {Site: "acme"}, {Site: "https://a.b.atlassian.net"}, {Site: ".atlassian.net"}, {Site: "https://atlassian.net"},
		{Site: "acme.atlassian.net", CloudID: jsmopsmock.CloudID}, {User: "a:b@example.com"}} {
		o := options(bad.URL)
		if bad.CloudID+bad.Site != "" {
			o.CloudID, o.Site = bad.CloudID, bad.Site
		}
		if bad.User != "" {
			o.User = bad.User
		}
		if p, err := jsmops.New(o); !isCause(err, access.ErrInvalid) || p != nil {
			t.Errorf("%q %q %q %q is accepted: %v", bad.URL, bad.CloudID, bad.Site, bad.User, err)
		}
	}
	for _, address := range []string{"", "api.atlassian.com", "https://API.atlassian.com/", "http://127.0.0.1:8080", "http://localhost:80", "http://[::1]:8080"} {
		if _, err := jsmops.New(options(address)); err != nil {
			t.Errorf("%q is refused: %v", address, err)
		}
	}
	o := options("")
	o.CloudID, o.Site = "", "Acme.atlassian.net"
	if _, err := jsmops.New(o); err != nil {
		t.Errorf("a site by its bare name is refused: %v", err)
	}
}

func TestEveryProblemOfTheOptionsIsReportedAtOnce(t *testing.T) {
	_, err := jsmops.New(jsmops.Options{URL: "ftp://x"})
	for _, want := range []string{"URL", "cloud ID and site", "integration key", "user", "API token"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// TestEachCredentialIsSentToItsOwnAPIAndNoneToTheSite: the key cannot read and the token is a person's; neither may be
// seen where it is not needed.
func TestEachCredentialIsSentToItsOwnAPIAndNoneToTheSite(t *testing.T) {
	var mu sync.Mutex
	seen := map[string][]string{}
	v := newVendor(t)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		mu.Lock()
		seen[strings.Join(strings.SplitN(r.URL.Path, "/", 6)[:4], "/")] = append(r.Header.Values("Cookie"), kind)
		mu.Unlock()
		v.answer(w, r)
	}))
	t.Cleanup(h.Close)
	o := options(h.URL)
	o.CloudID, o.Site = "", h.URL
	p := build(t, o)
	if _, err := p.Alert(t.Context(), v.id); err != nil {
		t.Fatal(err)
	}
	if err := p.Note(t.Context(), v.id, "n"); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"/_edge/tenant_info": {""}, "/jsm/ops/api": {"Basic"}, "/jsm/ops/integration": {"GenieKey"}}
	delete(seen, "")
	got := map[string][]string{}
	for path, kinds := range seen {
		got[strings.TrimSuffix(path, "/")] = kinds
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
}

func TestTheCloudIDIsAskedForOnceAndAgainAfterAFailure(t *testing.T) {
	s, _ := pager(t, jsmopsmock.Config{})
	id := paging.AlertID(s.AddAlert(jsmopsmock.Alert{Message: "m"}))
	var n atomic.Int64
	s.Fail(jsmopsmock.Fault{Status: http.StatusForbidden, Body: `{}`, Match: func(r *http.Request) bool {
		if r.URL.Path == "/_edge/tenant_info" {
			return n.Add(1) == 1
		}
		return false
	}})
	s.Fail(jsmopsmock.Fault{Times: -1, Match: func(r *http.Request) bool { return r.URL.Path == "/_edge/tenant_info" && n.Add(1) < 0 }})
	o := options(s.URL())
	o.CloudID, o.Site = "", s.URL()
	p := build(t, o)
	if _, err := p.Alert(t.Context(), id); !isCause(err, access.ErrDenied) {
		t.Errorf("first: %v", err)
	}
	for range 3 {
		if _, err := p.Alert(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if n.Load() != 2 {
		t.Errorf("asked %d times", n.Load())
	}
}

func TestACloudIDThatIsNoneIsMalformed(t *testing.T) {
	for _, text := range []string{`{}`, `{"cloudId":""}`, `{"cloudId":"../../x"}`, `[]`} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
		o := options(h.URL)
		o.CloudID, o.Site = "", h.URL
		if _, err := build(t, o).Alert(t.Context(), "a"); !isCause(err, access.ErrMalformed) {
			t.Errorf("%s: %v", text, err)
		}
		h.Close()
	}
}

// TestAListWithoutTeamVisibilityIsNotAnEmptyList: the vendor answers 200 with nothing.
func TestAListWithoutTeamVisibilityIsNotAnEmptyList(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.AddUser(jsmopsmock.User{Email: vendorUser, Token: vendorToken, Blind: true})
	s.AddAlert(jsmopsmock.Alert{Message: "m", Alias: "a"})
	s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps"})
	if all, err := p.Alerts(t.Context(), paging.Window{}); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("alerts %v, %v", all, err)
	}
	if all, err := p.Schedules(t.Context()); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("schedules %v, %v", all, err)
	}
	if _, err := p.AlertByAlias(t.Context(), "a"); !isCause(err, access.ErrDenied) {
		t.Errorf("alert: %v", err)
	}
}

func TestAWindowWithoutAlertsIsEmptyWhenOthersAreSeen(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.AddAlert(jsmopsmock.Alert{Message: "m", Created: begin()})
	if all, err := p.Alerts(t.Context(), paging.Window{From: begin().Add(time.Hour)}); err != nil || all == nil || len(all) != 0 {
		t.Errorf("alerts %v, %v", all, err)
	}
}

func TestAMissingScopeIsDeniedThoughTheVendorAnswers401(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.AddUser(jsmopsmock.User{Email: vendorUser, Token: vendorToken, Scopes: []jsmopsmock.Scope{jsmopsmock.ReadAlerts}})
	if _, err := p.Schedules(t.Context()); !isCause(err, access.ErrDenied) || isCause(err, access.ErrUnauthenticated) {
		t.Errorf("schedules: %v", err)
	}
	s.AddUser(jsmopsmock.User{Email: vendorUser, Token: "another"})
	if _, err := p.Schedules(t.Context()); !isCause(err, access.ErrUnauthenticated) {
		t.Errorf("wrong token: %v", err)
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	check := func(p *jsmops.Pager) (what []string) {
		for _, one := range p.Check(t.Context()) {
			what = append(what, one.What)
			if one.Fix == "" || one.Err == nil {
				t.Errorf("%+v", one)
			}
		}
		return what
	}
	want := func(p *jsmops.Pager, names ...string) {
		t.Helper()
		if got := check(p); !slices.Equal(got, names) {
			t.Errorf("problems %q, want %q", got, names)
		}
	}
	want(p, "list alerts", "list schedules") // a site without any looks like one that we do not see
	s.AddAlert(jsmopsmock.Alert{Message: "m"})
	s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps"})
	want(p)
	if problems := p.CheckWrites(t.Context()); len(problems) > 0 || len(s.Alerts()) != 1 {
		t.Errorf("writes: %v", problems)
	}
	o := options(s.URL())
	o.Key = secret.New("wrong")
	want(build(t, o), "sign in to write")
	if problems := build(t, o).CheckWrites(t.Context()); len(problems) != 1 {
		t.Errorf("writes with a wrong key: %v", problems)
	}
	s.AddUser(jsmopsmock.User{Email: vendorUser, Token: vendorToken, Scopes: []jsmopsmock.Scope{jsmopsmock.ReadAlerts}})
	want(p, "list schedules")
	s.AddUser(jsmopsmock.User{Email: vendorUser, Token: "another"})
	want(p, "sign in to read")
	o = options(s.URL())
	o.CloudID, o.Site = "", "http://127.0.0.1:1"
	want(build(t, o), "find the site")
}

func TestNothingInTheLogTellsASecretOrAName(t *testing.T) {
	var log bytes.Buffer
	s, _ := pager(t, jsmopsmock.Config{})
	o := options(s.URL())
	o.Token = secret.New("wrong-token")
	o.Transport.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, err := build(t, o).AlertByAlias(t.Context(), "private-alias"); !isCause(err, access.ErrUnauthenticated) {
		t.Fatal(err)
	}
	for _, inside := range []string{"wrong-token", "private-alias", "127.0.0.1", vendorUser} {
		if strings.Contains(log.String(), inside) {
			t.Errorf("the log shows %q: %s", inside, log.String())
		}
	}
	if log.Len() == 0 {
		t.Error("no log at all")
	}
}

func TestCheckOfAVendorThatIsDownSaysSo(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.Fail(jsmopsmock.Fault{Times: -1, Status: http.StatusServiceUnavailable})
	problems := p.Check(t.Context())
	if len(problems) != 3 || !strings.Contains(problems[0].Fix, "status page") || !isCause(problems[0].Err, access.ErrUnavailable) {
		t.Errorf("problems %v", problems)
	}
}

func TestTheRateLimitIsThrottlingWithATime(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{RequestsPerMinute: 1})
	s.AddAlert(jsmopsmock.Alert{Message: "m", Alias: "a"})
	if _, err := p.AlertByAlias(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	_, err := p.AlertByAlias(t.Context(), "a")
	if until, named := access.RetryAfter(err); !isCause(err, access.ErrThrottled) || !named || until.IsZero() {
		t.Errorf("error %v, until %v", err, until)
	}
	if budget := p.Budget(); !budget.Known || budget.Remaining != 0 {
		t.Errorf("budget %+v", budget)
	}
}
