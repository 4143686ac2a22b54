package reconcile_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// story is something that happens, and what has to have become of it in the end, whatever failed on the way.
type story struct {
	name string
	// begin happens before the first pass.
	begin func(*bench)
	// then happens, one after the other, each after everything before has settled.
	then []func(*bench)
	// end is what must be so in the end.
	end func(*bench)
}

// keys of the tickets, in the order in which the stories raise them.
const (
	acc1 ticket.Key = "ACC-1"
	acc2 ticket.Key = "ACC-2"
	hr1  ticket.Key = "HR-1"
)

func asks(system, role string, until time.Time) ask {
	return ask{project: "ACC", kind: "Access request", by: "uAda", about: "uAda", system: system, role: role, until: until}
}

func later(d time.Duration) func(*bench) {
	return func(b *bench) { b.v.clock.now = b.v.clock.now.Add(d) }
}

func (b *bench) wikiFor(user access.UserID, until time.Time) ticket.Key {
	key := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uDan", about: user, system: "Wiki", until: until})
	b.v.jira.approve(key, "uOwner")
	return key
}

func stories() []story {
	return append([]story{
		{
			name: "grant",
			begin: func(b *bench) {
				b.v.jira.approve(b.v.jira.raise(asks("Payments", "Admin", time.Time{})), "uOwner", "uSec")
			},
			then: []func(*bench){func(b *bench) { b.v.jira.move(acc1, "Validated", "acc-uAda") }},
			end: func(b *bench) {
				b.wantMade(added("gPay", "uAda"), added("gPayAdm", "uAda"))
				b.wantSaid(acc1, "The access is there", 1)
				b.wantStatus(acc1, "Closed")
				if n := len(b.v.jira.issues[acc1].attachments); n != 1 {
					b.Errorf("%d attachments, want the evidence once", n)
				}
			},
		},
		{
			name: "leaver by ticket",
			begin: func(b *bench) {
				key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob"})
				b.v.jira.approve(key, "uHR")
			},
			end: func(b *bench) {
				b.wantMade(removed("gPay", "uBob"), removed("gWiki", "uBob"), signedOut("uBob"), stopped("uBob"))
				b.wantSaid(hr1, "All access that sopd manages is gone", 1)
				b.wantSaid(hr1, "portal-users", 1)
				b.wantStatus(hr1, "Closed")
			},
		},
		{
			name: "leaver who is deactivated by policy",
			begin: func(b *bench) {
				for i := range b.set.SOPs {
					b.set.SOPs[i].Suspend, b.set.SOPs[i].Deactivate = false, b.set.SOPs[i].Name == "de-provisioning"
				}
				b.v.jira.approve(b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob"}), "uHR")
			},
			end: func(b *bench) {
				made := []string{removed("gPay", "uBob"), removed("gWiki", "uBob"), "user.lifecycle.deactivate uBob"}
				if b.v.okta.made[signedOut("uBob")] > 0 || !b.struck { // a deactivated account has no sessions that would have to be ended again
					made = append(made, signedOut("uBob"))
				}
				b.wantMade(made...)
				b.wantSaid(hr1, "All access that sopd manages is gone", 1)
				b.wantStatus(hr1, "Closed")
			},
		},
		{
			name:  "leaver by deactivation in Okta",
			begin: func(b *bench) { b.v.okta.status("uCyd", access.Deprovisioned, "uDan") },
			end:   func(b *bench) { b.wantMade(removed("gPay", "uCyd"), removed("gWiki", "uCyd")) },
		},
		{
			name:  "expiry",
			begin: func(b *bench) { b.wikiFor("uAda", b.v.clock.now.Add(30*time.Minute)) },
			then:  []func(*bench){later(time.Hour)},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
				b.wantSaid(acc1, "The access is there", 1)
				b.wantSaid(acc1, "has ended as agreed", 1)
			},
		},
		{
			name:  "revocation",
			begin: func(b *bench) { b.wikiFor("uAda", time.Time{}) },
			then: []func(*bench){func(b *bench) {
				key := b.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uDan", about: "uAda", system: "Wiki"})
				b.v.jira.approve(key, "uSec")
			}},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
				b.wantSaid(acc2, "is gone", 1)
				b.wantStatus(acc2, "Closed")
			},
		},
		{
			name:  "drift in a group that is enforced",
			begin: func(b *bench) { b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan") },
			end:   func(b *bench) { b.wantMade(removed("gPay", "uEve")) },
		},
		{
			name: "drift where policy does not enforce",
			begin: func(b *bench) {
				b.v.okta.put(access.Membership{Group: "gWiki", User: "uAda"}, true, "uDan")
				b.v.okta.put(access.Membership{Group: "gArchive", User: "uAda"}, true, "uDan")
			},
			end: func(b *bench) {
				b.wantMade()
				if n := len(b.findings(reconcile.FindingDrift)); n != 2 {
					b.Errorf("%d findings of drift, want 2", n)
				}
				if len(b.v.ops.open) != 2 {
					b.Errorf("%d alerts are open, want 2", len(b.v.ops.open))
				}
			},
		},
		{
			name: "incomplete ticket",
			begin: func(b *bench) {
				key := b.v.jira.raise(asks("Payments", "", time.Time{}))
				b.v.jira.edit(key, "Business justification", ticket.Value{Texts: []string{"pls"}})
			},
			end: func(b *bench) {
				b.wantMade()
				b.wantSaid(acc1, "cannot be judged yet", 1)
				b.wantStatus(acc1, "Waiting for approval")
			},
		},
		{
			name:  "dragged ticket",
			begin: func(b *bench) { b.v.jira.move(b.v.jira.raise(asks("Wiki", "", time.Time{})), "Approved", "acc-uAda") },
			end: func(b *bench) {
				b.wantMade()
				b.wantSaid(acc1, "has not been given", 1)
				b.wantStatus(acc1, "Approved")
			},
		},
		{
			name: "edited after approval",
			begin: func(b *bench) {
				key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
				b.v.jira.approve(key, "uOwner")
				b.v.clock.now = b.v.clock.now.Add(time.Minute)
				b.v.jira.edit(key, "System", ticket.Value{Texts: []string{"Payments"}})
			},
			end: func(b *bench) {
				b.wantMade()
				b.wantStatus(acc1, "Approved")
				if n := len(b.v.jira.issues[acc1].comments); n == 0 {
					b.Error("nothing was said on the ticket")
				}
			},
		},
		{
			name: "overlap",
			begin: func(b *bench) {
				b.wikiFor("uAda", b.v.clock.now.Add(30*time.Minute))
				b.wikiFor("uAda", time.Time{})
			},
			then: []func(*bench){later(time.Hour)},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"))
				b.wantIn("gWiki", "uAda", true)
				b.wantStatus(acc1, "Waiting for validation")
				b.wantStatus(acc2, "Waiting for validation")
			},
		},
		{
			name:  "mass departure, held and let through",
			begin: massDeparture,
			then: []func(*bench){func(b *bench) {
				for _, h := range b.holds(hold.Open) {
					b.letThrough(h)
				}
			}},
			end: func(b *bench) {
				if b.struck { // what was left is another plan, which waits for another word
					return
				}
				b.wantMade(removed("gWiki", "uDan"), removed("gWiki", "uEve"), removed("gWiki", "uFay"), removed("gWiki", "uGus"),
					removed("gWiki", "uHal"))
			},
		},
		containment(),
		accessReview(),
		reportSent(),
		{
			name: "duties that are kept apart, one of two requests lifted",
			begin: func(b *bench) {
				b.under(apartYAML)
				b.pays("uEve")
				b.pays("uFay", "uDan")
			},
			end: func(b *bench) {
				b.wantMade(added("gPay", "uFay"))
				b.wantSaid(acc1, "the rule pay-or-write keeps payments/User apart from wiki/User", 1)
				b.wantStatus(acc1, "Approved")
				b.wantStatus(acc2, "Waiting for validation")
			},
		},
		{
			name:  "request for a group that a rule feeds",
			begin: func(b *bench) { b.v.jira.approve(b.v.jira.raise(asks("Portal", "", time.Time{})), "uOwner") },
			end: func(b *bench) {
				b.wantMade()
				if n := len(b.findings(reconcile.FindingSkipped)); n != 1 {
					b.Errorf("%d findings of skipped changes, want 1", n)
				}
			},
		},
	}, lifeStories()...)
}

func play(b *bench, s story) {
	b.Helper()
	s.begin(b)
	later(10 * time.Second)(b)
	b.settle()
	for _, step := range s.then {
		step(b)
		later(10 * time.Second)(b)
		b.settle()
	}
	s.end(b)
}

func TestEachStoryReachesItsEnd(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) { play(newBench(t), s) })
	}
}
