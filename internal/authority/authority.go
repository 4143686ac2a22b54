// Package authority decides whether a ticket proves what it asks for.
//
// It is a pure function of the ticket, its approval objects, the catalog, the people at that time and what they have. A
// status is never taken for an approval, lateness never approves, and whatever cannot be read or resolved counts as no
// approval.
package authority

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Condition decides whether an approval rule applies to a request. policies compiles CEL into it.
type Condition func(Facts) (bool, error)

// Facts is what a [Condition] may look at.
type Facts struct {
	System      catalog.System
	Role        string // the role asked for, as the catalog names it
	Beneficiary access.User
	Requester   access.User
	// Duration is how long the access is asked for, from the ticket's creation; 0 for no end.
	Duration time.Duration
}

// Approval is one consent that a policy asks for.
type Approval struct {
	Role   string // such as "system-owner"
	Owners bool   // the system's owners may give it
	People catalog.People
	When   Condition // nil: always
	// Deputies may give it in the place of others.
	Deputies []Deputy
	// Absent is who may give it when everybody else is absent; nobody when empty.
	Absent Substitute
	// StillEligible: who has left the group since that let them approve does not count any more. Otherwise it is enough
	// to have been in it then.
	StillEligible bool
}

// Rules is what a policy asks of a request.
type Rules struct {
	Policy    string // SOP@version
	Fields    Fields
	Approvals []Approval
	// ExpiryRequired lists the risks for which access must end some day.
	ExpiryRequired []catalog.Risk
	// LongestGrant is the longest time an access may be given for, 0 for no limit.
	LongestGrant time.Duration
	// Transitions count as consents of those who take them; empty: only approval objects count.
	Transitions []Transition
	// Separations keep duties apart.
	Separations []Separation
}

// Outcome is what became of a request.
type Outcome string

// The outcomes. Only Proven entitles to anything.
const (
	Incomplete Outcome = "incomplete" // the ticket does not say what is needed; see Problems
	Waiting    Outcome = "waiting"    // an approval is still pending
	Declined   Outcome = "declined"   // an approver said no
	Unproven   Outcome = "unproven"   // answered, but not by those who may; see Problems
	// Conflicting: a rule keeps what is asked for apart from something else, and nobody has lifted it; see Problems.
	Conflicting Outcome = "conflicting"
	// Unclear: a group that decides it could not be read. Nothing is given, taken or said.
	Unclear Outcome = "unclear"
	Proven  Outcome = "proven" // every required approval is there
)

// Verdict is the judgement on one ticket.
type Verdict struct {
	Outcome Outcome
	// Request is what the ticket asks for; only to be used unless Incomplete.
	Request Request
	// Problems says what is missing or not accepted, in words for the ticket.
	Problems []Problem
	// WaitingFor lists the approval roles that nobody has given yet.
	WaitingFor []string
	// Absences says of each of those that nobody is there to give it, in words for the ticket.
	Absences []Problem
	// Proofs lists who gave each required approval. Complete only when Proven.
	Proofs []change.Proof
	// Approved is when the last of the proofs was completed.
	Approved time.Time
}

// Judge decides on the ticket at the instant now.
func Judge(t ticket.Ticket, approvals []ticket.Approval, rules Rules, w World) Verdict {
	request, problems := Read(t, rules.Fields, w.Catalog, w.People)
	problems = append(problems, limits(request, rules, w.Now)...)
	if len(problems) > 0 {
		return Verdict{Outcome: Incomplete, Request: request, Problems: problems}
	}
	j := judge{request: request, approvals: approvals, rules: rules, world: w}
	return j.verdict()
}

// World is what a judgement rests on besides the ticket.
type World struct {
	Catalog catalog.Catalog
	People  *people.Directory
	Now     time.Time
	// Held says what somebody has or is entitled to, for rules that keep duties apart; nil: nobody has anything.
	Held func(access.UserID) []Holding
	// Unread are groups of which nobody knows who is in them.
	Unread []access.GroupID
}

func limits(r Request, rules Rules, now time.Time) []Problem {
	var problems []Problem
	field := rules.Fields.Expires
	for _, w := range r.Wanted {
		if r.Expires.IsZero() && slices.Contains(rules.ExpiryRequired, w.System.Risk) {
			problems = append(problems, Problem{field, fmt.Sprintf("access to %s has to end some day, write until when", w.System.Name)})
		}
	}
	if !r.Expires.IsZero() && !now.Before(r.Expires) {
		problems = append(problems, Problem{field, "lies in the past"})
	}
	if rules.LongestGrant > 0 && r.Expires.Sub(r.Ticket.Created) > rules.LongestGrant {
		problems = append(problems, Problem{field, "is more than " + length(rules.LongestGrant) + " after the request"})
	}
	return problems
}

