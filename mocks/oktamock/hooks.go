package oktamock

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// eventHook is a registered event hook.
type eventHook struct {
	id, name, uri, key, secret string
	events                     []string
	headers                    []wireHeader
	active, verified, gone     bool
	created, updated           time.Time
}

type wireHook struct {
	ID           string         `json:"id,omitempty"`
	Status       string         `json:"status,omitempty"`
	Verification string         `json:"verificationStatus,omitempty"`
	Name         string         `json:"name"`
	Created      string         `json:"created,omitempty"`
	CreatedBy    string         `json:"createdBy,omitempty"`
	LastUpdated  string         `json:"lastUpdated,omitempty"`
	Events       wireHookEvents `json:"events"`
	Channel      wireChannel    `json:"channel"`
	Links        map[string]any `json:"_links,omitempty"`
}

type wireHookEvents struct {
	Type  string   `json:"type"`
	Items []string `json:"items"`
}

type wireChannel struct {
	Type    string            `json:"type"`
	Version string            `json:"version"`
	Config  wireChannelConfig `json:"config"`
}

type wireChannelConfig struct {
	URI        string         `json:"uri"`
	Headers    []wireHeader   `json:"headers"`
	Method     string         `json:"method,omitempty"`
	AuthScheme wireAuthScheme `json:"authScheme"`
}

type wireHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type wireAuthScheme struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Value string `json:"value,omitempty"` // never sent back
}

func (h *eventHook) wire(c *call) wireHook {
	status, verification := "INACTIVE", "UNVERIFIED"
	if h.active {
		status = "ACTIVE"
	}
	if h.verified {
		verification = "VERIFIED"
	}
	self := c.URL() + "/api/v1/eventHooks/" + h.id
	return wireHook{
		ID: h.id, Status: status, Verification: verification, Name: h.name, CreatedBy: c.auth.owner.truth.id,
		Created: stamp(h.created), LastUpdated: stamp(h.updated),
		Events: wireHookEvents{"EVENT_TYPE", append([]string{}, h.events...)},
		Channel: wireChannel{"HTTP", "1.0.0", wireChannelConfig{
			URI: h.uri, Headers: append([]wireHeader{}, h.headers...), Method: "POST", AuthScheme: wireAuthScheme{Type: "HEADER", Key: h.key},
		}},
		Links: map[string]any{
			"self":   wireLink{Href: self},
			"verify": wireLink{Href: self + "/lifecycle/verify", Hints: &wireHints{[]string{"POST"}}},
		},
	}
}

func (c *call) listHooks() *answer {
	out := []wireHook{}
	for _, h := range c.hookList {
		if !h.gone {
			out = append(out, h.wire(c))
		}
	}
	return ok(out)
}

func (c *call) withHook(deed func(*eventHook) *answer) *answer {
	id := c.vars["eventHookId"]
	i := slices.IndexFunc(c.hookList, func(h *eventHook) bool { return h.id == id && !h.gone })
	if i < 0 {
		return c.notFound(id, "EventHook")
	}
	return deed(c.hookList[i])
}

func (c *call) getHook() *answer {
	return c.withHook(func(h *eventHook) *answer { return ok(h.wire(c)) })
}

// readHook takes over what a request says of a hook. nil is returned when it is in order.
func (c *call) readHook(h *eventHook) *answer {
	var in wireHook
	if err := json.Unmarshal(c.body, &in); err != nil {
		return refuse(c, "E0000003", "The request body was not well-formed.")
	}
	for _, kind := range in.Events.Items {
		if !hookEligible(kind) {
			return c.invalid("events.items", "events.items: "+kind+" is not eligible for event hooks")
		}
	}
	if in.Name == "" || in.Channel.Config.URI == "" || len(in.Events.Items) == 0 {
		return c.invalid("eventHook", "name, events and channel are required")
	}
	h.name, h.events, h.uri = in.Name, in.Events.Items, in.Channel.Config.URI
	h.headers, h.key = in.Channel.Config.Headers, in.Channel.Config.AuthScheme.Key
	if in.Channel.Config.AuthScheme.Value != "" {
		h.secret = in.Channel.Config.AuthScheme.Value
	}
	h.updated = seconds(c.now())
	return nil
}

func (c *call) postHook() *answer {
	h := &eventHook{id: c.mint("who"), active: true, created: seconds(c.now())}
	if refusal := c.readHook(h); refusal != nil {
		return refusal
	}
	c.hookList = append(c.hookList, h)
	c.tellHook("created", h)
	return ok(h.wire(c))
}

func (c *call) replaceHook() *answer {
	return c.withHook(func(h *eventHook) *answer {
		if refusal := c.readHook(h); refusal != nil {
			return refusal
		}
		c.tellHook("updated", h)
		return ok(h.wire(c))
	})
}

func (c *call) deleteHook() *answer {
	return c.withHook(func(h *eventHook) *answer {
		if h.active {
			return refuse(c, "E0000001", "Api validation failed: eventHook", "An active event hook cannot be deleted")
		}
		h.gone = true
		c.tellHook("deleted", h)
		return noContent()
	})
}

func (c *call) hookLifecycle() *answer {
	return c.withHook(func(h *eventHook) *answer {
		switch c.vars["deed"] {
		case "activate":
			h.active = true
			c.tellHook("activated", h)
		case "deactivate":
			h.active = false
			c.tellHook("deactivated", h)
		case "verify":
			return c.verifyHook(h)
		default:
			return refuse(c, "E0000008", "The requested path was not found")
		}
		return ok(h.wire(c))
	})
}

// verifyHook asks the hook's address for the challenge. The lock is given up meanwhile: the address may call us back.
func (c *call) verifyHook(h *eventHook) *answer {
	target := *h
	c.mu.Unlock()
	err := c.hooks.verify(c.r.Context(), &target)
	c.mu.Lock()
	if err != nil {
		return c.invalid("eventHook", "Verification failed: the endpoint did not return the challenge")
	}
	h.verified = true
	c.tellHook("verified", h)
	return ok(h.wire(c))
}

// hookEligible tells whether events of a kind can be sent by a hook.
//
// Source: Okta event types catalogue 2026.08.1.
func hookEligible(kind string) bool {
	for _, not := range []string{
		"group.user_membership.rule.", "user.session.expire", "user.session.impersonation.", "event_hook.",
		"app.oauth2.token.grant.access_token", "user.account.expire_password",
	} {
		if strings.HasPrefix(kind, not) {
			return false
		}
	}
	return true
}

func (c *call) tellHook(deed string, h *eventHook) {
	c.tell("event_hook."+deed, c.who.actor, Target{ID: h.id, Type: "EventHook", AlternateID: "unknown", DisplayName: h.name})
}
