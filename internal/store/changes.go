package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ticket"
)

func compareText[S ~string](a, b S) int { return cmp.Compare(a, b) }

// next lists the states that a change may take from each state. Staying is always allowed, so that the event that shows
// a change can be noted later.
func next(from change.State) []change.State {
	switch from {
	case change.Intended:
		return []change.State{change.Unconfirmed, change.Applied, change.Confirmed, change.Refused}
	case change.Unconfirmed:
		return []change.State{change.Applied, change.Confirmed, change.Refused}
	case change.Applied:
		return []change.State{change.Unconfirmed, change.Confirmed}
	default:
		return nil
	}
}

// PutChange keeps a new change, which must be Intended, or a step of one that is known. What the change does and on whose
// authority never changes, and a settled one stays settled.
//
// Errors: [access.ErrInvalid] for a step that is not allowed; nothing is written then.
func (t *Tx) PutChange(c change.Change) error {
	before, found, err := t.Change(c.ID)
	if err != nil {
		return err
	}
	if err := checkStep(before, found, c); err != nil {
		return err
	}
	text, err := toDoc(c)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO changes (id, kind, reason, state, user_id, group_id, ticket, intended, settled, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, settled = excluded.settled, doc = excluded.doc`,
		string(c.ID), string(c.Kind), string(c.Reason), string(c.State), string(c.User), string(c.Group), string(c.Ticket),
		micros(c.Intended), micros(c.Settled), text)
	if err != nil {
		return err
	}
	if found && before.State == c.State {
		return nil
	}
	if found {
		if err := t.countChange(before, -1); err != nil {
			return err
		}
	}
	return t.countChange(c, 1)
}

func checkStep(before change.Change, found bool, c change.Change) error {
	if c.State.Settled() == c.Settled.IsZero() {
		return fmt.Errorf("change %s is %s and its time of settling says otherwise: %w", c.ID, c.State, access.ErrInvalid)
	}
	if !found {
		if c.State != change.Intended {
			return fmt.Errorf("change %s begins as %s, not as intended: %w", c.ID, c.State, access.ErrInvalid)
		}
		return nil
	}
	if c.State != before.State && !slices.Contains(next(before.State), c.State) {
		return fmt.Errorf("change %s may not go from %s to %s: %w", c.ID, before.State, c.State, access.ErrInvalid)
	}
	if before.State.Settled() && !micro(before.Settled).Equal(micro(c.Settled)) {
		return fmt.Errorf("change %s was settled at another time: %w", c.ID, access.ErrInvalid)
	}
	if identity(before) != identity(c) {
		return fmt.Errorf("change %s is another one under the same ID: %w", c.ID, access.ErrInvalid)
	}
	return nil
}

func micro(t time.Time) time.Time { return t.Truncate(time.Microsecond) }

// identity is what never changes about a change.
func identity(c change.Change) change.Change {
	c.State, c.Settled, c.Event, c.Error = "", time.Time{}, "", ""
	c.Intended = fromMicros(micros(c.Intended))
	return c
}

func (t *Tx) countChange(c change.Change, by int64) error {
	_, err := t.exec(`INSERT INTO change_totals (kind, reason, state, n) VALUES ($1, $2, $3, $4)
		ON CONFLICT (kind, reason, state) DO UPDATE SET n = change_totals.n + excluded.n`,
		string(c.Kind), string(c.Reason), string(c.State), by)
	return err
}

// Change returns the change. found is false when there is none of this ID.
func (t *Tx) Change(id change.ID) (c change.Change, found bool, err error) {
	return doc[change.Change](t, "SELECT doc FROM changes WHERE id = $1", string(id))
}

// Unsettled returns the changes that are neither confirmed nor refused, ordered by ID, that is by age.
func (t *Tx) Unsettled() ([]change.Change, error) { return t.changes("settled = 0") }

// ChangesByTicket returns the changes on the ticket's authority, ordered by ID.
func (t *Tx) ChangesByTicket(key ticket.Key) ([]change.Change, error) {
	return t.changes("ticket = $1", string(key))
}

// ChangesByUser returns the changes of the user's access, ordered by ID.
func (t *Tx) ChangesByUser(user access.UserID) ([]change.Change, error) {
	return t.changes("user_id = $1", string(user))
}

// ChangesSince returns the changes intended at or after since, ordered by ID.
func (t *Tx) ChangesSince(since time.Time) ([]change.Change, error) {
	return t.changes("intended >= $1", micros(since))
}

// RefusedSince returns the changes that were refused at or after since, ordered by ID.
func (t *Tx) RefusedSince(since time.Time) ([]change.Change, error) {
	return t.changes("state = 'refused' AND settled >= $1", micros(since))
}

// RetryChange notes that a person wants the change tried again at once, however often it was refused.
func (t *Tx) RetryChange(kind change.Kind, m access.Membership) error {
	_, err := t.exec(`INSERT INTO change_retries (kind, group_id, user_id, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (kind, group_id, user_id) DO UPDATE SET at = excluded.at`, string(kind), string(m.Group), string(m.User), micros(t.Now()))
	return err
}

// ChangeRetried returns when a person last wanted such a change tried again; zero for never.
func (t *Tx) ChangeRetried(kind change.Kind, m access.Membership) (time.Time, error) {
	var at int64
	_, err := t.row([]any{&at}, "SELECT at FROM change_retries WHERE kind = $1 AND group_id = $2 AND user_id = $3",
		string(kind), string(m.Group), string(m.User))
	return fromMicros(at), err
}

func (t *Tx) changes(where string, args ...any) ([]change.Change, error) {
	all, err := docs[change.Change](t, "SELECT doc FROM changes WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b change.Change) int { return compareText(a.ID, b.ID) })
	return all, nil
}

// ChangeTotal is how many changes there are of a kind, for a reason, in a state.
type ChangeTotal struct {
	Kind   change.Kind
	Reason change.Reason
	State  change.State
	N      int64 // at least 1
}

// ChangeTotals returns the numbers of all changes ever made, at a cost that does not grow with them, ordered by kind,
// reason, state.
func (t *Tx) ChangeTotals() ([]ChangeTotal, error) {
	var all []ChangeTotal
	err := t.rows(func(scan func(...any) error) error {
		var total ChangeTotal
		if err := scan(&total.Kind, &total.Reason, &total.State, &total.N); err != nil {
			return t.store.cause("read", err)
		}
		all = append(all, total)
		return nil
	}, "SELECT kind, reason, state, n FROM change_totals WHERE n <> 0")
	slices.SortFunc(all, func(a, b ChangeTotal) int {
		return cmp.Or(compareText(a.Kind, b.Kind), compareText(a.Reason, b.Reason), compareText(a.State, b.State))
	})
	return all, err
}

// RemovalsSince returns how many removals of members were intended at or after since and not refused: what the rolling
// guard counts, whether or not they are confirmed yet.
func (t *Tx) RemovalsSince(since time.Time) (int64, error) {
	var n int64
	_, err := t.row([]any{&n}, "SELECT COUNT(*) FROM changes WHERE kind = $1 AND intended >= $2 AND state <> $3",
		string(change.RemoveMember), micros(since), string(change.Refused))
	return n, err
}
