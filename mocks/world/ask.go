package world

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/mocks/jiramock"
	"github.com/maisonrmi/sopd/mocks/opsgeniemock"
)

// InGroup reports whether the person is in the group now. It is false for whom or what there is not.
func (w *World) InGroup(person, groupName string) bool {
	p, err := find(person)
	g, groupErr := w.group(groupName)
	return err == nil && groupErr == nil && slices.Contains(w.Okta.Members(g.ID), p.OktaID)
}

// Groups lists the names of the groups that the person is in now, sorted.
func (w *World) Groups(person string) []string {
	return w.groupsOf(person, func(Group) bool { return true })
}

// ManagedGroups lists the names of the groups that the person is in now and that tickets decide about, sorted.
func (w *World) ManagedGroups(person string) []string {
	return w.groupsOf(person, func(g Group) bool { return g.Managed })
}

func (w *World) groupsOf(person string, wanted func(Group) bool) []string {
	var names []string
	for _, g := range w.AllGroups() {
		if wanted(g) && w.InGroup(person, g.Name) {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Status returns the ticket's status, empty when there is no such ticket.
func (w *World) Status(key Key) string {
	issue, _ := w.Jira.Issue(key)
	return issue.Status
}

// Comments lists what was said on the ticket by anybody, oldest first.
func (w *World) Comments(key Key) []string {
	return w.commentsBy(key, func(jiramock.AccountID) bool { return true })
}

// Answers lists what the program said on the ticket, oldest first.
func (w *World) Answers(key Key) []string {
	return w.commentsBy(key, func(by jiramock.AccountID) bool { return by == account(botShort) })
}

func (w *World) commentsBy(key Key, wanted func(jiramock.AccountID) bool) []string {
	var out []string
	for _, c := range w.Jira.Comments(key) {
		if wanted(c.By) {
			out = append(out, c.Body)
		}
	}
	return out
}

// changeID is what the program marks each thing with that it did: a ULID behind a prefix.
var changeID = regexp.MustCompile(`CHG-[0-9A-HJKMNP-TV-Z]{26}`)

// ChangeIDs lists the change IDs that the program has named on the ticket, each once, in the order of their naming.
func (w *World) ChangeIDs(key Key) []string {
	var out []string
	for _, id := range changeID.FindAllString(strings.Join(w.Answers(key), "\n"), -1) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// Attachments lists the ticket's files, oldest first.
func (w *World) Attachments(key Key) []File {
	issue, _ := w.Jira.Issue(key)
	return issue.Attachments
}

// SessionsCleared reports whether Okta's log shows that all sessions of the person were ended.
func (w *World) SessionsCleared(person string) bool {
	p, err := find(person)
	return err == nil && w.events("user.session.clear", p.OktaID) > 0
}

// Added counts how often Okta's log shows that the person was put into the group.
func (w *World) Added(person, groupName string) int {
	p, err := find(person)
	g, groupErr := w.group(groupName)
	if err != nil || groupErr != nil {
		return 0
	}
	return w.events("group.user_membership.add", p.OktaID, g.ID)
}

// events counts the log's entries of a type whose targets are all the given ones and perhaps others.
func (w *World) events(kind string, targets ...string) int {
	n := 0
	for _, e := range w.Okta.Log() {
		if e.Type != kind || e.Result != "SUCCESS" {
			continue
		}
		ids := make([]string, 0, len(e.Targets))
		for _, t := range e.Targets {
			ids = append(ids, t.ID)
		}
		if !slices.ContainsFunc(targets, func(id string) bool { return !slices.Contains(ids, id) }) {
			n++
		}
	}
	return n
}

// OpenAlerts lists the alerts that are not closed, oldest first.
func (w *World) OpenAlerts() []opsgeniemock.Alert {
	return slices.DeleteFunc(w.Opsgenie.Alerts(), func(a opsgeniemock.Alert) bool { return a.Closed })
}

// AlertsAbout lists the open alerts that name all the given texts somewhere: in message, description, tags or details.
func (w *World) AlertsAbout(texts ...string) []opsgeniemock.Alert {
	return slices.DeleteFunc(w.OpenAlerts(), func(a opsgeniemock.Alert) bool {
		all := slices.Concat([]string{a.Message, a.Description, a.Alias, a.Entity}, a.Tags, slices.Collect(maps.Values(a.Details)))
		said := strings.Join(all, "\n")
		return slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(said, t) })
	})
}

// membershipSet is who is in which managed group, as "group/person" by name.
type membershipSet map[string]bool

// memberships returns who of the staff is in which managed group now.
func (w *World) memberships() membershipSet {
	shorts := map[string]string{}
	for _, p := range People() {
		shorts[p.OktaID] = p.Short
	}
	set := membershipSet{}
	for _, g := range w.AllGroups() {
		if !g.Managed {
			continue
		}
		for _, id := range w.Okta.Members(g.ID) {
			set[g.Name+"/"+shorts[id]] = true
		}
	}
	return set
}

// moment is what the world looked like when it was remembered.
type moment struct {
	memberships membershipSet
	alerts      int // open
}

// Remember keeps who is in which managed group now, and how many alerts are open, under a name.
func (w *World) Remember(name string) {
	now := moment{w.memberships(), len(w.OpenAlerts())}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moments[name] = now
}

// Paged reports whether more alerts are open than when the name was remembered.
func (w *World) Paged(name string) bool {
	open := len(w.OpenAlerts())
	w.mu.Lock()
	defer w.mu.Unlock()
	return open > w.moments[name].alerts
}

// Lost lists, as "group/person", the memberships that were there when the name was remembered and are not any more.
func (w *World) Lost(name string) []string {
	now := w.memberships()
	w.mu.Lock()
	defer w.mu.Unlock()
	var lost []string
	for m := range w.moments[name].memberships {
		if !now[m] {
			lost = append(lost, m)
		}
	}
	slices.Sort(lost)
	return lost
}
