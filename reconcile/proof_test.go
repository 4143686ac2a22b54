package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// apartYAML keeps the wiki apart from payments, and lets Dan lift that for a request.
const apartYAML = `
apiVersion: sopd/v1
kind: SeparationOfDuties
rules:
  - name: pay-or-write
    reason: who pays writes nothing
    sides: [[{system: payments, role: User}], [{system: wiki, role: User}]]
    exemptions:
      - {user: uBob, reason: small team, approved: board, until: 2027-12-31}
      - {user: uCyd, reason: small team, approved: board, until: 2026-11-24}
    exception: {role: exception, users: [uDan]}
`

// plainYAML is a procedure for a project that is no service desk.
func plainYAML() string {
	return sopYAML("AccessProvisioning", "plain-access", `
tickets:
  projects: [OPS]
  statuses: {waiting: [Waiting for approval], fulfil: [Approved], validate: Waiting for validation, validated: [Validated], close: Closed}
  fields: {beneficiary: Access for, system: System, role: Role, justification: Business justification, expires: Access until}
approvals:
  - {role: system-owner, owners: true}
proof: transition
transitions: [{from: [Waiting for approval], to: [Approved]}]
`)
}

// pays asks for payments and has it approved by both who have to.
func (b *bench) pays(user access.UserID, more ...access.UserID) ticket.Key {
	key := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uHR", about: user, system: "Payments", role: "User"})
	b.v.jira.approve(key, append([]access.UserID{"uOwner", "uSec"}, more...)...)
	return key
}

func TestAnApproverWhoCameToTheGroupAfterDoesNotCountHoweverLateTheLogIs(t *testing.T) {
	b := newBench(t)
	b.settle()
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.approve(key, "uFay")
	later(2900 * time.Millisecond)(b)
	b.v.okta.put(access.Membership{Group: "gOwners", User: "uFay"}, true, "uDan")
	for range 20 { // the group shows her after a second, the log after two
		later(300 * time.Millisecond)(b)
		b.passed()
	}
	b.settle()
	b.wantMade()
	b.wantSaid(key, "uFay does not count as system-owner", 2) // not one of those first, then not at that time
	again := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.approve(again, "uFay")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
}

// While sopd stood still somebody joined the owners, and approved later. The log tells in which order.
func TestAnApproverWhoCameToTheGroupBeforeCountsThoughSeenOnlyAfter(t *testing.T) {
	b := newBench(t)
	b.settle()
	b.v.okta.put(access.Membership{Group: "gOwners", User: "uFay"}, true, "uDan")
	later(time.Minute)(b)
	b.v.jira.approve(b.v.jira.raise(asks("Wiki", "", time.Time{})), "uFay")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
}

func TestAnApproverWhoHasLeftTheGroupSinceCounted(t *testing.T) {
	b := newBench(t)
	b.settle()
	later(time.Minute)(b)
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.approve(key, "uOwner")
	later(time.Second)(b)
	b.v.okta.put(access.Membership{Group: "gOwners", User: "uOwner"}, false, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
}

func TestDutiesThatAreKeptApartDoNotComeTogether(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	wiki, pay := b.wikiFor("uSec", time.Time{}), b.pays("uDan") // both hold the other side since before
	other := b.pays("uAda")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gPay", "uAda"))
	b.wantSaid(wiki, "the rule pay-or-write keeps wiki/User apart from payments/User (by being in the group pay-users): who pays writes nothing", 1)
	b.wantSaid(pay, "the rule pay-or-write keeps payments/User apart from wiki/User", 1)
	b.wantStatus(other, "Waiting for validation")
	if n := b.records(ledger.RequestRefused); n != 2 {
		b.Errorf("%d refusals on record, want 2", n)
	}
}

func TestOfTwoRequestsThatConflictTheEarlierApprovedStands(t *testing.T) {
	for name, apart := range map[string]time.Duration{"approved one after the other": time.Second, "approved in the same instant": 0} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.under(apartYAML)
			first := b.wikiFor("uAda", time.Time{})
			later(apart)(b)
			second := b.pays("uAda")
			later(10 * time.Second)(b)
			b.settle()
			b.wantMade(added("gWiki", "uAda"))
			b.wantStatus(first, "Waiting for validation")
			b.wantStatus(second, "Approved")
			if said := b.v.jira.said(second, "(by "+string(first)); said == 0 {
				b.Errorf("the later is not told of the earlier: %+v", b.v.jira.issues[second].comments)
			}
		})
	}
}

