package okta_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

func TestAUserIsReadByIDWithEveryTextAttribute(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	got, err := o.directory(t).User(t.Context(), o.ada)
	if err != nil {
		t.Fatal(err)
	}
	want := access.User{ID: o.ada, Login: "ada@example.com", Email: "ada@example.com", Name: "Ada Abel", Status: access.Active,
		Profile: map[string]string{"login": "ada@example.com", "email": "ada@example.com", "firstName": "Ada", "lastName": "Abel", "department": "Engineering"}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(access.User{}, "StatusChanged", "Updated", "Original")); diff != "" || got.Updated.IsZero() {
		t.Error(diff)
	}
}

func TestALoginIsLookedUpWholeAndInAnyCase(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	if got, err := d.UserByLogin(t.Context(), "Ada@Example.com"); err != nil || got.ID != o.ada {
		t.Errorf("%v, %v", got.ID, err)
	}
	// The ID of a user finds the user too, under another login.
	if _, err := d.UserByLogin(t.Context(), string(o.ada)); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("an ID as login: %v", err)
	}
	for _, login := range []string{"", "me", "ME", "..", ".", "a/b@example.com", "../groups"} {
		if _, err := d.UserByLogin(t.Context(), login); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("login %q: %v", login, err)
		}
	}
}

func TestListsOfUsersHoldDeactivatedOnes(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	if err := o.Deactivate(string(o.admin), string(o.ben)); err != nil {
		t.Fatal(err)
	}
	d := o.directory(t)
	all, errAll := d.AllUsers(t.Context())
	changed, errChanged := d.UsersChanged(t.Context(), time.Now().Add(-time.Hour))
	gone, errGone := d.AllUsers(t.Context(), access.Deprovisioned)
	if err := errors.Join(errAll, errChanged, errGone); err != nil {
		t.Fatal(err)
	}
	if len(all) != 5 || len(changed) != 5 {
		t.Errorf("all %v, changed %v", userIDs(all), userIDs(changed))
	}
	if diff := cmp.Diff([]access.UserID{o.ben}, userIDs(gone)); diff != "" {
		t.Error(diff)
	}
}

func TestAChangeWithinTheSecondOfTheCursorIsNotMissed(t *testing.T) {
	c := newClock()
	o := newOrg(t, oktamock.Config{Now: c.Now})
	c.Move(time.Hour + 200*time.Millisecond)
	since := c.Now()
	c.Move(300 * time.Millisecond)
	if err := o.AddMember(string(o.admin), string(o.finance), string(o.ada)); err != nil {
		t.Fatal(err)
	}
	if err := o.Suspend(string(o.admin), string(o.ben)); err != nil {
		t.Fatal(err)
	}
	d := o.directory(t)
	groups, errGroups := d.GroupsChanged(t.Context(), since)
	users, errUsers := d.UsersChanged(t.Context(), since)
	if err := errors.Join(errGroups, errUsers); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]access.GroupID{o.finance}, groupIDs(groups)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]access.UserID{o.ben}, userIDs(users)); diff != "" {
		t.Error(diff)
	}
}

func TestMembersAreCompleteOverManyPagesAndSorted(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	big := o.AddGroup(oktamock.Group{Name: "app-big"})
	want := []access.UserID{}
	for i := range 450 {
		id := o.AddUser(oktamock.User{Login: string(rune('a'+i%26)) + time.Unix(int64(i), 0).UTC().Format("150405") + "@example.com"})
		o.Place(big, id)
		want = append(want, access.UserID(id))
	}
	got, err := o.directory(t).Members(t.Context(), access.GroupID(big))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, userIDs(got)); diff != "" {
		t.Error(diff)
	}
	if n := o.Count("GET /api/v1/groups/{groupId}/users"); n != 3 {
		t.Errorf("%d requests for 450 members, want 3", n)
	}
}

func TestDeactivatedMembersAreMembersUntilRemoved(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	if err := o.Deactivate(string(o.admin), string(o.ben)); err != nil {
		t.Fatal(err)
	}
	d := o.directory(t)
	got, err := d.Members(t.Context(), o.finance)
	if err != nil || len(got) != 2 || got[0].Status != access.Deprovisioned {
		t.Fatalf("%v, %v", userIDs(got), err)
	}
	if err := d.Remove(t.Context(), access.Membership{Group: o.finance, User: o.ben}); err != nil {
		t.Error(err)
	}
}

func TestGroupsOfAUserAndRulesAreRead(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	groups, err := d.UserGroups(t.Context(), o.ada)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]access.GroupID{access.GroupID(o.Everyone()), o.engineering}, groupIDs(groups)); diff != "" {
		t.Error(diff)
	}
	rules, err := d.Rules(t.Context())
	if err != nil || len(rules) != 1 || !rules[0].Active || len(rules[0].Groups) != 1 || rules[0].Groups[0] != o.engineering {
		t.Errorf("rules %+v, %v", rules, err)
	}
}

