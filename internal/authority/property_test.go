package authority_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/ticket"
	"pgregory.net/rapid"
)

// names are the people of the random stories; the requester and the beneficiary are among the approvers.
var names = []string{"rita", "ben", "olga", "oscar", "sven", "sara", "guest"}

// random draws a story with up to four approval rules, and approvals by anybody, in any state and any order.
func random(t *rapid.T) *story {
	s := payments()
	name := rapid.SampledFrom(names)
	s.rules.Approvals, s.approvals = nil, nil
	for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
		rule := authority.Approval{Role: fmt.Sprintf("role-%d", i), Owners: rapid.Bool().Draw(t, "owners")}
		for range rapid.IntRange(0, 3).Draw(t, "people") {
			rule.People.Users = append(rule.People.Users, access.UserID("00u"+name.Draw(t, "may")))
		}
		s.rules.Approvals = append(s.rules.Approvals, rule)
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "approvals") {
		created := raised.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "created")) * time.Hour)
		a := ticket.Approval{
			ID: ticket.ApprovalID(fmt.Sprint(8 + i)), Created: created, Completed: created.Add(time.Hour),
			Decision: rapid.SampledFrom([]ticket.Decision{ticket.Approved, ticket.Approved, ticket.Approved, ticket.Pending, ticket.Declined, "?"}).Draw(t, "decision"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "approvers") {
			p := ticket.Approver{Person: person(name.Draw(t, "approver")), Decision: rapid.SampledFrom([]ticket.Decision{ticket.Approved, ticket.Approved, ticket.Pending}).Draw(t, "answer")}
			p.Person.Active = rapid.IntRange(0, 9).Draw(t, "active") > 0
			a.Approvers = append(a.Approvers, p)
		}
		s.approvals = append(s.approvals, a)
	}
	if rapid.Bool().Draw(t, "edited") {
		s.edit("Role", raised.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "edited after"))*time.Minute))
	}
	if rapid.Bool().Draw(t, "suspended") {
		s.user("00u" + access.UserID(name.Draw(t, "who"))).Status = access.Suspended
	}
	return s
}

// consents says, in the plainest way, whose yes counts for the rule.
func consents(s *story, rule authority.Approval) map[access.UserID]bool {
	users := make(map[access.UserID]bool)
	lastNo := -1
	order := slices.Clone(s.approvals) // IDs of one and two digits: those of one come first
	slices.SortFunc(order, func(a, b ticket.Approval) int {
		if !a.Created.Equal(b.Created) {
			return a.Created.Compare(b.Created)
		}
		return cmpInts(number(a.ID), number(b.ID))
	})
	for i, a := range order {
		if a.Decision == ticket.Declined {
			lastNo = i
		}
	}
	for _, a := range order[lastNo+1:] {
		for _, p := range a.Approvers {
			id := access.UserID("00u" + string(p.Person.Account)[2:])
			may := slices.Contains(rule.People.Users, id) || rule.Owners && (id == "00uolga" || id == "00uoscar")
			if a.Decision == ticket.Approved && p.Decision == ticket.Approved && p.Person.Active && may &&
				id != "00urita" && id != "00uben" && s.user(id).Status == access.Active && !voided(s, a) {
				users[id] = true
			}
		}
	}
	return users
}

func voided(s *story, a ticket.Approval) bool {
	since, answers := a.Completed, 0
	for _, p := range a.Approvers {
		if p.Decision != ticket.Pending {
			answers++
		}
	}
	if answers > 1 {
		since = a.Created
	}
	// No status changes in these stories, so nothing tells the order of what happened at one instant.
	return slices.ContainsFunc(s.ticket.History, func(e ticket.Edit) bool { return e.At.After(since) || answers <= 1 && e.At.Equal(since) })
}

func number(id ticket.ApprovalID) (n int) {
	for _, digit := range id {
		n = n*10 + int(digit-'0')
	}
	return n
}

func cmpInts(a, b int) int { return a - b }

