package store

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
)

// Move is how many members sopd added to a group, or removed from it, for a reason.
type Move struct {
	Group  access.GroupID
	Kind   change.Kind // [change.AddMember] or [change.RemoveMember]
	Reason change.Reason
	N      int // at least 1
}

// MovesSince counts the changes of memberships that were intended at or after since and not refused, in no order. Its cost
// grows with the changes of that time only.
func (t *Tx) MovesSince(since time.Time) ([]Move, error) {
	var all []Move
	err := t.rows(func(scan func(...any) error) error {
		var m Move
		if err := scan(&m.Group, &m.Kind, &m.Reason, &m.N); err != nil {
			return t.store.cause("read", err)
		}
		all = append(all, m)
		return nil
	}, `SELECT group_id, kind, reason, COUNT(*) FROM changes WHERE kind IN ($1, $2) AND intended >= $3 AND state <> $4
		GROUP BY group_id, kind, reason`,
		string(change.AddMember), string(change.RemoveMember), micros(since), string(change.Refused))
	return all, err
}
