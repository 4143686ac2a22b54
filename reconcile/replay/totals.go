package replay

import (
	"slices"

	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
)

// Page is an alert that the changed policies would have sent and those in force did not, or the other way round.
type Page struct {
	About string `json:"about"` // ticket, plan, or user and group
	Why   string `json:"why"`   // one of the words below
	Sent  string `json:"sent"`  // by which policies: "changed" or "in force"
}

// Why somebody is paged.
const (
	WhyLate  = "late"  // a promise is broken
	WhyHeld  = "held"  // a guard stops a plan
	WhyDrift = "drift" // somebody is in a group and nothing entitles them
)

// Who sends a page.
const (
	ByChanged = "changed"
	ByInForce = "in force"
)

// Total counts what the changed policies would have done more and less than those in force.
type Total struct {
	What string `json:"what"` // what is counted, for people
	More int    `json:"more"` // under the changed policies and not under those in force
	Less int    `json:"less"` // the other way round
}

// Unread is a field that the changed policies read and those in force do not, so that it was never asked for.
type Unread struct {
	Field string `json:"field"` // as the policies name it
	// Tickets are those that would have been judged by it, and of which nobody knows what stood in it.
	Tickets []ticket.Key `json:"tickets"`
}

// pages lists whom the differences would have paged.
func pages(r Result) []Page {
	all := []Page{}
	add := func(about, why, sent string) { all = append(all, Page{About: about, Why: why, Sent: sent}) }
	for _, p := range r.Promises {
		for _, subject := range p.Late {
			add(subject+" "+p.SOP+"/"+p.KPI, WhyLate, ByChanged)
		}
		for _, subject := range p.Kept {
			add(subject+" "+p.SOP+"/"+p.KPI, WhyLate, ByInForce)
		}
	}
	for _, p := range r.Plans {
		switch {
		case len(p.Before) == 0:
			add(p.Hash, WhyHeld, ByChanged)
		case len(p.After) == 0:
			add(p.Hash, WhyHeld, ByInForce)
		}
	}
	raised := []string{Reported, Removed}
	for _, d := range r.Drift {
		was, is := slices.Contains(raised, d.Before), slices.Contains(raised, d.After)
		switch {
		case is && !was:
			add(string(d.User)+" "+string(d.Group), WhyDrift, ByChanged)
		case was && !is:
			add(string(d.User)+" "+string(d.Group), WhyDrift, ByInForce)
		}
	}
	return all
}

// totals counts the differences.
func totals(r Result) []Total {
	given, removed := Total{What: "memberships given on a request"}, Total{What: "memberships taken away as drift"}
	held := Total{What: "plans stopped by a guard"}
	paged := map[string]*Total{}
	all := []*Total{&given, &removed, &held}
	for _, why := range []string{WhyLate, WhyHeld, WhyDrift} {
		paged[why] = &Total{What: "pages: " + why}
		all = append(all, paged[why])
	}
	for _, q := range r.Requests {
		given.More += len(q.Gains)
		given.Less += len(q.Loses)
	}
	for _, d := range r.Drift {
		removed.count(d.After == Removed, d.Before == Removed)
	}
	for _, p := range r.Plans {
		held.count(len(p.After) > 0 && len(p.Before) == 0, len(p.Before) > 0 && len(p.After) == 0)
	}
	for _, p := range r.Pages {
		paged[p.Why].count(p.Sent == ByChanged, p.Sent == ByInForce)
	}
	out := make([]Total, len(all))
	for i, t := range all {
		out[i] = *t
	}
	return out
}

func (t *Total) count(more, less bool) {
	if more {
		t.More++
	}
	if less {
		t.Less++
	}
}

// unread finds what of a ticket nobody can know: fields that only the changed policies read and that hold nothing, as far as is
// known. A ticket that was read before they were asked for looks like one on which nobody filled them in.
func unread(before *policies.Set, sop policies.SOP, t Ticket) []string {
	known := before.Fields()
	var names []string
	for _, name := range sop.Rules.Fields.Names() {
		if _, filled := t.Fields[name]; !filled && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	return names
}

// note adds a ticket to the fields that nobody read of it.
func (r *Result) note(fields []string, key ticket.Key) {
	for _, name := range fields {
		i := slices.IndexFunc(r.Unread, func(u Unread) bool { return u.Field == name })
		if i < 0 {
			r.Unread = append(r.Unread, Unread{Field: name})
			i = len(r.Unread) - 1
		}
		r.Unread[i].Tickets = append(r.Unread[i].Tickets, key)
	}
}
