package store

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// PutGrant keeps the grant, replacing what was known under its ID.
func (t *Tx) PutGrant(g change.Grant) error {
	text, err := toDoc(g)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO grants (id, group_id, user_id, ticket, ended, expires, doc) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET group_id = excluded.group_id, user_id = excluded.user_id, ticket = excluded.ticket,
			ended = excluded.ended, expires = excluded.expires, doc = excluded.doc`,
		string(g.ID), string(g.Group), string(g.User), string(g.Ticket), micros(g.Ended), micros(g.Expires), text)
	if err != nil {
		return err
	}
	return t.touch(g.Group)
}

// Grant returns the grant. found is false when there is none of this ID.
func (t *Tx) Grant(id change.GrantID) (g change.Grant, found bool, err error) {
	return doc[change.Grant](t, "SELECT doc FROM grants WHERE id = $1", string(id))
}

// Grants returns every grant that has not ended, expired ones included, ordered by group, user, ID.
func (t *Tx) Grants() ([]change.Grant, error) {
	return t.grants("ended = 0")
}

// StrayGrants returns the grants that have not ended and whose ticket is not known under its key any more: it is gone, or
// has another key. Ordered by group, user, ID.
func (t *Tx) StrayGrants() ([]change.Grant, error) {
	return t.grants("ended = 0 AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.key = grants.ticket AND tickets.gone_at = 0)")
}

// GrantsIn returns every grant for the group that has not ended, expired ones included, ordered by user, then ID.
func (t *Tx) GrantsIn(group access.GroupID) ([]change.Grant, error) {
	return t.grants("group_id = $1 AND ended = 0", string(group))
}

// GroupsWithExpired returns the groups with a grant that has run out by now and has not ended.
func (t *Tx) GroupsWithExpired(now time.Time) ([]access.GroupID, error) {
	return column[access.GroupID](t, "SELECT DISTINCT group_id FROM grants WHERE ended = 0 AND expires <> 0 AND expires <= $1", micros(now))
}

// NextExpiry returns when the next grant that has not ended runs out after now; zero for none.
func (t *Tx) NextExpiry(now time.Time) (time.Time, error) {
	var next int64
	_, err := t.row([]any{&next}, "SELECT COALESCE(MIN(expires), 0) FROM grants WHERE ended = 0 AND expires <> 0 AND expires > $1", micros(now))
	return fromMicros(next), err
}

// GrantsExpiring returns the grants that have not ended and run out after from, at to at the latest, ordered by group, user, ID.
func (t *Tx) GrantsExpiring(from, to time.Time) ([]change.Grant, error) {
	return t.grants("ended = 0 AND expires <> 0 AND expires > $1 AND expires <= $2", micros(from), micros(to))
}

// GrantsOf returns every grant of the user, ended ones included, ordered by group, then ID.
func (t *Tx) GrantsOf(user access.UserID) ([]change.Grant, error) {
	return t.grants("user_id = $1", string(user))
}

// GrantsByTicket returns every grant from the ticket, ended ones included, ordered by group, user, ID.
func (t *Tx) GrantsByTicket(key ticket.Key) ([]change.Grant, error) {
	return t.grants("ticket = $1", string(key))
}

// GrantsEndedSince returns the grants that ended at or after since, ordered by group, user, ID.
func (t *Tx) GrantsEndedSince(since time.Time) ([]change.Grant, error) {
	return t.grants("ended <> 0 AND ended >= $1", micros(since))
}

func (t *Tx) grants(where string, args ...any) ([]change.Grant, error) {
	all, err := docs[change.Grant](t, "SELECT doc FROM grants WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b change.Grant) int {
		if c := a.Membership().Compare(b.Membership()); c != 0 {
			return c
		}
		return compareText(a.ID, b.ID)
	})
	return all, nil
}
