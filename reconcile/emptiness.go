package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/store"
)

// witnesses is how many of those who were last seen in a group are looked up before its emptiness is believed: one alone may
// really have left.
const witnesses = 3

// cursorWitness is where those are kept who were last seen in a group that could not be read since. It outlives the mirror of
// the group: an empty answer that is refused once must not be believed the next time because nobody is remembered.
func cursorWitness(id access.GroupID) string { return "okta.witness/" + string(id) }

// forgetMembers takes back what is known of who is in the group, and keeps some of them to be asked about.
func forgetMembers(tx *store.Tx, id access.GroupID, at time.Time) error {
	members, _, _, err := tx.Members(id)
	if err != nil {
		return err
	}
	if len(members) > 0 {
		if err := tx.SetCursor(cursorWitness(id), access.Cursor(joinUsers(spread(members, witnesses))), at); err != nil {
			return err
		}
	}
	return tx.ForgetMembers(id)
}

// eventGroupDeleted is the System Log's name of a deletion.
//
// Source: Okta event type catalogue 2026.08.1.
const eventGroupDeleted = "group.lifecycle.delete"

// forgetDeleted forgets the members of groups that were deleted, so that the next pass reads them again, and finds them gone:
// the list of changed groups does not name them.
func forgetDeleted(tx *store.Tx, events []access.Event, at time.Time) error {
	for _, e := range events {
		if e.Type != eventGroupDeleted || !e.Succeeded {
			continue
		}
		for _, id := range e.Groups {
			if err := forgetMembers(tx, id, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread returns up to n of the users, from the whole length of the list.
func spread(users []access.UserID, n int) []access.UserID {
	if len(users) <= n {
		return users
	}
	some := make([]access.UserID, n)
	for i := range some {
		some[i] = users[i*(len(users)-1)/(n-1)]
	}
	return some
}

func joinUsers(users []access.UserID) string {
	texts := make([]string, len(users))
	for i, u := range users {
		texts[i] = string(u)
	}
	return strings.Join(texts, " ")
}

// lastSeen returns some of those who were in the group when it was last read, or of those who were adopted in it.
func (r *Reconciler) lastSeen(ctx context.Context, id access.GroupID) ([]access.UserID, error) {
	var seen []access.UserID
	err := r.Store.Read(ctx, func(tx *store.Tx) error {
		members, _, known, err := tx.Members(id)
		if err != nil || known {
			seen = spread(members, witnesses)
			return err
		}
		kept, _, _, err := tx.Cursor(cursorWitness(id))
		for _, user := range strings.Fields(string(kept)) {
			seen = append(seen, access.UserID(user))
		}
		if err != nil || len(seen) > 0 {
			return err
		}
		adopted, err := tx.Baseline(id)
		for _, b := range adopted {
			seen = append(seen, b.User)
		}
		seen = spread(seen, witnesses)
		return err
	})
	return seen, err
}

// believeEmpty looks up some of those who were last seen in a group that now reads as empty. A missing role of sopd's in
// Okta shows as an empty list with status 200; the users' own groups tell the difference.
//
// Errors: [access.ErrIncomplete] when any of them is still in the group.
func (r *Reconciler) believeEmpty(ctx context.Context, id access.GroupID) error {
	seen, err := r.lastSeen(ctx, id)
	if err != nil {
		return err
	}
	for _, user := range seen {
		groups, err := r.Directory.UserGroups(ctx, user)
		if err != nil && !errors.Is(err, access.ErrNotFound) {
			return err
		}
		if slices.ContainsFunc(groups, func(g access.Group) bool { return g.ID == id }) {
			return fmt.Errorf("the list of members is empty and a member is still there: %w", access.ErrIncomplete)
		}
	}
	return nil
}
