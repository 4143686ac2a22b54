package oktamock_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/okta/okta-sdk-golang/v2/okta"
)

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// app returns the SDK signed in as a service app.
func app(t *testing.T, s *oktamock.Server, key *rsa.PrivateKey, scopes ...string) *okta.Client {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	_, c, err := okta.NewClient(t.Context(), okta.WithOrgUrl(s.URL()), okta.WithAuthorizationMode("PrivateKey"), okta.WithClientId("0oa1service"),
		okta.WithPrivateKey(string(text)), okta.WithScopes(scopes), okta.WithCache(false), okta.WithTestingDisableHttpsCheck(true),
		okta.WithHttpClientPtr(&http.Client{Timeout: 10 * time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAServiceAppSignsInWithItsKeyAndIsHeldToItsScopes(t *testing.T) {
	key := newKey(t)
	s := newStory(t, oktamock.Config{Clients: []oktamock.Client{{
		ID: "0oa1service", Name: "sopd", Key: &key.PublicKey, Scopes: []string{"okta.users.read", "okta.groups.manage"}, Roles: []string{"ORG_ADMIN"},
	}}})
	c := app(t, s.Server, key, "okta.users.read", "okta.groups.manage")
	if users, _, err := c.User.ListUsers(t.Context(), nil); err != nil || len(users) == 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
	if _, err := c.Group.AddUserToGroup(t.Context(), s.finance, s.ben); err != nil {
		t.Error(err)
	}
	if _, resp, err := c.Group.ListGroups(t.Context(), nil); err == nil || resp.StatusCode != 403 {
		t.Errorf("groups without the scope: %v", err)
	}
	log := s.Log()
	if last := log[len(log)-1]; last.Actor.Type != "PublicClientApp" || last.Actor.ID != "0oa1service" {
		t.Errorf("actor %+v", last.Actor)
	}
}

func TestAForeignKeyIsRefused(t *testing.T) {
	key := newKey(t)
	s := newStory(t, oktamock.Config{Clients: []oktamock.Client{{ID: "0oa1service", Key: &newKey(t).PublicKey, Scopes: []string{"okta.users.read"}}}})
	if _, _, err := app(t, s.Server, key, "okta.users.read").User.ListUsers(t.Context(), nil); err == nil {
		t.Error("accepted")
	}
}

func TestAccessTokensExpire(t *testing.T) {
	key, c := newKey(t), newClock()
	s := newStory(t, oktamock.Config{TokenLifetime: 10 * time.Second, Clients: []oktamock.Client{{
		ID: "0oa1service", Key: &key.PublicKey, Scopes: []string{"okta.users.read"}, Roles: []string{"READ_ONLY_ADMIN"},
	}}})
	client := app(t, s.Server, key, "okta.users.read")
	if _, _, err := client.User.ListUsers(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.RevokeTokens()
	if _, resp, err := client.User.ListUsers(t.Context(), nil); err == nil || resp.StatusCode != 401 {
		t.Errorf("revoked token: %v at %v", err, c.Now())
	}
}
