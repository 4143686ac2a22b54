package jsmops_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/mocks/jsmopsmock"
)

func begin() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }

func TestAWindowIsHalfOpen(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	for i := range 5 {
		s.AddAlert(jsmopsmock.Alert{Message: "m", Created: begin().Add(time.Duration(i) * time.Second)})
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
	s, p := pager(t, jsmopsmock.Config{})
	for i := range 250 {
		s.AddAlert(jsmopsmock.Alert{Message: "m", Created: begin(), Updated: begin().Add(time.Duration(i) * time.Second)})
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
	for _, n := range []int{1, 99, 100, 101, 198, 199, 200, 250} {
		s, p := pager(t, jsmopsmock.Config{})
		for i := range n {
			s.AddAlert(jsmopsmock.Alert{Message: "m", Created: begin().Add(time.Duration(i/3) * time.Millisecond)})
			s.AddSchedule(jsmopsmock.Schedule{Name: fmt.Sprint(i)})
		}
		if all, err := p.Alerts(t.Context(), paging.Window{}); err != nil || len(all) != n {
			t.Errorf("%d alerts of %d, %v", len(all), n, err)
		}
		if all, err := p.Schedules(t.Context()); err != nil || len(all) != n {
			t.Errorf("%d schedules of %d, %v", len(all), n, err)
		}
	}
}

func TestAListBeyondTheVendorsReachOf20000IsComplete(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	const n = 20_500
	for i := range n {
		s.AddAlert(jsmopsmock.Alert{Message: "m", Created: begin().Add(time.Duration(i) * time.Millisecond)})
	}
	all, err := p.Alerts(t.Context(), paging.Window{})
	if err != nil || len(all) != n {
		t.Errorf("%d alerts of %d, %v", len(all), n, err)
	}
}

func TestMoreAlertsInOneMillisecondThanTheReachAreIncomplete(t *testing.T) {
	// A server of its own: every page is full, and all of it of one millisecond.
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offset := number(r.URL.Query().Get("offset"))
		var page []string
		for i := range 100 {
			page = append(page, fmt.Sprintf(`{"id":"a%d","status":"open","createdAt":"2026-11-02T09:00:00Z"}`, offset+i))
		}
		fmt.Fprintf(w, `{"values":[%s]}`, strings.Join(page, ","))
	}))
	t.Cleanup(h.Close)
	if all, err := build(t, options(h.URL)).Alerts(t.Context(), paging.Window{}); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("%d alerts, %v", len(all), err)
	}
}

// TestAListThatMovesWhileItIsReadLosesNothing: an alert of the first page disappears before the second is read.
func TestAListThatMovesWhileItIsReadLosesNothing(t *testing.T) {
	ids := make([]string, 0, 250)
	for i := range 250 {
		ids = append(ids, fmt.Sprintf("a%03d", i))
	}
	pages := 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pages++; pages == 2 {
			ids = ids[1:]
		}
		fmt.Fprint(w, movedPage(ids, r))
	}))
	t.Cleanup(h.Close)
	all, err := build(t, options(h.URL)).Alerts(t.Context(), paging.Window{})
	if err != nil || len(all) != 250 {
		t.Errorf("%d alerts of 250, %v", len(all), err)
	}
}

// number reads what the connector sends; 0 for nothing.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// movedPage answers a list of alerts, one a second, from createdAt on.
func movedPage(ids []string, r *http.Request) string {
	offset, from := number(r.URL.Query().Get("offset")), number(strings.TrimPrefix(r.URL.Query().Get("query"), "createdAt >= "))
	var matching []string
	for _, id := range ids {
		if at := begin().Add(time.Duration(number(id[1:])) * time.Second); at.UnixMilli() >= int64(from) {
			matching = append(matching, fmt.Sprintf(`{"id":%q,"status":"open","createdAt":%q}`, id, at.Format(time.RFC3339)))
		}
	}
	start := min(offset, len(matching))
	return `{"values":[` + strings.Join(matching[start:min(start+100, len(matching))], ",") + `]}`
}

func TestAShortPageThatAnnouncesAnotherIsNotTheLast(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("offset") == "0" {
			fmt.Fprint(w, `{"values":[{"id":"a","status":"open"},{"id":"b","status":"open"}],"links":{"next":"/v1/alerts?offset=2"}}`)
			return
		}
		fmt.Fprint(w, `{"values":[{"id":"b","status":"open"},{"id":"c","status":"open"}]}`)
	}))
	t.Cleanup(h.Close)
	if all, err := build(t, options(h.URL)).Alerts(t.Context(), paging.Window{}); err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAnEmptyPageThatAnnouncesAnotherIsIncomplete(t *testing.T) {
	p := canned(t, `{"values":[],"links":{"next":"/v1/alerts?offset=100"}}`)
	if all, err := p.Alerts(t.Context(), paging.Window{}); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("alerts %v, %v", all, err)
	}
	if all, err := p.Schedules(t.Context()); !isCause(err, access.ErrIncomplete) || all != nil {
		t.Errorf("schedules %v, %v", all, err)
	}
}

func TestNotesBeyondOnePageAreCompleteAndOldestFirst(t *testing.T) {
	s, p := pager(t, jsmopsmock.Config{})
	id := s.AddAlert(jsmopsmock.Alert{Message: "m"})
	for i := range 250 {
		s.AddNote(id, "ada@example.com", fmt.Sprint(i))
	}
	notes, err := p.Notes(t.Context(), paging.AlertID(id))
	if err != nil || len(notes) != 250 || notes[0].Text != "0" || notes[249].Text != "249" {
		t.Errorf("%d notes, %v", len(notes), err)
	}
}

func TestNotesThatTheVendorGivesNewestFirstAreTurned(t *testing.T) {
	p := canned(t, `{"values":[{"note":"new","createdAt":"2026-11-02T10:00:00Z"},{"note":"old","createdAt":"2026-11-02T09:00:00Z"}]}`)
	if notes, err := p.Notes(t.Context(), "a"); err != nil || len(notes) != 2 || notes[0].Text != "old" {
		t.Errorf("notes %+v, %v", notes, err)
	}
}

func TestALinkToTheNextNotesWithoutACursorIsIncomplete(t *testing.T) {
	p := canned(t, `{"values":[{"note":"n"}],"links":{"next":"/v1/alerts/a/notes?offset=20"}}`)
	if notes, err := p.Notes(t.Context(), "a"); !isCause(err, access.ErrIncomplete) || notes != nil {
		t.Errorf("notes %+v, %v", notes, err)
	}
}
