package jsmopsmock

import (
	"net/http"
	"net/http/httptest"
)

// Fault is something that goes wrong with requests, in the ways that matter: carried out or not, answered or not.
type Fault struct {
	// Match picks the requests; nil = all.
	Match func(*http.Request) bool
	// Times is how many requests it meets; 0 = 1, negative = all.
	Times int
	// Applied: the request is carried out although the answer does not say so.
	Applied bool
	// Status is answered in place of the real one; 0 = the connection is closed without an answer.
	Status int
	// Header and Body are sent with Status.
	Header http.Header
	Body   string
}

// Fail adds a fault. Of several that match, the one added first meets the request.
func (s *Server) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal removes all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// guarded lets faults meet requests before next does.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := s.meets(r)
		if f == nil {
			next.ServeHTTP(w, r)
			return
		}
		if f.Applied {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		if f.Status == 0 {
			// Closes the connection and says nothing to the log.
			panic(http.ErrAbortHandler)
		}
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body)) // a client that left does not need the answer
	})
}

// meets returns a copy of the fault that meets r, or nil.
func (s *Server) meets(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times == 0 || f.Match != nil && !f.Match(r) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		met := *f
		return &met
	}
	return nil
}
