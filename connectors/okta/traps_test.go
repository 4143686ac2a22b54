package okta_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

const (
	listUsers   = "GET /api/v1/users"
	listMembers = "GET /api/v1/groups/{groupId}/users"
	putMember   = "PUT /api/v1/groups/{groupId}/users/{userId}"
)

func TestTheSDKsCacheNeverAnswers(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	for _, want := range []int{2, 3} {
		got, err := d.Members(t.Context(), o.finance)
		if err != nil || len(got) != want {
			t.Errorf("%d members, %v; want %d", len(got), err, want)
		}
		o.Place(string(o.finance), string(o.ada))
	}
}

func TestConfigurationOfTheSDKIsReadFromNowhereElse(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer elsewhere.Close()
	for name, value := range map[string]string{
		"OKTA_CLIENT_ORGURL": elsewhere.URL, "OKTA_CLIENT_TOKEN": "from-environment", "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey",
		"OKTA_CLIENT_CLIENTID": "x", "OKTA_CLIENT_PRIVATEKEY": "x", "OKTA_CLIENT_SCOPES": "okta.users.read", "OKTA_CLIENT_CACHE_ENABLED": "true",
		"OKTA_CLIENT_RATE_LIMIT_MAX_RETRIES": "9", "OKTA_CLIENT_RATE_LIMIT_MAX_BACKOFF": "60", "OKTA_CLIENT_REQUEST_TIMEOUT": "1",
		"OKTA_CLIENT_PROXY_HOST": "127.0.0.1", "OKTA_CLIENT_PROXY_PORT": "1", "OKTA_TESTING_DISABLE_HTTPS_CHECK": "false",
	} {
		t.Setenv(name, value)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Chdir(home)
	file := "okta:\n  client:\n    orgUrl: " + elsewhere.URL + "\n    token: from-file\n    cache:\n      enabled: true\n"
	for _, path := range []string{filepath.Join(home, ".okta", "okta.yaml"), filepath.Join(home, ".okta.yaml")} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(file), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.directory(t).User(t.Context(), o.ada); err != nil {
		t.Error(err)
	}
	if _, err := okta.New(okta.Options{}); err == nil {
		t.Error("empty options were filled from elsewhere")
	}
}

func TestA429IsRepeatedByTheTransportAlone(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	o.Fail(oktamock.Fault{Endpoint: listUsers, Answer: oktamock.AnswerThrottled, Times: -1})
	_, err := o.directory(t).AllUsers(t.Context())
	if n := o.Count(listUsers); n != 3 || !errors.Is(err, access.ErrThrottled) {
		t.Errorf("%d requests, %v; want 3 and %v", n, err, access.ErrThrottled)
	}
	if until, ok := access.RetryAfter(err); !ok || time.Until(until) > 5*time.Second {
		t.Errorf("ask again at %v, %v", until, ok)
	}
}

func TestA429WithoutHeadersIsStillThrottling(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	o.Fail(oktamock.Fault{Endpoint: listUsers, Answer: oktamock.AnswerThrottledRaw})
	if _, err := d.AllUsers(t.Context()); err != nil {
		t.Errorf("one 429: %v", err)
	}
	o.Fail(oktamock.Fault{Endpoint: listUsers, Answer: oktamock.AnswerThrottledRaw, Times: -1})
	if _, err := d.AllUsers(t.Context()); !errors.Is(err, access.ErrThrottled) {
		t.Errorf("always 429: %v", err)
	}
}

func TestAClosedConnectionDoesNotMakeTheSDKStorm(t *testing.T) {
	for _, endpoint := range []string{listUsers, putMember} {
		o := newOrg(t, oktamock.Config{})
		o.Fail(oktamock.Fault{Endpoint: endpoint, Answer: oktamock.AnswerEOF, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		d := o.directory(t)
		var err error
		if endpoint == listUsers {
			_, err = d.AllUsers(ctx)
		} else {
			err = d.Add(ctx, access.Membership{Group: o.finance, User: o.ada})
		}
		// net/http itself repeats a GET once on a connection that was open already.
		if n := o.Count(endpoint); err == nil || n < 3 || n > 6 || ctx.Err() != nil {
			t.Errorf("%s: %d requests, %v", endpoint, n, err)
		}
	}
}

func TestCommaJoinedLinksAreFollowedToTheLastPage(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	for i := range 450 {
		o.AddUser(oktamock.User{Login: time.Unix(int64(i), 0).UTC().Format("150405") + "@example.com"})
	}
	o.Fail(oktamock.Fault{Answer: oktamock.AnswerFoldedLink, Times: -1})
	got, err := o.directory(t).AllUsers(t.Context())
	if err != nil || len(got) != 455 {
		t.Errorf("%d users, %v; want 455", len(got), err)
	}
}

func TestARepeatedCursorEndsTheReadAsIncomplete(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	o.Fail(oktamock.Fault{Endpoint: listMembers, Answer: oktamock.AnswerRepeatedPage, Times: -1})
	got, err := o.directory(t).Members(t.Context(), o.finance)
	if !errors.Is(err, access.ErrIncomplete) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestALinkThatIsNoURLIsMalformedAndNoPanic(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	o.Fail(oktamock.Fault{Answer: oktamock.AnswerBadLink, Times: -1})
	if _, err := o.directory(t).AllUsers(t.Context()); !errors.Is(err, access.ErrMalformed) {
		t.Error(err)
	}
}

func TestAnAnswerThatDoesNotParseIsNeverAnEmptyList(t *testing.T) {
	for _, a := range []oktamock.Answer{oktamock.AnswerEmptyBody, oktamock.AnswerNull, oktamock.AnswerNotJSON, oktamock.AnswerTruncated, oktamock.AnswerNoID} {
		o := newOrg(t, oktamock.Config{})
		o.Fail(oktamock.Fault{Answer: a, Times: -1})
		d := o.directory(t)
		for name, err := range map[string]error{
			"members": second(d.Members(t.Context(), o.finance)), "groups": second(d.Groups(t.Context())),
			"rules": second(d.Rules(t.Context())), "users": second(d.AllUsers(t.Context())), "user": second(d.User(t.Context(), o.ada)),
		} {
			if !errors.Is(err, access.ErrMalformed) && !errors.Is(err, access.ErrUnavailable) {
				t.Errorf("%s of %s: %v", a, name, err)
			}
		}
	}
}

func TestAPageThatFailsInTheMiddleFailsTheWholeList(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	for i := range 450 {
		o.AddUser(oktamock.User{Login: time.Unix(int64(i), 0).UTC().Format("150405") + "@example.com"})
	}
	for _, a := range []oktamock.Answer{oktamock.AnswerError, oktamock.AnswerReset, oktamock.AnswerNull, oktamock.AnswerRefused} {
		o.ClearFaults()
		o.Fail(oktamock.Fault{Endpoint: listUsers, Skip: 1, Answer: a, Times: -1})
		if got, err := o.directory(t).AllUsers(t.Context()); err == nil || got != nil {
			t.Errorf("%s: %d users, %v", a, len(got), err)
		}
	}
}

func TestListsThatAreEmptyForWantOfARoleAreErrors(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	opts := o.options()
	opts.CanaryUser, opts.CanaryGroup = o.ben, o.finance
	d := open(t, opts)
	o.DropRoles()
	for name, err := range map[string]error{
		"users": second(d.AllUsers(t.Context())), "groups": second(d.Groups(t.Context())), "rules": second(d.Rules(t.Context())),
		"canary's members": second(d.Members(t.Context(), o.finance)), "canary's groups": second(d.UserGroups(t.Context(), o.ben)),
		"others' groups": second(d.UserGroups(t.Context(), o.ada)),
	} {
		if !errors.Is(err, access.ErrIncomplete) && !errors.Is(err, access.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Members(t.Context(), o.engineering); err == nil {
		t.Error("other members: an empty list without a role was believed")
	}
	o.RestoreRoles()
	empty := access.GroupID(o.AddGroup(oktamock.Group{Name: "app-empty"}))
	if got, err := d.Members(t.Context(), empty); err != nil || len(got) != 0 {
		t.Errorf("a group that is truly empty: %v, %v", got, err)
	}
}

func TestAnEmptyPageInTheCanarysGroupIsIncomplete(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	opts := o.options()
	opts.CanaryUser, opts.CanaryGroup = o.ben, o.finance
	o.Fail(oktamock.Fault{Endpoint: listMembers, Answer: oktamock.AnswerEmptyList, Times: -1})
	d := open(t, opts)
	for _, g := range []access.GroupID{o.finance, o.engineering} {
		if got, err := d.Members(t.Context(), g); !errors.Is(err, access.ErrIncomplete) {
			t.Errorf("%s: %v, %v", g, got, err)
		}
	}
}

func TestWriteOutcomesAreToldApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault oktamock.Fault
		want  error
		done  bool
	}{
		{"done", oktamock.Fault{}, nil, true},
		{"refused", oktamock.Fault{Answer: oktamock.AnswerRefused, Times: -1}, access.ErrDenied, false},
		{"lost on the way", oktamock.Fault{Answer: oktamock.AnswerReset, Times: -1}, access.ErrUnconfirmed, false},
		{"answer lost", oktamock.Fault{Answer: oktamock.AnswerReset, Applied: true, Times: -1}, access.ErrUnconfirmed, true},
		{"500", oktamock.Fault{Answer: oktamock.AnswerError, Times: -1}, access.ErrUnconfirmed, false},
		{"500 after all", oktamock.Fault{Answer: oktamock.AnswerError, Applied: true, Times: -1}, access.ErrUnconfirmed, true},
		{"lost once", oktamock.Fault{Answer: oktamock.AnswerReset}, nil, true},
		{"answer lost once", oktamock.Fault{Answer: oktamock.AnswerReset, Applied: true}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrg(t, oktamock.Config{})
			tt.fault.Endpoint = putMember
			o.Fail(tt.fault)
			err := o.directory(t).Add(t.Context(), access.Membership{Group: o.finance, User: o.ada})
			done := len(o.Members(string(o.finance))) == 3
			if !errors.Is(err, tt.want) || done != tt.done {
				t.Errorf("error %v, done %v; want %v, %v", err, done, tt.want, tt.done)
			}
		})
	}
}

func TestWritesAreRefusedForTheirOwnReasons(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	if err := o.Deactivate(string(o.admin), string(o.cem)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ err, want error }{
		"imported group":      {d.Add(t.Context(), access.Membership{Group: o.imported, User: o.ada}), access.ErrDenied},
		"no such group":       {d.Remove(t.Context(), access.Membership{Group: "00gnothing", User: o.ada}), access.ErrNotFound},
		"deactivated user":    {d.Add(t.Context(), access.Membership{Group: o.engineering, User: o.cem}), access.ErrConflict},
		"suspend deactivated": {d.Suspend(t.Context(), o.cem), access.ErrConflict},
		"sessions of nobody":  {d.ClearSessions(t.Context(), "00unobody"), access.ErrNotFound},
		"suspend active":      {d.Suspend(t.Context(), o.ada), nil},
		"clear sessions":      {d.ClearSessions(t.Context(), o.ada), nil},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.err, tt.want)
		}
	}
	calls := o.Calls()
	cleared := false
	for _, c := range calls {
		cleared = cleared || strings.HasSuffix(c.Path, "/sessions") && c.Query.Get("oauthTokens") == "true"
	}
	if !cleared {
		t.Error("OAuth tokens were not revoked with the sessions")
	}
}

func TestURLsThatLeadAstrayAreRefused(t *testing.T) {
	for _, bad := range []string{
		"", "example.okta.com", "http://example.okta.com", "https://example-admin.okta.com", "https://Example-Admin.oktapreview.com",
		"https://example-admin.okta-emea.com/", "https://example.okta.com.com", "https://example.okta.com/api/v1", "https://u:p@example.okta.com",
		"ftp://127.0.0.1", "https://example.okta.com?x=1",
	} {
		_, err := okta.New(okta.Options{URL: bad, Token: secret.New("t")})
		if !errors.Is(err, access.ErrInvalid) || (bad != "" && strings.Contains(err.Error(), bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"https://example.okta.com", "https://example.okta.com/", "https://id.example.com", "http://127.0.0.1:8080/"} {
		if _, err := okta.New(okta.Options{URL: good, Token: secret.New("t")}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestATrailingSlashOfTheURLReachesNoPath(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	opts := o.options()
	opts.URL += "/"
	if _, err := open(t, opts).User(t.Context(), o.ada); err != nil {
		t.Error(err)
	}
}

func TestNoErrorAndNoLogLineShowsTheTokenOrAPerson(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	d := o.directory(t)
	o.Fail(oktamock.Fault{Answer: oktamock.AnswerError, Times: 4})
	texts := []string{}
	for _, err := range []error{
		second(d.UserByLogin(t.Context(), "ada@example.com")), second(d.User(t.Context(), "00unobody")),
		d.Add(t.Context(), access.Membership{Group: o.imported, User: o.ada}), second(d.UserByLogin(t.Context(), "nobody@example.com")),
	} {
		if err == nil {
			t.Fatal("no error")
		}
		texts = append(texts, err.Error())
	}
	all := strings.Join(texts, "\n") + o.log.String()
	for _, private := range []string{o.Token(), "ada@example.com", "nobody@example.com", "127.0.0.1", "/api/v1", "oae"} {
		if strings.Contains(all, private) {
			t.Errorf("%q is shown in:\n%s", private, all)
		}
	}
}

func TestVariablesOfTheSDKThatDoNotParseChangeNothing(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	t.Setenv("OKTA_CLIENT_REQUEST_TIMEOUT", "soon")
	t.Setenv("OKTA_CLIENT_CACHE_ENABLED", "perhaps")
	if _, err := o.directory(t).User(t.Context(), o.ada); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerAboutSomebodyElseIsMalformed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := oneUser
		if strings.HasPrefix(r.URL.Path, "/api/v1/groups") {
			body = oneGroup
		}
		answer(body, "")(w, r)
	}))
	defer s.Close()
	d := open(t, okta.Options{URL: s.URL, Token: secret.New("t"), Transport: impatient()})
	if _, err := d.User(t.Context(), "00uother"); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("user: %v", err)
	}
	if _, err := d.Group(t.Context(), "00gother"); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("group: %v", err)
	}
}
