package reconcile_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/reconcile"
	"pgregory.net/rapid"
)

// The worlds of this file are drawn: who asks for what, who approves it or has no right to, who leaves, comes back, is
// added by hand, which group a rule begins to fill, what the vendors answer, when the process dies. Every rule is checked
// after every pass. In the end everything is well again, every hold is decided, and whoever should have access has it, and
// nobody else, as far as a second and simpler account of the same events can tell.

func TestRandomWorldsComeToWhatWasApproved(t *testing.T) {
	folder := databases(t)
	rapid.Check(t, func(rt *rapid.T) { newRandom(rt, folder).play() })
}

func TestRandomWorldsWithFaultsComeToWhatWasApproved(t *testing.T) {
	folder := databases(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRandom(rt, folder)
		r.stormy = true
		r.play()
	})
}

// random is one drawn world, its events and what is known of them.
type random struct {
	*bench
	rt     *rapid.T
	stormy bool
	model  model
	faulty bool // the vendors fail now and then
}

func newRandom(rt *rapid.T, folder string) *random {
	path := filepath.Join(folder, fmt.Sprintf("%d.db", time.Now().UnixNano()))
	r := &random{bench: newBenchAt(rt, path), rt: rt}
	r.model = newModel(r.bench)
	return r
}

// play draws events until there are enough, lets everything come to rest, and holds what is there against the model.
func (r *random) play() {
	for n := rapid.IntRange(4, 24).Draw(r.rt, "events"); n > 0; n-- {
		r.event()
		later(time.Second)(r.bench)
	}
	r.rest()
	r.model.check(r)
	if due := r.report.NextDue; !due.IsZero() && due.Before(r.v.clock.now.Add(5*time.Minute)) {
		return
	}
	before := len(r.v.writes())
	r.passed()
	if after := r.v.writes(); len(after) != before {
		r.Errorf("with nothing new a pass wrote %v", after[before:])
	}
}

// event draws one thing that happens.
func (r *random) event() {
	events := []struct {
		name   string
		weight int
		do     func()
	}{
		{"pass", 10, func() { _, _ = r.pass() }},
		{"time passes", 4, r.wait},
		{"request", 5, r.request},
		{"answer", 7, r.answer},
		{"touch a ticket", 3, r.touch},
		{"offboarding", 2, r.offboard},
		{"revocation", 2, r.revoke},
		{"by hand", 4, r.byHand},
		{"status", 3, r.status},
		{"rule", 1, r.rule},
		{"group", 1, r.group},
		{"hold", 2, r.decide},
		{"rest", 1, r.rest},
		{"fault", 2, r.fault},
		{"restart", 1, r.restarted},
	}
	var draw []int
	for i, e := range events {
		for range e.weight {
			draw = append(draw, i)
		}
	}
	e := events[rapid.SampledFrom(draw).Draw(r.rt, "event")]
	e.do()
}

// rest ends every fault, decides every hold and runs passes until nothing is left to do.
func (r *random) rest() {
	r.v.fate, r.faulty = nil, false
	for id := range r.v.okta.unreadable {
		delete(r.v.okta.unreadable, id)
	}
	r.v.okta.empty = nil
	for _, i := range r.v.jira.issues {
		i.bad, i.hidden = nil, nil
	}
	for range 10 {
		later(10 * time.Second)(r.bench)
		r.calm()
		open := r.holds(hold.Open)
		for _, h := range open {
			if r.v.clock.now.Before(h.Expires) {
				r.letThrough(h)
			}
		}
		if !r.waiting() {
			r.model.rested(r.v.clock.now)
			return
		}
		if len(open) == 0 { // a plan was refused: it is put again when the refusal has run out
			later(25 * time.Hour)(r.bench)
		}
	}
	r.Fatalf("there is always another hold: %v", r.holds(hold.Open))
}

// calm runs passes until nothing is left to do. What cannot be told to a ticket that is gone is tried for hours.
func (r *random) calm() {
	r.Helper()
	for n := range 40 {
		before := len(r.v.writes())
		crashed, err := r.pass()
		if err == nil && !crashed && r.report.Result != reconcile.Standby && len(r.v.writes()) == before && r.quiet() {
			return
		}
		later(min(time.Hour, time.Minute<<(n/4)))(r.bench)
	}
	r.Fatalf("there is always something to do; the last calls: %v", r.v.writes()[max(0, len(r.v.writes())-10):])
}

// waiting reports whether a part of the last plan waits for a person.
func (r *random) waiting() bool { return r.report.Holds > 0 }

func (r *random) someone(label string) access.UserID {
	return rapid.SampledFrom(movable()).Draw(r.rt, label)
}

// movable is everybody to whom anything may happen. Those who approve stay as they are, so that it is known who may.
func movable() []access.UserID {
	return []access.UserID{"uAda", "uBob", "uCyd", "uDan", "uEve", "uFay", "uGus", "uHal", "uGlass"}
}

func (r *random) wait() {
	later(rapid.SampledFrom([]time.Duration{
		20 * time.Second, 5 * time.Minute, time.Hour, 7 * time.Hour, 26 * time.Hour,
	}).Draw(r.rt, "time"))(r.bench)
}

func (r *random) restarted() {
	if rapid.Bool().Draw(r.rt, "another replica") {
		r.holder = map[string]string{"one": "two", "two": "one"}[r.holder]
	}
	r.restart()
}

// fault lets the vendors fail for a while.
func (r *random) fault() {
	if !r.stormy {
		return
	}
	if r.faulty = !r.faulty; !r.faulty {
		r.v.fate = nil
		return
	}
	seldom := rapid.IntRange(2, 20).Draw(r.rt, "one in")
	fates := []fate{refused, lost, answerLost, down, expired, incomplete, denied, crashBefore, crashAfter}
	chosen := rapid.SampledFrom(fates).Draw(r.rt, "fate")
	r.v.fate = func(c call) fate {
		if c.n%seldom == 0 {
			return chosen
		}
		return done
	}
}

// decide says yes or no to a hold.
func (r *random) decide() {
	for _, h := range r.holds(hold.Open) {
		switch rapid.SampledFrom([]string{"yes", "no", "later"}).Draw(r.rt, "hold") {
		case "yes":
			if r.v.clock.now.Before(h.Expires) {
				r.letThrough(h)
			}
		case "no":
			r.refuse(h)
		}
	}
}
