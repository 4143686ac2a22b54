package authority

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// consent is somebody's yes, in an approval object or by a transition.
type consent struct {
	person   ticket.Person
	approval ticket.ApprovalID // empty for a transition
	// transition names the transition, empty for an approval object.
	transition string
	// from is the earliest instant at which the person may have said yes, at the latest.
	from, at time.Time
	// place is the position of a transition in the ticket's history, -1 for an approval object.
	place int
}

// what names the consent in words for the ticket.
func (c consent) what() string {
	if c.transition != "" {
		return "the transition by"
	}
	return "the approval of"
}

// rejection is an approver whose yes does not count for a rule.
type rejection struct {
	account ticket.AccountID
	why     string
}

// consents returns everybody's yes: those of the approval objects, and those by transitions where policy lets them count.
func (j *judge) consents() []consent {
	var all []consent
	for _, a := range j.approvals {
		if a.Decision != ticket.Approved || a.Completed.IsZero() {
			continue
		}
		for _, approver := range a.Approvers {
			if approver.Decision == ticket.Approved {
				all = append(all, consent{person: approver.Person, approval: a.ID, from: asOf(a), at: a.Completed, place: -1})
			}
		}
	}
	return append(all, j.taken()...)
}

// asOf returns the instant whose ticket the approvers are known to have agreed to. JSM does not say when each person
// answered: with one answer that was the completion; with several, an early one may have seen the ticket as it was when
// the approval was opened.
//
// Source: vendor-facts, JSM approvals have no per-approver time (Jira Service Management Cloud REST API, ApprovalDTO).
func asOf(a ticket.Approval) time.Time {
	answers := 0
	for _, approver := range a.Approvers {
		if approver.Decision != ticket.Pending {
			answers++
		}
	}
	if answers <= 1 {
		return a.Completed
	}
	return a.Created
}

// candidates returns everybody whose yes counts for the rule, and why others' does not.
func (j *judge) candidates(w Wanted, rule requirement) (proofs []change.Proof, rejected []rejection) {
	for _, c := range j.consents() {
		proof, why := j.proof(w, rule, c)
		if why != "" {
			rejected = append(rejected, rejection{account: c.person.Account, why: why})
			continue
		}
		proofs = append(proofs, proof)
	}
	slices.SortFunc(proofs, func(a, b change.Proof) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.User, b.User), cmp.Compare(a.Approval, b.Approval), cmp.Compare(a.Transition, b.Transition))
	})
	return proofs, rejected
}

// proof returns the consent as a proof for the rule, or the reason why it is none.
func (j *judge) proof(w Wanted, rule requirement, c consent) (change.Proof, string) {
	refuse := func(format string, args ...any) (change.Proof, string) {
		return change.Proof{}, fmt.Sprintf("%s %s does not count: ", c.what(), c.person.Account) + fmt.Sprintf(format, args...)
	}
	user, err := j.world.People.Match(c.person)
	switch {
	case err != nil:
		return change.Proof{}, fmt.Sprintf("the approver cannot be matched with an Okta user (%v); an administrator has to map the account", err)
	case !c.person.Active || user.Status != access.Active:
		return refuse("the account is not active")
	case user.ID == j.request.Requester.ID || c.person.Account == j.request.Ticket.Reporter.Account:
		return refuse("requesters cannot approve their own request")
	case user.ID == j.request.Beneficiary.ID:
		return refuse("nobody can approve access for themselves")
	}
	who := candidate{id: user.ID, system: w.System, rule: rule.Approval, consent: c}
	e, ok := j.eligible(who)
	if !ok {
		why := fmt.Sprintf("%s %s does not count as %s: not one of those who may give it", c.what(), c.person.Account, rule.Role)
		if j.eligibleNow(who) {
			why = fmt.Sprintf("%s %s does not count as %s: it cannot be shown that they might give it at that time", c.what(), c.person.Account, rule.Role)
		}
		return change.Proof{}, why
	}
	if edit, ok := j.editedAfter(c); ok {
		return change.Proof{}, fmt.Sprintf("%q was changed after the approval, at %s; it has to be approved again",
			edit.Field, edit.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return change.Proof{
		Role: rule.Role, Approval: c.approval, Account: c.person.Account, User: user.ID, At: c.at,
		Eligible: e.why, Behalf: e.behalf, Transition: c.transition, Exception: rule.exception,
	}, ""
}

// assign picks one proof for each list so that no user is picked twice, and returns the positions of lists that got none.
// It finds a complete assignment whenever there is one (Kuhn's augmenting paths; the lists are a handful).
func assign(candidates [][]change.Proof) (proofs []change.Proof, missing []int) {
	holder := make(map[access.UserID]int)
	picked := make(map[int]change.Proof)
	for i := range candidates {
		if !augment(i, candidates, holder, picked, map[access.UserID]bool{}) {
			missing = append(missing, i)
		}
	}
	for i := range candidates {
		if p, ok := picked[i]; ok {
			proofs = append(proofs, p)
		}
	}
	return proofs, missing
}

func augment(i int, candidates [][]change.Proof, holder map[access.UserID]int, picked map[int]change.Proof, tried map[access.UserID]bool) bool {
	for _, p := range candidates[i] {
		if tried[p.User] {
			continue
		}
		tried[p.User] = true
		j, taken := holder[p.User]
		if !taken || augment(j, candidates, holder, picked, tried) {
			holder[p.User], picked[i] = i, p
			return true
		}
	}
	return false
}
