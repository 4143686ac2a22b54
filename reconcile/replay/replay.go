// Package replay holds a changed set of policies against recorded history: what it would have granted, removed, stopped and
// called late, before it is put in force.
//
// It is a pure function of what was recorded. It judges each ticket as of the time when its approvals were answered, with
// the people as they are known now.
package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/authority"
	"github.com/maisonrmi/sopd/internal/catalog"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/guard"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/people"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// History is what was recorded.
type History struct {
	Since, Now time.Time
	Tickets    []Ticket
	Users      []access.User                      // everybody
	Members    map[access.GroupID][]access.UserID // of every group that was completely read, sorted
	Granted    map[access.Membership]bool         // memberships for which a live grant speaks
	Baseline   map[access.Membership]bool         // memberships adopted without a ticket
	Changes    []change.Change                    // writes intended since Since
	Facts      []kpi.Fact                         // all
}

// Ticket is a ticket with its approvals as they were last read.
type Ticket struct {
	ticket.Ticket
	Approvals []ticket.Approval
}

// Result is what would have been different.
type Result struct {
	Since  time.Time `json:"since"`
	Now    time.Time `json:"now"`
	Judged int       `json:"judged"` // tickets that belong to a procedure of either set
	// Unread are fields that were never asked for. The tickets that they decide are in none of the lists and totals below.
	Unread   []Unread  `json:"unread"`
	Totals   []Total   `json:"totals"`
	Pages    []Page    `json:"pages"`
	Requests []Request `json:"requests"`
	Plans    []Plan    `json:"plans"`
	Drift    []Drift   `json:"drift"`
	Promises []Promise `json:"promises"`
}

// Request is a ticket that would have been judged otherwise.
type Request struct {
	Ticket ticket.Key `json:"ticket"`
	// Before and After are the outcomes, empty where no procedure takes the ticket.
	Before  authority.Outcome   `json:"before"`
	After   authority.Outcome   `json:"after"`
	Gains   []access.Membership `json:"gains"` // would have been given and was not
	Loses   []access.Membership `json:"loses"` // was given and would not have been
	Why     []string            `json:"why"`   // what the new policies lack or refuse
	Expires time.Time           `json:"expires,omitzero"`
}

// Plan is a recorded plan that the guards would have judged otherwise. Shares are measured against the groups as they are
// now, numbers as they were.
type Plan struct {
	Hash    string       `json:"hash"` // of the plan
	At      time.Time    `json:"at"`
	Changes int          `json:"changes"` // how many it had
	Before  []guard.Name `json:"before"`  // the guards that trip under the policies in force
	After   []guard.Name `json:"after"`   // and under the changed ones
}

// Drift is a membership that would be treated otherwise from now on.
type Drift struct {
	access.Membership
	Before string `json:"before"` // one of the words below
	After  string `json:"after"`  // likewise, under the changed policies
}

// What becomes of a membership.
const (
	Unmanaged = "unmanaged" // the group is not in the catalog
	Entitled  = "entitled"  // a grant or the baseline speaks for it
	Reported  = "reported"  // raised as drift
	Removed   = "removed"   // removed as drift
)

// Promise is a clock whose figures would be others.
type Promise struct {
	SOP  string   `json:"sop"`  // the procedure
	KPI  string   `json:"kpi"`  // name of the clock
	Late []string `json:"late"` // subjects that would have been late and were not
	Kept []string `json:"kept"` // subjects that were late and would not have been
	// Figures is how many figures differ in all.
	Figures int `json:"figures"`
}

