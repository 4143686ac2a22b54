package report

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/agenda"
)

// Orders is the reports that one policy has made by themselves.
type Orders struct {
	Agenda  agenda.Agenda // names the policy and its facts; its tasks are those of the reports, in their order
	Reports []Order
}

// Order is a report that is made after each period of its kind and put on a ticket.
type Order struct {
	Task    agenda.Task // the name, when it is made, and the ticket; its rhythm is the kind's
	Kind    Kind
	SOP     string   // the one procedure that it is about; empty: all
	Formats []Format // the files; at least one
}

// Kinds lists the kinds of report, that of the shortest period first.
func Kinds() []Kind { return []Kind{Daily, Weekly, Monthly, Quarterly, Yearly} }

// Turn is one period of an order that was over when its report came due.
type Turn struct {
	Period Period
	Opens  time.Time // when the report came due; never before the period was over
}

// farEast is how far a local day begins before the day of the same date in UTC.
//
// Source: UTC+14, the zone of the Line Islands.
const farEast = 14 * time.Hour

// Turns returns what has come due after last and not after now, the oldest first. On the very first pass, when last is
// zero, it is the newest at most, and only while its time is not over: nobody waits for a report of long ago.
//
// Errors: [access.ErrInvalid] when the schedule is not of the order's kind.
func (o Order) Turns(last, now time.Time) ([]Turn, error) {
	from := last.Add(-farEast)
	if last.IsZero() {
		latest, ok := o.Task.Schedule.Latest(now)
		if !ok {
			return nil, nil
		}
		from = latest.Opens.Add(-time.Second)
	}
	var due []Turn
	for _, occurrence := range o.Task.Schedule.Between(from, now) {
		t, err := turn(occurrence)
		if err != nil {
			return nil, fmt.Errorf("occurrence %s of %s: %w", occurrence.Period, o.Task.Name, err)
		}
		late := last.IsZero() && !now.Before(o.Task.Ends(o.Occurrence(t)))
		if t.Opens.After(last) && !t.Opens.After(now) && !late {
			due = append(due, t)
		}
	}
	return due, nil
}

// turn returns the period before the one that the occurrence lies in.
func turn(o agenda.Occurrence) (Turn, error) {
	running, err := ParsePeriod(o.Period)
	if err != nil {
		return Turn{}, err
	}
	t := Turn{Period: running.Before(), Opens: o.Opens}
	if t.Opens.Before(t.Period.To) {
		t.Opens = t.Period.To
	}
	return t, nil
}

// Occurrence returns the turn as facts and clocks name it: by the period that is reported on.
func (Order) Occurrence(t Turn) agenda.Occurrence {
	return agenda.Occurrence{Period: t.Period.Name, Opens: t.Opens}
}
