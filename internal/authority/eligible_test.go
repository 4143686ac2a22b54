package authority_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

var (
	svenInSecOps = access.Membership{Group: "00gsecops", User: "00usven"}
	hour         = time.Hour
)

// turned is what the System Log shows of Sven and Security Operations.
func (s *story) turned(turns ...people.Turn) {
	s.past.Turns = map[access.Membership][]people.Turn{svenInSecOps: turns}
}

func turnIn(at time.Time) people.Turn { return people.Turn{At: at, In: true} }

func TestAnApproverHasToHaveBeenEligibleThen(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*story)
		problem string // empty: proven
	}{
		{"added to the group before", func(s *story) { s.turned(people.Turn{At: answered.Add(-hour), In: true}) }, ""},
		{"added to the group after", func(s *story) { s.turned(people.Turn{At: answered.Add(hour), In: true}) }, "it cannot be shown that they might give it at that time"},
		{"seen in the group only after, and the log does not say since when", func(s *story) {
			s.past.Seen = map[access.Membership]time.Time{svenInSecOps: answered.Add(hour)}
		}, "it cannot be shown that they might give it at that time"},
		{"removed from the group since", func(s *story) {
			s.members["00gsecops"] = []access.UserID{"00usara"}
			s.turned(people.Turn{At: answered.Add(hour)})
		}, ""},
		{"removed from the group since, and policy wants them to be in it still", func(s *story) {
			s.members["00gsecops"] = []access.UserID{"00usara"}
			s.turned(people.Turn{At: answered.Add(hour)})
			s.rules.Approvals[1].StillEligible = true
		}, "not one of those who may give it"},
		{"in the group then and still, where policy wants both", func(s *story) { s.rules.Approvals[1].StillEligible = true }, ""},
		{"removed before", func(s *story) {
			s.members["00gsecops"] = []access.UserID{"00usara"}
			s.turned(people.Turn{At: answered.Add(-hour)})
		}, "not one of those who may give it"},
		{"one of several answers, added between opening and completion: nobody knows when they answered", func(s *story) {
			s.approvals = []ticket.Approval{yes("1", "olga", "sven")}
			s.turned(people.Turn{At: opened.Add(hour), In: true})
		}, "it cannot be shown that they might give it at that time"},
		{"one of several answers, added before it was opened", func(s *story) {
			s.approvals = []ticket.Approval{yes("1", "olga", "sven")}
			s.turned(people.Turn{At: opened.Add(-hour), In: true})
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := payments()
			c.change(s)
			if c.problem == "" {
				expect(t, s.judge(), authority.Proven, "")
				return
			}
			expect(t, s.judge(), authority.Unproven, c.problem)
		})
	}
}

// deputised lets Guest stand in for Olga.
func deputised(from, until time.Time) *story {
	s := payments()
	s.approvals[0] = yes("1", "guest")
	s.rules.Approvals[0].Deputies = []authority.Deputy{{For: "00uolga", People: catalog.People{Users: []access.UserID{"00uguest"}}, From: from, Until: until}}
	return s
}

