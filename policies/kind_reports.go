package policies

import (
	"fmt"
	"slices"

	"github.com/maisonrmi/sopd/internal/agenda"
	"github.com/maisonrmi/sopd/internal/calendar"
	"github.com/maisonrmi/sopd/internal/report"
)

// KindReports is reports that are made by themselves after each period and put on tickets.
const KindReports = "Reports"

// reportsFile is reports that are made by themselves after each period and put on tickets.
type reportsFile struct {
	SOP      sop          `yaml:",inline"`
	Calendar string       `yaml:"calendar"` // name of a calendar: its zone, and the working days to which reports move, daily ones excepted; UTC when left out
	Project  string       `yaml:"project"`
	Type     string       `yaml:"type"`
	Reports  []reportYAML `yaml:"reports"` // each with the ticket that it is put on
}

type reportYAML struct {
	Name     string   `yaml:"name"`     // short and stable, unique in the file; the files are called after it
	Title    string   `yaml:"title"`    // of the ticket; what the period is called when left out
	Period   string   `yaml:"period"`   // daily, weekly, monthly, quarterly or yearly: what is reported on, in UTC, once it is over
	Formats  []string `yaml:"formats"`  // md, html, csv, json or xlsx: a file of each
	SOP      string   `yaml:"sop"`      // name of the one procedure to report on; all when left out
	Type     string   `yaml:"type"`     // instead of the file's
	At       string   `yaml:"at"`       // local time of day; midnight when left out
	Weekday  string   `yaml:"weekday"`  // of a weekly report; monday when left out
	Day      int      `yaml:"day"`      // of the month; the first when left out
	Month    int      `yaml:"month"`    // of the quarter or of the year; the first when left out
	Within   string   `yaml:"within"`   // in how much time it has to be on its ticket, such as 4h or 1bd
	Owner    string   `yaml:"owner"`    // the role that reads it
	Escalate string   `yaml:"escalate"` // the role that is told when it is late; the owner when left out
	Labels   []string `yaml:"labels"`
}

func (c *compiler) reports(f *file) {
	var in reportsFile
	if !f.decode(&in) {
		return
	}
	d := c.document(f, in.SOP)
	f.pointless(in.SOP, "projects", "types", "requestTypes", "statuses", "fields")
	f.project("$.project", in.Project)
	on := c.named(f, "$.calendar", in.Calendar)
	orders := report.Orders{Agenda: agenda.Agenda{Name: d.Name, Policy: d.ID()}}
	if len(in.Reports) == 0 {
		f.wrong("$.reports", "name at least one report")
	}
	for i, r := range in.Reports {
		at := fmt.Sprintf("$.reports[%d]", i)
		if r.Type == "" {
			r.Type = in.Type
		}
		f.required(at+".type", r.Type)
		o := c.report(f, at, r, on)
		o.Task.Project = in.Project
		if slices.ContainsFunc(orders.Reports, func(k report.Order) bool { return k.Task.Name == r.Name }) {
			f.wrong(at+".name", "report %q stands twice", r.Name)
		}
		orders.Reports, orders.Agenda.Tasks = append(orders.Reports, o), append(orders.Agenda.Tasks, o.Task)
	}
	c.inPeriod(f, "$.reports", orders.Agenda, on)
	c.set.Reports = append(c.set.Reports, orders)
}

func (c *compiler) report(f *file, at string, in reportYAML, on *calendar.Calendar) report.Order {
	o := report.Order{Kind: report.Kind(in.Period), SOP: in.SOP}
	if in.Title == "" {
		in.Title = o.Kind.Title()
	}
	if in.Weekday == "" {
		in.Weekday = "monday"
	}
	when := scheduleYAML{Every: in.Period, At: in.At, Weekday: in.Weekday, Day: in.Day, Month: in.Month}
	if !f.oneOf(at+".period", in.Period, texts(report.Kinds())...) {
		when.Every = string(report.Monthly) // so that what else is wrong is said too
	}
	if o.Kind == report.Daily {
		on = everyDay(on)
	}
	o.Task = f.task(at, taskYAML{
		Name: in.Name, Title: in.Title, Type: in.Type, Schedule: when, Within: in.Within, Owner: in.Owner, Escalate: in.Escalate, Labels: in.Labels,
	}, on)
	if len(in.Formats) == 0 {
		f.wrong(at+".formats", "name at least one of: md, html, csv, json, xlsx")
	}
	for i, format := range in.Formats {
		if f.oneOf(fmt.Sprintf("%s.formats[%d]", at, i), format, texts(report.Formats())...) && !slices.Contains(o.Formats, report.Format(format)) {
			o.Formats = append(o.Formats, report.Format(format))
		}
	}
	c.later = append(c.later, func() {
		if _, known := c.set.Document(in.SOP); in.SOP != "" && !known {
			f.wrong(at+".sop", "no procedure is named %q", in.SOP)
		}
	})
	return o
}

// everyDay returns the calendar's zone without days off: what happened on a Saturday is reported on too.
func everyDay(on *calendar.Calendar) *calendar.Calendar {
	open, err := calendar.New(calendar.Definition{Name: "every-day", Zone: on.Zone(), Versions: []calendar.Version{{Week: calendar.AllDay()}}})
	if err != nil {
		return on
	}
	return open
}

// texts returns the values as texts.
func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
