package reviews

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/reconcile"
)

// follower looks after one open review in one pass.
type follower struct {
	stage  *Stage
	tx     *store.Tx
	round  reconcile.Round
	policy review.Policy
}

func (f follower) follow(r review.Review) ([]finding.Finding, error) {
	if r.Ticket == "" {
		e, _, err := f.tx.Effect(effectKey(r.ID))
		if err != nil {
			return nil, err
		}
		if r.Ticket = e.Ticket; r.Ticket != "" {
			if err := f.list(r); err != nil {
				return nil, err
			}
		}
	}
	r, err := f.observe(r)
	if err != nil {
		return nil, err
	}
	if r.Decided() {
		if _, err := f.tx.RecordFacts(r.Ticket, r.Fact(f.policy.Fact(review.Answered), review.Answered, r.Last(), f.round.Now)); err != nil {
			return nil, err
		}
	}
	if r.Done() && r.Ticket != "" && f.round.Write {
		r.State = review.Through
		if err := f.close(r); err != nil {
			return nil, err
		}
	}
	if err := f.tx.PutReview(r); err != nil {
		return nil, err
	}
	if r.State == review.Through {
		return nil, nil
	}
	if r.Decided() {
		return f.altered(r), nil
	}
	return append(f.altered(r), f.chase(r)...), f.remind(r)
}

// altered raises, as long as the review is open, each comment that had decided and was changed or deleted afterwards.
func (f follower) altered(r review.Review) []finding.Finding {
	var all []finding.Finding
	for _, a := range r.Altered {
		what := "changed"
		if a.Deleted {
			what = "deleted"
		}
		all = append(all, finding.Finding{
			Key: finding.Key(string(FindingAltered) + "/" + r.ID + "/" + a.Comment), Kind: FindingAltered, Ticket: r.Ticket, Owner: f.policy.Owner, Raised: f.round.Now,
			Title: "a comment that had decided in an access review was changed or deleted", Detail: map[string]string{"review": r.ID, "comment": a.Comment, "what": what},
		})
	}
	return all
}

// list puts the memberships on the ticket, as a table and as a file.
func (f follower) list(r review.Review) error {
	known, err := reconcile.People(f.tx, f.stage.Policies)
	if err != nil {
		return err
	}
	names := reconcile.Shown{People: known, Policy: f.stage.Policies}
	if _, err := f.tx.PutEffect(change.Effect{
		Key: string(r.Ticket) + "/list", Ticket: r.Ticket, Kind: change.Attach, Created: f.round.Now,
		Name: "access-review-" + r.Period + ".csv", Body: r.CSV(names),
	}); err != nil {
		return err
	}
	table := r.Table(names)
	if len(table) > longestTable {
		table = "The list is in the attached file."
	}
	_, err = f.tx.PutEffect(reconcile.Comment(r.Ticket, "table", table, f.round.Now))
	return err
}

// longestTable keeps a comment below what Jira takes.
//
// Source: Jira Cloud, a comment holds at most 32,767 characters.
const longestTable = 30_000

// observe compares the review with the memberships as they are now.
func (f follower) observe(r review.Review) (review.Review, error) {
	members := make(map[access.GroupID]map[access.UserID]bool)
	var err error
	present := func(m access.Membership) (there, known bool) {
		if _, loaded := members[m.Group]; !loaded {
			in, _, read, e := f.tx.Members(m.Group)
			if e != nil {
				err = e
			}
			if read {
				members[m.Group] = make(map[access.UserID]bool)
				for _, id := range in {
					members[m.Group][id] = true
				}
			} else {
				members[m.Group] = nil
			}
		}
		return members[m.Group][m.User], members[m.Group] != nil
	}
	renewed := func(m access.Membership, since time.Time) bool {
		grants, e := f.tx.GrantsOf(m.User)
		if e != nil {
			err = e
		}
		return slices.ContainsFunc(grants, func(g change.Grant) bool {
			return g.Membership() == m && g.Live(f.round.Now) && g.Approved.After(since)
		})
	}
	after := r.Observed(f.round.Now, present, renewed)
	if err != nil {
		return r, err
	}
	return after, nil
}

// close attaches what was decided and closes the ticket.
func (f follower) close(r review.Review) error {
	known, err := reconcile.People(f.tx, f.stage.Policies)
	if err != nil {
		return err
	}
	attach := change.Effect{
		Key: string(r.Ticket) + "/decided", Ticket: r.Ticket, Kind: change.Attach, Created: f.round.Now,
		Name: "access-review-" + r.Period + "-decided.csv", Body: r.CSV(reconcile.Shown{People: known, Policy: f.stage.Policies}),
	}
	if _, err := f.tx.PutEffect(attach); err != nil {
		return err
	}
	comment := reconcile.Comment(r.Ticket, "through", through(r), f.round.Now)
	comment.After = attach.Key
	if _, err := f.tx.PutEffect(comment); err != nil {
		return err
	}
	_, err = f.tx.PutEffect(change.Effect{
		Key: string(r.Ticket) + "/close", Ticket: r.Ticket, Kind: change.Transition, Body: f.policy.Close, Created: f.round.Now, After: comment.Key,
	})
	return err
}

// chase raises a review whose time is over.
func (f follower) chase(r review.Review) []finding.Finding {
	if !f.round.Now.After(r.Due) {
		return nil
	}
	owner := f.policy.Escalate
	if owner == "" {
		owner = f.policy.Owner
	}
	return []finding.Finding{{
		Key: finding.Key(string(FindingOverdue) + "/" + r.ID), Kind: FindingOverdue, Ticket: r.Ticket, User: r.Reviewer, Owner: owner, Raised: f.round.Now,
		Title: "an access review is overdue", Detail: map[string]string{"review": r.ID, "open": strconv.Itoa(len(r.Open()))},
	}}
}

// remind says on the ticket that the answers are soon due, and that they are overdue, each once.
func (f follower) remind(r review.Review) error {
	if r.Ticket == "" || !f.round.Write {
		return nil
	}
	purpose := ""
	switch {
	case f.round.Now.After(r.Due):
		purpose = "overdue"
	case f.soon(r):
		purpose = "due-soon"
	default:
		return nil
	}
	_, err := f.tx.PutEffect(reconcile.Comment(r.Ticket, purpose, chased(r, purpose == "overdue"), f.round.Now))
	return err
}

func (f follower) soon(r review.Review) bool {
	if f.policy.Remind == (kpi.Warning{}) {
		return false
	}
	d := kpi.Definition{
		SOP: r.Name, Name: "answered", Start: []string{"opened"}, Stop: []string{"answered"}, Warn: []kpi.Warning{f.policy.Remind},
		Targets: map[string]kpi.Target{"": f.policy.Within}, Calendar: f.policy.Schedule.Calendar,
	}
	cycles := kpi.Compute(d, []kpi.Fact{{ID: "opened", Subject: r.ID, Name: "opened", At: r.Opened, Recorded: r.Opened}}, f.round.Now)
	return len(cycles) == 1 && !cycles[0].AtRisk.IsZero()
}

// numbers writes "1, 4, 5".
func numbers(all []int) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}
