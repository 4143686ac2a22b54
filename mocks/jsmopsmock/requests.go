package jsmopsmock

import "net/http"

// request is a write that was accepted.
type request struct {
	id, action, alias string
	polls             int // status answers "not found" still to come
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

// wireAccepted is the answer to a write.
//
// Source: JSM Operations API, schema SuccessResponse.
type wireAccepted struct {
	Result    string  `json:"result"`
	RequestID string  `json:"requestId"`
	Took      float64 `json:"took"`
}

// wireStatus is the state of a request: by itself in the REST API, with success beside it and inside "data" in the
// integration events.
//
// Source: JSM Operations API, schema GetRequestStatusResponse; for integration events field evidence, the Zabbix media
// type for JSM Operations.
type wireStatus struct {
	Action        string `json:"action"`
	ProcessedAt   string `json:"processedAt"`
	IntegrationID string `json:"integrationId"`
	IsSuccess     bool   `json:"isSuccess"`
	Status        string `json:"status"`
	AlertID       string `json:"alertId"`
	Alias         string `json:"alias"`
}

// accept carries the write out, unless writes are held, and answers with status that it will be.
func (s *Server) accept(status int, q *request) answer {
	q.id, q.polls = s.newID(), max(s.config.PendingPolls, 0)
	s.requests[q.id] = q
	if s.holding {
		s.held = append(s.held, q)
	} else {
		s.process(q)
	}
	return answer{status: status, body: wireAccepted{"Request will be processed", q.id, 0.195}}
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

// outcome returns the state of a request; told is false while it is queued.
func (s *Server) outcome(id string) (status wireStatus, told bool) {
	q, known := s.requests[id]
	if !known || !q.done {
		return wireStatus{}, false
	}
	if q.polls > 0 {
		q.polls--
		return wireStatus{}, false
	}
	w := wireStatus{Action: q.action, ProcessedAt: q.processed, IntegrationID: integrationID, IsSuccess: q.result.problem == "", Alias: q.alias}
	w.Status = cmpOr(q.result.problem, q.action+" processed")
	if q.result.alert != nil {
		w.AlertID, w.Alias = q.result.alert.ID, q.result.alert.Alias
	}
	return w, true
}

func (s *Server) eventStatus(r *http.Request) answer {
	w, told := s.outcome(r.PathValue("request"))
	if !told {
		return eventFailed(http.StatusNotFound, "Request not found. It might not be processed, yet.")
	}
	data := struct {
		wireStatus
		Success bool `json:"success"`
	}{w, w.IsSuccess}
	return answer{status: http.StatusOK, body: map[string]any{"data": data, "took": 0.022, "requestId": s.newID()}}
}

func (s *Server) restStatus(id string) answer {
	w, told := s.outcome(id)
	if !told {
		return restFailed(http.StatusNotFound, "Request not found")
	}
	return answer{status: http.StatusOK, body: w}
}
