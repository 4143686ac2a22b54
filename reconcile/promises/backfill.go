package promises

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

const (
	// cursorBackfill holds how far the history was read: the ID of a ticket, or backfilled.
	cursorBackfill = "kpi.backfill"
	// backfilled says that all of it was. No ticket has this ID.
	backfilled access.Cursor = "done"
	// backfillBatch is how many tickets are looked at in one transaction.
	backfillBatch = 500
)

// The System Log's names of what ends access.
//
// Source: Okta event type catalogue 2026.08.1.
const (
	eventDeactivated = "user.lifecycle.deactivate"
	eventRemoved     = "group.user_membership.remove"
)

// backfill records the facts of the access procedures from what Jira and Okta remember, once and batch by batch: tickets
// that were closed before sopd, then leavers whom Okta's log shows. Statuses are good enough here, because nothing is given
// or taken on them: they only fill the figures, marked as back-filled. Tickets that are open are clocked like any other.
func (s *Stage) backfill(tx *store.Tx, began, now time.Time) (more bool, err error) {
	id, at, _, err := tx.Cursor(cursorBackfill)
	if err != nil || id == backfilled {
		return false, err
	}
	h := history{set: s.Policies, began: began, now: now}
	tickets, last, err := tx.TicketsRead(store.Place{At: at, ID: ticket.ID(id)}, backfillBatch)
	if err != nil {
		return false, err
	}
	for _, t := range tickets {
		h.ticket(t)
	}
	next := access.Cursor(last.ID)
	if more = len(tickets) == backfillBatch; !more {
		next = backfilled
		if since, wanted := h.leaversSince(); wanted {
			if err := h.leavers(tx, since); err != nil {
				return false, err
			}
		}
	}
	if _, err := tx.RecordFacts("", h.facts...); err != nil {
		return false, err
	}
	return more, tx.SetCursor(cursorBackfill, next, last.At)
}

// history gathers facts of the past.
type history struct {
	set   *policies.Set
	began time.Time
	now   time.Time
	facts []kpi.Fact
}

func (h *history) add(subject, name string, at time.Time, severity string) {
	if at.IsZero() || !at.Before(h.began) {
		return
	}
	h.facts = append(h.facts, kpi.Fact{
		ID: subject + "/" + name, Subject: subject, Name: name, At: at.UTC(), Recorded: h.now, Source: "history", Severity: severity, Backfilled: true,
	})
}

// ticket takes the facts of a closed access ticket.
func (h *history) ticket(t ticket.Ticket) {
	sop, ours := h.set.SOP(t)
	if !ours || !t.Done {
		return
	}
	document, _ := h.set.Document(sop.Name)
	if document.Backfill == 0 || t.Created.Before(h.began.Add(-document.Backfill)) {
		return
	}
	approved := entered(t, sop.Tickets.Fulfil...)
	closed := entered(t, sop.Tickets.Close)
	if approved.IsZero() || closed.IsZero() {
		return // declined or withdrawn: no promise was kept or broken
	}
	key := string(t.Key)
	switch sop.Kind {
	case policies.KindAccessProvisioning:
		risk := h.risk(sop, t)
		given := closed
		if sop.Tickets.Validate != "" {
			given = entered(t, sop.Tickets.Validate, sop.Tickets.Close)
		}
		h.add(key, reconcile.FactRequested, t.Created, risk)
		h.add(key, reconcile.FactApproved, approved, risk)
		h.add(key, reconcile.FactProvisioned, given, risk)
		h.add(key, reconcile.FactValidated, entered(t, sop.Tickets.Validated...), risk)
	case policies.KindDeprovisioning:
		left := t.Fields[sop.Rules.Fields.Effective].Time
		if left.Before(approved) {
			left = approved
		}
		if left.After(closed) {
			return
		}
		h.add(key, reconcile.FactLeft, left, "")
		h.add(key, reconcile.FactRemoved, closed, "")
	}
}

// entered returns when the ticket first came into one of the statuses.
func entered(t ticket.Ticket, statuses ...string) time.Time {
	for _, e := range t.History {
		if strings.EqualFold(e.Field, "status") && slices.Contains(statuses, e.ToText) {
			return e.At
		}
	}
	return time.Time{}
}

// risk returns the highest risk among the systems that the ticket names.
func (h *history) risk(sop policies.SOP, t ticket.Ticket) string {
	rank := map[catalog.Risk]int{catalog.Low: 1, catalog.Medium: 2, catalog.High: 3}
	var highest catalog.Risk
	for _, name := range t.Fields[sop.Rules.Fields.System].Texts {
		if s, known := h.set.Catalog.System(name); known && rank[s.Risk] > rank[highest] {
			highest = s.Risk
		}
	}
	return string(highest)
}

// leaversSince returns how far back leavers are looked for in Okta's log.
func (h *history) leaversSince() (since time.Time, wanted bool) {
	sop, ok := h.set.Kind(policies.KindDeprovisioning)
	if !ok {
		return since, false
	}
	document, _ := h.set.Document(sop.Name)
	return h.began.Add(-document.Backfill), document.Backfill > 0
}

// leavers takes from Okta's log when people were deactivated and when the last managed membership that they had then was
// taken from them. Somebody who still has one is not over yet: the pass clocks them.
func (h *history) leavers(tx *store.Tx, since time.Time) error {
	left := make(map[access.UserID]time.Time)
	removed := make(map[access.UserID]time.Time)
	err := tx.EachEventSince(since, func(e access.Event) error {
		switch {
		case !e.Succeeded || !e.Published.Before(h.began):
		case e.Type == eventDeactivated:
			for _, u := range e.Users {
				left[u] = e.Published
				delete(removed, u)
			}
		case e.Type == eventRemoved && slices.ContainsFunc(e.Groups, h.managed):
			for _, u := range e.Users {
				if _, gone := left[u]; gone {
					removed[u] = e.Published
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, user := range slices.Sorted(maps.Keys(removed)) {
		at := removed[user]
		held, err := tx.MembershipsOf(user)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(held, func(m access.Membership) bool { return h.managed(m.Group) }) {
			continue
		}
		subject := string(user) + "@" + left[user].UTC().Format(time.RFC3339)
		h.add(subject, reconcile.FactLeft, left[user], "")
		h.add(subject, reconcile.FactRemoved, at, "")
	}
	return nil
}

func (h *history) managed(id access.GroupID) bool {
	_, ours := h.set.Catalog.Group(id)
	return ours
}
