package okta_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

func whats(problems []access.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.What)
	}
	slices.Sort(out)
	return out
}

func TestCheckFindsNothingWhenAllIsWell(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	opts := o.options()
	opts.CanaryUser, opts.CanaryGroup = o.ben, o.finance
	if got := open(t, opts).Check(t.Context(), o.finance); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestCheckNamesEachGroupThatCannotBeManaged(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	got := o.directory(t).Check(t.Context(), o.finance, o.imported, o.engineering, "00gnothing")
	want := []string{"manage group " + string(o.engineering), "manage group " + string(o.imported), "manage group 00gnothing"}
	slices.Sort(want)
	if diff := cmp.Diff(want, whats(got)); diff != "" {
		t.Error(diff)
	}
	for _, p := range got {
		if p.Fix == "" || p.Err == nil {
			t.Errorf("%+v", p)
		}
	}
}

func TestCheckNamesEachMissingScope(t *testing.T) {
	key := newKey(t)
	o := newAppOrg(t, key, oktamock.Config{}, "okta.groups.manage", "okta.logs.read")
	got := whats(open(t, o.appOptions(pkcs1(key))).Check(t.Context()))
	if diff := cmp.Diff([]string{"scope okta.groups.manage", "scope okta.logs.read", "sign in"}, got); diff != "" {
		t.Error(diff)
	}
	opts := o.appOptions(pkcs1(key))
	opts.Scopes = []string{"okta.groups.read", "okta.users.read", "okta.roles.read", "okta.users.manage"}
	got = whats(open(t, opts).Check(t.Context()))
	if diff := cmp.Diff([]string{"read the System Log", "scope okta.groups.manage", "scope okta.logs.read"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckSeesThroughEmptyAnswersWithoutARole(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	o.DropRoles()
	got := d.Check(t.Context(), o.finance)
	for _, want := range []string{"admin role of the token's owner", "list users", "list groups", "manage group " + string(o.finance)} {
		if !slices.Contains(whats(got), want) {
			t.Errorf("%q is not named in %v", want, whats(got))
		}
	}
}

func TestCheckSeesATokenThatCannotWrite(t *testing.T) {
	o := newOrg(t, oktamock.Config{TokenOwner: oktamock.User{Login: "viewer@example.com", Roles: []string{"READ_ONLY_ADMIN"}}})
	if diff := cmp.Diff([]string{"change memberships"}, whats(o.directory(t).Check(t.Context(), o.finance))); diff != "" {
		t.Error(diff)
	}
}

func TestCheckSaysOnceThatTheCredentialIsWrong(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	opts := o.options()
	opts.Token = secret.New("wrong")
	got := open(t, opts).Check(t.Context(), o.finance)
	if len(got) != 1 || got[0].What != "sign in" || !errors.Is(got[0].Err, access.ErrUnauthenticated) {
		t.Errorf("%+v", got)
	}
}
