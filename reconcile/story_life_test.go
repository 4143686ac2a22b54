package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// breaks raises an emergency ticket by somebody for themselves.
func (b *bench) breaks(by access.UserID, system, role string) ticket.Key {
	return b.v.jira.raise(ask{project: "ACC", kind: "Emergency access", by: by, about: by, system: system, role: role, status: "In use"})
}

// moves raises an approved change of role.
func (b *bench) moves(kind string, a ask) ticket.Key {
	a.project, a.kind, a.by = "ACC", kind, "uDan"
	key := b.v.jira.raise(a)
	b.v.jira.approve(key, "uOwner")
	return key
}

// undo prepares the undo of the change, and lets it through as a second person.
func (b *bench) undo(id change.ID) {
	b.Helper()
	var h hold.Hold
	b.change(func(tx *store.Tx) error {
		var err error
		h, err = reconcile.PrepareUndo(tx, b.set, id, "first")
		return err
	})
	b.letThrough(h)
}

// lastChange returns the newest change of the kind for the user.
func (b *bench) lastChange(kind change.Kind, user access.UserID) change.Change {
	b.Helper()
	var found change.Change
	for _, c := range b.changes() {
		if c.Kind == kind && c.User == user && c.State == change.Confirmed {
			found = c
		}
	}
	if found.ID == "" {
		b.Fatalf("no %s of %s", kind, user)
	}
	return found
}

func (b *bench) wantFinding(kind finding.Kind, n int) {
	b.Helper()
	if got := len(b.findings(kind)); got != n {
		b.Errorf("%d findings of %s, want %d", got, kind, n)
	}
}

// wantFact fails the test unless the fact of the ticket is on record with the severity.
func (b *bench) wantFact(key ticket.Key, name, severity string) {
	b.Helper()
	b.look(func(tx *store.Tx) error {
		facts, err := tx.Facts(string(key))
		for _, f := range facts {
			if f.Name == name && f.Severity == severity {
				return err
			}
		}
		b.Errorf("%s: no fact %s of severity %q among %+v", key, name, severity, names(facts))
		return err
	})
}

func names(facts []kpi.Fact) []string {
	var all []string
	for _, f := range facts {
		all = append(all, f.Name+" "+f.Severity)
	}
	return all
}

