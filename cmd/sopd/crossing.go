package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging/crossing"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// side is a pager that can be crossed from or to.
type side interface {
	pager
	crossing.Primary
}

// pair is two pagers of which the first is written to.
type pair struct {
	*crossing.Pair
	sides []side
	names []string // as people know them
}

// Check looks at the permissions of both pagers.
func (p *pair) Check(ctx context.Context) []access.Problem {
	var all []access.Problem
	for i, s := range p.sides {
		for _, problem := range s.Check(ctx) {
			problem.What = p.names[i] + ": " + problem.What
			all = append(all, problem)
		}
	}
	return all
}

// newPair joins the pagers, the primary first.
func (d *daemon) newPair(primary, secondary side) (pager, error) {
	first, second := d.config.PagingPrimary, otherPaging(d.config.PagingPrimary)
	joined, err := crossing.New(crossing.Options{
		Primary: primary, Secondary: secondary, PrimaryName: first, SecondaryName: second,
		IdentifyPrimary: d.identify, IdentifySecondary: d.identify, Prefix: "sopd-",
	})
	if err != nil {
		return nil, err
	}
	return &pair{Pair: joined, sides: []side{primary, secondary}, names: []string{pagerName(first), pagerName(second)}}, nil
}

func otherPaging(paging string) string {
	if paging == pagingOpsgenie {
		return pagingJSMOps
	}
	return pagingOpsgenie
}

// identify returns the Okta user behind a pager's name for somebody on call: an e-mail address, or an account ID, which Jira
// may have to be asked about. Whoever is not known for certain is nobody.
func (d *daemon) identify(ctx context.Context, name string) (string, error) {
	user, err := d.named(ctx, func(p *people.Directory) (access.User, error) { return p.Named(name) })
	if err == nil || !errors.Is(err, people.ErrUnknown) || strings.Contains(name, "@") {
		return string(user.ID), unknown(err)
	}
	person, err := d.jira.Person(ctx, ticket.AccountID(name))
	if err != nil {
		if errors.Is(err, access.ErrNotFound) {
			err = nil
		}
		return "", err
	}
	user, err = d.named(ctx, func(p *people.Directory) (access.User, error) { return p.Match(person) })
	return string(user.ID), unknown(err)
}

// unknown drops the errors that only say that somebody is not known.
func unknown(err error) error {
	if errors.Is(err, people.ErrUnknown) || errors.Is(err, people.ErrAmbiguous) {
		return nil
	}
	return err
}

// named looks somebody up in the mirror of Okta.
func (d *daemon) named(ctx context.Context, find func(*people.Directory) (access.User, error)) (user access.User, err error) {
	readErr := d.store.Read(ctx, func(tx *store.Tx) error {
		p, readErr := reconcile.People(tx, d.policies)
		if readErr != nil {
			return readErr
		}
		user, err = find(p)
		return p.Err()
	})
	if readErr != nil {
		return access.User{}, readErr
	}
	if err != nil {
		return access.User{}, err
	}
	return user, nil
}

// compareEvery is how many intervals lie between two comparisons of the pagers: who is on call changes by the shift.
const compareEvery = 5

// checkCrossing says what the two pagers disagree on now.
func (d *daemon) checkCrossing(ctx context.Context, p *pair, now time.Time) []checked {
	found, err := p.Compare(ctx, now)
	if err != nil {
		return []checked{{What: fmt.Sprintf("the two pagers could not be compared (%v)", err), Warning: true, Fix: "mend what is named above, then check again"}}
	}
	if len(found) == 0 {
		return []checked{{What: "the two pagers agree on who is on call and on sopd's alerts", OK: true}}
	}
	var lines []checked
	for _, f := range found {
		lines = append(lines, checked{
			What: fmt.Sprintf("the two pagers disagree: %s %q", f.Kind, f.What), Warning: true,
			Fix: "make both say the same before you switch; while they disagree nobody counts as on call",
		})
	}
	return lines
}
