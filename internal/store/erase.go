package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// columns lists where identifiers of persons stand, outside of the ledger and of what is deleted whole.
func columns() map[string][]string {
	return map[string][]string{
		"events":       {"doc"},
		"tickets":      {"doc"},
		"approvals":    {"doc"},
		"grants":       {"id", "user_id", "doc"},
		"changes":      {"user_id", "doc"},
		"effects":      {"key", "after", "doc"},
		"pages":        {"alias", "doc"},
		"baseline":     {"user_id", "adopter"},
		"findings":     {"key", "doc"},
		"holds":        {"doc"},
		"facts":        {"id", "subject", "doc"},
		"cycles":       {"subject", "doc"},
		"work":         {"key"},
		"quiet_groups": {"doc"},
		// Of the procedures besides access.
		"procedures": {"doc"}, "tasks": {"doc"}, "reviews": {"doc"}, "unassigned": {"user_id"}, "stale_subjects": {"subject"},
		// What would have been done where sopd only observes.
		"proposals": {"user_id"},
		// Of incidents: alerts name users, and orders who gave them.
		"alerts": {"doc"}, "incidents": {"doc"}, "incident_orders": {"doc"},
	}
}

// Erased says what was erased.
type Erased struct {
	Pseudonyms []string `json:"pseudonyms"` // that mean nobody now; sorted
	Rows       int64    `json:"rows"`       // rows outside of the ledger in which they took the place of identifiers
	// Originals is how many of a vendor's objects that the ledger names went with the person; their hashes stay.
	Originals int64 `json:"originals"`
}

// Erase cuts the person from every pseudonym: the key of each is destroyed, and outside of the ledger the pseudonym takes the
// place of every identifier. Records and hashes stay as they are. accounts are further identifiers of the person; the Jira
// accounts that grants name beside the user are found by themselves.
//
// Errors: [access.ErrNotFound] when nothing is known of the person; [access.ErrConflict] while the person is not deactivated
// in Okta as it was last read, has a live grant, or has a change under way. Nothing is erased then.
func (t *Tx) Erase(user access.UserID, accounts ...string) (Erased, error) {
	mirrored, known, err := t.User(user)
	if err != nil {
		return Erased{}, err
	}
	if err := t.erasable(user, mirrored, known); err != nil {
		return Erased{}, err
	}
	found, err := t.accountsOf(user)
	if err != nil {
		return Erased{}, err
	}
	e := eraser{tx: t}
	for _, identifier := range slices.Concat([]string{string(user)}, found, accounts) {
		if err := e.identifier(identifier); err != nil {
			return Erased{}, err
		}
	}
	// What else the mirror knows of the person goes by the first pseudonym.
	for _, text := range []string{mirrored.Login, mirrored.Email, mirrored.Name} {
		if err := e.quoted(text); err != nil {
			return Erased{}, err
		}
	}
	if err := e.rows(user); err != nil {
		return Erased{}, err
	}
	if err := e.originals(slices.Concat([]string{string(user)}, found, accounts), mirrored); err != nil {
		return Erased{}, err
	}
	if len(e.erased.Pseudonyms) == 0 && !known {
		return Erased{}, fmt.Errorf("nothing is known of user %s: %w", user, access.ErrNotFound)
	}
	return e.finish()
}

// erasable refuses to erase whom sopd still works for.
func (t *Tx) erasable(user access.UserID, mirrored access.User, known bool) error {
	if known && mirrored.Status != access.Deprovisioned {
		return fmt.Errorf("user %s is %s in Okta as it was last read; deactivate and delete the user there first: %w", user, mirrored.Status, access.ErrConflict)
	}
	grants, err := t.GrantsOf(user)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Live(t.Now()) {
			return fmt.Errorf("user %s has a live grant by %s; let it end first: %w", user, g.Ticket, access.ErrConflict)
		}
	}
	changes, err := t.ChangesByUser(user)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if !c.State.Settled() {
			return fmt.Errorf("change %s of user %s is under way; let it settle first: %w", c.ID, user, access.ErrConflict)
		}
	}
	return nil
}

// accountsOf returns the Jira accounts under which the user approved.
func (t *Tx) accountsOf(user access.UserID) ([]string, error) {
	grants, err := docs[change.Grant](t, "SELECT doc FROM grants WHERE replace(doc, $1, '') <> doc", string(user))
	var all []string
	for _, g := range grants {
		for _, p := range g.Approvals {
			if p.User == user && p.Account != "" && !slices.Contains(all, string(p.Account)) {
				all = append(all, string(p.Account))
			}
		}
	}
	return all, err
}

// eraser erases one person.
type eraser struct {
	tx     *Tx
	erased Erased
}

