package reconcile_test

import (
	"testing"
	"time"
)

func TestATicketThatStillStandsAsApprovedDoesNotBringBackWhatWasRevoked(t *testing.T) {
	play(newBench(t), story{
		name:  "revival",
		begin: func(b *bench) { b.wikiFor("uAda", time.Time{}) },
		then: []func(*bench){
			func(b *bench) { b.v.jira.move(acc1, "Approved", "acc-uDan") }, // dragged back, the approval object as it was
			func(b *bench) {
				key := b.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uDan", about: "uAda", system: "Wiki"})
				b.v.jira.approve(key, "uSec")
			},
			later(time.Hour), later(time.Hour),
		},
		end: func(b *bench) {
			b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
			b.wantIn("gWiki", "uAda", false)
		},
	})
}
