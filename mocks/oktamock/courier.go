package oktamock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// hookTimeout is how long Okta waits for the receiver of an event hook.
//
// Source: Okta, Event hooks concepts, 2026-08.
const hookTimeout = 3 * time.Second

// maxHookBatch is how many events one delivery carries here at most.
const maxHookBatch = 10

// wireDelivery is the body of an event hook delivery.
type wireDelivery struct {
	EventType          string        `json:"eventType"`
	EventTypeVersion   string        `json:"eventTypeVersion"`
	CloudEventsVersion string        `json:"cloudEventsVersion"`
	Source             string        `json:"source"`
	EventID            string        `json:"eventId"`
	EventTime          string        `json:"eventTime"`
	ContentType        string        `json:"contentType"`
	Data               wireDelivered `json:"data"`
}

type wireDelivered struct {
	Events []wireEvent `json:"events"`
}

// parcel is one event for one hook.
type parcel struct {
	hook  eventHook
	event *Event
}

// courier delivers events in a goroutine of its own, so that a slow receiver holds up nobody.
type courier struct {
	server *Server
	client *http.Client
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	change  *sync.Cond // of waiting or under way
	waiting []parcel
	busy    bool
	ended   bool
	count   int
}

func newCourier(s *Server) *courier {
	ctx, cancel := context.WithCancel(context.Background())
	k := &courier{server: s, client: &http.Client{Timeout: hookTimeout}, cancel: cancel, done: make(chan struct{})}
	k.change = sync.NewCond(&k.mu)
	go k.run(ctx)
	return k
}

func (k *courier) stop() {
	k.cancel()
	k.mu.Lock()
	k.ended = true
	k.change.Broadcast()
	k.mu.Unlock()
	<-k.done
	k.client.CloseIdleConnections()
}

// announce hands an event to the hooks that want it. The caller holds the lock.
func (s *Server) announce(e *Event) {
	for _, h := range s.hookList {
		if h.active && h.verified && !h.gone && slices.Contains(h.events, e.Type) {
			s.hooks.post(parcel{*h, e})
		}
	}
}

func (k *courier) post(p parcel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = append(k.waiting, p)
	k.change.Broadcast()
}

func (k *courier) run(ctx context.Context) {
	defer close(k.done)
	for {
		batch := k.next()
		if batch == nil {
			return
		}
		k.deliver(ctx, batch)
		k.mu.Lock()
		k.busy = false
		k.change.Broadcast()
		k.mu.Unlock()
	}
}

// next waits for parcels and takes the first few that are for one hook; nil when the courier is stopped.
func (k *courier) next() []parcel {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.waiting) == 0 && !k.ended {
		k.change.Wait()
	}
	if k.ended {
		return nil
	}
	n := 1
	for n < len(k.waiting) && n < maxHookBatch && k.waiting[n].hook.id == k.waiting[0].hook.id {
		n++
	}
	batch := slices.Clone(k.waiting[:n])
	k.waiting, k.busy = k.waiting[n:], true
	return batch
}

// deliver sends a batch, and once more when the receiver timed out or answered 5xx. What is lost then is lost.
//
// Source: Okta, Event hooks concepts, 2026-08.
func (k *courier) deliver(ctx context.Context, batch []parcel) {
	k.count++
	body := k.body(batch)
	again := k.send(ctx, &batch[0].hook, body)
	every := k.server.config.RepeatHooks
	if again || (every > 0 && k.count%every == 0) {
		k.send(ctx, &batch[0].hook, body)
	}
}

func (k *courier) body(batch []parcel) []byte {
	w := wireDelivery{
		EventType: "com.okta.event_hook", EventTypeVersion: "1.0", CloudEventsVersion: "0.1",
		Source:  k.server.URL() + "/api/v1/eventHooks/" + batch[0].hook.id,
		EventID: fmt.Sprintf("%08x-0000-4000-8000-%012x", 0x7a000000, k.count), EventTime: stamp(k.server.now()), ContentType: "application/json",
	}
	for _, p := range batch {
		w.Data.Events = append(w.Data.Events, p.event.wire())
	}
	body, err := json.Marshal(w)
	if err != nil {
		panic("oktamock: a delivery does not encode: " + err.Error()) // every wire type is encoded by the tests
	}
	return body
}

// send reports whether Okta would send again.
func (k *courier) send(ctx context.Context, h *eventHook, body []byte) (again bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.uri, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	h.sign(req)
	resp, err := k.client.Do(req)
	if err != nil {
		return ctx.Err() == nil
	}
	_ = resp.Body.Close() // the answer's body is of no interest to Okta
	return resp.StatusCode >= 500
}

// sign puts on the request what the hook was registered with.
func (h *eventHook) sign(req *http.Request) {
	for _, extra := range h.headers {
		req.Header.Set(extra.Key, extra.Value)
	}
	if h.key != "" {
		req.Header.Set(h.key, h.secret)
	}
}

// errChallenge is returned when the receiver did not answer the verification.
var errChallenge = errors.New("the receiver did not return the challenge")

// verify sends the one-time verification: a GET whose challenge must come back.
func (k *courier) verify(ctx context.Context, h *eventHook) error {
	const challenge = "mock-verification-challenge-5d7"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.uri, nil)
	if err != nil {
		return fmt.Errorf("verify event hook: %w", err)
	}
	req.Header.Set("X-Okta-Verification-Challenge", challenge)
	h.sign(req)
	resp, err := k.client.Do(req)
	if err != nil {
		return fmt.Errorf("verify event hook: %w", err)
	}
	defer resp.Body.Close()
	var got struct {
		Verification string `json:"verification"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&got)
	if err != nil || resp.StatusCode != 200 || got.Verification != challenge {
		return errChallenge
	}
	return nil
}

// SetHook registers an event hook for every event type that the org tells and hooks can send, with the secret in the
// Authorization header, and verifies it.
//
// Errors: when the receiver does not answer the verification.
func (s *Server) SetHook(uri, secret string) error {
	h := &eventHook{name: "sopd", uri: uri, key: "Authorization", secret: secret, active: true, verified: true}
	if err := s.hooks.verify(context.Background(), h); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind := range s.log.messages {
		if hookEligible(kind) {
			h.events = append(h.events, kind)
		}
	}
	slices.Sort(h.events)
	h.id, h.created, h.updated = s.mint("who"), seconds(s.now()), seconds(s.now())
	s.hookList = append(s.hookList, h)
	return nil
}

// Flush lets happen what is due by now and waits until every event hook delivery has been made.
//
// Errors: ctx's.
func (s *Server) Flush(ctx context.Context) error {
	s.mu.Lock()
	s.settle()
	s.mu.Unlock()
	k := s.hooks
	stop := context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.change.Broadcast()
	})
	defer stop()
	k.mu.Lock()
	defer k.mu.Unlock()
	for (len(k.waiting) > 0 || k.busy) && !k.ended && ctx.Err() == nil {
		k.change.Wait()
	}
	return ctx.Err()
}
