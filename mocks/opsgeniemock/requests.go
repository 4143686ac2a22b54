package opsgeniemock

import "net/http"

// request is a write that was accepted.
type request struct {
	id, action, alias string
	polls             int // status answers "not processed" still to come
	done              bool
	processed         string
	run               func() result
	result            result
}

// result is how a write ended: the alert it was about, and why it was not done.
type result struct {
	alert   *alert
	problem string
}

// wireStatus is the state of a request.
//
// Source: docs.opsgenie.com/docs/alert-api, Get Request Status; opsgenie-oas, definition AlertRequestStatus.
type wireStatus struct {
	Success       bool   `json:"success"`
	Action        string `json:"action"`
	ProcessedAt   string `json:"processedAt"`
	IntegrationID string `json:"integrationId"`
	IsSuccess     bool   `json:"isSuccess"`
	Status        string `json:"status"`
	AlertID       string `json:"alertId"`
	Alias         string `json:"alias"`
}

// accept answers 202 and carries the write out, unless writes are held.
func (s *Server) accept(q *request) answer {
	q.id, q.polls = s.newID(), max(s.config.PendingPolls, 0)
	s.requests[q.id] = q
	if s.holding {
		s.held = append(s.held, q)
	} else {
		s.process(q)
	}
	return answer{status: http.StatusAccepted, fields: map[string]any{"result": "Request will be processed", "requestId": q.id}}
}

func (s *Server) process(q *request) {
	q.result, q.done, q.processed = q.run(), true, stamp(s.config.Now())
}

// Hold accepts writes from now on without carrying them out.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// Release carries out the writes that were held, in their order, and ends [Server.Hold].
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.held {
		s.process(q)
	}
	s.held, s.holding = nil, false
}

func (s *Server) requestStatus(id string) answer {
	q, known := s.requests[id]
	if !known || !q.done || q.polls > 0 {
		if known && q.done {
			q.polls--
		}
		a := failed(http.StatusNotFound, "Request not found. It might not be processed, yet.")
		a.header = map[string]string{"X-Opsgenie-Errortype": "RequestNotProcessed"}
		return a
	}
	w := wireStatus{Success: q.result.problem == "", IsSuccess: q.result.problem == "", Action: q.action, ProcessedAt: q.processed,
		IntegrationID: integrationID, Alias: q.alias}
	w.Status = cmpOr(q.result.problem, doneStatus(q.action))
	if q.result.alert != nil {
		w.AlertID, w.Alias = q.result.alert.ID, q.result.alert.Alias
	}
	return ok(w)
}

// doneStatus is what the vendor says of an action that was carried out.
func doneStatus(action string) string {
	if action == "Create" {
		return "Created alert"
	}
	return action + " processed"
}