// The later approved was seen first and has its access already: then it stands, and the other is told.
func TestARequestThatIsSeenLateDoesNotTakeBackWhatWasGiven(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	early := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uHR", about: "uAda", system: "Wiki"})
	b.v.jira.answer(early, ticket.Approved, "uOwner") // it is moved on later
	later(time.Minute)(b)
	b.pays("uAda")
	later(10 * time.Second)(b)
	b.settle()
	b.v.jira.move(early, "Approved", "acc-jsm")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gPay", "uAda"))
	b.wantSaid(early, "keeps wiki/User apart from payments/User", 1)
}

func TestAnExceptionLiftsTheRuleForOneRequest(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	key := b.pays("uEve", "uDan")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gPay", "uEve"))
	b.wantStatus(key, "Waiting for validation")
	if n := len(b.findings(reconcile.FindingConflict)); n != 0 {
		b.Errorf("%d findings about what was allowed", n)
	}
}

func TestDutiesThatStandTogetherAlreadyAreAFindingAndStay(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	b.settle()
	if n := len(b.findings(reconcile.FindingConflict)); n != 0 {
		b.Errorf("%d findings while both are exempt", n)
	}
	later(48 * time.Hour)(b)
	b.settle()
	found := b.findings(reconcile.FindingConflict)
	if len(found) != 1 || found[0].User != "uCyd" || found[0].Detail["rule"] != "pay-or-write" {
		t.Fatalf("findings %+v, want uCyd's, whose exemption has ended", found)
	}
	b.wantMade()
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uCyd"}, false, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	if n := len(b.findings(reconcile.FindingConflict)); n != 0 {
		b.Errorf("%d findings after somebody has decided", n)
	}
}

func TestNothingIsGivenOrSaidWhileTheOtherSideCannotBeRead(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	b.v.okta.unreadable["gPay"] = access.ErrDenied
	key := b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	if said := b.v.jira.issues[key].comments; len(said) != 0 {
		b.Errorf("the ticket was told: %+v", said)
	}
	delete(b.v.okta.unreadable, "gPay")
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
}

