package authority

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // where a last day ends must not depend on the zone files of the machine

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Fields names the ticket fields that define an access, as Jira shows them. An empty name means that the organisation's
// tickets do not have the field.
type Fields struct {
	Beneficiary   string // who gets the access; empty: the reporter
	System        string // one or more systems of the catalog
	Role          string // empty: the system's only role
	Justification string // why the access is needed
	Expires       string // until when it is needed
	Effective     string // offboarding, revocation and role change: when it takes effect; empty: at once
	OldSystem     string // role change: one or more systems whose role goes
	OldRole       string // role change: the role that goes; empty: the system's only role
}

// Names returns the names in use, sorted.
func (f Fields) Names() []string {
	names := []string{f.Beneficiary, f.System, f.Role, f.Justification, f.Expires, f.Effective, f.OldSystem, f.OldRole}
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

// Problem is what is missing or wrong on a ticket, in words for the person who wrote it.
type Problem struct {
	Field string // as Jira shows it
	Text  string // what is wrong and what to write
}

// String returns the problem as one line.
func (p Problem) String() string { return fmt.Sprintf("%s: %s", p.Field, p.Text) }

// Request is a ticket understood: who is to have what.
type Request struct {
	Ticket        ticket.Ticket
	Requester     access.User
	Beneficiary   access.User
	Wanted        []Wanted  // sorted by system
	Replaced      []Wanted  // what a role change takes away, sorted by system
	Justification string    // in the requester's words
	Expires       time.Time // exclusive; zero for none
	Effective     time.Time // zero: at once
	// Hash is the SHA-256, in hex, of the raw values of all [Fields] on the ticket.
	Hash string
}

// Wanted is a role in a system.
type Wanted struct {
	System catalog.System
	Role   catalog.Role
}

// minimumJustification is the least number of characters that can carry a reason. Shorter ones ("x", "need it") are what
// people type to get past a required field.
const minimumJustification = 10

// reader collects the problems of one ticket.
type reader struct {
	ticket   ticket.Ticket
	fields   Fields
	catalog  catalog.Catalog
	people   *people.Directory
	problems []Problem
}

func (r *reader) wrong(field, format string, args ...any) {
	r.problems = append(r.problems, Problem{Field: field, Text: fmt.Sprintf(format, args...)})
}

// Read understands the ticket. Every problem is reported at once; with any problem the request must not be used.
func Read(t ticket.Ticket, fields Fields, c catalog.Catalog, d *people.Directory) (Request, []Problem) {
	r := &reader{ticket: t, fields: fields, catalog: c, people: d}
	request := Request{
		Ticket:        t,
		Requester:     r.requester(),
		Beneficiary:   r.beneficiary(),
		Wanted:        r.wanted(fields.System, fields.Role),
		Replaced:      r.wanted(fields.OldSystem, fields.OldRole),
		Justification: r.justification(),
		Expires:       r.instant(fields.Expires),
		Effective:     r.instant(fields.Effective),
		Hash:          Hash(t, fields),
	}
	request.Expires = endOf(request.Expires, t.Fields[fields.Expires].DateOnly, request.Beneficiary)
	request.Effective = endOf(request.Effective, t.Fields[fields.Effective].DateOnly, request.Beneficiary)
	return request, r.problems
}

// Hash returns the SHA-256, in hex, of the raw values of the fields on the ticket, and of who raised it.
func Hash(t ticket.Ticket, fields Fields) string {
	values := make(map[string]ticket.Value)
	for _, name := range fields.Names() {
		values[name] = t.Fields[name]
	}
	// Maps of strings to these structs always marshal, with sorted keys.
	text, err := json.Marshal(struct {
		Reporter ticket.AccountID        `json:"reporter"`
		Fields   map[string]ticket.Value `json:"fields"`
	}{t.Reporter.Account, values})
	if err != nil {
		panic(fmt.Sprintf("authority: marshal of ticket fields: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (r *reader) requester() access.User {
	user, err := r.people.Match(r.ticket.Reporter)
	if err != nil {
		r.wrong("Reporter", "%v; an administrator has to map this account to an Okta user", err)
	}
	return user
}

func (r *reader) beneficiary() access.User {
	if r.fields.Beneficiary == "" {
		user, _ := r.people.Match(r.ticket.Reporter) // requester has reported the error
		return user
	}
	accounts := r.ticket.Fields[r.fields.Beneficiary].Accounts
	if len(accounts) != 1 {
		r.wrong(r.fields.Beneficiary, "name exactly one person")
		return access.User{}
	}
	person := r.ticket.People[accounts[0]]
	person.Account = accounts[0]
	user, err := r.people.Match(person)
	if err != nil {
		r.wrong(r.fields.Beneficiary, "%v; an administrator has to map this account to an Okta user", err)
	}
	return user
}

// wanted reads the roles that a field of systems and one of roles name.
func (r *reader) wanted(systems, roles string) []Wanted {
	if systems == "" {
		return nil
	}
	names := r.ticket.Fields[systems].Texts
	if len(names) == 0 {
		r.wrong(systems, "say which system")
	}
	var wanted []Wanted
	for _, name := range names {
		system, ok := r.catalog.System(strings.TrimSpace(name))
		if !ok {
			r.wrong(systems, "%q is not in the catalog", name)
			continue
		}
		if role, ok := r.role(system, cmp.Or(roles, systems), roles); ok {
			wanted = append(wanted, Wanted{System: system, Role: role})
		}
	}
	slices.SortFunc(wanted, func(a, b Wanted) int { return strings.Compare(a.System.ID, b.System.ID) })
	return slices.CompactFunc(wanted, func(a, b Wanted) bool { return a.System.ID == b.System.ID })
}

// role reads the field of roles. Where a ticket has none, the system is at fault: field is what is named then.
func (r *reader) role(system catalog.System, field, roles string) (catalog.Role, bool) {
	names := r.ticket.Fields[roles].Texts
	if roles == "" || len(names) == 0 {
		if len(system.Roles) == 1 {
			return system.Roles[0], true
		}
		r.wrong(field, "%s has several roles, choose one of: %s", system.Name, roleNames(system))
		return catalog.Role{}, false
	}
	if len(names) > 1 {
		r.wrong(field, "choose one role")
		return catalog.Role{}, false
	}
	role, ok := system.Role(strings.TrimSpace(names[0]))
	if !ok {
		r.wrong(field, "%s has no role %q, choose one of: %s", system.Name, names[0], roleNames(system))
	}
	return role, ok
}

func roleNames(s catalog.System) string {
	names := make([]string, len(s.Roles))
	for i, role := range s.Roles {
		names[i] = role.Name
	}
	return strings.Join(names, ", ")
}

func (r *reader) justification() string {
	if r.fields.Justification == "" {
		return ""
	}
	text := strings.TrimSpace(strings.Join(r.ticket.Fields[r.fields.Justification].Texts, " "))
	if len([]rune(text)) < minimumJustification {
		r.wrong(r.fields.Justification, "say in a sentence what the access is needed for")
	}
	return text
}

func (r *reader) instant(field string) time.Time {
	value, ok := r.ticket.Fields[field]
	if field == "" || !ok {
		return time.Time{}
	}
	if value.Time.IsZero() {
		r.wrong(field, "write a date")
	}
	return value.Time
}

// endOf turns a day into the instant when it is over where the person is: a last day is worked to its end. An instant
// stays as it is. Without a known zone in the Okta profile's attribute "timezone" the day ends in UTC.
func endOf(t time.Time, dateOnly bool, user access.User) time.Time {
	if t.IsZero() || !dateOnly {
		return t
	}
	zone, err := time.LoadLocation(user.Profile["timezone"])
	if err != nil || zone == time.Local { // the zone of the machine that sopd runs on says nothing about a person
		zone = time.UTC
	}
	year, month, day := t.UTC().Date()
	end := time.Date(year, month, day+1, 0, 0, 0, 0, zone)
	if end.Day() == day {
		// The clocks go forward at that midnight, so there is none, and time.Date stays on the day before. The day ends
		// when they do.
		_, end = end.ZoneBounds()
	}
	// Where they go back over midnight there are two, and time.Date takes now this one, now that: the day ends at the first.
	if start, _ := end.ZoneBounds(); !start.IsZero() {
		_, offset := start.Add(-1).Zone()
		if first := time.Date(year, month, day+1, 0, 0, 0, 0, time.FixedZone("", offset)); first.Before(start) {
			end = first
		}
	}
	return end.UTC()
}