func TestSelfIsWhoTheSystemLogNames(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	self, err := d.Self(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(t.Context(), access.Membership{Group: o.finance, User: o.ada}); err != nil {
		t.Fatal(err)
	}
	events, _, err := d.Events(t.Context(), "", time.Now().Add(-time.Hour))
	if err != nil || len(events) != 1 || events[0].Actor != self {
		t.Errorf("self %+v, events %+v, %v", self, events, err)
	}
	roles, err := d.Roles(t.Context(), access.UserID(self.ID))
	if err != nil || len(roles) != 1 || roles[0] != "SUPER_ADMIN" {
		t.Errorf("roles %v, %v", roles, err)
	}
}

func TestTheLogIsReadByCursorAndAnEmptyPageEndsTheRound(t *testing.T) {
	c := newClock()
	o := newOrg(t, oktamock.Config{Now: c.Now, LogLag: 10 * time.Second})
	d := o.directory(t)
	cursor, seen := access.Cursor(""), map[access.EventID]bool{}
	round := func() (n int) {
		for {
			events, next, err := d.Events(t.Context(), cursor, c.Now().Add(-time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			cursor = next
			for _, e := range events {
				if seen[e.ID] {
					t.Errorf("%s twice", e.ID)
				}
				seen[e.ID] = true
				n++
			}
			if len(events) == 0 {
				return n
			}
		}
	}
	if n := round(); n != 0 || cursor == "" {
		t.Fatalf("%d events, cursor %q at the start", n, cursor)
	}
	for range 7 {
		if err := o.AddMember(string(o.admin), string(o.finance), string(o.ada)); err != nil {
			t.Fatal(err)
		}
		if err := o.RemoveMember(string(o.admin), string(o.finance), string(o.ada)); err != nil {
			t.Fatal(err)
		}
		c.Move(8 * time.Second)
		round()
	}
	c.Move(time.Minute)
	round()
	if len(seen) != 14 {
		t.Errorf("%d events, want 14", len(seen))
	}
}

func TestTargetsOfEventsAreToldApartByTypeNotByPlace(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	for _, u := range []access.UserID{o.ada, o.admin} {
		if err := o.AddMember(string(o.admin), string(o.finance), string(u)); err != nil {
			t.Fatal(err)
		}
	}
	events, _, err := o.directory(t).Events(t.Context(), "", time.Now().Add(-time.Hour))
	if err != nil || len(events) != 2 {
		t.Fatalf("%+v, %v", events, err)
	}
	for i, want := range []access.UserID{o.ada, o.admin} {
		e := events[i]
		if len(e.Users) != 1 || e.Users[0] != want || len(e.Groups) != 1 || e.Groups[0] != o.finance || !e.Succeeded {
			t.Errorf("event %d: %+v", i, e)
		}
	}
}

func TestALogCursorIsNeverSentTogetherWithSince(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	_, cursor, err := d.Events(t.Context(), "", time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Events(t.Context(), cursor, time.Now()); err != nil {
		t.Fatal(err)
	}
	calls := o.Calls()
	if q := calls[len(calls)-1].Query; q.Has("since") || q.Has("until") || q.Get("after") != string(cursor) || q.Get("sortOrder") != "ASCENDING" {
		t.Errorf("query %v", q)
	}
}

func TestALogPageWithoutAWayOnIsIncomplete(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	o.Fail(oktamock.Fault{Endpoint: "GET /api/v1/logs", Answer: oktamock.AnswerMissingPage})
	if _, _, err := o.directory(t).Events(t.Context(), "", time.Now()); !errors.Is(err, access.ErrIncomplete) {
		t.Errorf("%v, want %v", err, access.ErrIncomplete)
	}
}

func TestAnUnknownLogCursorIsInvalid(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	if _, _, err := o.directory(t).Events(t.Context(), "nonsense", time.Now()); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestNothingButIdentifiersReachesThePaths(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	before := len(o.Calls())
	for _, bad := range []string{"", "me", "../groups", "00u/roles", "00u?x=1", "00u%2f", "ada@example.com", "00u\n"} {
		u, g := access.UserID(bad), access.GroupID(bad)
		if bad == "me" {
			g = "rules"
		}
		for name, err := range map[string]error{
			"User": second(d.User(t.Context(), u)), "UserGroups": second(d.UserGroups(t.Context(), u)), "Roles": second(d.Roles(t.Context(), u)),
			"Group": second(d.Group(t.Context(), g)), "Members": second(d.Members(t.Context(), g)),
			"Add user":       d.Add(t.Context(), access.Membership{Group: o.finance, User: u}),
			"Remove group":   d.Remove(t.Context(), access.Membership{Group: g, User: o.ada}),
			"ClearSessions":  d.ClearSessions(t.Context(), u),
			"Suspend":        d.Suspend(t.Context(), u),
			"canary options": second(okta.New(okta.Options{URL: o.URL(), Token: o.options().Token, CanaryUser: u, CanaryGroup: "00g1/"})),
		} {
			if !errors.Is(err, access.ErrInvalid) {
				t.Errorf("%s with %q: %v", name, bad, err)
			}
		}
	}
	if n := len(o.Calls()) - before; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func second[T any](_ T, err error) error { return err }