func TestADeputyMayAnswerInTheTermThatPolicyGives(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name        string
		from, until time.Time
		change      func(*story)
		why         string // empty: does not count
	}{
		{"within it", answered.Add(-day), answered.Add(day), nil, "deputy of 00uolga (owner of payments by name) by access-provisioning@1.0.0 until 2026-11-03"},
		{"without an end", answered.Add(-day), time.Time{}, nil, "from 2026-11-01"},
		{"without a beginning", time.Time{}, answered.Add(day), nil, "until 2026-11-03"},
		{"before it", answered.Add(1), answered.Add(day), nil, ""},
		{"at its end", answered.Add(-day), answered, nil, ""},
		{"after it", answered.Add(-2 * day), answered.Add(-day), nil, ""},
		{"without days, while the owner is suspended", time.Time{}, time.Time{}, func(s *story) { s.away("00uolga", opened) }, "while they are absent"},
		{"without days, while the owner is deactivated", time.Time{}, time.Time{}, func(s *story) {
			s.away("00uolga", opened)
			s.user("00uolga").Status = access.Deprovisioned
		}, "while they are absent"},
		{"without days, while the owner is there", time.Time{}, time.Time{}, nil, ""},
		{"without days, and the owner was suspended only after", time.Time{}, time.Time{}, func(s *story) { s.away("00uolga", answered.Add(1)) }, ""},
		{"without days, and nobody knows since when the owner is suspended", time.Time{}, time.Time{}, func(s *story) { s.away("00uolga", time.Time{}) }, ""},
		{"without days, while the owner is locked out", time.Time{}, time.Time{}, func(s *story) { s.away("00uolga", opened); s.user("00uolga").Status = "LOCKED_OUT" }, ""},
		{"without days, for somebody whom Okta does not know", time.Time{}, time.Time{}, func(s *story) {
			s.own("00ughost")
			s.rules.Approvals[0].Deputies[0].For = "00ughost"
		}, ""},
		{"for somebody who is no owner", answered.Add(-day), answered.Add(day), func(s *story) { s.rules.Approvals[0].Deputies[0].For = "00usara" }, ""},
		{"for the requester", answered.Add(-day), answered.Add(day), func(s *story) { s.own("00urita"); s.rules.Approvals[0].Deputies[0].For = "00urita" }, ""},
		{"for the beneficiary", answered.Add(-day), answered.Add(day), func(s *story) { s.own("00uben"); s.rules.Approvals[0].Deputies[0].For = "00uben" }, ""},
		{"somebody else than the deputy", answered.Add(-day), answered.Add(day), func(s *story) { s.approvals[0] = yes("1", "sara") }, ""},
		{"the deputy asked for it", answered.Add(-day), answered.Add(day), func(s *story) { s.ticket.Reporter = person("guest") }, ""},
		{"the deputy is suspended", answered.Add(-day), answered.Add(day), func(s *story) { s.away("00uguest", opened) }, ""},
		{"by a group", answered.Add(-day), answered.Add(day), func(s *story) {
			s.rules.Approvals[0].Deputies[0].People = catalog.People{Groups: []access.GroupID{"00gdeputies"}}
			s.members["00gdeputies"] = []access.UserID{"00uguest"}
		}, "deputy of 00uolga"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := deputised(c.from, c.until)
			if c.change != nil {
				c.change(s)
			}
			v := s.judge()
			if c.why == "" {
				if v.Outcome == authority.Proven {
					t.Fatalf("proven by %+v", v.Proofs)
				}
				return
			}
			expect(t, v, authority.Proven, "")
			p := v.Proofs[0]
			if p.Role != owner || p.User != "00uguest" || !strings.Contains(p.Eligible, c.why) {
				t.Errorf("proof %+v, want %q", p, c.why)
			}
			same(t, "behalf", []access.UserID{"00uolga"}, p.Behalf)
		})
	}
}

// The owner and her deputy are two people, and the word of one of them is still one approval for one role.
func TestADeputyStandsForOneRole(t *testing.T) {
	s := deputised(answered.Add(-hour), answered.Add(hour))
	s.members["00gsecops"] = append(s.members["00gsecops"], "00uguest")
	s.approvals = s.approvals[:1]
	expect(t, s.judge(), authority.Unproven, "two approvals need two people")
}

// orphaned leaves Payments without an owner who is there; Sara of Security Operations answers in their place.
func orphaned() *story {
	s := payments()
	s.approvals[0] = yes("1", "sara")
	s.rules.Approvals[0].Absent = authority.Substitute{Role: "security-lead", People: catalog.People{Users: []access.UserID{"00usara"}}}
	s.away("00uolga", opened.Add(-hour))
	s.away("00uoscar", opened.Add(-hour))
	return s
}

func TestWhenEverybodyIsAbsentThoseAnswerWhomPolicyNames(t *testing.T) {
	v := orphaned().judge()
	expect(t, v, authority.Proven, "")
	same(t, "proof", change.Proof{
		Role: owner, Approval: "1", Account: "j-sara", User: "00usara", At: answered, Behalf: []access.UserID{"00uolga", "00uoscar"},
		Eligible: "security-lead by name, as everybody who may approve as system-owner was absent, by access-provisioning@1.0.0",
	}, v.Proofs[0])
}

