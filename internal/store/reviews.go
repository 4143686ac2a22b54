package store

import (
	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/review"
)

// PutReview keeps the review, replacing what was known of it.
func (t *Tx) PutReview(r review.Review) error {
	text, err := toDoc(r)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO reviews (id, state, doc) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, doc = excluded.doc`, r.ID, string(r.State), text)
	return err
}

// Review returns one review. found is false when there is none of this ID.
func (t *Tx) Review(id string) (r review.Review, found bool, err error) {
	return doc[review.Review](t, "SELECT doc FROM reviews WHERE id = $1", id)
}

// Reviews returns the reviews in the state, ordered by ID.
func (t *Tx) Reviews(state review.State) ([]review.Review, error) {
	return docs[review.Review](t, "SELECT doc FROM reviews WHERE state = $1 ORDER BY "+t.binary("id"), string(state))
}

// PutUnassigned keeps a membership that nobody may review in the campaign.
func (t *Tx) PutUnassigned(campaign string, m access.Membership) error {
	_, err := t.exec("INSERT INTO unassigned (campaign, group_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		campaign, string(m.Group), string(m.User))
	return err
}

// Unassigned returns the memberships of the campaign that nobody may review and that are still there, by group and user.
func (t *Tx) Unassigned(campaign string) ([]access.Membership, error) {
	var all []access.Membership
	err := t.rows(func(scan func(...any) error) error {
		var m access.Membership
		if err := scan(&m.Group, &m.User); err != nil {
			return t.store.cause("read", err)
		}
		all = append(all, m)
		return nil
	}, `SELECT u.group_id, u.user_id FROM unassigned u JOIN members m ON m.group_id = u.group_id AND m.user_id = u.user_id
		WHERE u.campaign = $1 ORDER BY u.group_id, u.user_id`, campaign)
	return all, err
}
