package okta_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

func TestRolesOfGroupsAndUsersAreRead(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	if err := errors.Join(
		o.GrantGroupRole(string(o.finance), "USER_ADMIN"), o.GrantGroupRole(string(o.finance), "SUPER_ADMIN"),
		o.GrantRole(string(o.admin), string(o.ada), "ORG_ADMIN"),
	); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		read func(context.Context) ([]string, error)
		want []string
	}{
		{"a group that gives two", func(ctx context.Context) ([]string, error) { return d.GroupRoles(ctx, o.finance) }, []string{"SUPER_ADMIN", "USER_ADMIN"}},
		{"a group that gives none", func(ctx context.Context) ([]string, error) { return d.GroupRoles(ctx, o.engineering) }, []string{}},
		{"a user with one", func(ctx context.Context) ([]string, error) { return d.UserRoles(ctx, o.ada) }, []string{"ORG_ADMIN"}},
		{"a user without", func(ctx context.Context) ([]string, error) { return d.UserRoles(ctx, o.ben) }, []string{}},
	} {
		got, err := c.read(t.Context())
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
}

func TestTokensAreThoseOfTheUser(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	o.AddAPIToken(oktamock.APIToken{Name: "nightly export", UserID: string(o.ada)})
	o.AddAPIToken(oktamock.APIToken{Name: "a script", UserID: string(o.ada)})
	o.AddAPIToken(oktamock.APIToken{Name: "another's", UserID: string(o.ben)})
	got, err := o.directory(t).APITokens(t.Context(), o.ada)
	if diff := cmp.Diff([]string{"a script", "nightly export"}, got); diff != "" || err != nil {
		t.Errorf("tokens: %v\n%s", err, diff)
	}
}

func TestWhoMayNotReadRolesIsToldSo(t *testing.T) {
	for _, endpoint := range []string{"GET /api/v1/groups/{groupId}/roles", "GET /api/v1/users/{id}/roles", "GET /api/v1/api-tokens"} {
		o := newOrg(t, oktamock.Config{})
		o.Fail(oktamock.Fault{Endpoint: endpoint, Answer: oktamock.AnswerRefused, Times: -1})
		d := o.directory(t)
		refused := 0
		for _, read := range []func() ([]string, error){
			func() ([]string, error) { return d.GroupRoles(t.Context(), o.finance) },
			func() ([]string, error) { return d.UserRoles(t.Context(), o.ada) },
			func() ([]string, error) { return d.APITokens(t.Context(), o.ada) },
		} {
			if got, err := read(); errors.Is(err, access.ErrDenied) && got == nil {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%s: %d reads were refused, want 1", endpoint, refused)
		}
	}
}

func TestWhatIsNoIDReachesNoAddressOfRoles(t *testing.T) {
	d := newOrg(t, oktamock.Config{}).directory(t)
	for _, id := range []string{"", "me", "../users", "a/b"} {
		_, one := d.UserRoles(t.Context(), access.UserID(id))
		_, two := d.APITokens(t.Context(), access.UserID(id))
		_, three := d.GroupRoles(t.Context(), access.GroupID("rules/"+id))
		for _, err := range []error{one, two, three} {
			if !errors.Is(err, access.ErrInvalid) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
}

func TestDeactivatingTwiceIsDeactivatingOnce(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	for range 2 {
		if err := d.Deactivate(t.Context(), o.ada); err != nil {
			t.Fatal(err)
		}
	}
	if u, _ := o.User(string(o.ada)); u.Status != "DEPROVISIONED" {
		t.Errorf("status %s", u.Status)
	}
	o.Fail(oktamock.Fault{Endpoint: "POST /api/v1/users/{id}/lifecycle/{deed}", Answer: oktamock.AnswerReset, Applied: true})
	if err := d.Deactivate(t.Context(), o.ben); !errors.Is(err, access.ErrUnconfirmed) {
		t.Errorf("answer lost: %v", err)
	}
	if err := d.Deactivate(t.Context(), "me"); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("ourselves: %v", err)
	}
}
