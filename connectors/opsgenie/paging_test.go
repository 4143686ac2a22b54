package opsgenie_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

func begin() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }

func TestAWindowIsHalfOpen(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	for i := range 5 {
		s.AddAlert(opsgeniemock.Alert{Message: "m", Created: begin().Add(time.Duration(i) * time.Second)})
	}
	for _, c := range []struct {
		window paging.Window
		want   int
	}{
		{paging.Window{}, 5},
		{paging.Window{From: begin().Add(time.Second)}, 4},
		{paging.Window{To: begin().Add(time.Second)}, 1},
		{paging.Window{From: begin().Add(time.Second), To: begin().Add(3 * time.Second)}, 2},
		{paging.Window{From: begin().Add(time.Second + time.Nanosecond)}, 3},
		{paging.Window{To: begin().Add(time.Second + time.Nanosecond)}, 2},
		{paging.Window{From: begin(), To: begin()}, 0},
	} {
		if all, err := p.Alerts(t.Context(), c.window); err != nil || len(all) != c.want {
			t.Errorf("%v: %d alerts, %v; want %d", c.window, len(all), err, c.want)
		}
	}
}

func TestAlertsAreListedByTheirLastChange(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	for i := range 250 {
		s.AddAlert(opsgeniemock.Alert{Message: "m", Created: begin(), Updated: begin().Add(time.Duration(i) * time.Second)})
	}
	for _, c := range []struct {
		window paging.Window
		want   int
	}{
		{paging.Window{By: paging.Updated, From: begin().Add(10 * time.Second)}, 240},
		{paging.Window{By: paging.Updated, From: begin().Add(10 * time.Second), To: begin().Add(20 * time.Second)}, 10},
		{paging.Window{From: begin().Add(time.Second)}, 0},
	} {
		if all, err := p.Alerts(t.Context(), c.window); err != nil || len(all) != c.want {
			t.Errorf("%v: %d alerts, %v; want %d", c.window, len(all), err, c.want)
		}
	}
}

func TestAListIsCompleteAtEveryLength(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 198, 199, 200, 250} {
		s, p := pager(t, opsgeniemock.Config{})
		for i := range n {
			s.AddAlert(opsgeniemock.Alert{Message: "m", Created: begin().Add(time.Duration(i/3) * time.Millisecond)})
		}
		all, err := p.Alerts(t.Context(), paging.Window{})
		if err != nil || len(all) != n {
			t.Errorf("%d alerts of %d, %v", len(all), n, err)
		}
	}
}

func TestAListBeyondTheVendorsReachOf20000IsComplete(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	const n = 20_500
	for i := range n {
		s.AddAlert(opsgeniemock.Alert{Message: "m", Created: begin().Add(time.Duration(i) * time.Millisecond)})
	}
	all, err := p.Alerts(t.Context(), paging.Window{})
	if err != nil || len(all) != n {
		t.Errorf("%d alerts of %d, %v", len(all), n, err)
	}
}

func TestMoreAlertsInOneMillisecondThanTheReachAreIncomplete(t *testing.T) {
	// A server of its own: every page is full, and all of it of one millisecond.
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offset, err := strconv.Atoi("0" + r.URL.Query().Get("offset"))
		if err != nil {
			t.Error(err)
		}
		var page []string
		for i := range 100 {
			page = append(page, fmt.Sprintf(`{"id":"a%d","status":"open","createdAt":"2026-11-02T09:00:00Z"}`, offset+i))
		}
		fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(page, ","))
	}))
	t.Cleanup(h.Close)
	if all, err := account(t, h.URL, "k").Alerts(t.Context(), paging.Window{}); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("%d alerts, %v", len(all), err)
	}
}

func TestAListThatMovesWhileItIsReadLosesNothing(t *testing.T) {
	s, _ := pager(t, opsgeniemock.Config{PendingPolls: -1})
	var gone []string
	for i := range 250 {
		id := s.AddAlert(opsgeniemock.Alert{Message: "m", Created: begin().Add(time.Duration(i) * time.Second)})
		if i < 5 {
			gone = append(gone, id)
		}
	}
	mock, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(mock)
	var reads atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reads.Add(1) == 2 {
			// Between the first page and the second, more goes than the pages overlap.
			for _, id := range gone {
				remove(t, s, id)
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	all, err := account(t, h.URL, vendorKey).Alerts(t.Context(), paging.Window{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, a := range all {
		seen[string(a.ID)] = true
	}
	for _, a := range s.Alerts() {
		if !seen[a.ID] {
			t.Errorf("the alert of %v is lost", a.Created)
		}
	}
}

// remove deletes an alert through the API.
func remove(t *testing.T, s *opsgeniemock.Server, id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL()+"/v2/alerts/"+id, nil)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "GenieKey "+vendorKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	resp.Body.Close()
}

func TestAShortPageThatAnnouncesAnotherIsNotTheLast(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("offset") {
		case "":
			fmt.Fprint(w, `{"data":[{"id":"a","status":"open","createdAt":"2026-11-02T09:00:00Z"},{"id":"b","status":"open","createdAt":"2026-11-02T09:00:01Z"}],"paging":{"next":"x"}}`)
		case "1":
			fmt.Fprint(w, `{"data":[{"id":"b","status":"open","createdAt":"2026-11-02T09:00:01Z"},{"id":"c","status":"open","createdAt":"2026-11-02T09:00:02Z"}]}`)
		default:
			t.Errorf("offset %s", r.URL.Query().Get("offset"))
		}
	}))
	t.Cleanup(h.Close)
	if all, err := account(t, h.URL, "k").Alerts(t.Context(), paging.Window{}); err != nil || len(all) != 3 {
		t.Errorf("%d alerts, %v; want 3", len(all), err)
	}
}

func TestAnEmptyPageThatAnnouncesAnotherIsIncomplete(t *testing.T) {
	if all, err := canned(t, `{"data":[],"paging":{"next":"x"}}`).Alerts(t.Context(), paging.Window{}); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("%v, %v", all, err)
	}
}

func TestNotesBeyondOnePageAreComplete(t *testing.T) {
	s, p := pager(t, opsgeniemock.Config{})
	id := s.AddAlert(opsgeniemock.Alert{Message: "m"})
	for i := range 230 {
		s.AddNote(id, "ada@example.com", fmt.Sprint(i))
	}
	notes, err := p.Notes(t.Context(), "none")
	if !isCause(err, access.ErrNotFound) || notes != nil {
		t.Errorf("notes of no alert: %v, %v", notes, err)
	}
	notes, err = p.Notes(t.Context(), alertID(id))
	if err != nil || len(notes) != 230 || notes[0].Text != "0" || notes[229].Text != "229" {
		t.Errorf("%d notes, %v", len(notes), err)
	}
}

func TestALinkToTheNextNotesWithoutOffsetIsIncomplete(t *testing.T) {
	if notes, err := canned(t, `{"data":[],"paging":{"next":"https://api.opsgenie.com/"}}`).Notes(t.Context(), "a"); !isCause(err, access.ErrIncomplete) || notes != nil {
		t.Errorf("%v, %v", notes, err)
	}
}

func alertID(s string) paging.AlertID { return paging.AlertID(s) }
