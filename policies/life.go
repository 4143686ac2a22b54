package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/birthright"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// The kinds of policy file about the life of access.
const (
	KindRoleChange = "RoleChange"
	KindBreakGlass = "BreakGlass"
	KindBirthright = "Birthright"
)

// Urgency says which tickets of a revocation procedure wait for nothing else.
type Urgency struct {
	Priorities []string // names of Jira priorities
	Field      string   // as Jira shows it; empty: none
	Values     []string // of Field
}

// Marks reports whether the ticket is marked urgent.
func (u Urgency) Marks(t ticket.Ticket) bool {
	if slices.Contains(u.Priorities, t.Priority) {
		return true
	}
	return u.Field != "" && slices.ContainsFunc(t.Fields[u.Field].Texts, func(v string) bool { return slices.Contains(u.Values, v) })
}

// Replaces says what a role change takes away.
type Replaces string

// What a role change takes away.
const (
	ReplacesNamed Replaces = "named"      // the roles that its ticket names
	ReplacesAll   Replaces = "all-grants" // every grant of a ticket that was not approved again
)

// BreakGlass is what an emergency procedure allows.
type BreakGlass struct {
	People    catalog.People
	Schedules []paging.ScheduleID // whoever is on call for one of them may, too
	Roles     []birthright.Role   // all that may be asked for
	Maximum   time.Duration       // from the ticket's creation, whatever is asked for
	Review    time.Duration       // within which the access has to be reviewed
}

// defaultReview is the time for the review of an emergency where the policy says nothing.
const defaultReview = 24 * time.Hour

// Allows reports whether the role may be asked for.
func (b BreakGlass) Allows(system, role string) bool {
	return slices.ContainsFunc(b.Roles, func(r birthright.Role) bool { return r.System == system && r.Name == role })
}

// defaultUndo is how long an undone removal keeps the access where the guards say nothing.
const defaultUndo = 7 * 24 * time.Hour

type urgencyYAML struct {
	Priorities []string `yaml:"priorities"` // names of Jira priorities
	Field      string   `yaml:"field"`      // a field that says so, as Jira shows it
	Values     []string `yaml:"values"`     // of that field
}

// roleChangeFile is the procedure for people who change their role.
type roleChangeFile struct {
	SOP      sop       `yaml:",inline"`
	Proof    proofYAML `yaml:",inline"`
	Replaces string    `yaml:"replaces"` // named: the roles that the ticket names go; all-grants: every grant that was not approved again
	Overlap  string    `yaml:"overlap"`  // allowed: the new comes before the old goes; forbidden: the old goes first
}

// breakGlassFile is the procedure for emergencies. Its approvals are the review afterwards.
type breakGlassFile struct {
	SOP       sop            `yaml:",inline"`
	People    peopleYAML     `yaml:"people"`    // who may take emergency access, for themselves
	OnCall    []string       `yaml:"onCall"`    // IDs of schedules: whoever is on call may, too
	Roles     []roleNameYAML `yaml:"roles"`     // all that may be taken; never a protected group
	Maximum   string         `yaml:"maximum"`   // how long at most, from the ticket's creation, such as 4h
	Review    string         `yaml:"review"`    // within which it has to be reviewed, such as 24h
	Approvals []approvalYAML `yaml:"approvals"` // the review afterwards
}

type roleNameYAML struct {
	System string `yaml:"system"` // its ID
	Role   string `yaml:"role"`   // one of the system's
}

// birthrightFile is what people get by their profile.
type birthrightFile struct {
	SOP   sop                  `yaml:",inline"`
	Grace string               `yaml:"grace"` // how long access stays after the profile has become another known one, such as 7d
	Rules []birthrightRuleYAML `yaml:"rules"` // what gives what
}

type birthrightRuleYAML struct {
	Name  string         `yaml:"name"`  // short and stable: it is part of what the rule gives
	When  string         `yaml:"when"`  // a condition in CEL over user, the Okta profile; it has to name the attributes
	Roles []roleNameYAML `yaml:"roles"` // what it gives
}

func (c *compiler) roleChange(f *file) {
	var in roleChangeFile
	if !f.decode(&in) {
		return
	}
	p := c.procedure(f, in.SOP)
	fields := p.Rules.Fields
	f.required("$.tickets.fields.beneficiary", fields.Beneficiary)
	f.required("$.tickets.fields.system", fields.System)
	p.Replaces = ReplacesNamed
	if in.Replaces != "" {
		f.oneOf("$.replaces", in.Replaces, string(ReplacesNamed), string(ReplacesAll))
		p.Replaces = Replaces(in.Replaces)
	}
	if p.Replaces == ReplacesNamed {
		f.required("$.tickets.fields.oldSystem", fields.OldSystem)
	}
	if in.Overlap != "" {
		f.oneOf("$.overlap", in.Overlap, "allowed", "forbidden")
	}
	p.ForbidOverlap = in.Overlap == "forbidden"
	f.proof(&p, in.Proof)
	c.set.SOPs = append(c.set.SOPs, p)
}