// lifeStories are the stories about how access ends, goes on, moves, and is given without a request.
func lifeStories() []story {
	return []story{
		{
			name: "mover by ticket: the new before the old",
			begin: func(b *bench) {
				b.moves("Role change", ask{about: "uBob", system: "Payments", role: "Admin", oldSystem: "Wiki"})
			},
			end: func(b *bench) {
				b.wantMade(added("gPayAdm", "uBob"), removed("gWiki", "uBob"))
				b.wantIn("gPay", "uBob", true)
				b.wantSaid(acc1, "The role has changed", 1)
				b.wantStatus(acc1, "Closed")
				if n := len(b.v.jira.issues[acc1].attachments); n != 1 {
					b.Errorf("%d attachments, want the evidence once", n)
				}
			},
		},
		{
			name:  "mover where both roles at once are forbidden, and all grants go",
			begin: func(b *bench) { b.wikiFor("uAda", time.Time{}) },
			then: []func(*bench){func(b *bench) {
				b.moves("Strict role change", ask{about: "uAda", system: "Payments", role: "User"})
			}},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"), added("gPay", "uAda"))
				b.wantStatus(acc2, "Closed")
			},
		},
		{
			name: "mover whose day has not come",
			begin: func(b *bench) {
				b.moves("Role change", ask{about: "uBob", system: "Payments", role: "Admin", oldSystem: "Wiki", effective: b.v.clock.now.Add(3 * time.Hour)})
			},
			then: []func(*bench){
				func(b *bench) {
					b.wantMade()
					b.wantSaid(acc1, "The role changes at", 1)
				},
				later(4 * time.Hour),
			},
			end: func(b *bench) { b.wantMade(added("gPayAdm", "uBob"), removed("gWiki", "uBob")) },
		},
		{
			name:  "birthright, and a mover seen in Okta",
			begin: func(b *bench) { b.v.okta.profile("uAda", "department", "Sales") },
			then: []func(*bench){
				func(b *bench) { b.v.okta.profile("uAda", "department", "Finance") },
				later(2 * time.Hour),
			},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"), added("gPay", "uAda"), removed("gWiki", "uAda"))
				b.wantIn("gPay", "uAda", true)
			},
		},
		{
			name:  "birthright whose attribute goes missing",
			begin: func(b *bench) { b.v.okta.profile("uAda", "department", "Sales") },
			then: []func(*bench){
				func(b *bench) { b.v.okta.profile("uAda", "department", "") },
				later(48 * time.Hour),
			},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"))
				b.wantIn("gWiki", "uAda", true)
			},
		},
		{
			name:  "birthright that comes back within its grace",
			begin: func(b *bench) { b.v.okta.profile("uAda", "department", "Sales") },
			then: []func(*bench){
				func(b *bench) { b.v.okta.profile("uAda", "department", "Legal") },
				func(b *bench) { b.v.okta.profile("uAda", "department", "Sales") },
				later(48 * time.Hour),
			},
			end: func(b *bench) { b.wantMade(added("gWiki", "uAda")) },
		},
		{
			name:  "birthright that was revoked does not come back",
			begin: func(b *bench) { b.v.okta.profile("uAda", "department", "Sales") },
			then: []func(*bench){
				func(b *bench) {
					key := b.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uDan", about: "uAda", system: "Wiki"})
					b.v.jira.approve(key, "uSec")
				},
				later(time.Hour),
			},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
				b.wantIn("gWiki", "uAda", false)
			},
		},
		{
			name:  "urgent revocation",
			begin: func(b *bench) { b.wikiFor("uAda", time.Time{}) },
			then: []func(*bench){func(b *bench) {
				massDeparture(b)
				key := b.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uDan", about: "uAda", system: "Wiki"})
				b.v.jira.issues[key].Priority = "Highest"
				b.v.jira.approve(key, "uSec")
			}},
			end: func(b *bench) {
				key := ticket.Key("ACC-2")
				b.wantIn("gWiki", "uAda", false)
				if !b.struck { // a leaver who cannot be read makes the departure smaller than the guard
					b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
				}
				b.wantFact(key, reconcile.FactRevocationRequested, reconcile.Urgent)
				b.wantFact(key, reconcile.FactRevocationRemoved, reconcile.Urgent)
			},
		},
		{
			name:  "emergency, reviewed",
			begin: func(b *bench) { b.breaks("uDan", "Payments", "User") },
			then: []func(*bench){
				func(b *bench) {
					b.wantFinding(reconcile.FindingBreakGlass, 1)
					b.v.jira.answer(acc1, ticket.Approved, "uSec")
					b.v.jira.move(acc1, "Reviewed", "acc-jsm")
				},
				later(3 * time.Hour),
			},
			end: func(b *bench) {
				b.wantMade(added("gPay", "uDan"), removed("gPay", "uDan"))
				b.wantSaid(acc1, "Emergency access is there", 1)
				b.wantSaid(acc1, "system-owner, security-operations", 1)
				b.wantSaid(acc1, "found justified", 1)
				b.wantSaid(acc1, "has ended as agreed", 1)
				b.wantStatus(acc1, "Closed")
				b.wantFact(acc1, reconcile.FactGranted, "high")
				b.wantFact(acc1, reconcile.FactReviewed, "high")
				b.wantFinding(reconcile.FindingBreakGlass, 0)
				b.wantFinding(reconcile.FindingUnreviewed, 0)
			},
		},
		{
			name:  "emergency whose review says no",
			begin: func(b *bench) { b.breaks("uDan", "Payments", "User") },
			then: []func(*bench){func(b *bench) {
				b.v.jira.answer(acc1, ticket.Declined, "uSec")
				b.v.jira.move(acc1, "Not justified", "acc-jsm")
			}},
			end: func(b *bench) {
				b.wantMade(added("gPay", "uDan"), removed("gPay", "uDan"))
				b.wantSaid(acc1, "found not to be justified", 1)
				b.wantFinding(reconcile.FindingUnreviewed, 1)
			},
		},
		{
			name:  "emergency that nobody reviews",
			begin: func(b *bench) { b.breaks("uDan", "Payments", "User") },
			then:  []func(*bench){later(3 * time.Hour), later(24 * time.Hour)},
			end: func(b *bench) {
				b.wantMade(added("gPay", "uDan"), removed("gPay", "uDan"))
				b.wantSaid(acc1, "was not reviewed by", 1)
				b.wantFinding(reconcile.FindingUnreviewed, 1)
				b.wantFinding(reconcile.FindingBreakGlass, 0)
			},
		},
		{
			name: "emergency of whoever is on call",
			begin: func(b *bench) {
				b.v.ops.onCall = []string{"acc-uEve"}
				b.breaks("uEve", "Payments", "User")
			},
			end: func(b *bench) { b.wantMade(added("gPay", "uEve")) },
		},
		{
			name:  "extension",
			begin: func(b *bench) { b.wikiFor("uAda", b.v.clock.now.Add(time.Hour)) },
			then: []func(*bench){
				func(b *bench) { b.wikiFor("uAda", b.v.clock.now.Add(100*time.Hour)) },
				later(2 * time.Hour),
			},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"))
				b.wantSaid(acc2, "This is an extension: the access of ACC-1", 1)
				b.wantIn("gWiki", "uAda", true)
			},
		},
		{
			name:  "warnings before the end",
			begin: func(b *bench) { b.wikiFor("uAda", b.v.clock.now.Add(10*24*time.Hour)) },
			then: []func(*bench){
				later(4 * 24 * time.Hour),
				func(b *bench) { b.wantSaid(acc1, "ends at", 2) }, // the first comment says so too
				later(5*24*time.Hour + 12*time.Hour), later(24 * time.Hour),
			},
			end: func(b *bench) {
				b.wantSaid(acc1, "If it is needed longer", 2)
				b.wantSaid(acc1, "has ended as agreed", 1)
				b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
			},
		},
		{
			name:  "undo of a removal",
			begin: func(b *bench) { b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan") },
			then: []func(*bench){
				func(b *bench) { b.undo(b.lastChange(change.RemoveMember, "uEve").ID) },
				func(b *bench) { b.wantIn("gPay", "uEve", true) },
				later(8 * 24 * time.Hour),
			},
			end: func(b *bench) {
				b.wantMade(removed("gPay", "uEve"), added("gPay", "uEve"), removed("gPay", "uEve"))
				if used := b.holds(hold.Used); len(used) != 1 {
					b.Errorf("%d holds used, want one", len(used))
				}
			},
		},
		{
			name:  "undo of an addition",
			begin: func(b *bench) { b.wikiFor("uAda", time.Time{}) },
			then:  []func(*bench){func(b *bench) { b.undo(b.lastChange(change.AddMember, "uAda").ID) }},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
				if used := b.holds(hold.Used); len(used) != 1 {
					b.Errorf("%d holds used, want one", len(used))
				}
			},
		},
		{
			name:  "somebody who is renamed keeps everything",
			begin: func(b *bench) { b.wikiFor("uAda", time.Time{}) },
			then: []func(*bench){func(b *bench) {
				u := b.v.okta.users["uAda"]
				u.Login, u.Email, u.Name, u.Updated = "ada.new@example.com", "ada.new@example.com", "Ada New", b.v.clock.now
				b.v.okta.users["uAda"] = u
			}, later(time.Hour)},
			end: func(b *bench) {
				b.wantMade(added("gWiki", "uAda"))
				b.wantIn("gWiki", "uAda", true)
			},
		},
	}
}

