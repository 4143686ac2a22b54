package policies

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
)

// The proofs that a procedure may ask for.
const (
	proofApproval   = "approval"   // an approval object of Jira Service Management; the default
	proofTransition = "transition" // or a transition that the policy names
)

// proof compiles who has to agree to the tickets of a procedure, and how they say so.
func (f *file) proof(p *SOP, in proofYAML) {
	p.Rules.Approvals = f.approvals(in.Approvals)
	if in.Proof != "" {
		f.oneOf("$.proof", in.Proof, proofApproval, proofTransition)
	}
	if in.Proof != proofTransition {
		if len(in.Transitions) > 0 {
			f.wrong("$.transitions", "transitions count only with proof: transition")
		}
		return
	}
	for i, t := range in.Transitions {
		p.Rules.Transitions = append(p.Rules.Transitions, f.transitions(fmt.Sprintf("$.transitions[%d]", i), t)...)
	}
	leads := func(t authority.Transition) bool { return slices.Contains(p.Tickets.Fulfil, t.To) }
	if !slices.ContainsFunc(p.Rules.Transitions, leads) {
		f.wrong("$.transitions", "no transition leads to a status in which sopd acts (tickets.statuses.fulfil); name the one that approves")
	}
}

func (f *file) transitions(at string, in transitionYAML) []authority.Transition {
	if len(in.From) == 0 || len(in.To) == 0 {
		f.wrong(at, "name the statuses from which and to which the transition leads")
	}
	var all []authority.Transition
	for _, from := range in.From {
		for _, to := range in.To {
			if from == to {
				f.wrong(at, "the transition leads from %q to itself", from)
			}
			all = append(all, authority.Transition{From: from, To: to})
		}
	}
	return all
}

func (f *file) approvals(in []approvalYAML) []authority.Approval {
	if len(in) == 0 {
		f.wrong("$.approvals", "name at least one approval; sopd never acts on a ticket that nobody approved")
	}
	var out []authority.Approval
	for i, a := range in {
		out = append(out, f.approval(fmt.Sprintf("$.approvals[%d]", i), a))
	}
	return out
}

func (f *file) approval(at string, in approvalYAML) authority.Approval {
	if !slug.MatchString(in.Role) {
		f.wrong(at+".role", "role is %q; write small letters, digits and hyphens", in.Role)
	}
	rule := authority.Approval{
		Role: in.Role, Owners: in.Owners, People: f.named(at, peopleYAML{Users: in.Users, Groups: in.Groups}),
		StillEligible: in.StillEligible,
	}
	if !in.Owners && rule.People.Empty() {
		f.wrong(at, "nobody may give approval %q; set owners, users or groups", in.Role)
	}
	if in.When != "" {
		when, err := condition(in.When)
		if err != nil {
			f.wrong(at+".when", "%s", oneLine(err))
		}
		rule.When = when
	}
	for i, d := range in.Deputies {
		rule.Deputies = append(rule.Deputies, f.deputy(fmt.Sprintf("%s.deputies[%d]", at, i), d))
	}
	rule.Absent = f.absent(at+".absent", in.Absent)
	return rule
}

func (f *file) deputy(at string, in deputyYAML) authority.Deputy {
	d := authority.Deputy{People: f.named(at, peopleYAML{Users: in.Users, Groups: in.Groups})}
	id, err := access.ParseUserID(in.For)
	if err != nil {
		f.wrong(at+".for", "%q is not an Okta user ID, such as 00u1a2b3c4d5e6f7g8h9; name whom the deputy stands in for", in.For)
	}
	d.For = id
	if d.People.Empty() {
		f.wrong(at, "nobody stands in for %s; set users or groups", in.For)
	}
	if slices.Contains(d.People.Users, d.For) {
		f.wrong(at, "%s stands in for themselves", in.For)
	}
	d.From, d.Until = f.day(at+".from", in.From), f.lastDay(at+".until", in.Until)
	if !d.Until.IsZero() && !d.From.Before(d.Until) {
		f.wrong(at+".until", "lies before from")
	}
	return d
}

