package jiramock

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind is how a request goes wrong, as two answers: was it applied, was it answered?
type FaultKind string

// The faults.
const (
	Refused    FaultKind = "refused"     // not applied; answered with Status (400 when 0)
	LostBefore FaultKind = "lost-before" // not applied; the connection ends without a byte, which a client sees as EOF
	LostAfter  FaultKind = "lost-after"  // applied; the connection ends without a byte
	FailBefore FaultKind = "fail-before" // not applied; answered with Status (500 when 0), such as 503
	FailAfter  FaultKind = "fail-after"  // applied; answered with Status (500 when 0)
	Throttled  FaultKind = "throttled"   // not applied; answered with 429
	Slow       FaultKind = "slow"        // applied and answered, after Delay; not applied when the client goes away first
	Truncated  FaultKind = "truncated"   // applied; half of the answer arrives
	NotJSON    FaultKind = "not-json"    // not applied; a login page with status 200
	Redirect   FaultKind = "redirect"    // not applied; sent on to Location
	LoggedOut  FaultKind = "logged-out"  // answered as to the anonymous user, whatever the credential
	// RepeatPage makes a search give the same page and the same token again and again; EmptyPage gives a page without
	// issues that still has a next one; MissingPage leaves out the issues of a page and goes on behind it.
	RepeatPage  FaultKind = "repeat-page"
	EmptyPage   FaultKind = "empty-page"
	MissingPage FaultKind = "missing-page"
)

// Fault is something that goes wrong with matching requests.
type Fault struct {
	Kind FaultKind
	// Method and Path choose the requests: Path is a part of the path. Empty is any.
	Method string
	Path   string
	// After lets so many matching requests pass first; Times is how many then fail, 1 when 0, every one when negative.
	After int
	Times int

	Status     int           // see the kinds
	Delay      time.Duration // for Slow
	RetryAfter time.Duration // for Throttled and FailBefore; no header when 0
	Reset      time.Time     // for Throttled; X-RateLimit-Reset
	Reason     string        // for Throttled; "jira-burst-based" when empty
	Location   string        // for Redirect
}

// Fail makes something go wrong from now on. Faults are tried in the order in which they were added; a request meets
// one at most.
func (s *Server) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal removes every fault.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault takes the fault that the request meets, nil for none.
func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times == 0 || f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		f.Times--
		return f
	}
	return nil
}

func (f *Fault) is(kind FaultKind) bool { return f != nil && f.Kind == kind }
func (f *Fault) loses() bool            { return f.is(LostBefore) || f.is(LostAfter) }

func (f *Fault) status(or int) int {
	if f.Status != 0 {
		return f.Status
	}
	return or
}

func (f *Fault) reason() string {
	if f.Reason != "" {
		return f.Reason
	}
	return "jira-burst-based"
}

// failEarly plays the faults that keep a request from being applied. It reports whether the request is over.
func (s *Server) failEarly(w http.ResponseWriter, c *call) bool {
	if c.fault == nil {
		return false
	}
	switch c.fault.Kind {
	case Refused:
		s.write(w, c, refusal(c.fault.status(http.StatusBadRequest), "refused by the test"))
	case LostBefore:
		s.write(w, c, reply{})
	case FailBefore:
		if c.fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(c.fault.RetryAfter.Seconds())))
		}
		s.write(w, c, refusal(c.fault.status(http.StatusInternalServerError), "failed by the test"))
	case Throttled:
		s.throttle(w, c, c.fault)
	case NotJSON:
		w.Header().Set("Content-Type", "text/html")
		s.note(c, http.StatusOK)
		if _, err := w.Write([]byte("<!DOCTYPE html><title>Log in</title>")); err != nil {
			cut()
		}
	case Redirect:
		w.Header().Set("Location", c.fault.Location)
		s.write(w, c, reply{status: http.StatusFound})
	case Slow:
		return s.delay(c)
	default:
		return false
	}
	return true
}

// delay waits, and reports whether the client went away meanwhile.
func (s *Server) delay(c *call) bool {
	timer := time.NewTimer(c.fault.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-c.Context().Done():
		s.note(c, 0)
		return true
	}
}