func TestAGroupThatIsGoneKeepsNothingApart(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	delete(b.v.okta.groups, "gPay")
	b.wikiFor("uAda", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
}

func TestAnOwnersTransitionCountsWherePolicySaysSo(t *testing.T) {
	b := newBench(t)
	b.under(plainYAML())
	raise := func() ticket.Key {
		key := b.v.jira.raise(ask{project: "OPS", by: "uDan", about: "uAda", system: "Wiki"})
		b.v.jira.issues[key].hidden = access.ErrNotFound // no request of a service desk
		for _, id := range []access.UserID{"uOwner", "uEve"} {
			b.v.jira.issues[key].People[person(id).Account] = person(id)
		}
		return key
	}
	wrong, right := raise(), raise()
	later(time.Minute)(b)
	b.v.jira.move(wrong, "Approved", "acc-uEve")
	b.v.jira.move(right, "Approved", "acc-uOwner")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	b.wantSaid(wrong, "the transition by acc-uEve does not count as system-owner", 1)
	b.wantStatus(right, "Waiting for validation")
	if n := len(b.findings(reconcile.FindingUnreadable)); n != 0 {
		b.Errorf("%d tickets count as unreadable", n)
	}
}

// In a service desk the same answer means that the approvals cannot be seen, also where transitions count besides.
func TestARequestWhoseApprovalsAreNotFoundIsUnreadable(t *testing.T) {
	for _, project := range []string{"ACC", "OPS"} {
		t.Run(project, func(t *testing.T) {
			b := newBench(t)
			b.under(plainYAML())
			key := b.v.jira.raise(ask{project: project, kind: "Access request", by: "uDan", about: "uAda", system: "Wiki"})
			b.v.jira.issues[key].People[person("uOwner").Account] = person("uOwner")
			b.v.jira.issues[key].hidden = access.ErrNotFound
			b.v.jira.move(key, "Approved", "acc-uOwner")
			later(10 * time.Second)(b)
			b.settle()
			b.wantMade()
			if n := len(b.findings(reconcile.FindingUnreadable)); n != 1 {
				b.Errorf("%d findings, want 1", n)
			}
		})
	}
}

func TestATicketThatWaitsForAbsentPeopleSaysSoOnce(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.okta.status("uOwner", access.Suspended, "uDan")
	later(time.Minute)(b)
	b.settle()
	later(time.Hour)(b)
	b.settle()
	b.wantMade()
	b.wantSaid(key, "everybody who may approve as system-owner for Wiki is suspended or deactivated in Okta, and the policy names nobody", 1)
	b.wantStatus(key, "Waiting for approval")
}

func TestATicketThatWasDraggedPastAbsentPeopleSaysBoth(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.okta.status("uOwner", access.Suspended, "uDan")
	later(time.Minute)(b)
	b.v.jira.move(key, "Approved", "acc-uAda")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	b.wantSaid(key, "its approval has not been given", 1)
	b.wantSaid(key, "everybody who may approve as system-owner for Wiki", 1)
}

func TestTwoPeopleWithOneAccountAreNotGuessedAtAndHoldUpNobody(t *testing.T) {
	b := newBench(t)
	twin := b.v.okta.users["uAda"]
	twin.ID = "uTwin"
	b.v.okta.users["uTwin"] = twin
	key, other := b.wikiFor("uAda", time.Time{}), b.wikiFor("uHR", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uHR"))
	b.wantSaid(key, "more than one matching Okta user; an administrator has to map this account", 1)
	b.wantStatus(other, "Waiting for validation")
	delete(b.v.okta.users, "uTwin")
	b.change(forgetUser)
	b.v.jira.touch(key)
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gWiki", "uHR"), added("gWiki", "uAda"))
}

func TestAnApproverWhoCannotBeResolvedGivesNothing(t *testing.T) {
	b := newBench(t)
	key := b.v.jira.raise(asks("Wiki", "", time.Time{}))
	b.v.jira.approve(key, "uStranger")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	b.wantSaid(key, "the approver cannot be matched with an Okta user", 1)
}

func TestAUserWhoIsRenamedKeepsAndLosesNothingByIt(t *testing.T) {
	b := newBench(t)
	b.wikiFor("uAda", b.v.clock.now.Add(2*time.Hour))
	later(10 * time.Second)(b)
	b.settle()
	u := b.v.okta.users["uAda"]
	u.Login, u.Email, u.Name, u.Updated = "ada.lace@example.com", "ada.lace@example.com", "Ada Lace", b.v.clock.now
	b.v.okta.users["uAda"] = u
	later(time.Minute)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	later(3 * time.Hour)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"), removed("gWiki", "uAda"))
}

func TestARequestForAGroupThatIsGoneIsToldSo(t *testing.T) {
	b := newBench(t)
	delete(b.v.okta.groups, "gWiki")
	key := b.wikiFor("uAda", time.Time{})
	other := b.pays("uHR")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(added("gPay", "uHR"))
	b.wantStatus(other, "Waiting for validation")
	b.wantStatus(key, "Approved")
	b.wantSaid(key, "sopd cannot give all of the access", 1)
	b.wantSaid(key, "does not exist, or could not be read completely", 1)
}

func TestATicketThatIsDeletedTakesNothingAndSaysThatItIsGone(t *testing.T) {
	b := newBench(t)
	key := b.wikiFor("uAda", time.Time{})
	waits := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uDan", about: "uHR", system: "Wiki"})
	later(10 * time.Second)(b)
	b.settle()
	delete(b.v.jira.issues, key)
	delete(b.v.jira.issues, waits)
	later(25 * time.Hour)(b) // no webhook says it
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	b.wantIn("gWiki", "uAda", true)
	found := b.findings(reconcile.FindingOrphaned)
	if len(found) != 1 || found[0].User != "uAda" || found[0].Ticket != key || !strings.Contains(found[0].Title, "was deleted") {
		t.Errorf("findings %+v", found)
	}
}

func TestTicketsThatWentUnreadAreLookedForOnceInAWhile(t *testing.T) {
	b := newBench(t)
	first, second := b.wikiFor("uAda", time.Time{}), b.wikiFor("uHR", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	later(time.Hour)(b)
	lost := func(key ticket.Key) { // the ticket is deleted, and went unread for long
		delete(b.v.jira.issues, key)
		b.change(func(tx *store.Tx) error {
			known, _, _, err := tx.Ticket(key)
			if err != nil {
				return err
			}
			return tx.PutTicket(known, b.v.clock.now.Add(-25*time.Hour))
		})
	}
	orphans := func(after time.Duration) int {
		later(after)(b)
		b.settle()
		return len(b.findings(reconcile.FindingOrphaned))
	}
	lost(first)
	atOnce := orphans(time.Minute)
	lost(second)
	if soon, then := orphans(time.Minute), orphans(10*time.Minute); atOnce != 1 || soon != 1 || then != 2 {
		t.Errorf("%d, %d and %d tickets were found to be gone, want 1 at once, the other not within a minute but within ten", atOnce, soon, then)
	}
}

// Somebody was to leave next week. Whether they still do is not for a missing ticket to say, and somebody has to ask.
func TestAnOffboardingWhoseTicketIsDeletedTakesNothingAndIsPointedOut(t *testing.T) {
	b := newBench(t)
	leaves := func(user access.UserID, when time.Time) ticket.Key {
		key := b.v.jira.raise(ask{project: "HR", kind: "Offboarding", by: "uDan", about: user, effective: when})
		b.v.jira.approve(key, "uHR")
		return key
	}
	week := b.v.clock.now.Add(7 * 24 * time.Hour)
	key, other, nobody := leaves("uBob", week), leaves("uCyd", week), leaves("uEve", week)
	b.v.jira.issues[nobody].approvals = nil // it was never approved
	later(10 * time.Second)(b)
	b.settle()
	delete(b.v.jira.issues, key)
	delete(b.v.jira.issues, nobody)
	later(25 * time.Hour)(b)
	b.settle()
	found := b.findings(reconcile.FindingOrphaned)
	if len(found) != 1 || found[0].User != "uBob" || found[0].Ticket != key {
		t.Fatalf("findings %+v, want one about uBob", found)
	}
	later(7 * 24 * time.Hour)(b)
	b.settle()
	b.wantIn("gPay", "uBob", true)
	b.wantIn("gPay", "uCyd", false)
	b.wantStatus(other, "Closed")
	b.v.okta.put(access.Membership{Group: "gPay", User: "uBob"}, false, "uDan") // somebody sees to it by hand
	b.v.okta.put(access.Membership{Group: "gWiki", User: "uBob"}, false, "uDan")
	b.v.okta.put(access.Membership{Group: "gPortal", User: "uBob"}, false, "uDan")
	later(10 * time.Second)(b)
	b.settle()
	if n := len(b.findings(reconcile.FindingOrphaned)); n != 0 {
		b.Errorf("%d findings although nothing is left to take", n)
	}
}

func TestATicketThatMovesAwayGivesNothingMoreAndTakesNothing(t *testing.T) {
	b := newBench(t)
	given := b.wikiFor("uAda", time.Time{})
	waits := b.v.jira.raise(ask{project: "ACC", kind: "Access request", by: "uDan", about: "uHR", system: "Wiki"})
	later(10 * time.Second)(b)
	b.settle()
	b.v.jira.rehome(given, "HR")
	gone := b.v.jira.rehome(waits, "OPS")
	b.v.jira.approve(gone, "uOwner")
	later(25 * time.Hour)(b)
	b.settle()
	b.wantMade(added("gWiki", "uAda"))
	b.wantSaid(gone, "has moved to where sopd does not act on it", 1)
	found := b.findings(reconcile.FindingOrphaned)
	if len(found) != 1 || found[0].User != "uAda" || !strings.Contains(found[0].Title, "has moved out of the procedure") {
		t.Errorf("findings %+v", found)
	}
}

// A webhook names a ticket by the key that it has now.
func TestAWebhookTellsAtOnceThatATicketHasMovedOrIsDeleted(t *testing.T) {
	b := newBench(t)
	moves, goes := b.wikiFor("uAda", time.Time{}), b.wikiFor("uHR", time.Time{})
	later(10 * time.Second)(b)
	b.settle()
	ids := map[ticket.Key]ticket.ID{moves: b.v.jira.issues[moves].ID, goes: b.v.jira.issues[goes].ID}
	moved := b.v.jira.rehome(moves, "XYZ")
	delete(b.v.jira.issues, goes)
	for kind, hint := range map[string][2]string{
		"jira:issue_updated": {string(moved), string(ids[moves])}, "jira:issue_deleted": {string(goes), string(ids[goes])},
		"jira:issue_created": {"XYZ-999", "99999"}, // nothing of ours
	} {
		body := `{"webhookEvent":"` + kind + `","issue":{"id":"` + hint[1] + `","key":"` + hint[0] + `"}}`
		b.change(func(tx *store.Tx) error {
			_, err := tx.PutDelivery(store.Delivery{Source: "jira", ID: kind, Received: b.v.clock.now, Body: []byte(body)})
			return err
		})
	}
	before := len(b.v.calls)
	b.passed()
	read := 0
	for _, c := range b.v.calls[before:] {
		if c.name == "Ticket" {
			read++
		}
	}
	if n := len(b.findings(reconcile.FindingOrphaned)); n != 2 || read != 2 {
		b.Errorf("%d findings after reading %d tickets, want 2 after 2", n, read)
	}
	b.wantMade(added("gWiki", "uAda"), added("gWiki", "uHR"))
	back := b.v.jira.rehome(moved, "ACC") // it comes back where it belongs
	b.v.jira.issues[back].RequestType = "Access request"
	later(10 * time.Second)(b)
	b.settle()
	if n := len(b.findings(reconcile.FindingOrphaned)); n != 1 {
		b.Errorf("%d findings after one ticket has come back, want 1", n)
	}
}

// Between the approval and the pass the ticket goes where the same procedure holds: what was approved there was another
// ticket to those who approved it.
func TestATicketThatMovesWithinAProcedureHasToBeApprovedAgain(t *testing.T) {
	b := newBench(t)
	b.under(plainYAML())
	key := b.wikiFor("uAda", time.Time{})
	later(time.Second)(b)
	moved := b.v.jira.rehome(key, "OPS")
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	b.wantSaid(moved, `"project" was changed after the approval`, 1)
}

// forgetUser takes the second account out of the mirror, as a full read of the users would.
func forgetUser(tx *store.Tx) error {
	return tx.PutUsers([]access.User{{ID: "uTwin", Status: access.Deprovisioned}})
}

// A role change replaces what it conflicts with: then the old role goes before the new is given, whatever its policy says of
// overlaps.
func TestARoleChangeBetweenDutiesThatAreKeptApartTakesTheOldFirst(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	key := b.moves("Role change", ask{about: "uEve", system: "Payments", role: "User", oldSystem: "Wiki"})
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade(removed("gWiki", "uEve"), added("gPay", "uEve"))
	b.wantStatus(key, "Closed")
	var order []string
	for _, e := range b.v.okta.log {
		if e.Actor.ID == string(self) {
			order = append(order, e.Type+" "+string(e.Groups[0]))
		}
	}
	if len(order) != 2 || order[0] != "group.user_membership.remove gWiki" {
		b.Errorf("made in the order %q", order)
	}
}

func TestARoleChangeIntoADutyThatIsKeptApartFromAnotherIsRefused(t *testing.T) {
	b := newBench(t)
	b.under(apartYAML)
	key := b.moves("Role change", ask{about: "uFay", system: "Payments", role: "User", oldSystem: "Archive"})
	later(10 * time.Second)(b)
	b.settle()
	b.wantMade()
	b.wantSaid(key, "the rule pay-or-write keeps payments/User apart from wiki/User", 1)
}
