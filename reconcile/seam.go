package reconcile

import (
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// What stands here is what procedures besides access have in common.

// Comment returns the effect of saying something on a ticket, once for its purpose.
func Comment(key ticket.Key, purpose, text string, at time.Time) change.Effect {
	return remark{purpose: purpose, text: text, at: at}.effect(key)
}

// Bullets writes one line below the other, as Jira shows a list.
func Bullets(lines []string) string { return bullets(lines) }

// Fingerprint returns a short name for a text: twelve letters and digits that no other text has by chance.
func Fingerprint(text string) string { return fingerprint(text) }

// People returns the directory of everybody and of the groups whose members may decide something, as they were last read.
func People(tx *store.Tx, set *policies.Set) (*people.Directory, error) {
	var users []access.User
	err := tx.EachUser(func(u access.User) error {
		users = append(users, u)
		return nil
	})
	if err != nil {
		return nil, err
	}
	members := make(map[access.GroupID][]access.UserID)
	for _, id := range set.Eligible() {
		in, _, known, err := tx.Members(id)
		if err != nil {
			return nil, err
		}
		if known {
			members[id] = in
		}
	}
	return people.New(set.People, users, members), nil
}

// cursorBegan holds when sopd first worked on the store.
const cursorBegan = "sopd.began"

// Began returns when sopd first worked on the store, which is now when it never did. What happened before that is history:
// it is measured, and nobody is paged for it.
func Began(tx *store.Tx, now time.Time) (time.Time, error) {
	_, at, found, err := tx.Cursor(cursorBegan)
	if err != nil || found {
		return at, err
	}
	return now, tx.SetCursor(cursorBegan, "", now)
}

// Shown is the names of people and groups, for the tickets of those who may see them.
type Shown struct {
	People *people.Directory
	Policy *policies.Set
}

// Person names a user; one whom nobody knows by the ID.
func (s Shown) Person(id access.UserID) string {
	if user, known := s.People.User(id); known && user.Name != "" {
		return user.Name
	}
	return string(id)
}

// Group names a managed group; another by the ID.
func (s Shown) Group(id access.GroupID) string {
	if g, known := s.Policy.Catalog.Group(id); known {
		return g.Name
	}
	return string(id)
}
