// Package agenda says when recurring tasks are due: daily, weekly, monthly, quarterly and yearly ones, on a calendar in its
// time zone.
//
// It is pure arithmetic on dates. A period begins at a local time of day, so that a task of 09:00 stays one of 09:00 when
// the clocks change; how long it may take is a [kpi.Target] on the same calendar, and the promise kept is the clock's.
package agenda

import (
	"cmp"
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/ticket"
)

// Every is how often a task recurs.
type Every string

// The rhythms.
const (
	Daily     Every = "daily"
	Weekly    Every = "weekly"
	Monthly   Every = "monthly"
	Quarterly Every = "quarterly"
	Yearly    Every = "yearly"
	// Once is a task of one day, such as the review of a document.
	Once Every = "once"
)

// Rhythms lists those that recur, the shortest first.
func Rhythms() []Every { return []Every{Daily, Weekly, Monthly, Quarterly, Yearly} }

// Schedule is when a task is opened.
type Schedule struct {
	Every Every
	// Weekday is the day of a weekly task.
	Weekday time.Weekday
	// Day is the day of the month, from 1; in a shorter month its last day. Month is the month of a yearly task, and the
	// month of the quarter, 1 to 3, of a quarterly one.
	Day   int
	Month int
	// Minute is the local time of day, in minutes after midnight.
	Minute int
	// Date is the day of a task that does not recur.
	Date calendar.Date
	// Calendar gives the time zone. On one with working hours a daily task is opened on working days only, and any other
	// moves to the next working day. Never nil.
	Calendar *calendar.Calendar
}

// Occurrence is one period of a task.
type Occurrence struct {
	Period string    // such as "2026-11-24", "2026-W48", "2026-11", "2026-Q4" or "2026"; unique in its task
	Opens  time.Time // UTC
}

// maxSteps bounds a search over periods: more than a hundred years of days.
const maxSteps = 40_000

// Between returns the occurrences that open after from and not after to, in order.
func (s Schedule) Between(from, to time.Time) []Occurrence {
	var out []Occurrence
	location := s.location()
	if s.Every == Once {
		o, _ := s.at(s.Date, location)
		if o.Opens.After(from) && !o.Opens.After(to) {
			out = append(out, o)
		}
		return out
	}
	day := s.begin(calendar.DateOf(from.In(location)))
	for range maxSteps {
		o, open := s.at(day, location)
		// A period that began before to may open after it by moving to a working day, never the other way round.
		if s.start(day, location).After(to) {
			break
		}
		if open && o.Opens.After(from) && !o.Opens.After(to) {
			out = append(out, o)
		}
		day = s.next(day)
	}
	return out
}

// Latest returns the newest occurrence that has opened by now. ok is false when there is none within two years.
func (s Schedule) Latest(now time.Time) (latest Occurrence, ok bool) {
	all := s.Between(now.AddDate(0, 0, -s.window()), now)
	if len(all) == 0 {
		return Occurrence{}, false
	}
	return all[len(all)-1], true
}

// Next returns the first occurrence that opens after now.
func (s Schedule) Next(now time.Time) (next Occurrence, ok bool) {
	all := s.Between(now, now.AddDate(0, 0, s.window()))
	if len(all) == 0 {
		return Occurrence{}, false
	}
	return all[0], true
}

// window returns a number of days in which the task opens at least once.
func (s Schedule) window() int {
	switch s.Every {
	case Daily, Weekly:
		return 40
	case Monthly, Quarterly:
		return 200
	case Yearly:
		return 800
	default:
		return 36_600
	}
}

// location is the calendar's zone, which it has checked to exist.
func (s Schedule) location() *time.Location {
	location, err := time.LoadLocation(s.Calendar.Zone())
	if err != nil {
		return time.UTC
	}
	return location
}

// begin returns the first date of the period that date lies in, one period before, so that what moved to a later working
// day is found too.
func (s Schedule) begin(date calendar.Date) calendar.Date {
	switch s.Every {
	case Daily:
		return date.AddDays(-1)
	case Weekly:
		return date.AddDays(-7 - (int(date.Weekday())+6)%7)
	case Monthly:
		return addMonths(calendar.Date{Year: date.Year, Month: date.Month, Day: 1}, -1)
	case Quarterly:
		return addMonths(calendar.Date{Year: date.Year, Month: date.Month - (date.Month-1)%3, Day: 1}, -3)
	default:
		return calendar.Date{Year: date.Year - 1, Month: 1, Day: 1}
	}
}

// next returns the first date of the period after the one that begins on date.
func (s Schedule) next(date calendar.Date) calendar.Date {
	switch s.Every {
	case Daily:
		return date.AddDays(1)
	case Weekly:
		return date.AddDays(7)
	case Monthly:
		return addMonths(date, 1)
	case Quarterly:
		return addMonths(date, 3)
	default:
		return addMonths(date, 12)
	}
}

func addMonths(d calendar.Date, n int) calendar.Date {
	return calendar.DateOf(time.Date(d.Year, d.Month+time.Month(n), d.Day, 0, 0, 0, 0, time.UTC))
}

// date returns the day of the task in the period that begins on first.
func (s Schedule) date(first calendar.Date) calendar.Date {
	switch s.Every {
	case Daily, Once:
		return first
	case Weekly:
		return first.AddDays((int(s.Weekday) + 6) % 7)
	case Quarterly, Yearly:
		first = addMonths(first, max(s.Month, 1)-1)
	case Monthly:
	}
	last := addMonths(first, 1).AddDays(-1).Day
	return calendar.Date{Year: first.Year, Month: first.Month, Day: min(max(s.Day, 1), last)}
}

