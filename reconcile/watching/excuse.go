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

// excused reports whether an approved ticket of the rule's procedure covers what the actor did: they raised it or work on
// it, every approval of the procedure that it asks for was given, and the deed lies between its start and its end.
func (s *Stage) excused(tx *store.Tx, r watch.Rule, signal watch.Signal) (bool, error) {
	p, known := s.Policies.Procedure(r.Unless)
	if !known || signal.Actor.ID == "" {
		return false, nil
	}
	d, err := reconcile.People(tx, s.Policies)
	if err != nil {
		return false, err
	}
	var tickets []ticket.Ticket
	// A change that covers the deed was touched after it, or is open.
	err = tx.EachTicket(store.TicketFilter{Projects: p.Match.Projects, UpdatedSince: signal.At.Add(-longestChange)}, func(t ticket.Ticket) error {
		if p.Match.Ticket(t) {
			tickets = append(tickets, t)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, t := range tickets {
		approvals, _, _, err := tx.Approvals(t.Key)
		if err != nil {
			return false, err
		}
		if concerns(t, access.UserID(signal.Actor.ID), d) && covers(p, t, approvals, d, signal.At) {
			return true, nil
		}
	}
	return false, nil
}

// longestChange is how long before a deed its change may have been touched last.
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
