package store

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/ledger"
)

// Person is whom a pseudonym of the ledger means, and the key that proves it.
type Person struct {
	Pseudonym  string           // see [ledger.Pseudonym]
	Identifier string           // Okta user ID, Jira account, or the name of an account on the machine
	Key        ledger.PersonKey // destroyed when the person is erased
}

// pseudonym returns the pseudonym of the identifier, making one for a person who is new to the ledger.
func (t *Tx) pseudonym(identifier string) (string, error) {
	if known, ok := t.pseudonyms[identifier]; ok {
		return known, nil
	}
	var pseudonym string
	found, err := t.row([]any{&pseudonym}, "SELECT pseudonym FROM persons WHERE identifier = $1", identifier)
	if err != nil {
		return "", err
	}
	if !found {
		key, err := newPersonKey()
		if err != nil {
			return "", err
		}
		pseudonym = ledger.Pseudonym(key, identifier)
		if _, err := t.exec("INSERT INTO persons (pseudonym, identifier, key) VALUES ($1, $2, $3)", pseudonym, identifier, key[:]); err != nil {
			return "", err
		}
	}
	if t.pseudonyms == nil {
		t.pseudonyms = make(map[string]string)
	}
	t.pseudonyms[identifier] = pseudonym
	return pseudonym, nil
}

// meet looks the persons of many entries up at once, and makes pseudonyms for those who are new to the ledger: a plan can name
// everybody.
func (t *Tx) meet(entries []ledger.Entry) error {
	seen := make(map[string]bool)
	for _, entry := range entries {
		_, err := ledger.Conceal(entry, func(identifier string) (string, error) {
			seen[identifier] = true
			return identifier, nil
		})
		if err != nil {
			return err
		}
	}
	if t.pseudonyms == nil {
		t.pseudonyms = make(map[string]string)
	}
	identifiers := slices.Sorted(maps.Keys(seen))
	for page := range slices.Chunk(identifiers, personsAtOnce) {
		marks, args := placeholders(page)
		err := t.rows(func(scan func(...any) error) error {
			var pseudonym, identifier string
			if err := scan(&pseudonym, &identifier); err != nil {
				return t.store.cause("read", err)
			}
			t.pseudonyms[identifier] = pseudonym
			return nil
		}, "SELECT pseudonym, identifier FROM persons WHERE identifier IN ("+marks+")", args...)
		if err != nil {
			return err
		}
	}
	var fresh [][]any
	for _, identifier := range identifiers {
		if t.pseudonyms[identifier] != "" {
			continue
		}
		key, err := newPersonKey()
		if err != nil {
			return err
		}
		t.pseudonyms[identifier] = ledger.Pseudonym(key, identifier)
		fresh = append(fresh, []any{t.pseudonyms[identifier], identifier, key[:]})
	}
	return t.insertMany("INSERT INTO persons (pseudonym, identifier, key) VALUES ", fresh, "")
}

func newPersonKey() (key ledger.PersonKey, err error) {
	if _, err := rand.Read(key[:]); err != nil {
		return key, fmt.Errorf("no random numbers: %w", access.ErrUnavailable)
	}
	return key, nil
}

// placeholders returns $1, $2, … for the texts, and them as arguments.
func placeholders(texts []string) (marks string, args []any) {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = fmt.Sprintf("$%d", i+1)
		args = append(args, text)
	}
	return strings.Join(all, ", "), args
}

// Pseudonymous returns the transaction as one whose records name persons by their pseudonyms, as the tree holds them.
func (t *Tx) Pseudonymous() *Tx {
	again := *t
	again.concealed = true
	return &again
}

// reveal names the persons in the records.
func (t *Tx) reveal(records []ledger.Record) error {
	if t.concealed {
		return nil
	}
	var unknown []string
	for _, r := range records {
		for _, pseudonym := range ledger.Pseudonyms(r.Canonical) {
			if _, known := t.persons[pseudonym]; !known {
				unknown = append(unknown, pseudonym)
			}
		}
	}
	if err := t.learn(unknown); err != nil {
		return err
	}
	for i, r := range records {
		records[i] = ledger.Reveal(r, func(pseudonym string) (string, bool) {
			p := t.persons[pseudonym]
			return p.Identifier, p.Identifier != ""
		})
	}
	return nil
}

// personsAtOnce bounds the parameters of one statement.
const personsAtOnce = 200

// learn reads whom the pseudonyms mean. Those of erased persons are remembered as such.
func (t *Tx) learn(pseudonyms []string) error {
	if t.persons == nil {
		t.persons = make(map[string]Person)
	}
	for _, pseudonym := range pseudonyms {
		t.persons[pseudonym] = Person{}
	}
	for page := range slices.Chunk(pseudonyms, personsAtOnce) {
		marks, args := placeholders(page)
		err := t.rows(func(scan func(...any) error) error {
			var p Person
			var key []byte
			if err := scan(&p.Pseudonym, &p.Identifier, &key); err != nil {
				return t.store.cause("read", err)
			}
			if len(key) != len(p.Key) {
				return fmt.Errorf("key of a pseudonym is damaged: %w", access.ErrMalformed)
			}
			p.Key = ledger.PersonKey(key)
			t.persons[p.Pseudonym] = p
			return nil
		}, "SELECT pseudonym, identifier, key FROM persons WHERE pseudonym IN ("+marks+")", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// Person returns whom a pseudonym means. found is false for one that is unknown or was erased.
func (t *Tx) Person(pseudonym string) (p Person, found bool, err error) {
	if _, known := t.persons[pseudonym]; !known {
		if err := t.learn([]string{pseudonym}); err != nil {
			return Person{}, false, err
		}
	}
	p = t.persons[pseudonym]
	return p, p.Identifier != "", nil
}