// assignable tries every way of giving the rules distinct people.
func assignable(rules []map[access.UserID]bool, taken map[access.UserID]bool) bool {
	if len(rules) == 0 {
		return true
	}
	for id := range rules[0] {
		if taken[id] {
			continue
		}
		taken[id] = true
		if assignable(rules[1:], taken) {
			return true
		}
		delete(taken, id)
	}
	return false
}

func TestPropertyARequestIsProvenExactlyWhenDistinctPeopleMayAndDid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		v := s.judge()
		var rules []map[access.UserID]bool
		for _, rule := range s.rules.Approvals {
			rules = append(rules, consents(s, rule))
		}
		want := len(rules) > 0 && v.Outcome != authority.Declined && assignable(rules, map[access.UserID]bool{})
		if got := v.Outcome == authority.Proven; got != want {
			t.Fatalf("outcome %q, provable: %t; %v", v.Outcome, want, v.Problems)
		}
		if v.Outcome != authority.Proven {
			return
		}
		seen := make(map[access.UserID]bool)
		for i, p := range v.Proofs {
			if p.Role != s.rules.Approvals[i].Role || !rules[i][p.User] || seen[p.User] {
				t.Fatalf("proof %d is %+v", i, p)
			}
			seen[p.User] = true
		}
		if len(v.Proofs) != len(rules) || len(v.Problems) > 0 || len(v.WaitingFor) > 0 {
			t.Fatalf("proven with %d proofs for %d rules, problems %v, waiting for %v", len(v.Proofs), len(rules), v.Problems, v.WaitingFor)
		}
	})
}

func TestPropertyTheOrderOfTheApprovalsIsImmaterial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		v := s.judge()
		s.approvals = rapid.Permutation(s.approvals).Draw(t, "approvals")
		w := s.judge()
		if diff := cmp.Diff(v.Proofs, w.Proofs); diff != "" || v.Outcome != w.Outcome || !v.Approved.Equal(w.Approved) {
			t.Fatalf("outcome %q, then %q:\n%s", v.Outcome, w.Outcome, diff)
		}
	})
}

// However a clock is set and wherever somebody lives, a last day ends when the next one begins.
func TestPropertyALastDayEndsWithTheDay(t *testing.T) {
	zones := []string{
		"Europe/Paris", "America/Los_Angeles", "America/Santiago", "America/Havana", "Africa/Cairo", "Asia/Beirut", "Asia/Tehran",
		"America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Asuncion", "Asia/Amman",
	}
	rapid.Check(t, func(t *rapid.T) {
		s := payments()
		s.now = raised.AddDate(-60, 0, 0)
		s.rules = authority.Rules{Fields: fields, ExpiryRequired: []catalog.Risk{catalog.High}}
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s.user("00uben").Profile["timezone"] = name
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365*35).Draw(t, "day"))
		s.ticket.Fields["Access until"] = ticket.Value{Time: day, DateOnly: true}
		end := s.judge().Request.Expires
		last, next := dayOf(end.Add(-time.Second).In(zone)), dayOf(end.In(zone))
		if last.After(day) || !next.After(day) {
			t.Fatalf("%s: the last day %s ends at %v", name, day.Format(time.DateOnly), end.In(zone))
		}
	})
}

func dayOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func proven(s *story) bool { return s.judge().Outcome == authority.Proven }

