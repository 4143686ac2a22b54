// Package reviews runs campaigns of access reviews: it asks the owners of systems, on tickets, about every membership that
// there is, understands their answers, has what they revoke taken away like all access, and closes what is through.
package reviews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
	"github.com/maisonrmi/sopd/reconcile/plan"
)

// The kinds of finding.
const (
	FindingOverdue    finding.Kind = "review-overdue"    // its time is over and not everything is decided
	FindingUnassigned finding.Kind = "review-unassigned" // there is nobody who may review
	FindingAltered    finding.Kind = "review-altered"    // a comment that had decided was changed or deleted afterwards
)

// Comments reads what was said on a ticket.
type Comments interface {
	// Comments lists the ticket's comments.
	Comments(ctx context.Context, key ticket.Key) ([]ticket.Comment, error)
}

// Stage takes part in every pass.
type Stage struct {
	Policies *policies.Set
	Desk     Comments
}

// Name tells it from the others.
func (*Stage) Name() string { return "reviews" }

// Kinds lists the findings that it raises.
func (*Stage) Kinds() []finding.Kind {
	return []finding.Kind{FindingOverdue, FindingUnassigned, FindingAltered}
}

// Observe reads the answers on the tickets of open reviews that were touched since.
func (s *Stage) Observe(ctx context.Context, w reconcile.Round) error {
	if len(s.Policies.Reviews) == 0 {
		return nil
	}
	var touched []pending
	err := w.Store(ctx, func(tx *store.Tx) error {
		var err error
		touched, err = waiting(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range touched {
		comments, err := s.Desk.Comments(ctx, p.ticket.Key)
		if errors.Is(err, access.ErrNotFound) {
			continue // deleted: the review stays open, and is overdue one day
		}
		if err != nil {
			return fmt.Errorf("comments of %s: %w", p.ticket.Key, err)
		}
		if err := w.Store(ctx, func(tx *store.Tx) error { return s.hear(tx, p, comments, w) }); err != nil {
			return err
		}
	}
	return nil
}

// pending is an open review whose ticket may hold new answers.
type pending struct {
	id     string
	ticket ticket.Ticket
}

func waiting(tx *store.Tx) ([]pending, error) {
	open, err := tx.Reviews(review.Open)
	if err != nil {
		return nil, err
	}
	var all []pending
	for _, r := range open {
		if r.Ticket == "" {
			continue
		}
		t, _, found, err := tx.Ticket(r.Ticket)
		if err != nil {
			return nil, err
		}
		_, heard, _, err := tx.Cursor(cursorOf(r.ID))
		if err != nil {
			return nil, err
		}
		if found && t.Updated.After(heard) {
			all = append(all, pending{id: r.ID, ticket: t})
		}
	}
	return all, nil
}

func cursorOf(id string) string { return "review/" + id }

// hear takes the new comments one after the other.
func (s *Stage) hear(tx *store.Tx, p pending, comments []ticket.Comment, w reconcile.Round) error {
	r, found, err := tx.Review(p.id)
	if err != nil || !found {
		return err
	}
	known, err := reconcile.People(tx, s.Policies)
	if err != nil {
		return err
	}
	slices.SortStableFunc(comments, func(a, b ticket.Comment) int { return a.Created.Compare(b.Created) })
	for _, c := range comments {
		before, asItIs := r.Heard(c)
		if asItIs || c.Author == p.ticket.Reporter.Account { // sopd has raised the ticket
			continue
		}
		r.Listen(c)
		a := answering{review: r, comment: c, ticket: p.ticket, people: known, round: w}
		if before {
			r, err = s.altered(tx, a)
		} else {
			r, err = s.answer(tx, a)
		}
		if err != nil {
			return err
		}
	}
	for _, gone := range r.Missing(comments, w.Now) {
		if err := s.say(tx, w, r, "gone/"+gone.Comment, goneText(r.By(gone.Comment))); err != nil {
			return err
		}
	}
	if err := tx.PutReview(r); err != nil {
		return err
	}
	return tx.SetCursor(cursorOf(p.id), "", p.ticket.Updated)
}

// answering is one comment that may decide something.
type answering struct {
	review  review.Review
	comment ticket.Comment
	ticket  ticket.Ticket
	people  *people.Directory
	round   reconcile.Round
}

// answer lets one comment decide, records each decision, and says what was understood or why it was not accepted.
func (s *Stage) answer(tx *store.Tx, a answering) (review.Review, error) {
	parsed, found, problem := review.Parse(a.comment.Body, a.review)
	if !found {
		return a.review, nil
	}
	user, err := a.people.Match(author(a))
	switch {
	case !a.comment.Edited.IsZero():
		problem = "the comment was changed after it had been written, and such a comment decides nothing; write a new one"
	case err != nil:
		problem = "it is not known who you are in Okta; an administrator has to map your account"
	}
	after, decided := a.review, []review.Item(nil)
	if problem == "" {
		word := review.Word{Answer: parsed, By: user.ID, Comment: a.comment.ID, At: a.round.Now}
		after, decided, problem = a.review.Apply(word, func(i review.Item) bool { return s.may(user.ID, i, a.people) })
	}
	if len(decided) > 0 {
		if err := tx.PutDecisive(after.Ticket, a.comment, a.round.Now); err != nil {
			return a.review, err
		}
	}
	for _, item := range decided {
		if err := s.record(tx, after, item, a.round.Now); err != nil {
			return a.review, err
		}
	}
	return after, s.say(tx, a.round, after, "heard/"+a.comment.ID, heard(decided, after, problem))
}

// say comments on the ticket of a review, once for each purpose.
func (s *Stage) say(tx *store.Tx, w reconcile.Round, r review.Review, purpose, text string) error {
	if !w.Write {
		return nil
	}
	_, err := tx.PutEffect(reconcile.Comment(r.Ticket, purpose, text, w.Now))
	return err
}

// altered looks at a comment that was read before and says something else now. It decides nothing any more: what it decided
// first stands, and is raised.
func (s *Stage) altered(tx *store.Tx, a answering) (review.Review, error) {
	r, decided := a.review, a.review.By(a.comment.ID)
	if len(decided) > 0 {
		r.Altered = append(r.Altered, review.Alteration{Comment: a.comment.ID, At: a.comment.Edited.UTC()})
	} else if _, found, _ := review.Parse(a.comment.Body, r); !found {
		return r, nil
	}
	purpose := "altered/" + a.comment.ID + "/" + a.comment.Edited.UTC().Format(time.RFC3339Nano)
	return r, s.say(tx, a.round, r, purpose, alteredText(decided))
}

// author returns the comment's author with what the ticket shows of them.
func author(a answering) ticket.Person {
	for _, p := range []ticket.Person{a.ticket.Assignee, a.ticket.Reporter, a.ticket.People[a.comment.Author]} {
		if p.Account == a.comment.Author {
			return p
		}
	}
	return ticket.Person{Account: a.comment.Author, Active: true}
}

// may reports whether the person may decide about the item.
func (s *Stage) may(id access.UserID, i review.Item, d *people.Directory) bool {
	named := []catalog.People{}
	if system, known := s.Policies.Catalog.System(i.System); known {
		named = append(named, system.Owners)
	}
	for _, p := range s.Policies.Reviews {
		named = append(named, p.Fallback)
	}
	return slices.ContainsFunc(named, func(p catalog.People) bool { return review.May(id, i.User, p, d) })
}

// record writes a decision down before anything follows from it. A membership that was adopted without a ticket and is
// certified is good for as long as the policy says.
func (s *Stage) record(tx *store.Tx, r review.Review, i review.Item, now time.Time) error {
	if _, err := tx.Append(ledger.Entry{Kind: ledger.ReviewDecided, At: now, Ticket: r.Ticket, User: i.User, Group: i.Group, Body: i}); err != nil {
		return err
	}
	if i.Decision != review.Certified {
		return nil
	}
	adopted, err := tx.Baseline(i.Group)
	if err != nil {
		return err
	}
	for _, b := range adopted {
		if b.User != i.User {
			continue
		}
		b.ReviewBy, b.By = now.Add(s.policy(r.Name).Keep), string(i.By)
		return tx.PutBaseline(b)
	}
	return nil
}

// policy returns the policy of the name; the zero one when it was taken away.
func (s *Stage) policy(name string) review.Policy {
	for _, p := range s.Policies.Reviews {
		if p.Name == name {
			return p
		}
	}
	return review.Policy{}
}

// Demand returns what owners have revoked and what is still there.
func (s *Stage) Demand(tx *store.Tx, _ time.Time) (reconcile.Demand, error) {
	var d reconcile.Demand
	open, err := tx.Reviews(review.Open)
	for _, r := range open {
		for _, i := range r.Items {
			if i.Decision == review.Revoked && !i.Removed {
				d.Revoked = append(d.Revoked, plan.Revocation{
					User: i.User, Group: i.Group, Reason: change.Review, Ticket: r.Ticket, Since: i.Decided, Policy: r.Policy,
				})
			}
		}
	}
	return d, err
}

// Conclude opens campaigns, follows the reviews that are open, and closes those that are through.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	var found []finding.Finding
	for _, p := range s.Policies.Reviews {
		if !w.Write {
			break
		}
		if err := s.campaign(tx, p, w); err != nil {
			return nil, fmt.Errorf("campaign of %s: %w", p.Name, err)
		}
		fs, err := s.unassigned(tx, p, w.Now)
		if err != nil {
			return nil, err
		}
		found = append(found, fs...)
	}
	open, err := tx.Reviews(review.Open)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		f := follower{stage: s, tx: tx, round: w, policy: s.policy(r.Name)}
		fs, err := f.follow(r)
		if err != nil {
			return nil, fmt.Errorf("review %s: %w", r.ID, err)
		}
		found = append(found, fs...)
	}
	return found, nil
}