func TestAPersonWhoMayNotBreakTheGlassIsTold(t *testing.T) {
	b := newBench(t)
	b.breaks("uEve", "Payments", "User")
	b.breaks("uDan", "Wiki", "")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	b.wantSaid("ACC-1", "may not use emergency access", 1)
	b.wantSaid("ACC-2", "is not given in emergencies", 1)
}

func TestAnEmergencyWhoseRotaCannotBeReadWaitsForNamedPeopleOrTheRota(t *testing.T) {
	b := newBench(t)
	b.v.ops.rotaErr = access.ErrUnavailable
	b.breaks("uEve", "Payments", "User")
	b.breaks("uDan", "Payments", "User")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gPay", "uDan"))
	b.wantSaid("ACC-1", "cannot be read just now", 1)
	b.v.ops.rotaErr, b.v.ops.onCall = nil, []string{"acc-uEve"}
	b.settle()
	b.wantMade(added("gPay", "uDan"), added("gPay", "uEve"))
}

func TestAnEmergencyTicketIsGoodForOneEmergency(t *testing.T) {
	b := newBench(t)
	key := b.breaks("uDan", "Payments", "User")
	later(10 * time.Second)(b)
	b.settle()
	later(3 * time.Hour)(b)
	b.settle()
	b.v.jira.move(key, "In use", "acc-uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gPay", "uDan"), removed("gPay", "uDan"))
}