func (c *compiler) breakGlass(f *file) {
	var in breakGlassFile
	if !f.decode(&in) {
		return
	}
	p := c.procedure(f, in.SOP)
	fields := p.Rules.Fields
	if fields.Beneficiary != "" {
		f.wrong("$.tickets.fields.beneficiary", "leave it out; emergency access is only for the one who asks")
	}
	f.required("$.tickets.fields.system", fields.System)
	f.required("$.tickets.fields.justification", fields.Justification)
	f.required("$.tickets.statuses.review", in.SOP.Tickets.Statuses.Review)
	b := &BreakGlass{
		People: f.named("$.people", in.People), Maximum: f.span("$.maximum", in.Maximum, 0),
		Review: f.span("$.review", in.Review, defaultReview), Roles: c.roleNames(f, "$.roles", in.Roles),
	}
	for _, id := range in.OnCall {
		b.Schedules = append(b.Schedules, paging.ScheduleID(id))
	}
	if b.People.Empty() && len(b.Schedules) == 0 {
		f.wrong("$.people", "nobody may break the glass; name people, or schedules under onCall")
	}
	if in.Maximum == "" {
		f.wrong("$.maximum", "maximum is missing; write how long the access lasts at most, such as 4h")
	}
	p.Rules.Approvals = f.approvals(in.Approvals)
	p.BreakGlass = b
	c.set.SOPs = append(c.set.SOPs, p)
}

func (c *compiler) birthright(f *file) {
	var in birthrightFile
	if !f.decode(&in) {
		return
	}
	head := c.head(f, in.SOP)
	if len(in.SOP.Tickets.Projects) > 0 {
		f.wrong("$.tickets", "leave tickets out; a birthright needs none")
	}
	sum := sha256.Sum256(f.text)
	p := birthright.Policy{ID: head.ID(), Digest: hex.EncodeToString(sum[:]), Grace: f.span("$.grace", in.Grace, 0)}
	if in.Grace == "" {
		f.wrong("$.grace", "grace is missing; write how long access stays after the profile has changed, such as 7d, or 0s")
	}
	if len(in.Rules) == 0 {
		f.wrong("$.rules", "no rule gives anything; write one, or remove the file")
	}
	for i, r := range in.Rules {
		at := fmt.Sprintf("$.rules[%d]", i)
		if !slug.MatchString(r.Name) {
			f.wrong(at+".name", "name is %q; write small letters, digits and hyphens", r.Name)
		}
		if slices.ContainsFunc(c.birthrightRules(p), func(known birthright.Rule) bool { return known.Name == r.Name }) {
			f.wrong(at+".name", "birthright rule %q stands twice; the name is part of what it gives", r.Name)
		}
		rule := birthright.Rule{Name: r.Name, Roles: c.roleNames(f, at+".roles", r.Roles)}
		var err error
		if rule.When, rule.Attributes, err = profileCondition(r.When); err != nil {
			f.wrong(at+".when", "%s", oneLine(err))
		}
		p.Rules = append(p.Rules, rule)
	}
	c.set.Birthrights = append(c.set.Birthrights, p)
}

// birthrightRules returns the rules of all birthrights so far, those of p included.
func (c *compiler) birthrightRules(p birthright.Policy) []birthright.Rule {
	all := slices.Clone(p.Rules)
	for _, known := range c.set.Birthrights {
		all = append(all, known.Rules...)
	}
	return all
}

// roleNames finds roles of the catalog. A role that gives a protected group is refused: nothing may write there.
func (c *compiler) roleNames(f *file, at string, in []roleNameYAML) []birthright.Role {
	if len(in) == 0 {
		f.wrong(at, "names no role; write a system and a role of the catalog")
	}
	var all []birthright.Role
	for i, r := range in {
		here := fmt.Sprintf("%s[%d]", at, i)
		system, ok := c.set.Catalog.System(r.System)
		if !ok || system.ID != r.System {
			f.wrong(here+".system", "system %q is not in the catalog; write its id", r.System)
			continue
		}
		role, ok := system.Role(r.Role)
		if !ok {
			f.wrong(here+".role", "system %q has no role %q", r.System, r.Role)
			continue
		}
		if slices.ContainsFunc(role.Groups, c.protected) {
			f.wrong(here, "role %q of system %q gives a protected group, which sopd never writes", r.Role, r.System)
		}
		all = append(all, birthright.Role{System: system.ID, Name: role.Name, Groups: role.Groups})
	}
	return all
}

func (c *compiler) protected(id access.GroupID) bool {
	group, ok := c.set.Catalog.Group(id)
	return ok && group.Protected
}

var span = regexp.MustCompile(`^([0-9]{1,6})(s|m|h|d)$`)

// span reads a time such as 30s, 15m, 4h or 7d; nothing is the fallback.
func (f *file) span(at, text string, fallback time.Duration) time.Duration {
	if text == "" {
		return fallback
	}
	parts := span.FindStringSubmatch(text)
	if parts == nil {
		f.wrong(at, "is %q; write a whole number and a unit, such as 15m, 4h or 7d", text)
		return fallback
	}
	n, _ := strconv.Atoi(parts[1]) // six digits at most
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	return time.Duration(n) * units[parts[2]]
}

// warnings reads how long before its end somebody is told that access ends, the longest first.
func (f *file) warnings(in []string) []time.Duration {
	var all []time.Duration
	for i, text := range in {
		at := fmt.Sprintf("$.expiryWarnings[%d]", i)
		d := f.span(at, text, 0)
		if d == 0 || slices.Contains(all, d) {
			f.wrong(at, "is %q; write different times before the end, such as 7d and 1d", text)
			continue
		}
		all = append(all, d)
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all
}

func (f *file) urgency(in urgencyYAML) Urgency {
	if (in.Field == "") != (len(in.Values) == 0) {
		f.wrong("$.urgent", "field and values belong together; write both or neither")
	}
	return Urgency(in)
}
