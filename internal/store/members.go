package store

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// PutMembers replaces the members of the group with those of a complete read. Only what differs is written, so an
// unchanged group costs one read. Whoever was not there in the read before is noted as first seen now, see
// [Tx.Newcomers].
func (t *Tx) PutMembers(group access.GroupID, users []access.UserID, readAt time.Time) error {
	want := slices.Clone(users)
	slices.Sort(want)
	want = slices.Compact(want)
	have, err := t.memberIDs(group)
	if err != nil {
		return err
	}
	known, err := t.row([]any{new(int64)}, "SELECT read_at FROM group_reads WHERE group_id = $1", string(group))
	if err != nil {
		return err
	}
	var seen int64
	if known {
		seen = micros(readAt)
	}
	gone, fresh := differences(have, want)
	for _, user := range gone {
		if _, err := t.exec("DELETE FROM members WHERE group_id = $1 AND user_id = $2", string(group), string(user)); err != nil {
			return err
		}
	}
	rows := make([][]any, 0, len(fresh))
	for _, user := range fresh {
		rows = append(rows, []any{string(group), string(user), seen})
	}
	if err := t.insertMany("INSERT INTO members (group_id, user_id, seen_at) VALUES ", rows, ""); err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO group_reads (group_id, read_at) VALUES ($1, $2)
		ON CONFLICT (group_id) DO UPDATE SET read_at = excluded.read_at`, string(group), micros(readAt))
	return err
}

// differences returns what is only in the first and what is only in the second of two sorted lists.
func differences[E ~string](have, want []E) (gone, fresh []E) {
	for len(have) > 0 && len(want) > 0 {
		switch {
		case have[0] == want[0]:
			have, want = have[1:], want[1:]
		case have[0] < want[0]:
			gone, have = append(gone, have[0]), have[1:]
		default:
			fresh, want = append(fresh, want[0]), want[1:]
		}
	}
	return append(gone, have...), append(fresh, want...)
}

// Members returns who is in the group, sorted by user ID, and when it was last read completely. known is false for a
// group that never was; the list then says nothing.
func (t *Tx) Members(group access.GroupID) (users []access.UserID, readAt time.Time, known bool, err error) {
	var at int64
	known, err = t.row([]any{&at}, "SELECT read_at FROM group_reads WHERE group_id = $1", string(group))
	if err != nil || !known {
		return nil, time.Time{}, false, err
	}
	if users, err = t.memberIDs(group); err != nil {
		return nil, time.Time{}, false, err
	}
	return users, fromMicros(at), true, nil
}

// memberIDs sorts in Go: PostgreSQL's order follows its locale.
func (t *Tx) memberIDs(group access.GroupID) ([]access.UserID, error) {
	ids, err := column[access.UserID](t, "SELECT user_id FROM members WHERE group_id = $1", string(group))
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return ids, nil
}

// Newcomers returns the members of the group who were missing in an earlier complete read of it, with the time of the
// first read that showed them. Nothing is said of those whom the first read showed.
func (t *Tx) Newcomers(group access.GroupID) (map[access.UserID]time.Time, error) {
	seen := make(map[access.UserID]time.Time)
	err := t.rows(func(scan func(...any) error) error {
		var user access.UserID
		var at int64
		if err := scan(&user, &at); err != nil {
			return t.store.cause("read", err)
		}
		seen[user] = fromMicros(at)
		return nil
	}, "SELECT user_id, seen_at FROM members WHERE group_id = $1 AND seen_at <> 0", string(group))
	return seen, err
}

// ForgetMembers takes back what is known of who is in the group: it could not be read again, so what was read before may
// not hold any more. The group is unknown until its next complete read.
func (t *Tx) ForgetMembers(group access.GroupID) error {
	if _, err := t.exec("DELETE FROM members WHERE group_id = $1", string(group)); err != nil {
		return err
	}
	_, err := t.exec("DELETE FROM group_reads WHERE group_id = $1", string(group))
	return err
}

// MembershipsOf returns the groups that the user is in, as far as they were read, sorted by group.
func (t *Tx) MembershipsOf(user access.UserID) ([]access.Membership, error) {
	groups, err := column[access.GroupID](t, "SELECT group_id FROM members WHERE user_id = $1", string(user))
	if err != nil {
		return nil, err
	}
	slices.Sort(groups)
	all := make([]access.Membership, 0, len(groups))
	for _, group := range groups {
		all = append(all, access.Membership{Group: group, User: user})
	}
	return all, nil
}

// SetMember notes that the membership was seen now, apart from a read of the whole group.
func (t *Tx) SetMember(m access.Membership) error {
	_, err := t.exec("INSERT INTO members (group_id, user_id, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		string(m.Group), string(m.User), micros(t.Now()))
	return err
}

// UnsetMember notes that the membership was seen to be gone, apart from a read of the whole group.
func (t *Tx) UnsetMember(m access.Membership) error {
	_, err := t.exec("DELETE FROM members WHERE group_id = $1 AND user_id = $2", string(m.Group), string(m.User))
	return err
}

// CountMembers returns how many memberships are known.
func (t *Tx) CountMembers() (int64, error) {
	var n int64
	_, err := t.row([]any{&n}, "SELECT COUNT(*) FROM members")
	return n, err
}
