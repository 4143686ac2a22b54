package reconcile_test

import (
	"testing"
	"time"
)

// TestATicketThatWasMovedOnIsNotMovedBack: the program died after Jira had moved the ticket and before it knew. The
// requester went on; the restarted program pulled the ticket back to where it had moved it.
func TestATicketThatWasMovedOnIsNotMovedBack(t *testing.T) {
	for _, f := range []fate{answerLost, crashAfter} {
		t.Run(f.String(), func(t *testing.T) {
			b := newBench(t)
			b.wikiFor("uAda", time.Time{})
			b.v.fate = func(c call) fate {
				if c.name != "Transition" || b.struck {
					return done
				}
				b.struck = true
				return f
			}
			for range 4 { // Okta shows the change after some seconds
				later(10 * time.Second)(b)
				if _, err := b.pass(); err != nil {
					t.Fatal(err)
				}
				if b.struck {
					break
				}
			}
			b.wantStatus(acc1, "Waiting for validation")
			b.v.jira.move(acc1, "Validated", "somebody")
			later(time.Minute)(b)
			b.settle()
			b.wantStatus(acc1, "Closed")
			if moves := b.v.jira.issues[acc1].moves; len(moves) != 4 {
				t.Errorf("the ticket was moved to %v", moves)
			}
		})
	}
}
