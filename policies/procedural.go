package policies

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/procedure"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/internal/review"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/internal/watch"
)

// Procedural is what a set holds besides access: the procedures that live in tickets, tasks, reviews and watch rules.
type Procedural struct {
	Documents  []Document // every policy that is a procedure, in the order of the files
	Procedures []procedure.Procedure
	Agendas    []agenda.Agenda
	Reviews    []review.Policy
	Watches    []watch.Rule
	Reports    []report.Orders      // that are made by themselves
	Pages      map[PromiseName]Page // when a clock pages, for every clock
}

// Document is the head of a procedure: what an auditor asks of any SOP.
type Document struct {
	File       string // in the policy folder
	Kind       string // one of the constants Kind…
	Name       string // short and stable
	Title      string // for people
	Version    string // three numbers
	Effective  time.Time
	NextReview time.Time
	Owner      string   // the role that answers for the text
	Reviewer   string   // the role that reviews it
	RACI       RACI     // who does what
	Controls   []string // of the frameworks that it serves
	// Backfill is how far back its clocks are filled from the vendors' history at the first start; 0: not at all.
	Backfill time.Duration
}

// ID returns the document's name and version, as records cite it.
func (d Document) ID() string { return d.Name + "@" + d.Version }

// PromiseName tells one clock from the others.
type PromiseName struct {
	SOP string // that makes the promise
	KPI string // name of the clock
}

// Page says when somebody is paged for a clock, and how urgently. A priority of 0 pages nobody.
type Page struct {
	AtRisk   paging.Priority
	Breached paging.Priority
}

// Document returns the procedure of the name.
func (p Procedural) Document(name string) (Document, bool) {
	i := slices.IndexFunc(p.Documents, func(d Document) bool { return d.Name == name })
	if i < 0 {
		return Document{}, false
	}
	return p.Documents[i], true
}

// Procedure returns the procedure in tickets of the name.
func (p Procedural) Procedure(name string) (procedure.Procedure, bool) {
	i := slices.IndexFunc(p.Procedures, func(x procedure.Procedure) bool { return x.Name == name })
	if i < 0 {
		return procedure.Procedure{}, false
	}
	return p.Procedures[i], true
}

// Backfill returns how far back any procedure wants to look at the first start.
func (p Procedural) Backfill() time.Duration {
	var longest time.Duration
	for _, d := range p.Documents {
		longest = max(longest, d.Backfill)
	}
	return longest
}

// Approved reports whether the approvals of the ticket matter to a procedure in tickets. Those of one that is done matter
// too, because people close what was approved a moment ago; not for ever, or the first start would read those of years.
func (p Procedural) Approved(t ticket.Ticket, now time.Time) bool {
	if t.Done && now.Sub(t.Updated) > max(p.Backfill(), 7*24*time.Hour) {
		return false
	}
	return slices.ContainsFunc(p.Procedures, func(x procedure.Procedure) bool { return len(x.Approvals) > 0 && x.Match.Ticket(t) })
}

func (p Procedural) projects() []string {
	var keys []string
	for _, x := range p.Procedures {
		keys = append(keys, x.Match.Projects...)
	}
	for _, a := range p.Agendas {
		for _, t := range a.AllTasks() {
			keys = append(keys, t.Project)
		}
	}
	for _, r := range p.Reviews {
		keys = append(keys, r.Project)
	}
	for _, r := range p.Reports {
		for _, o := range r.Reports {
			keys = append(keys, o.Task.Project)
		}
	}
	return keys
}

func (p Procedural) fields() []string {
	var names []string
	for _, x := range p.Procedures {
		names = append(names, x.Fields()...)
	}
	return names
}

func (p Procedural) eligible() []access.GroupID {
	var groups []access.GroupID
	for _, x := range p.Procedures {
		for _, a := range x.Approvals {
			groups = append(groups, a.People.Groups...)
		}
	}
	for _, r := range p.Reviews {
		groups = append(groups, r.Fallback.Groups...)
	}
	return groups
}

