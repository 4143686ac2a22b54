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
	return slices.ContainsFunc(s.ticket.History, func(e ticket.Edit) bool { return e.At.After(since) })
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
