package policies

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/kpi"
)

// The kinds of policy that open tickets by themselves.
const (
	KindRecurringTasks = "RecurringTasks" // daily, weekly, monthly, quarterly and yearly tasks
	KindSOPControl     = "SOPControl"     // the review of every procedure before its day
)

// tasksFile is recurring tasks.
type tasksFile struct {
	SOP      sop        `yaml:",inline"`
	Calendar string     `yaml:"calendar"`
	Project  string     `yaml:"project"`
	Type     string     `yaml:"type"`
	Done     []string   `yaml:"done"`
	Tasks    []taskYAML `yaml:"tasks"`
}

type taskYAML struct {
	Name        string       `yaml:"name"`
	Title       string       `yaml:"title"`
	Description string       `yaml:"description"`
	Type        string       `yaml:"type"` // instead of the file's
	Schedule    scheduleYAML `yaml:",inline"`
	Within      string       `yaml:"within"`
	Remind      string       `yaml:"remind"`
	Owner       string       `yaml:"owner"`
	Escalate    string       `yaml:"escalate"`
	Labels      []string     `yaml:"labels"`
}

type scheduleYAML struct {
	Every   string `yaml:"every"`
	At      string `yaml:"at"` // local time of day
	Weekday string `yaml:"weekday"`
	Day     int    `yaml:"day"`
	Month   int    `yaml:"month"`
}

// clockOfTasks is the one clock of every agenda.
const clockOfTasks = "in-period"

func (c *compiler) recurringTasks(f *file) {
	var in tasksFile
	if !f.decode(&in) {
		return
	}
	d := c.document(f, in.SOP)
	f.pointless(in.SOP, "projects", "types", "requestTypes", "statuses", "fields")
	on := c.named(f, "$.calendar", in.Calendar)
	a := agenda.Agenda{Name: d.Name, Policy: d.ID()}
	f.project("$.project", in.Project)
	if len(in.Done) == 0 {
		f.wrong("$.done", "name the statuses in which a task is done")
	}
	if len(in.Tasks) == 0 {
		f.wrong("$.tasks", "name at least one task")
	}
	for i, t := range in.Tasks {
		at := fmt.Sprintf("$.tasks[%d]", i)
		made := f.task(at, t, on)
		made.Project, made.Done = in.Project, in.Done
		if made.Type == "" {
			made.Type = in.Type
		}
		f.required(at+".type", made.Type)
		if slices.ContainsFunc(a.Tasks, func(k agenda.Task) bool { return k.Name == t.Name }) {
			f.wrong(at+".name", "task %q stands twice", t.Name)
		}
		a.Tasks = append(a.Tasks, made)
	}
	c.agenda(f, a, on)
}

// named returns the calendar of the name; without one, the calendar that is always open.
func (c *compiler) named(f *file, at, name string) *calendar.Calendar {
	if name == "" {
		return calendar.Always()
	}
	known, ok := c.set.Calendars[name]
	if !ok {
		f.wrong(at, "there is no calendar %q; write a file of kind Calendar, or leave it out to count every hour in UTC", name)
		return calendar.Always()
	}
	return known
}

func (f *file) task(at string, in taskYAML, on *calendar.Calendar) agenda.Task {
	if !slug.MatchString(in.Name) {
		f.wrong(at+".name", "name is %q; write small letters, digits and hyphens", in.Name)
	}
	f.required(at+".title", in.Title)
	f.required(at+".owner", in.Owner)
	return agenda.Task{
		Name: in.Name, Title: in.Title, Description: in.Description, Type: in.Type, Schedule: f.schedule(at, in.Schedule, on),
		Within: f.target(at+".within", in.Within), Remind: f.warning(at+".remind", in.Remind),
		Owner: in.Owner, Escalate: in.Escalate, Labels: in.Labels,
	}
}

func (f *file) schedule(at string, in scheduleYAML, on *calendar.Calendar) agenda.Schedule {
	s := agenda.Schedule{Every: agenda.Every(in.Every), Day: in.Day, Month: in.Month, Calendar: on}
	names := make([]string, 0, len(agenda.Rhythms()))
	for _, e := range agenda.Rhythms() {
		names = append(names, string(e))
	}
	f.oneOf(at+".every", in.Every, names...)
	if in.At != "" {
		t, err := time.Parse("15:04", in.At)
		if err != nil {
			f.wrong(at+".at", "is %q; write a time of day such as 09:00", in.At)
		}
		s.Minute = t.Hour()*60 + t.Minute()
	}
	if s.Every == agenda.Weekly {
		weekday, ok := weekdays[in.Weekday]
		if !ok {
			f.wrong(at+".weekday", "is %q; write monday to sunday", in.Weekday)
		}
		s.Weekday = weekday
	}
	if in.Day < 0 || in.Day > 31 {
		f.wrong(at+".day", "is %d; write a day of the month", in.Day)
	}
	months := map[agenda.Every]int{agenda.Quarterly: 3, agenda.Yearly: 12}[s.Every]
	if in.Month < 0 || in.Month > months {
		f.wrong(at+".month", "is %d; write 1 to %d, or leave it out", in.Month, months)
	}
	return s
}

// agenda keeps tasks, with their facts and their clock.
func (c *compiler) agenda(f *file, a agenda.Agenda, on *calendar.Calendar) {
	c.inPeriod(f, "$.tasks", a, on)
	c.set.Agendas = append(c.set.Agendas, a)
}

