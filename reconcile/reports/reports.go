// Package reports makes the reports that policies order, each once after its period, and has them put on tickets.
package reports

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/finding"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/report"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile"
)

// FindingMissed says that a report was never made, because sopd was not running.
const FindingMissed finding.Kind = "report-missed"

const (
	// missedStands is for how long somebody is shown that a report was missed.
	missedStands = 24 * time.Hour
	// missedWindow is how long ago the time of a missed report may have been over: a yearly one, and some days.
	missedWindow = 400 * 24 * time.Hour
)

// Stage takes part in every pass.
type Stage struct {
	Policies *policies.Set
	// Read reads the store apart from what the pass writes: a report reads the whole ledger.
	Read func(ctx context.Context, fn func(*store.Tx) error) error
	// Program is sopd's version.
	Program string
}

// Name tells it from the others.
func (*Stage) Name() string { return "reports" }

// Kinds lists the findings that it raises.
func (*Stage) Kinds() []finding.Kind { return []finding.Kind{FindingMissed} }

// Demand returns nothing: a report decides about no access.
func (*Stage) Demand(*store.Tx, time.Time) (reconcile.Demand, error) { return reconcile.Demand{}, nil }

// Observe makes one report that has come due and queues it. The others wait for the next pass, so that none is kept long by
// the reading of the ledger. With writing off nothing is made, and so nothing is missed.
func (s *Stage) Observe(ctx context.Context, w reconcile.Round) error {
	if !w.Write {
		return nil
	}
	for _, orders := range s.Policies.Reports {
		for _, o := range orders.Reports {
			i := issue{stage: s, round: w, agenda: orders.Agenda, order: o}
			made, err := i.proceed(ctx)
			if err != nil {
				return fmt.Errorf("report %s of %s: %w", o.Task.Name, orders.Agenda.Name, err)
			}
			if made {
				return nil
			}
		}
	}
	return nil
}

// issue is one order in one pass.
type issue struct {
	stage  *Stage
	round  reconcile.Round
	agenda agenda.Agenda
	order  report.Order
}

func (i issue) name() string { return i.agenda.Name + "/" + i.order.Task.Name }

// cursor holds the periods whose reports are on their way, and when the newest came due.
func (i issue) cursor() string { return "report/" + i.name() }

// proceed makes the newest report that has come due and records the older ones as missed.
func (i issue) proceed(ctx context.Context) (made bool, err error) {
	var last time.Time
	var under access.Cursor
	err = i.stage.Read(ctx, func(tx *store.Tx) error {
		under, last, _, err = tx.Cursor(i.cursor())
		return err
	})
	if err != nil {
		return false, err
	}
	due, err := i.order.Turns(last, i.round.Now)
	switch {
	case err != nil || len(due) == 0 && !last.IsZero():
		return false, err
	case len(due) == 0: // what comes due from now on is made
		return false, i.round.Store(ctx, func(tx *store.Tx) error { return tx.SetCursor(i.cursor(), "", i.round.Now) })
	}
	newest := due[len(due)-1]
	m, err := i.compose(ctx, newest)
	if err != nil {
		return false, err
	}
	return true, i.round.Store(ctx, func(tx *store.Tx) error {
		for _, t := range due[:len(due)-1] {
			if _, err := tx.RecordFacts("", i.fact(agenda.Due, t, t.Opens), i.fact(agenda.Missed, t, i.late(t))); err != nil {
				return err
			}
		}
		if err := i.queue(tx, m); err != nil {
			return err
		}
		return tx.SetCursor(i.cursor(), joined(append(periods(under), newest.Period.Name)), newest.Opens)
	})
}

func (i issue) late(t report.Turn) time.Time { return i.order.Task.Late(i.order.Occurrence(t)) }

// subject names the report of a period, in facts and effects.
func (i issue) subject(period string) string {
	return i.agenda.Subject(i.order.Task, agenda.Occurrence{Period: period})
}

func (i issue) fact(suffix string, t report.Turn, at time.Time) kpi.Fact {
	subject := i.subject(t.Period.Name)
	return kpi.Fact{
		ID: subject + "/" + suffix, Subject: subject, Name: i.agenda.Fact(suffix), At: at.UTC(), Recorded: i.round.Now, Source: "report",
		Severity: i.order.Task.Name,
	}
}

// Conclude records which reports are on their tickets, and raises those that were missed lately.
func (s *Stage) Conclude(tx *store.Tx, w reconcile.Round) ([]finding.Finding, error) {
	var found []finding.Finding
	for _, orders := range s.Policies.Reports {
		for _, o := range orders.Reports {
			i := issue{stage: s, round: w, agenda: orders.Agenda, order: o}
			if err := i.sent(tx); err != nil {
				return nil, err
			}
		}
		fs, err := missed(tx, orders.Agenda, w.Now)
		if err != nil {
			return nil, err
		}
		found = append(found, fs...)
	}
	return found, nil
}

// periods and joined read and write the periods in a cursor.
func periods(c access.Cursor) []string { return strings.Fields(string(c)) }

func joined(periods []string) access.Cursor { return access.Cursor(strings.Join(periods, " ")) }

// sent looks after the reports that are on their way.
func (i issue) sent(tx *store.Tx) error {
	under, opened, _, err := tx.Cursor(i.cursor())
	if err != nil || under == "" {
		return err
	}
	var left []string
	for _, period := range periods(under) {
		there, err := i.arrived(tx, period)
		if err != nil {
			return err
		}
		if !there {
			left = append(left, period)
		}
	}
	if len(left) == len(periods(under)) {
		return nil
	}
	return tx.SetCursor(i.cursor(), joined(left), opened)
}

// arrived records that a report is on its ticket with every file, once it is.
func (i issue) arrived(tx *store.Tx, period string) (there bool, err error) {
	key := effectKey(i.subject(period))
	open, _, err := tx.Effect(key)
	if err != nil || open.Done.IsZero() {
		return false, err
	}
	last := open.Done
	files, err := tx.EffectsAfter(key)
	if err != nil {
		return false, err
	}
	for _, e := range files {
		if e.Done.IsZero() {
			return false, nil
		}
		if e.Done.After(last) {
			last = e.Done
		}
	}
	t := report.Turn{Period: report.Period{Name: period}}
	_, err = tx.RecordFacts(open.Ticket, i.fact(agenda.Done, t, last))
	return true, err
}

// missed returns what was missed lately because sopd was not running.
func missed(tx *store.Tx, a agenda.Agenda, now time.Time) ([]finding.Finding, error) {
	facts, err := tx.FactsNamed(a.Fact(agenda.Missed), now.Add(-missedWindow))
	if err != nil {
		return nil, err
	}
	var found []finding.Finding
	for _, m := range facts {
		_, asked, err := tx.Effect(effectKey(m.Subject))
		if err != nil {
			return nil, err
		}
		if asked || now.Sub(m.Recorded) >= missedStands {
			continue
		}
		f := finding.Finding{
			Key: finding.Key(string(FindingMissed) + "/" + m.Subject), Kind: FindingMissed, Raised: now,
			Title: "a report was not made after its period; sopd report makes it", Detail: map[string]string{"report": m.Subject},
		}
		for _, t := range a.Tasks {
			if t.Name == m.Severity {
				f.Owner = t.Owner
			}
		}
		found = append(found, f)
	}
	return found, nil
}
