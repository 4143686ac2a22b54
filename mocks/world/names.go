package world

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/mocks/jiramock"
)

// Person is somebody at Maison RMI, as each vendor knows them.
type Person struct {
	Short   string             // by which stories call the person, such as "odile"
	OktaID  string             // Okta's identifier of the user
	Account jiramock.AccountID // in Jira; empty for who has none
	Login   string             // the e-mail address too
	Name    string             // first and last, as Jira shows it
}

// Group is an Okta group of Maison RMI.
type Group struct {
	ID   string // Okta's identifier
	Name string // as Okta shows it
	// System is the ID of the system that it belongs to in the catalog; empty for none.
	System string
	// Managed: tickets decide who is in it. Groups that a rule, an application or Okta fills are not.
	Managed bool
}

// System is something that people have access to.
type System struct {
	ID   string // as the catalog has it, such as "payments"
	Name string // as tickets have it
	Risk string // low, medium or high
	Mode string // how far the shipped policies let the program go: observe, grant or enforce
	// Roles are the groups that the roles give, by the role's name.
	Roles map[string]string
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// oktaID makes an identifier in the shape of Okta's out of a name: the same in every run, and saying nothing of the name.
func oktaID(prefix, name string) string {
	sum := sha256.Sum256([]byte("maison-rmi " + prefix + " " + name))
	id := []byte(prefix)
	for _, b := range sum[:20-len(prefix)] {
		id = append(id, base62[int(b)%len(base62)])
	}
	return string(id)
}

func userID(short string) string { return oktaID("00u", short) }
func groupID(name string) string { return oktaID("00g", name) }
func ruleID(name string) string  { return oktaID("0pr", name) }

// account makes an identifier in the shape of Atlassian's.
func account(short string) jiramock.AccountID {
	sum := sha256.Sum256([]byte("maison-rmi account " + short))
	return jiramock.AccountID(hex.EncodeToString(sum[:12]))
}

func login(short string) string { return short + "@example.com" }

// botShort is the short name of the program's own account.
const botShort = "sopd"

// person describes the member.
func (m member) person() Person {
	return Person{
		Short: m.short, OktaID: userID(m.short), Account: account(m.short), Login: login(m.short), Name: m.first + " " + m.last,
	}
}

// People lists who works at Maison RMI, in the order of the departments. Who left and accounts of nobody are left out.
func People() []Person {
	out := make([]Person, 0, len(staff))
	for _, m := range staff {
		out = append(out, m.person())
	}
	return out
}

// Person returns who is called so, also somebody who left; the zero Person when nobody is.
func (w *World) Person(short string) Person {
	p, err := find(short)
	if err != nil {
		return Person{}
	}
	return p
}

func find(short string) (Person, error) {
	for _, m := range slices.Concat(staff, former) {
		if m.short == short {
			return m.person(), nil
		}
	}
	switch short {
	case breakGlass:
		return Person{Short: short, OktaID: userID(short), Login: login(short), Name: "Break Glass"}, nil
	case botShort:
		return Person{Short: short, OktaID: userID(short), Account: account(short), Login: botLogin, Name: "Sopd Service"}, nil
	}
	return Person{}, fmt.Errorf("%w person %q", ErrUnknown, short)
}

// everyone is the group that each org has by itself.
const everyone = "Everyone"

// Group returns the group with the name; the zero Group when there is none.
func (w *World) Group(name string) Group {
	g, err := w.group(name)
	if err != nil {
		return Group{}
	}
	return g
}

func (w *World) group(name string) (Group, error) {
	if name == everyone {
		return Group{ID: w.Okta.Everyone(), Name: everyone}, nil
	}
	i := slices.IndexFunc(groups, func(g group) bool { return g.name == name })
	if i < 0 {
		return Group{}, fmt.Errorf("%w group %q", ErrUnknown, name)
	}
	return groups[i].public(), nil
}

func (g group) public() Group {
	return Group{ID: groupID(g.name), Name: g.name, System: g.system, Managed: g.system != "" && g.fed == byTickets && !g.protected}
}

// AllGroups lists every group of the org, Everyone first.
func (w *World) AllGroups() []Group {
	out := []Group{w.Group(everyone)}
	for _, g := range groups {
		out = append(out, g.public())
	}
	return out
}

// Systems lists the catalog by ID.
func Systems() []System {
	out := make([]System, 0, len(systems))
	for _, s := range systems {
		out = append(out, s.public())
	}
	return out
}

// System returns the system with the ID; the zero System when there is none.
func (w *World) System(id string) System {
	s, ok := findSystem(id)
	if !ok {
		return System{}
	}
	return s.public()
}

func (s system) public() System {
	out := System{ID: s.id, Name: s.name, Risk: s.risk, Mode: s.mode, Roles: map[string]string{}}
	for _, r := range s.roles {
		out.Roles[r.name] = r.group
	}
	return out
}

// members returns the short names of a group's members in the tables.
func members(groupName string) []string {
	i := slices.IndexFunc(groups, func(g group) bool { return g.name == groupName })
	if i < 0 {
		return nil
	}
	return groups[i].members
}

// ownersOf returns the short names of who may approve access to the system as its owner, the first to be asked first.
func (s system) ownersOf() []string {
	if s.ownerGroup != "" {
		return members(s.ownerGroup)
	}
	return s.owners
}

// approversFor picks who is asked, as the service desk's automation does: one owner, and for a high-risk system one of
// Security Operations, neither of them among those concerned.
func (s system) approversFor(concerned ...string) []string {
	asked := firstOther(s.ownersOf(), concerned)
	if s.risk == high {
		asked = append(asked, firstOther(securityOperations(), slices.Concat(concerned, asked))...)
	}
	return asked
}

// securityOperations is who approves for security, the lead first.
func securityOperations() []string { return []string{"tariq", "noor", "wen", "salome"} }

func firstOther(candidates, taken []string) []string {
	for _, c := range candidates {
		if !slices.Contains(taken, c) {
			return []string{c}
		}
	}
	return nil
}
