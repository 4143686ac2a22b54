package rules

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/review"
)

// reviewed holds a removal against the decision of an access review that the ledger had before the intent: that it was to
// revoke, on the ticket that the change names, by somebody who could decide and whose own access it was not.
func (c *checker) reviewed(ch change.Change) string {
	why := "no decision about it was recorded before"
	for _, r := range c.records {
		if r.Kind != ledger.ReviewDecided || r.User != ch.User || r.Group != ch.Group || r.At.After(ch.Intended) {
			continue
		}
		item, ok := body[review.Item](r)
		switch {
		case !ok || item.Decision != review.Revoked:
			why = "the review did not decide to revoke it"
		case r.Ticket != ch.Ticket:
			why = "another ticket's review decided about it"
		case item.By == ch.User:
			why = "they decided about their own access"
		case !c.mayReview(item.By, ch.Group):
			why = "whoever decided is neither an owner of the system nor among those who stand in for one"
		default:
			return ""
		}
	}
	return why
}

// mayReview reports whether the person may decide about access to the group.
func (c *checker) mayReview(by access.UserID, group access.GroupID) bool {
	g, ours := c.set.Catalog.Group(group)
	if !ours {
		return false
	}
	named := []catalog.People{}
	if s, known := c.set.Catalog.System(g.System); known {
		named = append(named, s.Owners)
	}
	for _, p := range c.set.Reviews {
		named = append(named, p.Fallback)
	}
	return slices.ContainsFunc(named, func(p catalog.People) bool { return among(by, p, c.people) })
}

func among(by access.UserID, p catalog.People, d *people.Directory) bool {
	return slices.Contains(p.Users, by) ||
		slices.ContainsFunc(p.Groups, func(g access.GroupID) bool { return d.Member(access.Membership{Group: g, User: by}) })
}
