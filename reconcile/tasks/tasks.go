// Package tasks runs recurring tasks: each is opened as a ticket once in its period, chased while it is not done, and
// recorded as done, late or missed.
package tasks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

// The kinds of finding.
const (
	FindingOverdue finding.Kind = "task-overdue" // its time is over and it is not done
	FindingMissed  finding.Kind = "task-missed"  // it was never opened, because sopd was not running
)

// missedStands is for how long somebody is shown that a task was missed.
const missedStands = 24 * time.Hour

// openTime is how long a ticket may take to be opened before somebody is told without it.
const openTime = 10 * time.Minute

// Stage takes part in every pass.
type Stage struct{ Policies *policies.Set }

// Name tells it from the others.
func (*Stage) Name() string { return "tasks" }

// Kinds lists the findings that it raises.
func (*Stage) Kinds() []finding.Kind { return []finding.Kind{FindingOverdue, FindingMissed} }

// Observe reads nothing: the tickets of tasks are read with all others.
func (*Stage) Observe(context.Context, reconcile.Round) error { return nil }

// Demand returns nothing: a task decides about no access.
func (*Stage) Demand(*store.Tx, time.Time) (reconcile.Demand, error) { return reconcile.Demand{}, nil }

// Conclude opens what has become due and follows what is open. With writing off nothing is opened, and so nothing is due.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	if !w.Write {
		return nil, nil
	}
	var found []finding.Finding
	for _, a := range s.Policies.Agendas {
		for _, t := range a.Tasks {
			p := proceeding{tx: tx, agenda: a, task: t, now: w.Now}
			fs, err := p.conclude()
			if err != nil {
				return nil, fmt.Errorf("task %s of %s: %w", t.Name, a.Name, err)
			}
			found = append(found, fs...)
		}
		fs, err := reactions(tx, a, w.Now)
		if err != nil {
			return nil, fmt.Errorf("reactions of %s: %w", a.Name, err)
		}
		found = append(found, fs...)
	}
	return found, nil
}

// reactions opens the tasks that follow from what happened since sopd began.
func reactions(tx *store.Tx, a agenda.Agenda, now time.Time) ([]finding.Finding, error) {
	began, err := reconcile.Began(tx, now)
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, r := range a.After {
		p := proceeding{tx: tx, agenda: a, task: r.Task, now: now}
		for _, name := range r.Facts {
			facts, err := tx.FactsNamed(name, began)
			if err != nil {
				return nil, err
			}
			for _, f := range facts {
				if len(r.Severities) > 0 && !slices.Contains(r.Severities, f.Severity) {
					continue
				}
				if err := p.open(r.For(f.Subject, f.At)); err != nil {
					return nil, err
				}
			}
		}
		fs, err := p.follow()
		if err != nil {
			return nil, err
		}
		found = append(found, fs...)
	}
	return found, nil
}

// proceeding is one task in one pass.
type proceeding struct {
	tx     *store.Tx
	agenda agenda.Agenda
	task   agenda.Task
	now    time.Time
}

func (p proceeding) name() string { return p.agenda.Name + "/" + p.task.Name }

func (p proceeding) conclude() ([]finding.Finding, error) {
	cursor := "task/" + p.name()
	_, last, _, err := p.tx.Cursor(cursor)
	if err != nil {
		return nil, err
	}
	open, missed := p.task.Plan(last, p.now)
	for _, o := range missed {
		if err := p.missed(o); err != nil {
			return nil, err
		}
	}
	for _, o := range open {
		if err := p.open(o); err != nil {
			return nil, err
		}
	}
	if last.IsZero() || len(open)+len(missed) > 0 {
		if err := p.tx.SetCursor(cursor, "", p.now); err != nil {
			return nil, err
		}
	}
	return p.follow()
}

