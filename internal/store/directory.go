package store

import (
	"database/sql"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/original"
)

// User returns the user as last read. found is false for one who was never read.
func (t *Tx) User(id access.UserID) (user access.User, found bool, err error) {
	return doc[access.User](t, "SELECT doc FROM users WHERE id = $1", string(id))
}

// EachUser calls fn for every user, ordered by ID. fn must not use the transaction.
//
// Errors: what fn returns.
func (t *Tx) EachUser(fn func(access.User) error) error {
	return eachDoc(t, fn, "SELECT doc FROM users ORDER BY "+t.binary("id"))
}

// PutGroup keeps the group as it was read.
func (t *Tx) PutGroup(group access.Group) error {
	text, err := toDoc(group)
	if err != nil {
		return err
	}
	n, err := t.exec(`INSERT INTO okta_groups (id, doc) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET doc = excluded.doc WHERE okta_groups.doc <> excluded.doc`, string(group.ID), text)
	if err != nil || n == 0 {
		return err
	}
	return t.touch(group.ID)
}

// Group returns the group as last read. found is false for one that was never read.
func (t *Tx) Group(id access.GroupID) (group access.Group, found bool, err error) {
	return doc[access.Group](t, "SELECT doc FROM okta_groups WHERE id = $1", string(id))
}

// Groups returns every group, ordered by ID.
func (t *Tx) Groups() ([]access.Group, error) {
	return docs[access.Group](t, "SELECT doc FROM okta_groups ORDER BY "+t.binary("id"))
}

// PutRules replaces every group rule with those of a complete read.
func (t *Tx) PutRules(rules []access.Rule) error {
	rows := make([][]any, 0, len(rules))
	for _, rule := range rules {
		text, err := toDoc(rule)
		if err != nil {
			return err
		}
		rows = append(rows, []any{string(rule.ID), text})
	}
	if _, err := t.exec("DELETE FROM rules"); err != nil {
		return err
	}
	return t.insertMany("INSERT INTO rules (id, doc) VALUES ", rows, "")
}

// Rules returns every group rule, ordered by ID.
func (t *Tx) Rules() ([]access.Rule, error) {
	return docs[access.Rule](t, "SELECT doc FROM rules ORDER BY "+t.binary("id"))
}

// PutEvents keeps System Log events, with their originals where those are set, and returns those that were not known
// before, in the given order.
func (t *Tx) PutEvents(events []access.Event) (fresh []access.Event, err error) {
	for _, event := range events {
		text, err := toDoc(event)
		if err != nil {
			return nil, err
		}
		n, err := t.exec("INSERT INTO events (id, published, type, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
			string(event.ID), micros(event.Published), event.Type, text)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		if err := t.putSubjects(event); err != nil {
			return nil, err
		}
		if err := t.putOriginal(original.Event, string(event.ID), event.Original, t.Now()); err != nil {
			return nil, err
		}
		fresh = append(fresh, event)
	}
	return fresh, nil
}

// putSubjects files the event under each user and group that it names, and under each pair of them.
func (t *Tx) putSubjects(event access.Event) error {
	groups := append([]access.GroupID{""}, event.Groups...)
	for _, user := range event.Users {
		for _, group := range groups {
			_, err := t.exec(`INSERT INTO event_subjects (user_id, group_id, published, event_id) VALUES ($1, $2, $3, $4)
				ON CONFLICT DO NOTHING`, string(user), string(group), micros(event.Published), string(event.ID))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// EventsAbout returns the events published at or after since that name both the user and the group, or, when the group
// is empty, the user; ordered by time of publication, then ID.
func (t *Tx) EventsAbout(m access.Membership, since time.Time) ([]access.Event, error) {
	return docs[access.Event](t, `SELECT e.doc FROM event_subjects s JOIN events e ON e.id = s.event_id
		WHERE s.user_id = $1 AND s.group_id = $2 AND s.published >= $3 ORDER BY s.published, s.event_id`,
		string(m.User), string(m.Group), micros(since))
}

// Event returns one System Log event. found is false when it has not been read.
func (t *Tx) Event(id access.EventID) (event access.Event, found bool, err error) {
	return doc[access.Event](t, "SELECT doc FROM events WHERE id = $1", string(id))
}

// EachSentEventSince is [Tx.EachEventSince] with the original of each event, where there is one.
//
// Errors: what fn returns; [access.ErrMalformed] for an original that is not what was kept.
func (t *Tx) EachSentEventSince(since time.Time, fn func(access.Event) error) error {
	return t.rows(func(scan func(...any) error) error {
		var text string
		var sum sql.NullString
		var packed []byte
		if err := scan(&text, &sum, &packed); err != nil {
			return t.store.cause("read", err)
		}
		var event access.Event
		if err := fromDoc(text, &event); err != nil {
			return err
		}
		if sum.Valid {
			var err error
			if event.Original, err = original.Unpack(packed); err != nil {
				return err
			}
		}
		return fn(event)
	}, `SELECT e.doc, o.sha256, o.packed FROM events e LEFT JOIN originals o ON o.subject = e.id AND o.kind = $2 AND o.latest = 1 AND o.erased = ''
		WHERE e.published >= $1 ORDER BY e.published, e.id`, micros(since), string(original.Event))
}

// EachEventSince calls fn for every event published at or after since, ordered by time of publication, then ID. fn must
// not use the transaction.
//
// Errors: what fn returns.
func (t *Tx) EachEventSince(since time.Time, fn func(access.Event) error) error {
	return eachDoc(t, fn, "SELECT doc FROM events WHERE published >= $1 ORDER BY published, id", micros(since))
}