// start returns the local time of day of the task, before it moves to a working day.
func (s Schedule) start(first calendar.Date, location *time.Location) time.Time {
	d := s.date(first)
	return time.Date(d.Year, d.Month, d.Day, 0, s.Minute, 0, 0, location)
}

// at returns the occurrence of the period that begins on first. open is false for a daily task on a day off.
func (s Schedule) at(first calendar.Date, location *time.Location) (o Occurrence, open bool) {
	date := s.date(first)
	if !s.Calendar.AlwaysOpen() {
		for range 366 {
			if len(s.Calendar.Day(date).Hours) > 0 {
				break
			}
			if s.Every == Daily {
				return Occurrence{}, false
			}
			date = date.AddDays(1)
		}
	}
	opens := time.Date(date.Year, date.Month, date.Day, 0, s.Minute, 0, 0, location)
	return Occurrence{Period: s.period(first), Opens: opens.UTC()}, true
}

func (s Schedule) period(first calendar.Date) string {
	switch s.Every {
	case Daily, Once:
		return first.String()
	case Weekly:
		year, week := time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, time.UTC).ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case Monthly:
		return fmt.Sprintf("%04d-%02d", first.Year, first.Month)
	case Quarterly:
		return fmt.Sprintf("%04d-Q%d", first.Year, (int(first.Month)-1)/3+1)
	default:
		return fmt.Sprintf("%04d", first.Year)
	}
}

// Agenda is the recurring tasks of one policy.
type Agenda struct {
	Name   string // of the policy, such as "operations-calendar"
	Policy string // SOP@version
	Tasks  []Task
	// After opens a task for each fact of these names, besides the schedules.
	After []Reaction
}

// Reaction opens a task whenever something happens, such as a review after a major incident.
type Reaction struct {
	Facts      []string // names
	Severities []string // of those only; empty: any
	Task       Task     // its schedule gives the calendar alone
}

// For returns the occurrence of the reaction to a fact about a subject.
func (Reaction) For(subject string, at time.Time) Occurrence {
	return Occurrence{Period: subject, Opens: at.UTC()}
}

// Task is one recurring task.
type Task struct {
	Name        string // short and stable, unique in its agenda
	Title       string // of the tickets
	Description string // of the tickets
	Schedule    Schedule
	Within      kpi.Target  // how long it may take, on the schedule's calendar
	Remind      kpi.Warning // zero: nobody is reminded
	Project     string      // in which the tickets are opened
	Type        string      // of the tickets
	Labels      []string    // of the tickets, besides the marker
	Done        []string    // statuses in which it is done; a ticket that was closed otherwise was not
	Owner       string      // the role that does it
	Escalate    string      // the role that is told when it is overdue; empty: the owner
}

// The suffixes of the facts of a task. A fact's name is the agenda's name, a dot and one of these; its severity is the
// task's name.
const (
	Due    = "due"    // the task was to be begun
	Done   = "done"   // it was done
	Missed = "missed" // its time was over and it was not done
)

// Fact returns the name of a fact of the agenda's tasks.
func (a Agenda) Fact(suffix string) string { return a.Name + "." + suffix }

// Subject is what the clock of one occurrence is about.
func (a Agenda) Subject(t Task, o Occurrence) string { return a.Name + "/" + t.Name + "@" + o.Period }

// Ends returns when the occurrence has to be done.
func (t Task) Ends(o Occurrence) time.Time { return t.Within.Due(t.Schedule.Calendar, o.Opens).UTC() }

// Late returns the first instant at which the occurrence is late: time after its end until working hours begin again does
// not count.
func (t Task) Late(o Occurrence) time.Time {
	return t.Schedule.Calendar.Next(t.Ends(o)).Add(time.Second).UTC()
}

// Plan says what to do with the occurrences since the last pass: which to open, and which are over already and were never
// opened. last is the period's opening that was dealt with last; zero on the very first pass, when nothing is missed and
// only what is still due is opened. Of several that are still due the newest is opened: a daemon that was away does not
// flood the desk, and the older ones are missed. What does not recur is opened however late it is.
func (t Task) Plan(last, now time.Time) (open []Occurrence, missed []Occurrence) {
	once := t.Schedule.Every == Once
	if last.IsZero() {
		if o, ok := t.Schedule.Latest(now); ok && (once || now.Before(t.Ends(o))) {
			return []Occurrence{o}, nil
		}
		return nil, nil
	}
	all := t.Schedule.Between(last, now)
	if len(all) == 0 {
		return nil, nil
	}
	newest := all[len(all)-1]
	missed = all[:len(all)-1]
	if !once && !now.Before(t.Ends(newest)) {
		return nil, all
	}
	return []Occurrence{newest}, missed
}

// DoneAt returns when the ticket of an occurrence came into a status in which the task is done, for good. ok is false while
// it has not.
func (t Task) DoneAt(x ticket.Ticket) (at time.Time, ok bool) {
	done := func(status string) bool {
		for _, d := range t.Done {
			if d == status {
				return true
			}
		}
		return false
	}
	if !done(x.Status) {
		return time.Time{}, false
	}
	at = x.Created
	for _, e := range x.History {
		if e.Field == "status" && done(e.ToText) && !done(e.FromText) {
			at = e.At
		}
	}
	return cmp.Or(at, x.Updated), true
}

// AllTasks lists the tasks of the agenda and those of its reactions.
func (a Agenda) AllTasks() []Task {
	all := append([]Task(nil), a.Tasks...)
	for _, r := range a.After {
		all = append(all, r.Task)
	}
	return all
}
