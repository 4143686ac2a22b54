package people_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

var users = []access.User{
	{ID: "00uada", Login: "ada@example.com", Email: "Ada@Example.com", Profile: map[string]string{"jira": "712020:ada"}},
	{ID: "00ubob", Login: "bob", Email: "bob@example.com"},
	{ID: "00ucat1", Login: "cat@example.com", Email: "cat@example.com"},
	{ID: "00ucat2", Login: "cat-admin", Email: "cat@example.com", Status: access.Deprovisioned},
	{ID: "00udan1", Login: "dan1", Profile: map[string]string{"jira": "712020:dan"}},
	{ID: "00udan2", Login: "dan2", Profile: map[string]string{"jira": "712020:dan"}},
	{ID: "00uempty", Profile: map[string]string{"jira": "", "": "712020:nameless"}},
}

func TestAPersonIsMatchedByTheFirstStrategyThatKnowsThem(t *testing.T) {
	everything := people.Strategy{
		Mapping:   map[ticket.AccountID]access.UserID{"712020:ada": "00ubob", "712020:lost": "00ugone", "712020:blank": ""},
		Attribute: "jira", Email: true,
	}
	for _, c := range []struct {
		name     string
		strategy people.Strategy
		person   ticket.Person
		want     access.UserID
		err      error
	}{
		{"the mapping goes before the attribute", everything, ticket.Person{Account: "712020:ada"}, "00ubob", nil},
		{"the attribute", people.Strategy{Attribute: "jira"}, ticket.Person{Account: "712020:ada"}, "00uada", nil},
		{
			"the attribute goes before the e-mail address", people.Strategy{Attribute: "jira", Email: true},
			ticket.Person{Account: "712020:ada", Email: "bob@example.com"}, "00uada", nil,
		},
		{"the e-mail address in another case", everything, ticket.Person{Account: "712020:x", Email: "BOB@example.COM"}, "00ubob", nil},
		{"the login is an e-mail address too", everything, ticket.Person{Account: "712020:x", Email: "ada@example.com"}, "00uada", nil},
		{"the login, where it is not the e-mail address", everything, ticket.Person{Account: "712020:x", Email: "cat-admin"}, "00ucat2", nil},

		{"nobody", everything, ticket.Person{Account: "712020:x", Email: "nobody@example.com"}, "", people.ErrUnknown},
		{"no account", everything, ticket.Person{Email: "bob@example.com"}, "", people.ErrUnknown},
		{"a hidden e-mail address", everything, ticket.Person{Account: "712020:x"}, "", people.ErrUnknown},
		{"a mapping to a user who is gone", everything, ticket.Person{Account: "712020:lost", Email: "bob@example.com"}, "", people.ErrUnknown},
		{"a mapping to nobody", everything, ticket.Person{Account: "712020:blank", Email: "bob@example.com"}, "", people.ErrUnknown},
		{"the e-mail address when the strategy does not ask for it", people.Strategy{Attribute: "jira"}, ticket.Person{Account: "712020:x", Email: "bob@example.com"}, "", people.ErrUnknown},
		{"the attribute when the strategy does not ask for it", people.Strategy{Email: true}, ticket.Person{Account: "712020:ada"}, "", people.ErrUnknown},
		{"an attribute without a name", people.Strategy{}, ticket.Person{Account: "712020:nameless"}, "", people.ErrUnknown},
		{"no strategy", people.Strategy{}, ticket.Person{Account: "712020:ada", Email: "ada@example.com"}, "", people.ErrUnknown},

		{"two users with one e-mail address, one of them gone", everything, ticket.Person{Account: "712020:x", Email: "cat@example.com"}, "", people.ErrAmbiguous},
		{"two users with one attribute", everything, ticket.Person{Account: "712020:dan", Email: "bob@example.com"}, "", people.ErrAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := people.New(c.strategy, users, nil).Match(c.person)
			if got.ID != c.want || !errors.Is(err, c.err) {
				t.Fatalf("user %q, %v; want %q, %v", got.ID, err, c.want, c.err)
			}
			if err != nil && strings.Contains(err.Error(), "example.com") {
				t.Errorf("the error holds an e-mail address: %v", err)
			}
		})
	}
}

func TestUsersAreFoundByTheirID(t *testing.T) {
	d := people.New(people.Strategy{}, users, nil)
	if u, ok := d.User("00ubob"); !ok || u.Login != "bob" {
		t.Errorf("bob: %v, %t", u.ID, ok)
	}
	if u, ok := d.User("00ugone"); ok || u.ID != "" {
		t.Errorf("a user who is gone: %v", u.ID)
	}
}

func TestOnlyMembersOfAGroupThatWasReadAreMembers(t *testing.T) {
	members := map[access.GroupID][]access.UserID{"00gowners": {"00uada", "00ugone"}, "00gempty": nil}
	d := people.New(people.Strategy{}, users, members)
	for m, want := range map[access.Membership]bool{
		{Group: "00gowners", User: "00uada"}: true, {Group: "00gowners", User: "00ugone"}: true, {Group: "00gowners", User: "00ubob"}: false,
		{Group: "00gempty", User: "00uada"}: false, {Group: "00gunread", User: "00uada"}: false, {}: false,
	} {
		if got := d.Member(m); got != want {
			t.Errorf("%v: %t, want %t", m, got, want)
		}
	}
	members["00gempty"] = append(members["00gempty"], "00ubob")
	members["00gowners"][0] = "00ubob"
	if !d.Member(access.Membership{Group: "00gowners", User: "00uada"}) || d.Member(access.Membership{Group: "00gempty", User: "00ubob"}) {
		t.Error("the directory changed after it was built")
	}
}
