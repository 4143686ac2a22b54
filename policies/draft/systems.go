package draft

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// system is a guess: groups that begin with the same words.
type system struct {
	ID, Name string
	Risk     string
	RiskWhy  string // the comment behind the risk
	Groups   []systemGroup
}

type systemGroup struct {
	Group
	Role string // what the group's name says behind the system's
}

var (
	separators = regexp.MustCompile(`[-_ :./]+`)
	notSlug    = regexp.MustCompile(`[^a-z0-9]+`)
	// grave are words of names that say that the wrong person in the group can do much harm.
	grave = regexp.MustCompile(`(?i)admin|root|prod|financ|payroll|ledger|treasury|vault|secret|break.?glass|security|owner|super`)
)

// longestID is the most characters of a system's ID.
const longestID = 63

// systems guesses the systems from the names of the groups that sopd could manage, sorted by ID.
func systems(groups []Group) []system {
	var all []system
	for _, g := range groups {
		if !g.managed() {
			continue
		}
		name, role := split(g.Name)
		id := slug(name, string(g.ID))
		i := slices.IndexFunc(all, func(s system) bool { return s.ID == id })
		if i < 0 {
			all = append(all, system{ID: id, Name: id})
			i = len(all) - 1
		}
		s := &all[i]
		if slices.ContainsFunc(s.Groups, func(k systemGroup) bool { return strings.EqualFold(k.Role, role) }) {
			role = g.Name
		}
		s.Groups = append(s.Groups, systemGroup{g, role})
	}
	for i := range all {
		all[i].Risk, all[i].RiskWhy = risk(all[i])
	}
	slices.SortFunc(all, func(a, b system) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// split takes the last word of a group's name for the role and the rest for the system.
func split(group string) (system, role string) {
	words := separators.Split(strings.Trim(group, "-_ :./"), -1)
	if len(words) < 2 {
		return group, "member"
	}
	return strings.Join(words[:len(words)-1], "-"), words[len(words)-1]
}

// slug makes an ID of a name; a name without a Latin letter or digit gets the fallback.
func slug(name, fallback string) string {
	id := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if id == "" {
		id = strings.ToLower(fallback)
	}
	return strings.Trim(id[:min(len(id), longestID)], "-")
}

func risk(s system) (level, why string) {
	for _, g := range s.Groups {
		if word := grave.FindString(g.Name); word != "" {
			return "high", fmt.Sprintf("guess: %q in a group's name; low, medium or high", strings.ToLower(word))
		}
	}
	return "medium", "guess: nothing in the names says more or less; low, medium or high"
}
