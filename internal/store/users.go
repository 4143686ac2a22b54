package store

import (
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/original"
)

// cursorAttribute holds the name of the profile attribute that users are indexed by.
const cursorAttribute = "users.attribute"

// The kinds of name in the table user_names.
const (
	byName      = "name"      // login or e-mail address, in lower case
	byAttribute = "attribute" // the attribute that [Tx.IndexUsers] named
)

// PutUsers keeps the users as they were read, replacing what was known of them. Only what differs is written, so users who
// are as they were cost one read. An original that is set takes the place of that of the last reading; a user who has changed and
// comes without one has none.
func (t *Tx) PutUsers(users []access.User) error {
	attribute, _, _, err := t.Cursor(cursorAttribute)
	if err != nil {
		return err
	}
	last := make(map[access.UserID]int, len(users))
	for i, user := range users {
		last[user.ID] = i // one statement may not touch a row twice; the last reading counts
	}
	var batch []access.User
	for i, user := range users {
		if last[user.ID] == i {
			batch = append(batch, user)
		}
	}
	for chunk := range slices.Chunk(batch, maxArguments/3) {
		if err := t.putUsers(chunk, string(attribute)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) putUsers(users []access.User, attribute string) error {
	known, err := t.userDocs(users)
	if err != nil {
		return err
	}
	var rows, names [][]any
	var changed []any
	for _, user := range users {
		text, err := toDoc(user)
		if err != nil {
			return err
		}
		if err := t.putOriginal(original.User, string(user.ID), user.Original, t.Now()); err != nil {
			return err
		}
		if was, found := known[user.ID]; found && was == text {
			continue
		}
		rows = append(rows, []any{string(user.ID), string(user.Status), text})
		names = append(names, namesOf(user, attribute)...)
		if _, found := known[user.ID]; !found {
			continue
		}
		changed = append(changed, string(user.ID))
		if len(user.Original) == 0 {
			if err := t.outdate(original.User, string(user.ID), ""); err != nil {
				return err
			}
		}
	}
	if err := t.insertMany("INSERT INTO users (id, status, doc) VALUES ", rows,
		" ON CONFLICT (id) DO UPDATE SET status = excluded.status, doc = excluded.doc, judged = ''"); err != nil {
		return err
	}
	if len(changed) > 0 {
		if _, err := t.exec("DELETE FROM user_names WHERE user_id IN "+list(len(changed)), changed...); err != nil {
			return err
		}
	}
	return t.putNames(names)
}

func (t *Tx) putNames(rows [][]any) error {
	return t.insertMany("INSERT INTO user_names (kind, name, user_id) VALUES ", rows, " ON CONFLICT DO NOTHING")
}

// userDocs returns what is stored of the users.
func (t *Tx) userDocs(users []access.User) (map[access.UserID]string, error) {
	ids := make([]any, len(users))
	for i, user := range users {
		ids[i] = string(user.ID)
	}
	known := make(map[access.UserID]string, len(users))
	err := t.rows(func(scan func(...any) error) error {
		var id access.UserID
		var text string
		if err := scan(&id, &text); err != nil {
			return t.store.cause("read", err)
		}
		known[id] = text
		return nil
	}, "SELECT id, doc FROM users WHERE id IN "+list(len(ids)), ids...)
	return known, err
}

// list returns n numbered placeholders in brackets: "($1,$2)".
func list(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(separator(i))
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	return "(" + b.String() + ")"
}

func namesOf(user access.User, attribute string) [][]any {
	var rows [][]any
	for _, name := range user.Names() {
		rows = append(rows, []any{byName, name, string(user.ID)})
	}
	if value := user.Profile[attribute]; attribute != "" && value != "" {
		rows = append(rows, []any{byAttribute, value, string(user.ID)})
	}
	return rows
}

// IndexUsers makes users findable by the profile attribute with [Tx.UsersByAttribute]; empty for none. When it was another
// one before, every user is indexed anew; otherwise it costs one read.
func (t *Tx) IndexUsers(attribute string) error {
	was, _, found, err := t.Cursor(cursorAttribute)
	if err != nil || found && string(was) == attribute {
		return err
	}
	var names [][]any
	if err := t.EachUser(func(user access.User) error {
		names = append(names, namesOf(user, attribute)...)
		return nil
	}); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM user_names"); err != nil {
		return err
	}
	if err := t.putNames(names); err != nil {
		return err
	}
	return t.SetCursor(cursorAttribute, access.Cursor(attribute), t.Now())
}

// UsersByName returns the users whose login or e-mail address is the name, which is in lower case; sorted.
func (t *Tx) UsersByName(name string) ([]access.UserID, error) { return t.named(byName, name) }

// UsersByAttribute returns the users whose attribute, as [Tx.IndexUsers] named it, has the value; sorted.
func (t *Tx) UsersByAttribute(value string) ([]access.UserID, error) {
	return t.named(byAttribute, value)
}

func (t *Tx) named(kind, name string) ([]access.UserID, error) {
	ids, err := column[access.UserID](t, "SELECT user_id FROM user_names WHERE kind = $1 AND name = $2", kind, name)
	slices.Sort(ids)
	return ids, err
}

// DeprovisionedHolders returns, sorted, every user whom Okta has deactivated and who was last seen in a group or has a
// grant that has not ended.
func (t *Tx) DeprovisionedHolders() ([]access.UserID, error) {
	ids, err := column[access.UserID](t, `SELECT u.id FROM users u WHERE u.status = 'DEPROVISIONED'
		AND (EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id)
			OR EXISTS (SELECT 1 FROM grants g WHERE g.user_id = u.id AND g.ended = 0))`)
	slices.Sort(ids)
	return ids, err
}

// unjudgedAtOnce is how many users [Tx.EachUnjudged] holds in memory.
const unjudgedAtOnce = 500

// EachUnjudged calls fn with at most limit users whom [Tx.JudgeUsers] has not marked with the mark since they last changed. fn
// may use the transaction, and must not mark or change users. It costs nothing for those who are marked.
//
// Errors: what fn returned.
func (t *Tx) EachUnjudged(mark string, limit int, fn func(access.User) error) error {
	was, found, err := t.lowestMark("SELECT MIN(judged) FROM users")
	for ; found && err == nil && limit > 0; was, found, err = t.lowestMark("SELECT MIN(judged) FROM users WHERE judged > $1", was) {
		if was == mark {
			continue
		}
		n, err := t.eachMarked(was, limit, fn)
		if err != nil {
			return err
		}
		limit -= n
	}
	return err
}

func (t *Tx) lowestMark(query string, args ...any) (mark string, found bool, err error) {
	var lowest sql.NullString
	_, err = t.row([]any{&lowest}, query, args...)
	return lowest.String, lowest.Valid, err
}

// eachMarked calls fn with at most limit users who have the mark, sorted by ID, and returns how many there were.
func (t *Tx) eachMarked(mark string, limit int, fn func(access.User) error) (n int, err error) {
	last := access.UserID("")
	for n < limit {
		users, err := docs[access.User](t, "SELECT doc FROM users WHERE judged = $1 AND id > $2 ORDER BY id LIMIT $3",
			mark, string(last), min(unjudgedAtOnce, limit-n))
		if err != nil || len(users) == 0 {
			return n, err
		}
		for _, user := range users {
			if err := fn(user); err != nil {
				return n, err
			}
		}
		n, last = n+len(users), users[len(users)-1].ID
	}
	return n, nil
}

// JudgeUsers marks the users, until they change.
func (t *Tx) JudgeUsers(mark string, users []access.UserID) error {
	for chunk := range slices.Chunk(users, maxArguments/3) {
		args := make([]any, 0, len(chunk)+1)
		for _, id := range chunk {
			args = append(args, string(id))
		}
		args = append(args, mark)
		query := "UPDATE users SET judged = $" + strconv.Itoa(len(args)) + " WHERE id IN " + list(len(chunk))
		if _, err := t.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}
