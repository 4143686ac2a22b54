package jiramock

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxRetries is how often Jira tries a webhook again.
//
// Source: developer.atlassian.com/cloud/jira/platform/webhooks.
const maxRetries = 5

// answerTime is how long Jira waits for the answer to a webhook.
const answerTime = 20 * time.Second

// hook is an event to be told.
type hook struct {
	event   string
	kind    string // issue_event_type_name, empty for none
	issue   *issue
	items   []item
	comment *comment
}

// delivery is one webhook on its way.
type delivery struct {
	id   string
	body []byte
	try  int // 0 for the first
}

// hooks sends webhooks one after the other, in a goroutine of its own.
type hooks struct {
	client *http.Client

	mu     sync.Mutex
	cond   *sync.Cond
	url    string
	secret string
	lastID int
	queue  []delivery
	failed []delivery
	busy   bool
	closed bool
	done   chan struct{}
}

func newHooks() *hooks {
	h := &hooks{client: &http.Client{}, done: make(chan struct{})}
	h.cond = sync.NewCond(&h.mu)
	go h.run()
	return h
}

func (h *hooks) set(url, secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.url, h.secret = url, secret
}

// add queues a body, if somebody listens.
func (h *hooks) add(body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.url == "" || h.closed {
		return
	}
	h.lastID++
	h.queue = append(h.queue, delivery{id: fmt.Sprintf("%08d-jiramock", h.lastID), body: body})
	h.cond.Broadcast()
}

func (h *hooks) redeliver() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.failed {
		d.try++
		if d.try <= maxRetries {
			h.queue = append(h.queue, d)
		}
	}
	h.failed = nil
	h.cond.Broadcast()
}

func (h *hooks) wait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.queue) > 0 || h.busy {
		h.cond.Wait()
	}
}

func (h *hooks) close() {
	h.mu.Lock()
	h.closed = true
	h.cond.Broadcast()
	h.mu.Unlock()
	<-h.done
}

func (h *hooks) run() {
	defer close(h.done)
	for {
		h.mu.Lock()
		for len(h.queue) == 0 && !h.closed {
			h.cond.Wait()
		}
		if len(h.queue) == 0 {
			h.mu.Unlock()
			return
		}
		d := h.queue[0]
		h.queue, h.busy = h.queue[1:], true
		url, secret := h.url, h.secret
		h.mu.Unlock()

		retry := h.send(d, url, secret)

		h.mu.Lock()
		h.busy = false
		if retry {
			h.failed = append(h.failed, d)
		}
		h.cond.Broadcast()
		h.mu.Unlock()
	}
}

// send posts one webhook and reports whether Jira would try it again.
//
// Source: developer.atlassian.com/cloud/jira/platform/webhooks: the headers; retries on 408, 409, 425, 429, 5xx and
// failed connections.
func (h *hooks) send(d delivery, url, secret string) (retry bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	request.Header.Set("User-Agent", "Atlassian Webhook HTTP Client")
	request.Header.Set("X-Atlassian-Webhook-Identifier", d.id)
	request.Header.Set("X-Atlassian-Webhook-Flow", "Primary")
	if secret != "" {
		request.Header.Set("X-Hub-Signature", signature(d.body, secret))
	}
	if d.try > 0 {
		request.Header.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(d.try))
	}
	response, err := h.client.Do(request)
	if err != nil {
		return true
	}
	_, copyErr := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	closeErr := response.Body.Close()
	code := response.StatusCode
	return copyErr != nil || closeErr != nil || code >= 500 || slices.Contains([]int{408, 409, 425, 429}, code)
}

// signature is the HMAC of the raw body, with the name of the method before it.
func signature(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// tell sends a webhook about what was just done, unless it was done in the past.
//
// Source: mattermost-plugin-jira, server/testdata/webhook-*.json, for the shapes.
func (s *Server) tell(h hook, a act) {
	if !a.told {
		return
	}
	body := map[string]any{
		"timestamp": a.at.UnixMilli(), "webhookEvent": h.event,
		"issue": s.wireIssue(h.issue, shape{version: "2", fields: []string{"*all"}}),
	}
	if h.comment != nil {
		body["comment"] = s.wireComment(h.issue, h.comment, "2")
		body["issue"] = s.wireIssue(h.issue, shape{version: "2", fields: []string{
			"summary", "issuetype", "project", "assignee", "priority", "status",
		}})
	} else {
		body["user"] = s.wireUser(a.by)
	}
	if h.kind != "" {
		body["issue_event_type_name"] = h.kind
	}
	if h.items != nil {
		body["changelog"] = map[string]any{"id": strconv.Itoa(s.lastID), "items": hookItems(h.items)}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return // a corrupted field holds what is not JSON
	}
	s.hooks.add(raw)
}

// hookItems shows history items as webhooks do: with null for what is empty.
func hookItems(items []item) []any {
	out := []any{}
	for _, it := range items {
		out = append(out, map[string]any{
			"field": it.field, "fieldtype": it.fieldType, "fieldId": it.fieldID, "from": orNull(it.from),
			"fromString": orNull(it.fromText), "to": orNull(it.to), "toString": orNull(it.toText),
		})
	}
	return out
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