// fact returns a fact about an occurrence.
func (p proceeding) fact(suffix string, o agenda.Occurrence, at time.Time) kpi.Fact {
	subject := p.agenda.Subject(p.task, o)
	return kpi.Fact{
		ID: subject + "/" + suffix, Subject: subject, Name: p.agenda.Fact(suffix), At: at.UTC(), Recorded: p.now, Source: "agenda", Severity: p.task.Name,
	}
}

// missed records an occurrence that nobody was asked for.
func (p proceeding) missed(o agenda.Occurrence) error {
	_, err := p.tx.RecordFacts("", p.fact(agenda.Due, o, o.Opens), p.fact(agenda.Missed, o, p.task.Late(o)))
	return err
}

// effectKey names the effect that opens the ticket of an occurrence.
func (p proceeding) effectKey(o agenda.Occurrence) string {
	return "task/" + p.agenda.Subject(p.task, o)
}

// opened is the body of a task.opened entry.
type opened struct {
	Task   string    `json:"task"`
	Period string    `json:"period"`
	Due    time.Time `json:"due"`
	Marker string    `json:"marker"`
	Policy string    `json:"policy"`
}

// open has the ticket of an occurrence opened, once.
func (p proceeding) open(o agenda.Occurrence) error {
	ends := p.task.Ends(o)
	n := ticket.New{
		Project: p.task.Project, Type: p.task.Type, Summary: p.task.Title + ", " + o.Period, Labels: append([]string{"sopd-task"}, p.task.Labels...),
		Description: strings.TrimSpace(p.task.Description + fmt.Sprintf("\n\nTo be done by %s. %s answers for it.", local(p.task, ends), p.task.Owner)),
		Marker:      "sopd-task-" + p.task.Name + "-" + reconcile.Fingerprint(p.effectKey(o)),
	}
	fresh, err := p.tx.PutEffect(change.Effect{Key: p.effectKey(o), Kind: change.Open, Created: p.now, New: &n})
	if err != nil || !fresh {
		return err
	}
	if _, err := p.tx.RecordFacts("", p.fact(agenda.Due, o, o.Opens)); err != nil {
		return err
	}
	if err := p.tx.PutTask(store.Task{Name: p.name(), Period: o.Period, Opens: o.Opens, Ends: ends}); err != nil {
		return err
	}
	_, err = p.tx.Append(ledger.Entry{Kind: ledger.TaskOpened, At: p.now, Body: opened{
		Task: p.name(), Period: o.Period, Due: ends, Marker: n.Marker, Policy: p.agenda.Policy,
	}})
	return err
}

// local writes an instant by the wall clock of the task.
func local(t agenda.Task, at time.Time) string {
	zone, err := time.LoadLocation(t.Schedule.Calendar.Zone())
	if err != nil {
		zone = time.UTC
	}
	return at.In(zone).Format("Mon 2 Jan 2006 15:04 MST")
}

// follow looks after the occurrences that are not done.
func (p proceeding) follow() ([]finding.Finding, error) {
	open, err := p.tx.OpenTasks(p.name())
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, t := range open {
		f, stands, err := p.chase(t)
		if err != nil {
			return nil, err
		}
		if stands {
			found = append(found, f)
		}
	}
	unopened, err := p.unopened()
	return append(found, unopened...), err
}

// unopened returns the occurrences that were missed lately because nobody was asked.
func (p proceeding) unopened() ([]finding.Finding, error) {
	missed, err := p.tx.FactsNamed(p.agenda.Fact(agenda.Missed), p.now.Add(-missedStands-31*24*time.Hour))
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, m := range missed {
		if m.Severity != p.task.Name || p.now.Sub(m.Recorded) >= missedStands {
			continue
		}
		_, asked, err := p.tx.Effect("task/" + m.Subject)
		if err != nil {
			return nil, err
		}
		if !asked {
			found = append(found, p.finding(FindingMissed, m.Subject, "a recurring task was not opened in its period"))
		}
	}
	return found, nil
}

