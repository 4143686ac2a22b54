package watching

import (
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/procedure"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/internal/watch"
	"github.com/maisonrmi/sopd/reconcile"
)

// excuser knows the tickets that may excuse what was found. It reads each procedure's once in a pass, and only when
// something asks for them.
type excuser struct {
	stage   *Stage
	tx      *store.Tx
	people  *people.Directory
	tickets map[string][]covering // by the name of the procedure
}

// covering is a ticket of a procedure with its approvals.
type covering struct {
	ticket    ticket.Ticket
	approvals []ticket.Approval
}

// excused reports whether an approved ticket of the rule's procedure covers what the actor did: they raised it or work on
// it, every approval of the procedure that it asks for was given, and the deed lies between its start and its end.
func (x *excuser) excused(r watch.Rule, signal watch.Signal) (bool, error) {
	p, known := x.stage.Policies.Procedure(r.Unless)
	if !known || signal.Actor.ID == "" {
		return false, nil
	}
	tickets, err := x.load(p)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(tickets, func(c covering) bool {
		return concerns(c.ticket, access.UserID(signal.Actor.ID), x.people) && covers(p, c.ticket, c.approvals, x.people, signal.At)
	}), nil
}

func (x *excuser) load(p procedure.Procedure) ([]covering, error) {
	if all, loaded := x.tickets[p.Name]; loaded {
		return all, nil
	}
	var err error
	if x.people == nil {
		if x.people, err = reconcile.People(x.tx, x.stage.Policies); err != nil {
			return nil, err
		}
	}
	all := []covering{}
	recent := store.TicketFilter{Projects: p.Match.Projects, UpdatedSince: x.tx.Now().Add(-longestChange)}
	err = x.tx.EachTicket(recent, func(t ticket.Ticket) error {
		if p.Match.Ticket(t) {
			all = append(all, covering{ticket: t})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].approvals, _, _, err = x.tx.Approvals(all[i].ticket.Key); err != nil {
			return nil, err
		}
	}
	x.tickets[p.Name] = all
	return all, nil
}

// longestChange is how long ago a change may have been touched last that excuses something now.
const longestChange = 30 * 24 * time.Hour

func concerns(t ticket.Ticket, actor access.UserID, d *people.Directory) bool {
	return slices.ContainsFunc([]ticket.Person{t.Reporter, t.Assignee}, func(p ticket.Person) bool {
		u, err := d.Match(p)
		return err == nil && u.ID == actor
	})
}

// The suffixes of the facts that say from when to when a change was made; see [covers].
const (
	started = ".started"
	ended   = ".ended"
)

// covers reports whether the approved ticket covers the instant: not before the fact of the procedure that ends in
// ".started", and not after the one that ends in ".ended", where there is one.
func covers(p procedure.Procedure, t ticket.Ticket, approvals []ticket.Approval, d *people.Directory, at time.Time) bool {
	reading := p.Read(t, approvals, procedure.World{People: d, Now: at})
	from, to := time.Time{}, time.Time{}
	for _, f := range reading.Facts {
		switch {
		case strings.HasSuffix(f.Name, started) && (from.IsZero() || f.At.Before(from)):
			from = f.At
		case strings.HasSuffix(f.Name, ended) && f.At.After(to):
			to = f.At
		}
	}
	approved := !slices.ContainsFunc(p.Artefacts, func(a procedure.Artefact) bool {
		return a.Approval != "" && slices.Contains(reading.Missing, a.Name)
	})
	return approved && !from.IsZero() && !at.Before(from) && (to.IsZero() || !at.After(to))
}
