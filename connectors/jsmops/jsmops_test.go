package jsmops_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/jsmops"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

func isCause(err, cause error) bool { return errors.Is(err, cause) }

// options returns those for a server on loopback, waiting hardly at all.
func options(address string) jsmops.Options {
	return jsmops.Options{URL: address, CloudID: jsmopsmock.CloudID, Key: secret.New(vendorKey), User: vendorUser, Token: secret.New(vendorToken),
		PollWait: time.Millisecond, Transport: transport.Options{MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond, Retries: 2}}
}

func build(t *testing.T, o jsmops.Options) *jsmops.Pager {
	t.Helper()
	p, err := jsmops.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	return p
}

// pager returns a mock and its site.
func pager(t *testing.T, c jsmopsmock.Config) (*jsmopsmock.Server, *jsmops.Pager) {
	t.Helper()
	c.Key, c.User, c.Token = vendorKey, vendorUser, vendorToken
	s := jsmopsmock.New(c)
	t.Cleanup(func() {
		s.Close()
		if unknown := s.Unknown(); len(unknown) > 0 {
			t.Errorf("the mock was asked what it does not know: %v", unknown)
		}
	})
	return s, build(t, options(s.URL()))
}

// canned returns the site of a server that answers everything with text.
func canned(t *testing.T, text string) *jsmops.Pager {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(h.Close)
	return build(t, options(h.URL))
}

func posts(r *http.Request) bool { return r.Method == http.MethodPost }