func (f *file) absent(at string, in absentYAML) authority.Substitute {
	s := authority.Substitute{Role: in.Role, People: f.named(at, peopleYAML{Users: in.Users, Groups: in.Groups})}
	if in.Role == "" && s.People.Empty() {
		return authority.Substitute{}
	}
	if !slug.MatchString(in.Role) {
		f.wrong(at+".role", "role is %q; write small letters, digits and hyphens", in.Role)
	}
	if s.People.Empty() {
		f.wrong(at, "nobody answers for those who are absent; set users or groups")
	}
	return s
}

// lastDay reads a day that is included and returns its end; the zero time for nothing.
func (f *file) lastDay(at, text string) time.Time {
	day := f.day(at, text)
	if day.IsZero() {
		return day
	}
	return day.AddDate(0, 0, 1)
}

func (c *compiler) separationOfDuties(f *file) {
	var in dutiesFile
	if !f.decode(&in) {
		return
	}
	if len(in.Rules) == 0 {
		f.wrong("$.rules", "name at least one rule, or leave the file out")
	}
	for i, r := range in.Rules {
		c.separation(f, fmt.Sprintf("$.rules[%d]", i), r)
	}
}

func (c *compiler) separation(f *file, at string, in separationYAML) {
	if !slug.MatchString(in.Name) {
		f.wrong(at+".name", "name is %q; write small letters, digits and hyphens", in.Name)
	}
	if slices.ContainsFunc(c.set.Separations, func(s authority.Separation) bool { return s.Name == in.Name }) {
		f.wrong(at+".name", "rule %q stands twice", in.Name)
	}
	f.required(at+".reason", in.Reason)
	rule := authority.Separation{Name: in.Name, Reason: in.Reason, Sides: c.sides(f, at, in.Sides)}
	for i, e := range in.Exemptions {
		rule.Exemptions = append(rule.Exemptions, f.exemption(fmt.Sprintf("%s.exemptions[%d]", at, i), e))
	}
	if in.Exception != nil {
		exception := f.approval(at+".exception", *in.Exception)
		if in.Exception.When != "" {
			f.wrong(at+".exception.when", "an exception has no condition; the rule says when it is asked for")
		}
		rule.Exception = &exception
	}
	c.set.Separations = append(c.set.Separations, rule)
}

func (c *compiler) sides(f *file, at string, in [][]dutyYAML) [][]authority.Duty {
	if len(in) < 2 {
		f.wrong(at+".sides", "a rule keeps at least two sides apart; write a list of systems and roles for each")
	}
	taken := make(map[authority.Duty]int)
	var sides [][]authority.Duty
	for i, side := range in {
		if len(side) == 0 {
			f.wrong(fmt.Sprintf("%s.sides[%d]", at, i), "the side names no role")
		}
		var duties []authority.Duty
		for k, d := range side {
			here := fmt.Sprintf("%s.sides[%d][%d]", at, i, k)
			duty, ok := c.duty(f, here, d)
			if before, twice := taken[duty]; ok && twice && before != i {
				f.wrong(here, "%s stands on two sides; nobody could have it", duty)
			}
			taken[duty] = i
			duties = append(duties, duty)
		}
		sides = append(sides, duties)
	}
	return sides
}

// duty finds the role in the catalog, by the system's ID and the role's name as the catalog writes it.
func (c *compiler) duty(f *file, at string, in dutyYAML) (authority.Duty, bool) {
	i := slices.IndexFunc(c.set.Catalog.Systems, func(s catalog.System) bool { return s.ID == in.System })
	if i < 0 {
		f.wrong(at+".system", "system %q is not in the catalog", in.System)
		return authority.Duty{}, false
	}
	role, ok := c.set.Catalog.Systems[i].Role(in.Role)
	if !ok {
		f.wrong(at+".role", "system %q has no role %q", in.System, in.Role)
		return authority.Duty{}, false
	}
	return authority.Duty{System: in.System, Role: role.Name}, true
}

func (f *file) exemption(at string, in exemptionYAML) authority.Exemption {
	id, err := access.ParseUserID(in.User)
	if err != nil {
		f.wrong(at+".user", "%q is not an Okta user ID, such as 00u1a2b3c4d5e6f7g8h9", in.User)
	}
	f.required(at+".reason", in.Reason)
	f.required(at+".approved", in.Approved)
	until := f.lastDay(at+".until", in.Until)
	if in.Until == "" {
		f.wrong(at+".until", "until is missing; an exemption has an end, write a day")
	}
	return authority.Exemption{User: id, Reason: in.Reason, Approved: in.Approved, Until: until}
}
