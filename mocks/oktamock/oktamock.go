// Package oktamock is an HTTP server that behaves like an Okta org, at its worst: late lists, a log out of order, rate
// limits, lost answers.
//
// It has its own wire types, written from Okta's published specification and recorded traffic, so that a wrong field name
// cannot be wrong on both sides. It imports the standard library only. It is for tests, for the demo, and for nothing else.
package oktamock

import (
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// DefaultToken is the API token that the org accepts when [Config.Token] is empty.
const DefaultToken = "00MockOktaApiTokenForTestsOnly0000000000"

// Config says what kind of org to be. The zero Config is an org that is always current and hardly limited.
type Config struct {
	// Now is the org's clock; nil is the machine's.
	Now func() time.Time
	// Token is the accepted SSWS token; empty is [DefaultToken].
	Token string
	// TokenOwner is the admin whose token it is; its rights are the token's. An empty Login is "sopd@example.com", empty
	// Roles are SUPER_ADMIN.
	TokenOwner User
	// Clients are the registered service apps.
	Clients []Client
	// Lag is how long lists and filters take to show what a read by ID already shows.
	Lag time.Duration
	// LogLag is how long an event takes to arrive in the System Log. Every third event takes twice as long, so that
	// events arrive out of order.
	LogLag time.Duration
	// DeactivationTime is how long a deactivation runs in the background, with transitioningToStatus set.
	DeactivationTime time.Duration
	// TokenLifetime is how long an OAuth access token is accepted; zero is one hour, as Okta has it.
	TokenLifetime time.Duration
	// Limits are requests a minute by bucket; a bucket that is absent has a hundred thousand. See [PublishedLimits].
	Limits map[string]int
	// Concurrency is how many requests may be under way at once; zero is 75.
	Concurrency int
	// RepeatHooks makes every n-th event hook delivery arrive twice; zero is never.
	RepeatHooks int
}

// Client is a service app that signs in with private_key_jwt.
type Client struct {
	ID     string         // such as "0oa1service"
	Name   string         // for people to read
	KeyID  string         // the kid of Key, empty accepts any
	Key    *rsa.PublicKey // that assertions are verified with
	Scopes []string       // granted to the app
	// Roles are the admin roles given to the app; without any, lists come back empty and the rest is refused.
	Roles []string
	// DPoP makes the token endpoint ask for a proof of possession, as the app setting "Require DPoP header" does.
	DPoP bool
}

// Server is an Okta org. All its methods may be called from many goroutines.
type Server struct {
	config Config
	http   *httptest.Server
	hooks  *courier
	routes []route

	mu sync.Mutex // guards everything below
	// sequence is the last number used for identifiers, by prefix.
	sequence map[string]int
	users    userStore
	groups   groupStore
	rules    ruleStore
	log      eventStore
	due      schedule
	auth     authStore
	limits   limiter
	faults   []*Fault
	journal  []Call
	hookList []*eventHook
	everyone *group
	noRoles  bool
	// apiTokens are the tokens of people, and groupRoles the administrator roles that groups give.
	apiTokens  []APIToken
	groupRoles map[string][]string
}

// New starts an org on a loopback port. Close it when done.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Token == "" {
		c.Token = DefaultToken
	}
	if c.TokenLifetime == 0 {
		c.TokenLifetime = time.Hour
	}
	if c.Concurrency == 0 {
		c.Concurrency = 75
	}
	s := &Server{config: c, routes: routes(), sequence: map[string]int{}}
	s.users.byID, s.users.byLogin = map[string]*user{}, map[string]*user{}
	s.groups.byID, s.groups.ruled = map[string]*group{}, map[membership]*rule{}
	s.log.messages = messages()
	s.auth.init(c.Clients)
	s.limits.init(c.Limits)
	s.furnish(c.TokenOwner)
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.hooks = newCourier(s)
	return s
}

// furnish makes what every org has: the group Everyone, and the admin whose token is used.
func (s *Server) furnish(owner User) {
	s.everyone = s.newGroup(Group{Name: "Everyone", Description: "All users in your organization", Type: "BUILT_IN"}, s.now())
	if owner.Login == "" {
		owner.Login, owner.FirstName, owner.LastName = "sopd@example.com", "Sopd", "Service"
	}
	if len(owner.Roles) == 0 {
		owner.Roles = []string{"SUPER_ADMIN"}
	}
	s.auth.owner = s.newUser(owner, s.now())
}

// URL is the org's address, without a trailing slash.
func (s *Server) URL() string { return s.http.URL }

// Token is the SSWS token that the org accepts.
func (s *Server) Token() string { return s.config.Token }

// TokenOwner is the ID of the admin whose token it is.
func (s *Server) TokenOwner() string { return s.auth.owner.truth.id }

// Everyone is the ID of the built-in group that holds every user.
func (s *Server) Everyone() string { return s.everyone.truth.id }

// Close stops the deliveries and the server, and waits for both.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
	s.hooks.stop()
}

// now is the org's time, in the millisecond precision that Okta writes.
func (s *Server) now() time.Time { return s.config.Now().UTC().Truncate(time.Millisecond) }
