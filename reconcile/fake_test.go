package reconcile_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// The fakes of this package stand for the three vendors in virtual time. Every call asks one function what its fate is,
// so that a script can let any of them fail in each way that matters.

// fate is what becomes of one call.
type fate int

const (
	done        fate = iota // applied, answered
	refused                 // not applied, and told so
	lost                    // not applied, no answer
	answerLost              // applied, no answer
	down                    // not applied: the vendor does not serve
	expired                 // not applied: the credential is not accepted
	incomplete              // a list that did not reach its end
	denied                  // not applied: permission denied
	crashBefore             // the process dies before the call
	crashAfter              // the process dies after the call was applied, before its answer
	ignored                 // not applied, and answered as if it were
)

// String names the fate in test names.
func (f fate) String() string {
	return [...]string{"done", "refused", "lost", "answer lost", "down", "expired", "incomplete", "denied", "crash before", "crash after", "ignored"}[f]
}

// crash is what a dying process panics with.
type crash struct{ call string }

// clock is virtual time. It moves only when somebody sleeps or calls a vendor.
type clock struct {
	mu  sync.Mutex // between the calls of a pass, which may be several at a time
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	c.add(d)
	return nil
}

// call is one call to a vendor.
type call struct {
	name  string // such as "Add" or "Comment"
	write bool
	n     int // how many calls came before it
	pass  int // in which it was made
}

// vendors is the world outside: what it holds, and what becomes of each call.
type vendors struct {
	t     tester
	clock *clock
	// fate decides about each call; nil: done.
	fate  func(call) fate
	calls []call
	pass  int // under way

	okta *okta
	jira *jira
	ops  *pager
}

func newVendors(t tester) *vendors {
	v := &vendors{t: t, clock: &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}}
	v.okta, v.jira, v.ops = newOkta(v), newJira(v), &pager{v: v, open: make(map[string]string)}
	return v
}

// decide counts the call and asks for its fate.
func (v *vendors) decide(name string, write bool) fate {
	v.clock.add(5 * time.Millisecond)
	c := call{name: name, write: write, n: len(v.calls), pass: v.pass}
	v.calls = append(v.calls, c)
	if v.fate == nil {
		return done
	}
	return v.fate(c)
}

// read is the gate of every reading call.
func (v *vendors) read(name string) error {
	switch f := v.decide(name, false); f {
	case done, answerLost:
		return nil
	case crashBefore, crashAfter:
		panic(crash{name})
	case expired:
		return fmt.Errorf("%s: %w", name, access.ErrUnauthenticated)
	case incomplete:
		return fmt.Errorf("%s: %w", name, access.ErrIncomplete)
	case refused, denied:
		return fmt.Errorf("%s: %w", name, access.ErrDenied)
	default:
		return fmt.Errorf("%s: %w", name, access.ErrUnavailable)
	}
}

// write is the gate of every writing call. apply makes the change; its error is the vendor's refusal.
func (v *vendors) write(name string, apply func() error) error {
	switch f := v.decide(name, true); f {
	case done:
		return apply()
	case answerLost:
		if err := apply(); err != nil {
			return err
		}
		return fmt.Errorf("%s: %w", name, access.ErrUnconfirmed)
	case ignored:
		return nil
	case lost:
		return fmt.Errorf("%s: %w", name, access.ErrUnconfirmed)
	case crashBefore:
		panic(crash{name})
	case crashAfter:
		if err := apply(); err != nil {
			return err
		}
		panic(crash{name})
	case down:
		return fmt.Errorf("%s: %w", name, access.ErrUnavailable)
	case expired:
		return fmt.Errorf("%s: %w", name, access.ErrUnauthenticated)
	default:
		return fmt.Errorf("%s: %w", name, access.ErrDenied)
	}
}

// writes returns the names of the writing calls so far, in order.
func (v *vendors) writes() []string {
	var names []string
	for _, c := range v.calls {
		if c.write {
			names = append(names, c.name)
		}
	}
	return names
}
