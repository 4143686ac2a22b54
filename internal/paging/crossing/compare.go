package crossing

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/paging"
)

// Kind is in what the two sides disagree. The kinds are a closed set: see [Kinds].
type Kind string

const (
	// OnCall: the sides name different people for a schedule.
	OnCall Kind = "on_call"
	// Person: somebody on call is known to one side only by a name that leads to no person, so nobody can tell whether the
	// sides agree.
	Person Kind = "on_call_person"
	// Schedule: a schedule is on one side only, twice on one, or switched off on one.
	Schedule Kind = "schedule"
	// Unread: a schedule could not be read on one side.
	Unread Kind = "unread"
	// OpenAlert: an alert is open on one side only.
	OpenAlert Kind = "open_alert"
	// Acknowledged: an open alert is acknowledged on one side only.
	Acknowledged Kind = "acknowledged"
)

// Kinds returns every kind, for a metric's label.
func Kinds() []Kind { return []Kind{OnCall, Person, Schedule, Unread, OpenAlert, Acknowledged} }

// Disagreement is something that the two sides say differently.
type Disagreement struct {
	Kind Kind
	// What is the schedule's name or the alert's alias. It never names a person.
	What string
}

// Compare is [Pair.CompareOnCall] and [Pair.CompareAlerts] together.
//
// Errors: those of either. The result is then nil, and nothing is known: neither that the sides agree nor that an earlier
// disagreement is gone.
func (p *Pair) Compare(ctx context.Context, now time.Time) ([]Disagreement, error) {
	found, err := p.CompareOnCall(ctx)
	if err != nil {
		return nil, err
	}
	alerts, err := p.CompareAlerts(ctx, now)
	if err != nil {
		return nil, err
	}
	return sorted(append(found, alerts...)), nil
}

func sorted(all []Disagreement) []Disagreement {
	slices.SortFunc(all, func(a, b Disagreement) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.What, b.What)) })
	return all
}

// CompareOnCall reads who is on call on both sides and returns what they disagree on, by kind and name; empty when they
// agree. Schedules are matched by their names.
//
// Errors: those of listing the schedules of either side, or the context's; the result is then nil, and nothing is known.
func (p *Pair) CompareOnCall(ctx context.Context) ([]Disagreement, error) {
	first, err := p.options.Primary.Schedules(ctx)
	if err != nil {
		return nil, p.ofPrimary(err)
	}
	second, err := p.options.Secondary.Schedules(ctx)
	if err != nil {
		return nil, p.ofSecondary(err)
	}
	here, there := byName(first), byName(second)
	found := []Disagreement{}
	for _, name := range names(here, there) {
		if kind := p.compareSchedule(ctx, here[name], there[name]); kind != "" {
			found = append(found, Disagreement{kind, name})
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err() // what could not be read for that is no disagreement
	}
	return sorted(found), nil
}

// compareSchedule returns in what the schedules of one name disagree; empty when they do not. Switched off on both sides is
// agreement, as is switched off on one and absent from the other.
func (p *Pair) compareSchedule(ctx context.Context, here, there []paging.Schedule) Kind {
	switch {
	case !enabled(here) && !enabled(there):
		return ""
	case len(here) != 1 || len(there) != 1 || here[0].Enabled != there[0].Enabled:
		return Schedule
	}
	first, err := p.options.Primary.OnCall(ctx, here[0].ID)
	if err != nil {
		return Unread
	}
	second, err := p.options.Secondary.OnCall(ctx, there[0].ID)
	if err != nil {
		return Unread
	}
	return p.people(ctx, first, second)
}

func enabled(all []paging.Schedule) bool {
	return slices.ContainsFunc(all, func(s paging.Schedule) bool { return s.Enabled })
}

func byName(all []paging.Schedule) map[string][]paging.Schedule {
	m := map[string][]paging.Schedule{}
	for _, s := range all {
		m[s.Name] = append(m[s.Name], s)
	}
	return m
}

// names returns the names of both sides, sorted.
func names[K cmp.Ordered, V any](a, b map[K]V) []K {
	var all []K
	for name := range a {
		all = append(all, name)
	}
	for name := range b {
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// people returns in what the people on call disagree; empty when they are the same.
func (p *Pair) people(ctx context.Context, here, there paging.OnCall) Kind {
	first, known := identified(ctx, p.options.IdentifyPrimary, here.People)
	if !known {
		return Person
	}
	second, known := identified(ctx, p.options.IdentifySecondary, there.People)
	switch {
	case !known:
		return Person
	case !slices.Equal(first, second):
		return OnCall
	default:
		return ""
	}
}

// identified returns the people behind the names, sorted, each once. known is false when one of them is not.
func identified(ctx context.Context, identify Identify, names []string) (people []string, known bool) {
	for _, name := range names {
		person, err := identify(ctx, name)
		if err != nil || person == "" {
			return nil, false
		}
		people = append(people, person)
	}
	slices.Sort(people)
	return slices.Compact(people), true
}

// CompareAlerts reads the alerts of both sides and returns what they disagree on, by kind and alias; empty when they agree.
// Alerts are matched by their aliases; see [Options] for which. Pages go to one side: whether the vendor carries them
// to the other depends on the state of the organisation's move.
//
// Errors: those of listing the alerts of either side; the result is then nil, and nothing is known.
func (p *Pair) CompareAlerts(ctx context.Context, now time.Time) ([]Disagreement, error) {
	w := paging.Window{From: now.Add(-p.options.Lookback)}
	first, err := p.options.Primary.Alerts(ctx, w)
	if err != nil {
		return nil, p.ofPrimary(err)
	}
	second, err := p.options.Secondary.Alerts(ctx, w)
	if err != nil {
		return nil, p.ofSecondary(err)
	}
	settled := now.Add(-p.options.Settle)
	here, there := p.newest(first), p.newest(second)
	found := []Disagreement{}
	for _, alias := range names(here, there) {
		a, b := here[alias], there[alias]
		switch {
		case a.Updated.After(settled) || b.Updated.After(settled) || a.Created.After(settled) || b.Created.After(settled):
		case a.Open != b.Open:
			found = append(found, Disagreement{OpenAlert, string(alias)})
		case a.Open && a.Acknowledged != b.Acknowledged:
			found = append(found, Disagreement{Acknowledged, string(alias)})
		}
	}
	return sorted(found), nil
}

// newest returns the alerts that are compared by their aliases, of several with one alias the open one, else the newest. An
// alert whose alias is its own ID was made without one, and means nothing to the other side.
func (p *Pair) newest(all []paging.Alert) map[paging.Alias]paging.Alert {
	m := map[paging.Alias]paging.Alert{}
	for _, a := range all {
		before, seen := m[a.Alias]
		switch {
		case a.Alias == "" || string(a.Alias) == string(a.ID) || !strings.HasPrefix(string(a.Alias), p.options.Prefix):
		case !seen, a.Open && !before.Open, a.Open == before.Open && a.Created.After(before.Created):
			m[a.Alias] = a
		}
	}
	return m
}