// deputies gives the random story deputies, a substitute, absences and duties that are kept apart.
func deputies(t *rapid.T, s *story) {
	name := rapid.SampledFrom(names)
	user := func(label string) access.UserID { return access.UserID("00u" + name.Draw(t, label)) }
	for i := range s.rules.Approvals {
		rule := &s.rules.Approvals[i]
		for range rapid.IntRange(0, 2).Draw(t, "deputies") {
			d := authority.Deputy{For: user("for"), People: catalog.People{Users: []access.UserID{user("deputy")}}}
			if rapid.Bool().Draw(t, "dated") {
				d.From = raised.Add(time.Duration(rapid.IntRange(-2, 5).Draw(t, "from")) * time.Hour)
				d.Until = d.From.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "days")) * time.Hour)
			}
			rule.Deputies = append(rule.Deputies, d)
		}
		if rapid.Bool().Draw(t, "substitute") {
			rule.Absent = authority.Substitute{Role: "lead", People: catalog.People{Users: []access.UserID{user("substitute")}}}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "absences") {
		s.away(user("away"), raised.Add(time.Duration(rapid.IntRange(-3, 5).Draw(t, "since"))*time.Hour))
	}
	if rapid.Bool().Draw(t, "apart") {
		kept := separated()
		s.rules.Separations, s.held = kept.rules.Separations, kept.held
		if rapid.Bool().Draw(t, "exception") {
			s.rules.Separations[0].Exception = &authority.Approval{Role: "exception", People: catalog.People{Users: []access.UserID{user("lifts"), user("lifts too")}}}
		}
	}
}

func TestPropertyAFurtherYesNeverTakesAProofAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		deputies(t, s)
		before := proven(s)
		more := at(yes("90", rapid.SampledFrom(names).Draw(t, "another")), raised.Add(20*time.Hour), raised.Add(21*time.Hour))
		s.approvals = append(s.approvals, more)
		if before && !proven(s) {
			t.Fatalf("not proven any more: %q %v", s.judge().Outcome, s.judge().Problems)
		}
	})
}

// What is changed after an answer is left out here: who else answered says how early an answer may have been.
func TestPropertyOneYesFewerNeverMakesAProof(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		deputies(t, s)
		s.ticket.History = nil
		for i := range s.rules.Approvals {
			for k := range s.rules.Approvals[i].Deputies { // likewise
				s.rules.Approvals[i].Deputies[k].From, s.rules.Approvals[i].Deputies[k].Until = time.Time{}, time.Time{}
			}
		}
		for i := range s.users {
			s.users[i].StatusChanged = raised.Add(-time.Hour)
		}
		before := proven(s)
		if len(s.approvals) == 0 {
			return
		}
		i := rapid.IntRange(0, len(s.approvals)-1).Draw(t, "approval")
		if s.approvals[i].Decision != ticket.Approved || len(s.approvals[i].Approvers) == 0 {
			return
		}
		k := rapid.IntRange(0, len(s.approvals[i].Approvers)-1).Draw(t, "approver")
		s.approvals[i].Approvers[k].Decision = ticket.Pending
		if !before && proven(s) {
			t.Fatalf("proven by %+v", s.judge().Proofs)
		}
	})
}

func TestPropertyNobodyStandsForTwoRolesOrForTheRequester(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		deputies(t, s)
		v := s.judge()
		if v.Outcome != authority.Proven {
			return
		}
		seen := make(map[access.UserID]bool)
		for _, p := range v.Proofs {
			own := slices.ContainsFunc(append([]access.UserID{p.User}, p.Behalf...), func(id access.UserID) bool { return id == "00urita" || id == "00uben" })
			if seen[p.User] || own {
				t.Fatalf("proof %+v among %+v", p, v.Proofs)
			}
			seen[p.User] = true
		}
	})
}

// Whoever is suspended is never asked in vain, and never answers: an absence makes proofs only where policy passes the word
// on.
func TestPropertyAnAbsenceGivesNothingWithoutAPolicyForIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		before := proven(s)
		s.away(access.UserID("00u"+rapid.SampledFrom(names).Draw(t, "away")), raised.Add(-time.Hour))
		if !before && proven(s) {
			t.Fatalf("proven by %+v", s.judge().Proofs)
		}
	})
}

// What somebody has never makes a request provable that was not, and a rule more never does.
func TestPropertyDutiesThatAreKeptApartOnlyTakeAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		before := proven(s)
		kept := separated()
		s.rules.Separations = kept.rules.Separations
		none := proven(s)
		s.held = kept.held
		if none != before || proven(s) {
			t.Fatalf("proven %t without rules, %t with nothing held, and with a conflict %t", before, none, proven(s))
		}
	})
}
