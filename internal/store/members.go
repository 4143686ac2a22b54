package store

import (
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// PutMembers replaces the members of the group with those of a complete read. Only what differs is written, so an
// unchanged group costs one read. Whoever was not there in the read before is noted as first seen now, see
// [Tx.FirstSeen].
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
	if err := t.touchRead(group, len(gone)+len(fresh)); err != nil {
		return err
	}
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

// FirstSeen returns when the user was first seen in the group, which had been read before without them; zero for somebody
// whom its first read showed, and for somebody who is not in it.
func (t *Tx) FirstSeen(m access.Membership) (time.Time, error) {
	var at int64
	_, err := t.row([]any{&at}, "SELECT seen_at FROM members WHERE group_id = $1 AND user_id = $2", string(m.Group), string(m.User))
	return fromMicros(at), err
}

// ForgetMembers takes back what is known of who is in the group: it could not be read again, so what was read before may
// not hold any more. The group is unknown until its next complete read.
func (t *Tx) ForgetMembers(group access.GroupID) error {
	if _, err := t.exec("DELETE FROM members WHERE group_id = $1", string(group)); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM group_reads WHERE group_id = $1", string(group)); err != nil {
		return err
	}
	return t.touch(group)
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
	n, err := t.exec("INSERT INTO members (group_id, user_id, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		string(m.Group), string(m.User), micros(t.Now()))
	if err != nil || n == 0 {
		return err
	}
	return t.touch(m.Group)
}

// UnsetMember notes that the membership was seen to be gone, apart from a read of the whole group.
func (t *Tx) UnsetMember(m access.Membership) error {
	n, err := t.exec("DELETE FROM members WHERE group_id = $1 AND user_id = $2", string(m.Group), string(m.User))
	if err != nil || n == 0 {
		return err
	}
	return t.touch(m.Group)
}

// IsMember reports whether the user was last seen in the group. It is false for a group that was not read.
func (t *Tx) IsMember(m access.Membership) (bool, error) {
	var n int
	return t.row([]any{&n}, "SELECT 1 FROM members WHERE group_id = $1 AND user_id = $2", string(m.Group), string(m.User))
}

// MemberCounts returns how many were last seen in each group that anybody is in.
func (t *Tx) MemberCounts() (map[access.GroupID]int, error) {
	return t.numbers("SELECT group_id, COUNT(*) FROM members GROUP BY group_id")
}

// GroupReads returns when the members of each group were last read completely. A group that never was is missing.
func (t *Tx) GroupReads() (map[access.GroupID]time.Time, error) {
	reads := make(map[access.GroupID]time.Time)
	err := t.rows(func(scan func(...any) error) error {
		var id access.GroupID
		var at int64
		if err := scan(&id, &at); err != nil {
			return t.store.cause("read", err)
		}
		reads[id] = fromMicros(at)
		return nil
	}, "SELECT group_id, read_at FROM group_reads")
	return reads, err
}

// GroupRevisions returns a number for each group that anything is known of, which grows with every change of the group's
// profile, members, grants and adopted memberships. What follows from these alone holds while the number stands.
func (t *Tx) GroupRevisions() (map[access.GroupID]int, error) {
	return t.numbers("SELECT group_id, revision FROM group_revisions")
}

func (t *Tx) numbers(query string, args ...any) (map[access.GroupID]int, error) {
	counts := make(map[access.GroupID]int)
	err := t.rows(func(scan func(...any) error) error {
		var id access.GroupID
		var n int
		if err := scan(&id, &n); err != nil {
			return t.store.cause("read", err)
		}
		counts[id] = n
		return nil
	}, query, args...)
	return counts, err
}

// touch moves the group's revision on. It belongs in the transaction of every change of what the group's plan rests on.
func (t *Tx) touch(group access.GroupID) error {
	_, err := t.exec(`INSERT INTO group_revisions (group_id, revision, at) VALUES ($1, 1, $2)
		ON CONFLICT (group_id) DO UPDATE SET revision = group_revisions.revision + 1, at = excluded.at`, string(group), micros(t.Now()))
	return err
}

// GroupTouched returns when anything of what [Tx.GroupRevisions] counts last changed; zero for a group that nothing is known
// of.
func (t *Tx) GroupTouched(group access.GroupID) (time.Time, error) {
	var at int64
	_, err := t.row([]any{&at}, "SELECT at FROM group_revisions WHERE group_id = $1", string(group))
	return fromMicros(at), err
}

// touchRead moves the revision on for a complete read that found differences, and for the first one: the group was unknown.
func (t *Tx) touchRead(group access.GroupID, differences int) error {
	var at int64
	known, err := t.row([]any{&at}, "SELECT read_at FROM group_reads WHERE group_id = $1", string(group))
	if err != nil || known && differences == 0 {
		return err
	}
	return t.touch(group)
}

// CountMembers returns how many memberships are known.
func (t *Tx) CountMembers() (int64, error) {
	var n int64
	_, err := t.row([]any{&n}, "SELECT COUNT(*) FROM members")
	return n, err
}
