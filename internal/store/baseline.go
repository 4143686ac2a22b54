package store

import (
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Baseline is a membership that was there before sopd, without a ticket, and that a person accepted for a time.
type Baseline struct {
	access.Membership
	Adopted  time.Time
	ReviewBy time.Time // when somebody must certify or revoke it; zero for never
	By       string    // who accepted it, as the authentication names them
}

// PutBaseline keeps the acceptance, replacing an earlier one of the same membership.
func (t *Tx) PutBaseline(b Baseline) error {
	_, err := t.exec(`INSERT INTO baseline (group_id, user_id, adopted, review_by, adopter) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (group_id, user_id) DO UPDATE SET adopted = excluded.adopted, review_by = excluded.review_by,
			adopter = excluded.adopter`, string(b.Group), string(b.User), micros(b.Adopted), micros(b.ReviewBy), b.By)
	if err != nil {
		return err
	}
	return t.touch(b.Group)
}

// PutBaselines is [Tx.PutBaseline] for many, each membership once.
func (t *Tx) PutBaselines(all []Baseline) error {
	rows := make([][]any, 0, len(all))
	groups := make(map[access.GroupID]bool)
	for _, b := range all {
		rows = append(rows, []any{string(b.Group), string(b.User), micros(b.Adopted), micros(b.ReviewBy), b.By})
		groups[b.Group] = true
	}
	err := t.insertMany("INSERT INTO baseline (group_id, user_id, adopted, review_by, adopter) VALUES ", rows,
		` ON CONFLICT (group_id, user_id) DO UPDATE SET adopted = excluded.adopted, review_by = excluded.review_by,
			adopter = excluded.adopter`)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		if err := t.touch(id); err != nil {
			return err
		}
	}
	return nil
}

// Baseline returns the accepted memberships of the group, sorted by user.
func (t *Tx) Baseline(group access.GroupID) ([]Baseline, error) {
	return t.baseline("group_id = $1", string(group))
}

// BaselineOf returns the accepted memberships of the user, sorted by group.
func (t *Tx) BaselineOf(user access.UserID) ([]Baseline, error) {
	return t.baseline("user_id = $1", string(user))
}

// Baselines returns every accepted membership, sorted by group, then user.
func (t *Tx) Baselines() ([]Baseline, error) { return t.baseline("1 = 1") }

// BaselinesDue returns how many accepted memberships had to be certified or revoked by now, for each group that has any.
func (t *Tx) BaselinesDue(now time.Time) (map[access.GroupID]int, error) {
	return t.numbers("SELECT group_id, COUNT(*) FROM baseline WHERE review_by > 0 AND review_by <= $1 GROUP BY group_id", micros(now))
}

func (t *Tx) baseline(where string, args ...any) ([]Baseline, error) {
	var all []Baseline
	err := t.rows(func(scan func(...any) error) error {
		var b Baseline
		var adopted, reviewBy int64
		if err := scan(&b.Group, &b.User, &adopted, &reviewBy, &b.By); err != nil {
			return t.store.cause("read", err)
		}
		b.Adopted, b.ReviewBy = fromMicros(adopted), fromMicros(reviewBy)
		all = append(all, b)
		return nil
	}, "SELECT group_id, user_id, adopted, review_by, adopter FROM baseline WHERE "+where, args...)
	slices.SortFunc(all, func(a, b Baseline) int { return a.Compare(b.Membership) })
	return all, err
}

// DropBaseline takes the acceptance away. Without one nothing happens.
func (t *Tx) DropBaseline(m access.Membership) error {
	n, err := t.exec("DELETE FROM baseline WHERE group_id = $1 AND user_id = $2", string(m.Group), string(m.User))
	if err != nil || n == 0 {
		return err
	}
	return t.touch(m.Group)
}