func TestAPageIsMadeFollowedAndClosed(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{PendingPolls: 2})
	ctx := t.Context()
	id, err := p.Create(ctx, paging.NewAlert{Alias: "sopd:chg-1", Message: "A promise is about to break", Description: "Ticket SEC-1", Priority: 2,
		Tags: []string{"sopd"}, Details: map[string]string{"change": "CHG-1"}, Teams: []string{"SecOps"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.AlertByAlias(ctx, "sopd:chg-1")
	want := paging.Alert{ID: id, TinyID: "1", Alias: "sopd:chg-1", Message: "A promise is about to break", Description: "Ticket SEC-1", Priority: 2, Open: true,
		Tags: []string{"sopd"}, Source: "sopd", Created: got.Created, Updated: got.Updated, Details: map[string]string{"change": "CHG-1"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("alert (-want +got): %v\n%s", err, diff)
	}
	for _, do := range []func() error{
		func() error { return p.Note(ctx, id, "CHG-1: told the owner") },
		func() error { return p.Acknowledge(ctx, id) },
		func() error { return p.Close(ctx, id) },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
	}
	notes, err := p.Notes(ctx, id)
	if err != nil || len(notes) != 1 || notes[0].Text != "CHG-1: told the owner" || notes[0].Author != "sopd" || notes[0].Created.IsZero() {
		t.Errorf("notes %+v, %v", notes, err)
	}
	closed, err := p.Alert(ctx, id)
	if err != nil || closed.Open || !closed.Acknowledged || closed.AckAfter <= 0 || closed.CloseAfter <= 0 {
		t.Errorf("closed %+v, %v", closed, err)
	}
	if team := s.Alerts()[0].Responders; len(team) != 1 || team[0].Name != "SecOps" || team[0].Type != "team" {
		t.Errorf("responders %+v", team)
	}
}

// TestAnAlertOfAnyStatusOfFiveIsReadRightly: Opsgenie has two. An acknowledged or snoozed alert that reads as closed would
// stop the clocks of a running incident.
func TestAnAlertOfAnyStatusOfFiveIsReadRightly(t *testing.T) {
	for status, want := range map[string]paging.Alert{"open": {Open: true}, "acked": {Open: true, Acknowledged: true}, "snoozed": {Open: true}, "resolved": {}, "closed": {}} {
		a, err := canned(t, `{"id":"a","status":"`+status+`"}`).Alert(t.Context(), "a")
		if err != nil || a.Open != want.Open || a.Acknowledged != want.Acknowledged {
			t.Errorf("%s: %+v, %v", status, a, err)
		}
	}
	if _, err := canned(t, `{"id":"a","status":"new"}`).Alert(t.Context(), "a"); !isCause(err, access.ErrMalformed) {
		t.Errorf("a sixth status: %v", err)
	}
}

func TestTimesOfAckAndCloseAreMomentsNotDurations(t *testing.T) {
	a, err := canned(t, `{"id":"a","status":"closed","createdAt":"2026-11-02T09:00:00Z","ackTime":"2026-11-02T09:05:00Z","closeTime":"2026-11-02T10:00:00Z","priority":"P1"}`).Alert(t.Context(), "a")
	if err != nil || a.AckAfter != 5*time.Minute || a.CloseAfter != time.Hour || a.Priority != 1 {
		t.Errorf("alert %+v, %v", a, err)
	}
}

func TestAPageRepeatedByAliasIsOnePage(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	page := paging.NewAlert{Alias: "a", Message: "m"}
	first, err := p.Create(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Create(t.Context(), page)
	if err != nil || again != first || len(s.Alerts()) != 1 {
		t.Errorf("again %s, %v, %d alerts; want %s once", again, err, len(s.Alerts()), first)
	}
}

func TestALostAnswerToAPageIsRepeatedAndMakesOneAlert(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.Fail(jsmopsmock.Fault{Match: posts, Applied: true})
	if _, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"}); err != nil || len(s.Alerts()) != 1 {
		t.Errorf("%v, %d alerts", err, len(s.Alerts()))
	}
}

func TestALostAnswerToANoteIsUnconfirmedAndTheNoteIsNotDoubled(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	id := paging.AlertID(s.AddAlert(jsmopsmock.Alert{Message: "m"}))
	for _, f := range []jsmopsmock.Fault{{Match: posts, Applied: true}, {Match: posts, Applied: true, Status: 500}} {
		before := len(s.Alerts()[0].Notes)
		s.Fail(f)
		if err := p.Note(t.Context(), id, "n"); !isCause(err, access.ErrUnconfirmed) {
			t.Errorf("error %v", err)
		}
		if got := len(s.Alerts()[0].Notes) - before; got != 1 {
			t.Errorf("%d notes", got)
		}
	}
}

func TestAnInBandFailureAfterA202IsACause(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	closed := paging.AlertID(s.AddAlert(jsmopsmock.Alert{Message: "m", CloseAfter: time.Hour}))
	acked := paging.AlertID(s.AddAlert(jsmopsmock.Alert{Message: "m", AckAfter: time.Minute}))
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"note on no alert":              {func() error { return p.Note(t.Context(), "none", "n") }, access.ErrNotFound},
		"acknowledging no alert":        {func() error { return p.Acknowledge(t.Context(), "none") }, access.ErrNotFound},
		"closing no alert":              {func() error { return p.Close(t.Context(), "none") }, access.ErrNotFound},
		"acknowledging a closed one":    {func() error { return p.Acknowledge(t.Context(), closed) }, access.ErrConflict},
		"closing a closed one":          {func() error { return p.Close(t.Context(), closed) }, nil},
		"acknowledging an acknowledged": {func() error { return p.Acknowledge(t.Context(), acked) }, nil},
	} {
		if err := c.do(); !isCause(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// scripted returns the site of a server that takes every write and answers each status with text.
func scripted(t *testing.T, accepted, status string) (*jsmops.Pager, *atomic.Value) {
	t.Helper()
	asked := &atomic.Value{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "of-the-header")
		if posts(r) {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, accepted)
			return
		}
		asked.Store(r.URL.Path)
		if status == "" {
			<-r.Context().Done()
		}
		fmt.Fprint(w, status)
	}))
	t.Cleanup(h.Close)
	o := options(h.URL)
	o.StatusWait = 30 * time.Millisecond
	return build(t, o), asked
}

func TestAPageThatTheVendorAcceptsAndDropsIsAConflict(t *testing.T) {
	p, asked := scripted(t, `{"result":"Request will be processed","requestId":"r-1"}`, `{"data":{"success":false,"isSuccess":false,"status":"dropped by policy"}}`)
	id, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"})
	if !isCause(err, access.ErrConflict) || id != "" || strings.Contains(err.Error(), "policy") {
		t.Errorf("%q, %v", id, err)
	}
	if asked.Load() != "/jsm/ops/integration/v2/alerts/requests/r-1" {
		t.Errorf("asked %v", asked.Load())
	}
}

func TestAStatusWithoutAnOutcomeIsUnconfirmed(t *testing.T) {
	for _, status := range []string{`{}`, `{"data":{}}`, `{"isSuccess":true}`, `{"data":{"isSuccess":true}}`, ""} {
		p, _ := scripted(t, `{"requestId":"r-1"}`, status)
		id, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"})
		if !isCause(err, access.ErrUnconfirmed) || id != "" || isCause(err, context.DeadlineExceeded) {
			t.Errorf("%s: %q, %v; our own patience is not the caller's deadline", status, id, err)
		}
	}
}

func TestARequestIDThatLeavesThePathIsRefused(t *testing.T) {
	p, asked := scripted(t, `{"requestId":"../../v2/users"}`, `{}`)
	if err := p.Note(t.Context(), "a-1", "n"); !isCause(err, access.ErrUnconfirmed) || asked.Load() != nil {
		t.Errorf("error %v, asked %v", err, asked.Load())
	}
}

func TestAWriteIsWaitedForUntilItIsProcessed(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.Hold()
	queued := make(chan struct{}, 100)
	s.Fail(jsmopsmock.Fault{Times: -1, Status: http.StatusNotFound, Body: `{}`, Match: func(r *http.Request) bool {
		if !posts(r) {
			queued <- struct{}{}
		}
		return false
	}})
	done := make(chan error, 1)
	go func() {
		_, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"})
		done <- err
	}()
	for range 3 { // asked again and again while the write is queued
		<-queued
	}
	select {
	case err := <-done:
		t.Fatalf("came back before the alert existed: %v", err)
	default:
	}
	s.Release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAWriteThatIsNeverProcessedIsUnconfirmed(t *testing.T) {
	s, _ := pager(t, jsmopsmock.Config{})
	o := options(s.URL())
	o.StatusWait = 30 * time.Millisecond
	s.Hold()
	if _, err := build(t, o).Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"}); !isCause(err, access.ErrUnconfirmed) || isCause(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestIdentifiersThatWouldLeaveThePathAreRefusedBeforeTheyAreSent(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	s.Fail(jsmopsmock.Fault{Times: -1, Status: 599})
	create := func(a paging.NewAlert) func() error {
		return func() error { _, err := p.Create(t.Context(), a); return err }
	}
	for name, do := range map[string]func() error{
		"alert":       func() error { _, err := p.Alert(t.Context(), "a/../requests/x"); return err },
		"alias":       func() error { _, err := p.AlertByAlias(t.Context(), "team/alert"); return err },
		"notes":       func() error { _, err := p.Notes(t.Context(), "a?b"); return err },
		"log":         func() error { _, err := p.Logs(t.Context(), "a?b"); return err },
		"note":        func() error { return p.Note(t.Context(), "", "n") },
		"empty note":  func() error { return p.Note(t.Context(), "a", "") },
		"long note":   func() error { return p.Note(t.Context(), "a", strings.Repeat("n", 25_001)) },
		"acknowledge": func() error { return p.Acknowledge(t.Context(), "a#b") },
		"close":       func() error { return p.Close(t.Context(), "a%2Fb") },
		"on call":     func() error { _, err := p.OnCall(t.Context(), "a/b"); return err },
		"window": func() error {
			_, err := p.Alerts(t.Context(), paging.Window{From: time.Unix(2, 0), To: time.Unix(1, 0)})
			return err
		},
		"create":    create(paging.NewAlert{Alias: "a/b", Message: "m"}),
		"no alias":  create(paging.NewAlert{Message: "m"}),
		"no text":   create(paging.NewAlert{Alias: "a"}),
		"21 tags":   create(paging.NewAlert{Alias: "a", Message: "m", Tags: make([]string, 21)}),
		"empty tag": create(paging.NewAlert{Alias: "a", Message: "m", Tags: []string{""}}),
		"51 teams":  create(paging.NewAlert{Alias: "a", Message: "m", Teams: make([]string, 51)}),
	} {
		if err := do(); !isCause(err, access.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongTextsAreCutToWhatTheVendorTakes(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	if _, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: strings.Repeat("é", 131), Description: strings.Repeat("é", 15_001)}); err != nil {
		t.Fatal(err)
	}
	a := s.Alerts()[0]
	if got := len([]rune(a.Message)); got != 130 || !strings.HasSuffix(a.Message, "é…") {
		t.Errorf("message of %d characters", got)
	}
	if got := len([]rune(a.Description)); got != 15_000 {
		t.Errorf("description of %d characters", got)
	}
}

func TestAnAnswerWithoutItsDataIsMalformedAndNotEmpty(t *testing.T) {
	for _, text := range []string{`{}`, `{"values":null}`, `{"values":{}}`, `{"values":[{}]}`, `[]`, `null`, `"x"`, `{"values":[]} {}`, `{"data":[]}`} {
		p := canned(t, text)
		for name, do := range map[string]func() error{
			"alerts":    func() error { _, err := p.Alerts(t.Context(), paging.Window{}); return err },
			"alert":     func() error { _, err := p.Alert(t.Context(), "a"); return err },
			"schedules": func() error { _, err := p.Schedules(t.Context()); return err },
			"on call":   func() error { _, err := p.OnCall(t.Context(), "a"); return err },
		} {
			if err := do(); !isCause(err, access.ErrMalformed) {
				t.Errorf("%s: %s: %v", text, name, err)
			}
		}
	}
}

func TestOneEmptyTimeDoesNotHideThePage(t *testing.T) {
	p := canned(t, `{"values":[{"id":"a","status":"open","createdAt":"","updatedAt":null,"closeTime":5},{"id":"b","status":"closed","createdAt":"2026-11-02T09:00:00Z","ackTime":""}]}`)
	all, err := p.Alerts(t.Context(), paging.Window{})
	if err != nil || len(all) != 2 || !all[0].Created.IsZero() || all[1].Created.IsZero() {
		t.Errorf("alerts %+v, %v", all, err)
	}
}

func TestOnCallNamesThePeopleSortedAndOnce(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	id := paging.ScheduleID(s.AddSchedule(jsmopsmock.Schedule{Name: "SecOps", OnCall: []string{"p-2", "p-1", "p-2"}}))
	off := paging.ScheduleID(s.AddSchedule(jsmopsmock.Schedule{Name: "Old", Disabled: true, OnCall: []string{"p-1"}}))
	on, err := p.OnCall(t.Context(), id)
	if diff := cmp.Diff(paging.OnCall{Schedule: "SecOps", People: []string{"p-1", "p-2"}}, on); diff != "" || err != nil {
		t.Errorf("on call: %v\n%s", err, diff)
	}
	if on, err := p.OnCall(t.Context(), off); err != nil || len(on.People) != 0 {
		t.Errorf("disabled: %v, %v", on, err)
	}
	if _, err := p.OnCall(t.Context(), "none"); !isCause(err, access.ErrNotFound) {
		t.Errorf("no schedule: %v", err)
	}
}

// TestOnCallThatIsNotFlattenedIsFlattenedHereOrRefused: the vendor's example of a schedule with a team and an escalation.
func TestOnCallThatIsNotFlattenedIsFlattenedHereOrRefused(t *testing.T) {
	user := `{"id":"u-1","type":"user"}`
	for text, want := range map[string][]string{
		user: {"u-1"},
		user + `,{"id":"e","type":"escalation","onCallParticipants":[{"id":"u-0","type":"user","forwardedFrom":{"id":"u-9","type":"user"}}]}`: {"u-0", "u-1"},
		``:                          {},
		`{"id":"t","type":"team"}`:  nil,
		`{"type":"user"}`:           nil,
		`{"id":"n","type":"noone"}`: nil,
		user + `,{"id":"e","type":"team","onCallParticipants":[{"type":"user"}]}`: nil,
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/on-calls") {
				fmt.Fprintf(w, `{"onCallParticipants":[%s]}`, text)
				return
			}
			fmt.Fprint(w, `{"id":"s","name":"SecOps","enabled":true}`)
		}))
		on, err := build(t, options(h.URL)).OnCall(t.Context(), "s")
		if want == nil && !isCause(err, access.ErrMalformed) || want != nil && (err != nil || !slices.Equal(on.People, want)) {
			t.Errorf("%s: %v, %v; want %v", text, on, err, want)
		}
		h.Close()
	}
}

func TestAConflictIsNotedNeitherAsDoneNorLost(t *testing.T) {
	p, _ := scripted(t, `{"requestId":"r-1"}`, `{"data":{"isSuccess":false},"id":"a-1","status":"open"}`)
	for what, do := range map[string]func() error{
		"note":        func() error { return p.Note(t.Context(), "a-1", "n") },
		"acknowledge": func() error { return p.Acknowledge(t.Context(), "a-1") },
		"close":       func() error { return p.Close(t.Context(), "a-1") },
	} {
		if err := do(); !isCause(err, access.ErrConflict) || isCause(err, access.ErrUnconfirmed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
