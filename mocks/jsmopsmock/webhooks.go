package jsmopsmock

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// Webhook is an outgoing webhook integration.
type Webhook struct {
	URL string // of the receiver
	// Header and Value are the custom header that authenticates it, the only means that the vendor has.
	Header, Value string
}

// Delivery is a webhook that was sent.
type Delivery struct {
	Action  string // such as "Create"
	AlertID string // of the alert it tells of
	Status  int    // of the receiver's answer; 0 when there was none
	Body    []byte // as sent
}

// wireEvent is the body of a webhook: Opsgenie's, under the same names.
//
// Source: support.atlassian.com/jira-service-management-cloud/docs/alert-action-data-for-jira-edge-connector, and for
// Opsgenie docs.opsgenie.com/docs/webhook-integration and sample-alert-action-data; bodies recorded by zulip/zulip,
// zerver/webhooks/opsgenie/fixtures.
type wireEvent struct {
	Source          wireSource     `json:"source"`
	Alert           wireEventAlert `json:"alert"`
	Action          string         `json:"action"`
	IntegrationID   string         `json:"integrationId"`
	IntegrationName string         `json:"integrationName"`
	IntegrationType string         `json:"integrationType"`
	Flow            wireFlow       `json:"alertFlowContext"`
}

type wireSource struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type wireFlow struct {
	RequestID string            `json:"requestId"`
	TraceID   string            `json:"traceId"`
	Content   map[string]string `json:"content"`
}

// wireEventAlert is the alert in a webhook: createdAt in milliseconds, updatedAt and insertedAt in nanoseconds.
type wireEventAlert struct {
	AlertID     string            `json:"alertId"`
	Message     string            `json:"message"`
	Tags        []string          `json:"tags"`
	TinyID      string            `json:"tinyId"`
	Source      string            `json:"source"`
	Entity      string            `json:"entity"`
	Alias       string            `json:"alias"`
	CreatedAt   int64             `json:"createdAt"`
	UpdatedAt   int64             `json:"updatedAt"`
	InsertedAt  int64             `json:"insertedAt"`
	Username    string            `json:"username"`
	UserID      string            `json:"userId"`
	Recipients  []string          `json:"recipients"`
	Teams       []string          `json:"teams"`
	Priority    string            `json:"priority"`
	Note        string            `json:"note,omitempty"`
	Description string            `json:"description,omitempty"`
	Details     map[string]string `json:"details,omitempty"`
}

// maxHookText is where the vendor cuts a description in a webhook, in characters.
const maxHookText = 1000

// AddWebhook adds a receiver of what happens from now on.
func (s *Server) AddWebhook(h Webhook) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.hooks = append(s.hooks.hooks, h)
}

// SetWebhook makes h the only receiver of what happens from now on.
func (s *Server) SetWebhook(h Webhook) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.hooks = []Webhook{h}
}

// tell sends the webhooks of an action.
func (s *Server) tell(name string, a *alert, p payload) {
	if len(s.hooks.receivers()) == 0 {
		return
	}
	e := wireEvent{Source: wireSource{Name: "", Type: "API"}, Action: name, IntegrationID: integrationID, IntegrationName: "Webhook",
		IntegrationType: "Webhook", Flow: wireFlow{s.newID(), s.newID(), map[string]string{}}}
	e.Alert = wireEventAlert{AlertID: a.ID, Message: a.Message, Tags: notNil(a.Tags), TinyID: a.TinyID, Source: a.Source, Entity: a.Entity,
		Alias: a.Alias, CreatedAt: a.Created.UnixMilli(), UpdatedAt: a.Updated.UnixNano(), InsertedAt: a.Created.UnixNano(),
		Username: cmpOr(p.User, "System"), UserID: s.newID(), Recipients: []string{}, Teams: []string{}, Priority: a.Priority}
	switch name {
	case "AddNote":
		e.Alert.Note = p.Note
	case "Create":
		e.Alert.Description, e.Alert.Details = cut(a.Description, maxHookText), a.Details
	}
	s.dispatch(e)
}