// inPeriod declares the facts and the clock of what recurs; it stands in the list.
func (c *compiler) inPeriod(f *file, list string, a agenda.Agenda, on *calendar.Calendar) {
	for _, suffix := range []string{agenda.Due, agenda.Done, agenda.Missed} {
		c.declare(f, "$.name", a.Name, a.Fact(suffix))
	}
	d := kpi.Definition{
		SOP: a.Name, Name: clockOfTasks, Subject: "task", Start: []string{a.Fact(agenda.Due)}, Stop: []string{a.Fact(agenda.Done), a.Fact(agenda.Missed)},
		Targets: make(map[string]kpi.Target), Calendar: on,
	}
	for i, t := range a.AllTasks() {
		d.Targets[t.Name] = t.Within
		if t.Schedule.Every != agenda.Once && !t.Within.IsZero() && t.Within.Nominal(on) > period(t.Schedule.Every, on) {
			f.wrong(fmt.Sprintf("%s[%d].within", list, i), "%s is longer than from one time to the next", t.Within)
		}
		d.Owner, d.Escalate = t.Owner, t.Escalate
	}
	if on.AlwaysOpen() {
		d.Calendar = nil
	}
	if !slices.ContainsFunc(a.AllTasks(), func(t agenda.Task) bool { return t.Within.IsZero() }) && len(d.Targets) > 0 {
		f.validate(list, []kpi.Definition{d})
	}
	c.set.Clocks = append(c.set.Clocks, d)
	c.paging(f, "$", d, clockYAML{})
}

// period returns how much time of the calendar lies between two tasks, at least.
func period(every agenda.Every, on *calendar.Calendar) time.Duration {
	if on.AlwaysOpen() {
		return map[agenda.Every]time.Duration{
			agenda.Daily: 24 * time.Hour, agenda.Weekly: 7 * 24 * time.Hour, agenda.Monthly: 31 * 24 * time.Hour,
			agenda.Quarterly: 92 * 24 * time.Hour, agenda.Yearly: 366 * 24 * time.Hour,
		}[every]
	}
	day := on.UsualDay()
	return map[agenda.Every]time.Duration{
		agenda.Daily: day, agenda.Weekly: 7 * day, agenda.Monthly: 23 * day, agenda.Quarterly: 66 * day, agenda.Yearly: 262 * day,
	}[every]
}

// controlFile is the control of the procedures themselves.
type controlFile struct {
	SOP      sop       `yaml:",inline"`
	Project  string    `yaml:"project"`
	Type     string    `yaml:"type"`
	Done     []string  `yaml:"done"`
	Lead     string    `yaml:"lead"` // how long before its day a review is opened
	Remind   string    `yaml:"remind"`
	Escalate string    `yaml:"escalate"`
	After    afterYAML `yaml:"after"`
}

// afterYAML opens a review when something happens.
type afterYAML struct {
	Facts      []string `yaml:"facts"`
	Severities []string `yaml:"severities"`
	Within     string   `yaml:"within"`
	Title      string   `yaml:"title"`
}

// sopControl makes the review of every procedure a task, once all procedures are known.
func (c *compiler) sopControl(f *file) {
	var in controlFile
	if !f.decode(&in) {
		return
	}
	d := c.document(f, in.SOP)
	f.pointless(in.SOP, "projects", "types", "requestTypes", "statuses", "fields")
	f.project("$.project", in.Project)
	f.required("$.type", in.Type)
	if len(in.Done) == 0 {
		f.wrong("$.done", "name the statuses in which a review is done")
	}
	lead, err := kpi.ParseTarget(in.Lead)
	days := f.days("$.lead", in.Lead)
	if err != nil || days == 0 {
		f.wrong("$.lead", "is %q; write how many days before its day a review is opened, such as 30d", in.Lead)
	}
	common := agenda.Task{
		Within: lead, Remind: f.warning("$.remind", in.Remind), Project: in.Project, Type: in.Type, Done: in.Done, Escalate: in.Escalate,
	}
	c.later = append([]func(){func() { c.reviewsOfDocuments(f, d, in, common, days) }}, c.later...)
}

func (c *compiler) reviewsOfDocuments(f *file, control Document, in controlFile, common agenda.Task, lead time.Duration) {
	a := agenda.Agenda{Name: control.Name, Policy: control.ID()}
	for _, d := range c.set.Documents {
		t := common
		t.Name, t.Title, t.Owner = "review-"+d.Name, "Review the procedure "+d.Title, d.Reviewer
		t.Description = fmt.Sprintf("Version %s of %q has to be reviewed by %s. Read it, change what does not hold any more, set the day of the next review in %s, and have everybody named in it acknowledge what changed.",
			d.Version, d.Title, d.NextReview.Format(time.DateOnly), d.File)
		t.Schedule = agenda.Schedule{Every: agenda.Once, Date: calendar.DateOf(d.NextReview.Add(-lead)), Calendar: calendar.Always()}
		a.Tasks = append(a.Tasks, t)
	}
	if len(in.After.Facts) > 0 {
		t := common
		t.Name, t.Title, t.Owner = "after-incident", in.After.Title, control.Owner
		t.Within = f.target("$.after.within", in.After.Within)
		t.Schedule = agenda.Schedule{Every: agenda.Once, Calendar: calendar.Always()}
		f.required("$.after.title", in.After.Title)
		for i, fact := range in.After.Facts {
			if !slices.Contains(c.facts(), fact) {
				f.wrong(fmt.Sprintf("$.after.facts[%d]", i), "no policy gives the fact %q; known are: %s", fact, strings.Join(c.facts(), ", "))
			}
		}
		a.After = []agenda.Reaction{{Facts: in.After.Facts, Severities: in.After.Severities, Task: t}}
	}
	c.agenda(f, a, calendar.Always())
}
