package oktamock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// exclusionCap is how many users one rule can exclude.
//
// Source: support.okta.com, "Removing user from exception list in group rule".
const exclusionCap = 100

// Rule is a group rule as a script describes it.
type Rule struct {
	ID   string // empty lets the org choose
	Name string // of 1 to 50 characters
	// Expression selects users: comparisons such as user.department=="Finance", joined by && or ||, no brackets.
	Expression string
	// Groups are the IDs of the groups that the rule feeds.
	Groups []string
	// Inactive rules feed nobody.
	Inactive bool
	// Excluded are the IDs of users that the rule leaves alone.
	Excluded []string
}

type rule struct {
	id, name, expression string
	groups, excluded     []string
	active               bool
	created, updated     time.Time
	gone                 bool
}

type ruleStore struct{ all []*rule }

func (st *ruleStore) find(id string) *rule {
	i := slices.IndexFunc(st.all, func(r *rule) bool { return r.id == id && !r.gone })
	if i < 0 {
		return nil
	}
	return st.all[i]
}

// AddRule furnishes the org with a rule, which at once feeds its groups without a log entry, and returns its ID.
func (s *Server) AddRule(d Rule) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.newRule(d)
	if r.active {
		s.evaluateAll(silently)
	}
	return r.id
}

func (s *Server) newRule(d Rule) *rule {
	now := seconds(s.now())
	r := &rule{
		id: cmp.Or(d.ID, s.mint("0pr")), name: d.Name, expression: d.Expression, groups: slices.Clone(d.Groups),
		excluded: slices.Clone(d.Excluded), active: !d.Inactive, created: now, updated: now,
	}
	s.rules.all = append(s.rules.all, r)
	return r
}

// telling says whether what a rule does is told in the log.
type telling int

const (
	silently telling = iota
	loudly
)

// evaluateAll applies every active rule to every user.
func (s *Server) evaluateAll(t telling) {
	for _, u := range s.users.all {
		s.evaluate(u, t)
	}
}

// evaluate applies every active rule to u: it joins the groups of the rules that match and leaves those that a rule put it
// into and would not any more. A deactivated user is not evaluated again, and stays where it is.
//
// Source: support.okta.com, "Deactivated Users not Removed From Okta Groups Automatically".
func (s *Server) evaluate(u *user, t telling) {
	if u.gone || u.truth.status == "DEPROVISIONED" {
		return
	}
	for _, r := range s.rules.all {
		if r.gone || !r.active {
			continue
		}
		for _, id := range r.groups {
			if g := s.groups.find(id); g != nil {
				s.feed(r, g, u, t)
			}
		}
	}
}

func (s *Server) feed(r *rule, g *group, u *user, t telling) {
	wanted := matches(r.expression, u.truth) && !slices.Contains(r.excluded, u.truth.id)
	key := membership{g.seq, u.seq}
	owned := s.groups.ruled[key] == r
	switch {
	case wanted && !g.members.has(u.seq) && t == silently:
		s.settleIn(g, u)
		s.groups.ruled[key] = r
	case wanted && s.join(g, u):
		s.groups.ruled[key] = r
		s.tell("group.user_membership.add", systemPrincipal(), userTarget(u), groupTarget(g))
	case !wanted && owned && s.leave(g, u) && t == loudly:
		s.tell("group.user_membership.remove", systemPrincipal(), userTarget(u), groupTarget(g))
	}
}

// exclude puts u on the list of the rule that made it a member of g, as Okta does when such a member is removed by hand.
//
// Source: support.okta.com, "User getting added in group exclusion list by Okta System (SystemPrincipal)". What the API
// answers when the list is full is not documented; this org refuses then.
func (s *Server) exclude(g *group, u *user) error {
	r := s.groups.ruled[membership{g.seq, u.seq}]
	if r == nil {
		return nil
	}
	if len(r.excluded) >= exclusionCap {
		return fmt.Errorf("rule %s already excludes %d users", r.id, exclusionCap)
	}
	if !slices.Contains(r.excluded, u.truth.id) {
		r.excluded = append(r.excluded, u.truth.id)
	}
	s.tell("group.user_membership.rule.add_exclusion", systemPrincipal(), userTarget(u), Target{
		ID: r.id, Type: "GroupRule", AlternateID: "unknown", DisplayName: r.name,
	})
	return nil
}

// Excluded lists the users that a rule leaves alone, in the order they were put there.
func (s *Server) Excluded(ruleID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rules.find(ruleID); r != nil {
		return slices.Clone(r.excluded)
	}
	return nil
}

// matches evaluates a rule's expression. What it cannot read matches nobody.
func matches(expression string, u *userRecord) bool {
	for _, alternative := range strings.Split(expression, "||") {
		all := strings.TrimSpace(alternative) != ""
		for _, term := range strings.Split(alternative, "&&") {
			all = all && matchesTerm(term, u)
		}
		if all {
			return true
		}
	}
	return false
}

func matchesTerm(term string, u *userRecord) bool {
	left, right, ok := strings.Cut(strings.Trim(term, " ()"), "==")
	attribute, isUser := strings.CutPrefix(strings.TrimSpace(left), "user.")
	if !ok || !isUser {
		return false
	}
	return u.attribute("profile."+attribute) == strings.Trim(strings.TrimSpace(right), `"'`)
}

// attribute returns a profile attribute as text, empty when it is not there.
func (r *userRecord) attribute(name string) string {
	switch name {
	case "profile.login":
		return r.login
	case "profile.email":
		return r.email
	case "profile.firstName":
		return r.firstName
	case "profile.lastName":
		return r.lastName
	}
	switch v := r.profile[strings.TrimPrefix(name, "profile.")].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}