func TestNobodyAnswersForThoseWhoAreThere(t *testing.T) {
	for name, change := range map[string]func(*story){
		"one owner is there":                   func(s *story) { s.user("00uoscar").Status = access.Active },
		"one owner left only after":            func(s *story) { s.away("00uoscar", answered.Add(1)) },
		"one owner is not known in Okta":       func(s *story) { s.own("00ughost") },
		"the owners' group was not read":       func(s *story) { delete(s.members, "00gowners") },
		"the requester is one of the absent":   func(s *story) { s.ticket.Reporter = person("oscar") },
		"the beneficiary is one of the absent": func(s *story) { s.ticket.Fields["Access for"] = ticket.Value{Accounts: []ticket.AccountID{"j-olga"}} },
		"policy names nobody":                  func(s *story) { s.rules.Approvals[0].Absent = authority.Substitute{} },
		"policy names others":                  func(s *story) { s.rules.Approvals[0].Absent.People = catalog.People{Users: []access.UserID{"00uben"}} },
		"a deputy of an absent owner is there": func(s *story) {
			s.rules.Approvals[0].Deputies = []authority.Deputy{{For: "00uolga", People: catalog.People{Users: []access.UserID{"00uguest"}}}}
		},
		"a deputies' group was not read": func(s *story) {
			s.rules.Approvals[0].Deputies = []authority.Deputy{{For: "00uolga", People: catalog.People{Groups: []access.GroupID{"00gdeputies"}}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := orphaned()
			change(s)
			if v := s.judge(); v.Outcome == authority.Proven {
				t.Errorf("proven by %+v", v.Proofs)
			}
		})
	}
}

func TestADeputyOfSomebodyElseOrOfAnotherTimeKeepsNobodyFromAnswering(t *testing.T) {
	s := orphaned()
	guest := catalog.People{Users: []access.UserID{"00uguest"}}
	s.rules.Approvals[0].Deputies = []authority.Deputy{{For: "00usven", People: guest}, {For: "00uolga", People: guest, Until: opened}}
	expect(t, s.judge(), authority.Proven, "")
}

func TestAnOwnersGroupWithNobodyInItHasNobodyThere(t *testing.T) {
	s := orphaned()
	s.catalog.Systems[1].Owners = catalog.People{Groups: []access.GroupID{"00gowners"}}
	s.members["00gowners"] = nil
	expect(t, s.judge(), authority.Proven, "")
}

// Silence gives nothing: the ticket says that nobody is there, and whom the policy names.
func TestARequestThatNobodyCanApproveSaysSo(t *testing.T) {
	s := orphaned()
	s.approvals = []ticket.Approval{pending("1", "olga", opened)}
	v := s.judge()
	expect(t, v, authority.Waiting, "")
	if len(v.Absences) != 1 || !strings.Contains(v.Absences[0].Text, "system-owner for Payments is suspended or deactivated in Okta; by the policy, security-lead may answer") {
		t.Errorf("absences %v", v.Absences)
	}
	s.rules.Approvals[0].Absent = authority.Substitute{}
	if v = s.judge(); len(v.Absences) != 1 || !strings.Contains(v.Absences[0].Text, "the policy names nobody in their place") {
		t.Errorf("absences %v", v.Absences)
	}
	s.user("00uoscar").Status = access.Active
	if v = s.judge(); len(v.Absences) != 0 {
		t.Errorf("absences %v although an owner is there", v.Absences)
	}
}

func TestAnOffboardingThatNobodyCanApproveNamesNoSystem(t *testing.T) {
	s := payments()
	s.rules.Fields = authority.Fields{Beneficiary: "Access for"}
	s.rules.Approvals = []authority.Approval{{Role: "human-resources", People: catalog.People{Users: []access.UserID{"00uolga"}}}}
	s.approvals = nil
	s.away("00uolga", raised)
	if v := s.judge(); len(v.Absences) != 1 || !strings.HasPrefix(v.Absences[0].Text, "everybody who may approve as human-resources is suspended") {
		t.Errorf("absences %v", v.Absences)
	}
}

func TestTheGroupsOfAnApprovalAreThoseOfEverybodyWhoMayGiveIt(t *testing.T) {
	a := authority.Approval{
		People: catalog.People{Groups: []access.GroupID{"00g1"}}, Absent: authority.Substitute{People: catalog.People{Groups: []access.GroupID{"00g2"}}},
		Deputies: []authority.Deputy{{People: catalog.People{Groups: []access.GroupID{"00g3"}}}},
	}
	same(t, "groups", []access.GroupID{"00g1", "00g2", "00g3"}, a.Groups())
}
