package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// loader reads one consistent snapshot of the store: of the tickets those that are open, of the people those whom they name,
// of the groups those about which there is something to decide. What it holds grows with what goes on, not with the
// organisation.
type loader struct {
	r      *Reconciler
	now    time.Time
	unread map[access.GroupID]error

	fed    map[access.GroupID]bool      // by an active rule
	reads  map[access.GroupID]time.Time // groups whose members are known
	stored map[change.GrantID]change.Grant
	ended  map[change.GrantID]change.Grant // of open tickets, as the ones above
	open   []judged
	bad    map[ticket.Key]bool // tickets that could not be read
	// blind: a group whose members may approve is not known, so that an approval that does not count may count all the same.
	blind bool
	// dark are managed groups that exist and of which nobody knows who is in them.
	dark    []access.GroupID
	changes map[ticket.Key][]change.Change
	pending []change.Change
	recent  []change.Change // read back so lately that a list of the vendor may not show it
	removed int64

	lives
	view view
}

// load reads the mirror, judges and plans, all on one snapshot.
func (r *Reconciler) load(ctx context.Context, unread map[access.GroupID]error) (*loader, error) {
	var l *loader
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		l = &loader{r: r, now: r.Now(), unread: unread} // a read that is tried again begins anew
		return l.load(tx)
	})
	return l, err
}

func (l *loader) load(tx *store.Tx) error {
	steps := []struct {
		what string
		load func(*store.Tx) error
	}{
		{"rules", l.loadRules}, {"tickets", l.loadTickets}, {"changes", l.loadChanges}, {"emergencies", l.loadEmergencies},
		{"verdicts", l.judge}, {"role changes", l.roleChanges}, {"profiles", l.loadProfiles}, {"undos", l.loadUndos},
		{"leavers", l.deprovisioned}, {"demands", l.loadDemands}, {"groups", l.plan}, {"refusals", l.rest},
	}
	for _, step := range steps {
		if err := step.load(tx); err != nil {
			return fmt.Errorf("loading %s: %w", step.what, err)
		}
	}
	return nil
}

// loadRules learns which groups are known, and which of them a rule feeds.
func (l *loader) loadRules(tx *store.Tx) error {
	rules, err := tx.Rules()
	if err != nil {
		return err
	}
	l.fed = make(map[access.GroupID]bool)
	for _, rule := range rules {
		for _, g := range rule.Groups {
			l.fed[g] = l.fed[g] || rule.Active
		}
	}
	if l.reads, err = tx.GroupReads(); err != nil {
		return err
	}
	l.blind = slices.ContainsFunc(l.r.Policies.Eligible(), func(id access.GroupID) bool { return !l.known(id) })
	for _, id := range l.managed() {
		if !l.known(id) && !errors.Is(l.unread[id], access.ErrNotFound) {
			l.dark = append(l.dark, id)
		}
	}
	return nil
}

// known reports whether the members of the group are known, by a complete read that still holds.
func (l *loader) known(id access.GroupID) bool {
	_, read := l.reads[id]
	_, failed := l.unread[id]
	return read && !failed
}

// snapshot is the organisation as people are looked up in it. A look-up that fails dooms the transaction: nothing may be
// decided on somebody who could not be read.
type snapshot struct {
	tx     *store.Tx
	loader *loader
}

// User implements [people.Source].
func (s snapshot) User(id access.UserID) (access.User, bool, error) {
	user, found, err := s.tx.User(id)
	s.tx.Doom(err)
	return user, found, err
}

// UsersByAttribute implements [people.Source].
func (s snapshot) UsersByAttribute(value string) ([]access.UserID, error) {
	ids, err := s.tx.UsersByAttribute(value)
	s.tx.Doom(err)
	return ids, err
}

// UsersByName implements [people.Source].
func (s snapshot) UsersByName(name string) ([]access.UserID, error) {
	ids, err := s.tx.UsersByName(name)
	s.tx.Doom(err)
	return ids, err
}

// IsMember is false for a group that could not be read.
func (s snapshot) IsMember(m access.Membership) (bool, error) {
	if !s.loader.known(m.Group) {
		return false, nil
	}
	in, err := s.tx.IsMember(m)
	s.tx.Doom(err)
	return in, err
}

// MembersOf is nil for a group that could not be read.
func (s snapshot) MembersOf(group access.GroupID) ([]access.UserID, error) {
	if !s.loader.known(group) {
		return nil, nil
	}
	members, _, _, err := s.tx.Members(group)
	s.tx.Doom(err)
	return members, err
}

// Known implements [people.Source].
func (s snapshot) Known(group access.GroupID) (bool, error) { return s.loader.known(group), nil }

// Turns implements [people.Source].
func (s snapshot) Turns(m access.Membership) ([]people.Turn, error) {
	events, err := s.tx.EventsAbout(m, time.Time{})
	s.tx.Doom(err)
	var turns []people.Turn
	for _, e := range events {
		if e.Succeeded && (e.Type == eventMemberAdded || e.Type == eventMemberRemoved) {
			turns = append(turns, people.Turn{At: e.Published, In: e.Type == eventMemberAdded})
		}
	}
	return turns, err
}

// Seen implements [people.Source].
func (s snapshot) Seen(m access.Membership) (time.Time, error) {
	at, err := s.tx.FirstSeen(m)
	s.tx.Doom(err)
	return at, err
}

// loadTickets leaves out tickets that could not be read: nothing is given, taken or said on what is not known.
func (l *loader) loadTickets(tx *store.Tx) error {
	bad, err := tx.BadTickets()
	if err != nil {
		return err
	}
	l.bad = make(map[ticket.Key]bool, len(bad))
	for _, b := range bad {
		l.bad[b.Key] = true
	}
	err = tx.EachTicket(store.TicketFilter{Projects: l.r.Policies.Projects(), Open: true}, func(t ticket.Ticket) error {
		if sop, ok := l.r.Policies.SOP(t); ok && !l.bad[t.Key] {
			l.open = append(l.open, judged{sop: sop, ticket: t})
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.stored, l.ended = make(map[change.GrantID]change.Grant), make(map[change.GrantID]change.Grant)
	for i := range l.open {
		if l.open[i].approvals, _, _, err = tx.Approvals(l.open[i].ticket.Key); err != nil {
			return err
		}
		if err := l.loadGrants(tx, l.open[i].ticket.Key); err != nil {
			return err
		}
	}
	return nil
}

// loadGrants reads the grants that the ticket has led to.
func (l *loader) loadGrants(tx *store.Tx, key ticket.Key) error {
	grants, err := tx.GrantsByTicket(key)
	for _, g := range grants {
		if g.Ended.IsZero() {
			l.stored[g.ID] = g
		} else {
			l.ended[g.ID] = g
		}
	}
	return err
}

func (l *loader) loadChanges(tx *store.Tx) error {
	var err error
	if l.pending, err = tx.Unsettled(); err != nil {
		return err
	}
	if l.removed, err = tx.RemovalsSince(l.now.Add(-time.Hour)); err != nil {
		return err
	}
	l.changes = make(map[ticket.Key][]change.Change)
	for _, j := range l.open {
		if l.changes[j.ticket.Key], err = tx.ChangesByTicket(j.ticket.Key); err != nil {
			return err
		}
	}
	since := l.now.Add(-confirmWindow)
	latest, err := tx.ChangesSince(since.Add(-giveUp)) // settled within the window, begun before it
	for _, c := range latest {
		if c.State == change.Confirmed && !c.Settled.Before(since) && !c.Settled.After(l.now.Add(fromTheFuture)) {
			l.recent = append(l.recent, c)
		}
	}
	return err
}
