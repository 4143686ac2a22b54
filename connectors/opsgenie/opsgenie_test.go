package opsgenie_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/testdata"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

func isCause(err, cause error) bool { return errors.Is(err, cause) }

// quick returns transport options that wait hardly at all.
func quick() transport.Options {
	return transport.Options{MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond, Retries: 2}
}

// pager returns a mock and an account on it.
func pager(t *testing.T, c opsgeniemock.Config) (*opsgeniemock.Server, *opsgenie.Pager) {
	t.Helper()
	c.Key = vendorKey
	s := opsgeniemock.New(c)
	t.Cleanup(func() {
		s.Close()
		if unknown := s.Unknown(); len(unknown) > 0 {
			t.Errorf("the mock was asked what it does not know: %v", unknown)
		}
	})
	return s, account(t, s.Host(), vendorKey)
}

func account(t *testing.T, address, key string) *opsgenie.Pager {
	t.Helper()
	p, err := opsgenie.New(opsgenie.Options{URL: address, Key: secret.New(key), Transport: quick(), PollWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	return p
}

// canned returns an account on a server that answers everything with text.
func canned(t *testing.T, text string) *opsgenie.Pager {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(h.Close)
	return account(t, h.URL, "k")
}

func TestTheContextEndsACallThoughTheSDKDropsIt(t *testing.T) {
	block := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-block:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(h.Close)
	t.Cleanup(func() { close(block) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := account(t, h.URL, "k").Alerts(ctx, paging.Window{})
	if !isCause(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestTheKeyIsNeverSentInClearTextBeyondLoopback(t *testing.T) {
	for _, address := range []string{"http://api.opsgenie.com", "proxy.internal", "http://proxy.internal", "http://10.0.0.1:8080", "https://proxy.internal",
		"https://api.opsgenie.com.example.com", "api.opsgenie.com/../x", "https://user:pw@api.opsgenie.com", "ftp://api.opsgenie.com", "", "https://api.opsgenie.com/v2?x=1",
		"http://localhost.example.com", "127.0.0.1.example.com", "api.opsgenie.com:8443"} {
		p, err := opsgenie.New(opsgenie.Options{URL: address, Key: secret.New("k")})
		if !isCause(err, access.ErrInvalid) || p != nil {
			t.Errorf("%q is accepted: %v", address, err)
		}
	}
	for _, address := range []string{"api.opsgenie.com", "api.eu.opsgenie.com", "https://api.eu.opsgenie.com/", "API.opsgenie.com", "api.sandbox.opsgenie.com",
		"127.0.0.1:8080", "http://127.0.0.1:8080", "localhost:80", "http://[::1]:8080"} {
		if _, err := opsgenie.New(opsgenie.Options{URL: address, Key: secret.New("k")}); err != nil {
			t.Errorf("%q is refused: %v", address, err)
		}
	}
}

func TestEveryProblemOfTheOptionsIsReportedAtOnce(t *testing.T) {
	_, err := opsgenie.New(opsgenie.Options{URL: "ftp://x"})
	if err == nil || !strings.Contains(err.Error(), "API key") || !strings.Contains(err.Error(), "URL") {
		t.Errorf("error %v", err)
	}
}

func TestOnlyOurOwnKeyIsSent(t *testing.T) {
	seen := make(chan http.Header, 1)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		fmt.Fprint(w, `{"data":[]}`)
	}))
	t.Cleanup(h.Close)
	if _, err := account(t, h.URL, "our-key").Schedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	header := <-seen
	if got := header.Values("Authorization"); !slices.Equal(got, []string{"GenieKey our-key"}) {
		t.Errorf("Authorization %q", got)
	}
	if got := header.Get("User-Agent"); !strings.HasPrefix(got, "sopd/") {
		t.Errorf("User-Agent %q", got)
	}
}

func TestIdentifiersThatWouldLeaveThePathAreRefusedBeforeTheyAreSent(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	s.Fail(opsgeniemock.Fault{Times: -1, Status: 599})
	for name, do := range map[string]func() error{
		"alert":       func() error { _, err := p.Alert(t.Context(), "a/../requests/x"); return err },
		"alias":       func() error { _, err := p.AlertByAlias(t.Context(), "team/alert"); return err },
		"create":      func() error { _, err := p.Create(t.Context(), paging.NewAlert{Alias: "a/b", Message: "m"}); return err },
		"no alias":    func() error { _, err := p.Create(t.Context(), paging.NewAlert{Message: "m"}); return err },
		"notes":       func() error { _, err := p.Notes(t.Context(), "a?b"); return err },
		"log":         func() error { _, err := p.Logs(t.Context(), "a?b"); return err },
		"note":        func() error { return p.Note(t.Context(), "", "n") },
		"empty note":  func() error { return p.Note(t.Context(), "a", "") },
		"acknowledge": func() error { return p.Acknowledge(t.Context(), "a#b") },
		"close":       func() error { return p.Close(t.Context(), "a%2Fb") },
		"on call":     func() error { _, err := p.OnCall(t.Context(), "a/b"); return err },
		"window": func() error {
			_, err := p.Alerts(t.Context(), paging.Window{From: time.Unix(2, 0), To: time.Unix(1, 0)})
			return err
		},
		"21 tags": func() error {
			_, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m", Tags: make([]string, 21)})
			return err
		},
		"empty tag": func() error {
			_, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m", Tags: []string{""}})
			return err
		},
	} {
		if err := do(); !isCause(err, access.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOneEmptyTimeDoesNotHideThePage(t *testing.T) {
	p := canned(t, `{"data":[{"id":"a","status":"open","createdAt":"","updatedAt":null},{"id":"b","status":"closed","createdAt":"2026-11-02T09:00:00Z","snoozedUntil":""}]}`)
	all, err := p.Alerts(t.Context(), paging.Window{})
	if err != nil || len(all) != 2 || !all[0].Created.IsZero() || all[1].Created.IsZero() {
		t.Errorf("alerts %+v, %v", all, err)
	}
}

func TestAnAnswerWithoutItsDataIsMalformedAndNotEmpty(t *testing.T) {
	for _, text := range []string{`{}`, `{"data":null}`, `{"data":{}}`, `{"data":[{}]}`, `[]`, `null`, `"x"`, `{"data":[{"id":"a"}]}`} {
		p := canned(t, text)
		all, err := p.Alerts(t.Context(), paging.Window{})
		if !isCause(err, access.ErrMalformed) || all != nil {
			t.Errorf("%s as alerts: %v, %v", text, all, err)
		}
		if a, err := p.Alert(t.Context(), "a"); !isCause(err, access.ErrMalformed) || a.ID != "" {
			t.Errorf("%s as alert: %v, %v", text, a, err)
		}
		if on, err := p.OnCall(t.Context(), "a"); !isCause(err, access.ErrMalformed) || on.Schedule != "" {
			t.Errorf("%s as on-call: %v, %v", text, on, err)
		}
	}
	for _, text := range []string{`{}`, `{"data":null}`, `[]`, `{"data":{}}`} {
		p := canned(t, text)
		if all, err := p.Schedules(t.Context()); !isCause(err, access.ErrMalformed) || all != nil {
			t.Errorf("%s as schedules: %v, %v", text, all, err)
		}
		if all, err := p.Notes(t.Context(), "a"); !isCause(err, access.ErrMalformed) || all != nil {
			t.Errorf("%s as notes: %v, %v", text, all, err)
		}
	}
}

func TestOnCallNamesThePeopleSorted(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	id := paging.ScheduleID(s.AddSchedule(opsgeniemock.Schedule{Name: "SecOps", OnCall: []string{"bob@example.com", "ada@example.com"}}))
	got, err := p.OnCall(t.Context(), id)
	want := paging.OnCall{Schedule: "SecOps", People: []string{"ada@example.com", "bob@example.com"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("on call: %v\n%s", err, diff)
	}
	owned := paging.ScheduleID(s.AddSchedule(opsgeniemock.Schedule{Name: "Nights", Team: "Operations", Disabled: true}))
	all, err := p.Schedules(t.Context())
	if diff := cmp.Diff([]paging.Schedule{{ID: owned, Name: "Nights", Team: "Operations"}, {ID: id, Name: "SecOps", Enabled: true}}, all); diff != "" || err != nil {
		t.Errorf("schedules: %v\n%s", err, diff)
	}
	if _, err := p.OnCall(t.Context(), "none"); !isCause(err, access.ErrNotFound) {
		t.Errorf("no schedule: %v", err)
	}
}

func TestCheckNamesEachMissingRight(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	s.AddKey("reader", opsgeniemock.Read)
	s.AddKey("none")
	for key, want := range map[string][]string{vendorKey: nil, "reader": {"list schedules", "write to alerts"}, "none": {"list alerts", "list schedules", "write to alerts"},
		"wrong": {"sign in", "sign in"}} {
		q := account(t, s.Host(), key)
		var got []string
		for _, problem := range append(q.Check(t.Context()), q.CheckWrites(t.Context())...) {
			got = append(got, problem.What)
			if problem.Fix == "" || problem.Err == nil {
				t.Errorf("problem %+v says too little", problem)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("key %q: %v, want %v", key, got, want)
		}
	}
	if problems := p.Check(t.Context()); problems != nil || len(s.Alerts()) != 0 {
		t.Errorf("problems %v, alerts %v", problems, s.Alerts())
	}
	s.Fail(opsgeniemock.Fault{Times: -1, Status: 503})
	if problems := p.Check(t.Context()); len(problems) != 2 || !isCause(problems[0].Err, access.ErrUnavailable) {
		t.Errorf("problems %v of a vendor that is down", problems)
	}
}

func TestNothingIsWrittenToStandardErrorOrTheLogThatTellsASecret(t *testing.T) {
	var log bytes.Buffer
	o := quick()
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	old := os.Stderr
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = file
	defer func() { os.Stderr = old }()
	s, _ := pager(t, opsgeniemock.Config{})
	p, err := opsgenie.New(opsgenie.Options{URL: s.Host(), Key: secret.New("wrong-key"), Transport: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	if _, err := p.AlertByAlias(t.Context(), "private-alias"); !isCause(err, access.ErrUnauthenticated) {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file.Name())
	if err != nil || len(written) > 0 {
		t.Errorf("standard error: %s, %v", written, err)
	}
	for _, inside := range []string{"wrong-key", "private-alias", "127.0.0.1"} {
		if strings.Contains(log.String(), inside) {
			t.Errorf("the log shows %q: %s", inside, log.String())
		}
	}
	if log.Len() == 0 {
		t.Error("no log at all")
	}
}

func TestAccountsAreMadeAndUsedAtOnce(t *testing.T) {
	s, _ := pager(t, opsgeniemock.Config{PendingPolls: -1})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p, err := opsgenie.New(opsgenie.Options{URL: s.Host(), Key: secret.New(vendorKey), Transport: quick(), PollWait: time.Millisecond})
			if err != nil {
				t.Error(err)
				return
			}
			defer p.CloseIdle()
			if _, err := p.Create(t.Context(), paging.NewAlert{Alias: paging.Alias(fmt.Sprintf("a%d", i)), Message: "m"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(s.Alerts()); got != 8 {
		t.Errorf("%d alerts", got)
	}
}

func TestRecordedAnswersAreUnderstood(t *testing.T) {
	read := func(name string) *opsgenie.Pager {
		file, err := os.Open(testdata.Shared(t, "vendor-data/fixtures/stackstorm-opsgenie/tests/fixtures/"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		text, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		return canned(t, string(text))
	}
	a, err := read("get_alert").Alert(t.Context(), "70413a06-38d6-4c85-92b8-5ebc900d42e2")
	if err != nil || a.AckAfter != 15702*time.Millisecond || a.CloseAfter != 60503*time.Millisecond || a.Priority != 5 || a.Open || a.Details["region"] != "Oregon" {
		t.Errorf("alert %+v, %v", a, err)
	}
	on, err := read("schedule_whoIsOnCall").OnCall(t.Context(), "d875alp4-9b4e-4219-alp3-0c26936d18de")
	if err != nil || on.Schedule != "ScheduleName" {
		t.Errorf("on call %+v, %v", on, err)
	}
}
