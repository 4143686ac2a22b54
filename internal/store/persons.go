package store

import (
	"crypto/rand"
	"fmt"
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
		var key ledger.PersonKey
		if _, err := rand.Read(key[:]); err != nil {
			return "", fmt.Errorf("no random numbers: %w", access.ErrUnavailable)
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
	for len(pseudonyms) > 0 {
		page := pseudonyms[:min(personsAtOnce, len(pseudonyms))]
		pseudonyms = pseudonyms[len(page):]
		marks, args := make([]string, len(page)), make([]any, len(page))
		for i, pseudonym := range page {
			marks[i], args[i] = fmt.Sprintf("$%d", i+1), pseudonym
		}
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
		}, "SELECT pseudonym, identifier, key FROM persons WHERE pseudonym IN ("+strings.Join(marks, ", ")+")", args...)
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