// document compiles the head that all procedures share, and their clocks.
func (c *compiler) document(f *file, in sop) Document {
	if !slug.MatchString(in.Name) {
		f.wrong("$.name", "name is %q; write small letters, digits and hyphens", in.Name)
	}
	if _, taken := c.set.Document(in.Name); taken {
		f.wrong("$.name", "procedure %q stands twice", in.Name)
	}
	if !semver.MatchString(in.Version) {
		f.wrong("$.version", "version is %q; write three numbers, such as 1.0.0", in.Version)
	}
	f.required("$.title", in.Title)
	f.required("$.owner", in.Owner)
	f.required("$.reviewer", in.Reviewer)
	effective, nextReview := f.day("$.effective", in.Effective), f.day("$.nextReview", in.NextReview)
	if in.Effective == "" {
		f.wrong("$.effective", "effective is missing; write the day from which the procedure holds")
	}
	if !nextReview.After(effective) {
		f.wrong("$.nextReview", "nextReview has to be a day after effective")
	}
	d := Document{
		File: f.name, Kind: in.Header.Kind, Name: in.Name, Title: in.Title, Version: in.Version, Effective: effective,
		NextReview: nextReview, Owner: in.Owner, Reviewer: in.Reviewer, RACI: RACI(in.RACI), Controls: in.Controls,
		Backfill: f.days("$.backfill", in.Backfill),
	}
	c.set.Documents = append(c.set.Documents, d)
	for i, clock := range in.Clocks {
		c.clock(f, fmt.Sprintf("$.clocks[%d]", i), in.Name, clock)
	}
	return d
}

// pointless refuses parts of tickets that the kind does not read: whoever writes them expects something of them.
func (f *file) pointless(in sop, parts ...string) {
	for _, part := range parts {
		given := map[string]bool{
			"projects": len(in.Tickets.Projects) > 0, "types": len(in.Tickets.Types) > 0, "requestTypes": len(in.Tickets.RequestTypes) > 0,
			"statuses": !reflect.DeepEqual(in.Tickets.Statuses, statusesYAML{}), "fields": !reflect.DeepEqual(in.Tickets.Fields, fieldsYAML{}),
		}
		if given[part] {
			f.wrong("$.tickets."+part, "%s has no meaning in a policy of kind %s; leave it out", part, f.kind)
		}
	}
}

// declare says that a procedure gives a fact, so that clocks may run on it. Two procedures that give the same one would have
// each other's subjects on their clocks.
func (c *compiler) declare(f *file, at, sop, fact string) {
	if c.given == nil {
		c.given = make(map[string]string)
	}
	if other, taken := c.given[fact]; taken && other != sop {
		f.wrong(at, "fact %q is given by %s already; begin it with another word", fact, other)
		return
	}
	if slices.Contains(Facts(), fact) {
		f.wrong(at, "fact %q is one that the access procedures give; begin it with another word", fact)
		return
	}
	c.given[fact] = sop
}

// facts returns everything that a clock may run on.
func (c *compiler) facts() []string {
	all := append(Facts(), slices.Collect(maps.Keys(c.given))...)
	slices.Sort(all)
	return slices.Compact(all)
}

// The occasions of a page.
const (
	pageAtRisk   = "at-risk"
	pageBreached = "breached"
)

// paging compiles when a clock pages.
func (c *compiler) paging(f *file, at string, d kpi.Definition, in clockYAML) {
	var p Page
	if len(in.Page) == 0 {
		in.Page = []string{pageBreached}
	}
	urgency := func(occasion string, fallback paging.Priority) paging.Priority {
		text, named := in.Priority[occasion]
		if !named {
			return fallback
		}
		return f.priority(at+".priority."+occasion, text)
	}
	for i, occasion := range in.Page {
		if !f.oneOf(fmt.Sprintf("%s.page[%d]", at, i), occasion, pageAtRisk, pageBreached, "nobody") {
			continue
		}
		switch occasion {
		case pageAtRisk:
			p.AtRisk = urgency(occasion, 4)
			if len(in.Warn) == 0 {
				f.wrong(fmt.Sprintf("%s.page[%d]", at, i), "needs warn: when the clock is at risk")
			}
		case pageBreached:
			p.Breached = urgency(occasion, 3)
		}
	}
	for occasion := range in.Priority {
		f.oneOf(at+".priority", occasion, pageAtRisk, pageBreached)
	}
	if c.set.Pages == nil {
		c.set.Pages = make(map[PromiseName]Page)
	}
	c.set.Pages[PromiseName{SOP: d.SOP, KPI: d.Name}] = p
}

// priority reads "P1" to "P5"; what is none is recorded, and 0.
func (f *file) priority(at, text string) paging.Priority {
	for p := paging.Priority(1); p <= 5; p++ {
		if text == fmt.Sprintf("P%d", p) {
			return p
		}
	}
	f.wrong(at, "is %q; write a priority from P1 to P5", text)
	return 0
}
