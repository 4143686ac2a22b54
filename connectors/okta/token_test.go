package okta_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

const (
	clientID   = "0oa1service"
	tokenRoute = "POST /oauth2/v1/token"
)

// newAppOrg is an org with a service app that has every scope but those left out.
func newAppOrg(t *testing.T, key *rsa.PrivateKey, c oktamock.Config, without ...string) *org {
	t.Helper()
	app := oktamock.Client{ID: clientID, Name: "sopd", Key: &key.PublicKey, Roles: []string{"ORG_ADMIN"}}
	for _, scope := range okta.Scopes() {
		if !strings.Contains(strings.Join(without, " "), scope) {
			app.Scopes = append(app.Scopes, scope)
		}
	}
	c.Clients = append(c.Clients, app)
	return newOrg(t, c)
}

func (o *org) appOptions(key secret.Value) okta.Options {
	opts := o.options()
	opts.Token, opts.ClientID, opts.PrivateKey = secret.Value{}, clientID, key
	return opts
}

func TestAServiceAppSignsInOnceWithTheAssertionInTheBody(t *testing.T) {
	key := newKey(t)
	for name, text := range map[string]secret.Value{"PKCS#1": pkcs1(key), "PKCS#8": pkcs8(t, key)} {
		t.Run(name, func(t *testing.T) {
			o := newAppOrg(t, key, oktamock.Config{})
			d := open(t, o.appOptions(text))
			if _, err := d.AllUsers(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := d.Add(t.Context(), access.Membership{Group: o.finance, User: o.ada}); err != nil {
				t.Fatal(err)
			}
			for _, c := range o.Calls() {
				if c.Endpoint == tokenRoute && len(c.Query) != 0 {
					t.Errorf("the assertion stands in the URL: %v", c.Query)
				}
			}
			self, err := d.Self(t.Context())
			log := o.Log()
			if last := log[len(log)-1].Actor; err != nil || self.ID != last.ID || self.Type != last.Type {
				t.Errorf("self %+v, log %+v, %v", self, last, err)
			}
			if n := o.Count(tokenRoute); n != 1 {
				t.Errorf("%d sign-ins, want 1", n)
			}
		})
	}
}

func TestManyRequestsAtOnceShareOneSignIn(t *testing.T) {
	key := newKey(t)
	o := newAppOrg(t, key, oktamock.Config{})
	d := open(t, o.appOptions(pkcs1(key)))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := d.User(t.Context(), o.ada); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := o.Count(tokenRoute); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
}

func TestATokenIsRenewedShortlyBeforeItEnds(t *testing.T) {
	key, c := newKey(t), newClock()
	o := newAppOrg(t, key, oktamock.Config{Now: c.Now})
	opts := o.appOptions(pkcs1(key))
	opts.Transport.Now = c.Now
	d := open(t, opts)
	for _, step := range []struct {
		move    time.Duration
		signIns int
	}{{0, 1}, {58 * time.Minute, 1}, {90 * time.Second, 2}} {
		c.Move(step.move)
		if _, err := d.User(t.Context(), o.ada); err != nil {
			t.Fatal(err)
		}
		if n := o.Count(tokenRoute); n != step.signIns {
			t.Errorf("after %v: %d sign-ins, want %d", step.move, n, step.signIns)
		}
	}
}

func TestARevokedTokenIsReplacedOnceAndTheRequestRepeated(t *testing.T) {
	key := newKey(t)
	o := newAppOrg(t, key, oktamock.Config{})
	d := open(t, o.appOptions(pkcs1(key)))
	if _, err := d.User(t.Context(), o.ada); err != nil {
		t.Fatal(err)
	}
	o.RevokeTokens()
	if err := d.Add(t.Context(), access.Membership{Group: o.finance, User: o.ada}); err != nil {
		t.Error(err)
	}
	if puts, signIns := o.Count(putMember), o.Count(tokenRoute); puts != 2 || signIns != 2 {
		t.Errorf("%d writes and %d sign-ins, want 2 and 2", puts, signIns)
	}
	o.Fail(oktamock.Fault{Endpoint: putMember, Answer: oktamock.AnswerUnauthorized, Times: -1})
	err := d.Add(t.Context(), access.Membership{Group: o.finance, User: o.ada})
	if puts := o.Count(putMember); puts != 4 || !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("always 401: %d writes, %v", puts, err)
	}
}

func TestALostSignInIsRepeatedWithAnotherAssertion(t *testing.T) {
	key := newKey(t)
	o := newAppOrg(t, key, oktamock.Config{})
	// The org took the assertion and its answer was lost: the same assertion would be refused as used.
	o.Fail(oktamock.Fault{Endpoint: tokenRoute, Answer: oktamock.AnswerReset, Applied: true})
	if _, err := open(t, o.appOptions(pkcs1(key))).User(t.Context(), o.ada); err != nil {
		t.Error(err)
	}
}