// length writes a time in days, a short one in hours.
func length(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/day)
}

// judge looks for one distinct eligible approver for each required approval.
type judge struct {
	request   Request
	approvals []ticket.Approval
	rules     Rules
	world     World

	verdictSoFar Verdict
	// lifts are the conflicts that an exception may lift, each once.
	lifts []Conflict
	// blocked: a conflict stands.
	blocked bool
}

// requirement is an approval that a request needs.
type requirement struct {
	Approval
	exception string    // the rule of separation that it lifts; empty for an approval that the policy always asks for
	conflict  *Conflict // likewise, nil
}

func (j *judge) verdict() Verdict {
	j.verdictSoFar = Verdict{Outcome: Proven, Request: j.request}
	round, declined := lastRound(j.approvals)
	if declined {
		j.verdictSoFar.Outcome = Declined
		return j.verdictSoFar
	}
	j.approvals = round
	if !j.separated() {
		j.verdictSoFar.Outcome = Unclear
		return j.verdictSoFar
	}
	for _, w := range j.wanted() {
		j.system(w)
	}
	v := j.verdictSoFar
	switch {
	case j.blocked:
		v.Outcome = Conflicting
	case len(v.Problems) > 0:
		v.Outcome = Unproven
	case len(v.WaitingFor) > 0:
		v.Outcome = Waiting
	}
	slices.Sort(v.WaitingFor)
	v.WaitingFor = slices.Compact(v.WaitingFor)
	for _, p := range v.Proofs {
		if p.At.After(v.Approved) {
			v.Approved = p.At
		}
	}
	return v
}

// separated looks for duties that have to be kept apart. What nobody may lift is a problem at once. It is false when that
// cannot be told.
func (j *judge) separated() bool {
	var groups []access.GroupID
	for _, w := range j.request.Wanted {
		groups = append(groups, w.Role.Groups...)
	}
	for _, rule := range j.rules.Separations {
		unread := func(g access.GroupID) bool { return slices.Contains(j.world.Unread, g) }
		if rule.Touches(j.world.Catalog, groups) && slices.ContainsFunc(rule.Groups(j.world.Catalog), unread) {
			return false
		}
	}
	if len(j.rules.Separations) == 0 {
		return true
	}
	d := Duties{User: j.request.Beneficiary.ID, Catalog: j.world.Catalog, Held: j.held(), Now: j.world.Now}
	for _, c := range d.Conflicts(j.rules.Separations, j.request.Wanted) {
		if c.Rule.Exception != nil {
			j.lifts = append(j.lifts, c)
			continue
		}
		j.blocked = true
		j.problem(j.systemField(), "%s. This cannot be approved", c)
	}
	return true
}

// held returns what the beneficiary has besides the roles that the request replaces: those go.
func (j *judge) held() []Holding {
	if j.world.Held == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(j.world.Held(j.request.Beneficiary.ID)), func(h Holding) bool {
		return slices.ContainsFunc(j.request.Replaced, func(w Wanted) bool { return slices.Contains(w.Role.Groups, h.Group) })
	})
}

func (j *judge) systemField() string { return cmp.Or(j.rules.Fields.System, "System") }

// wanted returns the systems to find approvals for. A request without a system, as an offboarding is, needs its approvals
// once.
func (j *judge) wanted() []Wanted {
	if len(j.request.Wanted) == 0 {
		return []Wanted{{}}
	}
	return j.request.Wanted
}

