// Package draft writes a first policy folder for an organisation out of what its vendors show. It is pure: what was read
// goes in, files come out, and the same input gives the same text.
//
// Nothing is invented silently. What was concluded from a name is marked "# guess:" with the reason, and what nobody but
// the organisation can know is marked "# open:" with what to write. [Marks] finds both again.
package draft

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Site is what was read from the vendors.
type Site struct {
	Day        time.Time     // of the draft
	Groups     []Group       // every group that the credential sees
	Self       access.UserID // sopd's own account in Okta; empty for a service app
	Attributes []string      // names of the profile attributes seen on people
	Approvers  string        // name or ID of the group that approves until each system has its owner; empty: guessed
	Desks      []Desk        // every service desk that the account sees
	Projects   []Project     // every project that the account sees, with its issue types
	Fields     []string      // names of the fields that tickets can have
	Pager      string        // what the paging system is called; empty: none was asked
	Schedules  []Schedule    // the on-call schedules that are enabled
}

// Schedule is an on-call schedule.
type Schedule struct {
	ID   string // never changes
	Name string // as the paging system shows it
	Team string // the name of the team that it belongs to; empty where the paging system does not say
}

// Group is a group of the directory with what decides whether sopd may manage it.
type Group struct {
	access.Group
	Members int      // [Unread] when the members could not be read
	Rules   []string // names of the active rules that feed it
}

// Unread is the number of members of a group that could not be read.
const Unread = -1

// managed reports whether sopd could ever write the group.
func (g Group) managed() bool { return g.Type == access.OktaGroup && len(g.Rules) == 0 }

// size says how many members there are, for a comment.
func (g Group) size() string {
	switch g.Members {
	case Unread:
		return "members could not be read"
	case 1:
		return "1 member"
	default:
		return fmt.Sprintf("%d members", g.Members)
	}
}

// Desk is a service desk with what can be asked for at it.
type Desk struct {
	Project  string // the project's key
	Requests []Request
}

// Request is a request type.
type Request struct {
	Name     string // as the portal shows it
	Fields   []Field
	Statuses []Status
}

// Project is a project of tickets.
type Project struct {
	Key   string // short and stable, such as ACC
	Types []Type
}

// Type is an issue type of a project.
type Type struct {
	Name     string   // as people see it
	Statuses []Status // of its workflow
}

// Field is a field of a request's form.
type Field struct {
	Name string // as the portal shows it
	Kind string // "user", "date", "datetime", "option", "string", …; of an array, what it holds
}

// Status is a status of a request's workflow.
type Status struct {
	Name string // as people see it
	Done bool   // nothing is expected any more
}

// File is a file of the draft.
type File struct {
	Name string // within the folder
	Text string // its whole content
}

// Folder drafts the folder, sorted by name: policy files that change nothing, and a README.md that says what was not
// drafted and why.
func Folder(site Site) []File {
	site = site.sorted()
	d := &drafter{site: site, systems: systems(site.Groups)}
	d.approvers = d.group(site.Approvers, "operations|it-ops|itops|helpdesk|service desk|administrators")
	d.security = d.group("", "security|secops|infosec")
	d.hr = d.group("", "human|people-op|people op|\\bhr\\b|personnel")
	files := []File{
		{"catalog.yaml", d.render(catalogText, d)},
		{"calendar.yaml", d.render(calendarText, d)},
		{"guards.yaml", d.render(guardsText, d)},
		{"people.yaml", d.render(peopleText, d)},
		{"routing.yaml", d.render(routingText, d)},
	}
	for _, sample := range samples() {
		files = append(files, d.sample(sample))
	}
	for _, p := range procedures() {
		found := p.find(site.Desks)
		if found == nil {
			d.missing = append(d.missing, p)
			continue
		}
		files = append(files, File{p.Name + ".yaml", d.render(procedureText+p.tail+"\n", d.procedure(p, found))})
	}
	files = append(files, File{"README.md", d.render(readmeText, d)})
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// Has reports whether a group has the name or ID.
func (s Site) Has(group string) bool {
	return slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Name == group || string(g.ID) == group })
}

// sorted returns the site in an order that does not depend on the vendors'.
func (s Site) sorted() Site {
	s.Groups, s.Desks, s.Projects = slices.Clone(s.Groups), slices.Clone(s.Desks), slices.Clone(s.Projects)
	slices.SortFunc(s.Groups, func(a, b Group) int {
		return strings.Compare(a.Name+"\x00"+string(a.ID), b.Name+"\x00"+string(b.ID))
	})
	slices.SortFunc(s.Projects, func(a, b Project) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(s.Desks, func(a, b Desk) int { return strings.Compare(a.Project, b.Project) })
	return s
}

// drafter holds what several files refer to.
type drafter struct {
	site                    Site
	systems                 []system
	approvers, security, hr *Group // nil when no group looks like it
	missing                 []kind // procedures that nothing at the desks looks like
}
