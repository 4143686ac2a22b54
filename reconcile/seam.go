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

// People returns the directory of everybody and of the groups, as they were last read. It looks each person up when asked,
// in the transaction, and is of use no longer than that.
//
// Errors: those of the store. A look-up that fails later dooms the transaction.
func People(tx *store.Tx, set *policies.Set) (*people.Directory, error) {
	reads, err := tx.GroupReads()
	if err != nil {
		return nil, err
	}
	return people.Over(set.People, snapshot{tx: tx, loader: &loader{reads: reads}}), nil
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