// lastRound returns the approvals that were opened after the newest no, and whether that no is the newest of all. A yes from
// before it does not count: what was declined has to be asked again as a whole, or moving a ticket back and forth would
// bring an old consent to life against the later no.
func lastRound(approvals []ticket.Approval) (round []ticket.Approval, declined bool) {
	ordered := slices.SortedFunc(slices.Values(approvals), func(a, b ticket.Approval) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	for i := len(ordered) - 1; i >= 0; i-- {
		if ordered[i].Decision == ticket.Declined {
			return ordered[i+1:], i == len(ordered)-1
		}
	}
	return ordered, false
}

// system finds the proofs for one system. The same person cannot stand for two roles of it.
func (j *judge) system(w Wanted) {
	required, err := j.required(w)
	if err != nil {
		j.problem("Approval", "the policy's condition could not be evaluated; an administrator has to mend it")
		return
	}
	if len(required) == 0 {
		j.problem("Approval", "the policy asks nobody; access without an approval is never given")
		return
	}
	required = append(required, j.exceptions(w)...)
	candidates := make([][]change.Proof, len(required))
	rejected := make([][]rejection, len(required))
	for i, rule := range required {
		candidates[i], rejected[i] = j.candidates(w, rule)
	}
	proofs, missing := assign(candidates)
	j.verdictSoFar.Proofs = append(j.verdictSoFar.Proofs, proofs...)
	for _, i := range missing {
		why := unused(rejected[i], proofs)
		if len(candidates[i]) > 0 {
			why = append(why, fmt.Sprintf("those who approved as %s stand for another approval already; two approvals need two people", required[i].Role))
		}
		j.missing(w, required[i], why)
	}
}

// exceptions returns the approvals that lift the conflicts of what is asked for in the system.
func (j *judge) exceptions(w Wanted) []requirement {
	var required []requirement
	for i := range j.lifts {
		c := &j.lifts[i]
		if c.Duty.System == w.System.ID {
			required = append(required, requirement{Approval: *c.Rule.Exception, exception: c.Rule.Name, conflict: c})
		}
	}
	return required
}

// unused returns why the approvers that stand for no role were turned down: that a system's owner is not also a security
// officer is no news to anybody.
func unused(rejected []rejection, proofs []change.Proof) []string {
	var why []string
	for _, r := range rejected {
		if !slices.ContainsFunc(proofs, func(p change.Proof) bool { return p.Account == r.account }) {
			why = append(why, r.why)
		}
	}
	return why
}

// missing records that a required approval has not been given. While an approval is still pending that is only a reason
// to wait; once all are answered it is a problem, and the people who were turned down are named with the reason.
func (j *judge) missing(w Wanted, rule requirement, rejected []string) {
	j.verdictSoFar.WaitingFor = append(j.verdictSoFar.WaitingFor, rule.Role)
	if rule.conflict != nil {
		j.blocked = true
		j.problem(j.systemField(), "%s. It takes the approval of %s besides as an exception, by a person who gives no other, and nobody has given it", rule.conflict, rule.Role)
		return
	}
	j.absences(w, rule.Approval)
	answered := len(j.taken()) > 0 || slices.ContainsFunc(j.approvals, func(a ticket.Approval) bool { return a.Decision == ticket.Approved })
	pending := slices.ContainsFunc(j.approvals, func(a ticket.Approval) bool { return a.Decision == ticket.Pending })
	if !answered || pending {
		return
	}
	for _, why := range rejected {
		if p := (Problem{"Approval", why}); !slices.Contains(j.verdictSoFar.Problems, p) {
			j.verdictSoFar.Problems = append(j.verdictSoFar.Problems, p)
		}
	}
	if len(rejected) == 0 {
		j.problem("Approval", "nobody has approved as %s", rule.Role)
	}
}

// absences notes that nobody is there to give the approval, and who may answer in their place. Nothing is passed on by
// their silence.
func (j *judge) absences(w Wanted, rule Approval) {
	if _, gone := j.nobodyThere(w.System, rule, j.world.Now); !gone {
		return
	}
	where := ""
	if w.System.Name != "" {
		where = " for " + w.System.Name
	}
	text := fmt.Sprintf("everybody who may approve as %s%s is suspended or deactivated in Okta", rule.Role, where)
	if rule.Absent.Role == "" {
		text += ", and the policy names nobody in their place; an administrator has to name somebody"
	} else {
		text += fmt.Sprintf("; by the policy, %s may answer in their place and has to be asked", rule.Absent.Role)
	}
	j.verdictSoFar.Absences = append(j.verdictSoFar.Absences, Problem{"Approval", text})
}

func (j *judge) problem(field, format string, args ...any) {
	j.verdictSoFar.Problems = append(j.verdictSoFar.Problems, Problem{field, fmt.Sprintf(format, args...)})
}

func (j *judge) required(w Wanted) ([]requirement, error) {
	facts := Facts{
		System: w.System, Role: w.Role.Name,
		Beneficiary: j.request.Beneficiary, Requester: j.request.Requester,
	}
	if !j.request.Expires.IsZero() {
		facts.Duration = j.request.Expires.Sub(j.request.Ticket.Created)
	}
	var required []requirement
	for _, rule := range j.rules.Approvals {
		applies := true
		if rule.When != nil {
			var err error
			if applies, err = rule.When(facts); err != nil {
				return nil, fmt.Errorf("condition of %s: %w", rule.Role, err)
			}
		}
		if applies {
			required = append(required, requirement{Approval: rule})
		}
	}
	return required, nil
}
