package reconcile_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/paging"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/reconcile"
)

// jiraLag is how long the search index takes to show an edit.
const jiraLag = 3 * time.Second

// bot is sopd's own account in Jira.
const bot ticket.AccountID = "acc-uBot"

// issue is a ticket as Jira holds it.
type issue struct {
	ticket.Ticket
	approvals   []ticket.Approval
	comments    []ticket.Comment
	attachments []string
	contents    [][]byte // of the attachments
	// bad makes the ticket unreadable; hidden makes its approvals so.
	bad, hidden error
	// stuck refuses every transition.
	stuck bool
	moves []string
}

// jira is the ticketing.
type jira struct {
	opened []ticket.New // by sopd
	v      *vendors
	issues map[ticket.Key]*issue
	former map[ticket.Key]ticket.Key // old keys of tickets that have moved
	next   int
}

func newJira(v *vendors) *jira {
	return &jira{v: v, issues: make(map[ticket.Key]*issue), former: make(map[ticket.Key]ticket.Key), next: 1}
}

func person(id access.UserID) ticket.Person {
	return ticket.Person{Account: ticket.AccountID("acc-" + string(id)), Name: string(id), Active: true}
}

// ask is what somebody writes on a ticket.
type ask struct {
	project, kind string
	by, about     access.UserID
	system, role  string
	until         time.Time
	effective     time.Time
	// oldSystem and oldRole are what a role change takes; status is where the ticket begins.
	oldSystem, oldRole, status string
}

// raise makes a ticket that waits for approval.
func (j *jira) raise(a ask) ticket.Key {
	now := j.v.clock.now
	key := ticket.Key(fmt.Sprintf("%s-%d", a.project, j.next))
	i := &issue{Ticket: ticket.Ticket{
		ID: ticket.ID(fmt.Sprint(10000 + j.next)), Key: key, Project: a.project, Type: "Service Request", RequestType: a.kind,
		Status: "Waiting for approval", Reporter: person(a.by), Created: now, Updated: now,
		Fields: map[string]ticket.Value{"Access for": {Accounts: []ticket.AccountID{person(a.about).Account}}},
		People: map[ticket.AccountID]ticket.Person{person(a.about).Account: person(a.about)},
	}}
	if a.system != "" {
		i.Fields["System"] = ticket.Value{Texts: []string{a.system}}
		i.Fields["Business justification"] = ticket.Value{Texts: []string{"needed for the quarterly figures"}}
	}
	if a.role != "" {
		i.Fields["Role"] = ticket.Value{Texts: []string{a.role}}
	}
	if !a.until.IsZero() {
		i.Fields["Access until"] = ticket.Value{Time: a.until}
	}
	if !a.effective.IsZero() {
		i.Fields["Last day"] = ticket.Value{Time: a.effective}
	}
	for field, text := range map[string]string{"Old system": a.oldSystem, "Old role": a.oldRole} {
		if text != "" {
			i.Fields[field] = ticket.Value{Texts: []string{text}}
		}
	}
	if a.status != "" {
		i.Status = a.status
	}
	j.next++
	j.issues[key] = i
	return key
}

func (j *jira) touch(key ticket.Key) *issue {
	if to, moved := j.former[key]; moved {
		key = to
	}
	i, ok := j.issues[key]
	if !ok {
		j.v.t.Fatalf("no ticket %s", key)
	}
	i.Updated = j.v.clock.now
	return i
}

// approve adds an approval that the people have given, and moves the ticket on.
func (j *jira) approve(key ticket.Key, by ...access.UserID) {
	j.answer(key, ticket.Approved, by...)
	j.move(key, "Approved", "acc-jsm")
}

func (j *jira) answer(key ticket.Key, d ticket.Decision, by ...access.UserID) {
	i := j.touch(key)
	a := ticket.Approval{
		ID: ticket.ApprovalID(fmt.Sprintf("a%d", len(i.approvals)+1)), Decision: d, Created: j.v.clock.now, Completed: j.v.clock.now,
	}
	for _, id := range by {
		a.Approvers = append(a.Approvers, ticket.Approver{Person: person(id), Decision: d})
	}
	i.approvals = append(i.approvals, a)
}

func (j *jira) move(key ticket.Key, status string, by ticket.AccountID) {
	i := j.touch(key)
	i.History = append(slices.Clone(i.History), ticket.Edit{At: j.v.clock.now, By: by, Field: "status", FromText: i.Status, ToText: status})
	i.Status = status
	i.Done = status == "Closed" || status == "Cancelled"
	i.moves = append(i.moves, status)
}

