// Package birthright decides what the profile of a user in Okta entitles to without a ticket, and when it no longer does.
//
// It is pure. An attribute that is missing or empty proves nothing, neither for nor against.
package birthright

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
)

// Condition decides on the attributes of a profile; the empty ones are left out. An error means that it cannot be said.
// policies compiles CEL into it.
type Condition func(profile map[string]string) (bool, error)

// Role is what a rule gives.
type Role struct {
	System string // the catalog's ID
	Name   string // of the role in the system
	Groups []access.GroupID
}

// Rule gives roles to whoever's profile fulfils a condition.
type Rule struct {
	Name string // short and stable: it is part of the grants' IDs
	When Condition
	// Attributes lists the profile attributes that When looks at, sorted.
	Attributes []string
	Roles      []Role
}

// Policy is one procedure of birthrights.
type Policy struct {
	ID     string        // SOP@version
	Digest string        // of the text, so that a changed policy is told from the one before
	Grace  time.Duration // how long access stays after the profile has become another
	Rules  []Rule
}

// Verdict is what a profile says to a rule.
type Verdict string

// The verdicts.
const (
	Matches Verdict = "matches"
	Differs Verdict = "differs" // every attribute is known, and the condition does not hold
	Unknown Verdict = "unknown" // something is missing or empty, or the condition cannot be evaluated
)

// Judge returns what the user's profile says to the rule.
func (r Rule) Judge(u access.User) Verdict {
	known := make(map[string]string, len(u.Profile))
	for name, value := range u.Profile {
		if value != "" {
			known[name] = value
		}
	}
	holds, err := r.When(known)
	switch {
	case err != nil:
		return Unknown
	case holds:
		return Matches
	case slices.ContainsFunc(r.Attributes, func(name string) bool { return known[name] == "" }):
		return Unknown
	default:
		return Differs
	}
}

// Fingerprint returns the SHA-256, in hex, of the attributes that the rule looks at. It tells a profile that has changed
// from a rule that has.
func (r Rule) Fingerprint(u access.User) string {
	values := make([]string, 0, 2*len(r.Attributes))
	for _, name := range r.Attributes {
		values = append(values, name, u.Profile[name])
	}
	// A list of strings always marshals.
	text, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("birthright: marshal of attributes: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// prefix begins the ID of every birthright. Tickets' grants begin with a number.
const prefix = "birthright/"

// GrantID returns the ID of the grant that the rule entitles the user to: the same whenever it is computed.
func (r Rule) GrantID(m access.Membership) change.GrantID {
	return change.GrantID(prefix + r.Name + "/" + string(m.Group) + "/" + string(m.User))
}

// Grants returns what the policy entitles the user to at the instant now, in the order of the rules. Only active users are
// entitled.
func (p Policy) Grants(u access.User, now time.Time) []change.Grant {
	if u.Status != access.Active || u.Transitioning != "" {
		return nil
	}
	var all []change.Grant
	for _, rule := range p.Rules {
		if rule.Judge(u) != Matches {
			continue
		}
		for _, role := range rule.Roles {
			for _, group := range role.Groups {
				m := access.Membership{Group: group, User: u.ID}
				all = append(all, change.Grant{
					ID: rule.GrantID(m), User: u.ID, Group: group, System: role.System, Role: role.Name, Policy: p.ID,
					Reason: change.Birthright, Requested: now, Approved: now, FieldsHash: rule.Fingerprint(u),
				})
			}
		}
	}
	return all
}

// RuleOf returns the rule that the grant came from; ok is false when the policy has it no more.
func (p Policy) RuleOf(g change.Grant) (rule Rule, ok bool) {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.GrantID(g.Membership()) == g.ID })
	if i < 0 {
		return Rule{}, false
	}
	return p.Rules[i], true
}

// Follow returns the grant as the user's profile leaves it at the instant now, and whether that is a change. It lapses when
// the profile has become another one that the rule does not fit, and holds again when the rule fits again before its end. A
// rule that has itself changed ends nothing.
func (p Policy) Follow(g change.Grant, u access.User, now time.Time) (next change.Grant, changed bool) {
	rule, ok := p.RuleOf(g)
	if !ok || u.ID != g.User {
		return g, false
	}
	switch rule.Judge(u) {
	case Differs:
		if !g.Lapsed.IsZero() || rule.Fingerprint(u) == g.FieldsHash {
			return g, false
		}
		g.Lapsed, g.Expires = now, now.Add(p.Grace)
		return g, true
	case Matches:
		if g.Lapsed.IsZero() && rule.Fingerprint(u) == g.FieldsHash {
			return g, false
		}
		g.Lapsed, g.Expires, g.FieldsHash = time.Time{}, time.Time{}, rule.Fingerprint(u)
		return g, true
	default:
		return g, false
	}
}
