package opsgenie_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/connectors/opsgenie"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

func TestAPageIsMadeFollowedAndClosed(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{PendingPolls: 2})
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
	for what, do := range map[string]func() error{
		"note":        func() error { return p.Note(ctx, id, "CHG-1: told the owner") },
		"acknowledge": func() error { return p.Acknowledge(ctx, id) },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := p.Close(ctx, id); err != nil {
		t.Error(err)
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

func TestAPageRepeatedByAliasIsOnePage(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
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
	s, p := pager(t, opsgeniemock.Config{})
	s.Fail(opsgeniemock.Fault{Match: posts, Applied: true})
	if _, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"}); err != nil || len(s.Alerts()) != 1 {
		t.Errorf("%v, %d alerts", err, len(s.Alerts()))
	}
}

func posts(r *http.Request) bool { return r.Method == http.MethodPost }

func TestALostAnswerToANoteIsUnconfirmedAndTheNoteIsNotDoubled(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	id := paging.AlertID(s.AddAlert(opsgeniemock.Alert{Message: "m"}))
	for _, f := range []opsgeniemock.Fault{{Match: posts, Applied: true}, {Match: posts, Applied: true, Status: 500}} {
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
	s, p := pager(t, opsgeniemock.Config{})
	closed := paging.AlertID(s.AddAlert(opsgeniemock.Alert{Message: "m", CloseAfter: time.Hour}))
	acked := paging.AlertID(s.AddAlert(opsgeniemock.Alert{Message: "m", AckAfter: time.Minute}))
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

func TestAPageThatTheVendorAcceptsAndDropsIsAConflict(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posts(r) {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"result":"Request will be processed","requestId":"r-1"}`)
			return
		}
		fmt.Fprint(w, `{"data":{"success":false,"isSuccess":false,"status":"dropped by policy"},"requestId":"r-2"}`)
	}))
	t.Cleanup(h.Close)
	id, err := account(t, h.URL, "k").Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"})
	if !isCause(err, access.ErrConflict) || id != "" || strings.Contains(err.Error(), "policy") {
		t.Errorf("%q, %v", id, err)
	}
}

func TestAWriteThatIsNeverProcessedIsUnconfirmed(t *testing.T) {
	s, _ := pager(t, opsgeniemock.Config{})
	p, err := opsgenie.New(opsgenie.Options{URL: s.Host(), Key: secret.New(vendorKey), Transport: quick(), PollWait: time.Millisecond, StatusWait: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	s.Hold()
	_, err = p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"})
	if !isCause(err, access.ErrUnconfirmed) || isCause(err, context.DeadlineExceeded) {
		t.Errorf("error %v; our own patience is not the caller's deadline", err)
	}
}

func TestAWriteIsWaitedForUntilItIsProcessed(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	s.Hold()
	done := make(chan error, 1)
	go func() {
		_, err := p.Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"})
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("came back before the alert existed: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	s.Release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTheRequestIDOfTheBodyIsAskedForNotThatOfTheHeader(t *testing.T) {
	var asked atomic.Value
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "of-the-header")
		if posts(r) {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"result":"Request will be processed","requestId":"of-the-body"}`)
			return
		}
		asked.Store(r.URL.Path)
		fmt.Fprint(w, `{"data":{"isSuccess":true,"alertId":"a-1"},"requestId":"x"}`)
	}))
	t.Cleanup(h.Close)
	if _, err := account(t, h.URL, "k").Create(t.Context(), paging.NewAlert{Alias: "a", Message: "m"}); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != "/v2/alerts/requests/of-the-body" {
		t.Errorf("asked %v", asked.Load())
	}
}

func TestARequestIDThatLeavesThePathIsRefused(t *testing.T) {
	var n atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		fmt.Fprint(w, `{"result":"Request will be processed","requestId":"../../v2/users"}`)
	}))
	t.Cleanup(h.Close)
	if err := account(t, h.URL, "k").Note(t.Context(), "a-1", "n"); !isCause(err, access.ErrUnconfirmed) || n.Load() != 1 {
		t.Errorf("error %v after %d requests", err, n.Load())
	}
}

func TestOurOwnPatienceWithAStatusIsNotTheCallersDeadline(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posts(r) {
			fmt.Fprint(w, `{"result":"Request will be processed","requestId":"r-1"}`)
			return
		}
		<-r.Context().Done()
	}))
	t.Cleanup(h.Close)
	p, err := opsgenie.New(opsgenie.Options{URL: h.URL, Key: secret.New("k"), Transport: quick(), StatusWait: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.CloseIdle)
	if err := p.Note(t.Context(), "a-1", "n"); !isCause(err, access.ErrUnconfirmed) || isCause(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestLongTextsAreCutToWhatTheVendorTakes(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
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