func TestTheRequesterCannotReviewTheirOwnEmergency(t *testing.T) {
	b := newBench(t)
	b.breaks("uDan", "Payments", "User")
	later(10 * time.Second)(b)
	b.settle()
	b.v.jira.answer("ACC-1", ticket.Approved, "uDan")
	b.v.jira.move("ACC-1", "Reviewed", "acc-jsm")
	later(25 * time.Hour)(b)
	b.settle()
	b.wantSaid("ACC-1", "found justified", 0)
	b.wantFinding(reconcile.FindingUnreviewed, 1)
}

func TestWhatMayNotBeUndoneSaysWhy(t *testing.T) {
	b := newBench(t)
	b.v.jira.approve(b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: "uBob"}), "uHR")
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.v.jira.approve(b.v.jira.raise(ask{project: "ACC", kind: "Access revocation", by: "uDan", about: "uAda", system: "Wiki"}), "uSec")
	later(10 * time.Second)(b)
	b.settle()
	refuses := func(c change.Change, why string) {
		t.Helper()
		b.change(func(tx *store.Tx) error {
			_, err := reconcile.PrepareUndo(tx, b.set, c.ID, "first")
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("undo of %s %s: %v, want %q", c.Kind, c.User, err, why)
			}
			return nil
		})
	}
	refuses(b.lastChange(change.RemoveMember, "uBob"), "not active")
	refuses(b.lastChange(change.Suspend, "uBob"), "by hand")
	refuses(b.lastChange(change.RemoveMember, "uAda"), "the revocation of ACC-3 stands (Closed)")
	refuses(b.lastChange(change.AddMember, "uAda"), "does not stand any more")
	b.breaks("uDan", "Payments", "User")
	later(10 * time.Second)(b)
	b.settle()
	later(3 * time.Hour)(b)
	b.settle()
	refuses(b.lastChange(change.RemoveMember, "uDan"), "it ended emergency access")
	b.v.okta.status("uBob", access.Active, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	refuses(b.lastChange(change.RemoveMember, "uBob"), "the offboarding of HR-1 stands")
	if n := len(b.holds()); n != 0 {
		t.Errorf("%d holds were made all the same", n)
	}
}

func TestAnUndoThatEvidenceCameToSpeakAgainstIsNotDone(t *testing.T) {
	b := newBench(t)
	b.v.okta.put(access.Membership{Group: "gPay", User: "uEve"}, true, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.undo(b.lastChange(change.RemoveMember, "uEve").ID)
	b.v.okta.status("uEve", access.Deprovisioned, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantIn("gPay", "uEve", false)
}

func TestARoleChangeWhoseOldGroupCannotBeReadStaysOpen(t *testing.T) {
	b := newBench(t)
	b.v.okta.unreadable["gWiki"] = access.ErrDenied
	b.moves("Role change", ask{about: "uBob", system: "Payments", role: "Admin", oldSystem: "Wiki"})
	later(25 * time.Hour)(b) // every group is read again after a day
	for range 4 {
		if _, err := b.pass(); err != nil {
			t.Fatal(err)
		}
		later(time.Minute)(b)
	}
	b.wantStatus(acc1, "Approved")
	delete(b.v.okta.unreadable, "gWiki")
	b.settle()
	b.wantMade(added("gPayAdm", "uBob"), removed("gWiki", "uBob"))
	b.wantStatus(acc1, "Closed")
}

func TestAnEmergencyOfALeaverGivesNothingAndWaitsForNoReview(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uHal", about: "uDan"})
	b.v.jira.approve(key, "uHR")
	b.breaks("uDan", "Payments", "User")
	later(10 * time.Second)(b)
	b.settle()
	later(25 * time.Hour)(b)
	b.settle()
	b.wantIn("gPay", "uDan", false)
	b.wantFinding(reconcile.FindingBreakGlass, 0)
	b.wantFinding(reconcile.FindingUnreviewed, 0)
}
