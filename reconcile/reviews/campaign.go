package reviews

import (
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// unreadWait is how long a campaign waits for a group that cannot be read. After that it begins without it: one group must
// not keep all others from being reviewed.
const unreadWait = 24 * time.Hour

// campaign opens the reviews of a period that has begun, once.
func (s *Stage) campaign(tx *store.Tx, p review.Policy, w reconcile.Round) error {
	cursor := "campaign/" + p.Name
	last, _, _, err := tx.Cursor(cursor)
	if err != nil {
		return err
	}
	o, begun := p.Schedule.Latest(w.Now)
	if !begun || string(last) == o.Period {
		return nil
	}
	if last == "" && !w.Now.Before(p.Within.Due(p.Schedule.Calendar, o.Opens)) {
		return nil // it was over before sopd began
	}
	memberships, unread, err := s.memberships(tx, p, w.Now)
	if err != nil || unread > 0 && w.Now.Before(o.Opens.Add(unreadWait)) {
		return err
	}
	known, err := reconcile.People(tx, s.Policies)
	if err != nil {
		return err
	}
	if began, err := reconcile.Began(tx, w.Now); err != nil {
		return err
	} else if o.Opens.Before(began) {
		o.Opens = w.Now // owners are not late for what nobody asked them
	}
	reviews, unassigned := review.Campaign{
		Policy: p, Occurrence: o, Catalog: s.Policies.Catalog, People: known, Memberships: memberships,
	}.Reviews()
	for _, r := range reviews {
		if err := s.open(tx, p, r, reconcile.Shown{People: known, Policy: s.Policies}); err != nil {
			return err
		}
	}
	for _, m := range unassigned {
		if err := tx.PutUnassigned(p.Name+"@"+o.Period, m.Membership); err != nil {
			return err
		}
	}
	return tx.SetCursor(cursor, access.Cursor(o.Period), w.Now)
}

// memberships returns what there is to be reviewed, from complete reads, and how many groups could not be read. Groups that
// an Okta rule or an application fills are left out: nobody can revoke there.
func (s *Stage) memberships(tx *store.Tx, p review.Policy, now time.Time) (all []review.Membership, unread int, err error) {
	grants, err := tx.Grants()
	if err != nil {
		return nil, 0, err
	}
	basis := make(map[access.Membership]string)
	for _, g := range grants {
		if g.Live(now) {
			basis[g.Membership()] = string(g.Ticket)
		}
	}
	rules, err := tx.Rules()
	if err != nil {
		return nil, 0, err
	}
	for _, group := range s.Policies.Catalog.Groups {
		system, known := s.Policies.Catalog.System(group.System)
		if !known || !p.Covers(system) {
			continue
		}
		g, found, err := tx.Group(group.ID)
		if err != nil {
			return nil, 0, err
		}
		members, _, read, err := tx.Members(group.ID)
		if err != nil {
			return nil, 0, err
		}
		fed := slices.ContainsFunc(rules, func(r access.Rule) bool { return r.Active && slices.Contains(r.Groups, group.ID) })
		switch {
		case !read || !found:
			unread++
			continue
		case fed || g.Type != access.OktaGroup:
			continue
		}
		adopted, err := tx.Baseline(group.ID)
		if err != nil {
			return nil, 0, err
		}
		for _, b := range adopted {
			if basis[b.Membership] == "" {
				basis[b.Membership] = "adopted"
			}
		}
		for _, user := range members {
			m := access.Membership{Group: group.ID, User: user}
			why := basis[m]
			if why == "" {
				why = "none"
			}
			all = append(all, review.Membership{Membership: m, Basis: why})
		}
	}
	return all, unread, nil
}

func effectKey(id string) string { return "review/" + id }

// open asks the owner, on a ticket.
func (s *Stage) open(tx *store.Tx, p review.Policy, r review.Review, names reconcile.Shown) error {
	if err := tx.PutReview(r); err != nil {
		return err
	}
	_, err := tx.PutEffect(change.Effect{Key: effectKey(r.ID), Kind: change.Open, Created: tx.Now(), New: &ticket.New{
		Project: p.Project, Type: p.Type, Summary: fmt.Sprintf("Access review %s for %s", r.Period, names.Person(r.Reviewer)),
		Labels: []string{"sopd-review"}, Marker: "sopd-review-" + reconcile.Fingerprint(r.ID), Description: asked(p, r),
	}})
	if err != nil {
		return err
	}
	_, err = tx.RecordFacts("", r.Fact(p.Fact(review.Opened), review.Opened, r.Opened, tx.Now()))
	return err
}

// unassigned raises the memberships of the policy's latest campaign that nobody may review, while they are there.
func (*Stage) unassigned(tx *store.Tx, p review.Policy, now time.Time) ([]finding.Finding, error) {
	period, _, _, err := tx.Cursor("campaign/" + p.Name)
	if err != nil {
		return nil, err
	}
	campaign := p.Name + "@" + string(period)
	all, err := tx.Unassigned(campaign)
	var found []finding.Finding
	for _, m := range all {
		found = append(found, finding.Finding{
			Key: finding.Key(fmt.Sprintf("%s/%s/%s/%s", FindingUnassigned, campaign, m.Group, m.User)), Kind: FindingUnassigned,
			User: m.User, Group: m.Group, Owner: p.Owner, Raised: now, Title: "nobody may review an access; name another owner or fallback",
		})
	}
	return found, err
}
