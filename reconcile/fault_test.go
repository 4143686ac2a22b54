package reconcile_test

import (
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
)

// script is what goes wrong in a run of a story: the call with the number meets the fate.
type script struct {
	call    call
	fate    fate
	restart bool // after the pass in which it happened, besides a crash
}

func (s script) String() string {
	on := "go on"
	if s.restart {
		on = "restart"
	}
	return fmt.Sprintf("%s at call %d %s, %s", s.fate, s.call.n, s.call.name, on)
}

// rehearse plays the story without faults and returns its calls.
func rehearse(t *testing.T, s story) []call {
	t.Helper()
	var calls []call
	if !t.Run("rehearsal", func(t *testing.T) {
		b := newBench(t)
		play(b, s)
		calls = slices.Clone(b.v.calls)
	}) {
		t.FailNow()
	}
	return calls
}

// playWith plays the story with the script.
func playWith(t *testing.T, s story, p script) {
	b := newBench(t)
	b.restartAfter = p.restart
	b.v.fate = func(c call) fate {
		if c.n != p.call.n {
			return done
		}
		b.struck = true
		return p.fate
	}
	play(b, s)
	if !b.struck {
		t.Errorf("the story never came to call %d", p.call.n)
	}
}

func TestEveryWriteMayFailInEveryWay(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range rehearse(t, s) {
				if !c.write {
					continue
				}
				for _, f := range []fate{refused, lost, answerLost, down, crashBefore, crashAfter} {
					for _, restart := range []bool{false, true} {
						if restart && f != lost && f != answerLost {
							continue // a crash restarts anyway, and what is known needs no second look
						}
						p := script{call: c, fate: f, restart: restart}
						if drawn(s.name + p.String()) {
							t.Run(p.String(), func(t *testing.T) { playWith(t, s, p) })
						}
					}
				}
			}
		})
	}
}

// firstReads returns the first reading call of each name in each pass: the others of the pass are of the same kind.
func firstReads(calls []call) []call {
	type kind struct {
		pass int
		name string
	}
	seen := make(map[kind]bool)
	var first []call
	for _, c := range calls {
		if k := (kind{c.pass, c.name}); !c.write && !seen[k] {
			seen[k] = true
			first = append(first, c)
		}
	}
	return first
}

func TestEveryKindOfReadMayFailAndTheProcessDieBeforeIt(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range firstReads(rehearse(t, s)) {
				for _, f := range []fate{down, incomplete, crashBefore} {
					p := script{call: c, fate: f}
					if drawn(s.name + p.String()) {
						t.Run(p.String(), func(t *testing.T) { playWith(t, s, p) })
					}
				}
			}
		})
	}
}

// drawn reports whether the script is one of those that are [sampled].
func drawn(name string) bool { return crc32.ChecksumIEEE([]byte(name))%sampled == 0 }