func (j *jira) edit(key ticket.Key, field string, v ticket.Value) {
	i := j.touch(key)
	fields := make(map[string]ticket.Value)
	for k, old := range i.Fields {
		fields[k] = old
	}
	fields[field] = v
	i.Fields = fields
	i.History = append(slices.Clone(i.History), ticket.Edit{At: j.v.clock.now, By: i.Reporter.Account, Field: field})
}

// said counts the comments by sopd that hold the text.
func (j *jira) said(key ticket.Key, text string) int {
	n := 0
	for _, c := range j.issues[key].comments {
		if c.Author == bot && strings.Contains(c.Body, text) {
			n++
		}
	}
	return n
}

// rehome moves a ticket to another project, where it has another key and no request type.
func (j *jira) rehome(key ticket.Key, project string) ticket.Key {
	i := j.touch(key)
	to := ticket.Key(fmt.Sprintf("%s-%d", project, j.next))
	j.next++
	i.History = append(slices.Clone(i.History), ticket.Edit{At: j.v.clock.now, Field: "project", FromText: i.Project, ToText: project},
		ticket.Edit{At: j.v.clock.now, Field: "Key", FromText: string(key), ToText: string(to)})
	i.Key, i.Project, i.RequestType = to, project, ""
	j.issues[to], j.former[key] = i, to
	delete(j.issues, key)
	return to
}

func (j *jira) find(key ticket.Key) (*issue, error) {
	if to, moved := j.former[key]; moved {
		key = to
	}
	i, ok := j.issues[key]
	if !ok {
		return nil, fmt.Errorf("ticket: %w", access.ErrNotFound)
	}
	return i, i.bad
}

func (j *jira) Ticket(_ context.Context, key ticket.Key) (ticket.Ticket, error) {
	if err := j.v.read("Ticket"); err != nil {
		return ticket.Ticket{}, err
	}
	i, err := j.find(key)
	if err != nil {
		return ticket.Ticket{}, err
	}
	return i.Ticket, nil
}

func (j *jira) Changed(_ context.Context, projects []string, since time.Time) (reconcile.ChangedTickets, error) {
	out := reconcile.ChangedTickets{Bad: make(map[ticket.Key]error)}
	if err := j.v.read("Changed"); err != nil {
		return out, err
	}
	for _, i := range sorted(j.issues, func(*issue) bool { return true }) {
		if !slices.Contains(projects, i.Project) || i.Updated.Before(since) || i.Updated.After(j.v.clock.now.Add(-jiraLag)) {
			continue
		}
		if i.bad != nil {
			out.Bad[i.Key] = i.bad
			continue
		}
		out.Tickets = append(out.Tickets, i.Ticket)
	}
	return out, nil
}

func (j *jira) Approvals(_ context.Context, key ticket.Key) ([]ticket.Approval, error) {
	if err := j.v.read("Approvals"); err != nil {
		return nil, err
	}
	i, err := j.find(key)
	if err != nil {
		return nil, err
	}
	if i.hidden != nil {
		return nil, i.hidden
	}
	return slices.Clone(i.approvals), nil
}

func (j *jira) Comments(_ context.Context, key ticket.Key) ([]ticket.Comment, error) {
	if err := j.v.read("Comments"); err != nil {
		return nil, err
	}
	i, err := j.find(key)
	if err != nil {
		return nil, err
	}
	return slices.Clone(i.comments), nil
}

func (j *jira) Comment(_ context.Context, key ticket.Key, c ticket.Comment) error {
	return j.v.write("Comment", func() error {
		if _, err := j.find(key); err != nil {
			return err
		}
		c.Author, c.Created = bot, j.v.clock.now
		i := j.touch(key)
		i.comments = append(i.comments, c)
		return nil
	})
}

func (j *jira) Transition(_ context.Context, key ticket.Key, status string) error {
	return j.v.write("Transition", func() error {
		i, err := j.find(key)
		switch {
		case err != nil:
			return err
		case i.Status == status:
			return nil
		case i.stuck:
			return fmt.Errorf("transition: %w", access.ErrConflict)
		}
		j.move(key, status, bot)
		return nil
	})
}

