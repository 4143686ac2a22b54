package store

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/original"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// PutTicket keeps the ticket as it was read. Its ID identifies it: when its key has changed, because it moved to another
// project, its approvals move with it. A mark by [Tx.DeleteTicket] or [Tx.PutBadTicket] is taken away. What is set of its
// originals takes the place of those of the last reading.
//
// Errors: [access.ErrInvalid] for a ticket without ID or key.
func (t *Tx) PutTicket(tk ticket.Ticket, readAt time.Time) error {
	if tk.ID == "" || tk.Key == "" {
		return fmt.Errorf("ticket without ID or key: %w", access.ErrInvalid)
	}
	text, err := toDoc(tk)
	if err != nil {
		return err
	}
	var before string
	moved, err := t.row([]any{&before}, "SELECT key FROM tickets WHERE id = $1 AND key <> $2", string(tk.ID), string(tk.Key))
	if err != nil {
		return err
	}
	if moved {
		if err := t.moveTicket(before, string(tk.Key)); err != nil {
			return err
		}
	}
	_, err = t.exec(`INSERT INTO tickets (id, key, project, done, updated, read_at, gone_at, doc) VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
		ON CONFLICT (id) DO UPDATE SET key = excluded.key, project = excluded.project, done = excluded.done,
			updated = excluded.updated, read_at = excluded.read_at, gone_at = 0, doc = excluded.doc`,
		string(tk.ID), string(tk.Key), tk.Project, flag(tk.Done), micros(tk.Updated), micros(readAt), text)
	if err != nil {
		return err
	}
	if _, err = t.exec("DELETE FROM bad_tickets WHERE ticket = $1", string(tk.Key)); err != nil {
		return err
	}
	return t.putTicketOriginals(tk, readAt)
}

func (t *Tx) putTicketOriginals(tk ticket.Ticket, readAt time.Time) error {
	if len(tk.Original) == 0 {
		return nil
	}
	if err := t.putOriginal(original.Issue, string(tk.Key), tk.Original, readAt); err != nil {
		return err
	}
	if len(tk.OriginalHistory) == 0 {
		return t.outdate(original.History, string(tk.Key), "")
	}
	return t.putOriginal(original.History, string(tk.Key), tk.OriginalHistory, readAt)
}

