package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/access"
)

// PersonKey is the secret of one person's pseudonym: 32 random bytes. Who has it can prove whom the pseudonym means; once
// it is destroyed nobody can, and nobody can find out.
type PersonKey [32]byte

const (
	// pseudonymPrefix begins every pseudonym, so that they are found in text.
	pseudonymPrefix = "person"
	// pseudonymBytes of the hash are kept: two persons or two keys of one pseudonym cannot be searched for.
	pseudonymBytes = 20
	pseudonymLen   = len(pseudonymPrefix) + pseudonymBytes*8/5
)

// base32Letters are the letters after the prefix.
const base32Letters = "abcdefghijklmnopqrstuvwxyz234567"

// Pseudonym returns what stands in the ledger for the identifier of a person, such as an Okta user ID or a Jira account: the
// word person and 32 letters of base 32, the first 20 bytes of HMAC-SHA256(key, identifier).
func Pseudonym(key PersonKey, identifier string) string {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(identifier))
	return pseudonymPrefix + base32.NewEncoding(base32Letters).WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:pseudonymBytes])
}

// IsPseudonym reports whether the text is a pseudonym by its form.
func IsPseudonym(text string) bool {
	return len(text) == pseudonymLen && strings.HasPrefix(text, pseudonymPrefix) &&
		strings.Trim(text[len(pseudonymPrefix):], base32Letters) == ""
}

// personField reports whether the text under this name is the identifier of a person, whatever it looks like. The case of
// letters does not matter.
func personField(name string) bool {
	switch strings.ToLower(name) {
	case "account", "accounts", "acceptedby", "acknowledgedby", "actor", "adopter", "approvedby", "approver", "approvers", "assignee", "assignees",
		"author", "beneficiary", "by", "cancelledby", "closedby", "commander", "createdby", "decidedby", "engaged", "manager", "openedby",
		"person", "persons", "reporter", "requestedby", "requester", "responder", "responders", "reviewedby", "reviewer", "reviewers",
		"takenby", "user", "users":
		return true
	default:
		return false
	}
}

// oktaUser begins every Okta user ID.
//
// Source: Okta developer documentation, 2026: IDs of users begin with 00u.
const oktaUser = "00u"

// Conceal returns the entry with the persons in it replaced by what name returns for their identifiers: its user, here and
// wherever else it stands as a word; in its body every text under the name of a person's field, and every Okta user ID
// wherever it stands. A pseudonym stays as it is.
//
// Errors: [access.ErrInvalid] for a body without canonical form; those of name.
func Conceal(e Entry, name func(identifier string) (string, error)) (Entry, error) {
	c := concealer{name: name, user: string(e.User)}
	user, err := c.pseudonym(c.user)
	if err != nil {
		return Entry{}, err
	}
	e.User = access.UserID(user)
	if e.Body == nil {
		return e, nil
	}
	text, err := json.Marshal(e.Body)
	if err != nil {
		return Entry{}, fmt.Errorf("body of ledger entry %s has no JSON form: %w", e.Kind, access.ErrInvalid)
	}
	if bytes.Equal(text, []byte("null")) {
		e.Body = nil
		return e, nil
	}
	value, err := decodeValue(text)
	if err != nil {
		return Entry{}, fmt.Errorf("body of ledger entry %s: %w", e.Kind, err)
	}
	if value, err = c.replaced(value, false); err != nil {
		return Entry{}, err
	}
	out, err := appendValue(make([]byte, 0, len(text)), value, 0)
	if err != nil {
		return Entry{}, fmt.Errorf("body of ledger entry %s: %w", e.Kind, err)
	}
	e.Body = canonicalBody(out)
	return e, nil
}

// canonicalBody is a body that is in canonical form already.
type canonicalBody []byte

// concealer replaces the persons of one entry.
type concealer struct {
	name func(string) (string, error)
	user string // the entry's own
}

func (c *concealer) pseudonym(identifier string) (string, error) {
	if identifier == "" || IsPseudonym(identifier) {
		return identifier, nil
	}
	return c.name(identifier)
}

// replaced replaces the persons in a value. person is true for what stands under the name of a person's field.
func (c *concealer) replaced(value any, person bool) (any, error) {
	var err error
	switch v := value.(type) {
	case string:
		if person {
			return c.pseudonym(v)
		}
		return c.text(v)
	case []any:
		for i := range v {
			if v[i], err = c.replaced(v[i], person); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, each := range v {
			member := personField(key)
			if key, err = c.text(key); err != nil {
				return nil, err
			}
			if out[key], err = c.replaced(each, member); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return value, nil
	}
}

// text replaces every identifier that stands in a text as a word.
func (c *concealer) text(s string) (string, error) {
	if c.user != "" && strings.Contains(s, c.user) {
		pseudonym, err := c.pseudonym(c.user)
		if err != nil {
			return "", err
		}
		s = replaceWords(s, c.user, pseudonym)
	}
	if !strings.Contains(s, oktaUser) {
		return s, nil
	}
	return eachWord(s, func(word string) (string, error) {
		if !strings.HasPrefix(word, oktaUser) || len(word) == len(oktaUser) {
			return word, nil
		}
		return c.pseudonym(word)
	})
}

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// replaceWords replaces the occurrences of a text that are no part of a longer word.
func replaceWords(s, from, to string) string {
	var out strings.Builder
	for {
		at := strings.Index(s, from)
		if at < 0 {
			out.WriteString(s)
			return out.String()
		}
		end := at + len(from)
		inside := at > 0 && wordByte(s[at-1]) && wordByte(from[0]) || end < len(s) && wordByte(s[end]) && wordByte(from[len(from)-1])
		out.WriteString(s[:at])
		if inside {
			out.WriteString(from)
		} else {
			out.WriteString(to)
		}
		s = s[end:]
	}
}

// eachWord replaces every run of letters and digits by what fn returns for it.
func eachWord(s string, fn func(string) (string, error)) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && wordByte(s[end]) {
			end++
		}
		if end == i {
			out.WriteByte(s[i])
			i++
			continue
		}
		word, err := fn(s[i:end])
		if err != nil {
			return "", err
		}
		out.WriteString(word)
		i = end
	}
	return out.String(), nil
}

// Pseudonyms returns the pseudonyms in the canonical form of a record, sorted, each once.
func Pseudonyms(canonical []byte) []string {
	var all []string
	for rest := canonical; ; {
		at := bytes.Index(rest, []byte(pseudonymPrefix))
		if at < 0 {
			slices.Sort(all)
			return slices.Compact(all)
		}
		if end := at + pseudonymLen; end <= len(rest) && IsPseudonym(string(rest[at:end])) {
			all = append(all, string(rest[at:end]))
		}
		rest = rest[at+len(pseudonymPrefix):]
	}
}

// Reveal returns the record with the identifiers of the persons that known returns. Its canonical form and hash stay those of
// the pseudonyms; a person of whom nothing is known stays a pseudonym.
func Reveal(r Record, known func(pseudonym string) (identifier string, found bool)) Record {
	for _, pseudonym := range Pseudonyms(r.Canonical) {
		identifier, found := known(pseudonym)
		if !found {
			continue
		}
		if string(r.User) == pseudonym {
			r.User = access.UserID(identifier)
		}
		if body, ok := r.Body.(json.RawMessage); ok {
			quoted := appendString(nil, identifier)
			r.Body = json.RawMessage(bytes.ReplaceAll(body, []byte(pseudonym), quoted[1:len(quoted)-1]))
		}
	}
	return r
}