func (j *jira) Attachments(_ context.Context, key ticket.Key) ([]string, error) {
	if err := j.v.read("Attachments"); err != nil {
		return nil, err
	}
	i, err := j.find(key)
	if err != nil {
		return nil, err
	}
	return slices.Clone(i.attachments), nil
}

func (j *jira) Attach(_ context.Context, key ticket.Key, name string, content io.Reader) error {
	return j.v.write("Attach", func() error {
		text, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		i := j.touch(key)
		i.attachments, i.contents = append(i.attachments, name), append(i.contents, text)
		return nil
	})
}

// Open opens a ticket, unless the search shows one with the marker.
func (j *jira) Open(_ context.Context, n ticket.New) (ticket.Key, error) {
	if err := n.Check(); err != nil {
		return "", err
	}
	for _, i := range sorted(j.issues, func(i *issue) bool { return slices.Contains(i.Labels, n.Marker) }) {
		if !i.Created.After(j.v.clock.now.Add(-jiraLag)) {
			return i.Key, nil
		}
	}
	var key ticket.Key
	err := j.v.write("Open", func() error {
		key = ticket.Key(fmt.Sprintf("%s-%d", n.Project, j.next))
		j.issues[key] = &issue{Ticket: ticket.Ticket{
			ID: ticket.ID(fmt.Sprint(10000 + j.next)), Key: key, Project: n.Project, Type: n.Type, Summary: n.Summary, Status: "Open",
			Reporter: ticket.Person{Account: bot, Active: true}, Created: j.v.clock.now, Updated: j.v.clock.now,
			Labels: append([]string{n.Marker}, n.Labels...), Fields: n.Fields,
		}}
		j.next++
		j.opened = append(j.opened, n)
		return nil
	})
	if err != nil {
		return "", err
	}
	return key, nil
}

func (j *jira) Link(_ context.Context, key ticket.Key, l ticket.Link) error {
	return j.v.write("Link", func() error { return nil })
}

// pager is the paging.
type pager struct {
	v       *vendors
	notes   map[paging.AlertID][]paging.Note
	open    map[string]string // alias by alert ID
	created int               // alerts opened; joins left out
	duties  []paging.Duty
	teams   [][]string // of each
	pages   []paging.NewAlert
	closed  int
	onCall  []string
	rotaErr error
}

func (p *pager) OnCall(_ context.Context, id paging.ScheduleID) (paging.OnCall, error) {
	if err := p.v.read("OnCall"); err != nil {
		return paging.OnCall{}, err
	}
	return paging.OnCall{Schedule: string(id), People: p.onCall}, p.rotaErr
}

func (p *pager) Duties(context.Context, time.Time) ([]paging.Duty, error) {
	if err := p.v.read("Duties"); err != nil {
		return nil, err
	}
	return slices.Clone(p.duties), nil
}

func (p *pager) Create(_ context.Context, a paging.NewAlert) (paging.AlertID, error) {
	var id paging.AlertID
	err := p.v.write("Create", func() error {
		for known, alias := range p.open {
			if alias == string(a.Alias) {
				id = paging.AlertID(known)
				return nil
			}
		}
		p.created++
		id = paging.AlertID(fmt.Sprintf("alert-%d", p.created))
		p.open[string(id)], p.teams = string(a.Alias), append(p.teams, a.Teams)
		p.pages = append(p.pages, a)
		return nil
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (p *pager) Close(_ context.Context, id paging.AlertID) error {
	return p.v.write("Close", func() error {
		delete(p.open, string(id))
		p.closed++
		return nil
	})
}

func (p *pager) Note(_ context.Context, id paging.AlertID, text string) error {
	return p.v.write("Note", func() error {
		if p.notes == nil {
			p.notes = make(map[paging.AlertID][]paging.Note)
		}
		p.notes[id] = append(p.notes[id], paging.Note{Text: text})
		return nil
	})
}

func (p *pager) Alert(_ context.Context, id paging.AlertID) (paging.Alert, error) {
	if err := p.v.read("Alert"); err != nil {
		return paging.Alert{}, err
	}
	_, open := p.open[string(id)]
	return paging.Alert{ID: id, Open: open}, nil
}

func (p *pager) Notes(_ context.Context, id paging.AlertID) ([]paging.Note, error) {
	var notes []paging.Note
	if err := p.v.read("Notes"); err != nil {
		return nil, err
	}
	return append(notes, p.notes[id]...), nil
}
