package okta_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/connectors/transport"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// org is a small org and ourselves in it.
type org struct {
	*oktamock.Server
	admin, ada, ben, cem access.UserID
	finance, imported    access.GroupID
	engineering          access.GroupID
	log                  *bytes.Buffer
}

func newOrg(t testing.TB, c oktamock.Config) *org {
	t.Helper()
	s := oktamock.New(c)
	t.Cleanup(s.Close)
	o := &org{Server: s, log: &bytes.Buffer{}}
	person := func(login, first, last, department string) access.UserID {
		return access.UserID(s.AddUser(oktamock.User{Login: login, FirstName: first, LastName: last, Profile: map[string]any{"department": department, "level": 3}}))
	}
	o.admin = person("root@example.com", "Rita", "Root", "IT")
	o.ada = person("ada@example.com", "Ada", "Abel", "Engineering")
	o.ben = person("ben@example.com", "Ben", "Berg", "Finance")
	o.cem = person("cem@example.com", "Cem", "Can", "Finance")
	o.finance = access.GroupID(s.AddGroup(oktamock.Group{Name: "app-finance"}))
	o.imported = access.GroupID(s.AddGroup(oktamock.Group{Name: "ad-staff", Type: "APP_GROUP"}))
	o.engineering = access.GroupID(s.AddGroup(oktamock.Group{Name: "all-engineering"}))
	s.AddRule(oktamock.Rule{Name: "Engineers", Expression: `user.department=="Engineering"`, Groups: []string{string(o.engineering)}})
	s.Place(string(o.finance), string(o.ben), string(o.cem))
	return o
}

// impatient are transport options that do not make tests wait.
func impatient() transport.Options {
	return transport.Options{Retries: 2, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond, Timeout: 10 * time.Second}
}

func (o *org) options() okta.Options {
	opts := okta.Options{URL: o.URL(), Token: secret.New(o.Token()), Transport: impatient()}
	opts.Transport.Logger = slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return opts
}

func (o *org) directory(t testing.TB) *okta.Directory {
	t.Helper()
	return open(t, o.options())
}

func open(t testing.TB, opts okta.Options) *okta.Directory {
	t.Helper()
	d, err := okta.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func userIDs(users []access.User) []access.UserID {
	out := []access.UserID{}
	for _, u := range users {
		out = append(out, u.ID)
	}
	return out
}

func groupIDs(groups []access.Group) []access.GroupID {
	out := []access.GroupID{}
	for _, g := range groups {
		out = append(out, g.ID)
	}
	return out
}

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pkcs1(key *rsa.PrivateKey) secret.Value {
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
}

func pkcs8(t testing.TB, key any) secret.Value {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
}
