package evidence

import (
	"strconv"

	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/review"
)

// reviewForm is the list of decisions in access reviews.
func reviewForm() form {
	return form{
		View:     View{File: "reviews.csv", Title: "memberships decided about in access reviews, and by whom", Kinds: []ledger.Kind{ledger.ReviewDecided}},
		columns:  []string{"campaign", "number", "login", "system", "group_name", "basis", "decision", "decided", "by", "by_login", "comment", "due", "access_gone"},
		policies: []string{"AccessReview"},
		cells:    (*exporter).reviewCells,
	}
}

func (e *exporter) reviewCells(r ledger.Record) ([]string, error) {
	var i review.Item
	if err := DecodeBody(r, &i); err != nil {
		return nil, err
	}
	campaign, err := e.campaign(r)
	if err != nil {
		return nil, err
	}
	login, group, err := e.names(r)
	if err != nil {
		return nil, err
	}
	by, err := e.login(i.By)
	gone := ""
	if i.Decision == review.Revoked {
		gone = "no"
		for _, item := range campaign.Items {
			if item.Number == i.Number && item.Removed {
				gone = "yes"
			}
		}
	}
	return []string{
		reviewed(campaign), strconv.Itoa(i.Number), login, i.System, group, i.Basis, string(i.Decision), iso(i.Decided), string(i.By), by, i.Comment,
		iso(campaign.Due), gone,
	}, err
}

// reviewed names a campaign without the reviewer; nothing for a review that is not known.
func reviewed(r review.Review) string {
	if r.Name == "" {
		return ""
	}
	return r.Name + "@" + r.Period
}

// campaign returns the review that the ticket asks for, as it is now.
func (e *exporter) campaign(r ledger.Record) (review.Review, error) {
	if e.reviews == nil {
		e.reviews = make(map[string]review.Review)
		for _, state := range []review.State{review.Open, review.Through} {
			all, err := e.tx.Reviews(state)
			if err != nil {
				return review.Review{}, err
			}
			for _, one := range all {
				e.reviews[string(one.Ticket)] = one
			}
		}
	}
	return e.reviews[string(r.Ticket)], nil
}
