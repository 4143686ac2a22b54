package authority

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// rejection is an approver whose yes does not count for a rule.
type rejection struct {
	account ticket.AccountID
	why     string
}

// candidates returns everybody whose yes counts for the rule, and why others' does not.
func (j *judge) candidates(w Wanted, rule Approval) (proofs []change.Proof, rejected []rejection) {
	for _, a := range j.approvals {
		if a.Decision != ticket.Approved || a.Completed.IsZero() {
			continue
		}
		for _, approver := range a.Approvers {
			if approver.Decision != ticket.Approved {
				continue
			}
			proof, why := j.proof(w, rule, a, approver)
			if why != "" {
				rejected = append(rejected, rejection{account: approver.Person.Account, why: why})
				continue
			}
			proofs = append(proofs, proof)
		}
	}
	slices.SortFunc(proofs, func(a, b change.Proof) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.User, b.User), cmp.Compare(a.Approval, b.Approval))
	})
	return proofs, rejected
}

// proof returns the approver's consent as a proof for the rule, or the reason why it is none.
func (j *judge) proof(w Wanted, rule Approval, a ticket.Approval, approver ticket.Approver) (change.Proof, string) {
	user, err := j.world.People.Match(approver.Person)
	switch {
	case err != nil:
		return change.Proof{}, fmt.Sprintf("the approver cannot be matched with an Okta user (%v)", err)
	case !approver.Person.Active || user.Status != access.Active:
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count: the account is not active", approver.Person.Account)
	case user.ID == j.request.Requester.ID || approver.Person.Account == j.request.Ticket.Reporter.Account:
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count: requesters cannot approve their own request", approver.Person.Account)
	case user.ID == j.request.Beneficiary.ID:
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count: nobody can approve access for themselves", approver.Person.Account)
	}
	why, ok := j.eligible(user.ID, w.System, rule)
	if !ok {
		return change.Proof{}, fmt.Sprintf("the approval of %s does not count as %s: not one of those who may give it", approver.Person.Account, rule.Role)
	}
	if edit, ok := j.editedAfter(asOf(a)); ok {
		return change.Proof{}, fmt.Sprintf("%q was changed after the approval, at %s; it has to be approved again",
			edit.Field, edit.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return change.Proof{
		Role: rule.Role, Approval: a.ID, Account: approver.Person.Account, User: user.ID, At: a.Completed, Eligible: why,
	}, ""
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

// editedAfter returns the first change, after the instant, of a field that defines the access.
func (j *judge) editedAfter(since time.Time) (ticket.Edit, bool) {
	names := append(j.rules.Fields.Names(), "reporter")
	for _, e := range j.request.Ticket.History {
		if !e.At.After(since) {
			continue
		}
		if slices.ContainsFunc(names, func(name string) bool { return sameField(name, e.Field) || sameField(name, e.FieldID) }) {
			return e, true
		}
	}
	return ticket.Edit{}, false
}

// sameField reports whether two names are of one field. Histories call Jira's own fields by other names than pages do,
// "duedate" for "Due date" and "Component" for "Component/s", and old versions give no identifier; so only letters and
// digits count, in any case, without the plural. A field that is taken for another voids an approval too many, never one
// too few.
//
// Source: Jira REST API, GET /rest/api/2/issue with expand=changelog: field is the system name of a system field.
func sameField(a, b string) bool {
	return a != "" && (a == b || bare(a) != "" && bare(a) == bare(b))
}

func bare(name string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	return strings.TrimSuffix(letters, "s")
}

func (j *judge) eligible(id access.UserID, system catalog.System, rule Approval) (why string, ok bool) {
	if rule.Owners {
		if why, ok := among(id, system.Owners, j.world.People); ok {
			return "owner of " + system.ID + " " + why, true
		}
	}
	return among(id, rule.People, j.world.People)
}

func among(id access.UserID, named catalog.People, d *people.Directory) (why string, ok bool) {
	if slices.Contains(named.Users, id) {
		return "by name", true
	}
	for _, group := range named.Groups {
		if d.Member(access.Membership{Group: group, User: id}) {
			return "as member of " + string(group), true
		}
	}
	return "", false
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