func (t *Tx) moveTicket(from, to string) error {
	if _, err := t.exec("DELETE FROM approvals WHERE ticket = $1", to); err != nil {
		return err
	}
	if _, err := t.exec("UPDATE approvals SET ticket = $2 WHERE ticket = $1", from, to); err != nil {
		return err
	}
	for _, kind := range []original.Kind{original.Issue, original.History, original.Approvals} {
		if err := t.outdate(kind, from, ""); err != nil {
			return err
		}
	}
	_, err := t.exec("DELETE FROM bad_tickets WHERE ticket = $1", from)
	return err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// PutApprovals keeps the approvals of the ticket as a complete read showed them, with their originals where those are set.
func (t *Tx) PutApprovals(key ticket.Key, approvals []ticket.Approval, readAt time.Time) error {
	text, err := toDoc(approvals)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO approvals (ticket, read_at, doc) VALUES ($1, $2, $3)
		ON CONFLICT (ticket) DO UPDATE SET read_at = excluded.read_at, doc = excluded.doc`, string(key), micros(readAt), text)
	if err != nil {
		return err
	}
	elements := make([][]byte, 0, len(approvals))
	for _, a := range approvals {
		if len(a.Original) > 0 {
			elements = append(elements, a.Original)
		}
	}
	if len(elements) == 0 {
		return t.outdate(original.Approvals, string(key), "")
	}
	return t.putOriginal(original.Approvals, string(key), original.Join(elements), readAt)
}

// Approvals returns the approvals of the ticket and when they were read. known is false when they never were.
func (t *Tx) Approvals(key ticket.Key) (approvals []ticket.Approval, readAt time.Time, known bool, err error) {
	var at int64
	var text string
	known, err = t.row([]any{&at, &text}, "SELECT read_at, doc FROM approvals WHERE ticket = $1", string(key))
	if err != nil || !known {
		return nil, time.Time{}, false, err
	}
	if err := fromDoc(text, &approvals); err != nil {
		return nil, time.Time{}, false, err
	}
	return approvals, fromMicros(at), true, nil
}

// OldestApprovals returns at most limit open tickets whose approvals were last read before the time, the oldest reading
// first.
func (t *Tx) OldestApprovals(before time.Time, limit int) ([]ticket.Key, error) {
	return column[ticket.Key](t, `SELECT a.ticket FROM tickets t JOIN approvals a ON a.ticket = t.key
		WHERE t.done = 0 AND t.gone_at = 0 AND a.read_at < $1 ORDER BY a.read_at, a.ticket LIMIT $2`, micros(before), limit)
}

// Ticket returns the ticket that has the key now, with its approvals. found is false for one that was never read or is
// marked as gone.
func (t *Tx) Ticket(key ticket.Key) (tk ticket.Ticket, approvals []ticket.Approval, found bool, err error) {
	tk, found, err = doc[ticket.Ticket](t, "SELECT doc FROM tickets WHERE key = $1 AND gone_at = 0 ORDER BY read_at DESC LIMIT 1", string(key))
	if err != nil || !found {
		return ticket.Ticket{}, nil, false, err
	}
	approvals, _, _, err = t.Approvals(key)
	return tk, approvals, err == nil, err
}

// TicketByID returns the ticket under whatever key it has now. found is false for one that was never read or is marked
// as gone.
func (t *Tx) TicketByID(id ticket.ID) (tk ticket.Ticket, found bool, err error) {
	return doc[ticket.Ticket](t, "SELECT doc FROM tickets WHERE id = $1 AND gone_at = 0", string(id))
}

// TicketFilter chooses tickets. The zero filter chooses all.
type TicketFilter struct {
	// Projects limits to these project keys; empty: every project.
	Projects []string
	// Open leaves out tickets whose status is of the category "done".
	Open bool
	// UpdatedSince leaves out tickets last updated before; zero: none.
	UpdatedSince time.Time
	// Gone includes tickets that are marked as gone.
	Gone bool
}

// EachTicket calls fn for every chosen ticket, ordered by project, then ID as text. fn must not use the transaction.
//
// Errors: what fn returns.
func (t *Tx) EachTicket(filter TicketFilter, fn func(ticket.Ticket) error) error {
	query, order := "SELECT doc FROM tickets WHERE 1 = 1", t.binary
	var args []any
	if !filter.UpdatedSince.IsZero() {
		query, order = query+" AND updated >= $1", t.chosen
		args = append(args, micros(filter.UpdatedSince))
	}
	if filter.Open {
		query += " AND done = 0"
	}
	if !filter.Gone {
		query += " AND gone_at = 0"
	}
	if len(filter.Projects) > 0 {
		query += " AND project IN ("
		for i, project := range filter.Projects {
			args = append(args, project)
			query += separator(i) + fmt.Sprintf("$%d", len(args))
		}
		query += ")"
	}
	return eachDoc(t, fn, query+" ORDER BY "+order("project")+", "+order("id"), args...)
}

// TicketFreshness returns when the ticket was last read. known is false for one that never was.
func (t *Tx) TicketFreshness(id ticket.ID) (readAt time.Time, known bool, err error) {
	var at int64
	known, err = t.row([]any{&at}, "SELECT read_at FROM tickets WHERE id = $1", string(id))
	return fromMicros(at), known, err
}

// TicketsToRecheck returns the keys of tickets that were last read before the given time and on which something rests:
// they are open, or a grant of theirs has not ended. At most limit, the longest unread first.
func (t *Tx) TicketsToRecheck(before time.Time, limit int) ([]ticket.Key, error) {
	// Nearly every ticket was read before, so it is no index on that which helps: the sign and the kind of join keep SQLite from it.
	return column[ticket.Key](t, `SELECT key FROM (
		SELECT key, read_at FROM tickets WHERE done = 0 AND gone_at = 0 AND +read_at < $1
		UNION ALL SELECT tickets.key, tickets.read_at FROM grants CROSS JOIN tickets
			WHERE tickets.key = grants.ticket AND grants.ended = 0 AND tickets.done <> 0 AND tickets.gone_at = 0 AND tickets.read_at < $1
		) AS old GROUP BY key ORDER BY MIN(read_at), key LIMIT $2`, micros(before), limit)
}

// LostTickets returns the tickets that are marked as gone since the time or later and were not done, by ID.
func (t *Tx) LostTickets(since time.Time) ([]ticket.Ticket, error) {
	return docs[ticket.Ticket](t, "SELECT doc FROM tickets WHERE done = 0 AND gone_at >= $1 AND gone_at <> 0 ORDER BY "+t.chosen("id"), micros(since))
}

// DeleteTicket marks the ticket as gone since the given time: Jira says that it does not exist. What is known of it stays
// for the evidence.
func (t *Tx) DeleteTicket(id ticket.ID, since time.Time) error {
	_, err := t.exec("UPDATE tickets SET gone_at = $2 WHERE id = $1 AND gone_at = 0", string(id), micros(since))
	return err
}

// BadTicket is a ticket that could not be used.
type BadTicket struct {
	Key   ticket.Key
	Since time.Time
	Cause string // a phrase without personal data
}

// PutBadTicket marks the ticket as one that could not be used; it blocks no other. The first time stays.
func (t *Tx) PutBadTicket(key ticket.Key, cause string, since time.Time) error {
	_, err := t.exec(`INSERT INTO bad_tickets (ticket, since, cause) VALUES ($1, $2, $3)
		ON CONFLICT (ticket) DO UPDATE SET cause = excluded.cause`, string(key), micros(since), cause)
	return err
}

// DropBadTicket takes the mark of [Tx.PutBadTicket] away.
func (t *Tx) DropBadTicket(key ticket.Key) error {
	_, err := t.exec("DELETE FROM bad_tickets WHERE ticket = $1", string(key))
	return err
}

// BadTickets returns the tickets that could not be used, ordered by key as text.
func (t *Tx) BadTickets() ([]BadTicket, error) {
	var all []BadTicket
	err := t.rows(func(scan func(...any) error) error {
		var bad BadTicket
		var since int64
		if err := scan(&bad.Key, &since, &bad.Cause); err != nil {
			return t.store.cause("read", err)
		}
		bad.Since = fromMicros(since)
		all = append(all, bad)
		return nil
	}, "SELECT ticket, since, cause FROM bad_tickets ORDER BY "+t.binary("ticket"))
	return all, err
}
