package oktamock_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

func kinds(events []object) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.EventType)
	}
	return out
}

func TestTheLogTellsEverythingThatHappensOurOwnWritesIncluded(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	send(t, s.Server, "PUT /api/v1/groups/"+s.finance+"/users/"+s.ben, nil)
	if err := s.AddMember(s.admin, s.finance, s.ada); err != nil {
		t.Fatal(err)
	}
	send(t, s.Server, "DELETE /api/v1/users/"+s.ada+"/sessions?oauthTokens=true", nil)
	send(t, s.Server, "POST /api/v1/users/"+s.ben+"/lifecycle/suspend", nil)
	var got []object
	get(t, s.Server, "/api/v1/logs", &got)
	want := []string{"group.user_membership.add", "group.user_membership.add", "user.session.clear", "user.lifecycle.suspend"}
	if diff := cmp.Diff(want, kinds(got)); diff != "" {
		t.Fatal(diff)
	}
	if got[0].Actor.ID != s.TokenOwner() || got[1].Actor.ID != s.admin {
		t.Errorf("actors %s and %s", got[0].Actor.ID, got[1].Actor.ID)
	}
	if got[0].Target[0].Type == got[1].Target[0].Type {
		t.Error("targets always stand in the same order")
	}
}

func TestPollingAlwaysHasANextLinkAndLosesNothing(t *testing.T) {
	c := newClock()
	s := newStory(t, oktamock.Config{Now: c.Now, LogLag: 5 * time.Second})
	path, seen := "/api/v1/logs?since=2026-11-01T00:00:00.000Z&sortOrder=ASCENDING&limit=2", map[string]bool{}
	backwards, last := false, time.Time{}
	for round := range 12 {
		if round < 8 {
			if err := s.AddMember(s.admin, s.finance, s.AddUser(oktamock.User{Login: fmt.Sprintf("p%d@example.com", round)})); err != nil {
				t.Fatal(err)
			}
		}
		c.Move(3 * time.Second)
		var got []object
		resp := get(t, s.Server, path, &got)
		if path = next(resp); path == "" {
			t.Fatalf("no next link after %d events", len(got))
		}
		if u, err := url.Parse(path); err != nil || u.Query().Has("since") {
			t.Errorf("since goes on beside after: %s", path)
		}
		for _, e := range got {
			if seen[e.UUID] {
				t.Errorf("%s twice", e.UUID)
			}
			seen[e.UUID] = true
			backwards = backwards || e.Published.Before(last)
			last = e.Published
		}
	}
	if len(seen) != 8 || !backwards {
		t.Errorf("%d events, published goes backwards: %v", len(seen), backwards)
	}
}

func TestBoundedQueriesAreSortedAndEnd(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	for range 5 {
		if err := s.Suspend(s.admin, s.ada); err != nil {
			t.Fatal(err)
		}
	}
	until := url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	path, all := "/api/v1/logs?limit=2&until="+until, []object{}
	for path != "" {
		var page []object
		path = next(get(t, s.Server, path, &page))
		all = append(all, page...)
	}
	sorted := slices.IsSortedFunc(all, func(a, b object) int { return a.Published.Compare(b.Published) })
	if len(all) != 5 || !sorted {
		t.Errorf("%d events, sorted %v", len(all), sorted)
	}
}

func TestLogFiltersAreReallyEvaluated(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	if err := s.AddMember(s.admin, s.finance, s.ada); err != nil {
		t.Fatal(err)
	}
	if err := s.Suspend(s.admin, s.ben); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]int{
		`eventType eq "group.user_membership.add"`:     1,
		`eventType sw "user." or target.type eq "App"`: 1,
		`target.id eq "` + s.ada + `"`:                 1,
		`not (eventType sw "user.")`:                   1,
		`actor.id eq "` + s.admin + `"`:                2,
	} {
		var got []object
		get(t, s.Server, "/api/v1/logs?filter="+url.QueryEscape(filter), &got)
		if len(got) != want {
			t.Errorf("%s: %v", filter, kinds(got))
		}
	}
	if resp := get(t, s.Server, "/api/v1/logs?since=2020-01-01T00:00:00.000Z", nil); resp.StatusCode != 400 {
		t.Errorf("since beyond 180 days: %d", resp.StatusCode)
	}
}

func TestHooksAreDeliveredWithTheirSecretAndRepeatedOnceOn5xx(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	r := newReceiver(t)
	if err := s.SetHook(r.URL, "hook-secret"); err != nil {
		t.Fatal(err)
	}
	r.status = 503
	if err := s.AddMember(s.admin, s.finance, s.ada); err != nil {
		t.Fatal(err)
	}
	flush(t, s.Server)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.bodies) != 2 || r.auth[0] != "hook-secret" || r.bodies[0] != r.bodies[1] {
		t.Fatalf("%d deliveries, authorization %q", len(r.bodies), r.auth)
	}
	var got struct {
		EventType, EventID, ContentType string
		Data                            struct{ Events []object }
	}
	if err := json.Unmarshal([]byte(r.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.EventType != "com.okta.event_hook" || got.EventID == "" || got.Data.Events[0].UUID != s.Log()[0].UUID {
		t.Errorf("%+v", got)
	}
}

func TestAHookThatDoesNotAnswerTheChallengeIsNotVerified(t *testing.T) {
	s := newStory(t, oktamock.Config{})
	other := newStory(t, oktamock.Config{})
	if err := s.SetHook(other.URL(), "x"); err == nil {
		t.Error("verified")
	}
}