// TellEscalation sends the webhook of an escalation, whose alert holds its ID only.
func (s *Server) TellEscalation(alertID, escalation, person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := map[string]any{"action": "Escalate", "alert": map[string]string{"alertId": alertID}, "escalationId": s.newID(), "escalationName": escalation,
		"escalationNotify": map[string]string{"name": person, "id": s.newID(), "type": "default", "entity": "user"}, "escalationTime": 0, "repeatCount": 0,
		"integrationId": integrationID, "integrationName": "Webhook"}
	s.hooks.send(Delivery{Action: "Escalate", AlertID: alertID, Body: encoded(body)})
}

func (s *Server) dispatch(e wireEvent) {
	s.hooks.send(Delivery{Action: e.Action, AlertID: e.Alert.AlertID, Body: encoded(e)})
}

func encoded(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("jsmopsmock: a webhook cannot be encoded: " + err.Error())
	}
	return body
}

func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// WaitWebhooks waits until every webhook so far was delivered, or failed to be.
func (s *Server) WaitWebhooks(ctx context.Context) error { return s.hooks.wait(ctx) }

// Deliveries returns the webhooks sent so far, in their order.
func (s *Server) Deliveries() []Delivery { return s.hooks.all() }

// stopper is the context of a server's own work: nobody who calls the server may end it, only its Close.
type stopper struct{ stopped chan struct{} }

// Deadline returns none.
func (s stopper) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed by the server's Close.
func (s stopper) Done() <-chan struct{} { return s.stopped }

// Err is [context.Canceled] after the server's Close.
func (s stopper) Err() error {
	select {
	case <-s.stopped:
		return context.Canceled
	default:
		return nil
	}
}

// Value returns nothing.
func (s stopper) Value(any) any { return nil }

// courier delivers webhooks one after another, apart from the requests that cause them.
type courier struct {
	client *http.Client
	life   stopper
	ended  chan struct{}
	wake   chan struct{}

	mu    sync.Mutex
	hooks []Webhook
	queue []Delivery
	sent  []Delivery
	idle  chan struct{} // closed while there is nothing to do
}

func newCourier(hooks []Webhook) *courier {
	c := &courier{hooks: hooks, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}, life: stopper{make(chan struct{})},
		ended: make(chan struct{}), wake: make(chan struct{}, 1), idle: make(chan struct{})}
	close(c.idle)
	go c.run(c.life)
	return c
}

func (c *courier) send(d Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.idle = make(chan struct{})
	}
	c.queue = append(c.queue, d)
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (c *courier) run(ctx context.Context) {
	defer close(c.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for d, more := c.next(); more; d, more = c.next() {
			for _, h := range c.receivers() {
				d.Status = c.post(ctx, h, d.Body)
			}
			c.delivered(d)
		}
	}
}

func (c *courier) receivers() []Webhook {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Webhook(nil), c.hooks...)
}

func (c *courier) next() (Delivery, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return Delivery{}, false
	}
	return c.queue[0], true
}

// delivered takes the first of the queue off it; the queue is idle only after its last was delivered.
func (c *courier) delivered(d Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, d)
	c.queue = c.queue[1:]
	if len(c.queue) == 0 {
		close(c.idle)
	}
}

// post sends a webhook once: whether and how the vendor repeats it is not documented.
func (c *courier) post(ctx context.Context, h Webhook, body []byte) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	if h.Header != "" {
		req.Header.Set(h.Header, h.Value)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0
	}
	// Only the status is of interest; the rest is read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (c *courier) wait(ctx context.Context) error {
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-idle:
		return nil
	}
}

func (c *courier) all() []Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Delivery(nil), c.sent...)
}

func (c *courier) close() {
	close(c.life.stopped)
	<-c.ended
	c.client.CloseIdleConnections()
}