// identifier replaces one identifier and destroys its key. One that the ledger never named gets a pseudonym whose key nobody
// ever had.
func (e *eraser) identifier(identifier string) error {
	if identifier == "" || ledger.IsPseudonym(identifier) {
		return nil
	}
	var pseudonym string
	found, err := e.tx.row([]any{&pseudonym}, "SELECT pseudonym FROM persons WHERE identifier = $1", identifier)
	if err != nil {
		return err
	}
	if found {
		if _, err := e.tx.exec("DELETE FROM persons WHERE identifier = $1", identifier); err != nil {
			return err
		}
		e.erased.Pseudonyms = append(e.erased.Pseudonyms, pseudonym)
	} else {
		key, err := newPersonKey()
		if err != nil {
			return err
		}
		pseudonym = ledger.Pseudonym(key, identifier)
	}
	return e.replace(identifier, pseudonym)
}

// erasedText takes the place of names and addresses.
const erasedText = `"erased"`

// quoted replaces a text where it stands alone in a document: a name may be part of another person's.
func (e *eraser) quoted(text string) error {
	if text == "" {
		return nil
	}
	needle, err := json.Marshal(text)
	if err != nil {
		return fmt.Errorf("text of the mirror: %w", access.ErrInvalid)
	}
	return e.replace(string(needle), erasedText)
}

func (e *eraser) replace(from, to string) error {
	for table, names := range columns() {
		sets, wheres := make([]string, len(names)), make([]string, len(names))
		for i, name := range names {
			sets[i], wheres[i] = fmt.Sprintf("%s = replace(%s, $1, $2)", name, name), fmt.Sprintf("replace(%s, $1, '') <> %s", name, name)
		}
		n, err := e.tx.exec(fmt.Sprintf("UPDATE %s SET %s WHERE %s", table, strings.Join(sets, ", "), strings.Join(wheres, " OR ")), from, to)
		if err != nil {
			return err
		}
		e.erased.Rows += n
	}
	return nil
}

// rows deletes what is about the user alone.
func (e *eraser) rows(user access.UserID) error {
	// What a webhook brought and was dealt with is kept only to know it again.
	if _, err := e.tx.exec("UPDATE deliveries SET body = $1 WHERE done <> 0", []byte{}); err != nil {
		return err
	}
	for _, query := range []string{
		"DELETE FROM users WHERE id = $1", "DELETE FROM members WHERE user_id = $1", "DELETE FROM event_subjects WHERE user_id = $1",
		"DELETE FROM user_names WHERE user_id = $1", "DELETE FROM change_retries WHERE user_id = $1",
		"DELETE FROM user_names WHERE user_id = $1", "DELETE FROM change_retries WHERE user_id = $1",
	} {
		n, err := e.tx.exec(query, string(user))
		if err != nil {
			return err
		}
		e.erased.Rows += n
	}
	return nil
}

// originals erases what vendors sent of the person, and of others in the same object: nobody can take a name out of bytes
// whose hash is to stay.
func (e *eraser) originals(identifiers []string, mirrored access.User) error {
	var needles [][]byte
	for _, text := range append(identifiers, mirrored.Login, mirrored.Email, mirrored.Name) {
		forms, err := quotedForms(text)
		if err != nil {
			return err
		}
		needles = append(needles, forms...)
	}
	pseudonym := ""
	if len(e.erased.Pseudonyms) > 0 {
		pseudonym = e.erased.Pseudonyms[0]
	} else {
		// The ledger never named the person, but a vendor's object did.
		key, err := newPersonKey()
		if err != nil {
			return err
		}
		pseudonym = ledger.Pseudonym(key, mirrored.Login)
	}
	kept, other, err := e.tx.eraseOriginals(needles, pseudonym)
	e.erased.Rows += kept + other
	e.erased.Originals = kept
	if kept > 0 && len(e.erased.Pseudonyms) == 0 {
		e.erased.Pseudonyms = []string{pseudonym}
	}
	return err
}

// quotedForms returns how a text may stand alone in a vendor's JSON: as it is, or with every letter beyond ASCII escaped.
// What holds an at sign is searched for inside of longer texts too, as in a summary.
func quotedForms(text string) ([][]byte, error) {
	if text == "" {
		return nil, nil
	}
	plain, err := json.Marshal(text)
	if err != nil {
		return nil, fmt.Errorf("text of the mirror: %w", access.ErrInvalid)
	}
	forms := [][]byte{plain, []byte(strconv.QuoteToASCII(text))}
	if strings.Contains(text, "@") {
		forms = append(forms, []byte(text))
	}
	return forms, nil
}

func (e *eraser) finish() (Erased, error) {
	slices.Sort(e.erased.Pseudonyms)
	e.tx.pseudonyms, e.tx.persons = nil, nil
	now := e.tx.Now()
	var entries []ledger.Entry
	for _, pseudonym := range e.erased.Pseudonyms {
		entries = append(entries, ledger.Entry{Kind: ledger.PersonErased, At: now, User: access.UserID(pseudonym)})
	}
	_, err := e.tx.Append(entries...)
	return e.erased, err
}
