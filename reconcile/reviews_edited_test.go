package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile/reviews"
)

// rewrites puts another text into the last comment of somebody on a ticket; an empty one deletes it.
func (b *bench) rewrites(as access.UserID, key ticket.Key, by access.UserID, body string) {
	b.Helper()
	i := b.v.jira.issues[key]
	for at := len(i.comments) - 1; at >= 0; at-- {
		c := &i.comments[at]
		if c.Author != person(as).Account {
			continue
		}
		if body == "" {
			i.comments = append(i.comments[:at:at], i.comments[at+1:]...)
		} else {
			c.Body, c.Edited, c.Editor = body, b.v.clock.now, person(by).Account
		}
		i.Updated = b.v.clock.now
		return
	}
	b.Fatalf("%s has not commented on %s", as, key)
}

// asked is a bench with an access review that waits for its owner, and the review's ticket.
func asked(t *testing.T) (*bench, ticket.Key) {
	b := newBench(t)
	b.procedural(reviewed())
	b.settle()
	return b, b.opened()[0].Key
}

func TestAnEditedCommentDecidesNothingInAReview(t *testing.T) {
	for name, act := range map[string]func(b *bench, key ticket.Key, revoke string){
		"its author, before it was read": func(b *bench, key ticket.Key, revoke string) {
			b.comments("uOwner", key, "I look at it tomorrow")
			later(time.Minute)(b)
			b.rewrites("uOwner", key, "uOwner", revoke)
		},
		"somebody else, before it was read": func(b *bench, key ticket.Key, revoke string) {
			b.comments("uOwner", key, "I look at it tomorrow")
			later(time.Minute)(b)
			b.rewrites("uOwner", key, "uBob", revoke)
		},
		"somebody else, after it was read": func(b *bench, key ticket.Key, revoke string) {
			b.comments("uOwner", key, "I look at it tomorrow")
			b.settle()
			later(time.Minute)(b)
			b.rewrites("uOwner", key, "uBob", revoke)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, key := asked(t)
			act(b, key, fmt.Sprintf("revoke %d\ncertify rest", b.number("uCyd")))
			b.settle()
			b.settle()
			b.wantMade()
			if n := b.records(ledger.ReviewDecided); n != 0 {
				b.Errorf("%d decisions are recorded", n)
			}
			b.wantSaid(key, "new", 1)
			if diff := cmp.Diff(map[finding.Kind]int{}, b.kinds(reviews.FindingAltered)); diff != "" {
				b.Error(diff)
			}
		})
	}
}

func TestWhatACommentDecidedStandsWhenItIsChangedOrDeleted(t *testing.T) {
	for body, said := range map[string]string{"certify 1": "was changed after it had been read", "well": "was changed after it had been read", "": "was deleted"} {
		t.Run(said+" "+body, func(t *testing.T) {
			b, key := asked(t)
			n := b.number("uCyd")
			b.comments("uOwner", key, fmt.Sprintf("revoke %d", n))
			later(10 * time.Second)(b)
			b.settle()
			b.wantMade(removed("gWiki", "uCyd"))
			decided := b.records(ledger.ReviewDecided)
			later(time.Minute)(b)
			b.rewrites("uOwner", key, "uBob", body)
			b.settle()
			b.settle()
			b.wantMade(removed("gWiki", "uCyd"))
			if again := b.records(ledger.ReviewDecided); again != decided || decided != 1 {
				b.Errorf("%d decisions, then %d", decided, again)
			}
			b.wantSaid(key, said, 1)
			if diff := cmp.Diff(map[finding.Kind]int{reviews.FindingAltered: 1}, b.kinds(reviews.FindingAltered)); diff != "" {
				b.Error(diff)
			}
			b.comments("uOwner", key, "certify rest")
			later(10 * time.Second)(b)
			b.settle()
			b.wantStatus(key, "Closed")
			if diff := cmp.Diff(map[finding.Kind]int{}, b.kinds(reviews.FindingAltered)); diff != "" {
				b.Errorf("the review is through: %s", diff)
			}
		})
	}
}

func TestAnEditThatChangesNoAnswerIsNoMatter(t *testing.T) {
	b, key := asked(t)
	b.comments("uBob", key, "thank you")
	b.settle()
	later(time.Minute)(b)
	b.rewrites("uBob", key, "uBob", "thank you all")
	b.settle()
	b.wantSaid(key, "was changed", 0)
	if diff := cmp.Diff(map[finding.Kind]int{}, b.kinds(reviews.FindingAltered)); diff != "" {
		b.Error(diff)
	}
}