// Compare returns what would have been different under the changed set. All lists are sorted.
func Compare(before, after *policies.Set, h History) Result {
	r := Result{Since: h.Since, Now: h.Now, Requests: []Request{}, Plans: []Plan{}, Drift: []Drift{}, Promises: []Promise{}, Unread: []Unread{}}
	old, changed := newJudge(before, h), newJudge(after, h)
	for _, t := range h.Tickets {
		if sop, ours := after.SOP(t.Ticket); ours {
			if fields := unread(before, sop, t); len(fields) > 0 {
				r.note(fields, t.Key)
				continue
			}
		}
		request, judged, differs := compareTicket(old, changed, t)
		if judged {
			r.Judged++
		}
		if differs {
			r.Requests = append(r.Requests, request)
		}
	}
	slices.SortFunc(r.Requests, func(a, b Request) int { return cmp.Compare(a.Ticket, b.Ticket) })
	r.Plans = comparePlans(before, after, h)
	r.Drift = compareDrift(before, after, h)
	r.Promises = comparePromises(before.Clocks, after.Clocks, h)
	r.Pages = pages(r)
	r.Totals = totals(r)
	return r
}

// judge judges tickets under one set of policies.
type judge struct {
	set    *policies.Set
	people *people.Directory
	now    time.Time
}

func newJudge(set *policies.Set, h History) judge {
	return judge{set: set, people: people.New(set.People, h.Users, h.Members), now: h.Now}
}

// verdict judges the ticket as of the last answer to its approvals. known is false when no procedure takes it.
func (j judge) verdict(t Ticket) (v authority.Verdict, sop policies.SOP, known bool) {
	sop, known = j.set.SOP(t.Ticket)
	if !known {
		return authority.Verdict{}, sop, false
	}
	at := t.Created
	for _, a := range t.Approvals {
		if a.Completed.After(at) {
			at = a.Completed
		}
	}
	return authority.Judge(t.Ticket, t.Approvals, sop.Rules, authority.World{Catalog: j.set.Catalog, People: j.people, Now: at}), sop, true
}

// memberships returns what a request for access is given: what it entitles to, in systems that are not only observed.
func (j judge) memberships(v authority.Verdict, sop policies.SOP) []access.Membership {
	if sop.Kind != policies.KindAccessProvisioning {
		return nil
	}
	var all []access.Membership
	for _, g := range v.Grants(sop.ID()) {
		if j.set.Catalog.Mode(g.Group).Writes() {
			all = append(all, g.Membership())
		}
	}
	slices.SortFunc(all, access.Membership.Compare)
	return slices.Compact(all)
}

func compareTicket(old, changed judge, t Ticket) (r Request, judged, differs bool) {
	was, oldSOP, wasOurs := old.verdict(t)
	is, newSOP, isOurs := changed.verdict(t)
	had, has := old.memberships(was, oldSOP), changed.memberships(is, newSOP)
	r = Request{
		Ticket: t.Key, Before: was.Outcome, After: is.Outcome, Gains: without(has, had), Loses: without(had, has), Why: []string{},
		Expires: is.Request.Expires,
	}
	for _, p := range is.Problems {
		r.Why = append(r.Why, p.String())
	}
	if is.Outcome == authority.Waiting {
		for _, role := range is.WaitingFor {
			r.Why = append(r.Why, "nobody has approved as "+role)
		}
	}
	if was.Outcome == is.Outcome && len(r.Loses) > 0 {
		r.Why = append(r.Why, "the system is only observed, or the role gives other groups")
	}
	same := was.Outcome == is.Outcome && len(r.Gains)+len(r.Loses) == 0
	return r, wasOurs || isOurs, !same
}

func without(all, these []access.Membership) []access.Membership {
	left := slices.DeleteFunc(slices.Clone(all), func(m access.Membership) bool { return slices.Contains(these, m) })
	if left == nil {
		return []access.Membership{}
	}
	return left
}