func TestAFailedSignInIsNeitherAnUnconfirmedWriteNorShown(t *testing.T) {
	key := newKey(t)
	for _, tt := range []struct {
		answer oktamock.Answer
		want   error
	}{
		{oktamock.AnswerReset, access.ErrUnavailable}, {oktamock.AnswerError, access.ErrUnavailable}, {oktamock.AnswerUnauthorized, access.ErrUnauthenticated},
		{oktamock.AnswerThrottled, access.ErrThrottled}, {oktamock.AnswerNotJSON, access.ErrMalformed}, {oktamock.AnswerEmptyBody, access.ErrMalformed},
	} {
		o := newAppOrg(t, key, oktamock.Config{})
		o.Fail(oktamock.Fault{Endpoint: tokenRoute, Answer: tt.answer, Times: -1})
		err := open(t, o.appOptions(pkcs1(key))).Add(t.Context(), access.Membership{Group: o.finance, User: o.ada})
		if !errors.Is(err, tt.want) || errors.Is(err, access.ErrUnconfirmed) {
			t.Errorf("%s: %v, want %v", tt.answer, err, tt.want)
		}
		if n := o.Count(putMember); n != 0 {
			t.Errorf("%s: %d writes were sent", tt.answer, n)
		}
		if text := err.Error() + o.log.String(); strings.Contains(text, "eyJ") || strings.Contains(text, "127.0.0.1") {
			t.Errorf("%s shows too much: %s", tt.answer, text)
		}
	}
}

func TestASignInEndsWithItsContext(t *testing.T) {
	key := newKey(t)
	o := newAppOrg(t, key, oktamock.Config{})
	o.Fail(oktamock.Fault{Endpoint: tokenRoute, Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := open(t, o.appOptions(pkcs1(key))).User(ctx, o.ada)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestAServiceAppThatRequiresDPoPIsSaidPlainly(t *testing.T) {
	key := newKey(t)
	o := newOrg(t, oktamock.Config{Clients: []oktamock.Client{{ID: clientID, Key: &key.PublicKey, Scopes: okta.Scopes(), DPoP: true}}})
	d := open(t, o.appOptions(pkcs1(key)))
	if _, err := d.Self(t.Context()); !errors.Is(err, okta.ErrDPoP) || !errors.Is(err, access.ErrUnauthenticated) {
		t.Error(err)
	}
	problems := d.Check(t.Context())
	if len(problems) != 1 || !strings.Contains(problems[0].Fix, "DPoP") {
		t.Errorf("%+v", problems)
	}
}

func TestA401WithAnOAuthChallengeIsStillUnauthenticated(t *testing.T) {
	key, other := newKey(t), newKey(t)
	o := newAppOrg(t, key, oktamock.Config{})
	if _, err := open(t, o.appOptions(pkcs1(other))).User(t.Context(), o.ada); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("foreign key: %v", err)
	}
	narrow := o.appOptions(pkcs1(key))
	narrow.Scopes = []string{"okta.users.read"}
	// 403 with WWW-Authenticate, from which the SDK makes an error without a code.
	if _, err := open(t, narrow).Groups(t.Context()); !errors.Is(err, access.ErrDenied) {
		t.Errorf("missing scope: %v", err)
	}
}

func TestKeysThatCannotSignAreRefusedAtOnce(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no short keys: ", err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]secret.Value{
		"empty": {}, "text": secret.New("not a key"), "short": pkcs1(small), "elliptic": pkcs8(t, curve),
		"not DER": secret.New("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
	} {
		_, err := okta.New(okta.Options{URL: "https://example.okta.com", ClientID: clientID, PrivateKey: key})
		if !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	both := okta.Options{URL: "https://example.okta.com", Token: secret.New("t"), ClientID: clientID, PrivateKey: pkcs1(newKey(t))}
	if _, err := okta.New(both); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("two credentials: %v", err)
	}
}

func TestTheRightsToReadAreEnoughToReadGroupsRulesAndMembers(t *testing.T) {
	key := newKey(t)
	o := newAppOrg(t, key, oktamock.Config{}, "okta.groups.manage", "okta.users.manage")
	options := o.appOptions(pkcs1(key))
	options.Scopes = okta.ReadScopes()
	d := open(t, options)
	if _, err := d.Groups(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Rules(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Members(t.Context(), o.finance); err != nil {
		t.Error(err)
	}
	if err := d.Add(t.Context(), access.Membership{Group: o.finance, User: o.ada}); !errors.Is(err, access.ErrDenied) {
		t.Errorf("a write: %v", err)
	}
}
