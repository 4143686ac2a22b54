package authority_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// separated is the story in an organisation where clerks of Payments do not work with customers. Ben asks for the clerk's
// role and is a clerk of Customers already.
func separated() *story {
	s := payments()
	s.rules.Separations = []authority.Separation{{
		Name: "pay-and-sell", Reason: "who pays does not sell",
		Sides: [][]authority.Duty{{{System: "payments", Role: "Clerk"}}, {{System: "crm", Role: "Clerk"}}},
	}}
	s.held = map[access.UserID][]authority.Holding{"00uben": {{Group: "00gcrm", Why: "by ACC-3"}}}
	return s
}

func TestARequestForADutyThatIsKeptApartIsRefused(t *testing.T) {
	expect(t, separated().judge(), authority.Conflicting,
		"System: the rule pay-and-sell keeps payments/Clerk apart from crm/Clerk (by ACC-3): who pays does not sell. This cannot be approved")
}

func TestDutiesConflictWhereverTheyComeFrom(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name     string
		change   func(*story)
		conflict bool
	}{
		{"held", func(*story) {}, true},
		{"not held", func(s *story) { s.held = nil }, false},
		{"held by somebody else", func(s *story) { s.held["00urita"], s.held["00uben"] = s.held["00uben"], nil }, false},
		{"both asked for at once", func(s *story) {
			s.held = nil
			s.ticket.Fields["System"] = text("Payments", "Customers")
		}, true},
		{"the same side held", func(s *story) { s.held["00uben"] = []authority.Holding{{Group: "00gclerk"}, {Group: "00gvpn"}} }, false},
		{"in all groups of a role", func(s *story) {
			s.ticket.Fields["System"] = text("Customers")
			s.held["00uben"] = []authority.Holding{{Group: "00gclerk"}, {Group: "00gvpn"}}
		}, true},
		{"in one group of a role that no other role gives", func(s *story) {
			s.ticket.Fields["System"] = text("Customers")
			s.held["00uben"] = []authority.Holding{{Group: "00gclerk"}}
		}, true},
		{"in one group of a role that another role gives too", func(s *story) {
			s.ticket.Fields["System"] = text("Customers")
			s.catalog.Systems[1].Roles[1].Groups = []access.GroupID{"00gadmin", "00gvpn"}
			s.held["00uben"] = []authority.Holding{{Group: "00gvpn"}}
		}, false},
		{"exempt", func(s *story) { s.exempt("00uben", s.now.Add(day)) }, false},
		{"exempt until now", func(s *story) { s.exempt("00uben", s.now) }, true},
		{"somebody else exempt", func(s *story) { s.exempt("00urita", s.now.Add(day)) }, true},
		{"no rule", func(s *story) { s.rules.Separations = nil }, false},
		{"a rule that names a role that is not there", func(s *story) { s.rules.Separations[0].Sides[1][0].Role = "Ghost" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := separated()
			c.change(s)
			s.ticket.Fields["Role"] = text("Clerk")
			s.rules.Approvals = []authority.Approval{{Role: owner, People: catalog.People{Users: []access.UserID{"00uolga"}}}}
			if c.conflict {
				expect(t, s.judge(), authority.Conflicting, "the rule pay-and-sell keeps")
			} else {
				expect(t, s.judge(), authority.Proven, "")
			}
		})
	}
}

func (s *story) exempt(user access.UserID, until time.Time) {
	s.rules.Separations[0].Exemptions = []authority.Exemption{{User: user, Reason: "small team", Approved: "board", Until: until}}
}

// excepted lets Guest, of the risk committee, lift the rule.
func excepted() *story {
	s := separated()
	s.rules.Separations[0].Exception = &authority.Approval{Role: "risk-committee", People: catalog.People{Users: []access.UserID{"00uguest", "00uolga"}}}
	return s
}