// comparePlans holds every plan that was carried out against the guards of both sets.
func comparePlans(before, after *policies.Set, h History) []Plan {
	byPlan := make(map[string][]change.Change)
	for _, c := range h.Changes {
		byPlan[c.Plan] = append(byPlan[c.Plan], c)
	}
	out := []Plan{}
	for _, hash := range slices.Sorted(maps.Keys(byPlan)) {
		changes := byPlan[hash]
		p := Plan{Hash: hash, At: changes[0].Intended, Changes: len(changes)}
		p.Before = tripped(changes, before, h, p.At)
		p.After = tripped(changes, after, h, p.At)
		if !slices.Equal(p.Before, p.After) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Plan) int { return a.At.Compare(b.At) })
	return out
}

// tripped returns the guards that the changes would trip. A group has at least as many members as the plan took from it.
func tripped(changes []change.Change, set *policies.Set, h History, at time.Time) []guard.Name {
	state := guard.State{Catalog: set.Catalog, Sizes: make(map[access.GroupID]int)}
	for id, members := range h.Members {
		state.Sizes[id] = len(members)
	}
	for _, c := range changes {
		if c.Kind == change.RemoveMember {
			state.Sizes[c.Group]++
		}
	}
	for _, c := range h.Changes {
		if c.Kind == change.RemoveMember && c.Intended.Before(at) && !c.Intended.Before(at.Add(-time.Hour)) {
			state.RemovedLastHour++
		}
	}
	names := []guard.Name{}
	for _, trip := range guard.Check(changes, set.Guards, state) {
		names = append(names, trip.Guard)
	}
	return names
}

// compareDrift says for every membership of a managed group what becomes of it under both sets.
func compareDrift(before, after *policies.Set, h History) []Drift {
	out := []Drift{}
	for _, id := range slices.Sorted(maps.Keys(h.Members)) {
		for _, user := range h.Members[id] {
			m := access.Membership{Group: id, User: user}
			d := Drift{Membership: m, Before: treatment(before.Catalog, h, m), After: treatment(after.Catalog, h, m)}
			if d.Before != d.After {
				out = append(out, d)
			}
		}
	}
	return out
}

func treatment(c catalog.Catalog, h History, m access.Membership) string {
	_, ours := c.Group(m.Group)
	switch {
	case !ours:
		return Unmanaged
	case h.Granted[m], h.Baseline[m]:
		return Entitled
	case c.Mode(m.Group) == catalog.Enforce:
		return Removed
	default:
		return Reported
	}
}

// comparePromises computes every clock that stands in either set under both.
func comparePromises(before, after []kpi.Definition, h History) []Promise {
	old, changed := byName(before), byName(after)
	names := slices.Collect(maps.Keys(old))
	for name := range changed {
		if _, known := old[name]; !known {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	out := []Promise{}
	for _, name := range names {
		was, is := cycles(old[name], h), cycles(changed[name], h)
		p := Promise{SOP: name[0], KPI: name[1], Figures: len(kpi.Differences(was, is))}
		p.Late, p.Kept = outrun(late(is), late(was)), outrun(late(was), late(is))
		if p.Figures > 0 {
			out = append(out, p)
		}
	}
	return out
}

func byName(clocks []kpi.Definition) map[[2]string]*kpi.Definition {
	all := make(map[[2]string]*kpi.Definition)
	for i := range clocks {
		all[[2]string{clocks[i].SOP, clocks[i].Name}] = &clocks[i]
	}
	return all
}

// cycles computes the clock's cycles that were under way since the history begins; nil when there is no such clock.
func cycles(d *kpi.Definition, h History) []kpi.Cycle {
	if d == nil {
		return nil
	}
	return slices.DeleteFunc(kpi.Compute(*d, h.Facts, h.Now), func(c kpi.Cycle) bool {
		return !c.Stopped.IsZero() && c.Stopped.Before(h.Since)
	})
}

// late returns the subjects that were late, sorted.
func late(all []kpi.Cycle) []string {
	subjects := []string{}
	for _, c := range all {
		if c.Counted() && c.State != kpi.Cancelled && !c.Overdue.IsZero() {
			subjects = append(subjects, c.Subject)
		}
	}
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

// outrun returns what stands in a and not in b.
func outrun(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