// chase records that an occurrence is done, or says on its ticket that it is soon due or overdue.
func (p proceeding) chase(t store.Task) (f finding.Finding, stands bool, err error) {
	o := agenda.Occurrence{Period: t.Period, Opens: t.Opens}
	e, _, err := p.tx.Effect(p.effectKey(o))
	if err != nil {
		return f, false, err
	}
	overdue := !p.now.Before(p.task.Late(o))
	if e.Ticket != "" {
		x, _, found, err := p.tx.Ticket(e.Ticket)
		if err != nil {
			return f, false, err
		}
		if at, done := p.task.DoneAt(x); found && done {
			return f, false, p.end(t, at, e.Ticket, p.fact(agenda.Done, o, at))
		}
		if found && x.Done && overdue { // closed without being done: it is missed, and asking on would be for nothing
			return f, false, p.end(t, p.now, e.Ticket, p.fact(agenda.Missed, o, p.task.Late(o)))
		}
	}
	if e.Ticket != "" {
		if err := p.remind(t, e.Ticket, overdue); err != nil {
			return f, false, err
		}
	}
	if !overdue {
		return f, false, nil
	}
	if _, err := p.tx.RecordFacts(e.Ticket, p.fact(agenda.Missed, o, p.task.Late(o))); err != nil {
		return f, false, err
	}
	if e.Ticket == "" && p.now.Sub(e.Created) < openTime {
		return f, false, nil // whoever is told wants the ticket
	}
	f = p.finding(FindingOverdue, p.agenda.Subject(p.task, o), "a recurring task is overdue: "+p.task.Title)
	f.Ticket = e.Ticket
	return f, true, nil
}

// end records how an occurrence went, after which nobody is asked for it any more.
func (p proceeding) end(t store.Task, at time.Time, key ticket.Key, how kpi.Fact) error {
	if _, err := p.tx.RecordFacts(key, how); err != nil {
		return err
	}
	t.Done = at
	return p.tx.PutTask(t)
}

func (p proceeding) finding(kind finding.Kind, subject, title string) finding.Finding {
	owner := p.task.Owner
	if p.task.Escalate != "" {
		owner = p.task.Escalate
	}
	return finding.Finding{
		Key: finding.Key(string(kind) + "/" + subject), Kind: kind, Title: title, Owner: owner, Raised: p.now,
		Detail: map[string]string{"task": subject, "responsible": p.task.Owner},
	}
}

// remind says on the ticket that the task is soon due, and that it is overdue, each once.
func (p proceeding) remind(t store.Task, key ticket.Key, overdue bool) error {
	switch {
	case overdue:
		text := fmt.Sprintf("This was to be done by %s and is not. %s answers for it%s.", local(p.task, t.Ends), p.task.Owner, escalated(p.task))
		_, err := p.tx.PutEffect(reconcile.Comment(key, "overdue", text, p.now))
		return err
	case p.soon(t):
		text := fmt.Sprintf("This has to be done by %s. %s answers for it.", local(p.task, t.Ends), p.task.Owner)
		_, err := p.tx.PutEffect(reconcile.Comment(key, "due-soon", text, p.now))
		return err
	default:
		return nil
	}
}

func escalated(t agenda.Task) string {
	if t.Escalate == "" {
		return ""
	}
	return "; " + t.Escalate + " has been told"
}

// soon reports whether the point of reminding has come.
func (p proceeding) soon(t store.Task) bool {
	w := p.task.Remind
	if w == (kpi.Warning{}) {
		return false
	}
	d := kpi.Definition{
		SOP: p.agenda.Name, Name: p.task.Name, Start: []string{"due"}, Stop: []string{"done"}, Warn: []kpi.Warning{w},
		Targets: map[string]kpi.Target{"": p.task.Within}, Calendar: p.task.Schedule.Calendar,
	}
	cycles := kpi.Compute(d, []kpi.Fact{{ID: "due", Subject: "task", Name: "due", At: t.Opens, Recorded: t.Opens}}, p.now)
	return len(cycles) == 1 && !cycles[0].AtRisk.IsZero()
}