func TestAnExceptionHasToBeApprovedByAPersonOfItsOwn(t *testing.T) {
	s := excepted()
	const missing = "It takes the approval of risk-committee besides as an exception, by a person who gives no other, and nobody has given it"
	v := s.judge() // Olga may give it, and stands for the owner
	expect(t, v, authority.Conflicting, missing)
	if len(v.WaitingFor) != 1 || v.WaitingFor[0] != "risk-committee" {
		t.Errorf("waiting for %v", v.WaitingFor)
	}
	s.approvals = append(s.approvals, yes("3", "guest"))
	v = s.judge()
	expect(t, v, authority.Proven, "")
	same(t, "exception", change.Proof{
		Role: "risk-committee", Approval: "3", Account: "j-guest", User: "00uguest", At: answered, Eligible: "by name", Exception: "pay-and-sell",
	}, v.Proofs[2])

	s.approvals[2] = pending("3", "guest", opened)
	expect(t, s.judge(), authority.Conflicting, missing)
	s.approvals[2] = no("3", "guest", opened)
	expect(t, s.judge(), authority.Declined, "")
}

func TestAnExceptionToOneRuleIsNoneToAnother(t *testing.T) {
	s := excepted()
	other := s.rules.Separations[0]
	other.Name, other.Exception = "never", nil
	s.rules.Separations = append(s.rules.Separations, other)
	s.approvals = append(s.approvals, yes("3", "guest"))
	expect(t, s.judge(), authority.Conflicting, "the rule never keeps")
}

// Of two systems on one ticket only one conflicts; the exception is asked for once.
func TestAnExceptionIsAskedForOnceWhateverElseIsOnTheTicket(t *testing.T) {
	s := excepted()
	s.catalog.Systems = append(s.catalog.Systems, catalog.System{
		ID: "wiki", Name: "Wiki", Risk: catalog.Low, Owners: catalog.People{Users: []access.UserID{"00uolga"}},
		Roles: []catalog.Role{{Name: "Clerk", Groups: []access.GroupID{"00gwiki"}}},
	})
	s.ticket.Fields["System"] = text("Payments", "Wiki")
	s.approvals = append(s.approvals, yes("3", "guest"))
	v := s.judge()
	expect(t, v, authority.Proven, "")
	var exceptions int
	for _, p := range v.Proofs {
		if p.Exception != "" {
			exceptions++
		}
	}
	if exceptions != 1 {
		t.Errorf("%d exceptions among %+v", exceptions, v.Proofs)
	}
}

func TestNothingIsSaidWhileAGroupThatDecidesCannotBeRead(t *testing.T) {
	s := separated()
	s.held = nil
	s.unread = []access.GroupID{"00gcrm"}
	expect(t, s.judge(), authority.Unclear, "")
	s.unread = []access.GroupID{"00gother"}
	expect(t, s.judge(), authority.Proven, "")
	s.unread = []access.GroupID{"00gcrm"}
	s.ticket.Fields["Role"] = text("Admin") // no rule is about it
	expect(t, s.judge(), authority.Proven, "")
}

func TestADeclinedRequestIsDeclinedWhateverItConflictsWith(t *testing.T) {
	s := separated()
	s.approvals = []ticket.Approval{no("1", "olga", opened)}
	expect(t, s.judge(), authority.Declined, "")
}

func TestDutiesThatStandTogetherAlreadyAreFound(t *testing.T) {
	s := separated()
	d := authority.Duties{User: "00uben", Catalog: s.catalog, Now: s.now, Held: []authority.Holding{{Group: "00gcrm", Why: "one"}, {Group: "00gclerk", Why: "two"}, {Group: "00gclerk", Why: "three"}}}
	found := d.Standing(s.rules.Separations)
	if len(found) != 1 || found[0].Duty.String() != "payments/Clerk" || found[0].With.String() != "crm/Clerk" {
		t.Fatalf("found %+v", found)
	}
	if text := found[0].String(); !strings.Contains(text, "keeps payments/Clerk apart from crm/Clerk (one)") {
		t.Errorf("said as %q", text)
	}
	s.exempt("00uben", s.now.Add(1))
	if found = d.Standing(s.rules.Separations); len(found) != 0 {
		t.Errorf("found %+v for somebody exempt", found)
	}
	d.Held = d.Held[:1]
	s.exempt("00urita", s.now.Add(1))
	if found = d.Standing(s.rules.Separations); len(found) != 0 {
		t.Errorf("found %+v for somebody with one duty", found)
	}
}

func TestTheGroupsOfARuleAreThoseOfItsRoles(t *testing.T) {
	s := separated()
	same(t, "groups", []access.GroupID{"00gclerk", "00gcrm", "00gvpn"}, s.rules.Separations[0].Groups(s.catalog))
}
