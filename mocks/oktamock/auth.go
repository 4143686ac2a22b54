package oktamock

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// principal is who asks.
type principal struct {
	actor  Actor
	scopes []string // of an OAuth token
	roles  []string
	oauth  bool
}

type accessToken struct {
	client  *Client
	scopes  []string
	expires time.Time
}

type authStore struct {
	owner   *user
	clients map[string]*Client
	tokens  map[string]accessToken
	spent   map[string]bool // jti of assertions that were used
}

func (a *authStore) init(clients []Client) {
	a.clients, a.tokens, a.spent = map[string]*Client{}, map[string]accessToken{}, map[string]bool{}
	for _, c := range clients {
		a.clients[c.ID] = &c
	}
}

// authenticate finds out who asks. A refusal is returned, nil when the credential is good.
func (s *Server) authenticate(c *call) *answer {
	kind, credential, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	switch kind {
	case "SSWS":
		return s.authenticateToken(c, credential)
	case "Bearer":
		return s.authenticateBearer(c, credential)
	}
	return invalidToken(c)
}

// authenticateToken accepts the API token while its owner is active: it dies with the admin who made it.
//
// Source: Okta, Create an API token.
func (s *Server) authenticateToken(c *call, credential string) *answer {
	owner := s.auth.owner
	alive := !owner.gone && (owner.truth.status == "ACTIVE" || owner.truth.status == "PASSWORD_EXPIRED")
	if subtle.ConstantTimeCompare([]byte(credential), []byte(s.config.Token)) != 1 || !alive {
		return invalidToken(c)
	}
	c.who = principal{actor: userActor(owner), roles: owner.roles}
	return nil
}

func (s *Server) authenticateBearer(c *call, credential string) *answer {
	token, found := s.auth.tokens[credential]
	if !found || !s.now().Before(token.expires) {
		reply := invalidToken(c)
		reply.header = http.Header{"Www-Authenticate": {c.challenge("invalid_token", "The access token is invalid or has expired.")}}
		return reply
	}
	c.who = principal{actor: clientActor(token.client), scopes: token.scopes, roles: token.client.Roles, oauth: true}
	return nil
}

func clientActor(client *Client) Actor {
	return Actor{ID: client.ID, Type: "PublicClientApp", AlternateID: client.ID, DisplayName: client.Name}
}

func invalidToken(c *call) *answer {
	return refuse(c, "E0000011", "Invalid token provided")
}

// challenge is the header that OAuth refusals carry, and from which the SDK reads the error.
func (c *call) challenge(code, description string) string {
	return `Bearer authorization_uri="` + c.URL() + `/oauth2/v1/authorize", realm="` + c.URL() + `", scope="` +
		c.route.scope + `", error="` + code + `", error_description="` + description + `", resource="` + c.r.URL.Path + `"`
}

// permitted refuses what the credential may not do; nil lets the handler run. Without an admin role lists are 200 and
// empty, which reads as an empty org.
//
// Source: Okta, OAuth for Okta service apps: scopes and an admin role are both needed.
func (c *call) permitted() *answer {
	if c.route.scope == "" {
		return nil
	}
	if c.who.oauth && !slices.Contains(c.who.scopes, c.route.scope) {
		reply := c.denied()
		reply.header = http.Header{"Www-Authenticate": {
			c.challenge("insufficient_scope", "The access token provided does not contain the required scopes."),
		}}
		return reply
	}
	own := !c.who.oauth && c.vars["id"] == "me"
	if c.noRoles || len(c.who.roles) == 0 {
		return c.withoutRole(own)
	}
	if c.r.Method != "GET" && readOnly(c.who.roles) {
		return c.denied()
	}
	return nil
}

func (c *call) withoutRole(own bool) *answer {
	list := c.r.Method == "GET" && !strings.HasSuffix(c.route.endpoint(), "}")
	switch {
	case own:
		return nil
	case list && c.route.path == "/api/v1/logs":
		return listing(&page{limit: 100, next: logCursor(len(c.log.all), time.Time{}), forget: []string{"since"}})
	case list:
		return listing(&page{limit: 200})
	}
	return c.denied()
}

func readOnly(roles []string) bool {
	return !slices.ContainsFunc(roles, func(role string) bool {
		return role != "READ_ONLY_ADMIN" && role != "REPORT_ADMIN"
	})
}
